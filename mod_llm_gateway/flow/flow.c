/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The stages before the first attempt: what was asked, whether it may be, and
 * who could answer it. The attempts are attempts.c, the answer stream.c, the
 * record settle.c.
 */
#include "flow/flow.h"
#include "flow/tags.h"

#include <apr_lib.h>
#include <apr_strings.h>
#include <string.h>

#include "core/llm_json.h"
#include "core/llm_pattern.h"
#include "dialect/common.h"
#include "flow/count.h"
#include "flow/form.h"

/* Longest model name a client may ask for. */
#define MODEL_MAX 256

typedef struct llm_stage_t {
    const char *name;
    llm_problem_t *(*run)(llm_exchange_t *x);
} llm_stage_t;

llm_exchange_t *llm_exchange_make(const llm_policy_t *policy, apr_time_t now,
                                  apr_pool_t *pool)
{
    llm_exchange_t *x = apr_pcalloc(pool, sizeof(*x));

    x->pool = pool;
    x->policy = policy;
    x->began = now;
    x->key_models = "";
    x->key_team = "";
    x->tags = "";
    x->attempts = apr_array_make(pool, 2, sizeof(llm_attempt_t *));
    x->reply.headers = apr_table_make(pool, 12);
    x->out = llm_buf_make(0, pool);
    x->input_estimate = -1;
    llm_usage_clear(&x->usage);
    return x;
}

/* ---- read ------------------------------------------------------------- */

/* The members of the body every chat and embeddings dialect has in common. */
typedef struct members_t {
    int models; /* how often "model" stands there */
    llm_bytes_t model, stream, user, safety_identifier, metadata, n, store;
} members_t;

static void note_member(void *baton, const llm_member_t *member)
{
    members_t *members = baton;

    /* of duplicates the last one counts, as it does for the upstream */
    if (llm_text_equals(member->name, "model")) {
        members->model = member->value;
        members->models++;
    }
    else if (llm_text_equals(member->name, "stream")) {
        members->stream = member->value;
    }
    else if (llm_text_equals(member->name, "user")) {
        members->user = member->value;
    }
    else if (llm_text_equals(member->name, "safety_identifier")) {
        members->safety_identifier = member->value;
    }
    else if (llm_text_equals(member->name, "metadata")) {
        members->metadata = member->value;
    }
    else if (llm_text_equals(member->name, "store")) {
        members->store = member->value;
    }
    else if (llm_text_equals(member->name, "n")) {
        members->n = member->value;
    }
}

static const char *string_of(llm_bytes_t value, apr_pool_t *pool)
{
    const llm_json_t *node;

    if (!value.len || llm_json_read(&node, value.data, value.len, NULL, pool)) {
        return NULL;
    }
    return llm_json_string(node, pool);
}

/* The end user: OpenAI's "user" or "safety_identifier", Anthropic's
 * metadata.user_id. The rest of the metadata can be tags. */
static void note_labels(llm_exchange_t *x, const members_t *members)
{
    const llm_json_t *metadata = NULL;

    if (members->metadata.len
        && llm_json_read(&metadata, members->metadata.data,
                         members->metadata.len, NULL, x->pool)) {
        metadata = NULL;
    }
    x->user = string_of(members->user, x->pool);
    if (!x->user) {
        x->user = string_of(members->safety_identifier, x->pool);
    }
    if (metadata) {
        if (!x->user) {
            x->user =
                llm_json_string(llm_json_get(metadata, "user_id"), x->pool);
        }
        llm_tags_from_metadata(x, metadata);
    }
}

static int is_true(llm_bytes_t value)
{
    return value.len == 4 && !memcmp(value.data, "true", 4);
}

static int is_bool_or_null(llm_bytes_t value)
{
    return !value.len || is_true(value)
           || (value.len == 5 && !memcmp(value.data, "false", 5))
           || (value.len == 4 && !memcmp(value.data, "null", 4));
}

/* A model's name; NULL for anything else. It ends up in headers, in records
 * and on terminals, and decides what a key may do: a control character, U+0000
 * above all, would make it two names. */
static const char *model_of(llm_bytes_t value, apr_pool_t *pool)
{
    const llm_json_t *node;
    llm_bytes_t name;

    if (!value.len || llm_json_read(&node, value.data, value.len, NULL, pool)
        || !llm_json_is(node, LLM_JSON_STRING)) {
        return NULL;
    }
    name = llm_text_decode(llm_json_text(node), pool);
    for (apr_size_t i = 0; i < name.len; ++i) {
        if (apr_iscntrl(name.data[i])) {
            return NULL;
        }
    }
    return apr_pstrmemdup(pool, name.data, name.len);
}

