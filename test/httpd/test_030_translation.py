# SPDX-License-Identifier: Apache-2.0
"""A client of these dialects on every provider, streamed and not: it cannot
tell that it was translated.

The scripted provider checks each request as strictly as the real one would,
so an answer at all says that the request was legal there.
"""
import base64
import json
import os
import struct
import zlib

import pytest

import ask_bedrock
import reader

# A picture of one pixel.
PNG = base64.b64encode(bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de0000000c49444154"
    "08d763f8cfc000000301010018dd8db00000000049454e44ae426082")).decode()

WEATHER = {"type": "object", "properties": {
    "city": {"type": "string", "description": "a town"},
    "unit": {"type": "string", "enum": ["c", "f"]}}, "required": ["city"],
    "additionalProperties": False}
NOTHING = {"type": "object", "properties": {}}

CLIENTS = ["openai", "anthropic", "bedrock", "cohere", "ollama"]
PROVIDERS = {"openai": "openai/gpt-test", "anthropic": "anthropic/claude-test",
             "gemini": "gemini/gemini-test", "hf": "hf/meta-llama/Llama-3.1-8B",
             "old": "old/org/some-model", "ollama": "ollama/llama3.2",
             "cohere": "cohere/command-a-03-2025",
             "bedrock": "bedrock/us.anthropic.claude-test-v1:0"}
PAIRS = [(c, p) for c in CLIENTS for p in PROVIDERS]
CHATTY = [(c, p) for c, p in PAIRS if p != "old"]     # providers with tools, images
# ... and with forced tools, filters
RICH = [(c, p) for c, p in CHATTY if p != "ollama"]
# Clients that say which tool, how many at once, and are told classes of usage
FULL = ("openai", "anthropic")


@pytest.fixture
def four(gw):
    return gw.serve(gw.conf().four_providers().enable())


class Ask:
    """A question that can be written in each of the client dialects."""

    def __init__(self, text="hello", system=None, turns=(), images=(), tools=None,
                 choice=None, parallel=None, calls=None, results=None, more=None):
        self.__dict__.update(locals())

    def openai(self, model, stream):
        messages = [{"role": "system", "content": self.system}] if self.system else []
        messages += [{"role": r, "content": t} for r, t in self.turns]
        content = self.text
        if self.images:
            content = [{"type": "text", "text": self.text}] + [
                {"type": "image_url", "image_url": {"url": u}} for u in self.images]
        messages.append({"role": "user", "content": content})
        if self.calls:
            messages.append({"role": "assistant", "content": None, "tool_calls": [
                {"id": i, "type": "function",
                 "function": {"name": n, "arguments": json.dumps(a)}}
                for i, n, a in self.calls]})
            messages += [{"role": "tool", "tool_call_id": i, "content": t}
                         for i, t in self.results]
        body = {"model": model, "messages": messages, **(self.more or {})}
        if self.tools:
            body["tools"] = [{"type": "function", "function": {
                "name": n, "description": f"does {n}", "parameters": s}}
                for n, s in self.tools]
        if self.choice:
            body["tool_choice"] = ({"type": "function", "function": {"name": self.choice}}
                                   if self.choice not in ("auto", "none", "required")
                                   else self.choice)
        if self.parallel is not None:
            body["parallel_tool_calls"] = self.parallel
        if stream:
            body.update(stream=True, stream_options={"include_usage": True})
        return body

    def anthropic(self, model, stream):
        messages = [{"role": r, "content": t} for r, t in self.turns]
        content = self.text
        if self.images:
            content = [_anthropic_image(u) for u in self.images] + [
                {"type": "text", "text": self.text}]
        messages.append({"role": "user", "content": content})
        if self.calls:
            messages.append({"role": "assistant", "content": [
                {"type": "tool_use", "id": i, "name": n, "input": a}
                for i, n, a in self.calls]})
            messages.append({"role": "user", "content": [
                {"type": "tool_result", "tool_use_id": i, "content": t}
                for i, t in self.results]})
        body = {"model": model, "max_tokens": 500, "messages": messages}
        body.update(self.more or {})
        if self.system:
            body["system"] = self.system
        if self.tools:
            body["tools"] = [{"name": n, "description": f"does {n}", "input_schema": s}
                             for n, s in self.tools]
        if self.choice or self.parallel is not None:
            kinds = {"auto": "auto", "none": "none", "required": "any", None: "auto"}
            body["tool_choice"] = ({"type": kinds[self.choice]} if self.choice in kinds
                                   else {"type": "tool", "name": self.choice})
            if self.parallel is not None:
                body["tool_choice"]["disable_parallel_tool_use"] = not self.parallel
        if stream:
            body["stream"] = True
        return body

    def bedrock(self, model, stream):
        return ask_bedrock.body(self)

    def cohere(self, model, stream):
        body = self.openai(model, False)
        for name, other in (("top_p", "p"), ("stop", "stop_sequences")):
            if name in body:
                body[other] = body.pop(name)
        if self.choice:
            assert self.choice in ("required", "none"), "there is no such choice"
            body["tool_choice"] = self.choice.upper()
        if stream:
            body["stream"] = True
        return body

    def ollama(self, model, stream):
        messages = [{"role": "system", "content": self.system}] if self.system else []
        messages += [{"role": r, "content": t} for r, t in self.turns]
        messages.append({"role": "user", "content": self.text})
        if self.images:
            messages[-1]["images"] = [u.split(";base64,")[1] for u in self.images]
        if self.calls:
            messages.append({"role": "assistant", "content": "", "tool_calls": [
                {"function": {"name": n, "arguments": a}} for _, n, a in self.calls]})
            messages += [{"role": "tool", "tool_name": n, "content": t}
                         for (_, n, _), (_, t) in zip(self.calls, self.results)]
        body = {"model": model, "messages": messages}
        options = dict(self.more or {})
        if "max_tokens" in options:
            options["num_predict"] = options.pop("max_tokens")
        if options:
            body["options"] = options
        if self.tools:
            body["tools"] = [{"type": "function", "function": {
                "name": n, "description": f"does {n}", "parameters": s}}
                for n, s in self.tools]
        if not stream:
            body["stream"] = False
        return body


