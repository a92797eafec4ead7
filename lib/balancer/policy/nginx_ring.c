/* SPDX-License-Identifier: MIT */
/* Hash ring with the layout of nginx: ring_nginx.c. */
#include "ring_walk.h"

static uint32_t points(const struct infra_balancer_candidates *c)
{
    return infra__ring_nginx_points(c->hash_members, c->list->count);
}

static size_t table_size(const struct infra_balancer_candidates *c)
{
    return infra__ring_size(points(c));
}

static int build(void *table, void *scratch,
                 const struct infra_balancer_candidates *c)
{
    (void)scratch;
    infra__ring_init(table, points(c));
    infra__ring_nginx_fill(table, c->hash_members, c->list->count);
    return INFRA_OK;
}

const struct infra_balancer_policy *infra_balancer_nginx_ring(void)
{
    static const struct infra_balancer_policy policy = {
        .size = sizeof policy,
        .name = "nginx-ring",
        .table_size = table_size,
        .build = build,
        .pick = infra__ring_walk,
        .shares = infra__ring_shares,
        .whole_tier = 1,
        .hash = INFRA_POLICY_HASH_NGINX,
    };

    return &policy;
}
