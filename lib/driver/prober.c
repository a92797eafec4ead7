/* SPDX-License-Identifier: MIT */
/* Health checks over sockets, as the host sees them: it hears of changes only.
 * prober_targets.c knows whom to check, prober_checks.c runs the checks. About 0.6 KiB per
 * backend, allocated when it is set. */
#include "prober.h"

#include <assert.h>
#include <string.h>

#define IDS_MAX_DEFAULT 64u /* As health.h says. */
#define CONCURRENCY_MAX_DEFAULT 512u

INFRA__NO_TAIL_PADDING(struct infra_prober_options, rate_max_per_s);
INFRA__NO_TAIL_PADDING(struct infra_prober_stats, waiting);

static size_t prober_size(uint32_t ids_max)
{
    return sizeof(struct infra_prober) + ids_max * sizeof(struct backend *);
}

/* Everything about the options but what infra_health has to say. */
static int import_options(struct infra_prober_options *o, struct infra_tls *tls,
                          const struct infra_prober_options *options)
{
    int err = infra__options_import(o, sizeof *o, options, sizeof *o);

    if (err == INFRA_OK) {
        err = infra__tls_import(tls, o->tls);
    }
    if (err != INFRA_OK) {
        return err;
    }
    if (o->rate_max_per_s > INFRA__PACE_PER_S_MAX) {
        return INFRA_EINVAL;
    }
    if (o->concurrency_max == 0) {
        o->concurrency_max = CONCURRENCY_MAX_DEFAULT;
    }
    return INFRA_OK;
}

/* Leaves what the prober has to know of the options in @h. */
static int create_health(struct infra_health **ret,
                         struct infra_health_options *h,
                         const struct infra_health_options *options)
{
    int err = infra__options_import(h, sizeof *h, options, sizeof *h);

    if (err == INFRA_OK) {
        err = infra_health_create(ret, h);
    }
    h->ids_max = h->ids_max == 0 ? IDS_MAX_DEFAULT : h->ids_max;
    return err;
}

int infra_prober_create(struct infra_prober **ret, struct infra_driver *driver,
                        const struct infra_prober_options *options)
{
    struct infra_prober_options o = { .size = sizeof o };
    struct infra_tls tls;
    struct infra_health_options h = { .size = sizeof h };
    struct infra_health *health;

    if (ret == NULL || driver == NULL) {
        return INFRA_EINVAL;
    }
    int err = import_options(&o, &tls, options);
    if (err == INFRA_OK) {
        err = create_health(&health, &h, o.health);
    }
    if (err != INFRA_OK) {
        return err;
    }
    struct infra_allocator allocator = infra__allocator_or_libc(o.allocator);
    struct infra_prober *p =
        infra__alloc(&allocator, 1, prober_size(h.ids_max));
    if (p == NULL) {
        infra_health_destroy(health);
        return INFRA_ENOMEM;
    }
    p->allocator = allocator;
    p->client = (struct infra__client) { .turn = infra__prober_turn,
                                         .deadline = infra__prober_deadline,
                                         .pending = infra__prober_pending,
                                         .self = p };
    p->driver = driver;
    p->health = health;
    p->tls = tls;
    p->pace = infra__pace_of(o.rate_max_per_s);
    p->concurrency_max = o.concurrency_max;
    p->ids_max = h.ids_max;
    p->initial = h.initial;
    infra__driver_join(driver, &p->client);
    *ret = p;
    return INFRA_OK;
}

void infra_prober_destroy(struct infra_prober *prober)
{
    if (prober == NULL) {
        return;
    }
    for (uint32_t id = 0; id < prober->ids_max; id++) {
        if (prober->backends[id] != NULL) {
            infra__backend_free(prober->backends[id]);
        }
    }
    while (prober->gone != NULL) {
        infra__gone_free(prober->gone);
    }
    assert(prober->running == 0 && prober->waiting == 0);
    infra__driver_leave(prober->driver, &prober->client);
    infra_health_destroy(prober->health);
    struct infra_allocator allocator = prober->allocator;
    infra__free(&allocator, prober, 1, prober_size(prober->ids_max));
}

int infra_prober_next(struct infra_prober *prober, infra_time now,
                      struct infra_health_event *ret)
{
    (void)now; /* What has happened stays true. */
    if (prober == NULL || ret == NULL) {
        return INFRA_EINVAL;
    }
    if (prober->doubt_changed) {
        *ret = prober->doubt;
        prober->doubt_changed = false;
        return INFRA_OK;
    }
    struct infra__backend *wishes = prober->lines[INFRA__LINE_WISHES].first;
    if (wishes != NULL) {
        infra__wish_take(wishes, ret);
        return INFRA_OK;
    }
    struct infra__backend *b = prober->lines[INFRA__LINE_CHANGES].first;
    if (b == NULL) {
        return INFRA_EAGAIN;
    }
    *ret = b->change;
    b->known = b->change.kind;
    infra__line_leave(b, INFRA__LINE_CHANGES);
    return INFRA_OK;
}

int infra_prober_check_now(struct infra_prober *prober, uint32_t id,
                           infra_time now)
{
    if (prober == NULL) {
        return INFRA_EINVAL;
    }
    int err = infra_health_check_now(prober->health, id, now);
    infra__alarm_set(prober->driver, now);
    return err;
}

int infra_prober_inspect_load(const struct infra_prober *prober,
                              struct infra_prober_stats *ret)
{
    if (prober == NULL || ret == NULL) {
        return INFRA_EINVAL;
    }
    const struct infra_prober_stats stats = { .size = sizeof stats,
                                              .started = prober->started,
                                              .late_max = prober->late_max,
                                              .running = prober->running,
                                              .waiting = prober->waiting };
    return infra__stats_export(ret, &stats, sizeof stats, sizeof stats);
}

int infra_prober_inspect(const struct infra_prober *prober, uint32_t id,
                         struct infra_health_stats *ret_health,
                         struct infra_probe_result *ret_result)
{
    if (prober == NULL || id >= prober->ids_max) {
        return INFRA_EINVAL;
    }
    const struct infra__backend *b = prober->backends[id];
    if (b == NULL) {
        return INFRA_ENOENT;
    }
    if (ret_health != NULL) {
        int err = infra_health_inspect(prober->health, id, ret_health);
        if (err != INFRA_OK) {
            return err;
        }
    }
    if (ret_result != NULL) {
        *ret_result = b->result;
    }
    return INFRA_OK;
}
