# SPDX-License-Identifier: Apache-2.0
"""What a response tells beside its body, what the access log can say, and
/health."""
import contextlib
import json
import os
import re
import shutil
import signal
import time

import pytest

from client import wait_for

HELLO = [{"role": "user", "content": "hello"}]


@pytest.fixture
def four(gw):
    return gw.serve(gw.conf().four_providers().model(
        "smart", "anthropic claude-test").enable())


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_headers_of_an_answer(four, upstream, stream):
    answer = four.chat("smart", stream=stream)
    assert re.fullmatch(r"req_[0-9a-f]{24}", answer.id)
    assert answer.header("x-llm-provider") == "anthropic"
    assert answer.header("x-llm-model").startswith("claude-test")
    assert answer.header("x-llm-attempts") == "1"
    assert answer.has("x-llm-cost") is not stream
    assert not answer.has("content-encoding")
    names = [k.lower() for k, _ in answer.headers]
    assert len(names) == len(set(names)), f"a header twice: {names}"
    assert "x-api-key" not in names


def test_every_answer_has_an_id_of_its_own(four, upstream):
    ids = [four.chat("smart").id for _ in range(3)] + [
        four.chat("nobody").id, four.get("/v1/nowhere").id,
        four.chat("smart", key="llmgw-" + "C" * 43).id]
    assert all(ids) and len(set(ids)) == 6


