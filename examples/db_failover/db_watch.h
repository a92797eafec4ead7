/* SPDX-License-Identifier: MIT */
/* Checks of the databases, as samples for the planner. */
#ifndef EXAMPLES_DB_WATCH_H
#define EXAMPLES_DB_WATCH_H

#include "db_failover_options.h"

struct db_watch;

/* NULL, with a message: it failed. */
struct db_watch *db_watch_create(struct infra_driver *driver,
                                 const struct db_failover_options *options,
                                 uint64_t seed);
void db_watch_destroy(struct db_watch *watch);

/* Take the next sample.  Call it after each step of the driver, with the time
 * of that step. */
bool db_watch_next(struct db_watch *watch, infra_time now, uint32_t *ret_db,
                   struct infra_promotion_sample *ret);

/* Check a database soon, after an order to it. */
void db_watch_look(struct db_watch *watch, uint32_t db, infra_time now);

/* How the last check ended. */
const char *db_watch_reason(const struct db_watch *watch, uint32_t db);

#endif
