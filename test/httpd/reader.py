# SPDX-License-Identifier: Apache-2.0
"""Reads answers of every dialect into the same few facts, in order to compare
what a provider said with what a client got. It shares no code with the
gateway and prefers to fail: a stream whose events are not in the order their
dialect demands is refused.

Usage is kept in disjoint classes: input (fresh), cache_read, cache_write,
output (without reasoning, where the dialect tells), reasoning. What a dialect
does not say is None.
"""
import dataclasses
import json
import re

import reader_bedrock
from client import sse

FINISHES = {
    "openai": {"stop": "stop", "length": "length", "tool_calls": "tools",
               "function_call": "tools", "content_filter": "filter", "eos": "stop",
               "eos_token": "stop", "": None, "stop_sequence": "stop",
               "COMPLETE": "stop", "error": "other"},
    "anthropic": {"end_turn": "stop", "stop_sequence": "stop", "max_tokens": "length",
                  "tool_use": "tools", "refusal": "filter", "pause_turn": "pause"},
    "gemini": {"STOP": "stop", "MAX_TOKENS": "length", "SAFETY": "filter",
               "RECITATION": "filter", "BLOCKLIST": "filter",
               "PROHIBITED_CONTENT": "filter", "SPII": "filter", "LANGUAGE": "filter",
               "IMAGE_SAFETY": "filter", "MODEL_ARMOR": "filter",
               # Vertex writes the enumeration's numbers.
               1: "stop", 2: "length", 3: "filter", 4: "filter", 6: "filter", 7: "filter",
               8: "filter"}}


@dataclasses.dataclass
class Said:
    """What an answer says, whatever its dialect."""

    text: str = ""
    reasoning: str = ""
    calls: list = dataclasses.field(default_factory=list)  # (name, arguments)
    ids: list = dataclasses.field(default_factory=list)    # of the calls
    finish: str = None
    stop_sequence: str = None
    usage: dict = None
    refused: bool = False   # OpenAI's text is a refusal
    error: str = None       # message of an error answer or of one in the stream
    model: str = None
    id: str = None
    unread: list = dataclasses.field(default_factory=list)  # parts of no common kind


def usage(input=None, output=None, cache_read=0, cache_write=0, reasoning=0):
    return {"input": input, "output": output, "cache_read": cache_read,
            "cache_write": cache_write, "reasoning": reasoning}


def totals(counts):
    """(all input, all output) of a usage; None where nothing was said."""
    if counts is None or counts["input"] is None:
        return None
    return (counts["input"] + counts["cache_read"] + counts["cache_write"],
            counts["output"] + counts["reasoning"])


def arguments(text):
    """A call's arguments; none at all mean {}."""
    return json.loads(text) if text and text != "null" else {}


# -- OpenAI ------------------------------------------------------------------

def openai_usage(value):
    if not value or value.get("prompt_tokens") is None:
        return None
    details_in = value.get("prompt_tokens_details") or {}
    details_out = value.get("completion_tokens_details") or {}
    # Mistral has a name of its own for it.
    read = details_in.get("cached_tokens") or value.get("num_cached_tokens") or 0
    write = details_in.get("cache_write_tokens") or 0
    thought = details_out.get("reasoning_tokens") or 0
    output = value.get("completion_tokens") or 0
    # Some compatible servers tell reasoning beside the output, Google's only
    # in the total.
    hidden = (value.get("total_tokens") or 0) - value["prompt_tokens"] - output
    if not thought and hidden > 0:
        thought, output = hidden, output + hidden
    inside = output >= thought
    return usage(value["prompt_tokens"] - read - write,
                 output - thought if inside else output, read, write, thought)


def _openai_text(content, said):
    """Adds it. A literal </s> is TGI 2.0's token for the end, not text."""
    if isinstance(content, list):
        for part in content:
            if part.get("type") == "text":
                said.text += part["text"]
            elif part.get("type") == "thinking":
                for inner in part["thinking"]:
                    said.reasoning += inner.get("text", "")
    else:
        said.text += (content or "").removesuffix("</s>")


def _openai_reasoning(message):
    for name in ("reasoning_content", "reasoning"):
        if isinstance(message.get(name), str):
            return message[name]
    return ""


