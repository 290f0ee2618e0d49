/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What can be told only when the whole configuration was read: providers that
 * are named but not defined, a gateway without a store, the price list and the
 * vocabulary.
 *
 * Runs for "httpd -t" too. Messages name file and line as httpd's own do.
 */
#include "httpd/conf.h"

#include <apr_file_info.h>
#include <apr_strings.h>
#include <sys/un.h>

#define SOCKET_PATH_MAX    (sizeof(((struct sockaddr_un *)NULL)->sun_path) - 1)
#define DEFAULT_PRICES     LLMGW_DATADIR "/prices.json"
#define DEFAULT_VOCABULARY LLMGW_DATADIR "/vocabulary"

#define COMPLAIN APLOG_MARK, APLOG_ERR | APLOG_STARTUP, 0, NULL

/* "claude, openai", or "none". */
static const char *provider_names(const llmgw_server_t *server, apr_pool_t *p)
{
    const char *names = "";

    for (int i = 0; i < server->providers->nelts; ++i) {
        names = apr_pstrcat(
            p, names, i ? ", " : "",
            APR_ARRAY_IDX(server->providers, i, llm_provider_t *)->name, NULL);
    }
    return *names ? names : "none";
}

const ap_directive_t *llmgw_conf_find(const ap_directive_t *tree,
                                      const char *name, const char *arg)
{
    const ap_directive_t *found = NULL;

    for (; tree && !found; tree = tree->next) {
        found = !strcasecmp(tree->directive, name)
                        && (!arg || !strcasecmp(tree->args, arg))
                    ? tree
                    : llmgw_conf_find(tree->first_child, name, arg);
    }
    return found;
}

/* As httpd says it, for a setting that was found wanting later. */
static int complain(const char *name, const char *what)
{
    const ap_directive_t *directive = llmgw_conf_find(ap_conftree, name, NULL);

    ap_log_error(COMPLAIN,
                 LLM_LOGNO(0304) "Syntax error on line %d of %s: "
                                 "%s: %s",
                 directive ? directive->line_num : 0,
                 directive ? directive->filename : "the configuration", name,
                 what);
    return HTTP_INTERNAL_SERVER_ERROR;
}

static int check_mentions(const llmgw_server_t *server, apr_pool_t *p)
{
    int result = OK;

    for (int i = 0; i < server->mentions->nelts; ++i) {
        const llmgw_mention_t *mention =
            &APR_ARRAY_IDX(server->mentions, i, llmgw_mention_t);
        const llm_provider_t *provider =
            llmgw_provider_find(server, mention->provider);

        if (!provider) {
            ap_log_error(
                COMPLAIN,
                LLM_LOGNO(
                    0302) "Syntax error on line %d "
                          "of %s: %s: no <LLMProvider %s> is defined; defined "
                          "are: %s",
                mention->line, mention->file, mention->directive,
                mention->provider, provider_names(server, p));
            result = HTTP_INTERNAL_SERVER_ERROR;
        }
        else if (mention->target) {
            mention->target->provider = provider;
        }
    }
    return result;
}

static int check_store(const llmgw_server_t *server)
{
    if (server->first_use && !server->store_dir) {
        ap_log_error(
            COMPLAIN,
            LLM_LOGNO(
                0303) "Syntax error on line %d of "
                      "%s: %s needs a store for keys and usage: add LLMStore "
                      "bdb:/path/of/a/folder to the server's configuration",
            server->first_use->line_num, server->first_use->filename,
            server->first_use->directive);
        return HTTP_INTERNAL_SERVER_ERROR;
    }
    return OK;
}

static int check_socket(llmgw_server_t *server, apr_pool_t *pconf)
{
    const char *path = server->socket.value;

    if (!*path) {
        return OK;
    }
    path = ap_runtime_dir_relative(pconf, path);
    if (!path || strlen(path) > SOCKET_PATH_MAX) {
        return complain("LLMSocket",
                        apr_psprintf(pconf,
                                     "expected a path of at most %d "
                                     "bytes, not '%s'",
                                     (int)SOCKET_PATH_MAX,
                                     server->socket.value));
    }
    server->socket.value = path;
    return OK;
}

/* The list that is configured must be there; the one that was installed with
 * the module is taken when it is. */
static int check_prices(llmgw_server_t *server, apr_pool_t *pconf)
{
    const char *path = DEFAULT_PRICES, *what;
    apr_finfo_t info;

    if (*server->prices.value) {
        path = ap_server_root_relative(pconf, server->prices.value);
    }
    else if (apr_stat(&info, path, APR_FINFO_TYPE, pconf)) {
        return OK;
    }
    what = path ? llm_prices_load(&server->price_list, path, pconf)
                : "expected the path of a file";
    if (what) {
        return complain("LLMPrices", what);
    }
    server->price_path = path;
    return OK;
}

static int check_vocabulary(llmgw_server_t *server, apr_pool_t *pconf)
{
    const char *path = DEFAULT_VOCABULARY, *what;
    apr_finfo_t info;

    if (*server->vocabulary.value) {
        path = ap_server_root_relative(pconf, server->vocabulary.value);
    }
    else if (apr_stat(&info, path, APR_FINFO_TYPE, pconf)) {
        return OK;
    }
    what = path ? llm_vocabulary_load(&server->vocabularies, path, pconf)
                : "expected the path of a file";
    return what ? complain("LLMVocabulary", what) : OK;
}

static int check_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp,
                        server_rec *s)
{
    llmgw_server_t *server = llmgw_server_of(s);
    int result = check_mentions(server, ptemp);

    (void)plog;
    for (int i = 0; i < server->providers->nelts; ++i) {
        APR_ARRAY_IDX(server->providers, i, llm_provider_t *)
            ->max_tokens_default = server->max_tokens.value;
    }
    result = result ? result : check_store(server);
    result = result ? result : check_socket(server, pconf);
    result = result ? result : check_prices(server, pconf);
    result = result ? result : check_vocabulary(server, pconf);
    result = result ? result : llmgw_secret_fetch(s, pconf, ptemp);
    return result ? result : llmgw_token_check(s, ptemp);
}

/* Once a start, where there is a gateway: by now the log is open. */
static int post_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp,
                       server_rec *s)
{
    const llmgw_server_t *server = llmgw_server_of(s);

    (void)pconf;
    (void)plog;
    (void)ptemp;
    if (server->first_use && !server->vocabularies
        && ap_state_query(AP_SQ_MAIN_STATE) != AP_SQ_MS_CREATE_PRE_CONFIG) {
        ap_log_error(APLOG_MARK, APLOG_NOTICE, 0, s,
                     LLM_LOGNO(0307) "no LLMVocabulary and no %s: tokens that "
                                     "a provider does not count are estimated",
                     DEFAULT_VOCABULARY);
    }
    return OK;
}

void llmgw_conf_hooks(apr_pool_t *p)
{
    (void)p;
    ap_hook_check_config(check_config, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_post_config(post_config, NULL, NULL, APR_HOOK_MIDDLE);
}
