/* SPDX-License-Identifier: Apache-2.0 */
/* What providers count, with every class that they can tell, and how their
 * answers say it: the rows of test_counts.c. */
#ifndef LLM_TEST_COUNTS_H
#define LLM_TEST_COUNTS_H

#include <stddef.h>

/* What a client can be told. */
typedef struct sums_t {
    long in;      /* all of the input */
    long cached;  /* of it: read from a cache */
    long written; /* of it: written to one */
    long hour;    /* of that: for an hour */
    long heard;   /* of the input: sound */
    long out;     /* all of the output */
    long thought; /* of it: reasoning */
    long spoken;  /* of it: sound */
} sums_t;

typedef struct row_t {
    const char *provider; /* dialect */
    const char *who;      /* whose habit this is */
    const char *usage;    /* what it counts, in its own form */
    const char *begin;    /* of a stream: what it says at first; or NULL */
    const char *classes;  /* what the ledger has */
    sums_t sums;
} row_t;

/* ---- providers ---- */

#define CHAT_USAGE                                                             \
    "{\"prompt_tokens\":100,\"completion_tokens\":60,\"total_tokens\":160,"    \
    "\"prompt_tokens_details\":{\"cached_tokens\":40,\"audio_tokens\":25},"    \
    "\"completion_tokens_details\":{\"reasoning_tokens\":20,"                  \
    "\"audio_tokens\":15,\"accepted_prediction_tokens\":3,"                    \
    "\"rejected_prediction_tokens\":2}}"

#define CLAUDE_USAGE                                                           \
    "{\"input_tokens\":50,\"cache_creation_input_tokens\":30,"                 \
    "\"cache_read_input_tokens\":40,\"cache_creation\":{"                      \
    "\"ephemeral_5m_input_tokens\":10,\"ephemeral_1h_input_tokens\":20},"      \
    "\"output_tokens\":60,\"output_tokens_details\":{\"thinking_tokens\":20}," \
    "\"server_tool_use\":{\"web_search_requests\":1},"                         \
    "\"service_tier\":\"priority\"}"
#define CLAUDE_BEGIN                                                           \
    "{\"input_tokens\":50,\"cache_creation_input_tokens\":30,"                 \
    "\"cache_read_input_tokens\":40,\"cache_creation\":{"                      \
    "\"ephemeral_5m_input_tokens\":10,\"ephemeral_1h_input_tokens\":20},"      \
    "\"output_tokens\":1,\"service_tier\":\"priority\"}"

#define CLAUDE_CLASSES                                                         \
    "input=50 cache_read=40 cache_write=10 cache_write_1h=20 output=40 "       \
    "reasoning=20"
#define CLAUDE_SUMS                                                            \
    {                                                                          \
        .in = 120, .cached = 40, .written = 30, .hour = 20, .out = 60,         \
        .thought = 20                                                          \
    }

