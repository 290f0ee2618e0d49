# SPDX-License-Identifier: Apache-2.0
"""OpenAI's wire format: chat completions, embeddings, models.

Streams as OpenAI sends them: usage only where stream_options.include_usage
asks for it, then `"usage":null` in every chunk and a last chunk with the
numbers and no choices; a padding member in every chunk; one delta with a
call's id and name, then its arguments in pieces; [DONE] at the end.
"""
import base64
import json
import re
import struct

import mind
from wire import (Answer, Refused, is_int, is_number, json_answer, need,
                  only_known, to_json)

NAME = "openai"

_CHAT = {
    "model", "messages", "audio", "frequency_penalty", "function_call",
    "functions", "logit_bias", "logprobs", "max_completion_tokens",
    "max_tokens", "metadata", "modalities", "n", "parallel_tool_calls",
    "prediction", "presence_penalty", "prompt_cache_key", "prompt_cache_options",
    "prompt_cache_retention", "reasoning_effort", "response_format",
    "safety_identifier", "seed", "service_tier", "stop", "store", "stream",
    "stream_options", "temperature", "tool_choice", "tools", "top_logprobs",
    "top_p", "user", "verbosity", "web_search_options"}
_EMBEDDINGS = {"model", "input", "dimensions", "encoding_format", "user"}
_ROLES = {"system", "developer", "user", "assistant", "tool", "function"}
# video_url: servers that copy OpenAI's dialect
_PARTS = {"text", "image_url", "input_audio", "file", "refusal", "video_url"}
_CREATED = 1767225600
MODELS = ["gpt-4o", "gpt-4o-mini", "text-embedding-3-small"]


def operation(request):
    """'chat', 'embeddings', 'models', or None for a path of another's."""
    if request.method == "POST" and request.path.endswith("/chat/completions"):
        return "chat"
    if request.method == "POST" and request.path.endswith("/embeddings"):
        return "embeddings"
    if request.method == "GET" and re.search(r"/models(/[^/]+)?$", request.path):
        return "models"
    return None


def model(request, operation, doc):
    return doc.get("model") if isinstance(doc, dict) else None


def check_credentials(request, nokey):
    """The bearer key, or the refusal OpenAI answers with."""
    bearer = request.header("authorization", "")
    if nokey:
        need(not bearer, "this local server wants no credentials")
        return
    if not bearer.lower().startswith("bearer ") or not bearer[7:].strip():
        raise Refused(401, "You didn't provide an API key. You need to provide "
                      "your API key in an Authorization header using Bearer auth.")
    if "wrong" in bearer:
        raise Refused(401, "Incorrect API key provided: sk-wr**.",
                      code="invalid_api_key")


def check(request, operation, doc, lenient):
    if operation == "models":
        return
    need(isinstance(doc, dict), "We could not parse the JSON body of your "
         "request. (HINT: This likely means you aren't using your HTTP library correctly.)")
    need(request.header("content-type", "").startswith("application/json"),
         "you must provide a JSON content type")
    if not lenient:
        only_known(doc, _CHAT if operation == "chat" else _EMBEDDINGS, _unknown)
    need(isinstance(doc.get("model"), str) and doc["model"],
         "you must provide a model parameter")
    if operation == "chat":
        check_chat(doc, lenient)
    else:
        _check_embeddings(doc)


def _unknown(name):
    raise Refused(400, f"Unrecognized request argument supplied: {name}",
                  param=None if name.isascii() else name)


def check_chat(doc, lenient):
    """Everything but the model and unknown members; others who speak this
    form use it as well."""
    messages = doc.get("messages")
    need(isinstance(messages, list) and messages,
         "Missing required parameter: 'messages'.", param="messages",
         code="missing_required_parameter")
    for i, message in enumerate(messages):
        _check_message(message, f"messages[{i}]", lenient)
    _check_tool_turns(messages)
    _check_tools(doc, lenient)
    _check_numbers(doc)