/* The number of a member; 0 where it is none that fits. */
static int number_of(llm_bytes_t value, apr_pool_t *pool)
{
    const llm_json_t *node;
    apr_int64_t n = 0;

    return value.len && !llm_json_read(&node, value.data, value.len, NULL, pool)
                   && llm_json_int(node, &n) && n > 0 && n <= APR_INT32_MAX
               ? (int)n
               : 0;
}

static int has_controls(const char *name)
{
    while (*name && !apr_iscntrl(*name)) {
        ++name;
    }
    return *name != '\0';
}

static llm_problem_t *read_model(llm_exchange_t *x, const members_t *members)
{
    if (x->line && x->line->model) {
        x->model = has_controls(x->line->model) ? NULL : x->line->model;
    }
    else if (x->line && x->line->preset
             && (!members->model.len
                 || llm_bytes_are(members->model, "null"))) {
        x->model = x->line->preset;
    }
    else if (!members->model.len) {
        return llm_problem_field(x->pool, "model",
                                 "the request names no model");
    }
    else {
        x->model = model_of(members->model, x->pool);
    }
    if (!x->model || !*x->model || strlen(x->model) > MODEL_MAX) {
        return llm_problem_field(
            x->pool, "model",
            "expected a string of 1 to %d bytes without control characters",
            MODEL_MAX);
    }
    return NULL;
}

/* Nobody can ask again for an answer that is not kept. */
static void note_store(llm_exchange_t *x, const members_t *members)
{
    if (x->keeps == LLM_KEEPS_ANSWERS
        && llm_bytes_are(members->store, "false")) {
        x->keeps = LLM_KEEPS_NOTHING;
    }
}

static llm_problem_t *read_body(llm_exchange_t *x, members_t *members)
{
    llm_json_error_t error = {0, NULL};

    if (!x->raw.len) {
        return llm_problem_make(LLM_PROBLEM_BAD_REQUEST, x->pool,
                                "the request has no body");
    }
    if (llm_json_scan(x->raw.data, x->raw.len, note_member, members, &error)) {
        return llm_problem_make(
            LLM_PROBLEM_BAD_REQUEST, x->pool,
            "the body is not a JSON object: %s at byte %" APR_SIZE_T_FMT,
            error.what ? error.what : "malformed", error.offset);
    }
    return NULL;
}

static int ends_with(const char *path, const char *suffix)
{
    apr_size_t len = strcspn(path, "?"), tail = strlen(suffix);

    return len >= tail && !memcmp(path + len - tail, suffix, tail);
}

/* A native call: whatever it is, it passes; what can be read is. Where the
 * path names a model it is that one which answers, whatever the body says. */
static llm_problem_t *read_native(llm_exchange_t *x)
{
    const llm_dialect_t *dialect = x->native->dialect;
    members_t members;

    memset(&members, 0, sizeof(members));
    if (dialect->native_model) {
        x->model = dialect->native_model(x->native_rest, NULL, x->pool);
    }
    if (x->raw.len && !read_body(x, &members)) {
        if (!x->model) {
            x->model = model_of(members.model, x->pool);
        }
        if (members.models > 1 && *x->key_models) {
            /* its bytes pass, and a provider might read the other one */
            return llm_problem_field(x->pool, "model", "given twice");
        }
        x->stream = is_true(members.stream);
        note_labels(x, &members);
        note_store(x, &members);
        x->native_chat = x->model && dialect->chat_path && dialect->pass_request
                         && ends_with(x->native_rest, dialect->chat_path);
    }
    return NULL;
}

/* The model, and with it the wish to stream. */
static int is_said_in_path(const llm_exchange_t *x)
{
    return x->line && x->line->model;
}

/* What the body does not say, the path does: Ollama streams by default. */
static int is_streamed(const llm_exchange_t *x, const members_t *members)
{
    int is_said =
        members->stream.len && !llm_bytes_are(members->stream, "null");

    if (x->line && x->line->body_streams) {
        return is_true(members->stream);
    }
    return x->line && (x->line->model || !is_said) ? x->line->stream
                                                   : is_true(members->stream);
}

static llm_problem_t *stage_read(llm_exchange_t *x)
{
    members_t members;
    llm_problem_t *problem;

    if (x->native) {
        return read_native(x);
    }
    if (llm_form_is_asked(x)) {
        return llm_form_read(x);
    }
    memset(&members, 0, sizeof(members));
    problem = read_body(x, &members);
    if (!problem) {
        problem = read_model(x, &members);
    }
    if (!problem && !is_said_in_path(x) && !is_bool_or_null(members.stream)) {
        problem =
            llm_problem_field(x->pool, "stream", "expected true or false");
    }
    if (!problem) {
        x->stream = x->op == LLM_OP_CHAT && is_streamed(x, &members);
        x->pieces = number_of(members.n, x->pool);
        note_store(x, &members);
        note_labels(x, &members);
    }
    return problem;
}