def _anthropic_image(url):
    if url.startswith("data:"):
        kind, data = url[5:].split(";base64,")
        return {"type": "image", "source": {"type": "base64", "media_type": kind,
                                            "data": data}}
    return {"type": "image", "source": {"type": "url", "url": url}}


def post(gw, client, model, ask, stream=False):
    path = {"bedrock": ask_bedrock.path(model, stream),
            "openai": "/v1/chat/completions", "anthropic": "/v1/messages",
            "cohere": "/v2/chat", "ollama": "/api/chat"}[client]
    return gw.post(path, getattr(ask, client)(model, stream),
                   [("anthropic-version", "2023-06-01")] if client == "anthropic" else [])


def converse(gw, client, provider, ask, stream=False, script=""):
    """The answer as the client's dialect says it."""
    answer = post(gw, client, PROVIDERS[provider] + script, ask, stream)
    assert answer.status == 200, answer
    streamed = {"ollama": "application/x-ndjson", "bedrock":
                "application/vnd.amazon.eventstream"}.get(client, "text/event-stream")
    kind = streamed if stream else "application/json"
    assert answer.header("content-type").split(";")[0] == kind
    return reader.read(client, answer.body, stream)


both = pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])


@pytest.mark.parametrize("client, provider", PAIRS)
@both
def test_a_plain_question(four, upstream, client, provider, stream):
    said = converse(four, client, provider, Ask("hello"), stream)
    assert said.text == "You said: hello"
    assert said.finish == "stop"
    assert said.id or client in ("bedrock", "ollama"), "there answers have none"


@pytest.mark.parametrize("client, provider", PAIRS)
@both
def test_text_of_every_kind_survives(four, upstream, client, provider, stream):
    text = 'Zoë "quoted" \\back/ 日本語 😀 tab\tline\nend \u2028 \x7f'
    said = converse(four, client, provider, Ask(text), stream)
    # Providers' models cut at blanks; what they said must be here to the byte.
    if provider == "old":
        assert "end" in said.text
    else:
        assert said.text == f"You said: {text}"


