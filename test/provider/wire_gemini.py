# SPDX-License-Identifier: Apache-2.0
"""Gemini's wire format: generateContent, streamGenerateContent, embeddings.

The model is in the path. Streams are asked for with ?alt=sse and come with
CRLF line ends, without event names and without [DONE]; without alt=sse the
body is one JSON array. usageMetadata is in every chunk and cumulative.
Function calls have no ids and finish with STOP. A proto parser reads the
request, so an unknown member is refused wherever it stands, in a tool's
schema too; names may be written in camelCase or snake_case.
"""
import re
import urllib.parse

import mind
from wire import Answer, Refused, is_int, is_number, json_answer, need, to_json

NAME = "gemini"

_OPERATION = re.compile(
    r"/(?:v1beta|v1)/models/([^/]+):"
    r"(generateContent|streamGenerateContent|countTokens|embedContent|batchEmbedContents)$")
_REQUEST = {"contents", "tools", "toolConfig", "safetySettings", "systemInstruction",
            "generationConfig", "cachedContent", "model", "labels", "serviceTier", "store"}
_COUNT = {"contents", "generateContentRequest", "model"}
_EMBED = {"model", "content", "taskType", "title", "outputDimensionality"}
_CONFIG = {"stopSequences", "responseMimeType", "responseSchema", "responseJsonSchema",
           "responseModalities", "candidateCount", "maxOutputTokens", "temperature",
           "topP", "topK", "seed", "presencePenalty", "frequencyPenalty",
           "responseLogprobs", "logprobs", "enableEnhancedCivicAnswers", "speechConfig",
           "thinkingConfig", "mediaResolution", "imageConfig"}
_PART_DATA = {"text", "inlineData", "functionCall", "functionResponse", "fileData",
              "executableCode", "codeExecutionResult", "toolCall", "toolResponse"}
_PART = _PART_DATA | {"thought", "thoughtSignature", "partMetadata", "videoMetadata",
                      "mediaResolution"}
_SCHEMA = {"type", "format", "title", "description", "nullable", "enum", "maxItems",
           "minItems", "properties", "required", "minProperties", "maxProperties",
           "minLength", "maxLength", "pattern", "example", "anyOf", "propertyOrdering",
           "default", "items", "minimum", "maximum"}
_FUNCTION = {"name", "description", "behavior", "parameters", "parametersJsonSchema",
             "response", "responseJsonSchema"}
_TOOL = {"functionDeclarations", "googleSearchRetrieval", "codeExecution", "googleSearch",
         "computerUse", "urlContext", "fileSearch", "googleMaps"}
MODELS = ["gemini-2.5-flash", "gemini-2.5-pro", "gemini-embedding-001"]


def operation(request):
    found = _OPERATION.search(request.path)
    if request.method == "POST" and found:
        return found.group(2)
    if (request.method == "GET" and re.search(r"/v1(beta)?/models(/[^/]+)?$", request.path)
            and (request.mount_kind == NAME or "/v1beta/" in request.path
                 or request.header("x-goog-api-key"))):
        return "models"
    return None


def model(request, operation, doc):
    found = _OPERATION.search(request.path)
    return urllib.parse.unquote(found.group(1)) if found else None


def check_credentials(request, nokey):
    key = request.header("x-goog-api-key") or request.query.get("key")
    if nokey:
        need(not key, "this local server wants no credentials")
        return
    if not key:
        raise Refused(403, "Method doesn't allow unregistered callers (callers without "
                      "established identity). Please use API Key or other form of API "
                      "consumer identity to call this API.", kind="PERMISSION_DENIED")
    if "wrong" in key:
        raise Refused(400, "API key not valid. Please pass a valid API key.",
                      kind="INVALID_ARGUMENT", code="API_KEY_INVALID")


def _camel(name):
    return re.sub(r"_([a-z])", lambda m: m.group(1).upper(), name)


def proto(doc, known, where, lenient):
    """The members of a message, by their camelCase names; others refused."""
    need(isinstance(doc, dict), f"Invalid value at '{where}': expected a message")
    members = {}
    for name, value in doc.items():
        camel = _camel(name)
        need(lenient or camel in known,
             f'Invalid JSON payload received. Unknown name "{name}"'
             f"{f' at {where!r}' if where else ''}: Cannot find field.")
        members[camel] = value
    return members


