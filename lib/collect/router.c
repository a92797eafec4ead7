/* SPDX-License-Identifier: MIT */
/* Of a router: its nodes, and what it answered. */
#include "internal.h"

#include <infra/session.h>
#include <string.h>

static const struct infra__collect_family node_families[] = {
    { "node_state", "What the router makes of a node.", "node",
      PLACE_NODE_STATE, INFRA_METRICS_KIND_STATESET, 0,
      infra_router_state_name },
    { "node_lag_seconds", "Age of what a replica shows.", "node",
      PLACE_NODE_LAG, INFRA_METRICS_KIND_GAUGE, INFRA_METRICS_UNIT_SECONDS,
      NULL },
};

static const struct infra__collect_family verdict_families[] = {
    { "router_verdicts", "Verdicts of the router.", "reason", PLACE_VERDICTS,
      INFRA_METRICS_KIND_COUNTER, 0, NULL },
};

static const struct infra__collect_family group_families[] = {
    { "router_held_sessions", "Sessions that wait for a primary.", NULL,
      PLACE_HELD, INFRA_METRICS_KIND_GAUGE, 0, NULL },
    { "router_serving_replicas", "Replicas that serve reads.", NULL,
      PLACE_SERVING, INFRA_METRICS_KIND_GAUGE, 0, NULL },
};

int infra_collect_router_node(struct infra_collect *collect,
                              const struct infra_router *router, uint32_t id,
                              const char *name, infra_time now)
{
    struct infra_router_status s = { .size = sizeof s };

    if (collect == NULL || name == NULL) {
        return INFRA_EINVAL;
    }
    int err = infra_router_inspect(router, id, now, &s);
    const int64_t values[] = {
        s.state,
        s.age > INT64_MAX || s.role != INFRA_ROUTER_ROLE_REPLICA
            ? INFRA_METRICS_UNKNOWN
            : (int64_t)s.age,
    };

    return err != INFRA_OK ? err
                           : infra__collect_set(collect, node_families,
                                                INFRA__COUNT_OF(node_families),
                                                name, values);
}

int infra_collect_router(struct infra_collect *collect,
                         const struct infra_router *router, infra_time now)
{
    struct infra_router_group_status s = { .size = sizeof s };

    if (collect == NULL) {
        return INFRA_EINVAL;
    }
    int err = infra_router_inspect_group(router, now, &s);
    const int64_t values[] = { (int64_t)s.held, s.serving };

    if (err == INFRA_OK) {
        err = infra__collect_set(collect, group_families,
                                 INFRA__COUNT_OF(group_families), NULL, values);
    }
    for (uint32_t i = 0; i < INFRA__COUNT_OF(s.verdicts); i++) {
        const char *reason = infra_verdict_reason_name(i);
        int64_t count = (int64_t)s.verdicts[i];
        if ((err != INFRA_OK && err != INFRA_EFULL) ||
            strcmp(reason, "unknown") == 0) {
            break;
        }
        int now_err =
            infra__collect_set(collect, verdict_families, 1, reason, &count);
        err = now_err != INFRA_OK ? now_err : err;
    }
    return err;
}
