/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One run of the drain:
 *
 *   look at the folder          who lives, how long the files are
 *   read into a batch           each file in turn, so that none waits long
 *   store the batch             records and positions in one transaction
 *   unlink what is finished     its position is deleted with the next batch;
 *                               the other order would count it twice after a
 *                               crash in between
 *   sweep the slots of the dead whose journals are gone: whatever they put
 *                               is stored by now, so a slot's record is new
 *                               only if it was never put; and those that the
 *                               living left, because they could not put them
 *
 * Slots are in two files while something is left of version 1 of the program.
 * Its file goes when neither a slot of it is taken nor a journal of that
 * version is there, whose process might take one.
 */
#include "store/drain.h"

#include "core/llm_log.h"
#include "store/parts.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define FAIR_RECORDS   512 /* of a part before the next one's turn */
#define SWEEP_INTERVAL apr_time_from_sec(60) /* though nobody seems to die */

struct llm_drain_t {
    llm_ledger_t *ledger;
    llm_inflight_t *inflight;
    llm_inflight_t *former; /* of version 1; NULL when there is none */
    const char *former_path;
    llm_journal_parts_t *parts;
    llm_batch_t *batch;
    unsigned turn;             /* the part that is read first */
    apr_array_header_t *gone;  /* of llm_journal_part_id_t: rows to delete */
    apr_array_header_t *slots; /* of llm_slot_t *: in the batch */
    int sweep;                 /* somebody may have died, or left a slot */
    apr_time_t swept;
    apr_uint64_t dead; /* a journal that is known to be gone */
    llm_drain_state_t state;
};

/* A row without a file is of one that was unlinked just before its owner
 * died. */
static void load_position(void *baton, const llm_position_t *position)
{
    llm_drain_t *drain = baton;
    llm_journal_part_t *part = llm_parts_find(drain->parts, position->of);

    if (part) {
        part->stored = part->reached = position->records;
    }
    else {
        APR_ARRAY_PUSH(drain->gone, llm_journal_part_id_t) = position->of;
    }
}

static apr_status_t find_former(llm_drain_t *drain, apr_pool_t *pool)
{
    apr_status_t status =
        llm_inflight_open_former(&drain->former, drain->former_path, pool);

    return APR_STATUS_IS_ENOENT(status) ? APR_SUCCESS : status;
}

apr_status_t llm_drain_make(llm_drain_t **pdrain, const llm_folder_t *folder,
                            llm_ledger_t *ledger, llm_inflight_t *inflight,
                            apr_pool_t *pool)
{
    llm_drain_t *drain = apr_pcalloc(pool, sizeof(*drain));
    apr_status_t status;

    drain->ledger = ledger;
    drain->inflight = inflight;
    drain->former_path = folder->inflight_1;
    drain->parts = llm_parts_make(folder->journal, pool);
    drain->batch = llm_batch_make(pool);
    drain->gone = apr_array_make(pool, 64, sizeof(llm_journal_part_id_t));
    drain->slots = apr_array_make(pool, 64, sizeof(llm_slot_t *));
    drain->sweep = 1;
    status = llm_parts_look(drain->parts);
    if (status == APR_SUCCESS) {
        status = llm_ledger_positions(ledger, load_position, drain);
    }
    if (status == APR_SUCCESS) {
        status = find_former(drain, pool);
    }
    *pdrain = drain;
    return status;
}

static void read_parts(llm_drain_t *drain)
{
    unsigned count = llm_parts_count(drain->parts), i, read;

    do {
        read = 0;
        for (i = 0; i < count; ++i) {
            read += llm_part_read(
                drain->parts,
                llm_parts_at(drain->parts, (drain->turn + i) % count),
                drain->batch, FAIR_RECORDS);
        }
    } while (read);
    drain->turn = count ? (drain->turn + 1) % count : 0;
}

static void add_positions(llm_drain_t *drain)
{
    unsigned i;
    int j;

    for (i = 0; i < llm_parts_count(drain->parts); ++i) {
        const llm_journal_part_t *part = llm_parts_at(drain->parts, i);

        if (part->reached > part->stored) {
            llm_position_t *position = apr_array_push(drain->batch->positions);

            position->of = part->of;
            position->records = part->reached;
        }
    }
    for (j = 0; j < drain->gone->nelts; ++j) {
        llm_position_t *position = apr_array_push(drain->batch->positions);

        position->of = APR_ARRAY_IDX(drain->gone, j, llm_journal_part_id_t);
        position->records = LLM_POSITION_GONE;
    }
}

static void count_stored(llm_drain_t *drain)
{
    drain->state.stored += drain->batch->stored;
    drain->state.killed += drain->batch->killed;
    drain->state.twice += drain->batch->twice;
    drain->state.damaged += drain->batch->damaged;
    if (drain->batch->damaged) {
        llm_log(LLM_LOG_ERR, APR_SUCCESS,
                LLM_LOGNO(0205) "%" APR_UINT64_T_FMT
                                " journal records could not be read and were "
                                "passed over",
                drain->batch->damaged);
    }
}

/* What was read counts as stored, or has to be read again. */
static void settle_parts(llm_drain_t *drain, int committed)
{
    unsigned i;

    for (i = 0; i < llm_parts_count(drain->parts); ++i) {
        llm_journal_part_t *part = llm_parts_at(drain->parts, i);

        if (committed) {
            part->stored = part->reached;
        }
        else {
            part->reached = part->stored;
        }
    }
    if (committed) {
        apr_array_clear(drain->gone);
    }
}

