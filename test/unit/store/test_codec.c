/* SPDX-License-Identifier: Apache-2.0 */
/* Records, keys and totals survive being bytes; other bytes are refused. */
#include "store/codec.h"
#include "store/bytes.h"
#include "store/crc32c.h"
#include "test/unit/store/rig.h"

#include <string.h>

static void fill(char *field, apr_size_t size, char with)
{
    memset(field, with, size - 1);
    field[size - 1] = '\0';
}

/* Every member at its largest. */
static void largest_record(llm_record_t *record)
{
    int i;

    memset(record, 0, sizeof(*record));
    memset(record->id, 0xff, sizeof(record->id));
    record->began = APR_INT64_C(253402300799999999);
    record->key = 0xffffffff;
    record->flags = 0xffffffff;
    record->status = 0xffff;
    record->attempts = 0xffff;
    record->latency_ms = record->first_ms = record->price_day = 0xffffffff;
    record->bytes_in = record->bytes_out = APR_UINT64_MAX;
    record->cost = APR_INT64_MAX;
    record->usage.known = record->usage.estimated = (1u << LLM_CLASSES) - 1;
    for (i = 0; i < LLM_CLASSES; ++i) {
        record->usage.n[i] = (APR_INT64_C(1) << 40) - 1;
    }
    fill(record->client, sizeof(record->client), 'c');
    fill(record->provider, sizeof(record->provider), 'p');
    fill(record->asked, sizeof(record->asked), 'a');
    fill(record->served, sizeof(record->served), 's');
    fill(record->route, sizeof(record->route), 'r');
    fill(record->finish, sizeof(record->finish), 'f');
    fill(record->user, sizeof(record->user), 'u');
    fill(record->op, sizeof(record->op), 'o');
    fill(record->team, sizeof(record->team), 't');
    fill(record->tags, sizeof(record->tags), 'g');
    fill(record->variant, sizeof(record->variant), 'v');
    fill(record->tier, sizeof(record->tier), 'i');
    fill(record->problem, sizeof(record->problem), 'b');
    record->cache = LLM_CACHE_HIT;
    record->on_abort = LLM_ON_ABORT_DRAIN;
    record->drain_s = 0xffff;
}

static void round_trip(const llm_record_t *record)
{
    unsigned char bytes[LLM_JOURNAL_RECORD], key[LLM_EVENT_KEY];
    llm_record_t again;
    apr_size_t len;

    llm_codec_write_record(bytes, record);
    ck_assert_int_eq(llm_codec_judge(bytes, sizeof(bytes)), LLM_CODEC_GOOD);
    ck_assert_int_eq(llm_codec_read_record(&again, bytes, sizeof(bytes)), 1);
    ck_assert_mem_eq(&again, record, sizeof(again));

    llm_codec_write_event_key(key, record);
    len = llm_codec_write_event(bytes, record);
    ck_assert_uint_le(len, LLM_JOURNAL_RECORD);
    ck_assert_int_eq(llm_codec_read_event(&again, key, sizeof(key), bytes, len),
                     1);
    ck_assert_mem_eq(&again, record, sizeof(again));
}

START_TEST(crc32c_is_the_one_of_rfc_3720)
{
    unsigned char zeros[32] = {0};

    ck_assert_uint_eq(llm_crc32c("123456789", 9), 0xe3069283);
    ck_assert_uint_eq(llm_crc32c(zeros, sizeof(zeros)), 0x8a9136aa);
    ck_assert_uint_eq(llm_crc32c("", 0), 0);
}
END_TEST

START_TEST(crc32c_is_the_same_on_any_processor)
{
    unsigned char bytes[200];
    apr_size_t i, len;

    for (i = 0; i < sizeof(bytes); ++i) {
        bytes[i] = (unsigned char)(i * i + 7 * i);
    }
    ck_assert_uint_eq(llm_crc32c_portable("123456789", 9), 0xe3069283);
    for (len = 0; len < sizeof(bytes); ++len) {
        ck_assert_uint_eq(llm_crc32c(bytes, len),
                          llm_crc32c_portable(bytes, len));
    }
}
END_TEST

