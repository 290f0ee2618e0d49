/* SPDX-License-Identifier: Apache-2.0 */
/*
 * LLMKey secret:NAME: secrets that llmgwctl put into the store.
 *
 * They are read when the whole configuration was, at each start and restart,
 * while the parent still is the user who may read the master key file. The
 * parent never opens Berkeley DB: it asks the owner where one lives, else a
 * process that opens the store, becomes its user and ends again. What comes
 * over is sealed; it is opened here and goes where the other secrets are.
 */
#include "httpd/conf.h"

#include <string.h>
#include <unistd.h>

#include <apr_strings.h>

#include "core/llm_key.h"
#include "core/llm_redact.h"
#include "store/command.h"
#include "store/master.h"

#define PREFIX     "secret:"
#define PREFIX_LEN (sizeof(PREFIX) - 1)

/* NULL unless the source is one. */
static const char *name_in(const char *source)
{
    return source && !strncmp(source, PREFIX, PREFIX_LEN) ? source + PREFIX_LEN
                                                          : NULL;
}

const char *llmgw_secret_check_name(const char *name, apr_pool_t *pool)
{
    const char *wrong = llm_key_check_name(name);

    if (!wrong && strcmp(llm_redact(name, pool), name) != 0) {
        return "expected secret: and the name of a secret, and this looks like "
               "a secret itself";
    }

    return wrong ? apr_psprintf(pool,
                                "expected secret: and the name of a secret; "
                                "the name %s",
                                wrong)
                 : NULL;
}

/* One reading of them all. */
typedef struct fetch_t {
    const llmgw_server_t *server;
    llm_client_t *client;
    llm_master_file_t master;
    const char *answer; /* of the store, terminated */
    apr_status_t status;
    apr_pool_t *pconf, *ptemp;
} fetch_t;

static int note_answer(void *baton, const char *line, apr_size_t len)
{
    fetch_t *fetch = baton;

    fetch->answer = apr_pstrmemdup(fetch->ptemp, line, len);
    return 0;
}

static void forget(void *baton)
{
    llmgw_secret_forget(baton);
}

/* Whoever may read the one may not always read the other. */
static const char *open_both(fetch_t *fetch)
{
    const llmgw_server_t *server = fetch->server;
    const char *what = NULL;

    if (!server->store_dir) {
        fetch->status = APR_EINVAL;
        return "secrets are in the store: add LLMStore bdb:/path/of/a/folder "
               "to the server's configuration";
    }
    fetch->status =
        llm_client_open_apart(&fetch->client, server->store_dir, forget,
                              fetch->pconf, &what, fetch->ptemp);
    if (fetch->status) {
        fetch->client = NULL;
        return apr_psprintf(fetch->ptemp, "the store cannot be reached: %s",
                            what);
    }
    fetch->status = llm_master_open(&fetch->master, server->master_key.value,
                                    LLM_MASTER_READ, &what, fetch->ptemp);
    return fetch->status
               ? apr_psprintf(fetch->ptemp,
                              "the master key cannot be read: %s; expected "
                              "the file that llmgwctl secret set made, named "
                              "by LLMMasterKey",
                              what)
               : NULL;
}

/* The sealed secret of a name; else *pwhat. */
static const char *ask(fetch_t *fetch, const char *name, const char **pwhat)
{
    const char *request = apr_psprintf(
        fetch->ptemp, "{\"op\":\"secret.get\",\"name\":\"%s\"}", name);
    const llm_json_t *doc = NULL, *error;

    fetch->answer = NULL;
    fetch->status =
        llm_client_call(fetch->client, request, note_answer, fetch, pwhat);
    if (fetch->status) {
        return NULL;
    }
    if (!fetch->answer
        || llm_json_read(&doc, fetch->answer, strlen(fetch->answer), NULL,
                         fetch->ptemp)) {
        *pwhat = "the store gave an answer that cannot be read";
        return NULL;
    }
    error = llm_json_get(doc, "error");
    if (error) {
        const char *message =
            llm_json_string(llm_json_get(error, "message"), fetch->ptemp);

        *pwhat = llm_json_equals(llm_json_get(error, "code"), "not_found")
                     ? apr_psprintf(fetch->ptemp,
                                    "%s in the store %s: llmgwctl secret set "
                                    "%s",
                                    message, fetch->server->store_dir, name)
                     : message;
        return NULL;
    }
    return llm_json_string(llm_json_get(llm_json_get(doc, "done"), "sealed"),
                           fetch->ptemp);
}

