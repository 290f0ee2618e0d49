/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Usage records to bytes and back.
 *
 * A journal record is a head of 28 bytes, a body, and zeros:
 *
 *    0  u32  CRC-32C of the bytes from 4 to the end of the body
 *    4  u16  end of the body, counted from 0
 *    6  u8   version
 *    7  u8   kind: 1, a usage record
 *    8  i64  began
 *   16  12   request id
 *   28       body
 *
 * The first eight bytes keep their places in every version, so that an older
 * program can tell a newer record from a damaged one. In the ledger the head
 * is replaced by the key and one byte for the version.
 *
 * Of the counts only those that are not zero are written; a mask says which.
 * It is how a class of tokens is added later without a new version. Version 1
 * ends with the eighth string; what it did not know is read as nothing.
 */
#include "store/codec.h"

#include "store/bytes.h"
#include "store/crc32c.h"

#include <stddef.h>
#include <string.h>

#define RECORD_VERSION 2
#define RECORD_KIND    1
#define HEAD           28
#define COUNT_BYTES    5
#define COUNT_MAX      ((apr_int64_t)((1ULL << (8 * COUNT_BYTES)) - 1))
/* Fixed members of the body: key to price_day, three of eight bytes, masks,
 * and behind the strings cache to drain_s. */
#define BODY_FIXED (4 + 4 + 2 + 2 + 4 + 4 + 4 + 3 * 8 + 3 * 2 + 1 + 1 + 2)
/* Midnight after 9999-12-31: what RFC 3339 can still say. */
#define TIME_END APR_INT64_C(253402300800000000)

/* Where the strings are, in the order they are written. */
static const struct {
    apr_size_t offset, size;
} strings[] = {
#define STRING(member)                                                         \
    {                                                                          \
        offsetof(llm_record_t, member), sizeof(((llm_record_t *)0)->member)    \
    }
    STRING(client),  STRING(provider), STRING(asked),   STRING(served),
    STRING(route),   STRING(finish),   STRING(user),    STRING(op),
    STRING(team),    STRING(tags),     STRING(variant), STRING(tier),
    STRING(problem),
#undef STRING
};
#define STRINGS   (sizeof(strings) / sizeof(strings[0]))
#define STRINGS_1 8 /* those of version 1 */

/* Each string has a byte for its length, which its terminator paid for. */
#define SIZE(member) sizeof(((llm_record_t *)0)->member)
typedef char every_record_fits
    [HEAD + BODY_FIXED + LLM_CLASSES * COUNT_BYTES + SIZE(client)
                 + SIZE(provider) + SIZE(asked) + SIZE(served) + SIZE(route)
                 + SIZE(finish) + SIZE(user) + SIZE(op) + SIZE(team)
                 + SIZE(tags) + SIZE(variant) + SIZE(tier) + SIZE(problem)
             <= LLM_JOURNAL_RECORD
         ? 1
         : -1];
#undef SIZE

static unsigned char *put(unsigned char *at, apr_uint64_t value, unsigned width)
{
    llm_le_put(at, value, width);
    return at + width;
}

static unsigned char *put_counts(unsigned char *at, const llm_usage_t *usage)
{
    unsigned char *mask = at;
    unsigned present = 0;
    int i;

    at += 2;
    for (i = 0; i < LLM_CLASSES; ++i) {
        apr_int64_t n = usage->n[i];

        if (n > 0) {
            present |= 1u << i;
            at = put(at, (apr_uint64_t)(n > COUNT_MAX ? COUNT_MAX : n),
                     COUNT_BYTES);
        }
    }
    llm_le_put(mask, present, 2);
    return at;
}

static unsigned char *put_body(unsigned char *at, const llm_record_t *record)
{
    apr_size_t i;

    at = put(at, record->key, 4);
    at = put(at, record->flags, 4);
    at = put(at, record->status, 2);
    at = put(at, record->attempts, 2);
    at = put(at, record->latency_ms, 4);
    at = put(at, record->first_ms, 4);
    at = put(at, record->price_day, 4);
    at = put(at, record->bytes_in, 8);
    at = put(at, record->bytes_out, 8);
    at = put(at, (apr_uint64_t)record->cost, 8);
    at = put(at, record->usage.known, 2);
    at = put(at, record->usage.estimated, 2);
    at = put_counts(at, &record->usage);
    for (i = 0; i < STRINGS; ++i) {
        const char *text = (const char *)record + strings[i].offset;
        apr_size_t len = strnlen(text, strings[i].size - 1);

        *at++ = (unsigned char)len;
        memcpy(at, text, len);
        at += len;
    }
    *at++ = record->cache;
    *at++ = record->on_abort;
    return put(at, record->drain_s, 2);
}

static void take_counts(llm_reader_t *reader, llm_usage_t *usage)
{
    unsigned present = (unsigned)llm_reader_number(reader, 2);
    int i;

    if (present >> LLM_CLASSES) {
        reader->failed = 1;
    }
    for (i = 0; i < LLM_CLASSES; ++i) {
        if (present & 1u << i) {
            usage->n[i] = (apr_int64_t)llm_reader_number(reader, COUNT_BYTES);
        }
    }
}

