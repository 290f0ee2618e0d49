# SPDX-License-Identifier: Apache-2.0
"""Runs the Responses of OpenAI's Python SDK through all scenarios; see
drive_openai.py for what is read and printed.
"""
import json
import sys

import openai
import pydantic

GIVEN = json.load(sys.stdin)
MODEL = GIVEN["model"]
TOOLS = [{"type": "function", "name": name, "description": name, "strict": True,
          "parameters": {"type": "object", "properties": {"city": {"type": "string"}},
                         "required": ["city"], "additionalProperties": False}}
         for name in ("get_weather", "get_time")]
PIXEL = ("data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGP4"
         "z8AAAAMBAQDJ/pLvAAAAAElFTkSuQmCC")
BOTH = "use the tool get_weather and get_time"


class Answer(pydantic.BaseModel):
    answer: str


def client(**more):
    return openai.OpenAI(**{"base_url": GIVEN["url"] + "/v1", "api_key": GIVEN["key"],
                            "max_retries": 0, "timeout": 20, **more})


def told(response):
    """What a response says, in the terms of test_responses.py."""
    calls = [i for i in response.output if i.type == "function_call"]
    usage = response.usage
    return {"text": response.output_text, "status": response.status, "id": response.id,
            "model": response.model,
            "reason": response.incomplete_details and response.incomplete_details.reason,
            "calls": [[c.name, json.loads(c.arguments)] for c in calls],
            "ids": [c.call_id for c in calls],
            "usage": usage and [usage.input_tokens, usage.output_tokens,
                                usage.total_tokens]}


def create(text="hello", script="", **more):
    return client().responses.create(model=MODEL + script, **{"input": text, **more})


def chat():
    return told(create(instructions="Be brief."))


def turns():
    return told(create([
        {"role": "user", "content": "one"}, {"role": "assistant", "content": "two"},
        {"role": "user", "content": "three"}]))


def stream():
    kinds, text, last = [], "", None
    for event in create(stream=True):
        kinds.append(event.type)
        if event.type == "response.output_text.delta":
            text += event.delta
        last = event
    return {**told(last.response), "deltas": text, "kinds": kinds}


def stream_helper():
    with client().responses.stream(model=MODEL, input="hello") as events:
        deltas = "".join(e.delta for e in events if e.type == "response.output_text.delta")
        return {**told(events.get_final_response()), "deltas": deltas}


def tools():
    return told(create("use the tool", tools=TOOLS))


def parallel_tools():
    return told(create(BOTH, tools=TOOLS))


def tools_stream_helper():
    with client().responses.stream(model=MODEL, input=BOTH, tools=TOOLS) as events:
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


def parse():
    got = client().responses.parse(model=MODEL, input="hello", text_format=Answer)
    return {"answer": got.output_parsed.answer}


def request_id():
    answer = client().responses.with_raw_response.create(model=MODEL, input="hello")
    return {"header": answer.headers.get("x-request-id"), "id": answer.parse()._request_id}


def retried():
    return told(client(max_retries=2).responses.create(
        model=MODEL + ";status=429;times=1", input="hello"))


SCENARIOS = [chat, turns, stream, stream_helper, tools, parallel_tools, tools_stream_helper,
             tool_round_trip, forced_tool, image, length, parse, request_id, retried]


# Each must raise the SDK's own exception for it.
def wrong_key():
    client(api_key="llmgw-" + "N" * 43).responses.create(model=MODEL, input="hello")


def unknown_model():
    client().responses.create(model="nobody/none", input="hello")


def bad_request():
    create(script=";status=400")


def rate_limited():
    create(script=";status=429;retry_after=2")


def error_in_stream():
    for _ in create(script=";events=8;error_after=7", stream=True):
        pass


ERRORS = [wrong_key, unknown_model, bad_request, rate_limited, error_in_stream]


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
