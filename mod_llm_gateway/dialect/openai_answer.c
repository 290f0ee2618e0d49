/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A whole answer in OpenAI's form: chat, embeddings and the list of models.
 *
 * Thinking is written twice: as reasoning_content, which clients show, and as
 * reasoning_details, block by block with the provider's signatures, which
 * clients that send their history back unchanged need for the next turn.
 */
#include "dialect/openai_internal.h"
#include "dialect/tier.h"
#include "dialect/cite.h"

#include <string.h>

#include <apr_base64.h>
#include <apr_strings.h>

/* ---- parts of a message ---- */

/* The texts of one kind as one string. Returns 0 when there is none. */
static int put_texts(llm_buf_t *out, const llm_ask_t *ask, const char *name,
                     const llm_part_t *parts, llm_part_e kind, apr_pool_t *pool)
{
    const llm_part_t *part;
    int count = 0;

    for (part = parts; part; part = part->next) {
        if (part->kind == kind && part->text.data
            && !llm_openai_is_image(part->media)
            && !llm_openai_is_sound(ask, part->media, pool)) {
            if (!count++) {
                llm_put_name(out, name);
                llm_buf_putc(out, '"');
            }
            llm_buf_append(out, part->text.data, part->text.len);
        }
    }
    if (count) {
        llm_buf_putc(out, '"');
    }
    return count;
}

int llm_openai_is_image(const llm_media_t *media)
{
    return media && llm_media_is_image(media);
}

void llm_openai_put_image(llm_buf_t *out, int index, const llm_media_t *media)
{
    llm_put_comma(out);
    llm_buf_lit(out, "{\"type\":\"image_url\",\"image_url\":{\"url\":");
    llm_put_media_url(out, media);
    llm_buf_putc(out, '}');
    llm_put_int_member(out, "index", index);
    llm_buf_putc(out, '}');
}

static void put_images(llm_buf_t *out, const llm_part_t *part)
{
    int count = 0;

    for (; part; part = part->next) {
        if (!llm_openai_is_image(part->media)) {
            continue;
        }
        if (!count) {
            llm_put_name(out, "images");
            llm_buf_putc(out, '[');
        }
        llm_openai_put_image(out, count++, part->media);
    }
    if (count) {
        llm_buf_putc(out, ']');
    }
}

static void put_details(llm_buf_t *out, const llm_part_t *parts)
{
    const llm_part_t *part;
    int index = 0;

    for (part = parts; part; part = part->next) {
        if (part->kind != LLM_PART_THINKING
            && part->kind != LLM_PART_REDACTED) {
            continue;
        }
        if (!index) {
            llm_put_name(out, "reasoning_details");
            llm_buf_putc(out, '[');
        }
        if (part->kind == LLM_PART_THINKING) {
            llm_openai_put_detail(out, "reasoning.text", index++, part->text,
                                  part->signature, LLM_TEXT_NONE);
        }
        else {
            llm_openai_put_detail(out, "reasoning.encrypted", index++,
                                  LLM_TEXT_NONE, LLM_TEXT_NONE, part->text);
        }
    }
    if (index) {
        llm_buf_putc(out, ']');
    }
}

static void put_function(llm_buf_t *out, const llm_call_t *call)
{
    llm_buf_putc(out, '{');
    llm_put_needed_text(out, "name", call->name);
    llm_put_name(out, "arguments");
    llm_buf_put_quoted(out, call->args);
    llm_buf_putc(out, '}');
}

static void put_call(llm_buf_t *out, const llm_ask_t *ask,
                     const llm_call_t *call, const char *seed, int number,
                     apr_pool_t *pool)
{
    llm_put_comma(out);
    llm_buf_putc(out, '{');
    llm_put_string_member(
        out, "id",
        call->id ? call->id : llm_call_id_make("call_", seed, number, pool));
    if (llm_openai_is_custom(ask, call->name, pool)) {
        llm_openai_put_custom_call(out, call, pool);
    }
    else {
        llm_buf_lit(out, ",\"type\":\"function\",\"function\":");
        put_function(out, call);
    }
    if (call->signature) {
        llm_buf_lit(out, ",\"extra_content\":{\"google\":{");
        llm_put_string_member(out, "thought_signature", call->signature);
        llm_buf_lit(out, "}}");
    }
    llm_buf_putc(out, '}');
}