static const row_t rows[] = {
    /* cached and sound are parts of the prompt, reasoning and sound of the
     * completion; predictions that failed are output */
    {"openai",
     "OpenAI",
     CHAT_USAGE,
     NULL,
     "input=35 cache_read=40 output=25 reasoning=20 audio_in=25 audio_out=15",
     {.in = 100,
      .cached = 40,
      .heard = 25,
      .out = 60,
      .thought = 20,
      .spoken = 15}},
    {"azure",
     "Azure",
     CHAT_USAGE,
     NULL,
     "input=35 cache_read=40 output=25 reasoning=20 audio_in=25 audio_out=15",
     {.in = 100,
      .cached = 40,
      .heard = 25,
      .out = 60,
      .thought = 20,
      .spoken = 15}},
    {"openai",
     "OpenRouter, Bedrock's OpenAI models",
     "{\"prompt_tokens\":100,\"completion_tokens\":60,\"total_tokens\":160,"
     "\"cost\":0.01,\"prompt_tokens_details\":{\"cached_tokens\":40,"
     "\"cache_write_tokens\":30,\"audio_tokens\":0,\"video_tokens\":0},"
     "\"completion_tokens_details\":{\"reasoning_tokens\":20,"
     "\"image_tokens\":0}}",
     NULL,
     "input=30 cache_read=40 cache_write=30 output=40 reasoning=20 audio_in=0",
     {.in = 100, .cached = 40, .written = 30, .out = 60, .thought = 20}},
    {"openai",
     "DeepSeek",
     "{\"prompt_tokens\":100,\"completion_tokens\":60,\"total_tokens\":160,"
     "\"completion_tokens_details\":{\"reasoning_tokens\":20},"
     "\"prompt_cache_hit_tokens\":40,\"prompt_cache_miss_tokens\":60}",
     NULL,
     "input=60 cache_read=40 output=40 reasoning=20",
     {.in = 100, .cached = 40, .out = 60, .thought = 20}},
    {"mistral",
     "Mistral",
     "{\"prompt_tokens\":100,\"completion_tokens\":60,\"total_tokens\":160,"
     "\"num_cached_tokens\":40}",
     NULL,
     "input=60 cache_read=40 output=60",
     {.in = 100, .cached = 40, .out = 60}},
    {"openai-completions",
     "vLLM",
     "{\"prompt_tokens\":100,\"completion_tokens\":60,\"total_tokens\":160,"
     "\"prompt_tokens_details\":{\"cached_tokens\":40}}",
     NULL,
     "input=60 cache_read=40 output=60",
     {.in = 100, .cached = 40, .out = 60}},
    /* reasoning is in the total alone, or beside the completion */
    {"openai",
     "xAI",
     "{\"prompt_tokens\":100,\"completion_tokens\":40,\"total_tokens\":160,"
     "\"completion_tokens_details\":{\"reasoning_tokens\":20}}",
     NULL,
     "input=100 output=40 reasoning=20",
     {.in = 100, .out = 60, .thought = 20}},
    {"openai",
     "Gemini's OpenAI endpoint",
     "{\"prompt_tokens\":100,\"completion_tokens\":40,\"total_tokens\":160}",
     NULL,
     "input=100 output=40 reasoning=20",
     {.in = 100, .out = 60, .thought = 20}},
    /* inside the completion, told without details */
    {"openai",
     "SGLang",
     "{\"prompt_tokens\":100,\"completion_tokens\":60,\"total_tokens\":160,"
     "\"prompt_tokens_details\":null,\"reasoning_tokens\":20}",
     NULL,
     "input=100 output=40 reasoning=20",
     {.in = 100, .out = 60, .thought = 20}},
    /* what was read is input, what was thought output; the total has neither */
    {"openai",
     "Perplexity",
     "{\"prompt_tokens\":100,\"completion_tokens\":60,\"total_tokens\":160,"
     "\"citation_tokens\":500,\"num_search_queries\":3,"
     "\"reasoning_tokens\":20,\"search_context_size\":\"low\"}",
     NULL,
     "input=600 output=60 reasoning=20",
     {.in = 600, .out = 80, .thought = 20}},
    {"huggingface",
     "the router",
     "{\"prompt_tokens\":100,\"completion_tokens\":60,\"total_tokens\":160,"
     "\"prompt_tokens_details\":null}",
     NULL,
     "input=100 output=60",
     {.in = 100, .out = 60}},
    {"watsonx",
     "watsonx",
     "{\"prompt_tokens\":100,\"completion_tokens\":60,\"total_tokens\":160}",
     NULL,
     "input=100 output=60",
     {.in = 100, .out = 60}},
    {"openai-responses",
     "OpenAI",
     "{\"input_tokens\":100,\"input_tokens_details\":{\"cached_tokens\":40,"
     "\"cache_write_tokens\":30},\"output_tokens\":60,"
     "\"output_tokens_details\":{\"reasoning_tokens\":20},"
     "\"total_tokens\":160}",
     NULL,
     "input=30 cache_read=40 cache_write=30 output=40 reasoning=20",
     {.in = 100, .cached = 40, .written = 30, .out = 60, .thought = 20}},
    /* input tells what no cache had to do with; output all of it */
    {"anthropic", "Anthropic", CLAUDE_USAGE, CLAUDE_BEGIN, CLAUDE_CLASSES,
     CLAUDE_SUMS},
    {"anthropic-vertex", "Vertex", CLAUDE_USAGE, CLAUDE_BEGIN, CLAUDE_CLASSES,
     CLAUDE_SUMS},
    {"anthropic",
     "before there were lifetimes",
     "{\"input_tokens\":50,\"cache_creation_input_tokens\":30,"
     "\"cache_read_input_tokens\":40,\"output_tokens\":60}",
     "{\"input_tokens\":50,\"cache_creation_input_tokens\":30,"
     "\"cache_read_input_tokens\":40,\"output_tokens\":1}",
     "input=50 cache_read=40 cache_write=30 output=60",
     {.in = 120, .cached = 40, .written = 30, .out = 60}},
    {"bedrock",
     "Converse",
     "{\"inputTokens\":50,\"outputTokens\":60,\"totalTokens\":180,"
     "\"cacheReadInputTokens\":40,\"cacheReadInputTokenCount\":40,"
     "\"cacheWriteInputTokens\":30,\"cacheWriteInputTokenCount\":30,"
     "\"cacheDetails\":[{\"ttl\":\"1h\",\"inputTokens\":20},"
     "{\"ttl\":\"5m\",\"inputTokens\":10}]}",
     NULL,
     "input=50 cache_read=40 cache_write=10 cache_write_1h=20 output=60",
     {.in = 120, .cached = 40, .written = 30, .hour = 20, .out = 60}},
    /* the prompt has the cached and the heard, candidates no thoughts; what
     * tools put in is beside the prompt */
    {"gemini",
     "Gemini",
     "{\"promptTokenCount\":90,\"cachedContentTokenCount\":40,"
     "\"candidatesTokenCount\":40,\"thoughtsTokenCount\":20,"
     "\"toolUsePromptTokenCount\":10,\"totalTokenCount\":160,"
     "\"promptTokensDetails\":[{\"modality\":\"TEXT\",\"tokenCount\":65},"
     "{\"modality\":\"AUDIO\",\"tokenCount\":25}],"
     "\"candidatesTokensDetails\":[{\"modality\":\"TEXT\",\"tokenCount\":25},"
     "{\"modality\":\"AUDIO\",\"tokenCount\":15}],"
     "\"cacheTokensDetails\":[{\"modality\":\"TEXT\",\"tokenCount\":40}],"
     "\"trafficType\":\"ON_DEMAND\"}",
     "{\"promptTokenCount\":90,\"totalTokenCount\":95,"
     "\"thoughtsTokenCount\":5}",
     "input=35 cache_read=40 output=25 reasoning=20 audio_in=25 audio_out=15",
     {.in = 100,
      .cached = 40,
      .heard = 25,
      .out = 60,
      .thought = 20,
      .spoken = 15}},
    /* billed is what counts; the model saw instructions of Cohere's as well,
     * of which what is cached is a part */
    {"cohere",
     "Cohere",
     "{\"billed_units\":{\"input_tokens\":100,\"output_tokens\":60},"
     "\"tokens\":{\"input_tokens\":600,\"output_tokens\":64},"
     "\"cached_tokens\":448}",
     NULL,
     "input=100 output=60",
     {.in = 100, .out = 60}},
    {"ollama",
     "Ollama",
     "\"prompt_eval_count\":100,\"eval_count\":60",
     NULL,
     "input=100 output=60",
     {.in = 100, .out = 60}},
    {"huggingface-inference",
     "TGI",
     "\"generated_tokens\":60,\"input_length\":100",
     NULL,
     "input=100 output=60",
     {.in = 100, .out = 60}},
};

