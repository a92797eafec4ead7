/* SPDX-License-Identifier: MIT */
/* The arguments of db_failover, checked and with their defaults. */
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
    const char *on_primary; /* NULL: nobody is told. */
    const char *control;    /* NULL: no commands. */
    struct check_spec *check;
    bool is_mysql;         /* What is checked; else PostgreSQL. */
    infra_time check_time; /* The time-outs of a check, together. */
    infra_time inter;
    infra_time agent_timeout;
    uint32_t fall;
    struct infra_promotion_options promotion;
    struct db dbs[DBS_MAX];
    uint32_t dbs_count;
    const char *tell; /* The socket to send a command to, and nothing else. */
    char **words;     /* What it says, up to NULL. */
};

/* Read the arguments.  0: go on; else exit with the status in @ret_status: help
 * was printed to stdout, or what is wrong to stderr. */
int db_failover_options_read(struct db_failover_options *ret, int *ret_status,
                             int argc, char **argv);

#endif
