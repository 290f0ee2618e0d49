# SPDX-License-Identifier: Apache-2.0
"""What can be wrong with a store's folder: each fault is told by the log and
by llmgwctl in words that name the file and the cure; the gateway refuses, or
goes on; and after the cure nothing is missing that was acknowledged."""
import fcntl
import glob
import itertools
import os
import shutil
import subprocess

import pytest

from client import wait_for


def conf(gw):
    return gw.conf().four_providers().enable()


@pytest.fixture
def kept(gw, upstream):
    """A store with ten acknowledged requests, closed. The journals they came
    by are read already. After the test there is a new store."""
    gw.stop()
    gw.new_store()
    gw.serve(conf(gw))
    ids = [gw.chat("openai/gpt-test").id for _ in range(10)]
    gw.record(ids[-1])
    gw.stop()
    yield ids
    gw.stop()
    gw.new_store()


def path(gw, *names):
    return os.path.join(gw.store, *names)


def write(gw, name, data):
    with open(name, "wb") as file:
        file.write(data)
    gw.own(name, 0o600)


def refused_by_ctl(gw, *words):
    """llmgwctl says it, exits with 3, and as JSON says the same."""
    done = gw.ctl("key", "list")
    assert done.code == 3, done
    for word in words:
        assert word in done.err, done.err
    again = gw.ctl("key", "list", json_out=True)
    assert again.code == 3 and again.json["error"]["code"] == "unreachable"


def refused_at_start(gw, *words):
    """httpd does not start, and its log says why."""
    with pytest.raises(AssertionError, match="did not start"):
        gw.start(conf(gw))
    gw.stop()
    said = gw.console() + "\n".join(gw.recent_log())
    for word in words:
        assert word in said, said
    gw.forget_log()


def nothing_is_lost(gw, ids, exactly=True):
    """All of them are recorded once, and the sums agree with the records."""
    gw.serve(conf(gw))
    for request_id in ids:
        gw.record(request_id)
    _, last = gw.ask_owner("check")
    assert last["done"]["agree"], last
    if exactly:
        assert last["done"]["records"] == len(ids), last


def a_journal(gw):
    """A dead child's journal with records nobody has read: httpd is killed
    with its owner stopped. Returns its path and the ids in it."""
    gw.serve(conf(gw))
    os.kill(gw.owner_pid(), 19)
    ids = [gw.chat("openai/gpt-test").id for _ in range(4)]
    gw.kill_everything()
    gw.forget_log()
    os.unlink(os.path.join(gw.root, "httpd.pid"))
    found = [p for p in glob.glob(path(gw, "journal", "*")) if os.path.getsize(p)]
    return max(found, key=os.path.getsize), ids


# ---- the database -------------------------------------------------------


@pytest.mark.parametrize("table", ["keys.db", "meta.db", "rhour.db"])
def test_a_corrupted_page(gw, kept, table):
    """Pages have checksums: what was changed on the disk is seen, and told."""
    name = path(gw, "env", table)
    good = open(name, "rb").read()
    # all but the page that says what the file is
    write(gw, name, good[:4096] + bytes(b ^ 0x55 for b in good[4096:]))
    if table == "rhour.db":
        # It is not read at the start: the request that would be summed there
        # waits in its journal, and the log names the table.
        gw.tolerates("LLMGW")
        gw.tolerates("BDB")
        gw.start(conf(gw))
        kept.append(gw.chat("openai/gpt-test").id)
        wait_for(lambda: any("rhour.db" in line for line in gw.recent_log()), 10,
                 "the log to name the table")
        gw.stop()
        gw.forget_log()
    else:
        refused_at_start(gw, table)
        refused_by_ctl(gw, table)
    write(gw, name, good)
    nothing_is_lost(gw, kept)


def test_a_foreign_DB_CONFIG(gw, kept):
    write(gw, path(gw, "env", "DB_CONFIG"), b"set_flags DB_TXN_NOSYNC\n")
    refused_at_start(gw, "DB_CONFIG", "remove it")
    refused_by_ctl(gw, "DB_CONFIG", "remove it")
    os.unlink(path(gw, "env", "DB_CONFIG"))
    nothing_is_lost(gw, kept)


