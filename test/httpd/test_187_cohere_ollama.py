# SPDX-License-Identifier: Apache-2.0
"""Clients that speak Cohere's and Ollama's own APIs.

What the dialects say to one another is proven in test_030, test_130 and unit
tests; here is what only a real httpd shows: paths, framings, defaults, what the
gateway answers itself, records, errors in mid-stream.
"""
import json

import pytest

import reader

PROVIDERS = {"openai": "openai/gpt-test", "anthropic": "anthropic/claude-test",
             "gemini": "gemini/gemini-test", "ollama": "ollama/llama3.2",
             "cohere": "cohere/command-a-03-2025"}
every = pytest.mark.parametrize("provider", PROVIDERS)


@pytest.fixture
def four(gw):
    return gw.serve(gw.conf().four_providers().model("smart", "openai gpt-test").enable())


def chat(provider, script="", **more):
    return {"model": PROVIDERS[provider] + script,
            "messages": [{"role": "user", "content": "hello"}], **more}


# -- Ollama -----------------------------------------------------------------------

@every
def test_ollama_streams_unless_told_otherwise(four, upstream, provider):
    for more in ({}, {"stream": None}, {"stream": True}):
        answer = four.post("/api/chat", chat(provider, **more))
        assert answer.header("content-type") == "application/x-ndjson"
        assert reader.ollama_stream(answer.body).text == "You said: hello"
    answer = four.post("/api/chat", chat(provider, stream=False))
    assert answer.header("content-type").startswith("application/json")
    assert reader.ollama(answer.body).text == "You said: hello"
    assert four.record(answer)["dialect"] == "ollama"


@every
def test_ollamas_counts_and_times(four, upstream, provider):
    answer = four.post("/api/chat", chat(provider, ";slow=20"))
    last = json.loads(answer.body.splitlines()[-1])
    assert last["done"] is True and last["done_reason"] == "stop"
    assert last["prompt_eval_count"] > 0 and last["eval_count"] == 3
    if provider != "ollama":
        assert last["total_duration"] >= last["eval_duration"] > 0
        assert last["created_at"].endswith("Z")
    record = four.record(answer)
    assert (record["input"], record["output"]) == (last["prompt_eval_count"], 3)


@every
def test_ollamas_prompts(four, upstream, provider):
    body = {"model": PROVIDERS[provider], "prompt": "hello", "system": "Be brief."}
    answer = four.post("/api/generate", body)
    lines = [json.loads(line) for line in answer.body.splitlines()]
    assert "".join(line["response"] for line in lines) == "You said: hello"
    assert [line["done"] for line in lines] == [False] * (len(lines) - 1) + [True]
    answer = four.post("/api/generate", {**body, "stream": False})
    assert answer.json["response"] == "You said: hello"
    sent = upstream.seen()[-1]
    assert "Be brief." in sent.body.decode()
    if provider == "ollama":
        assert sent.path == "/api/generate"
        assert sent.json == {**body, "stream": False, "model": "llama3.2"}


@pytest.mark.parametrize("provider", ["openai", "gemini", "ollama", "cohere"])
def test_ollamas_embeddings(four, upstream, provider):
    model = PROVIDERS[provider]
    both = four.post("/api/embed", {"model": model, "input": ["one", "two"]})
    assert [len(v) for v in both.json["embeddings"]] == [8, 8]
    old = four.post("/api/embeddings", {"model": model, "prompt": "one"})
    assert old.json == {"embedding": both.json["embeddings"][0]}
    assert four.record(old)["op"] == "embed"
    assert upstream.seen()[-1].path.endswith("embeddings") or provider != "ollama"


def test_ollamas_lists(four, upstream):
    listed = four.get("/api/tags").json["models"]
    assert [m["model"] for m in listed] == ["smart"] and listed[0]["name"] == "smart"
    for body in ({"model": "smart"}, {"name": "openai/any"}):
        shown = four.post("/api/show", body)
        assert shown.status == 200 and "tools" in shown.json["capabilities"], shown
    assert four.get("/api/version").json["version"]
    assert four.get("/api/ps").json == {"models": []}
    assert not upstream.seen()


