# SPDX-License-Identifier: Apache-2.0
"""Files, batches, uploads and responses: a provider keeps them for all keys
together, and each key sees its own.
"""
import concurrent.futures
import json
import os
import signal

import pytest

import reader
from client import wait_for
from test_147_media import form, form_type, part

LINES = b"".join(json.dumps({"custom_id": str(i), "method": "POST", "url": "/v1/responses",
                             "body": {"model": "gpt-4o", "input": "hi"}}).encode() + b"\n"
                 for i in range(3))


@pytest.fixture
def gate(gw):
    gw.tolerates("LLMGW0101")
    conf = gw.conf("LLMRetries 0").provider("openai", more="LLMResponses On")
    conf.provider("anthropic").model("gpt", "openai gpt-4o").model("claude", "anthropic c")
    return gw.serve(conf.enable())


@pytest.fixture
def two(gate):
    """Two keys that have nothing to do with each other."""
    return gate.key("kept-one"), gate.key("kept-two")


@pytest.fixture
def mates(gate):
    """Two keys of a team."""
    return gate.key("mate-one", "--team", "mates"), gate.key("mate-two", "--team", "mates")


def upload(gate, key=True, data=LINES, path="/v1/files"):
    return gate.send("POST", path, form(part("purpose", "batch"), part("file", data, "in.jsonl")),
                     form_type(), key=key)


def batch_of(gate, key, number, path="/v1/batches"):
    return gate.post(path, {"input_file_id": number, "endpoint": "/v1/responses",
                            "completion_window": "24h"}, key=key)


def refused(answer, number):
    """As if it were not there."""
    assert answer.status == 404, answer
    kind, message = reader.error_of("openai", answer.json)
    assert kind == "invalid_request_error" and number in message
    return True


# -- files -------------------------------------------------------------------------------

def test_a_file_is_its_owners(gate, upstream, two):
    one, other = two
    made = upload(gate, one)
    assert made.status == 200 and made.json["bytes"] == len(LINES), made
    number = made.json["id"]
    assert gate.get(f"/v1/files/{number}", key=one).json["id"] == number
    content = gate.get(f"/v1/files/{number}/content", key=one)
    assert content.body == LINES
    assert content.header("content-type") == "application/octet-stream"
    seen = len(upstream.seen())
    for method, path in (("GET", ""), ("GET", "/content"), ("DELETE", "")):
        assert refused(gate.send(method, f"/v1/files/{number}{path}", key=other), number)
    assert len(upstream.seen()) == seen
    gone = gate.send("DELETE", f"/v1/files/{number}", key=one)
    assert gone.json == {"id": number, "object": "file", "deleted": True}
    assert refused(gate.get(f"/v1/files/{number}", key=one), number)


def test_storing_costs_nothing_and_is_recorded(gate):
    made = upload(gate)
    record = gate.record(made)
    assert record["op"] == "native" and record["cost"] == 0 and not record["input"]
    assert record["bytes_in"] > len(LINES)


@pytest.mark.parametrize("path", ["/v1/files", "/openai/v1/files", "/openai/files",
                                  "/openai/v1/%66iles", "/openai/v1//files"])
def test_a_list_has_ones_own_only(gate, two, path):
    one, other = two
    mine = [upload(gate, one).json["id"] for _ in range(3)]
    theirs = upload(gate, other).json["id"]
    answer = gate.get(path + "?limit=1000", key=one)
    if "//" in path and answer.status == 404:
        return
    listed = [f["id"] for f in answer.json["data"]]
    assert listed[:3] == mine[::-1] and theirs not in answer.text
    assert answer.json["object"] == "list" and answer.json["first_id"] == mine[-1]
    assert answer.json["last_id"] == listed[-1]


def test_a_page_of_others_is_empty_and_goes_on(gate, two):
    one, other = two
    mine = upload(gate, one).json["id"]
    last = [upload(gate, other).json["id"] for _ in range(2)][0]
    page = gate.get("/v1/files?limit=2", key=one).json
    assert page["data"] == [] and page["has_more"] is True and page["last_id"] == last
    page = gate.get(f"/v1/files?limit=2&after={page['last_id']}", key=one).json
    assert page["data"][0]["id"] == mine


