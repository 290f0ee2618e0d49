#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How near the gateway's count of tokens comes to the providers' own, over
recorded exchanges.

    python3 accuracy.py ENCODE VOCABULARY [RECORDED]

ENCODE is the program test/tokens/encode of a build, VOCABULARY the file of
packaging/vocabulary.sh, or "-" for the rule of thumb. RECORDED is the folder of
recordings (else LLMGW_RECORDED names it). Answers count where all the provider
counted is text that can be seen: no reasoning, no tool calls, no media.
Requests likewise: no media, no tools of the server's own.
"""
import collections
import glob
import json
import os
import struct
import subprocess
import sys

LEAST = 20  # tokens; below, one more or less says nothing


def events(body):
    """The documents of a stream, or the one that is the body."""
    try:
        return [json.loads(body)]
    except ValueError:
        pass
    found = []
    for line in body.splitlines():
        if line.startswith("data:") and "{" in line:
            try:
                found.append(json.loads(line[5:]))
            except ValueError:
                return []
    return found


def of_anthropic(documents):
    text, usage, seen = "", {}, set()
    for doc in documents:
        for block in doc.get("content") or []:
            seen.add(block.get("type"))
            text += block.get("text") or ""
        seen.add((doc.get("content_block") or {}).get("type", "text"))
        text += (doc.get("delta") or {}).get("text") or ""
        for part in (doc.get("usage"), (doc.get("message") or {}).get("usage")):
            usage.update(part or {})
    if seen - {"text"} or usage.get("cache_read_input_tokens") \
            or usage.get("cache_creation_input_tokens"):
        return None
    return text, usage.get("input_tokens"), usage.get("output_tokens")


def of_gemini(documents):
    text, usage = "", {}
    for doc in documents if isinstance(documents[0], dict) else documents[0]:
        for candidate in (doc.get("candidates") or [])[:1]:
            for part in (candidate.get("content") or {}).get("parts") or []:
                if set(part) - {"text", "thoughtSignature"}:
                    return None
                text += part["text"] if "text" in part else ""
        usage.update(doc.get("usageMetadata") or {})
    if usage.get("cachedContentTokenCount"):
        return None
    return text, usage.get("promptTokenCount"), usage.get("candidatesTokenCount")


def of_openai(documents):
    text, usage = "", {}
    for doc in documents:
        usage.update(doc.get("usage") or {})
        choices = doc.get("choices") or []
        for choice in choices:
            said = choice.get("message") or choice.get("delta") or {}
            if (said.get("tool_calls") or said.get("reasoning")
                    or said.get("reasoning_content") or choice.get("index")
                    or not isinstance(said.get("content") or "", str)):
                return None
            text += said.get("content") or ""
    if (usage.get("completion_tokens_details") or {}).get("reasoning_tokens"):
        return None
    return text, usage.get("prompt_tokens"), usage.get("completion_tokens")


READERS = {"anthropic.messages": of_anthropic, "gemini.generateContent": of_gemini,
           "gemini.streamGenerateContent": of_gemini,
           "vertex.generateContent": of_gemini,
           "vertex.streamGenerateContent": of_gemini,
           "openai.chat": of_openai, "azure.chat": of_openai,
           "mistral.chat": of_openai, "groq.chat": of_openai,
           "deepseek.chat": of_openai, "together.chat": of_openai,
           "cerebras.chat": of_openai, "fireworks.chat": of_openai,
           "openrouter.chat": of_openai, "hf.chat": of_openai}
MEDIA = ("image", "audio", "video", "document", "server_tools", "cache")


def count(program, vocabulary, kind, model, text):
    data = text.encode("utf-8", "replace")
    done = subprocess.run([program, vocabulary, f"{kind}:{model}"],
                          input=struct.pack("<I", len(data)) + data,
                          capture_output=True, check=True)
    return struct.unpack("<I", done.stdout)[0]


def exchanges(folder):
    for path in sorted(glob.glob(os.path.join(folder, "*", "*.json"))):
        with open(path, encoding="utf-8") as file:
            doc = json.load(file)
        if doc.get("api") in READERS and doc.get("request") \
                and doc["response"]["status"] == 200 and "body" in doc["response"] \
                and not any(f.startswith(MEDIA) for f in doc["features"]):
            yield doc


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    program, vocabulary = sys.argv[1:3]
    folder = sys.argv[3] if len(sys.argv) > 3 else os.environ.get("LLMGW_RECORDED", "")
    sums = collections.defaultdict(lambda: [0, 0, 0, 0])
    for doc in exchanges(folder):
        body = doc["response"]["body"]
        documents = events(body) if isinstance(body, str) else [body]
        facts = documents and READERS[doc["api"]](documents)
        model = doc["model"] or doc["request"]["url"].split("/models/")[-1].split(":")[0]
        if not facts:
            continue
        text, read, written = facts
        pairs = []
        if written and written >= LEAST and text:
            pairs.append(("answer", written, count(program, vocabulary, "answer", model, text)))
        if read and read >= LEAST and isinstance(doc["request"]["body"], dict):
            asked = json.dumps(doc["request"]["body"], ensure_ascii=False)
            pairs.append(("request", read, count(program, vocabulary, "request", model, asked)))
        family = doc["provider"]
        for kind, told, counted in pairs:
            if os.environ.get("VERBOSE"):
                print(f"{doc['id']} {model} {kind} {told} {counted} {counted / told:.2f}")
            entry = sums[kind, family]
            entry[0] += 1
            entry[1] += told
            entry[2] += counted
            entry[3] += abs(counted - told) <= 0.1 * told
    print(f"{'':8} {'provider':12} {'number':>6} {'told':>8} {'counted':>8} "
          f"{'sum':>7} {'within 10 %':>12}")
    for (kind, family), (number, told, counted, near) in sorted(sums.items()):
        print(f"{kind:8} {family:12} {number:6} {told:8} {counted:8} "
              f"{100 * (counted / told - 1):+6.1f}% {near:6} of {number}")
    if not sums:
        sys.exit("accuracy.py: there are no recordings there")


if __name__ == "__main__":
    main()
