/* SPDX-License-Identifier: MIT */
/* The machine as an object: create, answers of the host, commands. */
#include "../base/characters.h"
#include "calls.h"

#define GUARD_DEFAULT INFRA_MS(500)
#define CALL_TIMEOUT_DEFAULT_MAX INFRA_SEC(1)
#define DRIFT_DEFAULT 10000u
#define DRIFT_MAX 200000u
#define PREFERENCE_MAX 255u
#define DURATION_MAX INFRA_SEC(86400)

INFRA__NO_TAIL_PADDING(struct infra_failover_options, fence_policy);
INFRA__NO_TAIL_PADDING(struct infra_failover_status, paused);
_Static_assert(sizeof(struct infra_failover_event) == 80, "hosts store events");

static infra_time or_else(infra_time value, infra_time fallback)
{
    return value != 0 ? value : fallback;
}

static infra_time least(infra_time a, infra_time b)
{
    return a < b ? a : b;
}

static void set_defaults(struct infra_failover_options *o)
{
    o->ttl = or_else(o->ttl, INFRA_LEASE_TTL_DEFAULT);
    o->call_timeout =
        or_else(o->call_timeout, least(o->ttl / 6, CALL_TIMEOUT_DEFAULT_MAX));
    o->guard = or_else(o->guard, least(o->ttl / 6, GUARD_DEFAULT));
    o->grace = or_else(o->grace, o->guard);
    o->pause_max = or_else(o->pause_max, o->ttl / 4);
    o->hold_down = or_else(o->hold_down, o->ttl);
    o->penalty_half_life =
        or_else(o->penalty_half_life, INFRA__HALF_LIFE_DEFAULT);
    o->drift_ppm = o->drift_ppm != 0 ? o->drift_ppm : DRIFT_DEFAULT;
    o->seed = o->seed != 0 ? o->seed : o->incarnation;
}

static bool is_name(const char *name)
{
    return infra__text_fits(name, 1, INFRA_LEASE_NAME_MAX);
}

/* Is there time for two renewals after a third of the ttl? */
static bool renewals_fit(const struct infra_failover_options *o)
{
    infra_time needed = o->ttl / 3 + 2 * o->call_timeout + o->drain_timeout;

    return needed <= infra__validity(0, o->ttl, o->drift_ppm, o->guard);
}

static bool are_usable(const struct infra_failover_options *o)
{
    return is_name(o->group) && is_name(o->node) && o->gate != NULL &&
           o->incarnation != 0 && o->ttl >= INFRA_LEASE_TTL_MIN &&
           o->ttl <= INFRA_LEASE_TTL_MAX && o->drift_ppm <= DRIFT_MAX &&
           o->preference <= PREFERENCE_MAX && o->preempt <= 1 &&
           o->fence_policy <= INFRA_FAILOVER_FENCE_TRY &&
           o->penalty_half_life >= INFRA__HALF_LIFE_MIN &&
           o->penalty_half_life <= INFRA__HALF_LIFE_MAX &&
           o->hold_down <= DURATION_MAX && o->grace <= DURATION_MAX &&
           o->drain_timeout <= o->ttl && o->call_timeout <= o->ttl &&
           renewals_fit(o);
}

static int complete(void *options)
{
    struct infra_failover_options *o = options;

    set_defaults(o);
    return are_usable(o) ? INFRA_OK : INFRA_EINVAL;
}

int infra_failover_create(struct infra_failover **ret,
                          const struct infra_failover_options *options)
{
    struct infra_failover_options o = { .size = sizeof o };
    int err =
        ret != NULL ? infra__options_take(&o, options, complete) : INFRA_EINVAL;
    struct infra_failover *f =
        infra__object_create(&err, sizeof *f, o.allocator);

    if (f == NULL) {
        return err;
    }
    f->o = o;
    f->o.group = f->o.node = NULL; /* Not kept. */
    f->token_floor = o.token_floor;
    f->random = o.seed;
    f->damper.half_life = o.penalty_half_life;
    f->yield_until = INFRA_TIME_NEVER;
    f->is_fit = true;
    infra__gate_shut(o.gate);
    *ret = f;
    return INFRA_OK;
}

void infra_failover_destroy(struct infra_failover *failover)
{
    if (failover != NULL) {
        infra__gate_shut(failover->o.gate);
        infra__object_free(failover, sizeof *failover);
    }
}

/* Can this be an answer? A lease has a token. */
static bool is_answer(const struct infra_failover *f,
                      const struct infra_lease_answer *a)
{
    bool is_of_lease = f->call.lease.op != INFRA_LEASE_OP_RELEASE &&
                       f->call.lease.op != INFRA_LEASE_OP_REQUEST;

    return a->outcome <= INFRA_LEASE_OUTCOME_UNKNOWN &&
           (a->outcome != INFRA_LEASE_OUTCOME_GRANTED || a->token != 0 ||
            !is_of_lease);
}

int infra_failover_answer(struct infra_failover *failover, uint64_t call,
                          const struct infra_lease_answer *answer,
                          infra_time now)
{
    struct infra_failover *f = failover;

    if (f == NULL || answer == NULL || !is_answer(f, answer)) {
        return INFRA_EINVAL;
    }
    infra__failover_advance(f, now);
    if (!f->call.is_out || (call != f->call.lease.id && RULE(CALL_ID))) {
        infra__call_late(f, answer);
        return INFRA_ESTALE;
    }
    infra__call_answered(f, answer);
    infra__failover_advance(f, now);
    return INFRA_OK;
}