def test_a_file_of_something_else(gw, kept):
    write(gw, path(gw, "env", "customers.db"), b"mine")
    refused_at_start(gw, "customers.db", "is not a store")
    refused_by_ctl(gw, "customers.db")
    assert open(path(gw, "env", "customers.db"), "rb").read() == b"mine"
    os.unlink(path(gw, "env", "customers.db"))
    nothing_is_lost(gw, kept)


def page_sum(page):
    """Berkeley DB's checksum of a page, whose own place counts as zeros."""
    total = 0
    for byte in page[:28] + bytes(4) + page[32:]:
        total = (total * 33 + byte) & 0xFFFFFFFF
    return total.to_bytes(4, "little")


def test_a_store_of_a_newer_version(gw, kept):
    """The number in meta.db is changed, with the page's checksum. What the
    newer program wrote stays untouched."""
    name = path(gw, "env", "meta.db")
    good = open(name, "rb").read()
    page = bytearray(good[4096:8192])
    assert page[28:32] == page_sum(page), "is it another format of pages?"
    # items lie in front of each other: the value comes before its key
    at = page.index(b"\x06\x00\x01format") - 12
    assert page[at:at + 3] == b"\x08\x00\x01"
    page[at + 3] = 9
    page[28:32] = page_sum(page)
    write(gw, name, good[:4096] + bytes(page) + good[8192:])
    refused_at_start(gw, "newer version", "format 9")
    refused_by_ctl(gw, "newer version", "format 9")
    write(gw, name, good)
    nothing_is_lost(gw, kept)


# ---- journals -----------------------------------------------------------


def test_a_truncated_journal(gw, kept):
    """Cut within its last record: that one is told and counted, the others are
    stored. (No kill does this: a record is one write.)"""
    name, ids = a_journal(gw)
    os.truncate(name, os.path.getsize(name) - 100)
    gw.tolerates("LLMGW")
    gw.start(conf(gw))
    wait_for(lambda: not os.path.exists(name), 10, "the journal to be read")
    assert len([i for i in kept + ids if gw.records_of(i, 100)]) >= len(kept + ids) - 1
    _, last = gw.ask_owner("check")
    assert last["done"]["agree"], last
    assert gw.get("/health", key=None).status == 200


def test_a_bad_CRC_in_a_journal(gw, kept):
    """The record is told by the log and counted by status; those around it
    are stored, and the gateway goes on."""
    name, ids = a_journal(gw)
    size = os.path.getsize(name)
    each = size // (size // 1024) if size >= 1024 else size
    data = bytearray(open(name, "rb").read())
    data[each + 40] ^= 1 if len(data) > each + 40 else 0
    write(gw, name, bytes(data))
    gw.expects("LLMGW.*(journal|record)")
    gw.start(conf(gw))
    wait_for(lambda: not os.path.exists(name), 10, "the journal to be read")
    found = [i for i in ids if gw.records_of(i, 100)]
    assert len(found) >= len(ids) - 1
    status = gw.ctl_json("status")["status"]
    assert status["damaged"] == 1, status
    _, last = gw.ask_owner("check")
    assert last["done"]["agree"], last
    assert gw.get("/health", key=None).status == 200


def test_a_journal_of_a_newer_version(gw, kept):
    """It is left as it is for the program that can read it."""
    name = path(gw, "journal", "00000000000000aa-00000000.jnl9")
    write(gw, name, b"\1" * 4096)
    gw.tolerates("LLMGW")
    nothing_is_lost(gw, kept)
    assert open(name, "rb").read() == b"\1" * 4096


# ---- the folder ---------------------------------------------------------


def test_a_missing_folder(gw, kept):
    """For llmgwctl it is an error; httpd makes it, as root."""
    os.rename(gw.store, gw.store + ".away")
    refused_by_ctl(gw, gw.store, "No such file or directory")
    assert not os.path.exists(gw.store)
    os.rename(gw.store + ".away", gw.store)
    nothing_is_lost(gw, kept)