def openai(body):
    """A whole chat completion; its first choice."""
    doc = json.loads(body)
    said = Said(model=doc.get("model"), id=doc.get("id"), usage=openai_usage(doc.get("usage")))
    choice = min(doc["choices"], key=lambda c: c.get("index", 0))
    message = choice.get("message") or {}
    _openai_text(message.get("content"), said)
    said.text += message.get("refusal") or ""
    said.refused = bool(message.get("refusal"))
    said.reasoning += _openai_reasoning(message)
    for call in message.get("tool_calls") or []:
        said.calls.append((call["function"]["name"],
                           arguments(call["function"].get("arguments"))))
        said.ids.append(call.get("id"))
    if message.get("function_call"):
        call = message["function_call"]
        said.calls.append((call["name"], arguments(call["arguments"])))
        said.ids.append(None)
    said.finish = FINISHES["openai"].get(choice.get("finish_reason"), "other")
    return said


def openai_stream(body, strict=True):
    """A streamed chat completion. strict: as the gateway has to write it."""
    said, calls, finished, done = Said(), {}, False, False
    first = True
    for event in sse(body):
        assert not done, f"an event after [DONE]: {event}"
        if event.data == "[DONE]":
            done = True
            continue
        doc = event.json
        if doc.get("error"):
            said.error = _message_of(doc["error"])
            continue
        if strict:
            assert doc["object"] == "chat.completion.chunk", doc
            assert said.id in (None, doc["id"]), "the id changes within the stream"
        said.id, said.model = doc.get("id"), doc.get("model") or said.model
        counts = doc.get("usage") or (doc.get("x_groq") or {}).get("usage")
        said.usage = openai_usage(counts) or said.usage
        for choice in doc.get("choices") or []:
            if choice.get("index", 0):
                continue
            delta = choice.get("delta") or {}
            if strict and first:
                assert delta.get("role") == "assistant", f"no role at first: {doc}"
            first = False
            if strict and finished:
                assert not (delta.get("content") or delta.get("tool_calls")), \
                    f"output after finish_reason: {doc}"
            _openai_text(delta.get("content"), said)
            said.text += delta.get("refusal") or ""
            said.refused |= bool(delta.get("refusal"))
            said.reasoning += _openai_reasoning(delta)
            for piece in delta.get("tool_calls") or []:
                _openai_call_piece(piece, calls, strict)
            if choice.get("finish_reason"):
                assert not (strict and finished), "finish_reason twice"
                finished = True
                said.finish = FINISHES["openai"].get(choice["finish_reason"], "other")
    if strict and not said.error:
        assert done, "the stream ends without [DONE]"
        assert finished, "the stream ends without finish_reason"
        assert sorted(calls) == list(range(len(calls))), f"call indexes: {sorted(calls)}"
    for _, call in sorted(calls.items()):
        said.calls.append((call["name"], arguments(call["args"])))
        said.ids.append(call["id"])
    return said


def _completion(doc, said, strict):
    """The first choice of a completion, or of one of its chunks."""
    assert not strict or doc["object"] == "text_completion", doc
    said.id, said.model = doc.get("id"), doc.get("model") or said.model
    said.usage = openai_usage(doc.get("usage")) or said.usage
    for choice in doc["choices"]:
        if choice.get("index", 0) == 0:
            assert not (said.finish and choice["text"]), f"text behind the end: {doc}"
            said.text += choice["text"]
            said.finish = FINISHES["openai"].get(choice.get("finish_reason"), said.finish) \
                if choice.get("finish_reason") else said.finish


def completions(body):
    """A whole legacy completion; its first choice."""
    said = Said()
    _completion(json.loads(body), said, strict=False)
    return said


def completions_stream(body, strict=True):
    said, done = Said(), False
    for event in sse(body):
        assert not done, f"an event after [DONE]: {event}"
        done = event.data == "[DONE]"
        if not done and event.json.get("error"):
            said.error = _message_of(event.json["error"])
        elif not done:
            _completion(event.json, said, strict)
    assert said.error or not strict or (done and said.finish), "the stream stops too early"
    return said


