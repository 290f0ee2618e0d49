/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mod_proxy's functions, bound when the configuration is complete, and a
 * worker for each provider, so that its connections are pooled.
 *
 * A worker the site defined itself (<Proxy "https://api.openai.com">, a
 * ProxyPass) is taken as it is, parameters and all. The address of a worker
 * is known for certain only in a child: mod_proxy keeps its workers in an
 * array, which moves while it grows.
 */
#include "httpd/conf.h"

#include <string.h>

#include <apr_dso.h>
#include <apr_strings.h>

#include "httpd/proxy_api.h"

#define PROXY_MODULE "mod_proxy.c"

/* Idle connections older than this are closed rather than used: on the way to
 * a provider something may have forgotten them. */
#define IDLE_MAX apr_time_from_sec(60)

#define COMPLAIN APLOG_MARK, APLOG_ERR | APLOG_STARTUP, 0, NULL

/* Written once, by post_config. */
llmgw_proxy_api_t llmgw_proxy;

/* ---- what https asks for ----------------------------------------------- */

/* mod_ssl tells nobody what its settings are: their presence is looked for.
 */
static int is_configured(const char *name, const char *arg)
{
    return llmgw_conf_find(ap_conftree, name, arg) != NULL;
}

/* NULL, or what is missing for a connection that is safe to send a key on. */
static const char *check_tls(void)
{
    if (!ap_find_linked_module("mod_ssl.c")) {
        return "an https address needs mod_ssl: load it";
    }
    if (!is_configured("SSLProxyEngine", "on")) {
        return "an https address needs SSLProxyEngine On in the server's "
               "configuration";
    }
    if (!is_configured("SSLProxyVerify", NULL)) {
        return "an https address needs a word on the provider's certificate: "
               "SSLProxyVerify require, with SSLProxyCACertificateFile "
               "(without it anybody on the way could take the provider's "
               "place and its key), or SSLProxyVerify none";
    }
    return NULL;
}

static int check_provider(const llm_provider_t *provider)
{
    const llmgw_provider_t *glue = provider->glue;
    const char *what = NULL;

    if (!ap_find_linked_module(PROXY_MODULE)) {
        what = "mod_proxy carries what goes to a provider: load it";
    }
    else if (!strcmp(provider->scheme, "https")) {
        what = check_tls();
    }
    if (!what) {
        return OK;
    }
    ap_log_error(COMPLAIN,
                 LLM_LOGNO(0330) "Syntax error on line %d of %s: "
                                 "<LLMProvider %s>: %s",
                 glue->line, glue->file, provider->name, what);
    return HTTP_INTERNAL_SERVER_ERROR;
}

static int check_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp,
                        server_rec *s)
{
    const llmgw_server_t *server = llmgw_server_of(s);
    int result = OK;

    (void)pconf;
    (void)plog;
    (void)ptemp;
    for (int i = 0; i < server->providers->nelts && result == OK; ++i) {
        result = check_provider(
            APR_ARRAY_IDX(server->providers, i, llm_provider_t *));
    }
    return result;
}

/* ---- binding ----------------------------------------------------------- */

typedef struct binding_t {
    const char *name;
    void *slot; /* where the function's address goes */
} binding_t;

/* NULL, or the name of the function that is not there. */
static const char *bind_all(apr_dso_handle_t *handle)
{
#define BINDING(name) {#name, &llmgw_proxy.name},
    const binding_t bindings[] = {LLMGW_PROXY_API(BINDING)};
#undef BINDING

    for (apr_size_t i = 0; i < sizeof(bindings) / sizeof(*bindings); ++i) {
        apr_dso_handle_sym_t function = NULL;

        if (apr_dso_sym(&function, handle, bindings[i].name)) {
            return bindings[i].name;
        }
        memcpy(bindings[i].slot, &function, sizeof(function));
    }
    return NULL;
}

/* mod_proxy's own object; the program itself where it is built in. */
static const char *bind_proxy(apr_pool_t *p)
{
    module *proxy = ap_find_linked_module(PROXY_MODULE);
    apr_dso_handle_t *handle;

    if (!proxy) {
        return "mod_proxy is not loaded";
    }
    handle = proxy->dynamic_load_handle;
    if (!handle && apr_dso_load(&handle, NULL, p)) {
        return "mod_proxy cannot be looked into";
    }
    llmgw_proxy.module = proxy;
    return bind_all(handle);
}

