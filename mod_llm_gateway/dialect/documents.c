/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Documents of a request that are given as text, and what an answer tells to be
 * taken from them.
 *
 * Documents and search results are counted apart, from 0, in the order in which
 * they stand in all turns, also in results of tools. Cohere knows them by name:
 * the client's own, or "doc:0", "result:0". For a provider that cites nothing
 * they become what else says the same: a text is texts, with its title and
 * where it is from before it; what else it is stays a file, and that it shall
 * be cited is told as left out.
 */
#include "dialect/documents.h"
#include "dialect/limits.h"

#include <string.h>

#include <apr_strings.h>

/* ---- counting ---- */

typedef struct counts_t {
    int documents, results;
} counts_t;

/* A source's number, and one more of its kind. */
static int count_one(counts_t *counts, const llm_media_t *media)
{
    return media->source.data ? counts->results++ : counts->documents++;
}

static int is_source(const llm_part_t *part)
{
    return part->kind == LLM_PART_FILE && part->media;
}

/* What a walk over all sources looks for; it ends where `found` says so. */
typedef struct search_t {
    counts_t counts;
    int (*found)(struct search_t *search, const llm_media_t *media, int number);
    const llm_cite_t *cite;
    const llm_media_t *media;
    int number;
} search_t;

static int walk(search_t *search, const llm_part_t *part)
{
    for (; part; part = part->next) {
        if (is_source(part)) {
            search->media = part->media;
            search->number = count_one(&search->counts, part->media);
            if (search->found(search, part->media, search->number)) {
                return 1;
            }
        }
        if (part->kind == LLM_PART_TOOL_RESULT && walk(search, part->result)) {
            return 1;
        }
    }
    return 0;
}

static int find(search_t *search, const llm_ask_t *ask)
{
    const llm_turn_t *turn;

    for (turn = ask && ask->documents ? ask->turns : NULL; turn;
         turn = turn->next) {
        if (walk(search, turn->parts)) {
            return 1;
        }
    }
    return 0;
}

static int is_numbered(search_t *search, const llm_media_t *media, int number)
{
    int is_result = search->cite->kind == LLM_CITE_URL;

    return number == search->cite->number && is_result == !!media->source.data;
}

const llm_media_t *llm_ask_source(const llm_ask_t *ask, const llm_cite_t *cite)
{
    search_t search = {{0, 0}, is_numbered, cite, NULL, 0};

    return cite->number >= 0 && find(&search, ask) ? search.media : NULL;
}

/* ---- names ---- */

#define SOURCE_NAME_MAX 24

static const char *name_of(char name[SOURCE_NAME_MAX], const llm_media_t *media,
                           int number)
{
    apr_snprintf(name, SOURCE_NAME_MAX,
                 media->source.data ? "result:%d" : "doc:%d", number);
    return name;
}

void llm_put_source_name(llm_buf_t *out, const char *member,
                         const llm_media_t *media, int number)
{
    char name[SOURCE_NAME_MAX];

    if (media->key.data) {
        llm_put_text_member(out, member, media->key);
    }
    else {
        llm_put_string_member(out, member, name_of(name, media, number));
    }
}

static int is_named(search_t *search, const llm_media_t *media, int number)
{
    char name[SOURCE_NAME_MAX];

    return media->key.data ? llm_text_is_same(media->key, search->cite->id)
                           : llm_text_equals(search->cite->id,
                                             name_of(name, media, number));
}

/* A source that is cited without a place in it is cited as a whole. */
static void take_whole(llm_cite_t *cite, const llm_media_t *media)
{
    const llm_part_t *part;

    cite->from = 0;
    if (media->in_blocks) {
        cite->unit = media->source.data ? "result" : "block";
        for (cite->to = 0, part = media->texts; part; part = part->next) {
            ++cite->to;
        }
    }
    else {
        cite->unit = "char";
        cite->to = llm_parts_extent(media->texts, NULL).chars;
    }
}

void llm_ask_find_source(const llm_ask_t *ask, llm_cite_t *cite)
{
    search_t search = {{0, 0}, is_named, cite, NULL, 0};
    const llm_media_t *media;

    if (!cite->id.len || cite->number >= 0 || !find(&search, ask)) {
        return;
    }
    media = search.media;
    cite->number = search.number;
    cite->kind = media->source.data ? LLM_CITE_URL : LLM_CITE_DOCUMENT;
    if (media->source.data) {
        cite->url = media->source;
    }
    if (!media->key.data) {
        cite->id = LLM_TEXT_NONE;
    }
    if (!cite->title.data) {
        cite->title = media->filename;
    }
    if (media->texts && !cite->unit) {
        take_whole(cite, media);
    }
}

/* ---- reading ---- */

llm_media_t *llm_parts_add_document(llm_ask_t *ask, llm_parts_t *parts,
                                    llm_part_t *texts, apr_pool_t *pool)
{
    llm_media_t *media = apr_pcalloc(pool, sizeof(*media));

    media->media_type = "text/plain";
    media->texts = texts;
    llm_parts_add(parts, LLM_PART_FILE, pool)->media = media;
    ask->documents = 1;
    return media;
}

/* ---- for who cites nothing ---- */

static void add_text(llm_parts_t *parts, llm_text_t text, apr_pool_t *pool)
{
    if (!llm_text_is_empty(text)) {
        llm_parts_add_text(parts, LLM_PART_TEXT, text, pool);
    }
}

static void add_copy(llm_parts_t *parts, const llm_part_t *part,
                     apr_pool_t *pool)
{
    llm_part_t *copy = llm_parts_add(parts, part->kind, pool), *next;

    next = copy->next;
    *copy = *part;
    copy->next = next;
}

llm_part_t *llm_parts_without_documents(const llm_part_t *part,
                                        llm_request_t *req, apr_pool_t *pool)
{
    llm_parts_t parts = {NULL, NULL};
    const llm_part_t *text;

    for (; part; part = part->next) {
        const llm_media_t *media = is_source(part) ? part->media : NULL;

        if (media && media->cited) {
            llm_request_drop(req, "messages.content.citations");
        }
        if (!media || !media->texts) {
            add_copy(&parts, part, pool);
            if (part->kind == LLM_PART_TOOL_RESULT) {
                parts.last->result =
                    llm_parts_without_documents(part->result, req, pool);
            }
            continue;
        }
        add_text(&parts, media->filename, pool);
        add_text(&parts, media->source, pool);
        for (text = media->texts; text; text = text->next) {
            add_copy(&parts, text, pool);
        }
        if (part->cache && parts.last) {
            parts.last->cache = part->cache;
        }
    }
    return parts.first;
}

llm_turn_t *llm_turns_without_documents(const llm_turn_t *turn,
                                        llm_request_t *req, apr_pool_t *pool)
{
    llm_turns_t turns = {NULL, NULL};

    for (; turn; turn = turn->next) {
        llm_turn_t *copy = llm_turns_add(&turns, turn->role, pool);

        copy->name = turn->name;
        copy->parts = llm_parts_without_documents(turn->parts, req, pool);
    }
    return turns.first;
}
