# SPDX-License-Identifier: Apache-2.0
"""Where client and provider speak the same dialect, nothing that passes is
damaged: bytes are spliced, not printed again."""
import json
import re
import time

import pytest

import reader

# What JSON libraries like to change: order, spelling, duplicates, limits.
ODD = (b'"zeta" : 1.0e+02 ,"alpha":1.10,"big":9223372036854775808,"n64":12345678901234567890,'
       b'"tiny":1e-400,"neg0":-0.0,"nul":"a\\u0000b","esc":"\\u00e9\\/\\ud83d\\ude00",'
       b'"dup":1,"dup":2,"deep":{"b":[ ],"a":{ }},"t":true , "none" :null')


@pytest.fixture
def four(gw):
    return gw.serve(gw.conf().four_providers().enable())


def openai_body(model, more=b"", stream=False):
    return (b'{ "messages" : [ {"role":"user","content":"hello"} ],' + ODD + b',"model" : '
            + json.dumps(model).encode() + more
            + (b', "stream":true' if stream else b"") + b' }')


def anthropic_body(model, stream=False):
    return (b'{\n  "max_tokens": 100,' + ODD + b',\n  "model": ' + json.dumps(model).encode()
            + b',\n  "messages": [{"role":"user","content":[{"type":"text","text":"hello"}]}]'
            + (b', "stream":true' if stream else b"") + b"\n}")


def test_openai_request_and_answer(four, upstream):
    answer = four.chat("openai/gpt-4o")
    assert answer.status == 200
    said = reader.openai(answer.body)
    assert said.text == "You said: hello"
    assert said.model == "gpt-4o-2025-01-01"
    assert upstream.only().json["model"] == "gpt-4o"


def test_anthropic_request_and_answer(four, upstream):
    answer = four.messages("anthropic/claude-sonnet-4-5")
    assert answer.status == 200
    assert reader.anthropic(answer.body).text == "You said: hello"
    assert upstream.only().json["model"] == "claude-sonnet-4-5"


def test_openai_request_bytes_survive(four, upstream):
    body = openai_body("openai/gpt-4o;any")
    assert four.post("/v1/chat/completions", body).status == 200
    assert upstream.only().body == body.replace(b"openai/gpt", b"gpt")


def test_anthropic_request_bytes_survive(four, upstream):
    body = anthropic_body("anthropic/claude;any")
    assert four.post("/v1/messages", body,
                     [("anthropic-version", "2023-06-01")]).status == 200
    assert upstream.only().body == body.replace(b"anthropic/claude", b"claude")


def test_a_streamed_openai_request_gains_one_member(four, upstream):
    """stream_options is added, so that there is something to meter."""
    body = openai_body("openai/gpt-4o;any", stream=True)
    assert four.post("/v1/chat/completions", body).status == 200
    sent = upstream.only().body
    assert json.loads(sent)["stream_options"] == {"include_usage": True}
    added = re.compile(rb'(,\s*"stream_options"\s*:\s*\{[^}]*\}|"stream_options"\s*:\s*'
                       rb'\{[^}]*\}\s*,)')
    assert len(added.findall(sent)) == 1
    assert added.sub(b"", sent) == body.replace(b"openai/gpt", b"gpt")


def test_stream_options_of_the_client_are_completed_not_replaced(four, upstream):
    body = openai_body("openai/gpt-4o;any", stream=True,
                       more=b', "stream_options" : { "include_obfuscation":false }')
    answer = four.post("/v1/chat/completions", body)
    assert answer.status == 200
    assert upstream.only().json["stream_options"] == {"include_obfuscation": False,
                                                      "include_usage": True}
    assert all("usage" not in e.json for e in answer.events if e.data != "[DONE]")


@pytest.mark.parametrize("options", [b"null", b'{"include_usage":false}'])
def test_usage_is_asked_for_whatever_the_client_said(four, upstream, options):
    body = openai_body("openai/gpt-4o;any", stream=True,
                       more=b',"stream_options":' + options)
    answer = four.post("/v1/chat/completions", body)
    assert answer.status == 200
    assert upstream.only().json["stream_options"]["include_usage"] is True
    assert reader.openai_stream(answer.body).usage is None


