/* SPDX-License-Identifier: MIT */
/* The watch from the control thread's side: who is watched, and which changes
 * the host has to hear of. Workers' reports meet it in outlier_report.c; what
 * they amount to is found in outlier_sweep.c, and what follows from that in
 * outlier_eject.c. The changes are a heap of ids by the order in which they
 * happened; nothing else happens until it is empty, so that each backend has
 * one at most. */
#include "outlier_internal.h"
#include "outlier_statistics.h"

#include <string.h>

INFRA__NO_TAIL_PADDING(struct infra_outlier_options, enforce);
INFRA__NO_TAIL_PADDING(struct infra_outlier_stats, detections);
_Static_assert(sizeof(struct infra_outlier_event) == 64, "events are 64 bytes");

static const char *const reasons[] = {
    [INFRA_OUTLIER_CONSECUTIVE_5XX] = "consecutive-5xx",
    [INFRA_OUTLIER_CONSECUTIVE_GATEWAY_FAILURE] = "consecutive-gateway-failure",
    [INFRA_OUTLIER_CONSECUTIVE_LOCAL_ORIGIN_FAILURE] =
        "consecutive-local-origin-failure",
    [INFRA_OUTLIER_SUCCESS_RATE] = "success-rate",
    [INFRA_OUTLIER_SUCCESS_RATE_LOCAL_ORIGIN] = "success-rate-local-origin",
    [INFRA_OUTLIER_FAILURE_PERCENTAGE] = "failure-percentage",
    [INFRA_OUTLIER_FAILURE_PERCENTAGE_LOCAL_ORIGIN] =
        "failure-percentage-local-origin",
    [INFRA_OUTLIER_MEDIAN_RATE] = "median-rate",
    [INFRA_OUTLIER_LATENCY] = "latency",
    [INFRA_OUTLIER_TIME] = "time",
    [INFRA_OUTLIER_PASSED] = "passed",
};

static const char *const kinds[] = {
    [INFRA_OUTLIER_EJECTED] = "ejected",
    [INFRA_OUTLIER_RETURNED] = "returned",
    [INFRA_OUTLIER_CAPPED] = "capped",
    [INFRA_OUTLIER_WATCHED] = "watched",
};

const char *infra_outlier_reason_name(uint32_t reason)
{
    return reason < INFRA__COUNT_OF(reasons) ? reasons[reason] : "unknown";
}

const char *infra_outlier_event_name(uint32_t kind)
{
    return kind < INFRA__COUNT_OF(kinds) ? kinds[kind] : "unknown";
}

uint32_t infra_outlier_result_of_status(uint32_t status)
{
    if (status >= 502 && status <= 504) {
        return INFRA_OUTCOME_GATEWAY_ERROR;
    }
    return status >= 500 && status <= 599 ? INFRA_OUTCOME_ERROR
                                          : INFRA_OUTCOME_OK;
}

static size_t slots_size(uint32_t ids_max)
{
    return ids_max * sizeof(struct infra__outlier_slot);
}

static int allocate(struct infra_outlier **ret, const struct infra_allocator *a,
                    uint32_t ids_max)
{
    void *raw;
    struct infra_outlier *o = infra__alloc_lines(a, sizeof *o, &raw);

    if (o == NULL) {
        return INFRA_ENOMEM;
    }
    o->allocator = *a;
    o->raw = raw;
    o->desk.ids_max = ids_max;
    o->desk.slots = infra__alloc_lines(a, slots_size(ids_max), &o->raw_slots);
    o->desk.tripped =
        infra__alloc(a, INFRA_SET_WORDS(ids_max), sizeof *o->desk.tripped);
    o->backends = infra__alloc(a, ids_max, sizeof *o->backends);
    o->ids = infra__alloc(a, ids_max, sizeof *o->ids);
    o->values = infra__alloc(a, ids_max, sizeof *o->values);
    o->scratch = infra__alloc(a, ids_max, sizeof *o->scratch);
    o->found = infra__alloc(a, ids_max, sizeof *o->found);
    if (infra__timers_init(&o->changes, ids_max, a) != INFRA_OK ||
        o->desk.slots == NULL || o->desk.tripped == NULL ||
        o->backends == NULL || o->ids == NULL || o->values == NULL ||
        o->scratch == NULL || o->found == NULL) {
        infra_outlier_destroy(o);
        return INFRA_ENOMEM;
    }
    *ret = o;
    return INFRA_OK;
}

