# SPDX-License-Identifier: Apache-2.0
"""The scripted providers that agents are put on."""

# Of each the model asked for, and what it signs thinking with, if it does.
PROVIDERS = {
    "anthropic": ("claude-opus-4-8", "c2NyaXB0ZWQ="),
    "vertex": ("claude-opus-4-8", "c2NyaXB0ZWQ="),
    "bedrock": ("us.anthropic.claude-opus-4-8", None),
    "openai": ("gpt-5.1", None),
    "responses": ("gpt-5.1", "gAAAAscripted"),
    "azure": ("gpt-5.1", None),
    "gemini": ("gemini-2.5-pro", "c2NyaXB0ZWQ="),
    "cohere": ("command-a-reasoning-08-2025", None),
    "hf": ("Qwen/Qwen3-32B", None),
    "ollama": ("qwen3", None),
    "watsonx": ("ibm/granite-4-h-small", None),
}
_DIALECTS = {"vertex": "anthropic-vertex", "responses": "openai-responses",
             "hf": "huggingface"}
_MORE = {"openai": "LLMProfile openai"}


def add(conf):
    """Each of them, with its models behind its name and a slash."""
    for name in PROVIDERS:
        conf.provider(name, _DIALECTS.get(name, name), more=_MORE.get(name, ""))
        conf.model(f"{name}/*", f"{name} *")
    return conf
