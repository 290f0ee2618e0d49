/* SPDX-License-Identifier: Apache-2.0 */
/* What recorded bytes say, in the dialects of OpenAI, Anthropic, Cohere and
 * Ollama; see truth.h. */
#include "test/unit/dialect/truth.h"

#include <string.h>

#include <apr_strings.h>

#include "test/unit/unit.h"

const char *truth_text(const cJSON *node, const char *name)
{
    const char *text =
        cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(node, name));

    return text ? text : "";
}

double truth_number(const cJSON *node, const char *name)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(node, name);

    return cJSON_IsNumber(item) ? item->valuedouble : 0;
}

static void add_openai_message(truth_t *truth, const cJSON *message)
{
    const cJSON *content = cJSON_GetObjectItemCaseSensitive(message, "content");
    const cJSON *calls =
        cJSON_GetObjectItemCaseSensitive(message, "tool_calls");
    const cJSON *legacy =
        cJSON_GetObjectItemCaseSensitive(message, "function_call");
    const cJSON *item;

    llm_buf_puts(truth->text, truth_text(message, "content"));
    if (cJSON_IsArray(content)) {
        cJSON_ArrayForEach(item, content)
        {
            llm_buf_puts(truth->text, truth_text(item, "text"));
        }
    }
    cJSON_ArrayForEach(item, calls)
    {
        llm_buf_puts(truth->args, truth_text(cJSON_GetObjectItemCaseSensitive(
                                                 item, "function"),
                                             "arguments"));
    }
    if (!calls) {
        llm_buf_puts(truth->args, truth_text(legacy, "arguments"));
    }
}

static void add_openai_usage(truth_t *truth, const cJSON *usage)
{
    if (cJSON_IsObject(usage)) {
        truth->input = truth_number(usage, "prompt_tokens");
        truth->output = truth_number(usage, "completion_tokens");
        truth->total = truth_number(usage, "total_tokens");
        truth->usage = 1;
    }
}

static void add_openai(truth_t *truth, const cJSON *doc)
{
    const cJSON *groq = cJSON_GetObjectItemCaseSensitive(doc, "x_groq");
    const cJSON *choice;

    cJSON_ArrayForEach(choice, cJSON_GetObjectItemCaseSensitive(doc, "choices"))
    {
        if (!(truth_number(choice, "index") > 0)) {
            const cJSON *said =
                cJSON_GetObjectItemCaseSensitive(choice, "delta");

            if (!said) {
                said = cJSON_GetObjectItemCaseSensitive(choice, "message");
            }
            if (!said) { /* of a legacy completion */
                llm_buf_puts(truth->text, truth_text(choice, "text"));
            }
            add_openai_message(truth, said);
        }
    }
    add_openai_usage(truth, cJSON_GetObjectItemCaseSensitive(groq, "usage"));
    add_openai_usage(truth, cJSON_GetObjectItemCaseSensitive(doc, "usage"));
}

static void take_number(double *value, const cJSON *usage, const char *name)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(usage, name);

    if (cJSON_IsNumber(item)) {
        *value = item->valuedouble;
    }
}

/* Anthropic's counts, key by key; kept between events. */
static double counts[4];

static void add_anthropic_usage(truth_t *truth, const cJSON *usage)
{
    if (usage) {
        take_number(&counts[0], usage, "input_tokens");
        take_number(&counts[1], usage, "cache_read_input_tokens");
        take_number(&counts[2], usage, "cache_creation_input_tokens");
        take_number(&counts[3], usage, "output_tokens");
        truth->input = counts[0] + counts[1] + counts[2];
        truth->output = counts[3];
        truth->usage = 1;
    }
}

static void add_anthropic_block(truth_t *truth, const cJSON *block, int whole)
{
    const char *type = truth_text(block, "type");

    if (!strcmp(type, "text")) {
        llm_buf_puts(truth->text, truth_text(block, "text"));
    }
    else if (whole && !strcmp(type, "tool_use")) {
        char *text = cJSON_PrintUnformatted(
            cJSON_GetObjectItemCaseSensitive(block, "input"));

        llm_buf_puts(truth->args, text);
        cJSON_free(text);
    }
}

static void add_anthropic(truth_t *truth, const cJSON *doc)
{
    static int is_call; /* the open block is a tool_use */
    const cJSON *message = cJSON_GetObjectItemCaseSensitive(doc, "message");
    const cJSON *block = cJSON_GetObjectItemCaseSensitive(doc, "content_block");
    const cJSON *delta = cJSON_GetObjectItemCaseSensitive(doc, "delta");
    const cJSON *item;

    cJSON_ArrayForEach(item, cJSON_GetObjectItemCaseSensitive(doc, "content"))
    {
        add_anthropic_block(truth, item, 1);
    }
    if (block) {
        is_call = !strcmp(truth_text(block, "type"), "tool_use");
        add_anthropic_block(truth, block, 0);
    }
    llm_buf_puts(truth->text, truth_text(delta, "text"));
    if (is_call) {
        llm_buf_puts(truth->args, truth_text(delta, "partial_json"));
    }
    add_anthropic_usage(truth,
                        cJSON_GetObjectItemCaseSensitive(message, "usage"));
    add_anthropic_usage(truth, cJSON_GetObjectItemCaseSensitive(doc, "usage"));
}

/* `tool_calls` is a list, or in a stream one object. */
static void add_cohere_call(truth_t *truth, const cJSON *call)
{
    const char *args = truth_text(
        cJSON_GetObjectItemCaseSensitive(call, "function"), "arguments");

    llm_buf_puts(truth->args, strcmp(args, "null") ? args : "");
}

