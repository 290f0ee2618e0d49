# SPDX-License-Identifier: Apache-2.0
"""What is below HTTP: TLS on both sides, HTTP/2 clients, the other MPMs,
virtual hosts, kept connections, limits, restarts with another configuration."""
import json
import os
import ssl
import subprocess
import time

import pytest

import certs
import client
import reader
from client import wait_for
from env import Gateway, free_port
from upstream import Upstream

HELLO = [{"role": "user", "content": "hello"}]
ASK = {"model": "openai/gpt-test", "messages": HELLO}
SLOW = {"model": "openai/gpt-test;events=100;slow=100", "messages": HELLO, "stream": True}


@pytest.fixture(scope="module")
def certificate(env):
    """A certificate for localhost and its key, in one file; its own authority."""
    return certs.make(os.path.join(env.folder, "localhost.pem"))


# -- TLS to providers ----------------------------------------------------------

@pytest.fixture(scope="module")
def _tls_upstream(certificate):
    provider = Upstream("--host", "localhost", "--cert", certificate)
    yield provider
    provider.stop()


@pytest.fixture
def secure(gw, certificate, _tls_upstream):
    """A gateway to a provider that speaks TLS."""
    _tls_upstream.reset()
    gw.tolerates("AH01873")

    def serve(host="localhost", more=f"SSLProxyCACertificateFile {certificate}.crt"):
        url = f"https://{host}:{_tls_upstream.port}"
        return gw.serve(gw.conf(f"SSLProxyEngine On\nSSLProxyVerify require\n{more}\n"
                                "LLMRetries 0", ["ssl"])
                        .provider("openai", url=f"{url}/openai/v1")
                        .provider("anthropic", url=f"{url}/anthropic")
                        .model("openai/*", "openai *").model("anthropic/*", "anthropic *")
                        .enable())
    yield serve
    assert not _tls_upstream.faults()


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_a_provider_behind_tls(secure, _tls_upstream, stream):
    gw = secure()
    for model in ("openai/gpt-test", "anthropic/claude-test"):
        answer = gw.chat(model, stream=stream)
        assert answer.status == 200, answer
        assert reader.read("openai", answer.body, stream).text == "You said: hello"
    assert gw.record(answer)["output"] == 3


def test_large_bodies_through_tls(secure, _tls_upstream):
    gw = secure()
    answer = gw.chat("openai/gpt-test;size=2000000", "x" * 1_000_000)
    assert len(reader.openai(answer.body).text) == 2_000_000


def test_many_small_events_through_tls(secure, _tls_upstream):
    """Decrypted data may wait where poll does not see it."""
    answer = secure().chat("anthropic/claude-test;bytes=one;events=30", stream=True)
    assert reader.openai_stream(answer.body).text.count("word") == 30


def test_a_client_that_leaves_closes_tls_too(secure, _tls_upstream):
    gw = secure()
    with gw.open("POST", "/v1/chat/completions", SLOW) as stream:
        stream.event()
        left = time.time()
        stream.hang_up()
    _tls_upstream.wait_peer_left()
    assert _tls_upstream.seen()[-1].peer_left - left < 1


@pytest.mark.parametrize("host, more", [
    ("localhost", ""), ("127.0.0.1", None)], ids=["unknown authority", "another name"])
def test_a_provider_that_is_not_who_it_says(secure, certificate, _tls_upstream, gw, host, more):
    """Refused before anything, the key above all, was sent."""
    gw.tolerates("AH00898", "AH01084", "AH01897", "AH02039", "LLMGW0101")
    if more is None:
        more = f"SSLProxyCACertificateFile {certificate}.crt"
    answer = secure(host, more).chat("openai/gpt-test")
    assert answer.status in (502, 503)
    reader.error_of("openai", answer.json)
    assert not _tls_upstream.seen()


# -- TLS and HTTP/2 to clients ---------------------------------------------------

def test_a_client_behind_tls(gw, upstream, certificate):
    gw.tolerates("AH01873")
    port = free_port()
    gw.serve(gw.conf(certs.vhost(port, certificate), ["ssl"]).four_providers().enable())
    tls = ssl.create_default_context(cafile=certificate + ".crt")

    def ask(body):
        request = client.request_bytes(
            "POST", "/v1/chat/completions", [
                ("Authorization", f"Bearer {gw.key()}"),
                ("Content-Type", "application/json")], client.as_bytes(body), "localhost")
        return client.Stream(("127.0.0.1", port), request, tls=tls)
    with ask({**ASK, "stream": True}) as stream:
        assert reader.openai_stream(stream.rest().body).text == "You said: hello"
    with ask(SLOW) as stream:
        stream.event()
        left = time.time()
        stream.hang_up()
    upstream.wait_peer_left()
    assert upstream.seen()[-1].peer_left - left < 1
    assert gw.record(stream.reply)["aborted"]


