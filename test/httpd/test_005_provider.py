# SPDX-License-Identifier: Apache-2.0
"""The tools of these tests tell the truth: the scripted provider accepts what
the real ones accepted and refuses what they refuse, misbehaves as asked, and
the reader reads what real providers said."""
import json
import urllib.parse

import pytest

import client
import reader
import recorded
from client import Broken

HEADERS = {
    "openai": [("Authorization", "Bearer sk-x")],
    "anthropic": [("x-api-key", "sk-x"), ("anthropic-version", "2023-06-01")],
    "gemini": [("x-goog-api-key", "x")], "huggingface": [("Authorization", "Bearer hf_x")]}
HELLO = [{"role": "user", "content": "hello"}]
CHAT = ("openai", "/v1/chat/completions", {"model": "m", "messages": HELLO})
MESSAGE = ("anthropic", "/v1/messages", {"model": "m", "max_tokens": 99, "messages": HELLO})


def send(upstream, name, path, body, headers=()):
    """Straight to the provider, without a gateway."""
    request = client.request_bytes(
        "POST", f"/{name}{path}", [*HEADERS[name], ("Content-Type", "application/json"),
                                   *headers], client.as_bytes(body), "localhost")
    with client.Stream(("127.0.0.1", upstream.port), request, 5) as stream:
        return stream.rest()


ACCEPTED = [e for e in recorded.exchanges() if e.request and e.status == 200 and e.api in (
    "openai.chat", "anthropic.messages", "gemini.generateContent",
    "gemini.streamGenerateContent", "hf.chat", "hf.text-generation")]


@pytest.mark.skipif(not ACCEPTED, reason=recorded.WHY_NOT)
def test_it_accepts_what_the_real_ones_accepted(upstream):
    for exchange in ACCEPTED:
        name = {"hf": "huggingface", "old": "huggingface"}.get(exchange.provider,
                                                               exchange.provider)
        parts = urllib.parse.urlsplit(exchange.url)
        path = parts.path + (f"?{parts.query}" if parts.query else "")
        answer = send(upstream, name, path, exchange.request)
        assert answer.status == 200, (exchange.id, answer)


REFUSED = {
    "an unknown member": (CHAT, {"hallucinate": True}, "hallucinate"),
    "no messages": (CHAT, {"messages": []}, "messages"),
    "stream_options without stream": (CHAT, {"stream_options": {"include_usage": True}},
                                      "stream_options"),
    "a tool's answer to nothing": (CHAT, {"messages": HELLO + [
        {"role": "tool", "tool_call_id": "x", "content": "y"}]}, "tool"),
    "arguments as an object": (CHAT, {"messages": HELLO + [
        {"role": "assistant", "tool_calls": [{"id": "1", "type": "function", "function": {
            "name": "f", "arguments": {}}}]}]}, "arguments"),
    "an unknown member of a message": (MESSAGE, {"messages": [
        {"role": "user", "content": "x", "name": "y"}]}, "name"),
    "a system role": (MESSAGE, {"messages": [{"role": "system", "content": "x"}]}, "role"),
    "an empty text": (MESSAGE, {"messages": [
        {"role": "user", "content": [{"type": "text", "text": ""}]}]}, "text"),
    "a call without its result": (MESSAGE, {"messages": HELLO + [
        {"role": "assistant", "content": [
            {"type": "tool_use", "id": "t1", "name": "f", "input": {}}]}]}, "tool_use"),
    "an odd id": (MESSAGE, {"messages": HELLO + [
        {"role": "assistant", "content": [
            {"type": "tool_use", "id": "a.b", "name": "f", "input": {}}]}]}, "pattern"),
    "heat of 1.5": (MESSAGE, {"temperature": 1.5}, "temperature")}


@pytest.mark.parametrize("name", REFUSED)
def test_it_refuses_what_the_real_ones_refuse(upstream, name):
    (provider, path, body), more, word = REFUSED[name]
    answer = send(upstream, provider, path, {**body, **more})
    assert answer.status == 400, answer
    assert word in reader.error_of(provider, answer.json)[1]


@pytest.mark.parametrize("schema", [
    {"type": "object", "additionalProperties": False}, {"type": "object", "$defs": {}},
    {"oneOf": []}, {"type": ["string", "null"]}, {"type": "integer", "enum": [1]}])
