# SPDX-License-Identifier: Apache-2.0
"""Recorded exchanges with real providers: where they are, and which of them
say something about the dialects here.

The folder is not part of the project; where it is absent the tests that use
it are skipped. LLMGW_RECORDED names it; with LLMGW_SAMPLE=5 each fifth is taken.
"""
import base64
import functools
import json
import os
import urllib.parse

from env import SOURCES

# api of the recording -> (provider in the configuration, dialect of its bytes)
APIS = {
    "openai.chat": ("openai", "openai"), "anthropic.messages": ("anthropic", "anthropic"),
    **{f"{name}.completions": ("openai", "openai-completions") for name in (
        "openai", "together", "local")},
    **{f"{name}.responses": ("responses", "openai-responses") for name in (
        "openai", "azure", "bedrock.mantle", "deepseek", "openrouter")},
    "gemini.generateContent": ("gemini", "gemini"),
    "gemini.streamGenerateContent": ("gemini", "gemini"),
    "vertex.generateContent": ("gemini", "gemini"),
    "bedrock.converse": ("bedrock", "bedrock"),
    "bedrock.converse-stream": ("bedrock", "bedrock"),
    "cohere.chat": ("cohere", "cohere"),
    "ollama.chat": ("ollama", "ollama"), "ollama.generate": ("ollama", "ollama"),
    "hf.chat": ("hf", "openai"), "hf.text-generation": ("old", "text-generation"),
    # OpenAI-compatible servers, by base URL
    **{f"{name}.chat": ("openai", "openai") for name in (
        "mistral", "groq", "openrouter", "deepseek", "together", "cerebras", "fireworks",
        "sambanova", "snowflake", "crusoe", "zai", "local")},
    "ollama.openai.chat": ("openai", "openai"), "cohere.openai.chat": ("openai", "openai"),
    "gemini.openai.chat": ("openai", "openai")}


INVOKED = ("bedrock.invoke", "bedrock.invoke-with-response-stream")

# Two answers in one stream, as some intermediary made them: no legal ones.
SPLICED = ("anthropic-messages-283c233f0f55", "anthropic-messages-04d32f63d20d")


class Exchange:
    """One recorded request and its response."""

    def __init__(self, doc):
        self.doc = doc
        self.id = doc["id"]
        self.api = doc["api"]
        self.features = set(doc["features"])
        self.provider, self.dialect = APIS.get(self.api, ("bedrock", "anthropic"))
        self.status = doc["response"]["status"]
        self.body = (base64.b64decode(doc["response"].get("body_base64") or "")
                     or (doc["response"].get("body") or "").encode("utf-8", "surrogatepass"))
        self.request = (doc.get("request") or {}).get("body")
        self.url = (doc.get("request") or {}).get("url")
        self.headers = {k.lower(): v for k, v in doc["response"]["headers"].items()}
        self.streamed = any(kind in self.headers.get("content-type", "")
                            for kind in ("event-stream", "eventstream", "ndjson"))
        self.model = doc.get("model") or "recorded"

    @property
    def asked(self):
        """The model in the path, where the dialect names it there."""
        return urllib.parse.unquote(self.url.split("/model/")[1].rsplit("/", 1)[0])

    def answer(self, **more):
        """What the scripted provider has to replay."""
        return {"recorded": self.doc, "seed": len(self.body), **more}


@functools.lru_cache(maxsize=None)
def folder():
    """The folder of the recordings, or None."""
    for path in (os.environ.get("LLMGW_RECORDED"),
                 os.path.join(SOURCES, "..", "shared", "recorded")):
        if path and os.path.exists(os.path.join(path, "index.json")):
            return os.path.normpath(path)
    return None


def exchanges():
    """All exchanges of the dialects here, those without a request last."""
    return _of(frozenset(APIS))


def invoked():
    """Those of Bedrock's InvokeModel."""
    return _of(frozenset(INVOKED))


@functools.lru_cache(maxsize=None)
def _of(apis):
    if folder() is None:
        return []
    with open(os.path.join(folder(), "index.json"), encoding="utf-8") as file:
        index = json.load(file)
    found = []
    for row in index["exchanges"] + index.get("responses_only", []):
        if row["api"] in apis:
            with open(os.path.join(folder(), row["file"]), encoding="utf-8") as file:
                found.append(Exchange(json.load(file)))
    return found[::int(os.environ.get("LLMGW_SAMPLE", 1))]


WHY_NOT = ("no recorded exchanges: LLMGW_RECORDED does not name a folder of them, and there "
           "is none beside the sources")