@pytest.mark.parametrize("client, provider", PAIRS)
def test_a_system_prompt_is_where_the_provider_wants_it(four, upstream, client, provider):
    said = converse(four, client, provider, Ask("hello", system="Be brief."))
    assert said.text == "You said: hello"
    sent = upstream.only().json
    if provider in ("openai", "hf", "ollama", "cohere"):
        assert sent["messages"][0]["role"] in ("system", "developer")
        assert "Be brief." in json.dumps(sent["messages"][0]["content"])
    elif provider in ("anthropic", "bedrock"):
        assert "Be brief." in json.dumps(sent["system"])
        assert [m["role"] for m in sent["messages"]] == ["user"]
    elif provider == "gemini":
        system = sent.get("systemInstruction") or sent.get("system_instruction")
        assert "Be brief." in json.dumps(system)
        assert [c["role"] for c in sent["contents"]] == ["user"]
    else:
        assert "Be brief." in sent["inputs"]


@pytest.mark.parametrize("client, provider", PAIRS)
def test_several_turns_keep_their_order(four, upstream, client, provider):
    said = converse(four, client, provider, Ask("third", turns=[
        ("user", "first"), ("assistant", "second")]))
    assert said.text == "You said: third"
    sent = json.dumps(upstream.only().json)
    assert 0 < sent.index("first") < sent.index("second") < sent.index("third")
    if provider == "gemini":
        assert [c["role"] for c in upstream.only().json["contents"]] == [
            "user", "model", "user"]


@pytest.mark.parametrize("provider", ["anthropic", "gemini"])
def test_several_system_prompts_all_arrive(four, upstream, provider):
    answer = four.post("/v1/chat/completions", {
        "model": PROVIDERS[provider], "messages": [
            {"role": "system", "content": "One."}, {"role": "user", "content": "a"},
            {"role": "assistant", "content": "b"}, {"role": "developer", "content": "Two."},
            {"role": "user", "content": "c"}]})
    assert reader.openai(answer.body).text == "You said: c"
    sent = json.dumps(upstream.only().json)
    assert "One." in sent and "Two." in sent


@pytest.mark.parametrize("client, provider", CHATTY)
def test_a_picture_by_value(four, upstream, client, provider):
    said = converse(four, client, provider, Ask(
        "what is this", images=[f"data:image/png;base64,{PNG}"]))
    assert said.text == "I see 1 image(s). You said: what is this"
    assert PNG in upstream.only().body.decode()


@pytest.mark.parametrize("client, provider", [p for p in RICH if p[0] not in
                                              ("bedrock", "ollama") and p[1] != "bedrock"])
def test_a_picture_by_address(four, upstream, client, provider):
    said = converse(four, client, provider, Ask(
        "what is this", images=["https://example.org/a.png"]))
    assert said.text == "I see 1 image(s). You said: what is this"
    assert "https://example.org/a.png" in upstream.only().body.decode().replace("\\/", "/")


@pytest.mark.parametrize("client, provider", CHATTY)
@both
def test_a_tool_is_called(four, upstream, client, provider, stream):
    said = converse(four, client, provider, Ask(
        'use the tool get_weather with {"city": "Zürich", "n": 9223372036854775808}',
        tools=[("get_weather", WEATHER), ("get_time", NOTHING)]), stream)
    assert said.calls == [("get_weather", {"city": "Zürich", "n": 9223372036854775808})]
    assert said.finish == "tools"
    assert all(said.ids) or client == provider == "ollama"
    assert said.text == ""


@pytest.mark.parametrize("client, provider", CHATTY)
@both
def test_tools_are_called_in_parallel(four, upstream, client, provider, stream):
    said = converse(four, client, provider, Ask(
        "use the tool get_time and get_weather",
        tools=[("get_weather", WEATHER), ("get_time", NOTHING)]), stream)
    assert said.calls == [("get_weather", {"city": "Paris", "unit": "c"}), ("get_time", {})]
    assert len(set(said.ids)) == 2 or client == provider == "ollama"
    assert said.finish == "tools"