START_TEST(an_empty_record_survives)
{
    llm_record_t record;

    memset(&record, 0, sizeof(record));
    round_trip(&record);
}
END_TEST

START_TEST(the_largest_record_survives)
{
    llm_record_t record;

    largest_record(&record);
    round_trip(&record);
}
END_TEST

START_TEST(an_unknown_cost_survives)
{
    llm_record_t record;

    rig_record(&record, 42);
    record.cost = LLM_MONEY_UNKNOWN;
    round_trip(&record);
}
END_TEST

START_TEST(a_count_beyond_40_bits_is_cut_to_them)
{
    unsigned char bytes[LLM_JOURNAL_RECORD];
    llm_record_t record, again;

    rig_record(&record, 1);
    record.usage.n[LLM_CLASS_INPUT] = APR_INT64_C(1) << 40;
    record.usage.n[LLM_CLASS_OUTPUT] = -5;
    llm_codec_write_record(bytes, &record);
    ck_assert_int_eq(llm_codec_read_record(&again, bytes, sizeof(bytes)), 1);
    ck_assert_int_eq(again.usage.n[LLM_CLASS_INPUT],
                     (APR_INT64_C(1) << 40) - 1);
    ck_assert_int_eq(again.usage.n[LLM_CLASS_OUTPUT], 0);
}
END_TEST

START_TEST(any_changed_bit_is_damage)
{
    unsigned char bytes[LLM_JOURNAL_RECORD];
    llm_record_t record, again;
    apr_size_t end, bit;

    rig_record(&record, 77);
    llm_codec_write_record(bytes, &record);
    end = (apr_size_t)llm_le_get(bytes + 4, 2);
    for (bit = 0; bit < 8 * end; ++bit) {
        bytes[bit / 8] ^= (unsigned char)(1 << bit % 8);
        ck_assert_int_eq(llm_codec_judge(bytes, sizeof(bytes)),
                         LLM_CODEC_DAMAGED);
        ck_assert_int_eq(llm_codec_read_record(&again, bytes, sizeof(bytes)),
                         0);
        bytes[bit / 8] ^= (unsigned char)(1 << bit % 8);
    }
    ck_assert_int_eq(llm_codec_read_record(&again, bytes, sizeof(bytes)), 1);
}
END_TEST

START_TEST(zeros_are_no_record)
{
    unsigned char bytes[LLM_JOURNAL_RECORD] = {0};
    llm_record_t record;

    ck_assert_int_eq(llm_codec_judge(bytes, sizeof(bytes)), LLM_CODEC_DAMAGED);
    ck_assert_int_eq(llm_codec_read_record(&record, bytes, sizeof(bytes)), 0);
}
END_TEST

/* Of the right length, but not what it says: the CRC does not help there. */
static void refused_with_crc(unsigned char *bytes, apr_size_t end)
{
    llm_record_t record;

    llm_le_put(bytes + 4, end, 2);
    llm_le_put(bytes, llm_crc32c(bytes + 4, end - 4), 4);
    ck_assert_int_eq(llm_codec_read_record(&record, bytes, sizeof(bytes)), 0);
}

START_TEST(a_record_cut_at_any_length_is_refused)
{
    unsigned char bytes[LLM_JOURNAL_RECORD], cut[LLM_JOURNAL_RECORD];
    llm_record_t record;
    apr_size_t end, len;

    largest_record(&record);
    llm_codec_write_record(bytes, &record);
    end = (apr_size_t)llm_le_get(bytes + 4, 2);
    for (len = 28; len < end; ++len) {
        memcpy(cut, bytes, sizeof(cut));
        refused_with_crc(cut, len);
    }
}
END_TEST

START_TEST(bytes_behind_a_record_are_refused)
{
    unsigned char bytes[LLM_JOURNAL_RECORD];
    llm_record_t record;

    rig_record(&record, 3);
    llm_codec_write_record(bytes, &record);
    refused_with_crc(bytes, (apr_size_t)llm_le_get(bytes + 4, 2) + 1);
}
END_TEST

