# SPDX-License-Identifier: Apache-2.0
"""Clients that speak Bedrock's Converse, as AWS's SDKs do.

What the dialects say to one another is proven in test_030, test_130 and unit
tests; here is what only a real httpd shows: names in paths, credentials,
errors and their headers, binary streams, counting, records.
"""
import urllib.parse

import pytest

import reader
from reader_bedrock import messages

PROVIDERS = {"openai": "openai/gpt-test", "anthropic": "anthropic/claude-test",
             "bedrock": "bedrock/us.anthropic.claude-test-v1:0",
             "cohere": "cohere/command-a-03-2025", "gemini": "gemini/gemini-test",
             "ollama": "ollama/llama3.2"}
every = pytest.mark.parametrize("provider", PROVIDERS)
EVENTSTREAM = "application/vnd.amazon.eventstream"
ARN = "arn:aws:bedrock:eu-west-3:123456789012:inference-profile/eu.anthropic.claude-x-v1:0"


@pytest.fixture
def four(gw):
    return gw.serve(gw.conf().four_providers().model("smart", "openai gpt-test").enable())


def path(model, method="converse", safe=""):
    return f"/model/{urllib.parse.quote(model, safe=safe)}/{method}"


def body(text="hello", **more):
    return {"messages": [{"role": "user", "content": [{"text": text}]}], **more}


@every
def test_streams_are_binary(four, upstream, provider):
    answer = four.post(path(PROVIDERS[provider], "converse-stream"), body())
    assert answer.header("content-type") == EVENTSTREAM
    kinds = {m.headers[":message-type"] for m in messages(answer.body)}
    assert kinds == {"event"}
    assert reader.bedrock_stream(answer.body).text == "You said: hello"
    record = four.record(answer)
    assert record["dialect"] == "bedrock" and record["stream"] and not record["estimated"]


@every
def test_how_long_it_took_is_told(four, upstream, provider):
    answer = four.post(path(PROVIDERS[provider] + ";slow=20", "converse-stream"), body())
    last = messages(answer.body)[-1].json
    assert last["metrics"]["latencyMs"] >= (1 if provider == "bedrock" else 20)


@pytest.mark.parametrize("safe", ["", ":", ":/"], ids=["encoded", "colons", "bare"])
def test_a_model_may_be_an_arn(gw, upstream, safe):
    gw.serve(gw.conf().provider("bedrock").model("arn:*", "bedrock arn:*").enable())
    answer = gw.post(path(ARN, safe=safe), body())
    assert answer.status == 200, answer
    assert reader.bedrock(answer.body).text == "You said: hello", answer
    assert upstream.only().target == f"/bedrock{path(ARN)}"
    assert gw.record(answer)["asked"] == ARN


def test_a_gateway_below_a_path(gw, upstream):
    gw.serve(gw.conf().four_providers().add(
        '<Location "/ai">\nLLMGateway On\nAuthType LLMKey\nRequire valid-user\n</Location>'))
    answer = gw.post("/ai" + path("openai/gpt-test"), body())
    assert reader.bedrock(answer.body).text == "You said: hello"


def test_bytes_pass_to_bedrock(four, upstream):
    raw = (b'{ "messages":[{"role":"user","content":[{"text":"a\\u0000\\/b"}]}], '
           b'"inferenceConfig":{"temperature":0.10},"requestMetadata":{"a":"b"}}')
    answer = four.post(path(PROVIDERS["bedrock"]), raw)
    assert answer.status == 200, answer
    assert upstream.only().body == raw
    assert upstream.only().header("authorization").startswith("AWS4-HMAC-SHA256 ")
    assert answer.header("x-amzn-requestid") == "scripted"


def test_a_stream_that_passes_is_not_changed(four, upstream):
    ask = path(PROVIDERS["bedrock"] + ";bytes=random;seed=3", "converse-stream")
    answer = four.post(ask, body())
    assert all("p" in m.json for m in messages(answer.body))     # the provider's padding
    record = four.record(answer)
    assert (record["input"], record["output"]) == (5, 3) and not record["estimated"]


# -- who asks -----------------------------------------------------------------------

SIGNED = ("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260101/us-east-1/bedrock/aws4_request, "
          "SignedHeaders=host;x-amz-date, Signature=" + "0" * 64)


def test_a_signature_is_not_believed(four, upstream):
    answer = four.post(path(PROVIDERS["openai"]), body(), [
        ("Authorization", SIGNED), ("X-Amz-Date", "20260101T000000Z")], key=None)
    assert answer.status == 401
    assert answer.header("x-amzn-errortype") == "AccessDeniedException"
    assert "AWS_BEARER_TOKEN_BEDROCK" in reader.error_of("bedrock", answer.json)[1]
    assert not upstream.seen()


