# SPDX-License-Identifier: Apache-2.0
"""AWS Bedrock's wire format: Converse and ConverseStream.

The model is in the path, requests are signed (Signature Version 4, checked
here from the specification), streams are binary messages with checksums, and
every event is padded by a member "p" of some length.
"""
import base64
import hashlib
import hmac
import re
import struct
import urllib.parse
import zlib

import bedrock_invoke
import mind
from wire import Answer, Refused, is_int, is_number, json_answer, need, only_known, to_json

NAME = "bedrock"
SECRETS = {"AKIDTEST": ("secret/test+key", "session-test")}

_CHAT = {"messages", "system", "inferenceConfig", "toolConfig", "guardrailConfig",
         "additionalModelRequestFields", "additionalModelResponseFieldPaths",
         "promptVariables", "requestMetadata", "performanceConfig", "outputConfig",
         "serviceTier"}
_BLOCKS = {"text", "image", "document", "toolUse", "toolResult", "reasoningContent",
           "cachePoint"}
_PATH = re.compile(r"/model/(.+)/(converse|converse-stream|invoke"
                   r"|invoke-with-response-stream)")


def operation(request):
    found = _PATH.fullmatch(request.path)
    return found.group(2) if found and request.method == "POST" else None


def model(request, operation, doc):
    return _PATH.fullmatch(request.path).group(1)


# -- signatures ---------------------------------------------------------------

def _mac(key, text):
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


def _canonical(request, names):
    path, _, query = request.target.partition("?")
    lines = [request.method, urllib.parse.quote(path, safe="/-._~"),
             "&".join(sorted(query.split("&")))]
    for name in names:
        values = [" ".join(v.split()) for n, v in request.headers if n.lower() == name]
        lines.append(f"{name}:{','.join(values)}")
    return "\n".join([*lines, "", ";".join(names),
                      hashlib.sha256(request.body).hexdigest()])


def _check_signature(request, given):
    found = re.fullmatch(r"AWS4-HMAC-SHA256 Credential=(\w+)/(\d{8})/([\w-]+)/bedrock/"
                         r"aws4_request, SignedHeaders=([\w;-]+), Signature=(\w{64})", given)
    if not found or found.group(1) not in SECRETS:
        raise Refused(403, "The security token included in the request is invalid.")
    key, day, region, names, signature = found.groups()
    secret, token = SECRETS[key]
    names = names.split(";")
    date = request.header("x-amz-date", "")
    need(date.startswith(day) and {"host", "x-amz-date", "content-type"} <= set(names),
         "a header that has to be signed is not")
    need(request.header("x-amz-security-token") == token, "the session token is missing")
    scope = f"{day}/{region}/bedrock/aws4_request"
    text = "\n".join(["AWS4-HMAC-SHA256", date, scope, hashlib.sha256(
        _canonical(request, names).encode()).hexdigest()])
    chain = ("AWS4" + secret).encode()
    for part in (day, region, "bedrock", "aws4_request"):
        chain = _mac(chain, part)
    if not hmac.compare_digest(_mac(chain, text).hex(), signature):
        raise Refused(403, "The request signature we calculated does not match the signature "
                      "you provided.\n\nThe Canonical String for this request should have "
                      f"been\n'{_canonical(request, names)}'")


def check_credentials(request, nokey):
    given = request.header("authorization", "")
    if nokey:
        need(not given, "this local server wants no credentials")
    elif given.lower().startswith("bearer ABSK".lower()):
        if "wrong" in given:
            raise Refused(403, "Authentication failed")
    else:
        _check_signature(request, given)


# -- what it refuses ----------------------------------------------------------

def _unknown(name):
    raise Refused(400, f"The model returned the following errors: {name}: extra inputs are "
                  "not permitted")


def check(request, operation, doc, lenient):
    need(isinstance(doc, dict), "Unexpected token: the body is no JSON object")
    need(":" not in request.target, "a colon in the path is not encoded")
    if operation.startswith("invoke"):
        bedrock_invoke.check(request, operation, model(request, operation, doc), doc, lenient)
        return
    if not lenient:
        only_known(doc, _CHAT, _unknown)
    messages = doc.get("messages")
    need(isinstance(messages, list) and messages, "messages: at least one is required")
    need(messages[0]["role"] == "user", "A conversation must start with a user message.")
    previous = []
    for message in messages:
        previous = _check_message(message, previous)
    need(not previous, "Expected toolResult blocks for the last toolUse blocks")
    has_tools = any("toolUse" in b for m in messages for b in m["content"])
    need(not has_tools or doc.get("toolConfig"), "The toolConfig field must be defined when "
         "using toolUse and toolResult content blocks.")
    _check_settings(doc)


