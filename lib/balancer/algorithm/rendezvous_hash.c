/* SPDX-License-Identifier: MIT */
#include "rendezvous_hash.h"

#include "../../base/fixed.h"
#include "../../base/random.h"

#include <infra/base.h>
#include <stdbool.h>
#include <string.h>

/* 1 / ln(2), rounded down, 32 bits of fraction. */
#define LOG2_E 6196328018u

uint64_t infra__rendezvous_seed(const char *key)
{
    return infra_xxhash64(key, strlen(key), 0);
}

/* -log2(draw / 2^64). */
static uint64_t cost_of(uint64_t draw)
{
    return 64 * INFRA__ONE - infra__log2(draw | 1);
}

/* A lower bound: -log2(u) >= (1 - u) / ln(2), less the error of the
 * logarithm. */
static uint64_t cost_min(uint64_t draw)
{
    uint64_t cost = (~draw >> 33) * (LOG2_E >> 1) >> 30;

    return cost > 4 ? cost - 4 : 0;
}

/* The costs are below 2^39 and the weights below 2^16. */
static bool is_before(const struct infra__rendezvous_rank *a,
                      const struct infra__rendezvous_rank *b)
{
    uint64_t cost_a = a->cost * b->weight;
    uint64_t cost_b = b->cost * a->weight;

    return cost_a != cost_b ? cost_a < cost_b : a->draw > b->draw;
}

/* Most nodes cannot win even at their least cost. */
static bool may_win(const struct infra__rendezvous_rank *best, uint64_t draw,
                    uint32_t weight)
{
    return cost_min(draw) * best->weight <= best->cost * weight;
}

void infra__rendezvous_offer(struct infra__rendezvous_rank *best,
                             const struct infra__rendezvous_node *node,
                             uint64_t hash)
{
    uint64_t draw = infra__mix(node->seed ^ hash);

    if (!may_win(best, draw, node->weight)) {
        return;
    }
    struct infra__rendezvous_rank rank = { .draw = draw,
                                           .cost = cost_of(draw),
                                           .weight = node->weight,
                                           .index = node->index };
    if (best->weight == 0 || is_before(&rank, best)) {
        *best = rank;
    }
}
