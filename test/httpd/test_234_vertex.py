# SPDX-License-Identifier: Apache-2.0
"""Claude and Gemini on Google's Vertex AI: addresses, a Google token, and what
is particular in the bodies. A client of Anthropic's keeps its bytes.
"""
import json

import pytest

import reader

BASE = "/vertex/v1/projects/p/locations/l"
HELLO = [{"role": "user", "content": "hello"}]
CLIENTS = ["openai", "anthropic", "gemini"]
WEATHER = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}


def claude(gw, more=""):
    return (gw.conf("LLMRetries 0").provider("vertex", "anthropic-vertex", more=more)
            .model("vertex/*", "vertex *"))


def gemini(gw):
    url = f"{gw.upstream.url}{BASE}/publishers/google"
    token = f"LLMToken google url={gw.upstream.url}/tokens/token"
    return (gw.conf("LLMRetries 0")
            .provider("vertex", "gemini", url=url, key="none", more=token)
            .model("vertex/*", "vertex *"))


def ask(client, model, text="hello", stream=False, tools=False, script=""):
    """(path, body) of a question."""
    model = f"vertex/{model}{script}"
    if client == "gemini":
        method = "streamGenerateContent?alt=sse" if stream else "generateContent"
        body = {"contents": [{"role": "user", "parts": [{"text": text}]}]}
        if tools:
            body["tools"] = [{"functionDeclarations": [
                {"name": "get_weather", "parameters": WEATHER}]}]
        return f"/v1beta/models/{model.replace('/', '%2F')}:{method}", body
    body = {"model": model, "messages": [{"role": "user", "content": text}]}
    if stream:
        body["stream"] = True
    if client == "openai":
        if tools:
            body["tools"] = [{"type": "function", "function": {
                "name": "get_weather", "parameters": WEATHER}}]
        return "/v1/chat/completions", body
    body["max_tokens"] = 100
    if tools:
        body["tools"] = [{"name": "get_weather", "input_schema": WEATHER}]
    return "/v1/messages", body


def last_chat(upstream):
    return [s for s in upstream.seen() if "/publishers/" in s.path][-1]


# -- Claude -----------------------------------------------------------------------

@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("stream", [False, True])
def test_claude_answers_clients_of_every_dialect(gw, upstream, client, stream):
    gw.serve(claude(gw).enable())
    path, body = ask(client, "claude-sonnet-4-5@20250929", stream=stream)
    answer = gw.post(path, body)
    said = reader.read(client, answer.body, stream)
    assert said.text == "You said: hello" and said.finish == "stop", answer
    sent = upstream.only()
    assert sent.target == (f"{BASE}/publishers/anthropic/models/claude-sonnet-4-5@20250929:"
                           + ("streamRawPredict" if stream else "rawPredict"))
    assert sent.header("authorization") == "Bearer cloud-test"
    assert "model" not in sent.json
    assert sent.json["anthropic_version"] == "vertex-2023-10-16"
    record = gw.record(answer)
    assert record["output"] == 3 and record["provider"] == "vertex"


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("stream", [False, True])
def test_claude_calls_tools(gw, upstream, client, stream):
    gw.serve(claude(gw).enable())
    path, body = ask(client, "claude-x", "use the tool", stream, tools=True)
    said = reader.read(client, gw.post(path, body).body, stream)
    assert [c[0] for c in said.calls] == ["get_weather"] and said.finish == "tools"


def test_an_anthropic_clients_bytes_pass(gw, upstream):
    gw.serve(claude(gw).enable())
    body = (b'{ "messages" : [{"role":"user","content":"hel\\u0000lo"}], "odd": 1.50,\n'
            b' "odd": 9223372036854775808, "model" : "vertex/claude-x;any", "max_tokens":50 }')
    answer = gw.post("/v1/messages?beta=true", body,
                     headers=[("anthropic-beta", "context-1m-2025-08-07,x-y"),
                              ("anthropic-version", "2023-06-01")])
    assert answer.status == 200, answer
    sent = upstream.only()
    assert sent.body == body.replace(b'"model" : "vertex/claude-x;any"',
                                     b'"anthropic_version":"vertex-2023-10-16"')
    assert sent.header("anthropic-beta") == "context-1m-2025-08-07,x-y"


def test_a_version_of_the_clients_own_stays(gw, upstream):
    gw.serve(claude(gw).enable())
    gw.tolerates("LLMGW0101")
    body = {"anthropic_version": "vertex-9", "model": "vertex/claude-x", "max_tokens": 5,
            "messages": HELLO}
    gw.post("/v1/messages", body)
    assert upstream.only().json["anthropic_version"] == "vertex-9"


