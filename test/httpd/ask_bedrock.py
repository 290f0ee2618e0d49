# SPDX-License-Identifier: Apache-2.0
"""test_030's questions as a client of Bedrock's Converse writes them, and
where it asks them."""
import base64
import urllib.parse


def path(model, stream):
    name = urllib.parse.quote(model, safe="")
    return f"/model/{name}/converse{'-stream' if stream else ''}"


def image(url):
    kind, data = url[5:].split(";base64,")
    assert base64.b64decode(data), "there is no picture by address"
    return {"image": {"format": kind.split("/")[1], "source": {"bytes": data}}}


def _messages(ask):
    messages = [{"role": r, "content": [{"text": t}]} for r, t in ask.turns]
    messages.append({"role": "user", "content": [
        {"text": ask.text}, *(image(u) for u in ask.images)]})
    if ask.calls:
        messages.append({"role": "assistant", "content": [
            {"toolUse": {"toolUseId": i, "name": n, "input": a}} for i, n, a in ask.calls]})
        messages.append({"role": "user", "content": [
            {"toolResult": {"toolUseId": i, "content": [{"text": t}]}}
            for i, t in ask.results]})
    return messages


def _tools(ask):
    config = {"tools": [{"toolSpec": {"name": n, "description": f"does {n}",
                                      "inputSchema": {"json": s}}} for n, s in ask.tools]}
    if ask.choice:
        assert ask.choice != "none", "there is no such choice"
        words = {"auto": "auto", "required": "any"}
        config["toolChoice"] = ({words[ask.choice]: {}} if ask.choice in words
                                else {"tool": {"name": ask.choice}})
    return config


def body(ask):
    doc = {"messages": _messages(ask)}
    if ask.system:
        doc["system"] = [{"text": ask.system}]
    names = {"max_tokens": "maxTokens", "stop": "stopSequences", "top_p": "topP"}
    if ask.more:
        doc["inferenceConfig"] = {names.get(n, n): v for n, v in ask.more.items()}
    if ask.tools:
        doc["toolConfig"] = _tools(ask)
    return doc
