/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Money in integer nano-dollars (10^-9 USD). No floating point anywhere.
 */
#ifndef LLM_MONEY_H
#define LLM_MONEY_H

#include "core/llm.h"

typedef apr_int64_t llm_money_t; /* nano-dollars; 2^63 is 9.2 billion USD */
#define LLM_MONEY_UNKNOWN ((llm_money_t)-1) /* costs are never negative */

/* "0.0375" dollars to nano-dollars. Decimal text only, at most nine decimals
 * that matter. 0 when it is not a plain non-negative decimal in range. */
int llm_money_read(llm_money_t *pmoney, const char *text, apr_size_t len);
/* A JSON number ("1.5e-06") of dollars times 10^shift to nano-dollars, without
 * floating point. 1; 2 when it was rounded (half up); 0 when it is no such
 * number, negative or out of range. */
int llm_money_read_number(llm_money_t *pmoney, const char *text, apr_size_t len,
                          int shift);
/* "0.0000375": trailing zeros cut to at least two decimals ("0.00");
 * "unknown" for LLM_MONEY_UNKNOWN. */
const char *llm_money_print(llm_money_t money, apr_pool_t *pool);
/* Sum that sticks at the maximum; unknown stays unknown. */
llm_money_t llm_money_add(llm_money_t a, llm_money_t b);

#endif /* LLM_MONEY_H */
