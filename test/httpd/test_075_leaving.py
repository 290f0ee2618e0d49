# SPDX-License-Identifier: Apache-2.0
"""Clients that leave: the provider is hung up on, or drained, and what it
produced is billed either way."""
import json
import socket
import subprocess
import time

import pytest

from client import request_bytes, wait_for

HELLO = [{"role": "user", "content": "hello"}]
PATHS = {"openai": "/v1/chat/completions", "anthropic": "/v1/messages"}
MODELS = {"openai": "openai/gpt-test", "anthropic": "anthropic/claude-test",
          "gemini": "gemini/gemini-test"}
PAIRS = [("openai", "openai"), ("anthropic", "anthropic"), ("openai", "anthropic"),
         ("anthropic", "gemini")]
pairs = pytest.mark.parametrize("client, provider", PAIRS)


def serve(gw, directives, modules=()):
    return gw.serve(gw.conf(directives, modules).four_providers().enable())


@pytest.fixture
def drained(gw):
    return serve(gw, "LLMOnClientAbort drain")


def ask(model, stream=True):
    return {"model": model, "messages": HELLO, "stream": stream, "max_tokens": 500}


def leave_mid_stream(gw, client, model, key=True, events=2):
    """Returns the request's id and when it was left."""
    with gw.open("POST", PATHS[client], ask(model), [("anthropic-version", "2023-06-01")],
                 key) as stream:
        for _ in range(events):
            stream.event()
        stream.hang_up()
        return stream.reply.id, time.time()


def leave_at_once(gw, upstream, client, model, stream, key=True):
    """Leaves when the request has reached the provider; the time of that."""
    secret = gw.key() if key is True else key
    before = upstream.open()
    sock = socket.create_connection(("127.0.0.1", gw.port))
    sock.sendall(request_bytes("POST", PATHS[client], [
        ("Authorization", f"Bearer {secret}"), ("Content-Type", "application/json"),
        ("anthropic-version", "2023-06-01")],
        json.dumps(ask(model, stream)).encode(), "localhost"))
    wait_for(lambda: upstream.open() > before, 3, "the request to reach the provider")
    left = time.time()
    sock.close()
    return left


def record_for(gw, model, seconds=5):
    return wait_for(lambda: [r for r in gw.records(20) if r["asked"] == model], seconds,
                    "the record")[-1]


@pairs
def test_a_stream_is_drained_and_billed_by_the_providers_count(drained, upstream, client,
                                                               provider):
    model = f"{MODELS[provider]};events=12;slow=40"
    request_id, _ = leave_mid_stream(drained, client, model)
    record = drained.record(request_id)
    assert record["aborted"] and not record["estimated"]
    assert record["output"] >= 12 and record["finish"] == "stop"
    assert record["on_client_abort"] == "drain" and not record["problem"]
    assert record["status"] == 200
    assert record["latency_ms"] >= 12 * 40
    assert not upstream.only().peer_left


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pairs
def test_one_who_leaves_before_the_first_byte_is_drained_too(drained, upstream, client,
                                                             provider, stream):
    model = f"{MODELS[provider]};stall=600;text=before_{client}_{stream}"
    leave_at_once(drained, upstream, client, model, stream)
    record = record_for(drained, model)
    assert record["aborted"] and not record["estimated"]
    assert record["output"] and record["input"]
    assert record["status"] == 499, "the client got none"
    assert not upstream.only().peer_left
    assert drained.access(record["id"])["status"] == "499"


def test_a_large_answer_is_drained(drained, upstream):
    """More than any buffer between: what is read is dropped at once."""
    model = "openai/gpt-test;size=3000000;stall=300"
    leave_at_once(drained, upstream, "openai", model, False)
    record = record_for(drained, model, 10)
    assert record["aborted"] and not record["estimated"]
    assert not upstream.only().peer_left


def test_a_drain_has_its_limit(gw, upstream):
    serve(gw, "LLMOnClientAbort drain=1s")
    model = "openai/gpt-test;events=100;slow=100"
    request_id, left = leave_mid_stream(gw, "openai", model)
    upstream.wait_peer_left(4)
    took = upstream.only().peer_left - left
    assert 0.8 < took < 2, took
    record = gw.record(request_id)
    assert record["aborted"] and record["estimated"]
    assert 8 <= record["output"] <= 40, "what came until then"
    assert record["on_client_abort"] == "drain=1s"
    assert record["problem"] == "client_gone"


def test_a_provider_that_stalls_while_drained_is_left(gw, upstream):
    gw.expects("LLMGW0101")
    serve(gw, "LLMOnClientAbort drain\nLLMIdleTimeout 700ms")
    model = "openai/gpt-test;events=10;stall_after=3"
    request_id, left = leave_mid_stream(gw, "openai", model, events=1)
    upstream.wait_peer_left(4)
    assert upstream.only().peer_left - left < 2
    record = gw.record(request_id)
    assert record["aborted"] and record["estimated"] and record["output"] >= 3
    assert record["problem"] == "timeout"


def test_the_whole_time_bounds_a_drain(gw, upstream):
    gw.tolerates("LLMGW0101")
    serve(gw, "LLMOnClientAbort drain\nLLMTimeout 1s")
    request_id, left = leave_mid_stream(gw, "openai", "openai/gpt-test;events=100;slow=100")
    upstream.wait_peer_left(4)
    assert upstream.only().peer_left - left < 2
    assert gw.record(request_id)["aborted"]


