/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the parent, the store's owner and the children share.
 *
 *   the snapshot   keys and the owner's health, in memory that the parent
 *                  maps once; it outlives restarts, so that children of both
 *                  generations see every change of a key
 *   in-flight      a slot for each running request, in a file that everybody
 *                  maps, so that a killed child's requests are accounted for
 *   the journal    this child's own file of usage records
 *
 * A child reads and writes these without waiting for anybody. Requests are
 * refused (503) while they could not be metered, with no owner alive or with a
 * journal that cannot be written, unless LLMLedgerFailure allows that; and with
 * too many requests running. The last
 * looks like a hang otherwise: when every thread is busy httpd does not even
 * say no.
 */
#include "httpd/llmgw.h"

#include <dirent.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <ap_mpm.h>
#include <apr_strings.h>
#include <unixd.h>

#define SEGMENT_KEY "llmgw-snapshot" /* in the process's pool */
#define LEDGER_KEY  "llmgw-ledger"
#define KEYS_MAX    131072
#define SLOTS_MIN   64

#define OWNER_SILENCE_MAX  apr_time_from_sec(10)
#define RETRY_EVERY        apr_time_from_sec(1)
#define DISK_LEAST         1048576 /* bytes free before a journal is tried */
#define DISK_EVERY         apr_time_from_msec(100)
#define COUNT_ALWAYS_BELOW 1024 /* slots; more are counted now and then */
#define COUNT_EVERY        apr_time_from_msec(10)

#define COMPLAIN APLOG_MARK, APLOG_ERR | APLOG_STARTUP

/* The mapping, described in memory that outlives this module's code. */
typedef struct segment_t {
    void *memory;
    apr_size_t size;
} segment_t;

/* Of this process. The first block is written before there are threads. */
static struct shared_t {
    llm_snapshot_t *snapshot;
    llm_inflight_t *inflight;
    llmgw_ledger_t *ledger;
    const char *journal_dir;
    unsigned limit; /* requests at once */

    llm_journal_t *journal;   /* atomic: a thread may open it later */
    apr_time_t journal_tried; /* atomic; 0 it is open */
    apr_time_t put_failed;    /* atomic; 0 the last put went well */
    apr_time_t disk_looked;   /* atomic: when `disk_full` was found out */
    int disk_full;            /* atomic */
    apr_time_t counted;       /* atomic: when `running` was counted */
    unsigned running;         /* atomic */
} shared;

llm_snapshot_t *llmgw_shared_snapshot(void)
{
    return shared.snapshot;
}

llm_inflight_t *llmgw_shared_inflight(void)
{
    return shared.inflight;
}

llm_journal_t *llmgw_shared_journal(void)
{
    return __atomic_load_n(&shared.journal, __ATOMIC_ACQUIRE);
}

llmgw_ledger_t *llmgw_shared_ledger(void)
{
    return shared.ledger;
}

/* 1 for one caller every `interval`: whoever moves the time. */
static int is_my_turn(apr_time_t *when, apr_time_t now,
                      apr_interval_time_t interval)
{
    apr_time_t last = __atomic_load_n(when, __ATOMIC_RELAXED);

    return now - last >= interval
           && __atomic_compare_exchange_n(when, &last, now, 0, __ATOMIC_RELAXED,
                                          __ATOMIC_RELAXED);
}

/* ---- the snapshot's memory --------------------------------------------- */

static void *map_memory(apr_size_t size)
{
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    if (memory == MAP_FAILED) {
        return NULL;
    }
#ifdef MADV_DONTDUMP
    (void)madvise(memory, size, MADV_DONTDUMP);
#endif
    return memory;
}

/* The memory of the first start; anew where a new version of the module does
 * not understand the old one's. */
static llm_snapshot_t *find_snapshot(process_rec *process)
{
    apr_size_t size = llm_snapshot_size(KEYS_MAX);
    segment_t *segment;
    void *data = NULL;

    apr_pool_userdata_get(&data, SEGMENT_KEY, process->pool);
    segment = data;
    if (segment && segment->size == size) {
        llm_snapshot_t *snapshot =
            llm_snapshot_attach(segment->memory, segment->size);

        if (snapshot) {
            return snapshot;
        }
    }
    segment = apr_pcalloc(process->pool, sizeof(*segment));
    segment->size = size;
    segment->memory = map_memory(size);
    if (!segment->memory) {
        return NULL;
    }
    /* not _setn: the process outlives this module and its literals */
    apr_pool_userdata_set(segment, SEGMENT_KEY, NULL, process->pool);
    return llm_snapshot_format(segment->memory, size);
}

