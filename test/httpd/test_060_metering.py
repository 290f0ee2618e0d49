# SPDX-License-Identifier: Apache-2.0
"""Every request that was admitted leaves exactly one record, and the record
says what happened: tokens, cost, status, who, where, how."""
import concurrent.futures
import json
import time
from decimal import Decimal

import pytest

import reader

HELLO = [{"role": "user", "content": "hello"}]


@pytest.fixture
def four(gw):
    return gw.serve(gw.conf().four_providers().enable())


def test_a_record_says_who_what_and_where(four, upstream):
    before = time.time()
    answer = four.chat("openai/gpt-test", user="end-user-1", key=four.key("who"))
    record = four.record(answer)
    usage = answer.json["usage"]
    assert record["key"] == "who"
    assert record["provider"] == "openai"
    assert record["asked"] == "openai/gpt-test"
    assert record["model"].startswith("gpt-test")
    assert record["dialect"] == "openai"
    assert record["route"] == "openai/*"
    assert record["op"] == "chat"
    assert record["user"] == "end-user-1"
    assert record["status"] == 200 and record["attempts"] == 1
    assert record["finish"] == "stop"
    assert record["input"] == usage["prompt_tokens"]
    assert record["output"] == usage["completion_tokens"]
    assert not record["stream"] and not record["aborted"] and not record["estimated"]
    assert record["bytes_out"] == len(answer.body)
    assert record["latency_ms"] <= (time.time() - before) * 1000 + 1


@pytest.mark.parametrize("form, model, cost", [
    # prices in env.py, dollars per million; counts by mind.py; nano-dollars
    ("chat", "openai/gpt-test;cached=1000", 5 * 2500 + 1000 * 1250 + 3 * 10000),
    ("messages", "openai/gpt-test;cached=1000", 5 * 2500 + 1000 * 1250 + 3 * 10000),
    ("messages", "anthropic/claude-test;cached=1000;cache_write=200",
     5 * 3000 + 1000 * 300 + 200 * 3750 + 3 * 15000),
    ("chat", "anthropic/claude-test;cached=1000;cache_write=200",
     5 * 3000 + 1000 * 300 + 200 * 3750 + 3 * 15000),
    ("chat", "gemini/gemini-test", 5 * 300 + 3 * 2500),
    ("chat", "gemini/gemini-test;cached=200000", 200005 * 600 + 3 * 5000)])
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_cost_is_exact(four, upstream, form, model, cost, stream):
    answer = getattr(four, form)(model, stream=stream)
    assert answer.status == 200, answer
    record = four.record(answer)
    assert record["cost"] == cost
    assert not record["unpriced"]
    assert bool(record["stream"]) is stream


def test_what_has_no_price_costs_nobody_knows(four, upstream):
    """Unknown is not zero, where not one model of the provider has a price."""
    record = four.record(four.chat("ollama/unheard-of"))
    assert record["unpriced"]
    assert record.get("cost") is None


def test_reasoning_is_a_class_of_its_own(four, upstream):
    record = four.record(four.chat("openai/gpt-test", reasoning_effort="high"))
    assert record["reasoning"] == 6
    assert record["output"] == 3


def test_usage_is_metered_where_the_client_does_not_see_it(four, upstream):
    answer = four.chat("openai/gpt-test", stream=True)
    assert reader.openai_stream(answer.body).usage is None
    record = four.record(answer)
    assert (record["input"], record["output"]) == (5, 3)
    assert not record["estimated"]


@pytest.mark.parametrize("form", ["chat", "messages"])
@pytest.mark.parametrize("model", ["openai/gpt-test", "anthropic/claude-test",
                                   "gemini/gemini-test"])
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_a_provider_that_does_not_count_is_estimated(four, upstream, form, model, stream):
    answer = getattr(four, form)(model + ";nousage;events=40", stream=stream)
    assert answer.status == 200, answer
    record = four.record(answer)
    assert record["estimated"]
    assert 10 < record["output"] < 200
    assert record["input"] > 0


@pytest.mark.parametrize("status", [400, 404, 422, 429, 500, 503])
def test_an_error_leaves_a_record(four, upstream, status):
    answer = four.chat(f"openai/gpt-test;status={status}")
    record = four.record(answer)
    assert record["status"] == answer.status
    assert record["attempts"] >= 1
    assert not record.get("output") and not record.get("cost")


def test_what_never_reached_a_provider_leaves_a_record(four, upstream):
    for answer in (four.chat("nobody/none"), four.post("/v1/chat/completions", b"{")):
        record = four.record(answer)
        assert record["status"] == answer.status
        assert record["attempts"] == 0


