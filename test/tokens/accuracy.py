#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How near the gateway's count of tokens comes to the providers' own, over
recorded exchanges.

    python3 accuracy.py [--check] ENCODE VOCABULARY [RECORDED]

ENCODE is the program test/tokens/encode of a build, VOCABULARY the file of
packaging/vocabulary.sh, or "-" to count without one. RECORDED is the folder of
recordings (else LLMGW_RECORDED names it). VERBOSE=1 shows each exchange.

What is left out, because nobody could count it: requests with tools that the
provider runs itself (their instructions and results are in its count), those
whose text was taken out of the recording, and media. Answers count where all the
provider counted is text that can be seen: no reasoning and no calls.

With --check it fails where a provider with five recordings or more is further
off in sum than 10 %, or than 15 % without a vocabulary.
"""
import collections
import glob
import json
import os
import re
import struct
import subprocess
import sys

LEAST = 20    # tokens of an answer; below, one more or less says nothing
ENOUGH = 5    # recordings, to hold a provider's sum against the limit
LIMIT = 0.10
ROUGH = 0.15  # the limit without a vocabulary
MEDIA = ("image", "audio", "video", "document", "server_tools")
# Recordings whose count is of something else than the request that is there.
STRANGE = {
    "bedrock-invoke-127d8b540ac6",    # its system prompt was cut out
    "hf-chat-07fe8cb3f449",           # the server left out an answer of the history
    "ollama-openai-chat-c3a1a32e7212",  # the server counts its thinking as input
}
# Two addresses of the same models.
SAME = {"vertex": "gemini"}


def documents_of(body):
    """The documents of a stream, or the one that is the body."""
    if not isinstance(body, str):
        return body if isinstance(body, list) else [body]
    try:
        whole = json.loads(body)
        return whole if isinstance(whole, list) else [whole]
    except ValueError:
        pass
    found = []
    for line in body.splitlines():
        line = line.removeprefix("data:").strip()
        if line.startswith("{"):
            try:
                found.append(json.loads(line))
            except ValueError:
                return []
    return [doc for doc in found if isinstance(doc, dict)]


# Each reader: (answer's text or None, tokens read, tokens written).

def of_anthropic(documents):
    text, usage, seen = "", {}, set()
    for doc in documents:
        for block in doc.get("content") or []:
            seen.add(block.get("type"))
            text += block.get("text") or ""
        seen.add((doc.get("content_block") or {}).get("type", "text"))
        text += (doc.get("delta") or {}).get("text") or ""
        for part in (doc, doc.get("message") or {}):
            usage.update(part.get("usage") or {})
    if "input_tokens" in documents[0]:  # a count
        usage = documents[0]
    read = usage.get("input_tokens")
    for cached in ("cache_read_input_tokens", "cache_creation_input_tokens"):
        read = read and read + (usage.get(cached) or 0)
    return None if seen - {"text"} else text, read, usage.get("output_tokens")


def of_gemini(documents):
    text, usage = "", {}
    for doc in documents:
        for candidate in (doc.get("candidates") or [])[:1]:
            for part in (candidate.get("content") or {}).get("parts") or []:
                if set(part) - {"text", "thoughtSignature"}:
                    text = None
                text = text if text is None else text + part.get("text", "")
        usage.update(doc.get("usageMetadata") or {})
    return text, usage.get("promptTokenCount"), usage.get("candidatesTokenCount")


def of_openai(documents):
    text, usage = "", {}
    for doc in documents:
        usage.update(doc.get("usage") or (doc.get("x_groq") or {}).get("usage") or {})
        for choice in doc.get("choices") or []:
            said = choice.get("message") or choice.get("delta") or {}
            content = said.get("content", choice.get("text")) or ""
            if (said.get("tool_calls") or said.get("reasoning") or choice.get("index")
                    or said.get("reasoning_content") or not isinstance(content, str)):
                text = None
            text = text if text is None else text + content
    if (usage.get("completion_tokens_details") or {}).get("reasoning_tokens"):
        text = None
    return text, usage.get("prompt_tokens"), usage.get("completion_tokens")


def of_responses(documents):
    text, usage = "", {}
    for doc in documents:
        doc = doc.get("response") if isinstance(doc.get("response"), dict) else doc
        usage = doc.get("usage") or usage
        for item in doc.get("output") or []:
            if item.get("type") != "message":
                text = None
            for part in item.get("content") or []:
                text = text if text is None else text + (part.get("text") or "")
    if "input_tokens" in documents[0]:  # a count
        usage = documents[0]
    return text, usage.get("input_tokens"), usage.get("output_tokens")


def of_cohere(documents):
    """What is billed is what the ledger holds."""
    found = re.findall(r'"billed_units": (\{[^}]*\})', json.dumps(documents))
    billed = json.loads(found[-1]) if found else {}
    text = documents[0].get("message")
    parts = (text.get("content") or []) if isinstance(text, dict) else []
    plain = len(documents) == 1 and parts and all("text" in part for part in parts)
    return ("".join(part["text"] for part in parts) if plain else None,
            billed.get("input_tokens"), billed.get("output_tokens"))


def of_ollama(documents):
    text = "".join((doc.get("message") or {}).get("content") or "" for doc in documents)
    last = documents[-1]
    return text, last.get("prompt_eval_count"), last.get("eval_count")


READERS = ((r"anthropic\.|bedrock\.invoke", of_anthropic),
           (r"(gemini|vertex)\.\w*[gG]enerateContent", of_gemini),
           (r".*\.(responses|count-tokens)$", of_responses),
           (r"cohere\.chat", of_cohere), (r"ollama\.(chat|generate)", of_ollama),
           (r".*\.(chat|completions)$", of_openai))


def count(program, vocabulary, kind, model, text):
    data = text.encode("utf-8", "replace")
    done = subprocess.run([program, vocabulary, f"{kind}:{model}"],
                          input=struct.pack("<I", len(data)) + data,
                          capture_output=True, check=True)
    return struct.unpack("<I", done.stdout)[0]


def has_hosted_tools(body):
    """Tools without a schema are the provider's own."""
    for tool in body.get("tools") or []:
        inner = tool.get("function") or tool
        if not any(name in inner for name in ("parameters", "input_schema", "description",
                                              "functionDeclarations")):
            return True
        if str(tool.get("type", "function")) not in ("function", "custom"):
            return True
    return bool(body.get("models"))  # another model than the one that was asked