def _openai_call_piece(piece, calls, strict):
    index = piece.get("index", len(calls))
    new = index not in calls
    call = calls.setdefault(index, {"id": None, "name": "", "args": ""})
    function = piece.get("function") or {}
    if strict and new:
        assert piece.get("id") and function.get("name"), f"a call without id or name: {piece}"
        assert piece.get("type") == "function", piece
    call["id"] = piece.get("id") or call["id"]
    call["name"] = function.get("name") or call["name"]
    call["args"] += function.get("arguments") or ""


def _message_of(error):
    if isinstance(error, str):
        return error
    return error.get("message") or json.dumps(error)


# -- OpenAI's Responses ------------------------------------------------------

def responses_usage(value):
    if not value:
        return None
    details = value.get("input_tokens_details") or {}
    read = details.get("cached_tokens") or 0
    write = details.get("cache_write_tokens") or 0
    thought = (value.get("output_tokens_details") or {}).get("reasoning_tokens") or 0
    return usage(value["input_tokens"] - read - write,
                 value["output_tokens"] - thought, read, write, thought)


def _responses_object(doc):
    said = Said(model=doc.get("model"), id=doc.get("id"),
                usage=responses_usage(doc.get("usage")))
    for item in doc.get("output") or []:
        if item["type"] == "message":
            for part in item["content"]:
                said.text += part.get("text") or part.get("refusal") or ""
                said.refused |= part["type"] == "refusal"
        elif item["type"] == "function_call":
            said.calls.append((item["name"], arguments(item["arguments"])))
            said.ids.append(item["call_id"])
        elif item["type"] == "reasoning":
            for part in item.get("summary") or item.get("content") or []:
                said.reasoning += part["text"]
        else:
            said.unread.append(item["type"])
    reason = (doc.get("incomplete_details") or {}).get("reason")
    said.finish = {"completed": "tools" if said.calls else "stop", "incomplete": {
        "max_output_tokens": "length", "content_filter": "filter"}.get(reason, "other")}.get(
        doc.get("status"))
    if doc.get("error"):
        said.error = doc["error"]["message"]
    return said


def responses(body):
    doc = json.loads(body)
    assert doc["object"] == "response", doc
    return _responses_object(doc)


def responses_stream(body, strict=True):
    """Streamed; what the pieces say has to be what the last event repeats."""
    last, pieces, calls, serial, error, opened = None, {}, {}, 0, None, set()
    for event in sse(body):
        if event.data == "[DONE]":
            assert not strict, "[DONE] is a chat's"
            continue
        doc = event.json
        kind = doc["type"]
        if strict:
            assert event.name == kind, f"event name {event.name!r} for {kind}"
            assert last is None, f"{kind} after the last event"
            assert doc["sequence_number"] == serial, doc
            first = ("response.created", "response.in_progress")
            assert serial > 1 or kind == first[serial], doc
        serial += 1
        if kind == "error":
            error = _message_of(doc.get("error") or doc)
        elif kind in ("response.completed", "response.incomplete", "response.failed"):
            last = doc["response"]
        elif kind == "response.output_item.added":
            assert doc["output_index"] not in opened, doc
            opened.add(doc["output_index"])
        elif kind in ("response.output_text.delta", "response.refusal.delta"):
            place = doc["output_index"], doc["content_index"]
            pieces[place] = pieces.get(place, "") + doc["delta"]
        elif kind == "response.function_call_arguments.delta":
            assert doc["output_index"] in opened, doc
            calls[doc["output_index"]] = calls.get(doc["output_index"], "") + doc["delta"]
    assert last or error, "the stream stops before its end"
    said = _responses_object(last or {})
    said.error = said.error or error
    if not said.error:
        assert said.text == "".join(t for _, t in sorted(pieces.items())), pieces
        assert [c[1] for c in said.calls] == [
            arguments(a) for _, a in sorted(calls.items())], calls
    return said


# -- Anthropic ---------------------------------------------------------------

def anthropic_usage(value):
    if not value or value.get("output_tokens") is None:
        return None
    return usage(value.get("input_tokens") or 0, value["output_tokens"],
                 value.get("cache_read_input_tokens") or 0,
                 value.get("cache_creation_input_tokens") or 0)


