/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records to bytes and back: the formats of the journal and of the Berkeley
 * DB values. Every form begins with its version; numbers are little-endian in
 * values, big-endian in keys. docs/internals/store-format.md lists the bytes.
 *
 * A journal record is LLM_JOURNAL_RECORD bytes, which divides a page, so a
 * single write(2) of one is never cut by a kill; a CRC-32C covers it all the
 * same. A usage record fits with every string at its longest. What version 1
 * of the program wrote, half as long, is read for ever and never written.
 */
#ifndef STORE_CODEC_H
#define STORE_CODEC_H

#include "core/llm_abort.h"
#include "core/llm_budget.h"
#include "core/llm_buf.h"
#include "core/llm_record.h"

#define LLM_JOURNAL_RECORD   1024
#define LLM_JOURNAL_RECORD_1 512 /* of version 1 */

/* Into exactly LLM_JOURNAL_RECORD bytes. Counts above 2^40 - 1 are cut to
 * that; `began` must be a time between 1970 and 9999. */
void llm_codec_write_record(unsigned char *bytes, const llm_record_t *record);
/* From `size` bytes, one of the two above. 1; 0 when the CRC, the version, the
 * time or a length is wrong. */
int llm_codec_read_record(llm_record_t *record, const unsigned char *bytes,
                          apr_size_t size);

/* Why a journal record cannot be read. NEWER: a later version of the program
 * wrote it, whole as it is; it must be kept for a reader that knows it. */
typedef enum { LLM_CODEC_GOOD, LLM_CODEC_DAMAGED, LLM_CODEC_NEWER } llm_codec_e;
llm_codec_e llm_codec_judge(const unsigned char *bytes, apr_size_t size);

/* The same record as an event of the ledger: a key that sorts by time, and
 * the rest. `bytes` of a value: LLM_JOURNAL_RECORD; returns those used. */
#define LLM_EVENT_KEY (8 + LLM_RECORD_ID)
void llm_codec_write_event_key(unsigned char *bytes,
                               const llm_record_t *record);
apr_size_t llm_codec_write_event(unsigned char *bytes,
                                 const llm_record_t *record);
int llm_codec_read_event(llm_record_t *record, const unsigned char *key,
                         apr_size_t key_len, const unsigned char *bytes,
                         apr_size_t len);

/* A secret that was replaced and is still valid. */
typedef struct llm_former_t {
    unsigned char hash[32]; /* SHA-256 of it */
    apr_time_t until;       /* not valid from then on */
} llm_former_t;
#define LLM_FORMERS 4 /* of a key at once */

/* A client key as stored. */
typedef struct llm_key_t {
    apr_uint32_t id;        /* 1, 2, ...; never used again */
    unsigned char hash[32]; /* SHA-256 of the key */
    char name[65];
    char team[65];     /* "" none */
    char note[257];    /* "" none */
    char hint[12];     /* last 4 characters of the key, for lists */
    char models[1025]; /* patterns, comma separated; "" all */
    apr_time_t created;
    apr_time_t expires;   /* 0 never */
    apr_time_t revoked;   /* 0 not revoked */
    apr_uint32_t flags;   /* LLM_KEY_* */
    llm_abort_t on_abort; /* for its requests, or UNSAID */
    llm_former_t former[LLM_FORMERS];
    unsigned formers; /* how many there are */
    llm_budgets_t budgets;
} llm_key_t;
enum {
    LLM_KEY_DISABLED = 1 << 0,
    LLM_KEY_DELETED = 1 << 1 /* gone, but for the names in reports */
};

/* The longest value of a key, for those who read it into an array. */
#define LLM_CODEC_KEY_MAX 1800
void llm_codec_write_key(llm_buf_t *out, const llm_key_t *key);
int llm_codec_read_key(llm_key_t *key, const unsigned char *bytes,
                       apr_size_t len);

/* A team as stored, but for its name, which is the row's key. */
typedef struct llm_team_t {
    apr_time_t created;
    llm_budgets_t budgets;
    char note[257]; /* "" none */
} llm_team_t;

/* The longest value of a team. */
#define LLM_CODEC_TEAM_MAX 320
void llm_codec_write_team(llm_buf_t *out, const llm_team_t *team);
int llm_codec_read_team(llm_team_t *team, const unsigned char *bytes,
                        apr_size_t len);

/* What a rollup row sums. */
typedef struct llm_totals_t {
    apr_uint64_t requests, errors; /* errors: status >= 400, or none */
    apr_uint64_t aborted, killed, estimated, unpriced; /* requests so flagged */
    apr_uint64_t tokens[LLM_CLASSES];
    apr_uint64_t cost;                 /* nano-dollars of the priced ones */
    apr_uint64_t latency_ms, first_ms; /* sums */
} llm_totals_t;

/* The longest value of totals. */
#define LLM_CODEC_TOTALS_MAX 256
void llm_totals_add_record(llm_totals_t *totals, const llm_record_t *record);
void llm_totals_add(llm_totals_t *totals, const llm_totals_t *more);
/* In two's complement: what is added to later comes out right. */
void llm_totals_subtract(llm_totals_t *totals, const llm_totals_t *less);
void llm_codec_write_totals(llm_buf_t *out, const llm_totals_t *totals);
int llm_codec_read_totals(llm_totals_t *totals, const unsigned char *bytes,
                          apr_size_t len);
/* Adds what the row says, without a copy between. 0: it cannot be read, and
 * nothing was added. */
int llm_totals_add_row(llm_totals_t *totals, const unsigned char *bytes,
                       apr_size_t len);

#endif /* STORE_CODEC_H */
