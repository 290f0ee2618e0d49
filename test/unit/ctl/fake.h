/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A world for llmgwctl: a store that answers what the test wrote down, a
 * clock that stands still, and what was printed.
 */
#ifndef LLM_TEST_CTL_FAKE_H
#define LLM_TEST_CTL_FAKE_H

#include "llmgwctl/ctl.h"
#include "test/unit/unit.h"

/* 2026-11-22T12:00:00Z */
#define FAKE_NOW ((apr_time_t)1795348800 * 1000000)

typedef struct fake_t {
    ctl_world_t world;
    /* set by the test */
    const char *const *answer;         /* lines; ends with NULL */
    const char *const *const *answers; /* one for each call in place of
                                          `answer`, or NULL */
    apr_status_t open_status;          /* of opening the store */
    apr_status_t call_status;          /* after the lines were handed out */
    const char *what;                  /* why, for both */
    int is_online;
    unsigned turns;            /* of following, before the user ends it */
    void (*on_turn)(void);     /* after each; or NULL */
    apr_interval_time_t takes; /* a line of the answer */
    void (*on_line)(unsigned); /* before each, which one; or NULL */
    const char *typed;         /* where a secret is asked for; NULL: nothing */
    /* what came of it */
    const char *dir;     /* that was opened, or NULL */
    const char *request; /* the last one, or NULL */
    const char *prompt;  /* a secret was asked for with this, or NULL */
    unsigned open;       /* opened and not closed again */
    unsigned calls;      /* requests */
    apr_interval_time_t waited;
    char *out, *err; /* printed; valid after fake_run */
    size_t out_len, err_len;
} fake_t;

extern fake_t fake; /* cleared before each test */

/* The fixture: a pool and a fresh fake. */
void fake_open(void);
void fake_close(void);
/* Runs `llmgwctl words...`; split at blanks, where "_" stands for a blank
 * within a word. Returns the exit status. */
int fake_run(const char *words);
/* fake_run, and the two streams must be these. */
void fake_expect(const char *words, int status, const char *out,
                 const char *err);
/* A member of the last request as it was written, or "absent". */
const char *fake_asked(const char *member);

#endif /* LLM_TEST_CTL_FAKE_H */
