# SPDX-License-Identifier: Apache-2.0
"""All keys share a provider's account: what is kept there is its maker's, and what
the gateway cannot tell apart is closed, on native routes and in filter mode.
"""
import json

import pytest

from client import wait_for
from test_147_media import form, form_type, part

KINDS = {"vector_stores": "Vector store", "conversations": "Conversation",
         "containers": "Container"}
ASK = {"model": "gpt-4o", "messages": [{"role": "user", "content": "hello"}]}


@pytest.fixture
def gate(gw):
    gw.tolerates("LLMGW0101")
    conf = gw.conf("LLMRetries 0").provider("openai", more="LLMResponses On")
    conf.provider("anthropic").provider("gemini").provider("cohere").provider("ollama")
    conf.provider("plain", "openai", key="env:TEST_OPENAI_KEY")
    conf.provider("open", "openai", key="env:TEST_OPENAI_KEY", more="LLMNative all")
    return gw.serve(conf.model("gpt", "openai gpt-4o").enable())


@pytest.fixture
def two(gate):
    return gate.key("share-one"), gate.key("share-two")


def not_found(answer, word):
    assert answer.status == 404 and word in answer.text, answer
    return True


def closed(answer):
    assert answer.status == 404 and "is not served here" in answer.text, answer
    return True


# -- OpenAI's ---------------------------------------------------------------------------

@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("base", ["/v1", "/openai/v1"])
def test_a_thing_is_its_owners(gate, upstream, two, kind, base):
    one, other = two
    made = gate.post(f"{base}/{kind}", {"name": "mine"}, key=one)
    assert made.status == 200, made
    number = made.json["id"]
    for rest in ("", "/items", "/files/file-1/content"):
        assert gate.get(f"{base}/{kind}/{number}{rest}", key=one).status == 200
    seen = len(upstream.seen())
    for method, rest in (("GET", ""), ("DELETE", ""), ("GET", "/items"), ("POST", "/search"),
                         ("POST", ""), ("GET", "/files/x/content"), ("DELETE", "/files/x")):
        answer = gate.send(method, f"{base}/{kind}/{number}{rest}",
                           b"{}" if method == "POST" else None, key=other)
        assert not_found(answer, f"{KINDS[kind]} with id '{number}' not found."), (method, rest)
    assert len(upstream.seen()) == seen
    assert gate.send("DELETE", f"{base}/{kind}/{number}/files/x", key=one).status == 200
    assert gate.get(f"{base}/{kind}/{number}", key=one).status == 200   # only a part is gone
    assert gate.send("DELETE", f"{base}/{kind}/{number}", key=one).json["deleted"]
    assert not_found(gate.get(f"{base}/{kind}/{number}", key=one), number)


@pytest.mark.parametrize("kind", ["vector_stores", "containers"])
def test_lists_have_ones_own_only(gate, two, kind):
    one, other = two
    mine = gate.post(f"/v1/{kind}", {}, key=one).json["id"]
    theirs = gate.post(f"/v1/{kind}", {}, key=other).json["id"]
    for path in (f"/v1/{kind}?limit=100", f"/openai/v1/{kind}?limit=100"):
        listed = gate.get(path, key=one)
        assert mine in listed.text and theirs not in listed.text
    answer = gate.send("PUT", f"/v1/{kind}", b"{}", key=one)
    assert answer.status == 405 and answer.header("allow") == "GET, HEAD, POST"


@pytest.mark.parametrize("kind, body", [
    ("vector_stores", {"tools": [{"type": "file_search", "vector_store_ids": ["{}"]}]}),
    ("conversations", {"conversation": "{}"}),
    ("conversations", {"conversation": {"id": "{}"}}),
    ("containers", {"tools": [{"type": "code_interpreter", "container": "{}"}]})])
@pytest.mark.parametrize("path", ["/v1/responses", "/openai/v1/responses"])
def test_a_thing_of_others_is_not_named_in_a_body(gate, upstream, two, kind, body, path):
    one, other = two
    number = gate.post(f"/v1/{kind}", {}, key=one).json["id"]
    body = json.loads(json.dumps(body).replace("{}", number))
    body.update(model="gpt" if path.startswith("/v1") else "gpt-4o", input="hello")
    seen = len(upstream.seen())
    answer = gate.post(path, body, key=other)
    assert not_found(answer, f"{KINDS[kind]} with id '{number}' not found.")
    escaped = json.dumps(body).replace(number, "\\u0063" + number[1:]).replace("vs_", "v\\u0073_")
    if number.startswith("c"):
        answer = gate.send("POST", path, escaped.encode(), [("Content-Type", "application/json")],
                           key=other)
        assert answer.status == 404, answer
    assert len(upstream.seen()) == seen
    gate.post(path, body, key=one)
    assert len(upstream.seen()) == seen + 1


