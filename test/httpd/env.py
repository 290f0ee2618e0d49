# SPDX-License-Identifier: Apache-2.0
"""A real httpd with the module from the build tree, and llmgwctl beside it.

Env knows what is installed and what was built; a Gateway is one httpd with
its own folder, port and store. Set in the environment:

    LLMGW_BUILD     build folder (default: build/test, build or . of the sources)
    LLMGW_HTTPD     httpd to use (default: the distribution's)
    LLMGW_ASAN=1    the module is built with --enable-asan
    LLMGW_KEEP=1    leave the folders of the tests behind
    LLMGW_RECORDED  recorded exchanges (default: ../shared/recorded)
"""
import glob
import grp
import json
import os
import pwd
import random
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time

import client
from client import as_bytes, wait_for
from conf import Conf

SOURCES = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                        "..", ".."))

# Where libtool leaves it; the second for builds without libtool.
MODULE = ("mod_llm_gateway/.libs/mod_llm_gateway.so", "mod_llm_gateway/mod_llm_gateway.so")

# What the scripted provider is called with; no gateway key looks like these.
PROVIDER_KEYS = {"TEST_OPENAI_KEY": "sk-test-openai", "TEST_ANTHROPIC_KEY": "sk-ant-test",
                 "TEST_GEMINI_KEY": "AIza-test", "TEST_HUGGINGFACE_KEY": "hf_test",
                 "TEST_COHERE_KEY": "co-test", "TEST_OLLAMA_KEY": "ollama-test",
                 "TEST_AZURE_KEY": "azure-test", "TEST_CLOUD_TOKEN": "cloud-test",
                 "TEST_BEDROCK_KEY": "AKIDTEST:secret/test+key:session-test"}

# Of a usage record; see llm_record.h.
FLAGS = ["stream", "aborted", "killed", "estimated", "unpriced", "cached", "filter", "native",
         "anonymous", "guessed", "rerated"]

PRICES = {
    "as_of": "2026-01-15", "currency": "USD", "unit": "per_million",
    "models": [
        {"provider": "openai", "model": "gpt-test*", "input": "2.50",
         "cache_read": "1.25", "output": "10.00"},
        {"provider": "anthropic", "model": "claude-test*", "input": "3.00",
         "cache_read": "0.30", "cache_write": "3.75", "output": "15.00"},
        {"provider": "gemini", "model": "gemini-test*", "input": "0.30",
         "output": "2.50", "tiers": [{"above": 200000, "input": "0.60",
                                      "output": "5.00"}]}]}


class NotBuilt(Exception):
    """What the tests need is not there."""


def free_port():
    """A port that nobody else takes meanwhile: below those that the system gives
    to connections, one of which would have it by the time a server starts."""
    while True:
        port = random.SystemRandom().randrange(12000, 32000)
        with socket.socket() as s:
            try:
                s.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


