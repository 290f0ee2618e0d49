# SPDX-License-Identifier: Apache-2.0
"""Configuration: what is right is accepted, and what is wrong is reported by
`httpd -t` with file, line and what was expected."""
import re

import pytest

from conf import ENABLED

EVERYTHING = """
    SSLProxyEngine On
    SSLProxyVerify require
    LLMSocket {root}/run/llmgw.sock
    LLMBodyLimit 32m
    LLMAnswerLimit 64m
    LLMConnectTimeout 5s
    LLMFirstByteTimeout 300s
    LLMIdleTimeout 2m
    LLMTimeout 900s
    LLMRetries 2
    LLMMaxTokensDefault 4096
    LLMHealthPath /health
    <LLMProvider openai>
        LLMKey       env:TEST_OPENAI_KEY
    </LLMProvider>
    <LLMProvider claude>
        LLMDialect   anthropic
        LLMBaseURL   https://api.anthropic.com
        LLMKey       file:{key}
        LLMHeader    anthropic-beta "context-1m-2025-08-07"
        LLMHeader    x-second value
    </LLMProvider>
    <LLMProvider azure>
        LLMBaseURL   https://example.openai.azure.com
        LLMAPIVersion 2024-10-21
        LLMKey       none
    </LLMProvider>
    <LLMProvider gemini>
        LLMKey       env:TEST_GEMINI_KEY
    </LLMProvider>
    <LLMProvider huggingface>
        LLMKey       env:TEST_HUGGINGFACE_KEY
    </LLMProvider>
    <LLMProvider old>
        LLMDialect   huggingface-inference
        LLMKey       env:TEST_HUGGINGFACE_KEY
    </LLMProvider>
    <LLMProvider local>
        LLMDialect   openai
        LLMBaseURL   http://127.0.0.1:8000/v1
        LLMKey       none
        LLMIncludeUsage Off
    </LLMProvider>
    <LLMModel smart>
        LLMTarget    claude claude-sonnet-4-5 priority=1 weight=100
        LLMTarget    openai gpt-4o priority=2
    </LLMModel>
    <LLMModel "openai/*">
        LLMTarget    openai *
    </LLMModel>
    <Location "/">
        LLMGateway On
        AuthType   LLMKey
        Require    valid-user
        LLMAnonymous Off
        LLMRetries 0
        LLMTimeout 1m
    </Location>
    <Location "/metered">
        LLMMeter On
        LLMProviderFor openai
    </Location>
"""


def test_every_directive_is_accepted(gw):
    key = gw.file("claude.key", "sk-ant-1\n")
    conf = gw.conf(EVERYTHING.format(root=gw.root, key=key), ["ssl"])
    code, said = gw.configtest(conf)
    assert code == 0, said
    assert "Syntax OK" in said


