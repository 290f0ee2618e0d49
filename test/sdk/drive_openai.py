# SPDX-License-Identifier: Apache-2.0
"""Runs OpenAI's Python SDK through all scenarios; in the row "azure" as a client of
Azure OpenAI's, which names models, there deployments, in the path."""
import asyncio
import functools
import json

import openai
import pydantic

import drive
from drive import BOTH, GIVEN, PING, PIXEL, TARGET, TOOLS, WRONG_KEY, model, once


class Answer(pydantic.BaseModel):
    answer: str



@functools.lru_cache(maxsize=None)
def client(**more):
    more = {"api_key": GIVEN["key"], "max_retries": 0, "timeout": 20, **more}
    if GIVEN["row"] == "azure":
        return openai.AzureOpenAI(azure_endpoint=GIVEN["url"], api_version="2024-10-21", **more)
    return openai.OpenAI(base_url=GIVEN["url"] + "/v1", **more)


def user(text):
    return [{"role": "user", "content": text}]


def told(completion):
    """What a completion says, in the terms of test_matrix.py."""
    choice = completion.choices[0]
    usage = completion.usage
    return {"text": choice.message.content, "finish": choice.finish_reason,
            "calls": [[c.function.name, json.loads(c.function.arguments)]
                      for c in choice.message.tool_calls or []],
            "ids": [c.id for c in choice.message.tool_calls or []],
            "model": completion.model, "id": completion.id,
            "usage": usage and [usage.prompt_tokens, usage.completion_tokens,
                                usage.total_tokens]}


def create(text="hello", script="", **more):
    messages = more.pop("messages", None) or user(text)
    return client().chat.completions.create(model=model(script), messages=messages, **more)


def chat():
    return told(create())


def system_and_turns():
    return told(create(messages=[
        {"role": "system", "content": "Be brief."}, {"role": "user", "content": "one"},
        {"role": "assistant", "content": "two"}, {"role": "user", "content": "three"}]))


def stream():
    text, finish, count, usage = "", None, 0, None
    for chunk in create(stream=True):
        count += 1
        for choice in chunk.choices:
            text += choice.delta.content or ""
            finish = choice.finish_reason or finish
        usage = chunk.usage or usage
    return {"text": text, "finish": finish, "several": count > 3,
            "usage": usage and [usage.prompt_tokens, usage.completion_tokens,
                                usage.total_tokens]}


def stream_helper():
    with client().chat.completions.stream(
            model=model(), messages=user("hello"),
            stream_options={"include_usage": True}) as events:
        deltas = "".join(e.delta for e in events if e.type == "content.delta")
        final = told(events.get_final_completion())
    return {**final, "deltas": deltas}


def tools():
    return told(create("use the tool", tools=TOOLS))


def parallel_tools():
    return told(create("use the tool get_weather and get_time", tools=TOOLS))


def tools_stream_helper():
    with client().chat.completions.stream(
            model=model(), messages=user("use the tool get_weather and get_time"),
            tools=TOOLS) as events:
        for _ in events:
            pass
        return told(events.get_final_completion())


def tool_round_trip():
    """The SDK's own message goes back with the results."""
    messages = user("use the tool get_weather and get_time")
    first = create(messages=messages, tools=TOOLS)
    message = first.choices[0].message
    results = [{"role": "tool", "tool_call_id": c.id, "content": f"result of {c.function.name}"}
               for c in message.tool_calls]
    return told(create(messages=[*messages, message, *results], tools=TOOLS))


def forced_tool():
    return told(create(tools=TOOLS, tool_choice={
        "type": "function", "function": {"name": "get_time"}}))


def ping():
    """A call without arguments, whole and streamed."""
    with client().chat.completions.stream(model=model(), messages=user(PING),
                                          tools=TOOLS) as events:
        for _ in events:
            pass
        streamed = told(events.get_final_completion())["calls"]
    return {"calls": told(create(PING, tools=TOOLS))["calls"], "streamed": streamed}


def schema():
    got = client().chat.completions.parse(model=model(), messages=user("give"),
                                          response_format=Answer)
    return {"parsed": got.choices[0].message.parsed.model_dump()}


def thinking():
    got = client().chat.completions.create(model=TARGET.thinker, messages=user("hello"),
                                           reasoning_effort="low")
    return {**told(got), "thinking": getattr(got.choices[0].message, "reasoning_content", "")}


def thinking_back():
    """The SDK's own message goes back, what it does not know included."""
    ask = {"model": TARGET.thinker, "tools": TOOLS, "reasoning_effort": "low"}
    first = client().chat.completions.create(messages=user(BOTH), **ask).choices[0].message
    results = [{"role": "tool", "tool_call_id": c.id, "content": f"result of {c.function.name}"}
               for c in first.tool_calls]
    return told(client().chat.completions.create(
        messages=[*user(BOTH), first.model_dump(exclude_none=True), *results], **ask))


def abort():
    with client().chat.completions.create(model=drive.endless(), messages=user("hello"),
                                          stream=True) as stream:
        return {"count": len(drive.first(stream))}


def image():
    return told(create(messages=[{"role": "user", "content": [
        {"type": "text", "text": "what is this"},
        {"type": "image_url", "image_url": {"url": PIXEL}}]}]))


def stop():
    return told(create("a STOP b", stop=["STOP"]))


def length():
    return told(create("a b c d e f", max_tokens=3))


def embeddings():
    """The SDK asks for base64 by itself and unpacks it."""
    got = client().embeddings.create(model=TARGET.embedding, input=["one", "two"])
    return {"sizes": [len(d.embedding) for d in got.data],
            "numbers": all(isinstance(v, float) for v in got.data[0].embedding)}


def models():
    return {"ids": [m.id for m in client().models.list()]}


def request_id():
    answer = client().chat.completions.with_raw_response.create(
        model=model(), messages=user("hello"))
    return {"header": answer.headers.get("x-request-id"), "id": answer.parse()._request_id}


def asynchronous():
    async def ask():
        async with openai.AsyncOpenAI(base_url=GIVEN["url"] + "/v1", api_key=GIVEN["key"],
                                      max_retries=0) as async_client:
            text = ""
            async for chunk in await async_client.chat.completions.create(
                    model=model(), messages=user("hello"), stream=True):
                for choice in chunk.choices:
                    text += choice.delta.content or ""
            return text
    return {"text": asyncio.run(ask())}


def retried():
    """The SDK itself tries again after a 429."""
    made = client(max_retries=2).chat.completions.create(
        model=once(";status=429"), messages=user("hello"))
    return told(made)



# Each must raise the SDK's own exception for it.
def wrong_key():
    client(api_key=WRONG_KEY).chat.completions.create(
        model=model(), messages=user("hello"))


def unknown_model():
    client().chat.completions.create(model="nobody/none", messages=user("hello"))


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
           length, thinking, thinking_back, abort, embeddings, models, request_id,
           asynchronous, retried, wrong_key, unknown_model, bad_request, rate_limited,
           server_error, error_in_stream], drive.of_response)
