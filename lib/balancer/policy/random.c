/* SPDX-License-Identifier: MIT */
/* Random: by weight, without memory. O(1); if few are usable some more draws
 * and then a draw among the usable, O(n). */
#include "../algorithm/alias.h"

/* With half of the list excluded 16 draws fail in 0.002 % of picks. */
#define DRAWS_MAX 16u

/* state[0]: the random state. */
static uint32_t pick(const void *table, uint64_t state[4],
                     const struct infra_balancer_candidates *c, uint64_t hash)
{
    (void)hash;
    for (uint32_t i = 0; i < DRAWS_MAX; i++) {
        uint32_t index =
            infra__alias_draw(table, c->list->count, infra__random(&state[0]));
        if (candidate_may(c, index)) {
            return index;
        }
    }
    return infra__candidates_draw(c, infra__random(&state[0]), NO_INDEX, true);
}

const struct infra_balancer_policy *infra_balancer_random(void)
{
    static const struct infra_balancer_policy policy = {
        .size = sizeof policy,
        .name = "random",
        .table_size = infra__alias_table_size,
        .scratch_size = infra__alias_scratch_size,
        .build = infra__alias_table_build,
        .pick = pick,
    };

    return &policy;
}