def check(request, operation, doc, lenient):
    if operation == "models":
        return
    need(isinstance(doc, dict), "Invalid JSON payload received. Unexpected token.")
    need(request.header("content-type", "").startswith("application/json"),
         "Content-Type must be application/json")
    if operation == "embedContent":
        _check_embed(doc, "", lenient)
    elif operation == "batchEmbedContents":
        rows = proto(doc, {"requests"}, "", lenient).get("requests")
        need(isinstance(rows, list) and rows, "* BatchEmbedContentsRequest.requests: "
             "is empty")
        for i, row in enumerate(rows):
            _check_embed(row, f"requests[{i}]", lenient)
            need(row.get("model") == "models/" + model(request, operation, doc),
                 "* BatchEmbedContentsRequest.requests[].model: must match the model "
                 "in the path")
    elif operation == "countTokens":
        proto(doc, _COUNT, "", lenient)
    else:
        _check_generate(doc, lenient)


def _check_embed(doc, where, lenient):
    row = proto(doc, _EMBED, where, lenient)
    need(isinstance(row.get("content"), dict) and row["content"].get("parts"),
         f"* {where}content: contents is required")


def _check_generate(doc, lenient):
    doc = proto(doc, _REQUEST, "", lenient)
    contents = doc.get("contents")
    need(isinstance(contents, list) and contents,
         "* GenerateContentRequest.contents: contents is not specified")
    for i, content in enumerate(contents):
        _check_content(content, f"contents[{i}]", lenient)
    if "systemInstruction" in doc:
        parts = _check_content(doc["systemInstruction"], "system_instruction", lenient)
        need(all("text" in p for p in parts), "system_instruction: only text is supported")
    _check_function_turns(contents, lenient)
    _check_tools(doc, lenient)
    _check_config(doc.get("generationConfig"), lenient)


def _check_content(content, where, lenient):
    content = proto(content, {"role", "parts"}, where, lenient)
    need(content.get("role") in (None, "user", "model", "function", "system"),
         "Please use a valid role: user, model.")
    parts = content.get("parts")
    need(isinstance(parts, list) and parts,
         f"* GenerateContentRequest.{where}.parts: must not be empty.")
    return [_check_part(p, f"{where}.parts[{j}]", lenient) for j, p in enumerate(parts)]


def _check_part(part, where, lenient):
    part = proto(part, _PART, where, lenient)
    need(len(_PART_DATA & set(part)) == 1,
         f"* GenerateContentRequest.{where}.data: required oneof field 'data' must have "
         "one initialized field")
    if "text" in part:
        need(isinstance(part["text"], str), f"Invalid value at '{where}.text'")
    if "inlineData" in part:
        data = proto(part["inlineData"], {"mimeType", "data", "displayName"},
                     f"{where}.inline_data", lenient)
        need(re.fullmatch(r"[\w.+-]+/[\w.+-]+", data.get("mimeType", "")),
             f"{where}.inline_data.mime_type: required")
        need(re.fullmatch(r"[A-Za-z0-9+/_-]+=*", data.get("data", "")),
             f"Invalid value at '{where}.inline_data.data' (TYPE_BYTES), Base64 decoding "
             "failed")
    if "fileData" in part:
        data = proto(part["fileData"], {"mimeType", "fileUri", "displayName"},
                     f"{where}.file_data", lenient)
        need(data.get("fileUri"), f"{where}.file_data.file_uri: required")
    if "functionCall" in part:
        call = proto(part["functionCall"], {"id", "name", "args"},
                     f"{where}.function_call", lenient)
        need(call.get("name"), f"{where}.function_call.name: Name cannot be empty.")
        need(isinstance(call.get("args", {}), dict),
             f"Invalid value at '{where}.function_call.args' (type.googleapis.com/"
             "google.protobuf.Struct)")
    if "functionResponse" in part:
        answer = proto(part["functionResponse"],
                       {"id", "name", "response", "willContinue", "scheduling", "parts"},
                       f"{where}.function_response", lenient)
        need(answer.get("name"), f"{where}.function_response.name: Name cannot be empty.")
        need(isinstance(answer.get("response"), dict),
             f"Invalid value at '{where}.function_response.response' "
             "(type.googleapis.com/google.protobuf.Struct)")
    return part