def test_ollamas_lists_are_for_those_who_may(four):
    assert four.get("/api/tags", key="llmgw-" + "N" * 43).status == 401
    assert four.get("/api/version", key="llmgw-" + "N" * 43).status == 401


@pytest.mark.parametrize("path, body, status, word", [
    ("/api/show", {"model": "nobody"}, 404, "nobody"), ("/api/show", {}, 400, "model"),
    ("/api/show", b"[", 400, "model"), ("/api/chat", {"model": "nobody"}, 404, "nobody"),
    ("/api/chat", {"messages": []}, 400, "model"),
    ("/api/chat", {"model": "openai/x"}, 400, "messages"),
    ("/api/chat", {"model": "openai/x", "messages": [], "stream": "yes"}, 400, "stream")])
def test_ollamas_errors(four, upstream, path, body, status, word):
    answer = four.post(path, body)
    assert answer.status == status, answer
    assert word in reader.error_of("ollama", answer.json)[1]
    assert not upstream.seen()


def test_ollamas_methods(four):
    for path in ("/api/chat", "/api/show", "/api/generate", "/api/embed"):
        answer = four.get(path)
        assert answer.status == 405 and answer.header("allow") == "POST"
        reader.error_of("ollama", answer.json)
    assert four.post("/api/tags", {}).status == 405


@every
def test_a_failure_in_mid_stream_is_a_line(four, upstream, provider):
    """Also where the bytes pass, and a line of the provider's was cut in two."""
    four.tolerates("LLMGW0101")
    for script in (";events=6;error_after=5", ";events=6;cut=3;half"):
        answer = four.post("/api/chat", chat(provider, script))
        lines = [json.loads(line) for line in answer.body.splitlines()]
        assert lines and "error" in lines[-1], answer
        assert all("error" not in line for line in lines[:-1])


# -- Cohere -----------------------------------------------------------------------

@every
def test_cohere_is_told_both_counts(four, upstream, provider):
    answer = four.post("/v2/chat", chat(provider))
    usage = answer.json["usage"]
    record = four.record(answer)
    assert record["dialect"] == "cohere"
    assert usage["billed_units"] == {"input_tokens": record["input"],
                                     "output_tokens": record["output"]}
    if provider != "cohere":
        assert usage["tokens"] == usage["billed_units"]


@every
def test_coheres_streams_end_as_coheres(four, upstream, provider):
    answer = four.post("/v2/chat", chat(provider, stream=True))
    assert answer.header("content-type").split(";")[0] == "text/event-stream"
    assert [e.name for e in answer.events][0] == "message-start"
    assert answer.events[-1].data == "[DONE]"
    assert answer.events[-2].json["delta"]["finish_reason"] == "COMPLETE"


@every
def test_a_failure_in_mid_stream_ends_coheres(four, upstream, provider):
    answer = four.post("/v2/chat", chat(provider, ";events=6;error_after=5", stream=True))
    said = reader.cohere_stream(answer.body, strict=provider != "cohere")
    assert said.error


@pytest.mark.parametrize("provider", ["openai", "gemini", "ollama", "cohere"])
def test_coheres_embeddings(four, upstream, provider):
    answer = four.post("/v2/embed", {
        "model": PROVIDERS[provider], "texts": ["one", "two"],
        "input_type": "search_document", "embedding_types": ["float"]})
    assert [len(v) for v in answer.json["embeddings"]["float"]] == [8, 8]
    assert answer.json["texts"] == ["one", "two"]
    assert four.record(answer)["op"] == "embed"


