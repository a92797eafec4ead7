/* SPDX-License-Identifier: MIT */
/* Failover over sockets: calls of the machine of failover.h go to a lease
 * client of lease.h, jobs of the driver run its conversations, and the answers
 * go back to the machine. Events are taken from the machine only while the
 * host takes them, so that none is out of date, and so that a hung host renews
 * nothing. O(1) a turn. */
#include "internal.h"

#include "../lease/internal.h"

#include <assert.h>
#include <string.h>

#define EXCHANGES_MAX 3u

INFRA__NO_TAIL_PADDING(struct infra_elector_options, reserved);

struct infra_elector {
    struct infra_allocator allocator;
    struct infra__client client;
    struct infra_driver *driver;
    struct infra_failover *machine;
    struct infra_lease *lease;
    struct infra_tls tls; /* Without functions: there is none. */
    struct infra__job jobs[EXCHANGES_MAX];
    size_t bytes; /* Of the allocation. */
    uint32_t jobs_count;
    uint32_t addresses_count;
    struct infra__address addresses[]; /* And their names. */
};

static size_t name_size(const struct infra_elector_endpoint *endpoint)
{
    return endpoint->tls_name != NULL ? strlen(endpoint->tls_name) + 1 : 0;
}

static size_t elector_size(const struct infra_elector_options *o)
{
    size_t size = sizeof(struct infra_elector) +
                  o->endpoints_count * sizeof(struct infra__address);

    for (uint32_t i = 0; i < o->endpoints_count; i++) {
        size += name_size(&o->endpoints[i]);
    }
    return size;
}

static void take_replies(struct infra_elector *e, infra_time now)
{
    struct infra_lease_reply reply;

    while (infra_lease_next(e->lease, now, &reply) == INFRA_OK) {
        if (reply.call == 0) {
            (void)infra_failover_hint(e->machine, now);
        } else {
            /* INFRA_ESTALE: the machine has given up the call. */
            (void)infra_failover_answer(e->machine, reply.call, &reply.answer,
                                        now);
        }
    }
}

static void elector_turn(void *self, infra_time now)
{
    take_replies(self, now);
}

static infra_time elector_deadline(const void *self)
{
    const struct infra_elector *e = self;
    infra_time machine = infra_failover_deadline(e->machine);
    infra_time lease = infra_lease_deadline(e->lease);

    return machine < lease ? machine : lease;
}

static bool elector_pending(const void *self)
{
    const struct infra_elector *e = self;

    /* Replies and hints were taken; the record is left for the host. */
    return infra_failover_deadline(e->machine) <= e->driver->now ||
           e->lease->has_record;
}

/* A conversation ends with its lease client, not before. */
static void conversation_done(void *owner, infra_time now)
{
    (void)owner;
    (void)now;
    assert(false); /* A lease's exchange is never done. */
}

static int attach_jobs(struct infra_elector *e)
{
    struct infra_exchange x;

    while (e->jobs_count < EXCHANGES_MAX &&
           infra_lease_exchange(e->lease, e->jobs_count, &x) == INFRA_OK) {
        struct infra__job *job = &e->jobs[e->jobs_count];
        *job = (struct infra__job) { .exchange = x,
                                     .addresses = e->addresses,
                                     .addresses_count = e->addresses_count,
                                     .done = conversation_done,
                                     .owner = e };
        job->tls = e->tls.open != NULL ? &e->tls : NULL;
        int err = infra__job_attach(e->driver, job);
        if (err != INFRA_OK) {
            return err;
        }
        e->jobs_count++;
    }
    return INFRA_OK;
}

static void detach_jobs(struct infra_elector *e)
{
    while (e->jobs_count > 0) {
        infra__job_detach(&e->jobs[--e->jobs_count]);
    }
}

