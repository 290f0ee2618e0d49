/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading the journals' folder.
 *
 * Whether a process lives is asked before its file's size: one that is dead
 * then cannot have written more, so what the size says is all there is. The
 * dead stay dead; their files are open only while they are read, for there
 * may be thousands after a long stop.
 *
 * A record that cannot be read: in a living process's file it is looked at
 * again for a second, in a dead one's it is passed over and counted. One
 * that is whole but of a newer version stops the reading of its file, which is
 * kept for a program that knows it.
 */
#include "store/parts.h"

#include "core/llm_log.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <apr_strings.h>

#define READ_RECORDS 128 /* at once */
#define BAD_LOOKS    20  /* at a living process's unreadable record */
#define STALE_MAKING                                                           \
    60 /* seconds after which a file that was never renamed
                            is a dead process's */

struct llm_journal_parts_t {
    const char *dir;
    llm_journal_part_t **list; /* sorted by journal and part */
    unsigned count, size;
    unsigned char *bytes; /* READ_RECORDS */
};

static apr_status_t free_parts(void *baton)
{
    llm_journal_parts_t *parts = baton;
    unsigned i;

    for (i = 0; i < parts->count; ++i) {
        if (parts->list[i]->fd >= 0) {
            close(parts->list[i]->fd);
        }
        free(parts->list[i]);
    }
    free(parts->list);
    return APR_SUCCESS;
}

llm_journal_parts_t *llm_parts_make(const char *dir, apr_pool_t *pool)
{
    llm_journal_parts_t *parts = apr_pcalloc(pool, sizeof(*parts));

    parts->dir = apr_pstrdup(pool, dir);
    parts->bytes =
        apr_palloc(pool, (apr_size_t)READ_RECORDS * LLM_JOURNAL_RECORD);
    apr_pool_cleanup_register(pool, parts, free_parts, apr_pool_cleanup_null);
    return parts;
}

unsigned llm_parts_count(const llm_journal_parts_t *parts)
{
    return parts->count;
}

llm_journal_part_t *llm_parts_at(const llm_journal_parts_t *parts, unsigned i)
{
    return parts->list[i];
}

static int compare_ids(llm_journal_part_id_t a, llm_journal_part_id_t b)
{
    if (a.journal != b.journal) {
        return a.journal < b.journal ? -1 : 1;
    }
    return a.part < b.part ? -1 : a.part > b.part;
}

/* Where the id is, or would be. */
static unsigned place_of(const llm_journal_parts_t *parts,
                         llm_journal_part_id_t of)
{
    unsigned low = 0, high = parts->count;

    while (low < high) {
        unsigned middle = low + (high - low) / 2;

        if (compare_ids(parts->list[middle]->of, of) < 0) {
            low = middle + 1;
        }
        else {
            high = middle;
        }
    }
    return low;
}

llm_journal_part_t *llm_parts_find(const llm_journal_parts_t *parts,
                                   llm_journal_part_id_t of)
{
    unsigned place = place_of(parts, of);

    return place < parts->count && !compare_ids(parts->list[place]->of, of)
               ? parts->list[place]
               : NULL;
}

static llm_journal_part_t *add_part(llm_journal_parts_t *parts,
                                    llm_journal_part_id_t of)
{
    unsigned place = place_of(parts, of);
    llm_journal_part_t *part = calloc(1, sizeof(*part));

    if (part && parts->count == parts->size) {
        unsigned size = parts->size ? parts->size * 2 : 64;
        llm_journal_part_t **list = realloc(parts->list, size * sizeof(*list));

        if (!list) {
            free(part);
            return NULL;
        }
        parts->list = list;
        parts->size = size;
    }
    if (part) {
        memmove(parts->list + place + 1, parts->list + place,
                (parts->count - place) * sizeof(*parts->list));
        parts->list[place] = part;
        parts->count += 1;
        part->of = of;
        part->fd = -1;
        part->is_alive = 1; /* until it was asked */
    }
    return part;
}

