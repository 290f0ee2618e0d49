# SPDX-License-Identifier: Apache-2.0
"""Providers whose secret is exchanged for a token: asked for once, renewed in
time, never shown; and what becomes of requests while there is none."""
import base64
import concurrent.futures
import json
import os
import signal
import socket
import subprocess
import time
import urllib.parse

import pytest

import reader
from client import request_bytes, wait_for
from upstream import Upstream

SECRET = "s3cret-of-the-client+/="
HELLO = [{"role": "user", "content": "hello"}]


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    """A pair of RSA keys: paths of the private and of the public one."""
    folder = tmp_path_factory.mktemp("keys")
    private, public = str(folder / "private.pem"), str(folder / "public.pem")
    for command in (["genrsa", "-out", private, "2048"],
                    ["rsa", "-in", private, "-pubout", "-out", public]):
        subprocess.run(["openssl", *command], check=True, capture_output=True)
    return private, public


def token_url(upstream, path="/token", **query):
    return f"{upstream.url}/tokens{path}" + ("?" + urllib.parse.urlencode(query)
                                             if query else "")


def section(gw, token, key=None, dialect="openai", name="cloud", retries=0):
    """A provider whose token comes as LLMToken says."""
    key = key or "file:" + gw.file("client.secret", SECRET + "\n")
    return (gw.conf(f"LLMRetries {retries}")
            .provider(name, dialect, key=key, more=f"LLMToken {token}")
            .model(f"{name}/*", f"{name} *"))


def oauth(gw, upstream, retries=0, **query):
    return section(gw, f"oauth client=me scope=all url={token_url(upstream, **query)}",
                   retries=retries).enable()


def chats(upstream):
    return [s for s in upstream.seen() if s.path.endswith("/chat/completions")]


def fetches(upstream):
    return [s for s in upstream.seen() if s.entry["target"].startswith("/tokens")]


def form(seen):
    return dict(urllib.parse.parse_qsl(seen.body.decode()))


def bearer(seen):
    return seen.header("authorization").removeprefix("Bearer ")


def ask(gw, **more):
    return gw.chat("cloud/gpt-test", **more)


def settled(gw):
    """Requests before the first token wait for it; so does the test."""
    assert wait_for(lambda: ask(gw).status == 200, 10, "the first token")


# -- each kind ------------------------------------------------------------------

def service_account(keys, upstream, **more):
    with open(keys[0], encoding="ascii") as pem:
        return {"type": "service_account", "project_id": "p", "private_key_id": "kid1",
                "private_key": pem.read(), "client_email": "robot@p.example",
                "token_uri": token_url(upstream), **more}


