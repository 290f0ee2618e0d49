# SPDX-License-Identifier: Apache-2.0
"""Servers of OpenAI's dialect with habits: named by the section, or LLMProfile."""
import json

import pytest


def asked(upstream):
    return json.loads(upstream.seen()[-1].body)


@pytest.fixture
def servers(gw):
    """Servers by the names of their sections, and one by LLMProfile."""
    conf = gw.conf("LLMRetries 0")
    url = f"{gw.upstream.url}/openai/v1"  # no public host: the names say it
    for name in ("mistral", "deepseek", "zai"):
        conf.add(f"<LLMProvider {name}>\n    LLMBaseURL {url}\n"
                 "    LLMKey env:TEST_OPENAI_KEY\n</LLMProvider>")
        conf.model(f"{name}/*", f"{name} *")
    conf.provider("other", "openai", more="LLMProfile mistral").model("other/*", "other *")
    conf.provider("plain", "openai", more="LLMProfile generic").model("plain/*", "plain *")
    return gw.serve(conf.enable())


HISTORY = [{"role": "user", "content": "a"},
           {"role": "assistant", "content": None, "tool_calls": [
               {"id": "call_0123456789abcdef", "type": "function",
                "function": {"name": "f", "arguments": "{}"}}]},
           {"role": "tool", "tool_call_id": "call_0123456789abcdef", "content": "r"}]


@pytest.mark.parametrize("name", ["mistral", "other"])
def test_ids_reach_mistral_in_its_form(servers, upstream, name):
    answer = servers.chat(f"{name}/m;any", messages=HISTORY, user="u", seed=3)
    assert answer.status == 200, answer
    body = asked(upstream)
    made = body["messages"][1]["tool_calls"][0]["id"]
    assert len(made) == 9 and made.isalnum()
    assert body["messages"][2]["tool_call_id"] == made
    assert body["random_seed"] == 3 and "seed" not in body and "user" not in body
    assert answer.header("x-llm-dropped") == "user"


def test_ids_pass_where_they_are_taken(servers, upstream):
    assert servers.chat("plain/m", messages=HISTORY, user="u").status == 200
    body = asked(upstream)
    assert body["messages"] == HISTORY and body["user"] == "u"


@pytest.mark.parametrize("streamed", [False, True])
def test_a_schema_is_told_in_words_where_there_is_no_place_for_it(servers, upstream,
                                                                  streamed):
    schema = {"type": "object", "properties": {"a": {"type": "string"}}}
    answer = servers.chat("deepseek/m", stream=streamed, response_format={
        "type": "json_schema", "json_schema": {"name": "n", "strict": True,
                                               "schema": schema}})
    assert answer.status == 200, answer
    body = asked(upstream)
    assert body["response_format"] == {"type": "json_object"}
    assert body["messages"][0]["role"] == "system"
    assert json.dumps(schema) in body["messages"][0]["content"]
    assert "response_format.json_schema.strict" in answer.header("x-llm-dropped")


def test_streams_are_not_asked_for_what_they_tell(servers, upstream):
    assert servers.chat("mistral/m", stream=True).status == 200
    assert "stream_options" not in asked(upstream)
    assert servers.chat("plain/m", stream=True).status == 200
    assert asked(upstream)["stream_options"] == {"include_usage": True}


def test_what_a_server_lacks_is_refused_by_its_name(servers, upstream):
    answer = servers.post("/v1/messages", {
        "model": "zai/glm", "max_tokens": 5, "tool_choice": {"type": "any"},
        "tools": [{"name": "f", "input_schema": {"type": "object"}}],
        "messages": [{"role": "user", "content": "a"}]})
    assert answer.status == 400
    assert "tool_choice" in answer.json["error"]["message"]
    assert not upstream.seen()


TLS = """SSLProxyEngine On
SSLProxyVerify require
SSLProxyCheckPeerName On
SSLProxyCACertificateFile /etc/ssl/certs/ca-certificates.crt
"""


def test_a_known_name_needs_a_key_and_nothing_else(gw):
    conf = gw.conf(TLS, ["ssl"])
    for name in ("groq", "mistral", "perplexity"):
        conf.add(f"<LLMProvider {name}>\n    LLMKey env:TEST_OPENAI_KEY\n</LLMProvider>")
    code, said = gw.configtest(conf.model("m", "groq m").enable())
    assert code == 0, said


@pytest.mark.parametrize("lines,said", [
    ("<LLMProvider x>\n    LLMProfile nobody\n    LLMKey none\n</LLMProvider>",
     "LLMProfile: expected one of ai21,"),
    ("<LLMProvider vllm>\n    LLMKey none\n</LLMProvider>",
     "LLMBaseURL is missing, and vLLM has no public address"),
    ("<LLMProvider groq>\n    LLMDialect anthropic\n    LLMKey none\n</LLMProvider>",
     "LLMBaseURL is missing, and Groq has no public address for the dialect anthropic"),
    ("<LLMProvider nobody>\n    LLMKey none\n</LLMProvider>",
     "no dialect is called 'nobody'"),
])
def test_mistakes_are_told(gw, lines, said):
    code, console = gw.configtest(gw.conf().add(lines))
    assert code != 0 and said in console, console
