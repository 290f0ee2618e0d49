# SPDX-License-Identifier: Apache-2.0
"""llmgwctl: every command, with the gateway running and stopped; shapes,
exit codes, errors. 0 done, 1 refused or not found, 2 usage, 3 the store cannot
be reached."""
import csv
import io
import json
import os
import re
import time

import pytest


@pytest.fixture(params=["running", "stopped"])
def store(gw, request):
    """A store of its own, with the gateway up or down."""
    gw.stop()
    gw.new_store()
    if request.param == "running":
        gw.serve(gw.conf().four_providers().enable())
    return gw


@pytest.fixture(scope="module")
def _used(request):
    return {}


@pytest.fixture
def used(gw, _used):
    """A gateway with some usage: 3 requests of alice, 2 of bob, 1 error, and one
    of a provider that the price list has no price of: its cost is not known."""
    if not _used.get("done") or not gw.is_running():
        gw.stop()
        gw.new_store()
        gw.serve(gw.conf().four_providers().enable())
        for key, model in (("alice", "openai/gpt-test"), ("alice", "anthropic/claude-test"),
                           ("alice", "openai/gpt-test;status=400"),
                           ("bob", "gemini/gemini-test"), ("bob", "ollama/gpt-unpriced")):
            gw.record(gw.chat(model, key=gw.key(key)))
        _used["done"] = True
    return gw


RFC3339 = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z"


# -- key -----------------------------------------------------------------------

def test_key_create_shows_the_key_once(store):
    made = store.ctl_json("key", "create", "alice", "--team", "red", "--note", "for tests",
                          "--models", "openai/*,smart")
    assert re.fullmatch(r"llmgw-[A-Za-z0-9_-]{43}", made["secret"])
    key = made["key"]
    assert key["name"] == "alice" and key["id"] >= 1
    assert key["team"] == "red" and key["note"] == "for tests"
    assert key["models"] == ["openai/*", "smart"]
    assert re.fullmatch(RFC3339, key["created"])
    shown = store.ctl_json("key", "show", "alice")
    assert "secret" not in json.dumps(shown)
    assert made["secret"][6:] not in json.dumps(shown)


def test_key_create_for_people(store):
    """Standard output has the key and nothing else, for KEY=$(...)."""
    done = store.ctl("key", "create", "alice")
    assert done.code == 0, done
    assert re.fullmatch(r"llmgw-[A-Za-z0-9_-]{43}\n", done.out)
    assert "alice" in done.err and "llmgw-" not in done.err


def test_a_key_can_expire(store):
    made = store.ctl_json("key", "create", "alice", "--expires", "30d")
    assert re.fullmatch(RFC3339, made["key"]["expires"])
    made = store.ctl_json("key", "create", "bob", "--expires", "2031-05-06")
    assert made["key"]["expires"].startswith("2031-05-0")


def test_names_are_unique(store):
    assert store.ctl("key", "create", "alice").code == 0
    done = store.ctl("key", "create", "alice")
    assert done.code == 1
    assert "alice" in done.err and "already" in done.err
    assert not done.out


@pytest.mark.parametrize("name", ["", "a b", "ü", "a/b", "x" * 65, "a\nb", "42"])
def test_a_name_that_is_none(store, name):
    done = store.ctl("key", "create", name)
    assert done.code in (1, 2), done
    assert done.err and not done.out
    assert store.ctl_json("key", "list") == {"keys": []}


def test_key_list(store):
    for name in ("alice", "bob", "carol"):
        store.ctl_json("key", "create", name, "--team", "blue" if name == "bob" else "red")
    store.ctl_json("key", "revoke", "carol")
    listed = {r["name"]: r for r in store.ctl_json("key", "list")["keys"]}
    assert list(listed) == ["alice", "bob", "carol"]
    assert listed["carol"]["state"] == "revoked"
    assert listed["alice"]["state"] == "active"
    assert "hash" not in listed["alice"]
    assert [r["name"] for r in store.ctl_json("key", "list", "--team", "blue")["keys"]] == ["bob"]
    table = store.ctl("key", "list").out.splitlines()
    assert len(table) == 4
    assert [line.split()[1] if line.split()[0].isdigit() else line.split()[0]
            for line in table[1:]] == ["alice", "bob", "carol"]


