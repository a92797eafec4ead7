/* SPDX-License-Identifier: MIT */
/* Entering and leaving a role. The gate is shut here, in the step in which a
 * node ceases to hold the lease, before the host hears of it. */
#include "internal.h"

#include <assert.h>

#define HOLD_DOWN_SUPPRESSED 8u /* Times the hold-down. */

infra_time infra__failover_end(const struct infra_failover *f)
{
    return f->role == INFRA_FAILOVER_ROLE_DRAINING && f->drain_limit < f->until
               ? f->drain_limit
               : f->until;
}

static void log_role(struct infra_failover *f)
{
    if (f->log_count == LOG_MAX) {
        f->log_first = (f->log_first + 1) % LOG_MAX;
        f->log_count--;
    }
    f->log[(f->log_first + f->log_count++) % LOG_MAX] =
        (struct infra_failover_event) { .kind = INFRA_FAILOVER_EVENT_ROLE,
                                        .reason = f->reason,
                                        .token = f->token,
                                        .valid_until = f->until,
                                        .role = f->role };
}

static infra_time time_after(const struct infra_failover *f,
                             infra_time duration)
{
    return infra__time_add(f->now, duration);
}

/* Does the end of the activity count for the penalty? An orderly end does
 * not. */
static bool ends_badly(uint32_t reason)
{
    return reason == INFRA_FAILOVER_REASON_LOST ||
           reason == INFRA_FAILOVER_REASON_EXPIRED ||
           reason == INFRA_FAILOVER_REASON_LATE ||
           reason == INFRA_FAILOVER_REASON_STALLED ||
           reason == INFRA_FAILOVER_REASON_UNFIT ||
           reason == INFRA_FAILOVER_REASON_FENCE;
}

/* The node ceases to hold the lease. @why: the reason, or that of DRAINING. */
static void stop(struct infra_failover *f, uint32_t why)
{
    infra__gate_shut(f->o.gate);
    if (f->reason != INFRA_FAILOVER_REASON_LOST &&
        !(f->owes_fence && RULE(FENCE))) {
        /* Release the lease, so that no node has to wait; but after the guard,
         * since work begun before the gate shut may take effect until then,
         * unless the host confirmed that none is left. */
        bool is_done = f->host_token == 0 || f->has_drained;
        f->orphan_token = f->token;
        f->release_at = is_done ? f->now : time_after(f, f->o.guard);
        if (f->ready_at > f->release_at) { /* No release within the grace. */
            f->release_at = f->ready_at;
        }
        f->release_attempts = 0;
    }
    if (f->has_failed || ends_badly(why) || ends_badly(f->reason)) {
        infra__damper_add(&f->damper, f->now);
    }
    f->token = 0;
    f->until = 0;
    f->fence_call = 0;
    f->call.is_out = false;
    f->takes_over = false;

    infra_time hold = f->o.hold_down;
    f->yield_until = INFRA_TIME_NEVER;
    if (infra__damper_is_suppressed(&f->damper, f->now)) {
        f->yield_until = time_after(f, hold);
        f->free_since = INFRA_TIME_NEVER;
        f->look_at = f->now;
        hold *= HOLD_DOWN_SUPPRESSED;
    } else if (why == INFRA_FAILOVER_REASON_REQUESTED && hold > f->o.ttl / 3) {
        hold = f->o.ttl / 3; /* In case the preferred node does not come. */
    }
    f->cool_until = time_after(f, hold);
}

void infra__failover_become(struct infra_failover *f, uint32_t reason)
{
    uint32_t to = infra__transition(f->role, reason);
    uint32_t from = f->role;
    uint32_t why = from == INFRA_FAILOVER_ROLE_DRAINING ? f->reason : reason;
    bool was_holder = is_holder(f);

    if (to == ROLES_COUNT) {
        return;
    }
    f->role = to;
    f->reason = reason;
    f->since = f->now;
    log_role(f);
    if (was_holder && !is_holder(f)) {
        stop(f, why);
    }
    switch (to) {
    case INFRA_FAILOVER_ROLE_FAULT:
        f->call.is_out = false;
        break;
    case INFRA_FAILOVER_ROLE_STANDBY:
        f->call.is_out = false;
        f->cool_until = 0;
        /* Not at once after a refusal, or a store that says "free" and "taken"
         * by turns would be asked without end. */
        f->look_at = from == INFRA_FAILOVER_ROLE_ACQUIRING
                         ? time_after(f, f->o.call_timeout / 2)
                         : f->now;
        break;
    case INFRA_FAILOVER_ROLE_ACTIVE:
        f->owes_fence = false;
        break;
    case INFRA_FAILOVER_ROLE_DRAINING:
        f->drain_limit = time_after(f, f->o.drain_timeout);
        break;
    default:
        break;
    }
    assert(is_holder(f) == (f->token != 0));
}

void infra__failover_hold(struct infra_failover *f, uint64_t token,
                          infra_time until, bool clean)
{
    bool must_fence = !clean && f->o.fence_policy != INFRA_FAILOVER_FENCE_WAIT;

    /* DEACTIVATE was taken: no call goes out before it. */
    assert(f->host_token == 0);
    f->token = token;
    f->token_floor = token;
    f->until = until;
    f->held_token = 0;
    f->has_drained = false;
    f->has_failed = false;
    f->renewed = f->call.issue;
    f->renew_at = infra__time_add(f->call.issue, f->o.ttl / 3);
    f->ready_at = clean || !RULE(GRACE) ? f->now : time_after(f, f->o.grace);
    f->must_verify = false;
    f->fence_call = must_fence && RULE(FENCE) ? ++f->calls_count : 0;
    f->owes_fence = must_fence;
    f->is_fence_offered = true;
    infra__failover_become(f, INFRA_FAILOVER_REASON_GRANTED);
}
