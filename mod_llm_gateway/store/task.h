/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A command being run: reading its request, writing its answer. And what a
 * command is; commands.def lists them.
 *
 * A command that only reads sends its rows and its result itself, and may be
 * run in any thread. An edit is run inside a transaction, maybe more than
 * once, and leaves its result in llm_edit_t: it is sent when it is on disk.
 *
 * Functions that find something wrong with the request, or refuse it, note
 * why with llm_task_refuse; the command then returns that status and is done.
 */
#ifndef STORE_TASK_H
#define STORE_TASK_H

#include "store/command.h"
#include "store/inside.h"

typedef struct llm_task_t {
    llm_store_t *store;
    const llm_caller_t *caller;
    const llm_json_t *request;
    apr_time_t now;
    apr_pool_t *pool;
    apr_pool_t *row_pool; /* cleared when a line begins */
    llm_buf_t *out;       /* the line that is being made */
    llm_line_cb *line;
    void *baton;
    int is_stopped;      /* nobody listens any more */
    apr_time_t progress; /* when it was told last; 0 not yet */
    const char *code;    /* of the error to be sent, or NULL */
    const char *message;
} llm_task_t;

/* A key that an edit wrote: the snapshot follows after the commit. */
typedef struct llm_key_change_t {
    llm_key_t was, key;
    int is_new; /* `was` is nothing */
} llm_key_change_t;

/* What an edit leaves. */
typedef struct llm_edit_t {
    llm_buf_t *done;    /* the result's members, without braces */
    const char *secret; /* sent once as "secret", stored nowhere; or NULL */
    apr_array_header_t *changes; /* of llm_key_change_t * */
    int prices;                  /* the prices in force change */
    int is_noted;                /* it wrote its audit row itself */
    apr_pool_t *pool;            /* of this attempt */
} llm_edit_t;

/* One more key that is changed; all zero. */
llm_key_change_t *llm_edit_change(llm_edit_t *edit);

typedef struct llm_command_t {
    const char *op;
    const char *const *members; /* the request may have; NULL ends them */
    int is_slow;                /* may take longer than a tick should wait */
    /* one of these */
    apr_status_t (*read)(llm_task_t *task);
    apr_status_t (*edit)(llm_task_t *task, llm_txn_t *txn, llm_edit_t *edit);
} llm_command_t;

/* NULL when there is none. */
const llm_command_t *llm_command_find(const llm_json_t *request);

/* How much of the caller's own text an error repeats. */
int llm_task_shown(apr_size_t len);
/* Refuses: code is one of command.h's. Returns APR_EGENERAL. */
apr_status_t llm_task_refuse(llm_task_t *task, const char *code,
                             const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Members of the request. Absent or null: *pvalue is NULL, or untouched. Of
 * another type, or too long: refused. */
apr_status_t llm_task_string(const char **pvalue, llm_task_t *task,
                             const char *name, apr_size_t longest);
apr_status_t llm_task_number(apr_int64_t *pvalue, llm_task_t *task,
                             const char *name, apr_int64_t least,
                             apr_int64_t most);
apr_status_t llm_task_time(apr_time_t *pvalue, llm_task_t *task,
                           const char *name);

/* A line: `what` is "row" or "done"; its object goes into task->out between
 * the two. Sending returns APR_EOF when nobody listens: stop then. */
void llm_task_begin(llm_task_t *task, const char *what);
apr_status_t llm_task_end(llm_task_t *task);

/* How far a reader that takes its time has come, for a caller whose request
 * says "progress": true; now and then, however often it is called. APR_EOF as
 * llm_task_end. */
apr_status_t llm_task_progress(llm_task_t *task, apr_int64_t done,
                               apr_int64_t of);

/* Members of an object, with the comma where one is needed. */
void llm_member_text(llm_buf_t *out, const char *name, const char *value);
void llm_member_number(llm_buf_t *out, const char *name, apr_uint64_t value);
void llm_member_flag(llm_buf_t *out, const char *name, int value);
/* null for 0. The pool is for scratch: task->row_pool in a row. */
void llm_member_time(llm_buf_t *out, const char *name, apr_time_t value,
                     apr_pool_t *pool);
/* Just the name: the caller writes the value. */
void llm_member(llm_buf_t *out, const char *name);
/* The counts of totals, by the names command.h gives. */
void llm_members_totals(llm_buf_t *out, const llm_totals_t *totals);

#define COMMAND(name) extern const llm_command_t llm_command_##name;
#include "store/commands.def"
#undef COMMAND

#endif /* STORE_TASK_H */
