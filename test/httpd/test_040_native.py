# SPDX-License-Identifier: Apache-2.0
"""The native routes: /<provider>/<the provider's own path> passes the
provider's own API through, with the gateway's key swapped for the
provider's, and is metered."""
import json

import pytest

import reader

HELLO = [{"role": "user", "content": "hello"}]
GEMINI = {"contents": [{"role": "user", "parts": [{"text": "hello"}]}]}


@pytest.fixture
def native(gw):
    url = gw.upstream.url
    return gw.serve(gw.conf().provider("openai", url=f"{url}/v1")
                    .provider("mine", "openai", url=f"{url}/v1")
                    .provider("anthropic", url=url).provider("gemini", url=url)
                    .provider("huggingface", url=url).enable())


ROUTES = {
    "openai": ("/openai/v1/chat/completions", {"model": "gpt-test", "messages": HELLO},
               "openai", "/v1/chat/completions", "gpt-test"),
    "its own name": ("/mine/v1/chat/completions", {"model": "gpt-test", "messages": HELLO},
                     "openai", "/v1/chat/completions", "gpt-test"),
    "without /v1": ("/openai/chat/completions", {"model": "gpt-test", "messages": HELLO},
                    "openai", "/v1/chat/completions", "gpt-test"),
    "anthropic": ("/anthropic/v1/messages", {"model": "claude-test", "max_tokens": 100,
                                             "messages": HELLO},
                  "anthropic", "/v1/messages", "claude-test"),
    "gemini": ("/gemini/v1beta/models/gemini-test:generateContent", GEMINI,
               "gemini", "/v1beta/models/gemini-test:generateContent", "gemini-test")}


@pytest.mark.parametrize("name", ROUTES)
def test_the_providers_own_api(native, upstream, name):
    path, body, dialect, expected, model = ROUTES[name]
    answer = native.post(path, body, [("anthropic-version", "2023-06-01")])
    assert answer.status == 200, answer
    said = reader.read(dialect, answer.body)
    assert said.text == "You said: hello"
    seen = upstream.only()
    assert seen.path == expected
    assert seen.json == body
    record = native.record(answer)
    assert record["native"] and record["status"] == 200
    assert (record["input"], record["output"]) == (said.usage["input"],
                                                   said.usage["output"])
    assert record["model"].startswith(model)


@pytest.mark.parametrize("cuts", [None, "random"])
def test_coheres_first_version_streams_lines(gw, upstream, cuts):
    """Bare lines of JSON; the last one repeats the answer, and has the counts."""
    # fact 90
    gw.serve(gw.conf().provider("cohere", url=gw.upstream.url).enable())
    lines = [{"is_finished": False, "event_type": "stream-start", "generation_id": "g1"},
             {"is_finished": False, "event_type": "text-generation", "text": "Hi"},
             {"is_finished": False, "event_type": "text-generation", "text": " there"},
             {"is_finished": True, "event_type": "stream-end", "finish_reason": "COMPLETE",
              "response": {"text": "Hi there", "chat_history": [
                  {"role": "USER", "message": "hello"}, {"role": "CHATBOT", "message": "Hi there"}],
                  "meta": {"billed_units": {"input_tokens": 7, "output_tokens": 5}}}}]
    body = "".join(json.dumps(line) + "\n" for line in lines)
    upstream.queue({"headers": {"Content-Type": "application/stream+json"}, "body": body,
                    "chunked": True, "cuts": cuts})
    answer = gw.post("/cohere/v1/chat", {"model": "command-r", "message": "hello", "stream": True})
    assert answer.status == 200 and answer.text == body
    assert answer.header("content-type") == "application/stream+json"
    record = gw.record(answer)
    assert record["native"] and (record["input"], record["output"]) == (7, 5)


def test_bytes_pass_untouched(native, upstream):
    body = b'{ "z":1.0,"model" : "gpt-test;any" ,"messages":[{"role":"user","content":"\\u0041"}]}'
    assert native.post("/openai/v1/chat/completions", body).status == 200
    assert upstream.only().body == body


def test_a_stream_passes_and_is_metered(native, upstream):
    with native.open("POST", "/gemini/v1beta/models/gemini-test;slow=100:"
                     "streamGenerateContent?alt=sse", GEMINI) as stream:
        assert stream.event().json["candidates"]
        answer = stream.rest()
    assert reader.gemini_stream(answer.body).text == "You said: hello"
    record = native.record(answer)
    assert record["stream"] and record["output"] == 3


@pytest.mark.parametrize("method", ["converse", "converse-stream"])
def test_bedrocks_own_paths_are_signed_and_metered(gw, upstream, method):
    """The model is in the path, its colon percent-encoded however the client
    wrote it; the scripted provider checks the signature."""
    gw.serve(gw.conf().provider("bedrock").enable())
    body = {"messages": [{"role": "user", "content": [{"text": "hello"}]}]}
    answer = gw.post(f"/bedrock/model/anthropic.claude-test-v1:0/{method}", body)
    assert answer.status == 200, answer
    assert upstream.only().target.endswith(f"/model/anthropic.claude-test-v1%3A0/{method}")
    assert upstream.only().json == body
    record = gw.record(answer)
    assert record["native"] and not record["estimated"]
    assert (record["input"], record["output"]) == (5, 3)


def test_gemini_without_sse_is_one_array(native, upstream):
    answer = native.post("/gemini/v1beta/models/gemini-test:streamGenerateContent", GEMINI)
    assert len(answer.json) == 3
    assert native.record(answer)["output"] == 3


def test_an_openai_stream_is_metered_without_being_asked(native, upstream):
    answer = native.post("/openai/v1/chat/completions", {
        "model": "gpt-test", "messages": HELLO, "stream": True})
    assert all("usage" not in e.json for e in answer.events[:-1])
    assert native.record(answer)["output"] == 3


