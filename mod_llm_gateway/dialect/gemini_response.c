/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Gemini's whole answers and errors.
 *
 * An answer has candidates, each with parts: text, thinking (text with
 * `thought`), function calls, pictures, and what server-side tools did. A
 * prompt that was blocked is a success without candidates. Errors are an
 * object, or an array that holds one (streamGenerateContent); how long to wait
 * is not a header but one of the error's details.
 *
 * The body may also be an array of a stream's chunks: what streamGenerateContent
 * gives to those who do not ask for events, and what an intermediary may make
 * of them. It is read by the stream's reader, whose deltas are put together.
 */
#include "dialect/gemini_internal.h"

#include <stdlib.h>
#include <string.h>

#include <apr_lib.h>
#include <apr_strings.h>

#define SORTED_MAX 64 /* more candidates stay as they came */

/* ---- errors ---- */

static const llm_json_t *error_in(const llm_json_t *doc)
{
    if (llm_json_is(doc, LLM_JSON_ARRAY)) {
        doc = doc->child;
    }
    return llm_json_want(doc, "error");
}

/* "34.4s" of google.rpc.RetryInfo, rounded up; -1 when not told. */
static int retry_delay(const llm_json_t *details, apr_pool_t *pool)
{
    const llm_json_t *detail;
    const char *text;
    char *end;
    double value;

    if (!llm_json_is(details, LLM_JSON_ARRAY)) {
        return -1;
    }
    for (detail = details->child; detail; detail = detail->next) {
        text = llm_json_string(llm_json_get(detail, "retryDelay"), pool);
        if (text) {
            value = strtod(text, &end);
            if (end != text && *end == 's' && value >= 0 && value < 1e9) {
                return (int)value + (value > (double)(int)value);
            }
        }
    }
    return -1;
}

/* google.rpc.ErrorInfo: "API_KEY_INVALID". */
static const char *error_reason(const llm_json_t *details, apr_pool_t *pool)
{
    const llm_json_t *detail;
    const char *reason = NULL;

    if (llm_json_is(details, LLM_JSON_ARRAY)) {
        for (detail = details->child; detail && !reason;
             detail = detail->next) {
            reason = llm_json_string(llm_json_get(detail, "reason"), pool);
        }
    }
    return reason;
}

llm_problem_t *llm_gemini_read_problem(int status, const apr_table_t *headers,
                                       const llm_json_t *doc, llm_bytes_t body,
                                       apr_pool_t *pool)
{
    const llm_json_t *error = error_in(doc);
    const llm_json_t *details = llm_json_get(error, "details");
    const char *message = llm_json_string(llm_json_get(error, "message"), pool);
    const char *reason = error_reason(details, pool);
    llm_problem_t *problem;
    int delay;

    if (!message) { /* OAuth's form, and what is no JSON at all */
        message = llm_json_string(error, pool);
    }
    if (!message && !doc && body.len && *body.data != '<') {
        message =
            apr_pstrmemdup(pool, body.data, body.len < 500 ? body.len : 500);
    }
    /* Google calls a bad key a bad request; the client's was not bad. */
    if (status == 400 && reason && !strcmp(reason, "API_KEY_INVALID")) {
        status = 401;
    }
    problem = llm_problem_from_provider(
        status, headers, message,
        llm_json_string(llm_json_get(error, "status"), pool),
        status == 404 ? "model_not_found" : reason, pool);
    delay = retry_delay(details, pool);
    if (delay >= 0) {
        problem->retry_after = delay;
    }
    return problem;
}

llm_problem_t *llm_gemini_problem_in(const llm_json_t *doc, apr_pool_t *pool)
{
    const llm_json_t *error = error_in(doc);
    llm_bytes_t none = {NULL, 0};
    apr_int64_t status = 502;

    if (!error) {
        return NULL;
    }
    llm_json_int(llm_json_get(error, "code"), &status);
    if (status < 400 || status > 599) {
        status = 502;
    }
    return llm_gemini_read_problem((int)status, NULL, doc, none, pool);
}

/* ---- logprobs ---- */

static void put_token(llm_buf_t *out, const llm_json_t *token)
{
    llm_put_comma(out);
    llm_buf_putc(out, '{');
    llm_put_text_member(out, "token",
                        llm_json_text(llm_json_get(token, "token")));
    llm_put_member(out, "logprob", llm_json_get(token, "logProbability"));
    llm_put_raw_member(out, "bytes", "null");
}