# What is wrong (its line ends in "#!"), and what the message must name.
MISTAKES = {
    "store without its kind": ("LLMStore /var/lib/x #!", "LLMStore", "bdb:"),
    "store of another kind": ("LLMStore redis://x #!", "LLMStore", "bdb:"),
    "a number that is none": ("LLMRetries x #!", "LLMRetries", "number", "'x'"),
    "no day to keep records for": ("LLMKeepEvents 0 #!", "LLMKeepEvents", "one or more", "'0'"),
    "a negative number": ("LLMRetries -1 #!", "LLMRetries", "number", "-1"),
    "a size that is none": ("LLMBodyLimit big #!", "LLMBodyLimit", "expected", "big"),
    "a size of nothing": ("LLMBodyLimit 0 #!", "LLMBodyLimit", "expected", "0"),
    "a size past counting": ("LLMBodyLimit 99999999999999999999 #!", "LLMBodyLimit",
                             "expected"),
    "a time that is none": ("LLMTimeout soon #!", "LLMTimeout", "expected", "soon"),
    "a negative time": ("LLMTimeout -3s #!", "LLMTimeout", "expected", "-3s"),
    "a time in odd units": ("LLMIdleTimeout 3fortnights #!", "LLMIdleTimeout", "expected",
                            "3fortnights"),
    "a flag that is none": ("<Location />\nLLMGateway maybe #!\n</Location>", "LLMGateway",
                            "On or Off"),
    "a health path without slash": ("LLMHealthPath health #!", "LLMHealthPath", "/"),
    "a section without its name": ("<LLMProvider> #!\n</LLMProvider>", "LLMProvider"),
    "a name that is none": ('<LLMProvider "a b/c"> #!\n</LLMProvider>', "LLMProvider",
                            "a b/c"),
    "an unknown dialect": (
        "<LLMProvider p>\nLLMDialect klingon #!\n</LLMProvider>",
        "LLMDialect", "klingon", "openai", "anthropic", "gemini", "huggingface"),
    "no dialect, and none in the name": (
        "<LLMProvider mine> #!\nLLMKey none\n</LLMProvider>", "mine", "LLMDialect"),
    "a base URL of another scheme": (
        "<LLMProvider openai>\nLLMBaseURL ftp://x/ #!\nLLMKey none\n</LLMProvider>",
        "LLMBaseURL", "ftp", "http"),
    "a base URL that is none": (
        "<LLMProvider openai>\nLLMBaseURL api.openai.com #!\nLLMKey none\n</LLMProvider>",
        "LLMBaseURL", "api.openai.com", "http"),
    "a base URL with a query": (
        "<LLMProvider openai>\nLLMBaseURL https://x/v1?a=b #!\nLLMKey none\n</LLMProvider>",
        "LLMBaseURL"),
    "a base URL with Azure's version": (
        "<LLMProvider azure>\nLLMBaseURL https://x/openai?api-version=2024-10-21 #!\n"
        "LLMKey none\n</LLMProvider>", "LLMBaseURL", "LLMAPIVersion"),
    "a version that is none": (
        "<LLMProvider azure>\nLLMAPIVersion 2024/10 #!\n</LLMProvider>", "LLMAPIVersion",
        "2024-10-21", "2024/10"),
    "a provider without a public address": (
        "<LLMProvider azure> #!\nLLMKey none\n</LLMProvider>", "LLMBaseURL", "azure"),
    "a token of no known kind": (
        "<LLMProvider openai>\nLLMKey none\nLLMToken klingon #!\n</LLMProvider>",
        "LLMToken", "entra", "google", "ibm", "klingon"),
    "a token's option that is none": (
        "<LLMProvider openai>\nLLMKey none\nLLMToken entra secret=x1y2 #!\n</LLMProvider>",
        "LLMToken entra", "name=value", "tenant client federated url scope ca"),
    "a token server without https": (
        "<LLMProvider openai>\nLLMKey none\n"
        "LLMToken oauth client=a url=http://example.com/token #!\n</LLMProvider>",
        "LLMToken oauth", "url=", "https"),
    "a token without its secret": (
        "<LLMProvider openai>\nLLMKey none\nLLMToken ibm #!\n</LLMProvider>",
        "LLMToken ibm", "an API key", "LLMKey"),
    "a token without its options": (
        "<LLMProvider openai>\nLLMKey env:TEST_OPENAI_KEY\nLLMToken entra client=a #!\n"
        "</LLMProvider>", "LLMToken entra", "tenant="),
    "a token of a key file that is none": (
        "<LLMProvider openai>\nLLMKey env:TEST_OPENAI_KEY\nLLMToken google #!\n"
        "</LLMProvider>", "LLMToken google", "JSON"),
    "two tokens": (
        "<LLMProvider openai>\nLLMKey none\nLLMToken google\nLLMToken google #!\n"
        "</LLMProvider>", "LLMToken"),
    "a token outside of a section": ("LLMToken google #!", "LLMToken", "LLMProvider"),
    "watsonx without a project": (
        "<LLMProvider watsonx> #!\nLLMBaseURL https://x/\nLLMKey none\n</LLMProvider>",
        "LLMProject", "watsonx"),
    "a project that is none": (
        "<LLMProvider watsonx>\nLLMProject a/b #!\n</LLMProvider>", "LLMProject", "a/b"),
    "a base URL with a bad port": (
        "<LLMProvider openai>\nLLMBaseURL http://x:99999/ #!\nLLMKey none\n</LLMProvider>",
        "LLMBaseURL"),
    "a base URL with a password": (
        "<LLMProvider openai>\nLLMBaseURL https://u:p@x/ #!\nLLMKey none\n</LLMProvider>",
        "LLMBaseURL"),
    "a key in the configuration": (
        "<LLMProvider openai>\nLLMKey sk-secret123 #!\n</LLMProvider>",
        "LLMKey", "env:", "file:", "exec:"),
    "a key in a variable that is not set": (
        "<LLMProvider openai>\nLLMKey env:NO_SUCH_KEY #!\n</LLMProvider>",
        "LLMKey", "NO_SUCH_KEY"),
    "a key in a file that is not there": (
        "<LLMProvider openai>\nLLMKey file:/no/such/key #!\n</LLMProvider>",
        "LLMKey", "/no/such/key"),
    "a key by a program that is not there": (
        "<LLMProvider openai>\nLLMKey exec:/no/such/program #!\n</LLMProvider>",
        "LLMKey", "/no/such/program"),
    "a provider without a key": (
        "<LLMProvider openai> #!\nLLMBaseURL http://x/v1\n</LLMProvider>", "openai",
        "LLMKey", "none"),
    "a header without a value": (
        "<LLMProvider openai>\nLLMHeader x-one #!\n</LLMProvider>", "LLMHeader"),
    "a header that cannot be one": (
        '<LLMProvider openai>\nLLMHeader "x one" 1 #!\n</LLMProvider>', "LLMHeader"),
    "a header that is the gateway's": (
        "<LLMProvider openai>\nLLMHeader Content-Length 1 #!\n</LLMProvider>",
        "LLMHeader", "(?i)content-length"),
    "a header that is the key's": (
        "<LLMProvider openai>\nLLMHeader Authorization x #!\n</LLMProvider>",
        "LLMHeader", "LLMKey"),
    "a provider twice": (
        "<LLMProvider openai>\nLLMKey none\n</LLMProvider>\n"
        "<LLMProvider openai> #!\nLLMKey none\n</LLMProvider>", "openai"),
    "a directive that is no provider's": (
        "<LLMProvider openai>\nRequire all granted #!\n</LLMProvider>", "Require"),
    "a provider's directive outside": ("LLMDialect openai #!", "LLMDialect"),
    "a target outside": ("LLMTarget openai gpt-4o #!", "LLMTarget"),
    "a model without a target": (
        "<LLMProvider openai>\nLLMKey none\n</LLMProvider>\n"
        "<LLMModel m> #!\n</LLMModel>", "m", "LLMTarget"),
    "a model twice": (
        "<LLMProvider openai>\nLLMKey none\n</LLMProvider>\n"
        "<LLMModel m>\nLLMTarget openai x\n</LLMModel>\n"
        "<LLMModel m> #!\nLLMTarget openai y\n</LLMModel>", "m"),
    "a target at nobody": (
        "<LLMModel m>\nLLMTarget nobody x #!\n</LLMModel>", "LLMTarget", "nobody"),
    "a target without a model": (
        "<LLMProvider openai>\nLLMKey none\n</LLMProvider>\n"
        "<LLMModel m>\nLLMTarget openai #!\n</LLMModel>", "LLMTarget"),
    "an unknown option of a target": (
        "<LLMProvider openai>\nLLMKey none\n</LLMProvider>\n"
        "<LLMModel m>\nLLMTarget openai x prio=1 #!\n</LLMModel>",
        "LLMTarget", "prio", "priority", "weight"),
    "a priority that is no number": (
        "<LLMProvider openai>\nLLMKey none\n</LLMProvider>\n"
        "<LLMModel m>\nLLMTarget openai x priority=high #!\n</LLMModel>",
        "LLMTarget", "priority", "high"),
    "a weight that is none": (
        "<LLMProvider openai>\nLLMKey none\n</LLMProvider>\n"
        "<LLMModel m>\nLLMTarget openai x weight=-5 #!\n</LLMModel>",
        "LLMTarget", "weight", "-5"),
    "a star where nothing is matched": (
        "<LLMProvider openai>\nLLMKey none\n</LLMProvider>\n"
        "<LLMModel m>\nLLMTarget openai * #!\n</LLMModel>", "LLMTarget", r"\*"),
    "filter mode for nobody": (
        "<Location /x>\nLLMMeter On\nLLMProviderFor nobody #!\n</Location>",
        "LLMProviderFor", "nobody"),
    "both modes in one place": (
        "<LLMProvider openai>\nLLMKey none\n</LLMProvider>\n"
        "<Location /x>\nLLMGateway On\nLLMMeter On #!\nLLMProviderFor openai\n</Location>",
        "LLMMeter", "LLMGateway"),
}


