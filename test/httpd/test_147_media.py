# SPDX-License-Identifier: Apache-2.0
"""OpenAI's operations that only pass: moderation, images, speech, transcription.
What passes is whole, whatever it is, and each request has its record.
"""
import json
import os
import random
import re
import subprocess

import pytest

import reader
from client import Broken
from env import SOURCES

BOUNDARY = "----form7dX"
# As the scripted provider has them.
PIXELS = bytes(range(256)) * 4
SOUND = b"ID3\x04\x00" + bytes(range(255, -1, -1)) * 40
WAV = (b"RIFF\x00\x00\x00\x00WAVEfmt \x10\x00\x00\x00\x01\x00\x01\x00\x80\x3e\x00\x00"
       b"\x00\x7d\x00\x00\x02\x00\x10\x00data" + b"\x00" * 320000)


def part(name, value, filename=None, more=""):
    kind = f'; filename="{filename}"' if filename else ""
    value = value if isinstance(value, bytes) else value.encode()
    return (f'Content-Disposition: form-data; name="{name}"{kind}\r\n{more}\r\n'.encode() + value)


def form(*parts, boundary=BOUNDARY, end=True):
    mark = b"--" + boundary.encode()
    body = b"".join(mark + b"\r\n" + p + b"\r\n" for p in parts)
    return body + (mark + b"--\r\n" if end else b"")


def form_type(boundary=BOUNDARY):
    return [("Content-Type", f"multipart/form-data; boundary={boundary}")]


PRICES = {"as_of": "2026-01-01", "currency": "USD", "unit": "per_million", "models": [
    {"provider": "openai", "model": "gpt-image-1", "input": "5", "output": "40"},
    {"provider": "openai", "model": "dall-e-2", "images": "0.02"},
    {"provider": "openai", "model": "tts-1", "input": "0", "output": "0", "audio_out": "11.25"},
    {"provider": "openai", "model": "gpt-4o-mini-tts", "input": "0.6", "output": "12"},
    {"provider": "openai", "model": "whisper-1", "input": "0", "output": "0", "audio_in": "10"},
    {"provider": "openai", "model": "gpt-4o-transcribe", "input": "2.5", "audio_in": "6",
     "output": "10"},
    {"provider": "openai", "model": "*", "input": "1000", "output": "1000", "images": "1"}]}


@pytest.fixture
def gate(gw, request):
    gw.tolerates("LLMGW0101")
    before = gw.prices
    gw.prices = gw.file("media-prices.json", json.dumps(PRICES), mode=0o644)
    conf = gw.conf("LLMRetries 0\nLLMBodyLimit 30M").provider("openai").provider("anthropic")
    conf.model("oa/*", "openai *").model("claude", "anthropic claude-x")
    conf.model("omni-moderation-latest", "openai omni-moderation-latest")
    conf.model("dall-e-2", "openai dall-e-2")
    yield gw.serve(conf.enable())
    gw.prices = before


def sent_without_model(seen, body, model):
    """What the provider got is what was sent, but for the model's name."""
    return seen.body == body.replace(b"oa/" + model.encode(), model.encode())


def nano(dollars):
    return round(dollars * 1e9)


def record_of(gate, answer, op):
    record = gate.record(answer)
    assert record["op"] == op
    return record


# -- JSON in ---------------------------------------------------------------------------

def test_moderation_passes_and_is_free(gate, upstream):
    body = b'{ "input" : ["good","bad"],"model":"oa/omni-moderation-latest","x":1e2}'
    answer = gate.send("POST", "/v1/moderations", body, [("Content-Type", "application/json")])
    assert [r["flagged"] for r in answer.json["results"]] == [False, True]
    assert upstream.only().path == "/v1/moderations"
    assert sent_without_model(upstream.only(), body, "omni-moderation-latest")
    record = record_of(gate, answer, "moderate")
    assert record["cost"] == 0 and not record["input"] and not record["estimated"]


@pytest.mark.parametrize("body", [b'{"input":"hello"}', b'{"input":"hello","model":null}'])
def test_moderation_has_a_default_model(gate, upstream, body):
    answer = gate.send("POST", "/v1/moderations", body, [("Content-Type", "application/json")])
    assert answer.status == 200, answer
    assert upstream.only().json == {"input": "hello", "model": "omni-moderation-latest"}


