# SPDX-License-Identifier: Apache-2.0
"""OpenAI's wire format for responses: made, streamed, kept, cancelled.

Streams as OpenAI sends them: an event line equal to the type, a number on each
event, padding in each piece, whole texts behind the pieces, usage in the last
event alone and no [DONE]; a failure is an `error` event and response.failed. One
that is made in the background is complete the second time it is looked at, or
when its stream is over; a stream of it can be gone on with.
"""
import itertools
import json
import re
import time

import mind
from wire import Answer, Refused, is_int, is_number, json_answer, need, only_known, to_json
from wire_openai import _rates, _served, check_credentials, refuse  # noqa: F401

NAME = "openai-responses"
ALSO = ("openai",)    # mount points of others that have this API as well

_MEMBERS = {
    "background", "client_metadata", "conversation", "include", "input", "instructions",
    "max_output_tokens", "max_tool_calls", "metadata", "model",
    "parallel_tool_calls", "previous_response_id", "prompt", "prompt_cache_key",
    "prompt_cache_retention", "reasoning", "safety_identifier", "service_tier",
    "store", "stream", "stream_options", "temperature", "text", "tool_choice",
    "tools", "top_logprobs", "top_p", "truncation", "user"}
_INCLUDE = {"reasoning.encrypted_content", "message.output_text.logprobs",
            "file_search_call.results", "code_interpreter_call.outputs"}
_PARTS = {"input_text", "input_image", "input_file", "output_text", "refusal"}
_CREATED = 1767225600
_STORED = {}          # id -> response object
_RUNNING = {}         # id -> the events of one that is made in the background
_SEEN = set()         # of those: what was looked at
_NUMBERS = itertools.count()


def operation(request):
    """'responses', 'stored', or None for a path of another's."""
    if request.method == "POST" and request.path.endswith("/responses"):
        return "responses"
    if re.search(r"/responses/[A-Za-z0-9_-]+(/cancel|/input_items)?$", request.path):
        return "stored"
    return None


def model(request, operation, doc):
    return doc.get("model") if isinstance(doc, dict) else None


def check(request, operation, doc, lenient):
    if operation == "stored":
        return
    need(isinstance(doc, dict), "We could not parse the JSON body of your request.")
    if not lenient:
        only_known(doc, _MEMBERS, _unknown)
    need(isinstance(doc.get("model"), str) and doc["model"],
         "Missing required parameter: 'model'.", param="model")
    value = doc.get("input")
    need(isinstance(value, (str, list)) and value,
         "Missing required parameter: 'input'.", param="input",
         code="missing_required_parameter")
    if isinstance(value, list):
        _check_items(value)
    _check_options(doc)
    _check_tools(doc)


def _unknown(name):
    raise Refused(400, f"Unknown parameter: '{name}'.", param=name,
                  code="unknown_parameter")


def _check_options(doc):
    limit = doc.get("max_output_tokens")
    need(limit is None or is_int(limit, 1), "Invalid 'max_output_tokens'.",
         param="max_output_tokens")
    for name, high in (("temperature", 2), ("top_p", 1)):
        value = doc.get(name)
        need(value is None or is_number(value, 0, high), f"Invalid '{name}'.", param=name)
    need(not set(doc.get("include") or []) - _INCLUDE, "Invalid value: 'include'.",
         param="include")
    only_known(doc.get("reasoning") or {}, {"effort", "summary"}, _unknown)
    only_known(doc.get("text") or {}, {"format", "verbosity"}, _unknown)
    only_known(doc.get("stream_options") or {}, {"include_obfuscation"}, _unknown)
    form = (doc.get("text") or {}).get("format") or {"type": "text"}
    need(form.get("type") in ("text", "json_object", "json_schema"),
         "Invalid value: 'text.format.type'.", param="text.format.type")
    if form["type"] == "json_schema":
        need(isinstance(form.get("name"), str) and isinstance(form.get("schema"), dict),
             "Missing required parameter: 'text.format.name'.", param="text.format.name")


_TOOLS = {"function": {"type", "name", "description", "parameters", "strict",
                       "defer_loading"},
          "custom": {"type", "name", "description", "format"},
          "namespace": {"type", "name", "description", "tools"}}


def _check_tools(doc):
    for i, tool in enumerate(doc.get("tools") or []):
        _check_tool(tool, f"tools[{i}]", {*_TOOLS, "tool_search", "web_search"})


