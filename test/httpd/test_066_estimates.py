# SPDX-License-Identifier: Apache-2.0
"""Tokens that are estimated come near what the providers counted: by provider in
sum, over the recorded exchanges, with a vocabulary where there is one and
without. tokens/accuracy.py says what is compared and what the limits are."""
import os
import subprocess
import sys

import pytest

from env import SOURCES
from recorded import WHY_NOT, folder

VOCABULARY = os.environ.get("LLMGW_VOCABULARY", "")


@pytest.mark.parametrize("vocabulary", [VOCABULARY, "-"], ids=["vocabulary", "without"])
def test_estimates_are_near_what_providers_count(gw, vocabulary):
    encode = os.path.join(gw.env.build, "test", "tokens", "encode")
    if not folder():
        pytest.skip(WHY_NOT)
    if not os.path.exists(encode):
        pytest.skip("test/tokens/encode was not built: make check builds it")
    if vocabulary != "-" and not os.path.exists(vocabulary):
        pytest.skip("LLMGW_VOCABULARY names no vocabulary")
    done = subprocess.run(
        [sys.executable, os.path.join(SOURCES, "test", "tokens", "accuracy.py"), "--check",
         encode, vocabulary, folder()],
        text=True, capture_output=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
