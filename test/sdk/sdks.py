# SPDX-License-Identifier: Apache-2.0
"""The table the matrix is made of: which SDKs there are, what each of them
does and calls things, and which providers they are tried on.

An SDK is a driver (drive_<name>.py or .mjs) and its line here; one driver may
have several rows ("langchain.py:openai"). A provider is a line here, and one
of the gateway's configuration in httpd/conf.py or served.py. On providers that
speak what others speak too, in a cloud or with habits, an SDK does what CORE
says; all of it with --whole. What a provider refuses, and why, is a line of
REFUSED: a cell must then give the 400 that names it.
"""
import dataclasses

# ------------------------------------------------------------------ providers


@dataclasses.dataclass(frozen=True)
class Provider:
    """`thinker`: a model that thinks, by its name, and takes schemas."""

    model: str
    thinker: str
    embedding: str = None
    shows: bool = True     # its thinking is shown to who asks for it
    core: bool = False     # only what is in CORE is tried on it


PROVIDERS = {
    "openai": Provider("openai/gpt-test", "openai/gpt-5-test",
                       "openai/text-embedding-3-small", shows=False),
    "responses": Provider("responses/gpt-resp-test", "responses/gpt-5-resp-test"),
    "anthropic": Provider("anthropic/claude-test", "anthropic/claude-sonnet-4-5-test"),
    "gemini": Provider("gemini/gemini-test", "gemini/gemini-2.5-flash-test",
                       "gemini/gemini-embedding-001"),
    "cohere": Provider("cohere/command-a-03-2025", "cohere/command-a-reasoning-08-2025",
                       "cohere/embed-v4.0"),
    "ollama": Provider("ollama/llama3.2", "ollama/qwen3", "ollama/all-minilm"),
    "bedrock": Provider("bedrock/anthropic.claude-test",
                        "bedrock/anthropic.claude-sonnet-4-5-test"),
    "hf": Provider("hf/org/chat-model", "hf/org/chat-model", shows=False),
    "old": Provider("old/org/text-model", "old/org/text-model",
                    "old/sentence-transformers/all-minilm", shows=False),
    "azure": Provider("azure/gpt-azure", "azure/gpt-5-azure", "azure/text-embedding-3-small",
                      shows=False, core=True),
    "azure-v1": Provider("azure-v1/gpt-v1", "azure-v1/gpt-5-v1",
                         "azure-v1/text-embedding-3-small", shows=False, core=True),
    "vertex": Provider("vertex/gemini-vertex", "vertex/gemini-2.5-flash-vertex",
                       core=True),
    "claude": Provider("claude/claude-vertex", "claude/claude-sonnet-4-5-vertex", core=True),
    "watsonx": Provider("watsonx/ibm/granite-4", "watsonx/openai/gpt-oss-120b", core=True),
    "mistral": Provider("mistral/open-mistral", "mistral/magistral-small",
                        "mistral/mistral-embed", core=True),
    "deepseek": Provider("deepseek/deepseek-chat", "deepseek/deepseek-reasoner", core=True),
}
CORE = set("chat stream tools tools_stream tools_stream_helper tool_round_trip schema thinking "
           "thinking_back bad_request rate_limited error_in_stream".split())

# ----------------------------------------------------------------------- SDKs

# Variables of the environment that name what SDKs trust.
AUTHORITIES = ("AWS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE")

# Scenarios that nearly all have; an SDK says what it has besides.
COMMON = ("chat system_and_turns stream tools parallel_tools ping tool_round_trip "
          "image schema length abort wrong_key unknown_model bad_request rate_limited "
          "server_error error_in_stream").split()
OPENAI_ERRORS = {400: "BadRequestError", 401: "AuthenticationError", 404: "NotFoundError",
                 429: "RateLimitError", 500: "InternalServerError"}
OPENAI_CODES = {404: "model_not_found"}
GOOGLE_CODES = {400: "INVALID_ARGUMENT", 401: "UNAUTHENTICATED", 404: "NOT_FOUND",
                429: "RESOURCE_EXHAUSTED", 500: "INTERNAL"}
COUNTED = 3      # tokens of the answer to "hello"


