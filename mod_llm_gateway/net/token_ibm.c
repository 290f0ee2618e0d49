/* SPDX-License-Identifier: Apache-2.0 */
/* IBM Cloud: an API key is exchanged for an IAM token. */
#include <apr_strings.h>

#include "net/token.h"

static const char *ask(llm_net_request_t *request,
                       const llm_token_source_t *source, apr_time_t now,
                       apr_pool_t *pool)
{
    llm_buf_t *form = llm_buf_make(0, pool);

    (void)now;
    llm_token_put(form, "grant_type", "urn:ibm:params:oauth:grant-type:apikey");
    llm_token_put(form, "apikey", source->secret);
    request->url = llm_token_option(source, "url",
                                    "https://iam.cloud.ibm.com/identity/token");
    request->headers = "Accept: application/json";
    request->body = apr_pstrmemdup(pool, form->data, form->len);
    return NULL;
}

const llm_token_kind_t llm_token_ibm = {
    .name = "ibm",
    .options = "",
    .needs_secret = 1,
    .secret_is = "an API key",
    .ask = ask,
};
