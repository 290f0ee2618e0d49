# SPDX-License-Identifier: Apache-2.0
"""Runs Google's Python SDK (google-genai) through all scenarios."""
import asyncio
import base64
import functools
import json
import warnings

import pydantic
from google import genai
from google.genai import errors, types

import drive
from drive import BOTH, GIVEN, PING, PNG, SCHEMAS, TARGET, WRONG_KEY, model

warnings.simplefilter("ignore")

PIXEL = base64.b64decode(PNG)
TOOLS = [types.Tool(function_declarations=[types.FunctionDeclaration(
    name=name, description=name, parameters_json_schema=schema)
    for name, schema in SCHEMAS.items()])]
BY_HAND = types.AutomaticFunctionCallingConfig(disable=True)


@functools.lru_cache(maxsize=None)
def client(key=GIVEN["key"]):
    """Kept: the SDK closes its connections with the last reference."""
    return genai.Client(api_key=key, http_options=types.HttpOptions(
        base_url=GIVEN["url"], timeout=20000))


def told(answer):
    candidate = answer.candidates[0]
    usage = answer.usage_metadata
    parts = candidate.content.parts or []
    calls = [p.function_call for p in parts if p.function_call]
    return {"text": "".join(p.text for p in parts if p.text and not p.thought),
            "thinking": "".join(p.text for p in parts if p.text and p.thought),
            "finish": candidate.finish_reason and candidate.finish_reason.value,
            "calls": [[c.name, dict(c.args)] for c in calls],
            "model": answer.model_version, "id": answer.response_id,
            "usage": usage and [usage.prompt_token_count, (usage.candidates_token_count or 0)
                                + (usage.thoughts_token_count or 0), usage.total_token_count]}


def ask(contents="hello", script="", **config):
    return client().models.generate_content(
        model=model(script), contents=contents,
        config=types.GenerateContentConfig(**config) if config else None)


def ask_stream(contents="hello", script="", **config):
    return client().models.generate_content_stream(
        model=model(script), contents=contents,
        config=types.GenerateContentConfig(**config) if config else None)


def gathered(chunks):
    text, finish, count, usage, calls = "", None, 0, None, []
    for chunk in chunks:
        one = told(chunk)
        text, count, calls = text + one["text"], count + 1, calls + one["calls"]
        finish, usage = one["finish"] or finish, one["usage"] or usage
    return {"text": text, "finish": finish, "several": count > 2, "usage": usage,
            "calls": calls}


def chat():
    return told(ask())


def system_and_turns():
    return told(ask([types.UserContent("one"), types.ModelContent("two"),
                     types.UserContent("three")], system_instruction="Be brief."))


def stream():
    return gathered(ask_stream())


def tools():
    return told(ask("use the tool", tools=TOOLS, automatic_function_calling=BY_HAND))


def parallel_tools():
    return told(ask(BOTH, tools=TOOLS, automatic_function_calling=BY_HAND))


def tools_stream():
    return gathered(ask_stream(BOTH, tools=TOOLS, automatic_function_calling=BY_HAND))


def tool_round_trip():
    """The SDK's own content goes back with the results."""
    first = ask(BOTH, tools=TOOLS, automatic_function_calling=BY_HAND)
    content = first.candidates[0].content
    results = [types.Part.from_function_response(
        name=p.function_call.name, response={"output": f"result of {p.function_call.name}"})
        for p in content.parts if p.function_call]
    return told(ask([types.UserContent(BOTH), content,
                     types.Content(role="user", parts=results)],
                    tools=TOOLS, automatic_function_calling=BY_HAND))


def automatic_calls():
    """The SDK calls Python functions by itself and asks again."""
    seen = []

    def get_weather(city: str) -> str:
        """Weather of a city."""
        seen.append(city)
        return "sunny"
    answer = ask("use the tool", tools=[get_weather])
    return {"text": answer.text, "seen": seen}


