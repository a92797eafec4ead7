/* SPDX-License-Identifier: MIT */
/* Peak-EWMA (Finagle): two different backends drawn by weight, and the one with
 * the lower cost wins: its latency (latency.h) times its tickets in flight and
 * one more, per weight. Of a backend that nothing is known of one request finds
 * out: idle it costs nothing, busy more than any. O(1). */
#include "draw_pair.h"
#include "latency.h"

#define IN_FLIGHT_MAX ((1u << 20) - 1) /* A cost is 28 + 20 + 16 bits. */
#define UNKNOWN_AND_BUSY ((1u << 28) - 1)

static uint64_t cost(const struct infra_balancer_candidates *c,
                     const struct entry *e)
{
    uint64_t in_flight = slot_in_flight(&c->slots[e->id]);
    uint64_t latency = infra__latency_read(&c->slots[e->id], c->now);

    in_flight = in_flight < IN_FLIGHT_MAX ? in_flight : IN_FLIGHT_MAX - 1;
    if (latency == 0) {
        latency = in_flight > 0 ? UNKNOWN_AND_BUSY : 0;
    }
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
    return cost(c, b) * a->weight < cost(c, a) * b->weight ? pair[1] : pair[0];
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
