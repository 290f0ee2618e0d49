/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What each family of models makes of a request.
 *
 * percent: the tokenizers that are published were run over the texts of
 * test/tokens/texts.json, twenty-five languages and code, by script, against
 * o200k_base. For ASCII the recorded exchanges decide, where there are enough.
 *
 * The other numbers were read off the recorded exchanges: what a provider
 * counts beyond the text, as messages, tools, calls and schemas are added. They
 * are few and round, so that they hold for requests nobody recorded. OpenAI
 * and Gemini 2.0 give a model an outline of its tools, the others their JSON.
 *
 * Images are counted as OpenAI's, Anthropic's and Google's pages on vision say.
 */
#include "core/llm_tokens.h"

#include <string.h>

/* clang-format off */
/*                 ASCII accent Greek Semitic Indic East other */
#define OPENAI    { 100, 100, 100, 100, 100, 100, 100 }
#define CLAUDE    { 115, 190, 200, 230, 430, 130, 200 }
#define GEMINI    { 108,  95, 103,  95, 108,  85, 120 }
#define MISTRAL   { 102, 100, 107, 100, 120,  97, 137 }
#define MISTRAL_7 { 130, 140, 160, 210, 285, 165, 160 }
#define LLAMA     { 102, 105,  97, 130, 240, 100, 250 }
#define DEEPSEEK  { 102, 120, 115, 115, 130,  92, 130 }
#define QWEN      { 102, 115, 150, 135, 240,  95, 140 }
#define COMMAND   { 104,  95,  95, 110, 250,  96, 190 }
#define UNKNOWN   { 102, 110, 115, 130, 150, 100, 130 }

#define OPENAI_FAMILY(its_name, before, calls, first_, each_, kind_, unknown_) \
    {.name = its_name, .percent = OPENAI, .base = before, .frame = 4,          \
     .call = calls, .tools = 12, .tools_alone = 6, .tool = 7, .property = 6,       \
     .choice = 3, .schema = 1, .schema_percent = 100,                          \
     .image = {kind_, first_, each_, unknown_}}
/* clang-format on */

