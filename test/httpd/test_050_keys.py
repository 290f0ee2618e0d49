# SPDX-License-Identifier: Apache-2.0
"""Client keys: where they may be, what is refused and how, and how httpd's
own Require works with them."""
import threading
import time

import pytest

import reader
from client import wait_for

HELLO = [{"role": "user", "content": "hello"}]
OPENAI = ("/v1/chat/completions", {"model": "openai/gpt-4o", "messages": HELLO}, "openai")
ANTHROPIC = ("/v1/messages", {"model": "anthropic/claude", "max_tokens": 9,
                              "messages": HELLO}, "anthropic")
UNKNOWN = "llmgw-" + "A" * 43


@pytest.fixture
def four(gw):
    return gw.serve(gw.conf().four_providers().enable())


def post(gw, form, headers=(), key=None):
    path, body, _ = form
    return gw.post(path, body, [("anthropic-version", "2023-06-01"), *headers], key)


@pytest.mark.parametrize("form", [OPENAI, ANTHROPIC], ids=["openai", "anthropic"])
@pytest.mark.parametrize("header, value", [
    ("Authorization", "Bearer {}"), ("authorization", "bearer {}"),
    ("AUTHORIZATION", "BEARER   {}"), ("x-api-key", "{}"), ("X-Goog-Api-Key", "{}"),
    ("api-key", "{}"), ("X-Client-API-Key", "{}")])
def test_a_key_in_each_header(four, upstream, form, header, value):
    answer = post(four, form, [(header, value.format(four.key()))])
    assert answer.status == 200, answer


REFUSED = {
    "no key": [], "an empty key": [("Authorization", "Bearer ")],
    "an unknown key": [("Authorization", "Bearer " + UNKNOWN)],
    "a provider's key": [("x-api-key", "sk-ant-api03-xxxx")],
    "half a key": [("x-api-key", "llmgw-abc")],
    "basic credentials": [("Authorization", "Basic dXNlcjpwYXNz")],
    "a very long key": [("x-api-key", "llmgw-" + "A" * 7000)],
    "a key of odd bytes": [("x-api-key", "llmgw-\xff\xfe")]}


@pytest.mark.parametrize("form", [OPENAI, ANTHROPIC], ids=["openai", "anthropic"])
@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_key_of_ours_is_401(four, upstream, form, name):
    answer = post(four, form, REFUSED[name])
    assert answer.status == 401, answer
    kind, message = reader.error_of(form[2], answer.json)
    assert kind == {"openai": "invalid_request_error",
                    "anthropic": "authentication_error"}[form[2]] or "auth" in kind
    assert UNKNOWN not in answer.text, "the key is repeated in the answer"
    assert answer.header("www-authenticate", "").lower().startswith("bearer")
    assert answer.id
    assert not upstream.seen()


def test_the_stream_wish_does_not_change_a_401(four, upstream):
    answer = four.post("/v1/chat/completions", {"model": "openai/gpt-4o", "stream": True,
                                                "messages": HELLO}, key=UNKNOWN)
    assert answer.status == 401
    assert answer.header("content-type").startswith("application/json")


def test_the_body_is_not_needed_for_a_401(four, upstream):
    """A caller without a key cannot make the gateway read megabytes."""
    answer = four.post("/v1/chat/completions", b"x" * 500_000, key=UNKNOWN)
    assert answer.status == 401


@pytest.mark.parametrize("form", [OPENAI, ANTHROPIC], ids=["openai", "anthropic"])
def test_a_revoked_key(four, upstream, form):
    key = four.key(f"revoked-{form[2]}")
    assert post(four, form, key=key).status == 200
    four.ctl_json("key", "revoke", f"revoked-{form[2]}")
    answer = wait_for(lambda: (a := post(four, form, key=key)).status == 401 and a, 2,
                      "the revocation to be in force")
    reader.error_of(form[2], answer.json)
    # The caller is told what any wrong key is told; the log has the reason.
    assert "revoked" not in answer.text
    assert any(f"revoked-{form[2]}, revoked" in line for line in four.recent_log())


def test_two_keys_that_differ_are_not_guessed_between(four, upstream):
    key, other = four.key(), four.key("other")
    assert post(four, OPENAI, [("Authorization", f"Bearer {key}"), ("x-api-key", key)]
                ).status == 200
    assert post(four, OPENAI, [("Authorization", f"Bearer {key}"), ("x-api-key", other)]
                ).status == 401


def test_a_deleted_key(four, upstream):
    key = four.key("deleted")
    four.ctl_json("key", "delete", "deleted")
    wait_for(lambda: post(four, OPENAI, key=key).status == 401, 2, "the deletion")


def test_an_expired_key(four, upstream):
    made = four.ctl_json("key", "create", "short-lived", "--expires", "2s")
    wait_for(lambda: post(four, OPENAI, key=made["secret"]).status == 200, 2, "the key")
    wait_for(lambda: post(four, OPENAI, key=made["secret"]).status == 401, 4, "its expiry")
    assert any("short-lived, expired" in line for line in four.recent_log())


def test_a_key_for_some_models_only(four, upstream):
    made = four.ctl_json("key", "create", "limited", "--models", "openai/*,smart")
    wait_for(lambda: post(four, OPENAI, key=made["secret"]).status == 200, 2, "the key")
    answer = post(four, ANTHROPIC, key=made["secret"])
    assert answer.status in (403, 404)
    assert "anthropic/claude" in reader.error_of("anthropic", answer.json)[1]
    listed = [m["id"] for m in four.get("/v1/models", key=made["secret"]).json["data"]]
    assert not [m for m in listed if m.startswith("anthropic")]


