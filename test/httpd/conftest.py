# SPDX-License-Identifier: Apache-2.0
"""Fixtures: `gw` is a gateway to serve a configuration with, `upstream` the
scripted provider behind it.

Each test ends with a look at the error log: a warning or worse that the test
did not announce fails it, and so does one it announced that did not come.

    gw.expects("LLMGW0042")        must be logged, by tag or by a pattern
    gw.tolerates("AH00957")        may be logged
"""
import re

import pytest

import env as environment
import pairs
from upstream import Upstream


def pytest_addoption(parser):
    parser.addoption("--pairs", metavar="FILE", help="write the table of pairs there")


def pytest_configure(config):
    pairs.register(config)


@pytest.fixture(scope="session")
def env():
    try:
        found = environment.Env()
    except environment.NotBuilt as missing:
        pytest.exit(str(missing), returncode=2)
    yield found
    found.remove()


@pytest.fixture(scope="session")
def _session_upstream():
    provider = Upstream()
    yield provider
    provider.stop()


@pytest.fixture
def upstream(_session_upstream):
    """The scripted provider, with an empty memory. A fault it noticed in what
    the gateway sent fails the test, unless the test empties it."""
    _session_upstream.reset()
    yield _session_upstream
    faults = _session_upstream.faults()
    assert not faults, f"the provider found the gateway at fault: {faults}"


class Announced:
    """What a test says about the error log."""

    def __init__(self):
        self.expected = []
        self.tolerated = []


@pytest.fixture(scope="session")
def _session_gateway(env, _session_upstream):
    gateway = environment.Gateway(env, _session_upstream)
    yield gateway
    gateway.stop()


def judge_log(gateway, announced):
    """Fail on trouble in the error log that was not announced, and on what
    was announced and did not come."""
    trouble = gateway.recent_trouble()
    everything = gateway.recent_log()
    gateway.forget_log()
    reports = gateway.sanitizer_reports()
    assert not reports, "sanitizer report:\n" + "\n".join(reports)
    known = announced.expected + announced.tolerated
    unexpected = [line for line in trouble if not any(re.search(k, line) for k in known)]
    assert not unexpected, "unexpected in the error log:\n" + "\n".join(unexpected)
    for pattern in announced.expected:
        assert any(re.search(pattern, line) for line in everything), \
            f"not in the error log, though announced: {pattern}"


@pytest.fixture
def gw(_session_gateway, upstream):
    """The gateway; serve() it a configuration. What runs already with the
    same one is kept."""
    announced = Announced()
    gateway = _session_gateway
    gateway.expects = lambda *p: announced.expected.extend(p)
    gateway.tolerates = lambda *p: announced.tolerated.extend(p)
    gateway.extra_environ = {}
    gateway.forget_log()
    yield gateway
    judge_log(gateway, announced)
