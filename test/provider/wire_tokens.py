# SPDX-License-Identifier: Apache-2.0
"""Token servers of the clouds: whoever asks as RFC 6749 or a metadata server
wants it gets a token with a number in it.

The query of the address says how: `life` (seconds; `life_as=string` and
`life_as=none` as some tell it), `delay` (milliseconds before the answer).
"""
import base64
import urllib.parse

from wire import Answer, Refused, json_answer, need

NAME = "tokens"
GRANTS = {"client_credentials": None, "refresh_token": {"refresh_token", "client_id",
                                                        "client_secret"},
          "urn:ietf:params:oauth:grant-type:jwt-bearer": {"assertion"},
          "urn:ibm:params:oauth:grant-type:apikey": {"apikey"}}

_count = [0]


def operation(request):
    if request.mount_kind != NAME:
        return None
    return {"POST": "form", "GET": "metadata"}.get(request.method)


def model(request, operation, doc):
    return None


def form_of(request):
    return dict(urllib.parse.parse_qsl(request.body.decode(), strict_parsing=True,
                                       max_num_fields=20))


def check_credentials(request, nokey):
    if "wrong" in request.body.decode("utf-8", "replace"):
        raise Refused(401, "the secret is wrong", code="invalid_client")
    basic = request.header("authorization")
    if basic:
        need(basic.startswith("Basic "), "only Basic is known here")
        name, _, secret = base64.b64decode(basic[6:], validate=True).decode().partition(":")
        need(name and secret, "a name and a secret")


def check(request, operation, doc, lenient):
    if operation == "metadata":
        need(request.header("metadata-flavor") == "Google"
             or request.header("metadata") == "true", "not asked as a metadata server is")
        return
    need(request.header("content-type") == "application/x-www-form-urlencoded", "no form")
    form = form_of(request)
    need(form.get("grant_type") in GRANTS, "unsupported_grant_type", code="unsupported")
    wanted = GRANTS[form["grant_type"]]
    need(wanted is None or wanted <= set(form), "invalid_request", code="invalid_request")
    need(wanted is not None or request.header("authorization")
         or {"client_id", "client_secret"} <= set(form)
         or {"client_id", "client_assertion", "client_assertion_type"} <= set(form),
         "no client", code="invalid_client")


def answer(request, operation, doc, script):
    _count[0] += 1
    life = int(request.query.get("life", "3600"))
    value = {"access_token": f"token-{_count[0]}-scripted", "token_type": "Bearer",
             "expires_in": life}
    if request.query.get("life_as") == "string":
        value["expires_in"] = str(life)
    if request.query.get("life_as") == "none":
        del value["expires_in"]
    script.stall = int(request.query["delay"]) if "delay" in request.query else None
    return json_answer(value)


def refuse(status, message, param=None, code=None, kind=None):
    return json_answer({"error": code or "invalid_request", "error_description": message},
                       status)


def stream_problem():
    return Answer().body