class Env:
    """What is installed and what was built; finds it once."""

    def __init__(self):
        self.build = self._find_build()
        self.module = self._built(*MODULE)
        self.ctl_program = self._built("llmgwctl/llmgwctl")
        self.httpd = os.environ.get("LLMGW_HTTPD") or self._first(
            shutil.which(n, path=os.environ["PATH"] + ":/usr/sbin:/usr/local/sbin")
            for n in ("apache2", "httpd"))
        self.modules = self._first(p for p in (
            os.environ.get("LLMGW_HTTPD_MODULES"), "/usr/lib/apache2/modules",
            "/usr/lib64/httpd/modules", "/usr/local/apache2/modules")
            if p and os.path.isdir(p))
        self.asan = os.environ.get("LLMGW_ASAN") == "1"
        self.user, self.group = self._account()
        self._static = self._static_modules()
        self.version = self._run_httpd("-v").stdout.splitlines()[0]
        self.folder = tempfile.mkdtemp(prefix="llmgw-test-")
        os.chmod(self.folder, 0o755)

    @staticmethod
    def _find_build():
        tried = [os.environ.get("LLMGW_BUILD"), *(os.path.join(SOURCES, d)
                                                  for d in ("build/test", "build", "."))]
        for path in tried:
            if path and any(os.path.exists(os.path.join(path, m)) for m in MODULE):
                return os.path.abspath(path)
        raise NotBuilt("mod_llm_gateway.so was not found: set LLMGW_BUILD to the folder "
                       "it was built in")

    def _built(self, *names):
        for name in names:
            path = os.path.join(self.build, name)
            if os.path.exists(path):
                return path
        raise NotBuilt(f"{names[0]} is not in {self.build}")

    @staticmethod
    def _first(found):
        for path in found:
            if path:
                return path
        raise NotBuilt("no httpd and its modules were found (apt-get install apache2)")

    @staticmethod
    def _account():
        """Who httpd runs as: the distribution's account when started by root."""
        if os.getuid():
            return pwd.getpwuid(os.getuid()).pw_name, grp.getgrgid(os.getgid()).gr_name
        for name in ("www-data", "apache", "nobody"):
            try:
                account = pwd.getpwnam(name)
                return name, grp.getgrgid(account.pw_gid).gr_name
            except KeyError:
                continue
        raise NotBuilt("no account for httpd: www-data or apache")

    def _static_modules(self):
        found = re.findall(r"\bmod_(\w+)\.c\b", self._run_httpd("-l").stdout)
        return set(found) | {"core"}

    def module_path(self, name):
        """The .so of a module; None where httpd has it built in."""
        if name == "llm_gateway":
            return self.module
        path = os.path.join(self.modules, f"mod_{name}.so")
        if os.path.exists(path):
            return path
        assert name in self._static, f"mod_{name} is not installed"
        return None

    def environ(self, folder=None):
        """The environment of httpd and llmgwctl: nothing of the tester's own."""
        keep = {k: v for k, v in os.environ.items()
                if k in ("PATH", "HOME", "LANG", "TMPDIR", "LD_LIBRARY_PATH")}
        keep.update(PROVIDER_KEYS)
        if self.asan:
            logs = f"log_path={folder or self.folder}/asan/report"
            keep["ASAN_OPTIONS"] = f"detect_leaks=0:{logs}"
            keep["UBSAN_OPTIONS"] = f"print_stacktrace=1:{logs}"
            keep["LD_PRELOAD"] = subprocess.run(
                ["gcc", "-print-file-name=libasan.so"], check=True, text=True,
                stdout=subprocess.PIPE).stdout.strip()
        return keep

    def _run_httpd(self, *args):
        return subprocess.run([self.httpd, *args], text=True, check=False, timeout=60,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              env={k: v for k, v in os.environ.items()
                                   if k != "LD_PRELOAD"})

    def remove(self):
        if os.environ.get("LLMGW_KEEP") != "1":
            shutil.rmtree(self.folder, ignore_errors=True)


class CtlResult:
    """What a run of llmgwctl gave."""

    def __init__(self, done):
        self.code = done.returncode
        self.out = done.stdout
        self.err = done.stderr

    @property
    def json(self):
        try:
            return json.loads(self.out)
        except ValueError:
            raise AssertionError(f"not JSON (exit {self.code}): {self.out[:300]!r} "
                                 f"{self.err[:300]!r}") from None

    def __repr__(self):
        return f"<exit {self.code} out={self.out!r} err={self.err!r}>"


