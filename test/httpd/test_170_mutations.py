# SPDX-License-Identifier: Apache-2.0
"""Damaged bytes from both sides, through the whole server: no child dies, each
answer is HTTP, each translated one is legal in the client's dialect, and each
request leaves its one record.

The damage is drawn from a seed, which a failure prints; LLMGW_SEED repeats it
and LLMGW_MUTATIONS says how many are made.
"""
import base64
import json
import os
import random
import socket

import pytest

import reader
import recorded
from client import Broken

SEED = int(os.environ.get("LLMGW_SEED", random.SystemRandom().randrange(1 << 31)))
COUNT = int(os.environ.get("LLMGW_MUTATIONS", "120"))
WORDS = [b"null", b"{}", b"[]", b'""', b"-1", b"1e999", b"\\u0000", b"\\ud800", b"\xff\xfe",
         b"data: ", b"\n\n", b"event: error\n", b"[DONE]", b'"type":', b'"index":9999999999',
         b"\x00", b"}" * 50, b"[" * 300, b'"usage":{"prompt_tokens":-5,"output_tokens":1e30}']
VERSION = [("anthropic-version", "2023-06-01")]


def mutated(dice, data):
    """A few cuts, copies and strange words; one time in eight none at all."""
    data = bytearray(data)
    for _ in range(dice.choice([0, 1, 1, 1, 2, 2, 4, 8])):
        at = dice.randrange(len(data) + 1)
        size = min(dice.choice([1, 1, 3, 20, 400]), max(0, len(data) - at))
        kind = dice.randrange(6)
        if kind == 0:
            del data[at:at + size]
        elif kind == 1:
            data[at:at] = data[at:at + size]
        elif kind == 2 and size:
            data[at] = dice.randrange(256)
        elif kind == 3:
            data[at:at] = dice.choice(WORDS)
        elif kind == 4:
            data[at:at + size] = dice.choice(WORDS)
        else:
            del data[at:]
    return bytes(data)


@pytest.fixture
def four(gw):
    gw.tolerates("LLMGW0101")
    conf = gw.conf("LLMRetries 0\nLLMFirstByteTimeout 2s\nLLMIdleTimeout 2s\n"
                   "LLMBodyLimit 2m").four_providers()
    return gw.serve(conf.provider("huggingface", "huggingface").enable())


def sources():
    """Answers to damage: real ones where they are, else the scripted ones."""
    if recorded.exchanges():
        # legacy completions are asked for as chats here, and pass as those do
        return [(e.provider, e.dialect.replace("openai-completions", "openai"),
                 e.streamed, e.body, e.headers.get("content-type", ""))
                for e in recorded.exchanges()]
    made = []
    for provider, dialect in (("openai", "openai"), ("anthropic", "anthropic"),
                              ("gemini", "gemini")):
        made.append((provider, dialect, None, None, None))
    return made


def scripted_source(four, upstream, source, stream):
    """The scripted provider's own answer, as the bytes a gateway would get."""
    provider = source[0]
    path = {"openai": "/openai/v1/chat/completions", "anthropic": "/anthropic/v1/messages",
            "gemini": "/gemini/v1beta/models/m:" + ("streamGenerateContent?alt=sse" if stream
                                                    else "generateContent")}[provider]
    body = ({"contents": [{"role": "user", "parts": [{"text": "hi"}]}]}
            if provider == "gemini" else
            {"model": "m", "max_tokens": 9, "stream": stream,
             "messages": [{"role": "user", "content": "hi"}]})
    answer = four.post(path, body, VERSION)
    return (provider, source[1], stream, answer.body, answer.header("content-type"))


def check(client, answer, source, stream):
    """A translated answer is legal whatever the provider sent."""
    assert 200 <= answer.status < 600
    if source[1] == client:
        return
    if answer.status != 200:
        reader.error_of(client, answer.json)
        return
    try:
        said = reader.read(client, answer.body, stream)
    except ValueError:
        # Arguments that the provider's damaged pieces do not make whole.
        assert b"arguments" in answer.body or b"partial_json" in answer.body
        return
    assert said.finish or said.error


