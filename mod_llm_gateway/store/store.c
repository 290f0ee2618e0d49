/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opening, ticking, maintaining and closing a store.
 *
 * The order at the start is the order of trust: whose folder it is, that
 * nobody else owns it, that what lies in it is ours, what the last owner left
 * undone, which version wrote it, and bringing it to this one's format; then the keys, for which requests wait, and
 * only then what the dead left in their journals.
 */
#include "store/inside.h"

#include "core/llm_log.h"
#include "core/llm_time.h"
#include "store/keep.h"
#include "store/meta.h"
#include "store/prices.h"
#include "store/upgrade.h"

#include <string.h>
#include <unistd.h>

#include <apr_strings.h>

#define LOCK_WAIT        apr_time_from_msec(20)
#define CHECKPOINT_EVERY apr_time_from_sec(1)
#define PRUNE_EVERY      apr_time_from_sec(600)

static const char *text_of(apr_status_t status, apr_pool_t *pool)
{
    char text[200];

    return apr_pstrdup(pool, apr_strerror(status, text, sizeof(text)));
}

apr_status_t llm_store_prepare(const char *dir, apr_uint32_t uid,
                               apr_uint32_t gid, const char **pwhat,
                               apr_pool_t *pool)
{
    llm_folder_t *folder = llm_folder_make(dir, pool);
    apr_status_t status = llm_folder_create(folder, pwhat, pool);

    return status == APR_SUCCESS
               ? llm_folder_give(folder, uid, gid, pwhat, pool)
               : status;
}

static apr_status_t open_table(llm_table_t **ptable, llm_store_t *store,
                               const char *file, const char **pwhat)
{
    apr_status_t status = llm_table_open(ptable, store->bdb, file);

    if (status != APR_SUCCESS) {
        *pwhat = apr_psprintf(
            store->pool, "%s/%s cannot be opened: %s", store->folder->env, file,
            status == APR_EINVAL ? "it is damaged, or no table"
                                 : text_of(status, store->pool));
    }
    return status;
}

