/* SPDX-License-Identifier: MIT */
/* First: the lowest id with room under its cap, as HAProxy's "first", so that
 * the others stay idle and can be switched off. Without caps one backend gets
 * all traffic. O(1) while the first has room, else O(full backends). */
#include "../internal.h"

static uint32_t pick(const void *table, uint64_t state[4],
                     const struct infra_balancer_candidates *c, uint64_t hash)
{
    (void)table;
    (void)state;
    (void)hash;
    if (!c->narrow) {
        return 0;
    }
    for (uint32_t i = 0; i < c->list->count; i++) {
        if (candidate_may(c, i)) {
            return i;
        }
    }
    return NO_INDEX;
}

const struct infra_balancer_policy *infra_balancer_first(void)
{
    static const struct infra_balancer_policy policy = {
        .size = sizeof policy,
        .name = "first",
        .pick = pick,
    };

    return &policy;
}