def _named(content, kind):
    found = [p.get(kind) or p.get(re.sub(r"([A-Z])", r"_\1", kind).lower())
             for p in content["parts"]]
    return [f["name"] for f in found if f]


def _check_function_turns(contents, lenient):
    """As many answers as calls, under the same names, in the next turn."""
    for i, content in enumerate(contents):
        calls = _named(content, "functionCall")
        after = (_named(contents[i + 1], "functionResponse")
                 if i + 1 < len(contents) else [])
        if calls:
            need(lenient or sorted(calls) == sorted(after),
                 "Please ensure that the number of function response parts is equal to "
                 "the number of function call parts of the function call turn.")
        elif after:
            need(lenient, "Please ensure that function response turn comes immediately "
                 "after a function call turn.")


def _check_schema(schema, where, lenient):
    schema = proto(schema, _SCHEMA, where, lenient)
    kind = schema.get("type")
    need(lenient or kind is None or str(kind).upper() in (
        "STRING", "NUMBER", "INTEGER", "BOOLEAN", "ARRAY", "OBJECT", "NULL"),
        f"Invalid value at '{where}.type' (type.googleapis.com/"
        f"google.ai.generativelanguage.v1beta.Type), \"{kind}\"")
    need(lenient or not schema.get("enum")
         or all(isinstance(e, str) for e in schema["enum"]),
         f"Invalid value at '{where}.enum' (TYPE_STRING)")
    for name, inner in (schema.get("properties") or {}).items():
        _check_schema(inner, f"{where}.properties[{name}]", lenient)
    if "items" in schema:
        _check_schema(schema["items"], f"{where}.items", lenient)
    for j, inner in enumerate(schema.get("anyOf") or []):
        _check_schema(inner, f"{where}.any_of[{j}]", lenient)


def _check_tools(doc, lenient):
    names = []
    for i, tool in enumerate(doc.get("tools") or []):
        tool = proto(tool, _TOOL, f"tools[{i}]", lenient)
        for j, function in enumerate(tool.get("functionDeclarations") or []):
            where = f"tools[{i}].function_declarations[{j}]"
            function = proto(function, _FUNCTION, where, lenient)
            need(re.fullmatch(r"[a-zA-Z_][a-zA-Z0-9_.:-]{0,63}", function.get("name", "")),
                 f"* GenerateContentRequest.{where}.name: Invalid function name. Must "
                 "start with a letter or an underscore.")
            need(not ("parameters" in function and "parametersJsonSchema" in function),
                 f"{where}: parameters and parameters_json_schema are exclusive")
            if "parameters" in function:
                _check_schema(function["parameters"], f"{where}.parameters", lenient)
            names.append(function["name"])
    config = doc.get("toolConfig")
    if config is not None:
        config = proto(config, {"functionCallingConfig", "retrievalConfig",
                                "includeServerSideToolInvocations"}, "tool_config", lenient)
        calling = proto(config.get("functionCallingConfig") or {},
                        {"mode", "allowedFunctionNames"},
                        "tool_config.function_calling_config", lenient)
        need(calling.get("mode") in (None, "AUTO", "ANY", "NONE", "VALIDATED"),
             "Invalid value at 'tool_config.function_calling_config.mode'")
        allowed = calling.get("allowedFunctionNames") or []
        need(not allowed or calling.get("mode") in ("ANY", "VALIDATED"),
             "tool_config: allowed_function_names needs mode ANY")
        need(set(allowed) <= set(names), "tool_config: allowed_function_names unknown")


def _check_config(config, lenient):
    if config is None:
        return
    config = proto(config, _CONFIG, "generation_config", lenient)
    need(config.get("temperature") is None or is_number(config["temperature"], 0, 2),
         "* GenerateContentRequest.generation_config.temperature: temperature must be in "
         "the range [0.0, 2.0].")
    need(config.get("maxOutputTokens") is None or is_int(config["maxOutputTokens"], 1),
         "* GenerateContentRequest.generation_config.max_output_tokens: must be positive")
    stops = config.get("stopSequences")
    need(stops is None or isinstance(stops, list) and len(stops) <= 5,
         "* GenerateContentRequest.generation_config.stop_sequences: at most 5")
    if "thinkingConfig" in config:
        proto(config["thinkingConfig"],
              {"includeThoughts", "thinkingBudget", "thinkingLevel"},
              "generation_config.thinking_config", lenient)
    if "responseSchema" in config:
        _check_schema(config["responseSchema"], "generation_config.response_schema",
                      lenient)


