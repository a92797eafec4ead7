/* SPDX-License-Identifier: MIT */
/* Slow start: how much of its share a backend may have that came up lately, a
 * tenth at first and then linearly more (HAProxy's slowstart, Envoy's with
 * aggression 1), with any policy.
 *
 * To refuse a new backend nine times of ten when the policy names it is not
 * enough: one that looks at the load names it each time, since it is idle. So a
 * share is earned: each pick draws one backend, by weight times warmth, and if
 * that one is new it may be picked once more than it was. A hash policy names a
 * backend for its keys only; there the key's hash decides, so that a key that
 * has moved to a new backend stays.
 *
 * Warmth is measured by the warmest of the list, so that where all are new each
 * has its share. O(1), and one pass over the list where weights differ or a
 * pick is restricted. */
#ifndef INFRA_BALANCER_SLOW_START_H
#define INFRA_BALANCER_SLOW_START_H

#include "internal.h"

/* How often one may still be picked, by a reader; of the present start. */
struct credit {
    infra_time since;
    uint64_t count;
};

/* Before a pick from a list in which some are new: draw who may be picked once
 * more. */
void infra__slow_start_earn(const struct infra_balancer_candidates *c);

/* infra__slow_start_is_cold(), is it too new for this pick, is in internal.h. */

/* It was picked. */
void infra__slow_start_spend(const struct infra_balancer_candidates *c,
                             uint32_t index);

#endif
