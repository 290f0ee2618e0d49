# SPDX-License-Identifier: Apache-2.0
"""OpenAI's legacy completions: byte for byte where the provider has them, one
prompt as one turn of a chat where it has not.
"""
import json

import pytest

import reader

CLIENT = "openai-completions"
CHATS = ["anthropic", "bedrock", "cohere", "gemini", "hf", "old", "ollama", "responses"]


@pytest.fixture
def gate(gw):
    gw.tolerates("LLMGW0101")
    return gw.serve(gw.conf("LLMRetries 0").four_providers().enable())


def ask(gate, model, key=True, **more):
    return gate.post("/v1/completions", {"model": model, "prompt": "hello", **more}, key=key)


# -- chats answer a prompt -------------------------------------------------------------

@pytest.mark.parametrize("target", CHATS)
@pytest.mark.parametrize("streamed", [False, True])
def test_a_chat_completes_a_prompt(gate, target, streamed):
    answer = ask(gate, f"{target}/some-model", stream=streamed, max_tokens=100,
                 **({"stream_options": {"include_usage": True}} if streamed else {}))
    assert answer.status == 200, answer
    said = reader.read(CLIENT, answer.body, streamed)
    assert "hello" in said.text
    assert said.finish == "stop"
    record = gate.record(answer)
    assert gate.access(answer.id)["LLM_DIALECT"] == CLIENT
    if not record["estimated"]:
        assert reader.totals(said.usage) == (
            sum(record[c] or 0 for c in ("input", "cache_read", "cache_write")),
            sum(record[c] or 0 for c in ("output", "reasoning")))


def test_the_one_prompt_of_an_array_is_a_prompt(gate, upstream):
    answer = ask(gate, "anthropic/claude-x", prompt=["only"])
    assert "only" in reader.read(CLIENT, answer.body).text
    assert upstream.only().json["messages"][0]["content"][0]["text"] == "only"


@pytest.mark.parametrize("streamed", [False, True])
def test_a_stop_and_a_limit_are_kept(gate, streamed):
    stopped = ask(gate, "gemini/gemini-x", prompt="begin END more", stop="END", stream=streamed)
    assert reader.read(CLIENT, stopped.body, streamed).text == "You said: begin "
    cut = ask(gate, "anthropic/claude-x", prompt="one two three four", max_tokens=2,
              stream=streamed)
    assert reader.read(CLIENT, cut.body, streamed).finish == "length"


def test_usage_is_told_in_a_stream_to_who_asks_only(gate):
    answer = ask(gate, "anthropic/claude-x", stream=True)
    assert all("usage" not in e.json for e in answer.events if e.data != "[DONE]")
    assert gate.record(answer)["output"] > 0


@pytest.mark.parametrize("member, value", [
    ("echo", True), ("suffix", "behind"), ("best_of", 2), ("logprobs", 1),
    ("prompt", ["one", "two"]), ("prompt", [1, 2, 3]), ("prompt", [[1, 2], [3]]),
    ("prompt", ""), ("prompt", None), ("prompt", {"text": "a"}), ("stop", [1]),
    ("temperature", "hot"), ("stream_options", True), ("guided_json", {})])
def test_what_a_chat_cannot_do_is_refused_by_name(gate, upstream, member, value):
    answer = ask(gate, "anthropic/claude-x", **{member: value})
    assert answer.status == 400, answer
    kind, message = reader.error_of(CLIENT, answer.json)
    assert kind == "invalid_request_error"
    assert answer.json["error"]["param"] == member
    assert member in message
    assert not upstream.seen()


def test_what_says_no_more_than_the_default_is_no_reason(gate):
    answer = ask(gate, "anthropic/claude-x", echo=False, suffix="", best_of=1, n=1,
                 logprobs=None, logit_bias={}, presence_penalty=0, frequency_penalty=0.0)
    assert answer.status == 200, answer


# -- where they pass ---------------------------------------------------------------------

