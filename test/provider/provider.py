#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A scripted LLM provider: OpenAI, Anthropic, Azure, Bedrock, Cohere, DeepSeek,
Gemini, Hugging Face, Mistral, Ollama, Vertex AI and watsonx.ai on one port of
this machine, for tests and for trying the gateway without an account. Below
/tokens it is a token server.

    python3 provider.py --port 9000

It checks what it receives as strictly as the real ones, answers the same
text to the same question, and misbehaves where a test asks it to: by the
model's name (script.py) or by PUT /_script:

    {"answers": [{"status": 429, "headers": {"Retry-After": "2"}, "body": "{}"},
                 {"recorded": {...}, "cuts": "random", "seed": 7}]}

Each request takes the first answer in the queue that fits it (`mount` and
`path`, where given). Its members: status, headers, body or body_base64,
recorded (an exchange whose response is replayed), cuts ("one" byte a write,
"random" with seed, or a list of offsets), chunked (default true; false gives
a Content-Length), delay_ms, cut_delay_ms, drop_after (bytes of the body, then
the connection is lost), repeat (times; default 1).

GET /_seen tells the requests received since DELETE /_seen: method, target,
path, headers, body, mount, wire format, faults, and when each began, ended
and was left by its peer; the last 20,000 of them, and how many there were.

