# SPDX-License-Identifier: Apache-2.0
"""Bedrock's InvokeModel, for wire_bedrock.py: Claude's bodies, which are
Anthropic's but for a few members, and the vectors of Titan and Cohere.

A stream is messages named chunk, each with one of Anthropic's events as
base64; the last one has the counts. Of vectors a header may be all that counts.
"""
import base64
import dataclasses
import json

import mind
import wire_anthropic
from wire import Answer, json_answer, need, only_known

_TITAN = {"1": {"inputText"}, "2": {"inputText", "dimensions", "normalize", "embeddingTypes"},
          "image": {"inputText", "inputImage", "embeddingConfig"}}
_COHERE = {"texts", "input_type", "truncate", "embedding_types", "output_dimension"}


def _titan(name):
    return None if "titan-embed" not in name else "2" if "text-v2" in name \
        else "image" if "image" in name else "1"


def _unknown(name):
    need(False, f"Malformed input request: #: extraneous key [{name}] is not permitted, "
         "please reformat your input and try again.")


def check(request, operation, name, doc, lenient):
    if _titan(name):
        only_known(doc, _TITAN[_titan(name)], _unknown)
        need(isinstance(doc.get("inputText"), str), "inputText: a string")
    elif "cohere.embed" in name:
        only_known(doc, _COHERE, _unknown)
        need(isinstance(doc.get("texts"), list) and 0 < len(doc["texts"]) <= 96, "texts")
        need(doc.get("input_type"), "input_type: required")
        need("output_dimension" not in doc or "v4" in name, "output_dimension")
    else:
        _check_claude(request, name, doc, lenient)


def _check_claude(request, name, doc, lenient):
    need(doc.get("anthropic_version") == "bedrock-2023-05-31", "anthropic_version: Field required")
    for member in ("model", "stream"):
        need(member not in doc, f"{member}: Extra inputs are not permitted")
    for flag in doc.get("anthropic_beta") or []:
        need(not flag.startswith(("oauth-", "fast-mode-")), "invalid beta flag")
    inside = {n: v for n, v in doc.items() if not n.startswith("anthropic_")}
    headers = [*request.headers, ("anthropic-version", "2023-06-01")]
    wire_anthropic.check(dataclasses.replace(request, headers=headers), "messages",
                         {**inside, "model": name}, lenient)


def answer(operation, name, doc, script, event):
    if _titan(name):
        size = doc.get("dimensions") or doc.get("embeddingConfig", {}).get(
            "outputEmbeddingLength", 8)
        return json_answer({"embedding": mind.embedding(doc["inputText"], size),
                            "inputTextTokenCount": mind.tokens(doc["inputText"])})
    if "cohere.embed" in name:
        return _cohere(name, doc)
    thought = wire_anthropic.answer(None, "messages", {**doc, "model": name,
                                    "stream": "stream" in operation}, script)
    if thought.events is None:
        return thought
    return Answer(200, [("Content-Type", "application/vnd.amazon.eventstream"),
                        ("X-Amzn-Bedrock-Content-Type", "application/json")],
                  events=[_chunk(e, event) for e in thought.events])


def _cohere(name, doc):
    vectors = [mind.embedding(t, doc.get("output_dimension") or 8) for t in doc["texts"]]
    typed = doc.get("embedding_types")
    return json_answer(
        {"id": "scripted", "texts": doc["texts"],
         "embeddings": {"float": vectors} if typed else vectors,
         "response_type": "embeddings_by_type" if typed else "embeddings_floats"},
        headers=[("x-amzn-bedrock-input-token-count",
                  str(sum(mind.tokens(t) for t in doc["texts"])))])


def _chunk(written, event):
    """One of Anthropic's events; the last one's counts are the whole stream's."""
    data = written.partition(b"data: ")[2].strip()
    inside = json.loads(data)
    if inside["type"] == "message_stop":
        inside["amazon-bedrock-invocationMetrics"] = {
            "inputTokenCount": 5, "outputTokenCount": 3, "invocationLatency": 10}
        data = json.dumps(inside).encode()
    return event("chunk", {"bytes": base64.b64encode(data).decode()})
