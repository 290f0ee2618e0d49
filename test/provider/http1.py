# SPDX-License-Identifier: Apache-2.0
"""HTTP/1.1 from a server's side, on asyncio streams: requests read strictly,
answers written as badly as a script wants.

A gateway is judged here, so nothing is forgiven: a request that a careful
server would refuse raises BadRequest.
"""
import asyncio
import http
import socket
import struct

_LIMIT = 64 * 1024 * 1024


class BadRequest(Exception):
    """Not a request that this side is willing to read."""


class PeerLeft(Exception):
    """The other side closed its end while an answer was under way."""


async def read_request(reader):
    """(method, target, headers, body), or None where the peer has gone
    between two requests."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError as end:
        if end.partial.strip():
            raise BadRequest("the connection ended inside a request head") from end
        return None
    except ConnectionError:
        return None
    lines = head[:-4].split(b"\r\n")
    try:
        method, target, version = lines[0].decode("ascii").split(" ")
    except ValueError as odd:
        raise BadRequest(f"bad request line {lines[0]!r}") from odd
    if version not in ("HTTP/1.1", "HTTP/1.0"):
        raise BadRequest(f"bad version {version!r}")
    headers = []
    for line in lines[1:]:
        name, colon, value = line.partition(b":")
        if not colon or not name or name != name.strip():
            raise BadRequest(f"bad header line {line!r}")
        headers.append((name.decode("latin-1"), value.strip().decode("latin-1")))
    return method, target, headers, await _read_body(reader, headers)


async def _read_body(reader, headers):
    lengths = [v for k, v in headers if k.lower() == "content-length"]
    codings = [v for k, v in headers if k.lower() == "transfer-encoding"]
    if len(lengths) > 1 or (lengths and codings):
        raise BadRequest("the body's length is told twice")
    if codings:
        if codings != ["chunked"]:
            raise BadRequest(f"unknown transfer encoding {codings}")
        return await _read_chunked(reader)
    if not lengths:
        return b""
    if not lengths[0].isdigit() or int(lengths[0]) > _LIMIT:
        raise BadRequest(f"bad Content-Length {lengths[0]!r}")
    try:
        return await reader.readexactly(int(lengths[0]))
    except asyncio.IncompleteReadError as end:
        raise BadRequest(f"the body ended after {len(end.partial)} of {lengths[0]} "
                         "bytes") from end


async def _read_chunked(reader):
    body = b""
    while True:
        size = int((await reader.readuntil(b"\r\n")).split(b";")[0], 16)
        if size == 0:
            while await reader.readuntil(b"\r\n") != b"\r\n":
                pass
            return body
        body += await reader.readexactly(size)
        if len(body) > _LIMIT or await reader.readexactly(2) != b"\r\n":
            raise BadRequest("bad chunk")


def head_of(status, headers):
    try:
        phrase = http.HTTPStatus(status).phrase
    except ValueError:
        phrase = "Status"
    lines = [f"HTTP/1.1 {status} {phrase}", *(f"{k}: {v}" for k, v in headers)]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


class Writer:
    """The answering side of one connection. Each write leaves as a segment
    of its own, and notices at once when the peer has left."""

    def __init__(self, reader, writer):
        self._reader = reader
        self._writer = writer
        sock = writer.get_extra_info("socket")
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def peer_left(self):
        return (self._reader.at_eof() or self._reader.exception() is not None
                or self._writer.is_closing())

    async def sleep(self, seconds):
        """Wait; raises PeerLeft within 5 ms of the peer's leaving."""
        loop = asyncio.get_running_loop()
        until = loop.time() + seconds
        while True:
            if self.peer_left():
                raise PeerLeft
            left = until - loop.time()
            if left <= 0:
                return
            await asyncio.sleep(min(0.005, left))

    async def send(self, data):
        if self.peer_left():
            raise PeerLeft
        self._writer.write(data)
        try:
            await self._writer.drain()
        except ConnectionError as gone:
            raise PeerLeft from gone

    async def send_pieces(self, pieces):
        """Separate writes, with a breath between them, so that the other side
        reads them separately."""
        for i, piece in enumerate(pieces):
            if i:
                await asyncio.sleep(0.0005)
            await self.send(piece)

    def abandon(self, reset=False):
        """Close without ceremony; with reset by RST, as a crash would."""
        if reset:
            sock = self._writer.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self._writer.transport.abort()
        else:
            self._writer.close()


def chunk(data):
    """One chunk of a chunked body."""
    return f"{len(data):x}\r\n".encode() + data + b"\r\n"


LAST_CHUNK = b"0\r\n\r\n"
