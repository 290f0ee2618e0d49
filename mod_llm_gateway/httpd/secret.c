/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The providers' secrets: read once, while the server starts and still has
 * the rights of the user who started it, from an environment variable, a file
 * that nobody else may read, or a program's first line; those in the store are
 * read by secret_store.c.
 *
 * They live in pages of their own, which core dumps leave out and which are
 * wiped when the configuration is dropped. From there they go onto the wire
 * to their provider and nowhere else. A message about a secret names its
 * source and never quotes it.
 */
#include "httpd/llmgw.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <apr_strings.h>
#include <apr_thread_proc.h>

#include "core/llm_seal.h"

#define SECRET_MAX    (LLM_SECRET_MAX + 1)
#define VAULT_SIZE    65536         /* bytes of one mapping */
#define VAULT_KEY     "llmgw-vault" /* in the configuration's pool */
#define EXEC_PATIENCE apr_time_from_sec(10)

/* A mapping with secrets in it, one after the other. */
typedef struct vault_t vault_t;
struct vault_t {
    char *memory;
    apr_size_t used;
    vault_t *older;
};

/* ---- the vault --------------------------------------------------------- */

static apr_status_t drop_vault(void *baton)
{
    vault_t *vault = baton;

    llm_wipe(vault->memory, vault->used);
    munmap(vault->memory, VAULT_SIZE);
    return APR_SUCCESS;
}

static vault_t *newest_vault(apr_pool_t *pool)
{
    void *data = NULL;

    apr_pool_userdata_get(&data, VAULT_KEY, pool);
    return data;
}

static vault_t *make_vault(apr_pool_t *pool)
{
    vault_t *vault = apr_pcalloc(pool, sizeof(*vault));
    void *memory = mmap(NULL, VAULT_SIZE, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (memory == MAP_FAILED) {
        return NULL;
    }
    /* Where the system cannot do these, secrets are merely in memory. */
#ifdef MADV_DONTDUMP
    (void)madvise(memory, VAULT_SIZE, MADV_DONTDUMP);
#endif
    (void)mlock(memory, VAULT_SIZE);
    vault->memory = memory;
    vault->older = newest_vault(pool);
    apr_pool_cleanup_register(pool, vault, drop_vault, apr_pool_cleanup_null);
    apr_pool_userdata_setn(vault, VAULT_KEY, NULL, pool);
    return vault;
}

static const char *keep(const char *secret, apr_size_t len, apr_pool_t *pool)
{
    vault_t *vault = newest_vault(pool);
    char *kept;

    if (!vault || len >= VAULT_SIZE - vault->used) {
        vault = make_vault(pool);
    }
    if (!vault) {
        return NULL;
    }
    kept = vault->memory + vault->used;
    memcpy(kept, secret, len);
    kept[len] = '\0';
    vault->used += len + 1;
    return kept;
}

void llmgw_secret_forget(apr_pool_t *pool)
{
    for (vault_t *vault = newest_vault(pool); vault; vault = vault->older) {
        llm_wipe(vault->memory, vault->used);
    }
}

void llmgw_secret_wipe(llmgw_secret_t *secret)
{
    if (secret->value) {
        llm_wipe((char *)secret->value, strlen(secret->value));
        secret->value = NULL;
    }
}

/* ---- what was read ----------------------------------------------------- */

const char *llmgw_secret_take(const char **pvalue, const char *secret,
                              apr_size_t len, apr_pool_t *pool)
{
    const char *what = llm_secret_check(secret, &len);

    if (!what) {
        *pvalue = keep(secret, len, pool);
        what = *pvalue ? NULL : "there is no memory for it";
    }
    return what;
}

/* ---- env: -------------------------------------------------------------- */

static const char *read_env(const char **pvalue, const char *name,
                            apr_pool_t *pool)
{
    char secret[SECRET_MAX];
    const char *value = *name ? getenv(name) : NULL;
    const char *what;

    if (!*name) {
        return "expected env: and the name of a variable";
    }
    if (!value) {
        return "the environment variable is not set";
    }
    if (strlen(value) >= sizeof(secret)) {
        return "it is too long";
    }
    apr_cpystrn(secret, value, sizeof(secret));
    what = llmgw_secret_take(pvalue, secret, strlen(secret), pool);
    llm_wipe(secret, sizeof(secret));
    return what;
}

/* ---- file: ------------------------------------------------------------- */

static const char *check_file(int fd, apr_pool_t *pool)
{
    struct stat info;

    if (fstat(fd, &info)) {
        return "it cannot be read";
    }
    if (!S_ISREG(info.st_mode)) {
        return "it is not a file";
    }
    if (info.st_mode & (S_IRWXG | S_IRWXO)) {
        return apr_psprintf(pool,
                            "others may read it (its mode is %04o): "
                            "chmod 600 it",
                            (unsigned)info.st_mode & 07777);
    }
    return NULL;
}

/* Bytes read until the end or `size`, or -1. */
static ssize_t read_all(int fd, char *data, apr_size_t size)
{
    apr_size_t len = 0;
    ssize_t n;

    do {
        n = read(fd, data + len, size - len);
        if (n > 0) {
            len += (apr_size_t)n;
        }
    } while ((n > 0 && len < size) || (n < 0 && errno == EINTR));
    return n < 0 ? -1 : (ssize_t)len;
}

static const char *read_file(const char **pvalue, const char *path,
                             apr_pool_t *pool)
{
    char secret[SECRET_MAX], reason[120];
    const char *what;
    ssize_t len;
    int fd;

    if (*path != '/') {
        return "expected file: and an absolute path";
    }
    fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        return apr_pstrdup(pool, apr_strerror(errno, reason, sizeof(reason)));
    }
    what = check_file(fd, pool);
    if (!what) {
        len = read_all(fd, secret, sizeof(secret));
        what = len < 0 ? "it cannot be read"
               : len == sizeof(secret)
                   ? "it is too long"
                   : llmgw_secret_take(pvalue, secret, (apr_size_t)len, pool);
        llm_wipe(secret, sizeof(secret));
    }
    close(fd);
    return what;
}

