/* SPDX-License-Identifier: Apache-2.0 */
/* What recorded bytes of Bedrock's Converse say; see truth.h. */
#include "test/unit/dialect/truth.h"

#include <string.h>

static const cJSON *get(const cJSON *node, const char *name)
{
    return cJSON_GetObjectItemCaseSensitive(node, name);
}

/* What caches gave and took is told beside inputTokens, and all of it is in
 * totalTokens. */
static void add_usage(truth_t *truth, const cJSON *usage)
{
    if (usage) {
        truth->input = truth_number(usage, "inputTokens")
                       + truth_number(usage, "cacheReadInputTokens")
                       + truth_number(usage, "cacheWriteInputTokens");
        truth->output = truth_number(usage, "outputTokens");
        truth->total = truth_number(usage, "totalTokens");
        truth->usage = 1;
    }
}

void truth_add_bedrock(truth_t *truth, const cJSON *doc)
{
    static int is_call; /* the open block is a call of the client's tools */
    const cJSON *content = get(get(get(doc, "output"), "message"), "content");
    const cJSON *start = get(get(doc, "start"), "toolUse");
    const cJSON *delta = get(doc, "delta"), *block;

    cJSON_ArrayForEach(block, content)
    {
        llm_buf_puts(truth->text, truth_text(block, "text"));
    }
    if (get(doc, "start")) {
        is_call = start && strcmp(truth_text(start, "type"), "server_tool_use");
    }
    llm_buf_puts(truth->text, truth_text(delta, "text"));
    if (is_call) {
        llm_buf_puts(truth->args, truth_text(get(delta, "toolUse"), "input"));
    }
    add_usage(truth, get(doc, "usage"));
}
