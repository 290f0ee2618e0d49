/* SPDX-License-Identifier: Apache-2.0 */
/* What recorded bytes of OpenAI's Responses say: the last response object of a
 * stream has all of it, and so has a whole answer; see truth.h. */
#include "test/unit/dialect/truth.h"

#include <string.h>

#include "test/unit/unit.h"

static void add_item(truth_t *truth, const cJSON *item)
{
    const char *type = truth_text(item, "type");
    const cJSON *part;

    if (!strcmp(type, "function_call")) {
        llm_buf_puts(truth->args, truth_text(item, "arguments"));
    }
    else if (!strcmp(type, "message")) {
        cJSON_ArrayForEach(part,
                           cJSON_GetObjectItemCaseSensitive(item, "content"))
        {
            llm_buf_puts(truth->text, truth_text(part, "text"));
        }
    }
}

void truth_add_responses(truth_t *truth, const cJSON *doc)
{
    const cJSON *response = cJSON_GetObjectItemCaseSensitive(doc, "response");
    const cJSON *usage, *item;

    if (!response && strcmp(truth_text(doc, "object"), "response") != 0) {
        return; /* a piece */
    }
    response = response ? response : doc;
    llm_buf_clear(truth->text);
    llm_buf_clear(truth->args);
    cJSON_ArrayForEach(item,
                       cJSON_GetObjectItemCaseSensitive(response, "output"))
    {
        add_item(truth, item);
    }
    usage = cJSON_GetObjectItemCaseSensitive(response, "usage");
    if (cJSON_IsObject(usage)) {
        truth->input = truth_number(usage, "input_tokens");
        truth->output = truth_number(usage, "output_tokens");
        truth->total = truth_number(usage, "total_tokens");
        truth->usage = 1;
    }
}
