# SPDX-License-Identifier: Apache-2.0
"""Secrets: where they may come from, where they go, and where they never are."""
import os
import re
import subprocess

import pytest

from client import request_bytes, Stream, wait_for

HELLO = [{"role": "user", "content": "hello"}]


@pytest.fixture
def four(gw):
    return gw.serve(gw.conf().four_providers().enable())


def one_provider(gw, key):
    return gw.conf().provider("openai", key=key).model("openai/*", "openai *").enable()


def test_a_key_from_a_file(gw, upstream):
    gw.serve(one_provider(gw, "file:" + gw.file("p.key", "sk-from-file\n")))
    assert gw.chat("openai/gpt-test").status == 200
    assert upstream.only().header("authorization") == "Bearer sk-from-file"


@pytest.mark.parametrize("mode", [0o644, 0o604, 0o640, 0o666])
def test_a_file_that_others_may_read_is_refused(gw, mode):
    path = gw.file("o.key", "sk-open", mode=mode)
    code, said = gw.configtest(one_provider(gw, f"file:{path}"))
    assert code != 0 and path in said, said


def test_a_key_from_a_program(gw, upstream):
    path = gw.file("key.sh", "#!/bin/sh\necho sk-from-program\n", mode=0o700)
    gw.serve(one_provider(gw, f"exec:{path}"))
    assert gw.chat("openai/gpt-test").status == 200
    assert upstream.only().header("authorization") == "Bearer sk-from-program"


def test_a_program_that_fails_is_reported(gw):
    path = gw.file("bad.sh", "#!/bin/sh\necho sk-half\nexit 3\n", mode=0o700)
    code, said = gw.configtest(one_provider(gw, f"exec:{path}"))
    if code == 0:
        with pytest.raises(AssertionError):
            gw.start(one_provider(gw, f"exec:{path}"))
        said = gw.log_tail()
        gw.forget_log()
    assert path in said, said
    assert "sk-half" not in said


def test_no_key_at_all(gw, upstream):
    gw.serve(one_provider(gw, "none"))
    assert gw.chat("openai/gpt-test;nokey").status == 200
    assert upstream.only().header("authorization") is None


def test_a_key_with_odd_bytes_cannot_add_a_header(gw):
    path = gw.file("crlf.key", "sk-a\r\nx-evil: 1\n")
    code, said = gw.configtest(one_provider(gw, f"file:{path}"))
    assert code != 0 and path in said, said


def test_clients_credentials_are_never_forwarded(four, upstream):
    """In no header they may come in; the provider would say so."""
    key = four.key()
    for path, body in (("/v1/chat/completions", {"model": "openai/gpt-test"}),
                       ("/v1/chat/completions", {"model": "anthropic/claude-test"}),
                       ("/v1/messages", {"model": "anthropic/claude-test"}),
                       ("/openai/v1/chat/completions", {"model": "gpt-test"})):
        answer = four.post(path, {**body, "max_tokens": 9, "messages": HELLO}, [
            ("Authorization", f"Bearer {key}"), ("x-api-key", key), ("api-key", key),
            ("x-goog-api-key", key), ("X-Client-API-Key", key), ("Cookie", f"k={key}"),
            ("anthropic-version", "2023-06-01")], key=None)
        assert answer.status == 200, answer
    for seen in upstream.seen():
        assert key not in str(seen.headers) and key not in seen.target
        assert seen.header("cookie") is None


def test_hop_by_hop_headers_are_never_forwarded(four, upstream):
    answer = four.chat("openai/gpt-test", headers=[
        ("Connection", "close, x-secret-hop"), ("x-secret-hop", "1"), ("Keep-Alive", "x"),
        ("Proxy-Authorization", "Basic eA=="), ("Proxy-Connection", "x"),
        ("TE", "trailers"), ("Trailer", "x"), ("Upgrade", "h2c")])
    assert answer.status == 200
    names = {k.lower() for k, _ in upstream.only().headers}
    assert not names & {"x-secret-hop", "keep-alive", "proxy-authorization",
                        "proxy-connection", "te", "trailer", "upgrade"}


def test_hop_by_hop_headers_do_not_come_back(four, upstream):
    upstream.queue({"headers": [["Content-Type", "application/json"], ["Keep-Alive", "x"],
                                ["Proxy-Authenticate", "Basic"], ["Trailer", "y"],
                                ["Set-Cookie", "session=1"], ["Alt-Svc", 'h3=":443"'],
                                ["Strict-Transport-Security", "max-age=1"]],
                    "body": '{"id":"x","object":"chat.completion","choices":[]}'})
    answer = four.chat("openai/gpt-test")
    names = {k.lower() for k, _ in answer.headers}
    assert not names & {"proxy-authenticate", "trailer", "set-cookie", "alt-svc",
                        "strict-transport-security"}