def test_native_routes_are_guarded_as_well(gate, upstream, two):
    one, other = two
    number = upload(gate, one, path="/openai/v1/files").json["id"]
    assert gate.get(f"/openai/v1/files/{number}", key=one).status == 200
    seen = len(upstream.seen())
    for path in (f"/openai/v1/files/{number}", f"/openai/files/{number}/content",
                 f"/openai/v1/%66iles/{number}", f"/openai/v1/files/{number}?x=1",
                 f"/openai/V1/Files/{number}", f"/openai/v1/FILES/{number}/",
                 f"/openai/v1/files/./{number}", f"/openai/v1/x/../files/{number}"):
        answer = gate.get(path, key=other)
        assert answer.status in (400, 404), (path, answer)
    assert len(upstream.seen()) == seen


def test_a_team_shares(gate, two, mates):
    number = upload(gate, mates[0]).json["id"]
    assert gate.get(f"/v1/files/{number}", key=mates[1]).status == 200
    assert number in gate.get("/v1/files?limit=1000", key=mates[1]).text
    assert refused(gate.get(f"/v1/files/{number}", key=two[0]), number)


def test_owners_survive_a_restart(gate, two):
    number = upload(gate, two[0]).json["id"]
    gate.restart()
    assert gate.get(f"/v1/files/{number}", key=two[0]).status == 200
    assert refused(gate.get(f"/v1/files/{number}", key=two[1]), number)


def test_a_restricted_key_may_not_store(gate, upstream):
    key = gate.key("restricted", "--models", "gpt")
    for answer in (upload(gate, key), batch_of(gate, key, "file-x"),
                   gate.get("/v1/files", key=key),
                   gate.post("/v1/batches", {"model": "gpt", "input_file_id": "x"}, key=key)):
        assert answer.status == 403, answer
        assert answer.json["error"]["code"] == "model_not_allowed"
    assert not upstream.seen()


def test_anonymous_callers_share(gw):
    conf = gw.conf("LLMRetries 0\nLLMAnonymous On").provider("openai", more="LLMResponses On")
    gw.serve(conf.add('<Location "/">\nLLMGateway On\n</Location>\n'))
    number = upload(gw, None).json["id"]
    assert gw.get(f"/v1/files/{number}", key=None).status == 200
    assert refused(gw.get(f"/v1/files/{number}"), number)      # with a key


def test_an_id_that_can_be_none_is_none(gate, upstream):
    for number in ("file-a.b", "x" * 300, "file-%C3%A9"):
        answer = gate.get(f"/v1/files/{number}")
        assert answer.status == 404, answer
    assert not upstream.seen()


def test_methods_that_do_not_fit(gate):
    answer = gate.send("DELETE", "/v1/batches/batch_1")
    assert answer.status == 405 and answer.header("allow") == "GET, HEAD"
    assert gate.send("PUT", "/v1/files").status == 405


def test_an_error_is_the_providers(gate, upstream):
    answer = gate.send("POST", "/v1/files", form(part("purpose", "batch")), form_type())
    assert answer.status == 400 and answer.json["error"]["param"] == "file"


def test_several_providers_are_told_apart_by_name(gw, upstream):
    conf = gw.conf("LLMRetries 0").provider("openai", more="LLMResponses On")
    conf.provider("two", "openai", key="env:TEST_OPENAI_KEY", more="LLMResponses On")
    gw.serve(conf.enable())
    answer = gw.get("/v1/files")
    assert answer.status == 404 and "/<provider>/v1/files" in answer.text
    number = upload(gw, path="/two/v1/files").json["id"]
    assert gw.get(f"/two/v1/files/{number}").status == 200
    assert refused(gw.get(f"/openai/v1/files/{number}"), number)
    assert [s.path for s in upstream.seen()] == ["/v1/files", f"/v1/files/{number}"]


# -- batches -----------------------------------------------------------------------------

def batch_records(gate, key_name):
    return [r for r in gate.records() if r["op"] == "batch" and r["key"] == key_name]


