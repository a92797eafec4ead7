/* SPDX-License-Identifier: MIT */
/* The store of the group: the lease with its elector, and beside it the record
 * of the primary. */
#ifndef EXAMPLES_DB_STORE_H
#define EXAMPLES_DB_STORE_H

#include "../common/lease_store.h"
#include "../common/token_floor.h"
#include "db_record.h"

struct db_store {
    const struct db_failover_options *options;
    struct infra_gate gate;
    struct lease_access access;
    struct lease_store store;
    struct infra_promotion_event asked; /* About the record; call 0: none. */
    struct db_named named;              /* The record, as intended. */
    struct token_floor floor;
    struct token_floors floor_file; /* Of it. */
};

/* False, with a message: it failed. */
bool db_store_open(struct db_store *store, struct infra_driver *driver,
                   const struct db_failover_options *options);
void db_store_close(struct db_store *store);

/* Carry out READ_RECORD or a RECORD_* event. */
void db_store_ask(struct db_store *store,
                  const struct infra_promotion_event *event, infra_time now);

/* Take the answer of the store; after READ_RECORD and DONE also the record. */
bool db_store_next(struct db_store *store, infra_time now,
                   struct infra_promotion_event *ret_asked,
                   uint32_t *ret_outcome, struct db_named *ret);

/* Save the greatest token seen, if it is new.  A message for the log, or
 * NULL. */
const char *db_store_keep_floor(struct db_store *store);

#endif