def test_the_clients_own_request_id_does_not_replace_ours(four, upstream):
    answer = four.chat("smart", headers=[("x-request-id", "mine")])
    assert answer.id.startswith("req_")


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_what_a_provider_says_cannot_break_the_head(four, upstream, stream):
    """httpd gives up an answer whose head it cannot send; it was paid for."""
    said = {"id": "x", "object": "chat.completion", "model": "gpt-test\r\nx-evil: \x1b[31m",
            "choices": [{"index": 0, "message": {"role": "assistant", "content": "hi"},
                         "delta": {"content": "hi"}, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 5, "completion_tokens": 3, "total_tokens": 8}}
    body = json.dumps(said)
    upstream.queue({"headers": [["Content-Type", "text/event-stream" if stream
                                 else "application/json"], ["x-odd", "a\x01b"],
                                ["x-llm-cost", "7"], ["x-llm-dropped", "lies"]],
                    "body": f"data: {body}\n\ndata: [DONE]\n\n" if stream else body})
    answer = four.chat("openai/gpt-test", stream=stream)
    assert answer.status == 200, answer
    assert answer.header("x-odd") == "a b"
    assert answer.header("x-llm-cost") != "7" and not answer.has("x-llm-dropped")
    assert not answer.has("x-evil")
    record = four.record(answer)
    assert (record["status"], record["input"], record["output"]) == (200, 5, 3)


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/messages"])
def test_streams_are_not_to_be_cached_or_buffered(four, upstream, path):
    answer = four.post(path, {"model": "smart", "max_tokens": 9, "messages": HELLO,
                              "stream": True}, [("anthropic-version", "2023-06-01")])
    assert "no-cache" in answer.header("cache-control", "")


def test_a_streams_answer_is_not_deflated(gw, upstream):
    gw.serve(gw.conf().four_providers().enable().add("SetOutputFilter DEFLATE"))
    answer = gw.chat("openai/gpt-test", headers=[("Accept-Encoding", "identity")],
                     stream=True)
    assert b"[DONE]" in answer.body


def test_access_log_variables(four, upstream):
    answer = four.chat("smart")
    line = four.access(answer.id)
    usage = answer.json["usage"]
    assert line["LLM_REQUEST_ID"] == answer.id
    assert line["LLM_KEY"] == "tester"
    assert line["LLM_PROVIDER"] == "anthropic"
    assert line["LLM_MODEL"].startswith("claude-test")
    assert line["LLM_MODEL_ASKED"] == "smart"
    assert line["LLM_DIALECT"] == "openai"
    assert line["LLM_OP"] == "chat"
    assert line["LLM_ATTEMPTS"] == "1"
    assert line["LLM_TOKENS_IN"] == str(usage["prompt_tokens"])
    assert line["LLM_TOKENS_OUT"] == str(usage["completion_tokens"])
    assert line["LLM_COST"] == "0.00006" or float(line["LLM_COST"]) == 0.00006
    assert line["LLM_STATUS"] == "200"
    assert line["LLM_FINISH"] == "stop"
    assert int(line["LLM_LATENCY_MS"]) >= 0
    assert line["LLM_STREAM"] in ("0", "off", "-", "false")


def test_access_log_variables_of_a_stream(four, upstream):
    answer = four.chat("openai/gpt-test;stall=120;cached=7", stream=True)
    line = four.access(answer.id)
    assert 100 <= int(line["LLM_TTFT_MS"]) < 2000
    assert line["LLM_TOKENS_OUT"] == "3"
    assert line["LLM_TOKENS_CACHE_READ"] == "7"
    assert line["LLM_STREAM"] not in ("0", "off", "-", "false")


def test_access_log_of_an_error(four, upstream):
    answer = four.chat("openai/gpt-test;status=429")
    line = four.access(answer.id)
    assert line["LLM_STATUS"] == "429" and line["status"] == "429"
    assert line["LLM_KEY"] == "tester"


# -- /health ---------------------------------------------------------------------

def test_health(four, upstream):
    answer = four.get("/health", key=None)
    assert answer.status == 200
    assert answer.header("content-type").startswith("application/json")
    assert answer.json["status"] in ("ok", "healthy", "pass")
    assert not upstream.seen()


def test_health_needs_no_key_and_tells_no_secret(four, upstream):
    answer = four.get("/health", key=None)
    assert four.store not in answer.text and "sk-" not in answer.text


def test_health_elsewhere(gw, upstream):
    gw.serve(gw.conf("LLMHealthPath /up").four_providers().enable())
    assert gw.get("/up", key=None).status == 200
    assert gw.get("/health", key=None).status in (401, 404)


def test_health_without_an_owner(four, upstream):
    """Killed again and again, it is not there: requests cannot be metered."""
    four.tolerates("LLMGW0352")
    saw = False
    until = time.monotonic() + 8
    while not saw and time.monotonic() < until:
        owner = four.owner_pid()
        if owner:
            os.kill(owner, signal.SIGSTOP)
            try:
                # it counts as gone after ten seconds of silence
                wait_for(lambda: four.get("/health", key=None).status == 503, 14,
                         "503 from /health")
                saw = True
            finally:
                os.kill(owner, signal.SIGCONT)
                os.kill(owner, signal.SIGKILL)
    assert saw
    wait_for(lambda: four.get("/health", key=None).status == 200, 10, "health")
    assert four.chat("openai/gpt-test").status == 200


def test_health_when_journals_cannot_be_written(gw, upstream):
    """The store's folder is gone: what is not metered is not served."""
    with no_journals(gw, "deny") as conf:
        answer = wait_for(lambda: (a := gw.get("/health", key=None)).status == 503 and a,
                          10, "503 from /health")
        assert answer.json == {"status": "unavailable",
                               "reason": "the usage journal cannot be written"}
        assert int(answer.header("retry-after")) >= 1
        for ask in (gw.chat, gw.messages):
            for _ in range(10):
                answer = ask("openai/gpt-test")
                assert answer.status == 503 and answer.has("retry-after")
        assert "cannot meter" in answer.json["error"]["message"]
        assert answer.json["type"] == "error"
        said = [x for x in gw.recent_log() if "LLMGW0364" in x]
        assert len(said) == 1, "one line, however many requests"
        assert not [x for x in gw.recent_log() if "LLMGW0320" in x]
    assert not upstream.seen()
    gw.start(conf)
    assert gw.get("/health", key=None).status == 200


def test_requests_are_served_unrecorded_where_that_is_allowed(gw, upstream):
    with no_journals(gw, "allow") as conf:
        answer = wait_for(
            lambda: (a := gw.get("/health", key=None)).json["status"] != "ok" and a,
            10, "another health")
        assert answer.status == 200 and answer.json["status"] == "degraded"
        assert answer.json["reason"] == "the usage journal cannot be written"
        for _ in range(10):
            assert gw.chat("openai/gpt-test").status == 200
        # a request is counted when it is over, which is behind its answer
        wait_for(lambda: gw.get("/health", key=None).json["unrecorded"] == 10, 5,
                 "all ten to be counted")
        said = [x for x in gw.recent_log() if "LLMGW0365" in x]
        assert len(said) == 1
    gw.start(conf)
    assert gw.get("/health", key=None).json == {"status": "ok"}
    assert gw.record(gw.chat("openai/gpt-test"))["output"]


@contextlib.contextmanager
def no_journals(gw, policy):
    """New children cannot make a journal; httpd is stopped at the end."""
    gw.tolerates("LLMGW0208", "LLMGW0212", "LLMGW034[0-9]", "LLMGW0350", "LLMGW0355",
                 "LLMGW036[45]")
    gw.stop()
    gw.new_store()
    conf = gw.conf(f"LLMLedgerFailure {policy}").four_providers().enable()
    gw.serve(conf)
    gw.key()
    journal = os.path.join(gw.store, "journal")
    away = os.path.join(gw.root, "journal-away")
    os.rename(journal, away)
    with open(journal, "w", encoding="ascii"):
        pass
    try:
        # New children cannot make a journal.
        gw.graceful()
        yield conf
    finally:
        os.unlink(journal)
        os.rename(away, journal)
    gw.stop()
    shutil.rmtree(away, ignore_errors=True)


# -- tags ------------------------------------------------------------------------

def tags(*value):
    return [("X-LLM-Tags", v) for v in value]


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("model", ["smart", "openai/gpt-test", "gemini/gemini-test"])
def test_tags_are_recorded_and_go_no_further(four, upstream, model, stream):
    answer = four.chat(model, stream=stream, headers=tags("team=a, feature=search,beta"))
    assert answer.status == 200
    assert four.record(answer)["tags"] == "team=a,feature=search,beta"
    assert upstream.only().header("x-llm-tags") is None
    assert four.access(answer.id)["LLM_TAGS"] == "team=a,feature=search,beta"


def test_tags_of_a_native_call(four, upstream):
    answer = four.post("/anthropic/v1/messages", {
        "model": "claude-test", "max_tokens": 9, "messages": HELLO,
        "metadata": {"user_id": "u-7"}}, [*tags("a=b", "c"), ("anthropic-version",
                                                               "2023-06-01")])
    record = four.record(answer)
    assert record["tags"] == "a=b,c" and record["user"] == "u-7"
    assert upstream.only().header("x-llm-tags") is None
    assert upstream.only().json["metadata"] == {"user_id": "u-7"}


@pytest.mark.parametrize("value", [
    "a b", "a=", "=b", "a=b c", "a=\u00e9", 'a="b"', "a=b=c", "a,b,a=1", "x" * 33, "a=" + "x" * 65,
    ",".join(f"t{i}" for i in range(11)), ",".join(f"t{i}=" + "x" * 60 for i in range(4))])
def test_tags_that_cannot_be_kept_are_refused(four, upstream, value):
    for answer in (four.chat("smart", headers=tags(value)),
                   four.messages("smart", headers=tags(value))):
        assert answer.status == 400, answer
        assert "X-LLM-Tags" in answer.text
        assert four.record(answer)["status"] == 400
    assert not upstream.seen()


def test_as_many_tags_as_there_may_be(four, upstream):
    value = ",".join(f"t{i}={'x' * 16}" for i in range(10))
    assert len(value) == 199
    assert four.record(four.chat("smart", headers=tags(value)))["tags"] == value
    assert four.record(four.chat("smart", headers=tags(" , ,")))["tags"] is None


def test_metadata_that_can_be_tags_is_recorded(four, upstream):
    metadata = {"feature": "search", "team": "theirs", "note": "two words", "n": "x" * 80}
    answer = four.chat("openai/gpt-test", headers=tags("team=ours"), metadata=metadata,
                       safety_identifier="s-1")
    record = four.record(answer)
    assert record["tags"] == "team=ours,feature=search"
    assert record["user"] == "s-1"
    assert upstream.only().json["metadata"] == metadata
    line = four.access(answer.id)
    assert line["LLM_USER"] == "s-1" and line["LLM_TEAM"] == "-"


def test_the_keys_team_is_recorded(four, upstream):
    answer = four.chat("smart", key=four.key("of-a-team", "--team", "search"))
    assert four.record(answer)["team"] == "search"
    assert four.access(answer.id)["LLM_TEAM"] == "search"


def test_why_there_was_an_error_is_recorded(four, upstream):
    four.tolerates("LLMGW0101")
    assert four.record(four.chat("openai/gpt-test;status=429"))["problem"] == "rate_limited"
    assert four.record(four.chat("nobody"))["problem"] == "not_found"
    assert four.record(four.chat("openai/gpt-test"))["problem"] is None
