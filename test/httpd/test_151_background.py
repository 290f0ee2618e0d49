# SPDX-License-Identifier: Apache-2.0
"""Responses made in the background: billed once, by whoever sees their end
first, however they are fetched; what was billed when it was asked for is not
billed again.
"""
import os
import signal
import time

import pytest

from client import Broken, wait_for
from test_149_kept import at_once


@pytest.fixture
def gate(gw):
    gw.tolerates("LLMGW0101")
    conf = gw.conf("LLMRetries 0").provider("openai", more="LLMResponses On")
    return gw.serve(conf.model("gpt", "openai gpt-test").enable())


@pytest.fixture
def mates(gate):
    return gate.key("back-one", "--team", "back"), gate.key("back-two", "--team", "back")


PATHS = ["/v1/responses", "/openai/v1/responses"]


def ask(gate, path="/v1/responses", key=True, text="hello", **more):
    model = "gpt" if path.startswith("/v1") else "gpt-test"
    return gate.post(path, {"model": model, "input": text, "background": True, **more},
                     key=key)


def finished(gate, number, key=True, path="/v1/responses"):
    """What it is once it is over."""
    for status in ("in_progress", "completed"):
        found = gate.get(f"{path}/{number}", key=key).json
        assert found["status"] == status, found
    return found


def counts(gate):
    """Records and tokens of what was made in the background, and all tokens."""
    rows = gate.records()
    back = [r for r in rows if r["op"] == "background"]
    return back, sum((r[c] or 0) for r in rows for c in
                     ("input", "cache_read", "cache_write", "output", "reasoning"))


class Books:
    """What is in the ledger more than when it began."""

    def __init__(self, gate):
        self.gate = gate
        self.back, self.tokens = counts(gate)
        self.ids = {r["id"] for r in self.back}

    def grown(self, last):
        """Once the record of the last answer is there: the new records, and
        by how many tokens the ledger grew."""
        self.gate.record(last)
        back, tokens = counts(self.gate)
        return [r for r in back if r["id"] not in self.ids], tokens - self.tokens


def assert_once(books, last, usage, key="tester"):
    wait_for(lambda: books.grown(last)[0], 5, "the record of the answer")
    found, tokens = books.grown(last)
    assert len(found) == 1, found
    record = found[0]
    assert record["input"] + (record["cache_read"] or 0) == usage["input_tokens"]
    assert record["output"] + (record["reasoning"] or 0) == usage["output_tokens"]
    assert tokens == usage["total_tokens"], "something else was billed as well"
    assert record["cost"] and record["key"] == key and not record["estimated"], record
    assert record["tier"] == "default" and not record["guessed"], record
    assert record["model"].startswith("gpt-test")
    return record


@pytest.mark.parametrize("path", PATHS)
def test_fetched_three_times_it_is_billed_once(gate, path):
    books = Books(gate)
    made = ask(gate, path)
    assert made.json["status"] == "queued", made
    own = gate.record(made)
    assert not own["input"] and not own["output"] and not own["cost"], own
    whole = finished(gate, made.json["id"], path=path)
    for _ in range(2):
        last = gate.get(f"{path}/{made.json['id']}")
        assert last.json == whole
    assert_once(books, last, whole["usage"])


def test_fetched_by_many_at_once_it_is_billed_to_its_maker(gate, mates):
    books = Books(gate)
    number = ask(gate, key=mates[0]).json["id"]
    gate.get(f"/v1/responses/{number}", key=mates[1])
    answers = at_once(lambda: gate.get(f"/v1/responses/{number}", key=mates[1]), 8)
    assert {a.json["status"] for a in answers} == {"completed"}
    for answer in answers:
        gate.record(answer)
    assert_once(books, answers[-1], answers[0].json["usage"], key="back-one")
    assert gate.ask_owner("status")[-1]["done"]["twice"] == 0


def test_killed_between_it_is_billed_once(gate):
    """Children and the store's owner, at each step."""
    gate.tolerates("LLMGW0352", "AH00098", "AH10392")

    def kill():
        for pid in (*gate.children(), gate.owner_pid()):
            os.kill(pid, signal.SIGKILL)
        wait_for(lambda: works(gate), 10, "new children")

    books = Books(gate)
    number = ask(gate).json["id"]
    kill()
    whole = finished(gate, number)
    kill()
    gate.get(f"/v1/responses/{number}")
    gate.restart()
    assert_once(books, gate.get(f"/v1/responses/{number}"), whole["usage"])


