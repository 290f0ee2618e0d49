# SPDX-License-Identifier: Apache-2.0
"""The command line agents: how each is set on a gateway and asked something.

Each runs in a home of its own with nothing of the tester's in its environment,
and reaches nobody but the gateway: any other address is behind a proxy that is
not there. What is set here is what the docs' page agents.md tells users.
"""
import json
import os
import subprocess
import time

NOTE = "the lighthouse is green"


class Run:
    """What an agent gave."""

    def __init__(self, done, seconds):
        self.code = done.returncode
        self.out = done.stdout
        self.err = done.stderr
        self.seconds = seconds

    def __repr__(self):
        return f"<exit {self.code} out={self.out[-600:]!r} err={self.err[-600:]!r}>"


class Agent:
    """One program; `folder` is where npm has put it."""

    name = program = ""
    reads = ""           # the tool that reads a file, with what it is given
    unsaid = ()          # settings for tests alone, which the docs leave out

    def __init__(self, folder):
        self.binary = os.path.join(folder, "node_modules", ".bin", self.program)

    def settings(self, url, key, model):
        """Files below its home, and variables."""
        raise NotImplementedError

    def command(self, model, prompt):
        raise NotImplementedError

    def read(self, note):
        """A prompt that makes the scripted model read that file."""
        return f"use the tool {self.reads.format(note=json.dumps(note))}"

    def run(self, scratch, url, key, model, prompt, timeout=120):
        home, work = os.path.join(scratch, "home"), os.path.join(scratch, "work")
        os.makedirs(work)
        with open(os.path.join(work, "note.txt"), "w", encoding="ascii") as file:
            file.write(NOTE + "\n")
        files, variables = self.settings(url, key, model)
        for name, content in files.items():
            path = os.path.join(home, name)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "w", encoding="utf-8") as file:
                file.write(content)
        os.makedirs(home, exist_ok=True)
        nobody = "http://127.0.0.1:9"
        began = time.time()
        done = subprocess.run(
            [self.binary, *self.command(model, prompt)], cwd=work, text=True, check=False,
            stdin=subprocess.DEVNULL, capture_output=True, timeout=timeout,
            env={"PATH": os.environ["PATH"], "HOME": home, "LANG": "C.UTF-8",
                 "HTTP_PROXY": nobody, "HTTPS_PROXY": nobody, "https_proxy": nobody,
                 "http_proxy": nobody, "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1",
                 **variables})
        return Run(done, time.time() - began)


class Claude(Agent):
    name, program = "Claude Code", "claude"
    reads = 'Read with {{"file_path": {note}}}'
    unsaid = ("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "CLAUDE_CODE_MAX_RETRIES")

    def settings(self, url, key, model):
        return {}, {"ANTHROPIC_BASE_URL": url, "ANTHROPIC_AUTH_TOKEN": key,
                    "ANTHROPIC_MODEL": model, "ANTHROPIC_SMALL_FAST_MODEL": model,
                    "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
                    "CLAUDE_CODE_MAX_RETRIES": "3"}

    def command(self, model, prompt):
        return ["-p", prompt, "--allowedTools", "Read"]


class Codex(Agent):
    name, program = "Codex", "codex"
    reads = 'exec_command with {{"cmd": "cat note.txt"}}'
    unsaid = ("model_reasoning_effort", "check_for_update_on_startup")

    def settings(self, url, key, model):
        return {".codex/config.toml": f'''
model = "{model}"
model_provider = "gateway"
model_reasoning_effort = "low"
check_for_update_on_startup = false

[model_providers.gateway]
name = "gateway"
base_url = "{url}/v1"
env_key = "LLM_GATEWAY_KEY"
wire_api = "responses"

[analytics]
enabled = false
'''}, {"LLM_GATEWAY_KEY": key}

    def command(self, model, prompt):
        return ["exec", "--skip-git-repo-check", "-s", "danger-full-access", prompt]


class Gemini(Agent):
    name, program = "Gemini CLI", "gemini"
    reads = 'read_file with {{"file_path": "note.txt"}}'
    unsaid = ("GEMINI_CLI_TRUST_WORKSPACE",)

    def settings(self, url, key, model):
        return {".gemini/settings.json": json.dumps({
            "security": {"auth": {"selectedType": "gemini-api-key"}},
            "privacy": {"usageStatisticsEnabled": False},
            "general": {"disableAutoUpdate": True}})}, {
                "GOOGLE_GEMINI_BASE_URL": url, "GEMINI_API_KEY": key,
                "GEMINI_CLI_TRUST_WORKSPACE": "true"}

    def command(self, model, prompt):
        return ["-m", model, "-p", prompt, "--yolo"]


AGENTS = [Claude, Codex, Gemini]