const llm_json_t *llm_gemini_logprobs(const llm_json_t *candidate,
                                      apr_pool_t *pool)
{
    const llm_json_t *result = llm_json_want(candidate, "logprobsResult");
    const llm_json_t *chosen = llm_json_get(result, "chosenCandidates");
    const llm_json_t *top = llm_json_get(result, "topCandidates");
    const llm_json_t *token, *other, *doc;
    llm_buf_t *out;

    if (!llm_json_is(chosen, LLM_JSON_ARRAY)) {
        return NULL;
    }
    top = llm_json_is(top, LLM_JSON_ARRAY) ? top->child : NULL;
    out = llm_buf_make(0, pool);
    llm_buf_lit(out, "{\"content\":[");
    for (token = chosen->child; token; token = token->next) {
        put_token(out, token);
        llm_put_name(out, "top_logprobs");
        llm_buf_putc(out, '[');
        other = llm_json_get(top, "candidates");
        other = llm_json_is(other, LLM_JSON_ARRAY) ? other->child : NULL;
        for (; other; other = other->next) {
            put_token(out, other);
            llm_buf_putc(out, '}');
        }
        llm_buf_lit(out, "]}");
        top = top ? top->next : NULL;
    }
    llm_buf_lit(out, "],\"refusal\":null}");
    return llm_json_read(&doc, out->data, out->len, NULL, pool) ? NULL : doc;
}

/* ---- calls ---- */

const char *llm_gemini_seed(const llm_ask_t *ask, const char *id,
                            apr_pool_t *pool)
{
    const llm_answer_t nameless = {.id = NULL};

    return apr_pstrcat(pool, llm_answer_seed(ask, &nameless, pool),
                       id ? id : "", NULL);
}

llm_call_t *llm_gemini_read_call(const llm_json_t *part,
                                 const llm_json_t *function_call,
                                 const char *seed, int number, apr_pool_t *pool)
{
    llm_call_t *call = apr_pcalloc(pool, sizeof(*call));
    const llm_json_t *args = llm_json_get(function_call, "args");
    const char *id = llm_json_string(llm_json_get(function_call, "id"), pool);
    int given = id && *id;

    call->name = llm_json_text(llm_json_get(function_call, "name"));
    call->signature =
        llm_json_string(llm_json_get(part, "thoughtSignature"), pool);
    call->args = llm_json_is(args, LLM_JSON_OBJECT) ? args->raw
                                                    : LLM_BYTES_LITERAL("{}");
    call->id = llm_gemini_id_pack(
        given ? id : llm_call_id_make("call_", seed, number, pool), given,
        call->signature, pool);
    return call;
}

/* ---- whole answers ---- */

typedef struct content_t {
    const llm_ask_t *ask;
    const char *seed;
    int calls; /* of all candidates: ids are unique in the answer */
    apr_pool_t *pool;
} content_t;

/* The signature of a text part, for clients that asked to see thinking. */
static void add_signature(const content_t *c, llm_parts_t *parts,
                          const llm_json_t *part)
{
    llm_text_t signature =
        llm_json_text(llm_json_get(part, "thoughtSignature"));
    llm_part_t *last = parts->last;

    if (llm_text_is_empty(signature) || c->ask->thinking <= 0) {
        return;
    }
    if (!last || last->kind != LLM_PART_THINKING) {
        last = llm_parts_add_text(parts, LLM_PART_THINKING,
                                  LLM_TEXT_LITERAL(""), c->pool);
    }
    last->signature = llm_gemini_mark_signature(signature, c->pool);
}

const llm_media_t *llm_gemini_read_shown(const llm_json_t *part,
                                         apr_pool_t *pool)
{
    const llm_json_t *data = llm_gemini_want(part, "inlineData");
    llm_media_t *media;

    if (!data || llm_json_is_true(llm_json_get(part, "thought"))) {
        return NULL;
    }
    media = apr_pcalloc(pool, sizeof(*media));
    media->base64 = llm_json_text(llm_json_get(data, "data"));
    media->media_type =
        llm_json_string(llm_gemini_want(data, "mimeType"), pool);
    return llm_text_is_empty(media->base64) ? NULL : media;
}

