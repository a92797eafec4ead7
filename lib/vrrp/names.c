/* SPDX-License-Identifier: MIT */
#include "../base/internal.h"
#include "internal.h"

static const char *const states[] = {
    [INFRA_VRRP_STATE_INITIALIZE] = "initialize",
    [INFRA_VRRP_STATE_BACKUP] = "backup",
    [INFRA_VRRP_STATE_ACTIVE] = "active",
    [INFRA_VRRP_STATE_FAULT] = "fault",
};

static const char *const reasons[] = {
    [INFRA_VRRP_REASON_START] = "start",
    [INFRA_VRRP_REASON_OWNER] = "owner",
    [INFRA_VRRP_REASON_SILENCE] = "silence",
    [INFRA_VRRP_REASON_RESIGNED] = "resigned",
    [INFRA_VRRP_REASON_PREEMPT] = "preempt",
    [INFRA_VRRP_REASON_PRIORITY] = "priority",
    [INFRA_VRRP_REASON_ADDRESS] = "address",
    [INFRA_VRRP_REASON_UNFIT] = "unfit",
    [INFRA_VRRP_REASON_FIT] = "fit",
    [INFRA_VRRP_REASON_STOP] = "stop",
    [INFRA_VRRP_REASON_DUE] = "due",
    [INFRA_VRRP_REASON_RIVAL] = "rival",
    [INFRA_VRRP_REASON_OWNERS] = "owners",
    [INFRA_VRRP_REASON_INTERVAL] = "interval",
    [INFRA_VRRP_REASON_ADDRESSES] = "addresses",
    [INFRA_VRRP_REASON_LATE] = "late",
};

static const char *const flaws[] = {
    [INFRA_VRRP_FLAW_NONE] = "none",
    [INFRA_VRRP_FLAW_IP] = "ip",
    [INFRA_VRRP_FLAW_HOP_LIMIT] = "hop limit",
    [INFRA_VRRP_FLAW_LENGTH] = "length",
    [INFRA_VRRP_FLAW_VERSION] = "version",
    [INFRA_VRRP_FLAW_TYPE] = "type",
    [INFRA_VRRP_FLAW_COUNT] = "count",
    [INFRA_VRRP_FLAW_CHECKSUM] = "checksum",
    [INFRA_VRRP_FLAW_INTERVAL] = "interval",
    [INFRA_VRRP_FLAW_LINK_LOCAL] = "link-local",
    [INFRA_VRRP_FLAW_VRID] = "vrid",
    [INFRA_VRRP_FLAW_FAMILY] = "family",
    [INFRA_VRRP_FLAW_PEER] = "peer",
    [INFRA_VRRP_FLAW_OURS] = "ours",
};

static const char *const events[] = {
    [INFRA_VRRP_EVENT_ADVERTISE] = "advertise",
    [INFRA_VRRP_EVENT_CHANGE] = "change",
    [INFRA_VRRP_EVENT_ANNOUNCE] = "announce",
    [INFRA_VRRP_EVENT_WITNESS] = "witness",
    [INFRA_VRRP_EVENT_HINT] = "hint",
};

static const char *const answers[] = {
    [INFRA_VRRP_ANSWER_UNKNOWN] = "unknown",
    [INFRA_VRRP_ANSWER_YES] = "yes",
    [INFRA_VRRP_ANSWER_NO] = "no",
};

static const char *const families[] = {
    [INFRA_VRRP_FAMILY_IPV4] = "ipv4",
    [INFRA_VRRP_FAMILY_IPV6] = "ipv6",
};

static const char *const witnesses[] = {
    [INFRA_VRRP_WITNESS_NONE] = "none",
    [INFRA_VRRP_WITNESS_CONSULT] = "consult",
    [INFRA_VRRP_WITNESS_REQUIRE] = "require",
};

static const char *const checksums[] = {
    [INFRA_VRRP_CHECKSUM_PSEUDO] = "pseudo",
    [INFRA_VRRP_CHECKSUM_MESSAGE] = "message",
};

const char *infra_vrrp_state_name(uint32_t state)
{
    return INFRA__NAME(states, state);
}

const char *infra_vrrp_reason_name(uint32_t reason)
{
    return INFRA__NAME(reasons, reason);
}

const char *infra_vrrp_flaw_name(uint32_t flaw)
{
    return INFRA__NAME(flaws, flaw);
}

const char *infra_vrrp_event_name(uint32_t kind)
{
    return INFRA__NAME(events, kind);
}

const char *infra_vrrp_answer_name(uint32_t answer)
{
    return INFRA__NAME(answers, answer);
}

const char *infra_vrrp_family_name(uint32_t family)
{
    return INFRA__NAME(families, family);
}

const char *infra_vrrp_witness_name(uint32_t witness)
{
    return INFRA__NAME(witnesses, witness);
}

const char *infra_vrrp_checksum_name(uint32_t checksum)
{
    return INFRA__NAME(checksums, checksum);
}
