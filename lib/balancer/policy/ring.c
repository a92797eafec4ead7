/* SPDX-License-Identifier: MIT */
/* Hash ring with the layout of Envoy and gRPC: ring_envoy.c. */
#include "ring_walk.h"

#define POINTS_MIN_DEFAULT 1024u
#define ENVOY_POINTS_MAX (8u << 20)

INFRA__NO_TAIL_PADDING(struct infra_ring_options, reserved);

static int complete(void *options)
{
    struct infra_ring_options *o = options;

    if (o->reserved != 0) {
        return INFRA_ESTRUCT;
    }
    o->points_min = o->points_min != 0 ? o->points_min : POINTS_MIN_DEFAULT;
    o->points_max = o->points_max != 0 ? o->points_max : ENVOY_POINTS_MAX;
    return o->murmur2 <= 1 && o->points_max <= ENVOY_POINTS_MAX &&
                   o->points_min <= o->points_max
               ? INFRA_OK
               : INFRA_EINVAL;
}

static struct infra__ring_envoy layout_of(
    const struct infra_balancer_candidates *c)
{
    const struct infra_ring_options *o = c->options;

    return (struct infra__ring_envoy) {
        .points_min = o->points_min,
        .points_max = o->points_max < INFRA__RING_POINTS_MAX
                          ? o->points_max
                          : INFRA__RING_POINTS_MAX,
        .murmur2 = o->murmur2 != 0,
    };
}

static uint32_t points(const struct infra_balancer_candidates *c)
{
    struct infra__ring_envoy layout = layout_of(c);

    return infra__ring_envoy_points(&layout, c->hash_members, c->list->count);
}

static size_t table_size(const struct infra_balancer_candidates *c)
{
    return infra__ring_size(points(c));
}

static int build(void *table, void *scratch,
                 const struct infra_balancer_candidates *c)
{
    struct infra__ring_envoy layout = layout_of(c);

    (void)scratch;
    infra__ring_init(table, points(c));
    infra__ring_envoy_fill(table, &layout, c->hash_members, c->list->count);
    return INFRA_OK;
}

const struct infra_balancer_policy *infra_balancer_ring(void)
{
    static const struct infra_balancer_policy policy = {
        .size = sizeof policy,
        .name = "ring",
        .table_size = table_size,
        .build = build,
        .pick = infra__ring_walk,
        .shares = infra__ring_shares,
        .whole_tier = 1,
        .hash = INFRA_POLICY_HASH_ANY,
        .options_size = sizeof(struct infra_ring_options),
        .complete = complete,
    };

    return &policy;
}