static void add_part(content_t *c, llm_parts_t *parts, const llm_json_t *part,
                     int *pcalls)
{
    const llm_json_t *text = llm_json_want(part, "text");
    const llm_json_t *call = llm_json_want(part, "functionCall");
    const llm_media_t *shown = llm_gemini_read_shown(part, c->pool);

    if (text) {
        int thought = llm_json_is_true(llm_json_get(part, "thought"));

        if (!thought) {
            add_signature(c, parts, part);
        }
        if (llm_json_text(text).len) {
            llm_parts_add_text(parts,
                               thought ? LLM_PART_THINKING : LLM_PART_TEXT,
                               llm_json_text(text), c->pool);
        }
    }
    else if (llm_json_is(call, LLM_JSON_OBJECT)) {
        if (!llm_text_is_empty(llm_json_text(llm_json_get(call, "name")))
            && (!*pcalls || !llm_json_is(c->ask->parallel, LLM_JSON_FALSE))) {
            llm_parts_add(parts, LLM_PART_TOOL_CALL, c->pool)->call =
                llm_gemini_read_call(part, call, c->seed, c->calls++, c->pool);
            ++*pcalls;
        }
    }
    else if (shown) {
        add_signature(c, parts, part);
        llm_parts_add_shown(parts, shown, c->pool);
    }
    else if (llm_json_is(part, LLM_JSON_OBJECT) && part->count) {
        llm_parts_add(parts, LLM_PART_PROVIDER, c->pool)->raw = part;
    }
}

/* A run of texts, which is how Gemini cuts one, becomes one text: clients of
 * other dialects look at the first. */
static void join_texts(llm_part_t *part, apr_pool_t *pool)
{
    for (; part; part = part->next) {
        llm_part_t *end = part->next;
        apr_size_t len = part->text.len;
        char *at;

        if (part->media) {
            continue;
        }
        if (part->kind != LLM_PART_TEXT
            && (part->kind != LLM_PART_THINKING || part->signature.data)) {
            continue;
        }
        for (; end && end->kind == part->kind && !end->signature.data
               && !end->media;
             end = end->next) {
            len += end->text.len;
        }
        if (end == part->next) {
            continue;
        }
        at = apr_palloc(pool, len);
        memcpy(at, part->text.data, part->text.len);
        part->text.data = at;
        for (at += part->text.len; part->next != end;
             part->next = part->next->next) {
            memcpy(at, part->next->text.data, part->next->text.len);
            at += part->next->text.len;
        }
        part->text.len = len;
    }
}

/* By index, as clients expect them; there are eight at most. */
static llm_choice_t *sort_choices(llm_choice_t *from)
{
    llm_choice_t *sorted = NULL, **at, *next;
    int count = 0;

    for (next = from; next; next = next->next) {
        ++count;
    }
    if (count > SORTED_MAX) {
        return from;
    }
    for (; from; from = next) {
        next = from->next;
        for (at = &sorted; *at && (*at)->index <= from->index;
             at = &(*at)->next) {
        }
        from->next = *at;
        *at = from;
    }
    return sorted;
}

/* They are told for the candidate. */
static void add_cites(content_t *c, const llm_json_t *candidate,
                      llm_part_t *parts)
{
    llm_gemini_said_t said = {parts, NULL};
    llm_cites_t cites = {NULL, NULL};

    llm_gemini_read_cites(&cites, candidate, &said, c->pool);
    llm_parts_cite(parts, cites.first, c->pool);
}

static void add_candidate(content_t *c, llm_choices_t *choices,
                          const llm_json_t *candidate, int position)
{
    const llm_json_t *part = llm_json_path(candidate, "content", "parts", NULL);
    llm_parts_t parts = {NULL, NULL};
    apr_int64_t index = position;
    llm_choice_t *choice;
    int calls = 0;

    if (llm_json_int(llm_json_get(candidate, "index"), &index)
        && (index < 0 || index > 1000)) {
        index = position;
    }
    choice = llm_choices_add(choices, (int)index, c->pool);
    part = llm_json_is(part, LLM_JSON_ARRAY) ? part->child : NULL;
    for (; part; part = part->next) {
        add_part(c, &parts, part, &calls);
    }
    join_texts(parts.first, c->pool);
    choice->parts = parts.first;
    add_cites(c, candidate, parts.first);
    choice->finish =
        llm_gemini_finish(llm_json_get(candidate, "finishReason"), calls);
    if (choice->finish == LLM_FINISH_NONE) {
        choice->finish = calls ? LLM_FINISH_TOOL_CALLS : LLM_FINISH_STOP;
    }
    choice->logprobs = llm_gemini_logprobs(candidate, c->pool);
}

