/* SPDX-License-Identifier: MIT */
/* Out and in again: the cap of the tier, the draw, how long, and what becomes
 * of the multiplier (Envoy, outlier_detection_impl.cc: ejectHost, unejectHost
 * and onIntervalTimer). Everything is O(log n), for the queue of changes. */
#include "../base/random.h"
#include "outlier_internal.h"

#include <assert.h>

infra_time infra__outlier_ejection_time(const struct infra_outlier_options *o,
                                        uint32_t *multiplier, uint64_t random)
{
    infra_time time = *multiplier * o->base_ejection_time;

    /* It stops at the first multiple from maximum + base on, one or two steps
     * beyond those that make a difference (envoy#37602). */
    if (time < o->max_ejection_time + o->base_ejection_time) {
        *multiplier += 1;
        time += o->base_ejection_time;
    }
    if (time > o->max_ejection_time) {
        time = o->max_ejection_time;
    }
    return time + random % (o->max_ejection_time_jitter + 1);
}

/* The host is told one thing of a backend at a time; that it is ejected, rather
 * than that another detector would have spared it. */
static void tell(struct infra_outlier *o, const struct infra_outlier_event *e)
{
    struct infra__outlier_backend *b = &o->backends[e->id];

    if (o->changes.due[e->id] == INFRA_TIME_NEVER) {
        infra__timers_set(&o->changes, e->id, o->changes_count++);
    } else if (e->kind != INFRA_OUTLIER_EJECTED) {
        return;
    }
    b->event = *e;
}

/* Would the tier with one more out still be within the cap? */
static bool cap_allows(const struct infra_outlier *o, uint32_t tier)
{
    const struct infra__outlier_tier *t = &o->tiers[tier];

    if (o->options.always_eject_one_host != 0 && t->ejected == 0) {
        return true;
    }
    return 100 * (t->ejected + 1) <=
           o->options.max_ejection_percent * t->members;
}

static bool is_enforced(struct infra_outlier *o, uint32_t reason)
{
    uint32_t percent = o->options.enforce[reason];

    if (percent == INFRA_OUTLIER_WATCH) {
        return false;
    }
    return infra__below(infra__random(&o->random), 100) < percent;
}

static infra_time eject(struct infra_outlier *o,
                        struct infra__outlier_backend *b)
{
    o->tiers[b->tier].ejected++;
    b->is_ejected = true;
    b->ejections++;
    b->since = o->now;
    b->until = infra__time_add(
        o->now, infra__outlier_ejection_time(&o->options, &b->multiplier,
                                             infra__random(&o->random)));
    return b->until;
}

void infra__outlier_detected(struct infra_outlier *o, uint32_t id,
                             const struct infra__outlier_evidence *evidence)
{
    struct infra__outlier_backend *b = &o->backends[id];
    struct infra_outlier_event e = { .kind = INFRA_OUTLIER_EJECTED,
                                     .id = id,
                                     .at = o->now,
                                     .reason = evidence->reason,
                                     .reports = evidence->reports,
                                     .value = evidence->value,
                                     .typical = evidence->typical,
                                     .threshold = evidence->threshold };

    assert(b->is_set && !b->is_ejected);
    b->detections[evidence->reason]++;
    if (!cap_allows(o, b->tier)) {
        e.kind = INFRA_OUTLIER_CAPPED;
    } else if (!is_enforced(o, evidence->reason)) {
        e.kind = INFRA_OUTLIER_WATCHED;
    } else {
        e.until = eject(o, b);
    }
    e.ejections = b->ejections;
    tell(o, &e);
}

void infra__outlier_begin_window(struct infra_outlier *o, uint32_t id)
{
    struct infra__outlier_backend *b = &o->backends[id];

    infra__outlier_gather(&o->desk.slots[id], &b->seen, &b->window);
    b->window = (struct infra__outlier_window) { 0 };
    infra__outlier_reset_runs(&o->desk.slots[id]);
}

/* What it did while it was out was done to others than its due, and says
 * nothing about what it will do. */
void infra__outlier_give_back(struct infra_outlier *o, uint32_t id,
                              uint32_t reason)
{
    struct infra__outlier_backend *b = &o->backends[id];
    const struct infra_outlier_event e = { .kind = INFRA_OUTLIER_RETURNED,
                                           .id = id,
                                           .at = o->now,
                                           .reason = reason,
                                           .ejections = b->ejections };

    assert(b->is_ejected && o->tiers[b->tier].ejected > 0);
    o->tiers[b->tier].ejected--;
    b->is_ejected = false;
    b->since = o->now;
    b->until = 0;
    infra__outlier_begin_window(o, id);
    tell(o, &e);
}

void infra__outlier_decay(const struct infra_outlier *o,
                          struct infra__outlier_backend *b)
{
    bool worked = b->window.successes >= o->options.success_rate_request_volume;

    assert(!b->is_ejected);
    if (b->multiplier > 0 && o->now - b->since >= o->options.interval &&
        (worked || o->options.idle_decay != 0)) {
        b->multiplier--;
    }
}
