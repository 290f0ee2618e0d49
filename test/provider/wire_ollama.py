# SPDX-License-Identifier: Apache-2.0
"""Ollama's wire format: /api/chat, /api/generate, /api/embed, /api/tags.

One JSON document a line, streamed unless the request says not to; calls with
arguments as objects, whole, in a line of their own; the counts in the last
line. What the real server passes over without a word (members it does not
know, `tool_choice`) is refused here, since a gateway owes more than that.
"""
import mind
from wire import Answer, Refused, is_int, json_answer, need, only_known, to_json

NAME = "ollama"

MODELS = ["llama3.2:latest", "all-minilm:latest"]
_TIME = "2026-01-01T00:00:00.123456Z"
_OPERATIONS = {("POST", "/api/chat"): "chat", ("POST", "/api/generate"): "generate",
               ("POST", "/api/embed"): "embed", ("POST", "/api/embeddings"): "embeddings",
               ("GET", "/api/tags"): "tags"}
_MEMBERS = {
    "chat": {"model", "messages", "tools", "think", "format", "options", "stream",
             "keep_alive", "logprobs", "top_logprobs"},
    "generate": {"model", "prompt", "suffix", "images", "think", "format", "options",
                 "system", "template", "stream", "raw", "keep_alive", "context"},
    "embed": {"model", "input", "truncate", "dimensions", "options", "keep_alive"},
    "embeddings": {"model", "prompt", "options", "keep_alive"}}
_MESSAGE = {"role", "content", "thinking", "images", "tool_calls", "tool_name",
            "tool_call_id"}
_OPTIONS = {"num_keep", "seed", "num_predict", "top_k", "top_p", "min_p", "typical_p",
            "repeat_last_n", "temperature", "repeat_penalty", "presence_penalty",
            "frequency_penalty", "stop", "num_ctx", "num_batch", "num_gpu", "main_gpu",
            "use_mmap", "num_thread", "mirostat", "mirostat_eta", "mirostat_tau"}


def operation(request):
    return _OPERATIONS.get((request.method, request.path))


def model(request, operation, doc):
    return doc.get("model") if isinstance(doc, dict) else None


def check_credentials(request, nokey):
    bearer = request.header("authorization", "")
    need(not nokey or not bearer, "this local server wants no credentials")
    if "wrong" in bearer:
        raise Refused(401, "unauthorized")


def _unknown(name):
    raise Refused(400, f"unknown member {name}")


def check(request, operation, doc, lenient):
    if operation == "tags":
        return
    need(isinstance(doc, dict), "unexpected EOF")
    need(isinstance(doc.get("model"), str) and doc["model"], "model is required")
    options = doc.get("options") or {}
    if not lenient:
        only_known(doc, _MEMBERS[operation], _unknown)
        only_known(options, _OPTIONS, _unknown)
    limit = options.get("num_predict")
    need(limit is None or is_int(limit, -2), "option \"num_predict\" must be of type integer")
    stop = options.get("stop")
    need(stop is None or isinstance(stop, list), "option \"stop\" must be of type array")
    form = doc.get("format")
    need(form in (None, "", "json") or isinstance(form, dict),
         f"invalid format: {form!r}; expected \"json\" or a JSON schema")
    think = doc.get("think")
    need(think in (None, True, False, "low", "medium", "high"),
         f"invalid think value: {think!r}")
    if operation == "chat":
        _check_messages(doc, lenient)


def _check_messages(doc, lenient):
    messages = doc.get("messages")
    need(isinstance(messages, list), "messages is required")
    for message in messages:
        if not lenient:
            only_known(message, _MESSAGE, _unknown)
        need(message.get("role") in ("system", "user", "assistant", "tool"),
             f"invalid role: {message.get('role')}, must be one of [system, user, "
             "assistant, tool]")
        need(isinstance(message.get("content", ""), str),
             "json: cannot unmarshal array into Go struct field .messages.content of "
             "type string")
        for call in message.get("tool_calls") or []:
            need(isinstance(call["function"]["arguments"], dict),
                 "json: cannot unmarshal string into Go struct field "
                 ".messages.tool_calls.function.arguments")
    for tool in doc.get("tools") or []:
        need(tool.get("type") == "function" and tool["function"].get("name"),
             "invalid tool")


