# SPDX-License-Identifier: Apache-2.0
"""With a vocabulary, what a provider did not count is counted by it; the record
says all the same that it is an estimate. The vocabulary here is a small one, so
that the counts can be told by hand."""
import os

import pytest

from env import SOURCES

SMALL = os.path.join(SOURCES, "test", "vectors", "tokens", "vocabulary")


@pytest.fixture
def small(gw):
    return gw.serve(gw.conf(f"LLMVocabulary {SMALL}").four_providers().enable())


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_what_no_provider_counted_is_counted(small, upstream, stream):
    answer = small.chat("openai/gpt-4o;nousage;events=40", "the the the in the", stream=stream)
    assert answer.status == 200, answer
    record = small.record(answer)
    # the| the| the| in| the; of " in" there is no token: " " and "in". Four
    # frame the message, three the answer.
    assert record["input"] == 6 + 4 + 3
    assert record["estimated"]
    assert 10 < record["output"] < 400


@pytest.mark.parametrize("model", ["openai/gpt-4o", "openai/gpt-4o;nousage",
                                   "ollama/gpt-4o"])
def test_a_stream_to_anthropics_clients_begins_with_the_input(small, upstream, model):
    """Other providers count at the end; the client wants to know at once."""
    answer = small.messages(model, "the the the in the", stream=True)
    first = answer.events[0].json
    assert first["type"] == "message_start"
    assert first["message"]["usage"]["input_tokens"] == 6 + 4 + 3, first
    assert first["message"]["usage"]["output_tokens"] == 0
    record = small.record(answer)
    assert record["estimated"] == ("nousage" in model)
    last = [e.json for e in answer.events if e.json["type"] == "message_delta"][-1]
    assert last["usage"]["input_tokens"] == record["input"]


@pytest.mark.parametrize("model", ["anthropic/claude-x", "gemini/gpt-4o"])
def test_a_count_of_the_provider_begins_where_it_is_known(small, upstream, model):
    answer = small.messages(model, "the the the in the", stream=True)
    assert answer.events[0].json["message"]["usage"]["input_tokens"] \
        == small.record(answer)["input"]


def test_a_count_of_the_provider_is_taken_as_it_is(small, upstream):
    answer = small.chat("openai/gpt-4o", "the the the in the")
    record = small.record(answer)
    assert record["input"] == answer.json["usage"]["prompt_tokens"]
    assert record["output"] == answer.json["usage"]["completion_tokens"]
    assert not record["estimated"]


def test_a_file_that_is_not_there_is_refused(gw):
    code, said = gw.configtest(gw.conf("LLMVocabulary /no/such/vocabulary"))
    assert code != 0
    assert "LLMVocabulary" in said and "/no/such/vocabulary" in said, said


def test_a_file_that_is_none_is_refused(gw):
    bad = gw.file("vocabulary", "LLMVOCAB and nothing that makes sense", mode=0o644)
    code, said = gw.configtest(gw.conf(f"LLMVocabulary {bad}"))
    assert code != 0
    assert "LLMVocabulary" in said and bad in said and "version" in said, said


def test_without_one_the_log_says_so_once(gw):
    gw.serve(gw.conf().four_providers().enable())
    said = [line for line in gw.recent_log() if "LLMGW0307" in line]
    assert len(said) == 1, said
