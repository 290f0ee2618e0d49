/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pure layers' log lines, written to httpd's error log at httpd's levels.
 * The numbers of llm_log_e are httpd's own.
 */
#include "httpd/llmgw.h"

static void print_line(void *baton, llm_log_e level, apr_status_t status,
                       const char *message)
{
    (void)baton;
    ap_log_error(APLOG_MARK, (int)level, status, ap_server_conf, "%s", message);
}

static int wants_level(void *baton, llm_log_e level)
{
    (void)baton;
    /* no server yet: what is logged now goes to standard error */
    return !ap_server_conf || APLOG_IS_LEVEL(ap_server_conf, (int)level);
}

void llmgw_log_hooks(apr_pool_t *p)
{
    (void)p;
    llm_log_set(print_line, wants_level, NULL);
}
