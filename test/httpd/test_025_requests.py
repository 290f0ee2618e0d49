# SPDX-License-Identifier: Apache-2.0
"""What clients may get wrong: the answer is an error in the caller's dialect
that names the member or the limit, and never reaches a provider."""
import json

import pytest

import reader

OPENAI, ANTHROPIC = "/v1/chat/completions", "/v1/messages"
HELLO = [{"role": "user", "content": "hi"}]
VERSION = [("anthropic-version", "2023-06-01")]


@pytest.fixture
def four(gw):
    return gw.serve(gw.conf().four_providers().add("LLMBodyLimit 1m").enable())


def error(path, answer):
    return reader.error_of("anthropic" if path == ANTHROPIC else "openai", answer.json)


@pytest.mark.parametrize("path", [OPENAI, ANTHROPIC])
@pytest.mark.parametrize("body", [
    b"", b"hello", b"{", b'{"model":"openai/x"', b"[]", b'"x"', b"null",
    b'{"model":"openai/x","messages":[{"role":"user","content":"hi"}]} trailing',
    b'{"model":"openai/x" "messages":[]}', b"{'model':'openai/x'}", b'{"model":"\xff\xfe"}',
    b'{"model":"a","x":' + b"[" * 2000 + b"]" * 2000 + b"}",
    b'{"model":"a","x":01}', b'{"model":"a","x":"\\ud800"\x00}'])
def test_a_body_that_is_no_json_object(four, upstream, path, body):
    answer = four.post(path, body, VERSION)
    assert answer.status == 400, answer
    kind, message = error(path, answer)
    assert kind == "invalid_request_error"
    assert message
    assert not upstream.seen()


@pytest.mark.parametrize("path", [OPENAI, ANTHROPIC])
@pytest.mark.parametrize("body, member", [
    ({"messages": HELLO, "max_tokens": 9}, "model"),
    ({"model": 7, "messages": HELLO, "max_tokens": 9}, "model"),
    ({"model": "", "messages": HELLO, "max_tokens": 9}, "model"),
    ({"model": None, "messages": HELLO, "max_tokens": 9}, "model"),
    ({"model": "openai/x\r\nx-evil: 1", "messages": HELLO, "max_tokens": 9}, "model"),
    ({"model": "openai/x\x00y", "messages": HELLO, "max_tokens": 9}, "model"),
    ({"model": "openai/\x1b[31mx", "messages": HELLO, "max_tokens": 9}, "model")])
def test_a_model_that_is_none_is_named(four, upstream, path, body, member):
    answer = four.post(path, body, VERSION)
    assert answer.status == 400, answer
    assert member in error(path, answer)[1]
    if path == OPENAI:
        assert answer.json["error"]["param"] == member
    assert not upstream.seen()


# Read by the gateway itself because the request has to be translated.
@pytest.mark.parametrize("body, member", [
    ({}, "messages"), ({"messages": []}, "messages"), ({"messages": "hi"}, "messages"),
    ({"messages": [7]}, "messages"),
    ({"messages": [{"role": "wizard", "content": "hi"}]}, "role"),
    ({"messages": [{"content": "hi"}]}, "role"),
    ({"messages": [{"role": "user", "content": 5}]}, "content"),
    ({"messages": [{"role": "user", "content": [{"type": "hologram"}]}]}, "content"),
    ({"messages": HELLO, "temperature": "hot"}, "temperature"),
    ({"messages": HELLO, "max_tokens": "many"}, "max_tokens"),
    ({"messages": HELLO, "stream": "yes"}, "stream"),
    ({"messages": HELLO, "stop": 5}, "stop"),
    ({"messages": HELLO, "tools": {}}, "tools"),
    ({"messages": HELLO, "tools": [{"type": "function"}]}, "tools"),
    ({"messages": HELLO, "tools": [{"type": "function", "function": {"name": "f"}}],
      "tool_choice": "sometimes"}, "tool_choice")])
def test_an_openai_member_that_is_wrong_is_named(four, upstream, body, member):
    answer = four.post(OPENAI, {"model": "anthropic/claude", **body})
    assert answer.status == 400, answer
    assert member in answer.json["error"]["param"], answer
    assert member in error(OPENAI, answer)[1]
    assert not upstream.seen()


@pytest.mark.parametrize("body, member", [
    ({"max_tokens": 5}, "messages"), ({"max_tokens": 5, "messages": []}, "messages"),
    ({"messages": HELLO}, "max_tokens"),
    ({"messages": HELLO, "max_tokens": "5"}, "max_tokens"),
    ({"max_tokens": 5, "messages": [{"role": "wizard", "content": "x"}]}, "role"),
    ({"max_tokens": 5, "messages": [{"role": "user"}]}, "content"),
    ({"max_tokens": 5, "messages": [{"role": "user", "content": [{"type": "odd"}]}]}, "content"),
    ({"max_tokens": 5, "messages": HELLO, "system": 5}, "system"),
    ({"max_tokens": 5, "messages": HELLO, "tools": [{"name": "x"}]}, "input_schema"),
    ({"max_tokens": 5, "messages": HELLO, "tool_choice": {"type": "odd"}}, "tool_choice"),
    ({"max_tokens": 5, "messages": HELLO, "stop_sequences": "x"}, "stop_sequences")])