static void part_path(char *path, apr_size_t size,
                      const llm_journal_parts_t *parts,
                      const llm_journal_part_t *part)
{
    char name[LLM_JOURNAL_NAME];

    llm_journal_name_print(name, part->of.journal, part->of.part,
                           part->version);
    apr_snprintf(path, size, "%s/%s", parts->dir, name);
}

static apr_status_t open_part(const llm_journal_parts_t *parts,
                              llm_journal_part_t *part)
{
    char path[APR_PATH_MAX];

    if (part->fd < 0) {
        part_path(path, sizeof(path), parts, part);
        part->fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    }
    return part->fd < 0 ? errno : APR_SUCCESS;
}

static void close_part(llm_journal_part_t *part)
{
    if (part->fd >= 0) {
        close(part->fd);
        part->fd = -1;
    }
}

static apr_size_t record_size(const llm_journal_part_t *part)
{
    return part->version == 1 ? LLM_JOURNAL_RECORD_1 : LLM_JOURNAL_RECORD;
}

/* In doubt it is locked: a file that is taken for a dead one's is removed. */
static int is_locked(int fd)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};

    return fcntl(fd, F_GETLK, &lock) < 0 || lock.l_type != F_UNLCK;
}

static apr_status_t look_at(llm_journal_parts_t *parts,
                            llm_journal_part_t *part)
{
    struct stat info;
    apr_status_t status;

    if (!part->is_alive) {
        return APR_SUCCESS;
    }
    status = open_part(parts, part);
    if (status != APR_SUCCESS) {
        return status;
    }
    part->is_alive = is_locked(part->fd);
    if (fstat(part->fd, &info) < 0) {
        return errno;
    }
    part->size = (apr_uint64_t)info.st_size / record_size(part);
    if (!part->is_alive) {
        close_part(part);
    }
    return APR_SUCCESS;
}

/* What a process left that died while it made a part. */
static void remove_stale(const llm_journal_parts_t *parts, const char *name)
{
    char path[APR_PATH_MAX];
    struct stat info;

    apr_snprintf(path, sizeof(path), "%s/%s", parts->dir, name);
    if (!stat(path, &info)
        && apr_time_sec(apr_time_now()) - info.st_mtime > STALE_MAKING) {
        unlink(path);
    }
}

static apr_status_t look_at_name(llm_journal_parts_t *parts, const char *name)
{
    llm_journal_part_id_t of;
    llm_journal_part_t *part;
    apr_status_t status;
    unsigned version;

    if (!llm_journal_name_read(&of.journal, &of.part, &version, name)) {
        apr_size_t len = strlen(name);

        if (len > 4 && !strcmp(name + len - 4, ".tmp")) {
            remove_stale(parts, name);
        }
        return APR_SUCCESS;
    }
    part = llm_parts_find(parts, of);
    if (!part) {
        part = add_part(parts, of);
    }
    if (!part) {
        return APR_ENOMEM;
    }
    part->version = version;
    status = look_at(parts, part);
    part->is_missing = status == ENOENT;
    return status == ENOENT ? APR_SUCCESS : status;
}

apr_status_t llm_parts_look(llm_journal_parts_t *parts)
{
    DIR *dir = opendir(parts->dir);
    apr_status_t status = APR_SUCCESS;
    struct dirent *entry;
    unsigned i;

    if (!dir) {
        return errno;
    }
    for (i = 0; i < parts->count; ++i) {
        parts->list[i]->is_missing = 1;
    }
    while ((entry = readdir(dir))) {
        apr_status_t one = look_at_name(parts, entry->d_name);

        status = status == APR_SUCCESS ? one : status;
    }
    closedir(dir);
    return status;
}

int llm_part_is_finished(const llm_journal_part_t *part)
{
    return !part->is_alive && !part->is_newer && part->stored >= part->size;
}

