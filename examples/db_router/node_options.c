/* SPDX-License-Identifier: MIT */
#include "node_options.h"

/* Timeline and insert position, see node_options.h. */
static const char pg_question[] =
    "SELECT CASE WHEN pg_is_in_recovery() THEN 0 ELSE"
    " ('x' || substr(pg_walfile_name(pg_current_wal_insert_lsn()), 1, 8))"
    "::bit(32)::bigint::numeric * 281474976710656 +"
    " (pg_current_wal_insert_lsn() - '0/0'::pg_lsn) END";

int node_router(struct infra_router **ret, const struct options *o)
{
    const struct infra_router_options options = {
        .size = sizeof options,
        .nodes_max = INFRA_ROUTER_NODES_MAX,
        .readers_max = o->workers,
        .lag_max = o->lag_max,
        .lag_preferred = o->lag_preferred,
        .replicas_min = o->replicas_min,
        .fallback = o->fallback,
        .fallback_rate = o->fallback_rate,
        .held_max = o->held_max,
        .hold_max = o->hold_max,
        .wait_max = o->wait_max,
    };

    return infra_router_create(ret, &options);
}

int node_balancer(struct infra_balancer **ret, const struct options *o,
                  uint64_t seed)
{
    const struct infra_balancer_options options = {
        .size = sizeof options,
        .policy = o->policy,
        .seed = seed,
        .ids_max = INFRA_ROUTER_NODES_MAX,
    };
    int err = infra_balancer_create(ret, &options);

    for (uint32_t i = 0; i < o->nodes_count && err == INFRA_OK; i++) {
        const struct infra_backend backend = { .size = sizeof backend,
                                               .key = o->nodes[i].name,
                                               .id = i };
        err = infra_balancer_set(*ret, &backend, infra_driver_now());
    }
    if (err == INFRA_OK) {
        err = infra_balancer_publish(*ret, infra_driver_now());
    }
    return err;
}

int node_probe(struct infra_probe **ret, const struct options *o, uint64_t seed)
{
    const struct infra_probe_timeouts timeouts = {
        .size = sizeof timeouts,
        .connect_timeout = o->probe_timeout,
        .response_timeout = o->probe_timeout,
    };
    const struct infra_probe_pgsql_options pg = {
        .size = sizeof pg,
        .timeouts = &timeouts,
        .ask = 1,
        .tls = o->tls.node != TLS_NODE_OFF,
        .user = o->probe_user,
        .password = o->probe_password,
        .database = o->probe_database,
        .question = pg_question,
        .seed = seed,
    };
    const struct infra_probe_mysql_options mysql = {
        .size = sizeof mysql,
        .timeouts = &timeouts,
        .ask = 1,
        .tls = o->tls.node != TLS_NODE_OFF,
        .user = o->probe_user,
        .password = o->probe_password,
    };

    return o->sql_dialect == INFRA_SQL_POSTGRESQL
               ? infra_probe_pgsql(ret, &pg)
               : infra_probe_mysql(ret, &mysql);
}
