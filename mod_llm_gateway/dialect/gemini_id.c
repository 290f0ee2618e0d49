/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Thought signatures, carried by the client.
 *
 * Gemini signs its thinking beside a function call and wants the signature
 * back with the call in the next turn. The gateway remembers nothing between
 * requests, so the signature travels in what every client returns unchanged,
 * the id of the tool call:
 *
 *     96c1su3s__gemini_gs_EpIDCo8DAQw51scL-dHf
 *     |         |      || ` the signature
 *     |         |      |` s: base64, with - and _ for + and /, "=" left out
 *     |         |      |  r: any other text, base64 of its bytes
 *     |         |      ` g: the id is Gemini's own; m: it was made here
 *     |         ` the mark
 *     ` the id
 *
 * Only letters, digits, - and _ are used, which is what the strictest client
 * (Anthropic's) allows in an id. A signature past the limit is left behind;
 * the next turn then says that there is none, which Gemini accepts.
 *
 * The signature of a text has no call to go with. It goes where Anthropic's
 * clients return signatures, into a thinking block, marked so that no other
 * provider's signature is taken for Gemini's.
 *
 * The other way round, a client that speaks Gemini's dialect gets what another
 * provider signed, or hid, as a thoughtSignature. That is base64 of bytes, and
 * clients decode it and write it anew in either alphabet; so the mark is among
 * the bytes: "llmgw:s:" and the signature, or "llmgw:r:" and hidden thinking.
 */
#include "dialect/gemini_internal.h"

#include <string.h>

#include <apr_base64.h>
#include <apr_lib.h>
#include <apr_strings.h>

#define MARK          "__gemini_"
#define TEXT_MARK     "gemini#"
#define WRAP_MARK     "llmgw:" /* six bytes: eight letters of base64 */
#define WRAP_MAX      4194304  /* hidden thinking may be long */
#define SIGNATURE_MAX 16384    /* the longest seen on a call has 5,900 bytes */

/* Canonical base64 of the standard alphabet? */
static int is_base64(const char *text, apr_size_t len)
{
    apr_size_t i, pad = 0;

    if (len % 4) {
        return 0;
    }
    for (i = 0; i < len; ++i) {
        if (text[i] == '=' && i + 2 >= len) {
            ++pad;
        }
        else if (pad
                 || !(apr_isalnum(text[i]) || text[i] == '+'
                      || text[i] == '/')) {
            return 0;
        }
    }
    return 1;
}

/* Between the alphabets of RFC 4648, sections 4 and 5. */
static void swap_letters(char *text, const char *from, const char *to)
{
    for (; *text; ++text) {
        if (*text == from[0]) {
            *text = to[0];
        }
        else if (*text == from[1]) {
            *text = to[1];
        }
    }
}

static void cut_padding(char *text)
{
    char *end = text + strlen(text);

    while (end > text && end[-1] == '=') {
        *--end = '\0';
    }
}

static char *with_padding(const char *text, apr_pool_t *pool)
{
    static const char *const pads[] = {"", "===", "==", "="};

    return apr_pstrcat(pool, text, pads[strlen(text) % 4], NULL);
}

const char *llm_gemini_id_pack(const char *id, int given, const char *signature,
                               apr_pool_t *pool)
{
    apr_size_t len = signature ? strlen(signature) : 0;
    int plain;
    char *text;

    if (!len || len > SIGNATURE_MAX || strstr(id, MARK)) {
        return id;
    }
    plain = is_base64(signature, len);
    if (plain) {
        text = apr_pstrmemdup(pool, signature, len);
    }
    else {
        text = apr_palloc(pool, (apr_size_t)apr_base64_encode_len((int)len));
        apr_base64_encode(text, signature, (int)len);
    }
    cut_padding(text);
    swap_letters(text, "+/", "-_");
    return apr_pstrcat(pool, id, MARK, given ? "g" : "m", plain ? "s" : "r",
                       "_", text, NULL);
}

/* NULL when it is not what llm_gemini_id_pack writes. */
static const char *read_signature(const char *text, int plain, apr_pool_t *pool)
{
    apr_size_t len = strlen(text);
    char *standard, *bytes;
    int count;

    if (!len || len > 2 * SIGNATURE_MAX || len % 4 == 1
        || strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                        "0123456789-_")
               != len) {
        return NULL;
    }
    standard = with_padding(text, pool);
    swap_letters(standard, "-_", "+/");
    if (plain) {
        return standard;
    }
    bytes = apr_palloc(pool, (apr_size_t)apr_base64_decode_len(standard) + 1);
    count = apr_base64_decode(bytes, standard);
    bytes[count] = '\0';
    return strlen(bytes) == (apr_size_t)count ? bytes : NULL;
}

/* Gemini's own ids are eight small letters and digits. */
static int is_gemini_id(const char *id)
{
    apr_size_t len = strspn(id, "abcdefghijklmnopqrstuvwxyz0123456789");

    return len == 8 && !id[len];
}

void llm_gemini_id_unpack(const char **pid, const char **psignature,
                          const char *packed, apr_pool_t *pool)
{
    const char *mark = packed ? strstr(packed, MARK) : NULL;
    const char *at = mark ? mark + sizeof(MARK) - 1 : NULL;

    *pid = NULL;
    *psignature = NULL;
    if (at && (at[0] == 'g' || at[0] == 'm') && (at[1] == 's' || at[1] == 'r')
        && at[2] == '_') {
        *psignature = read_signature(at + 3, at[1] == 's', pool);
        if (*psignature) {
            *pid = at[0] == 'g' ? apr_pstrmemdup(pool, packed,
                                                 (apr_size_t)(mark - packed))
                                : NULL;
            return;
        }
    }
    if (packed && is_gemini_id(packed)) {
        *pid = packed;
    }
}

llm_text_t llm_gemini_mark_signature(llm_text_t signature, apr_pool_t *pool)
{
    llm_text_t marked;

    marked.data =
        apr_pstrcat(pool, TEXT_MARK,
                    apr_pstrmemdup(pool, signature.data, signature.len), NULL);
    marked.len = sizeof(TEXT_MARK) - 1 + signature.len;
    return marked;
}

llm_text_t llm_gemini_own_signature(llm_text_t signature)
{
    apr_size_t len = sizeof(TEXT_MARK) - 1;

    if (signature.len <= len || memcmp(signature.data, TEXT_MARK, len)) {
        return LLM_TEXT_NONE;
    }
    signature.data += len;
    signature.len -= len;
    return signature;
}

llm_text_t llm_gemini_wrap(char kind, llm_text_t opaque, apr_pool_t *pool)
{
    llm_bytes_t plain = llm_text_decode(opaque, pool);
    char *bytes = apr_palloc(pool, sizeof(WRAP_MARK) + 1 + plain.len);
    apr_size_t len = sizeof(WRAP_MARK) - 1;
    llm_text_t wrapped;
    char *text;

    memcpy(bytes, WRAP_MARK, len);
    bytes[len++] = kind;
    bytes[len++] = ':';
    if (plain.len) { /* there may be nothing in it */
        memcpy(bytes + len, plain.data, plain.len);
    }
    len += plain.len;
    text = apr_palloc(pool, (apr_size_t)apr_base64_encode_len((int)len));
    apr_base64_encode(text, bytes, (int)len);
    wrapped.data = text;
    wrapped.len = strlen(text);
    return wrapped;
}

char llm_gemini_unwrap(llm_text_t *popaque, llm_text_t signature,
                       apr_pool_t *pool)
{
    apr_size_t mark = sizeof(WRAP_MARK) - 1, len;
    char *text, *bytes;

    *popaque = LLM_TEXT_NONE;
    if (signature.len < 11 || signature.len > WRAP_MAX
        || strncmp(signature.data, LLM_GEMINI_WRAPPED + 1,
                   sizeof(LLM_GEMINI_WRAPPED) - 2)) {
        return '\0';
    }
    text = apr_pstrmemdup(pool, signature.data, signature.len);
    swap_letters(text, "-_", "+/");
    cut_padding(text);
    text = with_padding(text, pool);
    bytes = apr_palloc(pool, (apr_size_t)apr_base64_decode_len(text) + 1);
    len = (apr_size_t)apr_base64_decode_binary((unsigned char *)bytes, text);
    if (len < mark + 2 || memcmp(bytes, WRAP_MARK, mark)
        || (bytes[mark] != 's' && bytes[mark] != 'r')
        || bytes[mark + 1] != ':') {
        return '\0';
    }
    *popaque = llm_text_escape(bytes + mark + 2, len - mark - 2, pool);
    return bytes[mark];
}
