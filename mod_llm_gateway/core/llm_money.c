/* SPDX-License-Identifier: Apache-2.0 */
/* Money in integer nano-dollars: reading and printing decimal text. */
#include "core/llm_money.h"

#include <string.h>

#include <apr_strings.h>

#define DECIMALS 9
#define DOLLAR   ((llm_money_t)1000000000)

static int is_digit(const char *at, const char *end)
{
    return at < end && *at >= '0' && *at <= '9';
}

/* money * 10 + digit; 0 when it does not fit. */
static int push_digit(llm_money_t *money, char digit)
{
    int value = digit - '0';

    if (*money > (APR_INT64_MAX - value) / 10) {
        return 0;
    }
    *money = *money * 10 + value;
    return 1;
}

int llm_money_read(llm_money_t *pmoney, const char *text, apr_size_t len)
{
    const char *at = text, *end = text + len;
    llm_money_t money = 0;
    int decimals = 0;

    if (!is_digit(at, end)) {
        return 0;
    }
    for (; is_digit(at, end); ++at) {
        if (!push_digit(&money, *at)) {
            return 0;
        }
    }
    if (at < end && *at == '.') {
        if (!is_digit(++at, end)) {
            return 0;
        }
        for (; is_digit(at, end); ++at) {
            if (decimals == DECIMALS && *at != '0') {
                return 0; /* smaller than a nano-dollar */
            }
            if (decimals < DECIMALS) {
                if (!push_digit(&money, *at)) {
                    return 0;
                }
                ++decimals;
            }
        }
    }
    for (; decimals < DECIMALS; ++decimals) {
        if (!push_digit(&money, '0')) {
            return 0;
        }
    }
    if (at < end) {
        return 0;
    }
    *pmoney = money;
    return 1;
}

/* The digits of a number as written, its point and exponent apart. */
typedef struct number_t {
    const char *digits, *end; /* with the point between them, or none */
    int after;                /* digits behind the point */
    int exponent;
} number_t;

#define EXPONENT_MOST 400

static int read_number(number_t *number, const char *text, apr_size_t len)
{
    const char *at = text, *end = text + len;
    int sign = 1;

    memset(number, 0, sizeof(*number));
    number->digits = at;
    while (is_digit(at, end)) {
        ++at;
    }
    if (at == text) {
        return 0;
    }
    if (at < end && *at == '.') {
        const char *point = at++;

        while (is_digit(at, end)) {
            ++at;
        }
        number->after = (int)(at - point - 1);
    }
    number->end = at;
    if (at < end && (*at == 'e' || *at == 'E')) {
        ++at;
        if (at < end && (*at == '-' || *at == '+')) {
            sign = *at++ == '-' ? -1 : 1;
        }
        if (!is_digit(at, end)) {
            return 0;
        }
        for (; is_digit(at, end); ++at) {
            number->exponent = number->exponent * 10 + (*at - '0');
            if (number->exponent > EXPONENT_MOST) {
                return 0;
            }
        }
    }
    number->exponent *= sign;
    return at == end;
}

int llm_money_read_number(llm_money_t *pmoney, const char *text, apr_size_t len,
                          int shift)
{
    llm_money_t money = 0;
    const char *at;
    number_t number;
    int left; /* digits that still count; the next one behind them rounds */
    int half = 0, rest = 0;

    if (len > EXPONENT_MOST || !read_number(&number, text, len)) {
        return 0;
    }
    left = (int)(number.end - number.digits) - (number.after ? 1 : 0)
           - number.after + number.exponent + shift + DECIMALS;
    if (number.end > number.digits && number.end[-1] == '.') {
        --left; /* "1." has a point and nothing behind it */
    }
    for (at = number.digits; at < number.end; ++at) {
        if (*at == '.') {
            continue;
        }
        if (left > 0) {
            if (!push_digit(&money, *at)) {
                return 0;
            }
        }
        else {
            half |= left == 0 && *at >= '5';
            rest |= *at != '0';
        }
        --left;
    }
    for (; money && left > 0; --left) {
        if (!push_digit(&money, '0')) {
            return 0;
        }
    }
    if (half && money == APR_INT64_MAX) {
        return 0;
    }
    *pmoney = money + half;
    return rest ? 2 : 1;
}

const char *llm_money_print(llm_money_t money, apr_pool_t *pool)
{
    char *text, *end;

    if (money < 0) {
        return "unknown";
    }
    text = apr_psprintf(pool, "%" APR_INT64_T_FMT ".%09" APR_INT64_T_FMT,
                        money / DOLLAR, money % DOLLAR);
    end = text + strlen(text);
    while (end[-1] == '0' && end[-3] != '.') {
        --end;
    }
    *end = '\0';
    return text;
}

llm_money_t llm_money_add(llm_money_t a, llm_money_t b)
{
    if (a < 0 || b < 0) {
        return LLM_MONEY_UNKNOWN;
    }
    return a > APR_INT64_MAX - b ? APR_INT64_MAX : a + b;
}
