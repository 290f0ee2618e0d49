# SPDX-License-Identifier: Apache-2.0
"""Runs boto3's bedrock-runtime client through all scenarios: Converse and
ConverseStream, with the gateway's key as Bedrock's API key."""
import base64
import functools
import json
import os

import boto3
from botocore.config import Config

import drive
from drive import ANSWER, BOTH, CITY, GIVEN, NOTHING, PING, PNG, TARGET, WRONG_KEY, model

TOOLS = {"tools": [{"toolSpec": {"name": name, "description": name,
                                 "inputSchema": {"json": schema}}}
                   for name, schema in (("get_weather", CITY), ("get_time", CITY),
                                        ("ping", NOTHING))]}
THINK = {"additionalModelRequestFields": {"thinking": {"type": "enabled",
                                                       "budget_tokens": 1024}},
         "inferenceConfig": {"maxTokens": 8000}}


@functools.lru_cache(maxsize=None)
def client(key=GIVEN["key"]):
    """The key is sent by HTTPS only, and taken from the environment alone."""
    os.environ["AWS_BEARER_TOKEN_BEDROCK"] = key
    return boto3.client(
        "bedrock-runtime", region_name="us-east-1", endpoint_url=GIVEN["url"],
        config=Config(retries={"total_max_attempts": 1}, read_timeout=20))


def user(*content, text="hello"):
    return [{"role": "user", "content": list(content) or [{"text": text}]}]


def calls_of(content):
    return [b["toolUse"] for b in content if "toolUse" in b]


def thinking_of(content):
    return "".join(b["reasoningContent"].get("reasoningText", {}).get("text", "")
                   for b in content if "reasoningContent" in b)


def told(answer):
    content = answer["output"]["message"]["content"]
    usage = answer["usage"]
    assert answer["ResponseMetadata"]["RequestId"], answer
    return {"text": "".join(b.get("text", "") for b in content),
            "thinking": thinking_of(content), "finish": answer["stopReason"],
            "usage": [usage["inputTokens"], usage["outputTokens"]],
            "ids": [c["toolUseId"] for c in calls_of(content)],
            "calls": [[c["name"], c["input"]] for c in calls_of(content)]}


def ask(messages=None, script="", name=None, **more):
    return client().converse(modelId=name or model(script), messages=messages or user(),
                             **more)


class Gathered:
    """A stream put together, as its readers do it."""

    def __init__(self):
        self.content, self.deltas = {}, 0
        self.finish = self.usage = None

    def take(self, kind, event):
        if kind == "contentBlockStart":
            use = event["start"]["toolUse"]
            self.content[event["contentBlockIndex"]] = {"toolUse": {**use, "input": ""}}
        elif kind == "contentBlockDelta":
            self.deltas += 1
            self._add(event["contentBlockIndex"], event["delta"])
        elif kind == "messageStop":
            self.finish = event["stopReason"]
        elif kind == "metadata":
            self.usage = [event["usage"]["inputTokens"], event["usage"]["outputTokens"]]

    def _add(self, index, delta):
        (kind, value), = delta.items()
        if kind == "toolUse":
            self.content[index]["toolUse"]["input"] += value["input"]
        elif kind == "text":
            block = self.content.setdefault(index, {"text": ""})
            block["text"] += value
        elif "redactedContent" in value:
            self.content[index] = {"reasoningContent": value}
        else:
            block = self.content.setdefault(index, {"reasoningContent": {"reasoningText": {
                "text": ""}}})["reasoningContent"]["reasoningText"]
            for name, text in value.items():
                block[name] = block.get(name, "") + text

    def told(self):
        blocks = [b for _, b in sorted(self.content.items())]
        for use in calls_of(blocks):
            use["input"] = json.loads(use["input"] or "{}")
        return {"text": "".join(b.get("text", "") for b in blocks),
                "thinking": thinking_of(blocks), "finish": self.finish, "usage": self.usage,
                "several": self.deltas > 1, "blocks": blocks,
                "ids": [c["toolUseId"] for c in calls_of(blocks)],
                "calls": [[c["name"], c["input"]] for c in calls_of(blocks)]}


def ask_stream(messages=None, script="", name=None, **more):
    answer = client().converse_stream(modelId=name or model(script),
                                      messages=messages or user(), **more)
    gathered = Gathered()
    for event in answer["stream"]:
        (kind, value), = event.items()
        gathered.take(kind, value)
    return gathered.told()


