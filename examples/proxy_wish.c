/* SPDX-License-Identifier: MIT */
#include "proxy_wish.h"

static uint32_t part_of(uint32_t weight, uint32_t percent)
{
    uint64_t part = ((uint64_t)weight * percent + 99) / 100;

    return part < INFRA_BALANCER_WEIGHT_MAX ? (uint32_t)part
                                            : INFRA_BALANCER_WEIGHT_MAX;
}

bool proxy_wish_hear(struct proxy_wish *wish,
                     const struct infra_probe_result *answer, uint32_t weight)
{
    const struct proxy_wish before = *wish;

    if ((answer->told & INFRA_TOLD_ADMIN) != 0) {
        wish->admin = answer->admin;
    }
    if ((answer->told & INFRA_TOLD_WEIGHT) != 0) {
        wish->weight = part_of(weight, answer->weight_percent);
        wish->has_weight = true;
    }
    if ((answer->told & INFRA_TOLD_WEIGHT_ABSOLUTE) != 0) {
        wish->weight = answer->weight;
        wish->has_weight = true;
    }
    if ((answer->told & INFRA_TOLD_IN_FLIGHT_MAX) != 0) {
        wish->in_flight_max = answer->in_flight_max;
    }
    return before.admin != wish->admin || before.weight != wish->weight ||
           before.has_weight != wish->has_weight ||
           before.in_flight_max != wish->in_flight_max;
}

uint32_t proxy_wish_state(const struct proxy_wish *wish)
{
    if (wish->admin == INFRA_ADMIN_MAINTENANCE) {
        return INFRA_STATE_DOWN;
    }
    return wish->admin == INFRA_ADMIN_DRAIN ||
                   (wish->has_weight && wish->weight == 0)
               ? INFRA_STATE_DRAINING
               : INFRA_STATE_UP;
}

const char *proxy_wish_name(const struct proxy_wish *wish)
{
    return wish->admin == INFRA_ADMIN_MAINTENANCE ? "maintenance"
           : wish->admin == INFRA_ADMIN_DRAIN     ? "drain"
                                                  : "ready";
}