@pytest.mark.parametrize("client, provider", CHATTY)
@both
def test_a_call_without_arguments(four, upstream, client, provider, stream):
    said = converse(four, client, provider, Ask("use the tool", tools=[
        ("get_time", NOTHING)]), stream)
    assert said.calls == [("get_time", {})]


@pytest.mark.parametrize("client, provider", [p for p in CHATTY if p[0] in FULL])
def test_calls_one_at_a_time(four, upstream, client, provider):
    said = converse(four, client, provider, Ask(
        "use the tool get_time and get_weather", parallel=False,
        tools=[("get_weather", WEATHER), ("get_time", NOTHING)]))
    assert len(said.calls) == 1


CHOICES = [("get_time", ["get_time"]), ("required", ["get_weather"]), ("none", []),
           ("auto", [])]


@pytest.mark.parametrize("client, provider, choice, expected", [
    (*pair, *row) for pair in RICH for row in CHOICES
    if pair[0] in FULL or row[0] in {"bedrock": ("get_time", "required", "auto"),
                                     "cohere": ("required", "none")}.get(pair[0], ())])
def test_a_tool_choice(four, upstream, client, provider, choice, expected):
    said = converse(four, client, provider, Ask("hello", choice=choice, tools=[
        ("get_weather", WEATHER), ("get_time", NOTHING)]))
    assert [name for name, _ in said.calls] == expected
    assert said.finish == ("tools" if expected else "stop")


@pytest.mark.parametrize("client", FULL)
@pytest.mark.parametrize("asked, member", [
    ({"choice": "required"}, "tool_choice"), ({"choice": "get_time"}, "tool_choice"),
    ({"images": ["https://example.org/a.png"]}, "messages[0].content.image_url")])
def test_what_ollama_would_pass_over_is_refused(four, upstream, client, asked, member):
    answer = post(four, client, "ollama/llama3.2", Ask(
        "hello", tools=[("get_time", NOTHING)], **asked))
    assert answer.status == 400
    assert member in answer.json["error"]["message"]
    assert upstream.seen() == []


@pytest.mark.parametrize("client, provider", CHATTY)
@both
def test_tool_results_go_back(four, upstream, client, provider, stream):
    said = converse(four, client, provider, Ask(
        "use the tool", tools=[("get_weather", WEATHER), ("get_time", NOTHING)],
        calls=[("call_1", "get_weather", {"city": "Paris"}), ("call_2", "get_time", {})],
        results=[("call_1", "sunny"), ("call_2", "noon")]), stream)
    assert said.text == "The tool answered: sunny; noon"
    assert said.finish == "stop"


@pytest.mark.parametrize("client, provider", CHATTY)
def test_a_whole_conversation_with_tools(four, upstream, client, provider):
    """The calls that came are sent back with their ids: the next turn is
    legal at the provider."""
    tools = [("get_weather", WEATHER), ("get_time", NOTHING)]
    said = converse(four, client, provider,
                    Ask("use the tool get_weather and get_time", tools=tools))
    said = converse(four, client, provider, Ask(
        "use the tool get_weather and get_time", tools=tools,
        calls=[(i, n, a) for i, (n, a) in zip(said.ids, said.calls)],
        results=list(zip(said.ids, ["one", "two"]))))
    assert said.text == "The tool answered: one; two"


@pytest.mark.parametrize("client, provider", PAIRS)
@both
def test_a_stop_sequence(four, upstream, client, provider, stream):
    stops = {"stop_sequences" if client == "anthropic" else "stop": ["END"]}
    said = converse(four, client, provider, Ask("begin END more", more=stops), stream)
    assert said.text.rstrip() == "You said: begin"
    assert said.finish == "stop"
    if (client, provider) == ("anthropic", "anthropic"):
        assert said.stop_sequence == "END"


@pytest.mark.parametrize("client, provider", PAIRS)
@both
def test_a_token_limit(four, upstream, client, provider, stream):
    said = converse(four, client, provider, Ask("one two three four five",
                                                more={"max_tokens": 4}), stream)
    assert said.text == "You said: one two"
    assert said.finish == "length"


