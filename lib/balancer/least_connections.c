/* SPDX-License-Identifier: MIT */
/* Least connections: the fewest tickets in flight per weight, compared by cross
 * multiplication as in nginx and HAProxy. The scan starts one further each
 * time, so that equals are taken in turn and not always the first. O(n). */
#include "internal.h"

/* state[0]: where the scan starts. */
static uint32_t pick(const void *table, uint64_t state[4],
                     const struct infra_balancer_candidates *c, uint64_t hash)
{
    const struct entry *entries = c->list->entries;
    uint32_t count = c->list->count;
    uint32_t best = NO_INDEX;
    uint64_t best_load = 0;

    (void)table;
    (void)hash;
    uint32_t i = (uint32_t)(state[0] % count);
    state[0] = i + 1;
    for (uint32_t seen = 0; seen < count; seen++) {
        uint64_t load = slot_in_flight(&c->slots[entries[i].id]);
        if (candidate_may(c, i) &&
            (best == NO_INDEX ||
             load * entries[best].weight < best_load * entries[i].weight)) {
            best = i;
            best_load = load;
        }
        i = i + 1 == count ? 0 : i + 1;
    }
    return best;
}

const struct infra_balancer_policy *infra_balancer_least_connections(void)
{
    static const struct infra_balancer_policy policy = {
        .size = sizeof policy,
        .name = "least-connections",
        .pick = pick,
        .needs_load = 1,
    };

    return &policy;
}
