/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How the pure layers log: through two callbacks the program sets at start
 * (the module: ap_log_error; llmgwctl: standard error; tests: a list).
 * Tags look like LLMGW0001, are unique and never used again.
 */
#ifndef LLM_LOG_H
#define LLM_LOG_H

#include <apr_errno.h>

#define LLM_LOGNO(n) "LLMGW" #n ": "

/* httpd's levels, same numbers */
typedef enum {
    LLM_LOG_CRIT = 2,
    LLM_LOG_ERR = 3,
    LLM_LOG_WARNING = 4,
    LLM_LOG_NOTICE = 5,
    LLM_LOG_INFO = 6,
    LLM_LOG_DEBUG = 7
} llm_log_e;

typedef void llm_log_cb(void *baton, llm_log_e level, apr_status_t status,
                        const char *message);
typedef int llm_log_level_cb(void *baton, llm_log_e level);

void llm_log_set(llm_log_cb *print, llm_log_level_cb *wants, void *baton);
/* A line of at most 2,000 bytes, control characters escaped. */
void llm_log(llm_log_e level, apr_status_t status, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

#endif /* LLM_LOG_H */
