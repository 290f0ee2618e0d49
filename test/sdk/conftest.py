# SPDX-License-Identifier: Apache-2.0
"""Installs the SDKs into the build folder and serves a gateway for them.

The versions are pinned in requirements.txt and package.json. Where they are
not installed and cannot be fetched, the tests are skipped and say so.
"""
import hashlib
import json
import os
import shutil
import subprocess
import sys

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "httpd"))

import env as environment      # noqa: E402  (found by the line above)
from upstream import Upstream  # noqa: E402


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
    gateway = environment.Gateway(env, provider, "sdk")
    gateway.serve(gateway.conf().four_providers().model("smart", "openai gpt-test")
                  .enable())
    gateway.key()
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
                                  timeout=300, check=False)
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


@pytest.fixture(scope="session")
def drive(gateway, request):
    """Runs an SDK through all scenarios on one provider, once."""
    known = {}

    def run(sdk, model, embedding):
        if (sdk, model) not in known:
            script = f"drive_{sdk}"
            if sdk.endswith(".py"):
                command = [*request.getfixturevalue("python_sdk"), os.path.join(HERE, script)]
            else:
                command = [*request.getfixturevalue("node_sdk"), os.path.join(
                    gateway.env.build, "sdk", "node", script)]
            done = subprocess.run(
                command, text=True, capture_output=True, timeout=120, check=False,
                input=json.dumps({"url": gateway.url, "key": gateway.key(), "model": model,
                                  "embedding": embedding}))
            assert done.returncode == 0, done.stderr
            known[sdk, model] = json.loads(done.stdout)
            faults = gateway.upstream.faults()
            gateway.upstream.reset()
            assert not faults, f"the provider found the gateway at fault: {faults}"
        return known[sdk, model]
    return run
