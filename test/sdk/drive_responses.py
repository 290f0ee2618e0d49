# SPDX-License-Identifier: Apache-2.0
"""Runs the Responses of OpenAI's Python SDK through all scenarios."""
import functools
import json

import openai
import pydantic

import drive
from drive import BOTH, GIVEN, PING, PIXEL, SCHEMAS, TARGET, WRONG_KEY, model, once

TOOLS = [{"type": "function", "name": name, "description": name, "strict": True,
          "parameters": schema} for name, schema in SCHEMAS.items()]


class Answer(pydantic.BaseModel):
    answer: str


@functools.lru_cache(maxsize=None)
def client(**more):
    return openai.OpenAI(**{"base_url": GIVEN["url"] + "/v1", "api_key": GIVEN["key"],
                            "max_retries": 0, "timeout": 20, **more})


def told(response):
    """What a response says, in the terms of test_matrix.py."""
    calls = [i for i in response.output if i.type == "function_call"]
    usage = response.usage
    return {"text": response.output_text, "finish": response.status, "id": response.id,
            "model": response.model,
            "reason": response.incomplete_details and response.incomplete_details.reason,
            "calls": [[c.name, json.loads(c.arguments)] for c in calls],
            "ids": [c.call_id for c in calls],
            "thinking": "".join(s.text for i in response.output if i.type == "reasoning"
                                for s in i.summary),
            "usage": usage and [usage.input_tokens, usage.output_tokens,
                                usage.total_tokens]}


def create(text="hello", script="", **more):
    return client().responses.create(model=model(script), **{"input": text, **more})


def chat():
    return told(create())


def system_and_turns():
    return told(create([
        {"role": "user", "content": "one"}, {"role": "assistant", "content": "two"},
        {"role": "user", "content": "three"}], instructions="Be brief."))


def stream():
    kinds, text, last = [], "", None
    for event in create(stream=True):
        kinds.append(event.type)
        if event.type == "response.output_text.delta":
            text += event.delta
        last = event
    return {**told(last.response), "deltas": text, "kinds": kinds,
            "several": kinds.count("response.output_text.delta") > 2}


def stream_helper():
    with client().responses.stream(model=model(), input="hello") as events:
        deltas = "".join(e.delta for e in events if e.type == "response.output_text.delta")
        return {**told(events.get_final_response()), "deltas": deltas}


def tools():
    return told(create("use the tool", tools=TOOLS))


def parallel_tools():
    return told(create(BOTH, tools=TOOLS))


def tools_stream_helper():
    with client().responses.stream(model=model(), input=BOTH, tools=TOOLS) as events:
        arguments = [e.arguments for e in events
                     if e.type == "response.function_call_arguments.done"]
        return {**told(events.get_final_response()), "arguments": arguments}


def tool_round_trip():
    """The SDK's own items go back with the results."""
    items = [{"role": "user", "content": BOTH}]
    first = create(items, tools=TOOLS)
    items += first.output
    items += [{"type": "function_call_output", "call_id": c.call_id,
               "output": f"result of {c.name}"}
              for c in first.output if c.type == "function_call"]
    return told(create(items, tools=TOOLS))


def forced_tool():
    return told(create(tools=TOOLS, tool_choice={"type": "function", "name": "get_time"}))


def image():
    return told(create([{"role": "user", "content": [
        {"type": "input_text", "text": "what is this"},
        {"type": "input_image", "image_url": PIXEL, "detail": "auto"}]}]))


def length():
    return told(create("a b c d e f", max_output_tokens=3))


def schema():
    got = client().responses.parse(model=model(), input="give", text_format=Answer)
    return {"parsed": got.output_parsed.model_dump()}


def ping():
    """A call without arguments, whole and streamed."""
    with client().responses.stream(model=model(), input=PING, tools=TOOLS) as events:
        streamed = told(events.get_final_response())["calls"]
    return {"calls": told(create(PING, tools=TOOLS))["calls"], "streamed": streamed}


THINKING = {"reasoning": {"effort": "low", "summary": "auto"}, "store": False,
            "include": ["reasoning.encrypted_content"]}


def thinking():
    return told(client().responses.create(model=TARGET.thinker, input="hello", **THINKING))


def thinking_back():
    """The SDK's own items go back, the encrypted ones among them."""
    items = [{"role": "user", "content": BOTH}]
    first = client().responses.create(model=TARGET.thinker, input=items, tools=TOOLS,
                                      **THINKING)
    items += [i.model_dump(exclude_none=True) for i in first.output]
    items += [{"type": "function_call_output", "call_id": c.call_id,
               "output": f"result of {c.name}"}
              for c in first.output if c.type == "function_call"]
    return told(client().responses.create(model=TARGET.thinker, input=items, tools=TOOLS,
                                          **THINKING))


def abort():
    with client().responses.create(model=drive.endless(), input="hello",
                                   stream=True) as stream:
        return {"count": len(drive.first(stream, 6))}


def request_id():
    answer = client().responses.with_raw_response.create(model=model(), input="hello")
    return {"header": answer.headers.get("x-request-id"), "id": answer.parse()._request_id}


def retried():
    return told(client(max_retries=2).responses.create(
        model=once(";status=429"), input="hello"))



# Each must raise the SDK's own exception for it.
def wrong_key():
    client(api_key=WRONG_KEY).responses.create(model=model(), input="hello")


def unknown_model():
    client().responses.create(model="nobody/none", input="hello")


def bad_request():
    create(script=";status=400")


def rate_limited():
    create(script=";status=429;retry_after=2")


def server_error():
    create(script=";status=500")


def error_in_stream():
    for _ in create(script=";events=8;error_after=7", stream=True):
        pass


drive.run([chat, system_and_turns, stream, stream_helper, tools, parallel_tools,
           tools_stream_helper, ping, tool_round_trip, forced_tool, image, schema, length,
           thinking, thinking_back, abort, request_id, retried, wrong_key, unknown_model,
           bad_request, rate_limited, server_error, error_in_stream], drive.of_response)
