# SPDX-License-Identifier: Apache-2.0
"""Every configuration that the project shows is one that httpd accepts, and
those that stand alone do what they say."""
import os
import re

import pytest

from env import SOURCES


def of_folder(folder, ending):
    for where, _, names in os.walk(os.path.join(SOURCES, folder)):
        for name in sorted(names):
            if name.endswith(ending):
                yield os.path.relpath(os.path.join(where, name), SOURCES)


def text_of(path):
    with open(os.path.join(SOURCES, path), encoding="utf-8") as file:
        return file.read()


EXAMPLES = list(of_folder("conf/examples", ".conf"))
PAGES = [p for p in [*of_folder("mod_llm_gateway/docs", ".md"), "README.md"]
         if "```apache" in text_of(p)]


def here(gw, text):
    """The same configuration with this machine's paths in place of a site's,
    and the files it names made."""
    for found in set(re.findall(r"file:(\S+)", text)):
        name = os.path.basename(found)
        gw.file(name, "sk-test\n")
        text = text.replace(f"file:{found}", f"file:{gw.root}/{name}")
    for found in set(re.findall(r"exec:(\S+)", text)):
        name = os.path.basename(found)
        gw.file(name, "#!/bin/sh\necho sk-test\n", mode=0o700)
        text = text.replace(f"exec:{found}", f"exec:{gw.root}/{name}")
    text = re.sub(r"LLMPrices\s+\S+", f"LLMPrices {gw.prices}", text)
    text = re.sub(r"(CustomLog|ErrorLog)\s+(\S+)", rf"\1 {gw.root}/example.log", text)
    # Files of the distribution's and of packages, which need not be here.
    text = re.sub(r"^\s*(SSLProxyCACertificateFile|LLMVocabulary).*$", "", text,
                  flags=re.MULTILINE)
    text = re.sub(r"^LoadModule.*$", "", text, flags=re.MULTILINE)
    return re.sub(r"bdb:\S+", f"bdb:{gw.store}", text)


def conf_of(gw, text):
    """A whole configuration: the example, and what it takes for granted."""
    text = here(gw, text)
    whole = gw.conf("", ["ssl"]).text()
    for once in ("LLMStore", "LLMPrices"):
        if re.search(rf"^\s*{once}\b", text, re.MULTILINE):
            whole = re.sub(rf"^{once}\b.*$", "", whole, flags=re.MULTILINE)
    if "SSLProxyVerify" not in text:
        whole += "\nSSLProxyEngine On\nSSLProxyVerify require\n"
    return whole + "\n" + text


def environ_of(text):
    """The variables that hold keys."""
    return {name: "sk-test" for name in re.findall(r"env:(\w+)", text)}


def accepted(gw, text):
    gw.extra_environ = environ_of(text)
    code, said = gw.configtest(conf_of(gw, text))
    return code == 0, said


@pytest.mark.parametrize("path", EXAMPLES)
def test_an_example_is_accepted(gw, path):
    is_good, said = accepted(gw, text_of(path))
    assert is_good, said


@pytest.mark.parametrize("path", PAGES)
def test_what_a_page_shows_is_accepted(gw, path):
    for block in re.findall(r"```apache\n(.*?)```", text_of(path), re.DOTALL):
        is_good, said = accepted(gw, block)
        assert is_good, f"{block}\n{said}"


@pytest.mark.parametrize("everything", [False, True], ids=["as shipped", "uncommented"])
def test_the_shipped_configuration_is_accepted(gw, everything):
    text = text_of("conf/llm_gateway.conf")
    if everything:
        # A remark begins with "# " and one blank, a directive does not.
        text = re.sub(r"^#(?! \S)", "", text, flags=re.MULTILINE)
        assert "\nLLMRetries" in text and "\n    LLMGateway On" in text
    is_good, said = accepted(gw, text)
    assert is_good, said


def scripted(gw, text):
    """The example with the scripted provider in the place of all others."""
    def with_url(section):
        kind = re.search(r"LLMDialect\s+(\S+)", section.group(0))
        kind = kind.group(1) if kind else section.group(1)
        url = f"{gw.upstream.url}/{kind}" + ("/v1" if kind == "openai" else "")
        return section.group(0).replace(">", f">\n    LLMBaseURL {url}", 1)
    text = re.sub(r"^\s*(LLMBaseURL|SSLProxy).*$", "", text, flags=re.MULTILINE)
    return re.sub(r"<LLMProvider (\S+?)>.*?</LLMProvider>", with_url, text, flags=re.DOTALL)


SERVING = [p for p in EXAMPLES if "\n<LLMModel" in text_of(p)]


@pytest.mark.parametrize("path", SERVING)
def test_an_example_serves(gw, upstream, path):
    """Each of its models is answered by the provider it is meant for."""
    gw.tolerates("AH01630", "AH01873")   # no TLS session cache: not needed here
    gw.extra_environ = environ_of(text_of(path))
    text = scripted(gw, text_of(path))
    gw.stop()
    gw.write_conf(conf_of(gw, text).replace("SSLProxyEngine On\nSSLProxyVerify require", ""))
    gw.start()
    prefix = re.search(r'<Location "(.*?)/?">\s+LLMGateway On', text).group(1)
    models = re.findall(r'<LLMModel "?([^">]+)"?>\s+LLMTarget\s+(\S+)', text)
    assert models
    for name, provider in models:
        answer = gw.post(f"{prefix}/v1/chat/completions", {
            "model": name.replace("*", "some-model"),
            "messages": [{"role": "user", "content": "hello"}]})
        seen = upstream.seen()[-1]
        if "LLMKey     none" in text:
            # The scripted provider wants a key: it must have got none.
            assert answer.status == 401 and not seen.header("authorization")
        else:
            assert answer.status == 200, answer
            assert answer.header("x-llm-provider") == provider
        assert gw.record(answer)["asked"] == name.replace("*", "some-model")
