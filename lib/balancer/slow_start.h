/* SPDX-License-Identifier: MIT */
/* Slow start: the part of its share that a new backend may have, first a tenth,
 * then linearly more (HAProxy's slowstart, Envoy's with aggression 1), with any
 * policy.
 *
 * Refusing a new backend nine times of ten when the policy names it is not
 * enough: a policy that looks at the load names it each time, since it is idle.
 * So a share is earned: each pick draws one backend by weight times warmth, and
 * a new backend that is drawn may be picked once more. A hash policy names a
 * backend for its keys only, so there the key's hash decides, and a key that
 * has moved to a new backend stays.
 *
 * Warmth is relative to the warmest of the list, so that equally new backends
 * have their full shares. O(1), or one pass over the list if weights differ or
 * the pick is restricted. */
#ifndef INFRA_BALANCER_SLOW_START_H
#define INFRA_BALANCER_SLOW_START_H

#include "internal.h"

/* How many more picks a reader may give it, since it came up. */
struct credit {
    infra_time since;
    uint64_t count;
};

/* Before a pick from a list with new backends: draw the one that may be picked
 * once more. */
void infra__slow_start_earn(const struct infra_balancer_candidates *c);

/* infra__slow_start_is_cold(), is it too new for this pick, is in
 * internal.h. */

/* It was picked. */
void infra__slow_start_spend(const struct infra_balancer_candidates *c,
                             uint32_t index);

#endif
