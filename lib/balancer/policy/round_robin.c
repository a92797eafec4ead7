/* SPDX-License-Identifier: MIT */
/* Round robin: each in turn. The position belongs to the reader and the tier,
 * and outlives every table. A turn whose owner is unusable waits for it; "the
 * next one" instead would give the neighbour twice its share. Such picks, and
 * those with an eligible set, are spread over the usable ones by a Weyl
 * sequence, which stays even however requests with different sets alternate.
 * O(1); O(n) when restricted. */
#include "../../base/random.h"
#include "../internal.h"

/* A separate function, so that the unrestricted pick saves no registers. */
__attribute__((noinline)) static uint32_t pick_restricted(
    uint64_t state[4], const struct infra_balancer_candidates *c, uint32_t turn)
{
    if (c->request->eligible == NULL && candidate_may(c, turn)) {
        state[0] = (uint64_t)turn + 1;
        return turn;
    }
    return infra__candidates_draw(c, state[1] += INFRA__WEYL, NO_INDEX, false);
}

/* state[0]: the next turn. state[1]: the sequence of restricted picks. */
static uint32_t pick(const void *table, uint64_t state[4],
                     const struct infra_balancer_candidates *c, uint64_t hash)
{
    uint64_t turn = state[0];

    (void)table;
    (void)hash;
    if (turn >= c->list->count) {
        turn = turn == c->list->count ? 0 : turn % c->list->count;
    }
    if (!c->narrow) {
        state[0] = turn + 1;
        return (uint32_t)turn;
    }
    return pick_restricted(state, c, (uint32_t)turn);
}

const struct infra_balancer_policy *infra_balancer_round_robin(void)
{
    static const struct infra_balancer_policy policy = {
        .size = sizeof policy,
        .name = "round-robin",
        .pick = pick,
    };

    return &policy;
}
