/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What may appear in a log or an error text: never a key.
 *
 * Wherever a word begins it is asked: do a provider's keys begin like this;
 * does it name a credential that follows ("Bearer ...", "key=..."); or is it
 * so long and mixed that it can be little else, since some providers' keys
 * have no prefix? Then all but the first characters go. Better too much is
 * cut than too little: a request id lost costs less than a key shown.
 */
#include "core/llm_redact.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "core/llm_utf8.h"

#define TEXT_MOST 4096 /* of the text; what is longer is cut */
#define SHOWN     4    /* characters of a key after its prefix */
#define KEY_LEAST 8    /* after its prefix; less is no key */
#define MIX_LEAST 32   /* letters and digits in one go: a key without prefix */

/* How the keys of providers and clouds begin. */
static const char *const prefixes[] = {
    "sk-",    "sk_",   "llmgw-", "hf_",      "AIza",        "AQ.",
    "ya29.",  "gsk_",  "xai-",   "r8_",      "fw_",         "csk-",
    "nvapi-", "pplx-", "tgp_",   "AKIA",     "ASIA",        "eyJ",
    "ghp_",   "pk-",   "glpat-", "api_org_", "github_pat_",
};

/* What names a credential that follows it, with what stands between. */
static const char *const labels[] = {
    "Bearer ", "Basic ",  "key=",    "key\":",    "api-key:", "api_key:",
    "token=",  "secret=", "apikey=", "password=", "passwd=",  "token\":",
};

/* Headers that carry credentials. */
static const char *const secret_headers[] = {
    "Authorization",
    "Proxy-Authorization",
    "Cookie",
    "Set-Cookie",
    "api-key",
    "x-api-key",
    "x-client-api-key",
    "x-goog-api-key",
    "x-amz-security-token",
};

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

/* May the character be part of a credential? Some are shown half masked. */
static int is_key_char(char c)
{
    return isalnum((unsigned char)c) || (c && strchr("_-.+/~=*", c));
}

static apr_size_t key_length(const char *at, const char *end)
{
    const char *begin = at;

    while (at < end && is_key_char(*at)) {
        ++at;
    }
    return (apr_size_t)(at - begin);
}

/* Length of the key's prefix that stands at `at`, 0 when there is none. */
static apr_size_t prefix_length(const char *at, const char *end)
{
    apr_size_t i, len;

    for (i = 0; i < COUNT(prefixes); ++i) {
        len = strlen(prefixes[i]);
        if ((apr_size_t)(end - at) >= len && !memcmp(at, prefixes[i], len)
            && key_length(at, end) >= len + KEY_LEAST) {
            return len;
        }
    }
    return 0;
}

/* Length of a label and of the blanks and the quote after it, or 0. */
static apr_size_t label_length(const char *at, const char *end)
{
    apr_size_t i, len;

    for (i = 0; i < COUNT(labels); ++i) {
        len = strlen(labels[i]);
        if ((apr_size_t)(end - at) >= len && !strncasecmp(at, labels[i], len)) {
            while (at + len < end && (at[len] == ' ' || at[len] == '"')) {
                ++len;
            }
            return len;
        }
    }
    return 0;
}

/* A run of letters and digits, both of them, that is too long for a word. */
static int is_mixed(const char *at, const char *end)
{
    const char *begin = at;
    int letters = 0, digits = 0;

    for (; at < end && isalnum((unsigned char)*at); ++at) {
        if (isdigit((unsigned char)*at)) {
            ++digits;
        }
        else {
            ++letters;
        }
    }
    return at - begin >= MIX_LEAST && letters && digits;
}

/* Does a credential begin at `at`, where a word begins? Then *pkeep is what
 * may be shown of it and the result what it is long, else 0. */
static apr_size_t credential_length(const char *at, const char *end,
                                    apr_size_t *pkeep)
{
    apr_size_t len = prefix_length(at, end);

    if (len) {
        *pkeep = len + SHOWN;
        return key_length(at, end);
    }
    len = label_length(at, end);
    if (len) {
        apr_size_t rest = key_length(at + len, end);

        *pkeep = len;
        return rest ? len + rest : 0;
    }
    *pkeep = SHOWN;
    return is_mixed(at, end) ? key_length(at, end) : 0;
}

/* The text's length, or where its last whole character before TEXT_MOST
 * ends. */
static apr_size_t bounded_length(const char *text)
{
    apr_size_t len = strnlen(text, TEXT_MOST + 1);

    if (len > TEXT_MOST) {
        len = TEXT_MOST;
        while (len && llm_utf8_is_tail(text[len])) {
            --len;
        }
    }
    return len;
}

const char *llm_redact(const char *text, apr_pool_t *pool)
{
    apr_size_t len, skip, keep;
    const char *at = text, *end;
    char *copy, *out;
    int in_word = 0;

    if (!text) {
        return "";
    }
    len = bounded_length(text);
    end = text + len;
    /* the shortest credential, one character, becomes three dots */
    out = copy = apr_palloc(pool, 3 * len + 4);
    while (at < end) {
        skip = in_word ? 0 : credential_length(at, end, &keep);
        in_word = isalnum((unsigned char)*at) != 0;
        if (skip) {
            memcpy(out, at, keep);
            memcpy(out + keep, "...", 3);
            out += keep + 3;
            at += skip;
        }
        else {
            *out++ = iscntrl((unsigned char)*at) ? ' ' : *at;
            ++at;
        }
    }
    if (text[len]) {
        memcpy(out, "...", 3);
        out += 3;
    }
    *out = '\0';
    return copy;
}

int llm_redact_is_secret_header(const char *name)
{
    apr_size_t i;

    for (i = 0; i < COUNT(secret_headers); ++i) {
        if (!strcasecmp(secret_headers[i], name)) {
            return 1;
        }
    }
    return 0;
}