def test_a_key_that_is_made_later_is_in_force_when_the_command_ends(four, upstream):
    made = four.ctl_json("key", "create", "fresh")
    assert post(four, OPENAI, key=made["secret"]).status == 200


def test_keys_survive_a_restart(four, upstream):
    key = four.key("lasting")
    conf = four.conf().four_providers().enable()
    four.restart(conf)
    assert post(four, OPENAI, key=key).status == 200


def test_without_llmanonymous_nobody_is_admitted_by_mistake(gw, upstream):
    """LLMGateway On alone, without AuthType and Require: denied by default."""
    gw.serve(gw.conf().four_providers().add(
        '<Location "/">\nLLMGateway On\n</Location>'))
    answer = post(gw, OPENAI)
    assert answer.status in (401, 403), answer
    assert not upstream.seen()


def test_llmanonymous_admits_callers_without_a_key(gw, upstream):
    gw.serve(gw.conf().four_providers().add(
        '<Location "/">\nLLMGateway On\nLLMAnonymous On\n</Location>'))
    answer = post(gw, OPENAI)
    assert answer.status == 200, answer
    record = gw.record(answer)
    assert record["anonymous"] and not record.get("key")
    assert post(gw, OPENAI, key=UNKNOWN).status == 401, "a wrong key is still wrong"
    assert gw.record(post(gw, OPENAI, key=gw.key()))["key"] == "tester"


def test_require_user_names_keys(gw, upstream):
    gw.tolerates("AH01631")
    gw.serve(gw.conf().four_providers().add("""
        <Location "/">
            LLMGateway On
            AuthType   LLMKey
            Require    user alice
        </Location>"""))
    assert post(gw, OPENAI, key=gw.key("alice")).status == 200
    answer = post(gw, OPENAI, key=gw.key("bob"))
    assert answer.status in (401, 403)
    reader.error_of("openai", answer.json)
    assert len(upstream.seen()) == 1


@pytest.mark.parametrize("form", [OPENAI, ANTHROPIC], ids=["openai", "anthropic"])
def test_require_ip_refuses_in_the_callers_dialect(gw, upstream, form):
    gw.tolerates("AH01630")
    gw.serve(gw.conf().four_providers().add("""
        <Location "/">
            LLMGateway On
            AuthType   LLMKey
            <RequireAll>
                Require valid-user
                Require ip 192.0.2.0/24
            </RequireAll>
        </Location>"""))
    answer = post(gw, form, key=UNKNOWN)
    assert answer.status in (401, 403)
    reader.error_of(form[2], answer.json)
    assert answer.header("content-type").startswith("application/json")
    assert not upstream.seen()


def test_errors_of_httpd_itself_are_in_the_callers_dialect(gw, upstream):
    """A 403 that some other module decides."""
    gw.tolerates("AH01630")
    gw.serve(gw.conf().four_providers().enable().add(
        '<Location "/v1/messages">\nRequire all denied\n</Location>'))
    answer = post(gw, ANTHROPIC, key=gw.key())
    assert answer.status == 403
    assert reader.error_of("anthropic", answer.json)[0] == "permission_error"


def test_the_key_name_is_httpds_user(four, upstream):
    answer = post(four, OPENAI, key=four.key("named"))
    assert four.access(answer.id)["user"] == "named"


def test_only_hashes_are_stored(four, upstream):
    """The key itself is in no file of the store and in no log."""
    key = four.key("hashed")
    assert post(four, OPENAI, key=key).status == 200
    assert not four.files_with(key[6:].encode())


def test_a_change_is_in_force_when_the_store_has_answered(four, upstream):
    """Under load, in every child: a request that begins after the answer is
    refused, and one that begins after the next answer is served again."""
    key = four.key("under-load")
    seen, stop = [], threading.Event()      # (began, ended, status)

    def ask():
        while not stop.is_set():
            began = time.monotonic()
            status = four.get("/v1/models", key=key).status
            seen.append((began, time.monotonic(), status))

    threads = [threading.Thread(target=ask) for _ in range(6)]
    changes = []                            # (asked, answered, status from then on)
    for thread in threads:
        thread.start()
    try:
        for _ in range(10):
            for op, status in (("key.disable", 401), ("key.enable", 200)):
                time.sleep(0.05)
                asked = time.monotonic()
                assert "done" in four.ask_owner(op, name="under-load")[1]
                changes.append((asked, time.monotonic(), status))
    finally:
        time.sleep(0.1)
        stop.set()
        for thread in threads:
            thread.join()
    ends = [c[0] for c in changes[1:]] + [time.monotonic()]
    late = []
    for (asked, answered, status), end in zip(changes, ends):
        after = [s for s in seen if s[0] >= answered and s[1] < end]
        assert after and all(s[2] == status for s in after), (status, after)
        late += [s[1] - asked for s in seen if asked <= s[1] < end and s[2] != status]
    took = sorted(answered - asked for asked, answered, _ in changes)
    print(f"{len(seen)} requests, {len(changes)} changes: answered in "
          f"{took[len(took) // 2] * 1e3:.1f} ms (median), {took[-1] * 1e3:.1f} ms (most); "
          f"the last answer of the old state {max(late, default=0) * 1e3:.1f} ms after "
          "the change was asked for")