def _check_numbers(doc):
    for name, low, high in (("temperature", 0, 2), ("top_p", 0, 1),
                            ("frequency_penalty", -2, 2), ("presence_penalty", -2, 2)):
        value = doc.get(name)
        need(value is None or is_number(value, low, high),
             f"Invalid '{name}': out of range.", param=name)
    for name in ("max_tokens", "max_completion_tokens", "n"):
        value = doc.get(name)
        need(value is None or is_int(value, 1),
             f"Invalid type for '{name}': expected a positive integer.", param=name,
             code="invalid_type")
    stop = doc.get("stop")
    need(stop is None or isinstance(stop, str)
         or (isinstance(stop, list) and 0 < len(stop) <= 4
             and all(isinstance(s, str) for s in stop)),
         "Invalid 'stop': a string or up to 4 of them.", param="stop")
    need(isinstance(doc.get("stream", False), (bool, type(None))),
         "Invalid type for 'stream': expected a boolean.", param="stream")
    need("stream_options" not in doc or doc["stream_options"] is None
         or doc.get("stream") is True,
         "The 'stream_options' parameter is only allowed when 'stream' is enabled.",
         param="stream_options")
    if doc.get("stream_options"):
        only_known(doc["stream_options"], {"include_usage", "include_obfuscation"},
                   _unknown)


def _check_message(message, where, lenient):
    need(isinstance(message, dict), f"Invalid type for '{where}': expected an object.",
         param=where)
    role = message.get("role")
    need(role in _ROLES, f"Invalid value: '{role}'. Supported values are: 'system', "
         "'assistant', 'user', 'function', 'tool', and 'developer'.",
         param=f"{where}.role", code="invalid_value")
    content = message.get("content")
    if role == "assistant" and (message.get("tool_calls") or message.get("function_call")
                                or message.get("refusal")):
        need(content is None or isinstance(content, (str, list)),
             "Invalid content.", param=f"{where}.content")
    else:
        need(isinstance(content, (str, list)) and content != [],
             f"Invalid value for 'content': expected a string, got "
             f"{'null' if content is None else 'something else'}.",
             param=f"{where}.content")
    if role == "tool":
        need(isinstance(message.get("tool_call_id"), str),
             f"Missing required parameter: '{where}.tool_call_id'.",
             param=f"{where}.tool_call_id")
    for j, part in enumerate(content if isinstance(content, list) else []):
        _check_part(part, role, f"{where}.content[{j}]")
    for j, call in enumerate(message.get("tool_calls") or []):
        need(isinstance(call, dict) and isinstance(call.get("id"), str)
             and call.get("type") == "function"
             and isinstance(call.get("function", {}).get("name"), str)
             and isinstance(call["function"].get("arguments"), str),
             f"Invalid '{where}.tool_calls[{j}]': id, type, function.name and "
             "function.arguments (a string) are required.",
             param=f"{where}.tool_calls[{j}]")
        need(lenient or len(call["id"]) <= 40,
             f"Invalid '{where}.tool_calls[{j}].id': string too long. Expected a "
             "string with maximum length 40.", param=f"{where}.tool_calls[{j}].id")
    if not lenient:
        only_known(message, {"role", "content", "name", "tool_calls", "tool_call_id",
                             "function_call", "refusal", "audio", "annotations"},
                   _unknown)


def _check_part(part, role, where):
    need(isinstance(part, dict) and part.get("type") in _PARTS,
         f"Invalid value: '{where}.type'.", param=f"{where}.type")
    need(role in ("user", "assistant") or part["type"] == "text",
         f"Invalid '{where}': only text is allowed in a {role} message.", param=where)
    if part["type"] == "text":
        need(isinstance(part.get("text"), str), f"Missing '{where}.text'.", param=where)
    if part["type"] == "image_url":
        url = part.get("image_url", {}).get("url", "")
        need(re.match(r"(https?://|data:image/[a-z.+-]+;base64,[A-Za-z0-9+/]+=*$)", url),
             f"Invalid '{where}.image_url.url'.", param=where, code="invalid_image_url")
    if part["type"] == "video_url":
        url = part.get("video_url", {}).get("url", "")
        need(re.match(r"(https?://|data:video/[a-z0-9.+-]+;base64,[A-Za-z0-9+/]+=*$)", url),
             f"Invalid '{where}.video_url.url'.", param=where)


