/* SPDX-License-Identifier: MIT */
/* The only list of policies. In its own file, because it links them all. */
#include "internal.h"

#include <string.h>

typedef const struct infra_balancer_policy *policy_function(void);

static policy_function *const policies[] = {
    infra_balancer_round_robin,
    infra_balancer_smooth_weighted,
    infra_balancer_weighted_round_robin,
    infra_balancer_random,
    infra_balancer_least_connections,
    infra_balancer_two_choices,
    infra_balancer_peak_ewma,
    infra_balancer_prequal,
    infra_balancer_first,
    infra_balancer_maglev,
    infra_balancer_ring,
    infra_balancer_ketama,
    infra_balancer_nginx_ring,
    infra_balancer_rendezvous,
    infra_balancer_jump,
    infra_balancer_ip_hash,
};

const char *infra_balancer_policy_name(uint32_t index)
{
    return index < INFRA__COUNT_OF(policies) ? policies[index]()->name : NULL;
}

const struct infra_balancer_policy *infra_balancer_policy_by_name(
    const char *name)
{
    for (size_t i = 0; name != NULL && i < INFRA__COUNT_OF(policies); i++) {
        if (strcmp(policies[i]()->name, name) == 0) {
            return policies[i]();
        }
    }
    return NULL;
}