@pytest.mark.parametrize("provider", ["anthropic", "gemini"])
def test_the_newer_name_of_the_token_limit(four, upstream, provider):
    said = converse(four, "openai", provider, Ask("one two three four", more={
        "max_completion_tokens": 3}))
    assert said.finish == "length"


def test_anthropic_gets_a_limit_when_none_was_said(four, upstream):
    converse(four, "openai", "anthropic", Ask("hello"))
    assert upstream.only().json["max_tokens"] == 4096


def test_the_default_limit_is_a_setting(gw, upstream):
    gw.serve(gw.conf().four_providers().add("LLMMaxTokensDefault 77").enable())
    converse(gw, "openai", "anthropic", Ask("hello"))
    assert upstream.only().json["max_tokens"] == 77


@pytest.mark.parametrize("client, provider", [p for p in RICH if p[1] != "cohere"
                                              and p[0] in (*FULL, "bedrock")])
@both
def test_usage_by_each_dialects_own_arithmetic(four, upstream, client, provider, stream):
    said = converse(four, client, provider, Ask("hello there"), stream, ";cached=50")
    assert said.usage["cache_read"] == 50
    # "hello there" is 3 tokens, and 3 more for the message; see mind.py
    assert said.usage["input"] == 6
    assert said.usage["output"] + said.usage["reasoning"] == 4


@pytest.mark.parametrize("client", CLIENTS)
@both
def test_cache_writes_are_input(four, upstream, client, stream):
    said = converse(four, client, "anthropic", Ask("hello there"), stream,
                    ";cached=50;cache_write=20")
    assert reader.totals(said.usage) == (76, 4)


@pytest.mark.parametrize("client, provider", RICH)
@both
def test_a_filtered_answer(four, upstream, client, provider, stream):
    said = converse(four, client, provider, Ask("hello"), stream, ";finish=filter")
    assert said.finish == "filter"


REASONERS = {"anthropic": "anthropic/claude-test", "gemini": "gemini/gemini-test",
             "openai": "openai/o3-test"}


@pytest.mark.parametrize("client, provider", [("openai", "anthropic"), ("openai", "gemini"),
                                              ("anthropic", "gemini"),
                                              ("anthropic", "openai")])
@both
def test_reasoning(four, upstream, client, provider, stream):
    more = {"openai": {"reasoning_effort": "low", "max_completion_tokens": 8000},
            "anthropic": {"thinking": {"type": "enabled", "budget_tokens": 1024},
                          "max_tokens": 8000}}
    answer = post(four, client, REASONERS[provider], Ask("hello", more=more[client]), stream)
    said = reader.read(client, answer.body, stream)
    assert said.text == "You said: hello", "reasoning is no part of the answer's text"
    assert reader.totals(said.usage)[1] == 3 + 6


@pytest.mark.parametrize("client, provider", PAIRS)
@pytest.mark.parametrize("cut", ["one", "random"])
def test_streams_cut_anywhere(four, upstream, client, provider, cut):
    said = converse(four, client, provider, Ask("hello there"), True, f";bytes={cut};seed=7")
    assert said.text == "You said: hello there"


@pytest.mark.parametrize("client, provider", [p for p in CHATTY if p[0] != p[1]])
def test_calls_cut_anywhere(four, upstream, client, provider):
    said = converse(four, client, provider, Ask(
        'use the tool get_weather with {"city": "日本 \\" \\\\ \\u0000"}',
        tools=[("get_weather", WEATHER)]), True, ";bytes=one")
    assert said.calls == [("get_weather", {"city": '日本 " \\ \0'})]


SAMPLING = {"temperature": 0.5, "top_p": 0.25}


@pytest.mark.parametrize("client, provider", PAIRS)
def test_sampling_settings_arrive(four, upstream, client, provider):
    converse(four, client, provider, Ask("hello", more=SAMPLING))
    sent = upstream.only().json
    where = {"gemini": sent.get("generationConfig") or sent.get("generation_config"),
             "old": sent.get("parameters"),
             "bedrock": sent.get("inferenceConfig") or sent,
             "ollama": sent.get("options")}.get(provider, sent)
    assert where["temperature"] == 0.5
    assert 0.25 in (where.get("top_p"), where.get("topP"), where.get("p"))


