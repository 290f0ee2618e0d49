/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One upstream after the other: compose the request, and when it fails decide
 * whether the next one may try. What happens to an answer is in stream.c.
 */
#include <apr_strings.h>
#include <string.h>

#include "core/llm_json.h"
#include "core/llm_redact.h"
#include "dialect/common.h"
#include "dialect/limits.h"
#include "flow/form.h"
#include "flow/head.h"
#include "flow/stream_internal.h"

/* ---- composing -------------------------------------------------------- */

/* The client's bytes as they are: a native call outside the chat API. */
static void compose_untouched(llm_exchange_t *x, llm_request_t *request,
                              apr_pool_t *pool)
{
    if (x->raw.len) {
        request->body = apr_palloc(pool, sizeof(*request->body));
        request->body[0] = x->raw;
        request->body_count = 1;
    }
}

static llm_problem_t *compose_native(llm_attempt_t *attempt)
{
    llm_exchange_t *x = attempt->x;
    const llm_provider_t *provider = attempt->upstream.provider;
    const llm_dialect_t *dialect = provider->dialect;
    llm_request_t *request = &attempt->request;

    llm_head_from_client(request->headers, x->headers_in);
    if (x->native_chat) {
        llm_problem_t *problem = dialect->pass_request(
            request, LLM_OP_CHAT, x->raw, x->model, provider,
            &attempt->hide_usage, attempt->pool);

        if (problem) {
            return problem;
        }
    }
    else {
        compose_untouched(x, request, attempt->pool);
    }
    request->method = x->native_method;
    request->path =
        dialect->native_path
            ? dialect->native_path(provider, x->native_rest, attempt->pool)
            : llm_dialect_native_path(provider, x->native_rest, attempt->pool);
    return NULL;
}

static llm_problem_t *compose_passed(llm_attempt_t *attempt)
{
    llm_exchange_t *x = attempt->x;
    llm_request_t *request = &attempt->request;
    llm_problem_t *problem;

    llm_head_from_client(request->headers, x->headers_in);
    request->line = x->line;
    problem = attempt->dialect->pass_request(
        request, x->op, x->raw, attempt->upstream.model,
        attempt->upstream.provider, &attempt->hide_usage, attempt->pool);
    /* "?beta=true" of Anthropic's clients; a dialect's own addresses and lines
     * have queries of their own */
    if (!problem && x->query && *x->query && !x->line
        && attempt->dialect == x->client && !strchr(request->path, '?')) {
        request->path =
            apr_pstrcat(attempt->pool, request->path, "?", x->query, NULL);
    }
    /* what cannot be read here is the provider's to refuse, in its words */
    if (!problem && x->op == LLM_OP_CHAT && attempt->dialect->answers_apart
        && attempt->dialect->answers_apart(attempt->upstream.provider,
                                           attempt->upstream.model, x->raw)
        && !llm_exchange_ask(x)) {
        attempt->pass = 0;
    }
    return problem;
}

/* What was left out, in the client's words. */
static void rename_dropped(llm_attempt_t *attempt)
{
    apr_array_header_t *dropped = attempt->request.dropped;
    int i;

    for (i = 0; i < dropped->nelts; ++i) {
        const char **path = &APR_ARRAY_IDX(dropped, i, const char *);

        *path =
            llm_path_renamed(*path, attempt->x->client->names, attempt->pool);
    }
}

/* Where nothing may be left out: the first of what was. */
static llm_problem_t *refuse_dropped(const llm_attempt_t *attempt)
{
    const apr_array_header_t *dropped = attempt->request.dropped;

    if (attempt->request.unsupported != LLM_UNSUPPORTED_STRICT
        || !dropped->nelts) {
        return NULL;
    }
    return llm_problem_unsupported(APR_ARRAY_IDX(dropped, 0, const char *),
                                   NULL, attempt->pool);
}

static llm_problem_t *compose_translated(llm_attempt_t *attempt)
{
    llm_exchange_t *x = attempt->x;
    llm_problem_t *problem = llm_exchange_ask(x);

    if (!problem) {
        problem = attempt->dialect->write_request(
            &attempt->request, x->ask, attempt->upstream.model,
            attempt->upstream.provider, attempt->pool);
    }
    if (problem) {
        return llm_problem_renamed(problem, x->client->names, attempt->pool);
    }
    rename_dropped(attempt);
    return refuse_dropped(attempt);
}