def test_geminis_schemas_are_its_own(upstream, schema):
    answer = send(upstream, "gemini", "/v1beta/models/m:generateContent", {
        "contents": [{"role": "user", "parts": [{"text": "x"}]}],
        "tools": [{"functionDeclarations": [{"name": "f", "parameters": schema}]}]})
    assert answer.status == 400, answer


@pytest.mark.parametrize("header", [
    ("Accept-Encoding", "gzip"), ("x-api-key", "x"), ("TE", "trailers"),
    ("x-any", "llmgw-abc"), ("Connection", "x-hop")])
def test_it_notices_a_gateways_faults(_session_upstream, header):
    _session_upstream.reset()
    headers = [header, ("Connection", "close")] if header[0] != "Connection" else [header]
    answer = send(_session_upstream, *CHAT, headers)
    assert answer.status == 400 and "at fault" in answer.text
    assert _session_upstream.faults()
    _session_upstream.reset()


@pytest.mark.parametrize("behaviour", ["close", "reset", "garbage", "halfhead", "half",
                                       "badlen", "stream;cut=3", "stream;half"])
def test_it_breaks_when_asked(upstream, behaviour):
    script = behaviour.replace("stream", "").strip(";")
    body = {**CHAT[2], "model": f"m;events=6;{script}", "stream": "stream" in behaviour}
    with pytest.raises(Broken):
        send(upstream, CHAT[0], CHAT[1], body)


def test_an_unknown_behaviour_is_a_fault(_session_upstream):
    _session_upstream.reset()
    assert send(_session_upstream, CHAT[0], CHAT[1], {**CHAT[2], "model": "m;explode"}
                ).status == 400
    assert _session_upstream.faults()
    _session_upstream.reset()


@pytest.mark.parametrize("cuts", [None, "one", "random", [1, 2, 30]])
def test_queued_answers_are_replayed_to_the_byte(upstream, cuts):
    body = "data: {\"x\":1}\r\n\r\ndata: é\n\n"
    upstream.queue({"status": 207, "headers": {"x-a": "b"}, "body": body, "cuts": cuts})
    answer = send(upstream, *CHAT)
    assert (answer.status, answer.header("x-a"), answer.body) == (207, "b", body.encode())
    assert upstream.queued() == 0
    assert upstream.only().json == CHAT[2]


@pytest.mark.parametrize("name, path, body", [
    CHAT, MESSAGE, ("gemini", "/v1beta/models/m:streamGenerateContent?alt=sse", {
        "contents": [{"role": "user", "parts": [{"text": "hello"}]}]})])
def test_its_streams_are_legal(upstream, name, path, body):
    if name != "gemini":
        body = {**body, "stream": True}
    answer = send(upstream, name, path, body)
    assert reader.read(name, answer.body, True).text == "You said: hello"


READ = [e for e in recorded.exchanges() if e.status == 200 and e.id not in recorded.SPLICED]


@pytest.mark.skipif(not READ, reason=recorded.WHY_NOT)
def test_the_reader_reads_what_real_providers_said():
    for exchange in READ:
        said = reader.read(exchange.dialect, exchange.body, exchange.streamed, strict=False)
        assert said.text or said.calls or said.error or said.reasoning or \
            said.finish in ("filter", "length", "other"), exchange.id


@pytest.mark.parametrize("broken", [
    'data: {"id":"1","object":"chat.completion.chunk","choices":[{"index":0,"delta":'
    '{"role":"assistant","content":"x"}}]}\n\n',
    'data: {"id":"1","object":"chat.completion.chunk","choices":[{"index":0,"delta":'
    '{"content":"x"},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n',
    "data: [DONE]\n\n"])
def test_the_reader_refuses_a_stream_that_is_not_legal(broken):
    with pytest.raises(AssertionError):
        reader.openai_stream(broken.encode())


@pytest.mark.parametrize("left_out", ["message_start", "content_block_start",
                                      "content_block_stop", "message_delta", "message_stop"])
def test_the_reader_refuses_anthropic_streams_with_an_event_missing(upstream, left_out):
    name, path, body = MESSAGE
    good = send(upstream, name, path, {**body, "stream": True}).body
    broken = b"\n\n".join(e for e in good.split(b"\n\n") if left_out.encode() not in e)
    with pytest.raises(AssertionError):
        reader.anthropic_stream(broken)
    assert json.dumps(reader.anthropic_stream(good).usage)
