/* SPDX-License-Identifier: MIT */
/* The parts of db_failover, as its main loop holds them. */
#ifndef EXAMPLES_DB_HOST_H
#define EXAMPLES_DB_HOST_H

#include "db_orders.h"
#include "db_store.h"
#include "db_watch.h"

struct host {
    struct db_failover_options options;
    struct infra_driver *driver;
    struct db_store store;
    struct db_watch *watch;
    struct db_orders *orders;
    struct infra_promotion *plan;
    struct infra_promotion_sample seen[DBS_MAX]; /* The last of each. */
    int control;                                 /* -1: none. */
    infra_time leaves_at; /* Limit for giving back the lease; 0: it stays. */
};

#endif