def test_a_batch_is_its_owners_and_billed_once(gate, upstream, two):
    one, other = two
    number = upload(gate, one).json["id"]
    assert refused(batch_of(gate, other, number), number)
    made = batch_of(gate, one, number)
    assert made.status == 200, made
    batch = made.json["id"]
    assert refused(gate.get(f"/v1/batches/{batch}", key=other), batch)
    assert refused(gate.send("POST", f"/v1/batches/{batch}/cancel", b"", key=other), batch)
    before = len(batch_records(gate, "kept-one"))
    while (polled := gate.get(f"/v1/batches/{batch}", key=one).json)["status"] != "completed":
        assert polled["status"] in ("validating", "in_progress")
    for _ in range(5):
        assert gate.get(f"/v1/batches/{batch}", key=one).json == polled
    output = polled["output_file_id"]
    assert gate.get(f"/v1/files/{output}/content", key=one).status == 200
    assert refused(gate.get(f"/v1/files/{output}/content", key=other), output)
    wait_for(lambda: batch_records(gate, "kept-one")[before:], 5, "the batch's record")
    gate.restart()      # the mark and the ledger are in the store
    gate.get(f"/v1/batches/{batch}", key=one)
    gate.record(gate.get(f"/v1/batches/{batch}", key=one))
    found = batch_records(gate, "kept-one")[before:]
    assert len(found) == 1, found
    record = found[0]
    assert (record["input"], record["output"], record["reasoning"]) == (3000, 1400, 100)
    assert record["tier"] == "batch" and record["model"] == "gpt-4o"
    assert [b["id"] for b in gate.get("/v1/batches?limit=100", key=one).json["data"]][0] == batch
    assert batch not in gate.get("/v1/batches?limit=100", key=other).text


def test_looking_at_a_batch_at_once_bills_it_once(gate, two, mates):
    """Two of a team see its end in the same moment: one record, of its maker's
    key, and no complaint of the ledger."""
    number = upload(gate, mates[0]).json["id"]
    batch = batch_of(gate, mates[0], number).json["id"]
    for _ in range(2):
        gate.get(f"/v1/batches/{batch}", key=mates[1])
    answers = at_once(lambda: gate.get(f"/v1/batches/{batch}", key=mates[1]), 8)
    assert {a.json["status"] for a in answers} == {"completed"}
    for answer in answers:
        gate.record(answer)
    assert len(batch_records(gate, "mate-one")) == 1
    assert not batch_records(gate, "mate-two")
    assert gate.ask_owner("status")[-1]["done"]["twice"] == 0


def at_once(do, count):
    with concurrent.futures.ThreadPoolExecutor(count) as pool:
        return [f.result() for f in [pool.submit(do) for _ in range(count)]]


# -- responses ------------------------------------------------------------------------------

@pytest.mark.parametrize("path", ["/v1/responses", "/openai/v1/responses"])
@pytest.mark.parametrize("streamed", [False, True])
def test_a_response_is_its_owners(gate, upstream, two, path, streamed):
    one, other = two
    model = "gpt" if path.startswith("/v1") else "gpt-4o"
    made = gate.post(path, {"model": model, "input": "hello", "stream": streamed}, key=one)
    assert made.status == 200, made
    number = (made.events[-1].json["response"] if streamed else made.json)["id"]
    assert gate.get(f"/v1/responses/{number}", key=one).json["id"] == number
    seen = len(upstream.seen())
    for method, rest in (("GET", ""), ("DELETE", ""), ("GET", "/input_items"),
                         ("POST", "/cancel")):
        assert refused(gate.send(method, f"/v1/responses/{number}{rest}", key=other), number)
        assert refused(gate.send(method, f"/openai/v1/responses/{number}{rest}", key=other),
                       number)
    body = {"model": model, "input": "more", "previous_response_id": number}
    answer = gate.post(path, body, key=other)
    assert answer.status == 400 and answer.json["error"]["param"] == "previous_response_id"
    assert answer.json["error"]["code"] == "previous_response_not_found"
    escaped = json.dumps(body).replace("previous_", "previous\\u005f").encode()
    answer = gate.send("POST", path, escaped, [("Content-Type", "application/json")], key=other)
    assert answer.status == 400, answer
    assert len(upstream.seen()) == seen
    assert gate.post(path, body, key=one).status == 200


def test_what_is_not_kept_needs_no_owner(gate):
    made = gate.post("/v1/responses", {"model": "gpt", "input": "hello", "store": False})
    assert made.status == 200
    assert refused(gate.get(f"/v1/responses/{made.json['id']}"), made.json["id"])


@pytest.mark.parametrize("content", [
    {"type": "input_file", "file_id": "{}"},
    {"type": "input_image", "file_id": "{}", "detail": "low"}])
def test_a_file_of_others_is_not_read_to_a_model(gate, upstream, two, content):
    number = upload(gate, two[0]).json["id"]
    content = json.loads(json.dumps(content).replace("{}", number))
    body = {"model": "gpt", "input": [{"role": "user", "content": [
        {"type": "input_text", "text": "read"}, content]}]}
    seen = len(upstream.seen())
    assert refused(gate.post("/v1/responses", body, key=two[1]), number)
    chat = {"model": "gpt", "messages": [{"role": "user", "content": [
        {"type": "text", "text": "read"}, {"type": "file", "file": {"file_id": number}}]}]}
    assert refused(gate.post("/v1/chat/completions", chat, key=two[1]), number)
    tools = {"model": "gpt", "input": "x", "tools": [
        {"type": "code_interpreter", "container": {"type": "auto", "file_ids": [number]}}]}
    assert refused(gate.post("/v1/responses", tools, key=two[1]), number)
    assert len(upstream.seen()) == seen
    assert gate.post("/v1/chat/completions", chat, key=two[0]).status == 200