def test_key_show_by_name_and_by_id(store):
    made = store.ctl_json("key", "create", "alice")["key"]
    by_name = store.ctl_json("key", "show", "alice")
    assert by_name == store.ctl_json("key", "show", str(made["id"]))
    assert by_name["key"]["name"] == "alice"
    assert "alice" in store.ctl("key", "show", "alice").out


@pytest.mark.parametrize("verb", ["show", "revoke", "delete"])
def test_a_key_that_is_not_there(store, verb):
    done = store.ctl("key", verb, "nobody")
    assert done.code == 1
    assert "nobody" in done.err and not done.out


@pytest.mark.parametrize("verb", ["show", "revoke", "delete"])
def test_errors_as_json(store, verb):
    done = store.ctl("key", verb, "nobody", json_out=True)
    assert done.code == 1
    error = json.loads(done.err or done.out)["error"]
    assert error["code"] == "not_found" and "nobody" in error["message"]


def test_revoke_and_delete(store):
    store.ctl_json("key", "create", "alice")
    revoked = store.ctl_json("key", "revoke", "alice")
    assert re.fullmatch(RFC3339, revoked["key"]["revoked"])
    assert store.ctl("key", "delete", "alice").code == 0
    assert store.ctl("key", "show", "alice").code == 1
    again = store.ctl_json("key", "create", "alice")["key"]
    assert again["id"] == 2, "an id is never used again"


# -- usage -----------------------------------------------------------------------

def test_usage_in_all(used):
    told = used.ctl_json("usage")
    assert sum(r["requests"] for r in told["usage"]) == told["total"]["requests"] == 5
    assert sum(r["errors"] for r in told["usage"]) == told["total"]["errors"] == 1
    for row in told["usage"]:
        assert row["tokens_in"] == sum(row[c] for c in (
            "input", "cache_read", "cache_write", "cache_write_1h", "audio_in"))
        assert row["tokens_out"] == row["output"] + row["reasoning"] + row["audio_out"]


def test_usage_by_key(used):
    by_key = {r["key"]: r for r in used.ctl_json("usage", "--by", "key")["usage"]}
    assert by_key["alice"]["requests"] == 3 and by_key["bob"]["requests"] == 2
    assert by_key["alice"]["cost_nanodollars"] == 5 * 2500 + 3 * 10000 + 5 * 3000 + 3 * 15000
    assert by_key["alice"]["unpriced"] == 0 and by_key["bob"]["unpriced"] == 1


def test_usage_by_two(used):
    found = {(r["key"], r["provider"]) for r in used.ctl_json(
        "usage", "--by", "key,provider")["usage"]}
    assert found == {("alice", "openai"), ("alice", "anthropic"), ("bob", "gemini"),
                     ("bob", "ollama")}


@pytest.mark.parametrize("by, shape", [("day", r"\d{4}-\d\d-\d\d"),
                                       ("hour", r"\d{4}-\d\d-\d\dT\d\d(:00)*Z?")])
def test_usage_by_time(used, by, shape):
    for row in used.ctl_json("usage", "--by", by)["usage"]:
        assert re.fullmatch(shape, row[by])


@pytest.mark.parametrize("options, requests", [
    (["--key", "alice"], 3), (["--provider", "openai"], 2),
    (["--key", "bob", "--provider", "ollama"], 1), (["--since", "1h"], 5),
    (["--since", "2020-01-01", "--until", "2020-01-02"], 0), (["--until", "2020-01-01"], 0),
    (["--model", "gpt-unpriced"], 1)])