@dataclasses.dataclass(frozen=True)
class Sdk:
    """One row."""

    dialect: str           # what it speaks
    finish: dict           # its words for stop, length, tools; {}: it has none
    has: str = ""          # scenarios beyond the common ones
    lacks: str = ""        # common ones it has not
    errors: object = None  # status: class of the exception; or of all
    result: str = "result of {0}"  # of a tool, as it reaches the provider
    breaks: str = None     # class of the exception for an error inside of a stream
    codes: object = None   # status: what the exception says besides
    retry_after: bool = False   # its exceptions keep the header
    counts_own: bool = False  # of Cohere's counts it takes those with its own words
    adds_counts: bool = False  # of a stream's beginning and of its end
    counts_streams: bool = False  # asks for the usage of its streams
    keeps_thinking: bool = True  # it has a place for what it is shown
    providers: tuple = ()  # only these; empty: all
    core: bool = False     # only CORE: what it is built on is tried whole
    secure: bool = False   # talks HTTPS: it sends its key by no other way

    @property
    def scenarios(self):
        return [s for s in (*COMMON, *self.has.split()) if s not in self.lacks.split()]


_OPENAI = {"stop": "stop", "length": "length", "tools": "tool_calls"}
_ANTHROPIC = {"stop": "end_turn", "length": "max_tokens", "tools": "tool_use"}
_GEMINI = {"stop": "STOP", "length": "MAX_TOKENS", "tools": "STOP"}
_COHERE = {"stop": "COMPLETE", "length": "MAX_TOKENS", "tools": "TOOL_CALL"}
_OLLAMA = {"stop": "stop", "length": "length", "tools": "stop"}
_RESPONSES = {"stop": "completed", "length": "incomplete", "tools": "completed"}

SDKS = {}
for _language in ("py", "mjs"):
    _async = "asynchronous" if _language == "py" else ""
    SDKS[f"openai.{_language}"] = Sdk(
        "openai", _OPENAI, f"stream_helper tools_stream_helper forced_tool stop thinking "
        f"thinking_back embeddings models request_id retried {_async}",
        errors=OPENAI_ERRORS, codes=OPENAI_CODES, retry_after=True, breaks="APIError")
    SDKS[f"openai.{_language}:azure"] = dataclasses.replace(
        SDKS[f"openai.{_language}"], lacks="models request_id asynchronous retried",
        core=True)
    SDKS[f"responses.{_language}"] = Sdk(
        "openai-responses", _RESPONSES, "stream_helper tools_stream_helper forced_tool "
        "thinking thinking_back request_id retried", errors=OPENAI_ERRORS,
        codes=OPENAI_CODES, retry_after=True, breaks="APIError")
    SDKS[f"anthropic.{_language}"] = Sdk(
        "anthropic", _ANTHROPIC, f"stream_helper tools_stream_helper forced_tool stop "
        f"thinking thinking_back models count_tokens request_id bearer retried {_async}",
        errors=OPENAI_ERRORS, retry_after=True,
        breaks="APIStatusError" if _language == "py" else "APIError")
    SDKS[f"gemini.{_language}"] = Sdk(
        "gemini", _GEMINI, "tools_stream forced_tool stop chats thinking thinking_back "
        "embeddings models count_tokens"
        + (" automatic_calls asynchronous" if _language == "py" else ""),
        errors={400: "ClientError", 401: "ClientError", 404: "ClientError",
                429: "ClientError", 500: "ServerError"} if _language == "py" else "ApiError",
        codes=GOOGLE_CODES, breaks="ServerError" if _language == "py" else "ApiError")
for _language in ("py", "mjs"):
    SDKS[f"bedrock.{_language}"] = Sdk(
        "bedrock", _ANTHROPIC, "tools_stream forced_tool stop thinking thinking_back "
        "count_tokens",
        errors={400: "ValidationException", 401: "AccessDeniedException",
                404: "ResourceNotFoundException", 429: "ThrottlingException",
                500: "InternalServerException"}, retry_after=True, secure=True,
        breaks="EventStreamError" if _language == "py" else None)
SDKS["cohere.py"] = Sdk(
    "cohere", _COHERE, "tools_stream forced_tool stop thinking thinking_back embeddings "
    "rerank models asynchronous",
    errors={400: "BadRequestError", 401: "UnauthorizedError", 404: "NotFoundError",
            429: "TooManyRequestsError", 500: "InternalServerError"}, retry_after=True)
SDKS["ollama.py"] = Sdk(
    "ollama", _OLLAMA, "tools_stream stop thinking thinking_back generate embeddings models "
    "asynchronous", errors="ResponseError", breaks="ResponseError")