def test_a_number_keeps_its_spelling(four, upstream):
    body = b'{"model":"anthropic/claude-test","temperature":0.10,"max_tokens":1e2,' \
           b'"messages":[{"role":"user","content":"x"}]}'
    body = body.replace(b"1e2", b"100")
    assert four.post("/v1/chat/completions", body).status == 200
    assert b"0.10" in upstream.only().body


ERRORS = {400: 400, 404: 404, 413: 413, 422: 422, 429: 429, 529: None, 500: None, 503: 503}


@pytest.mark.parametrize("client, provider", PAIRS)
@pytest.mark.parametrize("status", ERRORS)
def test_an_error_comes_in_the_callers_dialect(four, upstream, client, provider, status):
    model = PROVIDERS[provider] + f";status={status}"
    answer = post(four, client, model, Ask("hello"))
    kind, message = reader.error_of(client, answer.json)
    assert answer.status == ERRORS[status] or status >= 500 and answer.status >= 500
    assert f"scripted error {status}" in message
    if client == "anthropic":
        assert kind.endswith("_error") or kind == "request_too_large"
        if status == 429:
            assert kind == "rate_limit_error"
        if status == 400:
            assert kind == "invalid_request_error"


@pytest.mark.parametrize("client, provider", PAIRS)
def test_an_error_before_a_stream_is_no_stream(four, upstream, client, provider):
    answer = post(four, client, PROVIDERS[provider] + ";status=400", Ask("hello"), True)
    assert answer.status == 400
    assert answer.header("content-type").startswith("application/json")
    reader.error_of(client, answer.json)


@pytest.mark.parametrize("client, provider", PAIRS)
def test_how_long_to_wait_is_told(four, upstream, client, provider):
    """By Retry-After, also where the provider says it in the body."""
    answer = post(four, client, PROVIDERS[provider] + ";status=429;retry_after=7",
                  Ask("hello"))
    assert answer.status == 429
    assert answer.header("retry-after") == "7"


@pytest.mark.parametrize("client, provider", PAIRS)
def test_the_providers_refusal_of_our_key(four, upstream, client, provider):
    """Its own status and words, as with any other error of a provider's."""
    answer = post(four, client, PROVIDERS[provider] + ";status=401", Ask("hello"))
    assert answer.status == 401, answer
    kind, message = reader.error_of(client, answer.json)
    assert "scripted error 401" in message


def test_what_the_old_api_cannot_do_is_refused_by_name(four, upstream):
    for name, ask in (("tools", Ask("x", tools=[("t", NOTHING)])),
                      ("pictures", Ask("x", images=["https://example.org/a.png"]))):
        answer = post(four, "openai", PROVIDERS["old"], ask)
        assert answer.status == 400, answer
        assert name in answer.json["error"]["message"]
    assert not upstream.seen()


def test_what_is_dropped_is_named(four, upstream):
    """A hint that the provider has no place for: dropped, and said so."""
    answer = four.post("/v1/chat/completions", {
        "model": PROVIDERS["anthropic"], "seed": 7, "user": "u1", "logit_bias": {"1": 2},
        "messages": [{"role": "user", "content": "x"}]})
    if answer.status == 400:
        assert answer.json["error"]["param"] in ("seed", "logit_bias")
    else:
        assert "seed" in answer.header("x-llm-dropped", ""), answer.headers


def test_the_old_api_gets_a_prompt_and_gives_no_echo(four, upstream):
    said = converse(four, "openai", "old", Ask("hello", system="Be kind."))
    assert said.text == "You said: hello"
    sent = upstream.only()
    assert sent.path == "/models/org/some-model"
    assert sent.json["parameters"]["return_full_text"] is False


def test_gemini_is_asked_for_sse(four, upstream):
    converse(four, "openai", "gemini", Ask("hello"), True)
    assert upstream.only().target.endswith(":streamGenerateContent?alt=sse")


