/* SPDX-License-Identifier: MIT */
/* The control thread's side: backends come and go, failures in a row are
 * judged, sweeps fall due, events are handed out. Events are a heap of ids by
 * order. Nothing is judged until it is empty, so a backend has one at most. */
#include "internal.h"
#include "statistics.h"

#include <string.h>

INFRA__NO_TAIL_PADDING(struct infra_outlier_options, enforce);
INFRA__NO_TAIL_PADDING(struct infra_outlier_status, detections);
_Static_assert(sizeof(struct infra_outlier_event) == 64, "events are 64 bytes");

/* For each id in one block: found, ids, values, scratch. */
#define COMPARED_SIZE (sizeof(uint64_t) + 3 * sizeof(uint32_t))

static size_t slots_size(uint32_t ids_max)
{
    return ids_max * sizeof(struct infra__outlier_slot);
}

static bool allocate(struct infra_outlier *o)
{
    const struct infra_allocator *a = &o->allocator;
    uint32_t ids_max = o->desk.ids_max;

    o->desk.slots = infra__alloc_lines(a, slots_size(ids_max));
    o->desk.tripped =
        infra__alloc(a, INFRA_SET_WORDS(ids_max), sizeof *o->desk.tripped);
    o->backends = infra__alloc(a, ids_max, sizeof *o->backends);
    o->kept = infra__alloc(a, ids_max, sizeof *o->kept);
    o->found = infra__alloc(a, ids_max, COMPARED_SIZE);
    if (o->found != NULL) {
        o->ids = (uint32_t *)(o->found + ids_max);
        o->values = o->ids + ids_max;
        o->scratch = o->values + ids_max;
    }
    return o->desk.slots != NULL && o->desk.tripped != NULL &&
           o->backends != NULL && o->kept != NULL && o->found != NULL &&
           infra__timers_init(&o->changes, ids_max, a) == INFRA_OK &&
           infra__keys_init(&o->keys, ids_max, a) == INFRA_OK;
}

int infra_outlier_create(struct infra_outlier **ret,
                         const struct infra_outlier_options *options)
{
    struct infra_outlier_options o = { .size = sizeof o };
    int err = ret != NULL ? infra__options_take(&o, options,
                                                infra__outlier_options_complete)
                          : INFRA_EINVAL;

    if (err != INFRA_OK) {
        return err;
    }
    struct infra_allocator allocator = infra__allocator_or_libc(o.allocator);
    struct infra_outlier *outlier =
        infra__alloc_lines(&allocator, sizeof *outlier);
    if (outlier == NULL) {
        return INFRA_ENOMEM;
    }
    outlier->allocator = allocator;
    outlier->options = o;
    outlier->random = o.seed;
    outlier->due = INFRA_TIME_NEVER;
    outlier->desk.ids_max = o.ids_max;
    outlier->desk.split = o.split_local_origin != 0;
    uint32_t *runs_max = outlier->desk.runs_max;
    runs_max[INFRA_OUTLIER_REASON_CONSECUTIVE_5XX] = o.consecutive_5xx;
    runs_max[INFRA_OUTLIER_REASON_CONSECUTIVE_GATEWAY_FAILURE] =
        o.consecutive_gateway_failure;
    runs_max[INFRA_OUTLIER_REASON_CONSECUTIVE_LOCAL_ORIGIN_FAILURE] =
        o.consecutive_local_origin_failure;
    if (!allocate(outlier)) {
        infra_outlier_destroy(outlier);
        return INFRA_ENOMEM;
    }
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
    infra__keys_finish(&o->keys, &a);
    infra__timers_finish(&o->changes, &a);
    infra__free(&a, o->found, ids_max, COMPARED_SIZE);
    infra__free(&a, o->kept, ids_max, sizeof *o->kept);
    infra__free(&a, o->backends, ids_max, sizeof *o->backends);
    infra__free(&a, o->desk.tripped, INFRA_SET_WORDS(ids_max),
                sizeof *o->desk.tripped);
    infra__free_lines(&a, o->desk.slots, slots_size(ids_max));
    infra__free_lines(&a, o, sizeof *o);
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
    o->tiers[tier].ejected += b->record.is_ejected;
}

static void leave_tier(struct infra_outlier *o, uint32_t id)
{
    const struct infra__outlier_backend *b = &o->backends[id];

    o->tiers[b->tier].members--;
    o->tiers[b->tier].ejected -= b->record.is_ejected;
}

/* Empty an id, and keep the state for its key. */
static void clear(struct infra_outlier *o, uint32_t id)
{
    infra__outlier_keep(o, id);
    leave_tier(o, id);
    o->backends[id] = (struct infra__outlier_backend) { 0 };
    infra__timers_set(&o->changes, id, INFRA_TIME_NEVER);
    o->members--;
}

