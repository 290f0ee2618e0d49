# SPDX-License-Identifier: Apache-2.0
"""OpenAI's Responses: a client of theirs on every provider, and providers that
are asked in them for clients of other dialects.
"""
import json

import pytest

import reader

ASK = {"input": "hello"}
TOOL = {"type": "function", "name": "get_weather", "strict": True,
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}},
                       "required": ["city"], "additionalProperties": False}}
TARGETS = ["openai", "responses", "anthropic", "gemini", "hf", "old", "ollama"]


@pytest.fixture
def gate(gw):
    """All providers; `both` is a chat server that has Responses as well."""
    gw.tolerates("LLMGW0101")
    conf = gw.conf("LLMRetries 0").four_providers()
    conf.provider("both", "openai", more="LLMResponses On").model("both/*", "both *")
    return gw.serve(conf.enable())


@pytest.fixture
def one(gw):
    """One provider that keeps responses, and one that does not."""
    conf = gw.conf("LLMRetries 0").provider("openai", more="LLMResponses On")
    conf.provider("anthropic").model("gpt", "openai gpt-4o").model(
        "claude", "anthropic claude-x")
    return gw.serve(conf.enable())


def ask(gate, model, key=True, headers=(), **more):
    return gate.post("/v1/responses", {"model": model, **ASK, **more}, headers, key=key)


# -- on every provider --------------------------------------------------------------

@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("streamed", [False, True])
def test_every_provider_answers_a_response(gate, target, streamed):
    answer = ask(gate, f"{target}/some-model", stream=streamed, instructions="Be kind.")
    assert answer.status == 200, answer
    said = reader.read("openai-responses", answer.body, streamed)
    assert "hello" in said.text
    assert said.finish == "stop"
    record = gate.record(answer)
    assert gate.access(answer.id)["LLM_DIALECT"] == "openai-responses"
    if not record["estimated"]:
        assert reader.totals(said.usage) == (
            sum(record[c] or 0 for c in ("input", "cache_read", "cache_write")),
            sum(record[c] or 0 for c in ("output", "reasoning")))
    assert answer.header("x-llm-model")


@pytest.mark.parametrize("target", ["openai", "responses", "anthropic", "gemini"])
@pytest.mark.parametrize("streamed", [False, True])
def test_a_tool_is_called_and_answered(gate, upstream, target, streamed):
    model = f"{target}/gpt-5"
    answer = ask(gate, model, stream=streamed, tools=[TOOL], tool_choice="required",
                 reasoning={"effort": "low"}, include=["reasoning.encrypted_content"])
    said = reader.read("openai-responses", answer.body, streamed)
    assert said.calls == [("get_weather", {"city": "Paris"})]
    assert said.finish == "tools"
    output = (answer.events[-1].json["response"] if streamed else answer.json)["output"]
    back = ask(gate, model, stream=streamed, tools=[TOOL], input=[
        {"role": "user", "content": "hello"}, *output,
        {"type": "function_call_output", "call_id": said.ids[0], "output": "rain"}])
    assert back.status == 200, back
    assert "rain" in reader.read("openai-responses", back.body, streamed).text
    assert not [s.refused for s in upstream.seen() if s.refused]


@pytest.mark.parametrize("target", ["openai", "anthropic", "gemini"])
@pytest.mark.parametrize("streamed", [False, True])
def test_a_custom_tool_takes_a_text(gate, upstream, target, streamed):
    """What OpenAI's agents patch files with, as a function of one string."""
    patch = {"type": "custom", "name": "apply_patch", "description": "Edits files.",
             "format": {"type": "grammar", "syntax": "regex", "definition": "[A-Z][a-z]+"}}
    answer = ask(gate, f"{target}/m", stream=streamed, tools=[patch],
                 tool_choice={"type": "custom", "name": "apply_patch"})
    assert answer.status == 200, answer
    assert "tools.format" in answer.header("x-llm-dropped")
    reader.read("openai-responses", answer.body, streamed)
    output = (answer.events[-1].json["response"] if streamed else answer.json)["output"]
    calls = [item for item in output if item["type"] == "custom_tool_call"]
    assert [(call["name"], call["input"]) for call in calls] == [("apply_patch", "Paris")]
    if streamed:
        told = [e.json for e in answer.events if ".custom_tool_call_input." in e.name]
        assert "".join(e.get("delta", "") for e in told) == told[-1]["input"] == "Paris"
        assert {e["item_id"] for e in told} == {calls[0]["id"]}
    back = ask(gate, f"{target}/m", stream=streamed, tools=[patch], input=[
        {"role": "user", "content": "hello"}, *output,
        {"type": "custom_tool_call_output", "call_id": calls[0]["call_id"],
         "output": "rain"}])
    assert back.status == 200, back
    assert "rain" in reader.read("openai-responses", back.body, streamed).text
    assert not [s.refused for s in upstream.seen() if s.refused]


