/* SPDX-License-Identifier: MIT */
/* Hash ring with the layout of libmemcached: ring_libmemcached.c. */
#include "ring_walk.h"

INFRA__NO_TAIL_PADDING(struct infra_ketama_options, reserved);

static int complete(void *options)
{
    const struct infra_ketama_options *o = options;

    if (o->reserved != 0) {
        return INFRA_ESTRUCT;
    }
    return o->unweighted <= 1 ? INFRA_OK : INFRA_EINVAL;
}

static bool is_weighted(const struct infra_balancer_candidates *c)
{
    const struct infra_ketama_options *o = c->options;

    return o->unweighted == 0;
}

static uint32_t points(const struct infra_balancer_candidates *c)
{
    return infra__ring_libmemcached_points(c->hash_members, c->list->count,
                                           is_weighted(c));
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
    infra__ring_libmemcached_fill(table, c->hash_members, c->list->count,
                                  is_weighted(c));
    return INFRA_OK;
}

static void shares(const void *table, const struct infra_balancer_candidates *c,
                   uint64_t *due, uint64_t *has)
{
    for (uint32_t i = 0; i < c->list->count && !is_weighted(c); i++) {
        due[i] = 1;
    }
    infra__ring_shares(table, c, due, has);
}

const struct infra_balancer_policy *infra_balancer_ketama(void)
{
    static const struct infra_balancer_policy policy = {
        .size = sizeof policy,
        .name = "ketama",
        .table_size = table_size,
        .build = build,
        .pick = infra__ring_walk,
        .shares = shares,
        .whole_tier = 1,
        .hash = INFRA_POLICY_HASH_KETAMA,
        .options_size = sizeof(struct infra_ketama_options),
        .complete = complete,
    };

    return &policy;
}
