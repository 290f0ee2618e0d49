/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What can be asked of a store: one table of commands, served over the
 * owner's socket and, by llmgwctl while no owner lives, in process.
 *
 * A request is one JSON object with "op" (the command) and "id" (chosen by
 * the caller; an edit repeated with the same id is not applied twice). The
 * answer is any number of rows, then one result or one error.
 *
 *   key.create  {name, team?, note?, models?, expires?}      edit
 *               -> done {key: {...}, secret: "llmgw-..."}  (times: RFC 3339)
 *   key.list    {team?}                     -> row per key {id, name, team,
 *               note, hint, models, created, expires, revoked, disabled, state}
 *   key.show    {name | key_id}             -> done {key: {...}}
 *   key.revoke  {name | key_id}                             edit
 *   key.delete  {name | key_id}                             edit
 *   usage       {since?, until?, by: ["key","model","provider","day","hour"],
 *                key?, model?, provider?}   -> row per group: the group's
 *               members, then requests, errors, aborted, killed, estimated,
 *               unpriced, input, cache_read, cache_write, cache_write_1h,
 *               output, reasoning, audio_in, audio_out, images, cost
 *               (nano-dollars), latency_ms, first_ms (sums)
 *   events      {since?, until?, key?, limit?} -> row per usage record
 *   status      {}                          -> done {...}
 *   check       {}                          -> done {events, hours, days,
 *               agree: true|false, ...}: events, hour and day rollups summed
 *               and compared
 *
 * Error codes: "usage" (malformed request), "not_found", "exists",
 * "refused", "full" (disk), "damaged", "internal".
 */
#ifndef STORE_COMMAND_H
#define STORE_COMMAND_H

#include "store/store.h"

/* One line of an answer, as JSON text without the line end: {"row":...},
 * {"done":...} or {"error":...}. Non-zero stops the command. */
typedef int llm_line_cb(void *baton, const char *line, apr_size_t len);

typedef struct llm_caller_t {
    apr_uint32_t uid; /* of the peer: written to the audit table */
} llm_caller_t;

/* Runs a request on an open store. Always ends with one done or error. */
void llm_command_run(llm_store_t *store, const llm_caller_t *caller,
                     const llm_json_t *request, llm_line_cb *line, void *baton,
                     apr_pool_t *pool);

/*
 * llmgwctl's way in: the owner's socket when an owner lives, else the store
 * opened by this process (as the folder's owner when called by root). Retries
 * for 5 s while an owner is starting.
 */
typedef struct llm_client_t llm_client_t;
apr_status_t llm_client_open(llm_client_t **pclient, const char *dir,
                             const char **pwhat, apr_pool_t *pool);
int llm_client_is_online(const llm_client_t *client); /* an owner answers */
/* request: one JSON object as text. Returns when the answer is complete;
 * APR_SUCCESS says it came, not that it was "done". */
apr_status_t llm_client_call(llm_client_t *client, const char *request,
                             llm_line_cb *line, void *baton,
                             const char **pwhat);
void llm_client_close(llm_client_t *client);

#endif /* STORE_COMMAND_H */
