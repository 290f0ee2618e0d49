# SPDX-License-Identifier: Apache-2.0
"""Azure OpenAI: where a deployment is found, which header carries the key,
what its content filters say, and that an OpenAI client's bytes pass.

What it has in common with every other provider is in test_030.
"""
import json

import pytest

import reader

DATED = "LLMAPIVersion 2024-10-21"
ASK = [{"role": "user", "content": "hello"}]
CLIENTS = ["openai", "anthropic", "gemini"]
PATHS = {"openai": "/v1/chat/completions", "anthropic": "/v1/messages",
         "gemini": "/v1beta/models/azure%2Fprod:generateContent"}


def azure(gw, path="/openai", more=DATED):
    return gw.serve(gw.conf("LLMRetries 0")
                    .provider("azure", url=f"{gw.upstream.url}/azure{path}", more=more)
                    .model("azure/*", "azure *").enable())


def body_of(client, text, **more):
    if client == "gemini":
        return {"contents": [{"role": "user", "parts": [{"text": text}]}]}
    return {"model": "azure/prod", "max_tokens": 50, **more,
            "messages": [{"role": "user", "content": text}]}


# -- addresses ----------------------------------------------------------------

@pytest.mark.parametrize("base, more, target", [
    ("/openai/v1", "", "/openai/v1/chat/completions"),
    ("/openai/v1", "LLMAPIVersion preview",
     "/openai/v1/chat/completions?api-version=preview"),
    ("", DATED, "/openai/deployments/prod/chat/completions?api-version=2024-10-21"),
    ("/openai", DATED, "/openai/deployments/prod/chat/completions?api-version=2024-10-21"),
    ("/openai/v1/", DATED, "/openai/deployments/prod/chat/completions?api-version=2024-10-21"),
    ("/openai/deployments/other", "LLMAPIVersion 2025-01-01-preview",
     "/openai/deployments/other/chat/completions?api-version=2025-01-01-preview")])
def test_where_a_deployment_is_asked(gw, upstream, base, more, target):
    azure(gw, base, more)
    answer = gw.post("/v1/chat/completions", body_of("openai", "hello"))
    assert reader.openai(answer.body).text == "You said: hello", answer
    sent = upstream.only()
    assert sent.target.removeprefix("/azure") == target
    assert sent.header("api-key") == "azure-test"
    assert sent.header("authorization") is None


@pytest.mark.parametrize("base, more, target", [
    ("/openai/v1", "", "/openai/v1/embeddings"),
    ("/openai", DATED, "/openai/deployments/prod/embeddings?api-version=2024-10-21")])
def test_embeddings_of_a_deployment(gw, upstream, base, more, target):
    azure(gw, base, more)
    answer = gw.post("/v1/embeddings", {"model": "azure/prod", "input": "hello"})
    assert len(answer.json["data"]) == 1
    assert upstream.only().target == "/azure" + target


def test_a_name_that_no_deployment_can_have(gw, upstream):
    azure(gw)
    answer = gw.post("/v1/chat/completions", {"model": "azure/a/b", "messages": ASK})
    assert answer.status == 400 and answer.json["error"]["param"] == "model"
    assert not upstream.seen()


@pytest.mark.parametrize("more, base, path", [
    ("", "/openai/v1", "/azure/openai/v1/responses"),
    (DATED + "\n    LLMResponses On", "/openai",
     "/azure/openai/responses?api-version=2024-10-21")])
def test_the_responses_api_is_beside_the_deployments(gw, upstream, more, base, path):
    azure(gw, base, more)
    done = {"id": "resp_1", "object": "response", "status": "completed", "model": "gpt-4o",
            "output": [], "usage": {"input_tokens": 3, "output_tokens": 4, "total_tokens": 7}}
    upstream.queue({"headers": {"Content-Type": "application/json"}, "body": json.dumps(done)})
    body = b'{"model": "azure/prod", "input": "hi", "odd": 9223372036854775808}'
    answer = gw.post("/v1/responses", body)
    assert answer.json == done
    sent = upstream.only()
    assert sent.target == path
    assert sent.body == body.replace(b"azure/prod", b"prod")


def test_without_it_a_response_becomes_a_chat(gw, upstream):
    azure(gw)
    answer = gw.post("/v1/responses", {"model": "azure/prod", "input": "hello"})
    assert answer.json["output"][0]["content"][0]["text"] == "You said: hello"
    assert upstream.only().path == "/openai/deployments/prod/chat/completions"


# -- bytes ----------------------------------------------------------------------

@pytest.mark.parametrize("stream", [False, True])
def test_an_openai_clients_bytes_pass(gw, upstream, stream):
    azure(gw)
    body = ('{"messages": [{"role":"user","content":"hel\\u0000lo"}], "odd": 1.50, "odd": 2, '
            '"model": "azure/prod;any", "n": 1%s}' % (
                ', "stream": true, "stream_options": {"include_usage": true}'
                if stream else "")).encode()
    answer = gw.post("/v1/chat/completions", body)
    assert upstream.only().body == body.replace(b"azure/prod", b"prod")
    assert b"prompt_filter_results" in answer.body
    assert b"content_filter_results" in answer.body
    record = gw.record(answer)
    assert record["model"].startswith("gpt-4o") and record["cost"] > 0


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("stream", [False, True])
def test_a_first_event_without_choices_disturbs_nobody(gw, upstream, client, stream):
    azure(gw)
    path = PATHS[client]
    more = {"stream": True} if stream and client != "gemini" else {}
    if stream and client == "gemini":
        path = path.replace(":generateContent", ":streamGenerateContent?alt=sse")
    answer = gw.post(path, body_of(client, "hello", **more))
    strict = {"strict": False} if stream and client == "openai" else {}  # Azure's own words
    read = getattr(reader, client + ("_stream" if stream else ""))(answer.body, **strict)
    assert read.text == "You said: hello" and not read.error
    assert gw.record(answer)["output"] == 3


