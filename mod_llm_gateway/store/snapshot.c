/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of keys in shared memory.
 *
 * One writer, many readers, no locks. An entry's version says which of its
 * two copies is valid (its last bit) and changes with every write; a reader
 * copies and looks at the version again. If it moved, the reader takes the
 * other copy: it repeats only while the owner writes this very entry, and
 * never waits for an owner that died. Copies are read and written word by
 * word with relaxed atomics, between fences, so that this is no data race.
 *
 * Probing is linear. `reach` is the longest way from its place that any key
 * was ever put: where a search ends, however many tombstones there are. Two
 * thirds of the entries are used at most.
 *
 * Health lies in words of its own behind the head. A bitmap says which
 * entries were ever used: the owner walks these and leaves the others alone,
 * since memory nobody has touched costs nothing.
 */
#include "store/snapshot.h"

#include <string.h>

#define MAGIC APR_UINT64_C(0x31736b77676d6c6c) /* "llmgwks1" */

typedef enum {
    FREE, /* nor was it ever used */
    USED,
    TOMB
} state_e;

/* One copy of an entry. Its size is a multiple of a word. */
typedef struct copy_t {
    apr_uint64_t state;
    llm_key_hash_t hash;
    llm_key_view_t view;
} copy_t;

typedef struct entry_t {
    apr_uint64_t version; /* copies[version & 1] is valid */
    apr_uint64_t seen;    /* owner's: the last round it was put in */
    copy_t copies[2];
} entry_t;

#define WORDS (sizeof(copy_t) / sizeof(apr_uint64_t))
typedef char
    a_copy_is_whole_words[WORDS * sizeof(apr_uint64_t) == sizeof(copy_t) ? 1
                                                                         : -1];

/* Members of llm_health_t, one word each. */
enum {
    READY,
    HEARTBEAT,
    DRAINED,
    KEYS,
    RECORDS,
    DAMAGED,
    BACKLOG,
    ERROR,
    PRICES,
    HEALTH_WORDS
};

struct llm_snapshot_t {
    apr_uint64_t magic;
    apr_uint64_t entry_size; /* another build's memory is not ours */
    apr_uint64_t entries;
    apr_uint64_t limit; /* keys at most */
    apr_uint64_t used;  /* keys now; owner's */
    apr_uint64_t reach; /* readers look at reach + 1 entries */
    apr_uint64_t round; /* owner's: of llm_snapshot_begin */
    apr_uint64_t health[HEALTH_WORDS];
    apr_uint64_t touched[]; /* owner's: a bit an entry; the table follows */
};

#define BITS 64 /* of a word of `touched` */

static apr_size_t bitmap_words(apr_size_t entries)
{
    return (entries + BITS - 1) / BITS;
}

static entry_t *table_of(const llm_snapshot_t *snapshot)
{
    return (entry_t *)(void *)&snapshot
        ->touched[bitmap_words(snapshot->entries)];
}

apr_size_t llm_snapshot_size(unsigned keys)
{
    apr_size_t entries = (apr_size_t)keys + keys / 2 + 8;

    return sizeof(llm_snapshot_t) + bitmap_words(entries) * sizeof(apr_uint64_t)
           + entries * sizeof(entry_t);
}

/* How many fit with their bits. */
static apr_size_t entries_in(apr_size_t size)
{
    apr_size_t left = size - sizeof(llm_snapshot_t);
    apr_size_t entries = left / sizeof(entry_t);

    while (bitmap_words(entries) * sizeof(apr_uint64_t)
               + entries * sizeof(entry_t)
           > left) {
        --entries;
    }
    return entries;
}

llm_snapshot_t *llm_snapshot_format(void *memory, apr_size_t size)
{
    llm_snapshot_t *snapshot = memory;

    if (size < llm_snapshot_size(1)) {
        return NULL;
    }
    snapshot->entry_size = sizeof(entry_t);
    snapshot->entries = entries_in(size);
    snapshot->limit = ((snapshot->entries - 8) * 2 + 2) / 3;
    __atomic_store_n(&snapshot->magic, MAGIC, __ATOMIC_RELEASE);
    return snapshot;
}

llm_snapshot_t *llm_snapshot_attach(void *memory, apr_size_t size)
{
    llm_snapshot_t *snapshot = memory;

    return size >= sizeof(*snapshot)
                   && __atomic_load_n(&snapshot->magic, __ATOMIC_ACQUIRE)
                          == MAGIC
                   && snapshot->entry_size == sizeof(entry_t)
                   && snapshot->entries <= entries_in(size)
               ? snapshot
               : NULL;
}

/* The hash is random: four of its bytes choose the place. */
static apr_uint64_t place_of(const llm_snapshot_t *snapshot,
                             const llm_key_hash_t *hash)
{
    apr_uint32_t bits;

    memcpy(&bits, hash->bytes, sizeof(bits));
    return bits * snapshot->entries >> 32;
}