/* The counters, like the snapshot's memory, outlive restarts; another version
 * of the module has its own. */
static llmgw_ledger_t *find_ledger(process_rec *process)
{
    char key[100];
    void *data = NULL;

    apr_snprintf(key, sizeof(key), LEDGER_KEY " " LLMGW_VERSION " %u",
                 (unsigned)sizeof(llmgw_ledger_t));
    apr_pool_userdata_get(&data, key, process->pool);
    if (!data) {
        data = map_memory(sizeof(llmgw_ledger_t));
        apr_pool_userdata_set(data, key, NULL, process->pool);
    }
    return data;
}

/* ---- the folder -------------------------------------------------------- */

static uid_t server_uid(void)
{
    return geteuid() ? geteuid() : ap_unixd_config.user_id;
}

static gid_t server_gid(void)
{
    return geteuid() ? getegid() : ap_unixd_config.group_id;
}

static int is_empty(const char *path)
{
    DIR *dir = opendir(path);
    struct dirent *entry;
    int found = 0;

    while (dir && !found && (entry = readdir(dir))) {
        found = strcmp(entry->d_name, ".") && strcmp(entry->d_name, "..");
    }
    if (dir) {
        closedir(dir);
    }
    return !found;
}

/* NULL, or why it is not to be touched: a slip in LLMStore must not give
 * /etc away to the server's user. */
static const char *check_folder(const char *path, apr_pool_t *p)
{
    struct stat info;

    if (lstat(path, &info)) {
        return NULL; /* it will be made */
    }
    if (!S_ISDIR(info.st_mode)) {
        return "it is not a folder";
    }
    if (info.st_uid != server_uid() && !is_empty(path)) {
        return apr_psprintf(p,
                            "it belongs to user %u and is not empty; the "
                            "server's processes run as user %u",
                            (unsigned)info.st_uid, (unsigned)server_uid());
    }
    return NULL;
}

static const char *prepare_folder(const llmgw_server_t *server, apr_pool_t *p)
{
    const char *what = check_folder(server->store_dir, p);

    if (!what
        && llm_store_prepare(server->store_dir, server_uid(), server_gid(),
                             &what, p)) {
        return what;
    }
    return what;
}

/* ---- in-flight slots --------------------------------------------------- */

static unsigned query(int what)
{
    int value = 0;

    return ap_mpm_query(what, &value) == APR_SUCCESS && value > 0
               ? (unsigned)value
               : 1;
}

/* A slot for each thread there can ever be; HTTP/2 brings threads of its
 * own. */
static unsigned count_slots(void)
{
    unsigned threads =
        query(AP_MPMQ_HARD_LIMIT_DAEMONS) * query(AP_MPMQ_MAX_THREADS);

    if (ap_find_linked_module("mod_http2.c")) {
        threads *= 2;
    }
    return threads > SLOTS_MIN ? threads : SLOTS_MIN;
}

static unsigned find_limit(const llmgw_server_t *server)
{
    unsigned workers = query(AP_MPMQ_MAX_DAEMONS) * query(AP_MPMQ_MAX_THREADS);

    return server->max_in_flight.value ? (unsigned)server->max_in_flight.value
           : workers > 9 ? workers / 10 * 9 + workers % 10 * 9 / 10
                         : workers;
}

/* In a folder of the server's user root acts as that user: whatever lies
 * there was put there by him. */
static apr_status_t open_inflight(const llmgw_server_t *server,
                                  apr_pool_t *pconf)
{
    const char *path =
        apr_pstrcat(pconf, server->store_dir, "/" LLM_INFLIGHT_FILE, NULL);
    int is_root = !geteuid();
    apr_status_t status;

    if (is_root && (setegid(server_gid()) || seteuid(server_uid()))) {
        return errno;
    }
    status = llm_inflight_open(&shared.inflight, path, count_slots(), pconf);
    if (is_root && (seteuid(0) || setegid(getgid()))) {
        return errno;
    }
    return status;
}

