/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Client credentials as RFC 6749, section 4.4, has them: of any server, and of
 * Databricks, whose token server is found below the workspace's address.
 */
#include <apr_strings.h>

#include "net/token.h"

/* The client in the header, as every server must understand it. */
static const char *ask_at(llm_net_request_t *request,
                          const llm_token_source_t *source, const char *url,
                          const char *scope, apr_pool_t *pool)
{
    const char *client = llm_token_option(source, "client", NULL);
    const char *audience = llm_token_option(source, "audience", NULL);
    llm_buf_t *form = llm_buf_make(0, pool);

    if (!client) {
        return "expected client= and the client's id";
    }
    llm_token_put(form, "grant_type", "client_credentials");
    if (scope) {
        llm_token_put(form, "scope", scope);
    }
    if (audience) {
        llm_token_put(form, "audience", audience);
    }
    request->url = url;
    request->headers = llm_token_basic(client, source->secret, pool);
    request->body = apr_pstrmemdup(pool, form->data, form->len);
    return NULL;
}

static const char *ask_any(llm_net_request_t *request,
                           const llm_token_source_t *source, apr_time_t now,
                           apr_pool_t *pool)
{
    const char *url = llm_token_option(source, "url", NULL);

    (void)now;
    if (!url) {
        return "expected url= and the token server's address";
    }
    return ask_at(request, source, url, llm_token_option(source, "scope", NULL),
                  pool);
}

static const char *ask_databricks(llm_net_request_t *request,
                                  const llm_token_source_t *source,
                                  apr_time_t now, apr_pool_t *pool)
{
    const char *url = llm_token_option(
        source, "url",
        apr_pstrcat(pool, source->origin, "/oidc/v1/token", NULL));

    (void)now;
    return ask_at(request, source, url,
                  llm_token_option(source, "scope", "all-apis"), pool);
}

const llm_token_kind_t llm_token_oauth = {
    .name = "oauth",
    .options = "client audience",
    .needs_secret = 1,
    .secret_is = "a client secret",
    .ask = ask_any,
};

const llm_token_kind_t llm_token_databricks = {
    .name = "databricks",
    .options = "client",
    .needs_secret = 1,
    .secret_is = "a service principal's secret",
    .ask = ask_databricks,
};
