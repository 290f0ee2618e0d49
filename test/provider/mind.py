# SPDX-License-Identifier: Apache-2.0
"""What the scripted model says: the same for every wire format.

A wire module reads a request into a Turn; think() turns that into a Thought;
the wire module writes it down in its own form. Everything is deterministic,
so that a test knows the answer before it asks:

* a text is answered by "You said: <the last user text>";
* a tool result by "The tool answered: <the results>";
* tools are called when the last user text says "use the tool" or a tool
  choice forces it: those whose names the text holds from there on, before the
  arguments, else the first. The arguments are the JSON object after the word
  "with", else made from the tool's schema;
* output ends early at a stop sequence or at the token limit, as it really
  would.
"""
import dataclasses
import json
import re


@dataclasses.dataclass
class Tool:
    name: str
    schema: dict


@dataclasses.dataclass
class Turn:
    """What was asked, whatever the wire format."""

    text: str = ""             # of the last user message
    results: list = dataclasses.field(default_factory=list)  # tool results at the end
    prompt: str = ""           # all text there is, for counting
    images: int = 0            # pictures in the last user message
    tools: list = dataclasses.field(default_factory=list)
    choice: str = "auto"       # auto | none | any | a tool's name
    parallel: bool = True
    stops: list = dataclasses.field(default_factory=list)
    limit: int = None          # output tokens
    reasoning: bool = False    # the client asked the model to think
    wants_json: bool = False


@dataclasses.dataclass
class Thought:
    """What the model answers."""

    pieces: list               # of text, as a stream would carry them
    calls: list                # (tool name, arguments object)
    reasoning: str             # "" when there is none
    finish: str                # stop | stop_sequence | length | tools | filter
    stop_hit: str              # the stop sequence that was met, or None
    prompt_tokens: int         # all of them, cached ones included
    output_tokens: int         # text and calls, without reasoning
    reasoning_tokens: int
    cached: int                # of the prompt tokens
    cache_write: int           # of the prompt tokens

    @property
    def text(self):
        return "".join(self.pieces)


def tokens(text):
    """A count in the order of a real tokenizer's: four bytes each."""
    return (len(text.encode("utf-8", "surrogatepass")) + 3) // 4


def pieces_of(text):
    """Text as the pieces a model streams: words with the blank before them."""
    return re.findall(r"\s*\S+|\s+$", text)


def _example(schema):
    """A value that fits a JSON schema, as small as can be."""
    if not isinstance(schema, dict):
        return "x"
    if schema.get("enum"):
        return schema["enum"][0]
    for several in ("anyOf", "oneOf"):
        if schema.get(several):
            return _example(schema[several][0])
    kind = schema.get("type", "object" if "properties" in schema else "string")
    if isinstance(kind, list):
        kind = kind[0]
    kind = str(kind).lower()
    if kind == "object":
        return {k: _example(v) for k, v in schema.get("properties", {}).items()}
    if kind == "array":
        return [_example(schema.get("items", {}))]
    return {"integer": 7, "number": 1.5, "boolean": True, "null": None}.get(kind, "Paris")


def _arguments(text, tool):
    """What the text after the word 'with' spells out, else an example."""
    found = re.search(r"\bwith (\{.*)", text, re.DOTALL)
    if found:
        try:
            return json.JSONDecoder().raw_decode(found.group(1))[0]
        except ValueError:
            pass
    return _example(tool.schema or {"type": "object"})


def _calls(turn):
    if not turn.tools or turn.choice == "none" or turn.results:
        return []
    named = [t for t in turn.tools if t.name == turn.choice]
    if not named:
        asked = turn.choice == "any" or "use the tool" in turn.text.lower()
        if not asked:
            return []
        said = turn.text[max(0, turn.text.lower().rfind("use the tool")):]
        said = re.split(r"\bwith \{", said)[0]
        named = [t for t in turn.tools
                 if re.search(rf"(?<![\w-]){re.escape(t.name)}(?![\w-])", said)]
        named = named or turn.tools[:1]
    if not turn.parallel:
        named = named[:1]
    return [(t.name, _arguments(turn.text, t)) for t in named]


def _said(turn, script):
    if script.text is not None:
        return script.text.replace("_", " ")
    if script.size is not None:
        return ("word " * (script.size // 5 + 1))[:script.size]
    if turn.results:
        text = "The tool answered: " + "; ".join(turn.results)
    elif turn.images:
        text = f"I see {turn.images} image(s). You said: {turn.text}"
    else:
        text = f"You said: {turn.text}"
    return json.dumps({"answer": text}) if turn.wants_json else text


def think(turn, script):
    """The answer to a turn."""
    calls = _calls(turn)
    text = "" if calls else _said(turn, script)
    finish, stop_hit = ("tools" if calls else "stop"), None
    for stop in turn.stops:
        at = text.find(stop)
        if stop and at >= 0:
            text, finish, stop_hit = text[:at], "stop_sequence", stop
    pieces = pieces_of(text)
    if script.events is not None and not calls:
        pieces = [f"word{i} " for i in range(script.events)]
    if turn.limit is not None and not calls and len(pieces) > turn.limit:
        pieces, finish, stop_hit = pieces[:turn.limit], "length", None
    if script.finish:
        finish = script.finish
    reasoning = "Let me think about that." if turn.reasoning else ""
    cached, write = script.cached or 0, script.cache_write or 0
    return Thought(
        pieces=pieces, calls=calls, reasoning=reasoning, finish=finish,
        stop_hit=stop_hit,
        prompt_tokens=tokens(turn.prompt) + 3 + 85 * turn.images + cached + write,
        output_tokens=len(pieces) + sum(5 + tokens(json.dumps(a)) for _, a in calls),
        reasoning_tokens=tokens(reasoning), cached=cached, cache_write=write)


def arguments_in_pieces(arguments):
    """A call's arguments as the fragments a stream carries them in."""
    text = json.dumps(arguments, ensure_ascii=False)
    size = max(1, len(text) // 3)
    return [text[i:i + size] for i in range(0, len(text), size)]


def embedding(text, dimensions=8):
    """A small vector of length one, the same for the same text."""
    seed = sum((i + 1) * b for i, b in enumerate(text.encode()))
    raw = [((seed * (i * 7919 + 13)) % 2001 - 1000) / 1000 + 0.0005
           for i in range(dimensions)]
    norm = sum(v * v for v in raw) ** 0.5
    return [round(v / norm, 7) for v in raw]
