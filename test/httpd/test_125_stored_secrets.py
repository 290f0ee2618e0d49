# SPDX-License-Identifier: Apache-2.0
"""Secrets kept in the store: entered once, sealed under a master key, read by
LLMKey secret:NAME, and in clear nowhere but in the gateway's memory."""
import json
import os
import pty
import random
import re
import shutil
import signal
import subprocess
import time

import pytest

from client import wait_for

PLANTED = "sk-planted-4711-4711-4711"


@pytest.fixture
def master(gw):
    """A store without secrets and the path of a master key not yet made."""
    gw.stop()
    gw.new_store()
    folder = os.path.join(gw.root, "master")
    shutil.rmtree(folder, ignore_errors=True)
    yield os.path.join(folder, "master.key")
    gw.stop()
    gw.new_store()


def put(gw, master, name="openai", secret=PLANTED, *options):
    done = gw.ctl("secret", "set", name, "--master-key", master, *options, stdin=secret + "\n")
    assert done.code == 0, done
    return done


def conf(gw, master, name="openai"):
    return gw.conf().provider("openai", key=f"secret:{name}").model(
        "openai/*", "openai *").enable().add(f"LLMMasterKey {master}")


def sent(upstream):
    """The secret the provider was called with last."""
    return upstream.seen()[-1].header("authorization").removeprefix("Bearer ")


def expect_error(gw, conf_, *words):
    code, said = gw.configtest(conf_)
    assert code != 0, said
    assert re.search(r"LLMGW\d+: Syntax error on line \d+ of \S+httpd.conf: LLMKey secret:", said), said
    for word in words:
        assert word in said, said
    assert PLANTED not in said


def test_a_stored_secret_reaches_its_provider(gw, upstream, master):
    """Entered while the gateway is down, and another one while it is up."""
    put(gw, master)
    gw.serve(conf(gw, master))
    assert gw.chat("openai/gpt-test").status == 200
    assert sent(upstream) == PLANTED
    put(gw, master, "openai", "sk-another-one")
    assert gw.chat("openai/gpt-test").status == 200
    assert sent(upstream) == PLANTED
    gw.graceful()

    def has_changed():
        gw.chat("openai/gpt-test")
        return sent(upstream) == "sk-another-one"
    wait_for(has_changed, 10, "the new secret after a graceful restart")


def test_the_parent_keeps_root_and_opens_no_table(gw, master):
    put(gw, master)
    gw.serve(conf(gw, master))
    with open(f"/proc/{gw.pid}/status", encoding="ascii") as status:
        uid = re.search(r"^Uid:\s+(\d+)\s+(\d+)", status.read(), re.M)
    assert uid.groups() == (str(os.getuid()),) * 2
    for fd in os.listdir(f"/proc/{gw.pid}/fd"):
        assert ".db" not in os.readlink(f"/proc/{gw.pid}/fd/{fd}")
    with open(f"/proc/{gw.pid}/maps", encoding="utf-8") as maps:
        assert "/env/" not in maps.read()


def test_the_master_key_is_made_once_and_closed_to_others(gw, master):
    said = put(gw, master)
    assert master in said.err
    info = os.stat(master)
    assert info.st_mode & 0o777 == 0o600 and info.st_uid == os.getuid()
    with open(master, encoding="ascii") as file:
        text = file.read()
    assert re.fullmatch(r"(#.*\n)+llm-gateway-master-1 [0-9a-f]{64}\n", text)
    assert master not in put(gw, master, "other").err
    with open(master, encoding="ascii") as file:
        assert file.read() == text
    assert os.listdir(os.path.dirname(master)) == ["master.key"]


def test_listing_shows_names_and_nothing_of_the_secrets(gw, master):
    put(gw, master, "openai")
    put(gw, master, "claude", "sk-ant-x")
    done = gw.ctl_json("secret", "list")
    assert [s["name"] for s in done["secrets"]] == ["claude", "openai"]
    assert set(done["secrets"][0]) == {"name", "set", "uid", "master"}
    assert done["secrets"][0]["uid"] == os.getuid()
    text = gw.ctl("secret", "list").out
    assert "openai" in text and "4711" not in text
    gone = gw.ctl_json("secret", "delete", "claude")
    assert gone == {"secret": {"name": "claude"}}
    again = gw.ctl("secret", "delete", "claude", json_out=True)
    assert again.code == 1 and again.json["error"]["code"] == "not_found"


