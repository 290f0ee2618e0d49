/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What can be asked of the gateway itself: is it well, which models are
 * there, and its rows in server-status.
 */
#include "httpd/llmgw.h"

#include <apr_optional_hooks.h>
#include <apr_strings.h>
#include <mod_status.h>

#include "core/llm_buf.h"
#include "core/llm_pattern.h"

#define POSTED_MAX 65536 /* a body that names a model */

/* ---- health ------------------------------------------------------------ */

/* For machines that only look at the status, and people who look at why. */
int llmgw_status_health(request_rec *r, llmgw_request_t *request)
{
    llm_problem_t *problem = llmgw_endpoint_problem(r, request);
    const llmgw_ledger_t *ledger = llmgw_shared_ledger();
    llm_buf_t *out = llm_buf_make(0, r->pool);
    const char *what;

    if (problem) {
        return llmgw_reply_problem(r, request, problem);
    }
    what = llmgw_shared_look(r, &problem);
    llm_buf_lit(out, "{\"status\":");
    llm_buf_put_string(out, problem ? "unavailable" : what ? "degraded" : "ok");
    if (what) {
        llm_buf_lit(out, ",\"reason\":");
        llm_buf_put_string(out, what);
    }
    if (ledger && ledger->unrecorded.count) {
        llm_buf_printf(out, ",\"unrecorded\":%" APR_UINT64_T_FMT,
                       ledger->unrecorded.count);
    }
    if (problem) {
        apr_table_setn(r->headers_out, "Retry-After",
                       apr_itoa(r->pool, problem->retry_after));
    }
    llm_buf_lit(out, "}\n");
    apr_table_setn(r->headers_out, "Cache-Control", "no-store");
    return llmgw_reply_json(r, request, problem ? problem->status : HTTP_OK,
                            out->data, out->len);
}

/* ---- models ------------------------------------------------------------ */

/* Names that can be asked for as they are: a wildcard is not one. */
static apr_array_header_t *list_models(request_rec *r,
                                       const llmgw_request_t *request)
{
    const apr_array_header_t *models = llmgw_server_of(r->server)->models;
    apr_array_header_t *names =
        apr_array_make(r->pool, models->nelts, sizeof(char *));

    for (int i = 0; i < models->nelts; ++i) {
        const char *name = APR_ARRAY_IDX(models, i, llm_model_t *)->name;

        if (!ap_strchr_c(name, '*')
            && llm_pattern_list_has(request->key.models, name, r->pool)) {
            APR_ARRAY_PUSH(names, const char *) = name;
        }
    }
    return names;
}

/* One that can be asked for, also by a wildcard. */
static llm_problem_t *check_model(request_rec *r,
                                  const llmgw_request_t *request)
{
    const char *name = request->model;
    llm_bytes_t matched;
    llm_problem_t *problem;

    if (llm_route_match(llmgw_server_of(r->server)->models, name, &matched)
        && llm_pattern_list_has(request->key.models, name, r->pool)) {
        return NULL;
    }
    problem = llm_problem_make(LLM_PROBLEM_NOT_FOUND, r->pool,
                               "the model '%.200s' is not known here", name);
    problem->param = "model";
    problem->code = "model_not_found";
    return problem;
}

static void note_name(void *baton, const llm_member_t *member)
{
    llm_bytes_t *value = baton;

    /* "name" is what Ollama called it at first */
    if (llm_text_equals(member->name, "model")
        || (!value->len && llm_text_equals(member->name, "name"))) {
        *value = member->value;
    }
}

/* The model that the body of a POST asks about. */
static llm_problem_t *read_name(request_rec *r, llmgw_request_t *request)
{
    llm_bytes_t body = {"", 0}, value = {NULL, 0};
    llm_problem_t *problem = NULL;
    const llm_json_t *node;

    if (llmgw_read_body(r, POSTED_MAX, &body, &problem) != OK || problem) {
        return problem ? problem
                       : llm_problem_make(LLM_PROBLEM_BAD_REQUEST, r->pool,
                                          "the body could not be read");
    }
    if (!llm_json_scan(body.data, body.len, note_name, &value, NULL)
        && value.len
        && !llm_json_read(&node, value.data, value.len, NULL, r->pool)) {
        request->model = llm_json_string(node, r->pool);
    }
    return request->model && *request->model
               ? NULL
               : llm_problem_field(r->pool, "model",
                                   "expected a JSON object that names one");
}