static void add_cohere_message(truth_t *truth, const cJSON *message)
{
    const cJSON *content = cJSON_GetObjectItemCaseSensitive(message, "content");
    const cJSON *calls =
        cJSON_GetObjectItemCaseSensitive(message, "tool_calls");
    const cJSON *item;

    if (cJSON_IsObject(content)) {
        llm_buf_puts(truth->text, truth_text(content, "text"));
    }
    else {
        cJSON_ArrayForEach(item, content)
        {
            llm_buf_puts(truth->text, truth_text(item, "text"));
        }
    }
    llm_buf_puts(truth->text, truth_text(message, "tool_plan"));
    if (cJSON_IsObject(calls)) {
        add_cohere_call(truth, calls);
    }
    else {
        cJSON_ArrayForEach(item, calls)
        {
            add_cohere_call(truth, item);
        }
    }
}

static void add_cohere(truth_t *truth, const cJSON *doc)
{
    const cJSON *delta = cJSON_GetObjectItemCaseSensitive(doc, "delta");
    const cJSON *holder = delta ? delta : doc;
    const cJSON *billed = cJSON_GetObjectItemCaseSensitive(
        cJSON_GetObjectItemCaseSensitive(holder, "usage"), "billed_units");

    add_cohere_message(truth,
                       cJSON_GetObjectItemCaseSensitive(holder, "message"));
    if (billed) {
        truth->input = truth_number(billed, "input_tokens");
        truth->output = truth_number(billed, "output_tokens");
        truth->usage = 1;
    }
}

static void add_ollama(truth_t *truth, const cJSON *doc)
{
    const cJSON *message = cJSON_GetObjectItemCaseSensitive(doc, "message");
    const cJSON *item;

    llm_buf_puts(truth->text, truth_text(message, "content"));
    cJSON_ArrayForEach(item,
                       cJSON_GetObjectItemCaseSensitive(message, "tool_calls"))
    {
        truth_print(truth->args,
                    cJSON_GetObjectItemCaseSensitive(
                        cJSON_GetObjectItemCaseSensitive(item, "function"),
                        "arguments"));
    }
    take_number(&truth->input, doc, "prompt_eval_count");
    take_number(&truth->output, doc, "eval_count");
    truth->usage |= truth->output > 0;
}

/* ---- all dialects ---- */

static const struct {
    const char *dialect;
    void (*add)(truth_t *truth, const cJSON *doc);
    int values; /* arguments are values, not text */
} dialects[] = {
    {"anthropic", add_anthropic, 0},
    {"bedrock", truth_add_bedrock, 0},
    {"cohere", add_cohere, 0},
    {"gemini", truth_add_gemini, 1},
    {"huggingface", add_openai, 0},
    {"huggingface-inference", truth_add_huggingface_inference, 0},
    {"ollama", add_ollama, 1},
    {"openai", add_openai, 0},
    {"openai-completions", add_openai, 0},
    {"openai-responses", truth_add_responses, 0},
    {NULL, NULL, 0},
};

static int row_of(const char *dialect)
{
    int i = 0;

    while (dialects[i].dialect && strcmp(dialects[i].dialect, dialect)) {
        ++i;
    }
    ck_assert_msg(dialects[i].dialect != NULL, "no truth for %s", dialect);
    return i;
}

void truth_print(llm_buf_t *out, const cJSON *value)
{
    char *text = cJSON_PrintUnformatted(value);

    llm_buf_puts(out, text ? text : "");
    cJSON_free(text);
}

int truth_has_args(const char *dialect, int is_stream)
{
    return is_stream || dialects[row_of(dialect)].values;
}

void truth_put_args(llm_buf_t *out, const char *dialect, const llm_buf_t *args)
{
    cJSON *value;

    if (!dialects[row_of(dialect)].values) {
        llm_buf_append(out, args->data, args->len);
        return;
    }
    value = cJSON_ParseWithLength(args->data, args->len);
    truth_print(out, value);
    cJSON_Delete(value);
}

static void add_document(truth_t *truth, const char *dialect, const char *text)
{
    cJSON *doc = cJSON_Parse(text);

    if (doc) {
        dialects[row_of(dialect)].add(truth, doc);
    }
    cJSON_Delete(doc);
}

static apr_size_t u32_at(const char *at)
{
    const unsigned char *byte = (const unsigned char *)at;

    return (apr_size_t)byte[0] << 24 | (apr_size_t)byte[1] << 16
           | (apr_size_t)byte[2] << 8 | byte[3];
}

/* The payloads of AWS's binary messages. */
static void add_messages(truth_t *truth, const char *dialect, const char *body,
                         apr_size_t len)
{
    while (len >= 16 && u32_at(body) <= len) {
        apr_size_t size = u32_at(body), headers = u32_at(body + 4);

        add_document(truth, dialect,
                     apr_pstrmemdup(unit_pool, body + 12 + headers,
                                    size - 16 - headers));
        body += size;
        len -= size;
    }
}

void truth_of(truth_t *truth, const char *dialect, const char *body,
              apr_size_t len, int is_stream)
{
    char *copy = apr_pstrmemdup(unit_pool, body, len), *line, *state;

    memset(truth, 0, sizeof(*truth));
    memset(counts, 0, sizeof(counts));
    truth->text = llm_buf_make(0, unit_pool);
    truth->args = llm_buf_make(0, unit_pool);
    if (!is_stream) {
        add_document(truth, dialect, copy);
        return;
    }
    if (len && !body[0]) {
        add_messages(truth, dialect, body, len);
        return;
    }
    for (line = apr_strtok(copy, "\r\n", &state); line;
         line = apr_strtok(NULL, "\r\n", &state)) {
        if (!strncmp(line, "data:", 5)) {
            add_document(truth, dialect, line + 5);
        }
        else if (*line == '{') { /* a document a line */
            add_document(truth, dialect, line);
        }
    }
}
