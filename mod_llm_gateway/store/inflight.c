/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The file of running requests.
 *
 *   0     head: magic, version, slots of the file
 *   4096  groups of 128 slots: 128 holders (u64 each), then 128 slots
 *
 * Holders stand apart from the slots so that counting and sweeping touch
 * eight bytes a slot, and in groups so that a file can grow at its end while
 * others have it mapped. A holder is the id of the journal of the process that
 * has the slot, 0 when it is free.
 *
 * A slot has two places for its record and a turn. A record goes to the place
 * that is not in use, then the turn moves: a holder killed while it writes
 * leaves the record before that one. Turn 0 says that there is none. Each has
 * its CRC, for the sake of power loss.
 */
#include "store/inflight.h"

#include "store/codec.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <apr_strings.h>

#define MAGIC     "llmgw-if"
#define VERSION   1
#define HEAD      4096
#define GROUP     128
#define SLOTS_MAX (1u << 20)

struct llm_slot_t {
    apr_uint64_t turn;  /* 0: no record; else records[turn & 1] is the one */
    apr_uint32_t place; /* of the slot in its group: the way to its holder */
    apr_uint32_t unused[13];
    unsigned char records[2][LLM_JOURNAL_RECORD];
};

typedef struct group_t {
    apr_uint64_t holders[GROUP];
    llm_slot_t slots[GROUP];
} group_t;

typedef struct head_t {
    char magic[8];
    apr_uint32_t version;
    apr_uint32_t groups;
} head_t;

struct llm_inflight_t {
    head_t *head; /* where the file is mapped */
    apr_size_t size;
    unsigned groups; /* as many as this process has mapped */
};

static group_t *group_at(const llm_inflight_t *inflight, unsigned i)
{
    return (group_t *)(void *)((char *)inflight->head + HEAD) + i;
}

static apr_uint64_t *holder_of(llm_slot_t *slot)
{
    group_t *group = (group_t *)(void *)((char *)(slot - slot->place)
                                         - offsetof(group_t, slots));

    return &group->holders[slot->place];
}

static apr_size_t size_of(unsigned groups)
{
    return HEAD + groups * sizeof(group_t);
}

/* The groups of an existing file; 0 in a new one. */
static apr_status_t read_head(unsigned *pgroups, int fd)
{
    head_t head;
    struct stat info;
    ssize_t got = pread(fd, &head, sizeof(head), 0);

    *pgroups = 0;
    if (got < 0 || fstat(fd, &info) < 0) {
        return errno;
    }
    /* The magic is written last: without it nobody had a slot. */
    if (!got || (got == sizeof(head) && !head.magic[0])) {
        return APR_SUCCESS;
    }
    if (got != sizeof(head)
        || memcmp(head.magic, MAGIC, sizeof(head.magic)) != 0) {
        return APR_EINVAL;
    }
    if (head.version > VERSION) {
        return APR_ENOTIMPL;
    }
    if (head.groups > SLOTS_MAX / GROUP
        || info.st_size < (off_t)size_of(head.groups)) {
        return APR_EINVAL;
    }
    *pgroups = head.groups;
    return APR_SUCCESS;
}

static apr_status_t map_file(llm_inflight_t *inflight, int fd)
{
    void *memory;

    inflight->size = size_of(inflight->groups);
    memory =
        mmap(NULL, inflight->size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (memory == MAP_FAILED) {
        return errno;
    }
    inflight->head = memory;
    return APR_SUCCESS;
}

/* Slots know their places before the head tells of them. */
static void format_groups(llm_inflight_t *inflight, unsigned from)
{
    head_t *head = inflight->head;
    unsigned i, place;

    for (i = from; i < inflight->groups; ++i) {
        for (place = 0; place < GROUP; ++place) {
            group_at(inflight, i)->slots[place].place = place;
        }
    }
    head->version = VERSION;
    __atomic_store_n(&head->groups, inflight->groups, __ATOMIC_RELEASE);
    memcpy(head->magic, MAGIC, sizeof(head->magic));
}

/* With the file's lock held, so that two who grow it do so in turn. */
static apr_status_t open_locked(llm_inflight_t *inflight, int fd,
                                unsigned wanted)
{
    unsigned had;
    apr_status_t status = read_head(&had, fd);

    if (status != APR_SUCCESS) {
        return status;
    }
    inflight->groups = had > wanted ? had : wanted;
    status = posix_fallocate(fd, 0, (off_t)size_of(inflight->groups));
    if (status == APR_SUCCESS) {
        status = map_file(inflight, fd);
    }
    if (status == APR_SUCCESS && inflight->groups > had) {
        format_groups(inflight, had);
    }
    return status;
}

static apr_status_t unmap_file(void *baton)
{
    llm_inflight_t *inflight = baton;

    return munmap(inflight->head, inflight->size) < 0 ? errno : APR_SUCCESS;
}

/* Made by root for the gateway, it is its folder's user who goes on. */
static apr_status_t give_to_owner(int fd, const char *path, apr_pool_t *pool)
{
    const char *slash = strrchr(path, '/');
    struct stat info;

    if (geteuid() != 0 || !slash) {
        return APR_SUCCESS;
    }
    path = apr_pstrmemdup(pool, path, (apr_size_t)(slash - path) + 1);
    return stat(path, &info) < 0 || fchown(fd, info.st_uid, info.st_gid) < 0
               ? errno
               : APR_SUCCESS;
}

apr_status_t llm_inflight_open(llm_inflight_t **pinflight, const char *path,
                               unsigned slots, apr_pool_t *pool)
{
    llm_inflight_t *inflight = apr_pcalloc(pool, sizeof(*inflight));
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    apr_status_t status = APR_SUCCESS;
    int fd;

    if (!slots || slots > SLOTS_MAX) {
        return APR_EINVAL;
    }
    fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) {
        return errno;
    }
    status = give_to_owner(fd, path, pool);
    while (status == APR_SUCCESS && fcntl(fd, F_SETLKW, &lock) < 0) {
        status = errno == EINTR ? APR_SUCCESS : errno;
    }
    if (status == APR_SUCCESS) {
        status = open_locked(inflight, fd, (slots + GROUP - 1) / GROUP);
    }
    close(fd);
    if (status == APR_SUCCESS) {
        apr_pool_cleanup_register(pool, inflight, unmap_file,
                                  apr_pool_cleanup_null);
        *pinflight = inflight;
    }
    return status;
}