@pytest.mark.parametrize("target", ["responses", "anthropic", "openai"])
def test_a_limit_makes_it_incomplete(gate, target):
    answer = ask(gate, f"{target}/some-model", input="one two three four",
                 max_output_tokens=2)
    assert answer.json["status"] == "incomplete"
    assert answer.json["incomplete_details"] == {"reason": "max_output_tokens"}


def test_wishes_that_are_dropped_are_told(gate):
    answer = ask(gate, "anthropic/claude-x", store=True, truncation="auto",
                 text={"verbosity": "low"})
    assert answer.status == 200, answer
    assert {"store", "truncation", "text.verbosity"} <= set(
        answer.header("x-llm-dropped").replace(" ", "").split(","))
    assert answer.json["store"] is False


@pytest.mark.parametrize("member, value", [
    ("previous_response_id", "resp_1"), ("conversation", "conv_1"),
    ("background", True), ("prompt", {"id": "pmpt_1"}),
    ("tools", [{"type": "web_search"}]), ("tools", [{"type": "mcp", "server_label": "s"}]),
    ("tools", [{"type": "file_search", "vector_store_ids": []}]),
    ("tools", [{"type": "computer_use_preview"}]),
    ("input", [{"type": "item_reference", "id": "msg_1"}])])
def test_what_openai_alone_has_is_refused_by_name(gate, upstream, member, value):
    answer = ask(gate, "anthropic/claude-x", **{member: value})
    assert answer.status == 400, answer
    kind, message = reader.error_of("openai-responses", answer.json)
    assert kind == "invalid_request_error"
    assert member in message
    assert answer.json["error"]["param"].startswith(member)
    assert answer.json["error"]["code"] == "unsupported_parameter"
    assert not upstream.seen()


# -- errors ---------------------------------------------------------------------------

@pytest.mark.parametrize("target", ["openai", "anthropic", "responses"])
def test_an_error_is_in_openais_form(gate, target):
    answer = ask(gate, f"{target}/m;status=429;retry_after=3")
    assert answer.status == 429
    assert answer.header("retry-after") == "3"
    reader.error_of("openai-responses", answer.json)


@pytest.mark.parametrize("target", ["openai", "anthropic", "responses"])
def test_a_stream_that_fails_says_so_once(gate, target):
    gate.tolerates("LLMGW0041")
    answer = ask(gate, f"{target}/m;events=6;error_after=6", stream=True)
    said = reader.read("openai-responses", answer.body, True, strict=target != "responses")
    assert said.error
    assert [e.name for e in answer.events][-2:] == ["error", "response.failed"]
    assert answer.body.count(b'"type":"error"') == 1


def test_a_stream_that_breaks_off_ends_with_an_error(gate):
    gate.tolerates("LLMGW0041")
    answer = ask(gate, "responses/m;events=6;cut=6", stream=True)
    assert answer.events[-1].name == "error"
    assert answer.events[-1].json["error"]["message"]


def test_a_body_that_is_no_request_is_told_in_openais_form(gate):
    answer = gate.post("/v1/responses", b"[1]")
    assert answer.status == 400
    reader.error_of("openai-responses", answer.json)
    assert gate.send("GET", "/v1/responses").status == 405
    assert gate.post("/v1/responses", {"model": "openai/m", **ASK}, key=None).status == 401