START_TEST(an_event_cut_at_any_length_is_refused)
{
    unsigned char bytes[LLM_JOURNAL_RECORD], key[LLM_EVENT_KEY];
    llm_record_t record, again;
    apr_size_t end, len;

    largest_record(&record);
    llm_codec_write_event_key(key, &record);
    end = llm_codec_write_event(bytes, &record);
    for (len = 0; len < end; ++len) {
        ck_assert_int_eq(
            llm_codec_read_event(&again, key, sizeof(key), bytes, len), 0);
    }
    ck_assert_int_eq(
        llm_codec_read_event(&again, key, sizeof(key) - 1, bytes, end), 0);
}
END_TEST

START_TEST(a_record_of_a_newer_version_is_told_from_damage)
{
    unsigned char bytes[LLM_JOURNAL_RECORD];
    llm_record_t record;
    apr_size_t end;

    rig_record(&record, 9);
    llm_codec_write_record(bytes, &record);
    end = (apr_size_t)llm_le_get(bytes + 4, 2);
    bytes[6] = 3;
    ck_assert_int_eq(llm_codec_judge(bytes, sizeof(bytes)), LLM_CODEC_DAMAGED);
    llm_le_put(bytes, llm_crc32c(bytes + 4, end - 4), 4);
    ck_assert_int_eq(llm_codec_judge(bytes, sizeof(bytes)), LLM_CODEC_NEWER);
    ck_assert_int_eq(llm_codec_read_record(&record, bytes, sizeof(bytes)), 0);
}
END_TEST

/* As version 1 of the program wrote it, all but the zeros at its end. */
static const unsigned char version_1[] = {
    0x96, 0x51, 0x8b, 0x37, 0x98, 0x00, 0x01, 0x01, 0x40, 0xca, 0xc5, 0xda,
    0xd0, 0x60, 0x06, 0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08,
    0x09, 0x0a, 0x0b, 0x0c, 0x07, 0x00, 0x00, 0x00, 0x09, 0x00, 0x00, 0x00,
    0xc8, 0x00, 0x02, 0x00, 0xdc, 0x05, 0x00, 0x00, 0xfa, 0x00, 0x00, 0x00,
    0xdc, 0x50, 0x00, 0x00, 0x64, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0xd0, 0x07, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x15, 0xcd, 0x5b, 0x07,
    0x00, 0x00, 0x00, 0x00, 0x11, 0x00, 0x10, 0x00, 0x11, 0x00, 0x0b, 0x00,
    0x00, 0x00, 0x00, 0x16, 0x00, 0x00, 0x00, 0x00, 0x06, 0x6f, 0x70, 0x65,
    0x6e, 0x61, 0x69, 0x09, 0x61, 0x6e, 0x74, 0x68, 0x72, 0x6f, 0x70, 0x69,
    0x63, 0x05, 0x73, 0x6d, 0x61, 0x72, 0x74, 0x11, 0x63, 0x6c, 0x61, 0x75,
    0x64, 0x65, 0x2d, 0x73, 0x6f, 0x6e, 0x6e, 0x65, 0x74, 0x2d, 0x34, 0x2d,
    0x35, 0x05, 0x73, 0x6d, 0x61, 0x72, 0x74, 0x04, 0x73, 0x74, 0x6f, 0x70,
    0x02, 0x75, 0x31, 0x04, 0x63, 0x68, 0x61, 0x74};

static void is_version_1(const llm_record_t *record)
{
    ck_assert_int_eq(record->began, APR_INT64_C(1795300000123456));
    ck_assert_uint_eq(record->id[11], 12);
    ck_assert_uint_eq(record->key, 7);
    ck_assert_uint_eq(record->flags, LLM_RECORD_STREAM | LLM_RECORD_ESTIMATED);
    ck_assert_uint_eq(record->latency_ms, 1500);
    ck_assert_int_eq(record->cost, 123456789);
    ck_assert_int_eq(record->usage.n[LLM_CLASS_INPUT], 11);
    ck_assert_int_eq(record->usage.n[LLM_CLASS_OUTPUT], 22);
    ck_assert_str_eq(record->client, "openai");
    ck_assert_str_eq(record->served, "claude-sonnet-4-5");
    ck_assert_str_eq(record->op, "chat");
    ck_assert_str_eq(record->team, "");
    ck_assert_str_eq(record->problem, "");
    ck_assert_uint_eq(record->cache, LLM_CACHE_NONE);
    ck_assert_uint_eq(record->on_abort, LLM_ON_ABORT_UNSAID);
}

