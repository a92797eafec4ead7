/* SPDX-License-Identifier: MIT */
/* Smooth weighted round robin. If one cycle (sum of weights / their greatest
 * common divisor) has at most CYCLE_MAX turns, nginx's order
 * (ngx_http_upstream_round_robin.c) is computed once per table and then read:
 * in each turn every backend's current grows by its weight, and the greatest
 * current (the first of equals) takes the turn and is lowered by the total.
 * Else static strides. A pick is O(1), a build O(cycle * n), at most some
 * milliseconds. */
#include "../../base/random.h"
#include "../algorithm/static_stride.h"
#include "../internal.h"

#define CYCLE_MAX 4096u

struct turns {
    uint32_t cycle; /* 0: strides. */
    uint32_t count;
    uint16_t numbers[]; /* The order of a cycle, or scaled weights. */
};

static uint32_t gcd(uint32_t a, uint32_t b)
{
    while (b != 0) {
        uint32_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

static uint64_t cycle_of(const struct infra_balancer_candidates *c,
                         uint32_t *ret_divisor)
{
    uint32_t divisor = 0;
    uint64_t total = 0;

    for (uint32_t i = 0; i < c->list->count; i++) {
        divisor = gcd(c->list->entries[i].weight, divisor);
        total += c->list->entries[i].weight;
    }
    *ret_divisor = divisor;
    return total / divisor;
}

static size_t table_size(const struct infra_balancer_candidates *c)
{
    uint32_t divisor;
    uint64_t cycle = cycle_of(c, &divisor);
    uint64_t numbers = cycle <= CYCLE_MAX ? cycle : c->list->count;

    return sizeof(struct turns) + (size_t)numbers * sizeof(uint16_t);
}

/* The currents. */
static size_t scratch_size(const struct infra_balancer_candidates *c)
{
    return c->list->count * sizeof(int64_t);
}

static void build_cycle(struct turns *turns, int64_t *currents,
                        const struct entry *entries, int64_t divisor)
{
    for (uint32_t turn = 0; turn < turns->cycle; turn++) {
        uint32_t best = 0;
        for (uint32_t i = 0; i < turns->count; i++) {
            currents[i] += entries[i].weight / divisor;
            if (currents[i] > currents[best]) {
                best = i;
            }
        }
        currents[best] -= turns->cycle;
        turns->numbers[turn] = (uint16_t)best;
    }
}

static int build(void *table, void *scratch,
                 const struct infra_balancer_candidates *c)
{
    struct turns *turns = table;
    uint32_t divisor;
    uint64_t cycle = cycle_of(c, &divisor);

    turns->count = c->list->count;
    if (cycle <= CYCLE_MAX) {
        turns->cycle = (uint32_t)cycle;
    }
    if (turns->cycle > 0 && c->list->even) {
        for (uint32_t i = 0; i < turns->count; i++) {
            turns->numbers[i] = (uint16_t)i; /* Each once, in order. */
        }
    } else if (turns->cycle > 0) {
        build_cycle(turns, scratch, c->list->entries, divisor);
    } else {
        infra__static_stride_scale(turns->numbers, c->list);
    }
    return INFRA_OK;
}

static void shares(const void *table, const struct infra_balancer_candidates *c,
                   uint64_t *due, uint64_t *has)
{
    const struct turns *turns = table;

    (void)due;
    for (uint32_t turn = 0; turn < turns->cycle; turn++) {
        has[turns->numbers[turn]]++;
    }
    for (uint32_t i = 0; turns->cycle == 0 && i < c->list->count; i++) {
        has[i] = turns->numbers[i];
    }
}

/* Of a cycle; @turn is the next. A separate function, so that the unrestricted
 * pick saves no registers. */
__attribute__((noinline)) static uint32_t pick_restricted(
    uint64_t state[4], const struct infra_balancer_candidates *c,
    const struct turns *turns, uint64_t turn)
{
    if (c->request->eligible == NULL &&
        candidate_may(c, turns->numbers[turn])) {
        state[0] = turn + 1;
        return turns->numbers[turn];
    }
    return infra__candidates_draw(c, state[3] += INFRA__WEYL, NO_INDEX, true);
}

/* state[0]: the turn in the cycle. [1], [2]: the position of the strides. [3]:
 * the sequence of restricted picks, as in round_robin.c. */
static uint32_t pick(const void *table, uint64_t state[4],
                     const struct infra_balancer_candidates *c, uint64_t hash)
{
    const struct turns *turns = table;

    (void)hash;
    if (turns->cycle == 0) {
        return infra__static_stride_pick(turns->numbers, c, &state[1],
                                         &state[3]);
    }
    uint64_t turn = state[0];
    if (turn >= turns->cycle) {
        turn = turn == turns->cycle ? 0 : turn % turns->cycle;
    }
    if (!c->narrow) {
        state[0] = turn + 1;
        return turns->numbers[turn];
    }
    return pick_restricted(state, c, turns, turn);
}

const struct infra_balancer_policy *infra_balancer_smooth_weighted(void)
{
    static const struct infra_balancer_policy policy = {
        .size = sizeof policy,
        .name = "smooth-weighted",
        .table_size = table_size,
        .scratch_size = scratch_size,
        .build = build,
        .pick = pick,
        .shares = shares,
    };

    return &policy;
}
