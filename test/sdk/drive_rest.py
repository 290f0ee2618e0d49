# SPDX-License-Identifier: Apache-2.0
"""Runs OpenAI's Python SDK through what OpenAI has besides chats; prints what
each call returned. Given on standard input: {"url", "key"}."""
import io
import json
import sys

import openai

GIVEN = json.load(sys.stdin)
CLIENT = openai.OpenAI(base_url=GIVEN["url"] + "/v1", api_key=GIVEN["key"], max_retries=0,
                       timeout=20)
SOUND = b"\xff\xfb\x90\x00" * 1000
PIXELS = b"\x89PNG\r\n\x1a\n" + bytes(100)
LINE = {"custom_id": "1", "method": "POST", "url": "/v1/responses",
        "body": {"model": "gpt-4o", "input": "hi"}}


def named(name, data):
    file = io.BytesIO(data)
    file.name = name
    return file


def completion():
    answer = CLIENT.completions.create(model="openai/davinci-002", prompt="hello")
    return [answer.choices[0].text, answer.usage.total_tokens > 0]


def completion_of_a_chat():
    answer = CLIENT.completions.create(model="anthropic/claude-x", prompt="hello", max_tokens=50)
    return [answer.choices[0].text, answer.choices[0].finish_reason, answer.object]


def completion_streamed():
    stream = CLIENT.completions.create(model="gemini/gemini-x", prompt="hello", stream=True,
                                       stream_options={"include_usage": True})
    chunks = list(stream)
    return ["".join(c.choices[0].text for c in chunks if c.choices),
            chunks[-1].usage.total_tokens > 0]


def moderation():
    answer = CLIENT.moderations.create(model="openai/omni-moderation-latest",
                                       input=["good", "bad"])
    return [r.flagged for r in answer.results]


def image():
    answer = CLIENT.images.generate(model="openai/gpt-image-1", prompt="a cat", n=2)
    return [len(answer.data), answer.usage.output_tokens]


def image_streamed():
    stream = CLIENT.images.generate(model="openai/gpt-image-1", prompt="a", stream=True,
                                    partial_images=1)
    return [event.type for event in stream]


def image_edited():
    answer = CLIENT.images.edit(model="openai/gpt-image-1", prompt="a",
                                image=[named("a.png", PIXELS), named("b.png", PIXELS)])
    return len(answer.data)


def speech():
    with CLIENT.audio.speech.with_streaming_response.create(
            model="openai/tts-1", voice="alloy", input="hello") as answer:
        return [answer.headers["content-type"], len(b"".join(answer.iter_bytes())) > 10000]


def transcription():
    answer = CLIENT.audio.transcriptions.create(model="openai/gpt-4o-transcribe",
                                                file=named("a.mp3", SOUND))
    return [answer.text, answer.usage.total_tokens]


def transcription_streamed():
    stream = CLIENT.audio.transcriptions.create(
        model="openai/gpt-4o-transcribe", file=named("a.mp3", SOUND), stream=True)
    return [event.type for event in stream][-1]


def translation():
    return CLIENT.audio.translations.create(model="openai/whisper-1",
                                            file=named("a.mp3", SOUND)).text


def file_and_batch():
    made = CLIENT.files.create(file=named("in.jsonl", json.dumps(LINE).encode()),
                               purpose="batch")
    batch = CLIENT.batches.create(input_file_id=made.id, endpoint="/v1/responses",
                                  completion_window="24h")
    while batch.status not in ("completed", "failed"):
        batch = CLIENT.batches.retrieve(batch.id)
    output = CLIENT.files.content(batch.output_file_id).read()
    listed = [f.id for f in CLIENT.files.list(limit=1000)]
    gone = CLIENT.files.delete(made.id)
    try:
        CLIENT.files.retrieve(made.id)
        lost = False
    except openai.NotFoundError as no:
        lost = made.id in no.message
    return [batch.status, output.decode(), made.id in listed, gone.deleted, lost,
            batch.id in [b.id for b in CLIENT.batches.list(limit=100)]]


def refused():
    try:
        CLIENT.completions.create(model="anthropic/claude-x", prompt=["a", "b"])
    except openai.BadRequestError as no:
        return [no.status_code, no.param]
    return None


CALLS = [completion, completion_of_a_chat, completion_streamed, moderation, image,
         image_streamed, image_edited, speech, transcription, transcription_streamed,
         translation, file_and_batch, refused]
print(json.dumps({call.__name__: call() for call in CALLS}))
