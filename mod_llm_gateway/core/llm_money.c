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
