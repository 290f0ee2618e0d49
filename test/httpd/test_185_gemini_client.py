# SPDX-License-Identifier: Apache-2.0
"""A client that speaks Gemini's own API, on every provider.

What the dialects say to one another is proven in unit tests and with recorded
exchanges (test_130); here is what only a real httpd shows: paths, queries,
keys, framings, the list of models, the record.
"""
import json
import os

import pytest

import reader

PROVIDERS = {"openai": "openai/gpt-test", "anthropic": "anthropic/claude-test",
             "gemini": "gemini/gemini-test", "hf": "hf/meta-llama/Llama-3.1-8B",
             "old": "old/org/some-model", "ollama": "ollama/llama3.2"}
HELLO = {"contents": [{"role": "user", "parts": [{"text": "hello"}]}]}
WEATHER = {"functionDeclarations": [{
    "name": "get_weather", "description": "does get_weather",
    "parameters": {"type": "OBJECT", "properties": {"city": {"type": "STRING"}},
                   "required": ["city"]}}]}

every = pytest.mark.parametrize("provider", PROVIDERS)


@pytest.fixture
def four(gw):
    return gw.serve(gw.conf().four_providers().enable())


def ask(gw, provider, body, method="generateContent", script="", **more):
    return gw.post(f"/v1beta/models/{PROVIDERS[provider]}{script}:{method}", body, **more)


@every
def test_a_question_is_answered_in_geminis_form(four, upstream, provider):
    answer = ask(four, provider, HELLO)
    assert answer.status == 200, answer
    assert answer.header("content-type").split(";")[0] == "application/json"
    said = reader.gemini(answer.body)
    assert said.text == "You said: hello"
    assert said.finish == "stop"
    assert said.id and said.model
    record = four.record(answer)
    assert record["op"] == "chat"
    usage = answer.json["usageMetadata"]
    assert usage["totalTokenCount"] == (
        usage["promptTokenCount"] + usage["candidatesTokenCount"]
        + usage.get("thoughtsTokenCount", 0))


@pytest.mark.parametrize("query", ["?alt=sse", ""], ids=["events", "array"])
def test_a_sign_of_life_is_nothing_to_read(four, upstream, query):
    """Google's Python SDK took each line for JSON that is no data of an event."""
    piece = b'data: {"choices":[{"index":0,"delta":{"content":"a"},"finish_reason":%s}]}\n\n'
    upstream.queue({"headers": {"Content-Type": "text/event-stream"}, "body": (
        b": keep-alive\n\n" + piece % b"null" + b": keep-alive\n\n" + piece % b'"stop"'
        + b"data: [DONE]\n\n").decode()})
    answer = ask(four, "openai", HELLO, "streamGenerateContent" + query)
    assert reader.gemini_stream(answer.body).text == "aa" if query else answer.json
    assert b"keep-alive" not in answer.body


@every
def test_streamed_as_events(four, upstream, provider):
    """CRLF, no names, no last event, usage in every one."""
    # fact 46, fact 48
    answer = ask(four, provider, HELLO, "streamGenerateContent?alt=sse")
    assert answer.header("content-type").split(";")[0] == "text/event-stream"
    assert b"event:" not in answer.body and b"[DONE]" not in answer.body
    assert answer.body.endswith(b"\r\n\r\n")
    assert reader.gemini_stream(answer.body).text == "You said: hello"
    assert four.record(answer)["finish"] == "stop"


@every
def test_streamed_as_one_array(four, upstream, provider):
    """Without alt=sse the body is one array, sent while it comes."""
    # fact 47
    answer = ask(four, provider, HELLO, "streamGenerateContent")
    assert answer.header("content-type").split(";")[0] == "application/json"
    assert len(answer.json) > 1
    parts = [p for doc in answer.json for c in doc["candidates"]
             for p in c["content"].get("parts", [])]
    assert "".join(p.get("text", "") for p in parts) == "You said: hello"
    assert answer.json[-1]["candidates"][0]["finishReason"] == "STOP"
    assert four.record(answer)["finish"] == "stop"


@pytest.mark.parametrize("provider", ["openai", "gemini", "anthropic"])
def test_elements_come_one_by_one(four, upstream, provider):
    with four.open("POST", f"/v1beta/models/{PROVIDERS[provider]};slow=300:"
                   "streamGenerateContent", HELLO) as stream:
        first = b""
        while b'"text"' not in first:
            first += stream.more()
        assert first.lstrip().startswith(b"[")
        assert not first.rstrip().endswith(b"]")
        whole = stream.rest().body
    assert len(json.loads(whole)) > 1


