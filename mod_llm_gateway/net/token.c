/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the kinds of tokens share: their table, options, forms, and the reading
 * of what a token server answers.
 *
 * A server is not believed. A token that could not stand in a header is none;
 * one that says nothing of its life lives five minutes, and none more than a
 * day. Its words for an error are shown when they are a code; its sentences go
 * to the log, redacted, and not at all where they quote the secret.
 */
#include "net/token.h"

#include <string.h>

#include <apr_base64.h>
#include <apr_lib.h>
#include <apr_strings.h>

#include "core/llm_json.h"
#include "core/llm_redact.h"

#define LIFE_UNSAID apr_time_from_sec(300)
#define LIFE_MAX    apr_time_from_sec(86400)
#define CODE_MAX    64

#define LLM_TOKEN_KIND(name) extern const llm_token_kind_t llm_token_##name;
#include "net/kinds.def"
#undef LLM_TOKEN_KIND

#define LLM_TOKEN_KIND(name) &llm_token_##name,
static const llm_token_kind_t *const kinds[] = {
#include "net/kinds.def"
};
#undef LLM_TOKEN_KIND
#define KINDS (sizeof(kinds) / sizeof(*kinds))

/* Of every kind: another address of the token server, what the token is for,
 * authorities to trust. */
static const char common_options[] = "url scope ca";

const llm_token_kind_t *llm_token_kind_find(const char *name)
{
    for (apr_size_t i = 0; i < KINDS; ++i) {
        if (!strcmp(kinds[i]->name, name)) {
            return kinds[i];
        }
    }
    return NULL;
}

const char *llm_token_kind_names(apr_pool_t *pool)
{
    const char *names = kinds[0]->name;

    for (apr_size_t i = 1; i < KINDS; ++i) {
        names = apr_pstrcat(pool, names, ", ", kinds[i]->name, NULL);
    }
    return names;
}

/* ---- options ----------------------------------------------------------- */

/* Is it one of the words? */
static int is_word(const char *words, const char *name, apr_size_t len)
{
    while (*words) {
        apr_size_t n = strcspn(words, " ");

        if (n == len && !strncmp(words, name, len)) {
            return 1;
        }
        words += n;
        words += strspn(words, " ");
    }
    return 0;
}

static const char *check_value(const char *name, const char *value,
                               apr_pool_t *pool)
{
    const char *what = NULL;

    if (!*value) {
        return apr_psprintf(pool, "expected %s= and a value", name);
    }
    if (!strcmp(name, "url")) {
        what = llm_net_check_url(value, pool);
    }
    else if ((!strcmp(name, "ca") || !strcmp(name, "federated"))
             && *value != '/') {
        what = "expected an absolute path";
    }
    for (; !what && *value; ++value) {
        if ((unsigned char)*value < ' ' || *value == 0x7F) {
            what = "there is a control character in it";
        }
    }
    return what ? apr_pstrcat(pool, name, "=: ", what, NULL) : NULL;
}

const char *llm_token_set_option(llm_token_source_t *source, const char *option,
                                 apr_pool_t *pool)
{
    apr_size_t len = strcspn(option, "=");
    const char *name = apr_pstrmemdup(pool, option, len), *what;

    if (!option[len]
        || (!is_word(common_options, name, len)
            && !is_word(source->kind->options, name, len))) {
        /* its value is not shown: it may be a secret */
        return apr_psprintf(pool, "expected name=value, the name one of %s%s%s",
                            source->kind->options,
                            *source->kind->options ? " " : "", common_options);
    }
    what = check_value(name, option + len + 1, pool);
    if (!what) {
        apr_table_set(source->options, name, option + len + 1);
    }
    return what;
}

const char *llm_token_option(const llm_token_source_t *source, const char *name,
                             const char *preset)
{
    const char *value = apr_table_get(source->options, name);

    return value ? value : preset;
}

const char *llm_token_check(const llm_token_source_t *source, apr_time_t now,
                            apr_pool_t *pool)
{
    llm_net_request_t request = {.url = NULL};
    const char *what;

    if (!source->secret && source->kind->needs_secret) {
        return apr_psprintf(pool, "expected %s by LLMKey",
                            source->kind->secret_is);
    }
    what = source->kind->ask(&request, source, now, pool);
    return what ? what : llm_net_check_url(request.url, pool);
}

/* ---- forms ------------------------------------------------------------- */

void llm_token_put(llm_buf_t *out, const char *name, const char *value)
{
    static const char hex[] = "0123456789ABCDEF";

    if (out->len) {
        llm_buf_putc(out, '&');
    }
    llm_buf_puts(out, name);
    llm_buf_putc(out, '=');
    for (; *value; ++value) {
        unsigned char c = (unsigned char)*value;

        if (apr_isalnum(c) || strchr("-._~", c)) {
            llm_buf_putc(out, (char)c);
        }
        else {
            llm_buf_putc(out, '%');
            llm_buf_putc(out, hex[c >> 4]);
            llm_buf_putc(out, hex[c & 15]);
        }
    }
}

const char *llm_token_basic(const char *name, const char *secret,
                            apr_pool_t *pool)
{
    char *pair = apr_pstrcat(pool, name, ":", secret, NULL);
    int len = (int)strlen(pair);
    char *encoded = apr_palloc(pool, (apr_size_t)apr_base64_encode_len(len));

    apr_base64_encode(encoded, pair, len);
    return apr_pstrcat(pool, "Authorization: Basic ", encoded, NULL);
}