/* The record into the place that is not in use, then the turn to it. */
static void write_record(llm_slot_t *slot, const llm_record_t *record)
{
    apr_uint64_t turn = __atomic_load_n(&slot->turn, __ATOMIC_RELAXED) + 1;

    llm_codec_write_record(slot->records[turn & 1], record);
    __atomic_store_n(&slot->turn, turn, __ATOMIC_RELEASE);
}

/* Where a thread begins to look: threads that run side by side should not
 * begin at the same slot, and one that asks again finds its last one free. */
static unsigned place_of_thread(apr_uint64_t journal, unsigned slots)
{
    apr_uint64_t self = (apr_uint64_t)(apr_uintptr_t)pthread_self();

    self = (self ^ journal) * 0x9e3779b97f4a7c15ULL;
    return (unsigned)((self >> 32) * slots >> 32);
}

llm_slot_t *llm_inflight_take(llm_inflight_t *inflight, apr_uint64_t journal,
                              const llm_record_t *record)
{
    unsigned slots = inflight->groups * GROUP;
    unsigned start = place_of_thread(journal, slots), i;

    for (i = 0; i < slots; ++i) {
        unsigned at = start + i < slots ? start + i : start + i - slots;
        group_t *group = group_at(inflight, at / GROUP);
        apr_uint64_t *holder = &group->holders[at % GROUP], nobody = 0;

        if (__atomic_load_n(holder, __ATOMIC_RELAXED)
            || !__atomic_compare_exchange_n(holder, &nobody, journal, 0,
                                            __ATOMIC_ACQUIRE,
                                            __ATOMIC_RELAXED)) {
            continue;
        }
        write_record(&group->slots[at % GROUP], record);
        return &group->slots[at % GROUP];
    }
    return NULL;
}

void llm_inflight_update(llm_slot_t *slot, const llm_record_t *record)
{
    write_record(slot, record);
}

/* The record first: whoever takes the slot next and is killed before it wrote
 * its own must not leave this one behind a second time. */
void llm_inflight_release(llm_slot_t *slot)
{
    __atomic_store_n(&slot->turn, 0, __ATOMIC_RELEASE);
    __atomic_store_n(holder_of(slot), 0, __ATOMIC_RELEASE);
}

void llm_inflight_reap(llm_slot_t *slot)
{
    llm_inflight_release(slot);
}

unsigned llm_inflight_count(const llm_inflight_t *inflight)
{
    unsigned count = 0, i, place;

    for (i = 0; i < inflight->groups; ++i) {
        const group_t *group = group_at(inflight, i);

        for (place = 0; place < GROUP; ++place) {
            count +=
                __atomic_load_n(&group->holders[place], __ATOMIC_RELAXED) != 0;
        }
    }
    return count;
}

unsigned llm_inflight_size(const llm_inflight_t *inflight)
{
    return inflight->groups * GROUP;
}

/* 0 when there is none, or it did not survive. From the second turn on the
 * other place holds this request too, as it stood before. */
static int read_slot(llm_record_t *record, const llm_slot_t *slot)
{
    apr_uint64_t turn = __atomic_load_n(&slot->turn, __ATOMIC_ACQUIRE);

    return (turn && llm_codec_read_record(record, slot->records[turn & 1]))
           || (turn > 1
               && llm_codec_read_record(record, slot->records[~turn & 1]));
}

void llm_inflight_sweep(llm_inflight_t *inflight, llm_inflight_alive_cb *alive,
                        llm_inflight_dead_cb *dead, void *baton)
{
    unsigned i, place;

    for (i = 0; i < inflight->groups; ++i) {
        group_t *group = group_at(inflight, i);

        for (place = 0; place < GROUP; ++place) {
            apr_uint64_t holder =
                __atomic_load_n(&group->holders[place], __ATOMIC_ACQUIRE);
            llm_slot_t *slot = &group->slots[place];
            llm_record_t record;

            if (!holder || alive(baton, holder)) {
                continue;
            }
            slot->place = place;
            if (dead(baton, slot, read_slot(&record, slot) ? &record : NULL)) {
                return;
            }
        }
    }
}
