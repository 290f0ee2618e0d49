# SPDX-License-Identifier: Apache-2.0
"""DeepSeek's wire format: OpenAI's, with thoughts in `reasoning_content`.

A model thinks where `thinking` or an effort asks for it, and is then told
what it thought with each call it made before; a schema is not known, and
JSON is asked for in words as well; pictures and sound are not; what was read
from a cache stands beside the other counts. Unknown members are ignored.
"""
import json

import wire_openai
from wire import Answer, Refused, json_answer, need, to_json

NAME = "deepseek"

_ROLES = {"system", "user", "assistant", "tool"}


def operation(request):
    if request.mount_kind != NAME or request.method != "POST":
        return None
    return "chat" if request.path.endswith("/chat/completions") else None


model = wire_openai.model


def check_credentials(request, nokey):
    if "Bearer " not in request.header("authorization", ""):
        raise Refused(401, "Authentication Fails (auth header format should be Bearer sk-...)",
                      kind="authentication_error")


def _thinks(doc):
    switch = (doc.get("thinking") or {}).get("type")
    need(switch in (None, "enabled", "disabled"), f"thinking: unknown type {switch}")
    return switch == "enabled" or (switch is None and "reasoning_effort" in doc)


def check(request, operation, doc, lenient):
    need(isinstance(doc, dict) and isinstance(doc.get("model"), str), "missing field `model`")
    for i, message in enumerate(doc.get("messages") or []):
        need(message.get("role") in _ROLES, f"messages[{i}].role: unknown variant "
             f"`{message.get('role')}`, expected one of `system`, `user`, `assistant`, `tool`")
        content = message.get("content")
        for part in content if isinstance(content, list) else []:
            need(part.get("type") == "text", f"messages[{i}]: unknown variant "
                 f"`{part.get('type')}`, expected `text`")
        need(not (_thinks(doc) and message.get("tool_calls"))
             or isinstance(message.get("reasoning_content"), str),
             "The `reasoning_content` in the thinking mode must be passed back to the API.")
    wire_openai.check_chat(doc, True)
    kind = (doc.get("response_format") or {}).get("type", "text")
    need(kind in ("text", "json_object"), "This response_format type is unavailable now")
    need(kind == "text" or "json" in json.dumps(doc["messages"]).lower(),
         "Prompt must contain the word 'json' in some form to use 'response_format' of type "
         "'json_object'.")


def answer(request, operation, doc, script):
    turn = wire_openai.turn_of(doc)
    turn.reasoning = _thinks(doc)
    plain = wire_openai.answer_turn(doc, turn, script, "reasoning_content")
    if plain.events is None:
        return json_answer(_own(json.loads(plain.body)))
    return Answer(200, [("Content-Type", "text/event-stream; charset=utf-8")],
                  events=_events(plain.events))


def _own(value):
    value.pop("obfuscation", None)
    value.pop("service_tier", None)
    usage = value.get("usage")
    if usage:
        cached = usage["prompt_tokens_details"]["cached_tokens"]
        usage["prompt_cache_hit_tokens"] = cached
        usage["prompt_cache_miss_tokens"] = usage["prompt_tokens"] - cached
    return value


def _events(events):
    yield b": keep-alive\n\n"
    for event in events:
        if event.startswith(b"data: {"):
            event = b"data: " + to_json(_own(json.loads(event[6:]))) + b"\n\n"
        yield event


def refuse(status, message, param=None, code=None, kind=None):
    kind = kind or ("invalid_request_error" if status < 500 else "server_error")
    return json_answer({"error": {"message": message, "type": kind, "param": None,
                                  "code": code or kind}}, status)


stream_problem = wire_openai.stream_problem