static entry_t *entry_at(llm_snapshot_t *snapshot, apr_uint64_t place)
{
    return &table_of(
        snapshot)[place < snapshot->entries ? place
                                            : place - snapshot->entries];
}

static void note_touched(llm_snapshot_t *snapshot, const entry_t *entry)
{
    apr_size_t i = (apr_size_t)(entry - table_of(snapshot));

    snapshot->touched[i / BITS] |= APR_UINT64_C(1) << i % BITS;
}

/* The first entry at or behind `i` that was ever used; NULL: there is none. */
static entry_t *next_touched(const llm_snapshot_t *snapshot, apr_uint64_t *pi)
{
    for (; *pi < snapshot->entries; ++*pi) {
        apr_uint64_t bits = snapshot->touched[*pi / BITS] >> *pi % BITS;

        if (bits) {
            *pi += (apr_uint64_t)__builtin_ctzll(bits);
            return &table_of(snapshot)[(*pi)++];
        }
        *pi |= BITS - 1;
    }
    return NULL;
}

/* The owner's view of an entry: nobody else writes. */
static const copy_t *current(const entry_t *entry)
{
    return &entry->copies[entry->version & 1];
}

static void write_entry(entry_t *entry, const copy_t *copy)
{
    apr_uint64_t version = entry->version + 1;
    apr_uint64_t words[WORDS],
        *to = (apr_uint64_t *)(void *)&entry->copies[version & 1];
    apr_size_t i;

    memcpy(words, copy, sizeof(words));
    /* Not before readers can see that this copy went out of use. */
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    for (i = 0; i < WORDS; ++i) {
        __atomic_store_n(&to[i], words[i], __ATOMIC_RELAXED);
    }
    __atomic_store_n(&entry->version, version, __ATOMIC_RELEASE);
}

/* The copy as one whole, or 0 when the entry changed meanwhile. */
static int read_entry(copy_t *copy, const entry_t *entry, apr_uint64_t version,
                      apr_size_t words)
{
    apr_uint64_t *to = (apr_uint64_t *)(void *)copy;
    const apr_uint64_t *from =
        (const apr_uint64_t *)(const void *)&entry->copies[version & 1];
    apr_size_t i;

    for (i = 0; i < words; ++i) {
        to[i] = __atomic_load_n(&from[i], __ATOMIC_RELAXED);
    }
    __atomic_thread_fence(__ATOMIC_ACQUIRE);
    return __atomic_load_n(&entry->version, __ATOMIC_RELAXED) == version;
}

/* What a search wants to know of an entry first: its state and its hash. */
#define LOOK_WORDS (1 + LLM_KEY_HASH / sizeof(apr_uint64_t))

/* 1: it is this key, and copy holds it. 0: another. -1: the search ends. */
static int look_at(copy_t *copy, const entry_t *entry,
                   const llm_key_hash_t *hash)
{
    for (;;) {
        apr_uint64_t version =
            __atomic_load_n(&entry->version, __ATOMIC_ACQUIRE);

        if (!read_entry(copy, entry, version, LOOK_WORDS)) {
            continue;
        }
        if (copy->state != USED
            || memcmp(copy->hash.bytes, hash->bytes, LLM_KEY_HASH) != 0) {
            return copy->state == FREE ? -1 : 0;
        }
        if (read_entry(copy, entry, version, WORDS)) {
            return 1;
        }
    }
}

int llm_snapshot_find(llm_snapshot_t *snapshot, const llm_key_hash_t *hash,
                      llm_key_view_t *pview)
{
    apr_uint64_t place = place_of(snapshot, hash);
    apr_uint64_t reach = __atomic_load_n(&snapshot->reach, __ATOMIC_ACQUIRE);
    apr_uint64_t i;
    copy_t copy;

    for (i = 0; i <= reach; ++i) {
        int found = look_at(&copy, entry_at(snapshot, place + i), hash);

        if (found) {
            if (found > 0) {
                *pview = copy.view;
            }
            return found > 0;
        }
    }
    return 0;
}

/* The key's entry; NULL when it has none, and then *pfree is the one that it
 * can have (NULL when all are used) and *pfar how far that is from its place. */
static entry_t *find_entry(llm_snapshot_t *snapshot, const llm_key_hash_t *hash,
                           entry_t **pfree, apr_uint64_t *pfar)
{
    apr_uint64_t place = place_of(snapshot, hash), i;

    *pfree = NULL;
    *pfar = 0;
    for (i = 0; i < snapshot->entries; ++i) {
        entry_t *entry = entry_at(snapshot, place + i);
        const copy_t *copy = current(entry);

        if (copy->state == USED) {
            if (!memcmp(copy->hash.bytes, hash->bytes, LLM_KEY_HASH)) {
                return entry;
            }
            continue;
        }
        if (!*pfree) {
            *pfree = entry;
            *pfar = i;
        }
        if (copy->state == FREE || i > snapshot->reach) {
            break;
        }
    }
    return NULL;
}

