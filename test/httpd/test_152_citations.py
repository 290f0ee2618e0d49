# SPDX-License-Identifier: Apache-2.0
"""What an answer is taken from, as clients of other dialects read it.

Which member becomes which is proven in unit tests; here the answers go through
a real httpd, whole and streamed, and AWS's and OpenAI's own SDKs read them
where they are installed.
"""
import json

import pytest

import reader
from reader_bedrock import messages

CITED = {"type": "char_location", "cited_text": "4806 m", "document_index": 0,
         "document_title": "Alps", "file_id": None, "start_char_index": 14, "end_char_index": 20}
USAGE = {"input_tokens": 9, "output_tokens": 7}
TEXTS = ["Höher ist ", "der Mont Blanc", "."]
DOCUMENT = {"type": "document", "title": "Alps", "citations": {"enabled": True},
            "source": {"type": "text", "media_type": "text/plain",
                       "data": "Mont Blanc is 4806 m high."}}


def whole():
    blocks = [{"type": "text", "text": t} for t in TEXTS]
    blocks[1]["citations"] = [CITED]
    return {"headers": {"Content-Type": "application/json"}, "body": json.dumps(
        {"id": "msg_1", "type": "message", "role": "assistant", "model": "claude-x",
         "content": blocks, "stop_reason": "end_turn", "usage": USAGE})}


def event(kind, **more):
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **more})}\n\n"


def streamed():
    out = event("message_start", message={"id": "msg_1", "type": "message", "role": "assistant",
                                          "model": "claude-x", "content": [], "usage": USAGE})
    for i, text in enumerate(TEXTS):
        out += event("content_block_start", index=i, content_block={"type": "text", "text": ""})
        if i == 1:
            out += event("content_block_delta", index=i,
                         delta={"type": "citations_delta", "citation": CITED})
        out += event("content_block_delta", index=i, delta={"type": "text_delta", "text": text})
        out += event("content_block_stop", index=i)
    out += event("message_delta", delta={"stop_reason": "end_turn"}, usage=USAGE)
    return {"headers": {"Content-Type": "text/event-stream"},
            "body": out + event("message_stop")}


@pytest.fixture
def claude(gw):
    return gw.serve(gw.conf().provider("anthropic").model("claude", "anthropic claude-x").enable())


def converse(gate, method):
    return gate.post(f"/model/claude/{method}", {"messages": [
        {"role": "user", "content": [{"text": "Which is higher?"}]}]})


LOCATION = {"documentChar": {"documentIndex": 0, "start": 14, "end": 20}}


def test_bedrocks_clients_get_blocks_with_citations(claude, upstream):
    upstream.queue(whole())
    answer = converse(claude, "converse")
    blocks = answer.json["output"]["message"]["content"]
    assert blocks == [
        {"text": TEXTS[0]},
        {"citationsContent": {"content": [{"text": TEXTS[1]}], "citations": [
            {"title": "Alps", "sourceContent": [{"text": "4806 m"}], "location": LOCATION}]}},
        {"text": TEXTS[2]}]


def test_bedrocks_streams_have_citations(claude, upstream):
    upstream.queue(streamed())
    answer = converse(claude, "converse-stream")
    assert reader.bedrock_stream(answer.body).text == "".join(TEXTS)
    deltas = [m.json["delta"] for m in messages(answer.body)
              if m.headers.get(":event-type") == "contentBlockDelta"]
    cited = [d["citation"] for d in deltas if "citation" in d]
    assert cited == [{"title": "Alps", "sourceContent": [{"text": "4806 m"}],
                      "location": LOCATION, "startIndex": 10, "endIndex": 24}]


def test_boto3_reads_them(claude, upstream):
    boto3 = pytest.importorskip("boto3")
    from botocore.config import Config
    sdk = boto3.client("bedrock-runtime", region_name="us-east-1", endpoint_url=claude.url,
                       aws_access_key_id="x", aws_secret_access_key="y",
                       config=Config(retries={"max_attempts": 0}))
    sdk.meta.events.register("before-send.bedrock-runtime.*", lambda request, **_: (
        request.headers.__setitem__("Authorization", f"Bearer {claude.key()}")))
    ask = {"modelId": "claude", "messages": [
        {"role": "user", "content": [{"text": "Which is higher?"}]}]}
    upstream.queue(whole(), streamed())
    block = sdk.converse(**ask)["output"]["message"]["content"][1]["citationsContent"]
    assert block["content"] == [{"text": TEXTS[1]}]
    assert block["citations"][0]["location"] == LOCATION
    events = list(sdk.converse_stream(**ask)["stream"])
    cited = [e["contentBlockDelta"]["delta"]["citation"] for e in events
             if "citation" in e.get("contentBlockDelta", {}).get("delta", {})]
    assert [c["location"] for c in cited] == [LOCATION]
    assert cited[0]["sourceContent"] == [{"text": "4806 m"}]


