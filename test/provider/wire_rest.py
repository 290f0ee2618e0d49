# SPDX-License-Identifier: Apache-2.0
"""OpenAI's operations beside chats: completions, moderations, images, audio,
files, batches, vector stores, conversations, containers, and the /rerank that other servers have beside them.

Images are a few bytes that are no text, speech is as many bytes as the model's
name asks for (`tts-1;size=3000000` is not a script but `size` of the body);
forms are read as strictly as a server would: every part with its name, the
boundary at the end. A batch is complete the second time it is looked at.
"""
import base64
import email.parser
import email.policy
import json
import re
import time

import mind
from wire import Answer, Refused, json_answer, need, to_json
from wire_openai import _rates, _served, check_credentials, refuse, stream_problem  # noqa: F401

NAME = "openai-rest"
ALSO = ("openai", "openai-responses")   # mount points that have these APIs as well

PIXELS = bytes(range(256)) * 4
SOUND = b"ID3\x04\x00" + bytes(range(255, -1, -1)) * 40
_CREATED = 1767225600
_FILES = {}           # id -> (object, bytes)
_BATCHES = {}         # id -> object
_THINGS = {"vector_stores": {}, "conversations": {}, "containers": {}}

_POSTS = {"completions": "completions", "moderations": "moderations",
          "images/generations": "images", "images/edits": "images",
          "images/variations": "images", "audio/speech": "speech",
          "audio/transcriptions": "transcriptions",
          "audio/translations": "transcriptions", "rerank": "rerank"}


def operation(request):
    path = request.path
    if request.method == "POST":
        for end, name in _POSTS.items():
            if path.endswith("/" + end) and not path.endswith("/chat/completions"):
                return name
    if re.search(r"/v1/(vector_stores|conversations|containers)(/|$)", path):
        return "things"
    if re.search(r"/files(/[^/]+(/content)?)?$", path):
        return "files"
    if re.search(r"/batches(/[^/]+(/cancel)?)?$", path):
        return "batches"
    return None


def form_of(request):
    """The parts of a form: name -> [(filename, type, bytes)]."""
    kind = request.header("content-type", "")
    need(kind.startswith("multipart/form-data"), "expected a multipart/form-data body")
    boundary = re.search(r'boundary="?([^";]+)"?', kind)
    need(boundary, "the form has no boundary")
    mark = b"--" + boundary.group(1).encode()
    pieces = (b"\r\n" + request.body).split(b"\r\n" + mark)
    need(len(pieces) > 1 and pieces[-1].startswith(b"--"), "the form has no end")
    form = {}
    for piece in pieces[1:-1]:
        head, _, value = piece.lstrip(b" \t")[2:].partition(b"\r\n\r\n")
        headers = email.parser.BytesParser(policy=email.policy.HTTP).parsebytes(head)
        name = headers.get_param("name", header="content-disposition")
        need(name, "a part has no name")
        form.setdefault(name, []).append(
            (headers.get_filename(), headers.get("content-type"), value))
    return form


def text_of(form, name):
    values = form.get(name)
    need(not values or len(values) == 1, f"'{name}' is given twice", param=name)
    return values[0][2].decode() if values else None


def _is_form(request):
    return request.header("content-type", "").startswith("multipart/")


def model(request, operation, doc):
    if isinstance(doc, dict):
        return doc.get("model")
    if _is_form(request) and operation in ("images", "transcriptions"):
        return text_of(form_of(request), "model")
    return None


def check(request, operation, doc, lenient):
    if operation in ("files", "batches", "things"):
        return
    name = model(request, operation, doc)
    need(isinstance(name, str) and name, "you must provide a model parameter", param="model")


def answer(request, operation, doc, script):
    return globals()["_" + operation](request, doc, script)


def _events(events):
    return Answer(200, [("Content-Type", "text/event-stream; charset=utf-8"), *_rates()],
                  events=[b"data: " + to_json(e) + b"\n\n" for e in events])


# -- texts -----------------------------------------------------------------------------


def _completions(request, doc, script):
    prompts = doc.get("prompt")
    if isinstance(prompts, str) or (prompts and isinstance(prompts[0], int)):
        prompts = [prompts]
    need(prompts, "you must provide a prompt", param="prompt")
    texts = [p if isinstance(p, str) else " ".join(map(str, p)) for p in prompts]
    said = [f"You said: {t}" for t in texts for _ in range(doc.get("n") or 1)]
    usage = {"prompt_tokens": sum(map(mind.tokens, texts)),
             "completion_tokens": sum(map(mind.tokens, said))}
    usage["total_tokens"] = sum(usage.values())
    head = {"id": "cmpl-scripted", "object": "text_completion", "created": _CREATED,
            "model": _served(doc)}
    if not doc.get("stream"):
        return json_answer({**head, "choices": [
            {"text": t, "index": i, "logprobs": None, "finish_reason": "stop"}
            for i, t in enumerate(said)], **({} if script.nousage else {"usage": usage})},
            headers=_rates(), pretty=True)
    counted = (doc.get("stream_options") or {}).get("include_usage")
    null = {"usage": None} if counted else {}
    chunks = [{**head, "choices": [{"text": piece, "index": i, "logprobs": None,
                                    "finish_reason": None}], **null}
              for i, t in enumerate(said) for piece in re.findall(r"\s*\S+", t)]
    chunks += [{**head, "choices": [{"text": "", "index": i, "logprobs": None,
                                     "finish_reason": "stop"}], **null}
               for i in range(len(said))]
    if counted:
        chunks.append({**head, "choices": [], "usage": usage})
    events = _events(chunks)
    events.events.append(b"data: [DONE]\n\n")
    return events


