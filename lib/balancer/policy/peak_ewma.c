/* SPDX-License-Identifier: MIT */
/* Peak-EWMA (Finagle): of two different backends drawn by weight the one with
 * the lower cost, its latency (ewma.h) times its tickets in flight plus one,
 * per weight. Failures multiply the latency. A backend with unknown latency
 * costs nothing when idle and more than any other when busy, so that one
 * request finds out; one that has only failed counts as fast as the other.
 * O(1). */
#include "../algorithm/draw_pair.h"
#include "../algorithm/ewma.h"

#define IN_FLIGHT_MAX ((1u << 20) - 1) /* A cost is 28 + 20 + 16 bits. */

/* The latency of a backend without a mean; @other is the mean of the other of
 * the pair, 0 if unknown too. */
static uint64_t guess(uint64_t in_flight, uint32_t penalty, uint32_t other)
{
    if (penalty > 0) {
        return infra__latency_with(other > 0 ? other : 1, penalty);
    }
    return in_flight > 0 ? LATENCY_MAX : 0;
}

static uint64_t cost(uint64_t in_flight, uint32_t mean, uint32_t penalty,
                     uint32_t other)
{
    uint64_t latency = mean > 0 ? infra__latency_with(mean, penalty)
                                : guess(in_flight, penalty, other);

    in_flight = in_flight < IN_FLIGHT_MAX ? in_flight : IN_FLIGHT_MAX - 1;
    return latency * (in_flight + 1);
}

/* state[0]: the random state. */
static uint32_t pick(const void *table, uint64_t state[4],
                     const struct infra_balancer_candidates *c, uint64_t hash)
{
    uint32_t pair[2];

    (void)hash;
    infra__draw_pair(table, &state[0], c, pair);
    if (pair[1] == NO_INDEX) {
        return pair[0];
    }
    const struct entry *a = &c->list->entries[pair[0]];
    const struct entry *b = &c->list->entries[pair[1]];
    const struct slot *slot_a = &c->slots[a->id];
    const struct slot *slot_b = &c->slots[b->id];
    uint32_t mean_a = infra__latency_mean(slot_a, c->now);
    uint32_t mean_b = infra__latency_mean(slot_b, c->now);
    uint64_t cost_a = cost(slot_in_flight(slot_a), mean_a,
                           infra__latency_penalty(slot_a, c->now), mean_b);
    uint64_t cost_b = cost(slot_in_flight(slot_b), mean_b,
                           infra__latency_penalty(slot_b, c->now), mean_a);
    return cost_b * a->weight < cost_a * b->weight ? pair[1] : pair[0];
}

const struct infra_balancer_policy *infra_balancer_peak_ewma(void)
{
    static const struct infra_balancer_policy policy = {
        .size = sizeof policy,
        .name = "peak-ewma",
        .table_size = infra__alias_table_size,
        .scratch_size = infra__alias_scratch_size,
        .build = infra__alias_table_build,
        .pick = pick,
        .needs_load = 1,
        .needs_latency = 1,
    };

    return &policy;
}
