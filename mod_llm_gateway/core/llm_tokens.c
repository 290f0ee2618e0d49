/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Token estimates. The figures are the usual rule of thumb for byte-pair
 * encodings: English takes a little over four characters a token, scripts
 * outside ASCII about one; both err on the high side for prose.
 */
#include "core/llm_tokens.h"

#include <string.h>

/* A string longer than this without a blank is data, not text. */
#define DATA_LENGTH 256
/* What an image costs at least where it is counted in tokens at all. */
#define MEDIA_TOKENS 85
/* Deeper values are not looked at: the reader bounds the depth already. */
#define DEPTH_MAX 128

void llm_tally_add(llm_tally_t *tally, llm_text_t text)
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

apr_int64_t llm_tally_tokens(const llm_tally_t *tally)
{
    return (apr_int64_t)((tally->ascii + 3) / 4 + tally->wide);
}

static int is_media(llm_text_t text)
{
    return (text.len > 5 && !memcmp(text.data, "data:", 5))
           || (text.len > DATA_LENGTH && !memchr(text.data, ' ', text.len)
               && (unsigned char)text.data[0] < 0x80);
}

static void tally_value(llm_tally_t *tally, apr_int64_t *pmedia,
                        const llm_json_t *node, int depth)
{
    if (node->type == LLM_JSON_STRING) {
        llm_text_t text = llm_json_text(node);

        if (is_media(text)) {
            *pmedia += MEDIA_TOKENS;
        }
        else {
            llm_tally_add(tally, text);
        }
        return;
    }
    if (depth < DEPTH_MAX) {
        for (node = node->child; node; node = node->next) {
            tally_value(tally, pmedia, node, depth + 1);
        }
    }
}

apr_int64_t llm_tokens_of_request(const llm_json_t *doc)
{
    llm_tally_t tally = {0, 0};
    apr_int64_t media = 0;

    if (doc) {
        tally_value(&tally, &media, doc, 0);
    }
    return llm_tally_tokens(&tally) + media;
}