def exchanges(folder):
    for path in sorted(glob.glob(os.path.join(folder, "*", "*.json"))):
        with open(path, encoding="utf-8") as file:
            doc = json.load(file)
        request = doc.get("request")
        if not request or doc["id"] in STRANGE or doc["response"]["status"] != 200 \
                or "body" not in doc["response"] or not isinstance(request["body"], dict) \
                or any(f.startswith(MEDIA) for f in doc["features"]) \
                or has_hosted_tools(request["body"]) or "toolConfig" in request["body"] \
                and "tools" in request["body"]["toolConfig"]:
            continue
        for pattern, reader in READERS:
            if re.match(pattern, doc["api"]):
                documents = documents_of(doc["response"]["body"])
                if documents:
                    yield doc, reader(documents)
                break


def model_of(doc):
    return doc["model"] or re.sub(r".*/models?/([^/:]*).*", r"\1", doc["request"]["url"])


def pairs_of(doc, facts, program, vocabulary):
    """(kind, what the provider told, what is counted here)"""
    text, read, written = facts
    model = model_of(doc)
    if text and written and written >= LEAST:
        yield "answer", written, count(program, vocabulary, "answer", model, text)
    if read:
        asked = json.dumps(doc["request"]["body"], ensure_ascii=False)
        yield "request", read, count(program, vocabulary, "request", model, asked)


def collect(folder, program, vocabulary):
    found = collections.defaultdict(list)
    for doc, facts in exchanges(folder):
        for kind, told, counted in pairs_of(doc, facts, program, vocabulary):
            if os.environ.get("VERBOSE"):
                print(f"{doc['id']} {model_of(doc)} {kind} {told} {counted} "
                      f"{counted / told:.2f}")
            provider = SAME.get(doc["provider"], doc["provider"])
            found[kind, provider].append((told, counted))
    return found


def show(found, limit):
    """The table; returns who is too far off."""
    far = []
    print(f"{'':8} {'provider':12} {'number':>6} {'told':>8} {'counted':>8} "
          f"{'sum':>7} {'median':>7} {'90th':>7}")
    for (kind, provider), pairs in sorted(found.items()):
        told, counted = (sum(pair[i] for pair in pairs) for i in (0, 1))
        off = sorted(abs(c - t) / t for t, c in pairs)
        error = counted / told - 1
        print(f"{kind:8} {provider:12} {len(pairs):6} {told:8} {counted:8} "
              f"{100 * error:+6.1f}% {100 * off[len(off) // 2]:6.1f}% "
              f"{100 * off[int(0.9 * len(off))]:6.1f}%")
        if len(pairs) >= ENOUGH and abs(error) > limit:
            far.append(f"{kind}s of {provider}: {100 * error:+.1f} %")
    return far


def main():
    arguments = [a for a in sys.argv[1:] if a != "--check"]
    if len(arguments) < 2:
        sys.exit(__doc__)
    folder = (arguments[2:] or [os.environ.get("LLMGW_RECORDED", "")])[0]
    found = collect(folder, *arguments[:2])
    if not found:
        sys.exit("accuracy.py: there are no recordings there")
    far = show(found, ROUGH if arguments[1] == "-" else LIMIT)
    if far and "--check" in sys.argv:
        sys.exit("accuracy.py: too far off: " + "; ".join(far))


if __name__ == "__main__":
    main()