static const llm_family_t families[] = {
    /* the last resort is the first line */
    {.name = "other",
     .percent = UNKNOWN,
     .base = 2,
     .frame = 4,
     .call = 15,
     .result = 10,
     .tools = 100,
     .tool = 10,
     .tool_percent = 100,
     .image = {LLM_IMAGE_AREA, 1600, 784, 400}},
    /* no chat: embeddings, plain completion */
    {.name = "text", .percent = UNKNOWN},
    OPENAI_FAMILY("openai", 3, 4, 85, 170, LLM_IMAGE_TILES, 425),
    OPENAI_FAMILY("openai-4o-mini", 3, 4, 2833, 5667, LLM_IMAGE_TILES, 14167),
    OPENAI_FAMILY("openai-mini", 3, 4, 0, 162, LLM_IMAGE_PATCHES, 600),
    OPENAI_FAMILY("openai-nano", 3, 4, 0, 246, LLM_IMAGE_PATCHES, 900),
    OPENAI_FAMILY("openai-o", 2, 4, 75, 150, LLM_IMAGE_TILES, 375),
    OPENAI_FAMILY("openai-5", 2, 25, 70, 140, LLM_IMAGE_TILES, 350),
    OPENAI_FAMILY("openai-5-mini", 2, 25, 0, 162, LLM_IMAGE_PATCHES, 600),
    OPENAI_FAMILY("openai-5-nano", 2, 25, 0, 246, LLM_IMAGE_PATCHES, 900),
    /* its chat begins with a system text of its own */
    {.name = "gpt-oss",
     .percent = OPENAI,
     .base = 66,
     .frame = 4,
     .call = 10,
     .result = 4,
     .tools = 30,
     .tool = 7,
     .property = 6,
     .choice = 3,
     .schema = 60,
     .schema_percent = 100},
    {.name = "claude",
     .percent = CLAUDE,
     .base = 4,
     .frame = 4,
     .call = 35,
     .result = 22,
     .thinking = 28,
     .tool = 14,
     .tool_percent = 100,
     .schema = 120,
     .schema_percent = 100,
     .image = {LLM_IMAGE_AREA, 1600, 750, 400}},
    {.name = "gemini-2.0",
     .percent = GEMINI,
     .call = 1,
     .result = 1,
     .tool_percent = 25,
     .image = {LLM_IMAGE_FLAT, 258, 0, 258}},
    {.name = "gemini",
     .percent = GEMINI,
     .call = 12,
     .result = 12,
     .tool_percent = 85,
     .image = {LLM_IMAGE_FLAT, 258, 0, 258}},
    /* a call comes back with what was thought before it */
    {.name = "gemini-3",
     .percent = GEMINI,
     .call = 45,
     .result = 12,
     .tool_percent = 85,
     .image = {LLM_IMAGE_FLAT, 258, 0, 258}},
    {.name = "gemma",
     .percent = GEMINI,
     .base = 4,
     .frame = 5,
     .call = 12,
     .result = 12,
     .tools = 50,
     .tool_percent = 100,
     .image = {LLM_IMAGE_FLAT, 258, 0, 258}},
    {.name = "mistral",
     .percent = MISTRAL,
     .base = 2,
     .frame = 2,
     .call = 4,
     .result = 4,
     .keeps_thoughts = 1,
     .tool = 11,
     .tool_percent = 130,
     .image = {LLM_IMAGE_AREA, 4096, 784, 170}},
    {.name = "mistral-7b",
     .percent = MISTRAL_7,
     .base = 3,
     .frame = 4,
     .call = 4,
     .result = 4,
     .tool = 11,
     .tool_percent = 130},
    {.name = "llama-3",
     .percent = LLAMA,
     .base = 4,
     .frame = 5,
     .call = 10,
     .result = 5,
     .tools = 50,
     .tool_percent = 200},
    /* 3.1 to 3.3: what day it is, before everything */
    {.name = "llama",
     .percent = LLAMA,
     .base = 29,
     .frame = 5,
     .call = 10,
     .result = 5,
     .tools = 50,
     .tool_percent = 200},
    {.name = "llama-4",
     .percent = LLAMA,
     .base = 4,
     .frame = 5,
     .call = 10,
     .result = 5,
     .tools = 440,
     .tool_percent = 250,
     .image = {LLM_IMAGE_AREA, 2400, 784, 640}},
    {.name = "deepseek",
     .percent = DEEPSEEK,
     .base = 3,
     .frame = 1,
     .call = 35,
     .result = 25,
     .tools = 250,
     .tool = 10,
     .tool_percent = 100},
    {.name = "qwen",
     .percent = QWEN,
     .base = 3,
     .frame = 5,
     .call = 15,
     .result = 8,
     .tools = 120,
     .tool = 10,
     .tool_percent = 100,
     .image = {LLM_IMAGE_AREA, 16384, 784, 260}},
    /* what is billed, which is less than what the model reads */
    {.name = "command", .percent = COMMAND, .tool = 8, .tool_percent = 40},
    {.name = "nova",
     .percent = UNKNOWN,
     .frame = 1,
     .call = 20,
     .result = 15,
     .tools = 335,
     .tool = 10,
     .tool_percent = 100,
     .image = {LLM_IMAGE_AREA, 1600, 750, 400}},
    {.name = "minimax",
     .percent = UNKNOWN,
     .base = 24,
     .frame = 4,
     .call = 15,
     .result = 10,
     .tools = 100,
     .tool = 10,
     .tool_percent = 100},
    {.name = "glm",
     .percent = UNKNOWN,
     .base = 2,
     .frame = 2,
     .call = 20,
     .result = 8,
     .keeps_thoughts = 1,
     .tools = 90,
     .tool = 10,
     .tool_percent = 100},
};

const llm_family_t *llm_family_find(const char *name)
{
    for (apr_size_t i = 0; i < sizeof(families) / sizeof(families[0]); ++i) {
        if (!strcmp(families[i].name, name)) {
            return &families[i];
        }
    }
    return NULL;
}