def test_usage_of_some(used, options, requests):
    assert sum(r["requests"] for r in used.ctl_json("usage", *options)["usage"]) == requests


def test_usage_as_a_table(used):
    out = used.ctl("usage", "--by", "key").out
    lines = [line for line in out.splitlines() if line.strip()]
    assert re.search(r"(?i)key", lines[0]) and re.search(r"(?i)cost", lines[0])
    alice = next(line for line in lines if line.startswith("alice"))
    assert "0.0001" in alice, alice


def test_usage_as_csv(used):
    done = used.ctl("usage", "--by", "key", "--format", "csv")
    assert done.code == 0
    table = list(csv.DictReader(io.StringIO(done.out)))
    assert {r["key"]: r["requests"] for r in table} == {"alice": "3", "bob": "2"}
    assert used.ctl("usage", "--by", "key", "--format", "json").json == \
        used.ctl_json("usage", "--by", "key")


def test_usage_is_the_same_with_the_gateway_stopped(used, _used):
    before = used.ctl_json("usage", "--by", "key,model")
    used.stop()
    _used.clear()
    assert used.ctl_json("usage", "--by", "key,model") == before


@pytest.mark.parametrize("options", [
    ["--by", "colour"], ["--since", "yesteryear"], ["--format", "xml"], ["--since"],
    ["--nonsense"], ["extra"]])
def test_usage_asked_wrongly(used, options):
    done = used.ctl("usage", *options)
    assert done.code == 2, done
    assert done.err and not done.out
    assert options[-1].lstrip("-") in done.err


# -- price, status ------------------------------------------------------------------

def test_price_list_and_show(gw):
    listed = gw.ctl_json("price", "list", "--file", gw.prices)
    assert listed["as_of"] == "2026-01-15" and listed["file"] == gw.prices
    assert {r["model"] for r in listed["prices"]} >= {"gpt-test*", "claude-test*",
                                                      "gemini-test*"}
    shown = gw.ctl_json("price", "show", "gpt-test-x", "--file", gw.prices)["prices"]
    assert [(r["provider"], r["input"], r["cache_read"]) for r in shown] == [
        ("openai", "2.50", "1.25")]
    tiers = gw.ctl_json("price", "show", "gemini-test", "--file", gw.prices)["prices"]
    assert [r["above"] for r in tiers] == [0, 200000]
    done = gw.ctl("price", "show", "nothing", "--file", gw.prices)
    assert done.code == 1 and "nothing" in done.err


def test_a_price_list_that_cannot_be_read(gw):
    done = gw.ctl("price", "list", "--file", "/no/such/list", json_out=True)
    assert done.code == 1
    assert json.loads(done.err or done.out)["error"]["code"] == "prices"


def test_the_shipped_price_list(gw):
    """conf/prices.json covers the four providers and says its date."""
    done = gw.ctl("price", "list", "--file", os.path.join(
        os.path.dirname(__file__), "..", "..", "conf", "prices.json"), json_out=True)
    assert done.code == 0, done
    providers = {r["provider"] for r in done.json["prices"]}
    assert {"openai", "anthropic", "gemini"} <= providers


def test_status_running_and_stopped(store):
    store.ctl_json("key", "create", "alice")
    status = store.ctl_json("status")["status"]
    assert status["store"] == store.store
    assert status["online"] is store.is_running()
    assert status["keys"] == 1 and status["records"] == 0
    if store.is_running():
        assert status["pid"] == store.owner_pid()
    text = store.ctl("status")
    assert text.code == 0 and store.store in text.out


# -- events ------------------------------------------------------------------

