/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of objects.db: whose something is that a provider keeps. */
#ifndef STORE_OBJECT_H
#define STORE_OBJECT_H

#include "store/bdb.h"

#include <apr_time.h>

/* When it was made; far in the future for a row that cannot be read. */
apr_time_t llm_object_made(llm_datum_t row);

#endif /* STORE_OBJECT_H */