@pytest.mark.parametrize("path", ["/v1/images/generations", "/v1/audio/speech"])
def test_others_have_to_name_theirs(gate, upstream, path):
    answer = gate.post(path, {"prompt": "a", "input": "a"})
    assert answer.status == 400 and answer.json["error"]["param"] == "model"
    assert not upstream.seen()


def test_images_tell_their_tokens(gate, upstream):
    answer = gate.post("/v1/images/generations", {"model": "oa/gpt-image-1", "prompt": "a cat"})
    assert answer.status == 200 and len(answer.json["data"]) == 1
    record = record_of(gate, answer, "image")
    assert (record["input"], record["output"]) == (59, 1056) and not record["images"]
    assert record["cost"] == nano((59 * 5 + 1056 * 40) / 1e6)
    assert not record["estimated"]


def test_images_without_tokens_count_as_pieces(gate):
    answer = gate.post("/v1/images/generations",
                       {"model": "oa/dall-e-2", "prompt": "a cat", "n": 3})
    record = record_of(gate, answer, "image")
    assert record["images"] == 3 and not record["input"]
    assert record["cost"] == nano(0.06) and not record["estimated"]


def test_large_images_are_counted_as_well(gate, upstream):
    pixels = "A" * 3000000
    upstream.queue({"headers": {"Content-Type": "application/json"}, "body": json.dumps(
        {"created": 1, "data": [{"b64_json": pixels}, {"b64_json": pixels}]})})
    answer = gate.post("/v1/images/generations", {"model": "oa/dall-e-2", "prompt": "a"})
    assert len(answer.json["data"][1]["b64_json"]) == 3000000
    assert record_of(gate, answer, "image")["images"] == 2


def test_images_are_streamed(gate):
    with gate.open("POST", "/v1/images/generations", {
            "model": "oa/gpt-image-1", "prompt": "a", "stream": True,
            "partial_images": 1}) as stream:
        kinds = []
        while event := stream.event():
            kinds.append(event.json["type"])
        assert stream.reply.header("content-type").startswith("text/event-stream")
    assert kinds == ["image_generation.partial_image", "image_generation.completed"]
    record = record_of(gate, stream.reply, "image")
    assert (record["input"], record["output"]) == (59, 1056) and record["stream"]


def test_speech_comes_as_it_is(gate, upstream):
    body = {"model": "oa/tts-1", "input": "x" * 3000, "voice": "alloy"}
    answer = gate.post("/v1/audio/speech", body)
    assert answer.status == 200
    assert answer.header("content-type") == "audio/mpeg"
    assert answer.body == SOUND
    record = record_of(gate, answer, "speech")
    assert record["audio_out"] == 4000 and record["estimated"] and not record["output"]
    assert record["cost"] == nano(0.045)       # 15 dollars a million characters


def test_speech_in_events_tells_its_tokens(gate):
    answer = gate.post("/v1/audio/speech", {"model": "oa/gpt-4o-mini-tts", "input": "hi",
                                            "voice": "alloy", "stream_format": "sse"})
    assert answer.events[-1].json["type"] == "speech.audio.done"
    record = record_of(gate, answer, "speech")
    assert (record["input"], record["audio_out"]) == (14, 101) and not record["output"]
    assert record["cost"] == nano((14 * 0.6 + 101 * 12) / 1e6) and not record["estimated"]


# -- forms -------------------------------------------------------------------------------

def transcribe(gate, *parts, path="/v1/audio/transcriptions", headers=None, **more):
    return gate.send("POST", path, form(*parts, **more), headers or form_type())


def test_a_form_passes_but_for_its_model(gate, upstream):
    sound = random.Random(7).randbytes(300000) + b"\r\n--" + b"\r\n\r\n----form7d\r\n"
    parts = [part("file", sound, "a \\\"b\\\".mp3", "Content-Type: audio/mpeg\r\n"),
             part("model", "oa/gpt-4o-transcribe"), part("x_unknown[]", b"\xff\x00")]
    answer = transcribe(gate, *parts)
    assert answer.status == 200, answer
    assert answer.json["text"] == f"{len(sound)} bytes of sound"
    seen = upstream.only()
    assert seen.path == "/v1/audio/transcriptions"
    assert sent_without_model(seen, form(*parts), "gpt-4o-transcribe")
    assert seen.header("content-type") == form_type()[0][1]
    record = record_of(gate, answer, "transcribe")
    assert (record["input"], record["audio_in"], record["output"]) == (4, 10, 45)
    assert record["cost"] == nano((4 * 2.5 + 10 * 6 + 45 * 10) / 1e6)