SDKS["mistral.py"] = Sdk(
    "mistral", _OPENAI, "parse_stream tools_stream forced_tool stop thinking thinking_back "
    "embeddings models asynchronous", errors="SDKError", retry_after=True,
    breaks="ResponseValidationError")
SDKS["huggingface.py"] = Sdk(
    "openai", _OPENAI, "tools_stream forced_tool stop asynchronous retried",
    errors={400: "BadRequestError"}, retry_after=True, breaks="UnknownError")
for _row, _dialect in (("openai", "openai"), ("responses", "openai-responses"),
                       ("anthropic", "anthropic"), ("ollama", "ollama"),
                       ("mistral", "mistral")):
    _stops = "" if _row == "responses" else "stop"
    _thinks = "" if _row == "mistral" else "thinking thinking_back"
    SDKS[f"langchain.py:{_row}"] = Sdk(    # that of Mistral's sees no error of a stream
        _dialect, {}, f"tools_stream asynchronous {_thinks} {_stops}",
        lacks="error_in_stream" if _row == "mistral" else "",
        keeps_thinking=_row != "openai", core=_row == "mistral",
        breaks={"anthropic": "APIStatusError", "ollama": "ResponseError"}.get(_row, "APIError"))
for _row, _dialect in (("openai", "openai"), ("responses", "openai-responses"),
                       ("anthropic", "anthropic"), ("mistral", "mistral"),
                       ("ollama", "ollama"), ("aws", "bedrock")):
    # a picture is a turn of its own; Bedrock's schema is a tool that is not forced
    _lacks = {"ollama": "image", "aws": "schema"}.get(_row, "")
    SDKS[f"langchain.mjs:{_row}"] = Sdk(
        _dialect, {}, "tools_stream" + ("" if _row == "mistral" else " thinking thinking_back"),
        lacks=_lacks, keeps_thinking=_row not in ("openai", "responses"),
        adds_counts=_row == "anthropic", core=True, secure=_row == "aws")
for _row, _dialect in (("chat", "openai"), ("responses", "openai-responses")):
    SDKS[f"agents.py:{_row}"] = Sdk(
        _dialect, {}, "system_and_turns tool_round_trip schema tools_loop_stream",
        lacks=" ".join(COMMON))

SDKS["mistral.mjs"] = Sdk(
    "mistral", _OPENAI, "tools_stream forced_tool stop thinking thinking_back embeddings "
    "models", retry_after=True, breaks="ZodError")
SDKS["cohere.mjs"] = Sdk(
    "cohere", _COHERE, "tools_stream forced_tool stop thinking thinking_back embeddings models",
    retry_after=True)
SDKS["ollama.mjs"] = Sdk(
    "ollama", _OLLAMA, "tools_stream stop thinking thinking_back embeddings models",
    errors="ResponseError", breaks="Error")
# The AI SDK has words of its own for how an answer ended.
_VERCEL = {"stop": "stop", "length": "length", "tools": "tool-calls"}
for _row, _dialect in (("openai", "openai-responses"), ("chat", "openai"),
                       ("anthropic", "anthropic"), ("google", "gemini"),
                       ("compatible", "openai"), ("mistral", "mistral"),
                       ("cohere", "cohere")):
    _stops = "" if _row == "openai" else "stop"
    _thinks = "" if _row in ("mistral", "chat") else "thinking thinking_back"
    SDKS[f"vercel.mjs:{_row}"] = Sdk(
        _dialect, _VERCEL, f"tools_stream tools_loop_stream forced_tool schema_stream retried "
        f"{_stops} {_thinks}", errors="APICallError", retry_after=True,
        counts_streams=True, counts_own=_row == "cohere",
        breaks={"cohere": "_TypeValidationError", "mistral": "TypeValidationError"}.get(
            _row, "StreamProviderError"),
        # an object is a result there, and the SDK's has the name as well
        result='{{"name":"{0}","content":"result of {0}"}}' if _row == "google"
        else "result of {0}")

# ------------------------------------------------------------------- refusals

