# SPDX-License-Identifier: Apache-2.0
"""Prices: what becomes of usage without one, and prices that change while the
gateway runs. The scripted list knows openai's gpt-test*: 2.50 and 10 dollars."""
import pytest


def serve(gw, policy=""):
    return gw.serve(gw.conf(policy).four_providers().enable())


def expected(usage, price_in, price_out):
    """Nano-dollars; the prices are dollars per million tokens."""
    return round(usage["prompt_tokens"] * price_in * 1000
                 + usage["completion_tokens"] * price_out * 1000)


def test_without_a_price_the_dearest_one_stands_in(gw, upstream):
    serve(gw)
    answer = gw.chat("openai/new-model", "hello")
    record = gw.record(answer)
    assert record["cost"] == expected(answer.json["usage"], 2.5, 10)
    assert "guessed" in record["flags"] and "unpriced" not in record["flags"]
    assert record["price_day"] == "2026-01-15"
    assert float(answer.header("x-llm-cost")) * 1e9 == pytest.approx(
        record["cost"])


def test_without_a_price_it_may_cost_nothing(gw, upstream):
    serve(gw, "LLMUnknownPrice zero")
    record = gw.record(gw.chat("openai/new-model", "hello"))
    assert record["cost"] == 0
    assert "unpriced" in record["flags"]
    answer = gw.chat("openai/gpt-test", "hello")
    assert gw.record(answer)["cost"] == expected(answer.json["usage"], 2.5, 10)


def test_without_a_price_it_may_be_refused(gw, upstream):
    serve(gw, "LLMUnknownPrice deny")
    upstream.reset()
    answer = gw.chat("openai/new-model", "hello")
    assert answer.status == 403, answer
    assert answer.json["error"]["code"] == "model_not_priced"
    assert "new-model" in answer.json["error"]["message"]
    answer = gw.messages("openai/new-model", "hello")
    assert answer.status == 403 and answer.json["type"] == "error", answer
    assert not upstream.seen()
    assert gw.chat("openai/gpt-test", "hello").status == 200


def test_another_word_is_refused(gw):
    code, said = gw.configtest(gw.conf("LLMUnknownPrice free"))
    assert code != 0
    assert "LLMUnknownPrice: expected deny, estimate or zero, not 'free'" in said, said


def test_a_price_that_is_set_is_in_force_in_every_child(gw, upstream):
    serve(gw)
    for dollars in (7, 8, 9):
        done = gw.ctl("price", "set", "openai/gpt-test*", "--input", str(dollars),
                      "--output", "20")
        assert done.code == 0, done
        for _ in range(8):  # whichever child takes it
            answer = gw.chat("openai/gpt-test", "hello")
            record = gw.record(answer)
            assert record["cost"] == expected(answer.json["usage"], dollars, 20)
            assert not record["flags"]
    done = gw.ctl("price", "unset", "openai/gpt-test*")
    assert done.code == 0, done
    answer = gw.chat("openai/gpt-test", "hello")
    assert gw.record(answer)["cost"] == expected(answer.json["usage"], 2.5, 10)
    assert [row["op"] for row in gw.ctl_json("audit")["audit"]][-2:] == \
        ["price.set", "price.unset"]


def test_a_price_survives_a_restart(gw, upstream):
    serve(gw)
    assert gw.ctl("price", "set", "openai/gpt-test*", "--input", "7", "--output", "20").code == 0
    gw.stop()
    assert gw.ctl("price", "set", "openai/gpt-test*", "--input", "6", "--output", "20").code == 0
    gw.start()
    answer = gw.chat("openai/gpt-test", "hello")
    assert gw.record(answer)["cost"] == expected(answer.json["usage"], 6, 20)
    assert gw.ctl("price", "unset", "openai/gpt-test*").code == 0


def test_a_list_is_imported_and_checked(gw, upstream):
    serve(gw)
    lite = gw.file("lite.json", """{"new-model": {"litellm_provider": "openai",
        "input_cost_per_token": 1e-06, "output_cost_per_token": 3e-06}}""", mode=0o644)
    gw.record(gw.chat("openai/new-model", "hello"))
    found = gw.ctl("price", "check", "--json")
    assert found.code == 1 and "new-model" in found.out, found
    assert gw.ctl("price", "import", lite).code == 0
    answer = gw.chat("openai/new-model", "hello")
    assert gw.record(answer)["cost"] == expected(answer.json["usage"], 1, 3)
    assert not gw.record(answer)["flags"]
    assert gw.ctl("price", "check").code == 0
    assert gw.ctl("price", "import", "--none").code == 0