def test_a_streamed_anthropic_request_is_untouched(four, upstream):
    body = anthropic_body("anthropic/claude;any", stream=True)
    assert four.post("/v1/messages", body,
                     [("anthropic-version", "2023-06-01")]).status == 200
    assert upstream.only().body == body.replace(b"anthropic/claude", b"claude")


def test_a_name_that_stays_the_same_changes_no_byte(gw, upstream):
    gw.serve(gw.conf().provider("openai").model("gpt-4o", "openai gpt-4o").enable())
    body = b'{"model":"gpt-4o","messages":[{"role":"user","content":"x\\u0041"}]}'
    assert gw.post("/v1/chat/completions", body).status == 200
    assert upstream.only().body == body


def test_only_the_top_level_model_is_replaced(gw, upstream):
    gw.serve(gw.conf().provider("openai").model("smart", "openai gpt-4o;any").enable())
    body = (b'{"metadata":{"model":"smart"},"model":"smart","messages":[{"role":"user",'
            b'"content":"the model is \\"model\\":\\"smart\\""}]}')
    assert gw.post("/v1/chat/completions", body).status == 200
    assert upstream.only().body == body.replace(b',"model":"smart"',
                                                b',"model":"gpt-4o;any"', 1)


def test_an_escaped_model_name_is_understood(gw, upstream):
    gw.serve(gw.conf().provider("openai").model("smart", "openai gpt-4o").enable())
    body = b'{"model":"sm\\u0061rt","messages":[{"role":"user","content":"x"}]}'
    assert gw.post("/v1/chat/completions", body).status == 200
    assert upstream.only().json["model"] == "gpt-4o"


ANSWERS = {
    "/v1/chat/completions": (
        "openai/gpt-4o", b'{"choices" : [{"index":0,"message":{"role":"assistant","content":'
        b'"\\u0041\\u0000"},"finish_reason":"stop"}],' + ODD + b',"usage":{"prompt_tokens":3,'
        b'"completion_tokens":1,"total_tokens":4},"model":"x","id":"chatcmpl-1","object":'
        b'"chat.completion","created":1}\n'),
    "/v1/messages": (
        "anthropic/claude", b'{"content" : [{"type":"text","text":"\\u0041\\u0000"}],' + ODD
        + b',"usage":{"input_tokens":3,"output_tokens":1},"model":"x","id":"msg_1","type":'
        b'"message","role":"assistant","stop_reason":"end_turn","stop_sequence":null}\n')}


@pytest.mark.parametrize("path", ANSWERS)
@pytest.mark.parametrize("chunked", [True, False])
def test_answer_bytes_survive(four, upstream, path, chunked):
    model, body = ANSWERS[path]
    upstream.queue({"headers": {"Content-Type": "application/json", "x-kept": "yes"},
                    "body": body.decode(), "chunked": chunked, "cuts": "random"})
    answer = four.post(path, anthropic_body(model) if "messages" in path
                       else openai_body(model))
    assert answer.status == 200
    assert answer.body == body