def test_a_container_of_an_answer_is_the_askers(gate, upstream, two):
    one, other = two
    upstream.queue({"headers": {"Content-Type": "application/json"}, "body": json.dumps({
        "id": "resp_1", "object": "response", "status": "completed", "model": "gpt-4o",
        "output": [{"type": "code_interpreter_call", "id": "ci_1", "status": "completed",
                    "code": "", "container_id": "cntr_of_one"}],
        "usage": {"input_tokens": 1, "output_tokens": 1, "total_tokens": 2}})})
    assert gate.post("/v1/responses", {"model": "gpt", "input": "x"}, key=one).status == 200
    assert not_found(gate.get("/v1/containers/cntr_of_one/files/f/content", key=other),
                     "cntr_of_one")
    seen = len(upstream.seen())
    gate.get("/v1/containers/cntr_of_one/files/f/content", key=one)
    assert len(upstream.seen()) == seen + 1


def test_a_restricted_key_keeps_nothing(gate, upstream):
    key = gate.key("share-restricted", "--models", "gpt")
    for kind in KINDS:
        assert gate.post(f"/v1/{kind}", {}, key=key).status == 403
    assert not upstream.seen()


def test_what_asks_a_model_beside_the_ids_passes(gate, upstream):
    for end in ("input_tokens", "compact"):
        gate.post(f"/openai/v1/responses/{end}", {"model": "gpt-4o", "input": "x"})
        assert upstream.seen()[-1].path == f"/v1/responses/{end}"


# -- Anthropic's --------------------------------------------------------------------------

def test_a_file_at_anthropic_is_its_owners(gate, upstream, two):
    one, other = two
    upstream.queue({"headers": {"Content-Type": "application/json"}, "body": json.dumps(
        {"type": "file", "id": "file_011A", "filename": "a", "downloadable": False})})
    made = gate.send("POST", "/anthropic/v1/files", form(part("file", b"x", "a")), form_type(),
                     key=one)
    assert made.status == 200, made
    seen = len(upstream.seen())
    for method, rest in (("GET", ""), ("GET", "/content"), ("DELETE", "")):
        assert not_found(gate.send(method, f"/anthropic/v1/files/file_011A{rest}", key=other),
                         "file_011A")
    ask = {"model": "claude-x", "max_tokens": 9, "messages": [{"role": "user", "content": [
        {"type": "document", "source": {"type": "file", "file_id": "file_011A"}}]}]}
    assert not_found(gate.post("/anthropic/v1/messages", ask, key=other), "file_011A")
    assert len(upstream.seen()) == seen
    page = {"data": [{"id": "file_011B", "type": "file"}, {"id": "file_011A", "type": "file"}],
            "has_more": False, "first_id": "file_011B", "last_id": "file_011A"}
    for key, rows in ((one, ["file_011A"]), (other, [])):
        upstream.queue({"headers": {"Content-Type": "application/json"},
                        "body": json.dumps(page)})
        listed = gate.get("/anthropic/v1/files", key=key).json
        assert [row["id"] for row in listed["data"]] == rows and not listed["has_more"]
    gate.get("/anthropic/v1/files/file_011A", key=one)
    assert upstream.seen()[-1].path == "/v1/files/file_011A"


# -- what is closed -------------------------------------------------------------------------

