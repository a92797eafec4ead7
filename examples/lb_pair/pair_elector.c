/* SPDX-License-Identifier: MIT */
/* A group that the holder of its lease serves. */
#include "pair_role.h"

#include <stdlib.h>

/* Processes that a killed lb_pair started end with it (PR_SET_PDEATHSIG), so
 * this is enough until a successor may begin; the file's lock shows the death
 * at once. */
#define FILE_GRACE INFRA_MS(100)

#define GUARD INFRA_MS(500) /* Or a sixth of the lease, if that is less. */

/* Interval of looking whether the command's sessions have ended. */
#define LOOK_EVERY INFRA_MS(5)

/* Minimum of a drain: the command looks at its gate every 10 ms, and serves the
 * clients in its queue. */
#define DRAIN_MIN INFRA_MS(30)

struct elector {
    struct pair_role role; /* First: it is a role. */
    struct lease_store store;
    struct shell_command fence;
    uint64_t fence_call;
    infra_time drain_since; /* 0: no drain. */
    infra_time leave_since; /* Ceased, the machine not told yet; 0: no. */
    infra_time guard;
};

static const char *name_of(const struct elector *e)
{
    return e->role.service.group->name;
}

static struct infra_failover *machine_of(const struct elector *e)
{
    return infra_elector_machine(e->store.elector);
}

static bool open_store(struct elector *e, const struct pair_host *host,
                       uint32_t number)
{
    const struct pair_options *o = host->options;
    infra_time sixth = o->lease.ttl / 6;

    e->guard = sixth < GUARD ? sixth : GUARD; /* The default. */
    const struct infra_failover_options machine = {
        .size = sizeof machine,
        .group = o->groups[number].name,
        .gate = &host->gates->gates[number].gate,
        .token_floor = host->floors[number].token,
        .drain_timeout = o->drain,
        .guard = e->guard,
        .grace = o->lease.path != NULL ? FILE_GRACE : 0,
        .attest_age_max = o->attest,
        .preference = o->groups[number].preference,
        .preempt = o->preempt,
        .fence_policy = o->fence != NULL ? INFRA_FAILOVER_FENCE_REQUIRE
                                         : INFRA_FAILOVER_FENCE_WAIT,
    };
    return lease_store_open(&e->store, host->access, host->driver, &machine);
}

static void elector_close(struct pair_role *role)
{
    struct elector *e = (struct elector *)role;

    lease_store_close(&e->store);
    free(e);
}

static struct pair_role *elector_open(const struct pair_host *host,
                                      uint32_t number, infra_time now)
{
    struct elector *e = calloc(1, sizeof *e);

    if (e == NULL) {
        pair_say("out of memory");
        return NULL;
    }
    e->role.service =
        (struct pair_service) { .options = host->options,
                                .group = &host->options->groups[number],
                                .link = host->link,
                                .gate = &host->gates->gates[number],
                                .announces = true };
    if (!open_store(e, host, number)) {
        free(e);
        return NULL;
    }
    if (!pair_service_start(&e->role.service, now)) {
        elector_close(&e->role);
        return NULL;
    }
    e->role.token_floor = host->floors[number].token;
    /* Until the command is up. */
    (void)infra_failover_fit(machine_of(e), 0, now);
    return &e->role;
}

static void fence(struct elector *e, const struct infra_failover_event *event,
                  infra_time now)
{
    const struct pair_options *o = e->role.service.options;
    struct pair_variables variables = pair_service_variables(&e->role.service);

    variables.token = event->token;
    e->fence_call = event->call.id;
    pair_say("%s: fence", name_of(e));
    /* A former fence is over or given up; its late result is not of this
     * call. */
    shell_command_stop(&e->fence, now);
    if (!pair_command_start(&e->fence, o->fence, &variables, now + o->limit)) {
        (void)infra_failover_answer_fence(machine_of(e), event->call.id,
                                          INFRA_ORDER_FAILED, now);
    }
}

/* Cease to serve, unless it has already. */
static void leave(struct elector *e, infra_time now)
{
    e->drain_since = 0;
    if (e->role.service.is_wanted) {
        e->leave_since = now;
        pair_service_lose(&e->role.service, now);
        pair_say("%s: ceased, token %llu", name_of(e),
                 (unsigned long long)e->role.service.token);
    }
}

static void act(struct elector *e, const struct infra_failover_event *event,
                infra_time now)
{
    struct pair_service *service = &e->role.service;

    switch (event->kind) {
    case INFRA_FAILOVER_EVENT_ROLE:
        pair_say("%s: %s: %s, token %llu", name_of(e),
                 infra_failover_role_name(event->role),
                 infra_failover_reason_name(event->reason),
                 (unsigned long long)event->token);
        e->role.has_stalled |= event->reason == INFRA_FAILOVER_REASON_STALLED;
        break;
    case INFRA_FAILOVER_EVENT_FENCE:
        fence(e, event, now);
        break;
    case INFRA_FAILOVER_EVENT_ACTIVATE:
        pair_say("%s: serves, token %llu", name_of(e),
                 (unsigned long long)event->token);
        e->drain_since = 0;
        e->leave_since = 0;
        pair_service_gain(service, event->token, event->valid_until, now);
        break;
    case INFRA_FAILOVER_EVENT_DRAIN:
        e->drain_since = now;
        pair_service_drain(service);
        break;
    default: /* DEACTIVATE */
        leave(e, now);
        break;
    }
}

/* Tell the machine when no work is in progress: it releases the lease at once,
 * so all that moves with the lease has to be gone before. */
