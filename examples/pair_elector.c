/* SPDX-License-Identifier: MIT */
/* A group that is served by whoever holds its lease. */
#include "pair_role.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

/* What a process that was killed started ends with it (PR_SET_PDEATHSIG): so
 * much is enough until its successor may begin, and the file's lock tells at
 * once that it is gone. */
#define FILE_GRACE INFRA_MS(100)

#define GUARD INFRA_MS(500) /* Off the lease, if a sixth of it is not less. */

/* How often to look whether the command's sessions have ended. */
#define LOOK_EVERY INFRA_MS(5)

/* So long a drain lasts at least: the command looks at its gate every 10 ms,
 * and serves who was in its queue. */
#define DRAIN_MIN INFRA_MS(30)

struct elector {
    struct pair_role role; /* First: it is a role. */
    struct infra_elector *elector;
    struct infra_lease *lease; /* The elector's. */
    struct pair_command fence;
    uint64_t fence_call;
    infra_time drain_since; /* 0: it does not drain. */
    uint64_t calls;         /* Of the store, until the last unknown one. */
    uint64_t unknowns;      /* How many were. */
    uint32_t reason; /* Why the last one was; 0: it has answered since. */
    infra_time leave_since; /* It has ceased to serve, and the machine does not
                               know yet that all is gone; 0: no. */
    infra_time guard;
};

static const char *name_of(const struct elector *e)
{
    return e->role.service.group->name;
}

static struct infra_failover *machine_of(const struct elector *e)
{
    return infra_elector_machine(e->elector);
}

static int open_lease(const struct pair_host *host, uint32_t number,
                      uint64_t incarnation, struct infra_lease **ret)
{
    const struct pair_options *o = host->options;
    const char *group = o->groups[number].name;
    char path[4096];
    const struct infra_lease_file_options file = { .size = sizeof file,
                                                   .path = path,
                                                   .node = o->node,
                                                   .incarnation = incarnation,
                                                   .ttl = o->ttl };
    const struct infra_lease_etcd_options etcd = { .size = sizeof etcd,
                                                   .group = group,
                                                   .node = o->node,
                                                   .user = o->user,
                                                   .password = o->password,
                                                   .incarnation = incarnation,
                                                   .ttl = o->ttl,
                                                   .endpoints_count =
                                                       o->endpoints_count };

    if (o->store == PAIR_ETCD) {
        return infra_lease_etcd(ret, &etcd);
    }
    int size = o->groups_count == 1
                   ? snprintf(path, sizeof path, "%s", o->path)
                   : snprintf(path, sizeof path, "%s.%s", o->path, group);
    return (size_t)size < sizeof path ? infra_lease_file(ret, &file)
                                      : INFRA_EINVAL;
}

static int open_elector(struct elector *e, const struct pair_host *host,
                        uint32_t number)
{
    const struct pair_options *o = host->options;
    struct infra_elector_endpoint endpoints[INFRA_ELECTOR_ENDPOINTS_MAX];
    struct infra_failover_options machine = {
        .size = sizeof machine,
        .group = o->groups[number].name,
        .node = o->node,
        .gate = &host->gates->gates[number].gate,
        .token_floor = host->token_floors[number],
        .ttl = o->ttl,
        .drain = o->drain,
        .grace = o->store == PAIR_FILE ? FILE_GRACE : 0,
        .attest_max = o->attest,
        .preference = o->groups[number].preference,
        .preempt = o->preempt,
        .fence_policy =
            o->fence != NULL ? INFRA_FENCE_REQUIRE : INFRA_FENCE_WAIT,
    };
    struct infra_elector_options options = { .size = sizeof options,
                                             .failover = &machine,
                                             .endpoints = endpoints,
                                             .endpoints_count =
                                                 o->endpoints_count };

    machine.guard = o->ttl / 6 < GUARD ? o->ttl / 6 : GUARD; /* The default. */
    e->guard = machine.guard;
    for (uint32_t i = 0; i < o->endpoints_count; i++) {
        endpoints[i] = (struct infra_elector_endpoint) {
            .address = (const struct sockaddr *)&o->endpoints[i],
            .address_size = o->endpoint_sizes[i]
        };
    }
    if (getrandom(&machine.incarnation, sizeof machine.incarnation, 0) !=
        sizeof machine.incarnation) {
        return INFRA_ESYSTEM;
    }
    machine.incarnation |= 1; /* Not 0. */
    int err = open_lease(host, number, machine.incarnation, &e->lease);
    options.lease = e->lease;
    err = err != INFRA_OK
              ? err
              : infra_elector_create(&e->elector, host->driver, &options);
    if (err != INFRA_OK) {
        infra_lease_destroy(e->lease);
    }
    return err;
}

/* Of a file there is more to say than the name of the error. */
static const char *why(const struct pair_options *o, int err)
{
    if (o->store == PAIR_FILE && err == INFRA_ESYSTEM) {
        return "the file cannot be opened, created or written (no such "
               "directory, no permission, disk full or read-only)";
    }
    if (o->store == PAIR_FILE && err == INFRA_EINVAL) {
        return "the file is something else than a lease";
    }
    if (o->store == PAIR_FILE && err == INFRA_EREMOTE) {
        return "the file is on a network file system, whose locks are not to "
               "be trusted";
    }
    return infra_strerror(err);
}