def _moderations(request, doc, script):
    texts = doc["input"] if isinstance(doc.get("input"), list) else [doc.get("input")]
    need(all(texts), "you must provide an input", param="input")
    return json_answer({"id": "modr-scripted", "model": _served(doc), "results": [
        {"flagged": "bad" in str(t), "categories": {"violence": "bad" in str(t)},
         "category_scores": {"violence": 0.000123}} for t in texts]})


def _rerank(request, doc, script):
    rows = [{"index": i, "relevance_score": 0.25 + i / 8}
            for i in range(len(doc["documents"]))]
    return json_answer({"model": _served(doc), "object": "rerank", "results": rows[::-1],
                        "usage": {"prompt_tokens": 9, "total_tokens": 9}})


# -- images and sound ------------------------------------------------------------------


def _images(request, doc, script):
    form = {} if doc else form_of(request)
    if form and not request.path.endswith("generations"):
        images = form.get("image", []) + form.get("image[]", [])
        need(images and all(name for name, _, _ in images), "an image is missing",
             param="image")
    asked = doc or {k: v[0][2].decode("utf-8", "replace") for k, v in form.items()
                    if not v[0][0]}
    count = int(asked.get("n") or 1)
    pixels = base64.b64encode(PIXELS).decode()
    usage = {"input_tokens": 59, "input_tokens_details": {"text_tokens": 9, "image_tokens": 50},
             "output_tokens": 1056 * count, "total_tokens": 59 + 1056 * count}
    tells = asked["model"].startswith("gpt-image") and not script.nousage
    if asked.get("stream") in (True, "true"):
        return _events([
            {"type": "image_generation.partial_image", "partial_image_index": 0,
             "b64_json": pixels},
            {"type": "image_generation.completed", "b64_json": pixels, "usage": usage}])
    return json_answer({"created": _CREATED, "data": [{"b64_json": pixels}] * count,
                        **({"usage": usage} if tells else {})})


