/* SPDX-License-Identifier: MIT */
/* The words for results and outcomes, and the version. */
#include "internal.h"

static const char *const results[] = {
    [-INFRA_OK] = "success",
    [-INFRA_ENOMEM] = "out of memory",
    [-INFRA_EINVAL] = "invalid argument",
    [-INFRA_ESTRUCT] = "the struct asks for more than this library knows",
    [-INFRA_ENOENT] = "no such id",
    [-INFRA_EAGAIN] = "nothing now, try later",
    [-INFRA_EBUSY] = "the id's former owner is still in use",
    [-INFRA_ESTALE] = "it belongs to an earlier generation",
    [-INFRA_EFULL] = "every candidate is at its cap",
    [-INFRA_ETRIED] = "every candidate was tried already",
    [-INFRA_EINELIGIBLE] = "no backend that is up is eligible",
    [-INFRA_ENONE] = "no backend is up",
    [-INFRA_ESYSTEM] = "the system refused a descriptor",
    [-INFRA_ESHED] = "too few backends are back after an outage",
    [-INFRA_EBUDGET] = "the retry budget is spent",
    [-INFRA_EREMOTE] = "the file is on a network file system",
    [-INFRA_EEXIST] = "another id has this key",
};

static const char *const outcomes[] = {
    [INFRA_OUTCOME_OK] = "ok",
    [INFRA_OUTCOME_ERROR] = "error",
    [INFRA_OUTCOME_REFUSED] = "refused",
    [INFRA_OUTCOME_UNREACHABLE] = "unreachable",
    [INFRA_OUTCOME_TIMEOUT] = "timeout",
    [INFRA_OUTCOME_RESET] = "reset",
    [INFRA_OUTCOME_LOCAL] = "local",
    [INFRA_OUTCOME_ABANDONED] = "abandoned",
    [INFRA_OUTCOME_DEGRADED] = "degraded",
    [INFRA_OUTCOME_GATEWAY_ERROR] = "gateway error",
    [INFRA_OUTCOME_STALE] = "stale",
};

const char *infra_strerror(int err)
{
    if (err > 0 || err <= -(int)INFRA__COUNT_OF(results)) {
        return "unknown error";
    }
    return results[-err];
}

uint32_t infra_version(void)
{
    return (uint32_t)INFRA_VERSION_MAJOR << 16 | INFRA_VERSION_MINOR << 8 |
           INFRA_VERSION_PATCH;
}

const char *infra_outcome_name(uint32_t outcome)
{
    return INFRA__NAME(outcomes, outcome);
}

int infra_outcome_blames_backend(uint32_t outcome)
{
    return (outcome >= INFRA_OUTCOME_ERROR && outcome <= INFRA_OUTCOME_RESET) ||
           outcome == INFRA_OUTCOME_GATEWAY_ERROR;
}
