/* SPDX-License-Identifier: MIT */
/* A step of the machine: timers, then the next call to the store, then the next
 * event. Ends come before beginnings: first the end of validity, last a new
 * call. */
#include "../base/random.h"
#include "calls.h"

#include <assert.h>

#define STEPS_MAX 8u /* Roles that one step may pass through. */
#define LOOK_MIN INFRA_MS(50)
#define LOOK_MAX INFRA_MS(500)

static infra_time earlier(infra_time a, infra_time b)
{
    return a < b ? a : b;
}

/* When a node that serves and attests no progress has to stop. */
static infra_time stall_due(const struct infra_failover *f)
{
    infra_time seen = infra__gate_attested(f->o.gate);

    if (f->o.attest_age_max == 0 || f->host_token == 0 || !RULE(ATTEST)) {
        return INFRA_TIME_NEVER;
    }
    if (seen < f->activated ||
        seen > infra__time_add(f->now, f->o.attest_age_max)) {
        seen = f->activated; /* Before it, or by a clock that stepped back. */
    }
    return infra__time_add(seen, f->o.attest_age_max);
}

static bool is_ready(const struct infra_failover *f)
{
    return f->now >= f->ready_at && f->fence_call == 0 && !f->must_verify;
}

/* When a node in doubt has to drain at the latest. */
static infra_time last_drain(const struct infra_failover *f)
{
    return f->until > f->o.drain_timeout ? f->until - f->o.drain_timeout : 0;
}

/* A change of role without further input; REASONS_COUNT: none. */
struct change {
    infra_time at;
    uint32_t reason;
};

/* Of changes that are due the first one counts, else the earliest. */
static void propose(struct change *next, infra_time now, infra_time at,
                    uint32_t reason)
{
    if (next->at > now && at < next->at) {
        *next = (struct change) { .at = at, .reason = reason };
    }
}

static struct change next_change(const struct infra_failover *f)
{
    struct change c = { .at = INFRA_TIME_NEVER, .reason = REASONS_COUNT };
    infra_time now = f->now;

    if (is_holder(f) && RULE(EXPIRE)) {
        propose(&c, now, f->until, INFRA_FAILOVER_REASON_EXPIRED);
    }
    if (!f->is_fit && RULE(FIT) && f->role != INFRA_FAILOVER_ROLE_FAULT &&
        f->role != INFRA_FAILOVER_ROLE_DRAINING) {
        propose(&c, now, now, INFRA_FAILOVER_REASON_UNFIT);
    }
    switch (f->role) {
    case INFRA_FAILOVER_ROLE_GRACE:
        /* Also while another wait goes on: a jump of the clock over the grace
         * is noticed by the call that comes too late for it. */
        if (now < f->ready_at || is_ready(f)) {
            propose(&c, now, f->ready_at, INFRA_FAILOVER_REASON_READY);
        }
        break;
    case INFRA_FAILOVER_ROLE_ACTIVE:
        propose(&c, now, stall_due(f), INFRA_FAILOVER_REASON_STALLED);
        propose(&c, now, infra__time_add(f->renewed, f->o.ttl / 2),
                INFRA_FAILOVER_REASON_LATE);
        break;
    case INFRA_FAILOVER_ROLE_DOUBT:
        propose(&c, now, stall_due(f), INFRA_FAILOVER_REASON_STALLED);
        propose(&c, now, last_drain(f), INFRA_FAILOVER_REASON_LATE);
        break;
    case INFRA_FAILOVER_ROLE_DRAINING:
        if (f->has_drained || f->host_token == 0) {
            propose(&c, now, now, INFRA_FAILOVER_REASON_DRAINED);
        }
        propose(&c, now, f->drain_limit, INFRA_FAILOVER_REASON_LIMIT);
        break;
    case INFRA_FAILOVER_ROLE_FAULT:
        if (f->is_fit && !f->is_stuck) {
            propose(&c, now, now, INFRA_FAILOVER_REASON_FIT);
        }
        break;
    case INFRA_FAILOVER_ROLE_COOLDOWN:
        propose(&c, now, f->cool_until, INFRA_FAILOVER_REASON_COOLED);
        break;
    default:
        break;
    }
    return c;
}

/* The clock stepped back by more than threads may disagree: no time that was
 * counted on it holds. */
