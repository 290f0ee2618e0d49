/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What processes of the parent's own have in common, those beside httpd's
 * children: the owner of the store, the keeper of tokens.
 */
#include "httpd/llmgw.h"

#include <signal.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif

#include <ap_listen.h>
#include <apr_signal.h>

/* A signal's handler can reach nothing else. Of the process itself. */
static volatile int stop;

static void stop_on_signal(int number)
{
    (void)number;
    stop = 1;
}

static void set_signals(void)
{
    static const int ignored[] = {SIGHUP,  SIGINT,   SIGUSR1,
                                  SIGUSR2, SIGWINCH, SIGPIPE};
    sigset_t none;

    for (apr_size_t i = 0; i < sizeof(ignored) / sizeof(*ignored); ++i) {
        apr_signal(ignored[i], SIG_IGN);
    }
    apr_signal(SIGCHLD, SIG_DFL);
    apr_signal(SIGTERM, stop_on_signal);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

volatile int *llmgw_subprocess_begin(const char *name)
{
    ap_close_listeners();
    set_signals();
#ifdef __linux__
    (void)prctl(PR_SET_NAME, name);
#else
    (void)name;
#endif
    return &stop;
}

void llmgw_subprocess_leave_with(pid_t parent)
{
#ifdef __linux__
    (void)prctl(PR_SET_PDEATHSIG, SIGTERM);
#endif
    if (getppid() != parent) {
        stop = 1;
    }
}
