# SPDX-License-Identifier: Apache-2.0
"""Runs Mistral's Python SDK through all scenarios."""
import asyncio
import functools
import json

import pydantic
from mistralai.client import Mistral
from mistralai.client import errors

import drive
from drive import BOTH, GIVEN, PING, PIXEL, TARGET, TOOLS, WRONG_KEY, model


class Answer(pydantic.BaseModel):
    answer: str


@functools.lru_cache(maxsize=None)
def client(key=GIVEN["key"]):
    return Mistral(api_key=key, server_url=GIVEN["url"], timeout_ms=20000)


def user(text="hello"):
    return [{"role": "user", "content": text}]


def read_arguments(given):
    return json.loads(given) if isinstance(given, str) else given


def texts_of(content, kind):
    """A message's text, or its thinking: content is a string, or chunks."""
    if not isinstance(content, list):
        return (content or "") if kind == "text" else ""
    if kind == "text":
        return "".join(c.text for c in content if c.type == "text")
    return "".join(t.text for c in content if c.type == "thinking" for t in c.thinking)


def told(answer):
    choice, usage = answer.choices[0], answer.usage
    calls = choice.message.tool_calls or []
    return {"text": texts_of(choice.message.content, "text"),
            "thinking": texts_of(choice.message.content, "thinking"),
            "finish": choice.finish_reason, "id": answer.id,
            "calls": [[c.function.name, read_arguments(c.function.arguments)] for c in calls],
            "ids": [c.id for c in calls],
            "usage": [usage.prompt_tokens, usage.completion_tokens, usage.total_tokens]}


def ask(messages=None, script="", **more):
    return client().chat.complete(model=model(script), messages=messages or user(), **more)


def ask_stream(messages=None, script="", **more):
    return client().chat.stream(model=model(script), messages=messages or user(), **more)


def gathered(events):
    """Mistral's streams hold each call whole, and the usage in the last chunk."""
    got = {"text": "", "thinking": "", "calls": [], "ids": [], "finish": None, "usage": None}
    pieces = 0
    for event in events:
        usage = event.data.usage
        got["usage"] = usage and [usage.prompt_tokens, usage.completion_tokens] or got["usage"]
        for choice in event.data.choices:
            text = texts_of(choice.delta.content, "text")
            pieces += bool(text)
            got["text"] += text
            got["thinking"] += texts_of(choice.delta.content, "thinking")
            got["finish"] = choice.finish_reason or got["finish"]
            for call in choice.delta.tool_calls or []:
                got["calls"].append([call.function.name,
                                     read_arguments(call.function.arguments)])
                got["ids"].append(call.id)
    return {**got, "several": pieces > 2}


def chat():
    return told(ask())


def system_and_turns():
    return told(ask([{"role": "system", "content": "Be brief."}, *user("one"),
                     {"role": "assistant", "content": "two"}, *user("three")],
                    safe_prompt=False, random_seed=7))


def stream():
    return gathered(ask_stream())


def parse_stream():
    """The answer of a stream read into a class by the SDK."""
    with client().chat.parse_stream(model=model(), messages=user("hello"),
                                    response_format=Answer) as events:
        text = gathered(events)["text"]
    return {"parsed": json.loads(text)}


def tools():
    return told(ask(user("use the tool"), tools=TOOLS))


def parallel_tools():
    return told(ask(user(BOTH), tools=TOOLS, parallel_tool_calls=True))


def tools_stream():
    return gathered(ask_stream(user(BOTH), tools=TOOLS))


def ping():
    """A call without arguments, whole and streamed."""
    return {"calls": told(ask(user(PING), tools=TOOLS))["calls"],
            "streamed": gathered(ask_stream(user(PING), tools=TOOLS))["calls"]}


def _answered(first):
    return [first, *({"role": "tool", "name": c.function.name, "tool_call_id": c.id,
                      "content": f"result of {c.function.name}"} for c in first.tool_calls)]


def tool_round_trip():
    """The SDK's own message goes back with the results."""
    first = ask(user(BOTH), tools=TOOLS).choices[0].message
    return told(ask([*user(BOTH), *_answered(first)], tools=TOOLS))


def forced_tool():
    """Mistral's word for it is "any"."""
    return told(ask(tools=TOOLS, tool_choice="any"))


def image():
    return told(ask([{"role": "user", "content": [
        {"type": "text", "text": "what is this"}, {"type": "image_url", "image_url": PIXEL}]}]))


def schema():
    got = client().chat.parse(model=model(), messages=user("give"), response_format=Answer)
    return {"parsed": got.choices[0].message.parsed.model_dump()}


def stop():
    return told(ask(user("a STOP b"), stop=["STOP"]))


def length():
    return told(ask(user("a b c d e f"), max_tokens=3))


def thinking():
    with client().chat.stream(model=TARGET.thinker, messages=user(),
                              prompt_mode="reasoning") as events:
        streamed = gathered(events)
    got = client().chat.complete(model=TARGET.thinker, messages=user(),
                                 prompt_mode="reasoning")
    return {**told(got), "streamed": streamed["thinking"]}


def thinking_back():
    """The SDK's own chunks go back."""
    more = {"model": TARGET.thinker, "tools": TOOLS, "prompt_mode": "reasoning"}
    first = client().chat.complete(messages=user(BOTH), **more).choices[0].message
    return told(client().chat.complete(messages=[*user(BOTH), *_answered(first)], **more))


def abort():
    with client().chat.stream(model=drive.endless(), messages=user()) as events:
        return {"count": len(drive.first(events))}


def embeddings():
    got = client().embeddings.create(model=TARGET.embedding, inputs=["one", "two"])
    return {"sizes": [len(d.embedding) for d in got.data]}


def models():
    return {"ids": [m.id for m in client().models.list().data],
            "one": client().models.retrieve(model_id="smart").id}


def asynchronous():
    async def run_it():
        text = ""
        async with Mistral(api_key=GIVEN["key"], server_url=GIVEN["url"]) as made:
            async for event in await made.chat.stream_async(model=model(), messages=user()):
                text += texts_of(event.data.choices[0].delta.content, "text")
        return text
    return {"text": asyncio.run(run_it())}


# Each must raise the SDK's own exception for it.
def wrong_key():
    client(WRONG_KEY).chat.complete(model=model(), messages=user())


def unknown_model():
    client().chat.complete(model="nobody/none", messages=user())


def bad_request():
    ask(script=";status=400")


def rate_limited():
    ask(script=";status=429;retry_after=2")


def server_error():
    ask(script=";status=500")


def error_in_stream():
    """The SDK raises for an event that is no chunk."""
    return gathered(ask_stream(script=";events=6;error_after=4"))


def describe(error):
    if isinstance(error, errors.SDKError):
        return {"status": error.status_code,
                "retry_after": error.headers.get("retry-after")}
    return None


drive.run([chat, system_and_turns, stream, parse_stream, tools, parallel_tools, tools_stream,
           ping, tool_round_trip, forced_tool, image, schema, stop, length, thinking,
           thinking_back, abort, embeddings, models, asynchronous, wrong_key, unknown_model,
           bad_request, rate_limited, server_error, error_in_stream], describe)