def works(gate):
    try:
        return gate.get("/v1/models").status == 200
    except (Broken, OSError):
        return False


@pytest.mark.parametrize("path", PATHS)
def test_a_stream_to_its_end_is_billed_once(gate, path):
    books = Books(gate)
    made = ask(gate, path, stream=True)
    whole = made.events[-1].json["response"]
    assert whole["status"] == "completed", whole
    own = gate.record(made)
    assert not own["input"] and not own["output"] and not own["cost"], own
    number = whole["id"]
    again = gate.get(f"{path}/{number}?stream=true&starting_after=2")
    assert again.body and again.events[0].json["sequence_number"] == 3
    assert made.body.endswith(again.body)
    gate.get(f"{path}/{number}")
    assert_once(books, gate.get(f"{path}/{number}"), whole["usage"])


def test_a_stream_that_is_gone_on_with_is_billed_once(gate, upstream):
    books = Books(gate)
    with gate.open("POST", "/v1/responses", {"model": "gpt", "input": "x", "stream": True,
                                             "background": True}) as stream:
        first = stream.event()
        number = first.json["response"]["id"]
        stream.hang_up()
    upstream.wait_idle(10)
    for _ in range(3):
        last = gate.get(f"/v1/responses/{number}?stream=true&starting_after=1")
        assert last.events[-1].json["type"] == "response.completed", last
    assert_once(books, last, last.events[-1].json["response"]["usage"])


def test_what_is_left_and_drained_is_billed_once(gw, upstream):
    """Nobody waits for the end, which comes all the same."""
    gw.tolerates("LLMGW0101")
    conf = gw.conf("LLMRetries 0\nLLMOnClientAbort drain=10s").provider(
        "openai", more="LLMResponses On")
    gw.serve(conf.model("gpt/*", "openai *").enable())
    books = Books(gw)
    body = {"model": "gpt/gpt-test;events=20;slow=20", "input": "x", "stream": True,
            "background": True}
    with gw.open("POST", "/v1/responses", body) as stream:
        number = stream.event().json["response"]["id"]
        stream.hang_up()
    upstream.wait_idle(10)
    wait_for(lambda: counts(gw)[0][len(books.back):], 5, "the drained answer's record")
    finished(gw, number)
    last = gw.get(f"/v1/responses/{number}")
    assert_once(books, last, last.json["usage"])


def test_a_kept_answer_is_billed_when_it_is_asked_for_only(gate):
    books = Books(gate)
    made = gate.post("/v1/responses", {"model": "gpt", "input": "hello"})
    for _ in range(3):
        last = gate.get(f"/v1/responses/{made.json['id']}")
        assert last.json["usage"] == made.json["usage"]
    found, tokens = books.grown(last)
    assert not found and tokens == made.json["usage"]["total_tokens"]


def test_what_is_not_kept_is_billed_when_it_is_asked_for(gate):
    """Nobody could fetch it."""
    books = Books(gate)
    made = ask(gate, store=False, stream=True)
    whole = made.events[-1].json["response"]
    found, tokens = books.grown(made)
    assert not found and tokens == whole["usage"]["total_tokens"]


def test_what_is_cancelled_used_what_it_says(gate):
    books = Books(gate)
    number = ask(gate).json["id"]
    last = gate.post(f"/v1/responses/{number}/cancel", b"")
    assert last.json["status"] == "cancelled" and last.json["usage"] is None
    assert books.grown(gate.get(f"/v1/responses/{number}")) == ([], 0)


def test_one_that_is_over_at_once_is_billed(gate, upstream):
    """Its second is no integer, as some servers write it."""
    upstream.queue({"headers": {"Content-Type": "application/json"}, "body":
                    '{"id":"resp_odd","object":"response","created_at":%s.5,'
                    '"status":"completed","background":true,"model":"gpt-test","output":[],'
                    '"usage":{"input_tokens":7,"output_tokens":2,"total_tokens":9}}' % int(time.time())})
    books = Books(gate)
    made = ask(gate)
    assert made.status == 200
    wait_for(lambda: books.grown(made)[0], 5, "the record of the answer")
    found, tokens = books.grown(made)
    assert len(found) == 1 and tokens == 9, found
