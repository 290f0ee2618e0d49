# SPDX-License-Identifier: Apache-2.0
"""OpenAI's official SDKs as clients of Responses, on every provider."""
import json

import pytest

SDKS = ["responses.py", "responses.mjs"]
MODELS = {"openai": "openai/gpt-test", "responses": "responses/gpt-test",
          "anthropic": "anthropic/claude-test", "gemini": "gemini/gemini-test",
          "hf": "hf/org/chat-model", "ollama": "ollama/llama"}
FORCES = [p for p in MODELS if p != "ollama"]     # that server cannot force a tool

every_sdk = pytest.mark.parametrize("sdk", SDKS)
every_provider = pytest.mark.parametrize("provider", MODELS)


@pytest.fixture
def result(drive, sdk, provider):
    """What a scenario of this SDK gave on this provider."""
    everything = drive(sdk, MODELS[provider], "none")

    def of(scenario):
        told = everything[scenario]
        assert "got" in told, f"{scenario} raised {told}"
        return told["got"]

    def raised(scenario):
        told = everything[scenario]
        assert "raised" in told, f"{scenario} raised nothing: {told}"
        return told
    of.raised = raised
    return of


@every_sdk
@every_provider
class TestResponses:
    def test_create(self, result):
        got = result("chat")
        assert got["text"] == "You said: hello" and got["status"] == "completed"
        assert got["id"].startswith("resp_") and got["model"]
        assert got["usage"][1] == 3 and got["usage"][2] == sum(got["usage"][:2])
        assert result("turns")["text"] == "You said: three"

    def test_stream(self, result):
        got = result("stream")
        assert got["text"] == got["deltas"] == "You said: hello"
        assert got["kinds"][:2] == ["response.created", "response.in_progress"]
        assert got["kinds"][-1] == "response.completed"
        assert got["kinds"].count("response.output_text.delta") == 3

    def test_stream_helper(self, result):
        got = result("stream_helper")
        assert got["text"] == got["deltas"] == "You said: hello"
        assert got["usage"][1] == 3

    def test_tools(self, result):
        assert result("tools")["calls"] == [["get_weather", {"city": "Paris"}]]

    @pytest.mark.parametrize("scenario", ["parallel_tools", "tools_stream_helper"])
    def test_parallel_tools(self, result, scenario):
        got = result(scenario)
        assert got["calls"] == [["get_weather", {"city": "Paris"}],
                                ["get_time", {"city": "Paris"}]]
        assert len(set(got["ids"])) == 2
        if "arguments" in got:
            assert [json.loads(a) for a in got["arguments"]] == [c[1] for c in got["calls"]]

    def test_tool_round_trip(self, result):
        assert result("tool_round_trip")["text"] == \
            "The tool answered: result of get_weather; result of get_time"

    def test_image(self, result):
        assert result("image")["text"] == "I see 1 image(s). You said: what is this"

    def test_length(self, result):
        got = result("length")
        assert got["status"] == "incomplete" and got["reason"] == "max_output_tokens"

    def test_parse(self, result):
        # a model without formats is made to call a tool, whose input is made up
        assert result("parse")["answer"] in ("You said: hello", "Paris")

    def test_request_id(self, result):
        got = result("request_id")
        assert got["header"].startswith("req_") and got["id"] == got["header"]

    def test_the_sdk_tries_again_by_itself(self, result):
        assert result("retried")["text"] == "You said: hello"

    def test_errors(self, result):
        assert result.raised("wrong_key")["raised"] == "AuthenticationError"
        assert result.raised("unknown_model")["code"] == "model_not_found"
        assert result.raised("bad_request")["raised"] == "BadRequestError"
        error = result.raised("rate_limited")
        assert error["raised"] == "RateLimitError" and error["retry_after"] == "2"
        error = result.raised("error_in_stream")
        assert "Error" in error["raised"] and error["message"]


@every_sdk
@pytest.mark.parametrize("provider", FORCES)
def test_forced_tool(result):
    assert result("forced_tool")["calls"] == [["get_time", {"city": "Paris"}]]
