/* SPDX-License-Identifier: MIT */
/* The names of all enums of balancer.h and policy.h. */
#include <infra/balancer.h>

#include "../base/internal.h"

#include <stdbool.h>

const char *infra_balancer_axis_name(uint32_t axis)
{
    static const char *const names[] = {
        [INFRA_BALANCER_AXIS_HEALTH] = "health",
        [INFRA_BALANCER_AXIS_PASSIVE] = "passive",
        [INFRA_BALANCER_AXIS_ADMIN] = "admin",
    };

    return INFRA__NAME(names, axis);
}

const char *infra_balancer_state_name(uint32_t state)
{
    static const char *const names[] = {
        [INFRA_BALANCER_STATE_UP] = "up",
        [INFRA_BALANCER_STATE_DEGRADED] = "degraded",
        [INFRA_BALANCER_STATE_DRAINING] = "draining",
        [INFRA_BALANCER_STATE_DOWN] = "down",
    };

    return INFRA__NAME(names, state);
}

const char *infra_balancer_spill_name(uint32_t spill)
{
    static const char *const names[] = {
        [INFRA_BALANCER_SPILL_DOWN] = "down",
        [INFRA_BALANCER_SPILL_FULL] = "full",
    };

    return INFRA__NAME(names, spill);
}

const char *infra_balancer_outage_name(uint32_t outage)
{
    static const char *const names[] = {
        [INFRA_BALANCER_OUTAGE_REFUSE] = "refuse",
        [INFRA_BALANCER_OUTAGE_ANYBODY] = "anybody",
        [INFRA_BALANCER_OUTAGE_LAST_UP] = "last-up",
    };

    return INFRA__NAME(names, outage);
}

const char *infra_request_flag_name(uint32_t flag)
{
    return flag == INFRA_REQUEST_STICKY ? "sticky" : "unknown";
}

const char *infra_ticket_why_name(uint32_t bit)
{
    static const char *const names[] = { "sticky", "retry",   "spill",
                                         "outage", "instead", "warming" };
    bool is_one_bit = bit != 0 && (bit & (bit - 1)) == 0;

    return is_one_bit ? INFRA__NAME(names, (uint32_t)__builtin_ctz(bit))
                      : "unknown";
}

const char *infra_policy_hash_name(uint32_t hash)
{
    static const char *const names[] = {
        [INFRA_POLICY_HASH_NONE] = "none",
        [INFRA_POLICY_HASH_ANY] = "any",
        [INFRA_POLICY_HASH_KETAMA] = "ketama",
        [INFRA_POLICY_HASH_NGINX] = "nginx",
        [INFRA_POLICY_HASH_ADDRESS] = "address",
    };

    return INFRA__NAME(names, hash);
}