@pytest.mark.parametrize("provider", ["openai", "anthropic", "gemini"])
@pytest.mark.parametrize("query", ["", "?alt=sse"])
def test_a_stream_that_breaks_off_says_so(four, upstream, provider, query):
    four.tolerates("LLMGW0101")
    answer = ask(four, provider, HELLO, f"streamGenerateContent{query}",
                 ";events=9;cut=4")
    assert answer.status == 200
    last = answer.events[-1].json if query else answer.json[-1]
    assert last["error"]["code"] == 502
    assert last["error"]["status"] == "INTERNAL"


@pytest.mark.parametrize("provider", ["openai", "anthropic", "gemini", "ollama"])
@pytest.mark.parametrize("method", ["generateContent", "streamGenerateContent?alt=sse"])
def test_calls_are_whole_and_end_with_stop(four, upstream, provider, method):
    """finishReason is STOP, arguments are an object."""
    # fact 51, fact 52
    body = {"contents": [{"role": "user", "parts": [{"text": "use the tool get_weather"}]}],
            "tools": [WEATHER]}
    answer = ask(four, provider, body, method)
    assert answer.status == 200, answer
    docs = [e.json for e in answer.events] if "alt" in method else [answer.json]
    calls = [p["functionCall"] for d in docs for c in d["candidates"]
             for p in c["content"].get("parts", []) if "functionCall" in p]
    assert [c["name"] for c in calls] == ["get_weather"]
    assert isinstance(calls[0]["args"], dict)
    assert docs[-1]["candidates"][0]["finishReason"] == "STOP"
    # and back: by name and order, without ids
    calls[0].pop("id", None)
    body["contents"] += [
        {"role": "model", "parts": [{"functionCall": calls[0]}]},
        {"role": "user", "parts": [{"functionResponse": {
            "name": "get_weather", "response": {"output": "sunny"}}}]}]
    answer = ask(four, provider, body)
    assert answer.status == 200, answer
    assert "sunny" in reader.gemini(answer.body).text


def test_a_name_with_slashes(four, upstream):
    for name in ("openai/gpt-test", "openai%2Fgpt-test", "openai%2fgpt-test"):
        answer = four.post(f"/v1beta/models/{name}:generateContent", HELLO)
        assert answer.status == 200, (name, answer)
        assert upstream.seen()[-1].json["model"] == "gpt-test"
    for name in ("..%2f..%2fopenai/gpt", "openai%2f..%2fx"):
        assert four.post(f"/v1beta/models/{name}:generateContent", HELLO).status == 404


@pytest.mark.parametrize("prefix", [
    "/v1beta", "/v1", "/v1alpha", "/v1beta1/projects/p/locations/us/publishers/google"])
def test_every_version_of_the_path(four, upstream, prefix):
    answer = four.post(f"{prefix}/models/openai/gpt-test:generateContent", HELLO)
    assert reader.gemini(answer.body).text == "You said: hello"


def test_the_key_in_the_url_is_logged_nowhere(gw, upstream):
    log = f"{gw.root}/lines.log"
    conf = gw.conf(f'CustomLog "{log}" "%r|%q|%{{Referer}}i"').four_providers()
    gw.serve(conf.enable())
    key = gw.key()
    answer = gw.post(f"/v1beta/models/gemini/gemini-test:generateContent?key={key}&prettyPrint=1",
                     HELLO, key=None)
    assert answer.status == 200, answer
    assert upstream.only().target.endswith(":generateContent?prettyPrint=1")
    assert upstream.only().header("x-goog-api-key") == "AIza-test"
    wrong = gw.post(f"/v1beta/models/gemini/gemini-test:generateContent?key=llmgw-{'x' * 43}",
                    HELLO, key=None)
    assert wrong.status == 401
    two = gw.post(f"/v1beta/models/gemini/gemini-test:generateContent?key=llmgw-{'x' * 43}",
                  HELLO)
    assert two.status == 401
    with open(log, encoding="utf-8") as lines:
        text = lines.read()
    assert "generateContent?prettyPrint=1 HTTP/1.1" in text
    assert "llmgw-" not in text and "key=" not in text
    with open(os.path.join(gw.root, "error.log"), encoding="utf-8") as lines:
        assert key not in lines.read()


@pytest.mark.parametrize("query, status", [
    ("?alt=json", 200), ("?prettyPrint=false", 200), ("?alt=proto", 400),
    ("?fields=candidates", 400)])