@pytest.mark.parametrize("client, path", [("anthropic", "/v1/messages/count_tokens"),
                                          ("gemini", "/v1beta/models/vertex%2Fclaude-x:"
                                                     "countTokens")])
def test_tokens_are_counted(gw, upstream, client, path):
    gw.serve(claude(gw).enable())
    body = ({"model": "vertex/claude-x", "messages": HELLO} if client == "anthropic"
            else {"contents": [{"role": "user", "parts": [{"text": "hello"}]}]})
    answer = gw.post(path, body)
    assert answer.status == 200, answer
    assert answer.json.get("input_tokens", answer.json.get("totalTokens")) > 0
    sent = upstream.only()
    assert sent.path == f"{BASE.removeprefix('/vertex')}/publishers/anthropic/models/" \
        "count-tokens:rawPredict"
    assert sent.json["model"] == "claude-x"


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("status, body, word", [
    (400, {"type": "error", "error": {"type": "invalid_request_error",
                                      "message": "max_tokens: too large"}}, "too large"),
    (403, {"error": {"code": 403, "message": "Permission 'aiplatform.endpoints.predict' "
                     "denied", "status": "PERMISSION_DENIED"}}, "denied"),
    (429, {"error": {"code": 429, "message": "Quota exceeded", "status":
                     "RESOURCE_EXHAUSTED"}}, "Quota"),
    (404, [{"error": {"code": 404, "message": "Publisher Model was not found",
                      "status": "NOT_FOUND"}}], "not found")])
def test_errors_of_either_form(gw, upstream, client, status, body, word):
    gw.serve(claude(gw).enable())
    gw.tolerates("LLMGW0101")
    upstream.queue({"status": status, "body": json.dumps(body),
                    "headers": {"Content-Type": "application/json"}})
    answer = gw.post(*ask(client, "claude-x"))
    assert answer.status == status, answer
    assert word in reader.error_of(client, answer.json)[1]


def test_a_name_that_no_model_can_have(gw, upstream):
    gw.serve(claude(gw).enable())
    answer = gw.post(*ask("anthropic", "a/b"))
    assert answer.status == 400 and "model" in answer.json["error"]["message"]
    assert not upstream.seen()


@pytest.mark.parametrize("prefix", ["/v1/projects/p/locations/l", "/projects/p/locations/l",
                                    ""])
def test_a_vertex_sdks_own_path(gw, upstream, prefix):
    gw.serve(claude(gw).enable())
    body = {"anthropic_version": "vertex-2023-10-16", "max_tokens": 9, "messages": HELLO}
    answer = gw.post(f"/vertex{prefix}/publishers/anthropic/models/claude-x:rawPredict", body)
    assert reader.anthropic(answer.body).text == "You said: hello", answer
    record = gw.record(answer)
    assert record["output"] == 3 and record["asked"] == "claude-x"


def test_claude_there_costs_what_it_costs_at_anthropic(gw, upstream):
    gw.serve(claude(gw).enable())
    answer = gw.post(*ask("anthropic", "claude-sonnet-4-5@20250929"))
    assert gw.record(answer)["cost"] > 0 and not gw.record(answer)["unpriced"]


# -- Gemini -----------------------------------------------------------------------

@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("stream", [False, True])
def test_gemini_answers_with_a_google_token(gw, upstream, client, stream):
    gw.serve(gemini(gw).enable())
    answer = gw.post(*ask(client, "gemini-2.5-flash", stream=stream))
    said = reader.read(client, answer.body, stream)
    assert said.text == "You said: hello", answer
    sent = last_chat(upstream)
    assert sent.path.startswith("/v1/projects/p/locations/l/publishers/google/models/"
                                "gemini-2.5-flash:")
    assert sent.header("authorization").startswith("Bearer token-")
    assert sent.header("x-goog-api-key") is None


# -- embeddings -------------------------------------------------------------------

def embed(client, model, texts, **more):
    """(path, body) of texts to embed, in a client's form."""
    model = f"vertex/{model}"
    if client == "openai":
        return "/v1/embeddings", {"model": model, "input": texts, **more}
    if client == "cohere":
        return "/v2/embed", {"model": model, "texts": texts, "input_type": "search_query",
                             "embedding_types": ["float"], **more}
    if client == "ollama":
        return "/api/embed", {"model": model, "input": texts, **more}
    path = f"/v1beta/models/{model.replace('/', '%2F')}"
    rows = [{"content": {"parts": [{"text": t}]}, **more} for t in texts]
    if len(rows) == 1:
        return f"{path}:embedContent", rows[0]
    return f"{path}:batchEmbedContents", {"requests": [
        {"model": f"models/{model}", **row} for row in rows]}