static void tell_drained(struct elector *e, infra_time now)
{
    const struct pair_service *service = &e->role.service;
    /* The guard is over: the command's sessions no longer matter. */
    bool is_time = now >= e->leave_since + e->guard;

    if (e->drain_since != 0 && now >= e->drain_since + DRAIN_MIN &&
        pair_service_is_idle(service)) {
        leave(e, now);
    }
    if (e->leave_since != 0 && pair_service_is_gone(service) &&
        (is_time || pair_service_is_idle(service))) {
        e->leave_since = 0;
        (void)infra_failover_drained(machine_of(e), now);
    }
}

static void watch_store(struct elector *e)
{
    uint32_t detail;
    const char *news = lease_store_news(&e->store, &detail);

    if (news != NULL) {
        pair_say("%s: the store: %s (%u)", name_of(e), news, detail);
    }
}

static void elector_turn(struct pair_role *role, infra_time now)
{
    struct elector *e = (struct elector *)role;
    struct infra_failover_status status = { .size = sizeof status };
    struct infra_failover_event event;

    while (infra_elector_next(e->store.elector, infra_driver_now(), &event) ==
           INFRA_OK) {
        act(e, &event, infra_driver_now());
    }
    tell_drained(e, now);
    (void)infra_failover_inspect(machine_of(e), &status);
    role->token_floor = status.token_floor;
    pair_service_keep(&role->service, status.valid_until, now);
    pair_service_turn(&role->service, now);
    shell_command_expire(&e->fence, now);
    watch_store(e);
}

static infra_time elector_deadline(const struct pair_role *role, infra_time now)
{
    const struct elector *e = (const struct elector *)role;
    infra_time at = pair_service_deadline(&role->service);
    infra_time fence_at = shell_command_deadline(&e->fence);

    at = fence_at < at ? fence_at : at;
    return (e->drain_since != 0 || e->leave_since != 0) && now + LOOK_EVERY < at
               ? now + LOOK_EVERY
               : at;
}

static int elector_fd(const struct pair_role *role)
{
    (void)role;
    return -1;
}

static void elector_fit(struct pair_role *role, bool fit, infra_time now)
{
    (void)infra_failover_fit(machine_of((struct elector *)role), fit, now);
}

static void command(struct pair_role *role, uint32_t what, infra_time now)
{
    struct elector *e = (struct elector *)role;

    if (infra_failover_command(machine_of(e), what, now) == INFRA_EBUSY) {
        pair_say("%s: not now", name_of(e));
    }
}

static void elector_step_down(struct pair_role *role, infra_time now)
{
    command(role, INFRA_FAILOVER_COMMAND_STEP_DOWN, now);
}

static void elector_take_over(struct pair_role *role, infra_time now)
{
    command(role, INFRA_FAILOVER_COMMAND_RESUME, now);
    command(role, INFRA_FAILOVER_COMMAND_TAKE_OVER, now);
}

static void elector_end(struct pair_role *role, infra_time now)
{
    struct infra_failover *machine = machine_of((struct elector *)role);

    /* A node that does not serve must not begin now.  EBUSY: it serves. */
    (void)infra_failover_command(machine, INFRA_FAILOVER_COMMAND_PAUSE, now);
    (void)infra_failover_command(machine, INFRA_FAILOVER_COMMAND_STEP_DOWN,
                                 now);
}

static bool elector_is_over(struct pair_role *role, infra_time now)
{
    struct elector *e = (struct elector *)role;
    struct infra_failover_status status = { .size = sizeof status };

    (void)infra_failover_inspect(machine_of(e), &status);
    /* Stale: no lease is left to release. */
    return status.token == 0 && e->leave_since == 0 && e->drain_since == 0 &&
           pair_service_is_gone(&role->service) &&
           infra_failover_drained(machine_of(e), now) == INFRA_ESTALE;
}

static bool elector_ended(struct pair_role *role, pid_t pid, int status,
                          infra_time now)
{
    static const uint32_t outcomes[] = {
        [PAIR_DONE] = INFRA_ORDER_DONE,
        [PAIR_FAILED] = INFRA_ORDER_FAILED,
        [PAIR_LATE] = INFRA_ORDER_UNKNOWN,
    };
    struct elector *e = (struct elector *)role;
    enum pair_ending ending;

    if (!pair_command_ended(&e->fence, pid, status, &ending)) {
        return pair_service_ended(&role->service, pid, status, now);
    }
    if (ending != PAIR_DONE) {
        pair_say("%s: --fence %s", name_of(e),
                 ending == PAIR_LATE ? "took too long" : "failed");
    }
    (void)infra_failover_answer_fence(machine_of(e), e->fence_call,
                                      outcomes[ending], now);
    return true;
}

static void elector_inspect(const struct pair_role *role, struct pair_view *ret)
{
    const struct elector *e = (const struct elector *)role;
    struct infra_failover_status s = { .size = sizeof s };

    (void)infra_failover_inspect(machine_of(e), &s);
    *ret = (struct pair_view) { .state = infra_failover_role_name(s.role),
                                .reason = infra_failover_reason_name(s.reason),
                                .since = s.since,
                                .valid_until = s.valid_until,
                                .activations = s.activations,
                                .failover = s };
}

const struct pair_role_kind pair_elector = {
    .open = elector_open,
    .close = elector_close,
    .turn = elector_turn,
    .deadline = elector_deadline,
    .fd = elector_fd,
    .fit = elector_fit,
    .step_down = elector_step_down,
    .take_over = elector_take_over,
    .end = elector_end,
    .is_over = elector_is_over,
    .ended = elector_ended,
    .inspect = elector_inspect,
};