static apr_status_t drain_journals(llm_drain_t *drain)
{
    apr_status_t status;

    llm_batch_clear(drain->batch);
    read_parts(drain);
    add_positions(drain);
    /* Rows to delete wait for a batch that is stored anyway. */
    if (!drain->batch->count && !drain->batch->damaged) {
        return APR_SUCCESS;
    }
    status = llm_ledger_store(drain->ledger, drain->batch);
    settle_parts(drain, status == APR_SUCCESS);
    if (status == APR_SUCCESS) {
        count_stored(drain);
    }
    return status;
}

/* From the end, because a removed part makes those behind it move up. */
static apr_status_t remove_finished(llm_drain_t *drain)
{
    apr_status_t status = APR_SUCCESS;
    unsigned i;

    for (i = llm_parts_count(drain->parts); i && status == APR_SUCCESS; --i) {
        llm_journal_part_t *part = llm_parts_at(drain->parts, i - 1);
        llm_journal_part_id_t of = part->of;
        int had_row = part->stored > 0;

        if (part->is_missing) {
            llm_log(LLM_LOG_ERR, APR_SUCCESS,
                    LLM_LOGNO(0206) "a journal was removed by somebody else: "
                                    "%016" APR_UINT64_T_HEX_FMT "-%08x",
                    of.journal, of.part);
        }
        else if (!llm_part_is_finished(part)) {
            continue;
        }
        status = llm_parts_remove(drain->parts, part);
        if (status == APR_SUCCESS) {
            drain->sweep = 1;
            if (had_row) {
                APR_ARRAY_PUSH(drain->gone, llm_journal_part_id_t) = of;
            }
        }
    }
    return status;
}

static int is_alive(void *baton, apr_uint64_t journal)
{
    llm_drain_t *drain = baton;

    if (journal == drain->dead) {
        return 0;
    }
    if (llm_parts_contain(drain->parts, journal)) {
        return 1;
    }
    drain->dead = journal;
    return 0;
}

static int add_slot(void *baton, llm_slot_t *slot, const llm_record_t *record,
                    int left)
{
    llm_drain_t *drain = baton;
    llm_record_t settled;

    if (!record) {
        llm_inflight_reap(slot);
        return 0;
    }
    settled = *record;
    settled.flags |= left ? 0 : LLM_RECORD_KILLED;
    if (!llm_batch_add(drain->batch, &settled, 1)) {
        return 1;
    }
    APR_ARRAY_PUSH(drain->slots, llm_slot_t *) = slot;
    return 0;
}

static apr_status_t sweep_once(llm_drain_t *drain)
{
    apr_status_t status;
    int i;

    llm_batch_clear(drain->batch);
    apr_array_clear(drain->slots);
    if (drain->inflight) {
        llm_inflight_sweep(drain->inflight, is_alive, add_slot, drain);
    }
    if (drain->former) {
        llm_inflight_sweep(drain->former, is_alive, add_slot, drain);
    }
    if (!drain->batch->count) {
        return APR_SUCCESS;
    }
    status = llm_ledger_store(drain->ledger, drain->batch);
    if (status != APR_SUCCESS) {
        return status;
    }
    for (i = 0; i < drain->slots->nelts; ++i) {
        llm_inflight_reap(APR_ARRAY_IDX(drain->slots, i, llm_slot_t *));
    }
    count_stored(drain);
    return APR_SUCCESS;
}

static int has_former_parts(const llm_drain_t *drain)
{
    unsigned i;

    for (i = 0; i < llm_parts_count(drain->parts); ++i) {
        if (llm_parts_at(drain->parts, i)->version == 1) {
            return 1;
        }
    }
    return 0;
}

/* The mapping stays until the pool goes. */
static apr_status_t remove_former(llm_drain_t *drain)
{
    if (!drain->former || has_former_parts(drain)
        || llm_inflight_count(drain->former)) {
        return APR_SUCCESS;
    }
    if (unlink(drain->former_path) < 0 && errno != ENOENT) {
        return errno;
    }
    drain->former = NULL;
    return APR_SUCCESS;
}

static int is_sweep_due(llm_drain_t *drain, apr_time_t now)
{
    if (drain->inflight && llm_inflight_rang(drain->inflight)) {
        drain->sweep = 1;
    }
    return drain->sweep || now - drain->swept > SWEEP_INTERVAL
           || now < drain->swept;
}

static apr_status_t sweep_slots(llm_drain_t *drain)
{
    apr_time_t now = apr_time_now();
    apr_status_t status = APR_SUCCESS;

    if (!is_sweep_due(drain, now)) {
        return APR_SUCCESS;
    }
    do {
        status = sweep_once(drain);
    } while (status == APR_SUCCESS && drain->batch->count);
    if (status == APR_SUCCESS) {
        status = remove_former(drain);
    }
    if (status == APR_SUCCESS) {
        drain->sweep = 0;
        drain->swept = now;
    }
    return status;
}

static void look_at_state(llm_drain_t *drain)
{
    unsigned i;

    drain->state.journals = llm_parts_count(drain->parts);
    drain->state.backlog = 0;
    for (i = 0; i < drain->state.journals; ++i) {
        const llm_journal_part_t *part = llm_parts_at(drain->parts, i);

        if (part->size > part->stored) {
            drain->state.backlog += part->size - part->stored;
        }
    }
}

apr_status_t llm_drain_run(llm_drain_t *drain, unsigned *pdrained)
{
    apr_uint64_t before = drain->state.stored;
    apr_status_t looked = llm_parts_look(drain->parts), status;

    status = drain_journals(drain);
    if (status == APR_SUCCESS) {
        status = remove_finished(drain);
    }
    if (status == APR_SUCCESS) {
        status = sweep_slots(drain);
    }
    look_at_state(drain);
    *pdrained = (unsigned)(drain->state.stored - before);
    return status == APR_SUCCESS ? looked : status;
}

const llm_drain_state_t *llm_drain_state(const llm_drain_t *drain)
{
    return &drain->state;
}
