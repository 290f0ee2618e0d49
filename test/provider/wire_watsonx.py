# SPDX-License-Identifier: Apache-2.0
"""IBM watsonx.ai's wire format: OpenAI's bodies with a few names of its own.

The model is `model_id`, beside `project_id` or `space_id`; the path says
whether it is streamed, and streams end with their body; a choice of tools
that is a word is `tool_choice_option`; errors are a list.
"""
import json
import re

import mind
import wire_openai
from wire import Answer, Refused, json_answer, need, only_known, to_json

NAME = "watsonx"

_PATHS = {"/ml/v1/text/chat": "chat", "/ml/v1/text/chat_stream": "stream",
          "/ml/v1/text/embeddings": "embeddings"}
_CHAT = {"model_id", "project_id", "space_id", "messages", "tools", "tool_choice",
         "tool_choice_option", "frequency_penalty", "logit_bias", "logprobs", "top_logprobs",
         "max_tokens", "max_completion_tokens", "n", "presence_penalty", "response_format",
         "seed", "stop", "temperature", "top_p", "time_limit", "reasoning_effort",
         "include_reasoning", "chat_template_kwargs", "repetition_penalty"}


def operation(request):
    return _PATHS.get(request.path) if request.method == "POST" else None


def model(request, operation, doc):
    return doc.get("model_id") if isinstance(doc, dict) else None


def check_credentials(request, nokey):
    bearer = request.header("authorization", "")
    if not bearer.startswith("Bearer ") or "wrong" in bearer:
        raise Refused(401, "Failed to authenticate the request due to an expired token",
                      code="authentication_token_expired")


def _unknown(name):
    raise Refused(400, f"Json document validation error: {name} is not allowed",
                  code="invalid_request_entity")


def _openai(doc):
    """The body as OpenAI would have got it."""
    doc = {k: v for k, v in doc.items() if k not in ("project_id", "space_id", "time_limit")}
    doc["model"] = doc.pop("model_id")
    if "tool_choice_option" in doc:
        doc["tool_choice"] = doc.pop("tool_choice_option")
    return doc


def check(request, operation, doc, lenient):
    need(re.fullmatch(r"\d{4}-\d\d-\d\d", request.query.get("version", "")),
         "version: required", code="missing_query_parameter")
    need(isinstance(doc, dict) and doc.get("model_id"), "model_id: required")
    need(("project_id" in doc) != ("space_id" in doc), "project_id or space_id: required",
         code="invalid_request_entity")
    if operation == "embeddings":
        only_known(doc, {"model_id", "project_id", "space_id", "inputs", "parameters"}, _unknown)
        need(isinstance(doc.get("inputs"), list) and doc["inputs"], "inputs: required")
        return
    only_known(doc, _CHAT, _unknown)
    need(not isinstance(doc.get("tool_choice"), str), "tool_choice: an object")
    wire_openai.check_chat(_openai(doc), lenient)


def answer(request, operation, doc, script):
    if operation == "embeddings":
        return json_answer({"model_id": doc["model_id"], "created_at": "2025-02-06T00:00:00Z",
                            "results": [{"embedding": [0.1 * i for i in range(8)]}
                                        for _ in doc["inputs"]],
                            "input_token_count": sum(mind.tokens(t) for t in doc["inputs"])})
    body = {**_openai(doc), "stream": operation == "stream",
            "stream_options": {"include_usage": True}}
    plain = wire_openai.answer_turn(body, wire_openai.turn_of(body), script,
                                    "reasoning_content")
    if plain.events is None:
        return json_answer(_own(json.loads(plain.body)))
    return Answer(200, [("Content-Type", "text/event-stream")],
                  events=_events(plain.events))


def _own(value):
    value.pop("system_fingerprint", None)
    value.pop("obfuscation", None)
    value["model_id"] = value["model"]
    return {**value, "created_at": "2025-02-06T00:00:00.000Z", "model_version": "1.0.0"}


def _events(events):
    for i, event in enumerate(e for e in events if e.startswith(b"data: {")):
        yield (f"id: {i + 1}\nevent: message\ndata: ".encode()
               + to_json(_own(json.loads(event[6:]))) + b"\n\n")


def _error(status, message, code):
    return {"errors": [{"code": code or "invalid_request_entity", "message": message,
                        "more_info": "https://cloud.ibm.com/apidocs/watsonx-ai"}],
            "trace": "scripted", "status_code": status}


def refuse(status, message, param=None, code=None, kind=None):
    return json_answer(_error(status, message, code), status)


def stream_problem():
    return b"id: 9\nevent: error\ndata: " + to_json(_error(
        500, "The server had an error", "model_no_support_for_function")) + b"\n\n"
