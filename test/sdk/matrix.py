# SPDX-License-Identifier: Apache-2.0
"""The table of SDKs: which client on which provider passed what.
`sh test/run.sh sdk --matrix=FILE` prints it and writes it there."""
import collections
import datetime

import sdks

# What a test's scenario is about, as columns.
COLUMNS = {
    "chat": "chat system_and_turns chats generate asynchronous bearer request_id stop length",
    "stream": "stream stream_helper",
    "tools": "tools parallel_tools tools_stream tools_stream_helper forced_tool ping "
             "automatic_calls",
    "results": "tool_round_trip tools_loop_stream",
    "picture": "image",
    "thinking": "thinking thinking_back",
    "JSON": "schema parse_stream schema_stream",
    "vectors": "embeddings rerank",
    "models": "models count_tokens",
    "errors": "wrong_key unknown_model bad_request rate_limited server_error error_in_stream "
              "retried",
    "abort": "abort",
}
COLUMN_OF = {scenario: column for column, names in COLUMNS.items()
             for scenario in names.split()}


class Matrix:
    """pytest's plugin: notes each cell's end, and writes the table."""

    def __init__(self, path):
        self.path = path
        self.cells = collections.defaultdict(lambda: [0, 0, 0])
        self.failed = []

    def note(self, item, passed):
        params = getattr(getattr(item, "callspec", None), "params", {})
        sdk, provider = params.get("sdk"), params.get("provider")
        scenario = params.get("scenario", item.originalname.removeprefix("test_"))
        if sdk is None or provider is None:
            return
        cell = self.cells[sdk, provider, COLUMN_OF.get(scenario, "chat")]
        cell[0] += passed
        cell[1] += 1
        cell[2] += sdk in sdks.SDKS and bool(sdks.refused(sdk, provider, scenario))
        if not passed:
            self.failed.append(item.nodeid)

    def lines(self):
        rows = dict.fromkeys(key[:2] for key in self.cells)
        yield "| SDK | provider | " + " | ".join(COLUMNS) + " |"
        yield "| --- | --- |" + " ---: |" * len(COLUMNS)
        for row in rows:
            cells = [self.cells.get((*row, c)) for c in COLUMNS]
            yield f"| {row[0]} | {row[1]} | " + " | ".join(
                f"{c[0]}/{c[1]}{'*' if c[2] else ''}" if c else "" for c in cells) + " |"

    def refusals(self):
        """provider: what is refused there, by the member the 400 names."""
        grouped = collections.defaultdict(list)
        for key, word in sdks.REFUSED.items():
            only = f" (of {key[2]})" if len(key) > 2 else ""
            grouped[key[0], word].append(key[1] + only)
        for (provider, word), scenarios in grouped.items():
            yield f"* {provider}: {', '.join(scenarios)}; the 400 names `{word}`"

    def page(self):
        done = sum(c[0] for c in self.cells.values())
        of = sum(c[1] for c in self.cells.values())
        yield "# Every SDK on every provider"
        yield ""
        yield "The official SDKs as clients of a real httpd, on a scripted provider of every"
        yield "dialect that refuses what the real ones refuse: passed of all, by what was tried."
        yield "What each scenario does is in `test/sdk/drive_*`, what must come back in"
        yield "`test/sdk/test_matrix.py`. `sh test/run.sh sdk --matrix=FILE` prints this page;"
        yield f"{datetime.date.today()}: {done}/{of}."
        yield ""
        yield "Providers that speak what others speak too, in a cloud or with habits, and SDKs"
        yield "built on others are tried with: " + ", ".join(sorted(sdks.CORE)) + ";"
        yield "with `--whole` they are tried with everything. `azure` is a deployment, `azure-v1`"
        yield "the v1 API, `vertex` Gemini and `claude` Claude on Vertex AI. boto3 and the AWS"
        yield "SDK for JavaScript (`bedrock.mjs`) send their key by HTTPS, the latter over HTTP/2;"
        yield "`openai.py:azure` and `openai.mjs:azure` are the clients of Azure OpenAI."
        yield ""
        yield from self.lines()
        yield ""
        yield "A star: some of these have to be refused, and pass when the 400 says why:"
        yield ""
        yield from self.refusals()


def register(config):
    """Asked for with --matrix=FILE."""
    path = config.getoption("--matrix")
    if path:
        config.pluginmanager.register(Hooks(Matrix(path)), "matrix")


class Hooks:
    def __init__(self, matrix):
        self.matrix = matrix
        self.items = {}

    def pytest_collection_modifyitems(self, items):
        self.items = {item.nodeid: item for item in items}

    def pytest_runtest_logreport(self, report):
        """A test is over with its call, or with a failure before or after it."""
        item = self.items.get(report.nodeid)
        if item is None or report.skipped:
            return
        if report.when == "call":
            self.matrix.note(item, report.passed)
        elif report.failed:
            self.matrix.note(item, False)

    def pytest_terminal_summary(self, terminalreporter):
        text = "\n".join(self.matrix.page()) + "\n"
        terminalreporter.write("\n" + text)
        with open(self.matrix.path, "w", encoding="utf-8") as file:
            file.write(text)
