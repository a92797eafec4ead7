/* SPDX-License-Identifier: MIT */
/* A prober as the host sees it. Its events are changes of health and wishes of
 * backends. A wish is what a backend requests by its agent: a value that it
 * omits stays as last requested, and of several wishes between two calls of the
 * host the last one is handed out. About 0.6 KiB per target, allocated when it
 * is set. */
#include "prober.h"

#include <assert.h>
#include <string.h>

#define IDS_MAX_DEFAULT 64u /* As health.h says. */
#define CONCURRENCY_MAX_DEFAULT 512u

INFRA__NO_TAIL_PADDING(struct infra_prober_options, rate_max_per_s);
INFRA__NO_TAIL_PADDING(struct infra_prober_status, waiting);

static size_t prober_size(uint32_t ids_max)
{
    return sizeof(struct infra_prober) +
           ids_max * sizeof(struct infra__target *);
}

static int complete(void *options)
{
    struct infra_prober_options *o = options;

    if (o->rate_max_per_s > INFRA__PACE_PER_S_MAX) {
        return INFRA_EINVAL;
    }
    if (o->concurrency_max == 0) {
        o->concurrency_max = CONCURRENCY_MAX_DEFAULT;
    }
    return INFRA_OK;
}

/* @h keeps the options of which the prober has to know. */
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
    struct infra_health_options h = { .size = sizeof h };
    struct infra_health *health = NULL;
    struct infra_tls tls;
    int err = ret != NULL && driver != NULL
                  ? infra__options_take(&o, options, complete)
                  : INFRA_EINVAL;

    if (err == INFRA_OK) {
        err = infra__tls_import(&tls, o.tls);
    }
    if (err == INFRA_OK) {
        err = create_health(&health, &h, o.health);
    }
    struct infra_prober *p =
        infra__object_create(&err, prober_size(h.ids_max), o.allocator);
    if (p == NULL) {
        infra_health_destroy(health);
        return err;
    }
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
        if (prober->targets[id] != NULL) {
            infra__target_free(prober->targets[id]);
        }
    }
    while (prober->gone != NULL) {
        infra__gone_free(prober->gone);
    }
    assert(prober->running == 0 && prober->waiting == 0);
    infra__driver_leave(prober->driver, &prober->client);
    infra_health_destroy(prober->health);
    infra__object_free(prober, prober_size(prober->ids_max));
}

static void merge(struct infra__wish *w, const struct infra_probe_result *r)
{
    if ((r->has & INFRA_PROBE_HAS_ADMIN) != 0) {
        w->admin = r->admin;
    }
    if ((r->has & INFRA_PROBE_HAS_IN_FLIGHT_MAX) != 0) {
        w->in_flight_max = r->in_flight_max;
    }
    /* One of the two; of a reply that tells both, the number. */
    if ((r->has & INFRA_PROBE_HAS_WEIGHT_ABSOLUTE) != 0) {
        w->weight = r->weight;
        w->weight_percent = 0;
        w->has &= ~(uint32_t)INFRA_PROBE_HAS_WEIGHT;
    } else if ((r->has & INFRA_PROBE_HAS_WEIGHT) != 0) {
        w->weight_percent = r->weight_percent;
        w->weight = 0;
        w->has &= ~(uint32_t)INFRA_PROBE_HAS_WEIGHT_ABSOLUTE;
    }
    uint32_t has = r->has;
    if ((has & INFRA_PROBE_HAS_WEIGHT_ABSOLUTE) != 0) {
        has &= ~(uint32_t)INFRA_PROBE_HAS_WEIGHT;
    }
    w->has |= has & (INFRA_PROBE_HAS_ADMIN | INFRA_PROBE_HAS_IN_FLIGHT_MAX |
                     INFRA_PROBE_HAS_WEIGHT | INFRA_PROBE_HAS_WEIGHT_ABSOLUTE);
}

void infra__wish_queue(struct infra__target *t)
{
    bool is_known =
        memcmp(&t->wish, &t->known_wish, sizeof t->wish) == 0 || t->is_gone;

    if (is_known) {
        infra__line_leave(t, INFRA__LINE_WISHES);
    } else if (!t->places[INFRA__LINE_WISHES].taken) {
        infra__line_enter(t, INFRA__LINE_WISHES);
    }
}

void infra__wish_note(struct infra__target *t, infra_time now)
{
    struct infra__wish was = t->wish;

    merge(&t->wish, &t->result);
    if (memcmp(&was, &t->wish, sizeof was) != 0) {
        t->wished_at = now;
        infra__wish_queue(t);
    }
}

static void take_wish(struct infra__target *t, struct infra_health_event *ret)
{
    const struct infra__wish *w = &t->wish;

    infra__line_leave(t, INFRA__LINE_WISHES);
    t->known_wish = *w;
    *ret = (struct infra_health_event) { .kind = INFRA_HEALTH_EVENT_WISH,
                                         .id = t->id,
                                         .at = t->wished_at,
                                         .has = w->has,
                                         .admin = w->admin,
                                         .weight_percent = w->weight_percent,
                                         .weight = w->weight,
                                         .in_flight_max = w->in_flight_max };
}

int infra_prober_next(struct infra_prober *prober, infra_time now,
                      struct infra_health_event *ret)
{
    (void)now; /* An event stays true. */
    if (prober == NULL || ret == NULL) {
        return INFRA_EINVAL;
    }
    if (prober->doubt_changed) {
        *ret = prober->doubt;
        prober->doubt_changed = false;
        return INFRA_OK;
    }
    struct infra__target *wishes = prober->lines[INFRA__LINE_WISHES].first;
    if (wishes != NULL) {
        take_wish(wishes, ret);
        return INFRA_OK;
    }
    struct infra__target *t = prober->lines[INFRA__LINE_CHANGES].first;
    if (t == NULL) {
        return INFRA_EAGAIN;
    }
    *ret = t->change;
    t->known = t->change.kind;
    infra__line_leave(t, INFRA__LINE_CHANGES);
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
                              struct infra_prober_status *ret)
{
    if (prober == NULL || ret == NULL) {
        return INFRA_EINVAL;
    }
    const struct infra_prober_status stats = { .size = sizeof stats,
                                               .started = prober->started,
                                               .late_max = prober->late_max,
                                               .running = prober->running,
                                               .waiting = prober->waiting };
    return infra__status_export(ret, &stats, sizeof stats, sizeof stats);
}

int infra_prober_inspect(const struct infra_prober *prober, uint32_t id,
                         struct infra_health_status *ret_health,
                         struct infra_probe_result *ret_result)
{
    if (prober == NULL || id >= prober->ids_max) {
        return INFRA_EINVAL;
    }
    const struct infra__target *t = prober->targets[id];
    if (t == NULL) {
        return INFRA_ENOENT;
    }
    if (ret_health != NULL) {
        int err = infra_health_inspect(prober->health, id, ret_health);
        if (err != INFRA_OK) {
            return err;
        }
    }
    if (ret_result != NULL) {
        *ret_result = t->result;
    }
    return INFRA_OK;
}
