/* SPDX-License-Identifier: MIT */
/* The best nodes of a key by rendezvous, best first: as the library ranks them,
 * one after the other. */
#ifndef TESTS_BALANCER_RENDEZVOUS_TOP_H
#define TESTS_BALANCER_RENDEZVOUS_TOP_H

#include "support.h"

#include "balancer/algorithm/rendezvous_hash.h"

#include <stdbool.h>

#define TOP_NODES_MAX 1024u

/* At most @room of @count. Returns how many there are in @best. */
static inline uint32_t rendezvous_top(
    struct infra__rendezvous_rank *best, uint32_t room,
    const struct infra__rendezvous_node *nodes, uint32_t count, uint64_t hash)
{
    bool is_taken[TOP_NODES_MAX] = { false };
    uint32_t found = 0;

    ck_assert_uint_le(count, TOP_NODES_MAX);
    for (; found < room && found < count; found++) {
        struct infra__rendezvous_rank now = { .index = UINT32_MAX };
        uint32_t taken = 0;
        for (uint32_t i = 0; i < count; i++) {
            struct infra__rendezvous_rank before = now;
            if (is_taken[i]) {
                continue;
            }
            infra__rendezvous_offer(&now, &nodes[i], hash);
            if (before.weight == 0 || now.draw != before.draw ||
                now.index != before.index || now.weight != before.weight) {
                taken = i;
            }
        }
        is_taken[taken] = true;
        best[found] = now;
    }
    return found;
}

#endif
