# SPDX-License-Identifier: Apache-2.0
"""What is known of providers' heads and framing, on a real wire.

A number in a comment ("fact 14") is that of mod_llm_gateway/docs/internals/facts.md;
what is known of bodies is tested by test/unit/dialect/test_facts_*.c.
"""
import base64
import gzip
import json
import zlib

import pytest

import reader

CHAT = {"id": "c1", "object": "chat.completion", "created": 7, "model": "gpt-test",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hi"},
                     "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 9, "completion_tokens": 2, "total_tokens": 11}}
MESSAGE = {"id": "msg_1", "type": "message", "role": "assistant", "model": "claude-test",
           "content": [{"type": "text", "text": "Hi"}], "stop_reason": "end_turn",
           "stop_sequence": None, "usage": {"input_tokens": 9, "output_tokens": 2}}
CHUNKS = [{"choices": [{"index": 0, "delta": {"content": "H"}}]},
          {"choices": [{"index": 0, "delta": {"content": "i"}}]},
          {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}],
           "usage": CHAT["usage"]}]

passed_or_not = pytest.mark.parametrize("client", ["chat", "messages"])


@pytest.fixture
def four(gw):
    return gw.serve(gw.conf().four_providers().enable())


def whole(body, *headers, status=200):
    return {"status": status, "body": body if isinstance(body, str) else json.dumps(body),
            "headers": [["Content-Type", "application/json"], *map(list, headers)]}


def streamed(kind="text/event-stream", between=""):
    data = between.join(f"data: {json.dumps(c)}\n\n" for c in CHUNKS)
    return {"headers": [["Content-Type", kind]],
            "body": f"{between}{data}{between}data: [DONE]\n\n"}


def ask(gw, client, model="openai/gpt-test", **more):
    return getattr(gw, client)(model, **more)


def counted(gw, answer):
    record = gw.record(answer)
    return record["input"], record["output"], record["attempts"]


@passed_or_not
def test_no_compression_is_asked_for(four, upstream, client):
    # fact 14
    upstream.queue(whole(CHAT))
    answer = ask(four, client, headers=[("Accept-Encoding", "gzip, br")])
    assert upstream.only().header("accept-encoding") == "identity"
    assert answer.status == 200 and not answer.has("content-encoding")
    assert int(answer.header("content-length", len(answer.body))) == len(answer.body)
    assert counted(four, answer) == (9, 2, 1)


CODINGS = {"gzip": gzip.compress, "deflate": zlib.compress,
           "x-gzip": lambda data: gzip.compress(data[:20]) + gzip.compress(data[20:])}
each_coding = pytest.mark.parametrize("coding", CODINGS)


def packed(coding, answer):
    """As a provider, or something in front of it, compresses it unasked."""
    data = CODINGS[coding](answer["body"].encode())
    return {"status": answer.get("status", 200),
            "headers": [*answer["headers"], ["Content-Encoding", coding]],
            "body_base64": base64.b64encode(data).decode()}


@each_coding
@passed_or_not
def test_a_compressed_answer_is_inflated(four, upstream, client, coding):
    # fact 14
    upstream.queue(packed(coding, whole(CHAT)))
    answer = ask(four, client)
    assert answer.status == 200 and not answer.has("content-encoding")
    assert int(answer.header("content-length", len(answer.body))) == len(answer.body)
    if client == "chat":
        assert answer.body == json.dumps(CHAT).encode()
    else:
        assert reader.anthropic(answer.body).text == "Hi"
    assert counted(four, answer) == (9, 2, 1)
    assert not four.record(answer)["estimated"]


@each_coding
@passed_or_not
@pytest.mark.parametrize("cuts", ["one", "random", []])
def test_a_compressed_stream_is_inflated(four, upstream, client, coding, cuts):
    # fact 14
    upstream.queue({**packed(coding, streamed()), "cuts": cuts})
    answer = ask(four, client, stream=True)
    assert answer.status == 200 and not answer.has("content-encoding")
    assert answer.header("content-type").startswith("text/event-stream")
    assert counted(four, answer) == (9, 2, 1)


@each_coding
@passed_or_not
def test_a_compressed_error_is_read(gw, upstream, client, coding):
    gw.serve(gw.conf("LLMRetries 0").four_providers().enable())
    upstream.queue(packed(coding, whole({"error": {"message": "slow down"}}, status=429)))
    answer = ask(gw, client)
    assert answer.status == 429 and not answer.has("content-encoding")
    assert answer.json["error"]["message"] == "slow down"


def test_a_native_answer_is_metered_though_compressed(gw, upstream):
    gw.serve(gw.conf().provider("openai").enable())
    upstream.queue(packed("gzip", whole(CHAT)))
    answer = gw.post("/openai/v1/chat/completions", {"model": "gpt-test", "messages": []})
    assert answer.body == json.dumps(CHAT).encode()
    assert counted(gw, answer) == (9, 2, 1)


