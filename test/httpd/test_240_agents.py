# SPDX-License-Identifier: Apache-2.0
"""What command line agents send, on a provider of every dialect, with nothing
said of what may be left out.

test/agents/*.json hold requests in the form of three programs: headers, the
request that makes the model call a tool, and the conversation with what came of
it. Texts are ours, tools are some of theirs. The programs themselves are run by
`sh packaging/ci/run.sh agents`.
"""
import json
import os
import sys

import pytest

import reader
from env import SOURCES

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "agents"))

import programs   # noqa: E402  (found by the line above)
import providers  # noqa: E402

# Of each program: dialect, path, who speaks its dialect, what the model calls.
AGENTS = {
    "claude-code": ("anthropic", "/v1/messages", ("anthropic", "vertex", "bedrock"),
                    ("Read", {"file_path": "/home/user/note.txt"})),
    "codex": ("openai-responses", "/v1/responses", ("responses", "openai"),
              ("exec_command", {"cmd": "cat note.txt"})),
    "gemini-cli": ("gemini", "/v1beta/models/{model}:streamGenerateContent?alt=sse",
                   ("gemini",), ("read_file", {"file_path": "note.txt"})),
}
# Hints of theirs that a provider of another dialect is not given, and is told so.
TOLD = {"claude-code": {"cache_control", "context_management"},
        "codex": {"client_metadata", "prompt_cache_key", "tools.tool_search",
                  "tools.web_search"},
        "gemini-cli": set()}


def vector(agent):
    path = os.path.join(HERE, "..", "agents", f"{agent}.json")
    with open(path, encoding="utf-8") as file:
        return json.load(file)


class Sent:
    """One turn of an agent on a provider."""

    def __init__(self, gw, agent, provider, body):
        dialect, path, _, _ = AGENTS[agent]
        self.headers = vector(agent)["headers"]
        model = f"{provider}/{providers.PROVIDERS[provider][0]}"
        if "{model}" not in path:
            body = {**body, "model": model}
        self.body = json.dumps(body, separators=(",", ":"))
        self.answer = gw.post(path.format(model=model), self.body, list(self.headers.items()))
        assert self.answer.status == 200, self.answer
        self.said = reader.read(dialect, self.answer.body, True)
        assert self.said.error is None, self.said

    @property
    def dropped(self):
        told = self.answer.header("x-llm-dropped") or ""
        return set(filter(None, told.replace(" ", "").split(",")))


@pytest.fixture
def gate(gw):
    return gw.serve(providers.add(gw.conf()).enable())


def second(agent, call_id):
    """The conversation with the call's result, by the id that was given out."""
    given = vector(agent)
    text = json.dumps({**given["first"], **given["second"]})
    assert "THE-CALL" in text
    return json.loads(text.replace("THE-CALL", call_id))


@pytest.mark.parametrize("provider", providers.PROVIDERS)
@pytest.mark.parametrize("agent", AGENTS)
def test_an_agent_gets_its_call_and_sends_what_came_of_it(gate, upstream, agent, provider):
    name, arguments = AGENTS[agent][3]
    first = Sent(gate, agent, provider, vector(agent)["first"])
    assert first.said.calls == [(name, arguments)], first.said
    assert first.said.finish in ("tools", "stop") and first.said.usage["input"] > 0
    call_id = first.said.ids[0] or "none"
    last = Sent(gate, agent, provider, second(agent, call_id))
    assert last.said.text.startswith("The tool answered: "), last.said
    assert "the lighthouse is green" in last.said.text
    assert not last.said.calls and last.said.finish == "stop"
    asked = upstream.seen()
    assert [s.faults for s in asked] == [[], []], asked
    assert "the lighthouse is green" in asked[1].body.decode()
    for turn in (first, last):
        record = gate.record(turn.answer)
        assert record["status"] == 200 and record["attempts"] == 1
        assert reader.totals(turn.said.usage) == (
            sum(record[n] or 0 for n in ("input", "cache_read", "cache_write")),
            record["output"] + (record["reasoning"] or 0))
        if provider not in AGENTS[agent][2]:
            names = {d if d.startswith("tools.") else d.rpartition(".")[2]
                     for d in turn.dropped}
            assert TOLD[agent] <= names, turn.dropped


@pytest.mark.parametrize("agent", AGENTS)
def test_what_an_agent_sends_to_its_own_provider_passes(gate, upstream, agent):
    """To the byte, but for the name of the model, and every header."""
    provider = AGENTS[agent][2][0]
    sent = Sent(gate, agent, provider, vector(agent)["first"])
    got = upstream.only()
    assert got.body.decode() == sent.body.replace(f'"{provider}/', '"')
    assert not sent.dropped
    for name, value in sent.headers.items():
        assert got.header(name) == value, name


@pytest.mark.parametrize("credential", ["x-api-key", "Authorization"])
def test_claude_code_may_bring_its_key_in_either_header(gate, upstream, credential):
    given = vector("claude-code")
    key = gate.key() if credential == "x-api-key" else f"Bearer {gate.key()}"
    body = {**given["first"], "model": "anthropic/claude-opus-4-8"}
    answer = gate.post("/v1/messages?beta=true", body,
                       [*given["headers"].items(), (credential, key)], key=None)
    assert answer.status == 200, answer
    events = reader.anthropic_stream(answer.body)
    assert events.usage["input"] > 0, "usage is whole in message_start"
    sent = upstream.only()
    assert sent.header("x-api-key") == "sk-ant-test"
    assert sent.target.endswith("/v1/messages?beta=true")


def test_the_page_tells_what_the_programs_are_given():
    with open(os.path.join(SOURCES, "mod_llm_gateway", "docs", "agents.md"),
              encoding="utf-8") as page:
        told = page.read()
    for program in programs.AGENTS:
        files, variables = program("").settings("https://host", "KEY", "claude-opus-4-8")
        said = [v for v in variables if not v.endswith(program.unsaid)]
        said += [line for name, text in files.items() if name.endswith(".toml")
                 for line in text.split("[analytics]")[0].splitlines()
                 if not line.startswith(program.unsaid)]
        assert said and not [s for s in said if s not in told], said


@pytest.mark.parametrize("provider", ["anthropic", "openai", "gemini"])
def test_claude_code_counts_tokens(gate, provider):
    given = vector("claude-code")
    model = f"{provider}/{providers.PROVIDERS[provider][0]}"
    body = {name: given["first"][name] for name in ("messages", "system", "tools", "thinking")}
    answer = gate.post("/v1/messages/count_tokens?beta=true", {**body, "model": model},
                       list(given["headers"].items()))
    assert answer.status == 200 and answer.json["input_tokens"] > 15, answer


@pytest.mark.parametrize("provider", ["azure", "anthropic", "gemini"])
def test_codex_calls_a_tool_in_a_namespace(gate, upstream, provider):
    given = vector("codex")["first"]
    space = next(t for t in given["tools"] if t["type"] == "namespace")
    tool = f"{space['name']}__{space['tools'][0]['name']}"
    given["input"][-1]["content"][0]["text"] = f'use the tool {tool} with {{"target": "1"}}'
    sent = Sent(gate, "codex", provider, given)
    item = next(i for e in reader.sse(sent.answer.body) for i in [json.loads(e.data).get("item")]
                if i and i["type"] == "function_call" and i["status"] == "completed")
    assert (item["namespace"], item["name"]) == (space["name"], space["tools"][0]["name"])
    assert json.loads(item["arguments"]) == {"target": "1"}
