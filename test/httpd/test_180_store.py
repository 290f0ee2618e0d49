# SPDX-License-Identifier: Apache-2.0
"""llmgwctl store: check, backup, restore, dump, load, compact, stats; with the
gateway running, stopped, and killed in between."""
import fcntl
import json
import os
import random
import signal
import stat
import subprocess
import threading
import time

import pytest


@pytest.fixture(params=["running", "stopped"])
def used(gw, request):
    """A store with three requests in it, with the gateway up or down."""
    gw.stop()
    gw.new_store()
    gw.serve(gw.conf().four_providers().enable())
    for _ in range(3):
        gw.record(gw.chat("openai/gpt-test", key=gw.key("alice")))
    if request.param == "stopped":
        gw.stop()
    return gw


@pytest.fixture
def target(gw):
    """A path for a backup that is not there yet."""
    return os.path.join(os.path.dirname(gw.store), f"backup-{random.getrandbits(40):x}")


def left_over(gw):
    return [n for n in os.listdir(gw.store) if n.startswith(("copy-", "replaced-"))]


def run_and_kill(gw, after, *args):
    """llmgwctl, killed after so many seconds; whether it was still there."""
    done = subprocess.Popen([gw.env.ctl_program, "--store", gw.store, *args],
                            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                            env=gw.environ())
    try:
        done.wait(after)
    except subprocess.TimeoutExpired:
        pass
    done.kill()
    return done.wait() == -signal.SIGKILL


# -- check and stats -------------------------------------------------------------

def test_check(used):
    check = used.ctl_json("store", "check")["check"]
    assert check["records"] == check["events"] == check["hours"] == check["days"] == 3
    assert check["quotas"] == 3
    assert check["agree"] is True and check["sound"] is True
    assert check["damaged"] == [] and check["differing"] == []
    assert check["files"] >= 11
    assert left_over(used) == []
    quick = used.ctl_json("store", "check", "--no-pages")["check"]
    assert quick["agree"] is True and quick["sound"] is None


def test_check_finds_a_damaged_page(used):
    """Of a table that nobody has looked at since it was damaged."""
    used.stop()
    path = os.path.join(used.store, "env", "audit.db")
    with open(path, "r+b") as table:
        table.seek(4096 + 2000)
        table.write(b"damaged")
    done = used.ctl("store", "check", json_out=True)
    assert done.code == 1, done
    assert done.json["check"]["sound"] is False
    assert done.json["check"]["damaged"]
    assert done.json["check"]["agree"] is True


def test_stats(used):
    stats = used.ctl_json("store", "stats")
    rows = {t["table"]: t["rows"] for t in stats["tables"]}
    assert rows["events"] == 3 and rows["keys"] == 1 and rows["audit"] == 1
    assert all(t["file_bytes"] >= t["row_bytes"] for t in stats["tables"])
    assert stats["stats"]["event_days"] in (1, 2)
    assert stats["stats"]["disk_free"] > 0 and stats["stats"]["log_files"] >= 1
    table = used.ctl("store", "stats")
    assert table.code == 0 and "ROWS" in table.out and "Days kept" in table.out


# -- backup and restore ------------------------------------------------------------

def test_backup_and_restore(used, target):
    made = used.ctl_json("store", "backup", target)["backup"]
    assert made["dir"] == target and made["bytes"] > 0
    owner = os.stat(used.store).st_uid
    for folder, folders, names in os.walk(target):
        for name in [".", *folders, *names]:
            info = os.stat(os.path.join(folder, name))
            assert info.st_uid == owner, name
            assert stat.S_IMODE(info.st_mode) & 0o077 == 0, name
    assert sorted(os.listdir(target)) == ["data"]
    used.ctl_json("key", "create", "later")
    was_running = used.is_running()
    if was_running:
        refused = used.ctl("store", "restore", target)
        assert refused.code == 1 and "stop it first" in refused.err
        used.stop()
    restored = used.ctl_json("store", "restore", target)["restore"]
    assert restored["records"] == 3 and restored["agree"] is True
    assert [k["name"] for k in used.ctl_json("key", "list")["keys"]] == ["alice"]
    # The replaced one can be looked at, and has what came later.
    aside = used.ctl("--store", restored["aside"], "key", "list", "--json", store=False)
    assert {k["name"] for k in aside.json["keys"]} == {"alice", "later"}
    # And the gateway serves the key it was restored with.
    used.serve(used.conf().four_providers().enable())
    assert used.chat("openai/gpt-test", key=used.key("alice")).status == 200


