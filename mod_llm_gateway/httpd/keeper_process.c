/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The process that fetches providers' tokens (LLMToken), where any are
 * configured: forked by the parent at each start, told to leave when the
 * configuration is dropped, started again when it dies.
 *
 * One process, and not a thread in each child: however many children there are,
 * a token server is asked once an hour; no request's thread and no event loop
 * ever waits for curl; and the secrets that tokens are made of stay out of the
 * processes that read what clients send. Children find the tokens in memory
 * that the parent mapped before it forked anybody. Tokens are nowhere else.
 *
 * A child wakes the keeper by a byte in a pipe when a provider refused a token.
 */
#include "httpd/llmgw.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <ap_mpm.h>
#include <apr_strings.h>
#include <apr_thread_proc.h>
#include <mpm_common.h>

#include "net/keeper.h"

#define KEEPER_KEY "llmgw-keeper" /* in the configuration's pool */
#define NAME       "llmgw-tokens" /* in ps; 15 bytes at most */
/* What died sooner than this after its start is started again by the monitor
 * only. */
#define FALSE_START apr_time_from_sec(2)

typedef struct keeper_t {
    server_rec *server;
    apr_pool_t *pconf;
    apr_proc_t proc;
    int is_alive; /* as far as the parent knows */
    int is_noted; /* proc is among the subprocesses of pconf */
    apr_time_t started;
    void *slots;
    apr_size_t size;
    apr_array_header_t *sources; /* of const llm_token_source_t *, one a slot */
    int wake[2];                 /* a pipe: children write, the keeper reads */
} keeper_t;

/* ---- in the keeper's process ------------------------------------------- */

/* It calls token servers only: other secrets are none of its business. */
static void forget_others(const llmgw_server_t *server)
{
    for (int i = 0; i < server->providers->nelts; ++i) {
        llmgw_provider_t *glue =
            APR_ARRAY_IDX(server->providers, i, llm_provider_t *)->glue;

        if (!glue->token) {
            llmgw_secret_wipe(&glue->secret);
        }
    }
}

static void drain(int fd)
{
    char bytes[64];

    while (read(fd, bytes, sizeof(bytes)) > 0) {
    }
}

static apr_status_t run_keeper(keeper_t *keeper, pid_t parent)
{
    volatile int *stop = llmgw_subprocess_begin(NAME);
    llm_keeper_t *tokens;
    apr_pool_t *pool;
    llm_net_t *net;

    forget_others(llmgw_server_of(keeper->server));
    if (apr_pool_create(&pool, NULL)
        || ap_run_drop_privileges(pool, keeper->server)) {
        return APR_EACCES;
    }
    llmgw_subprocess_leave_with(parent);
    net = llm_net_curl(pool);
    if (!net) {
        return APR_ENOTIMPL;
    }
    tokens = llm_keeper_make(keeper->sources, keeper->slots, net,
                             (apr_uint64_t)apr_time_now(), pool);
    while (!*stop) {
        net->wait(net, keeper->wake[0],
                  llm_keeper_step(tokens, apr_time_now()));
        drain(keeper->wake[0]);
    }
    return APR_SUCCESS;
}

/* ---- in the parent ----------------------------------------------------- */

static void maintain(int reason, void *data, apr_wait_t status);

static int is_stopping(void)
{
    int state = 0;

    return ap_mpm_query(AP_MPMQ_MPM_STATE, &state) != APR_SUCCESS
           || state == AP_MPMQ_STOPPING;
}

static apr_status_t start(keeper_t *keeper)
{
    pid_t parent = getpid(), pid;

    keeper->started = apr_time_now();
    pid = fork();
    if (pid < 0) {
        return errno;
    }
    if (!pid) {
        apr_status_t status = run_keeper(keeper, parent);

        if (status) {
            ap_log_error(APLOG_MARK, APLOG_CRIT, status, keeper->server,
                         LLM_LOGNO(0368) "the process that fetches tokens "
                                         "ends");
        }
        /* nothing of the parent's is to be cleaned up here */
        _exit(status ? 1 : 0);
    }
    keeper->proc.pid = pid;
    keeper->is_alive = 1;
    if (!keeper->is_noted) {
        /* waited for when pconf goes, or the MPM would wonder whose it was */
        apr_pool_note_subprocess(keeper->pconf, &keeper->proc,
                                 APR_KILL_AFTER_TIMEOUT);
        keeper->is_noted = 1;
    }
    apr_proc_other_child_register(&keeper->proc, maintain, keeper, NULL,
                                  keeper->pconf);
    return APR_SUCCESS;
}

static void start_again(keeper_t *keeper)
{
    apr_status_t status = start(keeper);

    if (status) {
        ap_log_error(APLOG_MARK, APLOG_CRIT, status, keeper->server,
                     LLM_LOGNO(0369) "the process that fetches tokens cannot "
                                     "be started");
    }
}

static void maintain(int reason, void *data, apr_wait_t status)
{
    keeper_t *keeper = data;

    (void)status;
    switch (reason) {
    case APR_OC_REASON_DEATH:
    case APR_OC_REASON_LOST:
        keeper->is_alive = 0;
        apr_proc_other_child_unregister(keeper);
        if (is_stopping()) {
            break;
        }
        ap_log_error(APLOG_MARK, APLOG_ERR, 0, keeper->server,
                     LLM_LOGNO(0370) "the process that fetches tokens (pid %d) "
                                     "ended; it is started again",
                     (int)keeper->proc.pid);
        if (apr_time_now() - keeper->started > FALSE_START) {
            start_again(keeper);
        }
        break;
    case APR_OC_REASON_RESTART:
        apr_proc_other_child_unregister(keeper);
        break;
    case APR_OC_REASON_UNREGISTER:
        if (keeper->is_alive) {
            kill(keeper->proc.pid, SIGTERM);
        }
        break;
    default:
        break;
    }
}