int infra_failover_answer_fence(struct infra_failover *failover, uint64_t call,
                                uint32_t outcome, infra_time now)
{
    struct infra_failover *f = failover;

    if (f == NULL || outcome > INFRA_ORDER_UNKNOWN) {
        return INFRA_EINVAL;
    }
    infra__failover_advance(f, now);
    if (f->fence_call == 0 || call != f->fence_call) {
        return INFRA_ESTALE;
    }
    f->fence_call = 0;
    if (outcome != INFRA_ORDER_DONE &&
        f->o.fence_policy == INFRA_FAILOVER_FENCE_REQUIRE) {
        infra__failover_become(f, INFRA_FAILOVER_REASON_FENCE);
    } else if (outcome != INFRA_ORDER_DONE) {
        /* Wait as if the former holder had renewed just now. */
        f->ready_at = infra__time_add(f->now, f->o.ttl + f->o.grace);
    }
    infra__failover_advance(f, now);
    return INFRA_OK;
}

int infra_failover_drained(struct infra_failover *failover, infra_time now)
{
    struct infra_failover *f = failover;

    if (f == NULL) {
        return INFRA_EINVAL;
    }
    infra__failover_advance(f, now);
    if (f->role == INFRA_FAILOVER_ROLE_DRAINING && f->host_drains) {
        f->has_drained = true;
    } else if (f->orphan_token != 0 && f->host_token == 0) {
        f->release_at = f->now;
    } else {
        return INFRA_ESTALE;
    }
    infra__failover_advance(f, now);
    return INFRA_OK;
}

int infra_failover_fit(struct infra_failover *failover, int fit, infra_time now)
{
    if (failover == NULL) {
        return INFRA_EINVAL;
    }
    infra__failover_advance(failover, now);
    failover->is_fit = fit != 0;
    infra__failover_advance(failover, now);
    return INFRA_OK;
}

int infra_failover_hint(struct infra_failover *failover, infra_time now)
{
    if (failover == NULL) {
        return INFRA_EINVAL;
    }
    infra__failover_advance(failover, now);
    failover->look_at = failover->now;
    infra__failover_advance(failover, now);
    return INFRA_OK;
}

static int step_down(struct infra_failover *f, uint32_t reason)
{
    if (!is_holder(f)) {
        return INFRA_EBUSY;
    }
    f->has_failed |= reason == INFRA_FAILOVER_REASON_FAILED;
    infra__failover_become(f, reason);
    return INFRA_OK;
}

static int take_over(struct infra_failover *f)
{
    if (f->role == INFRA_FAILOVER_ROLE_FAULT ||
        f->role == INFRA_FAILOVER_ROLE_DRAINING) {
        return INFRA_EBUSY;
    }
    f->takes_over = true;
    f->ask_at = 0;
    f->look_at = f->now;
    if (f->role == INFRA_FAILOVER_ROLE_COOLDOWN) {
        infra__failover_become(f, INFRA_FAILOVER_REASON_COMMAND);
    }
    return INFRA_OK;
}

static void stand_still(struct infra_failover *f)
{
    f->is_paused = true;
    f->takes_over = false;
    if (f->role == INFRA_FAILOVER_ROLE_ACQUIRING) {
        infra__failover_become(f, INFRA_FAILOVER_REASON_COMMAND);
    }
}

int infra_failover_command(struct infra_failover *failover, uint32_t command,
                           infra_time now)
{
    struct infra_failover *f = failover;
    int err = INFRA_OK;

    if (f == NULL || command > INFRA_FAILOVER_COMMAND_FAIL) {
        return INFRA_EINVAL;
    }
    infra__failover_advance(f, now);
    switch (command) {
    case INFRA_FAILOVER_COMMAND_STEP_DOWN:
        err = step_down(f, INFRA_FAILOVER_REASON_RESIGN);
        break;
    case INFRA_FAILOVER_COMMAND_TAKE_OVER:
        err = take_over(f);
        break;
    case INFRA_FAILOVER_COMMAND_PAUSE:
        stand_still(f);
        break;
    case INFRA_FAILOVER_COMMAND_FAIL:
        err = step_down(f, INFRA_FAILOVER_REASON_FAILED);
        break;
    default:
        f->is_paused = false;
        f->is_stuck = false;
        break;
    }
    infra__failover_advance(f, now);
    return err;
}

int infra_failover_inspect(const struct infra_failover *failover,
                           struct infra_failover_status *ret)
{
    const struct infra_failover *f = failover;

    if (f == NULL || ret == NULL) {
        return INFRA_EINVAL;
    }
    const struct infra_failover_status status = {
        .size = sizeof status,
        .token = f->token,
        .token_floor = f->token_floor,
        .valid_until = f->until,
        .since = f->since,
        .activations = f->activations,
        .role = f->role,
        .reason = f->reason,
        .penalty = infra__damper_penalty(&f->damper, f->now),
        .paused = f->is_paused,
    };
    return infra__status_export(ret, &status, sizeof status, sizeof status);
}
