# SPDX-License-Identifier: Apache-2.0
"""Mistral's wire format: OpenAI's paths, and a stricter reader.

Ids of calls are nine letters and digits; a member it does not know is
refused with 422, wherever it stands; system messages stand in front and a
user's never behind a tool's. Thoughts are parts of the content, there and
back. A streamed call comes whole; the last chunk has the usage, unasked.
"""
import json
import re

import mind
import wire_openai
from wire import Answer, Refused, json_answer, need, only_known, to_json

NAME = "mistral"

_CHAT = {"model", "messages", "temperature", "top_p", "max_tokens", "stream", "stop",
         "random_seed", "response_format", "tools", "tool_choice", "presence_penalty",
         "frequency_penalty", "n", "prediction", "parallel_tool_calls", "prompt_mode",
         "reasoning_effort", "safe_prompt", "document_image_limit", "document_page_limit"}
_EMBEDDINGS = {"model", "input", "encoding_format", "output_dimension", "output_dtype"}
_MEMBERS = {"system": {"role", "content"}, "user": {"role", "content"},
            "assistant": {"role", "content", "tool_calls", "prefix"},
            "tool": {"role", "content", "tool_call_id", "name"}}
_PARTS = {"text", "image_url", "document_url", "reference", "thinking", "input_audio", "file"}
_FINISH = {"stop": "stop", "stop_sequence": "stop", "length": "length",
           "tools": "tool_calls", "filter": "error"}


def operation(request):
    if request.mount_kind != NAME or request.method != "POST":
        return None
    return {"/v1/chat/completions": "chat", "/v1/embeddings": "embeddings"}.get(request.path)


model = wire_openai.model


def check_credentials(request, nokey):
    bearer = request.header("authorization", "")
    if not bearer.startswith("Bearer ") or "wrong" in bearer:
        raise Refused(401, "Unauthorized", kind="detail")


def _unknown(where):
    def refuse_it(name):
        raise Refused(422, f"{where}{name}: Extra inputs are not permitted",
                      kind="extra_forbidden")
    return refuse_it


def check(request, operation, doc, lenient):
    need(isinstance(doc, dict) and isinstance(doc.get("model"), str), "model: Field required")
    if operation == "embeddings":
        only_known(doc, _EMBEDDINGS, _unknown(""))
        return
    if not lenient:
        only_known(doc, _CHAT, _unknown(""))
    messages = doc.get("messages")
    need(isinstance(messages, list) and messages, "messages: Field required")
    for i, message in enumerate(messages):
        _check_message(message, f"messages.{i}.")
    _check_order(messages)
    need(doc.get("tool_choice") in (None, "auto", "none", "any", "required")
         or isinstance(doc["tool_choice"], dict), "tool_choice: unknown")
    plain = {**doc, "messages": [_plain(m) for m in messages]}
    if doc.get("tool_choice") == "any":
        plain["tool_choice"] = "required"
    wire_openai.check_chat(plain, True)


def _check_message(message, where):
    role = message.get("role")
    need(role in _MEMBERS, f"{where}role: Input should be 'system', 'user', 'assistant' or "
         "'tool'")
    only_known(message, _MEMBERS[role], _unknown(where))
    content = message.get("content")
    for part in content if isinstance(content, list) else []:
        need(part.get("type") in _PARTS, f"{where}content: unknown type")
    for call in message.get("tool_calls") or []:
        need(re.fullmatch("[a-zA-Z0-9]{9}", call.get("id", "")),
             f"Tool call id was {call.get('id')} but must be a-z, A-Z, 0-9, with a length of 9.",
             code="3280")


def _check_order(messages):
    roles = [m["role"] for m in messages]
    for before, role in zip(roles, roles[1:]):
        need(not (before == "tool" and role in ("user", "system"))
             and not (role == "system" and before != "system"),
             f"Unexpected role '{role}' after role '{before}'", code="3230")
    need(roles[-1] in ("user", "tool") or messages[-1].get("prefix"),
         f"Expected last role User or Tool (or Assistant with prefix True) for serving but "
         f"got {roles[-1]}", code="3230")


def _plain(message):
    """The message as OpenAI would take it: without thoughts, each call with its type."""
    content = message.get("content")
    if isinstance(content, list):
        content = [p for p in content if p["type"] != "thinking"] or None
    calls = [{"type": "function", **c} for c in message.get("tool_calls") or []]
    return {**message, "content": content, **({"tool_calls": calls} if calls else {})}


def answer(request, operation, doc, script):
    if operation == "embeddings":
        return wire_openai.answer(request, operation, doc, script)
    turn = wire_openai.turn_of({**doc, "messages": [_plain(m) for m in doc["messages"]]})
    turn.choice = {"required": "any"}.get(turn.choice, turn.choice)
    turn.reasoning = doc["model"].startswith("magistral")    # asked or not
    thought = mind.think(turn, script)
    if doc.get("stream"):
        return Answer(200, [("Content-Type", "text/event-stream; charset=utf-8")],
                      events=list(_stream(doc, thought)))
    content = thought.text
    if thought.reasoning:
        content = [_thinking(thought.reasoning), {"type": "text", "text": thought.text}]
    return json_answer({
        **_head(doc), "object": "chat.completion", "usage": _usage(thought),
        "choices": [{"index": 0, "finish_reason": _FINISH[thought.finish], "message": {
            "role": "assistant", "content": content,
            "tool_calls": _calls(thought) or None}}]})


def _head(doc):
    return {"id": "cmpl-scripted", "created": 1767225600, "model": doc["model"].split(";")[0]}


def _thinking(text):
    return {"type": "thinking", "thinking": [{"type": "text", "text": text}]}


def _usage(thought):
    output = thought.output_tokens + thought.reasoning_tokens
    return {"prompt_tokens": thought.prompt_tokens, "completion_tokens": output,
            "total_tokens": thought.prompt_tokens + output}


def _calls(thought):
    return [{"id": f"call{i:05}", "index": i, "function": {
        "name": name, "arguments": json.dumps(args, ensure_ascii=False)}}
        for i, (name, args) in enumerate(thought.calls)]


def _stream(doc, thought):
    def chunk(delta, finish=None, **more):
        return b"data: " + to_json({**_head(doc), "object": "chat.completion.chunk", "choices": [
            {"index": 0, "delta": delta, "finish_reason": finish}], **more}) + b"\n\n"

    yield chunk({"role": "assistant", "content": ""})
    for piece in mind.pieces_of(thought.reasoning):
        yield chunk({"content": [_thinking(piece)]})
    for piece in thought.pieces:
        yield chunk({"content": piece})
    last = {"content": "", **({"tool_calls": _calls(thought)} if thought.calls else {})}
    yield chunk(last, _FINISH[thought.finish], usage=_usage(thought))
    yield b"data: [DONE]\n\n"


def refuse(status, message, param=None, code=None, kind=None):
    if kind == "detail":
        return json_answer({"detail": message}, status)
    if kind == "extra_forbidden":
        where, _, what = message.partition(": ")
        message = {"detail": [{"type": kind, "loc": ["body", *where.split(".")], "msg": what,
                               "input": None}]}
    kind = {429: "rate_limited"}.get(status, "invalid_request_error" if status < 500
                                     else "internal_server_error")
    return json_answer({"object": "error", "message": message, "type": kind, "param": None,
                        "code": code or {429: "1300"}.get(status)}, status)


stream_problem = wire_openai.stream_problem
