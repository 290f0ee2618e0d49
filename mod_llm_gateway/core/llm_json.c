/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Looking into a JSON tree: members, strings, numbers.
 *
 * Integers are read from their digits, never by way of a double: 2^53 + 1 and
 * 1e3 are exact, 1.5 is no integer, and what does not fit is refused.
 */
#include "core/llm_json.h"

#include <locale.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

int llm_json_is(const llm_json_t *node, llm_json_e type)
{
    return node && node->type == type;
}

int llm_json_is_true(const llm_json_t *node)
{
    return llm_json_is(node, LLM_JSON_TRUE);
}

int llm_json_is_bool(const llm_json_t *node)
{
    return llm_json_is(node, LLM_JSON_TRUE)
           || llm_json_is(node, LLM_JSON_FALSE);
}

const llm_json_t *llm_json_member(const llm_json_t *node, const char *name,
                                  apr_size_t len)
{
    const llm_json_t *child, *found = NULL;

    if (llm_json_is(node, LLM_JSON_OBJECT)) {
        for (child = node->child; child; child = child->next) {
            if (llm_text_is(child->name, name, len)) {
                found = child; /* of duplicates the last one counts */
            }
        }
    }
    return found;
}

const llm_json_t *llm_json_path(const llm_json_t *node, ...)
{
    va_list names;
    const char *name;

    va_start(names, node);
    while (node && (name = va_arg(names, const char *)) != NULL) {
        node = llm_json_get(node, name);
    }
    va_end(names);
    return node;
}

const llm_json_t *llm_json_at(const llm_json_t *array, unsigned index)
{
    const llm_json_t *child = NULL;

    if (llm_json_is(array, LLM_JSON_ARRAY) && index < array->count) {
        for (child = array->child; index; --index) {
            child = child->next;
        }
    }
    return child;
}

llm_text_t llm_json_text(const llm_json_t *node)
{
    llm_text_t text = LLM_TEXT_NONE;

    if (llm_json_is(node, LLM_JSON_STRING)) {
        text.data = node->raw.data + 1;
        text.len = node->raw.len - 2;
    }
    return text;
}

int llm_json_equals(const llm_json_t *node, const char *plain)
{
    return llm_text_equals(llm_json_text(node), plain);
}

const char *llm_json_string(const llm_json_t *node, apr_pool_t *pool)
{
    return llm_text_string(llm_json_text(node), pool);
}

/* A number in pieces: digits * 10^exponent. */
typedef struct decimal_t {
    int negative;
    apr_uint64_t digits; /* significant ones, trailing zeros taken off */
    apr_int64_t exponent;
} decimal_t;

/* value * 10^power; 0 when it does not fit. */
static int scale(apr_uint64_t *value, apr_int64_t power)
{
    for (; power > 0 && *value; --power) {
        if (*value > APR_UINT64_MAX / 10) {
            return 0;
        }
        *value *= 10;
    }
    return 1;
}

/* What stands after the "e"; capped, since so many digits can be nothing
 * but zero or out of range. */
static apr_int64_t read_exponent(const char *at, const char *end)
{
    apr_int64_t exponent = 0;
    int negative = *at == '-';

    if (*at == '-' || *at == '+') {
        ++at;
    }
    for (; at < end && exponent < APR_INT32_MAX; ++at) {
        exponent = exponent * 10 + (*at - '0');
    }
    return negative ? -exponent : exponent;
}

/* 0 when there are more significant digits than 64 bits hold. */
static int read_decimal(decimal_t *decimal, const char *at, const char *end)
{
    apr_int64_t zeros = 0; /* met since the last other digit */
    int fraction = 0;

    decimal->negative = *at == '-';
    decimal->digits = 0;
    decimal->exponent = 0;
    for (at += decimal->negative; at < end && (*at | 0x20) != 'e'; ++at) {
        if (*at == '.') {
            fraction = 1;
            continue;
        }
        decimal->exponent -= fraction;
        if (*at == '0') {
            ++zeros;
            continue;
        }
        if (!scale(&decimal->digits, zeros + 1)
            || decimal->digits > APR_UINT64_MAX - (apr_uint64_t)(*at - '0')) {
            return 0;
        }
        decimal->digits += (apr_uint64_t)(*at - '0');
        zeros = 0;
    }
    decimal->exponent += zeros;
    if (at < end) {
        decimal->exponent += read_exponent(at + 1, end);
    }
    return 1;
}

int llm_json_int(const llm_json_t *node, apr_int64_t *value)
{
    decimal_t decimal;
    apr_uint64_t limit;

    if (!llm_json_is(node, LLM_JSON_NUMBER)
        || !read_decimal(&decimal, node->raw.data,
                         node->raw.data + node->raw.len)) {
        return 0;
    }
    if (decimal.digits
        && (decimal.exponent < 0
            || !scale(&decimal.digits, decimal.exponent))) {
        return 0;
    }
    limit = (apr_uint64_t)APR_INT64_MAX + (unsigned)decimal.negative;
    if (decimal.digits > limit) {
        return 0;
    }
    *value =
        (apr_int64_t)(decimal.negative ? 0 - decimal.digits : decimal.digits);
    return 1;
}

/* strtod with a point for a point, whatever locale the process is in. */
static double read_double(const char *text)
{
    locale_t plain = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    locale_t saved = plain ? uselocale(plain) : (locale_t)0;
    double value = strtod(text, NULL);

    if (plain) {
        uselocale(saved);
        freelocale(plain);
    }
    return value;
}

int llm_json_double(const llm_json_t *node, double *value)
{
    char small[64], *text = small;
    double number;

    if (!llm_json_is(node, LLM_JSON_NUMBER)) {
        return 0;
    }
    if (node->raw.len >= sizeof(small)) {
        text = malloc(node->raw.len + 1);
        if (!text) {
            return 0;
        }
    }
    memcpy(text, node->raw.data, node->raw.len);
    text[node->raw.len] = '\0';
    number = read_double(text);
    if (text != small) {
        free(text);
    }
    if (!isfinite(number)) {
        return 0;
    }
    *value = number;
    return 1;
}

void llm_json_put(llm_buf_t *buf, const llm_json_t *node)
{
    llm_buf_append(buf, node->raw.data, node->raw.len);
}