/* ---- start ------------------------------------------------------------- */

static int post_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp,
                       server_rec *s)
{
    const llmgw_server_t *server = llmgw_server_of(s);
    const char *what;
    apr_status_t status;

    (void)plog;
    memset(&shared, 0, sizeof(shared));
    if (ap_state_query(AP_SQ_MAIN_STATE) == AP_SQ_MS_CREATE_PRE_CONFIG
        || !server->store_dir) {
        return OK;
    }
    what = prepare_folder(server, ptemp);
    if (what) {
        ap_log_error(COMPLAIN, 0, s, LLM_LOGNO(0340) "LLMStore bdb:%s: %s",
                     server->store_dir, what);
        return HTTP_INTERNAL_SERVER_ERROR;
    }
    shared.snapshot = find_snapshot(s->process);
    shared.ledger = find_ledger(s->process);
    if (!shared.snapshot || !shared.ledger) {
        ap_log_error(COMPLAIN, errno, s,
                     LLM_LOGNO(0341) "no shared memory for the keys");
        return HTTP_INTERNAL_SERVER_ERROR;
    }
    status = open_inflight(server, pconf);
    if (status) {
        ap_log_error(COMPLAIN, status, s,
                     LLM_LOGNO(0342) "%s/%s cannot be used", server->store_dir,
                     LLM_INFLIGHT_FILE);
        return HTTP_INTERNAL_SERVER_ERROR;
    }
    shared.limit = find_limit(server);
    shared.journal_dir =
        apr_pstrcat(pconf, server->store_dir, "/journal", NULL);
    return OK;
}

static void open_journal(apr_pool_t *p)
{
    llm_journal_t *journal = NULL;
    apr_status_t status = llm_journal_open(&journal, shared.journal_dir, p);

    if (status) {
        __atomic_store_n(&shared.journal_tried, apr_time_now(),
                         __ATOMIC_RELAXED);
        ap_log_error(APLOG_MARK, APLOG_CRIT, status, ap_server_conf,
                     LLM_LOGNO(0343) "no usage journal can be made in %s",
                     shared.journal_dir);
        return;
    }
    __atomic_store_n(&shared.journal, journal, __ATOMIC_RELEASE);
}

static void child_init(apr_pool_t *pchild, server_rec *s)
{
    (void)s;
    if (shared.journal_dir) {
        open_journal(pchild);
    }
}

/* ---- the journal ------------------------------------------------------- */

apr_status_t llmgw_shared_put(const llm_record_t *record)
{
    llm_journal_t *journal = llmgw_shared_journal();
    apr_status_t status =
        journal ? llm_journal_put(journal, record) : APR_ENOENT;
    apr_time_t failed = __atomic_load_n(&shared.put_failed, __ATOMIC_RELAXED);

    if (status && !failed) {
        ap_log_error(APLOG_MARK, APLOG_CRIT, status, ap_server_conf,
                     LLM_LOGNO(0344) "usage cannot be written to %s",
                     shared.journal_dir);
    }
    if (!status && failed) {
        ap_log_error(APLOG_MARK, APLOG_NOTICE, 0, ap_server_conf,
                     LLM_LOGNO(0345) "usage can be written to %s again",
                     shared.journal_dir);
    }
    if (status || failed) {
        __atomic_store_n(&shared.put_failed, status ? apr_time_now() : 0,
                         __ATOMIC_RELAXED);
    }
    return status;
}

static int is_full(const char *path)
{
    struct statvfs info;

    return !statvfs(path, &info)
           && (apr_uint64_t)info.f_bavail * info.f_frsize < DISK_LEAST;
}

/* Seen before a record does not fit, and by each child alike: what was served
 * could not be written down any more. */
static int is_disk_full(apr_time_t now)
{
    if (shared.journal_dir
        && is_my_turn(&shared.disk_looked, now, DISK_EVERY)) {
        __atomic_store_n(&shared.disk_full, is_full(shared.journal_dir),
                         __ATOMIC_RELAXED);
    }
    return __atomic_load_n(&shared.disk_full, __ATOMIC_RELAXED);
}

/* Can what is used now be written down? While it could not be the last time,
 * one request a second may try, once there is space. */