static void forget_part(llm_journal_parts_t *parts, llm_journal_part_t *part)
{
    unsigned place = place_of(parts, part->of);

    close_part(part);
    free(part);
    parts->count -= 1;
    memmove(parts->list + place, parts->list + place + 1,
            (parts->count - place) * sizeof(*parts->list));
}

apr_status_t llm_parts_remove(llm_journal_parts_t *parts,
                              llm_journal_part_t *part)
{
    char path[APR_PATH_MAX];

    part_path(path, sizeof(path), parts, part);
    if (unlink(path) < 0 && errno != ENOENT) {
        return errno;
    }
    forget_part(parts, part);
    return APR_SUCCESS;
}

/* 1: pass it over. 0: leave it for now. */
static int give_up_on_record(llm_journal_part_t *part, llm_codec_e why)
{
    if (why == LLM_CODEC_NEWER) {
        if (!part->is_newer) {
            llm_log(LLM_LOG_CRIT, APR_SUCCESS,
                    LLM_LOGNO(0204) "a journal holds records of a newer "
                                    "version and is left as it is: "
                                    "%016" APR_UINT64_T_HEX_FMT "-%08x",
                    part->of.journal, part->of.part);
        }
        part->is_newer = 1;
        return 0;
    }
    if (!part->is_alive) {
        return 1;
    }
    if (part->bad != part->reached + 1) {
        part->bad = part->reached + 1;
        part->bad_looks = 0;
    }
    return ++part->bad_looks > BAD_LOOKS;
}

/* Records of the buffer into the batch. 0: stop reading this part. */
static int take_records(llm_journal_part_t *part, llm_batch_t *batch,
                        const unsigned char *bytes, unsigned count)
{
    apr_size_t size = record_size(part);
    llm_record_t record;
    unsigned i;

    for (i = 0; i < count; ++i, bytes += size) {
        if (llm_codec_read_record(&record, bytes, size)) {
            if (!llm_batch_add(batch, &record, 0)) {
                return 0;
            }
        }
        else if (give_up_on_record(part, llm_codec_judge(bytes, size))) {
            batch->damaged += 1;
        }
        else {
            return 0;
        }
        part->reached += 1;
    }
    return 1;
}

unsigned llm_part_read(llm_journal_parts_t *parts, llm_journal_part_t *part,
                       llm_batch_t *batch, unsigned limit)
{
    apr_uint64_t from = part->reached;
    apr_size_t size = record_size(part);
    int more = part->size > from && !part->is_newer
               && open_part(parts, part) == APR_SUCCESS;

    while (more && limit > part->reached - from) {
        apr_uint64_t count = part->size - part->reached;
        ssize_t got;

        if (count > limit - (part->reached - from)) {
            count = limit - (part->reached - from);
        }
        if (count > READ_RECORDS) {
            count = READ_RECORDS;
        }
        got = count ? pread(part->fd, parts->bytes, count * size,
                            (off_t)(part->reached * size))
                    : 0;
        more = got >= (ssize_t)size
               && take_records(part, batch, parts->bytes,
                               (unsigned)((apr_size_t)got / size));
    }
    if (!part->is_alive) {
        close_part(part);
    }
    return (unsigned)(part->reached - from);
}

/* A file becomes visible before its process can have a slot, so one that is
 * neither known nor in the folder now belongs to the dead. */
int llm_parts_contain(llm_journal_parts_t *parts, apr_uint64_t journal)
{
    llm_journal_part_id_t of = {journal, 0};
    unsigned place = place_of(parts, of);
    struct dirent *entry;
    unsigned version;
    int found = 0;
    DIR *dir;

    if (place < parts->count && parts->list[place]->of.journal == journal) {
        return 1;
    }
    dir = opendir(parts->dir);
    if (!dir) {
        return 1;
    }
    while (!found && (entry = readdir(dir))) {
        found = llm_journal_name_read(&of.journal, &of.part, &version,
                                      entry->d_name)
                && of.journal == journal;
    }
    closedir(dir);
    return found;
}
