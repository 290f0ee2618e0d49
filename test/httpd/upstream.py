# SPDX-License-Identifier: Apache-2.0
"""The scripted provider as a process of ours, seen from a test."""
import base64
import http.client
import json
import os
import ssl
import subprocess
import sys
import time

from client import wait_for

SOURCE = os.path.normpath(os.path.join(os.path.dirname(__file__), "..", "provider",
                                       "provider.py"))


class Seen:
    """One request as the provider received it."""

    def __init__(self, entry):
        self.entry = entry
        self.method = entry.get("method")
        self.target = entry.get("target")
        self.path = entry.get("path")
        self.mount = entry.get("mount")
        self.headers = [tuple(h) for h in entry.get("headers", [])]
        self.body = base64.b64decode(entry.get("body_base64", ""))
        self.faults = entry["faults"]
        self.peer_left = entry.get("peer_left")
        self.began = entry["began"]
        self.ended = entry.get("ended")
        self.refused = entry.get("refused")

    def header(self, name):
        found = [v for k, v in self.headers if k.lower() == name.lower()]
        return found[-1] if found else None

    @property
    def json(self):
        return json.loads(self.body)

    def __repr__(self):
        return f"<{self.method} {self.target} {self.body[:400]!r}>"


class Upstream:
    """Starts a provider on a free port; ends it with stop()."""

    def __init__(self, *options):
        self._process = subprocess.Popen(
            [sys.executable, SOURCE, "--port", "0", *options],
            stdout=subprocess.PIPE, text=True)
        line = self._process.stdout.readline()
        assert line.startswith("listening on "), "the scripted provider did not start"
        self.url = line.split()[-1]
        self.port = int(self.url.rsplit(":", 1)[1])

    def stop(self):
        self._process.terminate()
        self._process.wait(10)
        self._process.stdout.close()

    def _connection(self):
        if not self.url.startswith("https"):
            return http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        tls = ssl.create_default_context()
        tls.check_hostname, tls.verify_mode = False, ssl.CERT_NONE
        return http.client.HTTPSConnection("127.0.0.1", self.port, timeout=20, context=tls)

    def _call(self, method, path, body=None):
        connection = self._connection()
        try:
            connection.request(method, path, body)
            answer = connection.getresponse()
            data = json.loads(answer.read())
            assert answer.status == 200, data
            return data
        finally:
            connection.close()

    def reset(self):
        """Forget what was seen and what was queued."""
        self._call("DELETE", "/_script")
        self._call("DELETE", "/_seen")

    def queue(self, *answers):
        """What the next requests get, in turn (see provider.py)."""
        self._call("PUT", "/_script", json.dumps({"answers": answers}))

    def queued(self):
        return self._call("GET", "/_script")["left"]

    def seen(self):
        return [Seen(e) for e in self._call("GET", "/_seen")["seen"]]

    def total(self):
        """How many there were: the provider keeps the last 20,000 only."""
        return self._call("GET", "/_seen")["total"]

    def only(self):
        """The one request there was."""
        seen = self.seen()
        assert len(seen) == 1, f"the provider got {len(seen)} requests: {seen}"
        return seen[0]

    def open(self):
        """Answers under way."""
        return self._call("GET", "/_seen")["open"]

    def wait_idle(self, seconds=5):
        wait_for(lambda: self.open() == 0, seconds, "the provider to be idle")

    def wait_peer_left(self, seconds=3):
        """How long after now some request's peer was seen to have left."""
        began = time.time()
        seen = wait_for(lambda: [s for s in self.seen() if s.peer_left], seconds,
                        "the upstream connection to be closed")
        return seen[0].peer_left - began

    def faults(self):
        return [f for s in self.seen() for f in s.faults]
