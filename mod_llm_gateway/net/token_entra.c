/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Microsoft Entra: an application's secret (client credentials), or, where
 * LLMKey is none,
 *
 *   federated=   an assertion of another issuer that the application trusts
 *                (RFC 7523, section 2.2), such as the one that Kubernetes
 *                writes for a pod with a workload identity. It is renewed
 *                there all the time, so its file is read anew for each token
 *   else         the managed identity of the machine, asked for at its
 *                metadata server; there `client` names one of several
 */
#include <string.h>

#include <apr_file_io.h>
#include <apr_strings.h>

#include "net/token.h"

#define SCOPE     "https://cognitiveservices.azure.com/.default"
#define ASSERTION "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
#define IMDS      "http://169.254.169.254/metadata/identity/oauth2/token"

/* The assertion in a file, without the line end behind it. */
static const char *read_assertion(const char **ptext, const char *path,
                                  apr_pool_t *pool)
{
    apr_size_t len = LLM_TOKEN_MAX + 1;
    char *text = apr_palloc(pool, len + 1);
    apr_status_t status;
    apr_file_t *file;

    if (apr_file_open(&file, path, APR_READ, 0, pool)) {
        return "the file of federated= cannot be opened";
    }
    status = apr_file_read_full(file, text, len, &len);
    apr_file_close(file);
    if (status != APR_EOF) {
        return "the file of federated= is too long, or cannot be read";
    }
    while (len && (text[len - 1] == '\n' || text[len - 1] == '\r')) {
        --len;
    }
    text[len] = '\0';
    if (!len || strlen(text) != len
        || strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                        "0123456789-_.~+/=")
               != len) {
        return "the file of federated= holds no token";
    }
    *ptext = text;
    return NULL;
}

static const char *ask_managed(llm_net_request_t *request,
                               const llm_token_source_t *source,
                               apr_pool_t *pool)
{
    const char *client = llm_token_option(source, "client", NULL);
    const char *scope = llm_token_option(source, "scope", SCOPE);
    const char *end = strstr(scope, "/.default");
    llm_buf_t *query = llm_buf_make(0, pool);

    if (llm_token_option(source, "tenant", NULL)) {
        return "tenant= is for an application's secret, and LLMKey is none";
    }
    llm_token_put(query, "api-version", "2018-02-01");
    llm_token_put(query, "resource",
                  end ? apr_pstrmemdup(pool, scope, (apr_size_t)(end - scope))
                      : scope);
    if (client) {
        llm_token_put(query, "client_id", client);
    }
    request->url =
        apr_psprintf(pool, "%s?%.*s", llm_token_option(source, "url", IMDS),
                     (int)query->len, query->data);
    request->headers = "Metadata: true";
    return NULL;
}

static const char *ask(llm_net_request_t *request,
                       const llm_token_source_t *source, apr_time_t now,
                       apr_pool_t *pool)
{
    const char *tenant = llm_token_option(source, "tenant", NULL);
    const char *client = llm_token_option(source, "client", NULL);
    const char *path = llm_token_option(source, "federated", NULL);
    const char *assertion = NULL, *what;
    llm_buf_t *form = llm_buf_make(0, pool);

    (void)now;
    if (path && source->secret) {
        return "federated= stands in for a secret: expected LLMKey none";
    }
    if (!path && !source->secret) {
        return ask_managed(request, source, pool);
    }
    if (!tenant || !client || strpbrk(tenant, "/?#% ")) {
        return "expected tenant= and client=, the ids of the directory and of "
               "the application";
    }
    what = path ? read_assertion(&assertion, path, pool) : NULL;
    if (what) {
        return what;
    }
    llm_token_put(form, "grant_type", "client_credentials");
    llm_token_put(form, "client_id", client);
    if (assertion) {
        llm_token_put(form, "client_assertion_type", ASSERTION);
        llm_token_put(form, "client_assertion", assertion);
    }
    else {
        llm_token_put(form, "client_secret", source->secret);
    }
    llm_token_put(form, "scope", llm_token_option(source, "scope", SCOPE));
    request->url =
        llm_token_option(source, "url",
                         apr_pstrcat(pool, "https://login.microsoftonline.com/",
                                     tenant, "/oauth2/v2.0/token", NULL));
    request->body = apr_pstrmemdup(pool, form->data, form->len);
    return NULL;
}

const llm_token_kind_t llm_token_entra = {
    .name = "entra",
    .options = "tenant client federated",
    .secret_is = "a client secret",
    .ask = ask,
};
