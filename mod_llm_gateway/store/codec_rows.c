/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Client keys, teams and totals to bytes and back.
 *
 * A key is a version, fixed members and strings after their lengths; one with
 * former secrets is of version 2 and has these at its end; one with a word of
 * its own for clients that leave is of version 3 and has that behind the
 * former secrets, of which there may be none; one with budgets is of version 4
 * and has these behind that word, which may be none. A team is of version 2
 * when it has budgets. So a program that knows nothing of what is new can read
 * whatever does not use it. Totals are a version, a mask of
 * the members that are not zero, and these members: most rollup rows use
 * seven of twenty, and a new member is a new bit.
 */
#include "store/codec.h"

#include "core/llm_key.h"
#include "store/bytes.h"

#include <stddef.h>
#include <string.h>

#define KEY_VERSION    1
#define KEY_FORMERS    2 /* with former secrets */
#define KEY_ON_ABORT   3 /* with these, or none, and llm_abort_t */
#define KEY_BUDGETS    4 /* with both, or none, and llm_budgets_t */
#define TEAM_VERSION   1
#define TEAM_BUDGETS   2
#define TOTALS_VERSION 1
#define TOTALS_HEAD    5 /* version and mask */

static void put_number(llm_buf_t *out, apr_uint64_t value, unsigned width)
{
    unsigned char bytes[8];

    llm_le_put(bytes, value, width);
    llm_buf_append(out, (const char *)bytes, width);
}

static void put_string(llm_buf_t *out, const char *text, unsigned width)
{
    apr_size_t len = strlen(text);

    put_number(out, len, width);
    llm_buf_append(out, text, len);
}

/* A mask of the windows, and an amount for each of them. */
static void put_budgets(llm_buf_t *out, const llm_budgets_t *budgets)
{
    unsigned i;

    put_number(out, budgets->given, 1);
    for (i = 0; i < LLM_WINDOWS; ++i) {
        if (budgets->given & 1u << i) {
            put_number(out, (apr_uint64_t)budgets->amount[i], 8);
        }
    }
}

static void take_budgets(llm_reader_t *reader, llm_budgets_t *budgets)
{
    apr_uint32_t given = (apr_uint32_t)llm_reader_number(reader, 1);
    unsigned i;

    if (!given || given >> LLM_WINDOWS) {
        reader->failed = 1;
        return;
    }
    budgets->given = given;
    for (i = 0; i < LLM_WINDOWS; ++i) {
        if (given & 1u << i) {
            budgets->amount[i] = (llm_money_t)llm_reader_number(reader, 8);
            reader->failed |=
                budgets->amount[i] < 0 || budgets->amount[i] > LLM_BUDGET_MAX;
        }
    }
}

static unsigned version_of(const llm_key_t *key)
{
    return key->budgets.given   ? KEY_BUDGETS
           : key->on_abort.what ? KEY_ON_ABORT
           : key->formers       ? KEY_FORMERS
                                : KEY_VERSION;
}

void llm_codec_write_key(llm_buf_t *out, const llm_key_t *key)
{
    unsigned i;
    unsigned version = version_of(key);

    put_number(out, version, 1);
    put_number(out, key->id, 4);
    put_number(out, key->flags, 4);
    put_number(out, (apr_uint64_t)key->created, 8);
    put_number(out, (apr_uint64_t)key->expires, 8);
    put_number(out, (apr_uint64_t)key->revoked, 8);
    llm_buf_append(out, (const char *)key->hash, sizeof(key->hash));
    put_string(out, key->name, 1);
    put_string(out, key->team, 1);
    put_string(out, key->hint, 1);
    put_string(out, key->note, 2);
    put_string(out, key->models, 2);
    if (version != KEY_VERSION) {
        put_number(out, key->formers, 1);
    }
    for (i = 0; i < key->formers; ++i) {
        const llm_former_t *former = &key->former[i];

        llm_buf_append(out, (const char *)former->hash, sizeof(former->hash));
        put_number(out, (apr_uint64_t)former->until, 8);
    }
    if (version >= KEY_ON_ABORT) {
        put_number(out, (apr_uint64_t)key->on_abort.what, 1);
        put_number(out, key->on_abort.drain_s, 2);
    }
    if (version >= KEY_BUDGETS) {
        put_budgets(out, &key->budgets);
    }
}

static void take_hash(llm_reader_t *reader, unsigned char *hash)
{
    const unsigned char *bytes = llm_reader_take(reader, LLM_KEY_HASH);

    if (bytes) {
        memcpy(hash, bytes, LLM_KEY_HASH);
    }
}

