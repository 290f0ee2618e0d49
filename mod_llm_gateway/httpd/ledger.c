/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is said while usage cannot be written down.
 *
 * LLMLedgerFailure decides what becomes of requests then: they are refused, or
 * served unrecorded. Either happens to each request of a busy server, so they
 * are counted, in memory all processes share, and the error log gets a line
 * when it begins, one a minute with the count, and one when it is over.
 */
#include "httpd/llmgw.h"

#define SAY_EVERY apr_time_from_sec(60)
/* Over is what has not happened for so long: children differ for a moment. */
#define QUIET apr_time_from_sec(5)

/* 1 for one caller of all processes, once in `interval`. */
static int is_my_turn(apr_time_t *when, apr_time_t now,
                      apr_interval_time_t interval)
{
    apr_time_t last = __atomic_load_n(when, __ATOMIC_RELAXED);

    return now - last >= interval
           && __atomic_compare_exchange_n(when, &last, now, 0, __ATOMIC_RELAXED,
                                          __ATOMIC_RELAXED);
}

/* How many there were since the last time this was asked. */
static apr_uint64_t take_new(llmgw_trouble_t *trouble)
{
    apr_uint64_t count = __atomic_load_n(&trouble->count, __ATOMIC_RELAXED);

    return count - __atomic_exchange_n(&trouble->told, count, __ATOMIC_RELAXED);
}

/* Counts one; 1 when the log has not been told for a while. */
static int note(llmgw_trouble_t *trouble, apr_time_t now)
{
    __atomic_add_fetch(&trouble->count, 1, __ATOMIC_RELAXED);
    __atomic_store_n(&trouble->last, now, __ATOMIC_RELAXED);
    return is_my_turn(&trouble->said, now, SAY_EVERY);
}

void llmgw_ledger_refused(llmgw_ledger_t *ledger, const char *why)
{
    if (note(&ledger->refused, apr_time_now())) {
        ap_log_error(APLOG_MARK, APLOG_WARNING, 0, ap_server_conf,
                     LLM_LOGNO(0364) "requests are refused, %" APR_UINT64_T_FMT
                                     " since the last such line: %s",
                     take_new(&ledger->refused), why);
    }
}

void llmgw_ledger_unrecorded(llmgw_ledger_t *ledger, const char *why)
{
    if (note(&ledger->unrecorded, apr_time_now())) {
        ap_log_error(
            APLOG_MARK, APLOG_ERR, 0, ap_server_conf,
            LLM_LOGNO(0365) "usage is not recorded, of %" APR_UINT64_T_FMT
                            " requests since the last such line: %s",
            take_new(&ledger->unrecorded), why);
    }
}

/* Says once that it is over. */
static int is_over(llmgw_trouble_t *trouble, apr_time_t now)
{
    apr_time_t said = __atomic_load_n(&trouble->said, __ATOMIC_RELAXED);

    return said
           && now - __atomic_load_n(&trouble->last, __ATOMIC_RELAXED) >= QUIET
           && __atomic_compare_exchange_n(&trouble->said, &said, 0, 0,
                                          __ATOMIC_RELAXED, __ATOMIC_RELAXED);
}

void llmgw_ledger_good(llmgw_ledger_t *ledger, apr_time_t now)
{
    if (is_over(&ledger->refused, now)) {
        ap_log_error(
            APLOG_MARK, APLOG_NOTICE, 0, ap_server_conf,
            LLM_LOGNO(0366) "requests are served again; %" APR_UINT64_T_FMT
                            " were refused since the last such line",
            take_new(&ledger->refused));
    }
    if (is_over(&ledger->unrecorded, now)) {
        ap_log_error(APLOG_MARK, APLOG_NOTICE, 0, ap_server_conf,
                     LLM_LOGNO(0367) "usage is recorded again; that of "
                                     "%" APR_UINT64_T_FMT " requests was not "
                                     "since the last such line",
                     take_new(&ledger->unrecorded));
    }
}