def decode(part):
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def test_a_google_service_account_signs_an_assertion(gw, upstream, keys, tmp_path):
    key = gw.file("robot.json", json.dumps(service_account(keys, upstream), indent=2))
    gw.serve(section(gw, "google", "file:" + key).enable())
    settled(gw)
    sent = form(fetches(upstream)[0])
    assert sent["grant_type"] == "urn:ietf:params:oauth:grant-type:jwt-bearer"
    head, claims, signature = sent["assertion"].split(".")
    assert json.loads(decode(head)) == {"alg": "RS256", "typ": "JWT", "kid": "kid1"}
    said = json.loads(decode(claims))
    assert said["iss"] == "robot@p.example" and said["aud"] == token_url(upstream)
    assert said["scope"] == "https://www.googleapis.com/auth/cloud-platform"
    assert abs(said["iat"] - time.time()) < 30 and said["exp"] == said["iat"] + 3600
    (tmp_path / "text").write_text(f"{head}.{claims}")
    (tmp_path / "signature").write_bytes(decode(signature))
    done = subprocess.run(["openssl", "dgst", "-sha256", "-verify", keys[1], "-signature",
                           str(tmp_path / "signature"), str(tmp_path / "text")],
                          capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "Verified OK", done
    assert bearer(chats(upstream)[0]).startswith("token-")


def test_a_google_users_refresh_token(gw, upstream):
    user = {"type": "authorized_user", "client_id": "c.apps.example",
            "client_secret": "d-secret", "refresh_token": "1//0refresh"}
    key = gw.file("adc.json", json.dumps(user))
    gw.serve(section(gw, f"google url={token_url(upstream)}", "file:" + key).enable())
    settled(gw)
    assert form(fetches(upstream)[0]) == {
        "grant_type": "refresh_token", "client_id": "c.apps.example",
        "client_secret": "d-secret", "refresh_token": "1//0refresh"}


def test_googles_metadata_server(gw, upstream):
    gw.serve(section(gw, f"google url={token_url(upstream, '/computeMetadata/token')}",
                     "none").enable())
    settled(gw)
    sent = fetches(upstream)[0]
    assert sent.method == "GET" and sent.header("metadata-flavor") == "Google"
    assert sent.target == "/tokens/computeMetadata/token"


def test_an_entra_application(gw, upstream):
    gw.serve(section(gw, f"entra tenant=t client=app url={token_url(upstream)}",
                     dialect="azure").enable())
    settled(gw)
    assert form(fetches(upstream)[0]) == {
        "grant_type": "client_credentials", "client_id": "app", "client_secret": SECRET,
        "scope": "https://cognitiveservices.azure.com/.default"}
    sent = chats(upstream)[0]
    assert bearer(sent).startswith("token-") and sent.header("api-key") is None


def test_a_managed_identity(gw, upstream):
    gw.serve(section(gw, f"entra client=mine url={token_url(upstream, '/metadata')}", "none",
                     dialect="azure").enable())
    settled(gw)
    sent = fetches(upstream)[0]
    assert sent.header("metadata") == "true"
    assert urllib.parse.parse_qs(sent.target.partition("?")[2]) == {
        "api-version": ["2018-02-01"], "resource": ["https://cognitiveservices.azure.com"],
        "client_id": ["mine"]}


def federated(gw, upstream, path, **query):
    return section(gw, f"entra tenant=t client=app federated={path} "
                   f"url={token_url(upstream, **query)}", "none", dialect="azure").enable()


def test_an_entra_workload_identity(gw, upstream):
    """The file is read anew for each token: Kubernetes renews what is in it."""
    path = gw.file("azure-identity-token", "eyJhbGciOi.eyJpc3Mi.c2lnbmF0dXJl-_\n", 0o644)
    gw.serve(federated(gw, upstream, path, life=4))
    settled(gw)
    assert form(fetches(upstream)[0]) == {
        "grant_type": "client_credentials", "client_id": "app",
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        "client_assertion": "eyJhbGciOi.eyJpc3Mi.c2lnbmF0dXJl-_",
        "scope": "https://cognitiveservices.azure.com/.default"}
    assert bearer(chats(upstream)[0]).startswith("token-")
    gw.file("azure-identity-token", "another.one.signed", 0o644)
    assert wait_for(lambda: form(fetches(upstream)[-1])["client_assertion"]
                    == "another.one.signed", 20, "the new assertion")
    assert ask(gw).status == 200


@pytest.mark.parametrize("content, key, said", [
    (None, "none", "the file of federated= cannot be opened"),
    ("", "none", "the file of federated= holds no token"),
    ("two words", "none", "the file of federated= holds no token"),
    ("x" * 20000, "none", "the file of federated= is too long"),
    ("a.b.c", None, "federated= stands in for a secret: expected LLMKey none")])
def test_a_workload_identity_that_cannot_be_shown(gw, upstream, content, key, said):
    path = "/nowhere/token" if content is None else gw.file("federated.token", content)
    code, text = gw.configtest(section(gw, "entra tenant=t client=app "
                                       f"federated={path}", key).enable())
    assert code and said in text, text
    assert content is None or len(content) < 3 or content not in text


def test_a_workload_identity_wants_a_path(gw):
    code, text = gw.configtest(section(gw, "entra federated=token", "none").enable())
    assert code and "federated=: expected an absolute path" in text


def test_an_ibm_api_key(gw, upstream):
    gw.serve(section(gw, f"ibm url={token_url(upstream, '/identity/token')}").enable())
    settled(gw)
    assert form(fetches(upstream)[0]) == {
        "grant_type": "urn:ibm:params:oauth:grant-type:apikey", "apikey": SECRET}


@pytest.mark.parametrize("kind, scope", [("databricks", "all-apis"), ("oauth", "all")])
def test_a_client_in_the_header(gw, upstream, kind, scope):
    more = " scope=all" if kind == "oauth" else ""
    gw.serve(section(gw, f"{kind} client=me{more} url={token_url(upstream)}").enable())
    settled(gw)
    sent = fetches(upstream)[0]
    assert form(sent) == {"grant_type": "client_credentials", "scope": scope}
    assert base64.b64decode(sent.header("authorization")[6:]).decode() == "me:" + SECRET


@pytest.mark.parametrize("dialect, path, body, asked", [
    ("anthropic", "/v1/messages", {"max_tokens": 5, "messages": HELLO}, "/v1/messages"),
    ("gemini", "/v1/chat/completions", {"messages": HELLO},
     "/v1beta/models/x:generateContent")])
def test_a_token_goes_as_a_bearers_whatever_the_dialect(gw, upstream, dialect, path, body,
                                                        asked):
    gw.serve(section(gw, f"oauth client=me url={token_url(upstream)}",
                     dialect=dialect).enable())
    upstream.queue({"status": 418, "body": "{}", "path": asked})
    gw.tolerates("LLMGW0101")
    gw.post(path, {"model": "cloud/x", **body})
    sent = next(s for s in upstream.seen() if not s.target.startswith("/tokens"))
    assert bearer(sent).startswith("token-")
    assert sent.header("x-api-key") is None and sent.header("x-goog-api-key") is None
    upstream.reset()


# -- once, and in time ------------------------------------------------------------

def test_many_requests_at_the_start_fetch_one_token(gw, upstream):
    gw.stop()
    gw.start(oauth(gw, upstream, delay=600))
    with concurrent.futures.ThreadPoolExecutor(24) as pool:
        answers = list(pool.map(lambda _: ask(gw).status, range(48)))
    assert answers == [200] * 48
    assert len(fetches(upstream)) == 1
    assert len({bearer(s) for s in chats(upstream)}) == 1


def test_a_token_is_renewed_before_its_end(gw, upstream):
    gw.serve(oauth(gw, upstream, life=4))
    settled(gw)
    end = time.time() + 8
    while time.time() < end:
        assert ask(gw).status == 200
        time.sleep(0.1)
    times = [s.began for s in fetches(upstream)]
    assert 3 <= len(times) <= 4, times
    assert all(2.7 < b - a < 3.8 for a, b in zip(times, times[1:])), times
    tokens = [bearer(s) for s in chats(upstream)]
    assert len(set(tokens)) >= 2
    assert tokens == sorted(tokens, key=lambda t: int(t.split("-")[1]))


@pytest.mark.parametrize("query, life", [({"life": 3600, "life_as": "string"}, 3600),
                                         ({"life_as": "none"}, 300)])
def test_lives_told_in_other_ways(gw, upstream, query, life):
    gw.serve(oauth(gw, upstream, **query))
    settled(gw)
    assert len(fetches(upstream)) == 1, life


# -- when it cannot be had ----------------------------------------------------------

def test_a_server_that_is_down_at_the_start(gw, upstream):
    other = Upstream()
    port, url = other.port, token_url(other)
    other.stop()
    gw.expects("LLMGW0\\d+: provider cloud: no token by LLMToken oauth: the token server "
               "cannot be reached.*requests are refused")
    gw.expects("LLMGW0101")
    gw.expects("provider cloud: there is a token again")
    gw.serve(section(gw, f"oauth client=me url={url}").enable())
    for client, path, body in (
            ("openai", "/v1/chat/completions", {"messages": HELLO}),
            ("anthropic", "/v1/messages", {"max_tokens": 5, "messages": HELLO}),
            ("ollama", "/api/chat", {"messages": HELLO})):
        answer = gw.post(path, {"model": "cloud/x", **body})
        assert answer.status == 503, answer
        assert "no token for provider cloud: the token server cannot be reached" \
            in reader.error_of(client, answer.json)[1]
        assert int(answer.header("retry-after")) <= 10
    answer = gw.post("/v1beta/models/cloud%2Fx:generateContent",
                     {"contents": [{"role": "user", "parts": [{"text": "hi"}]}]})
    assert answer.status == 503
    assert not chats(upstream)
    back = Upstream("--port", str(port))
    try:
        wait_for(lambda: ask(gw).status == 200, 20, "the token server to be asked again")
    finally:
        back.stop()


def test_another_provider_answers_meanwhile(gw, upstream):
    key = "file:" + gw.file("client.secret", SECRET)
    gw.tolerates("LLMGW0101", "no token by LLMToken")
    upstream.queue({"path": "/token", "status": 400, "repeat": 50, "headers": {
        "Content-Type": "application/json"}, "body": '{"error": "invalid_scope"}'})
    gw.serve(gw.conf("LLMRetries 1")
             .provider("cloud", "openai", key=key,
                       more=f"LLMToken oauth client=me url={token_url(upstream)}")
             .provider("plain", "openai", key="env:TEST_OPENAI_KEY")
             .model("smart", "cloud a priority=1", "plain gpt-test priority=2").enable())
    answer = gw.chat("smart")
    assert answer.status == 200 and answer.header("x-llm-provider") == "plain"


def test_the_old_token_stays_while_the_server_fails(gw, upstream):
    gw.tolerates("LLMGW0101")
    gw.expects("no token by LLMToken oauth: the token server answered 500; the old one is "
               "still good", "no token by LLMToken oauth.*requests are refused")
    gw.serve(oauth(gw, upstream, life=6))
    settled(gw)
    upstream.queue({"path": "/token", "status": 500, "body": "oops", "repeat": 100})
    began = fetches(upstream)[0].began
    while time.time() < began + 5.0:
        assert ask(gw).status == 200
        time.sleep(0.1)
    assert len(fetches(upstream)) >= 1
    wait_for(lambda: ask(gw).status == 503, 3, "the token's end")
    message = ask(gw).json["error"]["message"]
    assert "the token server answered 500" in message
    wait_for(lambda: any("requests are refused" in line for line in gw.recent_log()), 10,
             "the log to tell")
    upstream.reset()


@pytest.mark.parametrize("lie, told", [
    ("garbage", "no JSON object"), ('["x"]', "no JSON object"), ("{}", "no access_token"),
    ('{"access_token": 5}', "no access_token"), ('{"access_token": ""}', "no access_token"),
    ('{"access_token": "a\\r\\nX-Evil: 1"}', "no access_token"),
    ('{"access_token": "' + "a" * 20000 + '"}', "no access_token"),
    ('{"access_token": "a", "expires_in": -1}', "expires_in"),
    ('{"access_token": "a", "expires_in": "soon"}', "expires_in"),
    ('{"access_token": "a", "pad": "' + "x" * 70000 + '"}', "cannot be reached")])
def test_answers_that_cannot_be_used(gw, upstream, lie, told):
    gw.tolerates("LLMGW0101", "no token by LLMToken")
    gw.stop()
    upstream.queue({"path": "/token", "body": lie, "repeat": 100,
                    "headers": {"Content-Type": "application/json"}})
    gw.start(oauth(gw, upstream))
    answer = ask(gw)
    assert answer.status == 503 and told in answer.json["error"]["message"], answer
    assert not chats(upstream)
    upstream.reset()


def test_a_client_that_leaves_while_there_is_no_token(gw, upstream):
    gw.tolerates("LLMGW0101", "no token by LLMToken")
    gw.stop()
    gw.start(oauth(gw, upstream, delay=3000))
    body = json.dumps({"model": "cloud/gpt-test", "messages": HELLO}).encode()
    sock = socket.create_connection(("127.0.0.1", gw.port))
    sock.sendall(request_bytes("POST", "/v1/chat/completions", [
        ("Authorization", f"Bearer {gw.key()}"), ("Content-Type", "application/json")],
        body, f"127.0.0.1:{gw.port}"))
    time.sleep(0.5)
    sock.close()
    began = time.time()
    wait_for(lambda: gw.records(3)[-1]["status"] == 499, 5, "its record")
    assert time.time() - began < 2
    assert not chats(upstream)


# -- a provider that refuses it -------------------------------------------------------

REFUSED = {"path": "/v1/chat/completions", "status": 401, "headers": {
    "Content-Type": "application/json"},
    "body": '{"error": {"message": "expired", "type": "x", "param": null, "code": null}}'}


def test_a_refused_token_is_renewed_and_the_request_asked_again(gw, upstream):
    gw.stop()
    gw.start(oauth(gw, upstream))
    settled(gw)
    before = len(chats(upstream))
    upstream.queue({**REFUSED, "path": "/chat/completions"}, {**REFUSED})
    answer = ask(gw)
    assert answer.status == 200 and answer.header("x-llm-attempts") == "2"
    first, second = chats(upstream)[before:]
    assert bearer(first) != bearer(second)
    assert len(fetches(upstream)) == 2
    gw.tolerates("LLMGW0101")
    upstream.reset()


def test_a_provider_that_refuses_every_token_costs_one_renewal(gw, upstream):
    gw.tolerates("LLMGW0101")
    gw.stop()
    gw.start(oauth(gw, upstream))
    settled(gw)
    upstream.queue({**REFUSED, "repeat": 1000}, {**REFUSED, "path": "/chat/completions",
                                                 "repeat": 1000})
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: ask(gw).status, range(24)))
    assert answers == [401] * 24
    assert len(fetches(upstream)) == 2
    assert len(chats(upstream)) < 1 + 2 * 24
    upstream.reset()