@pytest.mark.parametrize("kind", ["text", "srt", "vtt", "json", "verbose_json"])
def test_a_transcription_is_billed_by_its_seconds(gate, kind):
    """Told by the answer, else by the file."""
    answer = transcribe(gate, part("file", WAV, "a.wav"), part("model", "oa/whisper-1"),
                        part("response_format", kind))
    assert answer.status == 200
    assert answer.header("content-type").startswith(
        "application/json" if "json" in kind else "text/plain")
    record = record_of(gate, answer, "transcribe")
    assert record["audio_in"] == (90 if "json" in kind else 101), record
    assert record["estimated"] and not record["output"]
    assert record["cost"] == nano(record["audio_in"] / 600 * 0.006)


def test_a_transcription_is_streamed(gate):
    answer = transcribe(gate, part("stream", "true"), part("file", b"sound", "a.mp3"),
                        part("model", "oa/gpt-4o-transcribe"))
    assert [e.json["type"] for e in answer.events][-1] == "transcript.text.done"
    record = record_of(gate, answer, "transcribe")
    assert (record["input"], record["audio_in"], record["output"]) == (4, 10, 45)


def test_a_translation_of_an_unknown_file_is_estimated_by_its_size(gate):
    answer = transcribe(gate, part("file", b"\xff\xfb" * 80000, "a.mp3"),
                        part("model", "oa/gpt-4o-transcribe;nousage"),
                        path="/v1/audio/translations")
    record = record_of(gate, answer, "transcribe")
    assert record["audio_in"] == 100 and record["estimated"]


@pytest.mark.parametrize("path", ["/v1/images/edits", "/v1/images/variations"])
def test_images_are_edited(gate, upstream, path):
    parts = [part("image", PIXELS, "a.png"), part("model", "oa/gpt-image-1"),
             part("image[]", PIXELS, "b.png"), part("n", "2"), part("prompt", "é")]
    answer = gate.send("POST", path, form(*parts), form_type())
    assert len(answer.json["data"]) == 2
    assert upstream.only().path == path
    assert sent_without_model(upstream.only(), form(*parts), "gpt-image-1")
    assert record_of(gate, answer, "image")["output"] == 2112


def test_variations_have_a_default_model(gate, upstream):
    image = part("image", PIXELS, "a.png")
    answer = gate.send("POST", "/v1/images/variations", b"preamble\r\n" + form(image),
                       form_type())
    assert answer.status == 200, answer
    assert upstream.only().body == b"preamble\r\n" + form(part("model", "dall-e-2"), image)
    assert record_of(gate, answer, "image")["images"] == 1


def test_a_model_behind_a_large_file_is_found(gate, upstream):
    sound = os.urandom(20 * 1024 * 1024)
    parts = [part("file", sound, "long.mp3"), part("model", "oa/gpt-4o-transcribe")]
    answer = transcribe(gate, *parts)
    assert answer.status == 200, answer
    assert sent_without_model(upstream.only(), form(*parts), "gpt-4o-transcribe")


def test_the_longest_boundary_and_one_in_quotes(gate):
    for boundary in ("a" * 70, "b"):
        answer = transcribe(gate, part("model", "oa/gpt-4o-transcribe"),
                            part("file", b"x", "a.mp3"), boundary=boundary,
                            headers=form_type(f'"{boundary}"; charset=utf-8'))
        assert answer.status == 200, answer


FILE = part("file", b"x", "a.mp3")
MODEL = part("model", "oa/gpt-4o-transcribe")


