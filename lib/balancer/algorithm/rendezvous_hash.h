/* SPDX-License-Identifier: MIT */
/* Rendezvous hashing (Thaler and Ravishankar 1998) with weights (Schindelhauer
 * and Schomaker 2005; Resch 2015): key and member draw u in (0, 1] together,
 * and the member with the greatest w / -ln(u) has the key. That is w times out
 * of all weight, and who comes or goes moves its own keys only; a changed
 * weight moves just the difference. The order of members does not matter.
 *
 * No table, so it ranks any subset on the spot, and the k best are a stable
 * subset of k. O(n), some 4 ns a member, for a logarithm is taken only of what
 * may still win. Integers throughout: the same choice on every machine. */
#ifndef INFRA_BALANCER_ALGORITHM_RENDEZVOUS_HASH_H
#define INFRA_BALANCER_ALGORITHM_RENDEZVOUS_HASH_H

#include "../policy/hash_member.h"

#include <stddef.h>

/* What is kept of a member. */
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

/* Let @node compete for the key with @hash. @best are the @count best so far,
 * best first, with room for @room >= 1; how many there are then is the answer.
 * A node that is equal to another in all loses to it. */
uint32_t infra__rendezvous_offer(struct infra__rendezvous_rank *best,
                                 uint32_t count, uint32_t room,
                                 const struct infra__rendezvous_node *node,
                                 uint64_t hash);

/* The @room best of all, in @best; how many there are. */
uint32_t infra__rendezvous_top(struct infra__rendezvous_rank *best,
                               uint32_t room,
                               const struct infra__rendezvous_node *nodes,
                               uint32_t count, uint64_t hash);

#endif
