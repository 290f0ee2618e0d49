# SPDX-License-Identifier: Apache-2.0
"""The table of pairs: which client dialect on which provider dialect passed
which tests, by what each test is about. `sh test/run.sh pairs FILE` prints it.

A test counts for a pair when its parameters name a client and a provider or a
recorded exchange. What it is about: of a recorded exchange, its features; of
any other test, its own name.
"""
import collections
import datetime

# Parameters of tests name providers as the tests' configuration does.
DIALECTS = {"hf": "huggingface", "old": "huggingface-inference",
            "responses": "openai-responses", "text-generation": "huggingface-inference"}
CLIENTS = ("openai", "openai-completions", "openai-responses", "anthropic", "gemini", "cohere", "ollama", "bedrock")

# Features of the recordings, as columns; several may be one.
COLUMNS = {
    "text": {"text"},
    "streamed": {"streaming", "ping", "sse_crlf", "sse_comments", "sse_no_space",
                 "empty_choices_chunk"},
    "tools": {"tools", "tool_calls", "tool_choice", "parallel_tools",
              "legacy_function_call"},
    "results": {"tool_results", "multi_turn"},
    "reasoning": {"reasoning", "redacted_reasoning", "reasoning_requested"},
    "media": {"images", "documents", "audio", "video"},
    "JSON": {"json_schema", "json_mode"},
    "usage": {"cached_tokens", "cache_write", "include_usage", "x_groq"},
    "finish": {"finish_length", "finish_filtered", "finish_stop_sequence", "stop",
               "finish_odd"},
    "errors": {"error", "error_midstream", "rate_limited"},
}
# Of tests that are not about a recording: a word of their name, and the column.
WORDS = [("error", "errors"), ("status", "errors"), ("tool_result", "results"),
         ("conversation", "results"), ("turn", "results"), ("tool", "tools"),
         ("call", "tools"), ("reason", "reasoning"), ("thinking", "reasoning"),
         ("picture", "media"), ("image", "media"), ("json", "JSON"), ("schema", "JSON"),
         ("usage", "usage"), ("cache", "usage"), ("count", "usage"), ("stop", "finish"),
         ("limit", "finish"), ("filter", "finish")]


def dialect_of(name):
    return DIALECTS.get(name, name)


def pair_of(params):
    """(client, provider) of a test's parameters, or None."""
    exchange = params.get("exchange")
    client, provider = params.get("client"), params.get("provider", params.get("target"))
    if exchange is not None and "target" in params:      # a recorded request
        client = exchange.dialect
    elif exchange is not None:
        provider = {"hf": "huggingface"}.get(exchange.provider, exchange.dialect)
        client = client or exchange.dialect
    if not isinstance(client, str) or not isinstance(provider, str):
        return None
    client, provider = dialect_of(client), dialect_of(provider)
    return (client, provider) if client in CLIENTS else None


def columns_of(name, params):
    exchange = params.get("exchange")
    if exchange is not None:
        features = set(exchange.features) | {"text"}
        return {c for c, wanted in COLUMNS.items() if wanted & features}
    found = {column for word, column in WORDS if word in name}
    streamed = {"streamed"} if params.get("stream") is True else set()
    return (found or {"text"}) | streamed


class Pairs:
    """pytest's plugin: notes each test's end, and writes the table."""

    def __init__(self, path):
        self.path = path
        self.cells = collections.defaultdict(lambda: [0, 0])
        self.failed = []

    def note(self, item, passed):
        params = getattr(item, "callspec", None)
        pair = params and pair_of(params.params)
        if not pair:
            return
        for column in columns_of(item.originalname, params.params):
            cell = self.cells[(*pair, column)]
            cell[0] += passed
            cell[1] += 1
        if not passed:
            self.failed.append(item.nodeid)

    def lines(self):
        rows = sorted({key[:2] for key in self.cells},
                      key=lambda p: (CLIENTS.index(p[0]), p[1]))
        columns = [c for c in COLUMNS if any((*row, c) in self.cells for row in rows)]
        yield "| client | provider | " + " | ".join(columns) + " |"
        yield "| --- | --- |" + " ---: |" * len(columns)
        for row in rows:
            cells = [self.cells.get((*row, c)) for c in columns]
            yield f"| {row[0]} | {row[1]} | " + " | ".join(
                f"{c[0]}/{c[1]}" if c else "" for c in cells) + " |"

    def page(self):
        done = sum(c[0] for c in self.cells.values())
        of = sum(c[1] for c in self.cells.values())
        yield "# Every dialect to every dialect"
        yield ""
        yield "Passed of all, by client, provider and what was tested, in a real httpd: recorded"
        yield "exchanges with real providers, and a scripted provider that refuses what the real"
        yield "ones refuse. A test about several things counts in each column."
        yield f"`sh test/run.sh pairs` prints this table; {datetime.date.today()}: {done}/{of}."
        yield ""
        yield from self.lines()


def register(config):
    """Asked for with --pairs FILE."""
    path = config.getoption("--pairs")
    if path:
        config.pluginmanager.register(Hooks(Pairs(path)), "pairs")


class Hooks:
    def __init__(self, pairs):
        self.pairs = pairs
        self.items = {}

    def pytest_collection_modifyitems(self, items):
        self.items = {item.nodeid: item for item in items}

    def pytest_runtest_logreport(self, report):
        """A test is over with its call, or with a failure before or after it."""
        item = self.items.get(report.nodeid)
        if item is None or report.skipped:
            return
        if report.when == "call":
            self.pairs.note(item, report.passed)
        elif report.failed:
            self.pairs.note(item, False)

    def pytest_terminal_summary(self, terminalreporter):
        text = "\n".join(self.pairs.page()) + "\n"
        terminalreporter.write("\n" + text)
        for name in self.pairs.failed:
            terminalreporter.write(f"failed: {name}\n")
        with open(self.pairs.path, "w", encoding="utf-8") as file:
            file.write(text)