# -- errors ---------------------------------------------------------------------

@pytest.mark.parametrize("client", CLIENTS)
def test_a_filtered_question_is_the_clients_error(gw, upstream, client):
    azure(gw)
    gw.tolerates("LLMGW0101")
    answer = gw.post(PATHS[client], body_of(client, "something forbidden"))
    assert answer.status == 400, answer
    assert "content management policy" in reader.error_of(client, answer.json)[1]
    if client == "openai":
        inner = answer.json["error"]["innererror"]
        assert inner["code"] == "ResponsibleAIPolicyViolation"
        assert answer.json["error"]["code"] == "content_filter"


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("body, status, word", [
    ({"error": {"code": "DeploymentNotFound", "message": "The API deployment for this "
                "resource does not exist."}}, 404, "deployment"),
    ({"statusCode": 401, "message": "Unauthorized. Access token is missing."}, 401,
     "Unauthorized"),
    ({"error": {"code": "429", "message": "Requests have exceeded the call rate limit."}},
     429, "call rate limit")])
def test_errors_of_azures_own_form(gw, upstream, client, body, status, word):
    azure(gw)
    gw.tolerates("LLMGW0101")
    upstream.queue({"status": status, "body": json.dumps(body), "headers": {
        "Content-Type": "application/json", "retry-after-ms": "6400"}})
    answer = gw.post(PATHS[client], body_of(client, "hello"))
    assert answer.status == status, answer
    if client == "openai" and "error" in body:
        assert answer.json == body
    else:
        assert word in reader.error_of(client, answer.json)[1]
    assert answer.header("retry-after") == "7"


def test_the_new_names_go_to_whatever_was_deployed(gw, upstream):
    azure(gw)
    gw.post("/v1/messages", body_of("anthropic", "hello"))
    assert upstream.only().json["max_completion_tokens"] == 50


# -- Azure's own clients --------------------------------------------------------

MODELS = ["openai/gpt-test", "anthropic/claude-test", "gemini/gemini-test", "azure/prod"]


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("stream", [False, True])
def test_a_deployment_is_a_model_here(gw, upstream, model, stream):
    """The path names the model and the body says whether it is streamed."""
    gw.serve(gw.conf("LLMRetries 0").four_providers().enable())
    answer = gw.post(f"/openai/deployments/{model}/chat/completions?api-version=2024-10-21",
                     {"model": "nobody", "stream": stream, "messages": ASK},
                     headers=[("api-key", gw.key())], key=None)
    said = (reader.openai_stream(answer.body, strict=False) if stream
            else reader.openai(answer.body))
    assert said.text == "You said: hello", answer
    assert gw.record(answer)["asked"] == model
    assert "api-key" not in {k.lower() for k, v in upstream.only().headers if "llmgw" in v}


@pytest.mark.parametrize("model", MODELS[:2])
def test_a_body_may_leave_the_model_to_the_path(gw, upstream, model):
    gw.serve(gw.conf("LLMRetries 0").four_providers().enable())
    answer = gw.post(f"/openai/deployments/{model.replace('/', '%2F')}/chat/completions",
                     {"messages": ASK})
    assert reader.openai(answer.body).text == "You said: hello", answer


def test_embeddings_for_azures_clients(gw, upstream):
    gw.serve(gw.conf("LLMRetries 0").four_providers().enable())
    answer = gw.post("/openai/deployments/gemini/gemini-embedding-001/embeddings",
                     {"input": ["one", "two"]})
    assert [len(d["embedding"]) for d in answer.json["data"]] == [8, 8], answer


def test_a_deployment_that_nobody_has(gw, upstream):
    gw.serve(gw.conf("LLMRetries 0").four_providers().enable())
    answer = gw.post("/openai/deployments/nobody/chat/completions", {"messages": ASK})
    assert answer.status == 404 and answer.json["error"]["code"] == "model_not_found"


# -- native calls -----------------------------------------------------------------

def test_azures_own_paths_pass_and_are_metered(gw, upstream):
    azure(gw)
    body = b'{"messages": [{"role": "user", "content": "hello"}]}'
    answer = gw.post("/azure/openai/deployments/prod/chat/completions"
                     "?api-version=2025-01-01-preview", body)
    assert reader.openai(answer.body).text == "You said: hello"
    sent = upstream.only()
    assert sent.body == body and sent.target.endswith("?api-version=2025-01-01-preview")
    record = gw.record(answer)
    assert record["asked"] == "prod" and record["output"] == 3


def test_a_native_path_without_a_version_gets_the_configured_one(gw, upstream):
    azure(gw)
    upstream.queue({"body": "{}", "headers": {"Content-Type": "application/json"}})
    gw.get("/azure/files?limit=3")
    assert upstream.only().target == "/azure/openai/files?limit=3&api-version=2024-10-21"