static void take_formers(llm_reader_t *reader, llm_key_t *key, unsigned least)
{
    unsigned i;

    key->formers = (unsigned)llm_reader_number(reader, 1);
    if (key->formers < least || key->formers > LLM_FORMERS) {
        key->formers = 0;
        reader->failed = 1;
    }
    for (i = 0; i < key->formers; ++i) {
        take_hash(reader, key->former[i].hash);
        key->former[i].until = (apr_time_t)llm_reader_number(reader, 8);
    }
}

static void take_on_abort(llm_reader_t *reader, llm_key_t *key,
                          int may_be_unsaid)
{
    apr_uint64_t what = llm_reader_number(reader, 1);

    key->on_abort.drain_s = (apr_uint16_t)llm_reader_number(reader, 2);
    if (what != LLM_ON_ABORT_ABORT && what != LLM_ON_ABORT_DRAIN
        && (what != LLM_ON_ABORT_UNSAID || !may_be_unsaid)) {
        what = LLM_ON_ABORT_UNSAID;
        reader->failed = 1;
    }
    key->on_abort.what = (llm_on_abort_e)what;
}

int llm_codec_read_key(llm_key_t *key, const unsigned char *bytes,
                       apr_size_t len)
{
    llm_reader_t reader = {bytes, bytes + len, 0};
    apr_uint64_t version;

    memset(key, 0, sizeof(*key));
    version = llm_reader_number(&reader, 1);
    if (version < KEY_VERSION || version > KEY_BUDGETS) {
        return 0;
    }
    key->id = (apr_uint32_t)llm_reader_number(&reader, 4);
    key->flags = (apr_uint32_t)llm_reader_number(&reader, 4);
    key->created = (apr_time_t)llm_reader_number(&reader, 8);
    key->expires = (apr_time_t)llm_reader_number(&reader, 8);
    key->revoked = (apr_time_t)llm_reader_number(&reader, 8);
    take_hash(&reader, key->hash);
    llm_reader_string(&reader, key->name, sizeof(key->name), 1);
    llm_reader_string(&reader, key->team, sizeof(key->team), 1);
    llm_reader_string(&reader, key->hint, sizeof(key->hint), 1);
    llm_reader_string(&reader, key->note, sizeof(key->note), 2);
    llm_reader_string(&reader, key->models, sizeof(key->models), 2);
    if (version != KEY_VERSION) {
        take_formers(&reader, key, version == KEY_FORMERS);
    }
    if (version >= KEY_ON_ABORT) {
        take_on_abort(&reader, key, version > KEY_ON_ABORT);
    }
    if (version >= KEY_BUDGETS) {
        take_budgets(&reader, &key->budgets);
    }
    return llm_reader_is_done(&reader);
}

void llm_codec_write_team(llm_buf_t *out, const llm_team_t *team)
{
    put_number(out, team->budgets.given ? TEAM_BUDGETS : TEAM_VERSION, 1);
    put_number(out, (apr_uint64_t)team->created, 8);
    if (team->budgets.given) {
        put_budgets(out, &team->budgets);
    }
    llm_buf_puts(out, team->note);
}

int llm_codec_read_team(llm_team_t *team, const unsigned char *bytes,
                        apr_size_t len)
{
    llm_reader_t reader = {bytes, bytes + len, 0};
    apr_uint64_t version;
    apr_size_t note;

    memset(team, 0, sizeof(*team));
    version = llm_reader_number(&reader, 1);
    if (version < TEAM_VERSION || version > TEAM_BUDGETS) {
        return 0;
    }
    team->created = (apr_time_t)llm_reader_number(&reader, 8);
    if (version == TEAM_BUDGETS) {
        take_budgets(&reader, &team->budgets);
    }
    note = (apr_size_t)(reader.end - reader.at);
    if (reader.failed || note >= sizeof(team->note)) {
        return 0;
    }
    memcpy(team->note, reader.at, note);
    return 1;
}

/* Members of totals; a bit of the mask is a place in this table. */
static const apr_size_t members[] = {
#define MEMBER(name) offsetof(llm_totals_t, name)
    MEMBER(requests),
    MEMBER(errors),
    MEMBER(aborted),
    MEMBER(killed),
    MEMBER(estimated),
    MEMBER(unpriced),
    MEMBER(cost),
    MEMBER(latency_ms),
    MEMBER(first_ms),
    MEMBER(tokens[LLM_CLASS_INPUT]),
    MEMBER(tokens[LLM_CLASS_CACHE_READ]),
    MEMBER(tokens[LLM_CLASS_CACHE_WRITE]),
    MEMBER(tokens[LLM_CLASS_CACHE_WRITE_1H]),
    MEMBER(tokens[LLM_CLASS_OUTPUT]),
    MEMBER(tokens[LLM_CLASS_REASONING]),
    MEMBER(tokens[LLM_CLASS_AUDIO_IN]),
    MEMBER(tokens[LLM_CLASS_AUDIO_OUT]),
    MEMBER(tokens[LLM_CLASS_IMAGES]),
#undef MEMBER
};
#define MEMBERS (sizeof(members) / sizeof(members[0]))

