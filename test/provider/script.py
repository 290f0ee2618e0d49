# SPDX-License-Identifier: Apache-2.0
"""How the scripted provider shall misbehave, read from a model's name.

A test chooses a behaviour by the model it asks for, so that it needs nothing
but a request:

    scripted;status=429;retry_after=2

The name ends at the first semicolon; what follows are settings. A setting
this file does not know is refused, because a test that misspells one would
pass without testing anything. `times=n` limits the whole script to the first
n requests for that very name; later ones are answered well.
"""
import dataclasses
import random


@dataclasses.dataclass
class Script:
    """One request's behaviour. None and False mean: as a healthy provider."""

    name: str = ""            # the model's name without its settings
    status: int = None        # answer this error instead
    retry_after: int = None   # seconds, as a Retry-After header
    stall: int = None         # ms of silence before the first byte
    stall_after: int = None   # stream: for ever silent after this many events
    slow: int = None          # ms before each event of a stream
    cut: int = None           # stream: connection lost after so many events
    half: bool = False        # connection lost in the middle of a frame
    halfhead: bool = False    # connection lost in the answer's head
    close: bool = False       # connection lost before the answer
    reset: bool = False       # the same, by RST
    error_after: int = None   # stream: the provider's own error, then the end
    badlen: str = None        # Content-Length "long"er or "short"er than the body
    garbage: bool = False     # bytes that are not HTTP
    badjson: bool = False     # a 200 whose body is not JSON
    html: bool = False        # an intermediary's page in place of JSON
    bytes: str = None         # "random" cuts or "one" byte a write
    seed: int = 1             # of the random cuts
    events: int = None        # exactly so many pieces of text
    size: int = None          # an answer of so many characters
    text: str = None          # the answer itself, "_" for a blank
    finish: str = None        # stop | length | filter, whatever was said
    cached: int = None        # prompt tokens read from the provider's cache
    cache_write: int = None   # prompt tokens written to it
    nousage: bool = False     # tell no token counts
    any: bool = False         # accept members a strict provider refuses
    nokey: bool = False       # a local server: wants no credentials at all
    delay_headers: bool = False  # send the head at once, the body after stall
    times: int = None         # only the first so many requests


_SWITCH = {f.name for f in dataclasses.fields(Script) if f.type in (bool, "bool")}
_NUMBER = {f.name for f in dataclasses.fields(Script) if f.type in (int, "int")}
_WORD = {"badlen", "bytes", "finish", "text"}
_DEFAULT_WORD = {"badlen": "long", "bytes": "random"}

# How often each scripted name was asked for, for times=n.
_asked = {}


class BadScript(Exception):
    """The model's name asks for a behaviour that does not exist."""


def forget():
    """Begin to count requests again."""
    _asked.clear()


def read(model, counting=True):
    """The script a model's name asks for; plain names ask for none."""
    name, *settings = (model or "").split(";")
    script = Script(name=name)
    for setting in settings:
        key, is_set, value = setting.partition("=")
        if key in _SWITCH and not is_set:
            setattr(script, key, True)
        elif key in _NUMBER and value.isdigit():
            setattr(script, key, int(value))
        elif key in _WORD and (value or key in _DEFAULT_WORD):
            setattr(script, key, value or _DEFAULT_WORD[key])
        else:
            raise BadScript(f"no such behaviour: {setting!r} in {model!r}")
    if script.times is not None and counting:
        _asked[model] = _asked.get(model, 0) + 1
        if _asked[model] > script.times:
            return Script(name=name)
    return script


def cut_at(data, how, seed=1):
    """The pieces of data as they shall be written: 'one' byte each, at
    'random' points, at a list of offsets, or whole."""
    if how == "one":
        return [data[i:i + 1] for i in range(len(data))]
    if how == "random":
        dice = random.Random(seed)
        points = sorted({dice.randrange(1, max(2, len(data)))
                         for _ in range(max(1, len(data) // 40))})
    else:
        points = sorted({p for p in (how or []) if 0 < p < len(data)})
    edges = [0, *points, len(data)]
    return [data[a:b] for a, b in zip(edges, edges[1:]) if b > a]