def vectors(client, answer):
    assert answer.status == 200, answer
    doc = answer.json
    if client == "openai":
        return [row["embedding"] for row in doc["data"]]
    if client == "cohere":
        return doc["embeddings"]["float"]
    if client == "ollama":
        return doc["embeddings"]
    return [row["values"] for row in doc.get("embeddings", [doc.get("embedding")])]


EMBED_CLIENTS = ["openai", "gemini", "cohere", "ollama"]


def sent_embeds(upstream):
    return [s for s in upstream.seen() if "/publishers/" in s.path]


@pytest.mark.parametrize("client", EMBED_CLIENTS)
@pytest.mark.parametrize("model, texts, method", [
    ("text-embedding-005", ["one two"], "predict"),
    ("text-multilingual-embedding-002", ["one two", "three"], "predict"),
    ("gemini-embedding-001", ["one two"], "predict"),
    ("gemini-embedding-001", ["one two", "three"], "batchEmbedContents"),
    ("gemini-embedding-2", ["one two"], "embedContent"),
    ("gemini-embedding-2", ["one two", "three"], "batchEmbedContents")])
def test_embeddings_in_the_form_the_model_wants(gw, upstream, client, model, texts, method):
    gw.serve(gemini(gw).enable())
    answer = gw.post(*embed(client, model, texts))
    found = vectors(client, answer)
    assert len(found) == len(texts) and all(len(v) == 8 for v in found)
    if client == "gemini" and model == "gemini-embedding-001" and len(texts) == 1:
        method = "embedContent"  # its bytes pass
    elif client != "gemini" and method == "embedContent":
        method = "batchEmbedContents"  # a list of one text
    assert sent_embeds(upstream)[-1].path.rpartition(":")[2] == method
    record = gw.record(answer)
    assert record["op"] == "embed" and not record["estimated"]
    assert record["input"] == sum((len(t) + 3) // 4 for t in texts)  # mind.tokens


def test_what_a_text_is_embedded_for(gw, upstream):
    gw.serve(gemini(gw).enable())
    gw.post(*embed("cohere", "text-embedding-005", ["x"], truncate="NONE",
                   output_dimension=4))
    assert sent_embeds(upstream)[-1].json == {
        "instances": [{"content": "x", "task_type": "RETRIEVAL_QUERY"}],
        "parameters": {"outputDimensionality": 4, "autoTruncate": False}}
    gw.post(*embed("gemini", "text-embedding-005", ["x"], taskType="RETRIEVAL_DOCUMENT",
                   title="T", outputDimensionality=3))
    assert sent_embeds(upstream)[-1].json == {
        "instances": [{"content": "x", "task_type": "RETRIEVAL_DOCUMENT", "title": "T"}],
        "parameters": {"outputDimensionality": 3}}
    gw.post(*embed("ollama", "text-embedding-005", ["x", "y"], truncate=False))
    assert sent_embeds(upstream)[-1].json == {
        "instances": [{"content": "x"}, {"content": "y"}], "parameters": {"autoTruncate": False}}


def test_each_text_of_a_batch_has_its_own_task(gw, upstream):
    gw.serve(gemini(gw).enable())
    row = {"model": "models/x", "content": {"parts": [{"text": "x"}]}}
    gw.post("/v1beta/models/vertex%2Ftext-embedding-005:batchEmbedContents", {"requests": [
        {**row, "taskType": "CLUSTERING"}, row,
        {**row, "embedContentConfig": {"task_type": "CLASSIFICATION"}}]})
    assert [i.get("task_type") for i in sent_embeds(upstream)[-1].json["instances"]] == [
        "CLUSTERING", None, "CLASSIFICATION"]


def test_a_text_of_tokens_has_no_form_there(gw, upstream):
    gw.serve(gemini(gw).enable())
    answer = gw.post(*embed("openai", "text-embedding-005", [[1, 2]]))
    assert answer.status == 400 and answer.json["error"]["param"] == "input"
    assert not sent_embeds(upstream)


def test_an_answer_of_predict_without_vectors_is_a_failure(gw, upstream):
    gw.serve(gemini(gw).enable())
    gw.tolerates("LLMGW0101")
    upstream.queue({"status": 200, "body": '{"predictions": [{"embeddings": {}}]}',
                    "headers": {"Content-Type": "application/json"}})
    answer = gw.post(*embed("openai", "text-embedding-005", ["x"]))
    assert answer.status == 502, answer
