/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The writing side of a journal.
 *
 * A part is made under another name, locked, and only then renamed: the owner
 * would take a visible file without a lock for one whose process died. POSIX
 * locks are wanted here because a fork does not inherit them and the kernel
 * drops them whatever the process died of. They are dropped as well when the
 * process closes any descriptor of the file, so nobody opens it twice.
 *
 * The mutex keeps the size known while a record is appended, so that one that
 * did not fit (a full disk, a file size limit) can be cut off again. It costs
 * no parallelism: appends to a file queue up in the kernel anyway.
 */
#include "store/journal.h"

#include "core/llm_key.h"
#include "store/codec.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <apr_strings.h>
#include <apr_thread_mutex.h>

#define MAKING ".tmp"

struct llm_journal_t {
    const char *dir;
    apr_uint64_t id;
    apr_uint32_t part; /* number of the current one */
    int fd;            /* of the current part; -1 once closed */
    unsigned records;  /* in the current part */
    int broken;        /* the current part ends in a piece of a record */
    apr_thread_mutex_t *mutex; /* over the four above */
};

/* What the names of a version end with. */
static const char *const endings[] = {NULL, ".jnl", ".jnl2"};

void llm_journal_name_print(char *name, apr_uint64_t journal, apr_uint32_t part,
                            unsigned version)
{
    snprintf(name, LLM_JOURNAL_NAME, "%016llx-%08x%s",
             (unsigned long long)journal, part, endings[version]);
}

/* Exactly `width` lower-case hex digits. */
static int read_hex(apr_uint64_t *pvalue, const char *text, int width)
{
    static const char digits[] = "0123456789abcdef";
    int i;

    *pvalue = 0;
    for (i = 0; i < width; ++i) {
        const char *at = text[i] ? strchr(digits, text[i]) : NULL;

        if (!at) {
            return 0;
        }
        *pvalue = *pvalue << 4 | (apr_uint64_t)(at - digits);
    }
    return 1;
}

int llm_journal_name_read(apr_uint64_t *pjournal, apr_uint32_t *ppart,
                          unsigned *pversion, const char *name)
{
    apr_uint64_t part;
    unsigned version = LLM_JOURNAL_VERSION;

    if (!read_hex(pjournal, name, 16) || name[16] != '-'
        || !read_hex(&part, name + 17, 8)) {
        return 0;
    }
    while (version && strcmp(name + 25, endings[version]) != 0) {
        --version;
    }
    *ppart = (apr_uint32_t)part;
    *pversion = version;
    return version && *pjournal != 0;
}

static int lock_file(int fd)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};

    return fcntl(fd, F_SETLK, &lock);
}

/* Makes the part, locked and visible. */
static apr_status_t make_part(int *pfd, const llm_journal_t *journal,
                              apr_uint32_t part)
{
    char name[LLM_JOURNAL_NAME], path[APR_PATH_MAX], making[APR_PATH_MAX];
    apr_status_t status = APR_SUCCESS;
    int fd;

    llm_journal_name_print(name, journal->id, part, LLM_JOURNAL_VERSION);
    if (apr_snprintf(making, sizeof(making), "%s/%s" MAKING, journal->dir, name)
        >= (int)sizeof(making) - 1) {
        return APR_ENAMETOOLONG;
    }
    apr_snprintf(path, sizeof(path), "%s/%s", journal->dir, name);
    fd = open(making, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0600);
    if (fd < 0) {
        return errno;
    }
    if (lock_file(fd) < 0 || rename(making, path) < 0) {
        status = errno;
        unlink(making);
        close(fd);
        return status;
    }
    *pfd = fd;
    return APR_SUCCESS;
}

static apr_status_t close_journal(void *baton)
{
    llm_journal_t *journal = baton;

    if (journal->fd >= 0) {
        close(journal->fd);
        journal->fd = -1;
    }
    return APR_SUCCESS;
}

apr_status_t llm_journal_open(llm_journal_t **pjournal, const char *dir,
                              apr_pool_t *pool)
{
    llm_journal_t *journal = apr_pcalloc(pool, sizeof(*journal));
    apr_status_t status = APR_SUCCESS;

    journal->dir = apr_pstrdup(pool, dir);
    while (!journal->id && status == APR_SUCCESS) {
        status = llm_random(&journal->id, sizeof(journal->id));
    }
    if (status == APR_SUCCESS) {
        status = apr_thread_mutex_create(&journal->mutex,
                                         APR_THREAD_MUTEX_DEFAULT, pool);
    }
    if (status == APR_SUCCESS) {
        status = make_part(&journal->fd, journal, 0);
    }
    if (status != APR_SUCCESS) {
        return status;
    }
    apr_pool_cleanup_register(pool, journal, close_journal,
                              apr_pool_cleanup_null);
    *pjournal = journal;
    return APR_SUCCESS;
}

/* The old part is closed, which unlocks it, only when the new one stands:
 * at no moment does the incarnation look dead. */
static apr_status_t next_part(llm_journal_t *journal)
{
    int fd = -1;
    apr_status_t status = make_part(&fd, journal, journal->part + 1);

    if (status != APR_SUCCESS) {
        return status;
    }
    close(journal->fd);
    journal->fd = fd;
    journal->part += 1;
    journal->records = 0;
    journal->broken = 0;
    return APR_SUCCESS;
}

/* A full part is written on when no new one can be made. */
static apr_status_t choose_part(llm_journal_t *journal)
{
    apr_status_t status = APR_SUCCESS;

    if (journal->records >= LLM_JOURNAL_PART || journal->broken) {
        status = next_part(journal);
    }
    return journal->broken ? status : APR_SUCCESS;
}

/* One record at the end, or nothing. */
static apr_status_t append(llm_journal_t *journal, const unsigned char *bytes)
{
    ssize_t written;
    apr_status_t status;

    do {
        written = write(journal->fd, bytes, LLM_JOURNAL_RECORD);
    } while (written < 0 && errno == EINTR);
    if (written == LLM_JOURNAL_RECORD) {
        journal->records += 1;
        return APR_SUCCESS;
    }
    status = written < 0 ? errno : APR_ENOSPC;
    /* The fragment must go, or all that follows would be out of step. Should
     * that fail, nothing follows: the next record begins a new part, and the
     * owner drops what is too short to be a record. */
    if (written > 0
        && ftruncate(journal->fd, (off_t)journal->records * LLM_JOURNAL_RECORD)
               < 0) {
        journal->broken = 1;
    }
    return status;
}

apr_status_t llm_journal_put(llm_journal_t *journal, const llm_record_t *record)
{
    unsigned char bytes[LLM_JOURNAL_RECORD];
    apr_status_t status;

    llm_codec_write_record(bytes, record);
    apr_thread_mutex_lock(journal->mutex);
    status = choose_part(journal);
    if (status == APR_SUCCESS) {
        status = append(journal, bytes);
    }
    apr_thread_mutex_unlock(journal->mutex);
    return status;
}

apr_uint64_t llm_journal_id(const llm_journal_t *journal)
{
    return journal->id;
}
