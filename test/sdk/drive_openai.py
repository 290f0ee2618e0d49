# SPDX-License-Identifier: Apache-2.0
"""Runs OpenAI's Python SDK through all scenarios; tells what it returned.

Reads {"url", "key", "model"} on stdin and prints one JSON object: for each
scenario what the SDK gave, or the class of the exception it raised. Nothing
is judged here; test_sdk.py does, for all SDKs alike.
"""
import asyncio
import json
import sys

import openai

GIVEN = json.load(sys.stdin)
MODEL = GIVEN["model"]
TOOLS = [{"type": "function", "function": {
    "name": name, "description": name, "parameters": {
        "type": "object", "properties": {"city": {"type": "string"}},
        "required": ["city"], "additionalProperties": False}}}
    for name in ("get_weather", "get_time")]
PIXEL = ("data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGP4"
         "z8AAAAMBAQDJ/pLvAAAAAElFTkSuQmCC")


def client(**more):
    return openai.OpenAI(**{"base_url": GIVEN["url"] + "/v1", "api_key": GIVEN["key"],
                            "max_retries": 0, "timeout": 20, **more})


def user(text):
    return [{"role": "user", "content": text}]


def told(completion):
    """What a completion says, in the terms of test_sdk.py."""
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
    return client().chat.completions.create(model=MODEL + script, messages=messages, **more)


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
            model=MODEL, messages=user("hello"),
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
            model=MODEL, messages=user("use the tool get_weather and get_time"),
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
    got = client().embeddings.create(model=GIVEN["embedding"], input=["one", "two"])
    return {"sizes": [len(d.embedding) for d in got.data],
            "numbers": all(isinstance(v, float) for v in got.data[0].embedding)}


def models():
    return {"ids": [m.id for m in client().models.list()]}


def request_id():
    answer = client().chat.completions.with_raw_response.create(
        model=MODEL, messages=user("hello"))
    return {"header": answer.headers.get("x-request-id"), "id": answer.parse()._request_id}


def asynchronous():
    async def ask():
        async with openai.AsyncOpenAI(base_url=GIVEN["url"] + "/v1", api_key=GIVEN["key"],
                                      max_retries=0) as async_client:
            text = ""
            async for chunk in await async_client.chat.completions.create(
                    model=MODEL, messages=user("hello"), stream=True):
                for choice in chunk.choices:
                    text += choice.delta.content or ""
            return text
    return {"text": asyncio.run(ask())}


def retried():
    """The SDK itself tries again after a 429."""
    made = client(max_retries=2).chat.completions.create(
        model=MODEL + ";status=429;times=1", messages=user("hello"))
    return told(made)


SCENARIOS = [chat, system_and_turns, stream, stream_helper, tools, parallel_tools,
             tools_stream_helper, tool_round_trip, forced_tool, image, stop, length,
             embeddings, models, request_id, asynchronous, retried]


# Each must raise the SDK's own exception for it.
def wrong_key():
    client(api_key="llmgw-" + "N" * 43).chat.completions.create(
        model=MODEL, messages=user("hello"))


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


ERRORS = [wrong_key, unknown_model, bad_request, rate_limited, server_error, error_in_stream]


def run(scenario):
    try:
        return {"got": scenario()}
    except openai.APIError as error:
        response = getattr(error, "response", None)
        return {"raised": type(error).__name__, "status": getattr(error, "status_code", None),
                "message": str(error), "code": getattr(error, "code", None),
                "retry_after": response.headers.get("retry-after")
                if response is not None else None}
    except Exception as error:  # told like the others; the test judges
        return {"raised": type(error).__name__, "message": str(error)}


print(json.dumps({s.__name__: run(s) for s in SCENARIOS + ERRORS}))
