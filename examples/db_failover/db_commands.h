/* SPDX-License-Identifier: MIT */
/* What db_failover has in hand, what it tells, and what it does when it is told
 * to. */
#ifndef EXAMPLES_DB_COMMANDS_H
#define EXAMPLES_DB_COMMANDS_H

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
    infra_time leaves_at;                        /* 0: it stays. */
};

/* Begin the log, to stdout (log.h). */
void db_log_open(uint32_t dbs_count);

/* A line of the log, with the time before it. */
void db_note(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Its key; "-" for nobody. */
const char *db_key(const struct db_failover_options *o, uint32_t db);

/* Do what a command says, and answer: "ok ..." or "no ...". @text is taken apart
 * in place. */
void db_obey(struct host *h, char *text, infra_time now, char *answer,
             size_t size);

#endif
