/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tokens where a provider gives no count: an answer that was cut off, a server
 * without usage. Whatever comes from here is marked as estimated in the
 * record. docs/tokens.md tells users how, and how far off it was measured.
 *
 * A text is counted by an encoding where a vocabulary is there (llm_bpe.h):
 * exactly for OpenAI's models. Without one its characters are weighed by kind.
 * Other makers' models split the same text into more tokens or fewer; how many
 * more depends on the script, and is a property of the model's family. So is
 * what a provider puts around messages, tools and schemas.
 */
#ifndef LLM_TOKENS_H
#define LLM_TOKENS_H

#include "core/llm.h"
#include "core/llm_bpe.h"
#include "core/llm_json.h"

/* Kinds of characters that tokenizers treat alike. */
typedef enum {
    LLM_SCRIPT_ASCII,
    LLM_SCRIPT_ACCENTED, /* Latin letters outside ASCII */
    LLM_SCRIPT_GREEK,    /* and Cyrillic */
    LLM_SCRIPT_SEMITIC,  /* Hebrew, Arabic and their likes */
    LLM_SCRIPT_INDIC,    /* Devanagari to Lao */
    LLM_SCRIPT_EAST,     /* Han, kana, Hangul */
    LLM_SCRIPT_OTHER
} llm_script_e;
#define LLM_SCRIPTS ((int)LLM_SCRIPT_OTHER + 1)

/* How an image's size becomes tokens. */
typedef enum {
    LLM_IMAGE_FLAT,    /* `first` each */
    LLM_IMAGE_TILES,   /* `first`, and `each` for a square of 512 */
    LLM_IMAGE_PATCHES, /* `each` hundredths for a square of 32, at most 1536 */
    LLM_IMAGE_AREA     /* one for `each` pixels, at most `first` */
} llm_image_e;

typedef struct llm_image_price_t {
    llm_image_e kind;
    unsigned first, each;
    unsigned unknown; /* where the size cannot be seen: by URL, by id */
} llm_image_price_t;

/* Models whose requests are put together alike; all numbers are tokens, or
 * per cent where that is said. */
typedef struct llm_family_t {
    const char *name;
    unsigned percent[LLM_SCRIPTS]; /* its tokens for a hundred of o200k_base */
    unsigned base;                 /* of a chat: before the answer */
    unsigned frame;                /* around a message */
    unsigned call, result;         /* around a call of a tool, its result */
    unsigned thinking;             /* told to a model that is to think */
    unsigned keeps_thoughts;       /* 1: earlier thoughts are read again */
    unsigned tools, tools_alone;   /* before tools; where no system text is */
    unsigned tool;                 /* around a tool */
    unsigned tool_percent;         /* of its JSON; 0: an outline, not JSON */
    unsigned property;             /* of an outline: around a member */
    unsigned choice; /* of an outline: around a value of an enum */
    unsigned schema,
        schema_percent; /* before an answer's schema; of its JSON */
    llm_image_price_t image;
} llm_family_t;

/* How a model's tokens are counted. */
typedef struct llm_tokenizer_t {
    const llm_encoding_t *encoding; /* NULL: characters are weighed */
    const llm_family_t *family;     /* never NULL where it was found */
    unsigned tools, forced; /* what the provider puts before tools, more than
                               the family does; where a call is demanded */
} llm_tokenizer_t;

/* By llm_encodings.def, whatever the case of letters and behind prefixes like
 * "openai/" and "us.anthropic.". vocabulary and model may be NULL. */
llm_tokenizer_t llm_tokenizer_find(const llm_vocabulary_t *vocabulary,
                                   const char *model);
/* Of llm_families.c; NULL where there is none of that name. */
const llm_family_t *llm_family_find(const char *name);

/* Text as it passes. All zero is an empty tally that was not opened: it weighs
 * characters as for an unknown model. */
typedef struct llm_tally_t {
    const llm_family_t *family;        /* NULL: not opened */
    struct llm_counter_t *counter;     /* or NULL: characters are weighed */
    apr_uint64_t weights[LLM_SCRIPTS]; /* thousandths of o200k_base's tokens */
    unsigned char last;                /* the character before */
} llm_tally_t;

/* Has an empty tally count by the tokenizer. Takes memory of the pool, bounded
 * whatever passes. */
void llm_tally_open(llm_tally_t *tally, llm_tokenizer_t tokenizer,
                    apr_pool_t *pool);
/* run: whatever tells one text from another. Pieces of the same run that come
 * one after the other are one text. */
void llm_tally_add(llm_tally_t *tally, llm_text_t text, int run);
void llm_tally_add_plain(llm_tally_t *tally, llm_bytes_t text, int run);
/* So far; can be asked at any time, and costs what came since. */
apr_int64_t llm_tally_tokens(llm_tally_t *tally);

/* Input of a request in any client's dialect: what a model gets to read of it,
 * and what its provider is known to add. */
apr_int64_t llm_tokens_of_request(const llm_json_t *doc,
                                  llm_tokenizer_t tokenizer, apr_pool_t *pool);

/* Of an image or another medium. data: what was sent of it, as base64 or as a
 * data URL; none where it is elsewhere. coarse: it was asked to be looked at
 * in low detail. */
apr_int64_t llm_tokens_of_media(const llm_image_price_t *price, llm_text_t data,
                                int coarse, apr_pool_t *pool);

#endif /* LLM_TOKENS_H */