@pytest.mark.parametrize("path", ["/v1/rerank", "/v2/rerank"])
def test_ranking_passes_to_cohere(four, upstream, path):
    body = {"model": "cohere/rerank-v3.5", "query": "red cat", "top_n": 1,
            "documents": ["a blue dog", "a red cat"]}
    answer = four.post(path, body)
    assert [r["index"] for r in answer.json["results"]] == [1]
    assert upstream.only().path == path
    assert upstream.only().json == {**body, "model": "rerank-v3.5"}
    record = four.record(answer)
    assert record["op"] == "rerank" and record["dialect"] == "cohere"
    assert not record["input"] and not record["output"] and not record["estimated"]


@pytest.mark.parametrize("path", ["/v1/rerank", "/v2/rerank"])
def test_ranking_passes_to_servers_of_openais_dialect(four, upstream, path):
    body = b'{"query":"red cat", "model":"openai/bge-reranker","documents":["a",{"text":"b"}],"x":1.0}'
    answer = four.send("POST", path, body, [("Content-Type", "application/json")])
    assert [r["index"] for r in answer.json["results"]] == [1, 0]
    assert upstream.only().path == "/v1/rerank"
    assert upstream.only().body == body.replace(b"openai/bge", b"bge")
    record = four.record(answer)
    assert record["op"] == "rerank" and record["input"] == 9 and not record["estimated"]


@pytest.mark.parametrize("usage, counted", [
    ({"total_tokens": 56}, 56), ({"prompt_tokens": 7, "total_tokens": 7}, 7), (None, None)])
def test_tokens_of_ranking_are_counted_as_they_are_told(four, upstream, usage, counted):
    upstream.queue({"headers": {"Content-Type": "application/json"}, "body": json.dumps(
        {"results": [{"index": 0, "relevance_score": 0.5}], **({"usage": usage} if usage else {})})})
    answer = four.post("/v2/rerank", {"model": "openai/r", "query": "x y z", "documents": ["a"]})
    record = four.record(answer)
    assert record["input"] == counted if counted else record["input"] and record["estimated"]


def test_an_error_of_such_a_server_is_in_coheres_form(four):
    answer = four.post("/v2/rerank", {"model": "openai/r;status=429", "query": "x",
                                      "documents": ["a"]})
    assert answer.status == 429
    reader.error_of("cohere", answer.json)


@pytest.mark.parametrize("provider", ["anthropic", "gemini", "ollama"])
def test_who_cannot_rank_is_not_asked(four, upstream, provider):
    answer = four.post("/v2/rerank", {"model": PROVIDERS[provider], "query": "x",
                                      "documents": ["x"]})
    assert answer.status == 400, answer
    assert "does not do this" in reader.error_of("cohere", answer.json)[1]
    assert not upstream.seen()


def test_coheres_list_is_for_its_sdk(four):
    sign = [("X-Fern-SDK-Name", "cohere")]
    listed = four.get("/v1/models", sign).json["models"]
    assert [m["name"] for m in listed] == ["smart"]
    assert four.get("/v1/models/smart", sign).json["name"] == "smart"
    assert "data" in four.get("/v1/models", [("X-Fern-SDK-Name", "other")]).json


def test_the_providers_own_words_pass(four, upstream):
    for path, provider in (("/v2/chat", "cohere"), ("/api/chat", "ollama")):
        answer = four.post(path, chat(provider, ";status=429;retry_after=3"))
        assert answer.status == 429 and answer.header("retry-after") == "3"
        assert "scripted error 429" in reader.error_of(provider, answer.json)[1]


@pytest.mark.parametrize("path, body, word", [
    ("/v2/chat", {"model": "openai/x", "messages": "x"}, "messages"),
    ("/v2/chat", {"messages": []}, "model"),
    ("/v2/embed", {"model": "openai/x", "images": ["x"]}, "images"),
    ("/v2/chat", {"model": "openai/x", "messages": [{"role": "user", "content": "x"}],
                  "documents": [{"id": "x"}]}, "documents[0]")])
def test_coheres_errors(four, upstream, path, body, word):
    answer = four.post(path, body)
    assert answer.status == 400
    assert word in reader.error_of("cohere", answer.json)[1]
    assert answer.json["id"] == answer.header("x-request-id")
    assert not upstream.seen()