static int is_journal_good(apr_time_t now)
{
    if (!llmgw_shared_journal()) {
        apr_pool_t *pool;

        if (shared.journal_dir
            && is_my_turn(&shared.journal_tried, now, RETRY_EVERY)
            && apr_pool_create(&pool, NULL) == APR_SUCCESS) {
            open_journal(pool);
        }
        return llmgw_shared_journal() != NULL;
    }
    return !__atomic_load_n(&shared.put_failed, __ATOMIC_RELAXED)
           || (!is_full(shared.journal_dir)
               && is_my_turn(&shared.put_failed, now, RETRY_EVERY));
}

/* ---- may a request come in? -------------------------------------------- */

/* Counting looks at every slot, so where there are many it is done once in a
 * while. */
static unsigned count_running(apr_time_t now)
{
    if (llm_inflight_size(shared.inflight) <= COUNT_ALWAYS_BELOW
        || is_my_turn(&shared.counted, now, COUNT_EVERY)) {
        __atomic_store_n(&shared.running, llm_inflight_count(shared.inflight),
                         __ATOMIC_RELAXED);
    }
    return __atomic_load_n(&shared.running, __ATOMIC_RELAXED);
}

static llm_problem_t *unavailable(request_rec *r, const char *message,
                                  const char *detail)
{
    llm_problem_t *problem =
        llm_problem_make(LLM_PROBLEM_UNAVAILABLE, r->pool, "%s", message);

    problem->detail = detail;
    problem->retry_after = 1;
    return problem;
}

/* What keeps a request from being metered, or NULL. *pfatal: without that no
 * request can be served at all. */
static const char *metering_fault(apr_time_t now, int *pfatal)
{
    llm_health_t health;

    llm_snapshot_health(shared.snapshot, &health);
    *pfatal = !health.ready;
    if (!health.ready) {
        return "the store's process has not begun its work";
    }
    if (now - health.heartbeat > OWNER_SILENCE_MAX) {
        return "the store's process does not answer";
    }
    if (is_disk_full(now)) {
        return "there is no space left on the store's disk";
    }
    return is_journal_good(now) ? NULL : "the usage journal cannot be written";
}

static llm_problem_t *busy(request_rec *r)
{
    return unavailable(r, "the gateway is at its limit of requests in flight",
                       NULL);
}

const char *llmgw_shared_look(request_rec *r, llm_problem_t **pproblem)
{
    apr_time_t now = apr_time_now();
    const char *what;
    int is_fatal;

    *pproblem = NULL;
    if (!shared.snapshot || !shared.inflight) {
        *pproblem = unavailable(r, "the gateway has no store", "no LLMStore");
        return (*pproblem)->detail;
    }
    what = metering_fault(now, &is_fatal);
    if (what && (is_fatal || llmgw_dir_of(r)->ledger_failure.value)) {
        *pproblem =
            unavailable(r, "the gateway cannot meter requests now", what);
    }
    else if (count_running(now) >= shared.limit) {
        *pproblem = busy(r);
        what = (*pproblem)->message;
    }
    return what;
}

static llm_problem_t *refuse(request_rec *r, llm_problem_t *problem)
{
    llmgw_request_t *request = llmgw_request_of(r);

    if (shared.ledger) {
        llmgw_ledger_refused(shared.ledger, problem->detail ? problem->detail
                                                            : problem->message);
        if (request) {
            request->told = problem;
        }
    }
    return problem;
}

llm_problem_t *llmgw_shared_refuse_busy(request_rec *r)
{
    return refuse(r, busy(r));
}

llm_problem_t *llmgw_shared_check(request_rec *r)
{
    llm_problem_t *problem;
    const char *what = llmgw_shared_look(r, &problem);

    if (!what) {
        llmgw_ledger_good(shared.ledger, apr_time_now());
    }
    return problem ? refuse(r, problem) : NULL;
}

int llmgw_shared_has_room(void)
{
    return llm_inflight_count(shared.inflight) < shared.limit / 2;
}

void llmgw_shared_hooks(apr_pool_t *p)
{
    (void)p;
    ap_hook_post_config(post_config, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_child_init(child_init, NULL, NULL, APR_HOOK_MIDDLE);
}
