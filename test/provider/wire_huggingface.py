# SPDX-License-Identifier: Apache-2.0
"""Hugging Face's two wire formats.

The router speaks OpenAI's chat form with a looser check of what it gets and
errors that are a bare string. The old Inference API takes `inputs` and
`parameters` at /models/{id}: text generation (streamed as `data:{...}`
without a blank, the last event repeating the whole text, no [DONE]) and
feature extraction, for models whose name says "embed" or "sentence".
"""
import re

import mind
import wire_openai
from wire import Answer, Refused, is_int, json_answer, need, only_known, to_json

NAME = "huggingface"

_MODEL = re.compile(r"/(?:models|pipeline/feature-extraction)/(.+?)"
                    r"(?:/pipeline/feature-extraction)?$")
_CHAT_MODEL = re.compile(r"/models/(.+)/v1/chat/completions$")
_INPUT = {"inputs", "parameters", "stream", "options", "model"}
_PARAMETERS = {"best_of", "decoder_input_details", "details", "do_sample",
               "frequency_penalty", "grammar", "max_new_tokens", "repetition_penalty",
               "return_full_text", "seed", "stop", "temperature", "top_k", "top_n_tokens",
               "top_p", "truncate", "typical_p", "watermark", "adapter_id",
               "normalize", "max_time", "num_return_sequences"}


def operation(request):
    ours = (request.mount_kind == NAME
            or "hf_" in (request.header("authorization") or ""))
    if request.method != "POST":
        return None
    if request.path.endswith("/chat/completions"):
        return "chat" if ours else None
    if "/v1" not in request.path and _MODEL.search(request.path):
        return "features" if _is_embedding(request) else "generate"
    return None


def _is_embedding(request):
    return ("feature-extraction" in request.path
            or re.search(r"embed|sentence", _MODEL.search(request.path).group(1)))


def model(request, operation, doc):
    if operation != "chat":
        return _MODEL.search(request.path).group(1)
    found = _CHAT_MODEL.search(request.path)
    if found:
        return found.group(1)
    return doc.get("model") if isinstance(doc, dict) else None


def check_credentials(request, nokey):
    bearer = request.header("authorization", "")
    if nokey:
        need(not bearer, "this local server wants no credentials")
        return
    if not bearer.lower().startswith("bearer ") or "wrong" in bearer:
        raise Refused(401, "Invalid username or password.")


def check(request, operation, doc, lenient):
    need(isinstance(doc, dict), "Failed to parse the request body as JSON: expected value "
         "at line 1 column 1")
    if operation == "chat":
        need(isinstance(model(request, operation, doc), str), "model is required")
        wire_openai.check_chat(doc, True)
        return
    need("inputs" in doc, "Failed to deserialize the JSON body into the target type: "
         "missing field `inputs` at line 1 column 2", code=422)
    if not lenient:
        only_known(doc, _INPUT, _unknown)
    parameters = doc.get("parameters") or {}
    need(isinstance(parameters, dict), "parameters: expected an object")
    if not lenient:
        only_known(parameters, _PARAMETERS, _unknown)
    if operation == "generate":
        need(isinstance(doc["inputs"], str) and doc["inputs"],
             "Input validation error: `inputs` cannot be empty")
        limit = parameters.get("max_new_tokens")
        need(limit is None or is_int(limit, 1),
             "Input validation error: `max_new_tokens` must be strictly positive")
        stops = parameters.get("stop") or []
        need(isinstance(stops, list) and len(stops) <= 4,
             "Input validation error: `stop` supports up to 4 stop sequences")
        heat = parameters.get("temperature")
        need(heat is None or heat > 0,
             "Input validation error: `temperature` must be strictly positive")


def _unknown(name):
    raise Refused(422, f"Failed to deserialize the JSON body into the target type: "
                  f"unknown field `{name}`")


def answer(request, operation, doc, script):
    if operation == "chat":
        return _chat(request, doc, script)
    if operation == "features":
        return _features(doc)
    parameters = doc.get("parameters") or {}
    turn = mind.Turn(text=_last_said(doc["inputs"]), prompt=doc["inputs"],
                     stops=parameters.get("stop") or [],
                     limit=parameters.get("max_new_tokens"),
                     wants_json=bool(parameters.get("grammar")))
    thought = mind.think(turn, script)
    text = thought.text
    if parameters.get("return_full_text") is not False:
        text = doc["inputs"] + text
    if doc.get("stream"):
        return Answer(200, [("Content-Type", "text/event-stream")],
                      events=list(_stream(thought, text, parameters)))
    row = {"generated_text": text}
    if parameters.get("details") and not script.nousage:
        row["details"] = {**_details(thought), "prefill": [], "tokens": []}
    return json_answer([row])


def _last_said(inputs):
    """The last user's words of a prompt, whatever chat template it is in."""
    lines = [s.strip() for s in inputs.strip().split("\n") if s.strip()]
    asked = [s for s in lines if re.match(r"(user|human)\s*:", s, re.IGNORECASE)]
    if asked:
        return re.sub(r"^\w+\s*:\s*", "", asked[-1])
    return re.sub(r"<\|?/?\w+\|?>", " ", lines[-1] if lines else "").strip()


def _details(thought):
    return {"finish_reason": {"length": "length", "stop_sequence": "stop_sequence"}.get(
        thought.finish, "eos_token"),
        "generated_tokens": thought.output_tokens, "seed": None}


def _stream(thought, text, parameters):
    pieces = [*thought.pieces, "</s>"] if thought.finish == "stop" else thought.pieces
    for i, piece in enumerate(pieces):
        last = i == len(pieces) - 1
        details = _details(thought) if last else None
        if details:
            details["input_length"] = thought.prompt_tokens
        yield b"data:" + to_json({
            "index": i + 1,
            "token": {"id": 100 + i, "text": piece, "logprob": -0.5,
                      "special": piece == "</s>"},
            "generated_text": text if last else None,
            "details": details}) + b"\n\n"


def _features(doc):
    inputs = doc["inputs"]
    if isinstance(inputs, dict):
        return json_answer([round(0.1 + 0.01 * mind.tokens(s), 4)
                            for s in inputs["sentences"]])
    if isinstance(inputs, list):
        return json_answer([mind.embedding(i) for i in inputs])
    return json_answer(mind.embedding(inputs))


def _chat(request, doc, script):
    """As OpenAI's, without OpenAI's own headers and padding."""
    doc = {**doc, "model": model(request, "chat", doc)}
    made = wire_openai.answer(request, "chat", doc, script)
    kind = dict(made.headers)["Content-Type"]
    made.headers = [("Content-Type", kind), ("x-inference-id", "scripted")]
    if made.events:
        made.events = [re.sub(rb',"obfuscation":"[^"]*"', b"", e) for e in made.events]
    return made


def refuse(status, message, param=None, code=None, kind=None):
    if code == 422:
        return Answer(422, [("Content-Type", "text/plain; charset=utf-8")],
                      message.encode())
    return json_answer({"error": message}, status)


def stream_problem():
    return b'event: error\ndata:{"error":"Request failed during generation: Server error: ' \
        b'out of memory","error_type":"generation"}\n\n'