static void clock_went_back(struct infra_failover *f, infra_time now)
{
    f->now = now;
    infra__failover_become(f, INFRA_FAILOVER_REASON_CLOCK);
    f->is_stuck = true;
    f->call.is_out = false;
    f->ask_at = now;
    f->defer_until = now;
    f->cool_until =
        earlier(f->cool_until, infra__time_add(now, f->o.hold_down));
    if (f->yield_until != INFRA_TIME_NEVER) {
        f->yield_until = earlier(f->yield_until, f->cool_until);
    }
    f->free_since = INFRA_TIME_NEVER;
    f->look_at = now;
    f->release_at =
        infra__time_add(now, f->o.guard > f->o.grace ? f->o.guard : f->o.grace);
    f->damper.at = now;
}

/* The call came so late that the process stood still, or the clock jumped. Its
 * knowledge of the lease may be old: renew before anything new begins. */
static void was_paused(struct infra_failover *f, infra_time last)
{
    infra_time pause = f->now - last;

    if (is_holder(f)) {
        f->must_verify = true;
        f->renew_at = f->now;
        f->call.is_out = false; /* Its answer would be old. */
        infra__failover_become(f, INFRA_FAILOVER_REASON_PAUSE);
    }
    f->free_since = INFRA_TIME_NEVER;
    /* Perhaps only the clock jumped: what was left of a wait then is left
     * still. */
    if (RULE(JUMP)) {
        f->ready_at = infra__time_add(f->ready_at, pause);
        f->release_at = infra__time_add(f->release_at, pause);
    }
}

void infra__failover_advance(struct infra_failover *f, infra_time now)
{
    static const struct infra_lease_answer none = {
        .outcome = INFRA_LEASE_OUTCOME_UNKNOWN
    };
    /* When the host had to call: nothing has changed since its last call,
     * except that workers may have attested progress. */
    infra_time due = infra_failover_deadline(f);

    if (now < f->now && f->now - now > f->o.guard / 2 && RULE(CLOCK)) {
        clock_went_back(f, now);
    }
    infra_time last = f->now;
    f->now = now > last ? now : last;
    if (f->now > infra__time_add(due > last ? due : last, f->o.pause_max)) {
        was_paused(f, last);
    }
    for (uint32_t i = 0; i < STEPS_MAX; i++) {
        struct change c = next_change(f);
        if (c.at > f->now || c.reason == REASONS_COUNT) {
            break;
        }
        infra__failover_become(f, c.reason);
    }
    if (f->call.is_out && f->now >= f->call.lease.deadline) {
        infra__call_answered(f, &none);
    }
}

/* Preference of the handover request to the holder; 0: no request. A damped
 * node makes one for the operator only. */
static uint64_t request_of(struct infra_failover *f)
{
    if (f->role == INFRA_FAILOVER_ROLE_COOLDOWN || f->held_token == 0 ||
        f->now < f->ask_at) {
        return 0;
    }
    if (f->takes_over) {
        return INFRA__REQUEST_OPERATOR;
    }
    return f->o.preempt && !f->is_paused &&
                   !infra__damper_is_suppressed(&f->damper, f->now)
               ? f->o.preference
               : 0;
}

/* Does the node look whether the lease is free? */
static bool is_looking(const struct infra_failover *f)
{
    return f->role == INFRA_FAILOVER_ROLE_STANDBY ||
           (f->role == INFRA_FAILOVER_ROLE_COOLDOWN &&
            f->yield_until != INFRA_TIME_NEVER);
}

static void look(struct infra_failover *f)
{
    infra_time every = f->o.ttl / 6;
    uint64_t request = request_of(f);

    every = every < LOOK_MIN ? LOOK_MIN : every > LOOK_MAX ? LOOK_MAX : every;
    /* Nodes that started together shall not read together. */
    every -= infra__below(infra__random(&f->random), (uint32_t)(every / 4));
    f->look_at = infra__time_add(f->now, every);
    if (request != 0) {
        f->ask_at = infra__time_add(f->now, f->o.ttl / 2);
        infra__call_begin(f, INFRA_LEASE_OP_REQUEST, f->held_token);
    } else {
        infra__call_begin(f, INFRA_LEASE_OP_READ, 0);
    }
}