def shown(got):
    return {k: v for k, v in got.items() if k != "blocks"}


def chat():
    return told(ask())


def system_and_turns():
    return told(ask([*user(text="one"), {"role": "assistant", "content": [{"text": "two"}]},
                     *user(text="three")], system=[{"text": "Be brief."}]))


def stream():
    return shown(ask_stream())


def tools():
    return told(ask(user(text="use the tool"), toolConfig=TOOLS))


def parallel_tools():
    return told(ask(user(text=BOTH), toolConfig=TOOLS))


def tools_stream():
    return shown(ask_stream(user(text=BOTH), toolConfig=TOOLS))


def ping():
    asked = user(text=PING)
    return {"calls": told(ask(asked, toolConfig=TOOLS))["calls"],
            "streamed": ask_stream(asked, toolConfig=TOOLS)["calls"]}


def results_of(content):
    """Text, and data."""
    made = [{"text": "result of get_weather"}, {"text": "result of get_time"}]
    return user(*({"toolResult": {"toolUseId": c["toolUseId"], "content": [result]}}
                  for c, result in zip(calls_of(content), made)))


def tool_round_trip():
    """The SDK's own message goes back with the results."""
    first = ask(user(text=BOTH), toolConfig=TOOLS)["output"]["message"]
    return told(ask([*user(text=BOTH), first, *results_of(first["content"])],
                    toolConfig=TOOLS))


def forced_tool():
    return told(ask(toolConfig={**TOOLS, "toolChoice": {"tool": {"name": "get_time"}}}))


def image():
    picture = {"image": {"format": "png", "source": {"bytes": base64.b64decode(PNG)}}}
    return told(ask(user({"text": "what is this"}, picture)))


def schema():
    form = {"textFormat": {"type": "json_schema", "structure": {"jsonSchema": {
        "name": "answer", "schema": json.dumps(ANSWER)}}}}
    got = told(ask(user(text="give"), name=TARGET.thinker, outputConfig=form))
    return {"parsed": json.loads(got["text"])}


def stop():
    return told(ask(user(text="a END b"), inferenceConfig={"stopSequences": ["END"]}))


def length():
    return told(ask(user(text="a b c d e f"), inferenceConfig={"maxTokens": 3}))


def thinking():
    got = told(ask(name=TARGET.thinker, **THINK))
    return {**got, "streamed": ask_stream(name=TARGET.thinker, **THINK)["thinking"]}


def thinking_back():
    """What it thought goes back with the calls it made, bytes and all."""
    asked = user(text=BOTH)
    blocks = ask_stream(asked, name=TARGET.thinker, toolConfig=TOOLS, **THINK)["blocks"]
    return told(ask([*asked, {"role": "assistant", "content": blocks}, *results_of(blocks)],
                    name=TARGET.thinker, toolConfig=TOOLS, **THINK))


def count_tokens():
    got = client().count_tokens(modelId=model(), input={"converse": {"messages": user()}})
    return {"count": got["inputTokens"]}


def abort():
    answer = client().converse_stream(modelId=drive.endless(), messages=user())
    count = len(drive.first(answer["stream"], 5))
    answer["stream"].close()
    return {"count": count}


def wrong_key():
    return told(client(WRONG_KEY).converse(modelId=model(), messages=user()))


def unknown_model():
    return told(ask(name="nobody/none"))


def bad_request():
    return told(ask(script=";status=400"))


def rate_limited():
    return told(ask(script=";status=429;retry_after=2"))


def server_error():
    return told(ask(script=";status=500"))


def error_in_stream():
    return shown(ask_stream(script=";events=6;error_after=5"))


def describe(error):
    """What a ClientError keeps of the answer."""
    answer = getattr(error, "response", {})
    meta = answer.get("ResponseMetadata", {})
    return {"status": meta.get("HTTPStatusCode"), "code": answer.get("Error", {}).get("Code"),
            "retry_after": meta.get("HTTPHeaders", {}).get("retry-after")}


if __name__ == "__main__":
    drive.run([chat, system_and_turns, stream, tools, parallel_tools, tools_stream, ping,
               tool_round_trip, forced_tool, image, schema, stop, length, thinking,
               thinking_back, count_tokens, abort, wrong_key, unknown_model, bad_request,
               rate_limited, server_error, error_in_stream], describe)
