/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files and folders as wholes: copied so that they survive power loss, given
 * a place of their own, removed. Symbolic links are never followed.
 */
#ifndef STORE_FILES_H
#define STORE_FILES_H

#include "core/llm.h"

#include <apr_errno.h>
#include <apr_tables.h>

/* A regular file into one that is not there yet, mode 0600, on disk when it
 * returns. *pbytes (may be NULL) grows. */
apr_status_t llm_file_copy(const char *from, const char *to,
                           apr_uint64_t *pbytes);
/* A small text into a file that is not there yet, as llm_file_copy. */
apr_status_t llm_file_write(const char *path, const char *text);
/* At most `longest` bytes, terminated. */
apr_status_t llm_file_read(const char **ptext, const char *path,
                           apr_size_t longest, apr_pool_t *pool);
/* What was made, renamed or removed in the folder is on disk. */
apr_status_t llm_folder_sync(const char *path);
/* Names in the folder, sorted; of const char *. */
apr_status_t llm_folder_list(apr_array_header_t **pnames, const char *path,
                             apr_pool_t *pool);
/* Bytes of the regular files in the folder, not deeper; 0 without one. */
apr_uint64_t llm_folder_bytes(const char *path);
/* The folder with all that is in it; one that is not there is removed. */
apr_status_t llm_folder_remove(const char *path);
/* Moves a folder with the files in it, not deeper: renamed, or copied when it
 * has to go to another file system. `to` must not be there. */
apr_status_t llm_folder_move(const char *from, const char *to,
                             apr_pool_t *pool);
/* The two change places, in one step where the file system can. */
apr_status_t llm_folder_exchange(const char *one, const char *other);

#endif /* STORE_FILES_H */
