/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading a secret: from the terminal, where it is not shown, or from standard
 * input when that is something else. Never from the command line, which every
 * user of the machine can read.
 *
 * The secret goes past stdio, whose buffers nobody wipes. While the terminal
 * does not show what is typed, the signals that end or stop a program at the
 * keyboard are noted, the terminal is put right, and only then they have their
 * effect.
 */
#include "llmgwctl/ctl.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

static const int noted[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP};
#define NOTED (sizeof(noted) / sizeof(noted[0]))

static volatile sig_atomic_t came; /* of a handler; 0: none */

static void note(int number)
{
    came = number;
}

/* From here on they come only while ppoll waits: one between the prompt and the
 * wait would be noted and waited through. `mask` is what that takes. */
static void catch_signals(struct sigaction *before, sigset_t *mask)
{
    const struct sigaction action = {.sa_handler = note};
    sigset_t shut;
    unsigned i;

    came = 0;
    sigemptyset(&shut);
    for (i = 0; i < NOTED; ++i) {
        sigaddset(&shut, noted[i]);
    }
    sigprocmask(SIG_BLOCK, &shut, mask);
    for (i = 0; i < NOTED; ++i) {
        sigaction(noted[i], &action, &before[i]);
    }
}

static void let_signals(const struct sigaction *before, const sigset_t *mask)
{
    unsigned i;

    for (i = 0; i < NOTED; ++i) {
        sigaction(noted[i], &before[i], NULL);
    }
    sigprocmask(SIG_SETMASK, mask, NULL);
    if (came) {
        raise(came);
    }
}

static ssize_t read_byte(int fd, char *byte, const sigset_t *mask)
{
    struct pollfd file = {.fd = fd, .events = POLLIN};

    return mask && ppoll(&file, 1, NULL, mask) < 0 ? -1 : read(fd, byte, 1);
}

/* Up to a line's end, or the end of all. Byte by byte from a terminal and a
 * pipe alike: what follows the line is not ours. `mask` may be NULL: no signals
 * are caught. */
static apr_status_t read_line(int fd, char *bytes, apr_size_t size,
                              apr_size_t *plen, const sigset_t *mask)
{
    for (*plen = 0; *plen < size;) {
        ssize_t got = read_byte(fd, bytes + *plen, mask);

        if (got < 0) {
            if (errno != EINTR || came) {
                return errno;
            }
        }
        else if (!got || bytes[*plen] == '\n') {
            return APR_SUCCESS;
        }
        else {
            *plen += 1;
        }
    }
    return APR_ENOSPC;
}

static void say(int fd, const char *text)
{
    ssize_t put = write(fd, text, strlen(text));

    (void)put; /* who cannot be asked cannot be told either */
}

static apr_status_t ask_terminal(int fd, const char *prompt, char *bytes,
                                 apr_size_t size, apr_size_t *plen)
{
    struct sigaction before[NOTED];
    struct termios shown, hidden;
    sigset_t mask;
    apr_status_t status;

    if (tcgetattr(fd, &shown) < 0) {
        return errno;
    }
    hidden = shown;
    hidden.c_lflag &= ~(tcflag_t)ECHO;
    hidden.c_lflag |= ICANON | ECHONL;
    catch_signals(before, &mask);
    if (tcsetattr(fd, TCSAFLUSH, &hidden) < 0) {
        status = errno;
    }
    else {
        say(fd, prompt);
        status = read_line(fd, bytes, size, plen, &mask);
        tcsetattr(fd, TCSAFLUSH, &shown);
    }
    let_signals(before, &mask);
    return status;
}

apr_status_t ctl_read_secret(const char *prompt, char *bytes, apr_size_t size,
                             apr_size_t *plen)
{
    apr_status_t status;
    int fd;

    if (!isatty(STDIN_FILENO)) {
        came = 0;
        return read_line(STDIN_FILENO, bytes, size, plen, NULL);
    }
    fd = open("/dev/tty", O_RDWR | O_CLOEXEC);
    if (fd < 0) {
        return errno;
    }
    status = ask_terminal(fd, prompt, bytes, size, plen);
    close(fd);
    return status;
}