int llmgw_status_models(request_rec *r, llmgw_request_t *request)
{
    const llm_line_t *line = request->line;
    llm_problem_t *problem = llmgw_auth_check(r, request);
    llm_buf_t *out = llm_buf_make(0, r->pool);

    if (!problem) {
        problem = llmgw_endpoint_problem(r, request);
    }
    if (!problem && line && line->posted) {
        problem = read_name(r, request);
    }
    if (!problem && request->model) {
        problem = check_model(r, request);
    }
    if (problem) {
        return llmgw_reply_problem(r, request, problem);
    }
    if (line && line->fixed) {
        llm_buf_puts(out, line->fixed);
    }
    else if (request->model) {
        request->client->write_model(out, request->model, r->request_time,
                                     r->pool);
    }
    else {
        request->client->write_models(out, list_models(r, request),
                                      r->request_time, r->pool);
    }
    return llmgw_reply_json(r, request, HTTP_OK, out->data, out->len);
}

/* ---- server-status ----------------------------------------------------- */

typedef struct state_t {
    llm_health_t health;
    llmgw_ledger_t ledger;
    unsigned running, slots;
    apr_time_t now;
} state_t;

static apr_int64_t owner_ready(const state_t *state)
{
    return state->health.ready;
}

static apr_int64_t owner_silence(const state_t *state)
{
    return state->health.heartbeat
               ? apr_time_as_msec(state->now - state->health.heartbeat)
               : -1;
}

static apr_int64_t keys(const state_t *state)
{
    return state->health.keys;
}

static apr_int64_t records(const state_t *state)
{
    return (apr_int64_t)state->health.records;
}

static apr_int64_t backlog(const state_t *state)
{
    return (apr_int64_t)state->health.backlog;
}

static apr_int64_t damaged(const state_t *state)
{
    return (apr_int64_t)state->health.damaged;
}

static apr_int64_t refused(const state_t *state)
{
    return (apr_int64_t)state->ledger.refused.count;
}

static apr_int64_t unrecorded(const state_t *state)
{
    return (apr_int64_t)state->ledger.unrecorded.count;
}

static apr_int64_t running(const state_t *state)
{
    return state->running;
}

static apr_int64_t slots(const state_t *state)
{
    return state->slots;
}

/* One list for the page and for its machine-readable form. */
static const struct row_t {
    const char *name;  /* in server-status?auto */
    const char *title; /* on the page */
    apr_int64_t (*value)(const state_t *state);
} rows[] = {
    {"LLMOwnerReady", "store is open", owner_ready},
    {"LLMOwnerSilenceMs", "store's last sign of life, ms ago", owner_silence},
    {"LLMKeys", "keys in force", keys},
    {"LLMRequestsInFlight", "requests in flight", running},
    {"LLMRequestsInFlightMax", "slots for requests", slots},
    {"LLMUsageRecords", "usage records stored since the start", records},
    {"LLMUsageBacklog", "usage records to be stored", backlog},
    {"LLMUsageDamaged", "usage records damaged", damaged},
    {"LLMUsageUnrecorded", "requests whose usage was not recorded", unrecorded},
    {"LLMRequestsRefused", "requests refused for want of room or records",
     refused},
};

static void read_state(state_t *state)
{
    llm_inflight_t *inflight = llmgw_shared_inflight();

    llm_snapshot_health(llmgw_shared_snapshot(), &state->health);
    state->ledger = *llmgw_shared_ledger();
    state->now = apr_time_now();
    state->running = inflight ? llm_inflight_count(inflight) : 0;
    state->slots = inflight ? llm_inflight_size(inflight) : 0;
}

static int status_hook(request_rec *r, int flags)
{
    int is_short = flags & AP_STATUS_SHORT;
    state_t state;

    if (!llmgw_shared_snapshot()) {
        return OK;
    }
    read_state(&state);
    if (!is_short) {
        ap_rputs("<hr />\n<h2>LLM gateway</h2>\n<table border=\"0\">\n", r);
    }
    for (apr_size_t i = 0; i < sizeof(rows) / sizeof(*rows); ++i) {
        ap_rprintf(r,
                   is_short ? "%s: %" APR_INT64_T_FMT "\n"
                            : "<tr><th align=\"left\">%s</th>"
                              "<td>%" APR_INT64_T_FMT "</td></tr>\n",
                   is_short ? rows[i].name : rows[i].title,
                   rows[i].value(&state));
    }
    if (!is_short) {
        ap_rputs("</table>\n", r);
    }
    return OK;
}

/* Before each reading of the configuration: the hook is mod_status's, which
 * is loaded, or not, each time. */
static int pre_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp)
{
    (void)pconf;
    (void)plog;
    (void)ptemp;
    APR_OPTIONAL_HOOK(ap, status_hook, status_hook, NULL, NULL,
                      APR_HOOK_MIDDLE);
    return OK;
}

void llmgw_status_hooks(apr_pool_t *p)
{
    (void)p;
    ap_hook_pre_config(pre_config, NULL, NULL, APR_HOOK_MIDDLE);
}
