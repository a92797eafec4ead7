/* SPDX-License-Identifier: MIT */
/* Names of operations, outcomes and reasons. */
#include "internal.h"

#include "../base/internal.h"

static const char *const ops[] = {
    [INFRA_LEASE_OP_ACQUIRE] = "acquire", [INFRA_LEASE_OP_RENEW] = "renew",
    [INFRA_LEASE_OP_READ] = "read",       [INFRA_LEASE_OP_RELEASE] = "release",
    [INFRA_LEASE_OP_REQUEST] = "request",
};

static const char *const outcomes[] = {
    [INFRA_LEASE_OUTCOME_GRANTED] = "granted",
    [INFRA_LEASE_OUTCOME_CONFLICT] = "conflict",
    [INFRA_LEASE_OUTCOME_LOST] = "lost",
    [INFRA_LEASE_OUTCOME_UNKNOWN] = "unknown",
};

const char *infra_lease_op_name(uint32_t op)
{
    return INFRA__NAME(ops, op);
}

const char *infra_lease_outcome_name(uint32_t outcome)
{
    return INFRA__NAME(outcomes, outcome);
}

static const char *const reasons[] = {
    [INFRA_LEASE_REASON_NONE] = "none",
    [INFRA_LEASE_REASON_OURS] = "ours already",
    [INFRA_LEASE_REASON_TIMEOUT] = "timeout",
    [INFRA_LEASE_REASON_UNREACHABLE] = "unreachable",
    [INFRA_LEASE_REASON_LOCAL] = "local",
    [INFRA_LEASE_REASON_ERROR] = "error",
    [INFRA_LEASE_REASON_LOGIN] = "login refused",
    [INFRA_LEASE_REASON_MALFORMED] = "malformed",
    [INFRA_LEASE_REASON_TOO_LONG] = "too long",
    [INFRA_LEASE_REASON_BUSY] = "busy",
    [INFRA_LEASE_REASON_SYSTEM] = "system",
    [INFRA_LEASE_REASON_CORRUPT] = "corrupt",
    [INFRA_LEASE_REASON_TLS] = "tls",
};

const char *infra_lease_reason_name(uint32_t reason)
{
    return INFRA__NAME(reasons, reason);
}