def test_a_password_in_an_address_is_not_repeated(gw):
    code, said = gw.configtest(gw.conf().add(
        "<LLMProvider openai>\nLLMBaseURL https://me:hunter2@x/\nLLMKey none\n</LLMProvider>"))
    assert code != 0 and "LLMBaseURL" in said
    assert "hunter2" not in said and "me:" not in said


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_named_with_its_line(gw, name):
    snippet, *expected = MISTAKES[name]
    conf = gw.conf(snippet)
    text = conf.text()
    if "LLMStore" in snippet:
        text = text.replace(f"LLMStore  bdb:{gw.store}", "#")
    line = next(i for i, x in enumerate(text.split("\n"), 1) if x.endswith("#!"))
    code, said = gw.configtest(text.replace(" #!", ""))
    assert code != 0, f"accepted: {snippet}"
    assert re.search(rf"line {line} of {re.escape(gw.conf_path)}", said), \
        f"not with line {line}: {said}"
    for pattern in expected:
        assert re.search(pattern, said), f"does not say {pattern!r}: {said}"
    assert "sk-secret123" not in said, "a key is in the error text"


def test_a_key_file_that_others_may_read_is_refused(gw):
    key = gw.file("open.key", "sk-readable-by-all", mode=0o644)
    code, said = gw.configtest(gw.conf(
        f"<LLMProvider openai>\nLLMKey file:{key}\n</LLMProvider>"))
    assert code != 0
    assert key in said and re.search("read|permission|mode", said), said
    assert "sk-readable" not in said


