# SPDX-License-Identifier: Apache-2.0
"""A small HTTP/1.1 client that shows what came over the wire.

Nothing is decoded, followed or retried: a Reply has the status, the headers
in their order and the body's bytes. A Stream can be read event by event and
hung up on at any point.
"""
import json
import re
import socket
import time


class Broken(Exception):
    """The connection ended, or what came is not HTTP."""


class Reply:
    def __init__(self, status, headers, body=b""):
        self.status = status
        self.headers = headers      # (name, value) as they came
        self.body = body

    def header(self, name, default=None):
        found = [v for k, v in self.headers if k.lower() == name.lower()]
        return found[-1] if found else default

    def has(self, name):
        return self.header(name) is not None

    @property
    def text(self):
        return self.body.decode()

    @property
    def json(self):
        try:
            return json.loads(self.body)
        except ValueError:
            raise AssertionError(f"{self.status}, not JSON: {self.body[:300]!r}") from None

    @property
    def id(self):
        """The gateway's id of the request."""
        return self.header("x-request-id")

    @property
    def events(self):
        return sse(self.body)

    def __repr__(self):
        return f"<{self.status} {self.header('content-type')} {self.body[:600]!r}>"


class Event:
    """One server-sent event as it stood in the stream."""

    def __init__(self, raw):
        self.raw = raw
        lines = [re.match(rb"([^:]*):? ?(.*)", line, re.DOTALL).groups()
                 for line in re.split(rb"\r\n|\n|\r", raw.strip(b"\r\n"))]
        self.name = b"".join(v for k, v in lines if k == b"event").decode()
        self.data = b"\n".join(v for k, v in lines if k == b"data").decode()
        self.has_data = any(k == b"data" for k, _ in lines)

    @property
    def json(self):
        return json.loads(self.data)

    def __repr__(self):
        return f"<{self.name} {self.data}>"


def _split_events(data):
    """Whole events, and what is left behind the last one."""
    parts = re.split(rb"(\r\n\r\n|\n\n|\r\r)", data)
    whole = [Event(parts[i] + parts[i + 1]) for i in range(0, len(parts) - 1, 2)]
    return whole, parts[-1]


def sse(body):
    """The events with data of a complete body; comments are left out."""
    events, rest = _split_events(body)
    assert not rest.strip(), f"the stream ends inside an event: {rest!r}"
    return [e for e in events if e.has_data]


class Stream:
    """A reply whose body is read as it arrives."""

    def __init__(self, address, request, timeout=20, tls=None):
        self.sock = socket.create_connection(address, timeout=timeout)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if tls:
            self.sock = tls.wrap_socket(self.sock, server_hostname="localhost")
        self._raw = b""         # read, not yet used
        self._body = b""        # dechunked, not yet given away
        self.body = b""         # all of it, so far
        self.ended = False      # the body came to its proper end
        self._begin(request)

    def _begin(self, request):
        self.sock.sendall(request)
        self.reply = self._read_head()
        self.status = self.reply.status
        self._left = None
        if self.reply.header("transfer-encoding", "").lower() != "chunked":
            length = self.reply.header("content-length")
            self._left = int(length) if length is not None else -1

    def _fill(self):
        try:
            data = self.sock.recv(65536)
        except (ConnectionError, socket.timeout) as gone:
            raise Broken(f"{gone!r} after {self.body[-200:]!r}") from gone
        if not data:
            raise Broken(f"connection closed after {self.body[-200:]!r}")
        self._raw += data

    def _line(self):
        while b"\r\n" not in self._raw:
            self._fill()
        line, self._raw = self._raw.split(b"\r\n", 1)
        return line

    def _read_head(self):
        while True:
            first = self._line()
            found = re.match(rb"HTTP/1\.1 (\d{3})( .*)?$", first)
            if not found:
                raise Broken(f"not a status line: {first!r}")
            headers = []
            while line := self._line():
                name, _, value = line.partition(b":")
                headers.append((name.decode("latin-1"), value.strip().decode("latin-1")))
            if found.group(1) != b"100":
                return Reply(int(found.group(1)), headers)

    def _exactly(self, count):
        while len(self._raw) < count:
            self._fill()
        data, self._raw = self._raw[:count], self._raw[count:]
        return data

    def more(self):
        """Some more of the body, b"" at its end."""
        if self.ended:
            return b""
        if self._left is None:
            size = int(self._line().split(b";")[0], 16)
            data = self._exactly(size)
            if size:
                self._exactly(2)
            else:
                while self._line():
                    pass
        elif self._left == 0:
            data = b""
        else:
            if not self._raw:
                try:
                    self._fill()
                except Broken:
                    if self._left > 0:
                        raise
            data = self._raw if self._left < 0 else self._raw[:self._left]
            self._raw = self._raw[len(data):]
            self._left -= len(data) if self._left > 0 else 0
        self.ended = not data
        self.body += data
        return data

    def event(self):
        """The next event with data, or None at the end."""
        while True:
            events, rest = _split_events(self._body)
            if events:
                first = events[0]
                self._body = self._body[len(first.raw):]
                if first.has_data:
                    return first
                continue
            data = self.more()
            if not data:
                assert not rest.strip(), f"the stream ends inside an event: {rest!r}"
                return None
            self._body += data

    def rest(self):
        """The body to its end."""
        while self.more():
            pass
        self.reply.body = self.body
        return self.reply

    def again(self, request):
        """The next request on the same connection, when this one was read to
        its end."""
        assert self.ended, "there is more of the answer before"
        self.__dict__.update(_body=b"", body=b"", ended=False)
        self._begin(request)
        return self

    def hang_up(self):
        self.sock.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.sock.close()


def request_bytes(method, target, headers, body, host):
    """A request as it goes onto the wire: headers in the order given."""
    names = {k.lower() for k, _ in headers}
    lines = [f"{method} {target} HTTP/1.1"]
    if "host" not in names:
        lines.append(f"Host: {host}")
    lines += [f"{k}: {v}" for k, v in headers]
    if body and not names & {"content-length", "transfer-encoding"}:
        lines.append(f"Content-Length: {len(body)}")
    if "connection" not in names:
        lines.append("Connection: close")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + (body or b"")


def as_bytes(body):
    """str and JSON values as bytes; bytes untouched."""
    if body is None or isinstance(body, bytes):
        return body
    if isinstance(body, str):
        return body.encode()
    return json.dumps(body, ensure_ascii=False).encode()


def wait_for(condition, seconds=5, what="the condition"):
    """The condition's first true value; an AssertionError when time is up."""
    until = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > until:
            raise AssertionError(f"waited {seconds} s in vain for {what}")
        time.sleep(0.02)