@pytest.mark.parametrize("wrap", [
    lambda body: b"\xef\xbb\xbf" + body,
    lambda body: body.decode().encode("utf-16"),
    lambda body: body[:-1] + b',"x":' + b"[" * 300 + b"]" * 300 + b"}",
    lambda body: body.replace(b'"model"', b'"file_id":"file-mine","model"')])
def test_a_body_that_hides_an_id_is_refused(gate, upstream, two, wrap):
    """What the gateway cannot read, a provider perhaps can."""
    number = upload(gate, two[0]).json["id"]
    seen = len(upstream.seen())
    body = json.dumps({"model": "gpt-4o", "input": [{"role": "user", "content": [
        {"type": "input_file", "file_id": number}]}]}).encode()
    for path in ("/v1/responses", "/openai/v1/responses"):
        answer = gate.send("POST", path, wrap(body), [("Content-Type", "application/json")],
                           key=two[1])
        assert answer.status in (400, 404), (path, answer)
    assert len(upstream.seen()) == seen


def test_what_was_made_by_other_means_may_be_named(gate, upstream):
    """Nobody is known to have made it; it is in no list and at no path."""
    for body in ({"model": "gpt", "input": "more", "previous_response_id": "resp_elsewhere"},
                 {"model": "gpt", "input": [{"role": "user", "content": [
                     {"type": "input_file", "file_id": "file-elsewhere"}]}]}):
        seen = len(upstream.seen())
        gate.post("/v1/responses", body)    # what its provider knows of it, it says itself
        asked = upstream.seen()[seen:]
        assert [{**one.json, "model": "gpt"} for one in asked] == [body]
    assert refused(gate.get("/v1/files/file-elsewhere"), "file-elsewhere")


def test_what_only_looks_like_an_id_passes(gate):
    answer = gate.post("/v1/chat/completions", {
        "model": "gpt", "metadata": {"file_id": "mine"},
        "messages": [{"role": "user", "content": "what is a file_id? \u00e9"}],
        "tools": [{"type": "function", "function": {"name": "f", "parameters": {
            "type": "object", "properties": {"file_id": {"type": "string"}}}}}]})
    assert answer.status == 200, answer


# -- failures ---------------------------------------------------------------------------------

def test_without_its_owner_the_store_denies(gate, two):
    """The one thing a request waits for: and when it does not come, nothing is
    given away. The owner comes back by itself."""
    number = upload(gate, two[0]).json["id"]
    gate.tolerates("LLMGW0352")
    os.kill(gate.owner_pid(), signal.SIGKILL)
    answers = [gate.get(f"/v1/files/{number}", key=key) for key in two]
    assert answers[0].status == 200, answers[0]
    assert refused(answers[1], number)


@pytest.mark.parametrize("body", ["{", "[]", '{"object":"list"}', '{"data":{}}'])
def test_a_list_that_cannot_be_read_is_not_given_out(gate, upstream, body):
    upstream.queue({"headers": {"Content-Type": "application/json"}, "body": body})
    answer = gate.get("/v1/files")
    assert answer.status == 502, answer
    reader.error_of("openai", answer.json)


def test_a_list_of_another_type_is_not_given_out(gate, upstream):
    upstream.queue({"headers": {"Content-Type": "text/plain"}, "body": "file-of-others"})
    answer = gate.get("/v1/files")
    assert answer.status == 502 and "file-of-others" not in answer.text


def test_a_large_list_is_held_until_it_is_cut(gate, upstream):
    rows = [{"id": f"file-foreign{i}", "object": "file", "filename": "x" * 200}
            for i in range(8000)]
    mine = upload(gate).json["id"]
    rows.insert(5000, {"id": mine, "object": "file"})
    upstream.queue({"headers": {"Content-Type": "application/json"},
                    "body": json.dumps({"object": "list", "data": rows, "has_more": False})})
    answer = gate.get("/v1/files")
    assert answer.json == {"object": "list", "data": [{"id": mine, "object": "file"}],
                           "has_more": False}