/* The calls of a message. A legacy client knows of one, without an id. */
static void put_calls(llm_buf_t *out, const llm_ask_t *ask,
                      const llm_part_t *parts, const char *seed,
                      apr_pool_t *pool)
{
    const llm_part_t *part;
    int number = 0;

    for (part = parts; part; part = part->next) {
        if (part->kind != LLM_PART_TOOL_CALL) {
            continue;
        }
        if (ask->legacy_functions) {
            llm_put_name(out, "function_call");
            put_function(out, part->call);
            return;
        }
        if (!number) {
            llm_put_name(out, "tool_calls");
            llm_buf_putc(out, '[');
        }
        put_call(out, ask, part->call, seed, number++, pool);
    }
    if (number) {
        llm_buf_putc(out, ']');
    }
}

static void put_citations(llm_buf_t *out, const llm_part_t *part)
{
    const llm_cite_t *cite;
    int count = 0;

    for (; part; part = part->next) {
        for (cite = part->citations; cite; cite = cite->next) {
            if (!llm_openai_annotates(cite)) {
                continue;
            }
            if (!count++) {
                llm_put_name(out, "annotations");
                llm_buf_putc(out, '[');
            }
            llm_openai_put_annotation(out, cite);
        }
    }
    if (count) {
        llm_buf_putc(out, ']');
    }
}

/* ---- chat ---- */

static void put_choice(llm_buf_t *out, const llm_ask_t *ask,
                       const llm_choice_t *choice, const char *seed,
                       apr_int64_t created, apr_pool_t *pool)
{
    const llm_part_t *parts = choice->parts;
    const char *finish = llm_openai_finish_name(choice->finish);

    if (ask->legacy_functions && choice->finish == LLM_FINISH_TOOL_CALLS) {
        finish = "function_call";
    }
    llm_put_comma(out);
    llm_buf_putc(out, '{');
    llm_put_int_member(out, "index", choice->index);
    llm_buf_lit(out, ",\"message\":{\"role\":\"assistant\"");
    if (!put_texts(out, ask, "content", parts, LLM_PART_TEXT, pool)) {
        llm_buf_lit(out, ",\"content\":null");
    }
    if (!put_texts(out, ask, "refusal", parts, LLM_PART_REFUSAL, pool)) {
        llm_buf_lit(out, ",\"refusal\":null");
    }
    put_texts(out, ask, "reasoning_content", parts, LLM_PART_THINKING, pool);
    put_details(out, parts);
    put_citations(out, parts);
    llm_cites_put_forms(out, parts, llm_openai_cites);
    put_images(out, parts);
    llm_openai_put_sound(out, ask, parts, seed, created, pool);
    put_calls(out, ask, parts, seed, pool);
    llm_buf_lit(out, "},\"logprobs\":");
    if (choice->logprobs) {
        llm_json_put(out, choice->logprobs);
    }
    else {
        llm_buf_lit(out, "null");
    }
    llm_put_string_member(out, "finish_reason", finish);
    llm_buf_putc(out, '}');
}

static void write_chat(llm_buf_t *out, const llm_ask_t *ask,
                       const llm_answer_t *answer, apr_pool_t *pool)
{
    const char *seed = llm_answer_seed(ask, answer, pool), *choice_seed;
    const llm_choice_t *choice;

    llm_buf_putc(out, '{');
    llm_put_string_member(out, "id",
                          answer->id && *answer->id
                              ? answer->id
                              : apr_pstrcat(pool, "chatcmpl-", seed, NULL));
    llm_put_string_member(out, "object", "chat.completion");
    llm_put_int_member(out, "created", answer->created);
    llm_put_string_member(out, "model",
                          answer->model ? answer->model : ask->model);
    llm_buf_lit(out, ",\"choices\":[");
    for (choice = answer->choices; choice; choice = choice->next) {
        choice_seed = choice->index
                          ? apr_psprintf(pool, "%s.%d", seed, choice->index)
                          : seed;
        put_choice(out, ask, choice, choice_seed, answer->created, pool);
    }
    llm_buf_lit(out, "],\"usage\":");
    llm_openai_put_usage(out, answer->usage, LLM_OP_CHAT);
    llm_openai_put_tier(out,
                        llm_tier_word(answer->service_tier, llm_tiers_openai));
    llm_buf_putc(out, '}');
}

