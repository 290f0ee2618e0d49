# SPDX-License-Identifier: Apache-2.0
"""LLMUnsupported: what becomes of wishes that a provider has no place for.

The scripted provider refuses what the real one would, so a wish that was not
left out would be seen as its 400."""
import pytest

PROVIDERS = {"openai": "openai/gpt-test", "anthropic": "anthropic/claude-test",
             "gemini": "gemini/gemini-test", "old": "old/org/some-model",
             "ollama": "ollama/llama3.2", "cohere": "cohere/command-a-03-2025",
             "bedrock": "bedrock/us.anthropic.claude-test-v1:0"}
HELLO = [{"role": "user", "content": "hello"}]
PIXEL = ("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVQI12P4z8AAAAMBAQAY3Y2wAAAAAElF"
         "TkSuQmCC")

# Of each client's API: path, the rest of a body, wishes that no other dialect
# has a place for, and what x-llm-dropped calls them.
CLIENTS = {
    "openai": ("/v1/chat/completions", {"messages": HELLO}, {
        "logit_bias": {"50256": -100}, "web_search_options": {},
        "tools": [{"type": "code_interpreter"}], "nobody_knows": 1},
        {"logit_bias", "web_search_options", "tools.code_interpreter", "nobody_knows"}),
    "anthropic": ("/v1/messages", {"messages": HELLO, "max_tokens": 50}, {
        "tools": [{"type": "web_search_20250305", "name": "web_search"}],
        "container": "c_1", "nobody_knows": {"a": 1}},
        {"tools.web_search_20250305", "container", "nobody_knows"}),
    "gemini": (None, {"contents": [{"role": "user", "parts": [{"text": "hello"}]}]}, {
        "tools": [{"googleSearch": {}}], "nobodyKnows": True,
        "generationConfig": {"audioTimestamp": True}},
        {"tools.googleSearch", "nobodyKnows", "generationConfig.audioTimestamp"}),
    "cohere": ("/v2/chat", {"messages": HELLO}, {"nobody_knows": 1}, {"nobody_knows"}),
    "ollama": ("/api/chat", {"messages": HELLO, "stream": False}, {
        "options": {"min_p": 0.1, "tfs_z": 0.5}, "nobody_knows": 1},
        {"options.tfs_z", "nobody_knows"}),
    "responses": ("/v1/responses", {"input": "hello"}, {
        "tools": [{"type": "web_search"}], "nobody_knows": 1},
        {"tools.web_search", "nobody_knows"}),
}
# These pass: the provider has the client's API as well.
SAME = [("responses", "openai"), ("anthropic", "bedrock")]
OTHERS = [(c, p) for c in CLIENTS for p in PROVIDERS
          if c != p and (c, p) not in SAME]
pairs = pytest.mark.parametrize("client, provider", OTHERS)


def serve(gw, policy):
    return gw.serve(gw.conf(policy).four_providers().enable())


def ask(gw, client, provider, more=None, method="generateContent"):
    path, body, _, _ = CLIENTS[client]
    model = PROVIDERS[provider]
    if client == "gemini":
        return gw.post(f"/v1beta/models/{model}:{method}", {**body, **(more or {})})
    headers = [("anthropic-version", "2023-06-01")] if client == "anthropic" else []
    return gw.post(path, {"model": model, **body, **(more or {})}, headers)


def dropped(answer):
    return set(filter(None, (answer.header("x-llm-dropped") or "").split(",")))


@pairs
def test_wishes_are_left_out_and_told(gw, upstream, client, provider):
    serve(gw, "LLMUnsupported drop")
    _, _, wishes, names = CLIENTS[client]
    answer = ask(gw, client, provider, wishes)
    assert answer.status == 200, answer
    told = dropped(answer)
    if provider == "gemini":            # Google's OpenAI endpoint has a few more
        names = names - told
        sent = str(upstream.only().json)
        assert all(n.split(".")[-1] in sent for n in names), (names, sent)
    elif "tools" in told:               # without tools of any kind
        names = {n for n in names if not n.startswith("tools.")}
        assert names <= told, told
    else:
        assert names <= told, told


@pairs
def test_by_default_the_first_of_them_is_refused(gw, upstream, client, provider):
    serve(gw, "")
    _, _, wishes, names = CLIENTS[client]
    answer = ask(gw, client, provider, {"nobody_knows": 1})
    assert answer.status == 400, answer
    assert "nobody_knows" in answer.body.decode()
    assert not upstream.seen()