def anthropic(body):
    doc = json.loads(body)
    assert doc["type"] == "message" and doc["role"] == "assistant", doc
    said = Said(model=doc["model"], id=doc["id"], usage=anthropic_usage(doc["usage"]))
    for block in doc["content"]:
        _anthropic_block(block, said)
    said.finish = FINISHES["anthropic"].get(doc["stop_reason"], "other")
    said.stop_sequence = doc.get("stop_sequence")
    return said


def _anthropic_block(block, said):
    kind = block["type"]
    if kind == "text":
        said.text += block["text"]
    elif kind == "thinking":
        said.reasoning += block["thinking"]
    elif kind == "tool_use":
        assert isinstance(block["input"], dict), block
        said.calls.append((block["name"], block["input"]))
        said.ids.append(block["id"])
    else:
        said.unread.append(kind)


def anthropic_stream(body, strict=True):
    """A streamed message; the order of its events is checked."""
    said, blocks, opened, state, counts = Said(), {}, None, "begin", {}
    for event in sse(body):
        doc = event.json
        kind = doc["type"]
        if strict:
            assert event.name == kind, f"event name {event.name!r} for {kind}"
        if kind == "ping":
            continue
        if kind == "error":
            said.error = doc["error"]["message"]
            state = "error"
            continue
        assert state not in ("end", "error"), f"{kind} after the end"
        if kind == "message_start":
            assert state == "begin", "message_start twice"
            said.id, said.model = doc["message"]["id"], doc["message"]["model"]
            counts.update(_counts(doc["message"]["usage"]))
            state = "open"
            continue
        assert state != "begin", f"{kind} before message_start"
        if kind == "content_block_start":
            assert opened is None and doc["index"] == len(blocks), f"block order: {doc}"
            opened = doc["index"]
            blocks[opened] = dict(doc["content_block"], _json="")
        elif kind == "content_block_delta":
            assert doc["index"] == opened, f"a delta for a block that is not open: {doc}"
            _anthropic_delta(blocks[opened], doc["delta"])
        elif kind == "content_block_stop":
            assert doc["index"] == opened, f"the wrong block ends: {doc}"
            opened = None
        elif kind == "message_delta":
            assert opened is None and state == "open", f"message_delta too early: {doc}"
            said.finish = FINISHES["anthropic"].get(doc["delta"]["stop_reason"], "other")
            said.stop_sequence = doc["delta"].get("stop_sequence")
            counts.update(_counts(doc["usage"]))
            state = "delta"
        elif kind == "message_stop":
            assert state == "delta", "message_stop without message_delta"
            state = "end"
        else:
            raise AssertionError(f"no such event: {kind}")
    assert state in ("end", "error"), f"the stream stops in state {state}"
    for _, block in sorted(blocks.items()):
        if block["type"] == "tool_use":
            block["input"] = arguments(block["_json"])
        _anthropic_block(block, said)
    said.usage = anthropic_usage(counts)
    return said


def _counts(value):
    return {k: v for k, v in value.items() if isinstance(v, int)}


def _anthropic_delta(block, delta):
    kind = delta["type"]
    if kind == "text_delta":
        assert block["type"] == "text", block
        block["text"] += delta["text"]
    elif kind == "thinking_delta":
        assert block["type"] == "thinking", block
        block["thinking"] += delta["thinking"]
    elif kind == "input_json_delta":
        assert block["type"] in ("tool_use", "server_tool_use", "mcp_tool_use"), block
        block["_json"] += delta["partial_json"]
    elif kind == "signature_delta":
        assert block["type"] == "thinking", block
        block["signature"] = delta["signature"]
    elif kind not in ("citations_delta", "compaction_delta"):
        raise AssertionError(f"no such delta: {kind}")


# -- Gemini ------------------------------------------------------------------

def gemini_usage(value):
    if not value or value.get("promptTokenCount") is None:
        return None
    read = value.get("cachedContentTokenCount") or 0
    return usage(value["promptTokenCount"] + (value.get("toolUsePromptTokenCount") or 0)
                 - read, value.get("candidatesTokenCount") or 0, read, 0,
                 value.get("thoughtsTokenCount") or 0)