/* Give an id to a backend whose state is @known. */
static void fill(struct infra_outlier *o, uint32_t id, uint32_t tier,
                 const struct infra__outlier_kept *known)
{
    struct infra__outlier_backend *b = &o->backends[id];

    infra__outlier_begin_window(o, id);
    infra__outlier_restore_runs(&o->desk, id, known->runs,
                                !known->record.is_ejected);
    b->record = known->record;
    b->is_set = true;
    join_tier(o, id, tier);
    o->members++;
    if (b->record.is_ejected) {
        infra__outlier_tell_kept(o, id);
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
    uint64_t hash = infra_xxhash64(key, strlen(key), 0);

    advance(o, now);
    if (o->backends[id].is_set && o->keys.hashes[id] == hash) {
        leave_tier(o, id);
        join_tier(o, id, tier);
        return INFRA_OK;
    }
    /* Sweeps keep their rhythm, also after a moment without backends. */
    if (o->members == 0 && (o->due <= o->now || o->due == INFRA_TIME_NEVER)) {
        o->due = infra__time_add(o->now, o->options.interval);
    }
    struct infra__outlier_kept known = infra__outlier_recall(o, hash);
    if (o->backends[id].is_set) {
        clear(o, id);
    }
    fill(o, id, tier, &known);
    infra__keys_add(&o->keys, id, hash);
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
    clear(outlier, id);
    return INFRA_OK;
}

int infra_outlier_report(struct infra_outlier *outlier, uint32_t id,
                         uint32_t outcome, infra_time latency)
{
    return outlier == NULL
               ? INFRA_EINVAL
               : infra__outlier_report(&outlier->desk, id, outcome, latency);
}

/* Full rows of failures. Like Envoy, judge gateway failures before the same
 * failures as 5xx, and begin a new row whatever the result. While a backend is
 * ejected its row stays full, so that it causes no further wake-up. */
static void judge_runs(struct infra_outlier *o, uint32_t id, uint32_t tripped)
{
    static const uint32_t order[INFRA__RUNS] = {
        INFRA_OUTLIER_REASON_CONSECUTIVE_GATEWAY_FAILURE,
        INFRA_OUTLIER_REASON_CONSECUTIVE_5XX,
        INFRA_OUTLIER_REASON_CONSECUTIVE_LOCAL_ORIGIN_FAILURE
    };

    for (uint32_t i = 0; i < INFRA__RUNS; i++) {
        uint32_t reason = order[i];
        if ((tripped >> reason & 1) == 0 || o->backends[id].record.is_ejected) {
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
        infra__outlier_gather(slot, &b->seen, &b->record.window);
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
    /* Only here, so that a host may set its list anew in any order. */
    infra__outlier_keep_caps(o);
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
    /* Relaxed: a flag seen late comes with its wake-up. */
    if (outlier->changes.count > 0 || infra__outlier_is_over_cap(outlier) ||
        atomic_load_explicit(&outlier->desk.is_tripped, memory_order_relaxed) !=
            0) {
        return 0;
    }
    if (outlier->members == 0) {
        return INFRA_TIME_NEVER;
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
    if (!o->backends[id].record.is_ejected) {
        return INFRA_OK;
    }
    infra__outlier_give_back(o, id, INFRA_OUTLIER_REASON_PASSED);
    return INFRA_OK;
}

int infra_outlier_inspect(const struct infra_outlier *outlier, uint32_t id,
                          struct infra_outlier_status *ret)
{
    if (outlier == NULL || ret == NULL || id >= outlier->desk.ids_max) {
        return INFRA_EINVAL;
    }
    const struct infra__outlier_backend *b = &outlier->backends[id];
    const struct infra__outlier_window *w = &b->record.last;

    if (!b->is_set) {
        return INFRA_ENOENT;
    }
    struct infra_outlier_status stats = { .size = sizeof stats,
                                          .since = b->record.since,
                                          .until = b->record.until,
                                          .reports = w->successes + w->errors +
                                                     w->misses,
                                          .is_ejected = b->record.is_ejected,
                                          .ejections = b->record.ejections,
                                          .multiplier = b->record.multiplier };
    if (w->timed > 0) {
        stats.latency = (infra_time)infra__latency_of_log(
            infra__latency_mean_log(w->latency_sum, w->timed));
    }
    if (stats.reports > 0) {
        stats.rate = (uint32_t)(w->successes * INFRA__MILLION / stats.reports);
    }
    memcpy(stats.detections, b->record.detections, sizeof stats.detections);
    return infra__status_export(ret, &stats, sizeof stats, sizeof stats);
}
