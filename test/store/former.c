/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Makes a store in the folder it is given, as a process of this version
 * leaves it that was killed: keys, teams, usage records, and journals and
 * running requests that nobody settled. What it makes is former.h's.
 *
 * It is built with each version, and run once with the last one before the
 * store's format changes: its folder, packed, is what the next version's tests
 * upgrade. format-1.tar.gz was made so.
 */
#include "store/command.h"
#include "test/store/former.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <apr_general.h>
#include <apr_strings.h>

#ifndef LLM_INFLIGHT_FILE
#define LLM_INFLIGHT_FILE "inflight" /* of format 1 */
#endif

static apr_pool_t *pool;
static const char *dir;

static void must(int is, const char *what)
{
    if (!is) {
        fprintf(stderr, "former: %s\n", what);
        exit(1);
    }
}

static int ignore_line(void *baton, const char *line, apr_size_t len)
{
    (void)baton;
    must(!strstr(line, "\"error\""), apr_pstrmemdup(pool, line, len));
    return 0;
}

static void ask(llm_store_t *store, const char *request)
{
    const llm_caller_t caller = {.uid = 4711};
    const llm_json_t *doc;

    must(llm_json_read(&doc, request, strlen(request), NULL, pool)
             == APR_SUCCESS,
         request);
    llm_command_run(store, &caller, doc, ignore_line, NULL, pool);
}

static void make_keys(llm_store_t *store)
{
    int i;

    ask(store,
        "{\"op\":\"team.create\",\"name\":\"search\",\"note\":\"a team\"}");
    ask(store, "{\"op\":\"team.create\",\"name\":\"ads\"}");
    for (i = 1; i <= FORMER_KEYS; ++i) {
        ask(store, apr_psprintf(pool,
                                "{\"op\":\"key.create\",\"name\":\"key-%d\","
                                "\"team\":\"%s\",\"models\":\"gpt-*\"}",
                                i, i % 2 ? "search" : "ads"));
    }
    ask(store, "{\"op\":\"key.disable\",\"name\":\"key-3\"}");
    ask(store, "{\"op\":\"key.revoke\",\"name\":\"key-4\"}");
    ask(store, "{\"op\":\"key.rotate\",\"name\":\"key-5\",\"grace\":\"30d\"}");
    ask(store, "{\"op\":\"key.delete\",\"name\":\"key-6\"}");
}

static void put(llm_journal_t *journal, unsigned from, unsigned until)
{
    llm_record_t record;

    for (; from < until; ++from) {
        former_record(&record, from);
        must(llm_journal_put(journal, &record) == APR_SUCCESS, "journal put");
    }
}

/* In a process of its own, which is killed. */
static void leave(llm_inflight_t *inflight, unsigned from, unsigned released,
                  unsigned put_until, unsigned begun)
{
    pid_t pid = fork();
    llm_journal_t *journal;
    llm_record_t record;

    must(pid >= 0, "fork");
    if (pid) {
        must(waitpid(pid, NULL, 0) == pid, "wait");
        return;
    }
    must(llm_journal_open(&journal, apr_pstrcat(pool, dir, "/journal", NULL),
                          pool)
             == APR_SUCCESS,
         "journal");
    for (; from < begun; ++from) {
        llm_slot_t *slot;

        former_record(&record, from);
        slot = llm_inflight_take(inflight, llm_journal_id(journal), &record);
        must(slot != NULL, "slot");
        if (from < put_until) {
            put(journal, from, from + 1);
        }
        if (from < released) {
            llm_inflight_release(slot);
        }
    }
    raise(SIGKILL);
}

int main(int argc, char **argv)
{
    llm_store_options_t options = {.version = "former"};
    llm_inflight_t *inflight;
    llm_journal_t *journal;
    llm_store_t *store;
    const char *what = "";
    unsigned drained;

    must(argc == 2, "usage: former FOLDER");
    must(apr_initialize() == APR_SUCCESS
             && apr_pool_create(&pool, NULL) == APR_SUCCESS,
         "apr");
    options.dir = dir = argv[1];
    must(llm_store_open(&store, &options, &what, pool) == APR_SUCCESS, what);
    make_keys(store);
    must(llm_journal_open(&journal, apr_pstrcat(pool, dir, "/journal", NULL),
                          pool)
             == APR_SUCCESS,
         "journal");
    put(journal, 0, FORMER_STORED);
    do {
        must(llm_store_tick(store, &drained) == APR_SUCCESS, "tick");
    } while (drained);
    must(llm_store_close(store) == APR_SUCCESS, "close");
    must(llm_inflight_open(&inflight,
                           apr_pstrcat(pool, dir, "/" LLM_INFLIGHT_FILE, NULL),
                           128, pool)
             == APR_SUCCESS,
         "inflight");
    leave(inflight, FORMER_STORED, FORMER_JOURNAL, FORMER_JOURNAL,
          FORMER_JOURNAL);
    leave(inflight, FORMER_JOURNAL, FORMER_RELEASED, FORMER_PUT, FORMER_BEGUN);
    return 0;
}