def test_damaged_answers(four, upstream):
    dice = random.Random(SEED)
    pool = sources()
    for i in range(COUNT):
        source, stream = dice.choice(pool), dice.random() < 0.5
        if source[3] is None:
            source = scripted_source(four, upstream, source, stream)
        stream = source[2]
        client = dice.choice(["openai", "anthropic"])
        upstream.queue({
            "status": 200 if dice.random() < 0.9 else dice.choice([400, 429, 500]),
            "headers": {"Content-Type": source[4]}, "chunked": dice.random() < 0.7,
            "body_base64": base64.b64encode(mutated(dice, source[3])).decode(), "seed": i,
            "cuts": dice.choice([None, "random"])})
        body = {"model": f"{source[0]}/m", "max_tokens": 99, "stream": stream,
                "messages": [{"role": "user", "content": "hi"}]}
        path = {"openai": "/v1/chat/completions", "anthropic": "/v1/messages"}[client]
        where = f"LLMGW_SEED={SEED}, number {i}, {client} <- {source[:3]}"
        try:
            answer = four.post(path, body, VERSION)
        except Broken as broken:
            assert source[1] == client, f"{where}: {broken}"
            continue
        try:
            check(client, answer, source, stream)
        except AssertionError as wrong:
            if "a call without id or name" in str(wrong):
                continue        # nor did the provider's have one
            raise AssertionError(f"{where}: {wrong}\n{answer}") from wrong
    answer = four.chat("openai/gpt-test")
    assert answer.status == 200
    assert four.record(answer)


def test_damaged_requests(four, upstream):
    dice = random.Random(SEED + 1)
    bodies = [e.request for e in recorded.exchanges() if e.request] or [
        {"messages": [{"role": "user", "content": [{"type": "text", "text": "hi"}]}],
         "tools": [{"type": "function", "function": {"name": "f", "parameters": {
             "type": "object", "properties": {"a": {"type": "string"}}}}}],
         "stream": True, "stop": ["x"], "temperature": 0.5}]
    for i in range(COUNT):
        body = dict(dice.choice(bodies))
        body["model"] = dice.choice(["openai", "anthropic", "gemini", "hf", "old"]) + "/m;any"
        body.setdefault("max_tokens", 5)
        path = dice.choice(["/v1/chat/completions", "/v1/messages", "/v1/embeddings",
                            "/openai/v1/chat/completions", "/gemini/v1beta/models/m:embedContent"])
        data = mutated(dice, json.dumps(body).encode())
        where = f"LLMGW_SEED={SEED}, number {i}, {path}: {data[:200]!r}"
        try:
            answer = four.post(path, data, VERSION)
        except Broken as broken:
            raise AssertionError(f"{where}: {broken}") from broken
        # What the scripted provider itself cannot read is a 500 of its own.
        assert (answer.status < 500 or answer.status in (502, 504)
                or b"scripted provider failed" in answer.body), f"{where}: {answer}"
        if answer.status >= 400 and path.startswith("/v1"):
            reader.error_of("anthropic" if path == "/v1/messages" else "openai", answer.json)
    # A model's name may have become a behaviour that the provider does not have.
    assert all("no such behaviour" in fault for fault in upstream.faults())
    upstream.reset()
    assert four.chat("openai/gpt-test").status == 200


def test_damaged_http(four, upstream):
    """Bytes that are hardly HTTP: httpd's own reader stands before us."""
    four.tolerates(r"\[core:error\]")
    dice = random.Random(SEED + 2)
    body = json.dumps({"model": "openai/gpt-test", "messages": [
        {"role": "user", "content": "hi"}]}).encode()
    whole = (f"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer "
             f"{four.key()}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
             "\r\nConnection: close\r\n\r\n").encode() + body
    for _ in range(COUNT // 3):
        with socket.create_connection(("127.0.0.1", four.port), timeout=3) as sock:
            try:
                sock.sendall(mutated(dice, whole))
                sock.shutdown(socket.SHUT_WR)
                while sock.recv(65536):
                    pass
            except OSError:
                pass
    assert four.chat("openai/gpt-test").status == 200