@pytest.fixture
def http2(gw, upstream):
    """curl's arguments for a request over HTTP/2."""
    gw.serve(gw.conf("Protocols h2c http/1.1", ["http2"]).four_providers().enable())

    def command(body):
        return ["curl", "-sN", "--http2-prior-knowledge", "-i", "-m", "20",
                "-H", f"Authorization: Bearer {gw.key()}", "-H",
                "Content-Type: application/json", "-d", json.dumps(body),
                f"{gw.url}/v1/chat/completions"]
    return command


def test_a_client_with_http2(gw, upstream, http2):
    done = subprocess.run(http2({**ASK, "stream": True}), capture_output=True, check=True)
    head, _, body = done.stdout.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/2 200")
    assert reader.openai_stream(body).text == "You said: hello"
    done = subprocess.run(http2({**ASK, "model": "nobody"}), capture_output=True, check=True)
    assert b"HTTP/2 404" in done.stdout and b"model_not_found" in done.stdout


def test_a_client_with_http2_that_leaves(gw, upstream, http2):
    process = subprocess.Popen(http2(SLOW), stdout=subprocess.PIPE)
    process.stdout.readline()
    wait_for(upstream.open, 5, "the request to reach the provider")
    time.sleep(0.3)
    left = time.time()
    process.kill()
    process.wait()
    process.stdout.close()
    upstream.wait_peer_left(5)
    assert upstream.only().peer_left - left < 2
    record = wait_for(lambda: [r for r in gw.records(5) if r["asked"] == SLOW["model"]], 5,
                      "the record")
    assert record[-1]["aborted"]


# -- httpd's own shapes ------------------------------------------------------------

@pytest.mark.parametrize("mpm", ["worker", "prefork"])
def test_the_other_mpms(gw, upstream, mpm):
    conf = gw.conf().four_providers().enable()
    conf.modules = [f"mpm_{mpm}" if m == "mpm_event" else m for m in conf.modules]
    text = conf.text()
    if mpm == "prefork":
        text = "\n".join(line for line in text.split("\n") if not line.startswith((
            "ThreadsPerChild", "MinSpareThreads", "MaxSpareThreads", "ServerLimit",
            "MaxRequestWorkers")))
    gw.stop()
    gw.write_conf(text)
    gw.start()
    answer = gw.chat("openai/gpt-test")
    assert reader.openai(answer.body).text == "You said: hello"
    assert gw.record(answer)["output"] == 3
    answer = gw.messages("gemini/gemini-test", stream=True)
    assert reader.anthropic_stream(answer.body).text == "You said: hello"
    with gw.open("POST", "/v1/chat/completions", SLOW) as stream:
        stream.event()
        stream.hang_up()
    upstream.wait_peer_left()
    assert gw.record(stream.reply)["aborted"]


def test_in_a_virtual_host_only(gw, upstream):
    port = free_port()
    gw.serve(gw.conf(f"""
        Listen 127.0.0.1:{port}
        <VirtualHost 127.0.0.1:{port}>
            ServerName ai.example
            LLMRetries 1
            <Location "/">
                LLMGateway On
                AuthType   LLMKey
                Require    valid-user
            </Location>
        </VirtualHost>""").four_providers())
    assert gw.chat("openai/gpt-test").status == 404, "the main server has no gateway"
    request = client.request_bytes(
        "POST", "/v1/chat/completions", [("x-api-key", gw.key()),
                                         ("Content-Type", "application/json")],
        client.as_bytes(ASK), "ai.example")
    with client.Stream(("127.0.0.1", port), request) as stream:
        assert reader.openai(stream.rest().body).text == "You said: hello"


def test_several_requests_on_one_connection(gw, upstream):
    gw.serve(gw.conf().four_providers().enable())

    def ask(body, close=False):
        headers = [("Authorization", f"Bearer {gw.key()}"),
                   ("Content-Type", "application/json")]
        headers += [("Connection", "close" if close else "keep-alive")]
        return client.request_bytes("POST", "/v1/chat/completions", headers,
                                    client.as_bytes(body), "localhost")
    with client.Stream(("127.0.0.1", gw.port), ask(ASK)) as stream:
        ids = [stream.rest().id]
        for body in ({**ASK, "stream": True}, {**ASK, "model": "nobody"},
                     {**ASK, "model": "anthropic/claude-test", "stream": True}, ASK):
            ids.append(stream.again(ask(body)).rest().id)
        # Two at once: the answers come in turn.
        stream.again(ask(ASK) + ask({**ASK, "stream": True}, close=True))
        ids.append(stream.rest().id)
        stream.again(b"")
        ids.append(stream.rest().id)
    assert len(set(ids)) == 7
    for request_id in ids:
        assert gw.record(request_id)