static int add_header(void *baton, const char *name, const char *value)
{
    apr_table_setn(baton, name, value);
    return 1;
}

static llm_problem_t *compose(llm_attempt_t *attempt)
{
    llm_exchange_t *x = attempt->x;
    const llm_provider_t *provider = attempt->upstream.provider;
    llm_request_t *request = &attempt->request;
    llm_problem_t *problem;

    request->headers = apr_table_make(attempt->pool, 16);
    request->dropped = apr_array_make(attempt->pool, 4, sizeof(char *));
    request->unsupported = x->policy->unsupported;
    attempt->dialect = x->native
                           ? provider->dialect
                           : llm_dialect_for(provider, x->client,
                                             attempt->upstream.model, x->op);
    attempt->pass =
        x->native || llm_dialect_passes(x->client, attempt->dialect, x->op);
    problem = x->native       ? compose_native(attempt)
              : attempt->pass ? compose_passed(attempt)
                              : compose_translated(attempt);
    if (!problem && !x->native && provider->dialect->place) {
        problem = provider->dialect->place(
            request, provider, attempt->upstream.model, attempt->pool);
    }
    if (problem) {
        return problem;
    }
    if (!x->native && !llm_form_is_asked(x)) {
        apr_table_setn(request->headers, "Content-Type", "application/json");
    }
    if (attempt->dialect->add_headers) {
        attempt->dialect->add_headers(request->headers, provider);
    }
    if (provider->headers) {
        apr_table_do(add_header, request->headers, provider->headers, NULL);
    }
    return NULL;
}

/* ---- one after the other ---------------------------------------------- */

/* What an attempt that failed had already told. */
static void forget_answer(llm_exchange_t *x)
{
    llm_usage_clear(&x->usage);
    memset(&x->text, 0, sizeof(x->text));
    memset(&x->thoughts, 0, sizeof(x->thoughts));
    x->served = NULL;
    x->tier = NULL;
    x->finish = LLM_FINISH_NONE;
    x->first_token = 0;
    x->sent = 0;
}

static llm_attempt_t *make_attempt(llm_exchange_t *x, apr_time_t now)
{
    llm_attempt_t *attempt;
    apr_pool_t *pool;

    apr_pool_create(&pool, x->pool);
    apr_pool_tag(pool, "llm_attempt");
    attempt = apr_pcalloc(pool, sizeof(*attempt));
    attempt->pool = pool;
    attempt->x = x;
    attempt->upstream = APR_ARRAY_IDX(x->plan, x->next++, llm_upstream_t);
    attempt->http = llm_http1_make(pool);
    attempt->began = now;
    APR_ARRAY_PUSH(x->attempts, llm_attempt_t *) = attempt;
    x->current = attempt;
    forget_answer(x);
    return attempt;
}

/* The one that failed once more: its credentials are other ones now. */
static int goes_back(llm_exchange_t *x)
{
    if (!x->current || x->current->state != LLM_ATTEMPT_FAILED
        || !x->current->again || x->client_gone) {
        return 0;
    }
    x->current->again = 0;
    --x->next;
    return 1;
}

static int has_next(const llm_exchange_t *x)
{
    return !x->client_gone && x->next < x->plan->nelts
           && x->next <= x->policy->retries;
}

llm_attempt_t *llm_flow_next(llm_exchange_t *x, apr_time_t now)
{
    int is_again = goes_back(x);

    if (x->reply.ready && !x->current) {
        return NULL; /* nobody has to be asked */
    }
    if (x->current && !is_again
        && (x->current->state != LLM_ATTEMPT_FAILED || !has_next(x)
            || !llm_problem_is_retryable(x->problem))) {
        return NULL;
    }
    do {
        llm_attempt_t *before = x->current, *attempt = make_attempt(x, now);

        x->problem = llm_cost_refuse(x, &attempt->upstream);
        if (!x->problem) {
            x->problem = compose(attempt);
        }
        if (!x->problem) {
            attempt->is_again = is_again;
            return attempt;
        }
        is_again = 0;
        /* this provider cannot be asked that; the next one perhaps can.
         * It was not asked, so it is no attempt. */
        apr_array_pop(x->attempts);
        x->current = before;
    } while (has_next(x));
    return NULL;
}

