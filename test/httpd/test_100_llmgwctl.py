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
    """A gateway with some usage: 3 requests of alice, 2 of bob, 1 error."""
    if not _used.get("done") or not gw.is_running():
        gw.stop()
        gw.new_store()
        gw.serve(gw.conf().four_providers().enable())
        for key, model in (("alice", "openai/gpt-test"), ("alice", "anthropic/claude-test"),
                           ("alice", "openai/gpt-test;status=400"),
                           ("bob", "gemini/gemini-test"), ("bob", "openai/gpt-unpriced")):
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
    assert key["models"] in ("openai/*,smart", ["openai/*", "smart"])
    assert re.fullmatch(RFC3339, key["created"])
    shown = store.ctl_json("key", "show", "alice")
    assert "secret" not in json.dumps(shown)
    assert made["secret"][6:] not in json.dumps(shown)


def test_key_create_for_people(store):
    done = store.ctl("key", "create", "alice")
    assert done.code == 0, done
    assert len(re.findall(r"llmgw-[A-Za-z0-9_-]{43}", done.out)) == 1
    assert not done.err


def test_a_key_can_expire(store):
    made = store.ctl_json("key", "create", "alice", "--expires", "30d")
    assert re.fullmatch(RFC3339, made["key"]["expires"])
    made = store.ctl_json("key", "create", "bob", "--expires", "2031-05-06")
    assert made["key"]["expires"].startswith("2031-05-0")


def test_names_are_unique(store):
    assert store.ctl("key", "create", "alice").code == 0
    done = store.ctl("key", "create", "alice")
    assert done.code == 1
    assert "alice" in done.err and "exists" in done.err
    assert not done.out


@pytest.mark.parametrize("name", ["", "a b", "ü", "a/b", "x" * 65, "a\nb"])
def test_a_name_that_is_none(store, name):
    done = store.ctl("key", "create", name)
    assert done.code in (1, 2), done
    assert done.err and not done.out
    assert store.ctl_json("key", "list") in ([], {"keys": []})


def rows(document):
    """The rows of a --json list, whatever holds them."""
    if isinstance(document, dict):
        lists = [v for v in document.values() if isinstance(v, list)]
        assert len(lists) == 1, document
        return lists[0]
    return document


def test_key_list(store):
    for name in ("alice", "bob", "carol"):
        store.ctl_json("key", "create", name, "--team", "blue" if name == "bob" else "red")
    store.ctl_json("key", "revoke", "carol")
    listed = {r["name"]: r for r in rows(store.ctl_json("key", "list"))}
    assert list(listed) == ["alice", "bob", "carol"]
    assert listed["carol"]["state"] == "revoked"
    assert listed["alice"]["state"] in ("active", "ok")
    assert "hash" not in listed["alice"]
    assert [r["name"] for r in rows(store.ctl_json("key", "list", "--team", "blue"))] == ["bob"]
    table = store.ctl("key", "list").out.splitlines()
    assert len(table) == 4
    assert [line.split()[1] if line.split()[0].isdigit() else line.split()[0]
            for line in table[1:]] == ["alice", "bob", "carol"]


def test_key_show_by_name_and_by_id(store):
    made = store.ctl_json("key", "create", "alice")["key"]
    by_name = store.ctl_json("key", "show", "alice")
    assert by_name == store.ctl_json("key", "show", str(made["id"]))
    assert by_name.get("key", by_name)["name"] == "alice"
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
    assert re.fullmatch(RFC3339, revoked.get("key", revoked)["revoked"])
    assert store.ctl("key", "delete", "alice").code == 0
    assert store.ctl("key", "show", "alice").code == 1
    again = store.ctl_json("key", "create", "alice")["key"]
    assert again["id"] == 2, "an id is never used again"


# -- usage -----------------------------------------------------------------------

def test_usage_in_all(used):
    total = rows(used.ctl_json("usage"))
    assert sum(r["requests"] for r in total) == 5
    assert sum(r["errors"] for r in total) == 1