@pytest.mark.parametrize("provider", ["gemini", "old"])
def test_embeddings_are_translated(four, upstream, provider):
    model = {"gemini": "gemini/gemini-embedding-001", "old": "old/org/sentence-embed"}[provider]
    answer = four.post("/v1/embeddings", {"model": model, "input": ["one", "two"]})
    assert answer.status == 200, answer
    rows = answer.json["data"]
    assert [r["index"] for r in rows] == [0, 1]
    assert len(rows[0]["embedding"]) == 8
    assert rows[0]["embedding"] != rows[1]["embedding"]
    one = four.post("/v1/embeddings", {"model": model, "input": "one"})
    assert one.json["data"][0]["embedding"] == rows[0]["embedding"]


def test_embeddings_are_packed_when_asked(four, upstream):
    import struct
    plain = four.post("/v1/embeddings", {"model": "gemini/gemini-embedding-001",
                                         "input": "one"}).json["data"][0]["embedding"]
    packed = four.post("/v1/embeddings", {"model": "gemini/gemini-embedding-001",
                                          "input": "one", "encoding_format": "base64"})
    data = base64.b64decode(packed.json["data"][0]["embedding"])
    assert list(struct.unpack(f"<{len(data) // 4}f", data)) == pytest.approx(plain)


def test_anthropic_has_no_embeddings(four, upstream):
    answer = four.post("/v1/embeddings", {"model": "anthropic/claude", "input": "x"})
    assert answer.status in (400, 404)
    assert reader.error_of("openai", answer.json)[1]
    assert not upstream.seen()


# -- Bedrock's signatures and binary streams ----------------------------------------

def bedrock_with(gw, secret):
    """A gateway whose Bedrock provider has this secret."""
    path = os.path.join(gw.root, f"bedrock-{len(secret)}.key")
    with open(path, "w", encoding="utf-8") as file:
        file.write(secret + "\n")
    os.chmod(path, 0o600)
    return gw.serve(gw.conf().provider("bedrock", "bedrock", key=f"file:{path}")
                    .model("bedrock/*", "bedrock *").enable())


def test_bedrock_takes_a_key_of_its_own_too(gw, upstream):
    bedrock_with(gw, "ABSKdGVzdA==")
    assert converse(gw, "openai", "bedrock", Ask("hello")).text == "You said: hello"
    assert upstream.only().header("authorization") == "Bearer ABSKdGVzdA=="


def test_a_wrong_signature_tells_no_session_token(gw):
    gw.tolerates("LLMGW0101")
    bedrock_with(gw, "AKIDTEST:other:session-test")
    answer = post(gw, "openai", PROVIDERS["bedrock"], Ask("hello"), False)
    assert answer.status >= 400
    assert b"signature we calculated does not match" in answer.body
    assert b"session-test" not in answer.body


def event_stream(*events):
    """Messages of AWS's binary event stream."""
    out = b""
    for name, value in events:
        head = b"\x0b:event-type\x07" + struct.pack(">H", len(name)) + name.encode()
        payload = json.dumps(value).encode()
        prelude = struct.pack(">II", 16 + len(head) + len(payload), len(head))
        message = prelude + struct.pack(">I", zlib.crc32(prelude)) + head + payload
        out += message + struct.pack(">I", zlib.crc32(message))
    return out


@pytest.mark.parametrize("fault", ["damaged", "cut"])
def test_a_broken_message_ends_the_stream_with_an_error(four, upstream, fault):
    four.expects("LLMGW0101.*event")
    event = ("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": "Hello"}})
    body = bytearray(event_stream(event, event))
    if fault == "damaged":
        body[-20] ^= 1
    else:
        del body[-5:]
    upstream.queue({"headers": {"Content-Type": "application/vnd.amazon.eventstream"},
                    "body_base64": base64.b64encode(body).decode()})
    answer = post(four, "openai", PROVIDERS["bedrock"], Ask("hello"), True)
    assert answer.body.count(b"Hello") == 1
    assert answer.body.count(b'"error"') == 1
