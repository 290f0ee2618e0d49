# SPDX-License-Identifier: Apache-2.0
"""The providers' official SDKs as clients of the gateway, on every provider:
they cannot tell that they talk to somebody else.

Each SDK runs once for each provider (drive_*), and a test looks at what one
scenario gave.
"""
import pytest

SDKS = ["openai.py", "openai.mjs", "anthropic.py", "anthropic.mjs"]
MODELS = {"openai": "openai/gpt-test", "anthropic": "anthropic/claude-test",
          "gemini": "gemini/gemini-test", "hf": "hf/org/chat-model"}
EMBEDDINGS = {"openai": "openai/text-embedding-3-small", "gemini": "gemini/gemini-embedding-001"}
FINISH = {"openai": {"stop": "stop", "length": "length", "tools": "tool_calls"},
          "anthropic": {"stop": "end_turn", "length": "max_tokens", "tools": "tool_use"}}

every_sdk = pytest.mark.parametrize("sdk", SDKS)
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
    of.finish = FINISH[sdk.split(".")[0]]
    of.dialect = sdk.split(".")[0]
    return of


@every_sdk
@every_provider
class TestAnswers:
    def test_chat(self, result):
        got = result("chat")
        assert got["text"] == "You said: hello"
        assert got["finish"] == result.finish["stop"]
        assert got["id"] and got["model"]
        assert got["usage"][:2] == [5, 3]

    def test_system_and_turns(self, result):
        assert result("system_and_turns")["text"] == "You said: three"

    def test_stream(self, result):
        got = result("stream")
        assert got["text"] == "You said: hello" and got["several"]
        assert got["finish"] == result.finish["stop"]
        if result.dialect == "openai":
            assert got["usage"] is None, "usage that was not asked for"
        else:
            assert got["usage"][1] == 3

    def test_stream_helper(self, result):
        got = result("stream_helper")
        assert got["text"] == got["deltas"] == "You said: hello"
        assert got["finish"] == result.finish["stop"]
        assert got["usage"][:2] == [5, 3]

    def test_tools(self, result):
        got = result("tools")
        assert got["calls"] == [["get_weather", {"city": "Paris"}]]
        assert got["finish"] == result.finish["tools"]

    @pytest.mark.parametrize("scenario", ["parallel_tools", "tools_stream_helper"])
    def test_parallel_tools(self, result, scenario):
        got = result(scenario)
        assert got["calls"] == [["get_weather", {"city": "Paris"}],
                                ["get_time", {"city": "Paris"}]]
        assert len(set(got["ids"])) == 2
        assert got["finish"] == result.finish["tools"]

    def test_tool_round_trip(self, result):
        assert result("tool_round_trip")["text"] == \
            "The tool answered: result of get_weather; result of get_time"

    def test_forced_tool(self, result):
        assert result("forced_tool")["calls"] == [["get_time", {"city": "Paris"}]]

    def test_image(self, result):
        assert result("image")["text"] == "I see 1 image(s). You said: what is this"

    def test_stop(self, result):
        got = result("stop")
        assert got["text"].rstrip() == "You said: a"

    def test_length(self, result):
        got = result("length")
        assert got["text"] == "You said: a"
        assert got["finish"] == result.finish["length"]

    def test_request_id(self, result):
        got = result("request_id")
        assert got["header"].startswith("req_") and got["id"] == got["header"]

    def test_the_sdk_tries_again_by_itself(self, result):
        assert result("retried")["text"] == "You said: hello"


@every_sdk
@every_provider
class TestErrors:
    def test_wrong_key(self, result):
        error = result.raised("wrong_key")
        assert error["raised"] == "AuthenticationError" and error["status"] == 401

    def test_unknown_model(self, result):
        error = result.raised("unknown_model")
        assert error["raised"] == "NotFoundError" and error["status"] == 404
        assert "nobody/none" in error["message"]
        if result.dialect == "openai":
            assert error["code"] == "model_not_found"

    def test_bad_request(self, result):
        error = result.raised("bad_request")
        assert error["raised"] == "BadRequestError" and error["status"] == 400
        assert "scripted error 400" in error["message"]

    def test_rate_limited(self, result):
        error = result.raised("rate_limited")
        assert error["raised"] == "RateLimitError" and error["status"] == 429
        assert error["retry_after"] == "2"

    def test_server_error(self, result):
        error = result.raised("server_error")
        assert error["raised"] == "InternalServerError" and error["status"] >= 500

    def test_error_in_a_stream(self, result):
        error = result.raised("error_in_stream")
        assert "Error" in error["raised"] and error["message"]


@pytest.mark.parametrize("sdk", ["openai.py", "openai.mjs"])
@pytest.mark.parametrize("provider", ["openai", "gemini"])
def test_embeddings(result):
    got = result("embeddings")
    assert got["sizes"] == [8, 8] and got["numbers"]


@pytest.mark.parametrize("sdk", ["openai.py", "openai.mjs"])
@pytest.mark.parametrize("provider", ["openai"])
def test_models(result):
    assert "smart" in result("models")["ids"]


@pytest.mark.parametrize("sdk", ["openai.py", "anthropic.py"])
@every_provider
def test_the_asynchronous_client(result):
    assert result("asynchronous")["text"] == "You said: hello"


@pytest.mark.parametrize("sdk", ["anthropic.py", "anthropic.mjs"])
@every_provider
def test_a_bearer_token(result):
    assert result("bearer")["text"] == "You said: hello"


@pytest.mark.parametrize("sdk", ["anthropic.py", "anthropic.mjs"])
@pytest.mark.parametrize("provider", ["anthropic", "gemini"])
def test_thinking(result):
    got = result("thinking")
    assert got["text"] == "You said: hello"
    assert got["usage"][1] == 3 + 6, "reasoning is output"
    if got["model"].startswith("claude"):
        assert got["thinking"]
