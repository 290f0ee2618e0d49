# SPDX-License-Identifier: Apache-2.0
"""What the documentation shows works: httpd accepts every configuration in it,
and each shipped example answers a request."""
import glob
import os
import re

import pytest

from env import SOURCES

CA_FILE = "/etc/ssl/certs/ca-certificates.crt"
# What docs/providers.md wants for https, once for a server.
HTTPS = f"""
SSLProxyEngine On
SSLProxyVerify require
SSLProxyCACertificateFile {CA_FILE}
"""
VARIABLES = ["OPENAI_API_KEY", "ANTHROPIC_API_KEY", "GEMINI_API_KEY", "HF_TOKEN",
             "GROQ_API_KEY", "MISTRAL_API_KEY", "CO_API_KEY", "BEDROCK_KEY",
             "AZURE_OPENAI_API_KEY", "AZURE_CLIENT_SECRET", "DATABRICKS_SECRET",
             "IBM_API_KEY", "CLOUDFLARE_API_TOKEN"]
# A user's, which needs no private key; nobody is asked at its example address.
KEY_FILE = ('{"type": "authorized_user", "client_id": "c", "client_secret": "s", '
            '"refresh_token": "r"}')
EXAMPLES = sorted(os.path.basename(p) for p in glob.glob(f"{SOURCES}/conf/examples/*.conf"))


def read(path):
    with open(os.path.join(SOURCES, path), encoding="utf-8") as text:
        return text.read()


def pages():
    """Every Markdown page that shows a configuration."""
    found = ["README.md", *(os.path.relpath(p, SOURCES) for p in sorted(glob.glob(
        f"{SOURCES}/mod_llm_gateway/docs/**/*.md", recursive=True)))]
    return [p for p in found if "```apache" in read(p)]


@pytest.fixture
def tried(gw):
    """A configuration of the documentation with the paths and the module of
    this test in the place of an installation's."""
    def conf(text):
        if "SSLProxy" in text and not os.path.exists(CA_FILE):
            pytest.skip(f"{CA_FILE} is not there")
        gw.stop()
        gw.extra_environ = {name: "sk-example" for name in VARIABLES}
        for name in re.findall(r"file:/etc/llm-gateway/(\S+)", text):
            secret = KEY_FILE if name.endswith(".json") else "sk-example"
            text = text.replace(f"file:/etc/llm-gateway/{name}",
                                f"file:{gw.file(name, secret)}")
        text = text.replace("/var/run/secrets/azure/tokens/azure-identity-token",
                            gw.file("identity.token", "a.b.c", 0o644))
        master = os.path.join(gw.root, "example-master.key")
        for name in sorted(set(re.findall(r"(?m)^\s*LLMKey\s+secret:(\S+)", text))):
            done = gw.ctl("secret", "set", name, "--master-key", master, stdin="sk-example\n")
            assert done.code == 0, done
        text = text.replace("/etc/llm-gateway/master.key", master)
        if "secret:" in text and "LLMMasterKey" not in text:
            text += f"\nLLMMasterKey {master}\n"
        text = text.replace("/etc/llm-gateway/prices.json", gw.prices)
        text = text.replace("logs/llm_log", "llm_log")
        text = re.sub(r"(?m)^\s*(LLMStore\s|LLMVocabulary\s|LoadModule llm_gateway_module\s).*$", "", text)
        if "SSLProxyEngine" not in text:
            text += HTTPS
        text += f"\nSSLSessionCache shmcb:{gw.root}/run/ssl(65536)\n"
        return gw.conf(text, modules=["socache_shmcb", "ssl"])
    return conf


def test_the_pages_are_found():
    assert len(pages()) > 20 and len(EXAMPLES) == 6


@pytest.mark.parametrize("page", pages())
def test_a_page_shows_what_httpd_accepts(gw, tried, page):
    blocks = re.findall(r"(?ms)^```apache\n(.*?)^```", read(page))
    assert blocks
    for block in blocks:
        code, said = gw.configtest(tried(block))
        assert code == 0, f"{block}\n{said}"


@pytest.mark.parametrize("page", sorted(
    p for p in pages() if "/directives/" in p))
def test_a_directive_page_shows_its_directive(page):
    name = os.path.basename(page).removesuffix(".md")
    assert any(re.search(rf"(?m)^\s*<?{name}\b", block) for block in re.findall(
        r"(?ms)^```apache\n(.*?)^```", read(page)))


def test_the_shipped_configuration(gw, tried):
    text = read("conf/llm_gateway.conf")
    code, said = gw.configtest(tried(text))
    assert code == 0, said
    # Remarks are "# text", directives out of force "#Text".
    enabled = re.sub(r"(?m)^#(?=[A-Z<]| {4})", "", text).replace("/var/log/apache2", gw.root)
    assert enabled.count("\n#") < text.count("\n#") / 2
    code, said = gw.configtest(tried(enabled))
    assert code == 0, said


def with_scripted_providers(gw, text):
    """An example whose providers are the scripted one."""
    text = re.sub(r"(?m)^\s*LLMBaseURL .*\n", "", text)
    text = text.replace("LLMKey     none", "LLMKey     env:OPENAI_API_KEY")
    for name in re.findall(r"(?m)^<LLMProvider (\S+)>", text):
        section = re.search(rf"(?ms)^<LLMProvider {name}>.*?^</LLMProvider>", text)[0]
        kind = (re.search(r"LLMDialect\s+(\S+)", section) or [None, name])[1]
        url = f"{gw.upstream.url}/{kind}" + ("/v1" if kind == "openai" else "")
        text = text.replace(section, section.replace(
            f"<LLMProvider {name}>\n",
            f"<LLMProvider {name}>\n    LLMBaseURL {url}\n"))
    return text.replace("https://api.openai.com", f"{gw.upstream.url}/openai")


CHAT = {"messages": [{"role": "user", "content": "Hello"}]}
REQUESTS = {
    "failover.conf": ("/v1/chat/completions", "smart"),
    "filter.conf": ("/openai/v1/chat/completions", "gpt-4o"),
    "keys.conf": ("/llm/v1/chat/completions", "openai/gpt-4o"),
    "local.conf": ("/v1/chat/completions", "llama"),
    "secrets.conf": ("/llm/v1/chat/completions", "openai/gpt-4o"),
    "native.conf": ("/llm/openai/v1/chat/completions", "gpt-4o"),
}


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_answers(gw, tried, name):
    text = read(f"conf/examples/{name}")
    code, said = gw.configtest(tried(text))
    assert code == 0, said
    gw.serve(tried(with_scripted_providers(gw, text)))
    path, model = REQUESTS[name]
    answer = gw.post(path, {"model": model, **CHAT}, key=gw.key("alice"))
    assert answer.status == 200, answer
    assert "You said: Hello" in answer.text
