/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A store of an older format becomes one of this, in place.
 *
 *   1   no quota.db: it is made of rday.db. Usage records and journals of
 *       version 1 are read as they are.
 *   2   as the first builds had it, without rhour_model.db, rday_model.db and
 *       rday_key.db: they are made of rhour.db and rday.db.
 *
 * It can be killed at any moment and goes on where it stopped. The format is
 * raised first, so that the version before does not open a store that is half
 * way; there is no way back but a backup.
 */
#ifndef STORE_UPGRADE_H
#define STORE_UPGRADE_H

#include "store/inside.h"

/* With the tables open and the format checked (store->format), and before
 * anything else is read or written. */
apr_status_t llm_upgrade(llm_store_t *store);

#endif /* STORE_UPGRADE_H */
