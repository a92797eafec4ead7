/* SPDX-License-Identifier: MIT */
/* The command line of db_router. */
#ifndef EXAMPLES_DB_ROUTER_OPTIONS_H
#define EXAMPLES_DB_ROUTER_OPTIONS_H

#include "failover_spec.h"
#include "worker.h"

struct options {
    struct node nodes[INFRA_ROUTER_NODES_MAX];
    struct address listen;
    const struct protocol *protocol;
    uint32_t sql_dialect; /* enum infra_sql_dialect: MySQL or MariaDB. */
    const struct infra_balancer_policy *policy;
    const char *users_path;
    struct db_users *users;
    const char *probe_user;
    const char *probe_database;
    char *probe_password; /* Wiped once the probes are made. */
    const char *server_version;
    struct failover_spec failover;
    struct tls_spec tls;
    uint32_t nodes_count;
    uint32_t workers;
    uint32_t fall;
    uint32_t share;        /* enum share */
    uint32_t consistency;  /* enum infra_session_consistency */
    uint32_t defers_begin; /* 1: --defer-begin. */
    uint32_t fallback;     /* enum infra_router_fallback */
    uint32_t fallback_rate;
    uint32_t replicas_min;
    uint32_t held_max;
    uint32_t clients_max;
    uint32_t servers_max;
    uint64_t message_max;
    infra_time sample_interval;
    infra_time probe_timeout;
    infra_time lag_max;
    infra_time lag_preferred;
    infra_time hold_max;
    infra_time wait_max;
    infra_time login_timeout;
    infra_time connect_timeout;
    infra_time queue_timeout;
    infra_time idle_timeout;
    infra_time server_idle_timeout;
    infra_time drain_timeout;
};

/* 0; or -1 with the status to exit with: the error is on stderr, or the help on
 * stdout. */
int options_read(struct options *ret, int *ret_status, int argc, char **argv);
void options_finish(struct options *o);
void options_help(void); /* On stdout. */

#endif