def forced_tool():
    return told(ask(tools=TOOLS, automatic_function_calling=BY_HAND,
                    tool_config=types.ToolConfig(
                        function_calling_config=types.FunctionCallingConfig(
                            mode="ANY", allowed_function_names=["get_time"]))))


def chats():
    """A conversation the SDK keeps, once streamed and once whole."""
    made = client().chats.create(model=model())
    first = "".join(c.text or "" for c in made.send_message_stream("one"))
    second = made.send_message("two").text
    return {"text": [first, second], "turns": len(made.get_history())}


class Answer(pydantic.BaseModel):
    answer: str


def schema():
    answer = ask("give", response_mime_type="application/json", response_schema=Answer)
    return {"parsed": answer.parsed.model_dump() if answer.parsed else None,
            "text": answer.text}


def image():
    return told(ask([types.Part.from_bytes(data=PIXEL, mime_type="image/png"),
                     "what is this"]))


def stop():
    return told(ask("a STOP b", stop_sequences=["STOP"]))


def length():
    return told(ask("a b c d e f", max_output_tokens=3))


def embeddings():
    got = client().models.embed_content(model=TARGET.embedding, contents=["one", "two"])
    return {"sizes": [len(e.values) for e in got.embeddings],
            "numbers": all(isinstance(v, float) for v in got.embeddings[0].values)}


def models():
    return {"ids": [m.name for m in client().models.list()],
            "one": client().models.get(model="smart").name}


def count_tokens():
    return {"count": client().models.count_tokens(model=model(), contents="hello").total_tokens}


def ping():
    """A call without arguments, whole and streamed."""
    more = {"tools": TOOLS, "automatic_function_calling": BY_HAND}
    return {"calls": told(ask(PING, **more))["calls"],
            "streamed": gathered(ask_stream(PING, **more))["calls"]}


THINKING = types.ThinkingConfig(include_thoughts=True, thinking_budget=2048)


def think(contents, **more):
    return client().models.generate_content(
        model=TARGET.thinker, contents=contents, config=types.GenerateContentConfig(
            max_output_tokens=9000, thinking_config=THINKING,
            automatic_function_calling=BY_HAND, **more))


def thinking():
    return told(think("hello"))


def thinking_back():
    """The SDK's own content goes back, with its signatures."""
    content = think(BOTH, tools=TOOLS).candidates[0].content
    results = [types.Part.from_function_response(
        name=p.function_call.name, response={"output": f"result of {p.function_call.name}"})
        for p in content.parts if p.function_call]
    return told(think([types.UserContent(BOTH), content,
                       types.Content(role="user", parts=results)], tools=TOOLS))


def abort():
    chunks = client().models.generate_content_stream(model=drive.endless(), contents="hello")
    count = len(drive.first(chunks))
    chunks.close()
    return {"count": count}


def asynchronous():
    async def run_it():
        text = ""
        async for chunk in await client().aio.models.generate_content_stream(
                model=model(), contents="hello"):
            text += chunk.text or ""
        return text
    return {"text": asyncio.run(run_it())}



# Each must raise the SDK's own exception for it.
def wrong_key():
    client(WRONG_KEY).models.generate_content(model=model(), contents="hello")


def unknown_model():
    client().models.generate_content(model="nobody/none", contents="hello")


def bad_request():
    ask(script=";status=400")


def rate_limited():
    ask(script=";status=429;retry_after=2")


def server_error():
    ask(script=";status=500")


def error_in_stream():
    for _ in ask_stream(script=";events=6;error_after=4"):
        pass


def describe(error):
    if isinstance(error, errors.APIError):
        headers = getattr(error.response, "headers", None) or {}
        return {"status": error.code, "code": error.status,
                "retry_after": headers.get("retry-after")}
    return None


drive.run([chat, system_and_turns, stream, tools, parallel_tools, tools_stream, ping,
           tool_round_trip, automatic_calls, forced_tool, chats, schema, image, stop, length,
           thinking, thinking_back, abort, embeddings, models, count_tokens, asynchronous,
           wrong_key, unknown_model, bad_request, rate_limited, server_error,
           error_in_stream], describe)
