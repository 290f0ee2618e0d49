# SPDX-License-Identifier: Apache-2.0
"""Configurations for tests: what every httpd here needs, and short ways to
write the gateway's sections. A test reads alone when it adds its directives
as text; use the helpers only where the text would say nothing new.
"""
import os
import textwrap

# What the module and the tests need, alphabetically as Debian loads them: so
# llm_gateway comes before proxy, which must work.
MODULES = ["alias", "authn_core", "authz_core", "authz_host", "authz_user", "deflate",
           "env", "filter", "headers", "llm_gateway", "log_config", "mpm_event",
           "proxy", "proxy_http", "reqtimeout", "setenvif", "status", "unixd"]

# Every variable the gateway sets for an access log.
VARIABLES = ["LLM_REQUEST_ID", "LLM_KEY", "LLM_PROVIDER", "LLM_MODEL", "LLM_MODEL_ASKED",
             "LLM_DIALECT", "LLM_OP", "LLM_ATTEMPTS", "LLM_STREAM", "LLM_TOKENS_IN",
             "LLM_TOKENS_OUT", "LLM_TOKENS_CACHE_READ", "LLM_TOKENS_CACHE_WRITE",
             "LLM_TOKENS_REASONING", "LLM_COST", "LLM_TTFT_MS", "LLM_LATENCY_MS",
             "LLM_FINISH", "LLM_STATUS", "LLM_ESTIMATED", "LLM_TEAM", "LLM_USER", "LLM_TAGS",
             "LLM_TIER"]

ENABLED = """
<Location "/">
    LLMGateway On
    AuthType   LLMKey
    Require    valid-user
</Location>
"""


class Conf:
    """A configuration under construction for one Gateway."""

    def __init__(self, gateway, text="", modules=()):
        self.gateway = gateway
        self.modules = [*MODULES, *modules]
        self._text = [textwrap.dedent(text)]

    def add(self, text):
        self._text.append(textwrap.dedent(text))
        return self

    def provider(self, name, dialect=None, url=None, key=None, more=""):
        """A <LLMProvider>; by default the scripted one, in the dialect the
        name says, with the key the environment has for it."""
        dialect = dialect or name
        kind = {"huggingface-inference": "huggingface"}.get(dialect, dialect)
        if url is None:
            url = f"{self.gateway.upstream.url}/{kind}"
            if dialect in ("openai", "openai-responses"):
                url += "/v1"
            if dialect == "anthropic-vertex":
                url = f"{self.gateway.upstream.url}/vertex/v1/projects/p/locations/l"
            if dialect == "watsonx":
                more += "\n    LLMProject project-1"
            if dialect == "azure":
                url += "/openai"
                more += "\n    LLMAPIVersion 2024-10-21"
        if dialect in ("anthropic-vertex", "watsonx"):
            key = key or "env:TEST_CLOUD_TOKEN"
        key = key or f"env:TEST_{kind.split('-')[0].upper()}_KEY"
        return self.add(f"<LLMProvider {name}>\n    LLMDialect {dialect}\n"
                        f"    LLMBaseURL {url}\n    LLMKey     {key}\n    {more}\n"
                        "</LLMProvider>\n")

    def model(self, name, *targets):
        """A <LLMModel>; each target is what follows LLMTarget."""
        lines = "".join(f"    LLMTarget {t}\n" for t in targets)
        return self.add(f'<LLMModel "{name}">\n{lines}</LLMModel>\n')

    def four_providers(self):
        """openai/*, responses/*, anthropic/*, azure/*, bedrock/*, cohere/*,
        gemini/*, hf/*, old/* and ollama/*, all scripted."""
        for name, dialect in (("openai", "openai"), ("responses", "openai-responses"),
                              ("anthropic", "anthropic"), ("azure", "azure"),
                              ("bedrock", "bedrock"),
                              ("cohere", "cohere"),
                              ("gemini", "gemini"), ("hf", "huggingface"),
                              ("old", "huggingface-inference"), ("ollama", "ollama")):
            self.provider(name, dialect)
            self.model(f"{name}/*", f"{name} *")
        return self

    def enable(self):
        return self.add(ENABLED)

    def text(self):
        gw = self.gateway
        head = [f'ServerRoot "{gw.root}"', "ServerName localhost",
                f"Listen 127.0.0.1:{gw.port}", f'PidFile "{gw.root}/httpd.pid"',
                f'DefaultRuntimeDir "{gw.root}/run"']
        for name in self.modules:
            path = gw.env.module_path(name)
            if path:
                head.append(f'LoadModule {name}_module "{path}"')
        if os.getuid() == 0:
            head += [f"User {gw.env.user}", f"Group {gw.env.group}"]
        log_format = ",".join(f'\\"{v}\\":\\"%{{{v}}}e\\"' for v in VARIABLES)
        head += [
            f'DocumentRoot "{gw.root}/htdocs"', f'ErrorLog "{gw.root}/error.log"',
            "LogLevel warn llm_gateway:info",
            f'LogFormat "{{\\"status\\":\\"%>s\\",\\"line\\":\\"%m %U\\",\\"user\\":\\"%u\\",'
            f'{log_format}}}" llm', f'CustomLog "{gw.root}/access.log" llm',
            f'LLMStore  bdb:{gw.store}', f'LLMPrices "{gw.prices}"',
            # Enough for the tests, little enough to start quickly.
            "StartServers 2", "ServerLimit 3", "ThreadsPerChild 32",
            "MaxRequestWorkers 96", "MinSpareThreads 1", "MaxSpareThreads 96",
            "RequestReadTimeout header=20 body=20", "Timeout 30",
            "KeepAliveTimeout 5", "AcceptFilter http none"]
        return "\n".join(head) + "\n" + "\n".join(self._text)
