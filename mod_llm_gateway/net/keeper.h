/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keeps tokens fresh: fetches each at once, renews it at three quarters of its
 * life and a little (so that many gateways do not come at the same moment),
 * tries again after a failure in 1, 2, 4 ... 60 seconds, and at once where a
 * provider refused the token. While a renewal fails the old token stays.
 *
 * Who calls it is a process of its own (httpd/keeper_process.c), or a test.
 */
#ifndef NET_KEEPER_H
#define NET_KEEPER_H

#include "net/token_slot.h"

typedef struct llm_keeper_t llm_keeper_t;

/* sources: of const llm_token_source_t *; slots: as many, for them in turn.
 * All must outlive the keeper. */
llm_keeper_t *llm_keeper_make(const apr_array_header_t *sources, void *slots,
                              llm_net_t *net, apr_uint64_t seed,
                              apr_pool_t *pool);
/* Begins what is due. Returns how long nothing else will be. */
apr_interval_time_t llm_keeper_step(llm_keeper_t *keeper, apr_time_t now);
/* The keeper's time of day while net->wait calls back. */
void llm_keeper_set_clock(llm_keeper_t *keeper, apr_time_t (*now)(void));

#endif /* NET_KEEPER_H */
