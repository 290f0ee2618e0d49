# SPDX-License-Identifier: Apache-2.0
"""Bedrock's InvokeModel: Claude for clients that speak Anthropic's dialect,
Claude Code among them, to the byte; and what native routes tell of usage."""
import base64
import json
import os
import sys

import pytest

import reader
import recorded
from client import sse
from env import SOURCES
from reader_bedrock import messages

sys.path.insert(0, os.path.join(SOURCES, "test", "provider"))
import wire_bedrock     # noqa: E402  (found by the line above)

CLAUDE = "bedrock/us.anthropic.claude-sonnet-4-5-test-v1:0"
TARGET = "/bedrock/model/us.anthropic.claude-sonnet-4-5-test-v1%3A0"
VERSION = [("anthropic-version", "2023-06-01")]
RAW = (b'{ "model":"%s","x_unknown":{"b":1,"a":[1.0,9e999]},"max_tokens":100,'
       b'"system":[{"type":"text","text":"s","cache_control":{"type":"ephemeral"}}],'
       b'"messages":[{"role":"user","content":"a\\u0000\\/b"}],"x_unknown":2%s }')


@pytest.fixture
def four(gw):
    return gw.serve(gw.conf().four_providers().enable())


def raw(more=b"", model=CLAUDE + ";any"):
    return RAW % (model.encode(), more)


def ask(text="hello", model=CLAUDE, **more):
    return {"model": model, "max_tokens": 100,
            "messages": [{"role": "user", "content": text}], **more}


FRONT = b'{"anthropic_version":"bedrock-2023-05-31"'


@pytest.mark.parametrize("stream", [False, True])
def test_the_body_is_the_clients(four, upstream, stream):
    """But for the members that the path says; unknown ones, twice even, and
    how numbers are spelled survive."""
    body = raw(b',"stream":true' if stream else b"")
    answer = four.post("/v1/messages", body, VERSION)
    assert answer.status == 200, answer
    sent = upstream.only()
    method = "invoke-with-response-stream" if stream else "invoke"
    assert sent.target == f"{TARGET}%3Bany/{method}"
    rest = body[body.index(b',"x_unknown"'):].replace(b',"stream":true', b"")
    assert sent.body == FRONT + b" " + rest
    assert sent.header("anthropic-version") is None


@pytest.mark.parametrize("body, sent", [
    (b'{"stream":false,"model":"%s","max_tokens":1,"messages":[]}',
     FRONT + b',"max_tokens":1,"messages":[]}'),
    (b'\n{\n "max_tokens" : 1 ,\n "model": "%s" , "messages": []\n}',
     FRONT + b',\n "max_tokens" : 1 , "messages": []\n}'),
    (b'{"messages":[],"anthropic_version":"x","model":"%s"}', FRONT + b',"messages":[]}'),
    (b'{"model":"%s"}', FRONT + b"}")])
def test_members_go_wherever_they_stood(four, upstream, body, sent):
    four.post("/v1/messages", body % CLAUDE.encode(), VERSION)
    assert json.loads(sent) == upstream.only().json
    assert upstream.only().body.replace(b"{\n", b"{").replace(b" ", b"").replace(
        b"\n", b"") == sent.replace(b" ", b"").replace(b"\n", b"")


def test_beta_features_are_a_member(four, upstream):
    betas = "interleaved-thinking-2025-05-14, oauth-2025-04-20,context-1m-2025-08-07"
    answer = four.post("/v1/messages", ask(), [*VERSION, ("anthropic-beta", betas)])
    assert answer.status == 200, answer
    sent = upstream.only()
    assert sent.json["anthropic_beta"] == ["interleaved-thinking-2025-05-14",
                                           "context-1m-2025-08-07"]
    assert sent.header("anthropic-beta") is None
    assert answer.header("x-llm-dropped") == "anthropic-beta.oauth-2025-04-20"


def test_no_beta_feature_is_no_member(four, upstream):
    four.post("/v1/messages", ask(), [*VERSION, ("anthropic-beta", "oauth-2025-04-20")])
    assert "anthropic_beta" not in upstream.only().json


@pytest.mark.parametrize("script", ["", ";bytes=one", ";bytes=random;seed=5", ";cached=50"])
def test_a_stream_is_anthropics(four, upstream, script):
    answer = four.post("/v1/messages", ask(stream=True, model=CLAUDE + script), VERSION)
    assert answer.header("content-type").split(";")[0] == "text/event-stream"
    assert reader.anthropic_stream(answer.body).text == "You said: hello"
    assert [e.name for e in sse(answer.body)] == [e.json["type"] for e in sse(answer.body)]
    record = four.record(answer)
    assert (record["input"], record["output"]) == (5, 3) and not record["estimated"]
    assert (record["cache_read"] or 0) == (50 if "cached" in script else 0)


