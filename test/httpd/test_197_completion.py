# SPDX-License-Identifier: Apache-2.0
"""llmgwctl completion: the scripts run in the shells they are for."""
import os
import shutil
import subprocess

import pytest

BASH = """
source "$1"; shift
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
_llmgwctl
printf '%s\\n' "${COMPREPLY[@]}"
"""

ZSH = """
compdef() { : }
compset() { current=${current#*=} }
compadd() { shift; for w in "$@"; do [[ $w == ${current}* ]] && print -r -- $w; done; true }
_files() { print -r -- "files $*" }
source "$1"; shift
words=("$@"); CURRENT=$#
_llmgwctl
true
"""

FISH = """
source $argv[1]
set line (string join -- ' ' $argv[2..-1])
complete "-C$line"
"""


@pytest.fixture
def complete(gw, request):
    """What a shell offers for the last of the words."""
    shell = request.param
    if not shutil.which(shell):
        pytest.skip(f"there is no {shell}")
    script = os.path.join(gw.root, f"llmgwctl.{shell}")
    done = gw.ctl("completion", shell, store=False)
    assert done.code == 0 and not done.err, done
    with open(script, "w", encoding="utf-8") as out:
        out.write(done.out)
    assert subprocess.run([shell, "-n", script], check=False).returncode == 0
    folder = os.path.join(gw.root, "bin")
    os.makedirs(folder, exist_ok=True)
    link = os.path.join(folder, "llmgwctl")
    if not os.path.lexists(link):
        os.symlink(gw.env.ctl_program, link)
    environ = {**gw.environ(), "LLMGW_STORE": gw.store, "HOME": gw.root,
               "PATH": folder + ":" + os.environ["PATH"]}
    driver = {"bash": ["bash", "-c", BASH, "bash"], "zsh": ["zsh", "-fc", ZSH, "zsh"],
              "fish": ["fish", "-Nc", FISH]}[shell]

    def offers(*words):
        said = subprocess.run([*driver, script, "llmgwctl", *words], text=True, check=False,
                              capture_output=True, env=environ, timeout=30)
        assert said.returncode == 0 and not said.stderr, said
        return {line.split("\t")[0] for line in said.stdout.splitlines() if line}

    offers.shell = shell
    return offers


@pytest.mark.parametrize("complete", ["bash", "zsh", "fish"], indirect=True)
def test_words(gw, complete):
    nouns = complete("")
    assert {"key", "team", "usage", "store", "doctor", "config"} <= nouns
    assert complete("sta") == {"status"}
    assert {"create", "list", "rotate"} <= complete("key", "")
    assert complete("key", "cr") == {"create"}
    assert "--team" in complete("key", "list", "--t")
    assert {"--since", "--store"} <= complete("usage", "--s")
    # The value of an option before is no noun.
    assert {"create", "list"} <= complete("--store", "/x", "key", "")
    assert complete("key", "list", "--format", "") == {"table", "csv", "json"}
    assert complete("completion", "b") == {"bash"}
    gw.forget_log()


@pytest.mark.parametrize("complete", ["bash", "zsh", "fish"], indirect=True)
def test_names_come_from_the_store(gw, complete):
    gw.stop()
    gw.new_store()
    gw.ctl_json("key", "create", "alice", "--team", "red")
    gw.ctl_json("key", "create", "bob", "--team", "blue")
    assert complete("key", "show", "") >= {"alice", "bob"}
    assert complete("key", "show", "al") == {"alice"}
    assert complete("key", "list", "--team", "") == {"red", "blue"}
    assert complete("usage", "--key", "b") == {"bob"}
    assert complete("team", "show", "r") == {"red"}
    # Not where a new name is wanted.
    assert not complete("key", "create", "") & {"alice", "bob"}


@pytest.mark.parametrize("complete", ["bash", "zsh", "fish"], indirect=True)
def test_a_store_that_is_not_there_offers_nothing(gw, complete):
    gw.stop()
    store, gw.store = gw.store, "/no/such/store"
    try:
        assert complete("key", "create", "") is not None
        words = complete("--store", "/no/such/store", "key", "list", "--team", "zz")
        assert words == set()
    finally:
        gw.store = store


def test_a_shell_that_is_none(gw):
    done = gw.ctl("completion", "tcsh", store=False)
    assert done.code == 2 and "bash, zsh or fish" in done.err
