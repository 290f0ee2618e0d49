# SPDX-License-Identifier: Apache-2.0
"""What real providers said, replayed through a real httpd to clients of each
dialect, and what real clients asked, sent to every provider.

An independent reader (reader.py) says what an answer means before and after.
"""
import json
import os
import urllib.parse

import pytest

import reader
import recorded
from client import sse
from recorded import WHY_NOT

ALL = recorded.exchanges()
if not ALL:
    pytest.skip(WHY_NOT, allow_module_level=True)

GOOD = [e for e in ALL if e.status == 200]
ASKED = [e for e in ALL if e.request]
CLIENTS = ("openai", "anthropic", "bedrock", "gemini", "openai-completions",
           "openai-responses", "cohere", "ollama")
PATHS = {"openai": "/v1/chat/completions", "anthropic": "/v1/messages",
         "openai-completions": "/v1/completions",
         "openai-responses": "/v1/responses", "cohere": "/v2/chat", "ollama": "/api/chat"}


def bedrock_path(model, streamed):
    return f"/model/{urllib.parse.quote(model, safe='')}/converse{'-stream' * streamed}"


def path_of(client, model, streamed):
    """Where a client of this dialect asks this model."""
    if client == "bedrock":
        return bedrock_path(model, streamed)
    method = "streamGenerateContent?alt=sse" if streamed else "generateContent"
    return PATHS.get(client) or f"/v1beta/models/{urllib.parse.quote(model)}:{method}"


def own_path(exchange):
    """Ollama has several for what is one operation here."""
    if exchange.dialect == "ollama":
        return f"/api/{exchange.url.split('/api/')[1]}"
    return PATHS[exchange.dialect]


def each(exchanges):
    return pytest.mark.parametrize("exchange", exchanges, ids=lambda e: e.id)


@pytest.fixture
def four(gw):
    gw.tolerates("LLMGW0101")
    conf = gw.conf("LLMRetries 0").four_providers()
    conf.provider("huggingface", "huggingface")
    return gw.serve(conf.enable())


# -- the same dialect: nothing changes ------------------------------------------

def same_dialect_path(exchange):
    """Where a client of this dialect asks: (path, body)."""
    body = dict(exchange.request)
    if exchange.api == "hf.text-generation":
        return f"/huggingface/{exchange.url.split('/models/')[1]}", body
    if exchange.dialect == "gemini":
        return f"/gemini/v1beta/models/{exchange.url.split('/models/')[1]}", body
    if exchange.dialect == "bedrock":
        return bedrock_path(f"bedrock/{exchange.asked}", exchange.url.endswith("-stream")), body
    body["model"] = f"{exchange.provider}/{body.get('model', 'in-the-path')}"
    return own_path(exchange), body


def without_usage(events):
    """What is left of OpenAI events when usage is hidden."""
    left = []
    for event in events:
        if event.data == "[DONE]":
            left.append("[DONE]")
            continue
        doc = event.json
        doc.pop("usage", None)
        if doc.get("choices") != []:
            left.append(doc)
    return left


def is_clients_form(exchange):
    """Answers are; errors of servers that only speak OpenAI's form may not be."""
    if exchange.status == 200 or exchange.dialect not in PATHS:
        return True
    try:
        doc = json.loads(exchange.body)
    except ValueError:
        return False
    if exchange.dialect == "cohere":
        return isinstance(doc.get("message"), str)
    return isinstance(doc.get("error"), str if exchange.dialect == "ollama" else dict)


