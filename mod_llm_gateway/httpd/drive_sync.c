/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs an attempt on the thread of its request: reads what is there, feeds it
 * to the engine, passes on what came out, and only then waits, in poll(2), for
 * the provider to send or the client to leave. Whoever leaves, the other side
 * is let go at once.
 */
#include <poll.h>
#include <string.h>

#include "httpd/upstream.h"

/* Output is passed on at least this often while input keeps coming. */
#define DELIVER_SIZE 32768
/* An HTTP/2 stream has no socket to watch: look at its flag this often. */
#define SLICE apr_time_from_msec(250)
/* A kept-alive connection may be closed by its peer just when it is used. */
#define RESENDS 2

typedef struct drive_t {
    request_rec *r;
    llmgw_request_t *request;
    llm_attempt_t *attempt;
    const llmgw_dir_t *dir;
    llmgw_upstream_t *upstream;
    apr_time_t heard; /* last bytes of the provider, or the sending */
    int client_fd;    /* -1: cannot be watched */
} drive_t;

static int is_over(const drive_t *drive)
{
    return drive->attempt->state == LLM_ATTEMPT_DONE
           || drive->attempt->state == LLM_ATTEMPT_FAILED;
}

static void give_up(drive_t *drive, llm_problem_e kind, const char *message,
                    const char *detail)
{
    llm_problem_t *problem =
        llm_problem_make(kind, drive->attempt->x->pool, "%s", message);

    problem->detail = detail;
    llm_attempt_fail(drive->attempt, problem, apr_time_now());
}

static void client_left(drive_t *drive)
{
    drive->attempt->x->client_gone = 1;
    give_up(drive, LLM_PROBLEM_CLIENT_GONE, "the client left", NULL);
}

/* ---- deadlines -------------------------------------------------------- */

/* When to stop waiting for the next byte. */
static apr_time_t deadline_of(const drive_t *drive)
{
    const llm_attempt_t *attempt = drive->attempt;
    apr_time_t end = attempt->began + drive->dir->total.value;
    apr_time_t next = drive->heard
                      + (attempt->first_byte ? drive->dir->idle.value
                                             : drive->dir->first_byte.value);

    return next < end ? next : end;
}

/* Waits. Returns when the provider has something, or the attempt is over. */
static void wait_for_upstream(drive_t *drive)
{
    struct pollfd fds[2] = {
        {llmgw_upstream_fd(drive->upstream), POLLIN, 0},
        {drive->client_fd, POLLRDHUP, 0},
    };

    while (!is_over(drive)) {
        apr_interval_time_t left = deadline_of(drive) - apr_time_now();
        int ready;

        if (left <= 0) {
            give_up(drive, LLM_PROBLEM_TIMEOUT,
                    "the provider did not answer in time",
                    drive->attempt->first_byte ? "silence in mid-answer"
                                               : "no first byte");
            return;
        }
        if (drive->client_fd < 0 && left > SLICE) {
            left = SLICE;
        }
        ready = poll(fds, 2, (int)apr_time_as_msec(left) + 1);
        if (drive->r->connection->aborted
            || (ready > 0
                && (fds[1].revents & (POLLRDHUP | POLLHUP | POLLERR)))) {
            client_left(drive);
            return;
        }
        if (ready > 0 && fds[0].revents) {
            return;
        }
        llmgw_account_update(drive->request, apr_time_now());
    }
}

/* ---- the answer ------------------------------------------------------- */

static void deliver(drive_t *drive)
{
    llm_exchange_t *x = drive->attempt->x;

    if (x->reply.ready && x->out->len) {
        llmgw_deliver(drive->r, drive->request, 0);
        if (x->client_gone && !is_over(drive)) {
            client_left(drive);
        }
    }
}

static void take(drive_t *drive, llm_bytes_t bytes)
{
    drive->heard = apr_time_now();
    llm_attempt_feed(drive->attempt, bytes.data, bytes.len, drive->heard);
    /* the end is delivered by the handler, together with the last bytes */
    if (!is_over(drive) && drive->attempt->x->out->len > DELIVER_SIZE) {
        deliver(drive);
    }
}

/* Returns 0 when the connection was stale and nothing came over it. */
static int read_answer(drive_t *drive)
{
    llm_bytes_t bytes;

    while (!is_over(drive)) {
        apr_status_t status = llmgw_upstream_read(drive->upstream, &bytes);

        if (status == APR_SUCCESS) {
            take(drive, bytes);
        }
        else if (APR_STATUS_IS_EAGAIN(status)) {
            deliver(drive);
            llmgw_account_update(drive->request, drive->heard);
            wait_for_upstream(drive);
        }
        else if (!drive->attempt->http->started
                 && llmgw_upstream_is_reused(drive->upstream)) {
            return 0;
        }
        else {
            llm_attempt_close(drive->attempt, apr_time_now());
        }
    }
    return 1;
}

/* Returns 0 when it is worth while to send again on another connection. */
static int exchange(drive_t *drive)
{
    llm_problem_t *problem =
        llmgw_upstream_open(&drive->upstream, drive->r, drive->attempt);
    int answered;

    if (problem) {
        llm_attempt_fail(drive->attempt, problem, apr_time_now());
        return 1;
    }
    /* an error while sending may be the echo of an early answer: look */
    llmgw_upstream_send(drive->upstream);
    drive->heard = apr_time_now();
    llm_attempt_sent(drive->attempt, drive->heard);
    wait_for_upstream(drive);
    answered = read_answer(drive);
    llmgw_upstream_release(drive->upstream, answered && drive->attempt->keep);
    return answered;
}

/* ----------------------------------------------------------------------- */

static int client_fd_of(request_rec *r)
{
    apr_os_sock_t fd = -1;

    if (!r->connection->master) {
        apr_os_sock_get(&fd, ap_get_conn_socket(r->connection));
    }
    return fd;
}

static void log_failure(const drive_t *drive)
{
    const llm_attempt_t *attempt = drive->attempt;
    const llm_problem_t *problem =
        attempt->problem ? attempt->problem : attempt->x->problem;

    if (!problem || problem->kind == LLM_PROBLEM_CLIENT_GONE) {
        return;
    }
    ap_log_rerror(
        APLOG_MARK, problem->from_upstream ? APLOG_INFO : APLOG_WARNING, 0,
        drive->r, LLM_LOGNO(0101) "attempt failed: %s, %s, %d%s%s",
        attempt->upstream.provider->name, llm_problem_name(problem->kind),
        problem->status, problem->detail ? ", " : "",
        problem->detail ? problem->detail : "");
}

void llmgw_drive(request_rec *r, llmgw_request_t *request,
                 llm_attempt_t *attempt)
{
    drive_t drive;
    int sends = 0;

    memset(&drive, 0, sizeof(drive));
    drive.r = r;
    drive.request = request;
    drive.attempt = attempt;
    drive.dir = llmgw_dir_of(r);
    drive.client_fd = client_fd_of(r);
    while (!exchange(&drive) && ++sends <= RESENDS) {
    }
    if (!is_over(&drive)) {
        llm_attempt_close(attempt, apr_time_now());
    }
    log_failure(&drive);
}
