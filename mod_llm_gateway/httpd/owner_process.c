/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The process that owns the store: forked by the parent when the server
 * starts, told to leave when the configuration is dropped, started again when
 * it dies, killed when it hangs (its lock and its transactions make all of
 * that safe). Requests do not notice: they never wait for it.
 *
 *   post_config           fork; wait until it has begun its work
 *   it died               start it again; when it had never begun, for the
 *                         second time, not at once but when the monitor
 *                         comes by
 *   monitor (10 s)        kill it when its heart stopped; start it
 *   restart, stop         SIGTERM; it writes what there is and leaves
 *
 * On a restart the new one waits for the store's lock until the old one is
 * gone. It leaves when the parent dies, so that an orphan never keeps the
 * lock from the next server.
 */
#include "httpd/llmgw.h"

#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <ap_mpm.h>
#include <apr_strings.h>
#include <apr_thread_proc.h>
#include <mpm_common.h>
#include <unixd.h>

#define OWNER_KEY   "llmgw-owner"   /* in the configuration's pool */
#define STARTED_KEY "llmgw-started" /* in the process's pool */
#define NAME        "llmgw-store"   /* in ps; 15 bytes at most */

#define START_PATIENCE apr_time_from_sec(5)
#define HEART_STOPPED  apr_time_from_sec(15)
#define STARTS_MAX     3 /* in one start of the server */

typedef struct owner_t {
    server_rec *server;
    apr_pool_t *pconf;
    apr_proc_t proc;
    int is_alive;     /* as far as the parent knows */
    int is_noted;     /* proc is among the subprocesses of pconf */
    int false_starts; /* in a row: deaths before it began its work */
    apr_time_t started;
} owner_t;

/* ---- in the owner's process -------------------------------------------- */

typedef struct run_t {
    const owner_t *owner;
    apr_pool_t *pool;
    pid_t parent;
} run_t;

static apr_status_t drop_root(const run_t *run)
{
    if (ap_run_drop_privileges(run->pool, run->owner->server)) {
        return APR_EACCES;
    }
    llmgw_subprocess_leave_with(run->parent);
    return APR_SUCCESS;
}

/* A socket of the site's choosing may be where only root can make one. */
static apr_status_t on_bound(void *baton, const char *socket_path,
                             const char *lock_path)
{
    (void)lock_path; /* was given to the folder's owner already */
    if (!geteuid()
        && (lchown(socket_path, ap_unixd_config.user_id,
                   ap_unixd_config.group_id)
            || chmod(socket_path, 0600))) {
        return errno;
    }
    return drop_root(baton);
}

static apr_status_t run_owner(const owner_t *owner, pid_t parent)
{
    const llmgw_server_t *server = llmgw_server_of(owner->server);
    int has_socket = *server->socket.value != '\0';
    run_t run = {owner, NULL, parent};
    llm_store_options_t options = {
        .dir = server->store_dir,
        .socket = has_socket ? server->socket.value : NULL,
        .snapshot = llmgw_shared_snapshot(),
        .inflight = llmgw_shared_inflight(),
        .wait = 1,
        .keep_days = (unsigned)server->keep_days.value,
        .keep_hours = (unsigned)server->keep_hours.value,
        .keep_audit = (unsigned)server->keep_audit.value,
        .version = LLMGW_VERSION,
    };
    volatile int *stop;
    apr_status_t status;

    stop = llmgw_subprocess_begin(NAME);
    llmgw_secret_forget(owner->pconf);
    status = apr_pool_create(&run.pool, NULL);
    if (!status && !has_socket) {
        status = drop_root(&run);
    }
    return status ? status
                  : llm_owner_run(&options, has_socket ? on_bound : NULL, &run,
                                  stop, run.pool);
}

/* ---- in the parent ----------------------------------------------------- */

static void maintain(int reason, void *data, apr_wait_t status);

static int is_stopping(void)
{
    int state = 0;

    return ap_mpm_query(AP_MPMQ_MPM_STATE, &state) != APR_SUCCESS
           || state == AP_MPMQ_STOPPING;
}