#define ROWS (int)(sizeof(rows) / sizeof(*rows))

/* How these counts come: %s is the row's. */
typedef struct form_t {
    const char *provider;
    const char *whole;
    const char *begin;  /* of a stream that counts at first, or NULL */
    const char *stream; /* all of it, or what follows the beginning */
} form_t;

#define CHAT_WHOLE                                                             \
    "{\"id\":\"a\",\"object\":\"chat.completion\",\"created\":1,"              \
    "\"model\":\"m\",\"choices\":[{\"index\":0,\"message\":{\"role\":"         \
    "\"assistant\",\"content\":\"Hi\"},\"finish_reason\":\"stop\"}],"          \
    "\"usage\":%s}"
#define CHAT_STREAM                                                            \
    "data: {\"id\":\"a\",\"model\":\"m\",\"choices\":[{\"index\":0,"           \
    "\"delta\":{\"role\":\"assistant\",\"content\":\"Hi\"}}]}\n\n"             \
    "data: {\"id\":\"a\",\"model\":\"m\",\"choices\":[{\"index\":0,"           \
    "\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n"                           \
    "data: {\"id\":\"a\",\"model\":\"m\",\"choices\":[],\"usage\":%s}\n\n"     \
    "data: [DONE]\n\n"
#define CLAUDE_WHOLE                                                           \
    "{\"id\":\"a\",\"type\":\"message\",\"role\":\"assistant\",\"model\":"     \
    "\"m\",\"content\":[{\"type\":\"text\",\"text\":\"Hi\"}],"                 \
    "\"stop_reason\":\"end_turn\",\"usage\":%s}"
#define CLAUDE_START                                                           \
    "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{"    \
    "\"id\":\"a\",\"type\":\"message\",\"role\":\"assistant\",\"model\":"      \
    "\"m\",\"content\":[],\"usage\":%s}}\n\n"
#define CLAUDE_STREAM                                                          \
    "event: content_block_start\ndata: {\"type\":\"content_block_start\","     \
    "\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"Hi\"}}\n\n"   \
    "event: content_block_stop\ndata: {\"type\":\"content_block_stop\","       \
    "\"index\":0}\n\nevent: message_delta\ndata: {\"type\":"                   \
    "\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"},\"usage\":%s}" \
    "\n\nevent: message_stop\ndata: {\"type\":\"message_stop\"}\n\n"
#define RESPONSE                                                               \
    "{\"id\":\"resp_a\",\"object\":\"response\",\"created_at\":1,\"model\":"   \
    "\"m\",\"status\":\"completed\",\"output\":[{\"type\":\"message\",\"id\":" \
    "\"msg_a\",\"role\":\"assistant\",\"status\":\"completed\",\"content\":["  \
    "{\"type\":\"output_text\",\"text\":\"Hi\",\"annotations\":[]}]}],"        \
    "\"usage\":%s}"