def test_a_folder_below_one_that_is_missing(gw):
    gw.stop()
    text = conf(gw).text().replace(f"bdb:{gw.store}", f"bdb:{gw.root}/no/where")
    with pytest.raises(AssertionError, match="did not start"):
        gw.start(type("Text", (), {"text": lambda self: text})())
    gw.stop()
    said = gw.console() + "\n".join(gw.recent_log())
    assert f"{gw.root}/no/where" in said and "No such file or directory" in said
    gw.forget_log()


def test_wrong_ownership(gw, kept):
    """Folders of somebody else's are refused by llmgwctl and given back to
    httpd's user by httpd, as root; a table of somebody else's is named."""
    if os.getuid():
        pytest.skip("needs root, to give files away")
    for name in ("env", "journal"):
        os.chown(path(gw, name), 65534, 65534)
    refused_by_ctl(gw, "belongs to user 65534")
    nothing_is_lost(gw, kept)
    gw.stop()
    os.chown(path(gw, "env", "keys.db"), 65534, 65534)
    refused_at_start(gw, "keys.db", "Permission denied")
    refused_by_ctl(gw, "keys.db", "Permission denied")
    shutil.chown(path(gw, "env", "keys.db"), gw.env.user, gw.env.group)
    nothing_is_lost(gw, kept)


def test_a_folder_others_may_write_to(gw, kept):
    os.chmod(gw.store, 0o777)
    refused_at_start(gw, "can be written by others", "chmod go-w")
    refused_by_ctl(gw, "can be written by others", "chmod go-w")
    os.chmod(gw.store, 0o750)
    nothing_is_lost(gw, kept)


def test_a_read_only_folder(gw, kept):
    """Bound over itself read-only, as after a disk's failure."""
    if os.getuid() or subprocess.run(["mount", "--bind", gw.store, gw.store], check=False,
                                     capture_output=True).returncode:
        pytest.skip("needs root and the right to mount")
    try:
        subprocess.run(["mount", "-o", "remount,bind,ro", gw.store], check=True)
        refused_at_start(gw, gw.store, "Read-only file system")
        refused_by_ctl(gw, gw.store, "Read-only file system")
    finally:
        subprocess.run(["umount", gw.store], check=True)
    nothing_is_lost(gw, kept)


def test_a_folder_that_becomes_read_only(gw, kept):
    """While the gateway runs. What has its journal goes on writing to it; new
    processes can make none and refuse, with the folder's name in the log. When
    it can be written to again they serve, and nothing is missing."""
    gw.start(conf(gw))
    kept.append(gw.chat("openai/gpt-test").id)
    gw.tolerates("LLMGW")
    os.chmod(path(gw, "journal"), 0o500)
    try:
        kept.append(gw.chat("openai/gpt-test").id)
        gw.graceful()

        def ask():
            answer = gw.chat("openai/gpt-test")
            if answer.status == 200:
                kept.append(answer.id)
            return answer.status == 503 and answer
        assert "cannot meter" in wait_for(ask, 20, "503").text
        health = gw.get("/health", key=None)
        assert health.status == 503 and health.json["reason"], health
        assert any(path(gw, "journal") in line and "Permission denied" in line
                   for line in gw.recent_log()), gw.recent_log()
    finally:
        os.chmod(path(gw, "journal"), 0o700)
    wait_for(lambda: gw.get("/health", key=None).status == 200, 20, "health again")
    answer = wait_for(lambda: (a := gw.chat("openai/gpt-test")).status == 200 and a, 10,
                      "200 again")
    kept.append(answer.id)
    nothing_is_lost(gw, kept)


