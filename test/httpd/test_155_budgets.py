# SPDX-License-Identifier: Apache-2.0
"""Budgets: given to keys and teams, spent by requests, and reported against.
None of them refuses a request."""
import csv
import io
import json
import os
import re
import shlex

import pytest

HELLO = {"model": "openai/gpt-test", "messages": [{"role": "user", "content": "hello"}]}
WINDOWS = ("day", "month", "total")
MANUAL = os.path.join(os.path.dirname(__file__), "../../llmgwctl/llmgwctl.1.md")


@pytest.fixture
def served(gw):
    """A running gateway with a store of its own."""
    gw.stop()
    gw.new_store()
    return gw.serve(gw.conf().four_providers().enable())


def spend(gw, key, times=1):
    """What these requests cost, in nano-dollars."""
    costs = [gw.record(gw.post("/v1/chat/completions", HELLO, key=key))["cost"]
             for _ in range(times)]
    assert all(costs), "requests that cost nothing prove nothing"
    return sum(costs)


def cost(gw, *options):
    """The lines of cost by name, in their order."""
    told = gw.ctl_json("cost", *options)["cost"]
    return {row.get("key", row.get("team")): row for row in told}


def dollars(nanodollars):
    return f"{nanodollars // 10 ** 9}.{nanodollars % 10 ** 9:09}"


def test_what_is_spent_is_seen_against_its_budget(served, upstream):
    key = served.ctl_json("key", "create", "alice", "--team", "red", "--budget", "5/day",
                          "--budget", "100/month")["secret"]
    served.ctl_json("team", "update", "red", "--budget", "1/total")
    other = served.ctl_json("key", "create", "bob", "--team", "red")["secret"]
    alice, bob = spend(served, key, 3), spend(served, other)
    row = cost(served)["alice"]
    for span in "today", "month", "total":
        assert row[f"{span}_nanodollars"] == alice
    assert [row[f"budget_{window}"] for window in WINDOWS] == ["5.00", "100.00", None]
    assert (row["budget"], row["state"]) == ("5.00/day", "ok")
    assert row["left_nanodollars"] == 5 * 10 ** 9 - alice
    row = cost(served)["bob"]
    assert row["total_nanodollars"] == bob
    assert row["budget"] is row["left"] is row["used_percent"] is row["state"] is None
    row = cost(served, "--by", "team")["red"]
    assert row["total_nanodollars"] == alice + bob
    assert (row["budget"], row["left_nanodollars"]) == ("1.00/total", 10 ** 9 - alice - bob)
    served.stop()
    assert cost(served)["alice"]["total_nanodollars"] == alice
    assert cost(served, "--by", "team")["red"]["budget"] == "1.00/total"


def test_a_budget_that_is_over_is_told_and_refuses_nothing(served, upstream):
    key = served.ctl_json("key", "create", "alice")["secret"]
    once = spend(served, key)
    served.ctl_json("key", "update", "alice", "--budget", dollars(once) + "/month")
    served.ctl_json("key", "create", "calm", "--budget", "1/day")
    row = cost(served)["alice"]
    assert (row["state"], row["used_percent"], row["left_nanodollars"]) == ("near", "100.0", 0)
    spend(served, key)
    row = cost(served)["alice"]
    assert (row["state"], row["used_percent"], row["left_nanodollars"]) == ("over", "200.0", 0)
    assert list(cost(served, "--over")) == ["alice"]
    assert list(cost(served, "--sort", "left")) == ["alice", "calm"]
    done = served.ctl("cost")
    assert done.code == 0 and re.search(r"(?m)^alice .* 200\.0  over$", done.out), done.out
    served.ctl_json("key", "update", "alice", "--budget", dollars(4 * once) + "/month")
    assert list(cost(served, "--over")) == []
    assert list(cost(served, "--over", "--near", "50")) == ["alice"]
    assert "No budget is over" in served.ctl("cost", "--over", "--near", "51").err


def test_a_team_has_what_its_keys_of_today_spent(served, upstream):
    served.ctl_json("team", "create", "red", "--budget", "1/day")
    keys = {name: served.ctl_json("key", "create", name, "--team", team)["secret"]
            for name, team in (("alice", "red"), ("bob", "blue"), ("carol", "red"))}
    spent = {name: spend(served, key) for name, key in keys.items()}
    served.ctl_json("key", "update", "bob", "--team", "red")
    served.ctl_json("key", "delete", "carol")
    told = cost(served, "--by", "team")
    assert list(told) == ["red"]
    assert told["red"]["today_nanodollars"] == sum(spent.values())
    assert cost(served)["carol"]["total_nanodollars"] == spent["carol"], \
        "what a deleted key spent stays"