CLOSED = [
    ("GET", "/openai/v1/chat/completions"), ("GET", "/openai/v1/chat/completions/chatcmpl-1"),
    ("POST", "/openai/v1/chat/completions/chatcmpl-1"), ("DELETE", "/openai/v1/models/ft:x"),
    ("POST", "/openai/v1/assistants"), ("GET", "/openai/v1/threads/thread_1/messages"),
    ("POST", "/openai/v1/fine_tuning/jobs"), ("GET", "/openai/v1/FINE_TUNING/jobs"),
    ("POST", "/openai/v1/realtime/client_secrets"), ("POST", "/openai/v1/videos"),
    ("GET", "/openai/v1/organization/costs"), ("POST", "/openai/v1/evals"),
    ("PUT", "/openai/v1/anything"), ("PATCH", "/openai/v1/anything"), ("GET", "/openai/v1/x"),
    ("POST", "/plain/v1/vector_stores"), ("POST", "/plain/v1/conversations"),
    ("POST", "/plain/v1/agents"), ("POST", "/plain/v1/batch/jobs"),
    ("POST", "/plain/v1//fine_tuning//jobs"),
    ("POST", "/anthropic/v1/messages/batches"), ("GET", "/anthropic/v1/messages/batches"),
    ("GET", "/anthropic/v1/messages/batches/msgbatch_1/results"),
    ("POST", "/anthropic/v1/skills"), ("GET", "/anthropic/v1/organizations/users"),
    ("POST", "/gemini/upload/v1beta/files"), ("GET", "/gemini/v1beta/files"),
    ("GET", "/gemini/v1beta/files/abc:download"), ("POST", "/gemini/v1beta/cachedContents"),
    ("POST", "/gemini/v1beta/models/gemini-x:batchGenerateContent"),
    ("POST", "/gemini/v1alpha/auth_tokens"), ("DELETE", "/gemini/v1beta/tunedModels/x"),
    ("POST", "/gemini/v1/projects/p/locations/l/batchPredictionJobs"),
    ("POST", "/gemini/v1/projects/p/locations/l/endpoints/1:deployModel"),
    ("POST", "/cohere/v1/datasets"), ("GET", "/cohere/v1/datasets/x"),
    ("POST", "/cohere/v1/embed-jobs"), ("POST", "/ollama/api/pull"),
    ("DELETE", "/ollama/api/delete"), ("POST", "/ollama/api/create"),
]


@pytest.mark.parametrize("method, path", CLOSED)
def test_what_could_not_be_told_apart_is_closed(gate, upstream, method, path):
    answer = gate.send(method, path, b"{}" if method in ("POST", "PUT", "PATCH") else None)
    assert closed(answer)
    assert not upstream.seen()


@pytest.mark.parametrize("method, path", [
    ("GET", "/openai/v1/models"), ("GET", "/openai/v1/models/gpt-4o"),
    ("GET", "/gemini/v1beta/models"), ("GET", "/ollama/api/tags"), ("GET", "/ollama/api/version"),
    ("GET", "/plain/health"), ("POST", "/plain/v1/agents/completions"),
    ("POST", "/plain/v1/score"), ("POST", "/gemini/v1beta/tunedModels/x:generateContent"),
    ("POST", "/gemini/v1/projects/p/locations/l/publishers/google/models/m:predict"),
    ("GET", "/open/v1/fine_tuning/jobs"), ("DELETE", "/open/v1/models/ft:x")])
def test_what_asks_models_or_lists_them_is_open(gate, upstream, method, path):
    gate.send(method, path, json.dumps(ASK).encode() if method == "POST" else None,
              [("Content-Type", "application/json")])
    assert len(upstream.seen()) == 1


def test_all_does_not_open_what_has_an_owner(gate, two):
    one, other = two
    made = gate.send("POST", "/open/v1/files", form(part("purpose", "batch"),
                                                    part("file", b"x", "a")), form_type(), key=one)
    assert made.status == 200
    assert not_found(gate.get(f"/open/v1/files/{made.json['id']}", key=other), made.json["id"])


@pytest.mark.parametrize("method, path, body", [
    ("POST", "/openai/v1/chat/completions", ASK), ("POST", "/v1/chat/completions", ASK),
    ("POST", "/gemini/v1beta/models/gemini-x:generateContent",
     {"contents": [{"role": "user", "parts": [{"text": "x"}]}]}),
    ("GET", "/openai/v1/models", None), ("GET", "/v1/files", None),
    ("POST", "/v1/conversations", {})])
def test_no_coding_is_asked_for_that_could_not_be_read(gate, upstream, method, path, body):
    """Some providers answer in br or zstd when they are asked for it."""
    body = body and json.dumps({**body, "model": "gpt"} if path.startswith("/v1/chat") else body)
    gate.send(method, path, body and body.encode(),
              [("Content-Type", "application/json"), ("Accept-Encoding", "br, zstd, gzip;q=0.5")])
    assert upstream.only().header("accept-encoding") == "identity"


