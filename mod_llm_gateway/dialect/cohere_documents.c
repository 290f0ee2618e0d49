/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cohere's `documents`: of the whole conversation, by name, to be cited unless
 * citation_options say that nothing is. Each is a text, or an object of which
 * the model sees all names and values.
 *
 *   {"documents":[{"id":"a","data":{"title":"Report","snippet":"..."}},"..."]}
 *
 * For other dialects they are documents of the user's first turn: its text, or
 * its JSON where there is more than a text and a title.
 */
#include "dialect/cohere_internal.h"
#include "dialect/documents.h"

#include <apr_strings.h>

/* ---- reading ---- */

static int is_off(const llm_json_t *doc)
{
    const llm_json_t *mode =
        llm_json_path(doc, "citation_options", "mode", NULL);

    return llm_json_equals(mode, "OFF") || llm_json_equals(mode, "off")
           || llm_json_equals(mode, "DISABLED");
}

/* The one text it has besides its title; none where it has anything else. */
static llm_text_t text_in(const llm_json_t *data)
{
    static const char *const texts[] = {"text", "snippet", "content", NULL};
    const llm_json_t *node;
    llm_text_t text = LLM_TEXT_NONE;
    int i;

    for (node = data->child; node; node = node->next) {
        for (i = 0; texts[i] && !llm_text_equals(node->name, texts[i]); ++i) {
        }
        if (texts[i] && node->type == LLM_JSON_STRING && !text.data) {
            text = llm_json_text(node);
        }
        else if (!llm_text_equals(node->name, "title")) {
            return LLM_TEXT_NONE;
        }
    }
    return text;
}

static llm_problem_t *read_one(llm_ask_t *ask, llm_parts_t *parts,
                               const llm_json_t *node, int number,
                               apr_pool_t *pool)
{
    const llm_json_t *data =
        llm_json_is(node, LLM_JSON_OBJECT) ? llm_json_want(node, "data") : node;
    llm_text_t text = llm_json_text(data);
    llm_parts_t texts = {NULL, NULL};
    llm_media_t *media;

    if (llm_json_is(data, LLM_JSON_OBJECT)) {
        text = text_in(data);
        if (!text.data) {
            text = llm_text_escape(data->raw.data, data->raw.len, pool);
        }
    }
    if (!text.data) {
        return llm_problem_field(
            pool, apr_psprintf(pool, "documents[%d]", number),
            "expected a string, or an object with \"data\"");
    }
    llm_parts_add_text(&texts, LLM_PART_TEXT, text, pool);
    media = llm_parts_add_document(ask, parts, texts.first, pool);
    media->filename = llm_json_text(llm_json_want(data, "title"));
    media->key = llm_json_text(llm_json_want(node, "id"));
    media->cited = 1;
    return NULL;
}

/* In front of what the user says first. */
static void put_in_front(llm_ask_t *ask, const llm_parts_t *parts,
                         apr_pool_t *pool)
{
    llm_turn_t *turn = ask->turns;
    llm_turns_t turns = {NULL, NULL};

    while (turn && turn->role != LLM_ROLE_USER) {
        turn = turn->next;
    }
    if (!turn) {
        turn = llm_turns_add(&turns, LLM_ROLE_USER, pool);
        turn->next = ask->turns;
        ask->turns = turn;
    }
    parts->last->next = turn->parts;
    turn->parts = parts->first;
}

llm_problem_t *llm_cohere_read_documents(llm_ask_t *ask, const llm_json_t *doc,
                                         apr_pool_t *pool)
{
    const llm_json_t *list = llm_json_want(doc, "documents"), *node;
    llm_parts_t parts = {NULL, NULL};
    llm_problem_t *problem = NULL;
    llm_part_t *part;
    int number = 0;

    if (list && list->type != LLM_JSON_ARRAY) {
        return llm_problem_field(pool, "documents", "expected an array");
    }
    for (node = list ? list->child : NULL; node && !problem;
         node = node->next) {
        problem = read_one(ask, &parts, node, number++, pool);
    }
    if (problem || !parts.first) {
        return problem;
    }
    if (is_off(doc)) {
        for (part = parts.first; part; part = part->next) {
            llm_media_t *media = apr_pmemdup(pool, part->media, sizeof(*media));

            media->cited = 0;
            part->media = media;
        }
    }
    put_in_front(ask, &parts, pool);
    return NULL;
}

/* ---- writing ---- */

static void put_data(llm_buf_t *out, const llm_media_t *media, apr_pool_t *pool)
{
    llm_put_name(out, "data");
    llm_buf_putc(out, '{');
    llm_put_text_member(out, "title", media->filename);
    llm_put_text_member(out, "url", media->source);
    llm_put_text_member(out, "snippet",
                        llm_parts_text(media->texts, "\\n", pool));
    llm_buf_putc(out, '}');
}

void llm_cohere_put_documents(llm_buf_t *out, const llm_ask_t *ask,
                              apr_pool_t *pool)
{
    int documents = 0, results = 0, count = 0, cited = 0;
    const llm_part_t *part, *inner;
    const llm_turn_t *turn;

    for (turn = ask->documents ? ask->turns : NULL; turn; turn = turn->next) {
        for (part = turn->parts; part; part = part->next) {
            const llm_media_t *media = part->media;

            /* what a result has is text there, but counted */
            for (inner = part->result; inner; inner = inner->next) {
                if (inner->kind == LLM_PART_FILE) {
                    ++*(inner->media->source.data ? &results : &documents);
                }
            }
            if (part->kind != LLM_PART_FILE || !media->texts) {
                continue;
            }
            llm_buf_puts(out, count++ ? "," : ",\"documents\":[");
            llm_buf_putc(out, '{');
            llm_put_source_name(out, "id", media,
                                media->source.data ? results++ : documents++);
            put_data(out, media, pool);
            llm_buf_putc(out, '}');
            cited |= media->cited;
        }
    }
    llm_buf_puts(out, count ? "]" : "");
    if (count && !cited) {
        llm_buf_lit(out, ",\"citation_options\":{\"mode\":\"OFF\"}");
    }
}
