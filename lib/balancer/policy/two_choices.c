/* SPDX-License-Identifier: MIT */
/* The power of two choices (Mitzenmacher 2001): of two different backends drawn
 * by weight the one with fewer tickets in flight per weight, the first of
 * equals. O(1). */
#include "../algorithm/draw_pair.h"

/* state[0]: the random state. */
static uint32_t pick(const void *table, uint64_t state[4],
                     const struct infra_balancer_candidates *c, uint64_t hash)
{
    const struct entry *entries = c->list->entries;
    uint32_t pair[2];

    (void)hash;
    infra__draw_pair(table, &state[0], c, pair);
    if (pair[1] == NO_INDEX) {
        return pair[0];
    }
    const struct entry *a = &entries[pair[0]];
    const struct entry *b = &entries[pair[1]];
    uint64_t load_a = slot_in_flight(&c->slots[a->id]);
    uint64_t load_b = slot_in_flight(&c->slots[b->id]);
    return load_b * a->weight < load_a * b->weight ? pair[1] : pair[0];
}

const struct infra_balancer_policy *infra_balancer_two_choices(void)
{
    static const struct infra_balancer_policy policy = {
        .size = sizeof policy,
        .name = "two-choices",
        .table_size = infra__alias_table_size,
        .scratch_size = infra__alias_scratch_size,
        .build = infra__alias_table_build,
        .pick = pick,
        .needs_load = 1,
    };

    return &policy;
}