# -- filter mode ------------------------------------------------------------------------------

@pytest.fixture
def filtered(gw):
    gw.tolerates("AH01102", "AH01110", "AH00898", "LLMGW0101")
    url = gw.upstream.url
    conf = gw.conf("LLMRetries 0").provider("openai", more="LLMResponses On").provider("gemini")
    for name in ("openai", "gemini"):
        conf.add(f"""ProxyPass /f/{name} {url}/{name}
        <Location "/f/{name}">
            LLMMeter       On
            LLMProviderFor {name}
            AuthType       LLMKey
            Require        valid-user
        </Location>""")
    return gw.serve(conf.add('<Location "/gate">\nLLMGateway On\n</Location>\n')
                    .model("gpt", "openai gpt-4o"))


@pytest.mark.parametrize("method, path", [
    ("GET", "/f/openai/v1/files"), ("GET", "/f/openai/v1/batches/batch_1"),
    ("POST", "/f/openai/v1/batches"), ("POST", "/f/openai/v1/fine_tuning/jobs"),
    ("GET", "/f/openai/v1/%66ine_tuning/jobs"), ("GET", "/f/openai/v1/vector_stores"),
    ("GET", "/f/gemini/v1beta/files"), ("POST", "/f/gemini/v1alpha/auth_tokens")])
def test_filter_mode_is_closed_too(filtered, upstream, method, path):
    answer = filtered.send(method, path, b"{}" if method == "POST" else None)
    assert answer.status == 404 and "served here" in answer.text, answer
    assert not upstream.seen()


def test_filter_mode_knows_owners(filtered, upstream):
    one, other = filtered.key("f-one"), filtered.key("f-two")
    made = filtered.send("POST", "/gate/v1/files", form(part("purpose", "batch"),
                                                        part("file", b"x", "a")),
                         form_type(), key=one)
    number = made.json["id"]
    seen = len(upstream.seen())
    assert not_found(filtered.get(f"/f/openai/v1/files/{number}/content", key=other), number)
    body = {"model": "gpt-4o", "input": [{"role": "user", "content": [
        {"type": "input_file", "file_id": number}]}]}
    assert not_found(filtered.post("/f/openai/v1/responses", body, key=other), number)
    assert len(upstream.seen()) == seen
    assert filtered.get(f"/f/openai/v1/files/{number}/content", key=one).body == b"x"
    assert filtered.post("/f/openai/v1/responses", body, key=one).status == 200


def test_filter_mode_notes_owners(filtered):
    one, other = filtered.key("f-one"), filtered.key("f-two")
    made = filtered.post("/f/openai/v1/responses", {"model": "gpt-4o", "input": "x"}, key=one)
    number = made.json["id"]
    # it is noted when mod_proxy has passed the whole answer
    wait_for(lambda: filtered.get(f"/f/openai/v1/responses/{number}", key=one).status == 200,
             5, "the response's owner")
    assert not_found(filtered.get(f"/f/openai/v1/responses/{number}", key=other), number)
    assert not_found(filtered.get(f"/gate/v1/responses/{number}", key=other), number)
    body = {"model": "gpt-4o", "input": "more", "previous_response_id": number}
    assert filtered.post("/f/openai/v1/responses", body, key=other).status == 400
    assert filtered.post("/f/openai/v1/responses", body, key=one).status == 200


def test_a_streamed_response_has_its_owner_before_its_reader(filtered):
    one, other = filtered.key("f-one"), filtered.key("f-two")
    made = filtered.post("/f/openai/v1/responses",
                         {"model": "gpt-4o", "input": "x", "stream": True}, key=one)
    number = made.events[-1].json["response"]["id"]
    assert filtered.get(f"/f/openai/v1/responses/{number}", key=one).status == 200
    assert not_found(filtered.get(f"/f/openai/v1/responses/{number}", key=other), number)


# -- the directive ------------------------------------------------------------------------------

def test_a_wrong_word_is_named(gw):
    code, said = gw.configtest(gw.conf().provider("openai", more="LLMNative some").enable())
    assert code and "LLMNative: expected known or all, not 'some'" in said
