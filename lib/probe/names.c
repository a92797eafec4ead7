/* SPDX-License-Identifier: MIT */
/* The names of the enums; that of a reason stands with its outcome in probe.c. */
#include <infra/probe.h>

#include "../base/internal.h"

static const char *const roles[] = {
    [INFRA_PROBE_ROLE_UNKNOWN] = "unknown",
    [INFRA_PROBE_ROLE_PRIMARY] = "primary",
    [INFRA_PROBE_ROLE_REPLICA] = "replica",
};

static const char *const admins[] = {
    [INFRA_PROBE_ADMIN_READY] = "ready",
    [INFRA_PROBE_ADMIN_DRAIN] = "drain",
    [INFRA_PROBE_ADMIN_MAINTENANCE] = "maintenance",
};

static const char *const steps[] = {
    [INFRA_PROBE_STEP_SEND] = "send",
    [INFRA_PROBE_STEP_EXPECT] = "expect",
    [INFRA_PROBE_STEP_EXPECT_START] = "start",
    [INFRA_PROBE_STEP_EXPECT_END] = "end",
    [INFRA_PROBE_STEP_REFUSE] = "refuse",
};

static const char *const texts[] = {
    [INFRA_PROBE_TEXT_VERSION] = "version",
    [INFRA_PROBE_TEXT_MESSAGE] = "message",
    [INFRA_PROBE_TEXT_POSITION] = "position",
    [INFRA_PROBE_TEXT_SOURCE] = "source",
};

/* By the number of the bit. */
static const char *const fields[] = {
    "status",        "role",  "writable", "position",        "lag",    "weight",
    "in-flight max", "admin", "health",   "absolute weight", "answer",
};

const char *infra_probe_role_name(uint32_t role)
{
    return INFRA__NAME(roles, role);
}

const char *infra_probe_admin_name(uint32_t admin)
{
    return INFRA__NAME(admins, admin);
}

const char *infra_probe_step_name(uint32_t kind)
{
    return INFRA__NAME(steps, kind);
}

const char *infra_probe_text_name(uint32_t kind)
{
    return INFRA__NAME(texts, kind);
}

const char *infra_probe_has_name(uint32_t bit)
{
    uint32_t number = 0;

    while (number < INFRA__COUNT_OF(fields) && bit != UINT32_C(1) << number) {
        number++;
    }
    return INFRA__NAME(fields, number);
}
