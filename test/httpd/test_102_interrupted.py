# SPDX-License-Identifier: Apache-2.0
"""Commands that change something, killed at random moments and run a second
time: what they were to do is done, and once."""
import collections
import random
import subprocess
import time

import pytest

ROUNDS = 12


@pytest.fixture(params=["running", "stopped"])
def place(gw, request):
    gw.stop()
    gw.new_store()
    gw.serve(gw.conf().four_providers().enable())
    if request.param == "stopped":
        gw.record(gw.chat("openai/gpt-test", key=gw.key("someone")))
        gw.stop()
    return gw


def killed_and_run_again(gw, *args, stdin=None):
    """The second run's exit status."""
    command = [gw.env.ctl_program, "--store", gw.store, *args]
    first = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                             stderr=subprocess.DEVNULL, text=True, env=gw.environ())
    if stdin:
        first.stdin.write(stdin)
    first.stdin.close()
    time.sleep(random.uniform(0, 0.012 if gw.is_running() else 0.06))
    first.kill()
    first.wait()
    return gw.ctl(*args, stdin=stdin)


def test_a_second_run_of_a_killed_command_does_nothing_twice(place):
    gw = place
    key_file = gw.root + "/interrupted-master.key"
    secret = ["--master-key", key_file]
    # each with what its second run may say when the first one was done
    steps = [
        (["key", "create", "k%"], None, "there is a key"),
        (["key", "update", "k%", "--note", "n%"], None, None),
        (["key", "rotate", "k%"], None, None),
        (["key", "disable", "k%"], None, None),
        (["key", "enable", "k%"], None, None),
        (["team", "create", "t%"], None, "there is a team"),
        (["team", "update", "t%", "--name", "u%"], None, "there is no team"),
        (["team", "delete", "u%"], None, "there is no team"),
        (["price", "set", "openai/m%", "--input", "1", "--output", "2"], None, None),
        (["price", "unset", "openai/m%"], None, "no price was set"),
        (["secret", "set", "s%", *secret], "sk-1\n", None),
        (["secret", "delete", "s%"], None, "there is no secret"),
        (["key", "revoke", "k%"], None, None),
    ]
    for i in range(ROUNDS):
        for words, stdin, refusal in steps:
            done = killed_and_run_again(gw, *(w.replace("%", str(i)) for w in words),
                                        stdin=stdin)
            if done.code == 1 and refusal:
                assert refusal in done.err, done
            else:
                assert done.code == 0, done
    keys = {k["name"]: k for k in gw.ctl_json("key", "list")["keys"]}
    assert [keys[f"k{i}"]["note"] for i in range(ROUNDS)] == [f"n{i}" for i in range(ROUNDS)]
    assert all(keys[f"k{i}"]["state"] == "revoked" for i in range(ROUNDS))
    assert gw.ctl_json("team", "list")["teams"] == []
    assert gw.ctl_json("secret", "list")["secrets"] == []
    # what cannot be done twice was written down once
    made = collections.Counter((c["op"], c["subject"]) for c in
                               gw.ctl_json("audit", "--limit", "1000")["audit"])
    once = ("key.create", "team.create", "team.update", "team.delete", "price.unset",
            "secret.delete")
    twice = [change for change, times in made.items() if times > 1 and change[0] in once]
    assert not twice, twice
    assert len([c for c in made if c[0] == "key.create" and c[1].startswith("k")]) == ROUNDS
    assert gw.ctl("store", "check").code == 0