@each([e for e in ASKED if not e.api.startswith("vertex")])
@pytest.mark.parametrize("cuts", [None, "random"])
def test_the_same_dialect_passes_untouched(four, upstream, exchange, cuts):
    path, body = same_dialect_path(exchange)
    upstream.queue(exchange.answer(cuts=cuts))
    answer = four.post(path, body, [("anthropic-version", "2023-06-01")])
    assert answer.status == exchange.status
    if not is_clients_form(exchange):
        reader.error_of(exchange.dialect, answer.json)
        return
    asked_usage = (body.get("stream_options") or {}).get("include_usage")
    if exchange.dialect == "openai" and exchange.streamed and not asked_usage:
        assert without_usage(answer.events) == without_usage(
            sse(exchange.body))
    else:
        assert answer.body == exchange.body
    seen = upstream.only()
    sent = seen.json
    if exchange.dialect in ("openai", "openai-completions", "anthropic", "cohere", "ollama"):
        expected = dict(exchange.request)
        sent.pop("stream_options", None), expected.pop("stream_options", None)
        expected.setdefault("model", "in-the-path")
        assert sent == expected
    else:
        assert sent == exchange.request
    if exchange.dialect == "bedrock":
        assert seen.target == f"/bedrock{urllib.parse.urlsplit(exchange.url).path}"


@each([e for e in ASKED if e.dialect == "gemini" and not e.api.startswith("vertex")])
@pytest.mark.parametrize("cuts", [None, "random"])
def test_gemini_passes_untouched_on_its_own_paths(four, upstream, exchange, cuts):
    """Through the gateway's own routes, with the provider in the model's name;
    the provider is asked for events, whatever the client asked."""
    # fact 47
    rest = exchange.url.split("/models/")[1]
    upstream.queue(exchange.answer(cuts=cuts))
    answer = four.post(f"/v1beta/models/gemini/{rest}", exchange.request)
    assert answer.status == exchange.status
    assert answer.body == exchange.body
    assert upstream.only().json == exchange.request
    assert upstream.only().target.endswith(f"/models/{rest}")
    if exchange.streamed:
        upstream.queue(exchange.answer(cuts=cuts))
        answer = four.post(f"/v1beta/models/gemini/{rest.split('?')[0]}", exchange.request)
        assert answer.header("content-type") == "application/json"
        assert answer.json == [e.json for e in sse(exchange.body)]


@each([e for e in GOOD if e.request and not e.api.startswith("vertex")])
def test_the_record_has_the_providers_count(four, upstream, exchange):
    path, body = same_dialect_path(exchange)
    upstream.queue(exchange.answer())
    answer = four.post(path, body, [("anthropic-version", "2023-06-01")])
    record = four.record(answer)
    said = reader.read(exchange.dialect, exchange.body, exchange.streamed, strict=False)
    if said.usage:
        counted = [sum(record[c] or 0 for c in classes) for classes in (
            ("input", "cache_read", "cache_write", "cache_write_1h", "audio_in"),
            ("output", "reasoning", "audio_out"))]
        assert tuple(counted) == reader.totals(said.usage), record
    elif not said.error:
        assert record["estimated"], record


# -- another dialect: the same is said --------------------------------------------

def question(client, streamed):
    if client == "gemini":
        return {"contents": [{"role": "user", "parts": [{"text": "as recorded"}]}]}
    if client == "bedrock":
        return {"messages": [{"role": "user", "content": [{"text": "as recorded"}]}]}
    if client == "openai-completions":
        return {"model": "", "prompt": "as recorded", "stream": streamed,
                **({"stream_options": {"include_usage": True}} if streamed else {})}
    if client == "openai-responses":
        return {"model": "", "input": "as recorded", "stream": streamed}
    body = {"model": "", "stream": streamed,
            "messages": [{"role": "user", "content": "as recorded"}]}
    if client != "ollama":
        body["max_tokens"] = 1000
    if client == "openai" and streamed:
        body["stream_options"] = {"include_usage": True}
    return body


def ask_for(four, client, exchange, upstream, cuts=None):
    upstream.queue(exchange.answer(cuts=cuts))
    body = question(client, exchange.streamed)
    model = f"{exchange.provider}/{exchange.model}"
    if (client, exchange.dialect) == ("anthropic", "bedrock"):
        model = model.replace("claude", "recorded")     # would be asked by InvokeModel
    if client in PATHS:
        body["model"] = model
    headers = [("anthropic-version", "2023-06-01")] if client == "anthropic" else []
    return four.post(path_of(client, model, exchange.streamed), body, headers)