# -- secrets ----------------------------------------------------------------------------

def test_neither_secret_nor_token_is_anywhere(gw, upstream):
    gw.tolerates("LLMGW0101", "no token by LLMToken")
    told = json.dumps({"error": "invalid_client", "error_description":
                       f"secret {SECRET} of me is wrong"})
    upstream.queue({"path": "/token", "status": 401, "body": told,
                    "headers": {"Content-Type": "application/json"}})
    gw.stop()
    gw.start(oauth(gw, upstream))
    answer = ask(gw)
    assert answer.status == 503 and "401 invalid_client" in answer.json["error"]["message"]
    settled(gw)
    token = bearer(chats(upstream)[-1])
    kept = {os.path.join(gw.root, "client.secret")}
    assert set(gw.files_with(SECRET.encode())) <= kept
    assert not gw.files_with(token.encode())
    keeper = keeper_pid(gw)
    for pid in [gw.pid, *gw.children(), keeper]:
        for what in ("cmdline", "environ"):
            with open(f"/proc/{pid}/{what}", "rb") as text:
                assert SECRET.encode() not in text.read()


def keeper_pid(gw):
    for pid in os.listdir("/proc"):
        if pid.isdigit():
            try:
                with open(f"/proc/{pid}/stat", encoding="utf-8") as stat:
                    fields = stat.read()
            except OSError:
                continue
            if "(llmgw-tokens)" in fields \
                    and int(fields.rpartition(")")[2].split()[1]) == gw.pid:
                return int(pid)
    return None


