/* SPDX-License-Identifier: MIT */
/* A backend as the hash builders see it: they are pure functions of keys and
 * weights and know nothing of tables, health or ids. Their results are indexes
 * into the array of members. */
#ifndef INFRA_BALANCER_POLICY_HASH_MEMBER_H
#define INFRA_BALANCER_POLICY_HASH_MEMBER_H

#include <stdint.h>

struct infra__hash_member {
    const char *key; /* 1 to 255 bytes. */
    uint32_t weight; /* At least 1. */
};

static inline uint64_t infra__hash_weight_total(
    const struct infra__hash_member *members, uint32_t count)
{
    uint64_t total = 0;

    for (uint32_t i = 0; i < count; i++) {
        total += members[i].weight;
    }
    return total;
}

#endif