def test_events(used):
    told = used.ctl_json("events")["events"]
    assert len(told) == 5
    assert [r["key"] for r in told] == ["alice"] * 3 + ["bob"] * 2, "the latest last"
    first = told[0]
    assert first["asked"] == "openai/gpt-test" and first["status"] == 200
    assert re.fullmatch(RFC3339, first["time"])
    assert re.fullmatch("req_[0-9a-f]{24}", first["request_id"])
    assert first["cost_nanodollars"] == 5 * 2500 + 3 * 10000
    assert first["cost"] == "0.0000425"
    assert told[4]["cost"] is None and "unpriced" in told[4]["flags"]


@pytest.mark.parametrize("options, keys", [
    (["--limit", "2"], ["bob", "bob"]), (["--key", "alice", "--limit", "1"], ["alice"]),
    (["--since", "1h", "--key", "bob"], ["bob", "bob"]), (["--until", "2020-01-01"], [])])
def test_events_of_some(used, options, keys):
    assert [r["key"] for r in used.ctl_json("events", *options)["events"]] == keys


def test_events_for_people(used):
    done = used.ctl("events")
    assert done.code == 0
    assert len(done.out.splitlines()) == 6
    table = list(csv.DictReader(io.StringIO(used.ctl("events", "--format", "csv").out)))
    assert [r["key"] for r in table] == ["alice"] * 3 + ["bob"] * 2


# -- everything ----------------------------------------------------------------------

def test_help_on_every_level(gw):
    done = gw.ctl("--help", store=False)
    assert done.code == 0
    for noun in ("key", "usage", "events", "price", "status"):
        assert re.search(rf"\b{noun}\b", done.out)
    for words in (["key", "--help"], ["key", "create", "--help"], ["key", "list", "--help"],
                  ["usage", "--help"], ["events", "--help"], ["price", "--help"], ["price", "list", "--help"],
                  ["status", "--help"]):
        done = gw.ctl(*words, store=False)
        assert done.code == 0 and not done.err, words
        assert " ".join(words[:-1]) in done.out


def test_version(gw):
    done = gw.ctl("--version", store=False)
    assert done.code == 0 and re.search(r"\d+\.\d+", done.out)


@pytest.mark.parametrize("words", [
    [], ["nonsense"], ["key"], ["key", "nonsense"], ["key", "create"], ["key", "show"],
    ["key", "create", "a", "b"], ["events", "--limit", "0"], ["price", "show"], ["--nonsense"], ["key", "list", "--nonsense"],
    ["key", "create", "a", "--expires", "sometime"], ["--store"]])
def test_a_command_that_is_none(gw, words):
    done = gw.ctl(*words)
    assert done.code == 2, done
    assert done.err and not done.out, done


def test_a_store_that_is_not_there(gw):
    for store in ("/no/such/folder", gw.prices):
        done = gw.ctl("--store", store, "key", "list", store=False)
        assert done.code == 3, done
        assert store in done.err


def test_the_store_from_the_environment(store):
    store.ctl_json("key", "create", "alice")
    store.extra_environ = {"LLMGW_STORE": store.store}
    done = store.ctl("key", "show", "alice", store=False)
    assert done.code == 0, done


def test_root_leaves_no_file_that_httpd_cannot_open(gw):
    if os.getuid():
        pytest.skip("not root")
    gw.stop()
    gw.new_store()
    gw.ctl_json("key", "create", "alice")
    owner = os.stat(gw.store).st_uid
    for folder, folders, names in os.walk(gw.store):
        for name in folders + names:
            assert os.lstat(os.path.join(folder, name)).st_uid == owner, name
            mode = os.lstat(os.path.join(folder, name)).st_mode
            if not os.path.islink(os.path.join(folder, name)):
                assert not mode & 0o007, f"{name} is open to others: {oct(mode)}"
    gw.serve(gw.conf().four_providers().enable())
    assert [r["name"] for r in gw.ask_owner("key.list")[0]] == ["alice"]


def test_key_create_is_quick(store):
    began = time.monotonic()
    for i in range(10):
        assert store.ctl("key", "create", f"k{i}").code == 0
    assert time.monotonic() - began < 10
