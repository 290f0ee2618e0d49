# SPDX-License-Identifier: Apache-2.0
"""Anthropic's wire format: messages, token counting, models.

Streams as Anthropic sends them: named events, each JSON padded with blanks
before its last brace, a ping with its own spacing after the first block's
start, output_tokens already above zero in message_start, and a cumulative
usage in message_delta.
"""
import json
import re

import mind
from wire import (Answer, Refused, is_int, is_number, json_answer, need,
                  only_known, to_json)

NAME = "anthropic"

_MESSAGES = {
    "model", "messages", "max_tokens", "container", "context_management",
    "mcp_servers", "metadata", "output_config", "output_format", "service_tier",
    "stop_sequences", "stream", "system", "temperature", "thinking", "tool_choice",
    "tools", "top_k", "top_p", "cache_control", "inference_geo", "speed"}
_COUNT = {"model", "messages", "system", "thinking", "tool_choice", "tools",
          "mcp_servers", "context_management", "output_config", "cache_control"}
_BLOCKS = {
    "text": {"text", "cache_control", "citations"},
    "image": {"source", "cache_control"},
    "document": {"source", "cache_control", "citations", "context", "title"},
    "tool_use": {"id", "name", "input", "cache_control", "caller"},
    "tool_result": {"tool_use_id", "content", "is_error", "cache_control"},
    "thinking": {"thinking", "signature"},
    "redacted_thinking": {"data"}}
_SERVER_BLOCKS = re.compile(r"server_tool_use|.*_tool_result|mcp_tool_use|"
                            r"search_result|container_upload|compaction")
MODELS = ["claude-sonnet-4-5", "claude-haiku-4-5"]


def operation(request):
    if request.method == "POST" and request.path.endswith("/v1/messages"):
        return "messages"
    if request.method == "POST" and request.path.endswith("/v1/messages/count_tokens"):
        return "count"
    if (request.method == "GET" and re.search(r"/v1/models(/[^/]+)?$", request.path)
            and (request.mount_kind == NAME or request.header("anthropic-version"))):
        return "models"
    return None


def model(request, operation, doc):
    return doc.get("model") if isinstance(doc, dict) else None


def check_credentials(request, nokey):
    key = request.header("x-api-key", "")
    if not key and request.header("authorization", "").lower().startswith("bearer "):
        # What Anthropic's own newer clients send; a gateway's is x-api-key.
        key = request.header("authorization")[7:].strip()
    if nokey:
        need(not key, "this local server wants no credentials")
        return
    if not key:
        raise Refused(401, "x-api-key header is required")
    if "wrong" in key:
        raise Refused(401, "invalid x-api-key")


def check(request, operation, doc, lenient):
    need(request.header("anthropic-version"), "anthropic-version: header is required")
    if operation == "models":
        return
    need(isinstance(doc, dict), "The request body is not valid JSON: expected an object")
    need(request.header("content-type", "").startswith("application/json"),
         "Content-Type: must be application/json")
    if not lenient:
        only_known(doc, _MESSAGES if operation == "messages" else _COUNT, _extra)
    need(isinstance(doc.get("model"), str) and doc["model"], "model: Field required")
    if operation == "messages":
        need("max_tokens" in doc, "max_tokens: Field required")
        need(is_int(doc["max_tokens"], 1),
             "max_tokens: Input should be greater than or equal to 1")
    need(isinstance(doc.get("messages"), list), "messages: Field required")
    need(doc["messages"], "messages: at least one message is required")
    _check_system(doc.get("system"))
    for i, message in enumerate(doc["messages"]):
        _check_message(message, f"messages.{i}", lenient,
                       "opus-4-8" in doc["model"] and i)
    need(doc["messages"][0]["role"] == "user",
         'messages: first message must use the "user" role')
    _check_tool_turns(doc["messages"])
    _check_tools(doc)
    _check_settings(doc)


def _extra(name):
    raise Refused(400, f"{name}: Extra inputs are not permitted")


def _check_system(system):
    need(system is None or isinstance(system, str)
         or (isinstance(system, list)
             and all(isinstance(b, dict) and b.get("type") == "text" and b.get("text")
                     for b in system)),
         "system: Input should be a valid string or a list of text blocks")


def _check_message(message, where, lenient, midway):
    """midway: a system prompt may stand here, as from Opus 4.8 on."""
    need(isinstance(message, dict), f"{where}: Input should be an object")
    need(message.get("role") in ("user", "assistant", *(["system"] if midway else [])),
         f"{where}.role: Input should be 'user' or 'assistant'")
    content = message.get("content")
    need(isinstance(content, (str, list)), f"{where}.content: Field required")
    need(content, f"{where}: all messages must have non-empty content except for the "
         "optional final assistant message")
    for j, block in enumerate(content if isinstance(content, list) else []):
        _check_block(block, message["role"], f"{where}.content.{j}", lenient)
    if not lenient:
        only_known(message, {"role", "content"},
                   lambda n: _extra(f"{where}.{n}"))