def test_a_backup_replaces_an_older_one(used, target):
    used.ctl_json("store", "backup", target)
    used.ctl_json("key", "create", "later")
    used.ctl_json("store", "backup", target)
    used.stop()
    used.ctl_json("key", "delete", "later")
    used.ctl_json("store", "restore", target)
    assert {k["name"] for k in used.ctl_json("key", "list")["keys"]} == {"alice", "later"}


def test_a_folder_with_something_else_in_it_is_refused(used, target):
    os.mkdir(target)
    with open(os.path.join(target, "precious"), "w", encoding="utf-8") as file:
        file.write("x")
    done = used.ctl("store", "backup", target)
    assert done.code == 1 and "precious" in done.err and "not empty" in done.err
    assert os.listdir(target) == ["precious"]
    done = used.ctl("store", "restore", target)
    assert done.code == 1 and "backup.json" in done.err
    done = used.ctl("store", "restore", "/no/such/folder")
    assert done.code == 1 and "/no/such/folder" in done.err
    done = used.ctl("store", "backup", "/no/such/folder")
    assert done.code == 1 and "/no/such/folder" in done.err


def test_what_was_acknowledged_is_in_a_backup_under_load(gw, target):
    gw.stop()
    gw.new_store()
    gw.serve(gw.conf().four_providers().enable())
    key, stop, answered = gw.key("alice"), threading.Event(), []

    def ask():
        while not stop.is_set():
            if gw.chat("openai/gpt-test", key=key).status == 200:
                answered.append(1)

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    try:
        while len(answered) < 40:
            time.sleep(0.02)
        before = len(answered)
        gw.ctl_json("store", "backup", target)
        after = len(answered)
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    everything = len(answered)
    gw.stop()
    gw.ctl_json("store", "check")
    os.rename(gw.store, gw.store + ".whole")
    try:
        restored = gw.ctl_json("store", "restore", target)["restore"]
        assert restored["agree"] is True
        # One more of each thread may be between its record and its answer.
        assert before <= restored["records"] <= after + 4 <= everything + 4
    finally:
        gw.new_store()


def test_backups_that_are_killed_leave_the_older_one(used, target):
    used.ctl_json("store", "backup", target)
    for turn in range(12):
        run_and_kill(used, 0.004 + turn * 0.004, "store", "backup", target)
        with open(os.path.join(target, "data", "backup.json"), encoding="utf-8") as manifest:
            assert json.load(manifest)["backup"] == "llm-gateway"
    used.ctl_json("store", "backup", target)
    assert os.listdir(target) == ["data"]
    # What the killed ones left in the store is cleared away, at the latest when
    # the owner is done with it.
    for _ in range(20):
        used.ctl_json("store", "check")
        if not left_over(used):
            break
        time.sleep(0.2)
    assert left_over(used) == []
    check = used.ctl_json("store", "check")["check"]
    assert check["agree"] is True and check["records"] == 3


def put(gw, path):
    """A file (nothing where the path ends with a slash) and its folders, of the
    store's user."""
    owner = os.stat(gw.store)
    done = gw.store
    *folders, file = path.split("/")
    for name in folders + [file] * bool(file):
        done = os.path.join(done, name)
        if name is file:
            open(done, "w", encoding="utf-8").close()
        else:
            os.makedirs(done, exist_ok=True)
        os.chown(done, owner.st_uid, owner.st_gid)
    return done


