# SPDX-License-Identifier: Apache-2.0
"""Answers that show or sound: pictures and sound from one dialect to another.

What each dialect writes is in the vectors; here is what a client sees at the end.
"""
import base64
import io
import json
import wave

import pytest

import reader_bedrock

PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 40).decode()
SAMPLES = bytes(range(250)) * 8
HELLO = [{"role": "user", "content": "hello"}]


def gemini(*parts, **more):
    return {"responseId": "r1", "modelVersion": "gemini-x", "candidates": [
        {"content": {"role": "model", "parts": list(parts)}, "finishReason": "STOP"}],
        "usageMetadata": {"promptTokenCount": 5, "candidatesTokenCount": 1290,
                          "totalTokenCount": 1295}, **more}


def inline(kind, data):
    return {"inlineData": {"mimeType": kind, "data": data}}


def pcm(data):
    return inline("audio/L16;codec=pcm;rate=24000", base64.b64encode(data).decode())


def whole(upstream, doc):
    upstream.queue({"headers": {"Content-Type": "application/json"}, "body": json.dumps(doc)})


def streamed(upstream, *docs):
    upstream.queue({"headers": {"Content-Type": "text/event-stream"},
                    "body": "".join(f"data: {json.dumps(d)}\r\n\r\n" for d in docs)})


@pytest.fixture
def four(gw):
    return gw.serve(gw.conf().four_providers().enable())


def test_sound_of_gemini_is_a_wav_for_openais_clients(four, upstream):
    whole(upstream, gemini(pcm(SAMPLES[:1001]), pcm(SAMPLES[1001:])))
    answer = four.post("/v1/chat/completions", {
        "model": "gemini/gemini-test", "messages": HELLO, "modalities": ["text", "audio"],
        "audio": {"voice": "Kore", "format": "wav"}})
    assert answer.status == 200, answer
    config = upstream.only().json["generationConfig"]
    assert config["responseModalities"] == ["AUDIO"]
    assert config["speechConfig"]["voiceConfig"]["prebuiltVoiceConfig"]["voiceName"] == "Kore"
    audio = answer.json["choices"][0]["message"]["audio"]
    with wave.open(io.BytesIO(base64.b64decode(audio["data"]))) as sound:
        assert sound.getframerate() == 24000 and sound.getnchannels() == 1
        assert sound.readframes(10000) == SAMPLES
    assert audio["id"] and audio["transcript"] == ""


def test_sound_of_gemini_is_streamed_in_samples(four, upstream):
    streamed(upstream, gemini(pcm(SAMPLES[:1001])), gemini(pcm(SAMPLES[1001:])))
    answer = four.post("/v1/chat/completions", {
        "model": "gemini/gemini-test", "messages": HELLO, "modalities": ["text", "audio"],
        "audio": {"voice": "Kore", "format": "pcm16"}, "stream": True})
    pieces = [e.json["choices"][0]["delta"]["audio"] for e in answer.events[:-1]
              if e.json["choices"] and "audio" in e.json["choices"][0]["delta"]]
    assert b"".join(base64.b64decode(p.get("data", "")) for p in pieces) == SAMPLES
    assert len({p["id"] for p in pieces}) == 1 and "expires_at" in pieces[-1]


@pytest.mark.parametrize("more, named", [
    ({"audio": {"voice": "Kore", "format": "mp3"}}, "audio.format"),
    ({"audio": {"voice": "Kore", "format": "wav"}, "stream": True}, "audio.format"),
    ({"audio": {"voice": 7}}, "audio.voice"),
    ({"modalities": ["text", "smell"]}, "modalities"), ({"modalities": "audio"}, "modalities")])
def test_sound_that_gemini_has_not_is_refused(four, upstream, more, named):
    answer = four.post("/v1/chat/completions", {
        "model": "gemini/gemini-test", "messages": HELLO, "modalities": ["audio"], **more})
    assert answer.status == 400 and answer.json["error"]["param"] == named, answer
    assert not upstream.seen()