def test_a_body_passes_byte_for_byte(gate, upstream):
    body = (b'{ "prompt":["a","b"] ,"model":"openai/gpt-3.5-turbo-instruct", "echo":true,'
            b'"best_of":2,"suffix":"\\u0041","logprobs":5,"x_unknown":[1.50,{"a":null}] }')
    answer = gate.send("POST", "/v1/completions", body, [("Content-Type", "application/json")])
    assert answer.status == 200, answer
    seen = upstream.only()
    assert seen.path == "/v1/completions"
    assert seen.body == body.replace(b"openai/gpt", b"gpt")
    assert [c["text"] for c in answer.json["choices"]] == ["You said: a", "You said: b"]
    record = gate.record(answer)
    assert (record["input"], record["output"]) == (
        answer.json["usage"]["prompt_tokens"], answer.json["usage"]["completion_tokens"])


@pytest.mark.parametrize("asked", [False, True])
def test_usage_is_asked_for_and_hidden(gate, upstream, asked):
    answer = ask(gate, "openai/davinci-002", stream=True, prompt=["x y", "z"],
                 **({"stream_options": {"include_usage": True}} if asked else {}))
    assert upstream.only().json["stream_options"] == {"include_usage": True}
    chunks = [e.json for e in answer.events[:-1]]
    assert answer.events[-1].data == "[DONE]"
    assert any(c.get("usage") for c in chunks) == asked
    assert any("usage" in c for c in chunks) == asked
    record = gate.record(answer)
    assert record["input"] > 0 and record["output"] > 0 and not record["estimated"]
    assert record["finish"] == "stop"


@pytest.mark.parametrize("prompt", ["some words of a prompt", [5, 6, 7, 8]])
def test_what_is_not_counted_is_estimated(gate, prompt):
    answer = ask(gate, "openai/davinci-002;nousage", prompt=prompt)
    assert answer.status == 200, answer
    record = gate.record(answer)
    assert record["estimated"] and record["output"] > 2, record


def test_a_server_that_has_chats_only_is_asked_for_one(gw, upstream):
    """Known of some addresses; of others the completions are taken for granted."""
    gw.tolerates("LLMGW0101")
    gw.serve(gw.conf("LLMRetries 0").provider("hf", "huggingface").model("m", "hf some/model")
             .enable())
    answer = ask(gw, "m")
    assert "hello" in reader.read(CLIENT, answer.body).text
    assert upstream.only().path.endswith("/chat/completions")


# -- errors --------------------------------------------------------------------------------

@pytest.mark.parametrize("target", ["openai", "anthropic", "gemini"])
def test_an_error_is_in_openais_form(gate, target):
    answer = ask(gate, f"{target}/m;status=429;retry_after=3")
    assert answer.status == 429
    assert answer.header("retry-after") == "3"
    reader.error_of(CLIENT, answer.json)


@pytest.mark.parametrize("target, cut", [("openai", 3), ("anthropic", 6), ("gemini", 3)])
def test_a_stream_that_breaks_off_ends_with_an_error(gate, target, cut):
    answer = ask(gate, f"{target}/m;cut={cut}", stream=True, prompt="one two three four five six")
    said = reader.read(CLIENT, answer.body, True)
    assert said.error and said.text.startswith("You")
    assert not answer.body.rstrip().endswith(b"[DONE]")
    assert gate.record(answer)["output"] > 0


def test_the_path_takes_posts_only(gate):
    answer = gate.get("/v1/completions")
    assert answer.status == 405
    assert answer.header("allow") == "POST"
    reader.error_of(CLIENT, answer.json)


def test_a_key_may_use_its_models_only(gate, upstream):
    key = gate.key("few-texts", "--models", "anthropic/*")
    answer = ask(gate, "openai/davinci-002", key=key)
    assert answer.status == 403 and answer.json["error"]["code"] == "model_not_allowed"
    assert not upstream.seen()
    assert json.loads(ask(gate, "anthropic/claude-x", key=key).body)["object"] == \
        "text_completion"