apr_status_t llm_snapshot_put(llm_snapshot_t *snapshot,
                              const llm_key_hash_t *hash,
                              const llm_key_view_t *view)
{
    entry_t *empty, *entry;
    apr_uint64_t far;
    copy_t copy;

    memset(&copy, 0, sizeof(copy));
    copy.state = USED;
    copy.hash = *hash;
    copy.view = *view;
    entry = find_entry(snapshot, hash, &empty, &far);
    if (!entry) {
        if (snapshot->used >= snapshot->limit || !empty) {
            return APR_ENOSPC;
        }
        if (far > snapshot->reach) {
            __atomic_store_n(&snapshot->reach, far, __ATOMIC_RELEASE);
        }
        snapshot->used += 1;
        entry = empty;
        note_touched(snapshot, entry);
    }
    /* Padding that differs costs a write that was not needed, no more. */
    /* NOLINTNEXTLINE(bugprone-suspicious-memory-comparison) */
    if (memcmp(current(entry), &copy, sizeof(copy)) != 0) {
        write_entry(entry, &copy);
    }
    entry->seen = snapshot->round;
    return APR_SUCCESS;
}

static void remove_entry(llm_snapshot_t *snapshot, entry_t *entry)
{
    static const copy_t tomb = {.state = TOMB};

    write_entry(entry, &tomb);
    snapshot->used -= 1;
}

void llm_snapshot_remove(llm_snapshot_t *snapshot, const llm_key_hash_t *hash)
{
    entry_t *empty, *entry;
    apr_uint64_t far;

    entry = find_entry(snapshot, hash, &empty, &far);
    if (entry) {
        remove_entry(snapshot, entry);
    }
}

/* Counts again as well: the owner before may have been killed in between. */
void llm_snapshot_begin(llm_snapshot_t *snapshot)
{
    const entry_t *entry;
    apr_uint64_t i = 0;

    snapshot->round += 1;
    snapshot->used = 0;
    while ((entry = next_touched(snapshot, &i))) {
        snapshot->used += current(entry)->state == USED;
    }
}

void llm_snapshot_end(llm_snapshot_t *snapshot)
{
    entry_t *entry;
    apr_uint64_t i = 0;

    while ((entry = next_touched(snapshot, &i))) {
        if (current(entry)->state == USED && entry->seen != snapshot->round) {
            remove_entry(snapshot, entry);
        }
    }
}

unsigned llm_snapshot_room(const llm_snapshot_t *snapshot)
{
    return (unsigned)(snapshot->limit - snapshot->used);
}

void llm_snapshot_health(const llm_snapshot_t *snapshot, llm_health_t *phealth)
{
    apr_uint64_t words[HEALTH_WORDS];
    int i;

    for (i = 0; i < HEALTH_WORDS; ++i) {
        words[i] = __atomic_load_n(&snapshot->health[i], __ATOMIC_ACQUIRE);
    }
    phealth->ready = words[READY] != 0;
    phealth->heartbeat = (apr_time_t)words[HEARTBEAT];
    phealth->drained = (apr_time_t)words[DRAINED];
    phealth->keys = (apr_uint32_t)words[KEYS];
    phealth->records = words[RECORDS];
    phealth->damaged = words[DAMAGED];
    phealth->backlog = words[BACKLOG];
    phealth->error = (apr_int32_t)words[ERROR];
    phealth->prices = words[PRICES];
}

apr_uint64_t llm_snapshot_prices(const llm_snapshot_t *snapshot)
{
    return __atomic_load_n(&snapshot->health[PRICES], __ATOMIC_ACQUIRE);
}

void llm_snapshot_set_health(llm_snapshot_t *snapshot,
                             const llm_health_t *health)
{
    const apr_uint64_t words[HEALTH_WORDS] = {
        [READY] = health->ready != 0,
        [HEARTBEAT] = (apr_uint64_t)health->heartbeat,
        [DRAINED] = (apr_uint64_t)health->drained,
        [KEYS] = health->keys,
        [RECORDS] = health->records,
        [DAMAGED] = health->damaged,
        [BACKLOG] = health->backlog,
        [ERROR] = (apr_uint64_t)health->error,
        [PRICES] = health->prices,
    };
    int i;

    for (i = 0; i < HEALTH_WORDS; ++i) {
        __atomic_store_n(&snapshot->health[i], words[i], __ATOMIC_RELEASE);
    }
}
