/* SPDX-License-Identifier: MIT */
/* Ejection and return: the cap of the tier, the draw, the duration and the
 * multiplier (Envoy, outlier_detection_impl.cc: ejectHost, unejectHost and
 * onIntervalTimer). O(log n), for the queue of events; O(n) plus n log n of the
 * ejected when a tier has shrunk below its cap. */
#include "../base/random.h"
#include "../base/sort.h"
#include "internal.h"

#include <assert.h>

infra_time infra__outlier_ejection_time(const struct infra_outlier_options *o,
                                        uint32_t *multiplier, uint64_t random)
{
    infra_time time = *multiplier * o->base_ejection_time;

    /* Stop at the first multiple of at least maximum + base, one or two steps
     * after the last that makes a difference (envoy#37602). */
    if (time < o->max_ejection_time + o->base_ejection_time) {
        *multiplier += 1;
        time += o->base_ejection_time;
    }
    if (time > o->max_ejection_time) {
        time = o->max_ejection_time;
    }
    return time + random % (o->max_ejection_time_jitter + 1);
}

/* Queue an event. A backend has one at a time, EJECTED in preference to the
 * CAPPED or SPARED of another detector. */
static void tell(struct infra_outlier *o, const struct infra_outlier_event *e)
{
    struct infra__outlier_backend *b = &o->backends[e->id];

    if (o->changes.due[e->id] == INFRA_TIME_NEVER) {
        infra__timers_set(&o->changes, e->id, o->changes_count++);
    } else if (e->kind != INFRA_OUTLIER_EVENT_EJECTED) {
        return;
    }
    b->event = *e;
}

/* May @ejected backends of the tier be out at once? */
static bool cap_allows(const struct infra_outlier *o, uint32_t tier,
                       uint32_t ejected)
{
    if (o->options.always_eject_one_host != 0 && ejected <= 1) {
        return true;
    }
    return 100 * ejected <=
           o->options.max_ejection_percent * o->tiers[tier].members;
}

static bool is_enforced(struct infra_outlier *o, uint32_t reason)
{
    uint32_t percent = o->options.enforce[reason];

    if (percent == INFRA_OUTLIER_DRY_RUN) {
        return false;
    }
    return infra__below(infra__random(&o->random), 100) < percent;
}

static infra_time eject(struct infra_outlier *o,
                        struct infra__outlier_backend *b)
{
    o->tiers[b->tier].ejected++;
    b->record.is_ejected = true;
    b->record.ejections++;
    b->record.since = o->now;
    b->record.until = infra__time_add(
        o->now, infra__outlier_ejection_time(&o->options, &b->record.multiplier,
                                             infra__random(&o->random)));
    return b->record.until;
}

void infra__outlier_detected(struct infra_outlier *o, uint32_t id,
                             const struct infra__outlier_evidence *evidence)
{
    struct infra__outlier_backend *b = &o->backends[id];
    struct infra_outlier_event e = { .kind = INFRA_OUTLIER_EVENT_EJECTED,
                                     .id = id,
                                     .at = o->now,
                                     .reason = evidence->reason,
                                     .reports = evidence->reports,
                                     .value = evidence->value,
                                     .typical = evidence->typical,
                                     .threshold = evidence->threshold };

    assert(b->is_set && !b->record.is_ejected);
    b->record.detections[evidence->reason]++;
    if (!cap_allows(o, b->tier, o->tiers[b->tier].ejected + 1)) {
        e.kind = INFRA_OUTLIER_EVENT_CAPPED;
    } else if (!is_enforced(o, evidence->reason)) {
        e.kind = INFRA_OUTLIER_EVENT_SPARED;
    } else {
        e.until = eject(o, b);
    }
    e.ejections = b->record.ejections;
    tell(o, &e);
}

void infra__outlier_begin_window(struct infra_outlier *o, uint32_t id)
{
    struct infra__outlier_backend *b = &o->backends[id];

    infra__outlier_gather(&o->desk.slots[id], &b->seen, &b->record.window);
    b->record.window = (struct infra__outlier_window) { 0 };
    infra__outlier_reset_runs(&o->desk.slots[id]);
}