static llm_problem_t *read_chat(llm_answer_t *answer, const llm_ask_t *ask,
                                const llm_json_t *doc, apr_pool_t *pool)
{
    const llm_json_t *list = llm_json_get(doc, "candidates");
    const llm_json_t *candidate =
        llm_json_is(list, LLM_JSON_ARRAY) ? list->child : NULL;
    content_t c = {.ask = ask, .pool = pool};
    llm_choices_t choices = {NULL, NULL};
    int position = 0;

    c.seed = llm_gemini_seed(ask, answer->id, pool);
    for (; candidate; candidate = candidate->next) {
        add_candidate(&c, &choices, candidate, position++);
    }
    if (!choices.first) {
        if (!llm_json_want(doc, "promptFeedback")
            && !llm_json_want(doc, "usageMetadata")) {
            return llm_problem_make(LLM_PROBLEM_UPSTREAM, pool,
                                    "the provider sent no answer: neither "
                                    "candidates nor promptFeedback");
        }
        llm_choices_add(&choices, 0, pool)->finish =
            llm_gemini_is_blocked(doc) ? LLM_FINISH_FILTERED : LLM_FINISH_OTHER;
    }
    answer->choices = sort_choices(choices.first);
    return NULL;
}

/* ---- an array of chunks ---- */

/* A choice put together from deltas. */
typedef struct gathered_t {
    llm_choice_t *choice;
    llm_parts_t parts;
    llm_buf_t *args; /* of the call that is open, escaped; NULL for none */
} gathered_t;

typedef struct gather_t {
    llm_answer_t *answer;
    llm_choices_t choices;
    apr_array_header_t *rows; /* of gathered_t * */
    llm_problem_t *problem;
    apr_pool_t *pool;
} gather_t;

static gathered_t *gathered_choice(gather_t *g, int index)
{
    gathered_t *row;
    int i;

    for (i = 0; i < g->rows->nelts; ++i) {
        row = APR_ARRAY_IDX(g->rows, i, gathered_t *);
        if (row->choice->index == index) {
            return row;
        }
    }
    row = apr_pcalloc(g->pool, sizeof(*row));
    row->choice = llm_choices_add(&g->choices, index, g->pool);
    APR_ARRAY_PUSH(g->rows, gathered_t *) = row;
    return row;
}

static llm_text_t copy_text(llm_text_t text, apr_pool_t *pool)
{
    text.data = apr_pstrmemdup(pool, text.data, text.len);
    return text;
}

/* The bytes stay where they are: in the document. */
static const llm_media_t *copy_media(const llm_media_t *media, apr_pool_t *pool)
{
    llm_media_t *copy = apr_pmemdup(pool, media, sizeof(*copy));

    copy->media_type = apr_pstrdup(pool, media->media_type);
    return copy;
}

static llm_problem_t *copy_problem(const llm_problem_t *problem,
                                   apr_pool_t *pool)
{
    llm_problem_t *copy = apr_pmemdup(pool, problem, sizeof(*copy));

    copy->message = apr_pstrdup(pool, problem->message);
    copy->param = apr_pstrdup(pool, problem->param);
    copy->code = apr_pstrdup(pool, problem->code);
    copy->type = apr_pstrdup(pool, problem->type);
    copy->detail = apr_pstrdup(pool, problem->detail);
    return copy;
}

/* The fragments of a call's arguments are one string now. */
static void close_call(gather_t *g, gathered_t *row)
{
    llm_text_t text;

    if (row->args) {
        text.data = row->args->data;
        text.len = row->args->len;
        llm_args_from_text(&((llm_call_t *)row->parts.last->call)->args, text,
                           g->pool);
        row->args = NULL;
    }
}