def test_a_signature_beside_a_key_is_nobodys_business(four, upstream):
    answer = four.post(path(PROVIDERS["bedrock"]), body(), [
        ("Authorization", SIGNED), ("x-api-key", four.key()),
        ("X-Amz-Security-Token", "theirs")], key=None)
    assert answer.status == 200, answer
    assert upstream.only().header("x-amz-security-token") == "session-test"


def test_a_wrong_key(four, upstream):
    answer = four.post(path(PROVIDERS["openai"]), body(), key="llmgw-" + "N" * 43)
    assert answer.status == 401
    assert answer.header("x-amzn-errortype") == "AccessDeniedException"


# -- errors -------------------------------------------------------------------------

@pytest.mark.parametrize("ask, more, status, kind, word", [
    (path("nobody"), {}, 404, "ResourceNotFoundException", "nobody"),
    (path("openai/x"), {"messages": "x"}, 400, "ValidationException", "messages"),
    (path("openai/x"), {"guardrailConfig": {"guardrailIdentifier": "g"}}, 400,
     "ValidationException", "guardrailConfig"),
    (path("gemini/x"), {"inferenceConfig": {"maxTokens": "x"}}, 400, "ValidationException",
     "inferenceConfig.maxTokens"),
    (path("openai/x", "invoke"), {}, 404, "ResourceNotFoundException", "InvokeModel"),
    (path("openai/x", "invoke-with-response-stream"), {}, 404, "ResourceNotFoundException",
     "Converse"),
    (path("openai/x", "apply"), {}, 404, "ResourceNotFoundException", "there is nothing")])
def test_errors_are_awss(four, upstream, ask, more, status, kind, word):
    answer = four.post(ask, body(**more), [("amz-sdk-invocation-id", "1")])
    assert answer.status == status, answer
    assert answer.header("x-amzn-errortype") == kind
    assert word in reader.error_of("bedrock", answer.json)[1]
    assert answer.header("x-amzn-requestid") == answer.header("x-request-id")
    assert not upstream.seen()


def test_methods(four, upstream):
    answer = four.get(path("openai/x"))
    assert answer.status == 405 and answer.header("allow") == "POST"
    reader.error_of("bedrock", answer.json)


@every
def test_a_providers_error_has_a_name(four, upstream, provider):
    for status, kind in ((429, "ThrottlingException"), (400, "ValidationException"),
                         (503, "ServiceUnavailableException")):
        answer = four.post(path(f"{PROVIDERS[provider]};status={status}", "converse-stream"),
                           body())
        assert answer.status == status
        assert answer.header("x-amzn-errortype").split(":")[0] == kind
        assert f"scripted error {status}" in reader.error_of("bedrock", answer.json)[1]


@every
@pytest.mark.parametrize("script", [";events=6;error_after=5", ";events=6;cut=5;half"])
def test_a_failure_in_mid_stream_is_an_exception(four, upstream, provider, script):
    """Also where the bytes pass, and a message of the provider's was cut in two."""
    four.tolerates("LLMGW0101")
    answer = four.post(path(PROVIDERS[provider] + script, "converse-stream"), body())
    said = reader.bedrock_stream(answer.body, strict=False)
    assert said.error, answer
    last = messages(answer.body)[-1]
    assert last.kind == "exception" and last.name in (
        "internalServerException", "modelStreamErrorException", "serviceUnavailableException")


def test_a_limit_that_is_the_clients(gw, upstream):
    gw.serve(gw.conf("LLMBodyLimit 1000").four_providers().enable())
    answer = gw.post(path("openai/x"), body("x" * 2000))
    assert answer.status == 413
    assert answer.header("x-amzn-errortype") == "ValidationException"


# -- counting -----------------------------------------------------------------------

@pytest.mark.parametrize("provider", ["openai", "anthropic", "gemini", "bedrock"])
def test_tokens_are_counted(four, upstream, provider):
    answer = four.post(path(PROVIDERS[provider], "count-tokens"),
                       {"input": {"converse": body("one two three four")}})
    assert answer.status == 200, answer
    assert answer.json["inputTokens"] >= 4
    assert answer.header("x-llm-estimated") == (
        None if provider in ("anthropic", "gemini") else "tokens")
    more = four.post(path(PROVIDERS[provider], "count-tokens"),
                     {"input": {"converse": body("one two three four five six seven")}})
    assert more.json["inputTokens"] > answer.json["inputTokens"]


def test_what_is_counted_is_a_conversation(four, upstream):
    for question, word in (({"input": {"invokeModel": {"body": "e30="}}}, "invokeModel"),
                           ({}, "input.converse")):
        answer = four.post(path("openai/x", "count-tokens"), question)
        assert answer.status == 400
        assert word in reader.error_of("bedrock", answer.json)[1]