START_TEST(a_record_of_version_1_is_read)
{
    unsigned char bytes[LLM_JOURNAL_RECORD] = {0};
    llm_record_t record;

    memcpy(bytes, version_1, sizeof(version_1));
    ck_assert_int_eq(
        llm_codec_read_record(&record, bytes, LLM_JOURNAL_RECORD_1), 1);
    is_version_1(&record);
    ck_assert_int_eq(llm_codec_read_record(&record, bytes, sizeof(bytes)), 1);
    is_version_1(&record);
}
END_TEST

START_TEST(an_event_of_version_1_is_read)
{
    unsigned char key[LLM_EVENT_KEY], value[sizeof(version_1)];
    apr_size_t len = sizeof(version_1) - 28;
    llm_record_t record;

    llm_be_put(key, APR_UINT64_C(1795300000123456), 8);
    memcpy(key + 8, version_1 + 16, LLM_RECORD_ID);
    value[0] = 1;
    memcpy(value + 1, version_1 + 28, len);
    ck_assert_int_eq(
        llm_codec_read_event(&record, key, sizeof(key), value, len + 1), 1);
    is_version_1(&record);
    value[0] = 2;
    ck_assert_int_eq(
        llm_codec_read_event(&record, key, sizeof(key), value, len + 1), 0);
    value[0] = 3;
    ck_assert_int_eq(
        llm_codec_read_event(&record, key, sizeof(key), value, len + 1), 0);
}
END_TEST

START_TEST(a_choice_that_is_not_known_costs_no_record)
{
    unsigned char bytes[LLM_JOURNAL_RECORD];
    llm_record_t record, again;

    rig_record(&record, 4);
    record.cache = 200;
    record.on_abort = 201;
    record.drain_s = 30;
    llm_codec_write_record(bytes, &record);
    ck_assert_int_eq(llm_codec_read_record(&again, bytes, sizeof(bytes)), 1);
    ck_assert_uint_eq(again.cache, LLM_CACHE_NONE);
    ck_assert_uint_eq(again.on_abort, LLM_ON_ABORT_UNSAID);
    ck_assert_uint_eq(again.drain_s, 30);
}
END_TEST

START_TEST(a_time_outside_the_calendar_is_refused)
{
    const apr_time_t times[] = {-1, APR_INT64_MIN,
                                APR_INT64_C(253402300800000000)};
    unsigned char bytes[LLM_JOURNAL_RECORD];
    llm_record_t record, again;
    apr_size_t i;

    for (i = 0; i < sizeof(times) / sizeof(times[0]); ++i) {
        rig_record(&record, 1);
        record.began = times[i];
        llm_codec_write_record(bytes, &record);
        ck_assert_int_eq(llm_codec_read_record(&again, bytes, sizeof(bytes)),
                         0);
    }
}
END_TEST

START_TEST(event_keys_sort_by_time)
{
    unsigned char early[LLM_EVENT_KEY], late[LLM_EVENT_KEY];
    llm_record_t record;
    unsigned n;

    for (n = 0; n < 2000; ++n) {
        rig_record(&record, n);
        memset(record.id, 0xff - (int)(n % 256), sizeof(record.id));
        llm_codec_write_event_key(early, &record);
        rig_record(&record, n + 1);
        llm_codec_write_event_key(late, &record);
        ck_assert_int_lt(memcmp(early, late, sizeof(early)), 0);
    }
}
END_TEST

static void largest_key(llm_key_t *key)
{
    memset(key, 0, sizeof(*key));
    key->id = 0xffffffff;
    memset(key->hash, 0xab, sizeof(key->hash));
    fill(key->name, sizeof(key->name), 'n');
    fill(key->team, sizeof(key->team), 't');
    fill(key->note, sizeof(key->note), 'o');
    fill(key->hint, sizeof(key->hint), 'h');
    fill(key->models, sizeof(key->models), 'm');
    key->created = key->expires = key->revoked = APR_INT64_MAX;
    key->flags = LLM_KEY_DISABLED | LLM_KEY_DELETED;
}