def _parts(content):
    return [{_camel(k): v for k, v in p.items()} for p in (content or {}).get("parts", [])]


def text_of(content):
    return "".join(p.get("text", "") for p in _parts(content))


def turn_of(doc):
    doc = {_camel(k): v for k, v in doc.items()}
    turn = mind.Turn()
    contents = doc["contents"]
    users = [c for c in contents if c.get("role") != "model" and text_of(c)]
    if users:
        turn.text = text_of(users[-1])
    last = _parts(contents[-1])
    turn.images = sum("inlineData" in p or "fileData" in p for p in last)
    turn.results = [_result(p["functionResponse"]) for p in last
                    if "functionResponse" in p]
    turn.prompt = "\n".join([text_of(doc.get("systemInstruction"))]
                            + [text_of(c) for c in contents])
    for tool in doc.get("tools") or []:
        tool = {_camel(k): v for k, v in tool.items()}
        for f in tool.get("functionDeclarations") or []:
            f = {_camel(k): v for k, v in f.items()}
            turn.tools.append(mind.Tool(f["name"], f.get("parameters")
                                        or f.get("parametersJsonSchema")))
    config = {_camel(k): v for k, v in (doc.get("toolConfig") or {}).items()}
    calling = {_camel(k): v for k, v in (config.get("functionCallingConfig") or {}).items()}
    turn.choice = {"ANY": "any", "NONE": "none"}.get(calling.get("mode"), "auto")
    allowed = calling.get("allowedFunctionNames") or []
    if len(allowed) == 1:
        turn.choice = allowed[0]
    config = {_camel(k): v for k, v in (doc.get("generationConfig") or {}).items()}
    turn.stops = config.get("stopSequences") or []
    turn.limit = config.get("maxOutputTokens")
    thinking = {_camel(k): v for k, v in (config.get("thinkingConfig") or {}).items()}
    turn.reasoning = bool(thinking) and thinking.get("thinkingBudget") != 0
    turn.wants_json = config.get("responseMimeType") == "application/json"
    return turn


def _result(response):
    """A tool's answer as text: the usual wrappings taken off."""
    value = response["response"]
    if len(value) == 1 and isinstance(next(iter(value.values())), str):
        return next(iter(value.values()))
    return to_json(value).decode()


_FINISH = {"stop": "STOP", "stop_sequence": "STOP", "length": "MAX_TOKENS",
           "tools": "STOP", "filter": "SAFETY"}


def answer(request, operation, doc, script):
    if operation == "models":
        return json_answer({"models": [
            {"name": f"models/{m}", "version": "001", "displayName": m,
             "inputTokenLimit": 1048576, "outputTokenLimit": 65536,
             "supportedGenerationMethods": ["generateContent", "countTokens"]}
            for m in MODELS]}, pretty=True)
    if operation == "embedContent":
        return json_answer({"embedding": {"values": _vector(doc)}}, pretty=True)
    if operation == "batchEmbedContents":
        return json_answer({"embeddings": [{"values": _vector(r)}
                                           for r in doc["requests"]]}, pretty=True)
    if operation == "countTokens":
        inner = doc.get("generateContentRequest") or doc
        return json_answer({"totalTokens": mind.tokens(
            "".join(text_of(c) for c in inner.get("contents", [])))}, pretty=True)
    thought = mind.think(turn_of(doc), script)
    served = model(request, operation, doc).split(";")[0]
    chunks = list(_chunks(doc, thought, served, script))
    if operation == "generateContent":
        return json_answer(_whole(chunks, thought), pretty=True)
    if request.query.get("alt") != "sse":
        return json_answer(chunks, pretty=True)
    return Answer(200, [("Content-Type", "text/event-stream")],
                  events=[b"data: " + to_json(c) + b"\r\n\r\n" for c in chunks])