def _gemini_doc(doc, said):
    said.model = doc.get("modelVersion") or said.model
    said.id = doc.get("responseId") or said.id
    said.usage = gemini_usage(doc.get("usageMetadata")) or said.usage
    if (doc.get("promptFeedback") or {}).get("blockReason"):
        said.finish = "filter"
    for candidate in doc.get("candidates") or []:
        if candidate.get("index"):
            continue            # the first one is what is compared
        for part in (candidate.get("content") or {}).get("parts") or []:
            if "functionCall" in part:
                said.calls.append((part["functionCall"]["name"],
                                   part["functionCall"].get("args") or {}))
                said.ids.append(part["functionCall"].get("id"))
            elif "text" in part:
                if part.get("thought"):
                    said.reasoning += part["text"]
                else:
                    said.text += part["text"]
            elif set(part) - {"thoughtSignature"}:
                said.unread.append(sorted(part)[0])
        reason = candidate.get("finishReason")
        if reason:
            said.finish = FINISHES["gemini"].get(reason, "other")
    if said.calls and said.finish == "stop":
        said.finish = "tools"


def gemini(body):
    said = Said()
    _gemini_doc(json.loads(body), said)
    return said


def gemini_stream(body, strict=True):
    said = Said()
    for event in sse(body):
        if "error" in event.json:
            said.error = event.json["error"]["message"]
            break
        _gemini_doc(event.json, said)
    return said


# -- Hugging Face's old Inference API ----------------------------------------

def text_generation(body):
    doc = json.loads(body)
    row = doc[0] if isinstance(doc, list) else doc
    return Said(text=row["generated_text"], finish="stop")


def text_generation_stream(body, strict=True):
    said = Said(finish="stop")
    for event in sse(body):
        token = event.json.get("token") or {}
        if not token.get("special"):
            said.text += token.get("text", "")
        details = event.json.get("details") or {}
        if details.get("finish_reason") == "length":
            said.finish = "length"
    return said


# -- Cohere --------------------------------------------------------------------

_COHERE_FINISH = {"COMPLETE": "stop", "STOP_SEQUENCE": "stop", "MAX_TOKENS": "length",
                  "TOOL_CALL": "tools", "ERROR_TOXIC": "filter"}


def _cohere_end(doc, said):
    """finish_reason and usage, of an answer or of message-end: what is billed."""
    said.finish = _COHERE_FINISH.get(doc["finish_reason"], "other")
    if doc["finish_reason"] == "ERROR":
        said.error = doc.get("error", "error")
    counts = doc.get("usage") or {}
    counts = counts.get("billed_units") or counts.get("tokens")
    if counts:
        said.usage = usage(counts["input_tokens"], counts["output_tokens"])


def _cohere_content(parts, said):
    for part in parts or []:
        said.text += part.get("text", "")
        said.reasoning += part.get("thinking", "")


def cohere(body):
    doc = json.loads(body)
    message = doc["message"]
    said = Said(id=doc["id"])
    _cohere_content(message.get("content"), said)
    said.text += message.get("tool_plan") or ""
    for call in message.get("tool_calls") or []:
        said.calls.append((call["function"]["name"],
                           arguments(call["function"]["arguments"])))
        said.ids.append(call["id"])
    _cohere_end(doc, said)
    return said


def cohere_stream(body, strict=True):
    said, calls, order = Said(), {}, []
    for event in sse(body):
        order.append(event.name)
        if event.data == "[DONE]":
            continue
        doc = event.json
        if strict:
            assert event.name == doc["type"], event
        if doc["type"] == "message-start":
            said.id = doc["id"]
        message = (doc.get("delta") or {}).get("message") or {}
        said.text += message.get("tool_plan") or ""
        if doc["type"] in ("content-start", "content-delta"):
            _cohere_content([message["content"]], said)
        elif doc["type"] == "tool-call-start":
            call = message["tool_calls"]
            calls[doc["index"]] = [call["function"]["name"],
                                   call["function"].get("arguments") or ""]
            said.ids.append(call["id"])
        elif doc["type"] == "tool-call-delta":
            calls[doc["index"]][1] += message["tool_calls"]["function"]["arguments"]
        elif doc["type"] == "message-end":
            _cohere_end(doc["delta"], said)
    said.calls = [(name, arguments(text)) for name, text in calls.values()]
    if strict:
        _cohere_order(order, said.error)
    return said


