# SPDX-License-Identifier: Apache-2.0
"""Reads Bedrock's answers, Converse and ConverseStream, for reader.py: binary
messages with their checksums, in the order the API gives them."""
import dataclasses
import json
import re
import struct
import zlib

FINISH = {"end_turn": "stop", "stop_sequence": "stop", "max_tokens": "length",
          "tool_use": "tools", "guardrail_intervened": "filter",
          "content_filtered": "filter", "model_context_window_exceeded": "length"}


@dataclasses.dataclass
class Message:
    """One message of an event stream."""

    headers: dict
    payload: bytes

    @property
    def kind(self):
        return self.headers[":message-type"]

    @property
    def name(self):
        return self.headers[f":{self.kind}-type"]

    @property
    def json(self):
        return json.loads(self.payload)


def _headers(data):
    """Those of a message; only strings are known here."""
    found = {}
    while data:
        size = data[0]
        name, data = data[1:1 + size].decode(), data[1 + size:]
        assert data[0] == 7, f"{name} is no string"
        size, = struct.unpack(">H", data[1:3])
        found[name], data = data[3:3 + size].decode(), data[3 + size:]
    return found


def messages(body):
    """All messages of a stream, each with right checksums, and nothing more."""
    found = []
    while body:
        assert len(body) >= 16, f"half a message: {body}"
        size, headers, crc = struct.unpack(">III", body[:12])
        assert crc == zlib.crc32(body[:8]), "the prelude's checksum"
        assert len(body) >= size, "half a message"
        assert zlib.crc32(body[:size - 4]) == struct.unpack(">I", body[size - 4:size])[0]
        found.append(Message(_headers(body[12:12 + headers]), body[12 + headers:size - 4]))
        assert found[-1].headers[":content-type"] == "application/json"
        body = body[size:]
    return found


def _usage(doc, said, usage):
    counts = doc.get("usage")
    if counts:
        said.usage = usage(counts["inputTokens"], counts["outputTokens"],
                           counts.get("cacheReadInputTokens", 0),
                           counts.get("cacheWriteInputTokens", 0))
        assert counts["totalTokens"] == sum(said.usage.values()), counts


def _reasoning(value, said):
    said.reasoning += (value.get("reasoningText") or value).get("text") or ""


def converse(body, said, usage):
    """A whole answer into `said`."""
    doc = json.loads(body)
    message = doc["output"]["message"]
    assert message["role"] == "assistant" and doc["metrics"]["latencyMs"] >= 0, doc
    for block in message["content"]:
        (kind, value), = block.items()
        if kind == "text":
            said.text += value
        elif kind == "citationsContent":
            assert value["citations"], value
            said.text += "".join(piece["text"] for piece in value["content"])
        elif kind == "reasoningContent":
            _reasoning(value, said)
        elif kind == "toolUse" and value.get("type") != "server_tool_use":
            assert isinstance(value["input"], dict), value
            said.calls.append((value["name"], value["input"]))
            said.ids.append(value["toolUseId"])
    said.finish = FINISH.get(doc["stopReason"], "other")
    _usage(doc, said, usage)
    return said


class _Stream:
    def __init__(self, said, usage):
        self.said, self.usage = said, usage
        self.calls, self.order = {}, []

    def take(self, message):
        doc = message.json
        if message.kind == "exception":
            assert message.name[0].islower() and message.name.endswith("Exception")
            self.said.error = doc["message"]
            self.order.append("exception")
            return
        index = doc.get("contentBlockIndex")
        self.order.append(message.name if index is None else f"{message.name}{index}")
        getattr(self, message.name)(index, doc)

    def messageStart(self, index, doc):
        assert doc["role"] == "assistant"

    def contentBlockStart(self, index, doc):
        use = doc["start"].get("toolUse")
        if use and use.get("type") != "server_tool_use":
            self.calls[index] = [use["name"], ""]
            self.said.ids.append(use["toolUseId"])

    def contentBlockDelta(self, index, doc):
        delta = doc["delta"]
        self.said.text += delta.get("text", "")
        _reasoning(delta.get("reasoningContent") or {}, self.said)
        if index in self.calls:
            self.calls[index][1] += (delta.get("toolUse") or {}).get("input", "")

    def contentBlockStop(self, index, doc):
        pass

    def messageStop(self, index, doc):
        self.said.finish = FINISH.get(doc["stopReason"], "other")

    def metadata(self, index, doc):
        assert doc["metrics"]["latencyMs"] >= 0
        _usage(doc, self.said, self.usage)


def _check_order(order, error):
    """Blocks one after the other, numbered from 0."""
    text = " ".join(order)
    stops = [n for n in order if n.startswith("contentBlockStop")]
    if error:
        assert text.endswith("exception"), text
        return
    blocks = "".join(rf"(contentBlockStart{i} )?(contentBlockDelta{i} )*contentBlockStop{i} "
                     for i in range(len(stops)))
    assert re.fullmatch(f"messageStart {blocks}messageStop metadata", text), text


def converse_stream(body, said, usage, strict=True):
    """A streamed answer into `said`."""
    stream = _Stream(said, usage)
    for message in messages(body):
        stream.take(message)
    said.calls = [(name, json.loads(text or "{}")) for name, text in stream.calls.values()]
    if strict:
        _check_order(stream.order, said.error)
    return said


def error(doc):
    """(type, message): the type is in a header."""
    assert isinstance(doc["message"], str) and set(doc) == {"message"}, doc
    return None, doc["message"]
