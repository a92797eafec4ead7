/* SPDX-License-Identifier: MIT */
/* The traffic of each tier, in whole percent, as Envoy computes it
 * (source/common/upstream, load_balancer_impl.cc: recalculatePerPriorityState
 * and its neighbours).
 *
 * A tier's health is the healthy part of its backends times the
 * over-provisioning (140 %: a tier takes all traffic until less than 100/140 of
 * it is healthy), at most 100. Tiers take by health in their order, the healthy
 * before the degraded. If all tiers together cannot carry 100 %, a tier of
 * which less than the panic threshold can serve is in panic: its marks are
 * ignored. If all are, or no health amounts to one percent and there is a
 * threshold, traffic goes by number of backends. Without a threshold the loads
 * may be 0 then. */
#ifndef INFRA_BALANCER_TIER_LOAD_H
#define INFRA_BALANCER_TIER_LOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct infra__tier_health {
    uint64_t all; /* Without those the operator took out. */
    uint64_t healthy;
    uint64_t degraded;
};

struct infra__tier_load {
    uint32_t healthy; /* Percent of all traffic. */
    uint32_t degraded;
    bool panic;
};

void infra__tier_loads(struct infra__tier_load *ret,
                       const struct infra__tier_health *tiers, uint32_t count,
                       uint32_t overprovision_percent, uint32_t panic_percent);

#endif