static void elector_close(struct pair_role *role)
{
    struct elector *e = (struct elector *)role;

    infra_elector_destroy(e->elector);
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
    int err = open_elector(e, host, number);
    if (err != INFRA_OK) {
        pair_say("%s: --lease: %s", name_of(e), why(host->options, err));
        free(e);
        return NULL;
    }
    if (!pair_service_start(&e->role.service, now)) {
        elector_close(&e->role);
        return NULL;
    }
    e->role.token_floor = host->token_floors[number];
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
    e->fence_call = event->call;
    pair_say("%s: fence", name_of(e));
    /* A former attempt is over, or given up: one that comes late is not ours.
     */
    pair_command_kill(&e->fence);
    if (!pair_command_start(&e->fence, o->fence, &variables, now + o->limit)) {
        (void)infra_failover_fenced(machine_of(e), event->call,
                                    INFRA_FENCE_FAILED, now);
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
    case INFRA_FAILOVER_ROLE:
        pair_say("%s: %s: %s, token %llu", name_of(e),
                 infra_failover_role_name(event->role),
                 infra_failover_reason_name(event->reason),
                 (unsigned long long)event->token);
        e->role.has_stalled |= event->reason == INFRA_FAILOVER_REASON_STALLED;
        break;
    case INFRA_FAILOVER_FENCE:
        fence(e, event, now);
        break;
    case INFRA_FAILOVER_ACTIVATE:
        pair_say("%s: serves, token %llu", name_of(e),
                 (unsigned long long)event->token);
        e->drain_since = 0;
        e->leave_since = 0;
        pair_service_gain(service, event->token, event->valid_until, now);
        break;
    case INFRA_FAILOVER_DRAIN:
        e->drain_since = now;
        pair_service_drain(service);
        break;
    default: /* DEACTIVATE */
        leave(e, now);
        break;
    }
}

/* Tell the machine when nothing is in progress any more: it gives the lease
 * back at once then, so that all that moves with it has to be gone before. */
static void tell_drained(struct elector *e, infra_time now)
{
    const struct pair_service *service = &e->role.service;
    /* Then it waits no longer in any case, whatever the command tells. */
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

/* A store that does not answer is worth a line, but not one for each call. */
static void watch_store(struct elector *e)
{
    struct infra_lease_stats stats = { .size = sizeof stats };
    uint32_t reason = e->reason;

    (void)infra_lease_inspect(e->lease, &stats);
    if (stats.unknowns != e->unknowns) {
        reason = stats.reason;
    } else if (stats.calls > e->calls + 1) { /* The last one may be out. */
        reason = INFRA_LEASE_REASON_NONE;
    }
    if (reason != e->reason) {
        pair_say("%s: the store: %s (%u)", name_of(e),
                 reason == INFRA_LEASE_REASON_NONE
                     ? "answers"
                     : infra_lease_reason_name(reason),
                 stats.detail);
    }
    if (reason != e->reason || stats.unknowns != e->unknowns) {
        e->calls = stats.calls;
    }
    e->reason = reason;
    e->unknowns = stats.unknowns;
}

static void elector_turn(struct pair_role *role, infra_time now)
{
    struct elector *e = (struct elector *)role;
    struct infra_failover_status status = { .size = sizeof status };
    struct infra_failover_event event;

    while (infra_elector_next(e->elector, infra_driver_now(), &event) ==
           INFRA_OK) {
        act(e, &event, infra_driver_now());
    }
    tell_drained(e, now);
    (void)infra_failover_inspect(machine_of(e), &status);
    role->token_floor = status.token_floor;
    pair_service_keep(&role->service, status.valid_until, now);
    pair_service_turn(&role->service, now);
    pair_command_expire(&e->fence, now);
    watch_store(e);
}

static infra_time elector_deadline(const struct pair_role *role, infra_time now)
{
    const struct elector *e = (const struct elector *)role;
    infra_time at = pair_service_deadline(&role->service);
    infra_time fence_at = pair_command_deadline(&e->fence);

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
    command(role, INFRA_FAILOVER_STEP_DOWN, now);
}

static void elector_take_over(struct pair_role *role, infra_time now)
{
    command(role, INFRA_FAILOVER_RESUME, now);
    command(role, INFRA_FAILOVER_TAKE_OVER, now);
}

static void elector_end(struct pair_role *role, infra_time now)
{
    struct infra_failover *machine = machine_of((struct elector *)role);

    /* Who does not serve is not to begin now.  EBUSY: that one. */
    (void)infra_failover_command(machine, INFRA_FAILOVER_PAUSE, now);
    (void)infra_failover_command(machine, INFRA_FAILOVER_STEP_DOWN, now);
}

static bool elector_is_over(struct pair_role *role, infra_time now)
{
    struct elector *e = (struct elector *)role;
    struct infra_failover_status status = { .size = sizeof status };

    (void)infra_failover_inspect(machine_of(e), &status);
    /* Stale: there is no lease left to be given back. */
    return status.token == 0 && e->leave_since == 0 && e->drain_since == 0 &&
           pair_service_is_gone(&role->service) &&
           infra_failover_drained(machine_of(e), now) == INFRA_ESTALE;
}

static bool elector_ended(struct pair_role *role, pid_t pid, int status,
                          infra_time now)
{
    static const uint32_t outcomes[] = {
        [PAIR_DONE] = INFRA_FENCE_DONE,
        [PAIR_FAILED] = INFRA_FENCE_FAILED,
        [PAIR_LATE] = INFRA_FENCE_UNKNOWN,
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
    (void)infra_failover_fenced(machine_of(e), e->fence_call, outcomes[ending],
                                now);
    return true;
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
};