@pytest.mark.parametrize("more, word", [
    ("", "mod_ssl"), ("SSLProxyEngine On", "SSLProxyVerify")])
def test_https_without_a_check_of_the_certificate_is_refused(gw, more, word):
    conf = gw.conf(more + "\n<LLMProvider openai>\nLLMKey none\n</LLMProvider>",
                   ["ssl"] if more else [])
    code, said = gw.configtest(conf)
    assert code != 0
    assert "openai" in said and word in said, said


def test_an_empty_key_file_is_refused(gw):
    key = gw.file("empty.key", "\n")
    code, said = gw.configtest(gw.conf(
        f"<LLMProvider openai>\nLLMKey file:{key}\n</LLMProvider>"))
    assert code != 0
    assert key in said and "empty" in said, said


def test_a_price_list_that_is_not_there_is_refused(gw):
    code, said = gw.configtest(gw.conf("LLMPrices /no/such/prices.json"))
    assert code != 0
    assert "LLMPrices" in said and "/no/such/prices.json" in said, said


def test_a_price_list_that_is_none_is_refused(gw):
    bad = gw.file("bad.json", '{"as_of": "2026-01-01", "models": [', mode=0o644)
    code, said = gw.configtest(gw.conf(f"LLMPrices {bad}"))
    assert code != 0
    assert "LLMPrices" in said and bad in said, said


def test_a_price_that_is_none_is_named(gw):
    bad = gw.file("bad.json", '{"as_of": "2026-01-01", "currency": "USD", '
                  '"unit": "per_million", "models": [{"provider": "openai", '
                  '"model": "gpt-4o", "input": "two"}]}', mode=0o644)
    code, said = gw.configtest(gw.conf(f"LLMPrices {bad}"))
    assert code != 0
    assert "LLMPrices" in said and "models[0].input" in said and "2.50" in said, said
    assert said.count(bad) == 1, said


def test_the_gateway_without_a_store_is_refused(gw):
    conf = gw.conf().four_providers().enable()
    text = conf.text().replace("LLMStore  bdb:", "#LLMStore  bdb:")
    code, said = gw.configtest(text)
    assert code != 0
    assert "LLMStore" in said, said


def test_the_gateway_without_mod_proxy_says_so(gw):
    conf = gw.conf().four_providers().enable()
    conf.modules = [m for m in conf.modules if m not in ("proxy", "proxy_http")]
    code, said = gw.configtest(conf)
    assert code != 0
    assert "mod_proxy" in said, said


def test_the_module_alone_changes_nothing(gw):
    """Loaded without any directive of its own, it starts nothing."""
    conf = gw.conf()
    text = conf.text().replace("LLMStore", "#LLMStore").replace("LLMPrices", "#LLMPrices")
    code, said = gw.configtest(text)
    assert code == 0, said


def test_a_gateway_can_be_one_location_among_others(gw):
    conf = gw.conf().four_providers().add(ENABLED.replace('"/"', '"/ai"'))
    gw.serve(conf)
    with open(f"{gw.root}/htdocs/plain.html", "w", encoding="utf-8") as page:
        page.write("plain")
    assert gw.get("/plain.html", key=None).body == b"plain"
    assert gw.post("/ai/v1/chat/completions", {
        "model": "openai/gpt-4o", "messages": [{"role": "user", "content": "hi"}]}
        ).json["choices"][0]["message"]["content"] == "You said: hi"
    assert gw.get("/v1/models").status == 404
