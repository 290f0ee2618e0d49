/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The file of running requests.
 *
 *   0     head: magic, version, groups of the file, bell
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
 *
 * A slot that was left to the owner is marked, then the bell is rung: the owner
 * looks through the slots only when somebody died or the bell rang.
 *
 * Version 1 differs in the length of a record, and has no bell and no marks. So
 * each slot says how long its records are; where it says nothing they are
 * of version 1.
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
#define VERSION   2
#define HEAD      4096
#define GROUP     128
#define SLOTS_MAX (1u << 20)

struct llm_slot_t {
    apr_uint64_t turn;  /* 0: no record; else the one in place turn & 1 */
    apr_uint32_t place; /* of the slot in its group: the way to its holder */
    apr_uint32_t bytes; /* of a record; 0 in version 1 */
    apr_uint32_t left;  /* is the owner's to store: the holder is done */
    apr_uint32_t unused[11];
    /* two places for records */
};

typedef struct head_t {
    char magic[8];
    apr_uint32_t version;
    apr_uint32_t groups;
    apr_uint32_t bell; /* some slot was left to the owner */
} head_t;

struct llm_inflight_t {
    head_t *head; /* where the file is mapped */
    apr_size_t size;
    apr_size_t bytes; /* of a record */
    unsigned groups;  /* as many as this process has mapped */
};

/* ---------------------------------------------------------- where things are */

static apr_size_t slot_size(apr_size_t bytes)
{
    return sizeof(llm_slot_t) + 2 * bytes;
}

static apr_size_t group_size(apr_size_t bytes)
{
    return GROUP * (sizeof(apr_uint64_t) + slot_size(bytes));
}

static apr_size_t file_size(unsigned groups, apr_size_t bytes)
{
    return HEAD + groups * group_size(bytes);
}

/* The first of a group's holders; slots stand behind them. */
static apr_uint64_t *holders_of(const llm_inflight_t *inflight, unsigned group)
{
    return (apr_uint64_t *)(void *)((char *)inflight->head + HEAD
                                    + group * group_size(inflight->bytes));
}

static llm_slot_t *slot_at(const llm_inflight_t *inflight, unsigned group,
                           unsigned place)
{
    return (llm_slot_t *)(void *)((char *)(holders_of(inflight, group) + GROUP)
                                  + place * slot_size(inflight->bytes));
}

static apr_size_t bytes_of(const llm_slot_t *slot)
{
    return slot->bytes ? slot->bytes : LLM_JOURNAL_RECORD_1;
}

static apr_uint64_t *holder_of(llm_slot_t *slot)
{
    char *first = (char *)slot - slot->place * slot_size(bytes_of(slot));

    return (apr_uint64_t *)(void *)first - GROUP + slot->place;
}

static unsigned char *record_at(const llm_slot_t *slot, apr_uint64_t turn)
{
    return (unsigned char *)(apr_uintptr_t)(slot + 1)
           + (turn & 1) * bytes_of(slot);
}

/* ------------------------------------------------------------------- opening */

/* The groups of an existing file of that version; 0 in a new one. */
static apr_status_t read_head(unsigned *pgroups, int fd, unsigned version,
                              apr_size_t bytes)
{
    head_t head;
    struct stat info;
    const ssize_t needed = (ssize_t)offsetof(head_t, bell);
    ssize_t got = pread(fd, &head, (apr_size_t)needed, 0);

    *pgroups = 0;
    if (got < 0 || fstat(fd, &info) < 0) {
        return errno;
    }
    /* The magic is written last: without it nobody had a slot. */
    if (!got || (got == needed && !head.magic[0])) {
        return APR_SUCCESS;
    }
    if (got != needed || memcmp(head.magic, MAGIC, sizeof(head.magic)) != 0) {
        return APR_EINVAL;
    }
    if (head.version > VERSION) {
        return APR_ENOTIMPL;
    }
    if (head.version != version || head.groups > SLOTS_MAX / GROUP
        || info.st_size < (off_t)file_size(head.groups, bytes)) {
        return APR_EINVAL;
    }
    *pgroups = head.groups;
    return APR_SUCCESS;
}