def test_what_a_killed_command_left_goes_at_once(used):
    """Whatever it had made or removed by then; what one works on stays."""
    put(used, "copy-01/")
    put(used, "copy-02/env/keys.db")
    put(used, "copy-03/busy")
    put(used, "copy-04/busy")
    put(used, "copy-04/making")
    with open(put(used, "copy-05/busy"), "w", encoding="utf-8") as busy:
        fcntl.flock(busy, fcntl.LOCK_EX)
        used.ctl_json("store", "check")
        assert left_over(used) == ["copy-05"]
    used.ctl_json("store", "check")
    assert left_over(used) == []


def test_restores_that_are_killed(used, target):
    used.ctl_json("store", "backup", target)
    used.stop()
    for turn in range(10):
        run_and_kill(used, 0.01 + turn * 0.015, "store", "restore", target)
        check = used.ctl_json("store", "check", "--no-pages")["check"]
        assert check["agree"] is True and check["records"] == 3
    assert used.ctl_json("store", "restore", target)["restore"]["records"] == 3


# -- dump and load -------------------------------------------------------------------

def test_dump_load_dump(used, target):
    first = target + ".jsonl"
    done = used.ctl_json("store", "dump", first)["dump"]
    with open(first, encoding="utf-8") as file:
        lines = file.read().splitlines()
    assert json.loads(lines[0])["dump"] == "llm-gateway"
    assert json.loads(lines[-1])["end"]["rows"] == done["rows"] == len(lines) - 2
    assert stat.S_IMODE(os.stat(first).st_mode) == 0o600
    assert used.ctl("store", "dump", first).code == 1  # it is there already
    streamed = used.ctl("store", "dump")
    assert streamed.code == 0 and "rows were written" in streamed.err
    # Not into a store that holds something, and not while the gateway runs.
    refused = used.ctl("store", "load", first)
    assert refused.code == 1
    assert ("stop it first" if used.is_running() else "not empty") in refused.err
    used.stop()
    used.ctl("store", "dump", first + ".last")
    used.new_store()
    loaded = used.ctl_json("store", "load", first + ".last")["load"]
    assert loaded["records"] == 3 and loaded["agree"] is True
    again = used.ctl("store", "dump").out.splitlines()
    with open(first + ".last", encoding="utf-8") as file:
        assert again[1:] == file.read().splitlines()[1:]
    assert used.ctl_json("store", "check")["check"]["agree"] is True


def test_half_a_dump_is_not_loaded(used):
    used.stop()
    dump = used.ctl("store", "dump").out
    used.new_store()
    half = used.ctl("store", "load", "-", stdin=dump[:len(dump) // 2])
    assert half.code == 1 and "line " in half.err and "as it was" in half.err
    assert used.ctl_json("key", "list")["keys"] == []
    done = used.ctl("store", "load", "-", stdin=dump)
    assert done.code == 0, done


def test_loads_that_are_killed(used, target):
    used.stop()
    used.ctl_json("store", "dump", target)
    used.new_store()
    for turn in range(10):
        run_and_kill(used, 0.005 + turn * 0.01, "store", "load", target)
        keys = used.ctl_json("key", "list")["keys"]
        assert len(keys) in (0, 1)
        if keys:
            break
    if not used.ctl_json("key", "list")["keys"]:
        used.ctl_json("store", "load", target)
    assert used.ctl_json("store", "check")["check"]["records"] == 3


# -- compact ---------------------------------------------------------------------------

def test_compact(used):
    tables = used.ctl_json("store", "compact")
    assert {"keys", "rday"} <= {t["table"] for t in tables["tables"]}
    assert tables["total"]["freed"] >= 0
    assert used.ctl_json("store", "check")["check"]["agree"] is True
