# SPDX-License-Identifier: Apache-2.0
"""Google's official SDKs as clients of the gateway, on every provider."""
import json

import pytest

from test_sdk import EMBEDDINGS, MODELS

every_sdk = pytest.mark.parametrize("sdk", ["gemini.py", "gemini.mjs"])
python = pytest.mark.parametrize("sdk", ["gemini.py"])
every_provider = pytest.mark.parametrize("provider", MODELS)


@pytest.fixture
def result(drive, sdk, provider):
    """What a scenario of this SDK gave on this provider."""
    everything = drive(sdk, MODELS[provider],
                       EMBEDDINGS.get(provider, EMBEDDINGS["openai"]))

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
class TestAnswers:
    def test_chat(self, result):
        got = result("chat")
        assert (got["text"], got["finish"]) == ("You said: hello", "STOP")
        assert got["id"] and got["model"]
        assert got["usage"] == [5, 3, 8]

    def test_system_and_turns(self, result):
        assert result("system_and_turns")["text"] == "You said: three"

    def test_stream(self, result):
        got = result("stream")
        assert got["text"] == "You said: hello" and got["several"]
        assert got["finish"] == "STOP"
        assert got["usage"] == [5, 3, 8]

    def test_tools(self, result):
        got = result("tools")
        assert got["calls"] == [["get_weather", {"city": "Paris"}]]
        assert got["finish"] == "STOP"

    @pytest.mark.parametrize("scenario", ["parallel_tools", "tools_stream"])
    def test_parallel_tools(self, result, scenario):
        got = result(scenario)
        assert got["calls"] == [["get_weather", {"city": "Paris"}],
                                ["get_time", {"city": "Paris"}]]
        assert got["finish"] == "STOP"

    def test_tool_round_trip(self, result):
        text = result("tool_round_trip")["text"]
        assert "result of get_weather" in text and "result of get_time" in text

    def test_forced_tool(self, result):
        assert result("forced_tool")["calls"] == [["get_time", {"city": "Paris"}]]

    def test_a_conversation_the_sdk_keeps(self, result):
        got = result("chats")
        assert got["text"] == ["You said: one", "You said: two"]
        assert got["turns"] >= 4

    def test_an_answer_by_a_schema(self, result):
        got = result("schema")
        assert json.loads(got["text"]) == got["parsed"]
        assert list(got["parsed"]) == ["answer"]

    def test_image(self, result):
        assert result("image")["text"] == "I see 1 image(s). You said: what is this"

    def test_stop(self, result):
        assert result("stop")["text"].rstrip() == "You said: a"

    def test_length(self, result):
        got = result("length")
        assert (got["text"], got["finish"]) == ("You said: a", "MAX_TOKENS")

    def test_count_tokens(self, result):
        assert result("count_tokens")["count"] > 0

    def test_models(self, result):
        got = result("models")
        assert "models/smart" in got["ids"] and got["one"] == "models/smart"


@every_sdk
@every_provider
class TestErrors:
    @pytest.mark.parametrize("scenario, status, word", [
        ("wrong_key", 401, "UNAUTHENTICATED"), ("unknown_model", 404, "NOT_FOUND"),
        ("bad_request", 400, "INVALID_ARGUMENT"), ("rate_limited", 429, "RESOURCE_EXHAUSTED"),
        ("server_error", 500, "INTERNAL")])
    def test_statuses(self, result, scenario, status, word):
        error = result.raised(scenario)
        assert error["raised"] in ("ClientError", "ServerError", "ApiError")
        assert error["status"] == status
        assert word in error["message"]

    def test_an_error_in_a_stream(self, result):
        assert result.raised("error_in_stream")["message"]


@python
@every_provider
class TestPython:
    def test_functions_are_called_by_the_sdk(self, result):
        got = result("automatic_calls")
        assert got["seen"] == ["Paris"]
        assert "sunny" in got["text"]

    def test_the_asynchronous_client(self, result):
        assert result("asynchronous")["text"] == "You said: hello"


@every_sdk
@pytest.mark.parametrize("provider", ["anthropic", "gemini"])
def test_thinking(result):
    got = result("thinking")
    assert got["text"] == "You said: hello"
    assert got["thinking"]


@every_sdk
@pytest.mark.parametrize("provider", ["openai", "gemini"])
def test_embeddings(result):
    got = result("embeddings")
    assert got["sizes"] == [8, 8] and got["numbers"]