static void a_key_survives(const llm_key_t *key, unsigned char version)
{
    llm_buf_t *out = llm_buf_make(0, unit_pool);
    llm_key_t again;
    apr_size_t len;

    llm_codec_write_key(out, key);
    ck_assert_uint_eq((unsigned char)*out->data, version);
    ck_assert_uint_le(out->len, LLM_CODEC_KEY_MAX);
    ck_assert_int_eq(
        llm_codec_read_key(&again, (unsigned char *)out->data, out->len), 1);
    ck_assert_mem_eq(&again, key, sizeof(again));
    for (len = 0; len < out->len; ++len) {
        ck_assert_int_eq(
            llm_codec_read_key(&again, (unsigned char *)out->data, len), 0);
    }
    llm_buf_putc(out, 0);
    ck_assert_int_eq(
        llm_codec_read_key(&again, (unsigned char *)out->data, out->len), 0);
}

START_TEST(a_key_survives_and_its_pieces_do_not)
{
    llm_key_t key;

    largest_key(&key);
    a_key_survives(&key, 1);
    key.on_abort.what = LLM_ON_ABORT_DRAIN;
    a_key_survives(&key, 3);
    memset(key.former, 0xcd, sizeof(key.former));
    key.formers = LLM_FORMERS;
    key.on_abort.drain_s = 0xffff;
    a_key_survives(&key, 3);
    memset(&key.on_abort, 0, sizeof(key.on_abort));
    a_key_survives(&key, 2);
}
END_TEST

START_TEST(a_key_with_budgets_survives_and_its_pieces_do_not)
{
    llm_key_t key;

    largest_key(&key);
    key.budgets.given = 1u << (LLM_WINDOW_TOTAL - 1);
    a_key_survives(&key, 4);
    key.budgets.amount[LLM_WINDOW_TOTAL - 1] = LLM_BUDGET_MAX;
    key.formers = LLM_FORMERS;
    memset(key.former, 0xcd, sizeof(key.former));
    key.on_abort.what = LLM_ON_ABORT_DRAIN;
    key.on_abort.drain_s = 0xffff;
    a_key_survives(&key, 4);
    key.budgets.given = 7;
    key.budgets.amount[0] = 1;
    key.budgets.amount[1] = 2;
    a_key_survives(&key, 4);
}
END_TEST

START_TEST(a_key_with_budgets_that_cannot_be_is_refused)
{
    /* the end of the value: the mask, then the amount of a day */
    static const unsigned char wrong[][9] = {
        {0, 0, 0, 0, 0, 0, 0, 0, 0},    {8, 0, 0, 0, 0, 0, 0, 0, 0},
        {3, 0, 0, 0, 0, 0, 0, 0, 0},    {1, 0, 0, 0, 0, 0, 0, 0, 0x80},
        {1, 0, 0, 0, 0, 0, 0, 0, 0x7f},
    };
    llm_buf_t *out = llm_buf_make(0, unit_pool);
    llm_key_t key;
    unsigned i;

    largest_key(&key);
    key.budgets.given = 1;
    llm_codec_write_key(out, &key);
    for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); ++i) {
        memcpy(out->data + out->len - 9, wrong[i], 9);
        ck_assert_int_eq(
            llm_codec_read_key(&key, (unsigned char *)out->data, out->len), 0);
    }
}
END_TEST

static void a_team_survives(const llm_team_t *team, unsigned char version,
                            apr_size_t head)
{
    llm_buf_t *out = llm_buf_make(0, unit_pool);
    llm_team_t again;
    apr_size_t len;

    llm_codec_write_team(out, team);
    ck_assert_uint_eq((unsigned char)*out->data, version);
    ck_assert_uint_le(out->len, LLM_CODEC_TEAM_MAX);
    ck_assert_int_eq(
        llm_codec_read_team(&again, (unsigned char *)out->data, out->len), 1);
    ck_assert_mem_eq(&again, team, sizeof(again));
    /* behind its head there is nothing but the note */
    for (len = 0; len < head; ++len) {
        ck_assert_int_eq(
            llm_codec_read_team(&again, (unsigned char *)out->data, len), 0);
    }
    ck_assert_int_eq(
        llm_codec_read_team(&again, (unsigned char *)out->data, head), 1);
    llm_buf_putc(out, 'o');
    ck_assert_int_eq(
        llm_codec_read_team(&again, (unsigned char *)out->data, out->len), 0);
}