static void take_strings(llm_reader_t *reader, llm_record_t *record,
                         apr_size_t count)
{
    apr_size_t i;

    for (i = 0; i < count; ++i) {
        llm_reader_string(reader, (char *)record + strings[i].offset,
                          strings[i].size, 1);
    }
}

/* No bill is lost for a choice that is not known. */
static unsigned char take_choice(llm_reader_t *reader, unsigned last)
{
    apr_uint64_t choice = llm_reader_number(reader, 1);

    return choice <= last ? (unsigned char)choice : 0;
}

/* The body must end where the bytes do. */
static int take_body(llm_reader_t *reader, llm_record_t *record,
                     unsigned version)
{
    record->key = (apr_uint32_t)llm_reader_number(reader, 4);
    record->flags = (apr_uint32_t)llm_reader_number(reader, 4);
    record->status = (apr_uint16_t)llm_reader_number(reader, 2);
    record->attempts = (apr_uint16_t)llm_reader_number(reader, 2);
    record->latency_ms = (apr_uint32_t)llm_reader_number(reader, 4);
    record->first_ms = (apr_uint32_t)llm_reader_number(reader, 4);
    record->price_day = (apr_uint32_t)llm_reader_number(reader, 4);
    record->bytes_in = llm_reader_number(reader, 8);
    record->bytes_out = llm_reader_number(reader, 8);
    record->cost = (llm_money_t)llm_reader_number(reader, 8);
    record->usage.known = (unsigned)llm_reader_number(reader, 2);
    record->usage.estimated = (unsigned)llm_reader_number(reader, 2);
    take_counts(reader, &record->usage);
    take_strings(reader, record, version == 1 ? STRINGS_1 : STRINGS);
    if (version > 1) {
        record->cache = take_choice(reader, LLM_CACHE_HIT);
        record->on_abort = take_choice(reader, LLM_ON_ABORT_DRAIN);
        record->drain_s = (apr_uint16_t)llm_reader_number(reader, 2);
    }
    return llm_reader_is_done(reader) && record->began >= 0
           && record->began < TIME_END && record->cost >= LLM_MONEY_UNKNOWN;
}

void llm_codec_write_record(unsigned char *bytes, const llm_record_t *record)
{
    unsigned char *end;

    llm_le_put(bytes + 8, (apr_uint64_t)record->began, 8);
    memcpy(bytes + 16, record->id, LLM_RECORD_ID);
    end = put_body(bytes + HEAD, record);
    llm_le_put(bytes + 4, (apr_uint64_t)(end - bytes), 2);
    bytes[6] = RECORD_VERSION;
    bytes[7] = RECORD_KIND;
    llm_le_put(bytes, llm_crc32c(bytes + 4, (apr_size_t)(end - bytes) - 4), 4);
    memset(end, 0, LLM_JOURNAL_RECORD - (apr_size_t)(end - bytes));
}

llm_codec_e llm_codec_judge(const unsigned char *bytes, apr_size_t size)
{
    apr_size_t end = (apr_size_t)llm_le_get(bytes + 4, 2);

    if (end < HEAD || end > size
        || llm_crc32c(bytes + 4, end - 4) != llm_le_get(bytes, 4)
        || !bytes[6]) {
        return LLM_CODEC_DAMAGED;
    }
    return bytes[6] > RECORD_VERSION || bytes[7] != RECORD_KIND
               ? LLM_CODEC_NEWER
               : LLM_CODEC_GOOD;
}

int llm_codec_read_record(llm_record_t *record, const unsigned char *bytes,
                          apr_size_t size)
{
    llm_reader_t reader = {bytes + HEAD, NULL, 0};

    memset(record, 0, sizeof(*record));
    if (llm_codec_judge(bytes, size) != LLM_CODEC_GOOD) {
        return 0;
    }
    reader.end = bytes + llm_le_get(bytes + 4, 2);
    record->began = (apr_time_t)llm_le_get(bytes + 8, 8);
    memcpy(record->id, bytes + 16, LLM_RECORD_ID);
    return take_body(&reader, record, bytes[6]);
}

void llm_codec_write_event_key(unsigned char *bytes, const llm_record_t *record)
{
    llm_be_put(bytes, (apr_uint64_t)record->began, 8);
    memcpy(bytes + 8, record->id, LLM_RECORD_ID);
}

apr_size_t llm_codec_write_event(unsigned char *bytes,
                                 const llm_record_t *record)
{
    bytes[0] = RECORD_VERSION;
    return (apr_size_t)(put_body(bytes + 1, record) - bytes);
}

int llm_codec_read_event(llm_record_t *record, const unsigned char *key,
                         apr_size_t key_len, const unsigned char *bytes,
                         apr_size_t len)
{
    llm_reader_t reader = {bytes, bytes + len, 0};
    unsigned version = (unsigned)llm_reader_number(&reader, 1);

    memset(record, 0, sizeof(*record));
    if (key_len != LLM_EVENT_KEY || !version || version > RECORD_VERSION) {
        return 0;
    }
    record->began = (apr_time_t)llm_be_get(key, 8);
    memcpy(record->id, key + 8, LLM_RECORD_ID);
    return take_body(&reader, record, version);
}
