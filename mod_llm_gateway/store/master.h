/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The master key file: lines of text with one key, and with a second, former
 * one while the secrets are being sealed anew.
 *
 * It belongs to who starts the gateway (root) and is closed to all others; it
 * is not in the store, and the store's user never sees it. Everybody who is
 * going to write a secret holds the file's lock from before he read the key
 * until the secret is stored, so that no secret is ever left behind under a
 * key that was just taken away.
 *
 * Statuses: ENOENT, APR_EACCES (not ours to read, or not closed to others),
 * APR_EINVAL (not such a file), APR_EBUSY (its lock), else errno. *pwhat is a
 * phrase for people, with the path; it never quotes the file.
 */
#ifndef STORE_MASTER_H
#define STORE_MASTER_H

#include "core/llm_seal.h"

#define LLM_MASTER_DEFAULT "/etc/llm-gateway/master.key"

typedef enum {
    LLM_MASTER_READ,  /* no lock */
    LLM_MASTER_SHARE, /* secrets are going to be written */
    LLM_MASTER_ALONE  /* the key is going to be changed */
} llm_master_how_e;

typedef struct llm_master_file_t {
    const char *path;
    int fd; /* holds the lock; -1 none */
    llm_masters_t masters;
} llm_master_file_t;

/* Waits for the lock, 5 s at most. */
apr_status_t llm_master_open(llm_master_file_t *pfile, const char *path,
                             llm_master_how_e how, const char **pwhat,
                             apr_pool_t *pool);
/* Makes the file (and its folder, not the folder's parents) with a new key;
 * on disk when it returns. APR_EEXIST when somebody was quicker. */
apr_status_t llm_master_create(const char *path, const char **pwhat,
                               apr_pool_t *pool);
/* In the place of a file that is held ALONE: file->masters. The new file is
 * held then. At each moment the old one or the new one is there, whole. */
apr_status_t llm_master_replace(llm_master_file_t *file, const char **pwhat,
                                apr_pool_t *pool);
/* Gives the lock back and wipes the keys. May be called again. */
void llm_master_close(llm_master_file_t *file);

#endif /* STORE_MASTER_H */
