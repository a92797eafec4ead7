/* SPDX-License-Identifier: MIT */
/* Weighted round robin by static strides, for any weights: O(1), 2 bytes per
 * backend, built in O(n), where the smooth order of smooth_weighted.c needs a
 * table as long as its cycle. Restricted picks are spread as in
 * round_robin.c. */
#include "../algorithm/static_stride.h"
#include "../internal.h"

static size_t table_size(const struct infra_balancer_candidates *c)
{
    return c->list->count * sizeof(uint16_t);
}

static int build(void *table, void *scratch,
                 const struct infra_balancer_candidates *c)
{
    (void)scratch;
    infra__static_stride_scale(table, c->list);
    return INFRA_OK;
}

static void shares(const void *table, const struct infra_balancer_candidates *c,
                   uint64_t *due, uint64_t *has)
{
    const uint16_t *scaled = table;

    (void)due;
    for (uint32_t i = 0; i < c->list->count; i++) {
        has[i] = scaled[i]; /* Its turns in 65535 rounds. */
    }
}

/* state[0], [1]: the position. [2]: the sequence of restricted picks. */
static uint32_t pick(const void *table, uint64_t state[4],
                     const struct infra_balancer_candidates *c, uint64_t hash)
{
    (void)hash;
    return infra__static_stride_pick(table, c, state, &state[2]);
}

const struct infra_balancer_policy *infra_balancer_weighted_round_robin(void)
{
    static const struct infra_balancer_policy policy = {
        .size = sizeof policy,
        .name = "weighted-round-robin",
        .table_size = table_size,
        .build = build,
        .pick = pick,
        .shares = shares,
    };

    return &policy;
}