static void watch(owner_t *owner)
{
    if (!owner->is_noted) {
        /* waited for when pconf goes, or the MPM would wonder whose it was */
        apr_pool_note_subprocess(owner->pconf, &owner->proc,
                                 APR_KILL_AFTER_TIMEOUT);
        owner->is_noted = 1;
    }
    apr_proc_other_child_register(&owner->proc, maintain, owner, NULL,
                                  owner->pconf);
}

static apr_status_t start_owner(owner_t *owner)
{
    pid_t parent = getpid(), pid;

    owner->started = apr_time_now();
    pid = fork();
    if (pid < 0) {
        return errno;
    }
    if (!pid) {
        apr_status_t status = run_owner(owner, parent);

        if (status) {
            ap_log_error(APLOG_MARK, APLOG_CRIT, status, owner->server,
                         LLM_LOGNO(0350) "the store's process ends");
        }
        /* nothing of the parent's is to be cleaned up here */
        _exit(status ? 1 : 0);
    }
    owner->proc.pid = pid;
    owner->is_alive = 1;
    return APR_SUCCESS;
}

static void start_again(owner_t *owner)
{
    apr_status_t status = start_owner(owner);

    if (status) {
        ap_log_error(APLOG_MARK, APLOG_CRIT, status, owner->server,
                     LLM_LOGNO(0351) "the store's process cannot be started");
        return;
    }
    watch(owner);
}

/* While it recovers the store, or waits for the lock, it has not begun. */
static int has_begun(const owner_t *owner, llm_health_t *phealth)
{
    llm_snapshot_health(llmgw_shared_snapshot(), phealth);
    return phealth->ready && phealth->heartbeat >= owner->started;
}

static void note_death(owner_t *owner, const char *how)
{
    llm_health_t health;

    owner->is_alive = 0;
    owner->false_starts =
        has_begun(owner, &health) ? 0 : owner->false_starts + 1;
    ap_log_error(APLOG_MARK, APLOG_ERR, 0, owner->server,
                 LLM_LOGNO(0352) "the store's process (pid %d) ended%s; it is "
                                 "started again%s",
                 (int)owner->proc.pid, how,
                 owner->false_starts > 1 ? " in a while" : "");
}

static void maintain(int reason, void *data, apr_wait_t status)
{
    owner_t *owner = data;
    const char *how = "";

    switch (reason) {
    case APR_OC_REASON_DEATH:
        if (WIFSIGNALED(status)) {
            how = apr_psprintf(owner->pconf, " by signal %d", WTERMSIG(status));
        }
        /* fall through */
    case APR_OC_REASON_LOST:
        if (is_stopping()) {
            owner->is_alive = 0;
            apr_proc_other_child_unregister(owner);
            break;
        }
        note_death(owner, how);
        apr_proc_other_child_unregister(owner);
        if (owner->false_starts < 2) {
            start_again(owner);
        }
        break;
    case APR_OC_REASON_RESTART:
        apr_proc_other_child_unregister(owner);
        break;
    case APR_OC_REASON_UNREGISTER:
        if (owner->is_alive) {
            kill(owner->proc.pid, SIGTERM);
        }
        break;
    default:
        break;
    }
}

/* Did it begin its work, and then fall silent? */
static int has_hung(const owner_t *owner)
{
    llm_health_t health;

    return has_begun(owner, &health)
           && apr_time_now() - health.heartbeat > HEART_STOPPED;
}

static owner_t *find_owner(apr_pool_t *pconf)
{
    void *data = NULL;

    apr_pool_userdata_get(&data, OWNER_KEY, pconf);
    return data;
}

static int monitor(apr_pool_t *p, server_rec *s)
{
    owner_t *owner = find_owner(s->process->pconf);

    (void)p;
    if (!owner || is_stopping()) {
        return DECLINED;
    }
    if (!owner->is_alive) {
        start_again(owner);
    }
    else if (has_hung(owner)) {
        ap_log_error(APLOG_MARK, APLOG_CRIT, 0, s,
                     LLM_LOGNO(0353) "the store's process (pid %d) hangs and "
                                     "is killed",
                     (int)owner->proc.pid);
        kill(owner->proc.pid, SIGKILL);
    }
    return DECLINED;
}