def _check_tool(tool, where, kinds):
    need(isinstance(tool, dict) and tool.get("type") in kinds,
         f"Invalid value: '{where}.type'.", param=f"{where}.type")
    if tool["type"] in _TOOLS:
        need(re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", tool.get("name", "")),
             f"Missing required parameter: '{where}.name'.", param=f"{where}.name")
        only_known(tool, _TOOLS[tool["type"]], _unknown)
    for i, inner in enumerate(tool.get("tools") or []):
        _check_tool(inner, f"{where}.tools[{i}]", {"function", "custom"})


def _check_items(items):
    """Every call has its output, and reasoning is followed by what it led to."""
    called, answered = [], []
    for i, item in enumerate(items):
        where = f"input[{i}]"
        kind = item.get("type", "message")
        if kind == "message":
            need(item.get("role") in ("user", "assistant", "system", "developer"),
                 f"Invalid value: '{where}.role'.", param=f"{where}.role")
            _check_content(item.get("content"), item["role"], where)
        elif kind == "function_call":
            need(isinstance(item.get("call_id"), str) and len(item["call_id"]) <= 64
                 and item.get("name") and isinstance(item.get("arguments"), str),
                 f"Invalid '{where}': call_id, name and arguments are required.",
                 param=where)
            called.append(item["call_id"])
        elif kind == "function_call_output":
            need(item.get("call_id") in called,
                 "No tool call found for function call output with call_id "
                 f"{item.get('call_id')}.", param="input")
            need(isinstance(item.get("output"), (str, list)),
                 f"Invalid '{where}.output'.", param=f"{where}.output")
            answered.append(item["call_id"])
        elif kind == "reasoning":
            need(isinstance(item.get("summary"), list),
                 f"Missing required parameter: '{where}.summary'.", param=where)
            need(item.get("encrypted_content", "").startswith("gAAAA"),
                 f"Item with id '{item.get('id')}' not found. Items are not persisted "
                 "when `store` is set to false.", param="input")
            following = items[i + 1] if i + 1 < len(items) else {}
            need(following.get("type") in ("reasoning", "function_call")
                 or following.get("role") == "assistant",
                 f"Item '{item.get('id')}' of type 'reasoning' was provided without its "
                 "required following item.", param="input")
        else:
            raise Refused(400, f"Invalid value: '{kind}'.", param=f"{where}.type")
    missing = [c for c in called if c not in answered]
    need(not missing, f"No tool output found for function call {', '.join(missing)}.",
         param="input")


def _check_content(content, role, where):
    need(isinstance(content, (str, list)), f"Invalid type for '{where}.content'.",
         param=f"{where}.content")
    for j, part in enumerate(content if isinstance(content, list) else []):
        kind = part.get("type")
        need(kind in _PARTS and (role == "assistant")
             == (kind in ("output_text", "refusal")),
             f"Invalid value: '{kind}'.", param=f"{where}.content[{j}].type")


# -- what is asked -----------------------------------------------------------

def text_of(content):
    if isinstance(content, str):
        return content
    return "".join(p.get("text") or p.get("refusal") or "" for p in content or [])


def _functions(doc):
    """(namespace or None, tool) of each, those in namespaces too."""
    for tool in doc.get("tools") or []:
        if tool["type"] == "namespace":
            yield from ((tool["name"], inner) for inner in tool["tools"])
        else:
            yield None, tool


def turn_of(doc):
    """The request in the scripted model's terms."""
    turn = mind.Turn()
    items = doc["input"]
    if isinstance(items, str):
        items = [{"role": "user", "content": items}]
    earlier = _STORED.get(doc.get("previous_response_id"))
    users = [i for i in items if i.get("role") == "user"]
    if users:
        turn.text = text_of(users[-1]["content"])
        if isinstance(users[-1]["content"], list) and items[-1] is users[-1]:
            turn.images = sum(p["type"] == "input_image" for p in users[-1]["content"])
    for item in reversed(items):
        if item.get("type") != "function_call_output":
            break
        turn.results.insert(0, text_of(item["output"]))
    turn.prompt = "\n".join([doc.get("instructions") or "", *(
        text_of(i.get("content") or i.get("output") or "") for i in items)])
    if earlier:
        turn.prompt += json.dumps(earlier["output"])
    turn.tools = [mind.Tool(t["name"], t.get("parameters"))
                  for _, t in _functions(doc) if t["type"] == "function"]
    choice = doc.get("tool_choice") or "auto"
    turn.choice = (choice.get("name") if isinstance(choice, dict)
                   else {"required": "any"}.get(choice, choice))
    turn.parallel = doc.get("parallel_tool_calls") is not False
    turn.limit = doc.get("max_output_tokens")
    turn.reasoning = (doc.get("reasoning") or {}).get("effort") not in (None, "none",
                                                                        "minimal")
    turn.wants_json = ((doc.get("text") or {}).get("format") or {}).get(
        "type", "text") != "text"
    return turn