def test_an_anthropic_member_that_is_wrong_is_named(four, upstream, body, member):
    answer = four.post(ANTHROPIC, {"model": "openai/gpt-4o", **body}, VERSION)
    assert answer.status == 400, answer
    assert error(ANTHROPIC, answer)[0] == "invalid_request_error"
    assert member in error(ANTHROPIC, answer)[1], answer
    assert not upstream.seen()


@pytest.mark.parametrize("path", [OPENAI, ANTHROPIC])
def test_an_unknown_model(four, upstream, path):
    answer = four.post(path, {"model": "nobody/none", "messages": HELLO, "max_tokens": 5},
                       VERSION)
    assert answer.status == 404
    assert "nobody/none" in error(path, answer)[1]
    if path == OPENAI:
        assert answer.json["error"]["code"] == "model_not_found"
        assert answer.json["error"]["param"] == "model"
    else:
        assert error(path, answer)[0] == "not_found_error"
    assert not upstream.seen()


@pytest.mark.parametrize("path", [OPENAI, ANTHROPIC])
@pytest.mark.parametrize("told", [True, False])
def test_a_body_past_the_limit(four, upstream, path, told):
    body = json.dumps({"model": "openai/gpt-4o", "max_tokens": 5, "messages": [
        {"role": "user", "content": "x" * 1_100_000}]}).encode()
    headers = list(VERSION)
    if not told:
        body = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
        headers.append(("Transfer-Encoding", "chunked"))
    answer = four.post(path, body, headers)
    assert answer.status == 413, answer
    assert "1048576" in error(path, answer)[1] or "1m" in error(path, answer)[1].lower()
    assert four.record(answer)["status"] == 413
    assert not upstream.seen()


def test_a_compressed_body(four, upstream):
    answer = four.post(OPENAI, b"\x1f\x8b", [("Content-Encoding", "gzip")])
    assert answer.status == 415, answer
    assert "gzip" in error(OPENAI, answer)[1]
    assert four.record(answer)["status"] == 415
    assert not upstream.seen()


@pytest.mark.parametrize("method, path, status", [
    ("GET", OPENAI, 405), ("DELETE", ANTHROPIC, 405), ("POST", "/v1/models", 405),
    ("POST", "/v1/no-such", 404), ("GET", "/", 404), ("GET", "/v1", 404)])
def test_a_path_or_method_that_is_none(four, upstream, method, path, status):
    answer = four.send(method, path, b"{}" if method == "POST" else None)
    assert answer.status == status, answer
    assert reader.error_of("anthropic" if path == ANTHROPIC else "openai", answer.json)
    if status == 405:
        assert answer.has("Allow")
    assert not upstream.seen()


def test_another_content_type(four, upstream):
    answer = four.post(OPENAI, b"model=openai/gpt-4o",
                       [("Content-Type", "application/x-www-form-urlencoded")])
    assert answer.status in (400, 415), answer
    assert error(OPENAI, answer)[1]


def test_a_json_body_without_content_type_is_taken(four, upstream):
    """curl -d without -H; the real providers are as strict as they like."""
    body = {"model": "openai/gpt-4o", "messages": HELLO}
    answer = four.post(OPENAI, body, [("Content-Type", "application/json; charset=utf-8")])
    assert answer.status == 200, answer


def test_models_are_listed_in_the_callers_dialect(gw, upstream):
    gw.serve(gw.conf().four_providers().model("smart", "openai gpt-4o").enable())
    listed = gw.get("/v1/models").json
    assert listed["object"] == "list"
    ids = [m["id"] for m in listed["data"]]
    assert "smart" in ids
    assert all(m["object"] == "model" for m in listed["data"])
    listed = gw.get("/v1/models", VERSION).json
    assert "smart" in [m["id"] for m in listed["data"]]
    assert listed["data"][0]["type"] == "model" and "has_more" in listed
    assert not upstream.seen(), "the list is the gateway's own"


@pytest.mark.parametrize("headers", [
    [], VERSION, [("x-goog-api-key", "x")], [("X-Fern-SDK-Name", "cohere")]],
    ids=["openai", "anthropic", "gemini", "cohere"])
@pytest.mark.parametrize("path", ["/v1/models", "/v1beta/models", "/api/tags"])
def test_a_key_sees_its_models_only(gw, path, headers):
    """In each dialect's form."""
    gw.serve(gw.conf().provider("openai").model("seen", "openai gpt-4o")
             .model("hidden", "openai gpt-4o").enable())
    key = gw.key("lists-some", "--models", "seen,other")
    if ("x-goog-api-key", "x") in headers:
        headers = [("x-goog-api-key", key)]
    listed = gw.get(path, headers, key=key)
    assert listed.status == 200 and "seen" in listed.text and "hidden" not in listed.text
    both = gw.get(path, headers if key not in str(headers) else []).text
    assert "seen" in both and "hidden" in both
    assert gw.get("/v1/models/seen", headers, key=key).status == 200
    assert gw.get("/v1/models/hidden", headers, key=key).status == 404


def test_a_client_that_never_ends_its_body_leaves(four, upstream):
    with pytest.raises(Exception):
        four.send("POST", OPENAI, b'{"model":', [("Content-Length", "500")], timeout=1)
    assert four.chat("openai/gpt-4o").status == 200
