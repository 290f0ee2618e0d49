# SPDX-License-Identifier: Apache-2.0
"""Looking after keys, teams and reports with a gateway that runs: what a
command says is done, the next request meets."""
import json
import re

import pytest

from client import wait_for

HELLO = {"model": "openai/gpt-test", "messages": [{"role": "user", "content": "hello"}]}


@pytest.fixture
def served(gw):
    """A running gateway with a store of its own."""
    gw.stop()
    gw.new_store()
    return gw.serve(gw.conf().four_providers().enable())


def status_of(gw, key):
    return gw.post("/v1/chat/completions", HELLO, key=key).status


# -- keys ----------------------------------------------------------------------

def test_a_disabled_key_is_refused_until_it_is_enabled(served, upstream):
    key = served.ctl_json("key", "create", "alice")["secret"]
    assert status_of(served, key) == 200
    assert served.ctl_json("key", "disable", "alice")["key"]["state"] == "disabled"
    assert status_of(served, key) == 401
    assert served.ctl_json("key", "enable", "alice")["key"]["state"] == "active"
    assert status_of(served, key) == 200


def test_an_update_is_in_force_when_the_command_ends(served, upstream):
    key = served.ctl_json("key", "create", "alice", "--models", "anthropic/*")["secret"]
    assert status_of(served, key) in (403, 404)
    told = served.ctl_json("key", "update", "alice", "--models", "openai/*", "--name", "bob",
                           "--note", "moved")["key"]
    assert (told["name"], told["models"], told["note"]) == ("bob", ["openai/*"], "moved")
    assert status_of(served, key) == 200
    assert served.ctl("key", "show", "alice").code == 1
    served.ctl_json("key", "update", "bob", "--expires", "1s")
    wait_for(lambda: status_of(served, key) == 401, 4, "its expiry")
    served.ctl_json("key", "update", "bob", "--expires", "never")
    assert status_of(served, key) == 200


def test_a_rotated_key_has_two_secrets_and_then_one(served, upstream):
    old = served.ctl_json("key", "create", "alice")["secret"]
    done = served.ctl("key", "rotate", "alice", "--grace", "2s")
    assert done.code == 0 and re.fullmatch(r"llmgw-[A-Za-z0-9_-]{43}\n", done.out), done
    assert "the old one is valid until" in done.err and "llmgw-" not in done.err
    new = done.out.strip()
    assert status_of(served, new) == 200
    wait_for(lambda: status_of(served, old) == 401, 5, "the end of the old secret")
    assert status_of(served, new) == 200
    assert len(served.ctl_json("key", "list")["keys"]) == 1
    for secret in (old, new):
        assert not served.files_with(secret[6:].encode()), "a secret lies in a file"


def test_a_rotation_survives_a_kill(served, upstream):
    served.tolerates("AH00098")
    old = served.ctl_json("key", "create", "alice")["secret"]
    new = served.ctl_json("key", "rotate", "alice")["secret"]
    served.kill_everything()
    served.start()
    assert status_of(served, old) == 200 and status_of(served, new) == 200
    newest = served.ctl_json("key", "rotate", "alice", "--grace", "0")["secret"]
    assert [status_of(served, k) for k in (old, new, newest)] == [401, 401, 200]


# -- teams ---------------------------------------------------------------------

def test_teams_and_their_keys(served, upstream):
    served.ctl_json("team", "create", "red", "--note", "the first")
    key = served.ctl_json("key", "create", "alice", "--team", "red")["secret"]
    served.ctl_json("key", "create", "bob", "--team", "blue")
    listed = served.ctl_json("team", "list")["teams"]
    assert [(t["name"], t["keys"], t["note"]) for t in listed] \
        == [("blue", 1, None), ("red", 1, "the first")]
    done = served.ctl("team", "delete", "red")
    assert done.code == 1 and "alice" in done.err
    assert served.ctl_json("team", "update", "red", "--name", "green")["team"]["keys"] == 1
    assert [k["name"] for k in served.ctl_json("key", "list", "--team", "green")["keys"]] \
        == ["alice"]
    assert status_of(served, key) == 200
    served.ctl_json("key", "update", "alice", "--no-team")
    assert served.ctl("team", "delete", "green").code == 0
    assert served.ctl("team", "show", "green").code == 1


# -- reports -------------------------------------------------------------------

def test_usage_by_team(served, upstream):
    for name, team, times in (("alice", "red", 2), ("bob", "red", 1), ("carol", "blue", 1)):
        key = served.ctl_json("key", "create", name, "--team", team)["secret"]
        for _ in range(times):
            served.record(served.post("/v1/chat/completions", HELLO, key=key))
    told = served.ctl_json("usage", "--by", "team")
    assert {r["team"]: r["requests"] for r in told["usage"]} == {"red": 3, "blue": 1}
    assert told["total"]["requests"] == 4
    assert served.ctl_json("usage", "--team", "red")["total"]["requests"] == 3
    top = served.ctl_json("usage", "--by", "key", "--top", "1", "--sort", "requests")
    assert [r["key"] for r in top["usage"]] == ["alice"]
    assert top["total"]["requests"] == 4
    served.ctl_json("team", "update", "red", "--name", "green")
    assert served.ctl_json("usage", "--team", "green")["total"]["requests"] == 3


def test_the_audit_has_every_change(served, upstream):
    served.ctl_json("key", "create", "alice")
    served.ctl_json("key", "rotate", "alice")
    served.ctl("key", "delete", "nobody")
    served.ctl_json("key", "list")
    edits = served.ctl_json("audit")["audit"]
    assert [(e["op"], e["subject"]) for e in edits] \
        == [("key.create", "alice"), ("key.rotate", "alice")]
    assert all(e["user"] and isinstance(e["uid"], int) for e in edits)
    assert edits[0]["change"]["key"]["name"] == "alice"
    assert "llmgw-" not in json.dumps(edits)
    served.stop()
    assert served.ctl_json("audit", "--limit", "1")["audit"] == edits[1:]


def test_cost_of_today_and_of_this_month(served, upstream):
    key = served.ctl_json("key", "create", "alice", "--team", "red")["secret"]
    served.record(served.post("/v1/chat/completions", HELLO, key=key))
    spent = served.ctl_json("usage")["total"]["cost_nanodollars"]
    told = served.ctl_json("cost", "--by", "team", "--since", "1d")
    assert spent > 0 and [r["team"] for r in told["cost"]] == ["red"]
    assert {told["cost"][0][f"{span}_nanodollars"] for span in ("month", "since", "total")} \
        == {spent}
    assert served.ctl_json("cost")["total"]["since"] is None
    for by in "model", "provider":
        assert served.ctl_json("cost", "--by", by)["cost"][0]["month_nanodollars"] == spent
    zone = served.ctl_json("cost", "--tz", "+02:00", "--since", "40d")["cost"][0]
    assert zone["since_nanodollars"] == zone["total_nanodollars"] == spent