/* ---- embeddings ---- */

/* Numbers as little-endian 32-bit floats in base64: what OpenAI's SDKs ask
 * for. A number that is too large for one is infinite there too. */
static void put_base64(llm_buf_t *out, const llm_json_t *vector,
                       apr_pool_t *pool)
{
    const llm_json_t *node;
    unsigned char *bytes = apr_palloc(pool, vector->count * 4 + 1), *at = bytes;
    int len = (int)(vector->count * 4);
    char *text;

    for (node = vector->child; node; node = node->next) {
        double value = 0;
        float small;
        apr_uint32_t bits;

        llm_json_double(node, &value);
        small = (float)value;
        memcpy(&bits, &small, sizeof(bits));
        *at++ = (unsigned char)bits;
        *at++ = (unsigned char)(bits >> 8);
        *at++ = (unsigned char)(bits >> 16);
        *at++ = (unsigned char)(bits >> 24);
    }
    text = apr_palloc(pool, (apr_size_t)apr_base64_encode_len(len));
    apr_base64_encode_binary(text, bytes, len);
    llm_buf_putc(out, '"');
    llm_buf_puts(out, text);
    llm_buf_putc(out, '"');
}

static void write_embeddings(llm_buf_t *out, const llm_ask_t *ask,
                             const llm_answer_t *answer, apr_pool_t *pool)
{
    int base64 = llm_text_equals(ask->encoding_format, "base64");
    const llm_json_t *vector;
    int index = 0;

    llm_buf_lit(out, "{\"object\":\"list\",\"data\":[");
    for (vector = answer->embeddings ? answer->embeddings->child : NULL; vector;
         vector = vector->next) {
        llm_put_comma(out);
        llm_buf_lit(out, "{\"object\":\"embedding\"");
        llm_put_int_member(out, "index", index++);
        llm_put_name(out, "embedding");
        if (base64 && vector->type == LLM_JSON_ARRAY) {
            put_base64(out, vector, pool);
        }
        else {
            llm_json_put(out, vector);
        }
        llm_buf_putc(out, '}');
    }
    llm_buf_putc(out, ']');
    llm_put_string_member(out, "model",
                          answer->model ? answer->model : ask->model);
    llm_put_name(out, "usage");
    llm_openai_put_usage(out, answer->usage, LLM_OP_EMBED);
    llm_buf_putc(out, '}');
}

void llm_openai_write_response(llm_buf_t *out, const llm_ask_t *ask,
                               const llm_answer_t *answer, apr_pool_t *pool)
{
    if (ask->op == LLM_OP_EMBED) {
        write_embeddings(out, ask, answer, pool);
    }
    else {
        write_chat(out, ask, answer, pool);
    }
}

/* ---- models ---- */

void llm_openai_write_model(llm_buf_t *out, const char *name, apr_time_t now,
                            apr_pool_t *pool)
{
    (void)pool;
    llm_put_comma(out);
    llm_buf_putc(out, '{');
    llm_put_string_member(out, "id", name);
    llm_put_string_member(out, "object", "model");
    llm_put_int_member(out, "created", apr_time_sec(now));
    llm_put_string_member(out, "owned_by", "llm-gateway");
    llm_buf_putc(out, '}');
}

void llm_openai_write_models(llm_buf_t *out, const apr_array_header_t *names,
                             apr_time_t now, apr_pool_t *pool)
{
    int i;

    llm_buf_lit(out, "{\"object\":\"list\",\"data\":[");
    for (i = 0; i < names->nelts; ++i) {
        llm_openai_write_model(out, APR_ARRAY_IDX(names, i, const char *), now,
                               pool);
    }
    llm_buf_lit(out, "]}");
}