/* The names lie behind the addresses. */
static int import_endpoints(struct infra_elector *e,
                            const struct infra_elector_options *o)
{
    char *names = (char *)&e->addresses[o->endpoints_count];

    for (uint32_t i = 0; i < o->endpoints_count; i++) {
        const struct infra_elector_endpoint *from = &o->endpoints[i];
        int err = infra__address_import(&e->addresses[i], from->address,
                                        from->address_size);
        if (err != INFRA_OK) {
            return err;
        }
        if (from->tls_name != NULL) {
            e->addresses[i].tls_name =
                memcpy(names, from->tls_name, name_size(from));
            names += name_size(from);
        }
    }
    e->addresses_count = o->endpoints_count;
    return INFRA_OK;
}

static int check(void *options)
{
    const struct infra_elector_options *o = options;

    if (o->lease == NULL || (o->endpoints == NULL && o->endpoints_count > 0) ||
        o->endpoints_count > INFRA_ELECTOR_ENDPOINTS_MAX) {
        return INFRA_EINVAL;
    }
    for (uint32_t i = 0; i < o->endpoints_count; i++) {
        const char *name = o->endpoints[i].tls_name;
        if (name != NULL && name[0] == '\0') {
            return INFRA_EINVAL;
        }
    }
    return INFRA_OK;
}

static int import(struct infra_elector *e,
                  const struct infra_elector_options *o)
{
    int err = infra__tls_import(&e->tls, o->tls);

    if (err == INFRA_OK) {
        err = import_endpoints(e, o);
    }
    if (err == INFRA_OK) {
        e->lease = o->lease;
        err = attach_jobs(e);
    }
    return err == INFRA_OK ? infra_failover_create(&e->machine, o->failover)
                           : err;
}

int infra_elector_create(struct infra_elector **ret,
                         struct infra_driver *driver,
                         const struct infra_elector_options *options)
{
    struct infra_elector_options o = { .size = sizeof o };
    int err = ret != NULL && driver != NULL
                  ? infra__options_take(&o, options, check)
                  : INFRA_EINVAL;
    size_t bytes = err == INFRA_OK ? elector_size(&o) : 0;
    struct infra_elector *e = infra__object_create(&err, bytes, o.allocator);

    if (e == NULL) {
        return err;
    }
    e->bytes = bytes;
    e->driver = driver;
    e->client = (struct infra__client) { .turn = elector_turn,
                                         .deadline = elector_deadline,
                                         .pending = elector_pending,
                                         .self = e };
    err = import(e, &o);
    if (err != INFRA_OK) {
        detach_jobs(e);
        infra__object_free(e, bytes);
        return err;
    }
    infra__driver_join(driver, &e->client);
    infra__alarm_set(driver, infra_driver_now());
    *ret = e;
    return INFRA_OK;
}

void infra_elector_destroy(struct infra_elector *elector)
{
    if (elector == NULL) {
        return;
    }
    detach_jobs(elector);
    infra__driver_leave(elector->driver, &elector->client);
    infra_failover_destroy(elector->machine);
    infra_lease_destroy(elector->lease);
    infra__object_free(elector, elector->bytes);
}

/* The conversations may have a new want. */
static void resume_jobs(struct infra_elector *e, infra_time now)
{
    for (uint32_t i = 0; i < e->jobs_count; i++) {
        if (e->jobs[i].running) {
            infra__job_expire(&e->jobs[i], now);
        } else {
            infra__job_start(&e->jobs[i], now);
        }
    }
}

int infra_elector_next(struct infra_elector *elector, infra_time now,
                       struct infra_failover_event *ret)
{
    struct infra_elector *e = elector;
    struct infra_failover_event event;

    if (e == NULL || ret == NULL) {
        return INFRA_EINVAL;
    }
    for (;;) {
        take_replies(e, now);
        int err = infra_failover_next(e->machine, now, &event);
        if (err != INFRA_OK) {
            if (e->lease->is_record_out) { /* The host may have just asked. */
                resume_jobs(e, now);
            }
            infra__alarm_set(e->driver, now);
            return err;
        }
        if (event.kind != INFRA_FAILOVER_EVENT_CALL) {
            *ret = event;
            return INFRA_OK;
        }
        /* Cannot fail: the machine makes good calls. */
        (void)infra_lease_begin(e->lease, &event.call, now);
        resume_jobs(e, now);
    }
}

struct infra_failover *infra_elector_machine(struct infra_elector *elector)
{
    return elector->machine;
}