/* Begin the call that is due, if none is out. */
static void ask(struct infra_failover *f)
{
    if (f->call.is_out) {
        return;
    }
    if (is_holder(f)) {
        if (f->now >= f->renew_at) {
            infra__call_begin(f, INFRA_LEASE_OP_RENEW, f->token);
        } else if (!RULE(DRAIN) && f->role == INFRA_FAILOVER_ROLE_DRAINING) {
            infra__call_begin(f, INFRA_LEASE_OP_RELEASE, f->token);
        }
    } else if (f->orphan_token != 0) {
        if (f->now >= f->release_at) {
            infra__call_begin(f, INFRA_LEASE_OP_RELEASE, f->orphan_token);
        }
    } else if (f->role == INFRA_FAILOVER_ROLE_ACQUIRING) {
        if (f->now >= f->look_at) {
            infra__call_begin(f, f->acquire_op,
                              f->acquire_op == INFRA_LEASE_OP_RENEW
                                  ? f->adopted_token
                                  : f->token_floor);
        }
    } else if (is_looking(f) && f->now >= f->look_at) {
        look(f);
    }
}

static bool must_deactivate(const struct infra_failover *f)
{
    return f->host_token != 0 && !is_serving(f);
}

static bool may_activate(const struct infra_failover *f)
{
    return f->host_token == 0 && f->role == INFRA_FAILOVER_ROLE_ACTIVE;
}

static bool must_drain(const struct infra_failover *f)
{
    return f->role == INFRA_FAILOVER_ROLE_DRAINING && !f->host_drains;
}

static void tell(const struct infra_failover *f, uint32_t kind,
                 struct infra_failover_event *ret)
{
    *ret =
        (struct infra_failover_event) { .kind = kind,
                                        .reason = f->reason,
                                        .token = f->token,
                                        .valid_until = infra__failover_end(f),
                                        .role = f->role };
}

static void tell_call(struct infra_failover *f,
                      struct infra_failover_event *ret)
{
    tell(f, INFRA_FAILOVER_EVENT_CALL, ret);
    ret->call = f->call.lease;
    if (ret->call.op == INFRA_LEASE_OP_REQUEST) {
        ret->call.handover_request =
            f->takes_over ? INFRA__REQUEST_OPERATOR : f->o.preference;
    }
    f->call.is_offered = false;
}

/* The most urgent event; false: none. */
static bool take_event(struct infra_failover *f,
                       struct infra_failover_event *ret)
{
    if (must_deactivate(f)) {
        tell(f, INFRA_FAILOVER_EVENT_DEACTIVATE, ret);
        ret->token = f->host_token;
        f->host_token = 0;
    } else if (must_drain(f)) {
        tell(f, INFRA_FAILOVER_EVENT_DRAIN, ret);
        f->host_drains = true;
        infra__gate_set(f->o.gate, f->token, ret->valid_until, true);
    } else if (f->log_count > 0) {
        *ret = f->log[f->log_first];
        f->log_first = (f->log_first + 1) % LOG_MAX;
        f->log_count--;
    } else if (f->fence_call != 0 && f->is_fence_offered) {
        tell(f, INFRA_FAILOVER_EVENT_FENCE, ret);
        ret->call.id = f->fence_call;
        f->is_fence_offered = false;
    } else if (may_activate(f)) {
        tell(f, INFRA_FAILOVER_EVENT_ACTIVATE, ret);
        f->activated = f->now;
        f->activations++;
        f->host_token = f->token;
        f->host_drains = false;
        infra__gate_set(f->o.gate, f->token, f->until, false);
    } else if (f->call.is_out && f->call.is_offered) {
        tell_call(f, ret);
    } else {
        return false;
    }
    return true;
}

int infra_failover_next(struct infra_failover *failover, infra_time now,
                        struct infra_failover_event *ret)
{
    struct infra_failover *f = failover;

    if (f == NULL || ret == NULL) {
        return INFRA_EINVAL;
    }
    infra__failover_advance(f, now);
    ask(f);
    return take_event(f, ret) ? INFRA_OK : INFRA_EAGAIN;
}

static infra_time call_due(const struct infra_failover *f)
{
    if (f->call.is_out) {
        return f->call.is_offered ? 0 : f->call.lease.deadline;
    }
    if (is_holder(f)) {
        return f->renew_at;
    }
    if (f->orphan_token != 0) {
        return f->release_at;
    }
    return f->role == INFRA_FAILOVER_ROLE_ACQUIRING || is_looking(f)
               ? f->look_at
               : INFRA_TIME_NEVER;
}

infra_time infra_failover_deadline(const struct infra_failover *failover)
{
    const struct infra_failover *f = failover;

    if (f == NULL) {
        return INFRA_TIME_NEVER;
    }
    /* DRAIN and DEACTIVATE come with a change of role, in the log. */
    if (f->log_count > 0 || (f->fence_call != 0 && f->is_fence_offered) ||
        may_activate(f)) {
        return 0;
    }
    return earlier(next_change(f).at, call_due(f));
}
