/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The module: its record and its hooks, in the order in which they run. Each
 * file of this folder registers its own; there is no logic here.
 */
#include "httpd/llmgw.h"

static void register_hooks(apr_pool_t *p)
{
    /* start: pre_config, check_config, post_config, child_init, monitor */
    llmgw_log_hooks(p);    /* the pure layers log through httpd */
    llmgw_conf_hooks(p);   /* what can be told only of the whole config */
    llmgw_dump_hooks(p);   /* and what it came to */
    llmgw_proxy_hooks(p);  /* mod_proxy's functions; a worker a provider */
    llmgw_shared_hooks(p); /* memory for the keys; the children's journals */
    llmgw_prices_hooks(p); /* what llmgwctl is told of models and prices */
    llmgw_owner_hooks(p);  /* the process that owns the store */
    llmgw_keeper_hooks(p); /* the one that fetches tokens */

    /* a request: translate_name, map_to_storage, check_authn, type_checker,
     * insert_filter, handler, log_transaction */
    llmgw_endpoint_hooks(p); /* what is asked for */
    llmgw_auth_hooks(p);     /* and by whom */
    llmgw_meter_hooks(p);    /* filter mode */
    llmgw_reply_hooks(p);    /* httpd's own errors in the caller's dialect */
    llmgw_handler_hooks(p);  /* the work */
    llmgw_account_hooks(p);  /* its record */

    llmgw_status_hooks(p); /* rows in server-status */
}

module AP_MODULE_DECLARE_DATA llm_gateway_module = {
    STANDARD20_MODULE_STUFF, llmgw_dir_create,
    llmgw_dir_merge,         llmgw_server_create,
    llmgw_server_merge,      llmgw_commands,
    register_hooks,          0,
};
