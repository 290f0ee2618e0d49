# SPDX-License-Identifier: Apache-2.0
"""Filter mode: LLMMeter On beside stock ProxyPass. The transport is
mod_proxy's; keys, the provider's secret and metering are ours."""
import base64
import gzip
import json
import time

import pytest

import reader
from client import Broken

HELLO = [{"role": "user", "content": "hello"}]
ASK = {"model": "gpt-test", "messages": HELLO}


@pytest.fixture
def filtered(gw):
    gw.tolerates("AH01102", "AH01110", "AH00898")
    return gw.serve(conf_of(gw))


def conf_of(gw):
    url = gw.upstream.url
    return gw.conf().provider("openai").provider("anthropic").provider("gemini").add(f"""
        ProxyPass /openai    {url}/openai
        ProxyPass /anthropic {url}/anthropic
        ProxyPass /gemini    {url}/gemini
        <Location "/openai">
            LLMMeter       On
            LLMProviderFor openai
            AuthType       LLMKey
            Require        valid-user
        </Location>
        <Location "/anthropic">
            LLMMeter       On
            LLMProviderFor anthropic
            AuthType       LLMKey
            Require        valid-user
        </Location>
        <Location "/gemini">
            LLMMeter       On
            LLMProviderFor gemini
            AuthType       LLMKey
            Require        valid-user
        </Location>""")


CALLS = {
    "openai": ("/openai/v1/chat/completions", ASK),
    "anthropic": ("/anthropic/v1/messages", {"model": "claude-test", "max_tokens": 99,
                                             "messages": HELLO}),
    "gemini": ("/gemini/v1beta/models/gemini-test:generateContent",
               {"contents": [{"role": "user", "parts": [{"text": "hello"}]}]})}


@pytest.mark.parametrize("name", CALLS)
def test_stock_proxying_is_metered(filtered, upstream, name):
    path, body = CALLS[name]
    answer = filtered.post(path, body, [("anthropic-version", "2023-06-01")])
    assert answer.status == 200, answer
    assert reader.read(name, answer.body).text == "You said: hello"
    record = filtered.record(answer)
    assert record["filter"]
    assert record["provider"] == name
    assert (record["input"], record["output"]) == (5, 3)
    assert record["key"] == "tester"
    assert record["cost"]
    own = {"openai": ("authorization", "Bearer sk-test-openai"),
           "anthropic": ("x-api-key", "sk-ant-test"),
           "gemini": ("x-goog-api-key", "AIza-test")}[name]
    assert upstream.only().header(own[0]) == own[1]


def test_bytes_pass_untouched(filtered, upstream):
    body = b'{ "z":1.0,"model" : "gpt-test;any" ,"messages":[{"role":"user","content":"\\u0041"}]}'
    answer = filtered.post("/openai/v1/chat/completions", body)
    assert answer.status == 200
    assert upstream.only().body == body


def test_a_stream_is_metered_and_not_delayed(filtered, upstream):
    body = {**ASK, "model": "gpt-test;slow=120;events=5", "stream": True,
            "stream_options": {"include_usage": True}}
    times = []
    with filtered.open("POST", "/openai/v1/chat/completions", body) as stream:
        while stream.event():
            times.append(time.monotonic())
        reply = stream.rest()
    gaps = [b - a for a, b in zip(times, times[1:])]
    assert sum(g > 0.06 for g in gaps) >= 5, gaps
    record = filtered.record(reply)
    assert record["stream"] and record["output"] == 5 and not record["estimated"]


def test_a_stream_without_usage_is_estimated(filtered, upstream):
    """Nothing is added to the request here, so OpenAI does not count."""
    answer = filtered.post("/openai/v1/chat/completions",
                           {**ASK, "model": "gpt-test;events=30", "stream": True})
    assert "stream_options" not in upstream.only().json
    record = filtered.record(answer)
    assert record["estimated"] and 5 < record["output"] < 100