static void gather(void *baton, const llm_delta_t *delta)
{
    gather_t *g = baton;
    gathered_t *row;
    llm_call_t *call;

    switch (delta->kind) {
    case LLM_DELTA_BEGIN:
        g->answer->id = apr_pstrdup(g->pool, delta->id);
        g->answer->model = apr_pstrdup(g->pool, delta->model);
        g->answer->created = delta->created;
        return;
    case LLM_DELTA_USAGE:
        *g->answer->usage = *delta->usage;
        return;
    case LLM_DELTA_PROBLEM:
        g->problem = copy_problem(delta->problem, g->pool);
        return;
    case LLM_DELTA_END:
        return;
    default:
        break;
    }
    row = gathered_choice(g, delta->choice);
    if (delta->kind != LLM_DELTA_ARGS) {
        close_call(g, row);
    }
    switch (delta->kind) {
    case LLM_DELTA_TEXT:
    case LLM_DELTA_THINKING:
        if (delta->media) {
            llm_parts_add_shown(&row->parts, copy_media(delta->media, g->pool),
                                g->pool);
            break;
        }
        llm_parts_add_text(&row->parts,
                           delta->kind == LLM_DELTA_TEXT ? LLM_PART_TEXT
                                                         : LLM_PART_THINKING,
                           copy_text(delta->text, g->pool), g->pool);
        break;
    case LLM_DELTA_SIGNATURE:
        llm_parts_add_text(&row->parts, LLM_PART_THINKING, LLM_TEXT_LITERAL(""),
                           g->pool)
            ->signature = copy_text(delta->text, g->pool);
        break;
    case LLM_DELTA_CALL:
        call = apr_pcalloc(g->pool, sizeof(*call));
        call->id = apr_pstrdup(g->pool, delta->call->id);
        call->signature = apr_pstrdup(g->pool, delta->call->signature);
        call->name = copy_text(delta->call->name, g->pool);
        llm_parts_add(&row->parts, LLM_PART_TOOL_CALL, g->pool)->call = call;
        row->args = llm_buf_make(0, g->pool);
        break;
    case LLM_DELTA_ARGS:
        if (row->args) {
            llm_buf_append(row->args, delta->text.data, delta->text.len);
        }
        break;
    case LLM_DELTA_FINISH:
        row->choice->finish = delta->finish;
        break;
    default:
        break;
    }
    row->choice->parts = row->parts.first;
}

static llm_problem_t *read_chunks(llm_answer_t *answer, const llm_ask_t *ask,
                                  const llm_json_t *doc, apr_pool_t *pool)
{
    gather_t g = {.answer = answer, .pool = pool};
    llm_reader_t *reader = llm_gemini_reader_make(ask, pool);
    const llm_json_t *chunk;
    llm_choice_t *choice;
    apr_pool_t *scratch;

    g.rows = apr_array_make(pool, 1, sizeof(gathered_t *));
    apr_pool_create(&scratch, pool);
    for (chunk = doc->child; chunk && !g.problem; chunk = chunk->next) {
        llm_gemini_read_chunk(reader, chunk, gather, &g, scratch);
        apr_pool_clear(scratch);
    }
    if (!g.problem) {
        llm_gemini_reader_end(reader, gather, &g, scratch);
    }
    apr_pool_destroy(scratch);
    answer->choices = sort_choices(g.choices.first);
    for (choice = answer->choices; choice; choice = choice->next) {
        join_texts(choice->parts, pool);
    }
    return g.problem;
}

static llm_problem_t *read_count(llm_answer_t *answer, const llm_json_t *doc,
                                 apr_pool_t *pool)
{
    return llm_json_int(llm_json_get(doc, "totalTokens"), &answer->tokens)
               ? NULL
               : llm_problem_make(LLM_PROBLEM_UPSTREAM, pool,
                                  "the provider sent no totalTokens");
}

llm_problem_t *llm_gemini_read_response(llm_answer_t **panswer,
                                        const llm_ask_t *ask,
                                        const llm_json_t *doc, apr_pool_t *pool)
{
    llm_problem_t *problem = llm_gemini_problem_in(doc, pool);
    llm_answer_t *answer = llm_answer_make(pool);

    *panswer = answer;
    if (problem) {
        return problem;
    }
    if (llm_json_is(doc, LLM_JSON_ARRAY) && ask->op == LLM_OP_CHAT) {
        return read_chunks(answer, ask, doc, pool);
    }
    if (ask->op == LLM_OP_COUNT) {
        return read_count(answer, doc, pool);
    }
    answer->id = llm_json_string(llm_json_want(doc, "responseId"), pool);
    answer->model = llm_json_string(llm_json_want(doc, "modelVersion"), pool);
    answer->created = llm_gemini_created(doc, pool);
    llm_gemini_read_usage(answer->usage, doc);
    if (ask->op != LLM_OP_EMBED) {
        return read_chat(answer, ask, doc, pool);
    }
    return llm_gemini_read_embed(answer, doc, pool);
}