/* ---- exec: ------------------------------------------------------------- */

/* The first line, up to its end; *plen is what was read. */
static const char *read_line(apr_file_t *from, char *line, apr_size_t size,
                             apr_size_t *plen, apr_time_t deadline)
{
    for (*plen = 0; *plen < size;) {
        apr_interval_time_t left = deadline - apr_time_now();
        apr_size_t n = size - *plen;
        apr_status_t status;
        const char *end;

        if (left <= 0) {
            return "it did not answer in 10 seconds";
        }
        apr_file_pipe_timeout_set(from, left);
        status = apr_file_read(from, line + *plen, &n);
        if (APR_STATUS_IS_EOF(status)) {
            return NULL;
        }
        if (APR_STATUS_IS_TIMEUP(status) || APR_STATUS_IS_EINTR(status)
            || APR_STATUS_IS_EAGAIN(status)) {
            continue;
        }
        if (status) {
            return "its output cannot be read";
        }
        end = memchr(line + *plen, '\n', n);
        *plen += n;
        if (end) {
            *plen = (apr_size_t)(end - line);
            return NULL;
        }
    }
    return "its first line is too long";
}

/* Until it has left; what is late is killed. */
static const char *await_exit(apr_proc_t *proc, apr_time_t deadline)
{
    apr_exit_why_e why;
    int code;

    while (apr_proc_wait(proc, &code, &why, APR_NOWAIT) != APR_CHILD_DONE) {
        if (apr_time_now() >= deadline) {
            apr_proc_kill(proc, SIGKILL);
            apr_proc_wait(proc, &code, &why, APR_WAIT);
            return "it did not end in 10 seconds";
        }
        apr_sleep(apr_time_from_msec(5));
    }
    return APR_PROC_CHECK_EXIT(why) && !code ? NULL : "it failed";
}

static const char *start(apr_proc_t *proc, char **argv, apr_pool_t *pool)
{
    apr_procattr_t *attr;
    char reason[120];
    apr_status_t status = apr_procattr_create(&attr, pool);

    if (!status) {
        status = apr_procattr_io_set(attr, APR_NO_FILE, APR_CHILD_BLOCK,
                                     APR_NO_PIPE);
    }
    if (!status) {
        status = apr_procattr_cmdtype_set(attr, APR_PROGRAM_ENV);
    }
    if (!status) {
        status = apr_procattr_error_check_set(attr, 1);
    }
    if (!status) {
        status = apr_proc_create(proc, argv[0], (const char *const *)argv, NULL,
                                 attr, pool);
    }
    return status ? apr_psprintf(pool, "it cannot be run: %s",
                                 apr_strerror(status, reason, sizeof(reason)))
                  : NULL;
}

