# SPDX-License-Identifier: Apache-2.0
"""Runs Ollama's Python SDK through all scenarios."""
import asyncio
import functools
import json

import ollama

import drive
from drive import ANSWER, BOTH, GIVEN, PING, PNG, TARGET, TOOLS, WRONG_KEY, model



@functools.lru_cache(maxsize=None)
def client(key=GIVEN["key"]):
    return ollama.Client(host=GIVEN["url"], headers={"Authorization": f"Bearer {key}"},
                         timeout=20)


def user(text="hello", **more):
    return [{"role": "user", "content": text, **more}]


def told(answer):
    message = answer.message
    return {"text": message.content, "finish": answer.done_reason, "model": answer.model,
            "usage": [answer.prompt_eval_count, answer.eval_count],
            "thinking": message.thinking, "created": answer.created_at,
            "calls": [[c.function.name, dict(c.function.arguments)]
                      for c in message.tool_calls or []]}


def ask(messages=None, script="", **more):
    return client().chat(model=model(script), messages=messages or user(), **more)


def gathered(chunks):
    text, calls, count, last = "", [], 0, None
    for last in chunks:
        text, count = text + (last.message.content or ""), count + 1
        calls += told(last)["calls"]
    return {**told(last), "text": text, "calls": calls, "several": count > 2}


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


def tool_round_trip():
    """The SDK's own message goes back with the results."""
    first = ask(user(BOTH), tools=TOOLS).message
    results = [{"role": "tool", "tool_name": c.function.name,
                "content": f"result of {c.function.name}"} for c in first.tool_calls]
    return told(ask([*user(BOTH), first, *results], tools=TOOLS))


def schema():
    return {"parsed": json.loads(ask(user("give"), format=ANSWER).message.content)}


def ping():
    """A call without arguments, whole and streamed."""
    return {"calls": told(ask(user(PING), tools=TOOLS))["calls"],
            "streamed": gathered(ask(user(PING), tools=TOOLS, stream=True))["calls"]}


def thinking():
    return told(client().chat(model=TARGET.thinker, messages=user(), think=True))


def thinking_back():
    first = client().chat(model=TARGET.thinker, messages=user(BOTH), tools=TOOLS,
                          think=True).message
    results = [{"role": "tool", "tool_name": c.function.name,
                "content": f"result of {c.function.name}"} for c in first.tool_calls]
    return told(client().chat(model=TARGET.thinker, messages=[*user(BOTH), first, *results],
                              tools=TOOLS, think=True))


def abort():
    """Closed with the generator."""
    chunks = client().chat(model=drive.endless(), messages=user(), stream=True)
    count = len(drive.first(chunks))
    chunks.close()
    return {"count": count}


def image():
    return told(ask(user("what is this", images=[PNG])))


def stop():
    return told(ask(user("a STOP b"), options={"stop": ["STOP"]}))


def length():
    return told(ask(user("a b c d e f"), options={"num_predict": 3}))


def generate():
    whole = client().generate(model=model(), prompt="hello", system="Be brief.")
    pieces = list(client().generate(model=model(), prompt="hello", stream=True))
    return {"text": whole.response, "streamed": "".join(p.response for p in pieces),
            "done": pieces[-1].done, "finish": whole.done_reason}


def embeddings():
    both = client().embed(model=TARGET.embedding, input=["one", "two"])
    old = client().embeddings(model=TARGET.embedding, prompt="one")
    return {"sizes": [len(v) for v in both.embeddings],
            "same": list(old.embedding) == list(both.embeddings[0])}


def models():
    return {"ids": [m.model for m in client().list().models],
            "capabilities": client().show("smart").capabilities,
            "running": len(client().ps().models)}


def asynchronous():
    async def run_it():
        made = ollama.AsyncClient(host=GIVEN["url"], headers={
            "Authorization": f"Bearer {GIVEN['key']}"})
        text = ""
        async for chunk in await made.chat(model=model(), messages=user(), stream=True):
            text += chunk.message.content or ""
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
    for _ in ask(script=";events=6;error_after=5", stream=True):
        pass


def describe(error):
    if isinstance(error, ollama.ResponseError):
        return {"status": error.status_code, "message": error.error}
    return None


drive.run([chat, system_and_turns, stream, tools, parallel_tools, tools_stream, ping,
           tool_round_trip, schema, image, stop, length, thinking, thinking_back, abort,
           generate, embeddings, models, asynchronous, wrong_key, unknown_model,
           bad_request, rate_limited, server_error, error_in_stream], describe)