def _check_message(message, previous):
    """One message; the ids of the calls it makes."""
    need(message.get("role") in ("user", "assistant"), "role: user or assistant")
    need(isinstance(message.get("content"), list) and message["content"],
         "The content field in the Message object is empty.")
    for block in message["content"]:
        need(len(block) == 1 and set(block) <= _BLOCKS, f"no content block: {block}")
        _check_block(block)
    results = [b["toolResult"]["toolUseId"] for b in message["content"] if "toolResult" in b]
    need(sorted(results) == sorted(previous), "Expected toolResult blocks for each toolUse "
         "block of the previous turn, and for no other")
    return [b["toolUse"]["toolUseId"] for b in message["content"] if "toolUse" in b]


def _is_base64(text):
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:
        return False


def _check_block(block):
    if "text" in block:
        need(block["text"].strip(), "The text field in the ContentBlock object is blank.")
    for kind, formats in (("image", "png jpeg gif webp"),
                          ("document", "pdf csv doc docx xls xlsx html txt md")):
        if kind in block:
            need(block[kind]["format"] in formats.split(), f"{kind}: format")
            need(_is_base64(block[kind]["source"]["bytes"]), f"{kind}: no base64")
    if "document" in block:
        need(re.fullmatch(r"[\w\-()\[\]]+( [\w\-()\[\]]+)*", block["document"]["name"]),
             "The document file name can only contain alphanumeric characters")
    if "toolUse" in block:
        need(isinstance(block["toolUse"]["input"], dict), "toolUse.input must be an object")
        need(re.fullmatch(r"[\w.:-]{1,64}", block["toolUse"]["toolUseId"]), "toolUseId")
    if "toolResult" in block:
        need(isinstance(block["toolResult"]["content"], list), "toolResult.content")
        for inner in block["toolResult"]["content"]:
            need(set(inner) <= {"text", "image", "document", "json"}, "toolResult.content")
            _check_block(inner)


def _check_settings(doc):
    config = doc.get("inferenceConfig") or {}
    only_known(config, {"maxTokens", "temperature", "topP", "stopSequences"}, _unknown)
    need(config.get("temperature") is None or is_number(config["temperature"], 0, 1),
         "temperature: range: 0..1")
    need(config.get("maxTokens") is None or is_int(config["maxTokens"], 1), "maxTokens")
    tools = doc.get("toolConfig")
    if tools is None:
        return
    only_known(tools, {"tools", "toolChoice"}, _unknown)
    need(tools.get("tools"), "toolConfig.tools: at least one is required")
    for tool in tools["tools"]:
        spec = tool.get("toolSpec")
        need(spec or "cachePoint" in tool, "toolConfig.tools: toolSpec")
        need(not spec or (re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", spec["name"])
                          and spec["inputSchema"]["json"].get("type") == "object"
                          and spec.get("description", "x")), "toolSpec")


# -- what it answers ----------------------------------------------------------

def _texts(blocks):
    return "\n".join(b["text"] for b in blocks or [] if "text" in b)


def _turn(doc):
    messages = doc["messages"]
    config = doc.get("inferenceConfig") or {}
    extra = doc.get("additionalModelRequestFields") or {}
    turn = mind.Turn(stops=config.get("stopSequences") or [], limit=config.get("maxTokens"),
                     reasoning="thinking" in extra, wants_json="outputConfig" in doc)
    users = [m for m in messages if m["role"] == "user" and _texts(m["content"])]
    if users:
        turn.text = _texts(users[-1]["content"])
    last = messages[-1]["content"]
    turn.images = sum("image" in b for b in last)
    turn.results = [_texts(b["toolResult"]["content"]) for b in last if "toolResult" in b]
    turn.prompt = "\n".join([_texts(doc.get("system"))]
                            + [_texts(m["content"]) for m in messages])
    tools = doc.get("toolConfig") or {}
    turn.tools = [mind.Tool(t["toolSpec"]["name"], t["toolSpec"]["inputSchema"]["json"])
                  for t in tools.get("tools") or [] if "toolSpec" in t]
    choice = tools.get("toolChoice") or {"auto": {}}
    turn.choice = choice["tool"]["name"] if "tool" in choice else next(iter(choice))
    return turn


