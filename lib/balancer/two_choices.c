/* SPDX-License-Identifier: MIT */
/* The power of two choices (Mitzenmacher 2001): two different backends drawn by
 * weight, the one with fewer tickets in flight per weight wins, the first drawn
 * of equals. O(1). When few may be picked the draws are repeated some times and
 * then made among those that may, O(n). */
#include "alias.h"

/* With half of the list excluded, 16 draws find two in all but 0.03 % of picks.
 * */
#define DRAWS_MAX 16u

/* Two of those that may be picked; the second is NO_INDEX if there is one. */
static void draw_pair(const struct alias_column *columns, uint64_t *random,
                      const struct infra_balancer_candidates *c,
                      uint32_t pair[2])
{
    uint32_t found = 0;

    for (uint32_t i = 0; i < DRAWS_MAX; i++) {
        uint32_t index =
            infra__alias_draw(columns, c->list->count, infra__random(random));
        if ((found == 0 || index != pair[0]) && candidate_may(c, index)) {
            pair[found++] = index;
            if (found == 2) {
                return;
            }
        }
    }
    if (c->narrow) {
        if (found == 0) {
            pair[0] = infra__candidates_draw(c, infra__random(random), NO_INDEX,
                                             true);
        }
        pair[1] =
            infra__candidates_draw(c, infra__random(random), pair[0], true);
        return;
    }
    /* One weight outweighs all others: any of them is as good. */
    pair[1] = infra__below(infra__random(random), c->list->count - 1);
    pair[1] += pair[1] >= pair[0];
}

/* state[0]: the random state. */
static uint32_t pick(const void *table, uint64_t state[4],
                     const struct infra_balancer_candidates *c, uint64_t hash)
{
    const struct entry *entries = c->list->entries;
    uint32_t count = c->list->count;
    uint32_t pair[2];

    (void)hash;
    if (count == 1) {
        return 0;
    }
    if (table == NULL && !c->narrow) {
        /* One random word draws both: the second among the others. */
        uint64_t random = infra__random(&state[0]);
        pair[0] = infra__below(random, count);
        pair[1] = infra__below(random << 32, count - 1);
        pair[1] += pair[1] >= pair[0];
    } else {
        draw_pair(table, &state[0], c, pair);
    }
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