def test_compression_is_refused_upstream(four, upstream):
    four.chat("openai/gpt-test", headers=[("Accept-Encoding", "gzip, br")])
    assert upstream.only().header("accept-encoding") in (None, "identity")


def test_expect_100_is_answered_by_us(four, upstream):
    body = b'{"model":"openai/gpt-test","messages":[{"role":"user","content":"x"}]}'
    head = request_bytes("POST", "/v1/chat/completions", [
        ("Authorization", f"Bearer {four.key()}"), ("Content-Type", "application/json"),
        ("Expect", "100-continue")], body, "localhost")
    with Stream(("127.0.0.1", four.port), head) as stream:
        assert stream.rest().status == 200
    assert upstream.only().header("expect") is None


@pytest.mark.parametrize("level", ["info", "debug", "trace8"])
def test_secrets_are_in_no_log(gw, upstream, level):
    """Not ours, not the caller's, not the prompt, however much is logged; also
    where things fail."""
    gw.tolerates("LLMGW0101")
    path = gw.file("p.key", "sk-very-secret-0123456789\n")
    gw.serve(one_provider(gw, f"file:{path}").add(
        "LLMRetries 0\nLLMFirstByteTimeout 1s\nLogLevel warn llm_gateway:" + level))
    key = gw.key("logged")
    for script in ("", ";status=401", ";status=500", ";close", ";garbage"):
        gw.chat(f"openai/gpt-test{script}", "what is swordfish", key=key)
        gw.chat(f"openai/gpt-test{script}", "what is swordfish", key=key, stream=True)
    gw.post("/v1/chat/completions", b'{"model":"openai/x","messages":"swordfish"', key=key)
    gw.chat("openai/gpt-test", "swordfish", key="llmgw-" + "Q" * 43)
    for name in ("error.log", "access.log", "console.log"):
        with open(os.path.join(gw.root, name), encoding="utf-8", errors="replace") as log:
            text = log.read()
        for secret in ("very-secret", key[6:], "QQQQQQQQ", "swordfish"):
            assert secret not in text, f"{secret} in {name}"


def test_secrets_are_in_no_error_text(gw, upstream):
    path = gw.file("p.key", "sk-wrong-very-secret\n")
    gw.serve(one_provider(gw, f"file:{path}"))
    answer = gw.chat("openai/gpt-test")
    assert answer.status >= 400
    assert "very-secret" not in answer.text


def test_secrets_are_in_no_environment_or_argv(four):
    """Of the children; what was set for the parent may stay in its own."""
    for pid in four.children():
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            assert b"sk-" not in file.read()


def test_secrets_are_not_in_server_status(gw, upstream):
    gw.serve(gw.conf().four_providers().enable().add(
        '<Location "/server-status">\nLLMGateway Off\nSetHandler server-status\n'
        "Require all granted\nAuthMerging Off\n</Location>\nExtendedStatus On"))
    key = gw.key()
    gw.post(f"/gemini/v1beta/models/gemini-test:generateContent?key={key}",
            {"contents": [{"role": "user", "parts": [{"text": "x"}]}]}, key=None)
    page = gw.get("/server-status", key=None)
    if page.status == 200:
        assert "sk-test-openai" not in page.text


def test_the_store_is_closed_to_others(four):
    mode = os.stat(os.path.join(four.store, "store.lock")).st_mode
    assert not mode & 0o077, oct(mode)
    for name in ("env", "journal"):
        assert not os.stat(os.path.join(four.store, name)).st_mode & 0o007
    sock = os.path.realpath(os.path.join(four.store, "owner.sock"))
    assert not os.stat(sock).st_mode & 0o007


def test_a_stranger_cannot_ask_the_owner(four):
    if os.getuid():
        pytest.skip("needs root, to be somebody else")

    done = subprocess.run(
        ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", four.env.ctl_program,
         "--store", four.store, "key", "list"], capture_output=True, text=True, check=False,
        env=four.environ())
    assert done.returncode == 3, done
    assert not re.search("tester", done.stdout)


def test_a_header_of_the_configuration_is_sent(gw, upstream):
    gw.serve(gw.conf().provider("openai", more='LLMHeader x-team "red blue"')
             .model("openai/*", "openai *").enable())
    gw.chat("openai/gpt-test", headers=[("x-team", "green")])
    assert upstream.only().header("x-team") == "red blue"


def test_many_requests_leak_no_descriptor(four, upstream):
    for _ in range(20):
        four.chat("openai/gpt-test")

    def count():
        return sum(len(os.listdir(f"/proc/{p}/fd")) for p in four.children())
    before = count()
    for i in range(200):
        four.chat("anthropic/claude-test", stream=bool(i % 2))
    wait_for(lambda: count() <= before + 30, 5, f"descriptors {before} -> {count()}")
