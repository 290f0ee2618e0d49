# SPDX-License-Identifier: Apache-2.0
"""What a provider gets back of an answer in which it thought and called: that
what it signed is there, before the calls that it led to.

turn_of() reads a request in the provider's own form into a list: "thought" with
what it is signed with, the names of calls, each with a signature of its own.
"""
import sdks

SIGNATURE = "c2NyaXB0ZWQ="
CALLS = ["get_weather", "get_time"]
# Of each provider that signs, what has to come back.
WHOLE = {
    "anthropic": [f"thought {SIGNATURE}", *CALLS],
    "bedrock": [f"thought {SIGNATURE}", *CALLS],
    "gemini": [f"get_weather {SIGNATURE}", "get_time"],
    "responses": ["thought gAAAAscripted", *CALLS],
}
# Dialects without a place for a signature, and clients that do not keep it.
_FORGETFUL = ("cohere", "ollama")
_FORGETS = ("langchain.py:openai", "vercel.mjs:compatible")
# Gemini's goes with a call, in its id: these have none. It takes this instead.
_WITHOUT_IDS = ("ollama.py", "langchain.py:ollama")
_NO_SIGNATURE = "c2tpcF90aG91Z2h0X3NpZ25hdHVyZV92YWxpZGF0b3I="


def wanted(sdk, provider):
    """What of the answer has to come back from that SDK, in its order."""
    if provider == "gemini":
        return [f"get_weather {_NO_SIGNATURE}", "get_time"] if sdk in _WITHOUT_IDS \
            else WHOLE[provider]
    forgets = sdk in _FORGETS or sdks.SDKS[sdk].dialect in _FORGETFUL
    return CALLS if forgets else WHOLE[provider]


def _block(block):
    """Of Anthropic's, Converse's and the Responses API's."""
    kind = block.get("type")
    if kind in ("thinking", "reasoning"):
        return f"thought {block.get('signature') or block.get('encrypted_content')}"
    if "reasoningContent" in block:
        return f"thought {block['reasoningContent']['reasoningText'].get('signature')}"
    if kind in ("tool_use", "function_call"):
        return block["name"]
    return block["toolUse"]["name"] if "toolUse" in block else None


def _part(part):
    """Of Gemini's; a thought's text is not read again."""
    if "functionCall" not in part:
        return None
    return " ".join(filter(None, (part["functionCall"]["name"], part.get("thoughtSignature"))))


def turn_of(doc):
    """What the model said, of a conversation in which it spoke once."""
    if "contents" in doc:
        said = [_part(p) for c in doc["contents"] if c["role"] == "model" for p in c["parts"]]
    elif "input" in doc:
        said = [_block(i) for i in doc["input"]]
    else:
        said = [_block(b) for m in doc["messages"] if m["role"] == "assistant"
                for b in m["content"]]
    return [s for s in said if s]