@pytest.mark.parametrize("up", [False, True])
def test_it_works_with_the_gateway_up_and_down(gw, master, up):
    if up:
        gw.serve(gw.conf().four_providers().enable())
    made = json.loads(put(gw, master, "a", PLANTED, "--json").out)
    assert made["secret"]["name"] == "a"
    assert [s["name"] for s in gw.ctl_json("secret", "list")["secrets"]] == ["a"]
    assert gw.ctl_json("secret", "rotate", "--master-key", master)["rotated"]["secrets"] == 1
    ops = [e["op"] for e in gw.ctl_json("audit")["audit"]]
    assert ops[-2:] == ["secret.set", "secret.reseal"]
    assert gw.ctl("secret", "delete", "a").code == 0


def test_an_edit_sent_again_is_done_once(gw, master):
    put(gw, master)
    gw.serve(conf(gw, master))
    _, last = gw.ask_owner("secret.get", name="openai")
    sealed = last["done"]["sealed"]
    rows = []
    for _ in range(2):
        _, last = gw.ask_owner("secret.set", name="copy", sealed=sealed, id="the-same")
        rows.append(last["done"])
    assert "repeated" not in rows[0] and rows[1]["repeated"]


def test_what_is_no_secret_is_refused(gw, master):
    for text, word in (("", "empty"), ("a b", "not one word"), ("a\x01b", "not one word"),
                       ("x" * 9000, "too long")):
        done = gw.ctl("secret", "set", "x", "--master-key", master, stdin=text + "\n")
        assert done.code == 2 and word in done.err, done
    done = gw.ctl("secret", "set", "bad/name", "--master-key", master, stdin="x\n")
    assert done.code == 2 and "NAME" in done.err
    done = gw.ctl("secret", "set", "sk-" + "a1" * 20, "--master-key", master, stdin="x\n")
    assert done.code == 2 and "looks like a secret" in done.err
    assert not os.path.exists(master)


def test_the_terminal_does_not_show_it(gw, master):
    pid, fd = pty.fork()
    if not pid:
        os.execve(gw.env.ctl_program, ["llmgwctl", "--store", gw.store, "secret", "set", "typed",
                                       "--master-key", master], gw.environ())
    shown = b""
    while b"not shown" not in shown:
        shown += os.read(fd, 1000)
    os.write(fd, PLANTED.encode() + b"\n")
    try:
        while True:
            data = os.read(fd, 1000)
            if not data:
                break
            shown += data
    except OSError:
        pass
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0, shown
    os.close(fd)
    assert PLANTED.encode() not in shown and b"stored" in shown
    assert gw.ctl_json("secret", "list")["secrets"][0]["name"] == "typed"


def test_a_terminal_that_was_interrupted_shows_again(gw, master):
    pid, fd = pty.fork()
    if not pid:
        # a shell lets what it runs in the background ignore it
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.execve(gw.env.ctl_program, ["llmgwctl", "--store", gw.store, "secret", "set", "typed",
                                       "--master-key", master], gw.environ())
    shown = b""
    while b"not shown" not in shown:
        shown += os.read(fd, 1000)
    import termios
    assert not termios.tcgetattr(fd)[3] & termios.ECHO
    os.kill(pid, signal.SIGINT)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == -signal.SIGINT
    assert termios.tcgetattr(fd)[3] & termios.ECHO
    os.close(fd)


# ---- what goes wrong ---------------------------------------------------


def test_a_secret_that_is_not_there(gw, master):
    put(gw, master, "other")
    expect_error(gw, conf(gw, master), "there is no secret 'openai'",
                 "llmgwctl secret set openai")


def test_a_master_key_that_is_gone(gw, master):
    put(gw, master)
    os.rename(master, master + ".away")
    expect_error(gw, conf(gw, master), master, "No such file", "LLMMasterKey")
    done = gw.ctl("secret", "set", "x", "--master-key", master, stdin="x\n")
    assert done.code == 1 and "sealed with the master key" in done.err
    assert not os.path.exists(master)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660])
def test_a_master_key_that_others_may_read(gw, master, mode):
    put(gw, master)
    os.chmod(master, mode)
    expect_error(gw, conf(gw, master), master, "chmod 600")
    done = gw.ctl("secret", "set", "x", "--master-key", master, stdin="x\n")
    assert done.code == 1 and "chmod 600" in done.err


def test_a_master_key_of_somebody_else(gw, master):
    if os.getuid():
        pytest.skip("needs root, to give a file away")
    put(gw, master)
    os.chown(master, 65534, 65534)
    expect_error(gw, conf(gw, master), "belongs to user 65534")


