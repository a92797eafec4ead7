/* SPDX-License-Identifier: MIT */
/* What the ring policies have in common, whatever the layout of their ring. */
#ifndef INFRA_BALANCER_POLICY_RING_WALK_H
#define INFRA_BALANCER_POLICY_RING_WALK_H

#include "../algorithm/ring_layouts.h"
#include "../internal.h"

/* The `pick` of a policy with a ring for a table: the backend at the hash, else
 * that of one of the next points, PROBES_MAX in all, else by rendezvous. */
uint32_t infra__ring_walk(const void *table, uint64_t state[4],
                          const struct infra_balancer_candidates *c,
                          uint64_t hash);

/* Its `shares`: the part of the hashes on each backend's points. */
void infra__ring_shares(const void *table,
                        const struct infra_balancer_candidates *c,
                        uint64_t *due, uint64_t *has);

#endif