def test_past_usage_at_another_price_is_spent_so(served, upstream):
    """The list says 2.50 and 10 dollars: twice as much is twice as spent."""
    key = served.ctl_json("key", "create", "alice", "--team", "red")["secret"]
    was = spend(served, key, 2)
    served.ctl_json("key", "update", "alice", "--budget", dollars(2 * was) + "/day")
    assert served.ctl("price", "set", "openai/gpt-test*", "--input", "5", "--output", "20").code == 0
    assert cost(served)["alice"]["used_percent"] == "50.0"
    assert served.ctl("rerate", "--since", "1h", "--apply").code == 0
    row = cost(served)["alice"]
    assert {row[f"{span}_nanodollars"] for span in ("today", "month", "total")} == {2 * was}
    assert (row["used_percent"], row["state"]) == ("100.0", "near")
    assert cost(served, "--by", "team")["red"]["total_nanodollars"] == 2 * was
    assert served.ctl("price", "unset", "openai/gpt-test*").code == 0


def test_budgets_are_shown_changed_and_audited(served):
    made = served.ctl_json("key", "create", "alice", "--budget", "0.5/day,100/month")["key"]
    assert made["budget_day_nanodollars"] == 5 * 10 ** 8 and made["budget_day"] == "0.50"
    assert served.ctl_json("key", "update", "alice", "--note", "n")["key"]["budget_month"] == "100.00"
    told = served.ctl_json("key", "update", "alice", "--budget", "7/total")["key"]
    assert [told[f"budget_{window}"] for window in WINDOWS] == [None, None, "7.00"]
    assert re.search(r"BUDGET IN ALL +\$7\.0", served.ctl("key", "show", "alice").out)
    assert "BUDGET A DAY" not in served.ctl("key", "list").out
    table = csv.DictReader(io.StringIO(served.ctl("key", "list", "--format", "csv").out))
    assert next(table)["budget_total_nanodollars"] == str(7 * 10 ** 9)
    served.ctl_json("team", "create", "red", "--budget", "9/month")
    assert served.ctl_json("team", "list")["teams"][0]["budget_month"] == "9.00"
    assert served.ctl_json("team", "update", "red", "--no-budget")["team"]["budget_month"] is None
    assert served.ctl_json("key", "update", "alice", "--no-budget")["key"]["budget_total"] is None
    edits = served.ctl_json("audit")["audit"]
    assert [edit["op"] for edit in edits] == [
        "key.create", "key.update", "key.update", "team.create", "team.update", "key.update"]
    assert edits[2]["change"]["key"]["budget_total"] == 7 * 10 ** 9
    assert edits[3]["change"]["team"]["budget_month"] == 9 * 10 ** 9


@pytest.mark.parametrize("budget, expected", [
    ("10", "10/day, 10/month or 10/total"), ("-1/day", "plain decimals"),
    ("1e3/day", "plain decimals"), ("0.0000000001/day", "at most nine digits"),
    ("10/year", "day, month or total"), ("1/day,2/day", "one amount for the day")])
def test_what_is_no_budget_names_what_is_expected(served, budget, expected):
    for noun in "key", "team":
        done = served.ctl(noun, "create", "x", "--budget", budget)
        assert done.code == 2 and "--budget: expected" in done.err and expected in done.err
        assert not served.ctl_json(noun, "list")[noun + "s"]


def test_budgets_go_with_a_dump(served, upstream):
    key = served.ctl_json("key", "create", "alice", "--team", "red", "--budget", "5/day")["secret"]
    served.ctl_json("team", "update", "red", "--budget", "7/total")
    spend(served, key)
    was = {by: cost(served, "--by", by) for by in ("key", "team")}
    served.stop()
    dump = os.path.join(served.root, "budgets.dump")
    assert served.ctl("store", "dump", dump).code == 0
    served.new_store()
    done = served.ctl("store", "load", dump)
    assert done.code == 0, done
    for by, rows in was.items():
        now = cost(served, "--by", by)
        assert list(now) == list(rows)
        for name, row in now.items():
            assert {k: v for k, v in row.items() if not k.startswith("forecast")} \
                == {k: v for k, v in rows[name].items() if not k.startswith("forecast")}


def examples(*headings):
    """The commands of the manual under these headings."""
    text = open(MANUAL, encoding="utf-8").read()
    for heading in headings:
        part = text.split(f"\n### {heading}\n")[1].split("\n### ")[0]
        for block in re.findall(r"(?ms)^```\n(.*?)^```$", part):
            yield from (line for line in block.splitlines() if line.startswith("llmgwctl "))


def test_the_manuals_examples_work(served, upstream):
    lines = list(examples("key create NAME", "key update NAME|ID", "team create NAME",
                          "team update NAME", "cost"))
    assert sum("--budget" in line for line in lines) == 4
    for line in lines:
        if "team create search" in line:
            continue  # naming it for a key made it already
        done = served.ctl(*shlex.split(line)[1:])
        assert done.code == 0, (line, done)
    rows = cost(served)
    assert rows["nightly"]["budget_day"] == "8.00" and rows["nightly"]["budget_month"] == "100.00"
    assert json.loads(served.ctl("cost", "--by", "team", "--json").out)["cost"][0]["team"] == "batch"
    chart = served.ctl("cost", "--chart").out.splitlines()
    assert [line.split("  ")[1] for line in chart] == ["8.00/day", "100.00/month"]
