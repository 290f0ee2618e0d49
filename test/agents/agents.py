#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Command line agents behind a real httpd, on a scripted provider of every
dialect: what passed of what, as a table.

    python3 test/agents/agents.py FOLDER [--agent NAME] [--provider NAME] [--table FILE]

FOLDER is where npm installed package.json. `sh packaging/ci/run.sh agents` does
all of it. What is looked at, for each agent on each provider:

    tool      the model calls the agent's tool that reads a file; the agent runs
              it, sends what came of it, and prints the answer to that
    signed    what the provider signed comes back to it, as it was
    retried   a provider that is overloaded at first is asked again by the agent
              (the gateway is told not to)
    refused   a provider's 400 is shown in its own words, and asked once
    ledger    each request is recorded once, with its tokens
"""
import argparse
import os
import shutil
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "httpd"))

import env as environment      # noqa: E402  (found by the line above)
import programs                # noqa: E402
import providers               # noqa: E402
from client import wait_for    # noqa: E402
from providers import PROVIDERS  # noqa: E402
from upstream import Upstream  # noqa: E402

COLUMNS = ["tool", "signed", "retried", "refused", "ledger"]

# What some agents do not send back: Claude Code thinking of a model whose name
# in the answer is not the one asked for (it lacks what the pattern takes off),
# Gemini CLI any thinking; what Gemini signs is with its calls.
NOT_SIGNED = {("Claude Code", "anthropic"), ("Claude Code", "vertex"),
              ("Claude Code", "responses"), ("Gemini CLI", "anthropic"),
              ("Gemini CLI", "vertex"), ("Gemini CLI", "responses")}


def serve(env, upstream):
    """A gateway that asks each provider once; mistakes are the agent's to mend."""
    gateway = environment.Gateway(env, upstream, "agents")
    conf = providers.add(gateway.conf("LLMRetries 0\n"))
    gateway.serve(conf.enable())
    gateway.key()
    return gateway


class Cell:
    """One agent on one provider."""

    def __init__(self, gateway, agent, provider, scratch):
        self.gateway, self.agent, self.provider = gateway, agent, provider
        self.model, self.signature = PROVIDERS[provider]
        self.scratch = scratch
        self.runs = 0
        self.asked = []       # what the provider was asked, of all runs
        self.recorded = 0     # records before
        self.passed = {}
        self.why = []

    def run(self, prompt, script=""):
        """The agent's run, and the requests that it led to."""
        self.runs += 1
        folder = os.path.join(self.scratch, str(self.runs))
        os.makedirs(folder)
        self.gateway.upstream.reset()
        done = self.agent.run(folder, self.gateway.url, self.gateway.key(),
                              f"{self.provider}/{self.model}{script}", prompt)
        seen = self.gateway.upstream.seen()
        self.asked += seen
        for one in seen:
            self.check("faults", not one.faults, one.faults)
            self.check("faults", not one.refused or script, one.refused)
        return done, seen

    def check(self, column, holds, told):
        self.passed[column] = self.passed.get(column, True) and bool(holds)
        if not holds:
            self.why.append(f"{column}: {str(told)[:1500]}")

    def tool(self):
        note = os.path.join(self.scratch, str(self.runs + 1), "work", "note.txt")
        done, seen = self.run(self.agent.read(note))
        self.check("tool", done.code == 0 and programs.NOTE in done.out, done)
        self.check("tool", len(seen) == 2, f"{len(seen)} requests: {seen}")
        if len(seen) != 2:
            return
        back = seen[1].body.decode()
        self.check("tool", programs.NOTE in back, back)
        if self.signature and (self.agent.name, self.provider) not in NOT_SIGNED:
            self.check("signed", self.signature in back, back[-3000:])

    def retried(self):
        status = 529 if self.agent.name == "Claude Code" else 500
        done, seen = self.run("hello", f";status={status};times=1;seed={os.getpid()}")
        self.check("retried", done.code == 0 and "You said" in done.out, done)
        self.check("retried", len(seen) == 2, f"{len(seen)} requests")

    def refused(self):
        done, seen = self.run("hello", ";status=400")
        self.check("refused", "scripted error 400" in done.out + done.err, done)
        self.check("refused", len(seen) == 1, f"{len(seen)} requests")

    def ledger(self, before):
        records = wait_for(lambda: self._records(before), 10, "the records")
        good = [r for r in records if r["status"] == 200]
        self.check("ledger", len(records) == len(self.asked), records)
        self.check("ledger", good and all(
            r["input"] > 0 and r["output"] > 0 for r in good), good)
        self.check("ledger", len({r["id"] for r in records}) == len(records), records)

    def _records(self, before):
        records = [r for r in self.gateway.records() if r["id"] not in before]
        return records if len(records) >= len(self.asked) else None

    def line(self):
        shown = ["" if c not in self.passed else "yes" if self.passed[c] else "NO"
                 for c in COLUMNS]
        return f"| {self.agent.name} | {self.provider} | {' | '.join(shown)} |"


def cell_of(gateway, agent, provider):
    scratch = tempfile.mkdtemp(prefix="llmgw-agent-")
    cell = Cell(gateway, agent, provider, scratch)
    before = {r["id"] for r in gateway.records()}
    try:
        for look in (cell.tool, cell.retried, cell.refused, lambda: cell.ledger(before)):
            try:
                look()
            except Exception as failed:   # one that failed is told, not the end
                cell.check("faults", False, repr(failed))
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return cell


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder")
    parser.add_argument("--agent", help="only those with this in their name")
    parser.add_argument("--provider", help="only this one")
    parser.add_argument("--table", metavar="FILE", help="write the table there")
    given = parser.parse_args()
    agents = [a(given.folder) for a in programs.AGENTS
              if not given.agent or given.agent.lower() in a.name.lower()]
    env, upstream = environment.Env(), Upstream()
    gateway = serve(env, upstream)
    cells = []
    lines = [f"| agent | provider | {' | '.join(COLUMNS)} |",
             "| --- | --- |" + " :---: |" * len(COLUMNS)]
    print("\n".join(lines), flush=True)
    try:
        for agent in agents:
            for provider in PROVIDERS:
                if given.provider in (None, provider):
                    cells.append(cell_of(gateway, agent, provider))
                    lines.append(cells[-1].line())
                    print(lines[-1], *cells[-1].why, sep="\n", flush=True)
    finally:
        gateway.stop()
        upstream.stop()
        env.remove()
    if given.table:
        with open(given.table, "w", encoding="utf-8") as file:
            file.write("\n".join(lines) + "\n")
    checks = [held for c in cells for held in c.passed.values()]
    print(f"{sum(checks)}/{len(checks)} passed")
    return 0 if checks and all(checks) else 1


if __name__ == "__main__":
    sys.exit(main())