CROSS = [(c, e) for c in CLIENTS for e in ALL
         if e.dialect not in (c, "openai-completions") and e.id not in recorded.SPLICED
         # a completion has no place for calls, and its client asks for none; who
         # speaks OpenAI's dialect is asked for completions, and not for chats
         and (c != "openai-completions"
              or ("tool_calls" not in e.features and e.provider != "openai"))]
cross = pytest.mark.parametrize("client, exchange", CROSS,
                                ids=[f"{c}-{e.id}" for c, e in CROSS])

# Finish reasons that have no word of their own in the other dialect.
FINISH_MAY_BE = {"pause": {"stop", "pause", "length"}, "other": {"stop", "tools", "filter", "length",
                                                       "other"}}


@cross
def test_another_dialect_says_the_same(four, upstream, client, exchange):
    answer = ask_for(four, client, exchange, upstream, "random" if exchange.streamed else None)
    if exchange.status != 200:
        assert answer.status == exchange.status or exchange.status in (401, 403), answer
        reader.error_of(client, answer.json)
        return
    before = reader.read(exchange.dialect, exchange.body, exchange.streamed, strict=False)
    if before.error and answer.status != 200:
        reader.error_of(client, answer.json)     # nothing had been said yet
        return
    assert answer.status == 200, answer
    after = reader.read(client, answer.body, exchange.streamed)
    if before.error:
        assert after.error
        return
    assert not after.error, after.error
    assert after.text == before.text
    assert [c for c in after.calls] == [c for c in before.calls if c[0]]
    # there they may be left out
    ids = [i for i in after.ids if i or client not in ("gemini", "ollama")]
    assert all(ids) and len(set(ids)) == len(ids)
    if before.finish is not None and not before.refused:
        assert after.finish in FINISH_MAY_BE.get(before.finish, {before.finish})
    assert after.finish, "an answer without a reason to end"
    if before.usage:
        assert reader.totals(after.usage) == reader.totals(before.usage)
        if client not in ("cohere", "ollama"):      # these have sums only
            assert after.usage["cache_read"] == before.usage["cache_read"]
    record = four.record(answer)
    if before.usage:
        assert (record["input"] or 0) + (record["audio_in"] or 0) == before.usage["input"]


def test_two_answers_in_one_stream_are_not_one(four, upstream):
    """An intermediary's second message_start: the client sees a legal stream,
    in which no call's arguments are put together from two answers."""
    spliced = [e for e in ALL if e.id in recorded.SPLICED]
    for exchange in spliced:
        answer = ask_for(four, "openai", exchange, upstream)
        pieces = {}
        for event in answer.events[:-1]:
            for choice in event.json.get("choices") or []:
                for call in choice["delta"].get("tool_calls") or []:
                    pieces[call["index"]] = pieces.get(call["index"], "") + (
                        call["function"].get("arguments") or "")
        whole = [p for p in pieces.values() if p.endswith("}")]
        assert all(json.loads(p) for p in whole), pieces


# -- what clients ask is legal everywhere -------------------------------------------

# Of each dialect: every provider that does not speak it.
PROVIDERS = ["openai", "anthropic", "bedrock", "cohere", "gemini", "hf", "old", "ollama",
             "responses"]
SPEAKS = {"openai": {"openai", "hf"}, "openai-completions": {"openai"},
          "openai-responses": {"responses"}}
TARGETS = {c: [p for p in PROVIDERS if p not in SPEAKS.get(c, {c})] for c in CLIENTS}
REQUESTS = [(t, e) for e in ASKED for t in TARGETS.get(e.dialect, [])
            if e.status == 200 and e.dialect in CLIENTS and not e.api.startswith("vertex")]


@pytest.mark.parametrize("target, exchange", REQUESTS,
                         ids=[f"{t}-{e.id}" for t, e in REQUESTS])