def responses(gate, **more):
    return gate.post("/v1/responses", {"model": "claude", "input": "Which is higher?", **more})


ANNOTATION = {"type": "file_citation", "file_id": "", "filename": "Alps", "index": 14,
              "cited_text": "4806 m", "location": "char_location", "document_index": 0,
              "start_char_index": 14, "end_char_index": 20, "start_index": 0, "end_index": 14}


def test_responses_are_annotated(claude, upstream):
    upstream.queue(whole())
    parts = responses(claude).json["output"][0]["content"]
    assert [p["annotations"] for p in parts] == [[], [ANNOTATION], []]


def test_streamed_responses_are_annotated(claude, upstream):
    upstream.queue(streamed())
    answer = responses(claude, stream=True)
    events = [json.loads(line[6:]) for line in answer.body.decode().splitlines()
              if line.startswith("data: {")]
    added = [e for e in events if e["type"] == "response.output_text.annotation.added"]
    here = {**ANNOTATION, "index": 24, "start_index": 10, "end_index": 24}
    assert [e["annotation"] for e in added] == [here]
    done = events[-1]["response"]["output"][0]["content"][0]
    assert done["text"] == "".join(TEXTS) and done["annotations"] == [here]


def test_openais_sdk_reads_them(claude, upstream):
    openai = pytest.importorskip("openai")
    sdk = openai.OpenAI(base_url=claude.url + "/v1", api_key=claude.key(), max_retries=0)
    upstream.queue(whole(), streamed(), whole())
    answer = sdk.responses.create(model="claude", input="Which is higher?")
    note = answer.output[0].content[1].annotations[0]
    assert (note.type, note.filename, note.index) == ("file_citation", "Alps", 14)
    assert note.cited_text == "4806 m"
    with sdk.responses.stream(model="claude", input="Which is higher?") as stream:
        kinds = [e.type for e in stream]
    assert kinds.count("response.output_text.annotation.added") == 1
    chat = sdk.chat.completions.create(model="claude", messages=[
        {"role": "user", "content": "Which is higher?"}])
    assert chat.choices[0].message.citations == [
        {"type": "char_location", "document_title": "Alps", "cited_text": "4806 m",
         "document_index": 0, "start_char_index": 14, "end_char_index": 20,
         "start_index": 10, "end_index": 24}]


def test_coheres_documents_are_cited_by_claude(claude, upstream):
    """By the names that the client gave them."""
    upstream.queue(whole())
    answer = claude.post("/v2/chat", {
        "model": "claude", "messages": [{"role": "user", "content": "Which is higher?"}],
        "documents": [{"id": "mine", "data": {"title": "Alps", "text": "Mont Blanc is 4806 m high."}}]})
    asked = upstream.only().json["messages"][0]["content"]
    assert asked[0] == {**DOCUMENT, "source": DOCUMENT["source"]}
    assert asked[1] == {"type": "text", "text": "Which is higher?"}
    cited = answer.json["message"]["citations"]
    assert [(c["start"], c["end"], c["text"]) for c in cited] == [(10, 24, TEXTS[1])]
    assert cited[0]["sources"][0]["id"] == "mine"


def test_that_nothing_can_be_cited_is_told(gw, upstream):
    gw.serve(gw.conf().provider("openai").model("smart", "openai gpt-test").enable())
    answer = gw.post("/v1/messages", {"model": "smart", "max_tokens": 99, "messages": [
        {"role": "user", "content": [DOCUMENT, {"type": "text", "text": "Which is higher?"}]}]})
    assert answer.status == 200, answer
    assert answer.header("x-llm-dropped") == "messages.content.citations"
    asked = json.dumps(upstream.only().json)
    assert "Mont Blanc is 4806 m high." in asked and "Alps" in asked
