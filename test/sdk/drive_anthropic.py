# SPDX-License-Identifier: Apache-2.0
"""Runs Anthropic's Python SDK through all scenarios."""
import asyncio
import functools
import json

import anthropic
import pydantic

import drive
from drive import BOTH, GIVEN, PING, PNG, SCHEMAS, TARGET, WRONG_KEY, model, once

TOOLS = [{"name": name, "description": name, "input_schema": schema}
         for name, schema in SCHEMAS.items()]


class Answer(pydantic.BaseModel):
    answer: str


@functools.lru_cache(maxsize=None)
def client(**more):
    return anthropic.Anthropic(**{"base_url": GIVEN["url"], "api_key": GIVEN["key"],
                                  "max_retries": 0, "timeout": 20, **more})


def user(text):
    return [{"role": "user", "content": text}]


def told(message):
    usage = message.usage
    return {"text": "".join(b.text for b in message.content if b.type == "text") or None,
            "finish": message.stop_reason, "stop_sequence": message.stop_sequence,
            "calls": [[b.name, b.input] for b in message.content if b.type == "tool_use"],
            "ids": [b.id for b in message.content if b.type == "tool_use"],
            "thinking": "".join(b.thinking for b in message.content if b.type == "thinking"),
            "model": message.model, "id": message.id,
            "usage": [usage.input_tokens, usage.output_tokens]}


def create(text="hello", script="", **more):
    more = {"messages": user(text), "max_tokens": 1000, **more}
    return client().messages.create(model=model(script), **more)


def chat():
    return told(create())


def system_and_turns():
    return told(create(system="Be brief.", messages=[
        {"role": "user", "content": "one"}, {"role": "assistant", "content": "two"},
        {"role": "user", "content": "three"}]))


def stream():
    text, finish, count, usage = "", None, 0, None
    for event in create(stream=True):
        count += 1
        if event.type == "content_block_delta" and event.delta.type == "text_delta":
            text += event.delta.text
        if event.type == "message_delta":
            finish, usage = event.delta.stop_reason, event.usage.output_tokens
    return {"text": text, "finish": finish, "several": count > 3, "usage": [None, usage]}


def stream_helper():
    with client().messages.stream(model=model(), max_tokens=1000,
                                  messages=user("hello")) as events:
        deltas = "".join(events.text_stream)
        final = told(events.get_final_message())
    return {**final, "deltas": deltas}


def tools():
    return told(create("use the tool", tools=TOOLS))


def parallel_tools():
    return told(create("use the tool get_weather and get_time", tools=TOOLS))


def tools_stream_helper():
    with client().messages.stream(
            model=model(), max_tokens=1000, tools=TOOLS,
            messages=user("use the tool get_weather and get_time")) as events:
        for _ in events:
            pass
        return told(events.get_final_message())


def tool_round_trip():
    messages = user("use the tool get_weather and get_time")
    first = create(messages=messages, tools=TOOLS)
    results = [{"type": "tool_result", "tool_use_id": b.id, "content": f"result of {b.name}"}
               for b in first.content if b.type == "tool_use"]
    return told(create(messages=[*messages, {"role": "assistant", "content": first.content},
                                 {"role": "user", "content": results}], tools=TOOLS))


def forced_tool():
    return told(create(tools=TOOLS, tool_choice={"type": "tool", "name": "get_time"}))


def image():
    return told(create(messages=[{"role": "user", "content": [
        {"type": "image", "source": {"type": "base64", "media_type": "image/png",
                                     "data": PNG}},
        {"type": "text", "text": "what is this"}]}]))


def stop():
    return told(create("a STOP b", stop_sequences=["STOP"]))


def length():
    return told(create("a b c d e f", max_tokens=3))


def ping():
    """A call without arguments, whole and streamed."""
    with client().messages.stream(model=model(), max_tokens=1000, tools=TOOLS,
                                  messages=user(PING)) as events:
        streamed = told(events.get_final_message())["calls"]
    return {"calls": told(create(PING, tools=TOOLS))["calls"], "streamed": streamed}


def schema():
    got = client().messages.parse(model=TARGET.thinker, max_tokens=1000,
                                  messages=user("give"), output_format=Answer)
    return {"parsed": got.parsed_output.model_dump()}


THINKING = {"max_tokens": 4000, "thinking": {"type": "enabled", "budget_tokens": 1024}}


def thinking():
    got = client().messages.create(model=TARGET.thinker, messages=user("hello"), **THINKING)
    with client().messages.stream(model=TARGET.thinker, messages=user("hello"),
                                  **THINKING) as events:
        streamed = told(events.get_final_message())
    return {**told(got), "streamed": streamed["thinking"]}


def thinking_back():
    """The SDK's own blocks go back, the signed thinking among them."""
    first = client().messages.create(model=TARGET.thinker, messages=user(BOTH), tools=TOOLS,
                                     **THINKING)
    results = [{"type": "tool_result", "tool_use_id": b.id, "content": f"result of {b.name}"}
               for b in first.content if b.type == "tool_use"]
    return told(client().messages.create(
        model=TARGET.thinker, tools=TOOLS, messages=[
            *user(BOTH), {"role": "assistant", "content": first.content},
            {"role": "user", "content": results}], **THINKING))


def abort():
    with client().messages.create(model=drive.endless(), max_tokens=1000,
                                  messages=user("hello"), stream=True) as stream:
        return {"count": len(drive.first(stream))}


def models():
    return {"ids": [m.id for m in client().models.list()]}


def count_tokens():
    got = client().messages.count_tokens(model=model(), messages=user("hello"))
    return {"count": got.input_tokens}


def request_id():
    answer = client().messages.with_raw_response.create(
        model=model(), max_tokens=10, messages=user("hello"))
    return {"header": answer.headers.get("x-request-id"),
            "id": answer.headers.get("x-request-id")}


def asynchronous():
    async def ask():
        async with anthropic.AsyncAnthropic(base_url=GIVEN["url"], api_key=GIVEN["key"],
                                            max_retries=0) as async_client:
            async with async_client.messages.stream(
                    model=model(), max_tokens=1000, messages=user("hello")) as events:
                return "".join([t async for t in events.text_stream])
    return {"text": asyncio.run(ask())}


def bearer():
    """The SDK's other way to send its credential."""
    made = anthropic.Anthropic(base_url=GIVEN["url"], auth_token=GIVEN["key"], api_key=None,
                               max_retries=0)
    return told(made.messages.create(model=model(), max_tokens=1000, messages=user("hello")))


def retried():
    made = client(max_retries=2).messages.create(
        model=once(";status=429"), max_tokens=1000, messages=user("hello"))
    return told(made)



def wrong_key():
    client(api_key=WRONG_KEY).messages.create(
        model=model(), max_tokens=10, messages=user("hello"))


def unknown_model():
    client().messages.create(model="nobody/none", max_tokens=10, messages=user("hello"))


def bad_request():
    create(script=";status=400")


def rate_limited():
    create(script=";status=429;retry_after=2")


def server_error():
    create(script=";status=500")


def error_in_stream():
    for _ in create(script=";events=6;error_after=4", stream=True):
        pass


drive.run([chat, system_and_turns, stream, stream_helper, tools, parallel_tools,
           tools_stream_helper, ping, tool_round_trip, forced_tool, image, schema, stop,
           length, thinking, thinking_back, abort, models, count_tokens, request_id,
           asynchronous, bearer, retried, wrong_key, unknown_model, bad_request,
           rate_limited, server_error, error_in_stream], drive.of_response)