def _cohere_order(names, error):
    """Parts one after the other; "[DONE]", which has no name, behind a good end."""
    text = " ".join(name or "done" for name in names)
    parts = (r"((content-start( content-delta| citation-start citation-end)* content-end"
             r"|citation-start citation-end|tool-plan-delta"
             r"|tool-call-start( tool-call-delta)* tool-call-end) )*")
    if error:
        assert text.startswith("message-start ") and text.endswith(" message-end"), text
    else:
        assert re.fullmatch(f"message-start {parts}message-end( done)?", text), text


# -- Ollama --------------------------------------------------------------------

def _ollama_doc(doc, said):
    """One document: the whole answer, or a line of it."""
    said.model = doc.get("model", said.model)
    if "error" in doc:
        said.error = doc["error"]
        return
    message = doc.get("message") or {"content": doc.get("response"),
                                     "thinking": doc.get("thinking")}
    said.text += message.get("content") or ""
    said.reasoning += message.get("thinking") or ""
    for call in message.get("tool_calls") or []:
        said.calls.append((call["function"]["name"], call["function"]["arguments"]))
        said.ids.append(call.get("id"))
    if doc.get("done"):
        said.finish = {"stop": "stop", "length": "length", None: "stop",
                       "content_filter": "filter"}.get(
            doc.get("done_reason"), "other")
        if said.calls and said.finish == "stop":
            said.finish = "tools"
        if "prompt_eval_count" in doc:  # absent where the server still had the prompt
            said.usage = usage(doc["prompt_eval_count"], doc["eval_count"])


def ollama(body):
    said = Said()
    _ollama_doc(json.loads(body), said)
    return said


def ollama_stream(body, strict=True):
    said = Said()
    assert not strict or not body or body.endswith(b"\n"), "half a line"
    for line in body.split(b"\n")[:-1] if strict else body.splitlines():
        if line.strip() or strict:      # its clients parse each line
            assert not said.finish and not said.error, f"a line behind the last one: {line}"
            _ollama_doc(json.loads(line), said)
    assert not strict or said.finish or said.error, "the stream stops before its end"
    return said


# -- Bedrock -------------------------------------------------------------------

def bedrock(body):
    return reader_bedrock.converse(body, Said(), usage)


def bedrock_stream(body, strict=True):
    return reader_bedrock.converse_stream(body, Said(), usage, strict)


READERS = {"openai": (openai, openai_stream), "bedrock": (bedrock, bedrock_stream),
           "openai-completions": (completions, completions_stream),
           "openai-responses": (responses, responses_stream),
           "anthropic": (anthropic, anthropic_stream), "cohere": (cohere, cohere_stream),
           "gemini": (gemini, gemini_stream), "ollama": (ollama, ollama_stream),
           "text-generation": (text_generation, text_generation_stream)}


def read(dialect, body, streamed=None, strict=True):
    """An answer of a dialect; streamed is seen from the bytes if not said."""
    if streamed is None:
        streamed = re.match(rb"\s*(data|event|:|\0)", body) is not None
    whole, stream = READERS[dialect]
    return stream(body, strict) if streamed else whole(body)


def error_of(dialect, doc):
    """(type, message) of an error in a dialect's exact form."""
    if dialect in ("openai", "openai-completions", "openai-responses"):
        assert set(doc) == {"error"}, doc
        assert {"message", "type", "param", "code"} <= set(doc["error"]), doc
        return doc["error"]["type"], doc["error"]["message"]
    if dialect == "anthropic":
        assert doc["type"] == "error", doc
        assert {"type", "message"} <= set(doc["error"]), doc
        return doc["error"]["type"], doc["error"]["message"]
    if dialect == "bedrock":
        return reader_bedrock.error(doc)
    if dialect == "cohere":
        assert isinstance(doc["message"], str) and set(doc) <= {"id", "message"}, doc
        return None, doc["message"]
    if dialect == "ollama":
        assert isinstance(doc["error"], str) and set(doc) == {"error"}, doc
        return None, doc["error"]
    assert dialect == "gemini", dialect
    assert {"code", "message", "status"} <= set(doc["error"]), doc
    return doc["error"]["status"], doc["error"]["message"]