typedef char every_member_is_listed
    [MEMBERS * sizeof(apr_uint64_t) == sizeof(llm_totals_t) ? 1 : -1];
typedef char every_class_is_listed[LLM_CLASSES == 9 ? 1 : -1];

static apr_uint64_t *member_of(llm_totals_t *totals, apr_size_t i)
{
    return (apr_uint64_t *)(void *)((char *)totals + members[i]);
}

static apr_uint64_t value_of(const llm_totals_t *totals, apr_size_t i)
{
    apr_uint64_t value;

    memcpy(&value, (const char *)totals + members[i], sizeof(value));
    return value;
}

void llm_totals_add_record(llm_totals_t *totals, const llm_record_t *record)
{
    int i;

    totals->requests += 1;
    totals->errors += !record->status || record->status >= 400;
    totals->aborted += (record->flags & LLM_RECORD_ABORTED) != 0;
    totals->killed += (record->flags & LLM_RECORD_KILLED) != 0;
    totals->estimated += (record->flags & LLM_RECORD_ESTIMATED) != 0;
    if ((record->flags & LLM_RECORD_UNPRICED)
        || record->cost == LLM_MONEY_UNKNOWN) {
        totals->unpriced += 1;
    }
    else {
        totals->cost += (apr_uint64_t)record->cost;
    }
    for (i = 0; i < LLM_CLASSES; ++i) {
        totals->tokens[i] += (apr_uint64_t)record->usage.n[i];
    }
    totals->latency_ms += record->latency_ms;
    totals->first_ms += record->first_ms;
}

void llm_totals_add(llm_totals_t *totals, const llm_totals_t *more)
{
    apr_size_t i;

    for (i = 0; i < MEMBERS; ++i) {
        *member_of(totals, i) += value_of(more, i);
    }
}

void llm_totals_subtract(llm_totals_t *totals, const llm_totals_t *less)
{
    apr_size_t i;

    for (i = 0; i < MEMBERS; ++i) {
        *member_of(totals, i) -= value_of(less, i);
    }
}

void llm_codec_write_totals(llm_buf_t *out, const llm_totals_t *totals)
{
    apr_uint32_t mask = 0;
    apr_size_t i;

    for (i = 0; i < MEMBERS; ++i) {
        mask |= value_of(totals, i) ? (apr_uint32_t)1 << i : 0;
    }
    put_number(out, TOTALS_VERSION, 1);
    put_number(out, mask, 4);
    for (i = 0; i < MEMBERS; ++i) {
        if (mask & (apr_uint32_t)1 << i) {
            put_number(out, value_of(totals, i), 8);
        }
    }
}

/* Little-endian, in a form that compilers know for one load. */
static apr_uint64_t number_at(const unsigned char *bytes)
{
    return (apr_uint64_t)bytes[0] | (apr_uint64_t)bytes[1] << 8
           | (apr_uint64_t)bytes[2] << 16 | (apr_uint64_t)bytes[3] << 24
           | (apr_uint64_t)bytes[4] << 32 | (apr_uint64_t)bytes[5] << 40
           | (apr_uint64_t)bytes[6] << 48 | (apr_uint64_t)bytes[7] << 56;
}

int llm_totals_add_row(llm_totals_t *totals, const unsigned char *bytes,
                       apr_size_t len)
{
    apr_uint32_t mask;

    if (len < TOTALS_HEAD || bytes[0] != TOTALS_VERSION) {
        return 0;
    }
    mask = (apr_uint32_t)llm_le_get(bytes + 1, 4);
    if (mask >> MEMBERS
        || len != TOTALS_HEAD + 8 * (apr_size_t)__builtin_popcount(mask)) {
        return 0;
    }
    for (bytes += TOTALS_HEAD; mask; mask &= mask - 1, bytes += 8) {
        *member_of(totals, (apr_size_t)__builtin_ctz(mask)) += number_at(bytes);
    }
    return 1;
}

int llm_codec_read_totals(llm_totals_t *totals, const unsigned char *bytes,
                          apr_size_t len)
{
    memset(totals, 0, sizeof(*totals));
    return llm_totals_add_row(totals, bytes, len);
}
