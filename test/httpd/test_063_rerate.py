# SPDX-License-Identifier: Apache-2.0
"""llmgwctl rerate: past usage priced by another list, shown and then changed.
The scripted list knows openai's gpt-test*: 2.50 and 10 dollars."""
import json

import pytest


@pytest.fixture
def used(gw, upstream):
    """Usage of every provider, of a model without a price too."""
    gw.stop()
    gw.new_store()
    gw.serve(gw.conf().four_providers().model("smart", "openai gpt-test")
             .model("alias", "openai new-model").enable())
    for model in ("openai/gpt-test", "smart", "anthropic/claude-test", "gemini/gemini-test",
                  "openai/new-model", "alias", "ollama/llama-test"):
        for stream in (False, True):
            gw.record(gw.chat(model, "hello", stream=stream, key=gw.key("alice")))
    gw.record(gw.chat("openai/gpt-test", "hello", key=gw.key("bob")))
    yield gw
    gw.stop()
    gw.new_store()


def costs(gw):
    return {r["id"]: r["cost"] for r in gw.records()}


def sound(gw):
    told = gw.ctl_json("store", "check", "--no-pages")["check"]
    assert told["agree"] and not told["differences"], told
    total = gw.ctl_json("usage", "--by", "day")["total"]["cost_nanodollars"]
    assert total == sum(r["cost"] or 0 for r in gw.records() if not r["unpriced"])
    assert total == gw.ctl_json("usage", "--by", "attempts")["total"]["cost_nanodollars"]


def rerate(gw, *words):
    return gw.ctl_json("rerate", "--since", "1h", *words)


def test_the_same_prices_give_the_same_costs(used):
    before = costs(used)
    told = rerate(used, "--apply")
    assert told["total"]["changed"] == 0 and told["total"]["difference_nanodollars"] == 0
    assert told["total"]["requests"] == 15
    assert costs(used) == before and not any(r["rerated"] for r in used.records())
    assert "nothing to change" in used.ctl("rerate", "--since", "1h").err


def test_what_would_change_is_shown_and_nothing_changed(used):
    before = costs(used)
    assert used.ctl("price", "set", "openai/gpt-test*", "--input", "5", "--output", "20").code == 0
    told = rerate(used)
    assert told["applied"] == "no" and told["total"]["changed"] == 5
    row, = (r for r in told["models"] if r["changed"])
    assert row["provider"] == "openai" and row["model"].startswith("gpt-test")
    assert row["new_cost_nanodollars"] == 2 * row["cost_nanodollars"] > 0
    assert row["difference_nanodollars"] == row["cost_nanodollars"]
    shown = used.ctl("rerate", "--since", "1h")
    assert "Nothing was changed; the same command with --apply" in shown.err, shown
    assert costs(used) == before


def test_applied_it_is_in_records_sums_and_quotas(used):
    before = costs(used)
    assert used.ctl("price", "set", "openai/gpt-test*", "--input", "5", "--output", "20").code == 0
    assert rerate(used, "--apply", "--key", "bob")["total"]["changed"] == 1
    sound(used)
    done = used.ctl("rerate", "--since", "1h", "--apply")
    assert done.code == 0 and "4 requests were changed." in done.err, done
    for record in used.records():
        doubled = record["model"].startswith("gpt-test")
        assert record["rerated"] == doubled
        was = before[record["id"]]
        assert record["cost"] == (2 * was if doubled else was)
    sound(used)
    assert rerate(used, "--apply")["total"]["changed"] == 0
    runs = [r["change"] for r in used.ctl_json("audit")["audit"] if r["op"] == "rerate"]
    assert [(r["changed"], r["finished"]) for r in runs] == [(1, True), (4, True)]
    assert "--key bob" in runs[0]["about"]


def test_without_a_gateway_and_by_a_list_of_others(used):
    lite = used.file("lite.json", json.dumps({"gpt-test": {
        "litellm_provider": "openai", "input_cost_per_token": 1e-06,
        "output_cost_per_token": 2e-06}}), mode=0o644)
    before = costs(used)
    used.stop()
    told = rerate(used, "--prices", lite, "--apply")
    assert told["total"]["changed"] == 5
    assert told["total"]["no_price"] == 10
    assert told["total"]["difference_nanodollars"] < 0
    used.start()
    sound(used)
    changed = [r for r in used.records() if r["rerated"]]
    for record in changed:
        assert record["cost"] == 1000 * record["input"] + 2000 * record["output"]
    assert len(changed) == 5
    assert {i: c for i, c in costs(used).items() if i not in {r["id"] for r in changed}} \
        == {i: c for i, c in before.items() if i not in {r["id"] for r in changed}}


def test_what_had_no_price_is_priced_later(used):
    guessed = [r["id"] for r in used.records() if r["guessed"]]
    assert guessed
    assert used.ctl("price", "set", "openai/new-model", "--input", "1", "--output", "1").code == 0
    assert used.ctl("price", "set", "openai/gpt-test*", "--input", "9", "--output", "9").code == 0
    told = rerate(used, "--unpriced", "--apply")
    assert told["total"]["changed"] == 4
    for record in used.records():
        if record["model"].startswith("new-model"):
            assert record["rerated"] and not record["guessed"]
            assert record["cost"] == 1000 * (record["input"] + record["output"])
        else:
            assert not record["rerated"]
    sound(used)


@pytest.mark.parametrize("words, wrong", [
    ([], "expected --since"),
    (["--since", "soon"], "--since: expected a date"),
    (["--since", "2026-11-02", "--until", "2026-11-01"], "--until: expected a time after"),
    (["--since", "1h", "--prices", "/nothing.json"], "/nothing.json")])
def test_what_is_wrong_is_said(gw, words, wrong):
    done = gw.ctl("rerate", *words)
    assert done.code != 0 and wrong in done.err, done