static const char *run(const char **pvalue, char **argv, apr_pool_t *temp,
                       apr_pool_t *pool)
{
    apr_time_t deadline = apr_time_now() + EXEC_PATIENCE;
    char line[SECRET_MAX];
    apr_size_t len = 0;
    apr_proc_t proc;
    const char *late, *what = start(&proc, argv, temp);

    if (what) {
        return what;
    }
    what = read_line(proc.out, line, sizeof(line), &len, deadline);
    apr_file_close(proc.out);
    late = await_exit(&proc, deadline);
    what = what ? what : late;
    if (!what) {
        what = llmgw_secret_take(pvalue, line, len, pool);
    }
    llm_wipe(line, sizeof(line));
    return what;
}

static const char *read_exec(const char **pvalue, const char *command,
                             apr_pool_t *pool)
{
    const char *what;
    apr_pool_t *temp;
    char **argv;

    apr_pool_create(&temp, pool);
    if (apr_tokenize_to_argv(command, &argv, temp) || !argv[0]
        || *argv[0] != '/') {
        what = "expected exec: and the absolute path of a program";
    }
    else {
        what = run(pvalue, argv, temp, pool);
    }
    what = what ? apr_pstrdup(pool, what) : NULL;
    apr_pool_destroy(temp);
    return what;
}

/* ---- sources ----------------------------------------------------------- */

/* What is in the store is read when the whole configuration was. */
static const char *check_name(const char **pvalue, const char *name,
                              apr_pool_t *pool)
{
    (void)pvalue;
    return llmgw_secret_check_name(name, pool);
}

static const struct source_t {
    const char *prefix;
    const char *(*read)(const char **pvalue, const char *rest,
                        apr_pool_t *pool);
} sources[] = {
    {"env:", read_env},
    {"file:", read_file},
    {"exec:", read_exec},
    {"secret:", check_name},
};

const char *llmgw_secret_read(const char **pvalue, const char *source,
                              apr_pool_t *pool)
{
    *pvalue = NULL;
    if (!strcmp(source, "none")) {
        return NULL;
    }
    for (apr_size_t i = 0; i < sizeof(sources) / sizeof(*sources); ++i) {
        apr_size_t len = strlen(sources[i].prefix);

        if (!strncmp(source, sources[i].prefix, len)) {
            return sources[i].read(pvalue, source + len, pool);
        }
    }
    return "expected env:NAME, file:/path, exec:/program, "
           "secret:NAME or none";
}

/* ---- when -------------------------------------------------------------- */

/* "httpd -k stop" and its sisters read the configuration only to find the
 * server they are to signal, in an environment that need not be its own. */
static int is_for_signal(const process_rec *process)
{
    static const char *const signals[] = {"stop", "restart", "graceful",
                                          "graceful-stop"};

    for (int i = 1; i < process->argc; ++i) {
        const char *word = process->argv[i];

        if (strncmp(word, "-k", 2)) {
            continue;
        }
        word = word[2]                 ? word + 2
               : i + 1 < process->argc ? process->argv[i + 1]
                                       : "";
        for (apr_size_t j = 0; j < sizeof(signals) / sizeof(*signals); ++j) {
            if (!strcmp(word, signals[j])) {
                return 1;
            }
        }
    }
    return 0;
}

int llmgw_secret_is_due(const process_rec *process, const char *source)
{
    int is_first =
        ap_state_query(AP_SQ_MAIN_STATE) == AP_SQ_MS_CREATE_PRE_CONFIG;

    switch (ap_state_query(AP_SQ_RUN_MODE)) {
    case AP_SQ_RM_CONFIG_TEST:
        /* A dump says itself which cannot be had. */
        return !ap_exists_config_define(LLMGW_DUMP_DEFINE);
    case AP_SQ_RM_NORMAL:
        /* A start reads the configuration twice; a program runs once, and
         * the store is asked once. */
        return !is_first
               || (!is_for_signal(process) && strncmp(source, "exec:", 5)
                   && strncmp(source, "secret:", 7));
    default:
        return 0;
    }
}