def test_the_old_inference_api(native, upstream):
    answer = native.post("/huggingface/org/some-model", {"inputs": "hello"})
    assert answer.json == [{"generated_text": "helloYou said: hello"}]
    assert upstream.only().path == "/models/org/some-model"
    answer = native.post("/huggingface/org/some-model", {"inputs": "hello", "stream": True})
    assert reader.text_generation_stream(answer.body).text == "You said: hello"
    record = native.record(answer)
    assert record["model"] == "org/some-model"


def test_the_huggingface_router(native, upstream):
    answer = native.post("/huggingface/v1/chat/completions", {
        "model": "org/chat-model", "messages": HELLO})
    assert reader.openai(answer.body).text == "You said: hello"


@pytest.mark.parametrize("path, body", [
    ("/gemini/v1beta/models/gemini-pro:generateContent", GEMINI),
    ("/huggingface/org/large", {"inputs": "hello"})])
def test_a_body_does_not_make_another_model_of_the_path(native, upstream, path, body):
    """Which one answers is in the path: it is what a key may use or not."""
    made = native.ctl_json("key", "create", f"of{path.count('/')}", "--models", "small")
    answer = native.post(path, {"model": "small", **body}, key=made["secret"])
    assert answer.status == 403, answer
    assert not upstream.seen()


@pytest.mark.parametrize("path", [
    "/openai/v1/models", "/openai/v1/models/gpt-4o", "/gemini/v1beta/models"])
def test_other_methods_pass(native, upstream, path):
    answer = native.get(path)
    assert answer.status == 200, answer
    assert upstream.only().method == "GET"


def test_other_paths_pass(native, upstream):
    answer = native.post("/anthropic/v1/messages/count_tokens", {
        "model": "claude-test", "messages": HELLO}, [("anthropic-version", "2023-06-01")])
    assert answer.json["input_tokens"] > 0
    answer = native.post("/gemini/v1beta/models/gemini-test:countTokens", GEMINI)
    assert answer.json["totalTokens"] == 2


def test_a_binary_body_passes(native, upstream):
    body = bytes(range(256)) * 400
    upstream.queue({"body_base64": "AAECAwT//g==", "headers": {"Content-Type": "audio/mpeg"}})
    answer = native.post("/openai/v1/audio/transcriptions", body,
                         [("Content-Type", "multipart/form-data; boundary=x")])
    assert answer.body == bytes([0, 1, 2, 3, 4, 255, 254])
    assert answer.header("content-type") == "audio/mpeg"
    assert upstream.only().body == body
    assert upstream.only().header("content-type") == "multipart/form-data; boundary=x"


def test_the_query_passes_without_the_key(native, upstream):
    path = "/gemini/v1beta/models/gemini-test:generateContent"
    answer = native.post(f"{path}?a=b%20c&key={native.key()}&z=1", GEMINI)
    assert answer.status == 200, answer
    target = upstream.only().target
    assert "a=b%20c" in target and "z=1" in target
    assert "key=" not in target
    # Google's examples have the key there.
    assert native.post(f"{path}?key={native.key()}", GEMINI, key=None).status == 200
    assert "key=" not in upstream.seen()[-1].target


def test_the_key_in_the_providers_own_header(native, upstream):
    for header, path, body in (("x-api-key", "/anthropic/v1/messages", {
            "model": "claude-test", "max_tokens": 9, "messages": HELLO}),
            ("x-goog-api-key", "/gemini/v1beta/models/gemini-test:generateContent", GEMINI)):
        answer = native.post(path, body, [(header, native.key()),
                                          ("anthropic-version", "2023-06-01")], key=None)
        assert answer.status == 200, answer
    assert upstream.seen()[0].header("x-api-key") == "sk-ant-test"
    assert upstream.seen()[1].header("x-goog-api-key") == "AIza-test"


def test_errors_pass_as_the_provider_says_them(native, upstream):
    answer = native.post("/gemini/v1beta/models/gemini-test;status=429;retry_after=9:"
                         "generateContent", GEMINI)
    assert answer.status == 429
    assert reader.error_of("gemini", answer.json)[0] == "RESOURCE_EXHAUSTED"
    assert native.record(answer)["status"] == 429


@pytest.mark.parametrize("path, dialect", [
    ("/openai/v1/chat/completions", "openai"), ("/anthropic/v1/messages", "anthropic"),
    ("/gemini/v1beta/models/x:generateContent", "gemini")])
def test_the_gateways_own_errors_are_in_the_routes_dialect(native, upstream, path, dialect):
    answer = native.post(path, b"{}", key="llmgw-" + "x" * 43)
    assert answer.status == 401
    reader.error_of(dialect, answer.json)
    assert not upstream.seen()


def test_an_unknown_provider_is_404(native, upstream):
    answer = native.post("/nobody/v1/chat/completions", {"model": "x", "messages": HELLO})
    assert answer.status == 404
    assert not upstream.seen()


def test_dots_in_the_path_do_not_leave_the_provider(native, upstream):
    """No way from one provider's route to another's or past its base path."""
    for path in ("/openai/../anthropic/v1/messages", "/openai/%2e%2e/secret",
                 "/openai/v1/../../secret"):
        answer = native.post(path, {"model": "x", "messages": HELLO})
        assert answer.status >= 400
    for seen in upstream.seen():
        assert ".." not in seen.path and "secret" not in seen.path


def test_a_percent_encoded_path_passes_as_it_was(native, upstream):
    native.post("/gemini/v1beta/models/gemini-test%3Bsize=3:generateContent", GEMINI)
    assert json.dumps(upstream.only().target).count("%3B") == 1
