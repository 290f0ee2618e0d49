# SPDX-License-Identifier: Apache-2.0
"""Runs Cohere's Python SDK, its second version's client, through all scenarios."""
import asyncio
import functools
import json

import cohere
from cohere.core.api_error import ApiError

import drive
from drive import ANSWER, BOTH, GIVEN, PING, PIXEL, TARGET, TOOLS, WRONG_KEY, model



@functools.lru_cache(maxsize=None)
def client(key=GIVEN["key"]):
    return cohere.ClientV2(api_key=key, base_url=GIVEN["url"], timeout=20, max_retries=0)


def user(text="hello"):
    return [{"role": "user", "content": text}]


def read_arguments(text):
    """Cohere writes none as null, or as nothing."""
    return json.loads(text or "null") or {}


def told(answer):
    message = answer.message
    counts = answer.usage.billed_units
    parts = message.content or []
    return {"text": "".join(p.text for p in parts if p.type == "text"),
            "thinking": "".join(p.thinking for p in parts if p.type == "thinking"),
            "finish": answer.finish_reason, "id": answer.id,
            "usage": [int(counts.input_tokens), int(counts.output_tokens)],
            "ids": [c.id for c in message.tool_calls or []],
            "calls": [[c.function.name, read_arguments(c.function.arguments)]
                      for c in message.tool_calls or []]}


def ask(messages=None, script="", **more):
    return client().chat(model=model(script), messages=messages or user(), **more)


def gathered(events):
    got = {"text": "", "calls": [], "finish": None, "usage": None, "kinds": []}
    for event in events:
        if event is None:
            continue
        got["kinds"].append(event.type)
        if event.type == "content-delta":
            got["text"] += event.delta.message.content.text or ""
        elif event.type == "tool-call-start":
            got["calls"].append([event.delta.message.tool_calls.function.name, ""])
        elif event.type == "tool-call-delta":
            got["calls"][-1][1] += event.delta.message.tool_calls.function.arguments
        elif event.type == "message-end":
            counts = event.delta.usage and event.delta.usage.billed_units
            got["finish"] = event.delta.finish_reason
            got["usage"] = counts and [int(counts.input_tokens), int(counts.output_tokens)]
    got["calls"] = [[name, read_arguments(text)] for name, text in got["calls"]]
    got["several"] = got["kinds"].count("content-delta") > 1
    return got


def ask_stream(messages=None, script="", **more):
    return client().chat_stream(model=model(script), messages=messages or user(), **more)


def chat():
    return told(ask())


def system_and_turns():
    return told(ask([{"role": "system", "content": "Be brief."}, *user("one"),
                     {"role": "assistant", "content": "two"}, *user("three")]))


def stream():
    return gathered(ask_stream())


def tools():
    return told(ask(user("use the tool"), tools=TOOLS))


def parallel_tools():
    return told(ask(user(BOTH), tools=TOOLS))


def tools_stream():
    return gathered(ask_stream(user(BOTH), tools=TOOLS))


def tool_round_trip():
    """The SDK's own message goes back; results as text and as a document."""
    first = ask(user(BOTH), tools=TOOLS).message
    contents = [[{"type": "document", "document": {"data": "result of get_weather"}}],
                "result of get_time"]
    results = [{"role": "tool", "tool_call_id": c.id, "content": content}
               for c, content in zip(first.tool_calls, contents)]
    return told(ask([*user(BOTH), first, *results], tools=TOOLS))


def forced_tool():
    return told(ask(tools=TOOLS, tool_choice="REQUIRED"))


def schema():
    answer = ask(user("give"), response_format={"type": "json_object", "json_schema": ANSWER})
    return {"parsed": json.loads(told(answer)["text"])}


def ping():
    """A call without arguments, whole and streamed."""
    return {"calls": told(ask(user(PING), tools=TOOLS))["calls"],
            "streamed": gathered(ask_stream(user(PING), tools=TOOLS))["calls"]}


THINKING = {"type": "enabled", "token_budget": 1024}


def thinking():
    return told(client().chat(model=TARGET.thinker, messages=user(), thinking=THINKING))


def thinking_back():
    first = client().chat(model=TARGET.thinker, messages=user(BOTH), tools=TOOLS,
                          thinking=THINKING).message
    results = [{"role": "tool", "tool_call_id": c.id, "content": f"result of {c.function.name}"}
               for c in first.tool_calls]
    return told(client().chat(model=TARGET.thinker, messages=[*user(BOTH), first, *results],
                              tools=TOOLS, thinking=THINKING))


def abort():
    """Closed with the generator."""
    events = client().chat_stream(model=drive.endless(), messages=user())
    count = len(drive.first(events))
    events.close()
    return {"count": count}


def image():
    return told(ask([{"role": "user", "content": [
        {"type": "text", "text": "what is this"},
        {"type": "image_url", "image_url": {"url": PIXEL}}]}]))


def stop():
    return told(ask(user("a STOP b"), stop_sequences=["STOP"]))


def length():
    return told(ask(user("a b c d e f"), max_tokens=3))


def embeddings():
    got = client().embed(model=TARGET.embedding, texts=["one", "two"],
                         input_type="search_document", embedding_types=["float"])
    return {"sizes": [len(v) for v in got.embeddings.float_]}


def rerank():
    got = client().rerank(model="cohere/rerank-v3.5", query="red cat",
                          documents=["a blue dog", "a red cat"])
    return {"order": [r.index for r in got.results]}


def models():
    return {"ids": [m.name for m in client().models.list().models],
            "one": client().models.get("smart").name}


def asynchronous():
    async def run_it():
        made = cohere.AsyncClientV2(api_key=GIVEN["key"], base_url=GIVEN["url"])
        text = ""
        async for event in made.chat_stream(model=model(), messages=user()):
            if event is not None and event.type == "content-delta":
                text += event.delta.message.content.text or ""
        return text
    return {"text": asyncio.run(run_it())}



# Each must raise the SDK's own exception for it.
def wrong_key():
    client(WRONG_KEY).chat(model=model(), messages=user())


def unknown_model():
    client().chat(model="nobody/none", messages=user())


def bad_request():
    ask(script=";status=400")


def rate_limited():
    ask(script=";status=429;retry_after=2")


def server_error():
    ask(script=";status=500")


def error_in_stream():
    """The SDK raises nothing: the last event says so."""
    return gathered(ask_stream(script=";events=6;error_after=5"))


def describe(error):
    if isinstance(error, ApiError):
        body = error.body if isinstance(error.body, dict) else {"message": str(error.body)}
        headers = {k.lower(): v for k, v in (error.headers or {}).items()}
        return {"status": error.status_code, "message": body.get("message"),
                "retry_after": headers.get("retry-after")}
    return None


drive.run([chat, system_and_turns, stream, tools, parallel_tools, tools_stream, ping,
           tool_round_trip, forced_tool, schema, image, stop, length, thinking,
           thinking_back, abort, embeddings, rerank, models, asynchronous, wrong_key,
           unknown_model, bad_request, rate_limited, server_error, error_in_stream], describe)
