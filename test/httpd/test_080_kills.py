# SPDX-License-Identifier: Apache-2.0
"""kill -9 under load: what was acknowledged is recorded, once; what was
killed in the middle is recorded too, once.

Acknowledged means that the client has the whole answer.
"""
import os
import random
import signal
import subprocess
import threading
import time

import pytest

import reader
from client import Broken, wait_for

HELLO = [{"role": "user", "content": "hello"}]

# 13 kills in the usual run; packaging/ci/run.sh kill asks for more.
MORE = max(1, int(os.environ.get("LLMGW_KILLS", "0")) // 13)


class Load:
    """Clients that ask without pause, streams among them, and remember what
    they were answered."""

    def __init__(self, gateway, threads=6):
        self.gateway = gateway
        self.key = gateway.key()
        self.whole = []      # ids of requests with a whole answer
        self.begun = []      # ids of requests whose answer began and broke off
        self.odd = []        # answers that should not have been
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._run, args=(i,))
                         for i in range(threads)]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        for thread in self._threads:
            thread.join(30)

    def _run(self, number):
        turn = 0
        while not self._stop.is_set():
            turn += 1
            streamed = (number + turn) % 2 == 0
            model = ("openai/gpt-test;events=5;slow=4" if number % 3
                     else "anthropic/claude-test;events=5;slow=4")
            self._one({"model": model, "messages": HELLO, "stream": streamed})

    def _one(self, body):
        try:
            stream = self.gateway.open("POST", "/v1/chat/completions", body, key=self.key)
        except (Broken, OSError):
            time.sleep(0.01)     # killed before it answered: nothing to remember
            return
        with stream:
            try:
                reply = stream.rest()
            except Broken:
                self.begun.append(stream.reply.id)
                return
            if reply.status == 200:
                said = reader.read("openai", reply.body, strict=False)
                if said.error:
                    self.begun.append(reply.id)
                else:
                    self.whole.append(reply.id)
            else:
                self.odd.append(reply)

    def wait(self, more, seconds=20):
        goal = len(self.whole) + more
        wait_for(lambda: len(self.whole) >= goal, seconds, "answers under load")


@pytest.fixture
def loaded(gw):
    gw.stop()
    gw.new_store()
    # Killed children and their connections are noticed by many.
    gw.tolerates("LLMGW0352", "AH00098")
    return gw.serve(gw.conf().four_providers().enable())


def check_books(gateway, load, upstream):
    """Whole answers: one record each, priced. Broken ones: one each. Nothing
    twice, nothing but what reached the gateway, and the sums agree."""
    upstream.wait_idle(10)
    wait_for(lambda: not set(load.whole) - {r["id"] for r in gateway.records()}, 10,
             "records of all acknowledged requests")
    wait_for(lambda: not set(load.begun) - {r["id"] for r in gateway.records()}, 10,
             "records of all broken requests")
    records = gateway.records()
    ids = [r["id"] for r in records]
    assert len(ids) == len(set(ids)), "a request is recorded twice"
    by_id = {r["id"]: r for r in records}
    for request_id in load.whole:
        record = by_id[request_id]
        assert record["status"] == 200 and record["output"] == 5, record
        assert not record["killed"] and not record["aborted"], record
    checked = gateway.ask_owner("check")[1]["done"]
    assert checked["agree"] is True, checked
    assert checked["events"] == len(records)
    # What the provider was asked is what is in the books.
    assert len(records) >= len(load.whole) + len(load.begun)
    # One that was killed need not have got so far.
    assert len([r for r in records if not r["killed"]]) <= len(upstream.seen()) + len(load.odd)
    return records


def test_a_child_is_killed(loaded, upstream):
    with Load(loaded) as load:
        for _ in range(6 * MORE):
            load.wait(25)
            os.kill(random.choice(loaded.children()), signal.SIGKILL)
        load.wait(60)
    records = check_books(loaded, load, upstream)
    assert len(load.whole) >= 200
    killed = [r for r in records if r["killed"]]
    assert killed, "no request was under way in a killed child: the test shows nothing"
    assert not {r["id"] for r in killed} & set(load.whole)
    assert not load.odd, load.odd


def test_the_owner_is_killed(loaded, upstream):
    with Load(loaded) as load:
        for _ in range(4 * MORE):
            load.wait(30)
            owner = loaded.owner_pid()
            os.kill(owner, signal.SIGKILL)
            wait_for(lambda: loaded.owner_pid() not in (None, owner), 8, "a new owner")
        load.wait(30)
    records = check_books(loaded, load, upstream)
    assert not [r for r in records if r["killed"]], "no request was killed"
    assert not load.begun, "the death of the owner broke a request"
    assert not load.odd, load.odd


def test_everything_is_killed(loaded, upstream):
    conf = loaded.conf().four_providers().enable()
    with Load(loaded) as load:
        for _ in range(3 * MORE):
            load.wait(40)
            loaded.kill_everything()
            loaded.start(conf)
        load.wait(40)
    check_books(loaded, load, upstream)


def test_graceful_restarts_under_load(loaded, upstream):
    with Load(loaded) as load:
        for _ in range(4):
            load.wait(40)
            loaded.graceful()
        load.wait(80)
    records = check_books(loaded, load, upstream)
    assert not load.begun, "a graceful restart broke a request"
    assert not load.odd, load.odd
    assert not [r for r in records if r["killed"]]


def test_a_stream_outlives_a_graceful_restart(loaded, upstream):
    body = {"model": "openai/gpt-test;events=20;slow=100", "messages": HELLO, "stream": True}
    with loaded.open("POST", "/v1/chat/completions", body) as stream:
        stream.event()
        loaded.graceful()
        time.sleep(0.5)
        assert loaded.chat("openai/gpt-test").status == 200, "new requests meanwhile"
        reply = stream.rest()
    assert reader.openai_stream(reply.body).text.count("word") == 20
    assert loaded.record(reply)["output"] == 20


def test_stopping_loses_nothing(loaded, upstream):
    conf = loaded.conf().four_providers().enable()
    with Load(loaded) as load:
        load.wait(60)
        loaded.stop()
    assert load.whole
    loaded.start(conf)
    check_books(loaded, load, upstream)


def test_a_killed_request_is_recorded_once_with_what_was_known(loaded, upstream):
    body = {"model": "openai/gpt-test;events=100;slow=50", "messages": HELLO, "stream": True}
    key = loaded.key("victim")
    with loaded.open("POST", "/v1/chat/completions", body, key=key) as stream:
        for _ in range(10):
            stream.event()
        for pid in loaded.children():
            os.kill(pid, signal.SIGKILL)
        with pytest.raises(Broken):
            stream.rest()
    record = loaded.record(stream.reply)
    assert record["killed"]
    assert record["key"] == "victim"
    assert record["provider"] == "openai" and record["asked"] == body["model"]
    assert record["estimated"] and 1 <= record["output"] <= 20
    upstream.wait_peer_left()


def test_llmgwctl_killed_at_any_moment_hurts_nobody(loaded, upstream):
    loaded.key()
    for i in range(15):
        ctl = subprocess.Popen(
            [loaded.env.ctl_program, "--store", loaded.store, "key", "create", f"k{i}"],
            env=loaded.environ(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(random.random() * 0.03)
        ctl.kill()
        ctl.wait()
        assert loaded.chat("openai/gpt-test").status == 200
    names = [r["name"] for r in loaded.ask_owner("key.list")[0]]
    assert len(names) == len(set(names))
    assert loaded.ask_owner("check")[1]["done"]["agree"] is True