# -- what is answered --------------------------------------------------------

def _items(doc, thought):
    items = []
    if thought.reasoning:
        item = {"id": "rs_scripted", "type": "reasoning", "summary": []}
        if (doc.get("reasoning") or {}).get("summary"):
            item["summary"] = [{"type": "summary_text", "text": thought.reasoning}]
        if "reasoning.encrypted_content" in (doc.get("include") or []):
            item["encrypted_content"] = "gAAAAscripted"
        items.append(item)
    spaces = {t.get("name"): space for space, t in _functions(doc) if space}
    for i, (name, args) in enumerate(thought.calls):
        items.append({**({"namespace": spaces[name]} if name in spaces else {}),
                      "id": f"fc_scripted{i}", "type": "function_call",
                      "status": "completed",
                      "arguments": json.dumps(args, ensure_ascii=False),
                      "call_id": f"call_scripted{i}{name[:8]}", "name": name})
    if not thought.calls:
        items.append({"id": "msg_scripted", "type": "message", "status": "completed",
                      "content": [{"type": "output_text", "annotations": [],
                                   "logprobs": [], "text": thought.text}],
                      "role": "assistant"})
    return items


_REASONS = {"length": "max_output_tokens", "filter": "content_filter"}


def _usage(thought):
    output = thought.output_tokens + thought.reasoning_tokens
    return {"input_tokens": thought.prompt_tokens,
            "input_tokens_details": {"cached_tokens": thought.cached},
            "output_tokens": output,
            "output_tokens_details": {"reasoning_tokens": thought.reasoning_tokens},
            "total_tokens": thought.prompt_tokens + output}


def _response(doc, thought, script, status=None):
    reason = _REASONS.get(thought.finish)
    status = status or ("incomplete" if reason else "completed")
    done = status in ("completed", "incomplete")
    return {"id": f"resp_scripted{next(_NUMBERS)}", "object": "response",
            # one in the background is billed at that time
            "created_at": int(time.time()) if doc.get("background") else _CREATED,
            "status": status, "background": bool(doc.get("background")), "error": None,
            "incomplete_details": {"reason": reason} if done and reason else None,
            "instructions": doc.get("instructions"),
            "max_output_tokens": doc.get("max_output_tokens"), "model": _served(doc),
            "output": _items(doc, thought) if done else [],
            "parallel_tool_calls": doc.get("parallel_tool_calls") is not False,
            "previous_response_id": doc.get("previous_response_id"),
            "reasoning": {"effort": None, "summary": None},
            "service_tier": "default", "store": doc.get("store") is not False,
            "temperature": 1.0, "text": {"format": {"type": "text"}},
            "tool_choice": doc.get("tool_choice") or "auto",
            "tools": doc.get("tools") or [], "top_p": 1.0, "truncation": "disabled",
            "usage": _usage(thought) if done and not script.nousage else None,
            "user": None, "metadata": doc.get("metadata") or {}}


def answer(request, operation, doc, script):
    if operation == "stored":
        return _stored(request)
    if doc.get("previous_response_id"):
        need(doc["previous_response_id"] in _STORED,
             f"Previous response with id '{doc['previous_response_id']}' not found.",
             param="previous_response_id", code="previous_response_not_found")
    thought = mind.think(turn_of(doc), script)
    whole = _response(doc, thought, script)
    if doc.get("store") is not False:
        _STORED[whole["id"]] = whole
    events = list(_stream(doc, thought, script, whole))
    if doc.get("background") and doc.get("store") is not False:
        _RUNNING[whole["id"]] = events
    if doc.get("stream"):
        return _events(events)
    if doc.get("background"):
        return json_answer(_unfinished(whole, "queued"), headers=_rates(), pretty=True)
    return json_answer(whole, headers=_rates(), pretty=True)


