# SPDX-License-Identifier: Apache-2.0
"""Cohere's and Ollama's official SDKs as clients of the gateway, on every
provider."""
import pytest

from test_sdk import EMBEDDINGS, MODELS

ALL = {**MODELS, "cohere": "cohere/command-a-03-2025", "ollama": "ollama/llama3.2"}
VECTORS = {**EMBEDDINGS, "cohere": "cohere/embed-v4.0", "ollama": "ollama/all-minilm"}
FINISH = {"cohere.py": {"stop": "COMPLETE", "length": "MAX_TOKENS", "tools": "TOOL_CALL"},
          "ollama.py": {"stop": "stop", "length": "length", "tools": "stop"}}

every_sdk = pytest.mark.parametrize("sdk", FINISH)
every_provider = pytest.mark.parametrize("provider", ALL)


@pytest.fixture
def result(drive, sdk, provider):
    """What a scenario of this SDK gave on this provider."""
    everything = drive(sdk, ALL[provider], VECTORS.get(provider, VECTORS["openai"]))

    def of(scenario):
        told = everything[scenario]
        assert "got" in told, f"{scenario} raised {told}"
        return told["got"]

    def raised(scenario):
        told = everything[scenario]
        assert "raised" in told, f"{scenario} raised nothing: {told}"
        return told
    of.raised = raised
    of.finish = FINISH[sdk]
    return of


@every_sdk
@every_provider
class TestAnswers:
    def test_chat(self, result):
        got = result("chat")
        assert (got["text"], got["finish"]) == ("You said: hello", result.finish["stop"])
        assert got["usage"] == [5, 3]

    def test_system_and_turns(self, result):
        assert result("system_and_turns")["text"] == "You said: three"

    def test_stream(self, result):
        got = result("stream")
        assert got["text"] == "You said: hello" and got["several"]
        assert got["finish"] == result.finish["stop"]
        assert got["usage"] == [5, 3]

    def test_tools(self, result):
        got = result("tools")
        assert got["calls"] == [["get_weather", {"city": "Paris"}]]
        assert got["finish"] == result.finish["tools"]

    @pytest.mark.parametrize("scenario", ["parallel_tools", "tools_stream"])
    def test_parallel_tools(self, result, scenario):
        got = result(scenario)
        assert got["calls"] == [["get_weather", {"city": "Paris"}],
                                ["get_time", {"city": "Paris"}]]
        assert got["finish"] == result.finish["tools"]

    def test_tool_round_trip(self, result):
        text = result("tool_round_trip")["text"]
        assert "result of get_weather" in text and "result of get_time" in text

    def test_an_answer_by_a_schema(self, result):
        assert list(result("schema")["parsed"]) == ["answer"]

    def test_image(self, result):
        assert result("image")["text"] == "I see 1 image(s). You said: what is this"

    def test_stop(self, result):
        assert result("stop")["text"].rstrip() == "You said: a"

    def test_length(self, result):
        got = result("length")
        assert (got["text"], got["finish"]) == ("You said: a", result.finish["length"])

    def test_the_asynchronous_client(self, result):
        assert result("asynchronous")["text"] == "You said: hello"


@every_sdk
@every_provider
class TestErrors:
    @pytest.mark.parametrize("scenario, status, word", [
        ("wrong_key", 401, "key"), ("unknown_model", 404, "nobody/none"),
        ("bad_request", 400, "scripted error 400"),
        ("rate_limited", 429, "scripted error 429"),
        ("server_error", 500, "scripted error 500")])
    def test_statuses(self, result, scenario, status, word):
        error = result.raised(scenario)
        assert error["status"] == status and word in error["message"], error


@pytest.mark.parametrize("sdk", ["ollama.py"])
@every_provider
def test_an_error_in_a_stream_is_raised(result):
    error = result.raised("error_in_stream")
    assert error["raised"] == "ResponseError" and error["message"]


@pytest.mark.parametrize("sdk", ["cohere.py"])
@every_provider
def test_an_error_in_a_stream_ends_it(result):
    assert result("error_in_stream")["finish"] == "ERROR"


@pytest.mark.parametrize("sdk", ["cohere.py"])
@pytest.mark.parametrize("provider", [p for p in ALL if p != "ollama"])
def test_a_forced_tool(result):
    assert len(result("forced_tool")["calls"]) == 1


@every_sdk
@pytest.mark.parametrize("provider", ["openai", "gemini", "cohere", "ollama"])
def test_embeddings(result):
    assert result("embeddings")["sizes"] == [8, 8]


@pytest.mark.parametrize("sdk", ["cohere.py"])
@pytest.mark.parametrize("provider", ["cohere"])
def test_ranking(result):
    assert result("rerank")["order"] == [1, 0]


@every_sdk
@pytest.mark.parametrize("provider", ["openai"])
def test_models(result):
    assert "smart" in result("models")["ids"]


@pytest.mark.parametrize("sdk", ["ollama.py"])
@every_provider
def test_prompts(result):
    got = result("generate")
    assert got["text"] == got["streamed"] == "You said: hello" and got["done"]
