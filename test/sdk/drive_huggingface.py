# SPDX-License-Identifier: Apache-2.0
"""Runs huggingface_hub's InferenceClient through all scenarios.

It is a client of Chat Completions at a base URL; text_generation is the old
Inference API and does not come this way.
"""
import asyncio
import functools
import json

from huggingface_hub import AsyncInferenceClient, InferenceClient
from huggingface_hub.errors import HfHubHTTPError

import drive
from drive import ANSWER, BOTH, GIVEN, PING, PIXEL, TARGET, TOOLS, WRONG_KEY, model


@functools.lru_cache(maxsize=None)
def client(key=GIVEN["key"]):
    return InferenceClient(base_url=GIVEN["url"] + "/v1", api_key=key, timeout=20)


def user(text="hello"):
    return [{"role": "user", "content": text}]


def told(answer):
    choice, usage = answer.choices[0], answer.usage
    calls = choice.message.tool_calls or []
    return {"text": choice.message.content, "finish": choice.finish_reason, "id": answer.id,
            "calls": [[c.function.name, json.loads(c.function.arguments)] for c in calls],
            "ids": [c.id for c in calls],
            "usage": usage and [usage.prompt_tokens, usage.completion_tokens]}


def ask(messages=None, script="", **more):
    return client().chat_completion(messages or user(), model=model(script), **more)


def gathered(chunks):
    got = {"text": "", "finish": None, "usage": None, "calls": {}, "ids": []}
    pieces = 0
    for chunk in chunks:
        got["usage"] = chunk.usage and [chunk.usage.prompt_tokens,
                                        chunk.usage.completion_tokens] or got["usage"]
        for choice in chunk.choices:
            pieces += bool(choice.delta.content)
            got["text"] += choice.delta.content or ""
            got["finish"] = choice.finish_reason or got["finish"]
            for call in choice.delta.tool_calls or []:
                kept = got["calls"].setdefault(call.index, [call.function.name, ""])
                kept[1] += call.function.arguments or ""
    calls = [[name, json.loads(text)] for name, text in got["calls"].values()]
    return {**got, "calls": calls, "ids": list(got["calls"]), "several": pieces > 2}


def chat():
    return told(ask())


def system_and_turns():
    return told(ask([{"role": "system", "content": "Be brief."}, *user("one"),
                     {"role": "assistant", "content": "two"}, *user("three")]))


def stream():
    return gathered(ask(stream=True))


def tools():
    return told(ask(user("use the tool"), tools=TOOLS))


def parallel_tools():
    return told(ask(user(BOTH), tools=TOOLS))


def tools_stream():
    return gathered(ask(user(BOTH), tools=TOOLS, stream=True))


def ping():
    """A call without arguments, whole and streamed."""
    return {"calls": told(ask(user(PING), tools=TOOLS))["calls"],
            "streamed": gathered(ask(user(PING), tools=TOOLS, stream=True))["calls"]}


def tool_round_trip():
    """The SDK's own message goes back with the results."""
    first = ask(user(BOTH), tools=TOOLS).choices[0].message
    results = [{"role": "tool", "tool_call_id": c.id, "content": f"result of {c.function.name}"}
               for c in first.tool_calls]
    first = {k: v for k, v in first.items() if v is not None}
    return told(ask([*user(BOTH), first, *results], tools=TOOLS))


def forced_tool():
    return told(ask(tools=TOOLS, tool_choice={"type": "function",
                                              "function": {"name": "get_time"}}))


def image():
    return told(ask([{"role": "user", "content": [
        {"type": "text", "text": "what is this"},
        {"type": "image_url", "image_url": {"url": PIXEL}}]}]))


def schema():
    got = ask(user("give"), response_format={"type": "json_schema", "json_schema": {
        "name": "answer", "schema": ANSWER, "strict": True}})
    return {"parsed": json.loads(got.choices[0].message.content)}


def stop():
    return told(ask(user("a STOP b"), stop=["STOP"]))


def length():
    return told(ask(user("a b c d e f"), max_tokens=3))


def abort():
    chunks = client().chat_completion(user(), model=drive.endless(), stream=True)
    count = len(drive.first(chunks))
    chunks.close()
    return {"count": count}


def asynchronous():
    async def run_it():
        text = ""
        async with AsyncInferenceClient(base_url=GIVEN["url"] + "/v1",
                                        api_key=GIVEN["key"]) as made:
            async for chunk in await made.chat_completion(user(), model=model(), stream=True):
                for choice in chunk.choices:
                    text += choice.delta.content or ""
        return text
    return {"text": asyncio.run(run_it())}


def retried():
    """It does not try again by itself: the second call is the caller's."""
    try:
        client().chat_completion(user(), model=drive.once(";status=429"))
    except HfHubHTTPError:
        return told(client().chat_completion(user(), model=drive.once(";status=429")))
    return {"text": "nothing was raised"}


# Each must raise the SDK's own exception for it.
def wrong_key():
    client(WRONG_KEY).chat_completion(user(), model=model())


def unknown_model():
    client().chat_completion(user(), model="nobody/none")


def bad_request():
    ask(script=";status=400")


def rate_limited():
    ask(script=";status=429;retry_after=2")


def server_error():
    ask(script=";status=500")


def error_in_stream():
    for _ in ask(script=";events=6;error_after=4", stream=True):
        pass


def describe(error):
    if isinstance(error, HfHubHTTPError):
        response = error.response
        return {"status": response.status_code, "message": f"{error} {error.server_message}",
                "retry_after": response.headers.get("retry-after")}
    return None


drive.run([chat, system_and_turns, stream, tools, parallel_tools, tools_stream, ping,
           tool_round_trip, forced_tool, image, schema, stop, length, abort, asynchronous,
           retried, wrong_key, unknown_model, bad_request, rate_limited, server_error,
           error_in_stream], describe)