#define OLLAMA                                                                 \
    "{\"model\":\"m\",\"created_at\":\"2025-01-01T00:00:00Z\",\"message\":{"   \
    "\"role\":\"assistant\",\"content\":\"Hi\"},\"done\":true,"                \
    "\"done_reason\":\"stop\",%s}"

static const form_t forms[] = {
    {"openai-responses", RESPONSE, NULL,
     "event: response.completed\n"
     "data: {\"type\":\"response.completed\",\"sequence_number\":0,"
     "\"response\":" RESPONSE "}\n\n"},
    {"anthropic", CLAUDE_WHOLE, CLAUDE_START, CLAUDE_STREAM},
    {"anthropic-vertex", CLAUDE_WHOLE, CLAUDE_START, CLAUDE_STREAM},
    {"bedrock",
     "{\"output\":{\"message\":{\"role\":\"assistant\",\"content\":[{\"text\":"
     "\"Hi\"}]}},\"stopReason\":\"end_turn\",\"usage\":%s}",
     NULL,
     "messageStart {\"role\":\"assistant\"}\n"
     "contentBlockDelta {\"contentBlockIndex\":0,\"delta\":{\"text\":\"Hi\"}}\n"
     "contentBlockStop {\"contentBlockIndex\":0}\n"
     "messageStop {\"stopReason\":\"end_turn\"}\n"
     "metadata {\"metrics\":{\"latencyMs\":1},\"usage\":%s}\n"},
    {"gemini",
     "{\"candidates\":[{\"index\":0,\"content\":{\"role\":\"model\",\"parts\":["
     "{\"text\":\"Hi\"}]},\"finishReason\":\"STOP\"}],\"modelVersion\":\"m\","
     "\"responseId\":\"a\",\"usageMetadata\":%s}",
     "data: {\"candidates\":[{\"index\":0,\"content\":{\"role\":\"model\","
     "\"parts\":[{\"text\":\"H\"}]}}],\"modelVersion\":\"m\","
     "\"responseId\":\"a\",\"usageMetadata\":%s}\n\n",
     "data: {\"candidates\":[{\"index\":0,\"content\":{\"role\":\"model\","
     "\"parts\":[{\"text\":\"i\"}]},\"finishReason\":\"STOP\"}],"
     "\"modelVersion\":\"m\",\"responseId\":\"a\",\"usageMetadata\":%s}\n\n"},
    {"cohere",
     "{\"id\":\"a\",\"finish_reason\":\"COMPLETE\",\"message\":{\"role\":"
     "\"assistant\",\"content\":[{\"type\":\"text\",\"text\":\"Hi\"}]},"
     "\"usage\":%s}",
     NULL,
     "event: message-start\ndata: {\"id\":\"a\",\"type\":\"message-start\","
     "\"delta\":{\"message\":{\"role\":\"assistant\"}}}\n\n"
     "event: content-start\ndata: {\"type\":\"content-start\",\"index\":0,"
     "\"delta\":{\"message\":{\"content\":{\"type\":\"text\",\"text\":\"Hi\"}}}"
     "}\n\nevent: content-end\ndata: {\"type\":\"content-end\",\"index\":0}\n\n"
     "event: message-end\ndata: {\"type\":\"message-end\",\"delta\":{"
     "\"finish_reason\":\"COMPLETE\",\"usage\":%s}}\n\n"},
    {"ollama", OLLAMA, NULL, OLLAMA "\n"},
    {"huggingface-inference",
     "[{\"generated_text\":\"Hi\",\"details\":{\"finish_reason\":\"eos_token\","
     "%s}}]",
     NULL,
     "data:{\"token\":{\"id\":1,\"text\":\"Hi\",\"special\":false},"
     "\"generated_text\":\"Hi\",\"details\":{\"finish_reason\":\"eos_token\","
     "%s}}\n\n"},
    {"openai-completions",
     "{\"id\":\"a\",\"object\":\"text_completion\",\"created\":1,\"model\":"
     "\"m\",\"choices\":[{\"index\":0,\"text\":\"Hi\",\"finish_reason\":"
     "\"stop\"}],\"usage\":%s}",
     NULL,
     "data: {\"id\":\"a\",\"model\":\"m\",\"choices\":[{\"index\":0,"
     "\"text\":\"Hi\",\"finish_reason\":\"stop\"}]}\n\n"
     "data: {\"id\":\"a\",\"model\":\"m\",\"choices\":[],\"usage\":%s}\n\n"
     "data: [DONE]\n\n"},
    {NULL, CHAT_WHOLE, NULL, CHAT_STREAM},
};

#endif /* LLM_TEST_COUNTS_H */