@pytest.mark.skipif(os.getuid() != 0, reason="reads other processes' memory")
def test_httpds_children_do_not_have_the_secret(gw, upstream):
    gw.serve(oauth(gw, upstream))
    settled(gw)

    def holds(pid):
        with open(f"/proc/{pid}/maps", encoding="utf-8") as maps, \
                open(f"/proc/{pid}/mem", "rb") as memory:
            for line in maps:
                span, rights = line.split()[:2]
                low, high = (int(x, 16) for x in span.split("-"))
                if not rights.startswith("rw") or high - low > 1 << 28:
                    continue
                try:
                    memory.seek(low)
                    if SECRET.encode() in memory.read(high - low):
                        return True
                except OSError:
                    continue
        return False

    assert holds(keeper_pid(gw))
    children = [pid for pid in gw.children() if pid != keeper_pid(gw)]
    assert children and not any(holds(pid) for pid in [*children, gw.owner_pid()])


# -- the way to the token server --------------------------------------------------------

@pytest.fixture(scope="module")
def tls_server(tmp_path_factory):
    """A token server with a certificate that nobody has heard of; and its file."""
    path = str(tmp_path_factory.mktemp("tls") / "server.pem")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
                    "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost",
                    "-keyout", path, "-out", path + ".crt"], check=True, capture_output=True)
    with open(path, "a", encoding="ascii") as both, \
            open(path + ".crt", encoding="ascii") as certificate:
        both.write(certificate.read())
    os.chmod(path + ".crt", 0o644)
    for folder in (os.path.dirname(path), os.path.dirname(os.path.dirname(path))):
        os.chmod(folder, 0o755)
    server = Upstream("--host", "localhost", "--cert", path)
    yield server, path + ".crt"
    server.stop()