def _check_tool_turns(messages):
    """Each tool message answers a call of the assistant before it, and each
    call is answered."""
    open_ids = []
    for i, message in enumerate(messages):
        if message["role"] == "tool":
            need(message["tool_call_id"] in open_ids,
                 "Invalid parameter: messages with role 'tool' must be a response to a "
                 "preceeding message with 'tool_calls'.", param=f"messages[{i}].role")
            open_ids.remove(message["tool_call_id"])
            continue
        need(not open_ids, "An assistant message with 'tool_calls' must be followed by "
             "tool messages responding to each 'tool_call_id'. The following "
             f"tool_call_ids did not have response messages: {', '.join(open_ids)}",
             param=f"messages[{i}].role")
        open_ids = [c["id"] for c in message.get("tool_calls") or []]
    need(not open_ids, "An assistant message with 'tool_calls' must be followed by tool "
         "messages.", param="messages")


def _check_tools(doc, lenient):
    tools = doc.get("tools")
    if tools is None:
        for name in ("tool_choice", "parallel_tool_calls"):
            need(lenient or doc.get(name) is None,
                 f"'{name}' is only allowed when 'tools' are specified.", param=name)
        return
    need(isinstance(tools, list) and (tools or lenient),
         "Invalid 'tools': empty array.", param="tools")
    names = []
    for i, tool in enumerate(tools):
        kind = tool.get("type") if isinstance(tool, dict) else None
        function = tool.get(kind, {}) if kind in ("function", "custom") else {}
        need(re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", function.get("name", "")),
             f"Invalid 'tools[{i}].function.name'.", param=f"tools[{i}].function.name")
        schema = function.get("parameters")
        need(schema is None or (isinstance(schema, dict) and schema.get("type") == "object"),
             f"Invalid schema for function '{function['name']}': schema must be a JSON "
             "Schema of 'type: \"object\"'.", param=f"tools[{i}].function.parameters")
        names.append(function["name"])
    choice = doc.get("tool_choice")
    named = isinstance(choice, dict) and (
        choice.get("function") or choice.get("custom") or {}).get("name") in names
    need(choice in (None, "none", "auto", "required") or named,
         "Invalid value for 'tool_choice'.", param="tool_choice")


def _check_embeddings(doc):
    value = doc.get("input")
    need(isinstance(value, str) and value or isinstance(value, list) and value,
         "'$.input' is invalid.", param=None)
    need(doc.get("encoding_format") in (None, "float", "base64"),
         "Invalid 'encoding_format'.", param="encoding_format")


def text_of(content):
    """All text of a message's content, string or parts."""
    if isinstance(content, str):
        return content
    return "".join(p.get("text") or p.get("refusal") or "" for p in content or [])


def turn_of(doc):
    """The request in the scripted model's terms."""
    messages = doc["messages"]
    turn = mind.Turn()
    users = [m for m in messages if m["role"] == "user"]
    if users:
        turn.text = text_of(users[-1]["content"])
        if isinstance(users[-1]["content"], list) and messages[-1] is users[-1]:
            turn.images = sum(p["type"] == "image_url" for p in users[-1]["content"])
    for message in reversed(messages):
        if message["role"] not in ("tool", "function"):
            break
        turn.results.insert(0, text_of(message["content"]))
    turn.prompt = "\n".join(text_of(m.get("content")) for m in messages)
    turn.tools = [mind.Tool(t["function"]["name"], t["function"].get("parameters"))
                  for t in doc.get("tools") or [] if "function" in t]
    choice = doc.get("tool_choice") or "auto"
    turn.choice = (choice["function"]["name"] if isinstance(choice, dict)
                   else {"required": "any"}.get(choice, choice))
    turn.parallel = doc.get("parallel_tool_calls") is not False
    stop = doc.get("stop") or []
    turn.stops = [stop] if isinstance(stop, str) else stop
    turn.limit = doc.get("max_completion_tokens") or doc.get("max_tokens")
    turn.reasoning = doc.get("reasoning_effort") not in (None, "none", "minimal")
    turn.wants_json = (doc.get("response_format") or {}).get("type", "text") != "text"
    return turn