def _vector(doc):
    doc = {_camel(k): v for k, v in doc.items()}
    return mind.embedding(text_of(doc["content"]), doc.get("outputDimensionality") or 8)


def _usage(thought, so_far=None):
    """So far, or all of it at the end. Thoughts are beside the candidates."""
    out = thought.output_tokens if so_far is None else so_far
    usage = {"promptTokenCount": thought.prompt_tokens,
             "totalTokenCount": thought.prompt_tokens + out + thought.reasoning_tokens,
             "promptTokensDetails": [{"modality": "TEXT",
                                      "tokenCount": thought.prompt_tokens}]}
    if out:
        usage["candidatesTokenCount"] = out
    if thought.reasoning_tokens:
        usage["thoughtsTokenCount"] = thought.reasoning_tokens
    if thought.cached:
        usage["cachedContentTokenCount"] = thought.cached
    return usage


def _include_thoughts(doc):
    config = doc.get("generationConfig") or doc.get("generation_config") or {}
    thinking = config.get("thinkingConfig") or config.get("thinking_config") or {}
    return thinking.get("includeThoughts") or thinking.get("include_thoughts")


def _chunks(doc, thought, served, script):
    said = 0

    def chunk(parts, finish=None, usage=None):
        candidate = {"content": {"parts": parts, "role": "model"}, "index": 0}
        if finish:
            candidate["finishReason"] = finish
        value = {"candidates": [candidate], "usageMetadata": usage or _usage(thought, said),
                 "modelVersion": served, "responseId": "c2NyaXB0ZWQ"}
        if script.nousage:
            del value["usageMetadata"]
        return value

    if thought.reasoning and _include_thoughts(doc):
        yield chunk([{"text": thought.reasoning, "thought": True}])
    last = _FINISH[thought.finish]
    if thought.calls:
        parts = [{"functionCall": {"name": n, "args": a}} for n, a in thought.calls]
        if thought.reasoning:
            parts[0]["thoughtSignature"] = "c2NyaXB0ZWQ="
        yield chunk(parts, last, _usage(thought))
        return
    for piece in thought.pieces[:-1]:
        said += 1
        yield chunk([{"text": piece}])
    final = chunk([{"text": thought.pieces[-1]}] if thought.pieces else [{"text": ""}],
                  last, _usage(thought))
    yield final


def _whole(chunks, thought):
    """The same answer without streaming: text in one part."""
    whole = dict(chunks[-1])
    parts, text = [], ""
    for chunk in chunks:
        for part in chunk["candidates"][0]["content"]["parts"]:
            if part.get("thought") or "text" not in part:
                parts.append(part)
            else:
                text += part["text"]
    if text:
        parts.append({"text": text})
    candidate = {**whole["candidates"][0], "content": {"parts": parts, "role": "model"}}
    if not parts:
        del candidate["content"]["parts"]
    whole["candidates"] = [candidate]
    return whole


_STATUS = {400: "INVALID_ARGUMENT", 401: "UNAUTHENTICATED", 403: "PERMISSION_DENIED",
           404: "NOT_FOUND", 429: "RESOURCE_EXHAUSTED", 500: "INTERNAL",
           503: "UNAVAILABLE", 504: "DEADLINE_EXCEEDED"}


def _error(status, message, kind=None, code=None, retry_after=None):
    error = {"code": status, "message": message,
             "status": kind or _STATUS.get(status, "UNKNOWN")}
    details = []
    if code:
        details.append({"@type": "type.googleapis.com/google.rpc.ErrorInfo",
                        "reason": code, "domain": "googleapis.com"})
    if retry_after is not None:
        details.append({"@type": "type.googleapis.com/google.rpc.RetryInfo",
                        "retryDelay": f"{retry_after}s"})
    if details:
        error["details"] = details
    return {"error": error}


def refuse(status, message, param=None, code=None, kind=None, retry_after=None):
    """Google's error. The delay of a 429 is in the body, not in a header."""
    return json_answer(_error(status, message, kind, code, retry_after), status,
                       pretty=True)


def stream_problem():
    return b"data: " + to_json(_error(503, "The model is overloaded. Please try again "
                                      "later.")) + b"\r\n\r\n"