def test_thinking_and_tools_go_both_ways(four, upstream):
    tools = [{"name": "get_weather", "input_schema": {"type": "object"}}]
    think = {"thinking": {"type": "enabled", "budget_tokens": 1024}, "max_tokens": 5000}
    first = four.post("/v1/messages", ask("use the tool", tools=tools, **think), VERSION)
    assert [b["type"] for b in first.json["content"]] == ["thinking", "tool_use"]
    history = [{"role": "user", "content": "use the tool"},
               {"role": "assistant", "content": first.json["content"]},
               {"role": "user", "content": [
                   {"type": "tool_result", "tool_use_id": first.json["content"][1]["id"],
                    "content": "sunny", "cache_control": {"type": "ephemeral"}}]}]
    four.post("/v1/messages", {**ask(tools=tools, **think), "messages": history}, VERSION)
    assert upstream.seen()[-1].json["messages"] == history


@pytest.mark.parametrize("client, path", [("openai", "/v1/chat/completions")])
def test_others_are_translated_to_converse(four, upstream, client, path):
    answer = four.post(path, {"model": CLAUDE, "messages": [
        {"role": "user", "content": "hello"}]})
    assert reader.openai(answer.body).text == "You said: hello"
    assert upstream.only().target == f"{TARGET}/converse"


def test_other_models_are_asked_by_converse(four, upstream):
    answer = four.post("/v1/messages", ask(model="bedrock/amazon.nova-lite-v1:0"), VERSION)
    assert reader.anthropic(answer.body).text == "You said: hello"
    assert upstream.only().target.endswith("/converse")


@pytest.mark.parametrize("status, kind", [(400, "invalid_request_error"),
                                          (429, "rate_limit_error"), (403, "permission_error")])
def test_errors_are_anthropics(four, upstream, status, kind):
    answer = four.post("/v1/messages", ask(model=f"{CLAUDE};status={status}"), VERSION)
    assert answer.status == status
    assert reader.error_of("anthropic", answer.json)[0] == kind


@pytest.mark.parametrize("script", [";events=6;error_after=5", ";events=6;cut=5;half"])
def test_a_failure_in_mid_stream_is_an_event(four, upstream, script):
    four.tolerates("LLMGW0101")
    answer = four.post("/v1/messages", ask(stream=True, model=CLAUDE + script), VERSION)
    said = reader.anthropic_stream(answer.body, strict=False)
    assert said.error, answer
    assert b'"request_id":""' not in answer.body
    assert b"\0" not in answer.body


def test_tokens_are_counted_here(four, upstream):
    """CountTokens takes ids of models alone, and no inference profile's."""
    body = {k: v for k, v in ask("one two three").items() if k != "max_tokens"}
    answer = four.post("/v1/messages/count_tokens", body, VERSION)
    assert answer.json["input_tokens"] >= 3
    assert answer.header("x-llm-estimated") == "tokens" and not upstream.seen()


# -- native routes --------------------------------------------------------------------

NATIVE = {"anthropic_version": "bedrock-2023-05-31", "max_tokens": 100,
          "messages": [{"role": "user", "content": "hello"}]}


@pytest.mark.parametrize("method", ["invoke", "invoke-with-response-stream"])
def test_native_calls_are_metered(four, upstream, method):  # fact 75
    answer = four.post(f"/bedrock/model/anthropic.claude-test-v1:0/{method}", NATIVE)
    assert answer.status == 200, answer
    assert upstream.only().json == NATIVE
    if method != "invoke":
        last = messages(answer.body)[-1].json
        assert b"invocationMetrics" in base64.b64decode(last["bytes"])
    record = four.record(answer)
    assert record["native"] and not record["estimated"]
    assert (record["input"], record["output"]) == (5, 3)
    assert record["finish"] == "stop"


def test_a_native_streams_metrics_count(four, upstream):  # fact 75
    """Of makers whose events tell nothing else."""
    inside = [{"outputText": "Hi"}, {"outputText": "", "amazon-bedrock-invocationMetrics": {
        "inputTokenCount": 7, "outputTokenCount": 4}}]
    doc = {"response": {"status": 200, "headers": {
        "content-type": "application/vnd.amazon.eventstream"}, "body_base64": base64.b64encode(
            b"".join(recorded_event(i) for i in inside)).decode()}}
    upstream.queue({"recorded": doc})
    answer = four.post("/bedrock/model/amazon.titan-text-lite-v1/invoke-with-response-stream",
                       {"inputText": "x"})
    assert len(messages(answer.body)) == 2
    record = four.record(answer)
    assert (record["input"], record["output"]) == (7, 4) and not record["estimated"]