def test_connections_to_a_provider_are_kept(gw, upstream):
    """One child, one client at a time: one connection serves all."""
    gw.serve(gw.conf().four_providers().enable().add(
        "StartServers 1\nServerLimit 1\nMaxRequestWorkers 32\nMaxSpareThreads 32"))
    for i in range(12):
        assert gw.chat("openai/gpt-test", stream=bool(i % 2)).status == 200

    def established():
        done = subprocess.run(["ss", "-Htn", "state", "established", "dport",
                               f"= :{upstream.port}"], capture_output=True, text=True,
                              check=False)
        return len(done.stdout.splitlines()) if done.returncode == 0 else None
    count = established()
    if count is None:
        pytest.skip("ss is not installed")
    assert 1 <= count <= 3


def test_more_at_once_than_the_limit(gw, upstream):
    gw.tolerates("LLMGW0364")
    gw.serve(gw.conf("LLMMaxInFlight 2").four_providers().enable())
    key = gw.key()
    with gw.open("POST", "/v1/chat/completions", SLOW, key=key) as one, \
            gw.open("POST", "/v1/chat/completions", SLOW, key=key) as two:
        one.event(), two.event()
        answer = gw.chat("openai/gpt-test", key=key)
        assert answer.status == 503, answer
        assert int(answer.header("retry-after")) >= 1
        reader.error_of("openai", answer.json)
        one.hang_up()
        wait_for(lambda: gw.chat("openai/gpt-test", key=key).status == 200, 3,
                 "room for another request")
        two.hang_up()
    upstream.wait_idle()


def test_a_socket_elsewhere(gw, upstream):
    gw.serve(gw.conf(f"LLMSocket {gw.root}/run/elsewhere.sock").four_providers().enable())
    assert os.path.exists(f"{gw.root}/run/elsewhere.sock")
    assert gw.ctl_json("key", "create", "by-socket")["key"]["name"] == "by-socket"
    gw.ctl_json("key", "delete", "by-socket")
    assert gw.chat("openai/gpt-test").status == 200


def module_and_snapshots(gw):
    """Where the module lies in the parent, and how many large pieces of memory
    are shared: the snapshot of keys is one."""
    with open(f"/proc/{gw.pid}/maps", encoding="utf-8") as maps:
        lines = maps.read().splitlines()
    ends = [line.split()[0].split("-") for line in lines if "/dev/zero" in line]
    return (next(line.split("-")[0] for line in lines if "mod_llm_gateway.so" in line),
            sum(int(end, 16) - int(begin, 16) > 8 << 20 for begin, end in ends))


def test_a_graceful_restart_with_the_module_at_another_address(gw):
    """As after an upgrade: nothing that outlives the restart may point into
    the module, or the parent falls."""
    gw.stop()
    conf = gw.conf().four_providers().enable()
    gw.start(conf)
    before, (place, snapshots) = gw.children(), module_and_snapshots(gw)
    assert snapshots == 1
    more = [n for n in ("rewrite", "autoindex", "dav", "lua", "session", "dbd",
                        "ldap", "http2", "cache", "include", "info")
            if os.path.exists(os.path.join(gw.env.modules, f"mod_{n}.so"))]
    again = gw.conf().four_providers().enable()
    again.modules = [*more, *again.modules]
    gw.graceful(again)
    wait_for(lambda: gw.is_running() and gw.children() and not set(before) & set(gw.children()),
             15, "new children")
    answer = gw.chat("openai/gpt-test")
    assert answer.status == 200
    gw.record(answer)
    moved, snapshots = module_and_snapshots(gw)
    if moved == place:
        pytest.skip("the module came to lie where it was")
    assert snapshots == 1, "the memory of the first start was not found again"
    gw.stop()


def test_a_graceful_restart_takes_a_new_configuration(gw, upstream):
    gw.serve(gw.conf().four_providers().enable())
    gw.key()
    assert gw.chat("later").status == 404
    gw.graceful(gw.conf().four_providers().model("later", "openai gpt-test").enable())
    wait_for(lambda: gw.chat("later").status == 200, 5, "the new configuration")


def test_two_gateways_do_not_share_a_store(gw, upstream, env):
    """The second one says why it serves nothing, does not disturb the first
    one, and takes over when that is gone."""
    gw.serve(gw.conf().four_providers().enable())
    key = gw.key()
    other = Gateway(env, upstream, "other")
    other.store = gw.store
    try:
        other.start(other.conf().four_providers().enable())
        assert any("does another process hold the store" in line
                   for line in other.recent_trouble())
        assert other.get("/health", key=None).status == 503
        assert other.chat("openai/gpt-test", key=key).status == 503
        assert gw.chat("openai/gpt-test").status == 200
        gw.stop()
        wait_for(lambda: other.get("/health", key=None).status == 200, 10, "the store")
        assert other.chat("openai/gpt-test", key=key).status == 200
    finally:
        other.stop()


def test_a_first_request_does_not_wait_for_the_second_read(secure, _tls_upstream):
    """Behind a session ticket the answer may be read already where poll does
    not see it; it is not waited for again."""
    for _ in range(4):
        gw = secure()
        for _ in range(10):
            began = time.monotonic()
            assert gw.chat("openai/gpt-test").status == 200
            assert time.monotonic() - began < 3
        gw.stop()