@pytest.mark.parametrize("key, status", [(None, 401), ("llmgw-" + "Z" * 43, 401)])
def test_without_a_key_nothing_passes(filtered, upstream, key, status):
    answer = filtered.post(*CALLS["openai"], key=key)
    assert answer.status == status
    reader.error_of("openai", answer.json)
    assert not upstream.seen()


def test_errors_are_recorded(filtered, upstream):
    answer = filtered.post("/openai/v1/chat/completions",
                           {**ASK, "model": "gpt-test;status=429;retry_after=2"})
    assert answer.status == 429
    assert answer.header("retry-after") == "2"
    assert filtered.record(answer)["status"] == 429


def test_a_client_that_leaves_is_recorded(filtered, upstream):
    body = {**ASK, "model": "gpt-test;events=60;slow=50", "stream": True}
    with filtered.open("POST", "/openai/v1/chat/completions", body) as stream:
        for _ in range(5):
            stream.event()
        stream.hang_up()
    record = filtered.record(stream.reply, 8)
    assert record["aborted"]


def test_an_upstream_that_breaks_off_is_recorded(filtered, upstream):
    try:
        answer = filtered.post("/openai/v1/chat/completions", {
            **ASK, "model": "gpt-test;events=9;cut=4", "stream": True})
        request_id = answer.id
    except Broken:
        request_id = None
    records = filtered.records()
    if request_id:
        assert filtered.record(request_id)
    else:
        assert records


def test_an_upstream_that_is_not_there_is_recorded(filtered, upstream):
    answer = filtered.post("/openai/v1/chat/completions", {**ASK, "model": "gpt-test;close"})
    assert answer.status in (502, 503)
    assert filtered.record(answer)["status"] == answer.status


def test_a_large_body_passes(filtered, upstream):
    body = {**ASK, "model": "gpt-test;text=ok",
            "messages": [{"role": "user", "content": "x" * 3_000_000}]}
    assert filtered.post("/openai/v1/chat/completions", body).status == 200
    assert len(upstream.only().json["messages"][0]["content"]) == 3_000_000


def test_other_requests_pass_as_well(filtered, upstream):
    assert filtered.get("/openai/v1/models").status == 200


def test_beside_the_gateway(gw, upstream):
    """Both modes in one server."""
    gw.serve(conf_of(gw).model("openai/*", "openai *").add("""
        <Location "/ai">
            LLMGateway On
            AuthType   LLMKey
            Require    valid-user
        </Location>"""))
    assert gw.post("/openai/v1/chat/completions", ASK).status == 200
    answer = gw.post("/ai/v1/chat/completions", {**ASK, "model": "openai/gpt-test"})
    assert answer.status == 200
    assert not gw.record(answer)["filter"]


def test_the_answer_is_not_compressed(filtered, upstream):
    """The client may say gzip; what is compressed cannot be metered."""
    answer = filtered.post(*CALLS["openai"], headers=[("Accept-Encoding", "gzip, br")])
    assert answer.status == 200
    assert not answer.has("content-encoding")
    assert filtered.record(answer)["output"] == 3


def test_what_is_compressed_all_the_same_passes_and_is_metered(filtered, upstream):
    body = json.dumps({"id": "c", "object": "chat.completion", "model": "gpt-test",
                       "choices": [{"index": 0, "finish_reason": "stop",
                                    "message": {"role": "assistant", "content": "Hi"}}],
                       "usage": {"prompt_tokens": 9, "completion_tokens": 2,
                                 "total_tokens": 11}})
    data = gzip.compress(body.encode())
    upstream.queue({"headers": [["Content-Type", "application/json"],
                                ["Content-Encoding", "gzip"]],
                    "body_base64": base64.b64encode(data).decode()})
    answer = filtered.post(*CALLS["openai"])
    assert answer.header("content-encoding") == "gzip" and answer.body == data
    record = filtered.record(answer)
    assert (record["input"], record["output"]) == (9, 2)
    assert not record["estimated"]