def test_a_key_has_its_models_here_too(gate):
    key = gate.key("limited", "--models", "anthropic/*")
    assert ask(gate, "anthropic/claude-x", key=key).status == 200
    answer = ask(gate, "openai/gpt-4o", key=key)
    assert answer.status == 403
    assert answer.json["error"]["code"] == "model_not_allowed"


# -- the same dialect: bytes pass ---------------------------------------------------------

def test_bytes_pass_but_for_the_model(gate, upstream):
    body = (b'{"model": "both/gpt-4o", "input":"a\\u0000b", "x_unknown": 1e400,\n'
            b'"store": true, "previous_response_id":null}')
    upstream.queue({"body": '{"id":"resp_9","object":"response","status":"completed",'
                            '"output":[], "model":"gpt-4o-2024", "x":12345678901234567890}',
                    "headers": {"Content-Type": "application/json"}})
    answer = gate.post("/v1/responses", body)
    assert answer.status == 200, answer
    assert b'"x":12345678901234567890' in answer.body
    assert upstream.only().body == body.replace(b"both/gpt-4o", b"gpt-4o")
    assert upstream.only().path == "/openai/v1/responses".removeprefix("/openai")


@pytest.mark.parametrize("streamed", [False, True])
def test_what_is_stored_goes_on(one, upstream, streamed):
    first = ask(one, "gpt", store=True)
    more = ask(one, "gpt", previous_response_id=first.json["id"], stream=streamed)
    assert more.status == 200, more
    assert reader.read("openai-responses", more.body, streamed).finish == "stop"
    assert upstream.seen()[-1].json["previous_response_id"] == first.json["id"]


def test_hosted_tools_pass_to_their_own_provider(one, upstream):
    answer = ask(one, "gpt", tools=[{"type": "web_search"}])
    assert answer.status == 200, answer
    assert upstream.only().json["tools"] == [{"type": "web_search"}]


def test_a_chat_client_still_chats_there(one, upstream):
    assert one.chat("gpt").status == 200
    assert upstream.only().path.endswith("/chat/completions")


def test_the_next_upstream_is_asked_in_its_own_dialect(gw, upstream):
    """An answer that failed before anything was said."""
    conf = gw.conf("LLMRetries 1").provider("openai", more="LLMResponses On")
    conf.provider("anthropic").model(
        "smart", "openai gpt;status=503 priority=1", "anthropic claude-x priority=2")
    gw.serve(conf.enable())
    answer = ask(gw, "smart")
    assert answer.status == 200, answer
    assert [s.path for s in upstream.seen()] == ["/v1/responses", "/v1/messages"]


# -- responses that are kept -----------------------------------------------------------------

def test_a_stored_response_is_read_and_deleted(one):
    made = ask(one, "gpt", store=True)
    path = f"/v1/responses/{made.json['id']}"
    read = one.get(path)
    assert read.status == 200 and read.json["id"] == made.json["id"], read
    assert one.get(f"{path}/input_items?limit=5").json["object"] == "list"
    assert one.send("DELETE", path).json["deleted"] is True
    assert one.get(path).status == 404


def test_reading_a_response_is_not_billed_again(one):
    made = ask(one, "gpt", store=True)
    before = one.record(made)
    read = one.get(f"/v1/responses/{made.json['id']}")
    record = one.record(read)
    assert before["output"] and not record["output"] and not record["input"]
    assert not record["cost"]


def test_a_response_is_cancelled(one, upstream):
    made = ask(one, "gpt", background=True)
    assert made.json["status"] == "queued"
    answer = one.post(f"/v1/responses/{made.json['id']}/cancel", b"")
    assert answer.status == 200, answer
    assert upstream.seen()[-1].path.endswith("/cancel")


