/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The store's folder: where its parts are, whose it is, and the lock that
 * makes one process its owner.
 */
#ifndef STORE_FOLDER_H
#define STORE_FOLDER_H

#include "core/llm.h"

#include <apr_errno.h>

typedef struct llm_folder_t {
    const char *dir, *env, *journal, *lock_path;
    const char *inflight;
    const char *inflight_1; /* where version 1 of the program has its own */
    const char *socket;     /* where the owner's is, or its symbolic link */
    int lock; /* descriptor; -1 not open, not to be opened twice */
} llm_folder_t;

/* Paths only. */
llm_folder_t *llm_folder_make(const char *dir, apr_pool_t *pool);

/* Makes the folder when it is not there (not its parents) and what belongs
 * into it. */
apr_status_t llm_folder_create(const llm_folder_t *folder, const char **pwhat,
                               apr_pool_t *pool);
/* As root: hands the folder and what is in it to that user. As that user
 * himself: nothing to do. Else APR_EACCES. */
apr_status_t llm_folder_give(const llm_folder_t *folder, apr_uint32_t uid,
                             apr_uint32_t gid, const char **pwhat,
                             apr_pool_t *pool);
/* As root: hands what was made in the folder to the folder's user. */
apr_status_t llm_folder_give_inside(const llm_folder_t *folder,
                                    const char **pwhat, apr_pool_t *pool);
/* Root takes on the identity of the folder's user, for good: files made as
 * root would shut the gateway out. Anybody else stays who he is. */
apr_status_t llm_folder_become(const llm_folder_t *folder, const char **pwhat,
                               apr_pool_t *pool);
/* APR_EACCES unless it is this process's user's, and only his to write. */
apr_status_t llm_folder_check(const llm_folder_t *folder, const char **pwhat,
                              apr_pool_t *pool);
/* APR_EINVAL when a DB_CONFIG or a file of something else is in env/. */
apr_status_t llm_folder_check_env(const llm_folder_t *folder,
                                  const char **pwhat, apr_pool_t *pool);

/* APR_EBUSY when another process has it. As root the lock file is given to
 * the folder's owner. Released by a cleanup of the pool, or before. */
apr_status_t llm_folder_lock(llm_folder_t *folder, const char **pwhat,
                             apr_pool_t *pool);
void llm_folder_unlock(llm_folder_t *folder);

#endif /* STORE_FOLDER_H */
