/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What can be asked of a store: one table of commands (commands.def), served
 * over the owner's socket and, by llmgwctl while no owner lives, in process.
 *
 * A request is one JSON object with "op" (the command) and "id" (chosen by
 * the caller, at most 64 bytes). The answer is any number of rows, then one
 * result or one error. A member that the command does not know is an error.
 *
 * An edit that is sent again with the same id within a day is not done again:
 * its first answer comes again, with "repeated": true and without the secret,
 * which is stored nowhere. Without an id it is done each time.
 *
 *   key.create  {name, team?, note?, models?, expires?,
 *               on_client_abort?, budget?}                  edit
 *               -> done {key: {...}, secret: "llmgw-..."}
 *               models: patterns, comma separated, 256 bytes; expires: RFC 3339;
 *               on_client_abort: "abort", "drain" or "drain=30s"; budget:
 *               "5/day, 100/month" (core/llm_budget.h)
 *   key.list    {team?}                     -> row per key; done {keys}
 *               a key is {id, name, team, note, hint, models: [...], created,
 *               expires, revoked, grace_until, on_client_abort,
 *               budget_day, budget_month, budget_total, disabled, state:
 *               "active" | "expired" | "revoked" | "disabled" |
 *               "deleted"}; budgets: nano-dollars or null; times: RFC 3339 or null; grace_until: the last
 *               time at which a secret that was replaced is valid
 *   key.show    {name | key_id}             -> done {key: {...}}
 *   key.update  {name | key_id, new_name?, team?, note?, models?, expires?,
 *               on_client_abort?, budget?}                  edit
 *               "" takes a team, note, models, on_client_abort or all budgets
 *               away; budget: all of them, in place of those there are;
 *               expires: also "never"
 *   key.disable {name | key_id}                             edit
 *   key.enable  {name | key_id}                             edit
 *   key.rotate  {name | key_id, grace?}                     edit
 *               -> done {key: {...}, secret: "llmgw-..."}
 *               grace: a duration, 24h without it; 0 ends all older secrets
 *   key.revoke  {name | key_id}                             edit
 *   key.delete  {name | key_id}                             edit
 *               the name is free again; reports keep it for what was used
 *   team.create {name, note?, budget?}                      edit
 *   team.list   {}                          -> row per team; done {teams}
 *               a team is {name, note, created, budget_day, budget_month,
 *               budget_total, keys}, keys a number
 *   team.show   {name}                      -> done {team: {...}}
 *   team.update {name, new_name?, note?, budget?}           edit
 *   team.delete {name}                                      edit
 *               refused while it has keys
 *   price.list  {}                          -> row per price that was set or
 *               imported: {list: "set" | "imported", entry: {...}}, entries
 *               as in core/llm_price.h; done {generation, set, imported (how
 *               many), as_of, imported_at, configured: {...} | null}, the last
 *               as in store/prices.h
 *   price.set   {entry: {provider, model, ...}}             edit
 *               in place of what was set for that model -> done {price: {...}}
 *   price.unset {provider, model}                           edit
 *   price.stage {batch, entries: [...]}                     edit
 *               entries of a list that is being imported; batch: a number
 *   price.import {batch, as_of, models, source?}            edit
 *               the staged list, of so many models, comes into force in place
 *               of the one before; without a batch there is none any more
 *   rerate      {run: {began, number}, changes: [{id, time_us, from, to,
 *               price_day, guessed?}, ...], about?, end?}       edit
 *               -> done {changed, already, other, missing}
 *               Records of one UTC day, at most 500, in the order of time and
 *               id, cost `to` nano-dollars from now on, by prices of price_day;
 *               hours, day and quotas follow. `from` is the cost they have, or
 *               null: those that have another one are left alone ("other"), or
 *               have the new one ("already"); guessed: by the standard price,
 *               since the tier has none. A run is one row of the audit however
 *               many edits it takes: began, in microseconds since 1970, at most
 *               7 days ago, and a number the caller chose; end: this was the
 *               last of them.
 *   audit       {since?, until?, limit?}    -> row per edit, by time; with a
 *               limit the latest ones; {time, uid, op, change: {...}}; done
 *               {edits}
 *   usage       {since?, until?, by: [...], zone?, top?, sort?, and a member
 *                for each filter}
 *               by: of the fields key, team, model, provider, hour, day, week,
 *               month; user, tag, asked, route, client, status, finish, op,
 *               stream, tier, variant, cache, problem, attempts. A filter is a
 *               member called after a field other than a time ("operation" for
 *               op), its value a string; status also "4xx". What names a field of the second
 *               half is answered from the single records, as far back as they
 *               are kept. A key's usage is its present team's.
 *               zone: [[seconds since 1970, seconds east of UTC], ...], by
 *               time: hours, days, weeks and months are of that zone
 *               top: only so many rows, those that have most of `sort`: a
 *               member of a row, or tokens_in, tokens_out, tokens; else cost
 *               -> row per group: the group's members in the order of "by"
 *               (hour RFC 3339, day "2026-11-22", week "2026-W47", month
 *               "2026-11"; status and attempts numbers, stream a flag; with
 *               "key" also key_id), then requests, errors, aborted, killed,
 *               estimated, unpriced, input, cache_read, cache_write,
 *               cache_write_1h, output, reasoning, audio_in, audio_out, images,
 *               cost (nano-dollars), latency_ms, first_ms (sums); done {groups,
 *               total: {requests, ...}, records_since, hours_since}
 *               A request counts under each of its tags, and once in total.
 *               records_since: there was usage before, but the records that
 *               were needed are kept from then on only; else null.
 *               hours_since: the same of sums by hour: what was before is whole
 *               days of UTC
 *               Whole hours: the one since lies in, to the one until lies in;
 *               exact in a zone that is no whole hours from UTC. Without "by"
 *               one row. In no particular order.
 *   spend       {by?: "key" | "team"}       -> row per key that was used or has
 *               a budget: {key, key_id, day, month, total, unpriced, budget_day,
 *               budget_month, budget_total}, or per team: team in place of key
 *               and key_id; done {rows}
 *               nano-dollars spent today, this month and in all, in UTC, as
 *               the quotas have it; unpriced: requests of this month. A key's
 *               spending is its present team's; a deleted key has no budget.
 *               By the key's id, or in no particular order.
 *   events      {since?, until?, limit?, and filters as in usage} -> row per
 *               usage record, by time; with a limit the latest ones; done
 *               {events}
 *   follow      {after? | last?, by?, zone?, and filters as in usage} -> the
 *               records that were stored after number `after`, or the `last`
 *               ones, in the order they were stored: as rows of events with
 *               their number, or, with "by", as rows of usage. done {next,
 *               missed, identity, total?}: next is the `after` of the next
 *               request; missed: how many of them are not known any more;
 *               total with "by"
 *   object.claim {provider, ids: [...], key_id}             edit
 *               what the provider keeps by these ids, at most 1000, was made by
 *               a request of this key (0: of nobody's); an id that is known
 *               stays whose it was
 *   object.forget {provider, ids}                           edit
 *   object.bill {provider, ids}                             edit
 *               what they used is in the ledger
 *   object.owner {ids}                      -> row per provider of each id
 *               {id, provider, key_id, team, made, billed}; done {objects}
 *               team: the key's present one. None of these four is in the audit.
 *   secret.set  {name, sealed}                              edit
 *               -> done {secret: {name, set, uid, master}}
 *               sealed: hex of what llm_seal made; master: the id of the key
 *               it is sealed with. Nothing here ever sees what is in it.
 *   secret.get  {name}                      -> done {secret: {...}, sealed}
 *   secret.list {}                          -> row per secret, by name; done
 *               {secrets}
 *   secret.reseal {name, was, sealed}                       edit
 *               the same secret under another master key; refused unless it
 *               is stored as `was`
 *   secret.delete {name}                                    edit
 *   status      {}                          -> done {pid, version, started,
 *               uptime_s, schema, created, identity, records, killed, damaged,
 *               twice, keys, inflight, inflight_slots, bytes, journal_bytes,
 *               keep_days, keep_hours, keep_audit, journals, backlog,
 *               drained, failing, error, error_at}
 *   check       {}                          -> row per day on which usage
 *               records, hours and days differ: {day, events, hours, days},
 *               null for what is not kept so long; row per quota that is not
 *               what its key used: {window ("day", "month", "total"), start
 *               (a day, or null), key, key_id, days, quota}, both {requests,
 *               tokens_in, tokens_out, cost, unpriced}; done {records, events,
 *               hours, days, quotas, differences, agree}
 *
 * Any request may have "progress": true: then lines {"progress": {done, of}}
 * come between the rows of what takes long.
 *
 *   store.copy  {folder}                    -> row per file {file, bytes, total};
 *               done {files, bytes, format, began}: the store in one state
 *               into <dir>/<folder>, a folder copy-<hex> that is there and
 *               empty (store/copy.h)
 *   store.stats {}                          -> row per table {table, rows,
 *               row_bytes, file_bytes}; done {format, env_bytes, log_files,
 *               log_bytes, journal_bytes, disk_bytes, disk_free, journals,
 *               backlog, inflight, inflight_slots, cache_bytes, event_days,
 *               oldest_event, keep_days}
 *   store.compact {}                        -> row per table {table, before,
 *               freed}; done {freed, env_bytes}
 *
 * since and until: RFC 3339, or a duration back from now.
 *
 * Error codes: "usage" (malformed request), "not_found", "exists",
 * "refused", "full" (disk), "damaged", "internal".
 */
#ifndef STORE_COMMAND_H
#define STORE_COMMAND_H

#include "store/store.h"

/* One line of an answer, as JSON text without the line end: {"row":...},
 * {"progress":...}, {"done":...} or {"error":...}. Non-zero stops the command.
 */
typedef int llm_line_cb(void *baton, const char *line, apr_size_t len);
int llm_line_is_progress(const char *line, apr_size_t len);

typedef struct llm_caller_t {
    apr_uint32_t uid; /* of the peer: written to the audit table */
} llm_caller_t;

/* Runs a request on an open store. Always ends with one done or error, unless
 * the callback stopped it or the owner is leaving. Edits: in the thread that
 * opened the store. */
void llm_command_run(llm_store_t *store, const llm_caller_t *caller,
                     const llm_json_t *request, llm_line_cb *line, void *baton,
                     apr_pool_t *pool);

/*
 * llmgwctl's way in: the owner's socket when an owner lives, else the store
 * opened by this process (as root: it becomes the folder's user, for good).
 * Retries for 5 s while an owner is starting. A folder that is not there is
 * ENOENT; an empty one becomes a store.
 */
typedef struct llm_client_t llm_client_t;
apr_status_t llm_client_open(llm_client_t **pclient, const char *dir,
                             const char **pwhat, apr_pool_t *pool);
/* Through the owner's socket or not at all: ENOENT or ECONNREFUSED when no
 * owner lives. Its calls never open the store. */
apr_status_t llm_client_connect(llm_client_t **pclient, const char *dir,
                                const char **pwhat, apr_pool_t *pool);
/* The same; where no owner lives the store is opened in a process of its own,
 * and this one stays who it is. `forget` (may be NULL) is called first in that
 * process, to wipe what is not its business. */
apr_status_t llm_client_open_apart(llm_client_t **pclient, const char *dir,
                                   void (*forget)(void *baton), void *baton,
                                   const char **pwhat, apr_pool_t *pool);
int llm_client_is_online(const llm_client_t *client); /* an owner answers */
/* request: one JSON object as text, without a line end. Returns when the answer
 * is complete; APR_SUCCESS says it came, not that it was "done". When the
 * owner dies before it answered, the request is sent to the next one: an edit
 * should have an id. */
apr_status_t llm_client_call(llm_client_t *client, const char *request,
                             llm_line_cb *line, void *baton,
                             const char **pwhat);
void llm_client_close(llm_client_t *client);

#endif /* STORE_COMMAND_H */
