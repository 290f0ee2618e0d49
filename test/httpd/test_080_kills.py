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

# At random moments, besides those of the other tests; packaging/ci/run.sh kill
# asks for a thousand.
KILLS = int(os.environ.get("LLMGW_KILLS", "20"))


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
    gw.tolerates("LLMGW0352", "AH00098", "AH10392")
    return gw.serve(gw.conf().four_providers().enable())


def check_books(gateway, load, upstream):
    """Whole answers: one record each, with every token and priced; it may be
    one for the killed, had the answer just been given. Broken ones: one each. Nothing
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
        assert record["cost"] and not record["aborted"], record
    checked = gateway.ask_owner("check")[1]["done"]
    assert checked["agree"] is True, checked
    assert checked["events"] == len(records)
    assert checked["hours"] == checked["days"] == checked["quotas"] == len(records), checked
    # What the provider was asked is what is in the books.
    assert len(records) >= len(load.whole) + len(load.begun)
    # One that was killed need not have got so far.
    assert len([r for r in records if not r["killed"]]) <= upstream.total() + len(load.odd)
    return records


def test_a_child_is_killed(loaded, upstream):
    with Load(loaded) as load:
        for _ in range(6):
            load.wait(25)
            os.kill(random.choice(loaded.children()), signal.SIGKILL)
        load.wait(60)
    records = check_books(loaded, load, upstream)
    assert len(load.whole) >= 200
    killed = [r for r in records if r["killed"]]
    assert killed, "no request was under way in a killed child: the test shows nothing"
    assert not load.odd, load.odd


def test_the_owner_is_killed(loaded, upstream):
    with Load(loaded) as load:
        for _ in range(4):
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
        for _ in range(3):
            load.wait(40)
            loaded.kill_everything()
            loaded.start(conf)
        load.wait(40)
    check_books(loaded, load, upstream)


class Reaper:
    """What can happen to a gateway under load, at random."""

    def __init__(self, gateway, conf, dice):
        self.gateway = gateway
        self.conf = conf
        self.dice = dice
        self.done = {}

    def strike(self):
        what = self.dice.choices(
            [self.child, self.all_children, self.owner, self.owner_and_child,
             self.parent, self.everything, self.graceful],
            [40, 8, 20, 10, 4, 8, 10])[0]
        what()
        self.done[what.__name__] = self.done.get(what.__name__, 0) + 1

    @staticmethod
    def _kill(pid):
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass                 # it left by itself: a graceful restart

    def child(self):
        children = self.gateway.children()
        if children:
            self._kill(self.dice.choice(children))

    def all_children(self):
        for pid in self.gateway.children():
            self._kill(pid)

    def owner(self):
        owner = self.gateway.owner_pid()
        if owner:                # else the last one's successor is on its way
            self._kill(owner)

    def owner_and_child(self):
        self.owner()
        self.child()

    def parent(self):
        """The children go on without it for a while, then it starts again."""
        self._kill(self.gateway.pid)
        time.sleep(self.dice.random() * 0.1)
        self.everything()

    def everything(self):
        self.gateway.kill_everything()
        for tries in range(5):
            try:
                return self.gateway.start(self.conf)
            except AssertionError as failed:
                # A client that asks while nobody listens may be given the very
                # port as its own, and be connected to itself.
                if "Address already in use" not in str(failed) or tries == 4:
                    raise
                time.sleep(0.5)

    def graceful(self):
        self.gateway.graceful()


def test_anything_is_killed_at_random_moments(loaded, upstream, capsys):
    seed = int(os.environ.get("LLMGW_SEED", "0")) or random.randrange(1 << 30)
    reaper = Reaper(loaded, loaded.conf().four_providers().enable(), random.Random(seed))
    began = time.time()
    with Load(loaded) as load:
        for _ in range(KILLS):
            load.wait(reaper.dice.randrange(1, 30), 60)
            time.sleep(reaper.dice.random() * 0.02)
            reaper.strike()
        load.wait(60, 60)
    records = check_books(loaded, load, upstream)
    killed = [r for r in records if r["killed"]]
    assert {reply.status for reply in load.odd} <= {503}, load.odd
    with capsys.disabled():
        print(f"\n{KILLS} times (seed {seed}, {time.time() - began:.0f} s): "
              + ", ".join(f"{n} {what}" for what, n in sorted(reaper.done.items()))
              + f"; answered whole {len(load.whole)}, broken off {len(load.begun)}, "
              f"refused {len(load.odd)}; events = hours = days = quotas = {len(records)}, "
              f"{len(killed)} of them written for the killed")


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