_FINISH = {"stop": "end_turn", "stop_sequence": "stop_sequence", "length": "max_tokens",
           "tools": "tool_use", "filter": "guardrail_intervened"}


def _usage(thought):
    output = thought.output_tokens + thought.reasoning_tokens
    usage = {"inputTokens": thought.prompt_tokens - thought.cached - thought.cache_write,
             "outputTokens": output, "totalTokens": thought.prompt_tokens + output}
    for name, count in (("cacheRead", thought.cached), ("cacheWrite", thought.cache_write)):
        if count:
            usage[name + "InputTokens"] = usage[name + "InputTokenCount"] = count
    return usage


def answer(request, operation, doc, script):
    if operation.startswith("invoke"):
        return bedrock_invoke.answer(operation, model(request, operation, doc), doc, script,
                                     event)
    thought = mind.think(_turn(doc), script)
    if operation == "converse-stream":
        return Answer(200, [("Content-Type", "application/vnd.amazon.eventstream"),
                            ("x-amzn-requestid", "scripted")],
                      events=list(_stream(thought, script)))
    value = {"metrics": {"latencyMs": 1}, "p": "abcdef", "output": {"message": {
        "role": "assistant", "content": _content(thought)}},
        "stopReason": _FINISH[thought.finish]}
    if not script.nousage:
        value["usage"] = _usage(thought)
    return json_answer(value, headers=[("x-amzn-requestid", "scripted")])


def _content(thought):
    blocks = []
    if thought.reasoning:
        blocks.append({"reasoningContent": {"reasoningText": {
            "text": thought.reasoning, "signature": "c2NyaXB0ZWQ="}}})
    if thought.text:
        blocks.append({"text": thought.text})
    return blocks + [{"toolUse": {"toolUseId": f"tooluse_{i}scripted", "name": n, "input": a}}
                     for i, (n, a) in enumerate(thought.calls)]


def _header(name, value):
    return (bytes([len(name)]) + name.encode() + b"\x07" + struct.pack(">H", len(value))
            + value.encode())


def event(name, value, kind="event"):
    """One message of an event stream."""
    headers = (_header(f":{kind}-type", name) + _header(":content-type", "application/json")
               + _header(":message-type", kind))
    payload = to_json({**value, "p": "abcdefghijklmnopqrstuvwxyz"[:len(name)]})
    prelude = struct.pack(">II", 16 + len(headers) + len(payload), len(headers))
    message = prelude + struct.pack(">I", zlib.crc32(prelude)) + headers + payload
    return message + struct.pack(">I", zlib.crc32(message))


def _deltas(block, thought):
    if "reasoningContent" in block:
        for piece in mind.pieces_of(thought.reasoning):
            yield {"reasoningContent": {"text": piece}}
        yield {"reasoningContent": {"signature": "c2NyaXB0ZWQ="}}
    elif "text" in block:
        for piece in thought.pieces:
            yield {"text": piece}
    else:
        yield {"toolUse": {"input": ""}}
        if block["toolUse"]["input"]:
            for piece in mind.arguments_in_pieces(block["toolUse"]["input"]):
                yield {"toolUse": {"input": piece}}


def _stream(thought, script):
    yield event("messageStart", {"role": "assistant"})
    for index, block in enumerate(_content(thought)):
        if "toolUse" in block:
            use = {k: v for k, v in block["toolUse"].items() if k != "input"}
            yield event("contentBlockStart", {"contentBlockIndex": index,
                                              "start": {"toolUse": use}})
        for delta in _deltas(block, thought):
            yield event("contentBlockDelta", {"contentBlockIndex": index, "delta": delta})
        yield event("contentBlockStop", {"contentBlockIndex": index})
    yield event("messageStop", {"stopReason": _FINISH[thought.finish]})
    yield event("metadata", {"metrics": {"latencyMs": 1},
                             **({} if script.nousage else {"usage": _usage(thought)})})


_KINDS = {400: "ValidationException", 403: "AccessDeniedException",
          404: "ResourceNotFoundException", 429: "ThrottlingException",
          503: "ServiceUnavailableException"}


def refuse(status, message, param=None, code=None, kind=None):
    kind = _KINDS.get(status, "ValidationException" if status < 500
                      else "InternalServerException")
    return json_answer({"message": message}, status, headers=[
        ("x-amzn-errortype", f"{kind}:http://internal.amazon.com/coral/com.amazon.coral/")])


def stream_problem():
    return event("internalServerException", {"message": "internal server error"}, "exception")
