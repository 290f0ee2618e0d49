/* SPDX-License-Identifier: Apache-2.0 */
/* What the commands on keys and on teams share. */
#ifndef STORE_COMMAND_KEY_H
#define STORE_COMMAND_KEY_H

#include "store/task.h"

/* The member "key": an object of all there is to say. */
void llm_key_put(llm_buf_t *out, const llm_key_t *key, apr_time_t now,
                 apr_pool_t *pool);
/* The key that the request names, by "name" or by "key_id"; refuses when there
 * is none. */
apr_status_t llm_key_ask(llm_key_t *key, llm_task_t *task, llm_txn_t *txn);
/* The name in that member, checked; the key keeps its own without it. */
apr_status_t llm_key_ask_name(llm_key_t *key, llm_task_t *task,
                              const char *member);
/* team, note, models, expires, on_client_abort and budget, as far as the
 * request has them. */
apr_status_t llm_key_ask_members(llm_key_t *key, llm_task_t *task);
/* A new secret: its hash and hint into the key, itself into the edit. Refuses
 * when the snapshot is full. */
apr_status_t llm_key_make_secret(llm_key_t *key, llm_task_t *task,
                                 llm_edit_t *edit);

/* The member "budget", in place of the budgets there are; kept without it. */
apr_status_t llm_budgets_ask(llm_budgets_t *budgets, llm_task_t *task);
/* The members budget_day, budget_month and budget_total; null without one. */
void llm_budgets_put(llm_buf_t *out, const llm_budgets_t *budgets);

/* Makes the team where there is none of that name; "" is no team. */
apr_status_t llm_team_ensure(llm_task_t *task, llm_txn_t *txn,
                             const char *name);

#endif /* STORE_COMMAND_KEY_H */
