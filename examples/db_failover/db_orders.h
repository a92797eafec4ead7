/* SPDX-License-Identifier: MIT */
/* Orders of the planner, run as programs: one at a time for each database, in
 * the order of the calls.  A repeated order does not start a second run; the
 * run answers the newest call.  Another order ends the run. */
#ifndef EXAMPLES_DB_ORDERS_H
#define EXAMPLES_DB_ORDERS_H

#include "db_failover_options.h"

struct db_orders;

/* The word for an order, as the agent and --on-primary get it. */
const char *db_order_name(uint32_t kind);

/* Call db_orders_next() after each SIGCHLD.  NULL: no memory. */
struct db_orders *db_orders_create(const struct db_failover_options *options);

/* Programs that run are left alone: an agent killed in the middle does more
 * harm than one that ends by itself and is asked again. */
void db_orders_free(struct db_orders *orders);

/* Start a run, or queue it until the run for the same database has ended. */
void db_orders_give(struct db_orders *orders,
                    const struct infra_promotion_event *order, infra_time now);

/* A run that has ended. */
struct db_order_end {
    struct infra_promotion_event order;
    uint32_t outcome; /* enum infra_order_outcome */
    int status;       /* As from wait(2). */
    infra_time took;
};

/* Take the next end. */
bool db_orders_next(struct db_orders *orders, infra_time now,
                    struct db_order_end *ret);

/* Latest time of the next db_orders_next(), if no child ends. */
infra_time db_orders_deadline(const struct db_orders *orders);

#endif
