/* SPDX-License-Identifier: MIT */
/* Words for what is asked of a lease store, and for what it answers. */
#include <infra/lease.h>

#include "../base/internal.h"

static const char *const ops[] = {
    [INFRA_LEASE_ACQUIRE] = "acquire", [INFRA_LEASE_RENEW] = "renew",
    [INFRA_LEASE_READ] = "read",       [INFRA_LEASE_RELEASE] = "release",
    [INFRA_LEASE_ASK] = "ask",
};

static const char *const outcomes[] = {
    [INFRA_LEASE_GRANTED] = "granted",
    [INFRA_LEASE_CONFLICT] = "conflict",
    [INFRA_LEASE_LOST] = "lost",
    [INFRA_LEASE_UNKNOWN] = "unknown",
};

const char *infra_lease_op_name(uint32_t op)
{
    return op < INFRA__COUNT_OF(ops) ? ops[op] : "unknown";
}

const char *infra_lease_outcome_name(uint32_t outcome)
{
    return outcome < INFRA__COUNT_OF(outcomes) ? outcomes[outcome] : "unknown";
}