@pytest.mark.parametrize("body, said", [
    (form(FILE), "model"), (form(FILE, MODEL, MODEL), "given twice"),
    (form(FILE, part("model", "")), "model"), (form(FILE, part("model", "a\nb")), "model"),
    (form(FILE, part("model", "x" * 300)), "model"),
    (form(FILE, part("model", "oa/gpt", "a.txt")), "model"),
    (form(FILE, part("model", "b2E=", more="Content-Transfer-Encoding: base64\r\n")), "model"),
    (form(FILE, MODEL, end=False), "last boundary"),
    (form(FILE, MODEL)[:40], "head of a part"), (b"", "nowhere"),
    (form(FILE, MODEL).replace(b"\r\n", b"\n"), "boundary"),
    (form(FILE, MODEL, boundary="other"), "nowhere"),
    (form(FILE, b"name: x\r\n\r\nvalue"), "no name"),
    (form(FILE, MODEL, b"Content-Disposition: form-data; name=\"a\"; name*=utf-8''model\r\n\r\nx"),
     "no name"),
    (form(FILE, MODEL, b"Content-Disposition: form-data; name=\"a\"; name=model\r\n\r\nx"),
     "no name"),
    (form(FILE, MODEL, b"Content-Disposition: form-data; name=\"a\"\r\n"
          b"Content-Disposition: form-data; name=\"model\"\r\n\r\nx"), "no name"),
    (form(FILE, MODEL, b"Content-Disposition: form-data;\r\n name=\"model\"\r\n\r\nx"), "no name"),
    (form(FILE, MODEL, b"Content-Disposition: form-data; name=\"a\";\r\n name=\"model\"\r\n\r\nx"),
     "folded"),
    (form(FILE, MODEL, b"Content-Disposition : form-data; name=\"model\"\r\n\r\nx"), "folded"),
    (form(FILE, MODEL).replace(b"X\r\nContent", b"Xyz\r\nContent", 1), "behind a boundary"),
    (form(FILE, part("x", b"a\r\n--" + BOUNDARY.encode() + b"more"), MODEL),
     "behind a boundary")])
def test_a_form_that_is_not_clear_is_refused(gate, upstream, body, said):
    answer = gate.send("POST", "/v1/audio/transcriptions", body, form_type())
    assert answer.status == 400, answer
    kind, message = reader.error_of("openai", answer.json)
    assert kind == "invalid_request_error" and said in message
    assert not upstream.seen()


@pytest.mark.parametrize("kind, said", [
    ("multipart/form-data", "no boundary"), ("multipart/form-data; boundary=", "no boundary"),
    ('multipart/form-data; boundary="x', "cannot be read"),
    ("multipart/form-data; boundary=a; boundary=b", "cannot be read"),
    ("multipart/form-data; boundary=" + "x" * 300, "too long"),
    ("application/x-www-form-urlencoded", "not a JSON object")])
def test_a_form_without_a_boundary_is_refused(gate, upstream, kind, said):
    answer = gate.send("POST", "/v1/audio/transcriptions", form(FILE, MODEL),
                       [("Content-Type", kind)])
    assert answer.status == 400 and said in answer.text, answer
    assert not upstream.seen()


def test_too_many_parts_are_refused(gate, upstream):
    answer = transcribe(gate, *[part("x", "y")] * 1001, MODEL)
    assert answer.status == 400 and "too many parts" in answer.text
    assert not upstream.seen()


def test_a_form_above_the_limit_is_refused(gate, upstream):
    answer = transcribe(gate, part("file", b"x" * 31457280, "a.mp3"), MODEL)
    assert answer.status == 413, answer
    assert "LLMBodyLimit" in answer.text or "larger" in answer.text
    assert not upstream.seen()


def test_a_chat_is_no_form(gate, upstream):
    answer = gate.send("POST", "/v1/chat/completions", form(MODEL), form_type())
    assert answer.status == 400 and not upstream.seen()


# -- who may, and who can ----------------------------------------------------------------

def test_a_key_may_use_its_models_only(gate, upstream):
    key = gate.key("few-sounds", "--models", "oa/tts-1")
    answer = gate.send("POST", "/v1/audio/transcriptions", form(FILE, MODEL), form_type(),
                       key=key)
    assert answer.status == 403 and answer.json["error"]["code"] == "model_not_allowed"
    answer = gate.post("/v1/moderations", {"input": "x"}, key=key)
    assert answer.status == 403
    assert not upstream.seen()
    assert gate.post("/v1/audio/speech", {"model": "oa/tts-1", "input": "x"}, key=key).status == 200


@pytest.mark.parametrize("path", [
    "/v1/moderations", "/v1/images/generations", "/v1/audio/speech"])
def test_a_model_of_another_provider_cannot_do_this(gate, upstream, path):
    answer = gate.post(path, {"model": "claude", "input": "x", "prompt": "x"})
    assert answer.status == 400 and answer.json["error"]["param"] == "model"
    assert not upstream.seen()


