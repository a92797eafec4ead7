/* SPDX-License-Identifier: MIT */
/* Rendezvous hashing (Thaler and Ravishankar 1998) with weights (Schindelhauer
 * and Schomaker 2005; Resch 2015): key and member together draw u in (0, 1],
 * and the member with the greatest w / -ln(u) has the key. A member's share is
 * w of the sum of weights. Adding or removing a member moves its own keys only;
 * a new weight moves just the difference. The order of members does not matter.
 *
 * Without a table, so any subset can be ranked on the spot, and the k best are
 * a stable subset of k. O(n), some 4 ns a member, since a logarithm is taken
 * only of a member that may still win. Integers throughout: the same choice on
 * every machine. */
#ifndef INFRA_BALANCER_ALGORITHM_RENDEZVOUS_HASH_H
#define INFRA_BALANCER_ALGORITHM_RENDEZVOUS_HASH_H

#include "hash_member.h"

#include <stddef.h>

/* A member. */
struct infra__rendezvous_node {
    uint64_t seed;   /* Of its key; see infra__rendezvous_seed(). */
    uint32_t weight; /* 1 to 65535. */
    uint32_t index;
};

/* A member in the ranking of one key. */
struct infra__rendezvous_rank {
    uint64_t draw; /* u, in units of 2^-64. */
    uint64_t cost; /* -log2(u), 32 bits of fraction. */
    uint32_t weight;
    uint32_t index;
};

uint64_t infra__rendezvous_seed(const char *key);

/* Let @node compete for the key with @hash. *@best is the best so far; with
 * weight 0 there is none yet. Of equal nodes the first wins. */
void infra__rendezvous_offer(struct infra__rendezvous_rank *best,
                             const struct infra__rendezvous_node *node,
                             uint64_t hash);

#endif