static keeper_t *find_keeper(apr_pool_t *pconf)
{
    void *data = NULL;

    apr_pool_userdata_get(&data, KEEPER_KEY, pconf);
    return data;
}

static int monitor(apr_pool_t *p, server_rec *s)
{
    keeper_t *keeper = find_keeper(s->process->pconf);

    (void)p;
    if (keeper && !keeper->is_alive && !is_stopping()) {
        start_again(keeper);
    }
    return DECLINED;
}

/* ---- start ------------------------------------------------------------- */

static apr_status_t clean_up(void *baton)
{
    keeper_t *keeper = baton;

    munmap(keeper->slots, keeper->size);
    close(keeper->wake[0]);
    close(keeper->wake[1]);
    return APR_SUCCESS;
}

static apr_status_t open_pipe(int wake[2])
{
    if (pipe(wake)) {
        return errno;
    }
    for (int i = 0; i < 2; ++i) {
        if (fcntl(wake[i], F_SETFL, O_NONBLOCK)
            || fcntl(wake[i], F_SETFD, FD_CLOEXEC)) {
            return errno;
        }
    }
    return APR_SUCCESS;
}

static apr_status_t map_slots(keeper_t *keeper)
{
    keeper->size = (apr_size_t)keeper->sources->nelts * llm_token_slot_size();
    keeper->slots = mmap(NULL, keeper->size, PROT_READ | PROT_WRITE,
                         MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (keeper->slots == MAP_FAILED) {
        return errno;
    }
#ifdef MADV_DONTDUMP
    (void)madvise(keeper->slots, keeper->size, MADV_DONTDUMP);
#endif
    return APR_SUCCESS;
}

/* The providers' sources, and each one's slot. */
static apr_status_t set_up(keeper_t *keeper, const llmgw_server_t *server)
{
    apr_status_t status;
    int next = 0;

    status = map_slots(keeper);
    if (!status) {
        status = open_pipe(keeper->wake);
    }
    for (int i = 0; i < server->providers->nelts && !status; ++i) {
        llmgw_provider_t *glue =
            APR_ARRAY_IDX(server->providers, i, llm_provider_t *)->glue;

        if (glue->token) {
            glue->slot = llm_token_slot_at(keeper->slots, next++);
        }
    }
    return status;
}

static apr_array_header_t *sources_of(const llmgw_server_t *server,
                                      apr_pool_t *pool)
{
    apr_array_header_t *sources =
        apr_array_make(pool, 2, sizeof(const llm_token_source_t *));

    for (int i = 0; i < server->providers->nelts; ++i) {
        const llmgw_provider_t *glue =
            APR_ARRAY_IDX(server->providers, i, llm_provider_t *)->glue;

        if (glue->token) {
            APR_ARRAY_PUSH(sources, const llm_token_source_t *) = glue->token;
        }
    }
    return sources;
}

static int post_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp,
                       server_rec *s)
{
    const llmgw_server_t *server = llmgw_server_of(s);
    apr_array_header_t *sources = sources_of(server, pconf);
    apr_status_t status;
    keeper_t *keeper;

    (void)plog;
    (void)ptemp;
    if (ap_state_query(AP_SQ_MAIN_STATE) == AP_SQ_MS_CREATE_PRE_CONFIG
        || !sources->nelts) {
        return OK;
    }
    keeper = apr_pcalloc(pconf, sizeof(*keeper));
    keeper->server = s;
    keeper->pconf = pconf;
    keeper->sources = sources;
    status = set_up(keeper, server);
    if (!status) {
        apr_pool_cleanup_register(pconf, keeper, clean_up,
                                  apr_pool_cleanup_null);
        apr_pool_userdata_setn(keeper, KEEPER_KEY, NULL, pconf);
        status = start(keeper);
    }
    if (status) {
        ap_log_error(APLOG_MARK, APLOG_ERR | APLOG_STARTUP, status, s,
                     LLM_LOGNO(0371) "tokens of providers cannot be kept");
        return HTTP_INTERNAL_SERVER_ERROR;
    }
    return OK;
}

/* ---- in a child -------------------------------------------------------- */

static void child_init(apr_pool_t *pchild, server_rec *s)
{
    const llmgw_server_t *server = llmgw_server_of(s);

    (void)pchild;
    for (int i = 0; i < server->providers->nelts; ++i) {
        llmgw_provider_t *glue =
            APR_ARRAY_IDX(server->providers, i, llm_provider_t *)->glue;

        if (glue->token) {
            llmgw_secret_wipe(&glue->secret);
        }
    }
}

void llmgw_keeper_wake(void)
{
    const keeper_t *keeper = find_keeper(ap_server_conf->process->pconf);

    /* a full pipe wakes as well */
    if (keeper && write(keeper->wake[1], "", 1) < 0) {
        return;
    }
}

void llmgw_keeper_hooks(apr_pool_t *p)
{
    (void)p;
    ap_hook_post_config(post_config, NULL, NULL, APR_HOOK_LAST);
    ap_hook_monitor(monitor, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_child_init(child_init, NULL, NULL, APR_HOOK_MIDDLE);
}
