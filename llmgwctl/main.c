/* SPDX-License-Identifier: Apache-2.0 */
/*
 * llmgwctl: reads and edits the store of mod_llm_gateway.
 *
 * What it can do is in commands.def and the files cmd_<noun>.c. Here is the
 * world it does it in: the terminal, the environment, the clock, the store.
 */
#include "llmgwctl/ctl.h"

#include <langinfo.h>
#include <locale.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <apr_general.h>

#include "core/llm_log.h"

static const ctl_door_t door = {
    .open = llm_client_open,
    .connect = llm_client_connect,
    .open_apart = llm_client_open_apart,
    .is_online = llm_client_is_online,
    .call = llm_client_call,
    .close = llm_client_close,
};

static const char *environment(const char *name)
{
    return getenv(name);
}

/* Columns of the terminal that standard output is; 0: it is none. */
static unsigned terminal_width(void)
{
    struct winsize size;

    if (!isatty(STDOUT_FILENO)) {
        return 0;
    }
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) || !size.ws_col) {
        return 80;
    }
    return size.ws_col;
}

/* Of the user's characters; nothing else here goes by his locale. */
static int is_utf8(void)
{
    return setlocale(LC_CTYPE, "") && !strcmp(nl_langinfo(CODESET), "UTF-8");
}

/* See no-color.org. */
static int shows_colour(void)
{
    const char *no = getenv("NO_COLOR"), *term = getenv("TERM");

    return isatty(STDOUT_FILENO) && !(no && *no) && term
           && strcmp(term, "dumb");
}

/* ------------------------------------------------------------------ waiting */

/* What a signal sets. One process, one run: this is the one thing here that
 * is not handed in. */
static volatile sig_atomic_t is_ended;

static void end(int signal)
{
    (void)signal;
    is_ended = 1;
}

static void heed_signals(void)
{
    struct sigaction action;

    memset(&action, 0, sizeof(action));
    action.sa_handler = end;
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

static int wait_for(apr_interval_time_t time)
{
    static int heeds;

    if (!heeds) {
        heeds = 1;
        heed_signals();
    }
    if (!is_ended && time > 0) {
        poll(NULL, 0, (int)(time / 1000)); /* a signal ends it */
    }
    return is_ended;
}

/* What the store says while this process owns it. */
static int wants_log(void *baton, llm_log_e level)
{
    (void)baton;
    return level <= LLM_LOG_WARNING;
}

static void print_log(void *baton, llm_log_e level, apr_status_t status,
                      const char *message)
{
    (void)baton;
    (void)level;
    (void)status;
    fprintf(stderr, "llmgwctl: %s\n", message);
}

int main(int argc, const char *const *argv)
{
    ctl_world_t world = {
        .out = stdout,
        .err = stderr,
        .width = terminal_width(),
        .colour = shows_colour(),
        .is_utf8 = is_utf8(),
        .is_watched = isatty(STDERR_FILENO),
        .clock = apr_time_now,
        .wait = wait_for,
        .env = environment,
        .door = &door,
        .secret = ctl_read_secret,
    };
    apr_pool_t *pool;
    int status;

    if (apr_initialize() != APR_SUCCESS
        || apr_pool_create(&pool, NULL) != APR_SUCCESS) {
        fputs("llmgwctl: out of memory\n", stderr);
        return CTL_UNREACHABLE;
    }
    world.now = apr_time_now();
    llm_log_set(print_log, wants_log, NULL);
    status = ctl_run(&world, argc, argv, pool);
    apr_terminate();
    return status;
}