@passed_or_not
def test_a_bomb_is_an_error(four, upstream, client):
    upstream.queue(packed("gzip", whole(json.dumps(CHAT) + " " * 50_000_000)))
    four.expects("a hundred times as large")
    answer = ask(four, client)
    assert answer.status == 502 and "error" in answer.json


@passed_or_not
def test_compressed_data_that_is_cut_or_damaged_is_an_error(four, upstream, client):
    good = gzip.compress(json.dumps(CHAT).encode())
    for bad, says in ((good[:-12], "no end"), (good[:30] + b"!!" + good[32:], "damaged")):
        upstream.queue({"headers": [["Content-Type", "application/json"],
                                    ["Content-Encoding", "gzip"]],
                        "body_base64": base64.b64encode(bad).decode()})
        four.expects(says)
        answer = ask(four, client)
        assert answer.status == 502 and not answer.has("content-encoding")


def test_what_cannot_be_inflated_cannot_be_translated_and_says_so(four, upstream):
    upstream.queue({"headers": [["Content-Type", "application/json"],
                                ["Content-Encoding", "br"]],
                    "body_base64": base64.b64encode(b"\x0b\x02\x80{}\x03").decode()})
    four.expects(r"the answer is compressed \('br'\)")
    answer = four.messages("openai/gpt-test")
    assert answer.status == 502 and not answer.has("content-encoding")
    assert answer.json["type"] == "error"


def test_what_cannot_be_inflated_passes_as_it_is(four, upstream):
    data = b"\x0b\x02\x80{}\x03"
    upstream.queue({"headers": [["Content-Type", "application/json"],
                                ["Content-Encoding", "br"]],
                    "body_base64": base64.b64encode(data).decode()})
    answer = four.chat("openai/gpt-test")
    assert answer.status == 200 and answer.header("content-encoding") == "br"
    assert answer.body == data
    assert four.record(answer)["estimated"]


RATES = [  # a duration; a bare number and a header of Azure's own; a date
    ("openai", "x-ratelimit-reset-requests", "1m53.425s"),  # fact 15
    ("openai", "x-ratelimit-reset-tokens", "20ms"),  # fact 15
    ("openai", "x-ratelimit-reset-requests", "500"),  # fact 27
    ("openai", "x-ratelimit-renewalperiod-tokens", "60"),  # fact 27
    ("anthropic", "anthropic-ratelimit-tokens-reset", "2026-01-02T03:04:05Z"),  # fact 43
]


@passed_or_not
@pytest.mark.parametrize("provider, name, value", RATES)
def test_rate_headers_pass_as_they_are(four, upstream, client, provider, name, value):
    # fact 15, fact 27, fact 43
    model, body = {"openai": ("openai/gpt-test", CHAT),
                   "anthropic": ("anthropic/claude-test", MESSAGE)}[provider]
    upstream.queue(whole(body, (name, value)))
    answer = ask(four, client, model)
    assert answer.status == 200, answer
    assert answer.header(name) == value
    assert not answer.has("retry-after")


def test_a_rate_header_is_no_delay(gw, upstream):
    """Neither a duration nor a date is taken for the seconds of Retry-After."""
    # fact 15, fact 43
    gw.serve(gw.conf("LLMRetries 0").four_providers().enable())
    upstream.queue(whole({"error": {"message": "slow down"}},
                         ("x-ratelimit-reset-requests", "1m53.425s"), status=429))
    answer = gw.messages("openai/gpt-test")
    assert answer.status == 429 and not answer.has("retry-after")


@passed_or_not
@pytest.mark.parametrize("model, body", [("openai/gpt-test", CHAT),
                                         ("anthropic/claude-test", MESSAGE)])
def test_retry_after_beside_a_good_answer_means_nothing(gw, upstream, client, model, body):
    # fact 42
    gw.serve(gw.conf("LLMRetries 3").four_providers().enable())
    upstream.queue(whole(body, ("retry-after", "49")))
    answer = ask(gw, client, model)
    assert answer.status == 200 and not answer.has("retry-after")
    assert counted(gw, answer) == (9, 2, 1)
    assert len(upstream.seen()) == 1


@passed_or_not
def test_an_error_of_azures_without_a_type(four, upstream, client):
    # fact 26
    said = {"error": {"code": "DeploymentNotFound", "message": "No such deployment"}}
    upstream.queue({"status": 404, "headers": [], "body": json.dumps(said)})
    answer = ask(four, client)
    assert answer.status == 404
    assert answer.header("content-type").split(";")[0] == "application/json"
    assert answer.json["error"]["message"] == "No such deployment"


