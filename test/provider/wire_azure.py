# SPDX-License-Identifier: Apache-2.0
"""Azure OpenAI's wire format: OpenAI's at Azure's addresses.

A deployment's API, `/openai/deployments/{name}/chat/completions` with an
api-version, takes the model from the path; the v1 API, `/openai/v1/...`, from
the body. Streams begin with an event without choices that tells what the
content filters made of the prompt; each choice has results of its own. A
question with the word "forbidden" is refused by the filter. The v1 API has
responses as well.
"""
import json
import re

import wire_openai
import wire_responses
from wire import Answer, Refused, json_answer, need, to_json

NAME = "azure"

_DEPLOYED = re.compile(r"/openai/deployments/([^/]+)(/chat/completions|/embeddings)")
_V1 = re.compile(r"/openai/v1(/chat/completions|/embeddings|/responses)")
_SAFE = {kind: {"filtered": False, "severity": "safe"}
         for kind in ("hate", "self_harm", "sexual", "violence")}


def operation(request):
    found = _DEPLOYED.fullmatch(request.path) or _V1.fullmatch(request.path)
    if not found or request.method != "POST":
        return None
    return {"/chat/completions": "chat", "/embeddings": "embeddings",
            "/responses": "responses"}[found.groups()[-1]]


def model(request, operation, doc):
    found = _DEPLOYED.fullmatch(request.path)
    return found.group(1) if found else wire_openai.model(request, operation, doc)


def check_credentials(request, nokey):
    key, bearer = request.header("api-key"), request.header("authorization")
    if not (key or (bearer or "").startswith("Bearer ")):
        raise Refused(401, "Access token is missing, invalid, audience is incorrect "
                      "(https://cognitiveservices.azure.com), or have expired.")
    if "wrong" in (key or bearer):
        raise Refused(401, "Access denied due to invalid subscription key or wrong API "
                      "endpoint.", code="401")


def check(request, operation, doc, lenient):
    dated = _DEPLOYED.fullmatch(request.path) is not None
    version = request.query.get("api-version")
    if dated and not re.fullmatch(r"\d{4}-\d\d-\d\d(-preview)?", version or ""):
        raise Refused(404, "Resource not found", code="404")
    need(dated or version in (None, "preview", "latest", "v1"), "API version not supported")
    if operation == "responses":
        wire_responses.check(request, operation, doc, lenient)
        return
    if dated and isinstance(doc, dict):
        doc.setdefault("model", model(request, operation, doc))
    wire_openai.check(request, operation, doc, lenient)
    if operation == "chat" and "forbidden" in wire_openai.turn_of(doc).text:
        raise Refused(400, "The response was filtered due to the prompt triggering Azure "
                      "OpenAI's content management policy.", param="prompt",
                      code="content_filter")


def answer(request, operation, doc, script):
    if operation == "responses":
        return wire_responses.answer(request, operation, doc, script)
    doc = {**doc, "model": "gpt-4o"}  # what was deployed under that name
    plain = wire_openai.answer(request, operation, doc, script)
    if operation != "chat":
        return plain
    headers = [(k, v) for k, v in plain.headers if not k.startswith("openai-")]
    headers += [("apim-request-id", "scripted"), ("x-ms-region", "Sweden Central")]
    if plain.events is None:
        value = json.loads(plain.body)
        value["prompt_filter_results"] = [{"prompt_index": 0, "content_filter_results": _SAFE}]
        for choice in value["choices"]:
            choice["content_filter_results"] = _SAFE
        return Answer(200, headers, to_json(value))
    return Answer(200, headers, events=_filtered(plain.events))


def _filtered(events):
    first = {"choices": [], "created": 0, "id": "", "model": "", "object": "",
             "prompt_filter_results": [{"prompt_index": 0, "content_filter_results": _SAFE}]}
    yield b"data: " + to_json(first) + b"\n\n"
    for event in events:
        if event.startswith(b"data: {"):
            value = json.loads(event[6:])
            for choice in value.get("choices") or []:
                choice["content_filter_results"] = {}
            event = b"data: " + to_json(value) + b"\n\n"
        yield event


def refuse(status, message, param=None, code=None, kind=None):
    if status == 401 and code is None:
        return json_answer({"statusCode": 401, "message": "Unauthorized. " + message}, 401)
    error = {"code": code or str(status), "message": message}
    if code == "content_filter":
        error.update(param=param, status=status, type=None, innererror={
            "code": "ResponsibleAIPolicyViolation",
            "content_filter_result": {**_SAFE, "violence": {
                "filtered": True, "severity": "medium"}}})
    return json_answer({"error": error}, status, headers=[("apim-request-id", "scripted")])


stream_problem = wire_openai.stream_problem