def _check_block(block, role, where, lenient):
    kind = block.get("type") if isinstance(block, dict) else None
    if kind not in _BLOCKS:
        need(kind and _SERVER_BLOCKS.fullmatch(kind),
             f"{where}: Input tag '{kind}' found using 'type' does not match any of the "
             "expected tags")
        return
    if not lenient:
        only_known(block, _BLOCKS[kind] | {"type"},
                   lambda n: _extra(f"{where}.{kind}.{n}"))
    if kind == "text":
        need(isinstance(block.get("text"), str), f"{where}.text.text: Field required")
        need(block["text"].strip(), "messages: text content blocks must contain "
             "non-whitespace text")
    if kind == "image":
        _check_image(block, where)
    if kind == "tool_use":
        need(role == "assistant", f"{where}: tool_use blocks belong to the assistant")
        need(re.fullmatch(r"[a-zA-Z0-9_-]+", str(block.get("id", ""))),
             f"{where}.tool_use.id: String should match pattern '^[a-zA-Z0-9_-]+$'")
        need(isinstance(block.get("input"), dict),
             f"{where}.tool_use.input: Input should be a valid dictionary")
        need(re.fullmatch(r"[a-zA-Z0-9_-]{1,200}", str(block.get("name", ""))),
             f"{where}.tool_use.name: String should match pattern")
    if kind == "tool_result":
        need(role == "user", f"{where}: tool_result blocks can only be in user messages")
        need(isinstance(block.get("tool_use_id"), str),
             f"{where}.tool_result.tool_use_id: Field required")


def _check_image(block, where):
    source = block.get("source") or {}
    if source.get("type") == "base64":
        need(source.get("media_type") in ("image/jpeg", "image/png", "image/gif",
                                          "image/webp"),
             f"{where}.image.source.base64.media_type: Input should be 'image/jpeg', "
             "'image/png', 'image/gif' or 'image/webp'")
        need(re.fullmatch(r"[A-Za-z0-9+/]+=*", source.get("data", "")),
             f"{where}.image.source.base64.data: invalid base64 data")
        only_known(source, {"type", "media_type", "data"},
                   lambda n: _extra(f"{where}.image.source.base64.{n}"))
    elif source.get("type") == "url":
        need(re.match(r"https?://", source.get("url", "")),
             f"{where}.image.source.url.url: Only HTTPS URLs are supported.")
        only_known(source, {"type", "url"},
                   lambda n: _extra(f"{where}.image.source.url.{n}"))
    else:
        need(source.get("type") == "file", f"{where}.image.source: Field required")


def _blocks(message, kind):
    content = message["content"]
    return [b for b in (content if isinstance(content, list) else [])
            if b.get("type") == kind]


def _check_tool_turns(messages):
    """A tool's result follows in the very next message, and answers a call."""
    previous = []
    for i, message in enumerate(messages):
        results = [b["tool_use_id"] for b in _blocks(message, "tool_result")]
        missing = [c for c in previous if c not in results]
        need(not missing, f"messages.{i - 1}: `tool_use` ids were found without "
             f"`tool_result` blocks immediately after: {', '.join(missing)}. Each "
             "`tool_use` block must have a corresponding `tool_result` block in the next "
             "message.")
        for result in results:
            need(result in previous, f"messages.{i}: unexpected `tool_use_id` found in "
                 f"`tool_result` blocks: {result}.")
        need(len(results) == len(set(results)),
             f"messages.{i}: each tool_use must have a single result.")
        if results:
            need(message["content"][0]["type"] == "tool_result",
                 f"messages.{i}: tool_result blocks come first")
        previous = [b["id"] for b in _blocks(message, "tool_use")]
        need(len(previous) == len(set(previous)),
             f"messages.{i}: `tool_use` ids must be unique")
    need(not previous, f"messages.{len(messages) - 1}: `tool_use` ids were found without "
         "`tool_result` blocks")