def _speech(request, doc, script):
    need(isinstance(doc.get("input"), str) and doc["input"], "you must provide an input",
         param="input")
    if doc.get("stream_format") == "sse":
        half = base64.b64encode(SOUND[:100]).decode()
        return _events([{"type": "speech.audio.delta", "audio": half},
                        {"type": "speech.audio.done",
                         "usage": {"input_tokens": 14, "output_tokens": 101,
                                   "total_tokens": 115}}])
    sound = (SOUND * (doc.get("size", 0) // len(SOUND) + 1))
    if doc.get("size"):   # in pieces, so that it can be cut
        return Answer(200, [("Content-Type", "audio/mpeg"), *_rates()],
                      events=[sound[i:i + 65536] for i in range(0, len(sound), 65536)])
    return Answer(200, [("Content-Type", "audio/mpeg"), *_rates()], sound)


def _transcriptions(request, doc, script):
    form = form_of(request)
    sound = form.get("file")
    need(sound and sound[0][0] and sound[0][2], "a file is missing", param="file")
    name, form_of_answer = text_of(form, "model"), text_of(form, "response_format") or "json"
    text = f"{len(sound[0][2])} bytes of sound"
    usage = {"type": "tokens", "input_tokens": 14,
             "input_token_details": {"text_tokens": 4, "audio_tokens": 10},
             "output_tokens": 45, "total_tokens": 59}
    if text_of(form, "stream") == "true":
        return _events([{"type": "transcript.text.delta", "delta": text[:5]},
                        {"type": "transcript.text.delta", "delta": text[5:]},
                        {"type": "transcript.text.done", "text": text, "usage": usage}])
    if form_of_answer in ("text", "srt", "vtt"):
        body = {"text": text + "\n", "srt": f"1\n00:00:00,000 --> 00:00:01,000\n{text}\n\n",
                "vtt": f"WEBVTT\n\n00:00.000 --> 00:01.000\n{text}\n\n"}[form_of_answer]
        return Answer(200, [("Content-Type", "text/plain; charset=utf-8"), *_rates()],
                      body.encode())
    if script.nousage:
        return json_answer({"text": text})
    if name.startswith("whisper"):
        more = {"task": "transcribe", "language": "english", "duration": 8.47,
                "segments": []} if form_of_answer == "verbose_json" else {}
        return json_answer({"text": text, **more, "usage": {"type": "duration", "seconds": 9}})
    return json_answer({"text": text, "usage": usage})


# -- what is kept ----------------------------------------------------------------------


def _missing(what, name):
    raise Refused(404, f"No such {what} object: {name}", param="id")


def _page(request, rows):
    after, limit = request.query.get("after"), int(request.query.get("limit", 20))
    rows = rows[::-1]     # the newest first
    if after:
        ids = [r["id"] for r in rows]
        need(after in ids, f"no such id: {after}", param="after")
        rows = rows[ids.index(after) + 1:]
    page = rows[:limit]
    return json_answer({"object": "list", "data": page,
                        "first_id": page[0]["id"] if page else None,
                        "last_id": page[-1]["id"] if page else None,
                        "has_more": len(rows) > limit})


def _keep_file(name, purpose, data):
    number = f"file-scripted{len(_FILES):06d}"
    _FILES[number] = ({"id": number, "object": "file", "bytes": len(data),
                       "created_at": _CREATED, "filename": name, "purpose": purpose,
                       "status": "processed"}, data)
    return number


def _files(request, doc, script):
    name, _, rest = request.path.partition("/files")[2].lstrip("/").partition("/")
    if request.method == "POST" and not name:
        form = form_of(request)
        need("file" in form, "a file is missing", param="file")
        number = _keep_file(form["file"][0][0], text_of(form, "purpose"), form["file"][0][2])
        return json_answer(_FILES[number][0])
    if not name:
        return _page(request, [f for f, _ in _FILES.values()])
    if name not in _FILES:
        _missing("File", name)
    if request.method == "DELETE":
        del _FILES[name]
        return json_answer({"id": name, "object": "file", "deleted": True})
    if rest == "content":
        return Answer(200, [("Content-Type", "application/octet-stream"), *_rates()],
                      _FILES[name][1])
    return json_answer(_FILES[name][0])


def _batches(request, doc, script):
    name, _, rest = request.path.partition("/batches")[2].lstrip("/").partition("/")
    if request.method == "POST" and not name:
        if doc.get("input_file_id") not in _FILES:
            _missing("File", doc.get("input_file_id"))
        name = f"batch_scripted{len(_BATCHES):06d}"
        _BATCHES[name] = {"id": name, "object": "batch", "endpoint": doc["endpoint"],
                          "input_file_id": doc["input_file_id"], "errors": None,
                          "completion_window": doc["completion_window"],
                          "status": "validating", "output_file_id": None,
                          "error_file_id": None, "created_at": int(time.time()),
                          "model": None,
                          "usage": None, "metadata": doc.get("metadata")}
        return json_answer(_BATCHES[name])
    if not name:
        return _page(request, list(_BATCHES.values()))
    if name not in _BATCHES:
        _missing("Batch", name)
    batch = _BATCHES[name]
    if rest == "cancel":
        batch["status"] = "cancelling"
    elif batch["status"] == "validating":
        batch["status"] = "in_progress"
    elif batch["status"] == "in_progress":
        _complete(batch)
    return json_answer(batch)


def _things(request, doc, script):
    kind, name, rest = (request.path.partition("/v1/")[2].split("/", 2) + ["", ""])[:3]
    rows = _THINGS[kind]
    if not name:
        if request.method == "GET":
            return _page(request, list(rows.values()))
        prefix = {"vector_stores": "vs", "conversations": "conv", "containers": "cntr"}[kind]
        name = f"{prefix}_scripted{len(rows):06d}"
        rows[name] = {"id": name, "object": kind[:-1], "created_at": _CREATED}
        return json_answer(rows[name])
    if name not in rows:
        _missing(kind, name)
    if request.method == "DELETE" and not rest:
        del rows[name]
        return json_answer({"id": name, "object": f"{kind[:-1]}.deleted", "deleted": True})
    if rest:
        return json_answer({"object": "list", "data": [{"id": f"in-{name}", "object": "row"}],
                            "has_more": False})
    return json_answer(rows[name])


def _complete(batch):
    lines = _FILES[batch["input_file_id"]][1].decode().split("\n")
    asked = [json.loads(line) for line in lines if line.strip()]
    batch.update(status="completed", model=asked[0]["body"]["model"],
                 output_file_id=_keep_file("out.jsonl", "batch_output", b"{}\n"),
                 usage={"input_tokens": 1000 * len(asked), "output_tokens": 500 * len(asked),
                        "total_tokens": 1500 * len(asked),
                        "input_tokens_details": {"cached_tokens": 0},
                        "output_tokens_details": {"reasoning_tokens": 100}})
