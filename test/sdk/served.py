# SPDX-License-Identifier: Apache-2.0
"""The gateway that all SDKs talk to: every provider, scripted, those in a cloud
with a token of the cloud's; by HTTP, and by HTTPS and HTTP/2 for clients that
bring their key no other way."""
import json
import os
import subprocess

import certs
from env import Gateway, free_port


def _account(gateway):
    """The key file of a Google service account, whose tokens the scripted
    provider gives."""
    key = os.path.join(gateway.root, "robot.pem")
    subprocess.run(["openssl", "genrsa", "-out", key, "2048"], check=True,
                   capture_output=True)
    with open(key, encoding="ascii") as pem:
        return gateway.file("robot.json", json.dumps({
            "type": "service_account", "project_id": "p", "private_key_id": "kid1",
            "private_key": pem.read(), "client_email": "robot@p.example",
            "token_uri": f"{gateway.upstream.url}/tokens/token"}))


def _conf(gateway, port, certificate):
    url = gateway.upstream.url
    google = {"key": "file:" + _account(gateway), "more": "LLMToken google"}
    tls = certs.vhost(port, certificate, "Protocols h2 http/1.1")
    conf = gateway.conf(tls, ["http2", "ssl"]).four_providers()
    conf.provider("azure-v1", "azure", url=f"{url}/azure/openai/v1")
    conf.provider("vertex", "gemini", url=f"{url}/vertex/v1/projects/p/locations/l"
                  "/publishers/google", **google)
    conf.provider("claude", "anthropic-vertex", **google)
    conf.provider("watsonx", more=f"LLMToken ibm url={url}/tokens/identity/token")
    for name in ("deepseek", "mistral"):
        conf.provider(name, "openai", url=f"{url}/{name}/v1", more=f"LLMProfile {name}")
    for name in ("azure-v1", "claude", "deepseek", "mistral", "vertex", "watsonx"):
        conf.model(f"{name}/*", f"{name} *")
    return conf.model("smart", "openai gpt-test").enable()


class Served(Gateway):
    """`secure` is its address by HTTPS; `authority`, a file with the certificate
    to trust there."""

    def __init__(self, env, upstream):
        super().__init__(env, upstream, "sdk")
        port = free_port()
        certificate = certs.make(os.path.join(env.folder, "localhost.pem"))
        self.secure = f"https://localhost:{port}"
        self.authority = certificate + ".crt"
        self.serve(_conf(self, port, certificate))
        self.key()    # there before two drivers ask for it at once
