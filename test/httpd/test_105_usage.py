# SPDX-License-Identifier: Apache-2.0
"""llmgwctl usage and events by what single records know, and followed live."""
import json
import os
import signal
import subprocess
import time

import pytest


@pytest.fixture
def busy(gw):
    gw.stop()
    gw.new_store()
    gw.serve(gw.conf().four_providers().enable())
    ask(gw, "alice", "openai/gpt-test", 200)
    ask(gw, "alice", "openai/gpt-test;status=400", 400)
    ask(gw, "bob", "gemini/gemini-test", 200)
    return gw


def ask(gw, key, model, status):
    answer = gw.chat(model, key=gw.key(key))
    assert answer.status == status
    return gw.record(answer)["request_id"]


@pytest.mark.parametrize("by, options, groups", [
    ("status", [], {(200,): 2, (400,): 1}),
    ("key,status", ["--status", "4xx"], {("alice", 400): 1}),
    ("client,stream", [], {("openai", False): 3}),
    ("op,key", ["--key", "bob"], {("chat", "bob"): 1}),
    ("model", ["--user", "nobody"], {})])
def test_usage_by_what_records_know(busy, by, options, groups):
    told = busy.ctl_json("usage", "--by", by, "--since", "1h", *options)
    fields = by.split(",")
    assert {tuple(r[f] for f in fields): r["requests"] for r in told["usage"]} == groups
    assert told["total"]["requests"] == sum(groups.values())
    assert told["records_since"] is None


def test_a_day_of_a_zone_holds_what_was_asked_today(busy):
    for zone in ("UTC", "+05:30", "-09:30", "Pacific/Chatham"):
        told = busy.ctl_json("usage", "--by", "day", "--tz", zone, "--since", "yesterday")
        assert told["total"]["requests"] == 3 and told["tz"] == zone
    assert busy.ctl("usage", "--chart", "--since", "today").out.count("\n") == 1


class Follower:
    """llmgwctl that goes on: its lines, as they come."""

    def __init__(self, gw, *words):
        self.process = subprocess.Popen(
            [gw.env.ctl_program, "--store", gw.store, "--json", *words],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=gw.environ())
        os.set_blocking(self.process.stdout.fileno(), False)
        self.text = b""

    def wait_for(self, count, seconds=15):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.text += self.process.stdout.read() or b""
            lines = self.text.decode().splitlines()
            if len(lines) >= count:
                return [json.loads(line) for line in lines]
            time.sleep(0.05)
        raise AssertionError(f"{count} lines did not come: {self.text!r}")

    def end(self):
        self.process.send_signal(signal.SIGINT)
        assert self.process.wait(10) == 0, self.process.stderr.read()


def test_events_are_followed_over_a_restart(busy):
    follower = Follower(busy, "events", "--follow", "--key", "alice")
    assert len(follower.wait_for(2)) == 2
    wanted = [ask(busy, "alice", "openai/gpt-test", 200)]
    ask(busy, "bob", "gemini/gemini-test", 200)
    follower.wait_for(3)
    busy.stop()
    time.sleep(0.5)
    busy.start()
    wanted.append(ask(busy, "alice", "openai/gpt-test", 200))
    lines = follower.wait_for(4)
    follower.end()
    assert [r["request_id"] for r in lines[2:]] == wanted
    assert all(r["key"] == "alice" for r in lines)


def test_usage_is_followed(busy):
    follower = Follower(busy, "usage", "--follow", "--by", "key", "--every", "200ms")
    time.sleep(1)
    ask(busy, "bob", "gemini/gemini-test", 200)
    (line,) = follower.wait_for(1)
    follower.end()
    assert line["key"] == "bob" and line["requests"] == 1 and "time" in line
