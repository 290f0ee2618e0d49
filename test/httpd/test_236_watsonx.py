# SPDX-License-Identifier: Apache-2.0
"""IBM watsonx.ai: its paths, the names of its own, its errors; clients of three
dialects on it. Its token is test_232's subject."""
import json

import pytest

import reader

CLIENTS = ["openai", "anthropic", "gemini"]
WEATHER = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}


@pytest.fixture
def watsonx(gw):
    return gw.serve(gw.conf("LLMRetries 0").provider("watsonx")
                    .model("watsonx/*", "watsonx *").enable())


def ask(client, text="hello", stream=False, tools=False, script="", **more):
    """(path, body) of a question."""
    model = f"watsonx/ibm/granite-4{script}"
    if client == "gemini":
        method = "streamGenerateContent?alt=sse" if stream else "generateContent"
        body = {"contents": [{"role": "user", "parts": [{"text": text}]}]}
        if tools:
            body["tools"] = [{"functionDeclarations": [
                {"name": "get_weather", "parameters": WEATHER}]}]
            body["toolConfig"] = {"functionCallingConfig": {"mode": "ANY"}}
        return f"/v1beta/models/{model.replace('/', '%2F')}:{method}", body
    body = {"model": model, "messages": [{"role": "user", "content": text}], **more}
    if stream:
        body["stream"] = True
    if client == "openai":
        if tools:
            body["tools"] = [{"type": "function", "function": {
                "name": "get_weather", "parameters": WEATHER}}]
            body["tool_choice"] = "required"
        return "/v1/chat/completions", body
    body["max_tokens"] = 100
    if tools:
        body["tools"] = [{"name": "get_weather", "input_schema": WEATHER}]
        body["tool_choice"] = {"type": "any"}
    return "/v1/messages", body


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("stream", [False, True])
def test_a_plain_question(watsonx, upstream, client, stream):
    answer = watsonx.post(*ask(client, stream=stream))
    said = reader.read(client, answer.body, stream)
    assert said.text == "You said: hello" and said.finish == "stop", answer
    sent = upstream.only()
    assert sent.target == "/watsonx/ml/v1/text/" + ("chat_stream" if stream else "chat") \
        + "?version=2025-02-06"
    assert sent.json["model_id"] == "ibm/granite-4" and sent.json["project_id"] == "project-1"
    assert not {"model", "stream", "stream_options"} & set(sent.json)
    assert watsonx.record(answer)["output"] == 3


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("stream", [False, True])
def test_a_tool_is_called(watsonx, upstream, client, stream):
    answer = watsonx.post(*ask(client, "use the tool", stream, tools=True))
    said = reader.read(client, answer.body, stream)
    assert [c[0] for c in said.calls] == ["get_weather"] and said.finish == "tools"
    assert upstream.only().json["tool_choice_option"] == "required"


def test_a_certain_tool_stays_an_object(watsonx, upstream):
    path, body = ask("openai", tools=True)
    body["tool_choice"] = {"type": "function", "function": {"name": "get_weather"}}
    assert watsonx.post(path, body).status == 200
    assert upstream.only().json["tool_choice"] == body["tool_choice"]


def test_a_space_and_a_version(gw, upstream):
    gw.serve(gw.conf().provider("watsonx", url=f"{upstream.url}/watsonx",
                                more="LLMProject space:s-1\n    LLMAPIVersion 2024-10-08")
             .model("watsonx/*", "watsonx *").enable())
    assert gw.post(*ask("openai")).status == 200
    sent = upstream.only()
    assert sent.json["space_id"] == "s-1" and "project_id" not in sent.json
    assert sent.target.endswith("?version=2024-10-08")


def test_hints_are_dropped_and_told(watsonx, upstream):
    answer = watsonx.post(*ask("openai", user="u1", metadata={"a": "b"}, time_limit=9000))
    assert answer.status == 200, answer
    assert set(answer.header("x-llm-dropped").replace(" ", "").split(",")) == {"user",
                                                                              "metadata"}
    assert upstream.only().json["time_limit"] == 9000


@pytest.mark.parametrize("text", ["hello", ["one", "two"]])
def test_embeddings(watsonx, upstream, text):
    answer = watsonx.post("/v1/embeddings", {"model": "watsonx/ibm/slate", "input": text})
    count = 1 if isinstance(text, str) else 2
    assert [len(row["embedding"]) for row in answer.json["data"]] == [8] * count, answer
    assert answer.json["usage"]["prompt_tokens"] > 0
    assert upstream.only().json["inputs"] == ([text] if count == 1 else text)


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("status", [400, 404, 429, 500])
def test_errors_are_the_clients(watsonx, upstream, client, status, gw):
    gw.tolerates("LLMGW0101")
    body = {"errors": [{"code": "model_not_supported", "message": "Model 'x' is not supported"}],
            "trace": "t", "status_code": status}
    upstream.queue({"status": status, "body": json.dumps(body),
                    "headers": {"Content-Type": "application/json"}})
    answer = watsonx.post(*ask(client))
    assert answer.status == status, answer
    assert "Model 'x' is not supported" in reader.error_of(client, answer.json)[1]


@pytest.mark.parametrize("client", CLIENTS)
def test_an_error_in_mid_stream(watsonx, upstream, client, gw):
    gw.tolerates("LLMGW0101")
    answer = watsonx.post(*ask(client, stream=True, script=";error_after=3"))
    assert answer.status == 200 and b"The server had an error" in answer.body
    assert reader.read(client, answer.body, True).error
