/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The store's bytes. The first byte says which form the rest is: a journal
 * record, of this version or of the first (with its CRC put right, or else
 * nothing behind it would ever be read), an event, a key, a team, totals. What
 * can be read is the same after it was written and read again.
 */
#include "test/fuzz/fuzz.h"

#include <string.h>

#include "store/bytes.h"
#include "store/codec.h"
#include "store/crc32c.h"

static void must_survive(const llm_record_t *record)
{
    unsigned char bytes[LLM_JOURNAL_RECORD], key[LLM_EVENT_KEY];
    llm_record_t again;
    apr_size_t len;

    llm_codec_write_record(bytes, record);
    MUST(llm_codec_judge(bytes, sizeof(bytes)) == LLM_CODEC_GOOD);
    MUST(llm_codec_read_record(&again, bytes, sizeof(bytes)));
    MUST(!memcmp(&again, record, sizeof(again)));
    llm_codec_write_event_key(key, record);
    len = llm_codec_write_event(bytes, record);
    MUST(len <= sizeof(bytes));
    MUST(llm_codec_read_event(&again, key, sizeof(key), bytes, len));
    MUST(!memcmp(&again, record, sizeof(again)));
}

/* A string's bytes behind an embedded zero are not kept; they are no part of
 * the string. */
static void end_strings(llm_record_t *record)
{
    LLM_RECORD_SET(record, client, record->client);
    LLM_RECORD_SET(record, provider, record->provider);
    LLM_RECORD_SET(record, asked, record->asked);
    LLM_RECORD_SET(record, served, record->served);
    LLM_RECORD_SET(record, route, record->route);
    LLM_RECORD_SET(record, finish, record->finish);
    LLM_RECORD_SET(record, user, record->user);
    LLM_RECORD_SET(record, op, record->op);
    LLM_RECORD_SET(record, team, record->team);
    LLM_RECORD_SET(record, tags, record->tags);
    LLM_RECORD_SET(record, variant, record->variant);
    LLM_RECORD_SET(record, tier, record->tier);
    LLM_RECORD_SET(record, problem, record->problem);
}

static void read_journal(const uint8_t *data, size_t size)
{
    unsigned char bytes[LLM_JOURNAL_RECORD] = {0};
    llm_record_t record;
    apr_size_t end;

    memcpy(bytes, data, size < sizeof(bytes) ? size : sizeof(bytes));
    llm_codec_judge(bytes, sizeof(bytes));
    llm_codec_read_record(&record, bytes, sizeof(bytes));
    end = (apr_size_t)llm_le_get(bytes + 4, 2);
    if (end < 28 || end > sizeof(bytes)) {
        end = sizeof(bytes);
        llm_le_put(bytes + 4, end, 2);
    }
    llm_le_put(bytes, llm_crc32c(bytes + 4, end - 4), 4);
    if (llm_codec_read_record(&record, bytes, sizeof(bytes))) {
        end_strings(&record);
        must_survive(&record);
    }
}

/* What version 1 of the program wrote: read for ever, written anew. */
static void read_journal_1(const uint8_t *data, size_t size)
{
    unsigned char bytes[LLM_JOURNAL_RECORD_1] = {0};
    llm_record_t record;
    apr_size_t end;

    memcpy(bytes, data, size < sizeof(bytes) ? size : sizeof(bytes));
    llm_codec_judge(bytes, sizeof(bytes));
    llm_codec_read_record(&record, bytes, sizeof(bytes));
    end = (apr_size_t)llm_le_get(bytes + 4, 2);
    if (end < 28 || end > sizeof(bytes)) {
        end = sizeof(bytes);
        llm_le_put(bytes + 4, end, 2);
    }
    llm_le_put(bytes, llm_crc32c(bytes + 4, end - 4), 4);
    if (llm_codec_read_record(&record, bytes, sizeof(bytes))) {
        end_strings(&record);
        must_survive(&record);
    }
}

static void read_event(const uint8_t *data, size_t size)
{
    llm_record_t record;

    if (size >= LLM_EVENT_KEY
        && llm_codec_read_event(&record, data, LLM_EVENT_KEY,
                                data + LLM_EVENT_KEY, size - LLM_EVENT_KEY)) {
        end_strings(&record);
        must_survive(&record);
    }
}

static void read_key(const uint8_t *data, size_t size, apr_pool_t *pool)
{
    llm_buf_t *out = llm_buf_make(0, pool);
    llm_key_t key, again;

    if (!llm_codec_read_key(&key, data, size)) {
        return;
    }
    llm_codec_write_key(out, &key);
    MUST(out->len <= LLM_CODEC_KEY_MAX);
    MUST(llm_codec_read_key(&again, (unsigned char *)out->data, out->len));
    MUST(again.id == key.id && !strcmp(again.models, key.models));
    MUST(!memcmp(&again.budgets, &key.budgets, sizeof(key.budgets)));
}

static void read_team(const uint8_t *data, size_t size, apr_pool_t *pool)
{
    llm_buf_t *out = llm_buf_make(0, pool);
    llm_team_t team, again;

    if (!llm_codec_read_team(&team, data, size)) {
        return;
    }
    llm_codec_write_team(out, &team);
    MUST(out->len <= LLM_CODEC_TEAM_MAX);
    MUST(llm_codec_read_team(&again, (unsigned char *)out->data, out->len));
    MUST(again.created == team.created && !strcmp(again.note, team.note));
    MUST(!memcmp(&again.budgets, &team.budgets, sizeof(team.budgets)));
}

static void read_totals(const uint8_t *data, size_t size, apr_pool_t *pool)
{
    llm_buf_t *out = llm_buf_make(0, pool);
    llm_totals_t totals, again;

    if (!llm_codec_read_totals(&totals, data, size)) {
        return;
    }
    llm_codec_write_totals(out, &totals);
    MUST(out->len <= LLM_CODEC_TOTALS_MAX && out->len <= size);
    MUST(llm_codec_read_totals(&again, (unsigned char *)out->data, out->len));
    MUST(!memcmp(&again, &totals, sizeof(again)));
    llm_totals_add(&again, &totals);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    apr_pool_t *pool;

    if (!size) {
        return 0;
    }
    pool = fuzz_pool();
    switch (data[0] % 6) {
    case 0:
        read_journal(data + 1, size - 1);
        break;
    case 1:
        read_event(data + 1, size - 1);
        break;
    case 2:
        read_key(data + 1, size - 1, pool);
        break;
    case 4:
        read_journal_1(data + 1, size - 1);
        break;
    case 5:
        read_team(data + 1, size - 1, pool);
        break;
    default:
        read_totals(data + 1, size - 1, pool);
    }
    apr_pool_destroy(pool);
    return 0;
}
