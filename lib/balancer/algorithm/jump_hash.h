/* SPDX-License-Identifier: MIT */
/* Jump consistent hash (Lamping and Veach 2014, figure 1): no table, no keys,
 * no weights, only a count. With one more member a key stays or goes to the
 * new, last member; so members can be added and removed at the end only. O(log
 * n), 20 to 45 ns. */
#ifndef INFRA_BALANCER_ALGORITHM_JUMP_HASH_H
#define INFRA_BALANCER_ALGORITHM_JUMP_HASH_H

#include <stdint.h>

/* 0 to @count - 1, for @count >= 1. */
uint32_t infra__jump(uint64_t hash, uint32_t count);

#endif
