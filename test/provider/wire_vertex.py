# SPDX-License-Identifier: Apache-2.0
"""Google's Vertex AI: Gemini's and Anthropic's wire formats at its addresses,
`/v1/projects/P/locations/L/publishers/{google|anthropic}/models/M:method`.

Gemini takes what AI Studio takes; its older embedding models are asked by
`:predict`. Claude is asked by rawPredict and streamRawPredict, with the
version of the API in the body and the model in the path alone. Everybody
brings a Google token.
"""
import dataclasses
import re

import mind
import wire_anthropic
import wire_gemini
from wire import Refused, json_answer, need

NAME = "vertex"
_PATH = re.compile(r"/v1/projects/[\w-]+/locations/[\w-]+/publishers/(google|anthropic)/models/"
                   r"([^/:]+):(\w+)")
_EMBED = ("embedContent", "batchEmbedContents")


def operation(request):
    found = _PATH.fullmatch(request.path)
    if not found or request.method != "POST":
        return None
    publisher, name, method = found.groups()
    if publisher == "anthropic":
        return {"rawPredict": "count" if name == "count-tokens" else "messages",
                "streamRawPredict": "messages"}.get(method)
    return "predict" if method == "predict" else wire_gemini.operation(_studio(request))


def _studio(request):
    """The same request at AI Studio."""
    _, name, method = _PATH.fullmatch(request.path).groups()
    return dataclasses.replace(request, path=f"/v1beta/models/{name}:{method}")


def model(request, operation, doc):
    name = _PATH.fullmatch(request.path).group(2)
    return doc.get("model") if operation == "count" and isinstance(doc, dict) else name


def check_credentials(request, nokey):
    bearer = request.header("authorization", "")
    if not bearer.startswith("Bearer ") or "wrong" in bearer:
        raise Refused(401, "Request had invalid authentication credentials.",
                      kind="UNAUTHENTICATED")


def _anthropic(request, operation, doc):
    """The body as Anthropic itself would have got it."""
    need(doc.pop("anthropic_version", None) == "vertex-2023-10-16",
         "anthropic_version: Field required")
    if operation == "messages":
        need("model" not in doc, "model: Extra inputs are not permitted")
        streamed = request.path.endswith(":streamRawPredict")
        need(bool(doc.get("stream")) == streamed, "stream: not what the method says")
        doc["model"] = model(request, operation, doc)
    return dataclasses.replace(request, headers=[*request.headers,
                                                 ("anthropic-version", "2023-06-01")])


def check(request, operation, doc, lenient):
    need(isinstance(doc, dict), "the body is no JSON object")
    if operation in ("messages", "count"):
        wire_anthropic.check(_anthropic(request, operation, doc), operation, doc, lenient)
    elif operation in _EMBED:
        rows = doc["requests"] if operation == "batchEmbedContents" else [doc]
        need("gemini" in model(request, operation, doc), "Precondition check failed.")
        for row in rows:
            need(set(row) <= {"content", "taskType", "title", "outputDimensionality",
                              "autoTruncate", "embedContentConfig", "model"}, "unknown member")
            need(row["content"].get("parts"), "content: required")
            need(row.get("model", "projects/p").startswith("projects/"), "model: no resource")
    elif operation == "predict":
        name = model(request, operation, doc)
        need("gemini" not in name or name.startswith("gemini-embedding-001"),
             "Precondition check failed.")
        need("gemini" not in name or len(doc["instances"]) == 1, "instances: one at most")
        need(isinstance(doc.get("instances"), list) and doc["instances"], "instances: required")
        for instance in doc["instances"]:
            need(set(instance) <= {"content", "task_type", "title"}
                 and isinstance(instance.get("content"), str), "instances: content")
        need(set(doc) <= {"instances", "parameters"}, "unknown member")
    else:
        wire_gemini.check(_studio(request), operation, doc, lenient)


def answer(request, operation, doc, script):
    if operation in ("messages", "count"):
        return wire_anthropic.answer(request, operation, doc, script)
    if operation in _EMBED:
        rows = doc["requests"] if operation == "batchEmbedContents" else [doc]
        made = [{"values": mind.embedding(row["content"]["parts"][0].get("text", ""),
                                          row.get("outputDimensionality") or 8)} for row in rows]
        tokens = sum(mind.tokens(p.get("text", "")) for r in rows for p in r["content"]["parts"])
        told = {"usageMetadata": {"promptTokenCount": tokens, "totalTokenCount": tokens}}
        return json_answer({"embeddings": made, **told} if len(rows) > 1
                           or operation == "batchEmbedContents" else
                           {"embedding": made[0], **told, "truncated": False})
    if operation != "predict":
        return wire_gemini.answer(_studio(request), operation, doc, script)
    size = (doc.get("parameters") or {}).get("outputDimensionality") or 8
    return json_answer({"predictions": [{"embeddings": {
        "values": mind.embedding(one["content"], size),
        "statistics": {"truncated": False, "token_count": mind.tokens(one["content"])}}}
        for one in doc["instances"]], "metadata": {"billableCharacterCount": 9}})


def errors_of(operation):
    """Whose form errors have."""
    return wire_anthropic if operation in ("messages", "count") else wire_gemini
