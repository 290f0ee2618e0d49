# SPDX-License-Identifier: Apache-2.0
"""Cohere's wire format, version 2: /v2/chat and /v2/embed.

Messages and tools much like OpenAI's, answers with content as a list, text
before calls as a `tool_plan`, streams of named events. Two counts: what is
billed, and what the model saw.
"""
import json
import re

import mind
from wire import Answer, Refused, is_int, is_number, json_answer, need, only_known, to_json

NAME = "cohere"

_CHAT = {"model", "messages", "tools", "strict_tools", "documents", "citation_options",
         "response_format", "safety_mode", "max_tokens", "stop_sequences", "temperature",
         "seed", "frequency_penalty", "presence_penalty", "k", "p", "logprobs",
         "tool_choice", "thinking", "priority", "stream"}
_EMBED = {"model", "texts", "images", "inputs", "input_type", "max_tokens",
          "output_dimension", "embedding_types", "truncate", "priority"}
_RERANK = {"model", "query", "documents", "top_n", "max_tokens_per_doc", "priority"}
_MEMBERS = {"chat": _CHAT, "embed": _EMBED, "rerank": _RERANK}
_MESSAGE = {"system": {"role", "content"}, "user": {"role", "content"},
            "tool": {"role", "tool_call_id", "content"},
            "assistant": {"role", "content", "tool_calls", "tool_plan", "citations"}}


def operation(request):
    if request.method != "POST":
        return None
    return {"/v2/chat": "chat", "/v2/embed": "embed", "/v1/rerank": "rerank",
            "/v2/rerank": "rerank"}.get(request.path)


def model(request, operation, doc):
    return doc.get("model") if isinstance(doc, dict) else None


def check_credentials(request, nokey):
    bearer = request.header("authorization", "")
    if nokey:
        need(not bearer, "this local server wants no credentials")
        return
    if not bearer.lower().startswith("bearer ") or "wrong" in bearer:
        raise Refused(401, "invalid api token")


def _unknown(name):
    raise Refused(422, f"invalid request: unknown field: {name}")


def check(request, operation, doc, lenient):
    need(isinstance(doc, dict), "invalid json syntax")
    need(isinstance(doc.get("model"), str) and doc["model"],
         "invalid request: model is required")
    if not lenient:
        only_known(doc, _MEMBERS[operation], _unknown)
    if operation == "rerank":
        need(isinstance(doc.get("query"), str) and doc.get("documents"),
             "invalid request: query and documents are required")
        return
    if operation == "embed":
        need(isinstance(doc.get("texts"), list) and doc["texts"],
             "invalid request: texts must be a list of strings")
        need(doc.get("input_type"), "invalid request: valid input_type must be provided "
             "with the provided model")
        need(doc.get("embedding_types") == ["float"], "invalid request: embedding_types")
        return
    _check_numbers(doc)
    _check_tools(doc)
    messages = doc.get("messages")
    need(isinstance(messages, list) and messages,
         "invalid request: messages must be a non-empty list")
    for message in messages:
        _check_message(message, lenient)
    need(not doc.get("response_format") or not doc.get("tools"),
         "invalid request: response_format is not supported with tools")


def _check_numbers(doc):
    for name, low, high in (("p", 0.01, 0.99), ("frequency_penalty", 0, 1),
                            ("presence_penalty", 0, 1), ("k", 0, 500), ("temperature", 0, 9)):
        need(doc.get(name) is None or is_number(doc[name], low, high),
             f"invalid request: {name} must be between {low} and {high} inclusive.")
    need(doc.get("max_tokens") is None or is_int(doc["max_tokens"], 0),
         "invalid request: max_tokens must be greater than or equal to 0.")
    need(doc.get("tool_choice") in (None, "REQUIRED", "NONE"),
         "invalid request: tool_choice must be REQUIRED or NONE")
    need(len(doc.get("stop_sequences") or []) <= 5,
         "invalid request: at most 5 stop_sequences")


def _check_tools(doc):
    for tool in doc.get("tools") or []:
        function = tool.get("function") or {}
        need(tool.get("type") == "function" and re.fullmatch(r"\w[\w.-]*", function["name"])
             and isinstance(function.get("parameters"), dict),
             "invalid request: a tool needs a name and parameters")


def _check_message(message, lenient):
    role = message.get("role")
    need(role in _MESSAGE, f"invalid request: unknown role {role}")
    if not lenient:
        only_known(message, _MESSAGE[role], _unknown)
    if role == "assistant" and message.get("tool_calls"):
        for call in message["tool_calls"]:
            need(isinstance(call.get("id"), str)
                 and isinstance(call["function"]["arguments"], str),
                 "invalid request: a tool call needs an id and arguments")
        return
    need(isinstance(message.get("content"), (str, list)),
         "invalid request: message must have content")
    need(role != "tool" or isinstance(message.get("tool_call_id"), str),
         "invalid request: tool_call_id is required")


def _text_of(content):
    if isinstance(content, str):
        return content
    return "\n".join(p["text"] if p["type"] == "text" else str(p["document"]["data"])
                     for p in content or [] if p["type"] in ("text", "document"))