int infra_outlier_create(struct infra_outlier **ret,
                         const struct infra_outlier_options *options)
{
    struct infra_outlier_options o = { .size = sizeof o };
    struct infra_outlier *outlier;

    if (ret == NULL) {
        return INFRA_EINVAL;
    }
    int err = infra__options_import(&o, sizeof o, options, sizeof o);
    if (err == INFRA_OK) {
        err = infra__outlier_options_check(&o);
    }
    if (err != INFRA_OK) {
        return err;
    }
    struct infra_allocator allocator = infra__allocator_or_libc(o.allocator);
    err = allocate(&outlier, &allocator, o.ids_max);
    if (err != INFRA_OK) {
        return err;
    }
    outlier->options = o;
    outlier->random = o.seed;
    outlier->due = INFRA_TIME_NEVER;
    outlier->desk.split = o.split_local_origin != 0;
    uint32_t *runs_max = outlier->desk.runs_max;
    runs_max[INFRA_OUTLIER_CONSECUTIVE_5XX] = o.consecutive_5xx;
    runs_max[INFRA_OUTLIER_CONSECUTIVE_GATEWAY_FAILURE] =
        o.consecutive_gateway_failure;
    runs_max[INFRA_OUTLIER_CONSECUTIVE_LOCAL_ORIGIN_FAILURE] =
        o.consecutive_local_origin_failure;
    *ret = outlier;
    return INFRA_OK;
}

void infra_outlier_destroy(struct infra_outlier *outlier)
{
    struct infra_outlier *o = outlier;

    if (o == NULL) {
        return;
    }
    struct infra_allocator a = o->allocator;
    uint32_t ids_max = o->desk.ids_max;
    infra__timers_finish(&o->changes, &a);
    infra__free(&a, o->found, ids_max, sizeof *o->found);
    infra__free(&a, o->scratch, ids_max, sizeof *o->scratch);
    infra__free(&a, o->values, ids_max, sizeof *o->values);
    infra__free(&a, o->ids, ids_max, sizeof *o->ids);
    infra__free(&a, o->backends, ids_max, sizeof *o->backends);
    infra__free(&a, o->desk.tripped, INFRA_SET_WORDS(ids_max),
                sizeof *o->desk.tripped);
    infra__free_lines(&a, o->raw_slots, slots_size(ids_max));
    infra__free_lines(&a, o->raw, sizeof *o);
}

static void advance(struct infra_outlier *o, infra_time now)
{
    o->now = now > o->now ? now : o->now;
}

static void join_tier(struct infra_outlier *o, uint32_t id, uint32_t tier)
{
    struct infra__outlier_backend *b = &o->backends[id];

    b->tier = (uint8_t)tier;
    o->tiers[tier].members++;
    o->tiers[tier].ejected += b->is_ejected;
}

static void leave_tier(struct infra_outlier *o, uint32_t id)
{
    const struct infra__outlier_backend *b = &o->backends[id];

    o->tiers[b->tier].members--;
    o->tiers[b->tier].ejected -= b->is_ejected;
}

/* Sweeps go on as long as there is somebody to sweep. */
static void forget(struct infra_outlier *o, uint32_t id)
{
    leave_tier(o, id);
    o->backends[id] = (struct infra__outlier_backend) { 0 };
    infra__timers_set(&o->changes, id, INFRA_TIME_NEVER);
    if (--o->members == 0) {
        o->due = INFRA_TIME_NEVER;
    }
}

int infra_outlier_set(struct infra_outlier *outlier, uint32_t id,
                      const char *key, uint32_t tier, infra_time now)
{
    struct infra_outlier *o = outlier;

    if (o == NULL || id >= o->desk.ids_max || key == NULL || key[0] == '\0' ||
        tier >= INFRA_OUTLIER_TIERS_MAX) {
        return INFRA_EINVAL;
    }
    struct infra__outlier_backend *b = &o->backends[id];
    uint64_t hash = infra_xxhash64(key, strlen(key), 0);

    advance(o, now);
    if (b->is_set && b->key == hash) {
        leave_tier(o, id);
        join_tier(o, id, tier);
        return INFRA_OK;
    }
    if (b->is_set) {
        forget(o, id);
    }
    b->is_set = true;
    b->key = hash;
    b->since = o->now;
    join_tier(o, id, tier);
    infra__outlier_begin_window(o, id);
    if (o->members++ == 0) {
        o->due = infra__time_add(o->now, o->options.interval);
    }
    return INFRA_OK;
}

int infra_outlier_remove(struct infra_outlier *outlier, uint32_t id)
{
    if (outlier == NULL || id >= outlier->desk.ids_max) {
        return INFRA_EINVAL;
    }
    if (!outlier->backends[id].is_set) {
        return INFRA_ENOENT;
    }
    forget(outlier, id);
    return INFRA_OK;
}

int infra_outlier_report(struct infra_outlier *outlier, uint32_t id,
                         uint32_t outcome, infra_time latency)
{
    return outlier == NULL
               ? INFRA_EINVAL
               : infra__outlier_report(&outlier->desk, id, outcome, latency);
}

/* Full rows of failures. Envoy hears of gateway failures before it hears of the
 * same ones as 5xx, and begins a new row whatever comes of it. Not so while a
 * backend is out: its row stays full, so that it wakes nobody again. */