START_TEST(a_team_survives_and_its_pieces_do_not)
{
    llm_team_t team;

    memset(&team, 0, sizeof(team));
    fill(team.note, sizeof(team.note), 'o');
    team.created = APR_INT64_MAX;
    a_team_survives(&team, 1, 9);
    team.budgets.given = 5;
    team.budgets.amount[0] = 1;
    team.budgets.amount[2] = LLM_BUDGET_MAX;
    a_team_survives(&team, 2, 9 + 1 + 2 * 8);
}
END_TEST

START_TEST(a_key_with_an_unknown_policy_is_refused)
{
    llm_buf_t *out = llm_buf_make(0, unit_pool);
    llm_key_t key;

    largest_key(&key);
    key.on_abort.what = LLM_ON_ABORT_DRAIN;
    llm_codec_write_key(out, &key);
    out->data[out->len - 3] = 3;
    ck_assert_int_eq(
        llm_codec_read_key(&key, (unsigned char *)out->data, out->len), 0);
}
END_TEST

START_TEST(totals_survive_and_their_pieces_do_not)
{
    llm_buf_t *out = llm_buf_make(0, unit_pool);
    llm_totals_t totals, again;
    apr_size_t len;

    memset(&totals, 0xfe, sizeof(totals));
    llm_codec_write_totals(out, &totals);
    ck_assert_uint_le(out->len, LLM_CODEC_TOTALS_MAX);
    ck_assert_int_eq(
        llm_codec_read_totals(&again, (unsigned char *)out->data, out->len), 1);
    ck_assert_mem_eq(&again, &totals, sizeof(totals));
    for (len = 0; len < out->len; ++len) {
        ck_assert_int_eq(
            llm_codec_read_totals(&again, (unsigned char *)out->data, len), 0);
    }
}
END_TEST

START_TEST(totals_add_up_what_records_say)
{
    llm_totals_t totals, twice;
    llm_record_t record;

    memset(&totals, 0, sizeof(totals));
    rig_record(&record, 7);
    llm_totals_add_record(&totals, &record);
    rig_record(&record, 10); /* its status is 502 */
    record.flags = LLM_RECORD_ABORTED | LLM_RECORD_KILLED | LLM_RECORD_ESTIMATED
                   | LLM_RECORD_UNPRICED;
    record.cost = LLM_MONEY_UNKNOWN;
    llm_totals_add_record(&totals, &record);
    record.status = 0;
    record.flags = 0;
    llm_totals_add_record(&totals, &record);
    ck_assert_uint_eq(totals.requests, 3);
    ck_assert_uint_eq(totals.errors, 2);
    ck_assert_uint_eq(totals.aborted, 1);
    ck_assert_uint_eq(totals.killed, 1);
    ck_assert_uint_eq(totals.estimated, 1);
    ck_assert_uint_eq(totals.unpriced, 2);
    ck_assert_uint_eq(totals.cost, 7);
    ck_assert_uint_eq(totals.tokens[LLM_CLASS_INPUT], 7 + 10 + 10);
    ck_assert_uint_eq(totals.tokens[LLM_CLASS_OUTPUT], 21);
    ck_assert_uint_eq(totals.latency_ms, 27);
    twice = totals;
    llm_totals_add(&twice, &totals);
    ck_assert_uint_eq(twice.requests, 6);
    ck_assert_uint_eq(twice.cost, 14);
    ck_assert_uint_eq(twice.tokens[LLM_CLASS_OUTPUT], 42);
}
END_TEST

