# SPDX-License-Identifier: Apache-2.0
"""What the wire modules share: a request as it came in, an answer as it goes
out, and the way they refuse.

A wire module has NAME, operation(request), check(request, operation, doc),
answer(request, operation, doc, script), refuse(status, message, ...) and
stream_problem(); or errors_of(operation), the module that has the last two.
provider.py calls them in this order.
"""
import dataclasses
import json


class Refused(Exception):
    """The request is not what this provider accepts. Its wire module writes
    the error in its own form."""

    def __init__(self, status, message, param=None, code=None, kind=None):
        super().__init__(message)
        self.status = status
        self.message = message
        self.param = param
        self.code = code
        self.kind = kind


@dataclasses.dataclass
class Request:
    method: str
    path: str            # decoded, without mount point and query
    query: dict          # decoded, the last of several
    target: str          # as it stood in the request line
    headers: list        # (name, value) in their order and spelling
    body: bytes
    mount: str = ""      # label of the mount point, "" for none
    mount_kind: str = "" # the wire format the mount point names, "" for any

    def header(self, name, default=None):
        """The last value of a header, whatever its case."""
        found = [v for k, v in self.headers if k.lower() == name.lower()]
        return found[-1] if found else default


@dataclasses.dataclass
class Answer:
    """Either a body, sent with a Content-Length, or events, sent chunked."""

    status: int = 200
    headers: list = dataclasses.field(default_factory=list)
    body: bytes = None
    events: list = None


def to_json(value):
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode(
        "utf-8", "surrogatepass")


def json_answer(value, status=200, headers=(), pretty=False):
    body = (json.dumps(value, ensure_ascii=False, indent=2).encode(
        "utf-8", "surrogatepass") + b"\n") if pretty else to_json(value)
    return Answer(status, [("Content-Type", "application/json"), *headers], body)


def only_known(doc, known, refuse):
    """Refuse the first member that the provider does not know."""
    for name in doc:
        if name not in known:
            refuse(name)


def need(condition, message, **more):
    """A condition the request must meet, else 400."""
    if not condition:
        raise Refused(400, message, **more)


def is_int(value, low=0):
    return isinstance(value, int) and not isinstance(value, bool) and value >= low


def is_number(value, low, high):
    return (isinstance(value, (int, float)) and not isinstance(value, bool)
            and low <= value <= high)