Paths may begin with a mount point: /openai, /openai-responses, /anthropic,
/azure, /bedrock, /cohere, /deepseek, /gemini, /huggingface, /mistral, /ollama,
/vertex and /watsonx name the wire format; /at-<label> only sets the label, so
that one server can stand for several upstreams.
"""
import argparse
import asyncio
import base64
import json
import ssl
import sys
import time
import traceback
import urllib.parse

import http1
import script as scripts
import wire
import wire_anthropic
import wire_azure
import wire_bedrock
import wire_cohere
import wire_deepseek
import wire_gemini
import wire_huggingface
import wire_mistral
import wire_ollama
import wire_openai
import wire_responses
import wire_rest
import wire_tokens
import wire_vertex
import wire_watsonx

# The first whose operation() takes a request has it.
WIRES = [wire_anthropic, wire_azure, wire_bedrock, wire_cohere, wire_deepseek,
         wire_gemini, wire_huggingface, wire_mistral, wire_ollama, wire_openai,
         wire_responses, wire_rest, wire_tokens, wire_vertex, wire_watsonx]
_BY_NAME = {w.NAME: w for w in WIRES}

# What must never reach a provider, and why.
_HOP_BY_HOP = {"keep-alive", "proxy-authenticate", "proxy-authorization",
               "proxy-connection", "te", "trailer", "upgrade", "expect"}
_CREDENTIALS = {"authorization", "x-api-key", "x-goog-api-key", "api-key",
                "x-client-api-key"}
_OWN_CREDENTIAL = {"openai": ["authorization"], "huggingface": ["authorization"],
                   "openai-responses": ["authorization"], "cohere": ["authorization"],
                   "openai-rest": ["authorization"],
                   "deepseek": ["authorization"],
                   "mistral": ["authorization"],
                   "tokens": ["authorization"],
                   "vertex": ["authorization"],
                   "watsonx": ["authorization"],
                   "azure": ["api-key", "authorization"],
                   "bedrock": ["authorization"],
                   "ollama": ["authorization"], "anthropic": ["x-api-key"],
                   "gemini": ["x-goog-api-key"]}


def faults_of(request, format_name):
    """What a gateway did wrong, whatever the provider would have said."""
    faults = []
    for name, value in request.headers:
        low = name.lower()
        if low in _HOP_BY_HOP:
            faults.append(f"hop-by-hop header forwarded: {name}")
        if low in _CREDENTIALS and low not in _OWN_CREDENTIAL[format_name]:
            faults.append(f"a client's credential header forwarded: {name}")
        if "llmgw-" in value:
            faults.append(f"a gateway key forwarded in {name}")
        if low == "accept-encoding" and value.lower() not in ("", "identity"):
            faults.append(f"compression asked for: {value}")
        if low == "connection" and value.lower() not in ("keep-alive", "close"):
            faults.append(f"connection options forwarded: {value}")
    if "llmgw-" in request.target:
        faults.append("a gateway key forwarded in the URL")
    names = [n.lower() for n, _ in request.headers]
    for single in ("host", "content-type", "content-length"):
        if names.count(single) > 1:
            faults.append(f"sent more than once: {single}")
    if sum(n in _OWN_CREDENTIAL[format_name] for n in names) > 1:
        faults.append("more than one credential")
    if "host" not in names:
        faults.append("no Host header")
    return faults


def request_of(method, target, headers, body):
    """The request with its mount point taken off the path."""
    path, _, query = target.partition("?")
    path = urllib.parse.unquote(path)
    mount = kind = ""
    while True:
        first, rest = path[1:].partition("/")[0], path[1 + len(path[1:].partition("/")[0]):]
        if first.startswith("at-") and not mount:
            mount, path = first[3:], rest
        elif first in _BY_NAME and not kind:
            kind, path = first, rest
        else:
            break
    return wire.Request(method, path or "/", dict(urllib.parse.parse_qsl(query)), target,
                        headers, body, mount, kind)


class Provider:
    """The server's state: what was seen and what is queued."""

    def __init__(self, direct=False):
        self.direct = direct   # clients come without a gateway: no faults
        self.seen = []         # the last ones
        self.total = 0         # all of them
        self.queue = []
        self.open = 0          # answers under way

    # -- one connection ------------------------------------------------

    async def serve(self, reader, stream):
        writer = http1.Writer(reader, stream)
        try:
            while True:
                got = await http1.read_request(reader)
                if got is None or not await self._answer(writer, *got):
                    break
        except http1.BadRequest as bad:
            self.seen.append({"bad": str(bad), "faults": [str(bad)], "began": time.time()})
            print(f"bad request: {bad}", file=sys.stderr, flush=True)
            await self._try(writer.send(http1.head_of(
                400, [("Content-Length", "0"), ("Connection", "close")])))
        except (http1.PeerLeft, ConnectionError):
            pass
        finally:
            writer.abandon()

    @staticmethod
    async def _try(doing):
        try:
            await doing
        except (http1.PeerLeft, ConnectionError):
            pass

    async def _answer(self, writer, method, target, headers, body):
        """Answer one request. False ends the connection."""
        if target.startswith("/_"):
            await self._control(writer, method, target, body)
            return True
        request = request_of(method, target, headers, body)
        entry = self._remember(request)
        self.open += 1
        try:
            queued = self._take(request)
            if queued is not None:
                entry["queued"] = True
                return await self._replay(writer, queued)
            return await self._speak(writer, request, entry)
        except http1.PeerLeft:
            entry["peer_left"] = time.time()
            raise
        finally:
            self.open -= 1
            entry["ended"] = time.time()

    def _remember(self, request):
        entry = {"method": request.method, "target": request.target,
                 "path": request.path, "mount": request.mount,
                 "headers": request.headers, "faults": [], "began": time.time(),
                 "ended": None, "peer_left": None, "wire": None,
                 "body_base64": base64.b64encode(request.body).decode()}
        self.seen.append(entry)
        self.total += 1
        del self.seen[:-20000]
        return entry

    # -- speaking a wire format ----------------------------------------

    async def _speak(self, writer, request, entry):
        speaker, operation = self._speaker(request)
        errors = speaker.errors_of(operation) if hasattr(speaker, "errors_of") else speaker
        entry["wire"] = speaker.NAME
        script = scripts.Script()
        try:
            if operation is None:
                raise wire.Refused(404, f"Unknown request URL: {request.method} "
                                   f"{request.path}.")
            if not self.direct:
                entry["faults"] = faults_of(request, speaker.NAME)
            doc = self._document(request)
            script = scripts.read(speaker.model(request, operation, doc))
            speaker.check_credentials(request, script.nokey)
            if entry["faults"]:
                raise wire.Refused(400, "the gateway is at fault: "
                                   + "; ".join(entry["faults"]))
            if script.status:
                raise wire.Refused(script.status, f"scripted error {script.status}")
            speaker.check(request, operation, doc, script.any)
            answer = speaker.answer(request, operation, doc, script)
        except wire.Refused as no:
            answer = self._refusal(errors, no, script)
        except scripts.BadScript as bad:
            answer = errors.refuse(400, str(bad))
            entry["faults"].append(str(bad))
        except Exception as bug:  # a test shall see it, not a closed connection
            traceback.print_exc()
            answer = errors.refuse(500, f"the scripted provider failed: {bug!r}")
        if answer.status >= 400 and not script.status:
            entry["refused"] = answer.body.decode("utf-8", "replace")
        return await self._send(writer, errors, answer, script)

    def _speaker(self, request):
        for speaker in WIRES:
            if request.mount_kind in ("", speaker.NAME, *getattr(speaker, "ALSO", ())):
                operation = speaker.operation(request)
                if operation:
                    return speaker, operation
        return _BY_NAME.get(request.mount_kind, wire_openai), None

    @staticmethod
    def _document(request):
        if (request.method in ("GET", "DELETE") or not request.body
                or request.header("content-type", "").startswith("multipart/")
                or request.mount_kind == wire_tokens.NAME):
            return None
        try:
            return json.loads(request.body)
        except ValueError as odd:
            raise wire.Refused(400, f"We could not parse the JSON body of your request: "
                               f"{odd}") from odd

    @staticmethod
    def _refusal(errors, no, script):
        more = {}
        if script.retry_after is not None and errors is wire_gemini:
            more["retry_after"] = script.retry_after
        answer = errors.refuse(no.status, no.message, no.param, no.code, no.kind, **more)
        if script.retry_after is not None and errors is not wire_gemini:
            answer.headers.append(("Retry-After", str(script.retry_after)))
        return answer

    # -- sending, well or badly ----------------------------------------

    async def _send(self, writer, errors, answer, script):
        if script.stall and not script.delay_headers:
            await writer.sleep(script.stall / 1000)
        if script.close or script.reset:
            writer.abandon(script.reset)
            return False
        if script.garbage:
            await writer.send(b"\x16\x03\x01\x02\x00 this is not HTTP\r\n\r\n" * 3)
            writer.abandon()
            return False
        if script.badjson or script.html:
            answer = wire.Answer(answer.status if script.badjson else 502, [(
                "Content-Type", "application/json" if script.badjson else "text/html")],
                b'{"id": "x", "choices": [' if script.badjson
                else b"<html><h1>502 Bad Gateway</h1></html>")
        if answer.events is None:
            return await self._send_body(writer, answer, script)
        return await self._send_stream(writer, errors, answer, script)

    async def _send_body(self, writer, answer, script):
        told = len(answer.body)
        if script.badlen == "long":
            told += 100
        elif script.badlen == "short":
            told -= min(10, told)
        head = http1.head_of(answer.status, [*answer.headers, ("Content-Length", told)])
        if script.halfhead:
            await writer.send(head[:len(head) // 2])
            writer.abandon()
            return False
        body = answer.body[:len(answer.body) // 2] if script.half else answer.body
        if script.delay_headers:
            await writer.send(head)
            await writer.sleep((script.stall or 0) / 1000)
            await writer.send_pieces(scripts.cut_at(body, script.bytes, script.seed))
        else:
            await writer.send_pieces(scripts.cut_at(head + body, script.bytes, script.seed))
        if script.half or script.badlen:
            writer.abandon()
            return False
        return True

    async def _send_stream(self, writer, errors, answer, script):
        """Events, each a chunk of the body; what a script cuts off stays off."""
        head = http1.head_of(answer.status, [*answer.headers,
                                             ("Transfer-Encoding", "chunked")])
        if script.halfhead:
            await writer.send(head[:len(head) // 2])
            writer.abandon()
            return False
        await writer.send(head)
        if script.delay_headers:
            await writer.sleep((script.stall or 0) / 1000)
        for i, event in enumerate(answer.events):
            if script.slow is not None:
                await writer.sleep(script.slow / 1000)
            if script.cut == i:
                writer.abandon()
                return False
            if script.stall_after == i:
                await writer.sleep(3600)
            if script.error_after == i:
                await writer.send(http1.chunk(errors.stream_problem()))
                break
            if script.half and i == len(answer.events) // 2:
                await writer.send(http1.chunk(event)[:-len(event) // 2])
                writer.abandon()
                return False
            await writer.send_pieces(scripts.cut_at(
                http1.chunk(event), script.bytes, script.seed + i))
        await writer.send(http1.LAST_CHUNK)
        return True

    # -- queued answers ------------------------------------------------

    def _take(self, request):
        for answer in self.queue:
            if (answer.get("mount", request.mount) == request.mount
                    and answer.get("path", request.path) == request.path):
                answer["repeat"] = answer.get("repeat", 1) - 1
                if answer["repeat"] <= 0:
                    self.queue.remove(answer)
                return answer
        return None

    @staticmethod
    def _queued_parts(queued):
        """Status, headers and body of a queued answer."""
        source = queued.get("recorded", {}).get("response", queued)
        headers = source.get("headers", {})
        if isinstance(headers, dict):
            headers = list(headers.items())
        gone = ["transfer-encoding", "content-length", "connection"]
        if "recorded" in queued:
            gone.append("content-encoding")  # recordings are unpacked
        headers = [(k, v) for k, v in headers if k.lower() not in gone]
        if source.get("body_base64") is not None:
            body = base64.b64decode(source["body_base64"])
        else:
            body = (source.get("body") or "").encode("utf-8", "surrogatepass")
        return source.get("status", 200), headers, body

    async def _replay(self, writer, queued):
        status, headers, body = self._queued_parts(queued)
        await writer.sleep(queued.get("delay_ms", 0) / 1000)
        chunked = queued.get("chunked", True)
        headers.append(("Transfer-Encoding", "chunked") if chunked
                       else ("Content-Length", len(body)))
        await writer.send(http1.head_of(status, headers))
        drop = queued.get("drop_after")
        sent = body if drop is None else body[:drop]
        for piece in scripts.cut_at(sent, queued.get("cuts"), queued.get("seed", 1)):
            await writer.sleep(queued.get("cut_delay_ms", 0) / 1000)
            await writer.send_pieces([http1.chunk(piece) if chunked else piece])
        if drop is not None:
            writer.abandon()
            return False
        if chunked:
            await writer.send(http1.LAST_CHUNK)
        return True

    # -- the tests' side -----------------------------------------------

    async def _control(self, writer, method, target, body):
        status, answer = 200, {}
        if (method, target) == ("GET", "/_seen"):
            answer = {"seen": self.seen, "total": self.total, "open": self.open}
        elif (method, target) == ("DELETE", "/_seen"):
            self.seen, self.total = [], 0
            scripts.forget()
        elif (method, target) == ("PUT", "/_script"):
            doc = json.loads(body)
            self.queue = list(doc["answers"] if isinstance(doc, dict) else doc)
        elif (method, target) == ("DELETE", "/_script"):
            self.queue = []
        elif (method, target) == ("GET", "/_script"):
            answer = {"left": len(self.queue)}
        else:
            status, answer = 404, {"error": "PUT or DELETE /_script, GET or DELETE /_seen"}
        data = json.dumps(answer).encode()
        await writer.send(http1.head_of(status, [
            ("Content-Type", "application/json"), ("Content-Length", len(data))]) + data)


async def run(options):
    provider = Provider(options.direct)
    tls = None
    if options.cert:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(options.cert, options.key)
    server = await asyncio.start_server(provider.serve, options.host, options.port,
                                        limit=1 << 20, backlog=1024, ssl=tls)
    port = server.sockets[0].getsockname()[1]
    print(f"listening on {'https' if tls else 'http'}://{options.host}:{port}", flush=True)
    async with server:
        await server.serve_forever()


def main():
    parser = argparse.ArgumentParser(
        description="A scripted LLM provider that speaks the wire formats of OpenAI, "
        "Anthropic, Bedrock, Cohere, Gemini, Hugging Face and Ollama.")
    parser.add_argument("--host", default="127.0.0.1", help="address (default 127.0.0.1)")
    parser.add_argument("--port", type=int, default=9000,
                        help="port; 0 takes a free one and tells it (default 9000)")
    parser.add_argument("--cert", help="speak TLS with this certificate (PEM)")
    parser.add_argument("--key", help="the certificate's key (PEM; default: in --cert)")
    parser.add_argument("--direct", action="store_true",
                        help="for clients that come without a gateway: do not check what "
                        "only a gateway owes")
    try:
        asyncio.run(run(parser.parse_args()))
    except KeyboardInterrupt:
        pass
    except OSError as error:
        sys.exit(f"provider: {error}")


if __name__ == "__main__":
    main()