_FINISH = {"stop": "stop", "stop_sequence": "stop", "length": "length",
           "tools": "tool_calls", "filter": "content_filter"}


def usage_of(thought, choices=1):
    output = thought.output_tokens * choices + thought.reasoning_tokens
    return {
        "prompt_tokens": thought.prompt_tokens,
        "completion_tokens": output,
        "total_tokens": thought.prompt_tokens + output,
        "prompt_tokens_details": {"cached_tokens": thought.cached, "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": thought.reasoning_tokens, "audio_tokens": 0,
            "accepted_prediction_tokens": 0, "rejected_prediction_tokens": 0}}


def answer(request, operation, doc, script):
    if operation == "models":
        return _models(request)
    if operation == "embeddings":
        return _embeddings(doc)
    return answer_turn(doc, turn_of(doc), script)


def answer_turn(doc, turn, script, thoughts=None):
    """A chat's answer; `thoughts` is the member that others, who speak this
    form as well, put them in. OpenAI shows none."""
    thought = mind.think(turn, script)
    if doc.get("stream"):
        return Answer(200, [("Content-Type", "text/event-stream; charset=utf-8"),
                            ("Cache-Control", "no-cache"), *_rates()],
                      events=list(_stream(doc, thought, script, thoughts)))
    return json_answer(_completion(doc, thought, script, thoughts), headers=_rates(),
                       pretty=True)


def _rates():
    return [("x-request-id", "req_scripted0000000000000000000000"),
            ("openai-processing-ms", "7"), ("openai-version", "2020-10-01"),
            ("x-ratelimit-limit-requests", "500"),
            ("x-ratelimit-remaining-requests", "499"),
            ("x-ratelimit-reset-requests", "120ms")]


def _served(doc):
    """OpenAI answers with the dated name of the model it ran."""
    return doc["model"].split(";")[0] + "-2025-01-01"


def _call_id(i, name):
    return f"call_{i}{mind.tokens(name)}scripted{i}{name[:8]}"


def _completion(doc, thought, script, thoughts):
    message = {"role": "assistant", "content": thought.text, "refusal": None,
               "annotations": []}
    if thoughts and thought.reasoning:
        message[thoughts] = thought.reasoning
    if thought.calls:
        message["content"] = None
        message["tool_calls"] = [
            {"id": _call_id(i, name), "type": "function",
             "function": {"name": name, "arguments": json.dumps(args, ensure_ascii=False)}}
            for i, (name, args) in enumerate(thought.calls)]
    answer = {
        "id": "chatcmpl-scripted", "object": "chat.completion", "created": _CREATED,
        "model": _served(doc),
        "choices": [{"index": i, "message": message, "logprobs": None,
                     "finish_reason": _FINISH[thought.finish]}
                    for i in range(doc.get("n") or 1)],
        "usage": usage_of(thought, doc.get("n") or 1),
        "service_tier": "default", "system_fingerprint": "fp_scripted"}
    if script.nousage:
        del answer["usage"]
    return answer