void llm_attempt_sent(llm_attempt_t *attempt, apr_time_t now)
{
    (void)now;
    if (attempt->state == LLM_ATTEMPT_READY) {
        attempt->state = LLM_ATTEMPT_SENT;
    }
    attempt->x->sent = 1;
}

static int is_over(const llm_attempt_t *attempt)
{
    return attempt->state == LLM_ATTEMPT_DONE
           || attempt->state == LLM_ATTEMPT_FAILED;
}

static void note_end(llm_attempt_t *attempt, apr_time_t now)
{
    if (is_over(attempt)) {
        attempt->keep =
            attempt->http->state == LLM_HTTP1_DONE && attempt->http->keep;
        attempt->ended = now;
    }
}

void llm_attempt_feed(llm_attempt_t *attempt, const char *data, apr_size_t len,
                      apr_time_t now)
{
    if (is_over(attempt)) {
        return;
    }
    /* some servers answer before they have read the whole request */
    llm_attempt_sent(attempt, now);
    if (!attempt->first_byte) {
        attempt->first_byte = now;
    }
    llm_stream_feed(attempt, data, len, now);
    note_end(attempt, now);
}

void llm_attempt_close(llm_attempt_t *attempt, apr_time_t now)
{
    if (!is_over(attempt)) {
        llm_stream_close(attempt, now);
        note_end(attempt, now);
    }
}

void llm_attempt_fail(llm_attempt_t *attempt, llm_problem_t *problem,
                      apr_time_t now)
{
    if (!is_over(attempt)) {
        llm_stream_fail(attempt, problem, now);
        attempt->ended = now;
    }
}

/* ---- the end without an answer ---------------------------------------- */

/* {"error": {...}}, as most client dialects have it. Servers that speak a
 * dialect may still say errors in words of their own ("error": "text", a page
 * of HTML), which its clients could not read. */
static int is_clients_error(const llm_attempt_t *attempt)
{
    const llm_dialect_t *client = attempt->x->client;
    const llm_json_t *doc;

    if (llm_json_read(&doc, attempt->error_body.data, attempt->error_body.len,
                      NULL, attempt->pool)) {
        return 0;
    }
    return client->is_problem
               ? client->is_problem(doc)
               : llm_json_is(llm_json_get(doc, "error"), LLM_JSON_OBJECT);
}

/* The provider's own words, where the client speaks its dialect. */
static int has_own_words(const llm_attempt_t *attempt)
{
    return attempt && attempt->pass && attempt->problem
           && attempt->problem == attempt->x->problem
           && attempt->problem->from_upstream && attempt->error_body.len
           && (attempt->x->native || is_clients_error(attempt));
}

static void copy_own_words(llm_exchange_t *x, const llm_attempt_t *attempt)
{
    const char *type = apr_table_get(attempt->http->headers, "Content-Type");

    /* an error may have come as 200 */
    x->reply.status = attempt->http->status >= 400 ? attempt->http->status
                                                   : x->problem->status;
    x->reply.content_type = type ? type : "application/json";
    if (attempt->http->status == 401) {
        /* they quote the key they were given, and it is ours */
        llm_buf_puts(
            x->out, llm_redact(apr_pstrmemdup(x->pool, attempt->error_body.data,
                                              attempt->error_body.len),
                               x->pool));
        return;
    }
    llm_buf_append(x->out, attempt->error_body.data, attempt->error_body.len);
}

void llm_flow_reply_problem(llm_exchange_t *x)
{
    const llm_attempt_t *attempt = x->current;
    llm_reply_t *reply = &x->reply;

    llm_buf_clear(x->out);
    apr_table_clear(reply->headers);
    if (attempt && attempt->problem == x->problem
        && x->problem->from_upstream) {
        llm_head_from_provider(reply->headers, attempt->http->headers,
                               x->problem->status, attempt->pass);
    }
    if (x->problem->retry_after >= 0) {
        apr_table_setn(reply->headers, "Retry-After",
                       apr_itoa(x->pool, x->problem->retry_after));
    }
    if (has_own_words(attempt)) {
        copy_own_words(x, attempt);
    }
    else {
        reply->status = x->problem->status;
        reply->content_type = "application/json";
        x->client->write_problem(x->out, x->problem, x->request_id);
    }
    reply->whole = 1;
    reply->ready = 1;
}