START_TEST(strings_are_cut_where_a_character_ends)
{
    char field[6];

    llm_record_set(field, sizeof(field), "abc");
    ck_assert_str_eq(field, "abc");
    llm_record_set(field, sizeof(field), "abcdef");
    ck_assert_str_eq(field, "abcde");
    llm_record_set(field, sizeof(field), "abcd\xc3\xa9");
    ck_assert_str_eq(field, "abcd");
    llm_record_set(field, sizeof(field), "ab\xe2\x82\xac");
    ck_assert_str_eq(field, "ab\xe2\x82\xac");
    llm_record_set(field, sizeof(field), "abc\xe2\x82\xac");
    ck_assert_str_eq(field, "abc");
    llm_record_set(field, sizeof(field), "\xf0\x9f\x98\x80\xf0\x9f\x98\x80");
    ck_assert_str_eq(field, "\xf0\x9f\x98\x80");
    llm_record_set(field, sizeof(field), NULL);
    ck_assert_str_eq(field, "");
}
END_TEST

START_TEST(ids_are_printed_and_read)
{
    unsigned char id[LLM_RECORD_ID] = {0, 1, 2, 0xab, 0xff}, again[12];
    char text[LLM_RECORD_ID_TEXT];

    llm_record_id_print(text, id);
    ck_assert_str_eq(text, "req_000102abff00000000000000");
    ck_assert_int_eq(llm_record_id_read(again, text), 1);
    ck_assert_mem_eq(again, id, sizeof(id));
    ck_assert_int_eq(llm_record_id_read(again, ""), 0);
    ck_assert_int_eq(llm_record_id_read(again, "req_"), 0);
    ck_assert_int_eq(llm_record_id_read(again, "req_000102abff000000000000000"),
                     0);
    ck_assert_int_eq(llm_record_id_read(again, "req_000102ABFF00000000000000"),
                     0);
    ck_assert_int_eq(llm_record_id_read(again, "rex_000102abff00000000000000"),
                     0);
}
END_TEST

Suite *codec_suite(void)
{
    Suite *suite = suite_create("codec");
    TCase *records = tcase_create("records"), *rows = tcase_create("rows");

    tcase_add_test(records, crc32c_is_the_one_of_rfc_3720);
    tcase_add_test(records, crc32c_is_the_same_on_any_processor);
    tcase_add_test(records, an_empty_record_survives);
    tcase_add_test(records, the_largest_record_survives);
    tcase_add_test(records, an_unknown_cost_survives);
    tcase_add_test(records, a_count_beyond_40_bits_is_cut_to_them);
    tcase_add_test(records, any_changed_bit_is_damage);
    tcase_add_test(records, zeros_are_no_record);
    tcase_add_test(records, a_record_cut_at_any_length_is_refused);
    tcase_add_test(records, bytes_behind_a_record_are_refused);
    tcase_add_test(records, an_event_cut_at_any_length_is_refused);
    tcase_add_test(records, a_record_of_a_newer_version_is_told_from_damage);
    tcase_add_test(records, a_record_of_version_1_is_read);
    tcase_add_test(records, an_event_of_version_1_is_read);
    tcase_add_test(records, a_choice_that_is_not_known_costs_no_record);
    tcase_add_test(records, a_time_outside_the_calendar_is_refused);
    tcase_add_test(records, event_keys_sort_by_time);
    tcase_add_test(records, strings_are_cut_where_a_character_ends);
    tcase_add_test(records, ids_are_printed_and_read);
    suite_add_tcase(suite, records);
    tcase_add_checked_fixture(rows, unit_pool_open, unit_pool_close);
    tcase_add_test(rows, a_key_survives_and_its_pieces_do_not);
    tcase_add_test(rows, a_key_with_budgets_survives_and_its_pieces_do_not);
    tcase_add_test(rows, a_key_with_budgets_that_cannot_be_is_refused);
    tcase_add_test(rows, a_key_with_an_unknown_policy_is_refused);
    tcase_add_test(rows, a_team_survives_and_its_pieces_do_not);
    tcase_add_test(rows, totals_survive_and_their_pieces_do_not);
    tcase_add_test(rows, totals_add_up_what_records_say);
    suite_add_tcase(suite, rows);
    return suite;
}