static void judge_runs(struct infra_outlier *o, uint32_t id, uint32_t tripped)
{
    static const uint32_t order[INFRA__RUNS] = {
        INFRA_OUTLIER_CONSECUTIVE_GATEWAY_FAILURE,
        INFRA_OUTLIER_CONSECUTIVE_5XX,
        INFRA_OUTLIER_CONSECUTIVE_LOCAL_ORIGIN_FAILURE
    };

    for (uint32_t i = 0; i < INFRA__RUNS; i++) {
        uint32_t reason = order[i];
        if ((tripped >> reason & 1) == 0 || o->backends[id].is_ejected) {
            continue;
        }
        const struct infra__outlier_evidence evidence = {
            .reason = reason,
            .value = o->desk.runs_max[reason],
            .threshold = o->desk.runs_max[reason]
        };
        infra__outlier_detected(o, id, &evidence);
        atomic_store_explicit(&o->desk.slots[id].runs[reason], 0,
                              memory_order_relaxed);
    }
}

static void look_at(struct infra_outlier *o, uint32_t id)
{
    struct infra__outlier_backend *b = &o->backends[id];
    struct infra__outlier_slot *slot = &o->desk.slots[id];
    uint32_t tripped =
        atomic_exchange_explicit(&slot->tripped, 0, memory_order_relaxed);

    if (b->is_set) {
        infra__outlier_gather(slot, &b->seen, &b->window);
        judge_runs(o, id, tripped);
    }
}

static void look_at_tripped(struct infra_outlier *o)
{
    if (!infra__outlier_take_flag(&o->desk)) {
        return;
    }
    for (uint32_t i = 0; i < INFRA_SET_WORDS(o->desk.ids_max); i++) {
        uint64_t word = infra__outlier_take_tripped(&o->desk, i);
        for (; word != 0; word &= word - 1) {
            look_at(o, 64 * i + (uint32_t)__builtin_ctzll(word));
        }
    }
}

/* The next sweep is a whole number of intervals after this one was due. */
static void sweep_if_due(struct infra_outlier *o)
{
    infra_time interval = o->options.interval;

    if (o->due > o->now || o->members == 0) {
        return;
    }
    infra_time late = (o->now - o->due) % interval;
    o->due = infra__time_add(o->now, interval - late);
    infra__outlier_sweep(o);
}

int infra_outlier_next(struct infra_outlier *outlier, infra_time now,
                       struct infra_outlier_event *ret)
{
    struct infra_outlier *o = outlier;

    if (o == NULL || ret == NULL) {
        return INFRA_EINVAL;
    }
    advance(o, now);
    if (o->changes.count == 0) {
        look_at_tripped(o);
    }
    if (o->changes.count == 0) {
        sweep_if_due(o);
    }
    if (o->changes.count == 0) {
        return INFRA_EAGAIN;
    }
    uint32_t id = o->changes.heap[0];
    infra__timers_set(&o->changes, id, INFRA_TIME_NEVER);
    *ret = o->backends[id].event;
    return INFRA_OK;
}

infra_time infra_outlier_deadline(const struct infra_outlier *outlier)
{
    /* Relaxed: a flag that is seen late comes with its wake-up. */
    if (outlier->changes.count > 0 ||
        atomic_load_explicit(&outlier->desk.is_tripped, memory_order_relaxed) !=
            0) {
        return 0;
    }
    return outlier->due <= outlier->now ? 0 : outlier->due;
}

int infra_outlier_passed(struct infra_outlier *outlier, uint32_t id,
                         infra_time now)
{
    struct infra_outlier *o = outlier;

    if (o == NULL || id >= o->desk.ids_max) {
        return INFRA_EINVAL;
    }
    if (!o->backends[id].is_set) {
        return INFRA_ENOENT;
    }
    advance(o, now);
    if (!o->backends[id].is_ejected) {
        return INFRA_OK;
    }
    bool untold = o->changes.due[id] != INFRA_TIME_NEVER;
    infra__outlier_give_back(o, id, INFRA_OUTLIER_PASSED);
    if (untold) {
        /* The host has heard neither of the one nor of the other. */
        infra__timers_set(&o->changes, id, INFRA_TIME_NEVER);
    }
    return INFRA_OK;
}

int infra_outlier_inspect(const struct infra_outlier *outlier, uint32_t id,
                          struct infra_outlier_stats *ret)
{
    if (outlier == NULL || ret == NULL || id >= outlier->desk.ids_max) {
        return INFRA_EINVAL;
    }
    const struct infra__outlier_backend *b = &outlier->backends[id];
    const struct infra__outlier_window *w = &b->last;

    if (!b->is_set) {
        return INFRA_ENOENT;
    }
    struct infra_outlier_stats stats = { .size = sizeof stats,
                                         .since = b->since,
                                         .until = b->until,
                                         .reports = w->successes + w->errors +
                                                    w->misses,
                                         .is_ejected = b->is_ejected,
                                         .ejections = b->ejections,
                                         .multiplier = b->multiplier };
    if (w->timed > 0) {
        stats.latency = (infra_time)infra__latency_of_log(
            infra__latency_mean_log(w->latency_sum, w->timed));
    }
    if (stats.reports > 0) {
        stats.rate = (uint32_t)(w->successes * INFRA__MILLION / stats.reports);
    }
    memcpy(stats.detections, b->detections, sizeof stats.detections);
    return infra__stats_export(ret, &stats, sizeof stats, sizeof stats);
}