def test_query_parameters_are_known_or_refused(four, upstream, query, status):
    answer = ask(four, "openai", HELLO, f"generateContent{query}")
    assert answer.status == status, answer
    if status == 400:
        assert query[1:].split("=")[0] in answer.json["error"]["message"]
        assert not upstream.seen()


def test_the_models_of_a_key(gw, upstream):
    conf = gw.conf().four_providers().model("smart", "openai gpt-4o").model("small", "openai x")
    gw.serve(conf.enable())
    listed = gw.get("/v1beta/models").json["models"]
    assert [m["name"] for m in listed] == ["models/smart", "models/small"]
    assert "generateContent" in listed[0]["supportedGenerationMethods"]
    assert gw.get("/v1beta/models/openai/gpt-4o").json["name"] == "models/openai/gpt-4o"
    assert gw.get("/v1/models/smart").json["id"] == "smart"
    assert gw.get("/v1/models/smart", [("anthropic-version", "x")]).json["type"] == "model"
    assert gw.get("/v1/models", [("x-goog-api-client", "x")]).json["models"]
    nobody = gw.get("/v1beta/models/nobody")
    assert nobody.status == 404
    assert nobody.json["error"]["status"] == "NOT_FOUND"
    key = gw.ctl_json("key", "create", "few", "--models", "small")["secret"]
    assert [m["name"] for m in gw.get("/v1beta/models", key=key).json["models"]] == [
        "models/small"]
    assert gw.get("/v1beta/models/smart", key=key).status == 404
    assert gw.post("/v1beta/models", {}).status == 405


@pytest.mark.parametrize("client", ["gemini", "anthropic"])
@every
def test_tokens_are_counted(four, upstream, client, provider):
    """By the provider where it can, else by the gateway, which says so."""
    if client == "gemini":
        answer = ask(four, provider, HELLO, "countTokens")
        count = answer.json.get("totalTokens")
    else:
        answer = four.post("/v1/messages/count_tokens", {
            "model": PROVIDERS[provider],
            "messages": [{"role": "user", "content": "hello"}]})
        count = answer.json.get("input_tokens")
    assert answer.status == 200, answer
    assert count > 0
    counted_there = provider in ("gemini", "anthropic")
    assert len(upstream.seen()) == counted_there
    assert answer.has("x-llm-estimated") != counted_there
    record = four.record(answer)
    assert (record["op"], record["status"]) == ("count", 200)
    assert not record["input"] and not record["cost"]


def test_the_whole_of_a_request_is_counted(four, upstream):
    inner = {"model": "models/x", "systemInstruction": {"parts": [{"text": "be brief " * 40}]},
             **HELLO}
    for provider in ("openai", "gemini", "anthropic"):
        small = ask(four, provider, HELLO, "countTokens").json["totalTokens"]
        answer = ask(four, provider, {"generateContentRequest": inner}, "countTokens")
        assert answer.status == 200, answer
        assert answer.json["totalTokens"] > small or provider == "gemini"
    sent = next(s for s in upstream.seen() if "generateContentRequest" in s.json).json
    assert sent["generateContentRequest"]["model"] == "models/gemini-test"


@pytest.mark.parametrize("provider", ["gemini", "openai", "old"])
def test_embeddings(four, upstream, provider):
    model = {"gemini": "gemini/gemini-embedding-001", "openai": "openai/text-embedding-3-small",
             "old": "old/org/sentence-embed"}[provider]
    content = {"parts": [{"text": "one"}]}
    one = four.post(f"/v1beta/models/{model}:embedContent", {
        "model": "models/alias", "content": content, "taskType": "RETRIEVAL_QUERY"})
    assert one.status == 200, one
    batch = four.post(f"/v1beta/models/{model}:batchEmbedContents", {"requests": [
        {"model": "models/alias", "content": content},
        {"model": "models/alias", "content": {"parts": [{"text": "two"}]}}]})
    assert batch.status == 200, batch
    values = [e["values"] for e in batch.json["embeddings"]]
    assert len(values) == 2 and values[0] != values[1]
    assert one.json["embedding"]["values"] == values[0]
    assert all(isinstance(v, (int, float)) for v in values[0])
    if provider != "gemini":
        assert one.header("x-llm-dropped") == "taskType"
    else:
        assert {r["model"] for r in upstream.seen()[-1].json["requests"]} == {
            "models/gemini-embedding-001"}
    assert four.record(batch)["op"] == "embed"