def test_paths_take_posts_only(gate):
    for path in ("/v1/images/edits", "/v1/audio/speech", "/v1/moderations"):
        answer = gate.get(path)
        assert answer.status == 405 and answer.header("allow") == "POST"


# -- the documentation's examples ---------------------------------------------------------

def test_the_examples_of_the_page_work(gw, upstream):
    """Each command of docs/openai.md, by its own configuration."""
    with open(f"{SOURCES}/mod_llm_gateway/docs/openai.md", encoding="utf-8") as file:
        page = file.read()
    conf = gw.conf("LLMRetries 0\n" + re.search(r"(?ms)^```apache\n(.*?)^```", page)[1].replace(
        "LLMKey env:OPENAI_API_KEY",
        f"LLMKey env:TEST_OPENAI_KEY\n    LLMBaseURL {gw.upstream.url}/openai/v1"))
    conf.model("omni-moderation-latest", "openai omni-moderation-latest")
    gw.serve(conf.enable())
    commands = re.search(r"(?ms)^```sh\n(.*?)^```", page)[1].strip().split("\n\n")
    assert len(commands) == 3
    with open(f"{gw.root}/talk.mp3", "wb") as sound:
        sound.write(SOUND)
    for command in commands:
        command = command.replace("https://host", gw.url).replace("$KEY", gw.key())
        done = subprocess.run(["sh", "-c", command + " -sf"], cwd=gw.root, check=False,
                              capture_output=True, text=True, timeout=30)
        assert done.returncode == 0, (command, done)
        assert json.loads(done.stdout)
    assert [s.path for s in upstream.seen()] == [
        "/v1/images/generations", "/v1/audio/transcriptions", "/v1/moderations"]


# -- failures ------------------------------------------------------------------------------

@pytest.mark.parametrize("path", [
    "/v1/moderations", "/v1/images/generations", "/v1/audio/speech"])
def test_an_error_of_the_provider_is_told(gate, path):
    answer = gate.post(path, {"model": "oa/m;status=429;retry_after=2", "input": "x"})
    assert answer.status == 429 and answer.header("retry-after") == "2"
    reader.error_of("openai", answer.json)


@pytest.mark.parametrize("path", ["/v1/audio/speech", "/v1/audio/transcriptions"])
def test_another_upstream_is_asked_where_the_first_fails(gw, upstream, path):
    gw.tolerates("LLMGW0101")
    conf = gw.conf("LLMRetries 1").provider("openai", url=f"{gw.upstream.url}/at-one/openai/v1")
    conf.provider("two", "openai", url=f"{gw.upstream.url}/at-two/openai/v1")
    conf.model("m", "openai m;status=500 priority=1", "two m priority=2")
    gw.serve(conf.enable())
    if "speech" in path:
        answer = gw.post(path, {"model": "m", "input": "hello"})
    else:
        answer = gw.send("POST", path, form(FILE, part("model", "m")), form_type())
    assert answer.status == 200, answer
    assert answer.header("x-llm-provider") == "two"
    assert [s.mount for s in upstream.seen()] == ["one", "two"]


def test_a_provider_that_hangs_up_in_the_middle_of_a_sound(gate):
    """The client must not take a part for the whole."""
    gate.tolerates("AH01102")
    with gate.open("POST", "/v1/audio/speech",
                   {"model": "oa/tts-1;cut=4", "input": "hello", "size": 3000000}) as stream:
        with pytest.raises(Broken):
            stream.rest()
    assert len(stream.body) >= 65536
    record = record_of(gate, stream.reply, "speech")
    assert record["estimated"] and record["audio_out"] == 7
    assert record["problem"]


def test_a_client_that_hangs_up_is_billed(gate, upstream):
    with gate.open("POST", "/v1/audio/speech", {
            "model": "oa/tts-1;slow=50", "input": "hello", "size": 3000000}) as stream:
        stream.more()
        number = stream.reply.id
    upstream.wait_peer_left()
    record = gate.record(number)
    assert record["aborted"] and record["audio_out"] == 7 and record["cost"] > 0


def test_an_image_that_never_came_counts_as_asked_for(gate):
    answer = gate.post("/v1/images/generations", {"model": "oa/dall-e-2;half", "prompt": "x",
                                                  "n": 4})
    assert answer.status == 502
    record = record_of(gate, answer, "image")
    assert record["images"] == 4 and record["estimated"]
