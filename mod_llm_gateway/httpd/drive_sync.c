/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs an attempt on the thread of its request: reads what is there, feeds it
 * to the engine, passes on what came out, and only then waits, in poll(2), for
 * the provider to send or the client to leave. When the provider leaves, or is
 * silent too long, the client is told at once. When the client leaves the
 * provider is let go at once, or, where the policy is to drain, read to its
 * end: its own count of what it produced is what it bills. Draining holds the
 * thread and the in-flight slot as any request does; a child that is told to
 * stop drains no longer than DRAIN_STOPPING.
 */
#include <poll.h>
#include <string.h>

#include <ap_mpm.h>

#include "httpd/upstream.h"

/* Output is passed on at least this often while input keeps coming. */
#define DELIVER_SIZE 32768
/* An HTTP/2 stream has no socket to watch: look at its flag this often. */
#define SLICE apr_time_from_msec(250)
/* A kept-alive connection may be closed by its peer just when it is used. */
#define RESENDS 2
/* How often a token that is being fetched is looked for, and how long. */
#define TOKEN_SLICE    apr_time_from_msec(20)
#define TOKEN_PATIENCE apr_time_from_sec(10)
/* How long a child that is stopping goes on to read for nobody. */
#define DRAIN_STOPPING apr_time_from_sec(5)

typedef struct drive_t {
    request_rec *r;
    llmgw_request_t *request;
    llm_attempt_t *attempt;
    const llmgw_dir_t *dir;
    llmgw_upstream_t *upstream;
    llm_token_view_t *token; /* of the provider; NULL: it has none */
    apr_time_t heard;        /* last bytes of the provider, or the sending */
    int client_fd;           /* -1: cannot be watched, or has left */
    int draining;            /* the client has left */
    apr_time_t drained_by;   /* draining: when to stop; 0 not said */
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
    llm_exchange_t *x = drive->attempt->x;
    llm_abort_t on_abort = llm_flow_on_abort(x);

    x->client_gone = 1;
    /* one that closed its sending side only gets no more either */
    drive->r->connection->aborted = 1;
    if (on_abort.what != LLM_ON_ABORT_DRAIN) {
        give_up(drive, LLM_PROBLEM_CLIENT_GONE, "the client left", NULL);
        return;
    }
    drive->draining = 1;
    drive->client_fd = -1;
    if (on_abort.drain_s) {
        drive->drained_by =
            apr_time_now() + apr_time_from_sec(on_abort.drain_s);
    }
}

static int has_left(const drive_t *drive)
{
    return !drive->draining && drive->r->connection->aborted;
}

/* ---- draining --------------------------------------------------------- */

static int is_child_stopping(void)
{
    int state = AP_MPMQ_RUNNING;

    return ap_mpm_query(AP_MPMQ_MPM_STATE, &state) == APR_SUCCESS
           && state == AP_MPMQ_STOPPING;
}

/* Looked at between waits. */
static void bound_drain(drive_t *drive, apr_time_t now)
{
    if (!drive->draining || is_over(drive)) {
        return;
    }
    if (is_child_stopping()
        && (!drive->drained_by || drive->drained_by > now + DRAIN_STOPPING)) {
        drive->drained_by = now + DRAIN_STOPPING;
    }
    if (drive->drained_by && now >= drive->drained_by) {
        give_up(drive, LLM_PROBLEM_CLIENT_GONE,
                "the client left, and the answer took too long to drain", NULL);
    }
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

    next = next < end ? next : end;
    return drive->drained_by && drive->drained_by < next ? drive->drained_by
                                                         : next;
}

/* Waits. Returns when the provider has something, or the attempt is over. */
static void wait_for_upstream(drive_t *drive)
{
    struct pollfd fds[2] = {
        {llmgw_upstream_fd(drive->upstream), POLLIN, 0},
        {-1, POLLRDHUP, 0},
    };

    while (!is_over(drive)) {
        apr_time_t now = apr_time_now();
        apr_interval_time_t left = deadline_of(drive) - now;
        int ready;

        bound_drain(drive, now);
        if (is_over(drive)) {
            return;
        }
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
        fds[1].fd = drive->client_fd;
        ready = poll(fds, 2, (int)apr_time_as_msec(left) + 1);
        if (has_left(drive)
            || (ready > 0
                && (fds[1].revents & (POLLRDHUP | POLLHUP | POLLERR)))) {
            client_left(drive);
            continue;
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
        if (x->client_gone && !drive->draining && !is_over(drive)) {
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

        /* a provider that never pauses is not waited for */
        bound_drain(drive, drive->heard);

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

/* ---- the provider's token --------------------------------------------- */

static void no_token(drive_t *drive)
{
    const llm_provider_t *provider = drive->attempt->upstream.provider;
    apr_time_t now = apr_time_now();
    const llm_token_view_t *view = drive->token;
    llm_problem_t *problem = llm_problem_make(
        LLM_PROBLEM_UNAVAILABLE, drive->attempt->x->pool,
        "there is no token for provider %s: %s", provider->name,
        *view->what ? view->what : "the token server has not answered yet");

    problem->code = "provider_token_missing";
    problem->detail = problem->message;
    problem->retry_after =
        view->retry > now ? (int)apr_time_sec(view->retry - now) + 1 : 1;
    llm_attempt_fail(drive->attempt, problem, now);
}

/* Until there is one, or it is known that there is none. */
static void await_token(drive_t *drive)
{
    const llm_provider_t *provider = drive->attempt->upstream.provider;
    struct pollfd client = {drive->client_fd, POLLRDHUP, 0};
    apr_time_t end = apr_time_now() + TOKEN_PATIENCE;

    for (;;) {
        llm_token_state_e state = llmgw_token_look(provider, drive->token);

        if (state == LLM_TOKEN_GOOD) {
            return;
        }
        if (state == LLM_TOKEN_MISSING || apr_time_now() >= end) {
            no_token(drive);
            return;
        }
        if (poll(&client, 1, (int)apr_time_as_msec(TOKEN_SLICE)) > 0
            || has_left(drive)) {
            /* nothing was asked that could be drained */
            drive->attempt->x->client_gone = 1;
            drive->r->connection->aborted = 1;
            give_up(drive, LLM_PROBLEM_CLIENT_GONE, "the client left", NULL);
            return;
        }
    }
}

/* A provider that does not take its token is asked once more, with another. */
static void look_at_refusal(drive_t *drive)
{
    llm_attempt_t *attempt = drive->attempt;

    if (attempt->state == LLM_ATTEMPT_FAILED && !attempt->is_again
        && attempt->problem && attempt->problem->from_upstream
        && attempt->http->status == 401
        && llmgw_token_refused(attempt->upstream.provider,
                               drive->token->number)) {
        attempt->again = 1;
    }
}

static const char *secret_of(const drive_t *drive)
{
    const llmgw_provider_t *glue = drive->attempt->upstream.provider->glue;

    return drive->token ? drive->token->text : glue->secret.value;
}

/* ----------------------------------------------------------------------- */

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
    llmgw_upstream_send(drive->upstream, secret_of(drive));
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
    if (attempt->upstream.provider->bearer) {
        drive.token = apr_palloc(attempt->pool, sizeof(*drive.token));
        await_token(&drive);
    }
    while (!is_over(&drive) && !exchange(&drive) && !drive.draining
           && ++sends <= RESENDS) {
    }
    if (!is_over(&drive)) {
        llm_attempt_close(attempt, apr_time_now());
    }
    if (drive.token) {
        look_at_refusal(&drive);
        explicit_bzero(drive.token, sizeof(*drive.token));
    }
    log_failure(&drive);
}
