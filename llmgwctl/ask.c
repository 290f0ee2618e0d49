/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Talking with the store: a request is made, its rows are handed on, its
 * result or its error becomes an exit status.
 *
 * Each request carries an id of its own, so that the store can tell an edit
 * that is sent again from a second one.
 */
#include "llmgwctl/ctl.h"

#include <string.h>

#include <apr_strings.h>

#include "core/llm_key.h"
#include "core/llm_record.h"
#include "core/llm_time.h"

/* What the lines of one answer are put into. */
typedef struct answer_t {
    ctl_t *ctl;
    ctl_row_cb *each;        /* or NULL */
    void *baton;             /* of each */
    apr_pool_t *line_pool;   /* cleared after each row */
    const llm_json_t *done;  /* NULL until it came */
    const llm_json_t *error; /* NULL: none */
    int is_garbled;          /* a line was not what it must be */
} answer_t;

llm_buf_t *ctl_request(const ctl_t *ctl, const char *op)
{
    llm_buf_t *request = llm_buf_make(0, ctl->pool);
    unsigned char id[LLM_RECORD_ID] = {0};
    char text[LLM_RECORD_ID_TEXT];

    /* Without randomness the store would take two edits for one. */
    if (llm_random(id, sizeof(id)) != APR_SUCCESS) {
        memcpy(id, &ctl->world->now, sizeof(ctl->world->now));
    }
    llm_record_id_print(text, id);
    llm_buf_lit(request, "{\"op\":");
    llm_buf_put_string(request, op);
    llm_buf_lit(request, ",\"id\":");
    llm_buf_put_string(request, text);
    return request;
}

void ctl_request_raw(llm_buf_t *request, const char *name, const char *json)
{
    if (!json) {
        return;
    }
    llm_buf_putc(request, ',');
    llm_buf_put_string(request, name);
    llm_buf_putc(request, ':');
    llm_buf_puts(request, json);
}

void ctl_request_text(llm_buf_t *request, const char *name, const char *value)
{
    if (!value) {
        return;
    }
    llm_buf_putc(request, ',');
    llm_buf_put_string(request, name);
    llm_buf_putc(request, ':');
    llm_buf_put_string(request, value);
}

/* A row's memory goes with the row; the last line's stays. */
static int read_line(void *baton, const char *line, apr_size_t len)
{
    answer_t *answer = baton;
    const llm_json_t *doc, *row;

    if (llm_json_read(&doc, line, len, NULL, answer->line_pool)
        != APR_SUCCESS) {
        answer->is_garbled = 1;
        return 1;
    }
    row = llm_json_get(doc, "progress");
    if (row) {
        ctl_progress(answer->ctl, row);
        apr_pool_clear(answer->line_pool);
        return 0;
    }
    row = llm_json_get(doc, "row");
    if (row) {
        if (answer->each) {
            answer->each(answer->baton, row);
        }
        apr_pool_clear(answer->line_pool);
        return 0;
    }
    line = apr_pstrmemdup(answer->ctl->pool, line, len);
    if (llm_json_read(&doc, line, len, NULL, answer->ctl->pool)
        != APR_SUCCESS) {
        answer->is_garbled = 1;
        return 1;
    }
    answer->done = llm_json_get(doc, "done");
    answer->error = llm_json_get(doc, "error");
    answer->is_garbled = !answer->done && !answer->error;
    return answer->is_garbled;
}

static int report(const answer_t *answer)
{
    ctl_t *ctl = answer->ctl;
    const char *code =
        llm_json_string(llm_json_get(answer->error, "code"), ctl->pool);
    const char *message =
        llm_json_string(llm_json_get(answer->error, "message"), ctl->pool);
    int is_usage = code && !strcmp(code, "usage");

    return ctl_fail(ctl, is_usage ? CTL_USAGE : CTL_REFUSED,
                    code ? code : "internal", "%s",
                    message ? message : "the store gave no reason");
}

/* What stood in the way of an answer; NULL: nothing. */
static const char *call_store(answer_t *answer, llm_buf_t *request)
{
    ctl_t *ctl = answer->ctl;
    const char *what = NULL;
    apr_status_t status;
    char text[128];

    if (ctl->world->is_watched) {
        ctl_request_raw(request, "progress", "true");
        ctl->asked = ctl->world->clock();
    }
    llm_buf_append(request, "}", 2); /* its end, and a string's */
    apr_pool_create(&answer->line_pool, ctl->pool);
    status = ctl->world->door->call(ctl->client, request->data, read_line,
                                    answer, &what);
    apr_pool_destroy(answer->line_pool);
    ctl_progress_end(ctl);
    if (answer->error || answer->is_garbled
        || (answer->done && status == APR_SUCCESS)) {
        return NULL;
    }
    if (!what && status == APR_SUCCESS) {
        return "the answer is not complete";
    }
    return what ? what
                : apr_pstrdup(ctl->pool,
                              apr_strerror(status, text, sizeof(text)));
}

static int finish(const answer_t *answer, const llm_json_t **pdone)
{
    ctl_t *ctl = answer->ctl;

    if (answer->error) {
        return report(answer);
    }
    if (answer->is_garbled) {
        return ctl_fail(ctl, CTL_UNREACHABLE, "unreachable",
                        "the store %s gave an answer that cannot be read; is "
                        "it another version's?",
                        ctl->store);
    }
    if (pdone) {
        *pdone = answer->done;
    }
    return CTL_DONE;
}

int ctl_ask_maybe(ctl_t *ctl, llm_buf_t *request, ctl_row_cb *each, void *baton,
                  const llm_json_t **pdone, int *pis_lost)
{
    answer_t answer = {.ctl = ctl, .each = each, .baton = baton};

    *pis_lost = call_store(&answer, request) != NULL;
    return *pis_lost ? CTL_UNREACHABLE : finish(&answer, pdone);
}

int ctl_ask(ctl_t *ctl, llm_buf_t *request, ctl_row_cb *each, void *baton,
            const llm_json_t **pdone)
{
    answer_t answer = {.ctl = ctl, .each = each, .baton = baton};
    const char *what = call_store(&answer, request);

    if (what) {
        return ctl_fail(ctl, CTL_UNREACHABLE, "unreachable",
                        "the store %s did not answer: %s", ctl->store, what);
    }
    return finish(&answer, pdone);
}

int ctl_option_time(const char **ptime, ctl_t *ctl, const char *name)
{
    const char *text = ctl_option(ctl, name);
    const char *wrong;
    apr_time_t when;

    *ptime = NULL;
    if (!text) {
        return CTL_DONE;
    }
    wrong = llm_time_read(&when, text, ctl->world->now);
    if (wrong) {
        return ctl_fail(ctl, CTL_USAGE, "usage", "--%s: %s, not '%s'", name,
                        wrong, text);
    }
    *ptime = llm_time_print(when, ctl->pool);
    return CTL_DONE;
}
