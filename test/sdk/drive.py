# SPDX-License-Identifier: Apache-2.0
"""What all drivers share: one SDK is run through its scenarios, on every
provider, in one process.

Reads {"url", "key", "row", "serial", "targets": [{"provider", "model",
"thinker", "embedding", "only": [scenarios]}]} on stdin and prints one JSON
object: for each provider and scenario what the SDK gave, or the class of the
exception it raised. Nothing is judged here; test_matrix.py does, for all SDKs
alike.
"""
import json
import sys

GIVEN = json.load(sys.stdin)
BOTH = "use the tool get_weather and get_time"
PING = "use the tool ping"
PNG = ("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGP4z8AAAAMBAQDJ/pLvAAAAAElFTkSu"
       "QmCC")
PIXEL = "data:image/png;base64," + PNG
CITY = {"type": "object", "properties": {"city": {"type": "string"}},
        "required": ["city"], "additionalProperties": False}
NOTHING = {"type": "object", "properties": {}, "required": [], "additionalProperties": False}
SCHEMAS = {"get_weather": CITY, "get_time": CITY, "ping": NOTHING}
ANSWER = {"type": "object", "properties": {"answer": {"type": "string"}},
          "required": ["answer"], "additionalProperties": False}
# As OpenAI writes them, and all who took it from there.
TOOLS = [{"type": "function", "function": {
    "name": name, "description": name, "parameters": schema}}
    for name, schema in SCHEMAS.items()]
WRONG_KEY = "llmgw-" + "N" * 43


class Target(dict):
    """The provider of this turn; changes while the drivers run."""

    def __getattr__(self, name):
        return self[name]


TARGET = Target()


def model(script=""):
    return TARGET.model + script


def once(script):
    """A name nobody asks for twice, for what happens the first time only."""
    return model(f";seed={GIVEN['serial']}{script};times=1")


def endless():
    """The name of a stream to be left early, known to the test by its seed."""
    return model(f";seed={GIVEN['serial']};events=400;slow=25")


def first(stream, count=3):
    """The first so many events."""
    return [event for event, _ in zip(stream, range(count))]


def run(scenarios, describe):
    """Prints what they give; describe() tells of an exception what the SDK
    keeps beside its class and message."""
    told = {}
    for target in GIVEN["targets"]:
        TARGET.clear()
        TARGET.update(target)
        told[target["provider"]] = {s.__name__: _one(s, describe) for s in scenarios
                                    if s.__name__ in target["only"]}
    print(json.dumps(told))


def _one(scenario, describe):
    try:
        return {"got": scenario()}
    except Exception as error:  # told; the test judges
        return {"raised": type(error).__name__, "message": str(error),
                **(describe(error) or {})}


def of_response(error):
    """Status and Retry-After of the SDKs that keep httpx' response."""
    response = getattr(error, "response", None)
    return {"status": getattr(error, "status_code", None), "code": getattr(error, "code", None),
            "retry_after": response.headers.get("retry-after")
            if response is not None else None}