/* ---- workers ----------------------------------------------------------- */

static proxy_server_conf *proxy_conf(server_rec *s)
{
    return ap_get_module_config(s->module_config, llmgw_proxy.module);
}

/* What a provider's own worker does better than mod_proxy's default. */
static void set_up_worker(proxy_worker_shared *shared, server_rec *s)
{
    shared->conn_timeout = llmgw_server_of(s)->connect.value;
    shared->conn_timeout_set = 1;
    shared->keepalive = 1;
    shared->keepalive_set = 1;
    shared->ttl = IDLE_MAX;
    /* the providers' addresses change */
#if AP_MODULE_MAGIC_AT_LEAST(20120211, 130)
    shared->address_ttl = 300;
    shared->address_ttl_set = 1;
#endif
}

/* The worker of a provider, defined if nobody did; NULL and *pwhat else. */
static proxy_worker *worker_of(apr_pool_t *p, server_rec *s, const char *url,
                               const char **pwhat)
{
    proxy_server_conf *conf = proxy_conf(s);
    proxy_worker *worker = llmgw_proxy.ap_proxy_get_worker(p, NULL, conf, url);

    *pwhat = NULL;
    if (!worker) {
        *pwhat =
            llmgw_proxy.ap_proxy_define_worker(p, &worker, NULL, conf, url, 0);
        if (!*pwhat) {
            set_up_worker(worker->s, s);
        }
    }
    return *pwhat ? NULL : worker;
}

/* A path is part of the look-up, so that a worker of the site's that covers
 * only the path is found; one of our own covers the origin. */
static const char *worker_url(const llm_provider_t *provider, apr_pool_t *p,
                              int with_path)
{
    const llmgw_provider_t *glue = provider->glue;

    return apr_pstrcat(p, glue->url, with_path ? provider->base_path : "", "/",
                       NULL);
}

static int define_worker(const llm_provider_t *provider, server_rec *s,
                         apr_pool_t *pconf, apr_pool_t *ptemp)
{
    const llmgw_provider_t *glue = provider->glue;
    const char *what = NULL;

    if (llmgw_proxy.ap_proxy_get_worker(ptemp, NULL, proxy_conf(s),
                                        worker_url(provider, ptemp, 1))
        || worker_of(pconf, s, worker_url(provider, pconf, 0), &what)) {
        return OK;
    }
    ap_log_error(COMPLAIN,
                 LLM_LOGNO(0331) "<LLMProvider %s> on line %d of "
                                 "%s: %s",
                 provider->name, glue->line, glue->file, what);
    return HTTP_INTERNAL_SERVER_ERROR;
}

static int post_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp,
                       server_rec *s)
{
    const llmgw_server_t *server = llmgw_server_of(s);
    const char *what;
    int result = OK;

    (void)plog;
    if (!server->providers->nelts) {
        return OK;
    }
    what = bind_proxy(pconf);
    if (what) {
        ap_log_error(COMPLAIN, LLM_LOGNO(0332) "mod_proxy cannot be used: %s",
                     what);
        return HTTP_INTERNAL_SERVER_ERROR;
    }
    for (int i = 0; i < server->providers->nelts && result == OK; ++i) {
        result =
            define_worker(APR_ARRAY_IDX(server->providers, i, llm_provider_t *),
                          s, pconf, ptemp);
    }
    return result;
}

/* After mod_proxy has made the workers ready. */
static void child_init(apr_pool_t *pchild, server_rec *s)
{
    const llmgw_server_t *server = llmgw_server_of(s);

    for (int i = 0; i < server->providers->nelts; ++i) {
        const llm_provider_t *provider =
            APR_ARRAY_IDX(server->providers, i, llm_provider_t *);
        llmgw_provider_t *glue = provider->glue;

        glue->worker = llmgw_proxy.ap_proxy_get_worker(
            pchild, NULL, proxy_conf(s), worker_url(provider, pchild, 1));
    }
}

void llmgw_proxy_hooks(apr_pool_t *p)
{
    static const char *const after[] = {PROXY_MODULE, NULL};

    (void)p;
    ap_hook_check_config(check_config, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_post_config(post_config, after, NULL, APR_HOOK_MIDDLE);
    ap_hook_child_init(child_init, after, NULL, APR_HOOK_LAST);
}