def test_another_master_key(gw, master):
    put(gw, master)
    with open(master, "w", encoding="ascii") as file:
        file.write("llm-gateway-master-1 " + "5a" * 32 + "\n")
    expect_error(gw, conf(gw, master), "not the one it is sealed with", master)
    done = gw.ctl("secret", "set", "x", "--master-key", master, stdin="x\n")
    assert done.code == 1 and "is not the master key" in done.err
    done = gw.ctl("secret", "rotate", "--master-key", master)
    assert done.code == 1


@pytest.mark.parametrize("text, word", [
    ("", "no key in it"), ("llm-gateway-master-1 12\n", "64 hex digits"),
    ("secret\n", "expected lines"), ("x" * 600, "too long"),
    (3 * ("llm-gateway-master-1 " + "00" * 32 + "\n"), "more than two")])
def test_a_master_key_file_that_is_none(gw, master, text, word):
    put(gw, master)
    with open(master, "w", encoding="ascii") as file:
        file.write(text)
    expect_error(gw, conf(gw, master), "is not a master key file", word)


def test_a_sealed_secret_that_is_damaged(gw, master):
    """Changed in a bit, or moved to another name: neither opens."""
    put(gw, master)
    gw.serve(conf(gw, master))
    _, last = gw.ask_owner("secret.get", name="openai")
    sealed = bytearray.fromhex(last["done"]["sealed"])
    gw.ask_owner("secret.set", name="moved", sealed=bytes(sealed).hex())
    sealed[-20] ^= 1
    gw.ask_owner("secret.set", name="openai", sealed=bytes(sealed).hex())
    expect_error(gw, conf(gw, master), "damaged", "llmgwctl secret set openai")
    expect_error(gw, conf(gw, master, "moved"), "damaged")
    _, last = gw.ask_owner("secret.set", name="x", sealed="zz")
    assert last["error"]["code"] == "usage" and "sealed" in last["error"]["message"]


def test_names_that_are_none(gw, master):
    for name in ("", "a/b", "sk-" + "a1" * 20):
        code, said = gw.configtest(conf(gw, master, name))
        assert code != 0 and "expected secret: and the name" in said, said
        assert "a1a1a1a1a1a1" not in said
    code, said = gw.configtest(conf(gw, "relative.key"))
    assert code != 0 and "LLMMasterKey: expected a path that begins with '/'" in said


def test_a_configuration_is_tried_out_by_another_user(gw, master):
    if os.getuid():
        pytest.skip("needs root, to be somebody else")
    put(gw, master)
    gw.write_conf(conf(gw, master).text().replace(f'ErrorLog "{gw.root}/error.log"',
                                                  "ErrorLog /dev/null"))
    gw.own(gw.conf_path, 0o644)
    done = subprocess.run(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups",
                           *gw._httpd("-t")], capture_output=True, text=True, check=False,
                          env=gw.environ(), timeout=30)
    assert "is not checked by user 65534" in done.stderr, done.stderr
    assert "Syntax error on line" not in done.stderr


def test_stopping_needs_no_secret(gw, master):
    """"httpd -k stop" reads the configuration too."""
    put(gw, master)
    gw.serve(conf(gw, master))
    os.rename(master, master + ".away")
    done = subprocess.run(gw._httpd("-k", "stop"), capture_output=True, text=True, check=False,
                          env=gw.environ(), timeout=30)
    assert done.returncode == 0, done
    gw._process.wait(20)
    gw.stop()


# ---- where it is not ---------------------------------------------------


def memory_of(pid):
    """What a process may write to, as far as it can be read."""
    with open(f"/proc/{pid}/maps", encoding="utf-8") as maps, \
            open(f"/proc/{pid}/mem", "rb") as memory:
        for line in maps:
            place, rights = line.split()[:2]
            begin, end = (int(x, 16) for x in place.split("-"))
            if "rw" in rights and end - begin < 1 << 28:
                try:
                    memory.seek(begin)
                    yield memory.read(end - begin)
                except OSError:
                    continue