def test_usage_by_key(used):
    by_key = {r["key"]: r for r in rows(used.ctl_json("usage", "--by", "key"))}
    assert by_key["alice"]["requests"] == 3 and by_key["bob"]["requests"] == 2
    assert by_key["alice"]["cost"] == 5 * 2500 + 3 * 10000 + 5 * 3000 + 3 * 15000
    assert by_key["bob"]["unpriced"] == 1


def test_usage_by_two(used):
    found = {(r["key"], r["provider"]) for r in rows(used.ctl_json(
        "usage", "--by", "key,provider"))}
    assert found == {("alice", "openai"), ("alice", "anthropic"), ("bob", "gemini"),
                     ("bob", "openai")}


@pytest.mark.parametrize("by, shape", [("day", r"\d{4}-\d\d-\d\d"),
                                       ("hour", r"\d{4}-\d\d-\d\dT\d\d(:00)*Z?")])
def test_usage_by_time(used, by, shape):
    for row in rows(used.ctl_json("usage", "--by", by)):
        assert re.fullmatch(shape, row[by])


@pytest.mark.parametrize("options, requests", [
    (["--key", "alice"], 3), (["--provider", "openai"], 3),
    (["--key", "bob", "--provider", "openai"], 1), (["--since", "1h"], 5),
    (["--since", "2020-01-01", "--until", "2020-01-02"], 0), (["--until", "2020-01-01"], 0),
    (["--model", "gpt-unpriced"], 1)])
def test_usage_of_some(used, options, requests):
    assert sum(r["requests"] for r in rows(used.ctl_json("usage", *options))) == requests


def test_usage_as_a_table(used):
    out = used.ctl("usage", "--by", "key").out
    lines = [line for line in out.splitlines() if line.strip()]
    assert re.search(r"(?i)key", lines[0]) and re.search(r"(?i)cost", lines[0])
    alice = next(line for line in lines if line.startswith("alice"))
    assert "0.000102" in alice or "0.0001025" in alice, alice


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
    listed = rows(gw.ctl_json("price", "list", "--prices", gw.prices))
    assert {r["model"] for r in listed} >= {"gpt-test*", "claude-test*", "gemini-test*"}
    shown = gw.ctl_json("price", "show", "openai", "gpt-test-x", "--prices", gw.prices)
    assert "2.5" in json.dumps(shown)
    done = gw.ctl("price", "show", "openai", "nothing", "--prices", gw.prices)
    assert done.code == 1 and "nothing" in done.err


def test_the_shipped_price_list(gw):
    """conf/prices.json covers the four providers and says its date."""
    done = gw.ctl("price", "list", "--prices", os.path.join(
        os.path.dirname(__file__), "..", "..", "conf", "prices.json"), json_out=True)
    assert done.code == 0, done
    providers = {r["provider"] for r in rows(done.json)}
    assert {"openai", "anthropic", "gemini"} <= providers


def test_status_running_and_stopped(store):
    status = store.ctl_json("status")
    assert isinstance(status, dict) and status
    text = store.ctl("status")
    assert text.code == 0 and text.out.strip()
    if store.is_running():
        assert "running" in text.out.lower()
    else:
        assert re.search("not running|stopped|offline", text.out.lower()), text.out


# -- everything ----------------------------------------------------------------------

def test_help_on_every_level(gw):
    done = gw.ctl("--help", store=False)
    assert done.code == 0
    for noun in ("key", "usage", "price", "status"):
        assert re.search(rf"\b{noun}\b", done.out)
    for words in (["key", "--help"], ["key", "create", "--help"], ["key", "list", "--help"],
                  ["usage", "--help"], ["price", "--help"], ["price", "list", "--help"],
                  ["status", "--help"]):
        done = gw.ctl(*words, store=False)
        assert done.code == 0 and not done.err, words
        assert " ".join(words[:-1]) in done.out


def test_version(gw):
    done = gw.ctl("--version", store=False)
    assert done.code == 0 and re.search(r"\d+\.\d+", done.out)


@pytest.mark.parametrize("words", [
    [], ["nonsense"], ["key"], ["key", "nonsense"], ["key", "create"], ["key", "show"],
    ["key", "create", "a", "b"], ["--nonsense"], ["key", "list", "--nonsense"],
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
