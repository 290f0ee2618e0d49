# SPDX-License-Identifier: Apache-2.0
"""Chats with tools that take a text, and with a choice of some tools, through a real
server; what each provider gets is in the vectors.
"""
import json

import pytest

TEXT = '*** "a"\n\\ \u00e9'
TOOLS = [{"type": "custom", "custom": {"name": "patch", "description": "Patches files"}},
         {"type": "function", "function": {"name": "f"}},
         {"type": "function", "function": {"name": "g"}}]
ASK = {"messages": [{"role": "user", "content": "Fix it"}], "tools": TOOLS}


@pytest.fixture
def four(gw):
    return gw.serve(gw.conf().four_providers().enable())


def claude(*blocks):
    return {"id": "m1", "type": "message", "role": "assistant", "model": "claude-test",
            "content": list(blocks), "stop_reason": "tool_use",
            "usage": {"input_tokens": 5, "output_tokens": 9}}


def events(*docs):
    return "".join(f"event: {d['type']}\ndata: {json.dumps(d)}\n\n" for d in docs)


def pieces(text, size):
    return [text[i:i + size] for i in range(0, len(text), size)]


def test_a_text_goes_round(four, upstream):
    upstream.queue({"headers": {"Content-Type": "application/json"}, "body": json.dumps(
        claude({"type": "tool_use", "id": "toolu_1", "name": "patch", "input": {"input": TEXT}}))})
    answer = four.post("/v1/chat/completions", {"model": "anthropic/claude-test", **ASK})
    assert answer.status == 200, answer
    message = answer.json["choices"][0]["message"]
    assert message["tool_calls"] == [{"id": "toolu_1", "type": "custom",
                                      "custom": {"name": "patch", "input": TEXT}}]
    again = four.post("/v1/chat/completions", {
        "model": "anthropic/claude-test", **ASK, "messages": ASK["messages"] + [
            message, {"role": "tool", "tool_call_id": "toolu_1", "content": "done"}]})
    assert again.status == 200, again
    said = upstream.seen()[-1].json["messages"]
    assert said[1]["content"][0]["input"] == {"input": TEXT}
    assert said[2]["content"][0]["tool_use_id"] == "toolu_1"


@pytest.mark.parametrize("size", [1, 2, 7, 100])
def test_a_text_is_streamed(four, upstream, size):
    args = json.dumps({"input": TEXT})
    block = {"type": "tool_use", "id": "toolu_1", "name": "patch", "input": {}}
    upstream.queue({"headers": {"Content-Type": "text/event-stream"}, "body": events(
        {"type": "message_start", "message": {**claude(), "stop_reason": None}},
        {"type": "content_block_start", "index": 0, "content_block": block},
        *({"type": "content_block_delta", "index": 0,
           "delta": {"type": "input_json_delta", "partial_json": p}} for p in pieces(args, size)),
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": {"stop_reason": "tool_use"},
         "usage": {"output_tokens": 9}}, {"type": "message_stop"})})
    answer = four.post("/v1/chat/completions", {"model": "anthropic/claude-test", **ASK,
                                                "stream": True})
    calls = [c for e in answer.events[:-1] for ch in e.json["choices"]
             for c in ch["delta"].get("tool_calls", [])]
    assert calls[0]["id"] == "toolu_1" and calls[0]["type"] == "custom"
    assert "".join(c["custom"]["input"] for c in calls) == TEXT


def test_only_tools_that_are_allowed_are_offered(four, upstream):
    answer = four.post("/v1/chat/completions", {
        "model": "anthropic/claude-test", **ASK, "tool_choice": {
            "type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": [
                {"type": "function", "function": {"name": "g"}},
                {"type": "custom", "custom": {"name": "patch"}}]}}})
    assert answer.status == 200, answer
    assert [t["name"] for t in upstream.only().json["tools"]] == ["patch", "g"]
