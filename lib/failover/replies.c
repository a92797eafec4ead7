/* SPDX-License-Identifier: MIT */
/* Calls to the store and the meaning of its answers. One call is out at a time;
 * each has an id, and a grant counts from its issue: an answer that comes late,
 * twice, or to a call that was given up can never lengthen a lease. */
#include "calls.h"

#define RELEASE_ATTEMPTS 3u /* Then the lease runs out. */

void infra__call_begin(struct infra_failover *f, uint32_t op, uint64_t token)
{
    f->call = (struct call) { .lease = { .id = ++f->calls_count,
                                         .token = token,
                                         .deadline = infra__time_add(
                                             f->now, f->o.call_timeout),
                                         .op = op },
                              .issue = f->now,
                              .is_out = true,
                              .is_offered = true };
}

/* Time of the next try after an UNKNOWN: at once after a slow call, later if
 * the store refused at once. */
static infra_time retry_at(const struct infra_failover *f)
{
    return infra__time_add(f->call.issue, f->o.call_timeout / 2);
}

/* End of the lease that this call was granted. A store may give a shorter ttl
 * than it was asked for; a longer one is not believed. */
static infra_time validity(const struct infra_failover *f,
                           const struct infra_lease_answer *a)
{
    infra_time ttl = a->ttl < f->o.ttl ? a->ttl : f->o.ttl;
    infra_time issue = RULE(ISSUE) ? f->call.issue : f->now;

    return infra__validity(issue, ttl, f->o.drift_ppm, f->o.guard);
}

static void see(struct infra_failover *f, uint64_t token)
{
    if (token > f->token_floor && token != UINT64_MAX) {
        f->token_floor = token;
    }
}

/* Release a lease that this node does not use. Its token is spent: a RELEASE
 * that is carried out late names it. A released lease is clean for the next
 * holder. So after an unclean grant it is released only when the grace is
 * over, and never if the former holder has to be fenced: then it runs out. */
static void give_back(struct infra_failover *f, uint64_t token, bool clean)
{
    see(f, token);
    if (!clean && f->o.fence_policy != INFRA_FAILOVER_FENCE_WAIT &&
        RULE(FENCE)) {
        return;
    }
    f->orphan_token = token;
    f->release_at =
        clean || !RULE(GRACE) ? f->now : infra__time_add(f->now, f->o.grace);
    f->release_attempts = 0;
}

/* Hold the lease of this answer, unless it is too late or not new. */
static void take(struct infra_failover *f, const struct infra_lease_answer *a,
                 bool clean)
{
    infra_time until = validity(f, a);

    if (a->token <= f->token_floor && RULE(FLOOR)) {
        give_back(f, a->token, clean);
        f->is_stuck = true;
        infra__failover_become(f, INFRA_FAILOVER_REASON_REGRESSED);
    } else if (until <= f->now) {
        give_back(f, a->token, clean);
        infra__failover_become(f, INFRA_FAILOVER_REASON_EXPIRED);
    } else {
        infra__failover_hold(f, a->token, until, clean);
    }
}

static void note_other(struct infra_failover *f, uint64_t token)
{
    f->held_token = token;
    see(f, token);
}

static void on_acquire(struct infra_failover *f,
                       const struct infra_lease_answer *a)
{
    if (a->outcome == INFRA_LEASE_OUTCOME_GRANTED) {
        take(f, a, a->clean != 0);
    } else if (a->outcome == INFRA_LEASE_OUTCOME_CONFLICT) {
        note_other(f, a->token);
        infra__failover_become(f, INFRA_FAILOVER_REASON_HELD);
    } else { /* It may be ours: read. */
        f->acquire_op = INFRA_LEASE_OP_READ;
        f->look_at = retry_at(f);
    }
}

/* May this node take a free lease, or keep one that it was granted unheard? */
static bool may_take(const struct infra_failover *f)
{
    return !f->is_paused || f->takes_over;
}

/* Adopt a lease whose grant this node did not hear. The time of its issue is
 * not known, so the lease counts from a renewal. */
static void adopt(struct infra_failover *f, const struct infra_lease_answer *a)
{
    /* The token of an old lease of ours is not greater than all before. */
    if (!may_take(f) || a->token <= f->token_floor) {
        give_back(f, a->token, false);
        return;
    }
    infra__failover_become(f, INFRA_FAILOVER_REASON_FREE);
    if (!RULE(ADOPT)) {
        take(f, a, false);
        return;
    }
    f->acquire_op = INFRA_LEASE_OP_RENEW;
    f->adopted_token = a->token;
    f->look_at = f->now;
}

/* Does this node leave the free lease to a preferred node for a moment? Without
 * this a node that steps down for another would take the lease again itself. */
static bool defers(struct infra_failover *f, uint64_t request)
{
    uint64_t ours = f->takes_over ? INFRA__REQUEST_OPERATOR : f->o.preference;

    if (request <= ours) {
        return false;
    }
    if (f->deferred_token != f->token_floor) {
        f->deferred_token = f->token_floor;
        f->defer_until = infra__time_add(f->now, 2 * f->o.call_timeout);
    }
    return f->now < f->defer_until;
}

/* A damped node reads. If the lease stays free although all other nodes had
 * time to take it, no other node is there. */