static apr_status_t map_file(llm_inflight_t *inflight, int fd)
{
    void *memory;

    inflight->size = file_size(inflight->groups, inflight->bytes);
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
            slot_at(inflight, i, place)->place = place;
            slot_at(inflight, i, place)->bytes = (apr_uint32_t)inflight->bytes;
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
    apr_status_t status = read_head(&had, fd, VERSION, inflight->bytes);

    if (status != APR_SUCCESS) {
        return status;
    }
    inflight->groups = had > wanted ? had : wanted;
    status = posix_fallocate(
        fd, 0, (off_t)file_size(inflight->groups, inflight->bytes));
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

    inflight->bytes = LLM_JOURNAL_RECORD;
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

apr_status_t llm_inflight_open_former(llm_inflight_t **pinflight,
                                      const char *path, apr_pool_t *pool)
{
    llm_inflight_t *inflight = apr_pcalloc(pool, sizeof(*inflight));
    int fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    apr_status_t status;

    if (fd < 0) {
        return errno;
    }
    inflight->bytes = LLM_JOURNAL_RECORD_1;
    status = read_head(&inflight->groups, fd, 1, inflight->bytes);
    if (status == APR_SUCCESS) {
        status = map_file(inflight, fd);
    }
    close(fd);
    if (status == APR_SUCCESS) {
        apr_pool_cleanup_register(pool, inflight, unmap_file,
                                  apr_pool_cleanup_null);
        *pinflight = inflight;
    }
    return status;
}

/* --------------------------------------------------------------- the holder's */

/* The record into the place that is not in use, then the turn to it. */
static void write_record(llm_slot_t *slot, const llm_record_t *record)
{
    apr_uint64_t turn = __atomic_load_n(&slot->turn, __ATOMIC_RELAXED) + 1;

    llm_codec_write_record(record_at(slot, turn), record);
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
        apr_uint64_t *holder = holders_of(inflight, at / GROUP) + at % GROUP;
        llm_slot_t *slot = slot_at(inflight, at / GROUP, at % GROUP);
        apr_uint64_t nobody = 0;

        if (__atomic_load_n(holder, __ATOMIC_RELAXED)
            || !__atomic_compare_exchange_n(holder, &nobody, journal, 0,
                                            __ATOMIC_ACQUIRE,
                                            __ATOMIC_RELAXED)) {
            continue;
        }
        write_record(slot, record);
        return slot;
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
    __atomic_store_n(&slot->left, 0, __ATOMIC_RELEASE);
    __atomic_store_n(holder_of(slot), 0, __ATOMIC_RELEASE);
}

void llm_inflight_leave(llm_inflight_t *inflight, llm_slot_t *slot,
                        const llm_record_t *record)
{
    write_record(slot, record);
    __atomic_store_n(&slot->left, 1, __ATOMIC_RELEASE);
    __atomic_store_n(&inflight->head->bell, 1, __ATOMIC_RELEASE);
}

unsigned llm_inflight_count(const llm_inflight_t *inflight)
{
    unsigned count = 0, i, place;

    for (i = 0; i < inflight->groups; ++i) {
        const apr_uint64_t *holders = holders_of(inflight, i);

        for (place = 0; place < GROUP; ++place) {
            count += __atomic_load_n(&holders[place], __ATOMIC_RELAXED) != 0;
        }
    }
    return count;
}

unsigned llm_inflight_size(const llm_inflight_t *inflight)
{
    return inflight->groups * GROUP;
}

/* --------------------------------------------------------------- the owner's */

int llm_inflight_rang(llm_inflight_t *inflight)
{
    return __atomic_load_n(&inflight->head->bell, __ATOMIC_RELAXED)
           && __atomic_exchange_n(&inflight->head->bell, 0, __ATOMIC_ACQUIRE);
}

void llm_inflight_reap(llm_slot_t *slot)
{
    llm_inflight_release(slot);
}

/* 0 when there is none, or it did not survive. From the second turn on the
 * other place holds this request too, as it stood before. */
static int read_slot(llm_record_t *record, const llm_slot_t *slot)
{
    apr_uint64_t turn = __atomic_load_n(&slot->turn, __ATOMIC_ACQUIRE);
    apr_size_t bytes = bytes_of(slot);

    return (turn && llm_codec_read_record(record, record_at(slot, turn), bytes))
           || (turn > 1
               && llm_codec_read_record(record, record_at(slot, turn - 1),
                                        bytes));
}

void llm_inflight_sweep(llm_inflight_t *inflight, llm_inflight_alive_cb *alive,
                        llm_inflight_dead_cb *dead, void *baton)
{
    unsigned slots = inflight->groups * GROUP, at;

    for (at = 0; at < slots; ++at) {
        apr_uint64_t *holders = holders_of(inflight, at / GROUP);
        apr_uint64_t holder =
            __atomic_load_n(&holders[at % GROUP], __ATOMIC_ACQUIRE);
        llm_slot_t *slot = slot_at(inflight, at / GROUP, at % GROUP);
        llm_record_t record;
        int left;

        if (!holder) {
            continue;
        }
        left = __atomic_load_n(&slot->left, __ATOMIC_ACQUIRE) != 0;
        if (!left && alive(baton, holder)) {
            continue;
        }
        slot->place = at % GROUP;
        slot->bytes = inflight->bytes == LLM_JOURNAL_RECORD_1
                          ? 0
                          : (apr_uint32_t)inflight->bytes;
        if (dead(baton, slot, read_slot(&record, slot) ? &record : NULL,
                 left)) {
            return;
        }
    }
}