def test_a_real_request_is_legal_at_another_provider(four, upstream, target, exchange):
    """Translated, and accepted by a provider that checks as the real ones do;
    or refused by the gateway with the member's name, before anything is sent."""
    body = dict(exchange.request)
    model = f"{target}/some-model"
    if exchange.api == "bedrock.mantle.responses" and target == "openai":
        model += ";any"    # its call ids are longer than OpenAI's own may be
    if exchange.dialect in PATHS:
        body["model"] = model
    streamed = bool(body.get("stream", exchange.dialect == "ollama")) \
        or exchange.streamed and exchange.dialect in ("bedrock", "gemini")
    path = own_path(exchange) if exchange.dialect in PATHS \
        else path_of(exchange.dialect, model, streamed)
    answer = four.post(path, body, [("anthropic-version", "2023-06-01")])
    refused = [s.refused for s in upstream.seen() if s.refused]
    assert not refused, f"the provider refused: {refused[0]}"
    if answer.status == 400:
        _, message = reader.error_of(exchange.dialect, answer.json)
        members = set(_names(body)) | ({"tools"} if "functions" in body else set())
        assert [m for m in members if m in message], f"names no member: {message}"
        assert not upstream.seen()
        return
    assert answer.status == 200, answer
    said = reader.read(exchange.dialect, answer.body, streamed)
    assert said.text or said.calls
    assert said.finish


def _names(value):
    """Every member's name of a document, and every type it names."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield name
            if name == "type" and isinstance(inner, str):
                yield inner
            yield from _names(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _names(inner)


def test_embeddings_pass_untouched(four, upstream):

    names = [n for n in sorted(os.listdir(os.path.join(recorded.folder(), "openai")))
             if n.startswith("openai-embeddings")]
    assert names
    for name in names:
        with open(os.path.join(recorded.folder(), "openai", name), encoding="utf-8") as file:
            doc = json.load(file)
        upstream.queue({"recorded": doc})
        body = dict(doc["request"]["body"])
        answer = four.post("/v1/embeddings", {**body, "model": f"openai/{body['model']}"})
        assert answer.status == doc["response"]["status"]
        assert answer.body == doc["response"]["body"].encode()
        record = four.record(answer)
        if answer.status == 200:
            assert record["input"] == answer.json["usage"]["prompt_tokens"]


def test_gemini_embeddings_are_translated(four, upstream):

    base = os.path.join(recorded.folder(), "gemini")
    names = [n for n in sorted(os.listdir(base)) if n.startswith("gemini-batchEmbed")]
    for name in names:
        with open(os.path.join(base, name), encoding="utf-8") as file:
            doc = json.load(file)
        upstream.queue({"recorded": doc})
        count = len(doc["request"]["body"]["requests"])
        answer = four.post("/v1/embeddings", {
            "model": "gemini/gemini-embedding-001", "input": ["x"] * count})
        if doc["response"]["status"] != 200:
            assert answer.status == doc["response"]["status"]
            reader.error_of("openai", answer.json)
            continue
        values = [e["values"] for e in json.loads(doc["response"]["body"])["embeddings"]]
        assert [r["embedding"] for r in answer.json["data"]] == values


def test_text_is_the_same_byte_by_byte(four, upstream):
    """The longest streams, one byte a write, to both clients."""
    streams = sorted((e for e in GOOD if e.streamed and len(e.body) < 12000),
                     key=lambda e: -len(e.body))
    for dialect in ("openai", "anthropic", "gemini"):
        exchange = next(e for e in streams if e.dialect == dialect
                        and "error_midstream" not in e.features)
        before = reader.read(dialect, exchange.body, True, strict=False)
        for client in CLIENTS:
            # legacy completions of OpenAI's own pass
            if client != dialect and not client.startswith(dialect + "-completions"):
                answer = ask_for(four, client, exchange, upstream, "one")
                assert reader.read(client, answer.body, True).text == before.text
