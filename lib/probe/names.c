/* SPDX-License-Identifier: MIT */
/* The names of the enums, and the outcome of each reason. */
#include "internal.h"

#include "../base/internal.h"

static const char *const reasons[] = {
    [INFRA_PROBE_REASON_PASSED] = "passed",
    [INFRA_PROBE_REASON_REFUSED] = "refused",
    [INFRA_PROBE_REASON_UNREACHABLE] = "unreachable",
    [INFRA_PROBE_REASON_CONNECT_TIMEOUT] = "connect timeout",
    [INFRA_PROBE_REASON_NO_REPLY] = "no reply",
    [INFRA_PROBE_REASON_SLOW_REPLY] = "slow reply",
    [INFRA_PROBE_REASON_RESET] = "reset",
    [INFRA_PROBE_REASON_CLOSED_EARLY] = "closed early",
    [INFRA_PROBE_REASON_LOCAL] = "local",
    [INFRA_PROBE_REASON_NOT_HTTP] = "not http",
    [INFRA_PROBE_REASON_BAD_HEADER] = "bad header",
    [INFRA_PROBE_REASON_HEADER_TOO_LONG] = "header too long",
    [INFRA_PROBE_REASON_BAD_LENGTH] = "bad length",
    [INFRA_PROBE_REASON_BAD_CHUNK] = "bad chunk",
    [INFRA_PROBE_REASON_STATUS] = "status",
    [INFRA_PROBE_REASON_BODY] = "body",
    [INFRA_PROBE_REASON_BODY_TOO_LONG] = "body too long",
    [INFRA_PROBE_REASON_TLS] = "tls",
    [INFRA_PROBE_REASON_TLS_TIMEOUT] = "tls timeout",
    [INFRA_PROBE_REASON_WRONG_PROTOCOL] = "wrong protocol",
    [INFRA_PROBE_REASON_BAD_REPLY] = "bad reply",
    [INFRA_PROBE_REASON_REPLY_TOO_LONG] = "reply too long",
    [INFRA_PROBE_REASON_SERVER_ERROR] = "server error",
    [INFRA_PROBE_REASON_LOGIN_REFUSED] = "login refused",
    [INFRA_PROBE_REASON_LOGIN_UNKNOWN] = "login method unknown",
    [INFRA_PROBE_REASON_LOGIN_FORGED] = "login forged",
    [INFRA_PROBE_REASON_STARTING] = "starting",
    [INFRA_PROBE_REASON_STOPPING] = "stopping",
    [INFRA_PROBE_REASON_TOO_MANY_CONNECTIONS] = "too many connections",
    [INFRA_PROBE_REASON_READ_ONLY] = "read-only",
    [INFRA_PROBE_REASON_NOT_REPLICA] = "not a replica",
    [INFRA_PROBE_REASON_NOT_REPLICATING] = "not replicating",
    [INFRA_PROBE_REASON_LAGGING] = "lagging",
    [INFRA_PROBE_REASON_UNEXPECTED] = "unexpected",
    [INFRA_PROBE_REASON_AGENT_DOWN] = "agent down",
    [INFRA_PROBE_REASON_DEGRADED] = "degraded",
    [INFRA_PROBE_REASON_ANSWER] = "answer",
    [INFRA_PROBE_REASON_LOGIN_NEEDS_TLS] = "login needs tls",
};

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

const char *infra_probe_reason_name(uint32_t reason)
{
    return INFRA__NAME(reasons, reason);
}

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

uint32_t infra__probe_outcome(uint32_t reason)
{
    switch (reason) {
    case INFRA_PROBE_REASON_PASSED:
        return INFRA_OUTCOME_OK;
    case INFRA_PROBE_REASON_DEGRADED:
        return INFRA_OUTCOME_DEGRADED;
    case INFRA_PROBE_REASON_REFUSED:
        return INFRA_OUTCOME_REFUSED;
    case INFRA_PROBE_REASON_UNREACHABLE:
        return INFRA_OUTCOME_UNREACHABLE;
    case INFRA_PROBE_REASON_CONNECT_TIMEOUT:
    case INFRA_PROBE_REASON_TLS_TIMEOUT:
    case INFRA_PROBE_REASON_NO_REPLY:
    case INFRA_PROBE_REASON_SLOW_REPLY:
        return INFRA_OUTCOME_TIMEOUT;
    case INFRA_PROBE_REASON_RESET:
    case INFRA_PROBE_REASON_CLOSED_EARLY:
        return INFRA_OUTCOME_RESET;
    case INFRA_PROBE_REASON_LOCAL:
        return INFRA_OUTCOME_LOCAL;
    default:
        return INFRA_OUTCOME_ERROR;
    }
}