@pytest.mark.parametrize("is_known", [False, True])
def test_a_token_servers_certificate_is_checked(gw, upstream, tls_server, tmp_path, is_known):
    server, certificate = tls_server
    server.reset()
    authority = gw.file("authority.pem", open(certificate, encoding="ascii").read(), 0o644)
    more = f" ca={authority}" if is_known else ""
    url = f"https://localhost:{server.port}/tokens/token"
    gw.tolerates("LLMGW0101", "no token by LLMToken")
    gw.serve(section(gw, f"oauth client=me url={url}{more}").enable())
    answer = ask(gw)
    if is_known:
        assert answer.status == 200, answer
        assert len(fetches(server)) == 1
    else:
        assert answer.status == 503, answer
        assert "the token server cannot be reached" in answer.json["error"]["message"]
        assert not fetches(server)


# -- the process ----------------------------------------------------------------------------

def test_a_keeper_that_is_killed_is_started_again(gw, upstream):
    gw.serve(oauth(gw, upstream, life=5))
    settled(gw)
    time.sleep(2.2)
    old = keeper_pid(gw)
    gw.expects("the process that fetches tokens \\(pid \\d+\\) ended; it is started again")
    os.kill(old, signal.SIGKILL)
    new = wait_for(lambda: keeper_pid(gw) not in (None, old) and keeper_pid(gw), 15,
                   "another keeper")
    assert new != old
    for _ in range(30):
        assert ask(gw).status == 200
        time.sleep(0.1)


def test_a_graceful_restart_has_its_own_keeper(gw, upstream):
    gw.serve(oauth(gw, upstream))
    settled(gw)
    old = keeper_pid(gw)
    gw.graceful()
    wait_for(lambda: keeper_pid(gw) not in (None, old), 10, "another keeper")
    assert ask(gw).status == 200
    gw.stop()
    assert not os.path.exists(f"/proc/{old}")


def test_no_tokens_no_keeper(gw, upstream):
    gw.serve(gw.conf().provider("openai").model("openai/*", "openai *").enable())
    assert gw.chat("openai/gpt-test").status == 200
    assert keeper_pid(gw) is None