def _stream(doc, thought, script, thoughts):
    counted = bool((doc.get("stream_options") or {}).get("include_usage")) \
        and not script.nousage
    serial = 0

    def chunk(choices, **more):
        nonlocal serial
        serial += 1
        value = {"id": "chatcmpl-scripted", "object": "chat.completion.chunk",
                 "created": _CREATED, "model": _served(doc),
                 "service_tier": "default", "system_fingerprint": "fp_scripted",
                 "choices": choices}
        if counted:
            value["usage"] = None
        value.update(more)
        value["obfuscation"] = "aZ3kQ9xLm2"[:1 + serial * 7 % 10]
        return b"data: " + to_json(value) + b"\n\n"

    def delta(index, value, finish=None):
        return chunk([{"index": index, "delta": value, "logprobs": None,
                       "finish_reason": finish}])

    several = range(doc.get("n") or 1)
    for piece in mind.pieces_of(thought.reasoning) if thoughts else ():
        yield delta(0, {"role": "assistant", "content": None, thoughts: piece})
    for index in several:
        if thought.calls:
            yield from _stream_calls(thought, lambda v, i=index: delta(i, v))
        else:
            yield delta(index, {"role": "assistant", "content": "", "refusal": None})
    for piece in thought.pieces:
        for index in several:
            yield delta(index, {"content": piece})
    for index in several:
        yield delta(index, {}, _FINISH[thought.finish])
    if counted:
        yield chunk([], usage=usage_of(thought, len(several)))
    yield b"data: [DONE]\n\n"


def _stream_calls(thought, delta):
    for i, (name, args) in enumerate(thought.calls):
        start = {"index": i, "id": _call_id(i, name), "type": "function",
                 "function": {"name": name, "arguments": ""}}
        first = {"role": "assistant", "content": None} if i == 0 else {}
        yield delta({**first, "tool_calls": [start]})
        for fragment in mind.arguments_in_pieces(args):
            yield delta({"tool_calls": [{"index": i, "function": {"arguments": fragment}}]})


def _embeddings(doc):
    inputs = doc["input"]
    if isinstance(inputs, str) or (inputs and isinstance(inputs[0], int)):
        inputs = [inputs]
    texts = [i if isinstance(i, str) else " ".join(map(str, i)) for i in inputs]
    size = doc.get("dimensions") or 8
    data = []
    for i, text in enumerate(texts):
        vector = mind.embedding(text, size)
        if doc.get("encoding_format") == "base64":
            vector = base64.b64encode(struct.pack(f"<{size}f", *vector)).decode()
        data.append({"object": "embedding", "index": i, "embedding": vector})
    used = sum(mind.tokens(t) for t in texts)
    return json_answer({"object": "list", "data": data, "model": doc["model"].split(";")[0],
                        "usage": {"prompt_tokens": used, "total_tokens": used}},
                       headers=_rates(), pretty=True)


def _models(request):
    name = request.path.rsplit("/models", 1)[1].lstrip("/")
    rows = [{"id": m, "object": "model", "created": _CREATED, "owned_by": "system"}
            for m in MODELS]
    if not name:
        return json_answer({"object": "list", "data": rows})
    for row in rows:
        if row["id"] == name:
            return json_answer(row)
    raise Refused(404, f"The model '{name}' does not exist", param="model",
                  code="model_not_found")


_KINDS = {401: "invalid_request_error", 403: "invalid_request_error",
          404: "invalid_request_error", 429: "rate_limit_exceeded",
          500: "server_error", 503: "server_error"}


def refuse(status, message, param=None, code=None, kind=None):
    """OpenAI's error, pretty-printed as OpenAI does."""
    kind = kind or _KINDS.get(status, "invalid_request_error" if status < 500
                              else "server_error")
    if status == 429 and not code:
        code = "rate_limit_exceeded"
    return json_answer({"error": {"message": message, "type": kind, "param": param,
                                  "code": code}}, status, pretty=True)


def stream_problem():
    """An error inside a stream that began with 200; no [DONE] follows it."""
    return b"data: " + to_json({"error": {
        "message": "The server had an error while processing your request.",
        "type": "server_error", "param": None, "code": None}}) + b"\n\n"
