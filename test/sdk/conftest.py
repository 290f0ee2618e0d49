# SPDX-License-Identifier: Apache-2.0
"""Installs the SDKs into the build folder and serves a gateway for them.

The versions are pinned in requirements.txt and package.json. Where they are
not installed and cannot be fetched, the tests are skipped and say so.
"""
import concurrent.futures
import dataclasses
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import time

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "httpd"))

import env as environment      # noqa: E402  (found by the line above)
import matrix                  # noqa: E402
import sdks                    # noqa: E402
from served import Served      # noqa: E402
from upstream import Upstream  # noqa: E402


def pytest_addoption(parser):
    parser.addoption("--matrix", metavar="FILE", help="write the table of SDKs there")
    parser.addoption("--whole", action="store_true",
                     help="try everything on every provider, not a few things on some")


def pytest_configure(config):
    matrix.register(config)


@pytest.fixture(scope="session")
def env():
    try:
        found = environment.Env()
    except environment.NotBuilt as missing:
        pytest.exit(str(missing), returncode=2)
    yield found
    found.remove()


@pytest.fixture(scope="session")
def gateway(env):
    """One gateway for all SDKs: every provider, scripted."""
    provider = Upstream()
    gateway = Served(env, provider)
    yield gateway
    gateway.stop()
    provider.stop()


def _fetch(name, folder, pins, *commands):
    """Run the commands once for these pins; why it did not work, or None."""
    with open(pins, "rb") as file:
        wanted = hashlib.sha256(file.read()).hexdigest()
    marker = os.path.join(folder, ".installed")
    if os.path.exists(marker):
        with open(marker, encoding="ascii") as file:
            if file.read() == wanted:
                return None
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    for command in commands:
        try:
            done = subprocess.run(command, cwd=folder, text=True, capture_output=True,
                                  timeout=600, check=False)
        except (OSError, subprocess.TimeoutExpired) as failed:
            return f"{name}: {failed}"
        if done.returncode:
            lines = (done.stderr or done.stdout).strip().splitlines()
            return f"{name} could not be installed: {lines[-1] if lines else command[0]}"
    with open(marker, "w", encoding="ascii") as file:
        file.write(wanted)
    return None


@pytest.fixture(scope="session")
def python_sdk(env):
    """The interpreter that has the Python SDKs."""
    folder = os.path.join(env.build, "sdk", "python")
    python = os.path.join(folder, "venv", "bin", "python")
    pins = os.path.join(HERE, "requirements.txt")
    why = _fetch("the Python SDKs", folder, pins,
                 [sys.executable, "-m", "venv", "venv"],
                 [python, "-m", "pip", "install", "-q", "--disable-pip-version-check",
                  "-r", pins])
    if why:
        pytest.skip(why)
    return [python]


