/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The usage record: what one client request used, as kept in the ledger.
 *
 * Every request that was admitted leaves exactly one, whatever became of it.
 * It holds no prompt and no answer text. Strings are bounded here already, so
 * that a record always fits its 1024 bytes on disk (store/codec.h): longer
 * ones are cut at a character's border.
 */
#ifndef LLM_RECORD_H
#define LLM_RECORD_H

#include "core/llm_money.h"
#include "core/llm_usage.h"

#define LLM_RECORD_ID      12 /* random bytes; "req_" + 24 hex digits */
#define LLM_RECORD_ID_TEXT 29 /* with its terminator */

/* Flags of a record. */
enum {
    LLM_RECORD_STREAM = 1 << 0,    /* the answer was streamed */
    LLM_RECORD_ABORTED = 1 << 1,   /* the client left before the end */
    LLM_RECORD_KILLED = 1 << 2,    /* our process died; written for it */
    LLM_RECORD_ESTIMATED = 1 << 3, /* some count is ours, not the provider's */
    LLM_RECORD_UNPRICED = 1 << 4,  /* cost unknown: no price */
    LLM_RECORD_CACHED = 1 << 5,    /* answered from the gateway's cache */
    LLM_RECORD_FILTER = 1 << 6,    /* filter mode */
    LLM_RECORD_NATIVE = 1 << 7,    /* native route */
    LLM_RECORD_ANONYMOUS = 1 << 8, /* no key was needed */
    LLM_RECORD_GUESSED = 1 << 9,   /* cost by another model's price, because
                                      this one has none */
    LLM_RECORD_RERATED = 1 << 10,  /* cost changed after the fact */
    LLM_RECORD_AGAIN = 1 << 11     /* its id is made of what it is about: it may
                                      be put again, and counts once */
};

/* What the gateway's cache had to do with a request. */
typedef enum {
    LLM_CACHE_NONE, /* no cache was asked */
    LLM_CACHE_MISS,
    LLM_CACHE_BYPASS,
    LLM_CACHE_HIT
} llm_cache_e;

/* What was in force for the case that the client leaves in mid-answer. */
typedef enum {
    LLM_ON_ABORT_UNSAID,
    LLM_ON_ABORT_ABORT, /* hang up on the provider */
    LLM_ON_ABORT_DRAIN  /* read its answer to the end, or for a while */
} llm_on_abort_e;

typedef struct llm_record_t {
    unsigned char id[LLM_RECORD_ID];
    apr_time_t began;        /* microseconds since 1970 */
    apr_uint32_t key;        /* key id; 0 anonymous */
    apr_uint32_t flags;      /* LLM_RECORD_* */
    apr_uint16_t status;     /* HTTP status the client got; 0 none sent */
    apr_uint16_t attempts;   /* upstream attempts made */
    apr_uint32_t latency_ms; /* until the last byte */
    apr_uint32_t first_ms;   /* until the first token; 0 none */
    apr_uint32_t price_day;  /* day of the price list used; 0 none */
    apr_uint64_t bytes_in, bytes_out; /* of the bodies, client side */
    llm_usage_t usage;                /* counts up to 2^40 each */
    llm_money_t cost;                 /* or LLM_MONEY_UNKNOWN */
    /* Terminated; "" when there is none. */
    char client[24];   /* client's dialect */
    char provider[40]; /* configured name */
    char asked[96];    /* model as the client wrote it */
    char served[96];   /* model as the provider was asked, or
                          as it said */
    char route[48];    /* the <LLMModel> that matched */
    char finish[20];
    char user[40];       /* end user, as the request said */
    char op[12];         /* "chat", "embed", "native" */
    char team[65];       /* of the key, when it asked */
    char tags[200];      /* "name=value" or words, comma separated */
    char variant[24];    /* of an experiment */
    char tier[16];       /* the provider's service tier */
    char problem[24];    /* llm_problem_name() of why the client got an error */
    unsigned char cache; /* llm_cache_e */
    unsigned char on_abort; /* llm_on_abort_e */
    apr_uint16_t drain_s;   /* longest drain; 0 without an end */
} llm_record_t;

/* Copies, cut at a UTF-8 border so that it fits; NULL gives "". */
void llm_record_set(char *field, apr_size_t size, const char *value);
#define LLM_RECORD_SET(record, member, value)                                  \
    llm_record_set((record)->member, sizeof((record)->member), (value))

/* As records have it: "stop", "content_filter"; "" for NONE. */
const char *llm_finish_name(llm_finish_e finish);

/* text: LLM_RECORD_ID_TEXT bytes. Reading returns 0 for anything else. */
void llm_record_id_print(char *text, const unsigned char *id);
int llm_record_id_read(unsigned char *id, const char *text);

#endif /* LLM_RECORD_H */
