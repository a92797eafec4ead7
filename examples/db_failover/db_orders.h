/* SPDX-License-Identifier: MIT */
/* Orders of the planner as programs that run: one at a time for each database,
 * in the order of the calls.  The same order again, while it still runs, is not
 * begun anew: the run answers the newest call.  Another one ends it. */
#ifndef EXAMPLES_DB_ORDERS_H
#define EXAMPLES_DB_ORDERS_H

#include "db_failover_options.h"

struct db_orders;

/* The word for an order, as the agent and --on-primary get it. */
const char *db_order_name(uint32_t kind);

/* Ask db_orders_next() after each SIGCHLD.  @limit: then a run is killed. */
struct db_orders *db_orders_create(const struct db_failover_options *options);

/* What runs is left to itself: an agent that is cut off in the middle does more
 * harm than one that ends by itself and is asked again. */
void db_orders_free(struct db_orders *orders);

/* Begin, or queue until what runs for the same database has ended. */
void db_orders_give(struct db_orders *orders,
                    const struct infra_promotion_event *order, infra_time now);

/* A run that has ended. */
struct db_order_end {
    struct infra_promotion_event order;
    uint32_t outcome; /* enum infra_order_outcome */
    int status;       /* As of wait(2); */
    infra_time took;
};

/* Take the next end. */
bool db_orders_next(struct db_orders *orders, infra_time now,
                    struct db_order_end *ret);

/* When db_orders_next() is to be called at the latest, if no child ends. */
infra_time db_orders_deadline(const struct db_orders *orders);

#endif
