/* SPDX-License-Identifier: MIT */
/* The arguments of db_failover, checked, with defaults. */
#ifndef EXAMPLES_DB_FAILOVER_OPTIONS_H
#define EXAMPLES_DB_FAILOVER_OPTIONS_H

#include "../common/check_spec.h"
#include "../common/lease_spec.h"

#include <infra/driver.h>
#include <infra/promotion.h>
#include <stdbool.h>

#define DBS_MAX 16u
#define DB_KEY_MAX INFRA_LEASE_NAME_MAX

/* A database; its id is its place among the arguments. */
struct db {
    const char *key;
    const char *name; /* ADDR:PORT as the user wrote it. */
    struct sockaddr_storage address;
    socklen_t address_size;
    uint32_t priority;
    uint32_t flags; /* INFRA_PROMOTION_FLAG_NEVER, _SYNC */
};

struct db_failover_options {
    struct lease_spec lease;
    const char *group;
    const char *agent;
    const char *on_primary; /* NULL: none. */
    const char *control;    /* NULL: none. */
    struct check_spec *check;
    bool is_mysql;         /* Else PostgreSQL. */
    infra_time check_time; /* Sum of the time-outs of a check. */
    infra_time inter;
    infra_time agent_timeout;
    uint32_t fall;
    struct infra_promotion_options promotion;
    struct db dbs[DBS_MAX];
    uint32_t dbs_count;
    const char *tell; /* Only send a command to this socket. */
    char **words;     /* The command, up to NULL. */
};

/* Read the arguments.  0: go on.  Else exit with @ret_status: help was printed
 * to stdout, or a message to stderr. */
int db_failover_options_read(struct db_failover_options *ret, int *ret_status,
                             int argc, char **argv);

#endif