static apr_status_t open_tables(llm_store_t *store, const char **pwhat)
{
    apr_status_t status = APR_SUCCESS;

#define TABLE(name)                                                            \
    if (status == APR_SUCCESS) {                                               \
        status = open_table(&store->tables.name, store, #name ".db", pwhat);   \
    }
#include "store/tables.def"
#undef TABLE
    return status;
}

static void close_tables(llm_store_t *store)
{
#define TABLE(name)                                                            \
    if (store->tables.name) {                                                  \
        llm_table_close(store->tables.name);                                   \
        store->tables.name = NULL;                                             \
    }
#include "store/tables.def"
#undef TABLE
}

static apr_status_t check_format(llm_store_t *store, const char **pwhat)
{
    apr_status_t status = llm_meta_check(store->tables.meta, store->bdb,
                                         store->opened, &store->format);

    if (status == APR_ENOTIMPL) {
        *pwhat =
            apr_psprintf(store->pool,
                         "%s was written by a newer version: format "
                         "%" APR_UINT64_T_FMT ", and this one knows %d",
                         store->folder->dir, store->format, LLM_STORE_FORMAT);
    }
    else if (status == APR_EINVAL) {
        *pwhat = apr_psprintf(store->pool,
                              "%s is not a store: %s/meta.db "
                              "does not say its format",
                              store->folder->dir, store->folder->env);
    }
    return status;
}

/* The file that the gateway's processes have mapped; not made here. */
static apr_status_t find_inflight(llm_store_t *store)
{
    if (store->inflight || access(store->folder->inflight, F_OK) < 0) {
        return APR_SUCCESS;
    }
    return llm_inflight_open(&store->inflight, store->folder->inflight, 1,
                             store->pool);
}

static llm_ledger_t *make_ledger(llm_store_t *store)
{
    llm_ledger_tables_t tables = {.meta = store->tables.meta,
                                  .quota = store->tables.quota,
                                  .positions = store->tables.jpos,
                                  .recent = store->tables.recent};
    unsigned i;

    for (i = 0; i < LLM_ROLLUPS; ++i) {
        tables.rollups[i] = llm_rollup_table(&store->tables, (llm_rollup_e)i);
    }
    return llm_ledger_make(store->bdb, &tables, store->dict, store->events,
                           store->pool);
}

static apr_status_t load_parts(llm_store_t *store)
{
    apr_status_t status =
        llm_keyring_load(&store->keyring, store->tables.keys,
                         store->tables.keyhash, store->tables.keyname,
                         store->tables.meta, store->snapshot, store->pool);

    if (status == APR_SUCCESS) {
        status = llm_events_make(&store->events, store->bdb, store->folder->env,
                                 store->pool);
    }
    if (status == APR_SUCCESS) {
        status = llm_dict_load(&store->dict, store->tables.dict, store->pool);
    }
    if (status == APR_SUCCESS) {
        status = find_inflight(store);
    }
    if (status == APR_SUCCESS) {
        store->ledger = make_ledger(store);
        status = llm_drain_make(&store->drain, store->folder, store->ledger,
                                store->inflight, store->pool);
    }
    return status;
}

static apr_status_t open_inside(llm_store_t *store, const char **pwhat)
{
    apr_status_t status =
        llm_folder_check_env(store->folder, pwhat, store->pool);

    if (status == APR_SUCCESS) {
        status = llm_bdb_open(&store->bdb, store->folder->env, store->pool);
    }
    if (status == APR_SUCCESS) {
        status = open_tables(store, pwhat);
    }
    if (status == APR_SUCCESS) {
        status = check_format(store, pwhat);
    }
    if (status == APR_SUCCESS) {
        status = llm_upgrade(store);
    }
    return status == APR_SUCCESS ? load_parts(store) : status;
}

apr_status_t llm_store_open_locked(llm_store_t **pstore, llm_folder_t *folder,
                                   const llm_store_options_t *options,
                                   const char **pwhat, apr_pool_t *pool)
{
    llm_store_t *store = apr_pcalloc(pool, sizeof(*store));
    apr_status_t status;

    *pwhat = NULL;
    store->pool = pool;
    store->folder = folder;
    store->version = options->version ? options->version : "";
    store->keep_days =
        options->keep_days ? options->keep_days : LLM_KEEP_EVENTS;
    store->keep_hours =
        options->keep_hours ? options->keep_hours : LLM_KEEP_HOURS;
    store->keep_audit =
        options->keep_audit ? options->keep_audit : LLM_KEEP_AUDIT;
    store->snapshot = options->snapshot;
    store->inflight = options->inflight;
    store->opened = apr_time_now();
    status =
        apr_thread_mutex_create(&store->mutex, APR_THREAD_MUTEX_DEFAULT, pool);
    if (status == APR_SUCCESS) {
        status = apr_thread_mutex_create(&store->writing,
                                         APR_THREAD_MUTEX_DEFAULT, pool);
    }
    if (status == APR_SUCCESS) {
        status = open_inside(store, pwhat);
    }
    if (status != APR_SUCCESS) {
        if (!*pwhat) {
            *pwhat = apr_psprintf(pool, "%s cannot be opened: %s", folder->dir,
                                  text_of(status, pool));
        }
        llm_store_close(store);
        return status;
    }
    if (store->snapshot) {
        llm_snapshot_health(store->snapshot, &store->health);
    }
    /* told again, whatever the last owner told */
    store->health.prices = (apr_uint64_t)-1;
    status = llm_prices_publish(store, pool);
    if (status != APR_SUCCESS) {
        llm_store_note(store, status, "the prices cannot be published");
    }
    store->health.ready = 1;
    store->health.error = 0;
    llm_store_beat(store, store->opened);
    *pstore = store;
    return APR_SUCCESS;
}

static apr_status_t take_lock(llm_folder_t *folder, int wait,
                              const char **pwhat, apr_pool_t *pool)
{
    apr_status_t status = llm_folder_lock(folder, pwhat, pool);

    while (status == APR_EBUSY && wait) {
        apr_sleep(LOCK_WAIT);
        status = llm_folder_lock(folder, pwhat, pool);
    }
    return status;
}

apr_status_t llm_store_open(llm_store_t **pstore,
                            const llm_store_options_t *options,
                            const char **pwhat, apr_pool_t *pool)
{
    llm_folder_t *folder = llm_folder_make(options->dir, pool);
    apr_status_t status = llm_folder_create(folder, pwhat, pool);
    unsigned drained;

    if (status == APR_SUCCESS) {
        status = llm_folder_check(folder, pwhat, pool);
    }
    if (status == APR_SUCCESS) {
        status = take_lock(folder, options->wait, pwhat, pool);
    }
    if (status == APR_SUCCESS) {
        status = llm_store_open_locked(pstore, folder, options, pwhat, pool);
    }
    if (status != APR_SUCCESS) {
        llm_folder_unlock(folder);
        return status;
    }
    /* What cannot be drained now (a full disk) stays where it is. */
    while (llm_store_tick(*pstore, &drained) == APR_SUCCESS && drained) {
        ;
    }
    return APR_SUCCESS;
}

int llm_store_is_dead(const llm_store_t *store)
{
    return llm_bdb_is_dead(store->bdb);
}

void llm_store_note(llm_store_t *store, apr_status_t status, const char *what)
{
    apr_thread_mutex_lock(store->mutex);
    store->health.error = status;
    if (status != APR_SUCCESS) {
        store->error = what;
        store->error_status = status;
        store->error_at = apr_time_now();
    }
    apr_thread_mutex_unlock(store->mutex);
}

void llm_store_beat(llm_store_t *store, apr_time_t now)
{
    apr_thread_mutex_lock(store->mutex);
    store->health.heartbeat = now;
    store->health.keys = llm_keyring_count(store->keyring);
    if (store->snapshot) {
        llm_snapshot_set_health(store->snapshot, &store->health);
    }
    apr_thread_mutex_unlock(store->mutex);
}

/* What the run did, for status and for the children. */
static void note_drained(llm_store_t *store, apr_status_t status)
{
    const llm_drain_state_t *state = llm_drain_state(store->drain);

    apr_thread_mutex_lock(store->mutex);
    store->health.records += state->stored - store->drained.stored;
    store->health.damaged += state->damaged - store->drained.damaged;
    store->health.backlog = state->backlog;
    store->drained = *state;
    if (status == APR_SUCCESS) {
        store->health.drained = apr_time_now();
    }
    apr_thread_mutex_unlock(store->mutex);
}

apr_status_t llm_store_tick(llm_store_t *store, unsigned *pdrained)
{
    apr_status_t status;

    *pdrained = 0;
    apr_thread_mutex_lock(store->writing);
    status = llm_drain_run(store->drain, pdrained);
    apr_thread_mutex_unlock(store->writing);
    note_drained(store, status);
    llm_store_note(store, status, "usage records cannot be stored");
    llm_store_beat(store, apr_time_now());
    return status;
}

/* A copy that is being made wants its files to stay. */
static int is_copied(llm_store_t *store)
{
    int is;

    apr_thread_mutex_lock(store->mutex);
    is = store->copies > 0;
    apr_thread_mutex_unlock(store->mutex);
    return is;
}

/* A step a second while there is more, and else a look now and then. */
static apr_status_t prune(llm_store_t *store, apr_time_t now)
{
    int more = 0;
    apr_status_t status;

    if (is_copied(store)) {
        return APR_SUCCESS;
    }
    status = llm_keep_step(&more, store, now);
    store->pruned = now;
    if (more) {
        store->pruned += CHECKPOINT_EVERY - PRUNE_EVERY;
    }
    return status;
}

/* Also when the clock was set back. */
static int is_due(apr_time_t last, apr_interval_time_t every, apr_time_t now)
{
    return now - last >= every || now < last - every;
}

static apr_status_t expire_secrets(llm_store_t *store, apr_time_t now)
{
    apr_status_t status;

    apr_thread_mutex_lock(store->writing);
    status = llm_keyring_expire(store->keyring, store->bdb, now);
    apr_thread_mutex_unlock(store->writing);
    return status;
}

apr_status_t llm_store_maintain(llm_store_t *store, apr_time_t now)
{
    apr_status_t status = APR_SUCCESS;

    if (is_due(store->checkpointed, CHECKPOINT_EVERY, now)) {
        store->checkpointed = now;
        status = llm_bdb_checkpoint(store->bdb);
    }
    if (status == APR_SUCCESS && is_due(store->pruned, PRUNE_EVERY, now)) {
        status = prune(store, now);
    }
    if (status == APR_SUCCESS) {
        status = expire_secrets(store, now);
    }
    if (status == APR_SUCCESS) {
        status = llm_prices_publish(store, store->pool);
    }
    if (status != APR_SUCCESS) {
        llm_store_note(store, status, "the store cannot be maintained");
    }
    return status;
}

apr_status_t llm_store_close(llm_store_t *store)
{
    apr_status_t status = APR_SUCCESS;

    if (store->events) {
        llm_events_close(store->events);
    }
    close_tables(store);
    if (store->bdb) {
        status = llm_bdb_close(store->bdb);
        store->bdb = NULL;
    }
    llm_folder_unlock(store->folder);
    return status;
}
