/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The journals in the folder, as the owner reads them: each part with how far
 * it has been read, and whether its process lives.
 */
#ifndef STORE_PARTS_H
#define STORE_PARTS_H

#include "store/journal.h"
#include "store/ledger.h"

typedef struct llm_journal_part_t {
    llm_journal_part_id_t of;
    unsigned version;     /* of the format, as its name says */
    apr_uint64_t stored;  /* records that are committed */
    apr_uint64_t reached; /* records read, for the batch that is being made */
    apr_uint64_t size;    /* whole records in the file when last looked at */
    int fd;               /* -1 when closed */
    int is_alive;         /* its process held the lock before `size` was
                             looked at */
    int is_newer;         /* holds records of a newer version: left alone */
    int is_missing;       /* from the folder */
    apr_uint64_t bad;     /* 1 + the place of a record that cannot be read */
    unsigned bad_looks;   /* how often that was seen */
} llm_journal_part_t;

typedef struct llm_journal_parts_t llm_journal_parts_t;

llm_journal_parts_t *llm_parts_make(const char *dir, apr_pool_t *pool);
/* Looks at the folder: new parts, what grew, who died. A part that vanished
 * is marked missing. */
apr_status_t llm_parts_look(llm_journal_parts_t *parts);
unsigned llm_parts_count(const llm_journal_parts_t *parts);
llm_journal_part_t *llm_parts_at(const llm_journal_parts_t *parts, unsigned i);
llm_journal_part_t *llm_parts_find(const llm_journal_parts_t *parts,
                                   llm_journal_part_id_t of);
/* At most `limit` records after part->reached into the batch; their number. */
unsigned llm_part_read(llm_journal_parts_t *parts, llm_journal_part_t *part,
                       llm_batch_t *batch, unsigned limit);
/* Its process died and every record of it is committed. */
int llm_part_is_finished(const llm_journal_part_t *part);
/* Removes the file, then forgets the part (which is freed). */
apr_status_t llm_parts_remove(llm_journal_parts_t *parts,
                              llm_journal_part_t *part);
/* Is any part of this journal known, or in the folder now? */
int llm_parts_contain(llm_journal_parts_t *parts, apr_uint64_t journal);

#endif /* STORE_PARTS_H */