STREAMS = {
    "/v1/chat/completions": (
        "openai/gpt-4o",
        b': a comment\n\n'
        b'data: {"id":"c1","object":"chat.completion.chunk","created":1,"model":"x","choices":'
        b'[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}],'
        + ODD + b'}\n\n'
        b'data:{"id":"c1","object":"chat.completion.chunk","created":1,"model":"x","choices":'
        b'[{"delta":{"content":"\\u0048\\u0000i"},"index":0,"finish_reason":null}]}\r\n\r\n'
        b'data: {"id":"c1","object":"chat.completion.chunk","created":1,"model":"x","choices":'
        b'[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n'
        b'data: {"id":"c1","object":"chat.completion.chunk","created":1,"model":"x","choices":'
        b'[],"usage":{"prompt_tokens":3,"completion_tokens":1,"total_tokens":4}}\n\n'
        b'data: [DONE]\n\n'),
    "/v1/messages": (
        "anthropic/claude",
        b'event: message_start\ndata: {"type":"message_start","message":{"id":"m1","type":'
        b'"message","role":"assistant","model":"x","content":[],"stop_reason":null,'
        b'"stop_sequence":null,"usage":{"input_tokens":3,"output_tokens":1}},' + ODD
        + b'      }\n\n'
        b'event: ping\ndata: {"type": "ping"}\n\n'
        b'event: content_block_start\ndata: {"type":"content_block_start","index":0,'
        b'"content_block":{"type":"text","text":""}  }\n\n'
        b'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,"delta":'
        b'{"type":"text_delta","text":"\\u0048i"}    }\n\n'
        b'event: content_block_stop\ndata: {"type":"content_block_stop","index":0}\n\n'
        b'event: message_delta\ndata: {"type":"message_delta","delta":{"stop_reason":"end_turn"'
        b',"stop_sequence":null},"usage":{"output_tokens":2}}\n\n'
        b'event: message_stop\ndata: {"type":"message_stop"}\n\n')}


@pytest.mark.parametrize("path", STREAMS)
@pytest.mark.parametrize("cuts", [None, "one", "random"])
def test_stream_bytes_survive(four, upstream, path, cuts):
    """Whole, cut at random and byte by byte; the client asked for usage."""
    model, body = STREAMS[path]
    upstream.queue({"headers": {"Content-Type": "text/event-stream"}, "seed": len(body),
                    "body": body.decode(), "cuts": cuts})
    ask = (anthropic_body(model, stream=True) if "messages" in path else
           openai_body(model, stream=True, more=b',"stream_options":{"include_usage":true}'))
    answer = four.post(path, ask)
    assert answer.status == 200
    assert answer.header("content-type").startswith("text/event-stream")
    assert answer.body == body


def test_usage_that_the_client_did_not_ask_for_is_hidden(four, upstream):
    asked = four.chat("openai/gpt-4o", stream=True, stream_options={"include_usage": True})
    silent = four.chat("openai/gpt-4o", stream=True)
    with_usage = [e for e in asked.events if e.data != "[DONE]"]
    without = [e for e in silent.events if e.data != "[DONE]"]
    assert with_usage[-1].json["usage"]["prompt_tokens"] > 0
    assert with_usage[-1].json["choices"] == []
    assert len(without) == len(with_usage) - 1
    for left, right in zip(without, with_usage):
        assert "usage" not in left.json
        assert left.data == right.data.replace(',"usage":null', ""), "more than usage went"
    assert silent.events[-1].data == "[DONE]"
    assert all(s.json["stream_options"]["include_usage"] for s in upstream.seen())


def test_usage_beside_output_passes(four, upstream):
    """Servers that put text and usage into one chunk tell it unasked: nothing
    of such a chunk is taken away."""
    upstream.queue({"headers": {"Content-Type": "text/event-stream"}, "body": "".join(
        f"data: {json.dumps(c)}\n\n" for c in (
            {"id": "c", "object": "chat.completion.chunk", "choices": [
                {"index": 0, "delta": {"role": "assistant", "content": "one"}}]},
            {"id": "c", "object": "chat.completion.chunk", "choices": [
                {"index": 0, "delta": {"content": " two"}, "finish_reason": "stop"}],
             "usage": {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}}))
        + "data: [DONE]\n\n"})
    answer = four.chat("openai/gpt-4o", stream=True)
    assert reader.openai_stream(answer.body).text == "one two"
    assert answer.text.count("prompt_tokens") == 1
    assert four.record(answer)["output"] == 2


def test_include_usage_off_asks_for_nothing(gw, upstream):
    gw.serve(gw.conf().provider("openai", more="LLMIncludeUsage Off")
             .model("openai/*", "openai *").enable())
    answer = gw.chat("openai/gpt-4o", stream=True)
    assert "stream_options" not in upstream.only().json
    assert reader.openai_stream(answer.body).text == "You said: hello"


