/* SPDX-License-Identifier: MIT */
/* Names of the enums of base.h, the version, and what an outcome means. */
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

static const char *const wants[] = {
    [INFRA_WANT_IDLE] = "idle",   [INFRA_WANT_CONNECT] = "connect",
    [INFRA_WANT_TLS] = "tls",     [INFRA_WANT_IO] = "io",
    [INFRA_WANT_CLOSE] = "close", [INFRA_WANT_DONE] = "done",
};

static const char *const notes[] = {
    [INFRA_NOTE_CONNECTED] = "connected",
    [INFRA_NOTE_TLS_UP] = "tls up",
    [INFRA_NOTE_EOF] = "eof",
    [INFRA_NOTE_TRUNCATED] = "truncated",
    [INFRA_NOTE_FAILED] = "failed",
    [INFRA_NOTE_CLOSED] = "closed",
    [INFRA_NOTE_DEADLINE] = "deadline",
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

const char *infra_exchange_want_name(uint32_t want)
{
    return INFRA__NAME(wants, want);
}

const char *infra_exchange_note_name(uint32_t note)
{
    return INFRA__NAME(notes, note);
}

uint32_t infra_outcome_of_status(uint32_t status)
{
    if (status >= 502 && status <= 504) {
        return INFRA_OUTCOME_GATEWAY_ERROR;
    }
    return status >= 500 && status <= 599 ? INFRA_OUTCOME_ERROR
                                          : INFRA_OUTCOME_OK;
}

int infra_outcome_blames_backend(uint32_t outcome)
{
    return (outcome >= INFRA_OUTCOME_ERROR && outcome <= INFRA_OUTCOME_RESET) ||
           outcome == INFRA_OUTCOME_GATEWAY_ERROR;
}
