# SPDX-License-Identifier: Apache-2.0
"""Runs LangChain's chat models through all scenarios; its row says which."""
import asyncio
import functools
import importlib
import warnings

import httpx
import pydantic
from langchain_core.messages import (AIMessage, HumanMessage, SystemMessage, ToolMessage)

import drive
from drive import BOTH, GIVEN, PING, PIXEL, PNG, TARGET, WRONG_KEY, model

warnings.simplefilter("ignore")

ROW = GIVEN["row"]
LOOP = asyncio.new_event_loop()    # kept: the clients are, with their connections
URL = GIVEN["url"]


@functools.lru_cache(maxsize=None)
def mistral(key):
    """LangChain's does not say whose client it is."""
    given = {"base_url": URL + "/v1", "timeout": 20, "headers": {
        "Authorization": f"Bearer {key}", "x-mistral-user-agent": "langchain",
        "Content-Type": "application/json", "Accept": "application/json"}}
    return {"client": httpx.Client(**given), "async_client": httpx.AsyncClient(**given)}


# Class, and what it is made with beside the model's name.
MODELS = {
    "openai": ("langchain_openai.ChatOpenAI", lambda key: {
        "base_url": URL + "/v1", "api_key": key, "max_retries": 0}),
    "responses": ("langchain_openai.ChatOpenAI", lambda key: {
        "base_url": URL + "/v1", "api_key": key, "max_retries": 0,
        "use_responses_api": True}),
    "anthropic": ("langchain_anthropic.ChatAnthropic", lambda key: {
        "base_url": URL, "api_key": key, "max_retries": 0}),
    "ollama": ("langchain_ollama.ChatOllama", lambda key: {
        "base_url": URL,
        "client_kwargs": {"headers": {"Authorization": f"Bearer {key}"}}}),
    "mistral": ("langchain_mistralai.ChatMistralAI", lambda key: {
        "max_retries": 1, **mistral(key)}),
}
THINKING = {"openai": {"reasoning_effort": "low"},
            "responses": {"reasoning": {"effort": "low", "summary": "auto"}, "store": False,
                          "include": ["reasoning.encrypted_content"]},
            "anthropic": {"thinking": {"type": "enabled", "budget_tokens": 1024},
                          "max_tokens": 4000},
            "ollama": {"reasoning": True}}
LIMIT = "num_predict" if ROW == "ollama" else "max_tokens"


class Answer(pydantic.BaseModel):
    """An answer."""
    answer: str


def get_weather(city: str) -> str:
    """get_weather"""


def get_time(city: str) -> str:
    """get_time"""


def ping_tool() -> str:
    """ping"""


ping_tool.__name__ = "ping"
FUNCTIONS = [get_weather, get_time, ping_tool]


@functools.lru_cache(maxsize=None)
def chat_class():
    module, _, name = MODELS[ROW][0].rpartition(".")
    return getattr(importlib.import_module(module), name)


def made(name, key, **more):
    return chat_class()(model=name, **MODELS[ROW][1](key), **more)


kept = functools.lru_cache(maxsize=None)(made)


def llm(name=None, key=GIVEN["key"], **more):
    """Kept where it can be: some make their clients anew, which takes long."""
    return made(name or model(), key, **more) if more else kept(name or model(), key)


def bound(name=None, **more):
    return llm(name, **more).bind_tools(FUNCTIONS)


def told(message):
    usage = message.usage_metadata
    thoughts = [b.get("reasoning") or "" for b in message.content_blocks
                if b["type"] == "reasoning"]
    return {"text": message.text.replace("\n", ""), "thinking": "".join(thoughts),
            "calls": [[c["name"], c["args"]] for c in message.tool_calls],
            "ids": [c["id"] for c in message.tool_calls],
            "usage": usage and [usage["input_tokens"], usage["output_tokens"],
                                usage["total_tokens"]]}


def gathered(chunks):
    whole, pieces = None, 0
    for chunk in chunks:
        pieces += bool(chunk.text)
        whole = chunk if whole is None else whole + chunk
    return {**told(whole), "several": pieces > 2}


def chat():
    return told(llm().invoke("hello"))


def system_and_turns():
    return told(llm().invoke([SystemMessage("Be brief."), HumanMessage("one"),
                              AIMessage("two"), HumanMessage("three")]))


def stream():
    got = gathered(llm().stream("hello"))
    return got if ROW != "openai" else {**got, "usage": None}


def tools():
    return told(bound().invoke("use the tool"))


def parallel_tools():
    return told(bound().invoke(BOTH))


def tools_stream():
    return gathered(bound().stream(BOTH))


def ping():
    """A call without arguments, whole and streamed."""
    return {"calls": told(bound().invoke(PING))["calls"],
            "streamed": gathered(bound().stream(PING))["calls"]}


def _again(made):
    first = made.invoke(BOTH)
    results = [ToolMessage(f"result of {c['name']}", tool_call_id=c["id"], name=c["name"])
               for c in first.tool_calls]
    return told(made.invoke([HumanMessage(BOTH), first, *results]))


def tool_round_trip():
    """Its own message goes back with the results."""
    return _again(bound())


def image():
    part = {"type": "image_url", "image_url": {"url": PIXEL}}
    if ROW == "responses":
        part = {"type": "image", "base64": PNG, "mime_type": "image/png"}
    return told(llm().invoke([HumanMessage([{"type": "text", "text": "what is this"}, part])]))


def schema():
    made = llm(TARGET.thinker).with_structured_output(Answer, method="json_schema")
    return {"parsed": made.invoke("give").model_dump()}


def stop():
    return told(llm().invoke("a STOP b", stop=["STOP"]))


def length():
    return told(llm(**{LIMIT: 3}).invoke("a b c d e f"))


def thinking():
    return told(llm(TARGET.thinker, **THINKING[ROW]).invoke("hello"))


def thinking_back():
    """Its own message goes back, with what it kept of the thinking."""
    return _again(bound(TARGET.thinker, **THINKING[ROW]))


def abort():
    chunks = llm(drive.endless()).stream("hello")
    count = len(drive.first(chunks))
    chunks.close()
    return {"count": count}


def asynchronous():
    async def run_it():
        return "".join([c.text async for c in llm().astream("hello")])
    return {"text": LOOP.run_until_complete(run_it())}


def wrong_key():
    llm(key=WRONG_KEY).invoke("hello")


def unknown_model():
    llm("nobody/none").invoke("hello")


def bad_request():
    llm(model(";status=400")).invoke("hello")


def rate_limited():
    llm(model(";status=429;retry_after=2")).invoke("hello")


def server_error():
    llm(model(";status=500")).invoke("hello")


def error_in_stream():
    for _ in llm(model(";events=6;error_after=4")).stream("hello"):
        pass


drive.run([chat, system_and_turns, stream, tools, parallel_tools, tools_stream, ping,
           tool_round_trip, image, schema, stop, length, thinking, thinking_back, abort,
           asynchronous, wrong_key, unknown_model, bad_request, rate_limited, server_error,
           error_in_stream], drive.of_response)