/* ---- answers ----------------------------------------------------------- */

static int is_token(llm_bytes_t text)
{
    apr_size_t i;

    for (i = 0; i < text.len; ++i) {
        if ((unsigned char)text.data[i] <= ' '
            || (unsigned char)text.data[i] >= 0x7F) {
            return 0;
        }
    }
    return text.len && text.len <= LLM_TOKEN_MAX;
}

/* A number, or a string with one in it, as metadata servers have it. 0: it
 * says nothing that can be meant. */
static int read_life(apr_interval_time_t *plife, const llm_json_t *node)
{
    const llm_json_t *number = node;
    llm_text_t text = llm_json_text(node);
    apr_int64_t seconds;
    char digits[20];

    if (!node) {
        *plife = LIFE_UNSAID;
        return 1;
    }
    if (text.data) {
        if (!text.len || text.len >= sizeof(digits)) {
            return 0;
        }
        memcpy(digits, text.data, text.len);
        digits[text.len] = '\0';
        if (strspn(digits, "0123456789") != text.len) {
            return 0;
        }
        seconds = apr_atoi64(digits);
    }
    else if (!llm_json_int(number, &seconds)) {
        return 0;
    }
    if (seconds <= 0) {
        return 0;
    }
    *plife = seconds > apr_time_sec(LIFE_MAX) ? LIFE_MAX
                                              : apr_time_from_sec(seconds);
    return 1;
}

/* Is the secret in the text, or one of the strings of a key file? */
static int quotes_secret(const char *text, const llm_token_source_t *source,
                         apr_pool_t *pool)
{
    const llm_json_t *doc = NULL, *member;

    if (!source->secret) {
        return 0;
    }
    if (llm_json_read(&doc, source->secret, strlen(source->secret), NULL, pool)
        || doc->type != LLM_JSON_OBJECT) {
        return strstr(text, source->secret) != NULL;
    }
    for (member = doc->child; member; member = member->next) {
        const char *value = llm_json_string(member, pool);

        if (value && strlen(value) > 7 && strstr(text, value)
            && !llm_text_equals(member->name, "type")) {
            return 1;
        }
    }
    return 0;
}

/* A code: {"error":"invalid_client"}, {"errorCode":"BXNIM0415E"},
 * {"error":{"status":"PERMISSION_DENIED"}}. NULL: none that may be shown. */
static const char *code_in(const llm_json_t *doc,
                           const llm_token_source_t *source, apr_pool_t *pool)
{
    static const char *const names[] = {"error", "errorCode", "error_code",
                                        NULL};
    const llm_json_t *node = llm_json_path(doc, "error", "status", NULL);
    const char *code = llm_json_string(node, pool);
    const char *const *name;

    for (name = names; !code && *name; ++name) {
        code = llm_json_string(llm_json_get(doc, *name), pool);
    }
    if (!code || !*code || strlen(code) > CODE_MAX
        || strspn(code, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                        "0123456789_.-")
               != strlen(code)
        || strcmp(code, llm_redact(code, pool)) != 0
        || quotes_secret(code, source, pool)) {
        return NULL;
    }
    return code;
}

/* The server's sentence, for the log. */
static const char *sentence_in(const llm_json_t *doc,
                               const llm_token_source_t *source,
                               apr_pool_t *pool)
{
    static const char *const names[] = {"error_description", "errorMessage",
                                        "message", NULL};
    const char *sentence = NULL;
    const char *const *name;

    for (name = names; !sentence && *name; ++name) {
        sentence = llm_json_string(llm_json_get(doc, *name), pool);
    }
    if (!sentence) {
        sentence =
            llm_json_string(llm_json_path(doc, "error", "message", NULL), pool);
    }
    return sentence && !quotes_secret(sentence, source, pool)
               ? llm_redact(sentence, pool)
               : NULL;
}

static void refuse(llm_token_answer_t *token, const llm_token_source_t *source,
                   int status, const llm_json_t *doc, apr_pool_t *pool)
{
    const char *code = code_in(doc, source, pool);

    token->what = apr_psprintf(pool, "the token server answered %d%s%s", status,
                               code ? " " : "", code ? code : "");
    token->detail = sentence_in(doc, source, pool);
}

void llm_token_read(llm_token_answer_t *token, const llm_token_source_t *source,
                    const llm_net_answer_t *answer, apr_pool_t *pool)
{
    const llm_json_t *doc = NULL, *text;
    llm_bytes_t plain;

    memset(token, 0, sizeof(*token));
    if (!answer->status) {
        token->what = "the token server cannot be reached";
        token->detail = answer->what;
        return;
    }
    if (llm_json_read(&doc, answer->body.data, answer->body.len, NULL, pool)
        || doc->type != LLM_JSON_OBJECT) {
        doc = NULL;
    }
    if (answer->status != 200) {
        refuse(token, source, answer->status, doc, pool);
        return;
    }
    text = llm_json_get(doc, "access_token");
    plain = llm_text_decode(llm_json_text(text), pool);
    if (!llm_json_is(text, LLM_JSON_STRING) || !is_token(plain)) {
        token->what = doc ? "the token server's answer has no access_token "
                            "that can be used"
                          : "the token server's answer is no JSON object";
        return;
    }
    if (!read_life(&token->life, llm_json_want(doc, "expires_in"))) {
        token->what = "the token server's expires_in is no number of seconds";
        return;
    }
    token->text.data = plain.data;
    token->text.len = plain.len;
}