def test_events_leave_as_they_arrive(four, upstream):
    """Not collected, not delayed by a timer."""
    with four.open("POST", "/v1/chat/completions", openai_body(
            "openai/gpt-4o;any;events=4;slow=150", stream=True)) as stream:
        times = []
        while stream.event():
            times.append(time.monotonic())
    gaps = [b - a for a, b in zip(times, times[1:])]
    assert sum(g > 0.1 for g in gaps) >= 4, gaps


def test_the_head_does_not_wait_for_the_first_token(four, upstream):
    """...more than the provider's own head does: nothing is sent before some
    upstream has answered, so that another one can be tried."""
    with four.open("POST", "/v1/messages", anthropic_body(
            "anthropic/claude;any;stall=300", stream=True),
            [("anthropic-version", "2023-06-01")]) as stream:
        assert stream.status == 200
        assert stream.event().name == "message_start"


def test_what_the_client_sent_for_the_provider_reaches_it(four, upstream):
    four.messages("anthropic/claude", headers=[("anthropic-beta", "context-1m-2025-08-07")])
    seen = upstream.only()
    assert seen.header("anthropic-beta") == "context-1m-2025-08-07"
    assert seen.header("anthropic-version") == "2023-06-01"


def test_headers_of_the_provider_reach_the_client(four, upstream):
    answer = four.chat("openai/gpt-4o")
    assert answer.header("x-ratelimit-remaining-requests") == "499"
    assert answer.header("openai-processing-ms") == "7"


def test_errors_of_the_same_dialect_pass_as_they_are(four, upstream):
    body = ('{\n  "error": {\n    "message": "too hot",\n    "type": "invalid_request_error",'
            '\n    "param": "temperature",\n    "code": null,\n    "odd": 1.0e2\n  }\n}\n')
    upstream.queue({"status": 400, "headers": {"Content-Type": "application/json"},
                    "body": body})
    answer = four.chat("openai/gpt-4o")
    assert answer.status == 400
    assert answer.body == body.encode()


def test_several_choices_pass(four, upstream):
    answer = four.chat("openai/gpt-4o", stream=True, n=2)
    texts = ["", ""]
    for event in answer.events[:-1]:
        for choice in event.json["choices"]:
            texts[choice["index"]] += choice["delta"].get("content") or ""
    assert texts == ["You said: hello"] * 2


def test_a_large_prompt_passes(four, upstream):
    text = "word " * 200_000
    answer = four.chat("openai/gpt-4o;text=ok", text)
    assert reader.openai(answer.body).text == "ok"
    assert upstream.only().json["messages"][0]["content"] == text


def test_a_large_answer_passes(four, upstream):
    answer = four.chat("openai/gpt-4o;size=3000000")
    assert len(reader.openai(answer.body).text) == 3_000_000


def test_a_chunked_request_passes(four, upstream):
    body = openai_body("openai/gpt-4o;any")
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(body[i:i + 50]), body[i:i + 50])
                      for i in range(0, len(body), 50)) + b"0\r\n\r\n"
    answer = four.send("POST", "/v1/chat/completions", chunks,
                       [("Transfer-Encoding", "chunked")])
    assert answer.status == 200
    assert upstream.only().body == body.replace(b"openai/gpt", b"gpt")


def test_embeddings_pass(four, upstream):
    answer = four.post("/v1/embeddings", {"model": "openai/text-embedding-3-small",
                                          "input": ["one", "two"]})
    assert answer.status == 200
    assert len(answer.json["data"]) == 2
    assert four.record(answer)["input"] == answer.json["usage"]["prompt_tokens"]


def test_base64_embeddings_pass(four, upstream):
    answer = four.post("/v1/embeddings", {
        "model": "openai/text-embedding-3-small", "input": "one",
        "encoding_format": "base64"})
    assert isinstance(answer.json["data"][0]["embedding"], str)