def _check_tools(doc):
    names = []
    for i, tool in enumerate(doc.get("tools") or []):
        where = f"tools.{i}"
        need(isinstance(tool, dict), f"{where}: Input should be an object")
        name = str(tool.get("name") or "")
        if tool.get("type") in (None, "custom"):
            need(re.fullmatch(r"[a-zA-Z0-9_-]{1,128}", name),
                 f"{where}.custom.name: String should match pattern '^[a-zA-Z0-9_-]{{1,128}}$'")
            need(isinstance(tool.get("input_schema"), dict),
                 f"{where}.custom.input_schema: Field required")
            need(tool["input_schema"].get("type") == "object",
                 f"{where}.custom.input_schema.type: Field required")
            only_known(tool, {"type", "name", "description", "input_schema",
                              "cache_control", "strict", "input_examples",
                              "defer_loading", "allowed_callers", "eager_input_streaming"},
                       lambda n: _extra(f"{where}.custom.{n}"))
        need(name, f"{where}.name: Field required")
        need(name not in names, "tools: Tool names must be unique.")
        names.append(name)
    choice = doc.get("tool_choice")
    if choice is not None:
        need(isinstance(choice, dict)
             and choice.get("type") in ("auto", "any", "tool", "none"),
             "tool_choice: Input tag does not match any of the expected tags")
        need(names, "tool_choice: tools must be given with tool_choice")
        need(choice["type"] != "tool" or choice.get("name") in names,
             f"tool_choice: tool '{choice.get('name')}' not found in tools")
        only_known(choice, {"type", "name", "disable_parallel_tool_use"},
                   lambda n: _extra(f"tool_choice.{n}"))


def _check_settings(doc):
    need(doc.get("temperature") is None or is_number(doc["temperature"], 0, 1),
         "temperature: range: 0..1")
    need(doc.get("top_p") is None or is_number(doc["top_p"], 0, 1), "top_p: range: 0..1")
    need(doc.get("top_k") is None or is_int(doc["top_k"]), "top_k: Input should be an integer")
    stops = doc.get("stop_sequences")
    need(stops is None or isinstance(stops, list)
         and all(isinstance(s, str) and s.strip() for s in stops),
         "stop_sequences: each stop sequence must contain non-whitespace")
    thinking = doc.get("thinking")
    if thinking and thinking.get("type") == "enabled":
        need(is_int(thinking.get("budget_tokens"), 1024),
             "thinking.enabled.budget_tokens: Input should be greater than or equal to 1024")
        need(thinking["budget_tokens"] < doc.get("max_tokens", 1 << 30),
             "`max_tokens` must be greater than `thinking.budget_tokens`.")
        need(doc.get("temperature") in (None, 1),
             "`temperature` may only be set to 1 when thinking is enabled.")
        need((doc.get("tool_choice") or {}).get("type") not in ("any", "tool"),
             "Thinking may not be enabled when tool_choice forces tool use.")
    need(doc.get("metadata") is None or set(doc["metadata"]) <= {"user_id"},
         "metadata: Extra inputs are not permitted")


def text_of(content):
    if isinstance(content, str):
        return content
    return "".join(b.get("text", "") for b in content or [] if isinstance(b, dict))


def turn_of(doc):
    turn = mind.Turn()
    messages = doc["messages"]
    users = [m for m in messages if m["role"] == "user" and text_of(m["content"])]
    if users:
        turn.text = text_of(users[-1]["content"])
    last = messages[-1]
    turn.images = len(_blocks(last, "image"))
    turn.results = [text_of(b.get("content")) for b in _blocks(last, "tool_result")]
    turn.prompt = "\n".join([text_of(doc.get("system"))]
                            + [text_of(m["content"]) for m in messages])
    turn.tools = [mind.Tool(t["name"], t.get("input_schema"))
                  for t in doc.get("tools") or []]
    choice = doc.get("tool_choice") or {"type": "auto"}
    turn.choice = choice["name"] if choice["type"] == "tool" else choice["type"]
    turn.parallel = not choice.get("disable_parallel_tool_use")
    turn.stops = doc.get("stop_sequences") or []
    turn.limit = doc.get("max_tokens")
    turn.reasoning = (doc.get("thinking") or {}).get("type") in ("enabled", "adaptive")
    turn.wants_json = bool(doc.get("output_format")
                           or (doc.get("output_config") or {}).get("format"))
    return turn


_FINISH = {"stop": "end_turn", "stop_sequence": "stop_sequence", "length": "max_tokens",
           "tools": "tool_use", "filter": "refusal"}


def _input_usage(thought):
    return {"input_tokens": thought.prompt_tokens - thought.cached - thought.cache_write,
            "cache_creation_input_tokens": thought.cache_write,
            "cache_read_input_tokens": thought.cached}


def _output_tokens(thought):
    return thought.output_tokens + thought.reasoning_tokens


