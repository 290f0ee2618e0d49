/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whose things are that a provider keeps, asked of the store's owner over its
 * socket (store/command_object.c).
 *
 * This is the one place where a request waits for the owner: what is not known
 * to be somebody's is nobody's. An owner that died is back within a second.
 */
#include "httpd/llmgw.h"

#include <string.h>

#include <apr_strings.h>

#include "core/llm_json.h"
#include "store/command.h"

#define TRIES       30
#define TRY_AGAIN   apr_time_from_msec(50)
#define IDS_AT_ONCE 200 /* a request's line has 64 KB at most */

typedef struct answer_t {
    apr_pool_t *pool;
    apr_array_header_t *owners; /* of llmgw_owner_t, or NULL */
    int is_done;
} answer_t;

static const char *text_of(const llm_json_t *object, const char *name,
                           apr_pool_t *pool)
{
    const char *text = llm_json_string(llm_json_want(object, name), pool);

    return text ? text : "";
}

static int take_line(void *baton, const char *line, apr_size_t len)
{
    answer_t *answer = baton;
    const char *text = apr_pstrmemdup(answer->pool, line, len);
    const llm_json_t *doc, *row;
    llmgw_owner_t *owner;
    apr_int64_t key = 0;

    if (llm_json_read(&doc, text, len, NULL, answer->pool)) {
        return 0;
    }
    row = llm_json_want(doc, "row");
    answer->is_done |= llm_json_get(doc, "done") != NULL;
    if (row && answer->owners) {
        llm_json_int(llm_json_get(row, "key_id"), &key);
        owner = apr_array_push(answer->owners);
        owner->id = text_of(row, "id", answer->pool);
        owner->provider = text_of(row, "provider", answer->pool);
        owner->team = text_of(row, "team", answer->pool);
        owner->key = (apr_uint32_t)key;
        owner->is_billed = llm_json_is_true(llm_json_get(row, "billed"));
    }
    return 0;
}

static apr_status_t call_once(const char *dir, const char *text,
                              answer_t *answer)
{
    llm_client_t *client;
    const char *what;
    apr_status_t status = llm_client_connect(&client, dir, &what, answer->pool);

    if (status == APR_SUCCESS) {
        status = llm_client_call(client, text, take_line, answer, &what);
        llm_client_close(client);
    }
    return status;
}

/* Edits may be sent twice: what is there already stays. */
static apr_status_t call(request_rec *r, const char *text,
                         apr_array_header_t *owners)
{
    const char *dir = llmgw_server_of(r->server)->store_dir;
    int had = owners ? owners->nelts : 0, tries = 0;
    apr_status_t status;
    answer_t answer;

    if (!dir) {
        return APR_ENOENT;
    }
    do {
        if (tries) {
            apr_sleep(TRY_AGAIN);
        }
        answer = (answer_t){r->pool, owners, 0};
        if (owners) {
            owners->nelts = had;
        }
        status = call_once(dir, text, &answer);
    } while (status != APR_SUCCESS && ++tries < TRIES);
    if (status == APR_SUCCESS && !answer.is_done) {
        status = APR_EGENERAL;
    }
    if (status != APR_SUCCESS) {
        ap_log_rerror(APLOG_MARK, APLOG_ERR, status, r,
                      LLM_LOGNO(0375) "the store does not say whose what a "
                                      "provider keeps is");
    }
    return status;
}

static void put_ids(llm_buf_t *out, const apr_array_header_t *ids, int from,
                    int until)
{
    llm_buf_lit(out, ",\"ids\":[");
    for (int i = from; i < until; ++i) {
        if (i > from) {
            llm_buf_putc(out, ',');
        }
        llm_buf_put_string(out, APR_ARRAY_IDX(ids, i, const char *));
    }
    llm_buf_lit(out, "]}");
    llm_buf_putc(out, '\0');
}

apr_status_t llmgw_objects_note(request_rec *r, const char *op,
                                const char *provider,
                                const apr_array_header_t *ids, apr_uint32_t key)
{
    llm_buf_t *out = llm_buf_make(0, r->pool);

    llm_buf_lit(out, "{\"op\":");
    llm_buf_put_string(out, op);
    llm_buf_lit(out, ",\"provider\":");
    llm_buf_put_string(out, provider);
    if (!strcmp(op, LLMGW_OBJECT_CLAIM)) {
        llm_buf_lit(out, ",\"key_id\":");
        llm_buf_put_int(out, key);
    }
    put_ids(out, ids, 0, ids->nelts);
    return call(r, out->data, NULL);
}

apr_status_t llmgw_objects_owners(request_rec *r, apr_array_header_t **powners,
                                  const apr_array_header_t *ids)
{
    apr_status_t status = APR_SUCCESS;

    *powners = apr_array_make(r->pool, 4, sizeof(llmgw_owner_t));
    for (int i = 0; i < ids->nelts && status == APR_SUCCESS; i += IDS_AT_ONCE) {
        int until = i + IDS_AT_ONCE < ids->nelts ? i + IDS_AT_ONCE : ids->nelts;
        llm_buf_t *out = llm_buf_make(0, r->pool);

        llm_buf_lit(out, "{\"op\":\"object.owner\"");
        put_ids(out, ids, i, until);
        status = call(r, out->data, *powners);
    }
    return status;
}
