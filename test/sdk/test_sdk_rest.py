# SPDX-License-Identifier: Apache-2.0
"""What OpenAI has besides chats, called with its own SDKs: completions,
moderation, images, sound, files, batches.
"""
import json
import os
import subprocess

import pytest

from env import Gateway
from upstream import Upstream

HERE = os.path.dirname(os.path.abspath(__file__))
SAID = "4000 bytes of sound"
WANTED = {
    "completion": ["You said: hello", True],
    "completion_of_a_chat": ["You said: hello", "stop", "text_completion"],
    "completion_streamed": ["You said: hello", True],
    "moderation": [False, True],
    "image": [2, 2112],
    "image_streamed": ["image_generation.partial_image", "image_generation.completed"],
    "image_edited": 1,
    "speech": ["audio/mpeg", True],
    "transcription": [SAID, 59],
    "transcription_streamed": "transcript.text.done",
    "translation": SAID,
    "file_and_batch": ["completed", "{}\n", True, True, True, True],
    "refused": [400, "prompt"],
}


@pytest.fixture(scope="module")
def gateway(env):
    """One that has a single provider to keep files and batches."""
    provider = Upstream()
    gateway = Gateway(env, provider, "rest")
    gateway.serve(gateway.conf().four_providers().enable())
    yield gateway
    gateway.stop()
    provider.stop()


def drive(gateway, command):
    done = subprocess.run(command, text=True, capture_output=True, timeout=120, check=False,
                          input=json.dumps({"url": gateway.url, "key": gateway.key()}))
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture(scope="module")
def python_told(gateway, python_sdk):
    return drive(gateway, [*python_sdk, os.path.join(HERE, "drive_rest.py")])


@pytest.fixture(scope="module")
def node_told(gateway, env, node_sdk):
    return drive(gateway, [*node_sdk, os.path.join(env.build, "sdk", "node", "drive_rest.mjs")])


@pytest.mark.parametrize("call", WANTED)
def test_the_python_sdk(python_told, call):
    assert python_told[call] == WANTED[call]


@pytest.mark.parametrize("call", WANTED)
def test_the_javascript_sdk(node_told, call):
    assert node_told[call] == WANTED[call]