def answer(request, operation, doc, script):
    if operation == "models":
        return _models(request)
    thought = mind.think(turn_of(doc), script)
    if operation == "count":
        return json_answer({"input_tokens": thought.prompt_tokens})
    if doc.get("stream"):
        return Answer(200, [("Content-Type", "text/event-stream; charset=utf-8"),
                            ("Cache-Control", "no-cache"), *_rates()],
                      events=list(_stream(doc, thought, script)))
    message = _message(doc, thought)
    message["content"] = _content(thought)
    message["stop_reason"] = _FINISH[thought.finish]
    message["stop_sequence"] = thought.stop_hit
    message["usage"] = {**_input_usage(thought), "output_tokens": _output_tokens(thought),
                        "service_tier": "standard"}
    if script.nousage:
        del message["usage"]
    return json_answer(message, headers=_rates())


def _rates():
    return [("request-id", "req_scripted"),
            ("anthropic-ratelimit-requests-limit", "4000"),
            ("anthropic-ratelimit-requests-remaining", "3999"),
            ("anthropic-ratelimit-requests-reset", "2026-01-01T00:00:30Z")]


def _message(doc, thought):
    return {"id": "msg_scripted", "type": "message", "role": "assistant",
            "model": doc["model"].split(";")[0] + "-20250929", "content": [],
            "stop_reason": None, "stop_sequence": None,
            "usage": {**_input_usage(thought), "output_tokens": 3,
                      "service_tier": "standard"}}


def _call_id(i, name):
    return f"toolu_{i}scripted{name[:8]}"


def _content(thought):
    blocks = []
    if thought.reasoning:
        blocks.append({"type": "thinking", "thinking": thought.reasoning,
                       "signature": "c2NyaXB0ZWQ="})
    if thought.text:
        blocks.append({"type": "text", "text": thought.text})
    for i, (name, args) in enumerate(thought.calls):
        blocks.append({"type": "tool_use", "id": _call_id(i, name), "name": name,
                       "input": args})
    return blocks


def event(name, value, serial):
    """One event, padded as Anthropic pads it."""
    data = to_json(value)
    return (b"event: " + name.encode() + b"\ndata: " + data[:-1]
            + b" " * (serial * 5 % 16) + b"}\n\n")


def _deltas(block, thought, args=None):
    """The deltas that carry a block, in Anthropic's pieces."""
    if block["type"] == "thinking":
        for piece in mind.pieces_of(block["thinking"]):
            yield {"type": "thinking_delta", "thinking": piece}
        yield {"type": "signature_delta", "signature": block["signature"]}
    elif block["type"] == "text":
        for piece in thought.pieces:
            yield {"type": "text_delta", "text": piece}
    else:
        yield {"type": "input_json_delta", "partial_json": ""}
        if block["input"]:
            for piece in mind.arguments_in_pieces(block["input"]):
                yield {"type": "input_json_delta", "partial_json": piece}


_EMPTY = {"thinking": {"thinking": "", "signature": ""}, "text": {"text": ""},
          "tool_use": {"input": {}}}


def _stream(doc, thought, script):
    serial = 0

    def ev(name, **value):
        nonlocal serial
        serial += 1
        return event(name, {"type": name, **value}, serial)

    start = _message(doc, thought)
    if script.nousage:
        start["usage"] = {}
    yield ev("message_start", message=start)
    for index, block in enumerate(_content(thought)):
        yield ev("content_block_start", index=index,
                 content_block={**block, **_EMPTY[block["type"]]})
        if index == 0:
            yield b'event: ping\ndata: {"type": "ping"}\n\n'
        for delta in _deltas(block, thought):
            yield ev("content_block_delta", index=index, delta=delta)
        yield ev("content_block_stop", index=index)
    usage = {} if script.nousage else {**_input_usage(thought),
                                       "output_tokens": _output_tokens(thought)}
    yield ev("message_delta", delta={"stop_reason": _FINISH[thought.finish],
                                     "stop_sequence": thought.stop_hit}, usage=usage)
    yield ev("message_stop")


def _models(request):
    rows = [{"type": "model", "id": m, "display_name": m,
             "created_at": "2025-09-29T00:00:00Z"} for m in MODELS]
    return json_answer({"data": rows, "has_more": False, "first_id": MODELS[0],
                        "last_id": MODELS[-1]})


_KINDS = {400: "invalid_request_error", 401: "authentication_error",
          403: "permission_error", 404: "not_found_error", 413: "request_too_large",
          429: "rate_limit_error", 500: "api_error", 529: "overloaded_error"}


def refuse(status, message, param=None, code=None, kind=None):
    kind = kind or _KINDS.get(status, "invalid_request_error" if status < 500
                              else "api_error")
    return json_answer({"type": "error", "error": {"type": kind, "message": message},
                        "request_id": "req_scripted"}, status)


def stream_problem():
    return event("error", {"type": "error", "error": {
        "type": "overloaded_error", "message": "Overloaded"}}, 1)