def test_nobody_else_is_asked_for_one_who_left(gw, upstream):
    gw.tolerates("LLMGW0101")
    gw.serve(gw.conf("LLMOnClientAbort drain").provider("openai").provider("anthropic").model(
        "smart", "openai gpt-test;stall=500;status=500 priority=1",
        "anthropic claude-test priority=2").enable())
    leave_at_once(gw, upstream, "openai", "smart", False)
    record = record_for(gw, "smart")
    assert record["aborted"] and record["attempts"] == 1
    assert not record["output"]
    assert len(upstream.seen()) == 1


@pytest.mark.parametrize("place, model, key, drains", [
    ("abort", "", "drain", True), ("drain", "", "abort", False),
    ("abort", "drain=20s", "", True), ("drain", "abort", "", False),
    ("abort", "abort", "drain=20s", True), ("drain", "", "", True)])
def test_the_key_goes_before_the_model_and_that_before_the_place(gw, upstream, place, model,
                                                                 key, drains):
    inside = f"LLMOnClientAbort {model}" if model else ""
    gw.serve(gw.conf().provider("openai").add(
        f'<LLMModel "openai/*">\n    LLMTarget openai *\n    {inside}\n</LLMModel>\n'
        f'<Location "/v1">\n    LLMOnClientAbort {place}\n</Location>').enable())
    options = ["--on-client-abort", key] if key else []
    name = f"word-{key or 'none'}".replace("=", "-")
    request_id, left = leave_mid_stream(
        gw, "openai", "openai/gpt-test;events=8;slow=50", gw.key(name, *options), events=1)
    record = gw.record(request_id)
    assert record["on_client_abort"] == (key or model or place)
    assert record["aborted"] and record["estimated"] is not drains
    assert bool(upstream.only().peer_left) is not drains


def test_a_keys_word_is_changed_while_the_gateway_runs(gw, upstream):
    serve(gw, "LLMOnClientAbort abort")
    key = gw.key("changing")
    slow = "openai/gpt-test;events=8;slow=50"
    assert gw.ctl_json("key", "update", "changing", "--on-client-abort", "drain")[
        "key"]["on_client_abort"] == "drain"
    assert not gw.record(leave_mid_stream(gw, "openai", slow, key)[0])["estimated"]
    assert gw.ctl_json("key", "update", "changing", "--no-on-client-abort")[
        "key"]["on_client_abort"] is None
    assert gw.record(leave_mid_stream(gw, "openai", slow, key)[0])["estimated"]


def test_what_drains_counts_as_in_flight(gw, upstream):
    gw.tolerates("LLMGW0364")
    serve(gw, "LLMOnClientAbort drain\nLLMMaxInFlight 1")
    key = gw.key()
    leave_at_once(gw, upstream, "openai", "openai/gpt-test;stall=1500;text=held", False)
    time.sleep(0.2)
    assert gw.chat("openai/gpt-test", key=key).status == 503
    assert not record_for(gw, "openai/gpt-test;stall=1500;text=held")["estimated"]
    assert gw.chat("openai/gpt-test", key=key).status == 200


def test_a_child_that_stops_does_not_drain_for_ever(gw, upstream):
    serve(gw, "LLMOnClientAbort drain")
    request_id, _ = leave_mid_stream(gw, "openai", "openai/gpt-test;events=400;slow=100")
    time.sleep(0.3)
    asked = time.time()
    gw.graceful()
    upstream.wait_peer_left(10)
    took = upstream.only().peer_left - asked
    assert 4 < took < 8, took
    record = gw.record(request_id)
    assert record["aborted"] and record["estimated"] and record["output"] >= 10


def test_a_client_with_http2_that_leaves_is_drained(gw, upstream):
    serve(gw, "Protocols h2c http/1.1\nLLMOnClientAbort drain", ["http2"])
    model = "openai/gpt-test;events=20;slow=100"
    process = subprocess.Popen(
        ["curl", "-sN", "--http2-prior-knowledge", "-i", "-m", "20",
         "-H", f"Authorization: Bearer {gw.key()}", "-H", "Content-Type: application/json",
         "-d", json.dumps(ask(model)), f"{gw.url}/v1/chat/completions"],
        stdout=subprocess.PIPE)
    process.stdout.readline()
    wait_for(upstream.open, 5, "the request to reach the provider")
    time.sleep(0.5)
    process.kill()
    process.wait()
    process.stdout.close()
    record = record_for(gw, model, 8)
    assert record["aborted"] and not record["estimated"] and record["output"] >= 20
    assert not upstream.only().peer_left


@pytest.mark.parametrize("word", ["hangup", "drain=", "drain=0", "drain=500ms", "drain=3d"])
def test_a_policy_that_is_none_is_refused(gw, word):
    for conf in (gw.conf(f"LLMOnClientAbort {word}"),
                 gw.conf().provider("openai").add(
                     f"<LLMModel m>\n    LLMTarget openai x\n    LLMOnClientAbort {word}\n"
                     "</LLMModel>")):
        code, said = gw.configtest(conf.enable())
        assert code != 0
        assert "LLMOnClientAbort: expected abort, drain, or drain=" in said
        assert f"not '{word}'" in said


def test_events_show_what_was_in_force(drained, upstream):
    request_id, _ = leave_mid_stream(drained, "openai", "openai/gpt-test;events=5;slow=20")
    drained.record(request_id)
    events = drained.ctl_json("events", "--limit", "1")["events"]
    assert events[0]["request_id"] == request_id
    assert events[0]["on_client_abort"] == "drain"
