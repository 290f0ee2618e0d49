/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The owner's process.
 *
 * The lock comes first and the socket second, because only who has the lock
 * may remove a stale socket; then `bound` may give up root, and everything
 * else is done as the folder's user. Then one loop: serve the socket until
 * the next tick is due, tick, maintain.
 *
 * When the store fails (a full disk), the journals keep what the children
 * write: the loop goes on answering, tries again less and less often, and
 * is back by itself. When the engine is broken, the process has to leave;
 * its successor recovers.
 */
#include "store/serve.h"
#include "store/socket.h"

#include "core/llm_log.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <apr_strings.h>

#define TICK        apr_time_from_msec(50)
#define BACKOFF_MAX apr_time_from_sec(5)
#define BEAT        apr_time_from_msec(500)
#define LOCK_WAIT   apr_time_from_msec(20)
#define LAST_DRAIN  apr_time_from_sec(5)

typedef struct owner_t {
    const llm_store_options_t *options;
    llm_folder_t *folder;
    const char *socket; /* where it is bound */
    int listener;
    llm_store_t *store;
    llm_server_t *server;
    volatile int *stop;
    apr_time_t next_tick;
    apr_interval_time_t backoff; /* after a failure; 0: all is well */
} owner_t;

/* The lock's last owner may need a moment to finish. */
static apr_status_t wait_for_lock(owner_t *owner, const char **pwhat,
                                  apr_pool_t *pool)
{
    apr_status_t status = llm_folder_lock(owner->folder, pwhat, pool);

    while (status == APR_EBUSY && owner->options->wait && !*owner->stop) {
        apr_sleep(LOCK_WAIT);
        status = llm_folder_lock(owner->folder, pwhat, pool);
    }
    return status;
}

/* The socket is made by the user that will own it, in his folder; in one that
 * is root's it is made by root and handed over. */
static apr_status_t listen_as_owner(owner_t *owner)
{
    struct stat dir;
    apr_status_t status;
    gid_t group = getegid();

    if (geteuid() != 0) {
        return llm_socket_listen(&owner->listener, owner->socket);
    }
    if (stat(owner->folder->dir, &dir) < 0 || setegid(dir.st_gid) < 0
        || seteuid(dir.st_uid) < 0) {
        return errno;
    }
    status = llm_socket_listen(&owner->listener, owner->socket);
    if (seteuid(0) < 0 || setegid(group) < 0) {
        return errno;
    }
    if (status == APR_EACCES) {
        status = llm_socket_listen(&owner->listener, owner->socket);
        if (status == APR_SUCCESS
            && lchown(owner->socket, dir.st_uid, dir.st_gid) < 0) {
            status = errno;
        }
    }
    return status;
}

/* <dir>/owner.sock leads to the socket, wherever it is. */
static apr_status_t link_socket(const owner_t *owner)
{
    if (owner->socket == owner->folder->socket) {
        return APR_SUCCESS;
    }
    if (unlink(owner->folder->socket) < 0 && errno != ENOENT) {
        return errno;
    }
    return symlink(owner->socket, owner->folder->socket) < 0 ? errno
                                                             : APR_SUCCESS;
}

static apr_status_t bind_socket(owner_t *owner, const char **pwhat,
                                apr_pool_t *pool)
{
    char text[200];
    apr_status_t status = listen_as_owner(owner);

    if (status == APR_SUCCESS) {
        status = link_socket(owner);
    }
    if (status != APR_SUCCESS) {
        *pwhat = apr_psprintf(pool, "%s: %s", owner->socket,
                              apr_strerror(status, text, sizeof(text)));
    }
    return status;
}

static apr_status_t open_all(owner_t *owner, llm_owner_bound_cb *bound,
                             void *baton, const char **pwhat, apr_pool_t *pool)
{
    apr_status_t status = llm_folder_create(owner->folder, pwhat, pool);

    if (status == APR_SUCCESS) {
        status = llm_folder_give_inside(owner->folder, pwhat, pool);
    }
    if (status == APR_SUCCESS) {
        status = wait_for_lock(owner, pwhat, pool);
    }
    if (status == APR_SUCCESS) {
        status = bind_socket(owner, pwhat, pool);
    }
    if (status == APR_SUCCESS && bound) {
        *pwhat = "the process could not give up root";
        status = bound(baton, owner->socket, owner->folder->lock_path);
    }
    if (status == APR_SUCCESS) {
        status = llm_folder_check(owner->folder, pwhat, pool);
    }
    if (status == APR_SUCCESS) {
        status = llm_store_open_locked(&owner->store, owner->folder,
                                       owner->options, pwhat, pool);
    }
    if (status == APR_SUCCESS) {
        status = llm_server_make(&owner->server, owner->store, owner->listener,
                                 pool);
    }
    return status;
}