/* ---- admit ------------------------------------------------------------ */

static llm_problem_t *stage_admit(llm_exchange_t *x)
{
    llm_problem_t *problem;

    if (llm_pattern_list_has(x->key_models, x->model ? x->model : "",
                             x->pool)) {
        return NULL;
    }
    problem = llm_problem_make(LLM_PROBLEM_FORBIDDEN, x->pool,
                               "this key may not use the model '%s'",
                               x->model ? x->model : "(none named)");
    problem->param = "model";
    problem->code = "model_not_allowed";
    return problem;
}

/* ---- plan ------------------------------------------------------------- */

static void plan_native(llm_exchange_t *x)
{
    llm_upstream_t *upstream;

    x->plan = apr_array_make(x->pool, 1, sizeof(llm_upstream_t));
    upstream = apr_array_push(x->plan);
    upstream->provider = x->native;
    upstream->model = x->model;
}

/* Can the upstream that would be asked first count tokens? */
static int is_counted_there(const llm_exchange_t *x)
{
    const llm_upstream_t *first = (const llm_upstream_t *)(void *)x->plan->elts;

    return x->plan->nelts
           && (first->provider->dialect->provider_ops & LLM_OP_COUNT);
}

/* Takes out the upstreams whose provider does not do this at all. */
static void keep_able(llm_exchange_t *x)
{
    llm_upstream_t *upstreams = (llm_upstream_t *)(void *)x->plan->elts;
    int kept = 0;

    for (int i = 0; i < x->plan->nelts; ++i) {
        if (upstreams[i].provider->dialect->provider_ops & (unsigned)x->op) {
            upstreams[kept++] = upstreams[i];
        }
    }
    x->plan->nelts = kept;
}

static llm_problem_t *stage_plan(llm_exchange_t *x)
{
    llm_bytes_t matched = {"", 0};
    llm_problem_t *problem;

    if (x->native) {
        plan_native(x);
        return NULL;
    }
    x->route = llm_route_match(x->policy->models, x->model, &matched);
    if (!x->route) {
        problem =
            llm_problem_make(LLM_PROBLEM_NOT_FOUND, x->pool,
                             "the model '%s' is not known here", x->model);
        problem->param = "model";
        problem->code = "model_not_found";
        return problem;
    }
    x->plan = llm_route_plan(x->route, matched, x->dice, x->pool);
    if (x->op == LLM_OP_COUNT && !is_counted_there(x)) {
        return llm_count_reply(x);
    }
    keep_able(x);
    if (!x->plan->nelts) {
        return llm_problem_field(x->pool, "model",
                                 "the model '%s' does not do this", x->model);
    }
    return NULL;
}

/* ----------------------------------------------------------------------- */

static const llm_stage_t stages[] = {
    {"label", llm_tags_from_header}, /* the client's own words on it */
    {"read", stage_read},   /* the client's bytes: model, stream, user */
    {"admit", stage_admit}, /* what the key may do */
    {"plan", stage_plan},   /* which upstreams, in which order */
};

llm_problem_t *llm_flow_begin(llm_exchange_t *x)
{
    for (apr_size_t i = 0; i < sizeof(stages) / sizeof(*stages); ++i) {
        x->problem = stages[i].run(x);
        if (x->problem) {
            return x->problem;
        }
    }
    return NULL;
}

llm_abort_t llm_flow_on_abort(const llm_exchange_t *x)
{
    return x->key_on_abort.what                  ? x->key_on_abort
           : x->route && x->route->on_abort.what ? x->route->on_abort
                                                 : x->policy->on_abort;
}

/* The whole body as a tree, once. */
static llm_problem_t *read_document(llm_exchange_t *x)
{
    llm_json_error_t error = {0, NULL};

    if (!x->doc
        && llm_json_read(&x->doc, x->raw.data, x->raw.len, &error, x->pool)) {
        return llm_problem_make(
            LLM_PROBLEM_BAD_REQUEST, x->pool,
            "the body is not valid JSON: %s at byte %" APR_SIZE_T_FMT,
            error.what ? error.what : "malformed", error.offset);
    }
    return NULL;
}

llm_problem_t *llm_exchange_ask(llm_exchange_t *x)
{
    llm_ask_t *ask;
    llm_problem_t *problem;

    if (x->ask) {
        return NULL;
    }
    problem = read_document(x);
    if (!problem) {
        problem = x->client->read_request(&ask, x->op, x->doc, x->pool);
    }
    if (!problem) {
        ask->answer_limit = x->policy->answer_limit;
        ask->began = x->began;
        ask->clock = &x->now;
        if (x->line) { /* what the path says is not in the body */
            ask->model = x->model;
            ask->stream = x->stream;
            ask->as_array = x->line->as_array;
        }
        x->ask = ask;
    }
    return problem;
}
