/* SPDX-License-Identifier: MIT */
/* The machine's state, shared by its files:
 *
 *   transitions.c  which role follows which, and why: one table
 *   roles.c        what it means to enter a role
 *   step.c         what is due, and what the host is told
 *   replies.c      what the store's answers mean
 *   failover.c     create, the host's and the operator's words */
#ifndef INFRA_FAILOVER_INTERNAL_H
#define INFRA_FAILOVER_INTERNAL_H

#include <infra/failover.h>

#include "../base/damper.h"
#include "../base/internal.h"

#include <stdbool.h>

#define ROLES_COUNT (INFRA_FAILOVER_ROLE_COOLDOWN + 1u)
#define REASONS_COUNT (INFRA_FAILOVER_REASON_FAILED + 1u)
#define LOG_MAX \
    16u /* Role changes that the host has not taken; then the oldest
                       is dropped. */

/* The rules of safety. The simulator is built with a switch that breaks one of
 * them, to see that it notices; the library has none. */
enum infra__rule {
    INFRA__RULE_NONE,
    INFRA__RULE_ISSUE,   /* Validity counts from the issue of a call. */
    INFRA__RULE_DRIFT,   /* Less the drift of clocks, */
    INFRA__RULE_GUARD,   /* and the guard. */
    INFRA__RULE_CALL_ID, /* An answer to a former call is not used. */
    INFRA__RULE_EXPIRE,  /* When validity ends the node stops by itself. */
    INFRA__RULE_GATE,    /* The gate shuts by itself then, too. */
    INFRA__RULE_LOST,    /* And at once when the store says it is lost. */
    INFRA__RULE_FLOOR,   /* No token that is not greater than all before. */
    INFRA__RULE_GRACE,   /* After a take-over that is not clean, wait. */
    INFRA__RULE_FENCE,   /* And fence, if that is asked for. */
    INFRA__RULE_ADOPT,   /* A lease that is found to be ours is renewed before
                              it counts. */
    INFRA__RULE_DRAIN,   /* Release only when drained, or at the limit. */
    INFRA__RULE_ATTEST,  /* Renew only with proof of progress. */
    INFRA__RULE_CLOCK,   /* A clock that went back is a fault. */
    INFRA__RULE_JUMP,    /* A clock that jumped on is not waited by. */
    INFRA__RULE_FIT,     /* Who is not fit does not take over. */
    INFRA__RULES_COUNT,
};
#ifdef INFRA_MUTATIONS
extern enum infra__rule infra__broken_rule;
#define RULE(name) (infra__broken_rule != INFRA__RULE_##name)
#else
#define RULE(name) true
#endif

/* Until when a lease of @ttl, armed by a call issued at @issue, certainly
 * holds. */
infra_time infra__validity(infra_time issue, infra_time ttl, uint32_t drift_ppm,
                           infra_time guard);

/* The gate, as its writer. */
void infra__gate_set(struct infra_gate *gate, uint64_t token, infra_time until,
                     bool drains);
void infra__gate_shut(struct infra_gate *gate);
infra_time infra__gate_attested(const struct infra_gate *gate);

/* The role that follows @role for this reason; ROLES_COUNT: none, the reason
 * does not apply. */
uint32_t infra__transition(uint32_t role, uint32_t reason);

struct call {
    struct infra_lease_call lease; /* The last one; id 0: there was none. */
    infra_time issue;
    bool is_out;     /* Begun and not answered. */
    bool is_offered; /* And the host has not taken it yet. */
};

struct infra_failover {
    struct infra_allocator allocator;
    struct infra_failover_options o; /* With the defaults; without the names. */

    infra_time now; /* The greatest that was seen. */
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
    uint64_t held_token;     /* Another's, as far as is known. */
    uint64_t orphan_token;   /* Ours no more, to be given back, */
    infra_time release_at;   /* not before this. */
    uint64_t adopted_token;  /* Ours as the store says, to be renewed. */
    uint64_t deferred_token; /* Free after this, it was left to who asked, */
    infra_time defer_until;  /* until then. */
    uint32_t acquire_op;     /* In ACQUIRING: what to ask next. */

    /* Waiting in GRACE. */
    infra_time ready_at;
    uint64_t fence_call; /* 0: none is out. */
    bool is_fence_offered;
    bool must_verify; /* After a pause: by one renewal. */
    bool owes_fence;  /* It was not, or not yet, fenced who was there before. */
    bool has_failed;  /* So the host says of this activity. */

    infra_time drain_limit;
    infra_time cool_until;
    infra_time yield_until; /* Damped, it lets all others go first; then those
                               who take the lease. NEVER: it is not damped. */
    infra_time free_since;  /* So it was seen then. NEVER: it was not. */
    infra_time look_at;
    infra_time ask_at; /* Not before that again. */
    infra_time activated;
    uint64_t activations;
    struct infra__damper damper;
    uint64_t random;
    struct call call;
    uint64_t calls_count; /* Of all ids. */
    unsigned release_attempts;

    /* What the host was told. */
    uint64_t host_token; /* It is active with this one; 0: it is not. */
    bool host_drains;
    bool has_drained;
    uint32_t log_first;
    uint32_t log_count;
    struct infra_failover_event log[LOG_MAX];
};

/* Does it hold the lease and serve, or is about to? */
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

/* Until when the host may go on with what it began. */
infra_time infra__failover_end(const struct infra_failover *f);

/* Go where the table says, if it says so. */
void infra__failover_become(struct infra_failover *f, uint32_t reason);

/* A lease was granted or adopted: enter GRACE with it. */
void infra__failover_hold(struct infra_failover *f, uint64_t token,
                          infra_time until, bool clean);

/* Time passes: see pauses and jumps, fire what is due. */
void infra__failover_advance(struct infra_failover *f, infra_time now);

#endif
