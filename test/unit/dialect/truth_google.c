/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the bytes of Google's and Hugging Face's answers say, added up by
 * another JSON reader; see truth.h.
 *
 * Arguments that come as JSON paths are put into a tree here, where our
 * reader writes them down piece by piece.
 */
#include "test/unit/dialect/truth.h"

#include <stdlib.h>
#include <string.h>

#include <apr_strings.h>

#include "test/unit/unit.h"

/* ---- arguments by path ---- */

/* A container's member or element, made where it is not there yet. */
static cJSON *child_of(cJSON *parent, const char *name, int index)
{
    cJSON *child;

    if (name) {
        child = cJSON_GetObjectItemCaseSensitive(parent, name);
        if (!child) {
            child = cJSON_AddNullToObject(parent, name);
        }
        return child;
    }
    while (cJSON_GetArraySize(parent) <= index) {
        cJSON_AddItemToArray(parent, cJSON_CreateNull());
    }
    return cJSON_GetArrayItem(parent, index);
}

/* "$.a.b[0]": names without quotes are all that was recorded. */
static cJSON *node_at(cJSON *root, const char *path)
{
    char *at = apr_pstrdup(unit_pool, path + 1);
    cJSON *node = root;

    while (*at) {
        char kind = *at++;
        char *end = at + strcspn(at, ".[]"), next = *end;

        *end = '\0';
        if (node->type == cJSON_NULL) {
            node->type = kind == '[' ? cJSON_Array : cJSON_Object;
        }
        node =
            child_of(node, kind == '.' ? at : NULL, (int)strtol(at, NULL, 10));
        at = next == ']' ? end + 1 : end;
        if (next != ']') {
            *end = next;
        }
    }
    return node;
}

static void add_partial(cJSON *root, const cJSON *partial)
{
    cJSON *node = node_at(root, truth_text(partial, "jsonPath"));
    const cJSON *string =
        cJSON_GetObjectItemCaseSensitive(partial, "stringValue");
    const cJSON *number =
        cJSON_GetObjectItemCaseSensitive(partial, "numberValue");

    if (string) {
        const char *before = cJSON_IsString(node) ? node->valuestring : "";
        char *text = malloc(strlen(before) + strlen(string->valuestring) + 1);

        memcpy(text, before, strlen(before));
        memcpy(text + strlen(before), string->valuestring,
               strlen(string->valuestring) + 1);
        free(node->valuestring);
        node->valuestring = text;
        node->type = cJSON_String;
    }
    else if (number) {
        node->type = cJSON_Number;
        cJSON_SetNumberHelper(node, number->valuedouble);
    }
}

/* The arguments of the call that is open; printed when it ends. */
static cJSON *open_args;

static void end_call(truth_t *truth)
{
    if (open_args) {
        truth_print(truth->args, open_args);
        cJSON_Delete(open_args);
        open_args = NULL;
    }
}

static void add_call(truth_t *truth, const cJSON *call)
{
    const cJSON *args = cJSON_GetObjectItemCaseSensitive(call, "args");
    const cJSON *partial;

    if (*truth_text(call, "name")) {
        end_call(truth);
        open_args = args ? cJSON_Duplicate(args, 1) : cJSON_CreateObject();
    }
    cJSON_ArrayForEach(partial,
                       cJSON_GetObjectItemCaseSensitive(call, "partialArgs"))
    {
        add_partial(open_args, partial);
    }
}

/* ---- Gemini ---- */

static void add_usage(truth_t *truth, const cJSON *usage)
{
    double prompt = truth_number(usage, "promptTokenCount");

    if (prompt > 0) {
        truth->input = prompt + truth_number(usage, "toolUsePromptTokenCount");
        truth->output = truth_number(usage, "candidatesTokenCount")
                        + truth_number(usage, "thoughtsTokenCount");
        truth->total = truth_number(usage, "totalTokenCount");
        truth->usage = 1;
    }
}

void truth_add_gemini(truth_t *truth, const cJSON *doc)
{
    const cJSON *candidate = cJSON_GetArrayItem(
        cJSON_GetObjectItemCaseSensitive(doc, "candidates"), 0);
    const cJSON *content =
        cJSON_GetObjectItemCaseSensitive(candidate, "content");
    const cJSON *part, *call;

    cJSON_ArrayForEach(part, cJSON_GetObjectItemCaseSensitive(content, "parts"))
    {
        if (!cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(part, "thought"))) {
            llm_buf_puts(truth->text, truth_text(part, "text"));
        }
        call = cJSON_GetObjectItemCaseSensitive(part, "functionCall");
        if (call) {
            add_call(truth, call);
        }
    }
    if (cJSON_GetObjectItemCaseSensitive(candidate, "finishReason")) {
        end_call(truth);
    }
    add_usage(truth, cJSON_GetObjectItemCaseSensitive(doc, "usageMetadata"));
}

/* ---- Hugging Face's old API ---- */

void truth_add_huggingface_inference(truth_t *truth, const cJSON *doc)
{
    const cJSON *token = cJSON_GetObjectItemCaseSensitive(doc, "token");

    if (cJSON_IsArray(doc)) {
        doc = cJSON_GetArrayItem(doc, 0);
    }
    if (!token) {
        llm_buf_puts(truth->text, truth_text(doc, "generated_text"));
    }
    else if (!cJSON_IsTrue(
                 cJSON_GetObjectItemCaseSensitive(token, "special"))) {
        llm_buf_puts(truth->text, truth_text(token, "text"));
    }
}