def test_a_full_disk(gw, upstream):
    """A small file system that fills up under load: 503 with the reason,
    and after there is room again all that was acknowledged is there."""
    if os.getuid():
        pytest.skip("needs root, to mount")
    gw.stop()
    gw.new_store()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=12m,mode=0750", "tmpfs", gw.store],
                      check=False, capture_output=True).returncode:
        pytest.skip("needs the right to mount")
    gw.tolerates(".")
    try:
        gw.own(gw.store, 0o750)
        gw.start(conf(gw))
        acknowledged = [gw.chat("openai/gpt-test").id for _ in range(5)]
        filler = path(gw, "filler")

        def fill():
            """Once more each time: the store gives room back when it can."""
            file = os.open(filler, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
            try:
                while True:
                    os.write(file, b"x" * 4096)
            except OSError:
                os.close(file)

        def ask():
            fill()
            answer = gw.chat("openai/gpt-test")
            if answer.status == 200:
                acknowledged.append(answer.id)
            return answer.status == 503 and answer
        answer = wait_for(ask, 20, "503")
        assert "cannot meter" in answer.text

        def look():
            fill()
            health = gw.get("/health", key=None)
            return health.status == 503 and health
        assert wait_for(look, 10, "health to say so").json["reason"]

        numbers = itertools.count()

        def create():
            fill()
            done = gw.ctl("key", "create", f"fullkey{next(numbers)}")
            return done.code != 0 and done
        done = wait_for(create, 10, "no room for a key")
        assert done.code == 1 and "no space left" in done.err, done
        os.unlink(filler)
        wait_for(lambda: gw.get("/health", key=None).status == 200, 20, "health again")
        # each child looks at the disk for itself, every tenth of a second
        last = wait_for(lambda: (a := gw.chat("openai/gpt-test")).status == 200 and a, 5,
                        "200 again")
        acknowledged.append(last.id)
        wait_for(lambda: set(acknowledged) <= {r["id"] for r in gw.records()}, 15,
                 "all that was acknowledged to be stored")
        _, last = gw.ask_owner("check")
        assert last["done"]["agree"], last
        assert gw.ctl("key", "create", "fullkey").code == 0
        gw.stop()
    finally:
        gw.stop()
        subprocess.run(["umount", gw.store], check=True)
        gw.new_store()


# ---- the lock and the socket --------------------------------------------


def test_a_lock_held_by_another_process(gw, upstream, kept):
    """The gateway starts, says why it does not serve, and serves by itself
    when the lock is free."""
    gw.tolerates("LLMGW")
    with open(path(gw, "store.lock"), "r+b") as lock:
        fcntl.lockf(lock, fcntl.LOCK_EX)
        refused_by_ctl(gw, "has another owner")
        gw.start(conf(gw))
        health = gw.get("/health", key=None)
        assert health.status == 503 and health.json["reason"], health
        assert gw.chat("openai/gpt-test", key="llmgw-" + "x" * 43).status == 503
        assert any("does another process hold the store?" in line for line in gw.recent_log())
        fcntl.lockf(lock, fcntl.LOCK_UN)
    wait_for(lambda: gw.get("/health", key=None).status == 200, 15, "health")
    nothing_is_lost(gw, kept)


def test_a_socket_path_that_is_too_long(gw, kept):
    """LLMSocket is refused with the limit."""
    code, said = gw.configtest(conf(gw).add("LLMSocket " + gw.root + "/" + "s" * 120))
    assert code != 0 and "LLMSocket: expected a path of at most 107 bytes" in said, said
    nothing_is_lost(gw, kept)


def test_a_folder_with_a_long_path(gw, kept):
    """Longer than a socket's name may be: it is reached all the same, by the
    gateway and by llmgwctl."""
    home, long = gw.store, os.path.join(gw.root, "l" * 200, "store")
    os.mkdir(os.path.dirname(long))
    os.chmod(os.path.dirname(long), 0o755)
    os.rename(home, long)
    gw.store = long
    try:
        gw.serve(conf(gw))
        assert gw.ctl_json("status")["status"]["online"] is True
        assert gw.ctl("key", "create", "far").code == 0
        kept.append(gw.chat("openai/gpt-test").id)
        wait_for(lambda: kept[-1] in [e["request_id"] for e in
                                      gw.ctl_json("events", "--limit", "5")["events"]],
                 10, "the record")
    finally:
        gw.stop()
        os.rename(long, home)
        os.rmdir(os.path.dirname(long))
        gw.store = home
    nothing_is_lost(gw, kept)


def test_something_else_where_the_socket_should_be(gw, kept):
    """A folder there is in the way; a file or a dead socket is replaced."""
    os.mkdir(path(gw, "owner.sock"))
    refused_at_start(gw, "owner.sock")
    os.rmdir(path(gw, "owner.sock"))
    write(gw, path(gw, "owner.sock"), b"")
    nothing_is_lost(gw, kept)