/* ---- start ------------------------------------------------------------- */

/* NULL while it runs; else how it ended. *pkilled: somebody killed it. */
static const char *find_end(owner_t *owner, int *pkilled)
{
    apr_exit_why_e why = APR_PROC_EXIT;
    int code = 0;

    /* neither "not done" nor what APR says of one that is stopped */
    if (apr_proc_wait(&owner->proc, &code, &why, APR_NOWAIT)
        != APR_CHILD_DONE) {
        return NULL;
    }
    owner->is_alive = 0;
    *pkilled = APR_PROC_CHECK_SIGNALED(why);
    return *pkilled
               ? apr_psprintf(owner->pconf, "was killed by signal %d", code)
               : apr_psprintf(owner->pconf, "ended with code %d", code);
}

/* Until it has begun its work, for 5 seconds at most. NULL, or how it ended
 * before. */
static const char *await_owner(owner_t *owner, int *pkilled)
{
    apr_time_t deadline = owner->started + START_PATIENCE;
    llm_health_t health;
    const char *end;

    do {
        end = find_end(owner, pkilled);
        if (end || has_begun(owner, &health)) {
            return end;
        }
        apr_sleep(apr_time_from_msec(5));
    } while (apr_time_now() < deadline);
    ap_log_error(APLOG_MARK, APLOG_WARNING, 0, owner->server,
                 LLM_LOGNO(0354) "the store's process has not begun its work "
                                 "in 5 seconds (does another process hold the "
                                 "store?); requests are refused until it has");
    return NULL;
}

/* NULL, or why there is none. What somebody kills is started again; what ends
 * by itself would do so again. */
static const char *start_and_await(owner_t *owner)
{
    const char *end;
    char reason[120];
    int is_killed, starts = 0;

    do {
        apr_status_t status = start_owner(owner);

        if (status) {
            return apr_pstrdup(owner->pconf,
                               apr_strerror(status, reason, sizeof(reason)));
        }
        is_killed = 0;
        end = await_owner(owner, &is_killed);
    } while (is_killed && ++starts < STARTS_MAX);
    if (!end) {
        watch(owner);
    }
    return end;
}

static int is_first_start(process_rec *process)
{
    void *data = NULL;

    apr_pool_userdata_get(&data, STARTED_KEY, process->pool);
    /* not _setn: the process outlives this module and its literals */
    apr_pool_userdata_set(process, STARTED_KEY, NULL, process->pool);
    return !data;
}

static int post_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp,
                       server_rec *s)
{
    owner_t *owner;
    const char *what;
    int is_first;

    (void)plog;
    (void)ptemp;
    if (!llmgw_shared_snapshot()) {
        return OK;
    }
    owner = apr_pcalloc(pconf, sizeof(*owner));
    owner->server = s;
    owner->pconf = pconf;
    apr_pool_userdata_setn(owner, OWNER_KEY, NULL, pconf);
    is_first = is_first_start(s->process);
    what = start_and_await(owner);
    if (!what) {
        return OK;
    }
    ap_log_error(APLOG_MARK, APLOG_CRIT, 0, s,
                 LLM_LOGNO(0355) "the store in %s cannot be used: its process "
                                 "%s%s",
                 llmgw_server_of(s)->store_dir, what,
                 is_first ? "" : "; requests are refused until it can");
    /* a server that runs already goes on with what else it does */
    return is_first ? HTTP_INTERNAL_SERVER_ERROR : OK;
}

void llmgw_owner_hooks(apr_pool_t *p)
{
    (void)p;
    ap_hook_post_config(post_config, NULL, NULL, APR_HOOK_LAST);
    ap_hook_monitor(monitor, NULL, NULL, APR_HOOK_MIDDLE);
}