def test_errors_are_in_googles_form(four, upstream):
    answer = ask(four, "openai", {"contents": [{"role": "robot", "parts": []}]})
    error = answer.json["error"]
    assert (answer.status, error["code"], error["status"]) == (400, 400, "INVALID_ARGUMENT")
    assert error["details"][0]["fieldViolations"][0]["field"] == "contents[0].role"
    four.tolerates("LLMGW0101")
    answer = ask(four, "openai", HELLO, script=";status=429;retry_after=7")
    error = answer.json["error"]
    assert (error["code"], error["status"]) == (429, "RESOURCE_EXHAUSTED")
    assert {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "7s"} in (
        error["details"])
    assert four.post("/v1beta/models/openai/x:generateContent", HELLO, key=None).json[
        "error"]["status"] == "UNAUTHENTICATED"


def test_what_cannot_be_carried_is_refused_or_told(four, upstream):
    refused = ask(four, "openai", {**HELLO, "cachedContent": "cachedContents/x"})
    assert refused.status == 400
    assert "cachedContent" in refused.json["error"]["message"]
    told = ask(four, "openai", {**HELLO, "labels": {"a": "b"}, "safetySettings": [
        {"category": "HARM_CATEGORY_HARASSMENT", "threshold": "BLOCK_NONE"}]})
    assert told.status == 200
    assert told.header("x-llm-dropped") == "labels,safetySettings"


def test_thinking_is_shown_to_who_asked(four, upstream):
    """Thoughts are parts of their own; and unasked for they are not there. What
    is signed comes back to the provider."""
    # fact 54, fact 55
    shown = {"generationConfig": {"maxOutputTokens": 9000, "thinkingConfig": {
        "includeThoughts": True, "thinkingBudget": 2048}}}
    answer = ask(four, "anthropic", {**HELLO, **shown})
    parts = answer.json["candidates"][0]["content"]["parts"]
    thoughts = [p for p in parts if p.get("thought")]
    assert thoughts and thoughts[0]["thoughtSignature"]
    assert reader.gemini(answer.body).text == "You said: hello"
    again = {**shown, "contents": HELLO["contents"] + [
        {"role": "model", "parts": parts}, {"role": "user", "parts": [{"text": "on"}]}]}
    assert ask(four, "anthropic", again).status == 200
    block = upstream.seen()[-1].json["messages"][1]["content"][0]
    assert block["type"] == "thinking" and block["thinking"] == thoughts[0]["text"]
    assert block["signature"]
    shown["generationConfig"]["thinkingConfig"].pop("includeThoughts")
    hidden = ask(four, "anthropic", {**HELLO, **shown}).json
    assert not [p for p in hidden["candidates"][0]["content"]["parts"] if p.get("thought")]


@pytest.mark.parametrize("stream", [False, True])
def test_a_picture_of_the_answer_is_a_part(four, upstream, stream):
    """OpenRouter's `images`, which no client of Gemini's would look for."""
    picture = {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}
    said = {"role": "assistant", "content": "Here: ", "images": [picture]}
    chunk = {"id": "gen-1", "model": "gpt-test", "choices": [
        {"index": 0, "delta" if stream else "message": said, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 3, "completion_tokens": 1290, "total_tokens": 1293}}
    body = json.dumps(chunk)
    upstream.queue({
        "headers": {"Content-Type": "text/event-stream" if stream else "application/json"},
        "body": f"data: {body}\n\ndata: [DONE]\n\n" if stream else body})
    answer = ask(four, "openai", HELLO,
                 "streamGenerateContent?alt=sse" if stream else "generateContent")
    assert answer.status == 200, answer
    events = ([json.loads(line[6:]) for line in answer.text.splitlines() if line]
              if stream else [answer.json])
    parts = [part for event in events
             for part in event["candidates"][0]["content"]["parts"] if part != {"text": ""}]
    assert parts == [{"text": "Here: "}, {"inlineData": {
        "mimeType": "image/png", "data": "iVBORw0KGgo="}}]
    assert four.record(answer)["output"] == 1290


@pytest.mark.parametrize("method", ["generateContent", "streamGenerateContent?alt=sse"])
@pytest.mark.parametrize("provider", ["openai", "anthropic"])
def test_a_tool_is_called_by_the_name_its_client_gave_it(four, upstream, provider, method):
    """Dots are Gemini's and MCP's; the others refuse the request for one."""
    answer = ask(four, provider, {
        "contents": [{"role": "user", "parts": [{"text": "use the tool"}]}],
        "tools": [{"functionDeclarations": [{"name": "files.read"}]}]}, method)
    assert answer.status == 200, answer
    said = (reader.gemini_stream if "stream" in method else reader.gemini)(answer.body)
    assert [name for name, arguments in said.calls] == ["files.read"]
    tool = upstream.only().json["tools"][0]
    assert tool.get("function", tool)["name"] == "files_read"