static const char *phrase_of(const fetch_t *fetch, const char *name,
                             apr_status_t status)
{
    const char *path = fetch->server->master_key.value;

    switch (status) {
    case APR_NOTFOUND:
        return apr_psprintf(fetch->ptemp,
                            "the master key in %s is not the one it is sealed "
                            "with: name the right file by LLMMasterKey, or "
                            "set it again: llmgwctl secret set %s",
                            path, name);
    case APR_ENOTIMPL:
        return "it was sealed by a newer version of llmgwctl";
    default:
        return apr_psprintf(fetch->ptemp,
                            "it is damaged in the store: llmgwctl secret set "
                            "%s",
                            name);
    }
}

static const char *read_one(fetch_t *fetch, llmgw_secret_t *secret)
{
    const char *name = name_in(secret->source), *what = NULL, *hex;
    unsigned char sealed[LLM_SEALED_MAX];
    char text[LLM_SECRET_MAX + 1];
    apr_size_t sealed_len, len;
    apr_status_t status = APR_EINVAL;

    hex = ask(fetch, name, &what);
    if (what) {
        return what;
    }
    if (hex
        && llm_hex_read(sealed, sizeof(sealed), &sealed_len, hex,
                        strlen(hex))) {
        status = llm_unseal(text, &len, &fetch->master.masters, name, sealed,
                            sealed_len);
    }
    if (status) {
        return phrase_of(fetch, name, status);
    }
    what = llmgw_secret_take(&secret->value, text, len, fetch->pconf);
    llm_wipe(text, sizeof(text));
    return what;
}

/* Who tries a configuration out need not be who will run it. */
static int is_trial(apr_status_t status)
{
    return ap_state_query(AP_SQ_RUN_MODE) == AP_SQ_RM_CONFIG_TEST && geteuid()
           && APR_STATUS_IS_EACCES(status);
}

static int complain(const fetch_t *fetch, const llmgw_secret_t *secret,
                    const char *what)
{
    if (is_trial(fetch->status)) {
        ap_log_error(APLOG_MARK, APLOG_WARNING | APLOG_STARTUP, 0, NULL,
                     LLM_LOGNO(0318) "LLMKey %s on line %d of %s is not "
                                     "checked by user %ld: %s; the gateway "
                                     "reads it as the user who starts it",
                     secret->source, secret->line, secret->file,
                     (long)geteuid(), what);
        return OK;
    }
    ap_log_error(APLOG_MARK, APLOG_ERR | APLOG_STARTUP, 0, NULL,
                 LLM_LOGNO(0319) "Syntax error on line %d of %s: LLMKey %s: %s",
                 secret->line, secret->file, secret->source, what);
    return HTTP_INTERNAL_SERVER_ERROR;
}

static int read_all(fetch_t *fetch)
{
    int result = OK;

    for (int i = 0; i < fetch->server->providers->nelts && result == OK; ++i) {
        const llm_provider_t *provider =
            APR_ARRAY_IDX(fetch->server->providers, i, const llm_provider_t *);
        llmgw_provider_t *glue = provider->glue;
        const char *what = NULL;

        if (!name_in(glue->secret.source)) {
            continue;
        }
        if (!fetch->client) {
            what = open_both(fetch);
        }
        if (!what) {
            what = read_one(fetch, &glue->secret);
        }
        if (what) {
            result = complain(fetch, &glue->secret, what);
            if (result == OK) {
                break; /* the others would meet the same */
            }
        }
    }
    return result;
}

int llmgw_secret_fetch(server_rec *s, apr_pool_t *pconf, apr_pool_t *ptemp)
{
    fetch_t fetch = {.server = llmgw_server_of(s),
                     .master = {.fd = -1},
                     .pconf = pconf,
                     .ptemp = ptemp};
    int result;

    if (!llmgw_secret_is_due(s->process, PREFIX)) {
        return OK;
    }
    result = read_all(&fetch);
    llm_master_close(&fetch.master);
    if (fetch.client) {
        llm_client_close(fetch.client);
    }
    return result;
}