/* What a failure means for the loop: once it is told, then it backs off. */
static void note_failure(owner_t *owner, apr_status_t status, apr_time_t now)
{
    if (!owner->backoff) {
        llm_log(LLM_LOG_CRIT, status,
                LLM_LOGNO(0208) "the store cannot be written to, usage records "
                                "are kept in the journals: %s",
                owner->folder->dir);
    }
    owner->backoff = owner->backoff ? owner->backoff * 2 : 2 * TICK;
    if (owner->backoff > BACKOFF_MAX) {
        owner->backoff = BACKOFF_MAX;
    }
    owner->next_tick = now + owner->backoff;
}

static void tick(owner_t *owner)
{
    unsigned drained;
    apr_time_t now = apr_time_now();
    apr_status_t status = llm_store_tick(owner->store, &drained);

    if (status == APR_SUCCESS) {
        status = llm_store_maintain(owner->store, now);
    }
    if (status != APR_SUCCESS) {
        note_failure(owner, status, apr_time_now());
        return;
    }
    if (owner->backoff) {
        llm_log(LLM_LOG_NOTICE, APR_SUCCESS,
                LLM_LOGNO(0209) "the store can be written to again: %s",
                owner->folder->dir);
    }
    owner->backoff = 0;
    /* A batch that was full leaves more to do. */
    owner->next_tick = drained >= LLM_BATCH_RECORDS ? now : now + TICK;
}

static int must_leave(const owner_t *owner)
{
    return llm_store_is_dead(owner->store) || owner->store->health.error == EIO;
}

static void serve(owner_t *owner)
{
    while (!*owner->stop && !must_leave(owner)) {
        apr_time_t now = apr_time_now();
        apr_interval_time_t wait = owner->next_tick - now;

        if (wait > BEAT || wait < -BACKOFF_MAX) {
            wait = wait < 0 ? 0 : BEAT;
        }
        llm_server_run(owner->server, wait < 0 ? 0 : wait);
        now = apr_time_now();
        llm_store_beat(owner->store, now);
        if (now >= owner->next_tick || owner->next_tick - now > BACKOFF_MAX) {
            tick(owner);
        }
    }
}

/* What the children wrote until now; those who still write, write for the
 * next owner. */
static void drain_last(owner_t *owner)
{
    apr_time_t end = apr_time_now() + LAST_DRAIN;
    unsigned drained = 1;

    while (drained && apr_time_now() < end) {
        if (llm_store_tick(owner->store, &drained) != APR_SUCCESS) {
            return;
        }
    }
}

static apr_status_t leave(owner_t *owner)
{
    apr_status_t status = APR_SUCCESS;

    if (owner->server) {
        llm_server_stop(owner->server);
    }
    else if (owner->listener >= 0) {
        close(owner->listener);
    }
    if (owner->listener >= 0) {
        unlink(owner->folder->socket);
        unlink(owner->socket);
    }
    if (owner->store) {
        if (must_leave(owner)) {
            status = APR_EGENERAL;
            llm_log(LLM_LOG_CRIT, status,
                    LLM_LOGNO(0210) "the store failed and has to be recovered "
                                    "by another process: %s",
                    owner->folder->dir);
        }
        else {
            drain_last(owner);
        }
        llm_store_close(owner->store);
    }
    llm_folder_unlock(owner->folder);
    return status;
}

apr_status_t llm_owner_run(const llm_store_options_t *options,
                           llm_owner_bound_cb *bound, void *baton,
                           volatile int *stop, apr_pool_t *pool)
{
    owner_t owner = {.options = options, .listener = -1, .stop = stop};
    const char *what = NULL;
    apr_status_t status;

    owner.folder = llm_folder_make(options->dir, pool);
    owner.socket = options->socket ? options->socket : owner.folder->socket;
    status = open_all(&owner, bound, baton, &what, pool);
    if (status == APR_SUCCESS) {
        llm_log(LLM_LOG_INFO, APR_SUCCESS,
                LLM_LOGNO(0211) "the store is open: %s, %u keys", options->dir,
                llm_keyring_count(owner.store->keyring));
        serve(&owner);
        return leave(&owner);
    }
    leave(&owner);
    if (!(status == APR_EBUSY && *stop)) {
        llm_log(LLM_LOG_CRIT, status,
                LLM_LOGNO(0212) "the store cannot be opened: %s",
                what ? what : options->dir);
    }
    return status;
}