static void on_read_cooling(struct infra_failover *f,
                            const struct infra_lease_answer *a)
{
    infra_time free_since = f->free_since;

    f->free_since = INFRA_TIME_NEVER;
    if (a->outcome == INFRA_LEASE_OUTCOME_GRANTED) {
        give_back(f, a->token, false);
    } else if (a->outcome == INFRA_LEASE_OUTCOME_CONFLICT) {
        note_other(f, a->token);
    } else if (a->outcome == INFRA_LEASE_OUTCOME_LOST && may_take(f)) {
        f->free_since = free_since != INFRA_TIME_NEVER ? free_since : f->now;
        if (f->now >= f->yield_until &&
            f->call.issue >= infra__time_add(f->free_since, f->o.ttl / 2)) {
            infra__failover_become(f, INFRA_FAILOVER_REASON_COOLED);
        }
    }
}

static void on_read(struct infra_failover *f,
                    const struct infra_lease_answer *a)
{
    if (f->role == INFRA_FAILOVER_ROLE_COOLDOWN) {
        on_read_cooling(f, a);
        return;
    }
    if (f->role == INFRA_FAILOVER_ROLE_ACQUIRING) {
        f->look_at = retry_at(f); /* Unless the answer helps. */
    }
    switch (a->outcome) {
    case INFRA_LEASE_OUTCOME_GRANTED:
        adopt(f, a);
        break;
    case INFRA_LEASE_OUTCOME_CONFLICT:
        note_other(f, a->token);
        infra__failover_become(f, INFRA_FAILOVER_REASON_HELD);
        break;
    case INFRA_LEASE_OUTCOME_LOST:
        f->held_token = 0;
        if (may_take(f) && !defers(f, a->handover_request)) {
            infra__failover_become(f, INFRA_FAILOVER_REASON_FREE);
            f->acquire_op = INFRA_LEASE_OP_ACQUIRE;
            f->look_at = f->now;
        }
        break;
    default:
        break;
    }
}

/* Does the node that requests the lease get it? */
static bool yields(const struct infra_failover *f, uint64_t request)
{
    bool has_served = f->now >= infra__time_add(f->activated, f->o.tenure_min);

    return !f->is_paused && (request == INFRA__REQUEST_OPERATOR ||
                             (request > f->o.preference && has_served));
}

static void renewed(struct infra_failover *f,
                    const struct infra_lease_answer *a)
{
    /* Perhaps sooner than before: the store may give a shorter ttl. */
    f->until = validity(f, a);
    f->renewed = f->call.issue;
    f->renew_at = infra__time_add(f->call.issue, f->o.ttl / 3);
    f->must_verify = false;
    if (f->role == INFRA_FAILOVER_ROLE_DOUBT) {
        infra__failover_become(f, INFRA_FAILOVER_REASON_RENEWED);
    }
    if (f->host_token == f->token) {
        infra__gate_set(f->o.gate, f->token, infra__failover_end(f),
                        f->role == INFRA_FAILOVER_ROLE_DRAINING);
    }
    if (yields(f, a->handover_request)) {
        infra__failover_become(f, INFRA_FAILOVER_REASON_REQUESTED);
    }
}

static void on_renew(struct infra_failover *f,
                     const struct infra_lease_answer *a)
{
    bool granted = a->outcome == INFRA_LEASE_OUTCOME_GRANTED;

    if (a->outcome == INFRA_LEASE_OUTCOME_UNKNOWN) {
        f->renew_at = retry_at(f);
        f->look_at = f->renew_at;
    } else if (f->role == INFRA_FAILOVER_ROLE_ACQUIRING) {
        if (granted) {
            take(f, a, false);
        } else {
            infra__failover_become(f, INFRA_FAILOVER_REASON_HELD);
        }
    } else if (granted && a->token == f->token) {
        renewed(f, a);
    } else if (RULE(LOST)) {
        note_other(f,
                   a->outcome == INFRA_LEASE_OUTCOME_CONFLICT ? a->token : 0);
        infra__failover_become(f, INFRA_FAILOVER_REASON_LOST);
    }
}

void infra__call_answered(struct infra_failover *f,
                          const struct infra_lease_answer *a)
{
    f->call.is_out = false;
    switch (f->call.lease.op) {
    case INFRA_LEASE_OP_ACQUIRE:
        on_acquire(f, a);
        break;
    case INFRA_LEASE_OP_RENEW:
        on_renew(f, a);
        break;
    case INFRA_LEASE_OP_READ:
        on_read(f, a);
        break;
    case INFRA_LEASE_OP_RELEASE:
        if (a->outcome != INFRA_LEASE_OUTCOME_UNKNOWN ||
            ++f->release_attempts == RELEASE_ATTEMPTS) {
            f->orphan_token = 0;
        }
        break;
    default:
        break;
    }
}

/* A grant that is known already is an echo of an answer that was used. */
void infra__call_late(struct infra_failover *f,
                      const struct infra_lease_answer *a)
{
    if (a->outcome == INFRA_LEASE_OUTCOME_GRANTED &&
        a->token > f->token_floor && !is_holder(f) &&
        f->role != INFRA_FAILOVER_ROLE_ACQUIRING) {
        give_back(f, a->token, a->clean != 0);
    }
}