int infra__outlier_by_number(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a;
    uint64_t y = *(const uint64_t *)b;

    return (x > y) - (x < y);
}

/* The reports on a backend while it was out are no sample of its traffic, so
 * its counts start afresh. */
void infra__outlier_give_back(struct infra_outlier *o, uint32_t id,
                              uint32_t reason)
{
    struct infra__outlier_backend *b = &o->backends[id];
    const struct infra_outlier_event e = { .kind = INFRA_OUTLIER_EVENT_RETURNED,
                                           .id = id,
                                           .at = o->now,
                                           .reason = reason,
                                           .ejections = b->record.ejections };

    assert(b->record.is_ejected && o->tiers[b->tier].ejected > 0);
    o->tiers[b->tier].ejected--;
    b->record.is_ejected = false;
    b->record.since = o->now;
    b->record.until = 0;
    infra__outlier_begin_window(o, id);
    if (o->changes.due[id] != INFRA_TIME_NEVER) {
        /* EJECTED was not taken, so both events fall away. */
        infra__timers_set(&o->changes, id, INFRA_TIME_NEVER);
    } else {
        tell(o, &e);
    }
}

void infra__outlier_tell_kept(struct infra_outlier *o, uint32_t id)
{
    const struct infra__outlier_record *of = &o->backends[id].record;
    const struct infra_outlier_event e = { .kind = INFRA_OUTLIER_EVENT_EJECTED,
                                           .id = id,
                                           .at = o->now,
                                           .until = of->until,
                                           .reason = INFRA_OUTLIER_REASON_KEPT,
                                           .ejections = of->ejections };

    assert(of->is_ejected);
    tell(o, &e);
}

static bool is_over_cap(const struct infra_outlier *o, uint32_t tier)
{
    return !cap_allows(o, tier, o->tiers[tier].ejected);
}

bool infra__outlier_is_over_cap(const struct infra_outlier *o)
{
    for (uint32_t tier = 0; tier < INFRA_OUTLIER_TIERS_MAX; tier++) {
        if (is_over_cap(o, tier)) {
            return true;
        }
    }
    return false;
}

/* The time left of an ejection, in steps of a microsecond: two durations of
 * three years fit beside an id. */
#define ID_BITS 16u
#define STEP_BITS 10u
_Static_assert(INFRA_OUTLIER_IDS_MAX < 1u << ID_BITS, "an id fits");

static uint64_t rank_of(const struct infra_outlier *o, uint32_t id)
{
    infra_time until = o->backends[id].record.until;
    infra_time left = until > o->now ? until - o->now : 0;

    return left >> STEP_BITS << ID_BITS | id;
}

/* Let backends return, least time left first, until the tier is at its cap. */
static void keep_cap(struct infra_outlier *o, uint32_t tier)
{
    uint32_t count = 0;

    for (uint32_t id = 0; id < o->desk.ids_max; id++) {
        const struct infra__outlier_backend *b = &o->backends[id];
        if (b->is_set && b->record.is_ejected && b->tier == tier) {
            o->found[count++] = rank_of(o, id);
        }
    }
    infra__sort(o->found, count, sizeof o->found[0], infra__outlier_by_number);
    for (uint32_t i = 0; is_over_cap(o, tier); i++) {
        assert(i < count);
        uint32_t id = (uint32_t)(o->found[i] & ((1u << ID_BITS) - 1));
        infra__outlier_give_back(o, id, INFRA_OUTLIER_REASON_SHRUNK);
    }
}

void infra__outlier_keep_caps(struct infra_outlier *o)
{
    for (uint32_t tier = 0; tier < INFRA_OUTLIER_TIERS_MAX; tier++) {
        if (is_over_cap(o, tier)) {
            keep_cap(o, tier);
        }
    }
}

void infra__outlier_decay(const struct infra_outlier *o,
                          struct infra__outlier_backend *b)
{
    bool worked =
        b->record.window.successes >= o->options.success_rate_request_volume;

    assert(!b->record.is_ejected);
    if (b->record.multiplier > 0 &&
        o->now - b->record.since >= o->options.interval &&
        (worked || o->options.idle_decay != 0)) {
        b->record.multiplier--;
    }
}
