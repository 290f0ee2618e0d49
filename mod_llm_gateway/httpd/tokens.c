/* SPDX-License-Identifier: Apache-2.0 */
/*
 * LLMToken, and what a request wants to know of its provider's token.
 *
 * The secret of LLMKey is then what is exchanged: it stays with the parent,
 * which read it, and with the keeper (keeper_process.c), which shows it to the
 * token server. httpd's children, which read what clients send, wipe it when
 * they begin, and see tokens only.
 */
#include "httpd/conf.h"

#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <apr_strings.h>

/* ---- the directive ----------------------------------------------------- */

static const char *make_source(llm_token_source_t **psource, const char *name,
                               apr_pool_t *pool)
{
    const llm_token_kind_t *kind = llm_token_kind_find(name);

    if (!kind) {
        return apr_psprintf(pool, "LLMToken: expected one of %s, not '%s'",
                            llm_token_kind_names(pool), name);
    }
    *psource = apr_pcalloc(pool, sizeof(**psource));
    (*psource)->kind = kind;
    (*psource)->options = apr_table_make(pool, 4);
    return NULL;
}

const char *llmgw_conf_token(cmd_parms *cmd, void *dir, int argc,
                             char *const argv[])
{
    llm_provider_t *provider = llmgw_server_of(cmd->server)->provider;
    llmgw_provider_t *glue;
    const char *what;

    (void)dir;
    if (!provider) {
        return "LLMToken is only allowed in a <LLMProvider> section";
    }
    glue = provider->glue;
    if (glue->token) {
        return "LLMToken: there is one already in this section";
    }
    if (!argc) {
        return apr_psprintf(cmd->pool, "LLMToken: expected one of %s",
                            llm_token_kind_names(cmd->pool));
    }
    what = make_source(&glue->token, argv[0], cmd->pool);
    for (int i = 1; i < argc && !what; ++i) {
        what = llm_token_set_option(glue->token, argv[i], cmd->pool);
        if (what) {
            what = apr_psprintf(cmd->pool, "LLMToken %s: %s", argv[0], what);
        }
    }
    glue->token_at = cmd->directive;
    return what;
}

const char *llmgw_token_complete(cmd_parms *cmd, llm_provider_t *provider)
{
    llmgw_provider_t *glue = provider->glue;
    llm_token_source_t *token = glue->token;

    if (!token) {
        return NULL;
    }
    token->provider = provider->name;
    token->origin = glue->url;
    provider->bearer = 1;
    if (token->kind->needs_secret && !strcmp(glue->secret.source, "none")) {
        cmd->err_directive = glue->token_at;
        return apr_psprintf(cmd->pool,
                            "LLMToken %s: expected %s by LLMKey, not none",
                            token->kind->name, token->kind->secret_is);
    }
    return NULL;
}

/* ---- when all secrets were read ---------------------------------------- */

/* Asking for a token leaves parts of the secret in memory: a key that was
 * read, a form. It is tried out in a process that ends at once, so that no
 * child of httpd's inherits them. NULL, or a phrase. */
static const char *try_apart(const llm_token_source_t *token, apr_pool_t *ptemp)
{
    char told[512];
    ssize_t len = -1;
    int answer[2];
    pid_t pid;

    if (pipe(answer)) {
        return "no pipe to try it out by";
    }
    pid = fork();
    if (!pid) {
        const char *what = llm_token_check(token, apr_time_now(), ptemp);

        what = what ? what : "";
        _exit(write(answer[1], what, strlen(what)) < 0);
    }
    close(answer[1]);
    if (pid > 0) {
        len = read(answer[0], told, sizeof(told));
        waitpid(pid, NULL, 0);
    }
    close(answer[0]);
    return len < 0 ? "it cannot be tried out"
           : len   ? apr_pstrmemdup(ptemp, told, (apr_size_t)len)
                   : NULL;
}

static int check_one(const llmgw_provider_t *glue, apr_pool_t *ptemp)
{
    llm_token_source_t *token = glue->token;
    const char *what;

    token->secret = glue->secret.value;
    if (!token->secret && strcmp(glue->secret.source, "none") != 0) {
        return OK; /* it was not due, or could not be read by who tries */
    }
    what = try_apart(token, ptemp);
    if (!what) {
        return OK;
    }
    ap_log_error(APLOG_MARK, APLOG_ERR | APLOG_STARTUP, 0, NULL,
                 LLM_LOGNO(0372) "Syntax error on line %d of %s: LLMToken %s: "
                                 "%s",
                 glue->token_at->line_num, glue->token_at->filename,
                 token->kind->name, what);
    return HTTP_INTERNAL_SERVER_ERROR;
}

int llmgw_token_check(server_rec *s, apr_pool_t *ptemp)
{
    const llmgw_server_t *server = llmgw_server_of(s);
    int result = OK;

    for (int i = 0; i < server->providers->nelts && result == OK; ++i) {
        const llmgw_provider_t *glue =
            APR_ARRAY_IDX(server->providers, i, llm_provider_t *)->glue;

        if (glue->token) {
            result = check_one(glue, ptemp);
        }
    }
    return result;
}

/* ---- for requests ------------------------------------------------------ */

llm_token_state_e llmgw_token_look(const llm_provider_t *provider,
                                   llm_token_view_t *view)
{
    const llmgw_provider_t *glue = provider->glue;

    return llm_token_slot_look(glue->slot, view, apr_time_now());
}

int llmgw_token_refused(const llm_provider_t *provider, apr_uint64_t number)
{
    const llmgw_provider_t *glue = provider->glue;

    if (!llm_token_slot_refuse(glue->slot, number, apr_time_now())) {
        return 0;
    }
    llmgw_keeper_wake();
    return 1;
}
