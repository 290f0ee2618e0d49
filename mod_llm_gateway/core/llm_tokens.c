/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counting text as it passes.
 *
 * By rule of thumb: English takes a little over four characters a token,
 * scripts outside ASCII about one; both err on the high side for prose.
 *
 * By an encoding: text is kept, unescaped, until there is a good deal of it,
 * because most answers end with the provider's own count and need no other.
 * Then what can no longer be changed by what follows is counted and forgotten.
 * So an answer is never held whole, and yet counted as if it were.
 */
#include "core/llm_tokens.h"

#include <string.h>

#include "core/llm_buf.h"
#include "core/llm_pattern.h"

/* Kept before it is counted. */
#define KEPT_MAX 16384
/* What may be left of it then: a longer piece without a boundary is cut. */
#define LEFT_MAX 4096

typedef struct llm_counter_t {
    llm_tokenizer_t tokenizer;
    apr_int64_t tokens; /* of what is forgotten */
    int run;            /* of what is kept */
    llm_buf_t *kept;
    apr_pool_t *decoded; /* of one call: text without its escapes */
    apr_pool_t *scratch; /* of one call: the encoder's */
} llm_counter_t;

/* ---- which encoding ---------------------------------------------------- */

static const struct {
    const char *model, *encoding;
    unsigned percent, tools;
} encodings[] = {
#define ENCODING(model, encoding, percent, tools)                              \
    {model, encoding, percent, tools},
#include "core/llm_encodings.def"
#undef ENCODING
};

llm_tokenizer_t llm_tokenizer_find(const llm_vocabulary_t *vocabulary,
                                   const char *model)
{
    llm_tokenizer_t tokenizer = {NULL, 100, 0};
    const char *slash = model ? strrchr(model, '/') : NULL;

    model = slash ? slash + 1 : model ? model : "";
    for (apr_size_t i = 0; i < sizeof(encodings) / sizeof(encodings[0]); ++i) {
        if (llm_pattern_match(encodings[i].model, model, NULL)) {
            tokenizer.encoding =
                llm_vocabulary_find(vocabulary, encodings[i].encoding);
            tokenizer.percent = encodings[i].percent;
            tokenizer.tools = encodings[i].tools;
            break;
        }
    }
    return tokenizer;
}

/* ---- by an encoding ---------------------------------------------------- */

void llm_tally_open(llm_tally_t *tally, llm_tokenizer_t tokenizer,
                    apr_pool_t *pool)
{
    llm_counter_t *counter;

    if (!tokenizer.encoding) {
        return;
    }
    counter = apr_pcalloc(pool, sizeof(*counter));
    counter->tokenizer = tokenizer;
    counter->kept = llm_buf_make(0, pool);
    apr_pool_create(&counter->decoded, pool);
    apr_pool_tag(counter->decoded, "llm_counter_decoded");
    apr_pool_create(&counter->scratch, pool);
    apr_pool_tag(counter->scratch, "llm_counter_scratch");
    tally->counter = counter;
}

/* Counts what is certain and forgets it. */
static void count_kept(llm_counter_t *counter)
{
    const llm_encoding_t *encoding = counter->tokenizer.encoding;
    apr_size_t used = 0;

    if (!counter->kept->len) {
        return;
    }
    counter->tokens += (apr_int64_t)llm_bpe_count_part(
        encoding, counter->kept->data, counter->kept->len, &used,
        counter->scratch);
    llm_buf_drop(counter->kept, used);
    apr_pool_clear(counter->scratch);
}

static apr_int64_t tokens_kept(llm_counter_t *counter)
{
    apr_size_t tokens;

    if (!counter->kept->len) {
        return 0;
    }
    tokens = llm_bpe_encode(counter->tokenizer.encoding, counter->kept->data,
                            counter->kept->len, NULL, counter->scratch);
    apr_pool_clear(counter->scratch);
    return (apr_int64_t)tokens;
}

static void end_run(llm_counter_t *counter)
{
    counter->tokens += tokens_kept(counter);
    llm_buf_clear(counter->kept);
}

static void keep(llm_counter_t *counter, const char *data, apr_size_t len,
                 int run)
{
    if (run != counter->run) {
        end_run(counter);
        counter->run = run;
    }
    while (len) {
        apr_size_t part = len < KEPT_MAX ? len : KEPT_MAX;

        llm_buf_append(counter->kept, data, part);
        data += part;
        len -= part;
        if (counter->kept->len >= KEPT_MAX) {
            count_kept(counter);
            if (counter->kept->len > LEFT_MAX) {
                end_run(counter);
            }
        }
    }
}

static apr_int64_t scaled(llm_tokenizer_t tokenizer, apr_int64_t tokens)
{
    return (tokens * (apr_int64_t)tokenizer.percent + 50) / 100;
}

/* ---- as it passes ------------------------------------------------------ */

static void tally_characters(llm_tally_t *tally, llm_text_t text)
{
    const char *at = text.data, *end = text.data + text.len;

    while (at < end) {
        unsigned char c = (unsigned char)*at;

        if (c == '\\') {
            int wide = at + 1 < end && at[1] == 'u';

            tally->ascii += !wide;
            tally->wide += (apr_uint64_t)wide;
            at += wide ? 6 : 2;
            continue;
        }
        tally->ascii += c < 0x80;
        tally->wide += c >= 0xc0; /* each character's first byte */
        ++at;
    }
}

void llm_tally_add_plain(llm_tally_t *tally, llm_bytes_t text, int run)
{
    if (!tally->counter) {
        llm_text_t same = {text.data, text.len};

        tally_characters(tally, same);
    }
    else if (text.len) {
        keep(tally->counter, text.data, text.len, run);
    }
}

void llm_tally_add(llm_tally_t *tally, llm_text_t text, int run)
{
    llm_bytes_t plain = {text.data, text.len};

    if (!tally->counter) {
        tally_characters(tally, text);
        return;
    }
    if (text.len && memchr(text.data, '\\', text.len)) {
        plain = llm_text_decode(text, tally->counter->decoded);
    }
    llm_tally_add_plain(tally, plain, run);
    apr_pool_clear(tally->counter->decoded);
}

apr_int64_t llm_tally_tokens(llm_tally_t *tally)
{
    llm_counter_t *counter = tally->counter;

    if (!counter) {
        return (apr_int64_t)((tally->ascii + 3) / 4 + tally->wide);
    }
    count_kept(counter);
    return scaled(counter->tokenizer, counter->tokens + tokens_kept(counter));
}
