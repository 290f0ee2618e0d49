# SPDX-License-Identifier: Apache-2.0
"""Every SDK on every provider, scenario by scenario: the SDKs cannot tell
that they talk to somebody else.

A scenario is judged alike for all SDKs, by the function of its name below;
what differs between them is in sdks.py.
"""
import sdks
import signed

PARIS = {"city": "Paris"}
CALLS = ("get_weather", "get_time")
THOUGHT = "Let me think about that."


def chat(got, sdk, provider):
    assert got["text"] == "You said: hello"
    assert got.get("finish") == sdk.finish.get("stop")
    if sdk.counts_own and provider == "cohere":
        assert got["usage"][1] >= sdks.COUNTED
    elif provider == "old":
        assert got["usage"][1] == sdks.COUNTED
    else:
        assert got["usage"][:2] == [5, sdks.COUNTED]


def system_and_turns(got, sdk, provider):
    if provider == "old":   # the conversation is written down as one prompt
        assert "three" in got["text"]
    else:
        assert got["text"] == "You said: three"


def stream(got, sdk, provider):
    assert got["text"] == "You said: hello" and got["several"]
    assert got.get("finish") == sdk.finish.get("stop")
    if sdk.dialect == "openai" and provider == "mistral":
        pass    # it tells its usage unasked, in its own way
    elif sdk.dialect == "openai" and not sdk.counts_streams:
        assert not got.get("usage"), "usage that was not asked for"
    elif not (sdk.counts_own and provider == "cohere") and not sdk.adds_counts:
        assert got["usage"][1] == sdks.COUNTED
    if "kinds" in got and sdk.dialect == "openai-responses":
        assert got["kinds"][:2] == ["response.created", "response.in_progress"]
        assert got["kinds"][-1] == "response.completed"


def stream_helper(got, sdk, provider):
    assert got["text"] == got["deltas"]
    chat(got, sdk, provider)


def tools(got, sdk, provider):
    assert got["calls"] == [["get_weather", PARIS]]
    assert got.get("finish") == sdk.finish.get("tools")


def parallel_tools(got, sdk, provider):
    assert got["calls"] == [["get_weather", PARIS], ["get_time", PARIS]]
    assert len(set(got.get("ids", "12"))) == 2
    assert got.get("finish") == sdk.finish.get("tools")


tools_stream = tools_stream_helper = parallel_tools


def ping(got, sdk, provider):
    assert got["calls"] == got["streamed"] == [["ping", {}]]


def tool_round_trip(got, sdk, provider):
    assert got["text"] == "The tool answered: " + "; ".join(map(sdk.result.format, CALLS))


tools_loop_stream = tool_round_trip


def forced_tool(got, sdk, provider):
    assert [c[0] for c in got["calls"]] in (["get_time"], ["get_weather"])
    assert got["calls"][0][1] == PARIS


def image(got, sdk, provider):
    assert got["text"] == "I see 1 image(s). You said: what is this"


def schema(got, sdk, provider):
    assert list(got["parsed"]) == ["answer"]


parse_stream = schema_stream = schema


def stop(got, sdk, provider):
    assert got["text"].rstrip() == "You said: a"


def length(got, sdk, provider):
    assert got["text"] == "You said: a"
    assert got.get("finish") == sdk.finish.get("length")


def thinking(got, sdk, provider):
    assert got["text"] == "You said: hello"
    if sdks.shows_thinking(sdk, provider):
        assert got["thinking"] == THOUGHT
        assert got.get("streamed", THOUGHT) == THOUGHT
        if not (sdk.counts_own and provider == "cohere"):
            assert got["usage"][1] == sdks.COUNTED + 6, "reasoning is output"


thinking_back = tool_round_trip


def embeddings(got, sdk, provider):
    assert got["sizes"] == [8, 8] and got.get("numbers", True)


def rerank(got, sdk, provider):
    assert got["order"] == [1, 0]


def models(got, sdk, provider):
    assert "smart" in [i.removeprefix("models/") for i in got["ids"]]
    assert got.get("one", "smart").removeprefix("models/") == "smart"


def count_tokens(got, sdk, provider):
    assert got["count"] > 0


def abort(got, sdk, provider):
    """That the provider saw it leave is looked at in the cell's own test."""
    assert got["count"] >= 3


def request_id(got, sdk, provider):
    assert got["header"].startswith("req_") and got["id"] == got["header"]


def asynchronous(got, sdk, provider):
    assert got["text"] == "You said: hello"


bearer = retried = asynchronous


def automatic_calls(got, sdk, provider):
    assert got["seen"] == ["Paris"] and "sunny" in got["text"]


def chats(got, sdk, provider):
    said = "You said: " if provider != "old" else ""
    assert got["text"][0] == "You said: one" and got["text"][1].startswith(said)
    assert got["turns"] >= 4


def generate(got, sdk, provider):
    assert got["text"] == got["streamed"] == "You said: hello" and got["done"]


STATUSES = {"wrong_key": (401, ""), "unknown_model": (404, "nobody/none"),
            "bad_request": (400, "scripted error 400"), "rate_limited": (429, ""),
            "server_error": (500, "")}


def check_error(told, sdk, scenario):
    status, word = STATUSES[scenario]
    assert "raised" in told, f"nothing was raised: {told}"
    wanted = sdk.errors if isinstance(sdk.errors, str) else (sdk.errors or {}).get(status)
    assert wanted in (None, told["raised"]), told
    assert word in told["message"], told
    assert (sdk.codes or {}).get(status, "") in f"{told.get('code')} {told['message']}", told
    if told.get("status") is not None:
        assert told["status"] == status or (status == 500 and told["status"] > 500), told
    if scenario == "rate_limited" and sdk.retry_after:
        assert told["retry_after"] == "2", told


def check_broken_stream(told, sdk, provider):
    """Raised, in the provider's words, or told by the last event where the SDK
    raises nothing."""
    if sdks.is_core(sdk, provider):
        assert told.get("message") or told["got"].get("finish") == "ERROR", told
        return
    kind, words = sdks.breaks(sdk, provider)
    if sdk.startswith("cohere."):
        assert told["got"]["finish"] == "ERROR", told
        assert told["got"].get("kinds", ["message-end"]).count("message-end") == 1, told
        return
    assert kind in (None, told["raised"]), told
    assert words in told["message"], told


def check_refusal(told, word):
    assert "raised" in told, f"it was not refused: {told}"
    assert told.get("status") in (None, 400) and word in told["message"], told


def test_cell(driven, left, back, sdk, provider, scenario):
    told = driven(sdk)[provider][scenario]
    facts = sdks.SDKS[sdk]
    why = sdks.refused(sdk, provider, scenario)
    if scenario in STATUSES:
        check_error(told, facts, scenario)
    elif scenario == "error_in_stream":
        check_broken_stream(told, sdk, provider)
    elif why:
        check_refusal(told, why)
    else:
        assert "got" in told, told
        globals()[scenario](told["got"], facts, provider)
    if (scenario == "thinking_back" and provider in signed.WHOLE and not why
            and not facts.core):
        assert signed.turn_of(back(sdk, provider)) == signed.wanted(sdk, provider)
    if scenario == "abort" and not why:
        assert left(sdk, provider), "the provider went on writing"
