/* SPDX-License-Identifier: MIT */
/* The state of the machine, shared by its files. Each uses only those above it:
 *
 *   transitions.c  the table of roles and reasons
 *   roles.c        entering and leaving a role
 *   replies.c      interpreting the store's answers
 *   step.c         timers, calls and events
 *   failover.c     create, answers of the host, commands of the operator */
#ifndef INFRA_FAILOVER_INTERNAL_H
#define INFRA_FAILOVER_INTERNAL_H

#include <infra/failover.h>

#include "../base/damper.h"
#include "../base/internal.h"

#include <stdbool.h>

#define ROLES_COUNT (INFRA_FAILOVER_ROLE_COOLDOWN + 1u)
#define REASONS_COUNT (INFRA_FAILOVER_REASON_FAILED + 1u)
#define LOG_MAX \
    16u /* Role changes not yet taken; then the oldest is dropped. */

/* The rules of safety. The simulator is built with a switch that breaks one of
 * them, to prove that it notices; the library has no switch. */
enum infra__rule {
    INFRA__RULE_NONE,
    INFRA__RULE_ISSUE,   /* Validity counts from the issue of a call. */
    INFRA__RULE_DRIFT,   /* Less the drift of clocks, */
    INFRA__RULE_GUARD,   /* and the guard. */
    INFRA__RULE_CALL_ID, /* An answer to a former call is not used. */
    INFRA__RULE_EXPIRE,  /* At the end of validity the node stops by itself. */
    INFRA__RULE_GATE,    /* The gate shuts by itself then, too. */
    INFRA__RULE_LOST,    /* The node stops at once when the lease is lost. */
    INFRA__RULE_FLOOR,   /* Each token is greater than all before. */
    INFRA__RULE_GRACE,   /* Wait after a take-over that is not clean. */
    INFRA__RULE_FENCE,   /* Fence then, if the policy asks for it. */
    INFRA__RULE_ADOPT,   /* Renew an adopted lease before it counts. */
    INFRA__RULE_DRAIN,   /* Release only when drained, or at the limit. */
    INFRA__RULE_ATTEST,  /* Renew only with proof of progress. */
    INFRA__RULE_CLOCK,   /* A clock that stepped back is a fault. */
    INFRA__RULE_JUMP,    /* A jump of the clock shortens no wait. */
    INFRA__RULE_FIT,     /* An unfit node does not take over. */
    INFRA__RULES_COUNT,
};
#ifdef INFRA_MUTATIONS
extern enum infra__rule infra__broken_rule;
#define RULE(name) (infra__broken_rule != INFRA__RULE_##name)
#else
#define RULE(name) true
#endif

/* Certain end of a lease of @ttl that a call issued at @issue armed. */
infra_time infra__validity(infra_time issue, infra_time ttl, uint32_t drift_ppm,
                           infra_time guard);

/* The writing side of the gate. */
void infra__gate_set(struct infra_gate *gate, uint64_t token, infra_time until,
                     bool drains);
void infra__gate_shut(struct infra_gate *gate);
infra_time infra__gate_attested(const struct infra_gate *gate);

/* The role that follows @role for this reason; ROLES_COUNT: the reason does not
 * apply. */
uint32_t infra__transition(uint32_t role, uint32_t reason);

struct call {
    struct infra_lease_call lease; /* The last one; id 0: there was none. */
    infra_time issue;
    bool is_out;     /* Begun, not answered. */
    bool is_offered; /* The host has not taken the event yet. */
};

struct infra_failover {
    struct infra_allocator allocator;
    struct infra_failover_options o; /* With the defaults; without the names. */

    infra_time now; /* Greatest time seen. */
    uint32_t role;
    uint32_t reason;
    infra_time since;
    bool is_fit;
    bool is_paused;  /* By the operator. */
    bool is_stuck;   /* In a fault that only the operator can clear. */
    bool takes_over; /* By order of the operator. */

    /* The lease, while it is ours. */
    uint64_t token; /* 0: it is not. */
    infra_time until;
    infra_time renewed; /* The issue of the last good renewal. */
    infra_time renew_at;
    uint64_t token_floor;
    uint64_t held_token;     /* Of another holder, if known. */
    uint64_t orphan_token;   /* To be released, */
    infra_time release_at;   /* not before this time. */
    uint64_t adopted_token;  /* Ours by the store, to be renewed. */
    uint64_t deferred_token; /* Free after this token, left to a requester */
    infra_time defer_until;  /* until this time. */
    uint32_t acquire_op;     /* ACQUIRING: the next operation. */

    /* GRACE: what it waits for. */
    infra_time ready_at;
    uint64_t fence_call; /* 0: none is out. */
    bool is_fence_offered;
    bool must_verify; /* After a pause, by one renewal. */
    bool owes_fence;  /* The former holder is not fenced yet. */
    bool has_failed;  /* By the host, of this activity. */

    infra_time drain_limit;
    infra_time cool_until;
    /* Damped: until then all other nodes go first, then only those that take
     * the lease. NEVER: not damped. */
    infra_time yield_until;
    infra_time free_since; /* The lease was seen free; NEVER: it was not. */
    infra_time look_at;
    infra_time ask_at; /* No handover request before. */
    infra_time activated;
    uint64_t activations;
    struct infra__damper damper;
    uint64_t random;
    struct call call;
    uint64_t calls_count; /* The last id. */
    unsigned release_attempts;

    /* What the host knows by events. */
    uint64_t host_token; /* Active under this token; 0: not active. */
    bool host_drains;
    bool has_drained;
    uint32_t log_first;
    uint32_t log_count;
    struct infra_failover_event log[LOG_MAX];
};

/* Does the node hold the lease? */
static inline bool is_holder(const struct infra_failover *f)
{
    return f->role >= INFRA_FAILOVER_ROLE_GRACE &&
           f->role <= INFRA_FAILOVER_ROLE_DRAINING;
}

static inline bool is_serving(const struct infra_failover *f)
{
    return f->role >= INFRA_FAILOVER_ROLE_ACTIVE &&
           f->role <= INFRA_FAILOVER_ROLE_DRAINING;
}

/* End of the work that the host has begun. */
infra_time infra__failover_end(const struct infra_failover *f);

/* Change the role as the table says; nothing if the reason does not apply. */
void infra__failover_become(struct infra_failover *f, uint32_t reason);

/* Enter GRACE with a lease that was granted or adopted. */
void infra__failover_hold(struct infra_failover *f, uint64_t token,
                          infra_time until, bool clean);

/* Let time pass: notice pauses and jumps, fire timers. */
void infra__failover_advance(struct infra_failover *f, infra_time now);

#endif
