/* SPDX-License-Identifier: MIT */
#include "ring_walk.h"

uint32_t infra__ring_walk(const void *table, uint64_t state[4],
                          const struct infra_balancer_candidates *c,
                          uint64_t hash)
{
    const struct infra__ring *ring = table;
    uint32_t place = infra__ring_find(ring, hash);

    (void)state;
    for (uint32_t i = 0; i < PROBES_MAX; i++) {
        uint32_t index = ring->points[place].index;
        if (candidate_may(c, index)) {
            return index;
        }
        place = infra__ring_next(ring, place);
    }
    return infra__candidates_rendezvous(c, hash);
}

void infra__ring_shares(const void *table,
                        const struct infra_balancer_candidates *c,
                        uint64_t *due, uint64_t *has)
{
    const struct infra__ring *ring = table;

    (void)c;
    (void)due;
    for (uint32_t place = 0; place < ring->count; place++) {
        has[ring->points[place].index] += infra__ring_part(ring, place);
    }
}
