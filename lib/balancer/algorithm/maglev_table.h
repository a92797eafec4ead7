/* SPDX-License-Identifier: MIT */
/* Maglev (Eisenbud et al., NSDI 2016, section 3.4) with exactly Envoy's tables
 * (maglev_lb.cc). Each member has its own permutation of the slots, from two
 * hashes of its key. In turns, in the order of keys, each member takes its next
 * free slot, a lighter one only in its share of the turns. The order of members
 * does not matter. A look-up is one division and one load.
 *
 * A build takes about size * ln(size) / 2 steps and, with unequal weights, as
 * many turns as the heaviest member has slots; a turn looks at the members that
 * are due, at their neighbours, and at one in 4096 of the others: 0.9 ms for
 * 65537 slots and 1000 equal members, 2.3 ms if one of them weighs a thousand
 * times the others. When a member is removed its keys move, and up to one in a
 * hundred of the others' (65537 slots). */
#ifndef INFRA_BALANCER_ALGORITHM_MAGLEV_TABLE_H
#define INFRA_BALANCER_ALGORITHM_MAGLEV_TABLE_H

#include "../../base/random.h"
#include "hash_member.h"

#include <stdbool.h>
#include <stddef.h>

#define INFRA__MAGLEV_SIZE_DEFAULT 65537u
#define INFRA__MAGLEV_SIZE_MAX 5000011u /* Envoy's. */
#define INFRA__MAGLEV_EMPTY UINT16_MAX

/* May a table have this size? A prime up to the maximum: else a permutation
 * would miss slots. O(root of size). */
bool infra__maglev_size_ok(uint32_t size);

/* Size in bytes of the scratch memory of a build, aligned for any type. */
size_t infra__maglev_scratch_size(uint32_t count, uint32_t size);

/* Fill @table, which has @size slots, with indexes of members. Without members
 * all slots are empty. */
void infra__maglev_build(uint16_t *table, uint32_t size,
                         const struct infra__hash_member *members,
                         uint32_t count, void *scratch);

static inline uint32_t infra__maglev_slot(uint64_t hash, uint32_t size)
{
    return (uint32_t)(hash % size);
}

/* The next slot of a key that cannot have the member of @slot. The step is the
 * key's own, between 1 and size - 1, so the walk meets every slot once, each
 * slot falls on any member with the probability of its share, and the keys of
 * one slot part. (Envoy hashes again and may meet the same slot.) */
static inline uint32_t infra__maglev_next(uint32_t slot, uint64_t hash,
                                          uint32_t size)
{
    uint32_t step = 1 + infra__below(infra__mix(hash), size - 1);

    return slot < size - step ? slot + step : slot - (size - step);
}

#endif
