/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A copy of the store to work on: made by the store's owner, in a folder of
 * the store that this process made and removes.
 *
 * What reads whole tables, or every page of them, reads a copy: it is of one
 * state, and nobody waits. While the process lives it holds a lock on the
 * folder, so that the copy of one that was killed is known by the next and
 * removed.
 */
#ifndef CTL_STORE_COPY_H
#define CTL_STORE_COPY_H

#include "llmgwctl/ctl.h"
#include "store/replace.h"

typedef struct ctl_copy_t {
    const char *dir, *env, *journal;
    int lock;
    const llm_json_t *done; /* what the owner said of it */
} ctl_copy_t;

/* A path that holds wherever the process goes; it need not be there. */
const char *ctl_absolute(const char *path, apr_pool_t *pool);
/* The path of the store is made one that holds wherever the process goes.
 * Returns a ctl_exit_e. */
int ctl_fix_store(ctl_t *ctl);
/* Opens the store, becomes its user, and copies. Returns a ctl_exit_e; only
 * after CTL_DONE there is something to remove. */
int ctl_copy_make(ctl_copy_t *copy, ctl_t *ctl);
void ctl_copy_remove(ctl_copy_t *copy);

/* Becomes the store's user and begins to replace the store; reports what is in
 * the way. Returns a ctl_exit_e. */
int ctl_replace_begin(llm_replace_t **preplace, ctl_t *ctl);
/* What a command that replaced the store ends with. */
int ctl_replaced(ctl_t *ctl, const llm_replaced_t *result);

/* The functions of `store`'s verbs; they return a ctl_exit_e. */
int ctl_store_backup(ctl_t *ctl);
int ctl_store_restore(ctl_t *ctl);
int ctl_store_dump(ctl_t *ctl);
int ctl_store_load(ctl_t *ctl);

#endif /* CTL_STORE_COPY_H */
