/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Microsoft Entra: an application's secret (client credentials), or, where
 * LLMKey is none, the managed identity of the machine, asked for at its
 * metadata server; there `client` names one of several identities.
 */
#include <string.h>

#include <apr_strings.h>

#include "net/token.h"

#define SCOPE "https://cognitiveservices.azure.com/.default"
#define IMDS  "http://169.254.169.254/metadata/identity/oauth2/token"

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
    llm_buf_t *form = llm_buf_make(0, pool);

    (void)now;
    if (!source->secret) {
        return ask_managed(request, source, pool);
    }
    if (!tenant || !client || strpbrk(tenant, "/?#% ")) {
        return "expected tenant= and client=, the ids of the directory and of "
               "the application";
    }
    llm_token_put(form, "grant_type", "client_credentials");
    llm_token_put(form, "client_id", client);
    llm_token_put(form, "client_secret", source->secret);
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
    .options = "tenant client",
    .secret_is = "a client secret",
    .ask = ask,
};