def recorded_event(inside):
    return wire_bedrock.event("chunk", {"bytes": base64.b64encode(
        json.dumps(inside).encode()).decode()})


def test_a_native_answers_head_counts(four, upstream):  # fact 76
    answer = four.post("/bedrock/model/cohere.embed-english-v3/invoke",
                       {"texts": ["one two"], "input_type": "search_document"})
    assert answer.status == 200, answer
    assert answer.header("x-amzn-bedrock-input-token-count") == "2"
    record = four.record(answer)
    assert record["input"] == 2 and not record["output"] and not record["estimated"]


# -- embeddings -------------------------------------------------------------------------

TITAN, COHERE = "bedrock/amazon.titan-embed-text-v2:0", "bedrock/cohere.embed-english-v3"
ONE = [("openai", "/v1/embeddings", {"input": "one two"},
        lambda d: [row["embedding"] for row in d["data"]]),
       ("cohere", "/v2/embed", {"texts": ["one two"], "input_type": "search_query",
                                "embedding_types": ["float"]},
        lambda d: d["embeddings"]["float"]),
       ("ollama", "/api/embed", {"input": ["one two"]}, lambda d: d["embeddings"])]


@pytest.mark.parametrize("model", [TITAN, COHERE, "bedrock/amazon.titan-embed-text-v1"])
@pytest.mark.parametrize("client, path, body, vectors", ONE, ids=[o[0] for o in ONE])
def test_embeddings(four, upstream, model, client, path, body, vectors):
    answer = four.post(path, {**body, "model": model})
    assert answer.status == 200, answer
    assert [len(v) for v in vectors(answer.json)] == [8]
    assert upstream.only().target.endswith("/invoke")
    record = four.record(answer)
    assert record["input"] == 2 and not record["output"] and not record["estimated"]
    if model == COHERE:
        assert upstream.only().json["input_type"] == body.get("input_type", "search_document")


def test_embeddings_for_gemini(four, upstream):
    answer = four.post(f"/v1beta/models/{TITAN}:embedContent",
                       {"content": {"parts": [{"text": "one two"}]}})
    assert len(answer.json["embedding"]["values"]) == 8, answer


def test_several_texts(four, upstream):
    answer = four.post("/v1/embeddings", {"model": COHERE, "input": ["one", "two"]})
    assert [row["index"] for row in answer.json["data"]] == [0, 1]
    assert answer.json["usage"]["prompt_tokens"] == 2       # fact 76: of the head
    answer = four.post("/v1/embeddings", {"model": TITAN, "input": "one", "dimensions": 4,
                                          "normalize": False})
    assert len(answer.json["data"][0]["embedding"]) == 4
    assert upstream.seen()[-1].json == {"inputText": "one", "dimensions": 4,
                                        "normalize": False}


@pytest.mark.parametrize("model, more, word", [
    (TITAN, {"input": ["one", "two"]}, "input: this model takes one text"),
    (TITAN, {"input": [1, 2]}, "input"), (TITAN, {"input": []}, "input"),
    (COHERE, {"input": "x", "dimensions": 4}, "dimensions"),
    ("bedrock/amazon.titan-embed-text-v1", {"input": "x", "dimensions": 4}, "dimensions"),
    (TITAN, {"input": "x", "truncate": "END"}, "truncate"),
    (TITAN, {"input": "x", "unheard_of": 1}, "unheard_of"),
    ("bedrock/amazon.nova-lite-v1:0", {"input": "x"}, "model")])
def test_embeddings_that_cannot_be(four, upstream, model, more, word):
    answer = four.post("/v1/embeddings", {"model": model, **more})
    assert answer.status == 400, answer
    assert word in reader.error_of("openai", answer.json)[1]
    assert not upstream.seen()


# -- recordings -------------------------------------------------------------------------

INVOKED = [e for e in recorded.invoked() if "claude-3" in e.asked or "claude-haiku" in e.asked]
invoked = pytest.mark.parametrize("exchange", INVOKED, ids=lambda e: e.id)


@invoked
@pytest.mark.parametrize("cuts", [None, "one"])
def test_recorded_answers_are_the_same_bytes(four, upstream, exchange, cuts):
    upstream.queue(exchange.answer(cuts=cuts))
    answer = four.post("/v1/messages", ask(stream=exchange.streamed), VERSION)
    assert answer.status == 200, answer
    if not exchange.streamed:
        assert answer.body == exchange.body
        return
    inside = [base64.b64decode(m.json["bytes"]) for m in messages(exchange.body)]
    assert [e.data.encode() for e in sse(answer.body)] == inside
    record = four.record(answer)
    said = reader.anthropic_stream(answer.body, strict=False)
    assert (record["input"], record["output"]) == reader.totals(said.usage)