def test_stored_responses_need_a_provider_that_is_known(gate, gw):
    gate.tolerates("LLMGW0101")
    answer = gate.get("/v1/responses/resp_1")
    assert answer.status == 404
    assert "several providers" in answer.json["error"]["message"]
    assert gate.send("PUT", "/v1/responses/resp_1", b"{}").status in (404, 405)
    gw.serve(gw.conf().provider("anthropic").model("m", "anthropic m").enable())
    answer = gw.get("/v1/responses/resp_1")
    assert answer.status == 404
    assert "no provider" in answer.json["error"]["message"]


def test_a_key_with_models_reads_no_stored_response(one):
    """The path does not tell of which model it is."""
    key = one.key("limited", "--models", "gpt")
    assert one.get("/v1/responses/resp_1", key=key).status == 403


# -- a provider that is asked in Responses -----------------------------------------------------

@pytest.mark.parametrize("streamed", [False, True])
def test_a_chat_is_answered_by_responses(gate, upstream, streamed):
    more = {"stream_options": {"include_usage": True}} if streamed else {}
    answer = gate.chat("responses/gpt-5", "hello", stream=streamed, max_tokens=50,
                       reasoning_effort="low", **more)
    said = reader.read("openai", answer.body, streamed)
    assert said.text == "You said: hello" and said.finish == "stop"
    sent = upstream.only().json
    assert sent["store"] is False
    assert sent["include"] == ["reasoning.encrypted_content"]
    assert said.usage["reasoning"] > 0
    assert reader.totals(said.usage)[1] == gate.record(answer)["output"] \
        + gate.record(answer)["reasoning"]


@pytest.mark.parametrize("streamed", [False, True])
def test_messages_are_answered_by_responses(gate, upstream, streamed):
    """With thinking that comes back in the next turn, as its provider wants it."""
    answer = gate.messages("responses/gpt-5", "use the tool", stream=streamed,
                           max_tokens=4000, thinking={"type": "enabled",
                                                      "budget_tokens": 1024},
                           tools=[{"name": "get_weather",
                                   "input_schema": TOOL["parameters"]}])
    said = reader.read("anthropic", answer.body, streamed)
    assert said.calls == [("get_weather", {"city": "Paris"})]
    assert said.reasoning == "Let me think about that."
    blocks = answer.json["content"] if not streamed else [
        {"type": "thinking", "thinking": said.reasoning, "signature": next(
            e.json["delta"]["signature"] for e in answer.events
            if e.json.get("delta", {}).get("type") == "signature_delta")},
        {"type": "tool_use", "id": said.ids[0], "name": "get_weather",
         "input": {"city": "Paris"}}]
    back = gate.post("/v1/messages", {
        "model": "responses/gpt-5", "max_tokens": 4000,
        "thinking": {"type": "enabled", "budget_tokens": 1024},
        "tools": [{"name": "get_weather", "input_schema": TOOL["parameters"]}],
        "messages": [{"role": "user", "content": "use the tool"},
                     {"role": "assistant", "content": blocks},
                     {"role": "user", "content": [{
                         "type": "tool_result", "tool_use_id": said.ids[0],
                         "content": "rain"}]}]}, [("anthropic-version", "2023-06-01")])
    assert back.status == 200, back
    items = upstream.seen()[-1].json["input"]
    assert [i.get("type", i.get("role")) for i in items] == [
        "user", "reasoning", "function_call", "function_call_output"]
    assert items[1]["encrypted_content"] == "gAAAAscripted"
    assert items[1]["id"] == "rs_scripted"


def test_a_schema_reaches_responses(gate, upstream):
    answer = gate.chat("responses/gpt-4o", "hello", response_format={
        "type": "json_schema", "json_schema": {"name": "a", "strict": True,
                                               "schema": {"type": "object"}}})
    assert json.loads(reader.read("openai", answer.body).text)
    assert upstream.only().json["text"]["format"]["schema"] == {"type": "object"}


def test_a_response_has_openais_prices(gate):
    """The provider has another name, and so has its dialect."""
    record = gate.record(gate.chat("responses/gpt-4o"))
    chat = gate.record(gate.chat("openai/gpt-4o"))
    assert record["cost"] and record["cost"] == chat["cost"]
    assert not record["estimated"]
