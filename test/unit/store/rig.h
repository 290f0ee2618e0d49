/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the store's tests share: a folder of its own for each test, records
 * that differ, a store's answers as text, and an owner in another process.
 */
#ifndef TEST_STORE_RIG_H
#define TEST_STORE_RIG_H

#include "store/command.h"
#include "test/unit/unit.h"

#include <sys/types.h>

/* A checked fixture: unit_pool, and the folder rig_dir, which is removed. */
void rig_open(void);
void rig_close(void);
extern const char *rig_dir;
const char *rig_path(const char *name); /* below rig_dir */

/* Record number n: its id, and small counts, are made of the number. It began
 * n milliseconds after rig_time. */
#define RIG_TIME APR_INT64_C(1795300000000000) /* 2026-11-21T22:26:40Z */
void rig_record(llm_record_t *record, unsigned n);

/* The same as version 1 of the program wrote it, into LLM_JOURNAL_RECORD bytes
 * of which it needs LLM_JOURNAL_RECORD_1. */
void rig_record_1(unsigned char *bytes, unsigned n);

/* A store in rig_dir/store, opened by this process. */
llm_store_t *rig_store(void);
/* The same with options; dir is filled in. Fails the test if it fails. */
llm_store_t *rig_store_with(llm_store_options_t options);
void rig_store_close(llm_store_t *store);
/* Ticks until nothing is left; the records that were stored. */
unsigned rig_drain(llm_store_t *store);
/* An llm_line_cb: adds the line and a line end to the llm_buf_t. */
int rig_keep_line(void *baton, const char *line, apr_size_t len);
/* The answer's lines, each with a line end. */
const char *rig_ask(llm_store_t *store, const char *request);
/* What member `name` of the last line's "done" is; fails without it. */
apr_int64_t rig_number(llm_store_t *store, const char *request,
                       const char *name);
/* Fails unless the check agrees, on that many records. */
void rig_check(llm_store_t *store, apr_int64_t records);
/* Does `text` contain it? Fails and shows the text when not. */
void rig_contains(const char *text, const char *wanted);

/* A new journal of this process in the store's folder, and n records into it,
 * numbered from `first`. The store takes it for a dead process's. */
llm_journal_t *rig_journal(void);
void rig_put(llm_journal_t *journal, unsigned first, unsigned n);
unsigned rig_count_files(const char *dir, const char *ending);

/* Another process: runs the function and leaves with its result. */
typedef int rig_work(void *baton);
pid_t rig_fork(rig_work *work, void *baton);
int rig_wait(pid_t pid);  /* exit status; -signal when it was killed */
void rig_kill(pid_t pid); /* kill -9, and waits */
/* A process with a journal of its own, that puts what it is told to. A
 * process's own locks do not stop it, so who owns a store cannot have one. */
typedef struct rig_producer_t {
    pid_t pid;
    unsigned first;            /* number of its first record */
    volatile unsigned *wanted; /* so many in all; shared */
    volatile unsigned *done;   /* so many were acknowledged; shared */
} rig_producer_t;
rig_producer_t *rig_producer(unsigned first);
void rig_produce(rig_producer_t *producer, unsigned n); /* n more */
/* An owner of rig_dir/store that answers already. */
pid_t rig_owner(void);
void rig_owner_stop(pid_t pid); /* SIGTERM; fails unless it left in order */

/* What was logged since rig_open. */
const char *rig_log(void);

#endif /* TEST_STORE_RIG_H */
