/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests that pass: any JSON object, with names twice, odd numbers and
 * blanks, comes out as it went in, but for the model's name and what the
 * gateway has to ask for itself (`stream_options`).
 *
 * The input is made of members with a mark where the model's name stands, so
 * that what has to come out is known without looking for it.
 */
#include "test/property/property.h"

#include <string.h>

#include <apr_strings.h>

#include "test/unit/unit.h"

/* These change more: test_vertex.c and test_facts_mistral.c. */
static int amends(const llm_dialect_t *dialect)
{
    return !strcmp(dialect->name, "anthropic-vertex")
           || !strcmp(dialect->name, "mistral");
}

static int passes(const llm_dialect_t *dialect)
{
    return dialect->pass_request && (dialect->pass_ops & LLM_OP_CHAT)
           && !amends(dialect);
}

/* Both: as it goes in, and as it has to come out. */
typedef struct pair_t {
    llm_buf_t *before, *after;
    const char *model; /* as the provider has it */
} pair_t;

static void put_both(const pair_t *pair, const char *text)
{
    llm_buf_puts(pair->before, text);
    llm_buf_puts(pair->after, text);
}

static void put_blank(const pair_t *pair)
{
    static const char *const blanks[] = {"", " ", "\n", "\r\n\t ", "    "};

    if (rarely(4)) {
        put_both(pair, blanks[roll(5)]);
    }
}

static void put_name(const pair_t *pair, const char *name)
{
    put_blank(pair);
    put_both(pair, name);
    put_blank(pair);
    put_both(pair, ":");
    put_blank(pair);
}

static void put_model(const pair_t *pair)
{
    put_name(pair, rarely(4) ? "\"mod\\u0065l\"" : "\"model\"");
    llm_buf_puts(pair->before, "\"the-alias\"");
    llm_buf_puts(pair->after, pair->model);
}

static void put_other(const pair_t *pair)
{
    static const char *const names[] = {
        "\"messages\"", "\"x\"",        "\"Model\"",   "\"\"",
        "\"model \"",   "\"tools\"",    "\"\\u0000\"", "\"x\"",
        "\"id\"",       "\"metadata\"", "\"stop\"",    "\"\xc3\xa9\\\"\""};
    llm_buf_t *value = llm_buf_make(0, unit_pool);

    put_name(pair, names[roll(12)]);
    put_value(value, 4);
    put_both(pair, bytes_as_text(value));
}

/* The model's name in a body: Gemini's begin with their folder, and where it is
 * in the path alone a member of that name is the client's own. */
static const char *model_for(const char *dialect)
{
    return !strcmp(dialect, "gemini")    ? "\"models/the\\\"model\""
           : !strcmp(dialect, "bedrock") ? "\"the-alias\""
                                         : "\"the\\\"model\"";
}

static pair_t some_pair(const char *dialect)
{
    pair_t pair = {llm_buf_make(0, unit_pool), llm_buf_make(0, unit_pool),
                   model_for(dialect)};
    unsigned count = roll(6), models = 1 + (unsigned)rarely(6), i;

    put_blank(&pair);
    put_both(&pair, "{");
    for (i = 0; i < count + models; ++i) {
        put_both(&pair, i ? "," : "");
        if (i < models && (i || roll(2))) {
            put_model(&pair);
            continue;
        }
        if (i < models) {
            put_other(&pair);
            put_both(&pair, ",");
            put_model(&pair);
            continue;
        }
        put_other(&pair);
    }
    put_blank(&pair);
    put_both(&pair, "}");
    put_blank(&pair);
    return pair;
}

static const char *body_of(const llm_request_t *req)
{
    llm_buf_t *out = llm_buf_make(0, unit_pool);
    int i;

    for (i = 0; i < req->body_count; ++i) {
        llm_buf_append(out, req->body[i].data, req->body[i].len);
    }
    return bytes_as_text(out);
}

static void run_passing(int number)
{
    const llm_dialect_t *dialect = nth_dialect(passes, number);
    llm_provider_t *provider = exchange_provider(dialect->name, NULL);
    pair_t pair = some_pair(dialect->name);
    llm_bytes_t raw = {pair.before->data, pair.before->len};
    llm_problem_t *problem;
    llm_request_t req;
    int hide = 0;

    memset(&req, 0, sizeof(req));
    req.headers = apr_table_make(unit_pool, 2);
    req.dropped = apr_array_make(unit_pool, 2, sizeof(const char *));
    tell("%s", bytes_as_text(pair.before));
    problem = dialect->pass_request(&req, LLM_OP_CHAT, raw, "the\"model",
                                    provider, &hide, unit_pool);
    ck_assert_msg(!problem, "%s", problem ? problem->message : "");
    ck_assert_msg(!strcmp(body_of(&req), bytes_as_text(pair.after)),
                  "%s: \n%s\nis not\n%s", dialect->name, body_of(&req),
                  bytes_as_text(pair.after));
    ck_assert_int_eq(req.dropped->nelts, 0);
}

static int count(void)
{
    return count_dialects(passes);
}

static const char *title(int number)
{
    return nth_dialect(passes, number)->name;
}

const property_t passing_property = {
    .name = "passing",
    .says = "what passes is the same to the byte, but for the model",
    .cost = 1,
    .run = run_passing,
    .count = count,
    .title = title,
};