# (provider, scenario): a word of the 400 that says why. What is refused of
# one dialect or SDK alone has its name as well.
_NO_TOOLS = "tools"
REFUSED = {
    ("ollama", "forced_tool"): "tool_choice",
    ("ollama", "forced_tool", "gemini"): "toolConfig",
    ("ollama", "forced_tool", "bedrock"): "toolConfig.toolChoice",
    ("old", "tools"): _NO_TOOLS, ("old", "parallel_tools"): _NO_TOOLS,
    ("old", "ping"): _NO_TOOLS, ("old", "tool_round_trip"): _NO_TOOLS,
    ("old", "tools_stream"): _NO_TOOLS, ("old", "tools_loop_stream"): _NO_TOOLS, ("old", "tools_stream_helper"): _NO_TOOLS,
    ("old", "forced_tool"): _NO_TOOLS, ("old", "automatic_calls"): _NO_TOOLS,
    ("old", "thinking_back"): _NO_TOOLS,
    # to models it does not know the AI SDK's Anthropic gives a schema as a tool
    ("ollama", "schema", "vercel.mjs:anthropic"): "tool_choice",
    ("ollama", "schema_stream", "vercel.mjs:anthropic"): "tool_choice",
    ("old", "schema", "vercel.mjs:anthropic"): _NO_TOOLS,
    ("old", "schema_stream", "vercel.mjs:anthropic"): _NO_TOOLS,
    ("old", "image"): "pictures", ("deepseek", "image"): "image_url",
    ("responses", "stop"): "stop",
    # LangChain's for Mistral does so always
    ("ollama", "schema", "langchain.mjs:mistral"): "tool_choice",
    ("old", "schema", "langchain.mjs:mistral"): _NO_TOOLS,
    # its client has a form of its own for schemas, and the bytes pass
    ("deepseek", "schema", "huggingface.py"): "json",
}


# OpenAI shows summaries to verified organisations, so that one is asked for
# where the client asked for thinking, and not where it named an effort.
_NAMES_EFFORT = ("openai", "gemini", "ollama")


# What each says that breaks off, and SDKs that keep it to themselves.
BROKEN = {"openai": "The server had an error", "responses": "The server had an error",
          "anthropic": "Overloaded", "gemini": "The model is overloaded",
          "cohere": "internal server error", "ollama": "an error was encountered",
          "bedrock": "internal server error", "hf": "out of memory", "old": "out of memory"}
KEPT_SILENT = {("openai.py", "hf"), ("langchain.py:openai", "hf")}
# What raises another class: TGI's own form of an error; OpenAI's Responses break
# off before anything was said, which is a 502 to clients of other dialects.
BREAKS = {
    ("huggingface.py", "hf"): "GenerationError",
    ("vercel.mjs:chat", "hf"): "TypeValidationError",
    ("vercel.mjs:compatible", "hf"): "TypeValidationError",
    ("vercel.mjs:openai", "responses"): "TypeValidationError",
    ("huggingface.py", "responses"): "HfHubHTTPError",
    ("langchain.py:anthropic", "responses"): "AnthropicAPIError",
    ("langchain.py:openai", "responses"): "OpenAIAPIError",
    ("langchain.py:responses", "responses"): "OpenAIAPIError",
    **{(f"{name}.{language}", "responses"): "InternalServerError"
       for name in ("openai", "anthropic") for language in ("py", "mjs")},
    **{(f"mistral.{language}", "responses"): "SDKError" for language in ("py", "mjs")},
}


def breaks(sdk, provider):
    """(class, words) of what is raised for an error inside of a stream."""
    told = "" if (sdk, provider) in KEPT_SILENT or sdk.startswith("mistral.") \
        else BROKEN.get(provider, "")
    return BREAKS.get((sdk, provider), SDKS[sdk].breaks), told


def shows_thinking(sdk, provider):
    if provider == "responses" and sdk.dialect in _NAMES_EFFORT:
        return False
    return PROVIDERS[provider].shows and sdk.keeps_thinking


def refused(sdk, provider, scenario):
    """The word the refusal has to say, or None."""
    for key in ((provider, scenario, sdk), (provider, scenario, SDKS[sdk].dialect),
                (provider, scenario)):
        if key in REFUSED:
            return REFUSED[key]
    return None


def is_core(sdk, provider):
    """Is it one of the pairs of which the core alone is tried?"""
    return SDKS[sdk].core or PROVIDERS[provider].core


def cells(whole=False):
    """Every (sdk, provider, scenario) to be tried."""
    for name, sdk in SDKS.items():
        for provider, facts in PROVIDERS.items():
            if sdk.providers and provider not in sdk.providers:
                continue
            for scenario in sdk.scenarios:
                if is_core(name, provider) and not whole and scenario not in CORE:
                    continue
                if scenario == "embeddings" and not facts.embedding:
                    continue
                if scenario == "rerank" and provider != "cohere":
                    continue
                yield name, provider, scenario