def _events(events):
    return Answer(200, [("Content-Type", "text/event-stream; charset=utf-8"), *_rates()],
                  events=events)


def _unfinished(whole, status):
    return {**whole, "status": status, "output": [], "usage": None,
            "incomplete_details": None}


def _stored(request):
    parts = request.path.split("/responses/", 1)[1].split("/")
    kept = _STORED.get(parts[0])
    if kept is None:
        raise Refused(404, f"Response with id '{parts[0]}' not found.")
    if parts[1:] == ["input_items"]:
        return json_answer({"object": "list", "data": [], "first_id": None,
                            "last_id": None, "has_more": False})
    if request.method == "DELETE":
        del _STORED[parts[0]]
        return json_answer({"id": parts[0], "object": "response", "deleted": True})
    events = _RUNNING.get(parts[0])
    if request.query.get("stream") == "true":
        need(events, "Only responses created in background mode can be streamed.")
        return _events(events[int(request.query.get("starting_after", -1)) + 1:])
    if events and parts[1:] == ["cancel"]:
        del _RUNNING[parts[0]]
        kept.update(_unfinished(kept, "cancelled"))
    elif events and parts[0] not in _SEEN:
        _SEEN.add(parts[0])
        kept = _unfinished(kept, "in_progress")
    return json_answer(kept, headers=_rates(), pretty=True)


# -- streams -----------------------------------------------------------------

def _stream(doc, thought, script, whole):
    serial = -1

    def event(kind, **members):
        nonlocal serial
        serial += 1
        value = {"type": kind, "sequence_number": serial, **members}
        return b"event: " + kind.encode() + b"\ndata: " + to_json(value) + b"\n\n"

    early = _unfinished(whole, "in_progress")
    yield event("response.created", response=early)
    yield event("response.in_progress", response=early)
    for index, item in enumerate(whole["output"]):
        place = {"item_id": item["id"], "output_index": index}
        if item["type"] == "reasoning":
            yield event("response.output_item.added", output_index=index,
                        item={**item, "summary": []})
            yield from _stream_summary(event, item, place)
        elif item["type"] == "function_call":
            yield event("response.output_item.added", output_index=index,
                        item={**item, "status": "in_progress", "arguments": ""})
            args = item["arguments"]
            for piece in mind.arguments_in_pieces(json.loads(args)):
                yield event("response.function_call_arguments.delta", **place,
                            delta=piece, obfuscation="aZ3")
            yield event("response.function_call_arguments.done", **place, arguments=args)
        else:
            yield event("response.output_item.added", output_index=index,
                        item={**item, "status": "in_progress", "content": []})
            yield from _stream_text(event, item, place, thought)
        yield event("response.output_item.done", output_index=index, item=item)
    yield event(f"response.{whole['status']}", response=whole)


def _stream_summary(event, item, place):
    for i, part in enumerate(item["summary"]):
        yield event("response.reasoning_summary_part.added", **place, summary_index=i,
                    part={"type": "summary_text", "text": ""})
        for piece in mind.pieces_of(part["text"]):
            yield event("response.reasoning_summary_text.delta", **place,
                        summary_index=i, delta=piece)
        yield event("response.reasoning_summary_text.done", **place, summary_index=i,
                    text=part["text"])
        yield event("response.reasoning_summary_part.done", **place, summary_index=i,
                    part=part)


def _stream_text(event, item, place, thought):
    part = item["content"][0]
    yield event("response.content_part.added", **place, content_index=0,
                part={**part, "text": ""})
    for piece in thought.pieces:
        yield event("response.output_text.delta", **place, content_index=0, delta=piece,
                    logprobs=[], obfuscation="xQ9")
    yield event("response.output_text.done", **place, content_index=0,
                text=part["text"], logprobs=[])
    yield event("response.content_part.done", **place, content_index=0, part=part)


def stream_problem():
    """An error inside a stream that began with 200: told twice, as OpenAI does."""
    error = {"type": "server_error", "code": "server_error", "param": None,
             "message": "The server had an error while processing your request."}
    failed = {"id": "resp_scripted", "object": "response", "status": "failed",
              "error": {"code": error["code"], "message": error["message"]},
              "output": [], "usage": None}
    return (b"event: error\ndata: " + to_json({"type": "error", "error": error})
            + b"\n\nevent: response.failed\ndata: "
            + to_json({"type": "response.failed", "response": failed}) + b"\n\n")