class Gateway:
    """One httpd with the module, its folder, its store, its log."""

    def __init__(self, env, upstream, name="gw"):
        self.env = env
        self.upstream = upstream
        self.port = free_port()
        self.root = os.path.join(env.folder, name)
        self.store = os.path.join(self.root, "store")
        self.prices = os.path.join(self.root, "prices.json")
        self.conf_path = os.path.join(self.root, "httpd.conf")
        for folder in ("", "htdocs", "run", "asan"):
            os.makedirs(os.path.join(self.root, folder), exist_ok=True)
        os.chmod(os.path.join(self.root, "asan"), 0o777)
        self.write_prices(PRICES)
        self._process = None
        self._running_conf = None
        self._log_at = 0          # how far the error log was looked at
        self._keys = {}
        self.extra_environ = {}
        self.new_store()

    # -- folder and store ----------------------------------------------

    def own(self, path, mode):
        """Give a path to the account httpd runs as."""
        os.chmod(path, mode)
        if os.getuid() == 0:
            shutil.chown(path, self.env.user, self.env.group)

    def new_store(self):
        """An empty store folder; the old one, if any, goes away."""
        assert not self.is_running(), "stop httpd before its store is replaced"
        shutil.rmtree(self.store, ignore_errors=True)
        os.makedirs(self.store)
        self.own(self.store, 0o750)
        self._keys = {}
        self._running_conf = None

    def write_prices(self, prices):
        with open(self.prices, "w", encoding="utf-8") as out:
            json.dump(prices, out)
        os.chmod(self.prices, 0o644)

    def file(self, name, content, mode=0o600, owner=None):
        """A file in this gateway's folder, for keys and the like."""
        path = os.path.join(self.root, name)
        with open(path, "w", encoding="utf-8") as out:
            out.write(content)
        os.chmod(path, mode)
        if owner and os.getuid() == 0:
            shutil.chown(path, owner)
        return path

    # -- httpd ---------------------------------------------------------

    def conf(self, text="", modules=()):
        return Conf(self, text, modules)

    def environ(self):
        return {**self.env.environ(self.root), **self.extra_environ}

    def _httpd(self, *args, conf_path=None):
        return [self.env.httpd, "-d", self.root, "-f", conf_path or self.conf_path, *args]

    def write_conf(self, conf):
        text = conf if isinstance(conf, str) else conf.text()
        with open(self.conf_path, "w", encoding="utf-8") as out:
            out.write(text)
        return text

    def configtest(self, conf):
        """`httpd -t`: its exit code and what it said."""
        self.write_conf(conf)
        done = subprocess.run(self._httpd("-t"), text=True, check=False, timeout=60,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              env=self.environ())
        self._running_conf = None
        return done.returncode, done.stdout

    def serve(self, conf):
        """Run with this configuration; what runs with it already stays."""
        text = conf.text()
        if self.is_running() and text == self._running_conf \
                and not self.extra_environ_changed():
            return self
        self.stop()
        self.start(conf)
        return self

    def extra_environ_changed(self):
        return self.extra_environ != self._started_environ

    def start(self, conf=None):
        assert not self.is_running()
        if conf is not None:
            self._running_conf = self.write_conf(conf)
        self._started_environ = dict(self.extra_environ)
        with open(os.path.join(self.root, "console.log"), "wb") as console:
            # Its own session: httpd signals its whole process group.
            self._process = subprocess.Popen(
                self._httpd("-DFOREGROUND"), env=self.environ(), stdout=console,
                stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                start_new_session=True)
        wait_for(self._answers, 30, f"httpd to start\n{self.console()}")
        return self

    def _answers(self):
        code = self._process.poll()
        assert code is None, (f"httpd did not start (exit {code}):\n{self.console()}\n"
                              f"{self.log_tail()}")
        # The port is open long before anybody answers there.
        try:
            request = client.request_bytes("OPTIONS", "*", [], None, "localhost")
            client.Stream(("127.0.0.1", self.port), request, 30).hang_up()
        except (OSError, client.Broken):
            return False
        return True

    def console(self):
        """What httpd said before it had a log."""
        try:
            with open(os.path.join(self.root, "console.log"), encoding="utf-8",
                      errors="replace") as log:
                return log.read()[-4000:]
        except FileNotFoundError:
            return ""

    def is_running(self):
        return self._process is not None and self._process.poll() is None

    def stop(self):
        """By TERM; waits for it to be gone, its store's owner included."""
        if self._process is None:
            return
        if self._process.poll() is None:
            self._process.terminate()
        try:
            self._process.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait(10)
            raise AssertionError("httpd did not stop within 30 s of TERM") from None
        wait_for(lambda: not self._group(), 20, "httpd's processes to be gone")
        self._process = None
        self._running_conf = None

    def restart(self, conf=None):
        self.stop()
        return self.start(conf)

    def graceful(self, conf=None):
        """USR1: new children, old ones end their requests."""
        if conf is not None:
            self._running_conf = self.write_conf(conf)
        os.kill(self.pid, signal.SIGUSR1)

    def kill_everything(self):
        """kill -9 of httpd, its children and the store's owner at once."""
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(10)
        wait_for(lambda: not self._group(), 10, "the killed to be gone")
        self._process = None
        self._running_conf = None

    @property
    def pid(self):
        return self._process.pid

    def _group(self):
        """Pids of this httpd's session that live."""
        if self._process is None:
            return []
        pids = []
        for stat in glob.glob("/proc/[0-9]*/stat"):
            try:
                with open(stat, encoding="utf-8", errors="replace") as file:
                    fields = file.read().rpartition(")")[2].split()
            except OSError:
                continue
            if int(fields[3]) == self._process.pid and fields[0] != "Z":
                pids.append(int(stat.split("/")[2]))
        return [p for p in pids if p != self._process.pid or self.is_running()]

    def owner_pid(self):
        """The store's owner: whoever locks store.lock."""
        inode = os.stat(os.path.join(self.store, "store.lock")).st_ino
        with open("/proc/locks", encoding="ascii") as locks:
            for line in locks:
                fields = line.split()
                if fields[1] == "POSIX" and fields[5].endswith(f":{inode}"):
                    return int(fields[4])
        return None

    def children(self):
        """Pids of the worker processes: without parent and store owner."""
        owner = self.owner_pid()
        return [p for p in self._group() if p not in (self.pid, owner)]

    # -- requests ------------------------------------------------------

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def open(self, method, target, body=None, headers=(), key=True, timeout=20):
        """A request under way, as a Stream. key: True for this gateway's own
        client key, None for no credentials, or the key itself."""
        headers = list(headers.items() if isinstance(headers, dict) else headers)
        names = {k.lower() for k, _ in headers}
        if key:
            secret = self.key() if key is True else key
            headers.insert(0, ("Authorization", f"Bearer {secret}"))
        if body is not None and "content-type" not in names:
            headers.append(("Content-Type", "application/json"))
        request = client.request_bytes(method, target, headers, as_bytes(body),
                                       f"127.0.0.1:{self.port}")
        return client.Stream(("127.0.0.1", self.port), request, timeout)

    def send(self, method, target, body=None, headers=(), key=True, timeout=20):
        """A request and its whole Reply."""
        with self.open(method, target, body, headers, key, timeout) as stream:
            return stream.rest()

    def post(self, target, body, headers=(), key=True, timeout=20):
        return self.send("POST", target, body, headers, key, timeout)

    def get(self, target, headers=(), key=True):
        return self.send("GET", target, None, headers, key)

    def chat(self, model, text="hello", key=True, headers=(), timeout=20, **more):
        """A chat completion in OpenAI's form."""
        return self.post("/v1/chat/completions", {
            "model": model, "messages": [{"role": "user", "content": text}], **more},
            headers, key, timeout)

    def messages(self, model, text="hello", key=True, headers=(), timeout=20, **more):
        """A message in Anthropic's form."""
        return self.post("/v1/messages", {
            "model": model, "max_tokens": 1000,
            "messages": [{"role": "user", "content": text}], **more},
            [("anthropic-version", "2023-06-01"), *headers], key, timeout)

    # -- llmgwctl and the store ----------------------------------------

    def ctl(self, *args, store=True, json_out=False, stdin=None):
        command = [self.env.ctl_program]
        if store:
            command += ["--store", self.store]
        if json_out:
            command.append("--json")
        return CtlResult(subprocess.run(
            [*command, *map(str, args)], text=True, check=False, timeout=60, input=stdin,
            capture_output=True, env=self.environ()))

    def ctl_json(self, *args):
        done = self.ctl(*args, json_out=True)
        assert done.code == 0, done
        return done.json

    def key(self, name="tester", *options):
        """A client key of that name; made when first asked for."""
        if name not in self._keys:
            made = self.ctl_json("key", "create", name, *options)
            self._keys[name] = made["secret"]
        return self._keys[name]

    def ask_owner(self, op, **members):
        """A command over the owner's socket: its rows and its last line."""
        with self._owner_socket() as sock:
            sock.sendall(as_bytes({"op": op, "id": os.urandom(8).hex(), **members}) + b"\n")
            rows, pending = [], b""
            while True:
                data = sock.recv(65536)
                assert data, "the owner closed the connection without an answer"
                pending += data
                *lines, pending = pending.split(b"\n")
                for line in lines:
                    doc = json.loads(line)
                    if "row" not in doc:
                        return rows, doc
                    rows.append(doc["row"])

    def _owner_socket(self, seconds=8):
        """A connection to the owner, which may be starting just now."""
        def connect():
            sock = socket.socket(socket.AF_UNIX)
            sock.settimeout(20)
            try:
                sock.connect(os.path.realpath(os.path.join(self.store, "owner.sock")))
                return sock
            except OSError:
                sock.close()
                return None
        return wait_for(connect, seconds, "the store's owner to answer")

    def records(self, limit=100000):
        """All usage records, oldest first; each flag a member of its own."""
        rows, last = self.ask_owner("events", limit=limit)
        assert "done" in last, last
        return [{**r, "id": r["request_id"], **{f: f in r["flags"] for f in FLAGS}}
                for r in rows]

    def records_of(self, request_id, among=60):
        """Those of a request among the latest ones."""
        return [r for r in self.records(among) if r["id"] == request_id]

    def record(self, reply_or_id, seconds=5):
        """The one usage record of a request. Waits for the owner to have
        drained it; two of them are an error."""
        request_id = getattr(reply_or_id, "id", reply_or_id)
        assert request_id, f"no request id: {reply_or_id!r}"
        found = wait_for(lambda: self.records_of(request_id), seconds,
                         f"the usage record of {request_id}")
        assert len(found) == 1, found
        return found[0]

    def access(self, request_id, seconds=3):
        """The access log's line of a request."""
        def lines():
            try:
                with open(os.path.join(self.root, "access.log"), encoding="utf-8") as log:
                    return [json.loads(x) for x in log if request_id in x]
            except FileNotFoundError:
                return []
        return wait_for(lines, seconds, f"an access log line of {request_id}")[-1]

    def files_with(self, data):
        """Files of this gateway, logs and store included, that hold some bytes."""
        found = []
        for folder, _, names in os.walk(self.root):
            for path in (os.path.join(folder, n) for n in names):
                if os.path.isfile(path):
                    with open(path, "rb") as file:
                        if data in file.read():
                            found.append(path)
        return found

    # -- logs ----------------------------------------------------------

    def _log(self):
        try:
            with open(os.path.join(self.root, "error.log"), encoding="utf-8",
                      errors="replace") as log:
                return log.read()
        except FileNotFoundError:
            return ""

    def log_tail(self):
        return self._log()[-4000:]

    def recent_log(self):
        """Lines of the error log that no test has looked at yet."""
        return self._log()[self._log_at:].splitlines()

    def forget_log(self):
        self._log_at = len(self._log())

    def recent_trouble(self):
        """Of those, the warnings and worse, crashes of children (which httpd
        calls a notice), and what has no level at all.

        Between TERM and the end httpd's event MPM may close sockets that its
        threads are just freeing (all of it in mod_mpm_event's own stack):
        that is not counted. The parent may tell of the child before it tells
        of the signal.
        """
        bad = re.compile(r"^\[[^]]*\] \[\S*:(emerg|alert|crit|error|warn)\]|exit signal")
        good = re.compile(r"^\[[^]]*\] \[\S*:(notice|info|debug|trace\d)\]")
        trouble, ending = [], False
        lines = self.recent_log()
        for at, line in enumerate(lines):
            if any("caught SIGTERM" in near for near in lines[at:at + 4]):
                ending = True
            elif "resuming normal operations" in line:
                ending = False
            if ending and re.search(r"AH03092|AH0005[12]:.*Segmentation fault", line):
                continue
            if bad.search(line) or not good.match(line):
                trouble.append(line)
        return trouble

    def sanitizer_reports(self):
        reports = []
        for path in sorted(glob.glob(os.path.join(self.root, "asan", "*"))):
            with open(path, encoding="utf-8", errors="replace") as report:
                reports.append(report.read()[:6000])
            os.unlink(path)
        return reports