def _turn(doc):
    messages = doc["messages"]
    form = doc.get("response_format") or {}
    turn = mind.Turn(stops=doc.get("stop_sequences") or [], limit=doc.get("max_tokens"),
                     reasoning=(doc.get("thinking") or {}).get("type") == "enabled",
                     wants_json=form.get("type") == "json_object")
    users = [m for m in messages if m["role"] == "user"]
    if users:
        content = users[-1]["content"]
        turn.text = _text_of(content)
        if isinstance(content, list) and users[-1] is messages[-1]:
            turn.images = sum(p["type"] == "image_url" for p in content)
    for message in reversed(messages):
        if message["role"] != "tool":
            break
        turn.results.insert(0, _text_of(message["content"]))
    turn.prompt = "\n".join(_text_of(m.get("content")) for m in messages)
    turn.tools = [mind.Tool(t["function"]["name"], t["function"]["parameters"])
                  for t in doc.get("tools") or []]
    turn.choice = {"REQUIRED": "any", "NONE": "none", None: "auto"}[doc.get("tool_choice")]
    return turn


_FINISH = {"stop": "COMPLETE", "stop_sequence": "STOP_SEQUENCE", "length": "MAX_TOKENS",
           "tools": "TOOL_CALL", "filter": "ERROR_TOXIC"}


def _usage(thought, script):
    if script.nousage:
        return {}
    output = thought.output_tokens + thought.reasoning_tokens
    return {"usage": {
        "billed_units": {"input_tokens": thought.prompt_tokens, "output_tokens": output},
        "tokens": {"input_tokens": thought.prompt_tokens + 500, "output_tokens": output + 1},
        "cached_tokens": thought.cached}}


def _calls(thought):
    return [{"id": f"{name}_scripted{i}", "type": "function",
             "function": {"name": name,
                          "arguments": json.dumps(args, ensure_ascii=False) if args
                          else "null"}}
            for i, (name, args) in enumerate(thought.calls)]


def _rerank(doc):
    """Documents that have more of the query's words come first."""
    words = set(doc["query"].lower().split())
    found = [len(words & set(d.lower().split())) / (len(words) or 1) for d in doc["documents"]]
    order = sorted(range(len(found)), key=lambda i: (-found[i], i))[:doc.get("top_n")]
    return json_answer({"id": "scripted", "results": [
        {"index": i, "relevance_score": found[i]} for i in order],
        "meta": {"api_version": {"version": "2"}, "billed_units": {"search_units": 1}}})


def answer(request, operation, doc, script):
    if operation == "rerank":
        return _rerank(doc)
    if operation == "embed":
        size = doc.get("output_dimension") or 8
        return json_answer({
            "id": "scripted", "texts": doc["texts"],
            "embeddings": {"float": [mind.embedding(t, size) for t in doc["texts"]]},
            "meta": {"api_version": {"version": "2"}, "billed_units": {
                "input_tokens": sum(mind.tokens(t) for t in doc["texts"])}},
            "response_type": "embeddings_by_type"})
    thought = mind.think(_turn(doc), script)
    if doc.get("stream"):
        return Answer(200, [("Content-Type", "text/event-stream")],
                      events=list(_stream(thought, script)))
    message = {"role": "assistant"}
    if thought.calls:
        message["tool_calls"] = _calls(thought)
    else:
        message["content"] = [{"type": "text", "text": thought.text}]
        if thought.reasoning:
            message["content"].insert(0, {"type": "thinking", "thinking": thought.reasoning})
    return json_answer({"id": "scripted", "message": message,
                        "finish_reason": _FINISH[thought.finish], **_usage(thought, script)})


def _event(kind, index=None, **message):
    value = {"type": kind}
    if index is not None:
        value["index"] = index
    if message:
        value["delta"] = {"message": message}
    return b"event: " + kind.encode() + b"\ndata: " + to_json(value) + b"\n\n"


def _part(index, kind, pieces):
    yield _event("content-start", index, content={"type": kind, kind: ""})
    for piece in pieces:
        yield _event("content-delta", index, content={kind: piece})
    yield _event("content-end", index)


def _stream(thought, script):
    yield b"event: message-start\ndata: " + to_json({
        "id": "scripted", "type": "message-start", "delta": {"message": {
            "role": "assistant", "content": [], "tool_plan": "", "tool_calls": [],
            "citations": []}}}) + b"\n\n"
    index = 0
    if thought.reasoning:
        yield from _part(index, "thinking", mind.pieces_of(thought.reasoning))
        index += 1
    if not thought.calls:
        yield from _part(index, "text", thought.pieces)
    for i, call in enumerate(_calls(thought)):
        arguments = call["function"]["arguments"]
        call["function"]["arguments"] = ""
        yield _event("tool-call-start", i, tool_calls=call)
        for at in range(0, len(arguments) if arguments != "null" else 0, 9):
            yield _event("tool-call-delta", i, tool_calls={
                "function": {"arguments": arguments[at:at + 9]}})
        yield _event("tool-call-end", i)
    yield b"event: message-end\ndata: " + to_json({
        "type": "message-end", "delta": {"finish_reason": _FINISH[thought.finish],
                                         **_usage(thought, script)}}) + b"\n\n"
    yield b"data: [DONE]\n\n"


def refuse(status, message, param=None, code=None, kind=None):
    return json_answer({"id": "scripted", "message": message},
                       422 if code == 422 else status)


def stream_problem():
    return b"event: message-end\ndata: " + to_json({
        "type": "message-end", "delta": {"finish_reason": "ERROR",
                                         "error": "internal server error"}}) + b"\n\n"
