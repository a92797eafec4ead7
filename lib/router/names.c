/* SPDX-License-Identifier: MIT */
/* Names of the enums of router.h and session.h. */
#include "internal.h"

static const char *const roles[] = {
    [INFRA_ROUTER_ROLE_NONE] = "none",
    [INFRA_ROUTER_ROLE_PRIMARY] = "primary",
    [INFRA_ROUTER_ROLE_REPLICA] = "replica",
};

static const char *const states[] = {
    [INFRA_ROUTER_STATE_NONE] = "none",
    [INFRA_ROUTER_STATE_PRIMARY] = "primary",
    [INFRA_ROUTER_STATE_SERVING] = "serving",
    [INFRA_ROUTER_STATE_SPARE] = "spare",
    [INFRA_ROUTER_STATE_LAGGING] = "lagging",
    [INFRA_ROUTER_STATE_UNSAMPLED] = "unsampled",
    [INFRA_ROUTER_STATE_DRAINING] = "draining",
    [INFRA_ROUTER_STATE_STALE] = "stale",
    [INFRA_ROUTER_STATE_SPLIT] = "split",
};

static const char *const fallbacks[] = {
    [INFRA_ROUTER_FALLBACK_PRIMARY] = "primary",
    [INFRA_ROUTER_FALLBACK_LEAST_LAGGED] = "least-lagged",
    [INFRA_ROUTER_FALLBACK_FAIL] = "fail",
};

static const char *const kinds[] = {
    [INFRA_VERDICT_FAIL] = "fail",     [INFRA_VERDICT_GO] = "go",
    [INFRA_VERDICT_WAIT] = "wait",     [INFRA_VERDICT_HOLD] = "hold",
    [INFRA_VERDICT_ANSWER] = "answer",
};

static const char *const reasons[] = {
    [INFRA_VERDICT_REASON_READ] = "read",
    [INFRA_VERDICT_REASON_WRITE] = "write",
    [INFRA_VERDICT_REASON_PINNED] = "pinned",
    [INFRA_VERDICT_REASON_PRIMARY] = "primary",
    [INFRA_VERDICT_REASON_READ_ONLY] = "read-only",
    [INFRA_VERDICT_REASON_DEFERRED] = "deferred",
    [INFRA_VERDICT_REASON_SETTING] = "setting",
    [INFRA_VERDICT_REASON_OWN_WRITE] = "own-write",
    [INFRA_VERDICT_REASON_MONOTONIC] = "monotonic",
    [INFRA_VERDICT_REASON_NO_REPLICA] = "no-replica",
    [INFRA_VERDICT_REASON_FALLBACK_RATE] = "fallback-rate",
    [INFRA_VERDICT_REASON_NO_PRIMARY] = "no-primary",
    [INFRA_VERDICT_REASON_SPLIT_BRAIN] = "split-brain",
    [INFRA_VERDICT_REASON_LEASE_OVER] = "lease-over",
    [INFRA_VERDICT_REASON_NEWER_TOKEN] = "newer-token",
    [INFRA_VERDICT_REASON_LOST] = "lost",
    [INFRA_VERDICT_REASON_HELD_MAX] = "held-max",
    [INFRA_VERDICT_REASON_HOLD_OVER] = "hold-over",
    [INFRA_VERDICT_REASON_NODE_CHANGED] = "node-changed",
    [INFRA_VERDICT_REASON_ELSEWHERE] = "elsewhere",
};

static const char *const pins[] = {
    "transaction", "temporary", "advisory", "tables", "xa",
    "unknown",     "variable",  "sequence", "cursor", "prepared",
    "listen",      "last",      "primary",  "next",
};

static const char *const consistencies[] = {
    [INFRA_SESSION_CONSISTENCY_OWN_WRITES] = "own-writes",
    [INFRA_SESSION_CONSISTENCY_MONOTONIC] = "monotonic",
    [INFRA_SESSION_CONSISTENCY_EVENTUAL] = "eventual",
};

static const char *const transactions[] = {
    [INFRA_SESSION_TRANSACTION_NONE] = "none",
    [INFRA_SESSION_TRANSACTION_OPEN] = "open",
    [INFRA_SESSION_TRANSACTION_FAILED] = "failed",
};

static const char *const failures[] = {
    [INFRA_SESSION_FAILURE_NOT_SENT] = "not-sent",
    [INFRA_SESSION_FAILURE_REFUSED] = "refused",
    [INFRA_SESSION_FAILURE_CANCELED] = "canceled",
    [INFRA_SESSION_FAILURE_BROKEN] = "broken",
};

static const char *const replays[] = {
    [INFRA_SESSION_REPLAY_NO] = "no",
    [INFRA_SESSION_REPLAY_YES] = "yes",
    [INFRA_SESSION_REPLAY_PRIMARY] = "primary",
};

const char *infra_router_role_name(uint32_t role)
{
    return INFRA__NAME(roles, role);
}

const char *infra_router_state_name(uint32_t state)
{
    return INFRA__NAME(states, state);
}

const char *infra_router_fallback_name(uint32_t fallback)
{
    return INFRA__NAME(fallbacks, fallback);
}

const char *infra_verdict_kind_name(uint32_t kind)
{
    return INFRA__NAME(kinds, kind);
}

const char *infra_verdict_reason_name(uint32_t reason)
{
    return INFRA__NAME(reasons, reason);
}

const char *infra_session_pin_name(uint32_t pin)
{
    return pin != 0 && (pin & (pin - 1)) == 0
               ? INFRA__NAME(pins, (uint32_t)__builtin_ctz(pin))
               : "unknown";
}

const char *infra_session_consistency_name(uint32_t consistency)
{
    return INFRA__NAME(consistencies, consistency);
}

const char *infra_session_transaction_name(uint32_t transaction)
{
    return INFRA__NAME(transactions, transaction);
}

const char *infra_session_failure_name(uint32_t failure)
{
    return INFRA__NAME(failures, failure);
}

const char *infra_session_replay_name(uint32_t replay)
{
    return INFRA__NAME(replays, replay);
}