def _turn(operation, doc):
    options = doc.get("options") or {}
    turn = mind.Turn(stops=options.get("stop") or [], limit=options.get("num_predict"),
                     reasoning=bool(doc.get("think")), wants_json=bool(doc.get("format")))
    if turn.limit is not None and turn.limit < 0:
        turn.limit = None
    if operation == "generate":
        turn.text = doc.get("prompt", "")
        turn.prompt = (doc.get("system") or "") + turn.text
        turn.images = len(doc.get("images") or [])
        return turn
    messages = doc["messages"]
    users = [m for m in messages if m["role"] == "user"]
    if users:
        turn.text = users[-1].get("content", "")
        turn.images = len(users[-1].get("images") or []) if users[-1] is messages[-1] else 0
    for message in reversed(messages):
        if message["role"] != "tool":
            break
        turn.results.insert(0, message.get("content", ""))
    turn.prompt = "\n".join(m.get("content", "") for m in messages)
    turn.tools = [mind.Tool(t["function"]["name"], t["function"].get("parameters"))
                  for t in doc.get("tools") or []]
    return turn


def answer(request, operation, doc, script):
    if operation == "tags":
        return json_answer({"models": [{"name": m, "model": m, "modified_at": _TIME,
                                        "size": 7, "digest": "scripted", "details": {}}
                                       for m in MODELS]})
    if operation == "embed":
        return _embed(doc)
    if operation == "embeddings":
        return json_answer({"embedding": mind.embedding(doc["prompt"], 8)})
    thought = mind.think(_turn(operation, doc), script)
    if doc.get("stream", True) is not False:
        return Answer(200, [("Content-Type", "application/x-ndjson")],
                      events=list(_stream(operation, doc, thought, script)))
    calls = [_call(name, args) for name, args in thought.calls]
    return json_answer(_line(operation, doc, thought.text, thought.reasoning, calls,
                             thought, script))


def _call(name, args):
    return {"function": {"name": name, "arguments": args}}


def _line(operation, doc, text, thinking="", calls=(), thought=None, script=None):
    """One document; the last one of an answer with `thought`."""
    line = {"model": doc["model"].split(";")[0], "created_at": _TIME}
    if operation == "generate":
        line["response"] = text
        if thinking:
            line["thinking"] = thinking
    else:
        line["message"] = {"role": "assistant", "content": text}
        if thinking:
            line["message"]["thinking"] = thinking
        if calls:
            line["message"]["tool_calls"] = list(calls)
    line["done"] = thought is not None
    if thought:
        line["done_reason"] = "length" if thought.finish == "length" else "stop"
        line["total_duration"] = 1078043917
        if not script.nousage:
            line["prompt_eval_count"] = thought.prompt_tokens
            line["eval_count"] = thought.output_tokens + thought.reasoning_tokens
    return line


def _stream(operation, doc, thought, script):
    def line(*what):
        return to_json(_line(operation, doc, *what)) + b"\n"

    if thought.reasoning:
        yield line("", thought.reasoning)
    for name, args in thought.calls:
        yield line("", "", [_call(name, args)])
    for piece in thought.pieces:
        yield line(piece)
    yield line("", "", (), thought, script)


def _embed(doc):
    inputs = doc["input"] if isinstance(doc["input"], list) else [doc["input"]]
    size = doc.get("dimensions") or 8
    return json_answer({"model": doc["model"].split(";")[0],
                        "embeddings": [mind.embedding(t, size) for t in inputs],
                        "total_duration": 14143917,
                        "prompt_eval_count": sum(mind.tokens(t) for t in inputs)})


def refuse(status, message, param=None, code=None, kind=None):
    return json_answer({"error": message}, status)


def stream_problem():
    return to_json({"error": "an error was encountered while running the model"}) + b"\n"