def test_a_refused_key_leaves_no_record(four, upstream):
    four.key()
    before = len(four.records())
    answer = four.chat("openai/gpt-test", key="llmgw-" + "B" * 43)
    assert answer.status == 401
    time.sleep(0.3)
    assert len(four.records()) == before


def test_a_client_that_hangs_up_leaves_one_record(four, upstream):
    body = {"model": "openai/gpt-test;slow=50;events=200", "messages": HELLO, "stream": True}
    with four.open("POST", "/v1/chat/completions", body) as stream:
        for _ in range(6):
            stream.event()
        request_id = stream.reply.id
        stream.hang_up()
    record = four.record(request_id)
    assert record["aborted"]
    assert record["estimated"], "the provider had not counted yet"
    assert 1 <= record["output"] < 60, "what was produced is billed, no more"
    upstream.wait_idle()


def test_listing_models_is_no_usage(four, upstream):
    four.key()
    before = len(four.records())
    assert four.get("/v1/models").status == 200
    time.sleep(0.3)
    assert len(four.records()) == before


def test_embeddings_are_metered(four, upstream):
    record = four.record(four.post("/v1/embeddings", {"model": "openai/gpt-test-embed",
                                                      "input": "hello"}))
    assert record["op"] == "embed"
    assert record["input"] == 2 and not record.get("output")
    assert record["cost"] == 2 * 2500


def test_attempts_are_counted(gw, upstream):
    gw.serve(gw.conf().provider("openai").provider("anthropic").model(
        "smart", "openai gpt-test;status=500 priority=1",
        "anthropic claude-test priority=2").enable())
    answer = gw.chat("smart")
    assert answer.status == 200, answer
    record = gw.record(answer)
    assert record["attempts"] == 2
    assert record["provider"] == "anthropic"
    assert record["asked"] == "smart"
    assert answer.header("x-llm-attempts") == "2"


def test_rollups_equal_events(gw, upstream):
    """On a store of its own: the sums of events, hours and days agree, and
    usage says the same by every grouping."""
    gw.stop()
    gw.new_store()
    gw.serve(gw.conf().four_providers().enable())
    for i in range(12):
        key = gw.key(f"k{i % 3}")
        gw.chat("openai/gpt-test", "x" * i, key=key)
        gw.messages("gemini/gemini-test", key=key, stream=True)
        gw.chat("openai/gpt-test;status=400", key=key)
    answers = gw.chat("anthropic/claude-test")
    gw.record(answers)
    records = gw.records()
    assert len(records) == 37
    checked = gw.ask_owner("check")[1]["done"]
    assert checked["agree"] is True, checked
    for by in ("key", "model", "provider", "day", "hour", "key,model", "provider,day"):
        rows, _ = gw.ask_owner("usage", by=by.split(","))
        for column in ("input", "output", "cost"):
            assert sum(r.get(column) or 0 for r in rows) == \
                sum(r.get(column) or 0 for r in records), (by, column)
        assert sum(r["requests"] for r in rows) == 37
        assert sum(r["errors"] for r in rows) == 12
    per_key, _ = gw.ask_owner("usage", by=["key"])
    assert {r["key"]: r["requests"] for r in per_key} == {
        "k0": 12, "k1": 12, "k2": 12, "tester": 1}


def test_many_at_once_are_all_counted(gw, upstream):
    gw.stop()
    gw.new_store()
    gw.serve(gw.conf().four_providers().enable())
    gw.key()

    def one(i):
        return gw.chat(f"{'openai/gpt-test' if i % 2 else 'anthropic/claude-test'}",
                       f"m{i}", stream=bool(i % 3)).id
    with concurrent.futures.ThreadPoolExecutor(12) as pool:
        ids = list(pool.map(one, range(240)))
    assert len(set(ids)) == 240
    gw.record(ids[-1])
    counted = [r["id"] for r in gw.records()]
    assert sorted(counted) == sorted(ids)
    assert gw.ask_owner("check")[1]["done"]["agree"] is True


def test_cost_is_told_where_it_is_known_in_time(four, upstream):
    answer = four.chat("openai/gpt-test")
    record = four.record(answer)
    assert Decimal(answer.header("x-llm-cost")) * 1_000_000_000 == record["cost"]


def test_no_text_of_anybody_is_recorded(four, upstream):
    answer = four.chat("openai/gpt-test", "the secret phrase is xyzzyplugh")
    record = four.record(answer)
    assert "xyzzyplugh" not in json.dumps(record)
    assert not four.files_with(b"xyzzyplugh")