def test_it_is_in_no_file_no_argument_and_no_environment(gw, upstream, master):
    gw.tolerates("LLMGW0101")
    put(gw, master)
    gw.serve(conf(gw, master).add("LogLevel warn llm_gateway:trace8\nLLMRetries 0"))
    for script in ("", ";status=401", ";close"):
        gw.chat(f"openai/gpt-test{script}")
    gw.ctl("secret", "rotate", "--master-key", master)
    assert sent(upstream) == PLANTED
    assert gw.files_with(PLANTED.encode()) == []
    for pid in gw._group():
        for name in ("cmdline", "environ"):
            with open(f"/proc/{pid}/{name}", "rb") as file:
                assert PLANTED.encode() not in file.read()
    key = re.search(r"[0-9a-f]{64}", open(master, encoding="ascii").read())[0]
    assert gw.files_with(key.encode()) == [master]
    assert gw.files_with(bytes.fromhex(key)) == []


def test_the_owner_never_has_it(gw, upstream, master):
    """Its memory holds what is sealed; that of the children must have it."""
    if os.getuid():
        pytest.skip("needs root, to read other processes")
    put(gw, master)
    gw.serve(conf(gw, master))
    assert gw.chat("openai/gpt-test").status == 200
    key = bytes.fromhex(re.search(r"[0-9a-f]{64}", open(master, encoding="ascii").read())[0])
    owner = b"".join(memory_of(gw.owner_pid()))
    assert owner and PLANTED.encode() not in owner and key not in owner
    assert any(PLANTED.encode() in part for pid in gw.children() for part in memory_of(pid))
    assert not any(key in part for pid in [gw.pid, *gw.children()] for part in memory_of(pid))


def test_no_core_dump_has_it(gw, upstream, master):
    """Its pages are marked "dd": left out of dumps."""
    if os.getuid():
        pytest.skip("needs root, to read other processes")
    put(gw, master)
    gw.serve(conf(gw, master))
    for pid in [gw.pid, *gw.children()]:
        found, undumped = 0, set()
        with open(f"/proc/{pid}/smaps", encoding="utf-8") as smaps:
            place = None
            for line in smaps:
                if re.match(r"[0-9a-f]+-[0-9a-f]+ ", line):
                    place = line.split()[0]
                elif line.startswith("VmFlags:") and " dd" in line:
                    undumped.add(place)
        with open(f"/proc/{pid}/maps", encoding="utf-8") as maps, \
                open(f"/proc/{pid}/mem", "rb") as memory:
            for line in maps:
                place, rights = line.split()[:2]
                begin, end = (int(x, 16) for x in place.split("-"))
                if "rw" not in rights or end - begin > 1 << 28:
                    continue
                try:
                    memory.seek(begin)
                    here = PLANTED.encode() in memory.read(end - begin)
                except OSError:
                    continue
                if here and place in undumped:
                    found += 1
                elif here:
                    # what a request made of it for the wire, in a pool
                    assert pid != gw.pid, f"in the parent at {place}"
        assert found, f"pid {pid}"


# ---- rotating ----------------------------------------------------------


def test_rotation_killed_anywhere_goes_on(gw, upstream, master):
    """After each kill the file still opens all secrets, and in the end there is
    one key, which is a new one."""
    names = [f"s{i}" for i in range(12)]
    for name in names:
        put(gw, master, name, f"sk-of-{name}")
    gw.serve(gw.conf().four_providers().enable())
    first = {s["master"] for s in gw.ctl_json("secret", "list")["secrets"]}
    dice, killed, tries = random.Random(4711), 0, 0
    began = time.time()
    assert gw.ctl("secret", "rotate", "--master-key", master).code == 0
    whole = time.time() - began     # how long it takes here and now
    while killed < 10:
        tries += 1
        assert tries < 200, "it cannot be killed in time"
        process = subprocess.Popen(
            [gw.env.ctl_program, "--store", gw.store, "secret", "rotate", "--master-key", master],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=gw.environ())
        time.sleep(dice.random() * whole)
        process.kill()
        killed += process.wait() == -signal.SIGKILL
        keys = re.findall(r"[0-9a-f]{64}", open(master, encoding="ascii").read())
        assert 1 <= len(keys) <= 2
    assert gw.ctl("secret", "rotate", "--master-key", master).code == 0
    assert gw.ctl("secret", "rotate", "--master-key", master).code == 0
    assert len(re.findall(r"[0-9a-f]{64}", open(master, encoding="ascii").read())) == 1
    last = {s["master"] for s in gw.ctl_json("secret", "list")["secrets"]}
    assert len(last) == 1 and not last & first
    for name in names[:3]:
        gw.serve(conf(gw, master, name))
        assert gw.chat("openai/gpt-test").status == 200
        assert sent(upstream) == f"sk-of-{name}"