def test_azures_id_of_a_request(four, upstream):
    # fact 28
    upstream.queue(whole(CHAT, ("apim-request-id", "a-1"), ("x-request-id", "x-1")))
    answer = four.chat("openai/gpt-test")
    assert answer.header("apim-request-id") == "a-1"
    assert answer.header("x-llm-upstream-request-id") == "x-1"
    assert answer.id.startswith("req_")


def test_googles_delay_is_in_the_body(four, upstream):
    # fact 63
    said = {"error": {"code": 429, "message": "quota", "status": "RESOURCE_EXHAUSTED",
                      "details": [{"@type": "type.googleapis.com/google.rpc.RetryInfo",
                                   "retryDelay": "34.4s"}]}}
    upstream.queue(*[whole(said, status=429)] * 3)
    answer = four.chat("gemini/gemini-test")
    assert answer.status == 429 and answer.header("retry-after") == "35"


@passed_or_not
def test_comments_do_no_harm(four, upstream, client):
    # fact 96
    upstream.queue(streamed(between=": OPENROUTER PROCESSING\n\n"))
    answer = ask(four, client, stream=True)
    assert answer.status == 200
    assert b"error" not in answer.body
    assert counted(four, answer) == (9, 2, 1)
    if client == "chat":
        assert answer.body.count(b": OPENROUTER PROCESSING") == 4


def test_an_account_is_not_told_to_others(four, upstream):
    # fact 101
    said = {"error": {"message": "Provider returned error", "code": 429,
                      "metadata": {"raw": "too fast"}}, "user_id": "user_2abc"}
    upstream.queue(*[whole(said, status=429)] * 3)
    answer = four.messages("openai/gpt-test")
    assert answer.status == 429
    assert "too fast" in answer.json["error"]["message"]
    assert "user_2abc" not in answer.text


def test_an_error_in_plain_text(four, upstream):
    # fact 107
    upstream.queue({"status": 422, "headers": [["Content-Type", "text/plain"]],
                    "body": "Failed to deserialize the JSON body"})
    answer = four.chat("hf/org/some-model")
    assert answer.status == 422
    assert answer.json["error"]["message"] == "Failed to deserialize the JSON body"


@passed_or_not
def test_an_error_that_calls_itself_bytes(four, upstream, client):
    # fact 118
    said = {"error": {"message": "Wrong order of items", "type": "invalid_request_error"}}
    upstream.queue({"status": 400, "body": json.dumps(said),
                    "headers": [["Content-Type", "application/octet-stream"]]})
    answer = ask(four, client)
    assert answer.status == 400
    assert answer.json["error"]["message"] == "Wrong order of items"


@passed_or_not
@pytest.mark.parametrize("kind", ["text/event-stream;charset=UTF-8",
                                  "Text/Event-Stream ; charset=utf-8"])
def test_a_type_is_read_whatever_follows_it(four, upstream, client, kind):
    # fact 119
    upstream.queue(streamed(kind))
    answer = ask(four, client, stream=True)
    assert answer.status == 200
    assert counted(four, answer) == (9, 2, 1)
    assert four.record(answer)["finish"] == "stop"


def test_a_model_with_a_slash_is_one_part_of_the_path(four, upstream):
    # fact 47
    answer = four.post("/v1beta/models/gemini%2Fgemini-test:streamGenerateContent",
                       {"contents": [{"parts": [{"text": "hello"}]}]})
    assert answer.status == 200
    assert upstream.only().target.endswith(
        "/models/gemini-test:streamGenerateContent?alt=sse")


def test_calls_that_are_mixed_are_put_in_order(four, upstream):
    def piece(*calls):
        return "data: " + json.dumps({"id": "c", "model": "m", "choices": [
            {"index": 0, "delta": {"tool_calls": list(calls)}}]}) + "\n\n"

    def part(index, arguments, **more):
        return {"index": index, "function": {"arguments": arguments, **more}}

    body = (piece({"id": "a", **part(0, "", name="f")}, {"id": "b", **part(1, "", name="g")})
            + piece(part(1, '{"n":'), part(0, '{"m"')) + piece(part(0, ":1}"), part(1, "2}"))
            + "data: " + json.dumps(CHUNKS[-1]) + "\n\ndata: [DONE]\n\n")
    upstream.queue({"headers": [["Content-Type", "text/event-stream"]], "body": body})
    answer = four.messages("openai/gpt-test", stream=True, tools=[
        {"name": name, "input_schema": {"type": "object"}} for name in "fg"])
    said = reader.anthropic_stream(answer.body)
    assert said.calls == [("f", {"m": 1}), ("g", {"n": 2})]
