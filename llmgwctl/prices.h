/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The prices in force, as llmgwctl sees them: what was set and imported, from
 * the store, over the file the gateway was configured with.
 */
#ifndef CTL_PRICES_H
#define CTL_PRICES_H

#include "core/llm_price.h"
#include "llmgwctl/ctl.h"

typedef struct ctl_prices_t {
    llm_price_book_t book;
    const char *file;             /* of the book's last layer, or NULL */
    apr_array_header_t *imported; /* of const llm_json_t *: the entries */
    const llm_json_t *configured; /* store/prices.h: models.json, or NULL */
} ctl_prices_t;

/* --file FILE: that list alone, and no store is asked. Else the store's, over
 * $LLMGW_PRICES, or the gateway's file, or the installed one if it is there. */
int ctl_prices_load(ctl_prices_t *prices, ctl_t *ctl);
/* A list in any form that `price import` takes, and no other; of the store only
 * `configured`. */
int ctl_prices_load_any(ctl_prices_t *prices, ctl_t *ctl, const char *path);
/* The same, but a file that cannot be used is left out, with *pwrong set to
 * what is wrong with it; NULL: nothing. */
int ctl_prices_try(ctl_prices_t *prices, const char **pwrong, ctl_t *ctl);
/* Is there a price? */
int ctl_prices_has(const ctl_prices_t *prices, const char *provider,
                   const char *dialect, const char *model);
/* The same, for a model by the name it answered with. */
int ctl_prices_has_used(const ctl_prices_t *prices, const char *provider,
                        const char *model, apr_pool_t *pool);
/* The dialect of a configured provider; NULL: the store does not know. */
const char *ctl_prices_dialect(const ctl_prices_t *prices, const char *provider,
                               apr_pool_t *pool);

/* cmd_price_edit.c */
int ctl_price_set(ctl_t *ctl);
int ctl_price_unset(ctl_t *ctl);
extern const ctl_option_t ctl_price_set_options[];
/* cmd_price_import.c */
int ctl_price_import(ctl_t *ctl);
extern const ctl_option_t ctl_price_import_options[];
/* cmd_price_check.c */
int ctl_price_check(ctl_t *ctl);
extern const ctl_option_t ctl_price_check_options[];

#endif /* CTL_PRICES_H */
