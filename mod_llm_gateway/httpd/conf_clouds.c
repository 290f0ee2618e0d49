/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Directives of a <LLMProvider> that clouds want: the version of an API, the
 * project that requests belong to. How a secret becomes a token is in tokens.c.
 */
#include "httpd/conf.h"

#include <string.h>

#include <apr_lib.h>
#include <apr_strings.h>

/* The provider whose section this is; else *pwhat says where this belongs. */
static llm_provider_t *provider_of(cmd_parms *cmd, const char **pwhat)
{
    llm_provider_t *provider = llmgw_server_of(cmd->server)->provider;

    if (!provider) {
        *pwhat =
            apr_pstrcat(cmd->pool, cmd->cmd->name,
                        " is only allowed in a <LLMProvider> section", NULL);
    }
    return provider;
}

const char *llmgw_conf_api_version(cmd_parms *cmd, void *dir,
                                   const char *version)
{
    const char *what = NULL;
    llm_provider_t *provider = provider_of(cmd, &what);
    const char *c = version;

    (void)dir;
    if (what) {
        return what;
    }
    while (apr_isalnum(*c) || (*c && strchr("._-", *c))) {
        ++c;
    }
    if (*c || c == version) {
        return apr_psprintf(cmd->pool,
                            "LLMAPIVersion: expected a version such as "
                            "2024-10-21, not '%s'",
                            version);
    }
    provider->api_version = version;
    return NULL;
}

const char *llmgw_conf_project(cmd_parms *cmd, void *dir, const char *id)
{
    const char *what = NULL;
    llm_provider_t *provider = provider_of(cmd, &what);
    const char *c = id;

    (void)dir;
    while (apr_isalnum(*c) || (*c && strchr("._:-", *c))) {
        ++c;
    }
    if (!what && (*c || c == id)) {
        what = apr_psprintf(cmd->pool,
                            "LLMProject: expected the id of a project, or "
                            "space: and that of a space, not '%s'",
                            id);
    }
    if (!what) {
        provider->project = id;
    }
    return what;
}