@pytest.mark.parametrize("provider", [p for p in PROVIDERS if p != "openai"])
def test_hints_are_refused_where_nothing_may_be_left_out(gw, upstream, provider):
    serve(gw, "LLMUnsupported strict")
    assert ask(gw, "openai", provider).status == 200
    upstream.reset()
    answer = ask(gw, "openai", provider, {"prompt_cache_key": "k"})
    assert answer.status == 400, answer
    assert answer.json["error"]["param"] == "prompt_cache_key"
    assert not upstream.seen()


@pytest.mark.parametrize("provider", ["anthropic", "bedrock", "cohere", "ollama", "old"])
@pytest.mark.parametrize("part", [
    {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}},
    {"type": "file", "file": {"file_id": "file-1"}},
    {"type": "hologram", "hologram": "x"}], ids=lambda p: p["type"])
def test_what_the_conversation_holds_is_never_left_out(gw, upstream, provider, part):
    serve(gw, "LLMUnsupported drop")
    answer = ask(gw, "openai", provider, {"messages": [
        {"role": "user", "content": [{"type": "text", "text": "hello"}, part]}]})
    assert answer.status == 400, answer
    assert "messages" in answer.json["error"]["message"]
    assert not upstream.seen()


def test_results_and_pictures_are_never_left_out(gw, upstream):
    serve(gw, "LLMUnsupported drop")
    answer = ask(gw, "openai", "old", {"messages": HELLO + [
        {"role": "assistant", "tool_calls": [{"id": "c1", "type": "function", "function": {
            "name": "f", "arguments": "{}"}}]},
        {"role": "tool", "tool_call_id": "c1", "content": "42"}]})
    assert answer.status == 400 and "messages" in answer.json["error"]["message"], answer
    answer = ask(gw, "anthropic", "old", {"messages": [{"role": "user", "content": [
        {"type": "image", "source": {"type": "base64", "media_type": "image/png",
                                     "data": PIXEL}}]}]})
    assert answer.status == 400, answer
    answer = ask(gw, "responses", "anthropic", {"previous_response_id": "resp_1"})
    assert answer.status == 400 and "previous_response_id" in answer.json["error"]["message"]
    assert not upstream.seen()


def test_a_choice_among_tools_that_are_gone_goes_with_them(gw, upstream):
    serve(gw, "LLMUnsupported drop")
    answer = ask(gw, "openai", "anthropic", {
        "tools": [{"type": "code_interpreter"}], "tool_choice": "required",
        "response_format": {"type": "json_object"}})
    assert answer.status == 200, answer
    assert {"tools.code_interpreter", "tool_choice"} <= dropped(answer)
    sent = upstream.only().json     # the format's own tool, and its answer read as text
    assert "code_interpreter" not in str(sent["tools"])
    assert answer.json["choices"][0]["message"].get("tool_calls") is None
    assert answer.json["choices"][0]["message"]["content"]


def test_names_are_the_clients_own(gw, upstream):
    serve(gw, "LLMUnsupported drop")
    told = dropped(ask(gw, "gemini", "anthropic", {
        "generationConfig": {"candidateCount": 2, "seed": 7, "frequencyPenalty": 0.5}}))
    assert told == {"generationConfig.candidateCount", "generationConfig.seed",
                    "generationConfig.frequencyPenalty"}
    assert dropped(ask(gw, "cohere", "openai", {"k": 5})) <= {"k"}
    told = dropped(ask(gw, "anthropic", "gemini", {"metadata": {"user_id": "u1"}}))
    assert told == {"metadata.user_id"}


def test_a_name_cannot_break_the_header(gw, upstream):
    serve(gw, "LLMUnsupported drop")
    answer = ask(gw, "openai", "anthropic", {"a\r\nx-evil: 1": 1, "b,c": 1, "é" * 300: 1})
    assert answer.status == 200, answer
    assert not answer.has("x-evil")
    told = (answer.header("x-llm-dropped") or "").split(",")
    assert len(told) == 3 and all(t.isascii() and len(t) <= 128 for t in told), told


def test_another_place_may_have_another_rule(gw, upstream):
    gw.serve(gw.conf().four_providers().enable().add(
        '<Location "/v1/messages">\nLLMUnsupported drop\n</Location>'))
    assert ask(gw, "openai", "anthropic", {"nobody_knows": 1}).status == 400
    assert ask(gw, "anthropic", "openai", {"nobody_knows": 1}).status == 200


def test_a_word_that_is_none_is_refused(gw):
    code, said = gw.configtest(gw.conf("LLMUnsupported ignore"))
    assert code != 0
    assert "LLMUnsupported: expected refuse, drop or strict, not 'ignore'" in said, said