@pytest.fixture(scope="session")
def node_sdk(env):
    """The command that runs a script with the JavaScript SDKs."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if not node or not npm:
        pytest.skip("the JavaScript SDKs need node and npm")
    folder = os.path.join(env.build, "sdk", "node")
    pins = os.path.join(HERE, "package.json")
    why = _fetch("the JavaScript SDKs", folder, pins,
                 ["cp", pins, "."],
                 [npm, "install", "--silent", "--no-audit", "--no-fund", "--no-package-lock"])
    if why:
        pytest.skip(why)
    # node looks for packages beside the script.
    for name in os.listdir(HERE):
        if name.endswith(".mjs"):
            shutil.copy(os.path.join(HERE, name), folder)
    return [node]


class Drivers:
    """Runs each SDK once, through all that was chosen of it; two at a time,
    since much of the time is waiting."""

    def __init__(self, gateway, commands, chosen):
        self.gateway = gateway
        self.serials = {sdk: i + 1 for i, sdk in enumerate(chosen)}
        self.seconds = {}
        self.faults = set()    # what the provider found wrong with the gateway
        self._left = set()     # "model;seed=serial" of streams seen to be left
        self._backs = {}       # the same: what came after calls of a model that thinks
        self._looked_at = set()
        self._pool = concurrent.futures.ThreadPoolExecutor(2)
        self._runs = {sdk: self._pool.submit(self._run, sdk, commands[sdk], what)
                      for sdk, what in chosen.items() if sdk in commands}

    def _run(self, sdk, command, scenarios):
        secure = sdks.SDKS[sdk].secure
        given = {"url": self.gateway.secure if secure else self.gateway.url,
                 "key": self.gateway.key(),
                 "row": sdk.partition(":")[2], "serial": self.serials[sdk],
                 "targets": [{"provider": p, **dataclasses.asdict(sdks.PROVIDERS[p]),
                              "thinker": f"{sdks.PROVIDERS[p].thinker};seed={self.serials[sdk]}",
                              "only": scenarios[p]} for p in sorted(scenarios)]}
        trust = {name: self.gateway.authority for name in sdks.AUTHORITIES} if secure else {}
        began = time.time()
        done = subprocess.run(command, text=True, capture_output=True, timeout=300,
                              check=False, input=json.dumps(given),
                              env={**os.environ, **trust})
        self.seconds[sdk] = time.time() - began
        if done.returncode:
            raise RuntimeError(f"{sdk}: {done.stderr[-2000:]}")
        return json.loads(done.stdout.splitlines()[-1])

    def of(self, sdk):
        told = self._runs[sdk].result()
        if sdk not in self._looked_at:
            self._look(sdk)
        if self.faults:
            pytest.fail(f"the provider found the gateway at fault: {sorted(self.faults)[:5]}",
                        pytrace=False)
        return told

    def _look(self, sdk):
        """At what the provider saw so far: faults, and whose streams were
        left before their end, by the serials in their models' names."""
        self._looked_at.add(sdk)
        for one in self.gateway.upstream.seen():
            self.faults.update(f"{one.path}: {fault}" for fault in one.faults)
            where = one.path + one.body.decode("utf-8", "replace")
            if "result of get_weather" in where:
                self._backs.update(dict.fromkeys(
                    re.findall(r"([^/\"]+;seed=\d+)(?=[\":/])", where), one))
            if one.peer_left:
                self._left.update(re.findall(r"([^/\"]+;seed=\d+);events=400", where))

    def back(self, sdk, provider):
        """The request in which what the provider's model thought came back."""
        name = sdks.PROVIDERS[provider].thinker.rpartition("/")[2]
        return self._backs[f"{name};seed={self.serials[sdk]}"].json

    def was_left(self, sdk, provider):
        """Did the provider see that nobody reads its endless stream?"""
        name = sdks.PROVIDERS[provider].model.rpartition("/")[2]
        mark = f"{name};seed={self.serials[sdk]}"
        for _ in range(30):
            if mark in self._left:
                return True
            time.sleep(0.2)
            self._look(sdk)
        return False

    def stop(self):
        self._pool.shutdown(cancel_futures=True)


def _chosen(items):
    """{sdk: {provider: [scenarios]}} of the tests that will run."""
    chosen = {}
    for item in items:
        params = getattr(getattr(item, "callspec", None), "params", {})
        if {"sdk", "provider", "scenario"} <= set(params):
            providers = chosen.setdefault(params["sdk"], {})
            providers.setdefault(params["provider"], []).append(params["scenario"])
    return chosen


def pytest_generate_tests(metafunc):
    if {"sdk", "provider", "scenario"} <= set(metafunc.fixturenames):
        whole = metafunc.config.getoption("--whole")
        metafunc.parametrize("sdk, provider, scenario", list(sdks.cells(whole)))


@pytest.fixture(scope="session")
def commands(env, request):
    """{sdk: what runs its driver} of those that are installed, and why others
    are not."""
    found, missing = {}, {}
    for sdk in _chosen(request.session.items):
        script = "drive_" + sdk.partition(":")[0]
        language = "python" if script.endswith(".py") else "node"
        if language in missing:
            missing[sdk] = missing[language]
            continue
        try:
            command = request.getfixturevalue(f"{language}_sdk")
        except pytest.skip.Exception as why:
            missing[language] = missing[sdk] = str(why)
            continue
        folder = HERE if language == "python" else os.path.join(env.build, "sdk", "node")
        found[sdk] = [*command, os.path.join(folder, script)]
    return found, missing


@pytest.fixture(scope="session")
def drivers(gateway, commands, request):
    running = Drivers(gateway, commands[0], _chosen(request.session.items))
    yield running
    running.stop()
    if os.environ.get("LLMGW_KEEP"):
        print(running.seconds)


@pytest.fixture
def driven(drivers, commands):
    """What an SDK gave: {provider: {scenario: ...}}."""
    def of(sdk):
        if sdk in commands[1]:
            pytest.skip(commands[1][sdk])
        return drivers.of(sdk)
    return of


@pytest.fixture
def left(drivers):
    return drivers.was_left


@pytest.fixture
def back(drivers):
    return drivers.back