def test_sound_of_an_answer_is_known_by_its_id_to_its_own_provider_alone(four, upstream):
    answer = four.post("/v1/chat/completions", {"model": "gemini/gemini-test", "messages": HELLO + [
        {"role": "assistant", "audio": {"id": "audio_1"}}, {"role": "user", "content": "again"}]})
    assert answer.status == 400 and answer.json["error"]["param"] == "messages[1].audio"
    assert not upstream.seen()


def test_sound_of_openai_for_geminis_clients(four, upstream):
    sound = base64.b64encode(SAMPLES).decode()
    whole(upstream, {"id": "c1", "object": "chat.completion", "created": 1, "model": "gpt-audio",
                     "choices": [{"index": 0, "finish_reason": "stop", "message": {
                         "role": "assistant", "content": None, "audio": {
                             "id": "audio_1", "data": sound, "expires_at": 2,
                             "transcript": "Hello!"}}}],
                     "usage": {"prompt_tokens": 5, "completion_tokens": 9, "total_tokens": 14}})
    conf = four.conf()
    conf.provider("openai", more="LLMProfile openai").model("oa", "openai gpt-audio")
    four.serve(conf.enable())
    answer = four.post("/v1beta/models/oa:generateContent", {
        "contents": [{"role": "user", "parts": [{"text": "hello"}]}],
        "generationConfig": {"responseModalities": ["AUDIO"]}})
    assert answer.status == 200, answer
    assert upstream.only().json["modalities"] == ["text", "audio"]
    assert upstream.only().json["audio"] == {"voice": "alloy", "format": "pcm16"}
    text, data = answer.json["candidates"][0]["content"]["parts"]
    assert text == {"text": "Hello!"}
    assert data["inlineData"]["data"] == sound


def test_a_picture_is_an_item_in_a_stream_of_responses(four, upstream):
    streamed(upstream, gemini({"text": "Here: "}, inline("image/png", PNG), {"text": "Done."}))
    answer = four.post("/v1/responses", {"model": "gemini/gemini-test", "input": "a cat",
                                         "stream": True})
    last = answer.events[-1].json
    assert last["type"] == "response.completed"
    assert [i["type"] for i in last["response"]["output"]] == [
        "message", "image_generation_call", "message"]
    assert last["response"]["output"][1]["result"] == PNG
    kinds = [e.json["type"] for e in answer.events]
    assert "response.image_generation_call.completed" in kinds
    # and it comes back
    item = last["response"]["output"][1]
    again = four.post("/v1/responses", {"model": "anthropic/claude-test", "input": [
        {"role": "user", "content": "a cat"}, item, {"role": "user", "content": "now a dog"}]})
    assert again.status == 200, again
    said = upstream.seen()[-1].json["messages"]
    assert said[1]["role"] == "assistant"
    assert said[2]["content"][0]["source"]["data"] == PNG


@pytest.mark.parametrize("stream", [False, True])
def test_a_picture_is_a_block_for_bedrocks_clients(four, upstream, stream):
    doc = gemini({"text": "Here: "}, inline("image/png", PNG))
    (streamed if stream else whole)(upstream, doc)
    answer = four.post("/model/gemini%2Fgemini-test/converse" + ("-stream" if stream else ""),
                       {"messages": [{"role": "user", "content": [{"text": "a cat"}]}]})
    assert answer.status == 200, answer
    if stream:
        deltas = [m.json["delta"] for m in reader_bedrock.messages(answer.body)
                  if m.name == "contentBlockDelta"]
        pieces = [d["image"] for d in deltas if "image" in d]
        assert [p["source"]["bytes"] for p in pieces] == [PNG]
    else:
        content = answer.json["output"]["message"]["content"]
        assert content[1] == {"image": {"format": "png", "source": {"bytes": PNG}}}
