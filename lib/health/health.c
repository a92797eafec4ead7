/* SPDX-License-Identifier: MIT */
/* Active checks as a schedule and a counter: two heaps of ids, one by the time
 * at which the next check is due, one by the order in which changes happened. A
 * backend is in the first or has a check running, never both, so that there is
 * one check at a time; and since changes are handed out before checks, it can
 * change once at most before the host knows. Every call is O(log n) and
 * allocates nothing after create. */
#include "../base/timers.h"
#include "rise_fall.h"
#include "schedule.h"

#include <assert.h>
#include <infra/health.h>
#include <stdbool.h>
#include <string.h>

#define IDS_MAX_DEFAULT 64u
#define JITTER_PERCENT_MAX 50u
#define INTERVAL_MIN INFRA_MS(1)

INFRA__NO_TAIL_PADDING(struct infra_health_options, reserved);
INFRA__NO_TAIL_PADDING(struct infra_health_stats, detail);
_Static_assert(sizeof(struct infra_health_event) == 64, "events are 64 bytes");

struct backend {
    uint64_t key;   /* The hash of its key stands for it. */
    infra_time due; /* When the last check handed out was due. */
    infra_time since;
    uint64_t checks;
    uint64_t failures;
    uint32_t generation; /* Of the last check; outlives the backend. */
    uint32_t outcome;
    uint32_t detail;
    uint16_t counter;
    uint8_t reason; /* Of the next check. */
    bool is_set : 1;
    bool is_running : 1;
};

struct infra_health {
    struct infra_allocator allocator;
    struct infra__timers checks;  /* By the time at which they are due. */
    struct infra__timers changes; /* By the order in which they happened. */
    struct backend *backends;
    infra_time now; /* The greatest that was seen. */
    uint64_t changes_count;
    struct infra__schedule schedule;
    struct infra__rise_fall rise_fall;
    uint32_t ids_max;
    uint32_t initial;
};

static const char *const reasons[] = {
    [INFRA_HEALTH_REASON_START] = "start",
    [INFRA_HEALTH_REASON_INTER] = "inter",
    [INFRA_HEALTH_REASON_FASTINTER] = "fastinter",
    [INFRA_HEALTH_REASON_DOWNINTER] = "downinter",
    [INFRA_HEALTH_REASON_RISE] = "rise",
    [INFRA_HEALTH_REASON_FALL] = "fall",
};

const char *infra_health_reason_name(uint32_t reason)
{
    return reason < INFRA__COUNT_OF(reasons) ? reasons[reason] : "unknown";
}

static void set_defaults(struct infra_health_options *o)
{
    o->inter = o->inter != 0 ? o->inter : INFRA_SEC(2);
    o->fastinter = o->fastinter != 0 ? o->fastinter : o->inter;
    o->downinter = o->downinter != 0 ? o->downinter : o->inter;
    o->start_spread = o->start_spread != 0 ? o->start_spread : o->inter;
    o->ids_max = o->ids_max != 0 ? o->ids_max : IDS_MAX_DEFAULT;
    o->rise = o->rise != 0 ? o->rise : 2;
    o->fall = o->fall != 0 ? o->fall : 3;
}

static bool in_range(const struct infra_health_options *o)
{
    return o->inter >= INTERVAL_MIN && o->fastinter >= INTERVAL_MIN &&
           o->downinter >= INTERVAL_MIN && o->ids_max <= INFRA_HEALTH_IDS_MAX &&
           o->rise <= INFRA_HEALTH_RISE_MAX &&
           o->fall <= INFRA_HEALTH_RISE_MAX &&
           o->jitter_percent <= JITTER_PERCENT_MAX &&
           o->initial <= INFRA_HEALTH_INITIAL_FULLY_DOWN;
}

static int allocate(struct infra_health **ret,
                    const struct infra_allocator *allocator, uint32_t ids_max)
{
    struct infra_health *h = infra__alloc(allocator, 1, sizeof *h);

    if (h == NULL) {
        return INFRA_ENOMEM;
    }
    h->allocator = *allocator;
    h->ids_max = ids_max;
    h->backends = infra__alloc(allocator, ids_max, sizeof *h->backends);
    if (h->backends == NULL ||
        infra__timers_init(&h->checks, ids_max, allocator) != INFRA_OK ||
        infra__timers_init(&h->changes, ids_max, allocator) != INFRA_OK) {
        infra_health_destroy(h);
        return INFRA_ENOMEM;
    }
    *ret = h;
    return INFRA_OK;
}

int infra_health_create(struct infra_health **ret,
                        const struct infra_health_options *options)
{
    struct infra_health_options o = { .size = sizeof o };
    struct infra_health *h;

    if (ret == NULL) {
        return INFRA_EINVAL;
    }
    int err = infra__options_import(&o, sizeof o, options, sizeof o);
    if (err != INFRA_OK) {
        return err;
    }
    if (o.reserved != 0) {
        return INFRA_ESTRUCT;
    }
    set_defaults(&o);
    if (!in_range(&o)) {
        return INFRA_EINVAL;
    }
    struct infra_allocator allocator = infra__allocator_or_libc(o.allocator);
    err = allocate(&h, &allocator, o.ids_max);
    if (err != INFRA_OK) {
        return err;
    }
    h->schedule =
        (struct infra__schedule) { .inter = o.inter,
                                   .fastinter = o.fastinter,
                                   .downinter = o.downinter,
                                   .start_spread = o.start_spread,
                                   .random = o.seed,
                                   .jitter_percent = o.jitter_percent };
    h->rise_fall = (struct infra__rise_fall) { .rise = o.rise, .fall = o.fall };
    h->initial = o.initial;
    *ret = h;
    return INFRA_OK;
}

void infra_health_destroy(struct infra_health *health)
{
    if (health == NULL) {
        return;
    }
    struct infra_allocator allocator = health->allocator;
    infra__timers_finish(&health->changes, &allocator);
    infra__timers_finish(&health->checks, &allocator);
    infra__free(&allocator, health->backends, health->ids_max,
                sizeof *health->backends);
    infra__free(&allocator, health, 1, sizeof *health);
}

static void advance(struct infra_health *h, infra_time now)
{
    h->now = now > h->now ? now : h->now;
}

static bool is_up(const struct infra_health *h, const struct backend *b)
{
    return infra__rise_fall_is_up(&h->rise_fall, b->counter);
}

/* Forget a backend. The check that may be running becomes stale. */
static void forget(struct infra_health *h, uint32_t id)
{
    h->backends[id] =
        (struct backend) { .generation = h->backends[id].generation };
    infra__timers_set(&h->checks, id, INFRA_TIME_NEVER);
    infra__timers_set(&h->changes, id, INFRA_TIME_NEVER);
}

int infra_health_set(struct infra_health *health, uint32_t id, const char *key,
                     infra_time now)
{
    if (health == NULL || id >= health->ids_max || key == NULL ||
        key[0] == '\0') {
        return INFRA_EINVAL;
    }
    struct backend *b = &health->backends[id];
    uint64_t hash = infra_xxhash64(key, strlen(key), 0);

    advance(health, now);
    if (b->is_set && b->key == hash) {
        return INFRA_OK;
    }
    forget(health, id);
    b->is_set = true;
    b->key = hash;
    b->since = health->now;
    b->counter =
        (uint16_t)infra__rise_fall_start(&health->rise_fall, health->initial);
    b->reason = INFRA_HEALTH_REASON_START;
    infra__timers_set(
        &health->checks, id,
        infra__schedule_first(&health->schedule, hash, health->now));
    return INFRA_OK;
}

int infra_health_remove(struct infra_health *health, uint32_t id)
{
    if (health == NULL || id >= health->ids_max) {
        return INFRA_EINVAL;
    }
    if (!health->backends[id].is_set) {
        return INFRA_ENOENT;
    }
    forget(health, id);
    return INFRA_OK;
}

static void take_change(struct infra_health *h, struct infra_health_event *ret)
{
    uint32_t id = h->changes.heap[0];
    const struct backend *b = &h->backends[id];
    bool up = is_up(h, b);

    infra__timers_set(&h->changes, id, INFRA_TIME_NEVER);
    /* No verdict came since the one that decided: it is the backend's last. */
    *ret = (struct infra_health_event) {
        .kind = up ? INFRA_HEALTH_UP : INFRA_HEALTH_DOWN,
        .id = id,
        .at = b->since,
        .reason = up ? INFRA_HEALTH_REASON_RISE : INFRA_HEALTH_REASON_FALL,
        .outcome = b->outcome,
        .detail = b->detail,
        .counter = b->counter
    };
}

static void take_check(struct infra_health *h, struct infra_health_event *ret)
{
    uint32_t id = h->checks.heap[0];
    struct backend *b = &h->backends[id];

    assert(b->is_set && !b->is_running);
    b->due = h->checks.due[id];
    b->is_running = true;
    b->generation++;
    infra__timers_set(&h->checks, id, INFRA_TIME_NEVER);
    *ret = (struct infra_health_event) { .kind = INFRA_HEALTH_PROBE,
                                         .id = id,
                                         .check =
                                             (uint64_t)b->generation << 32 | id,
                                         .at = b->due,
                                         .reason = b->reason,
                                         .counter = b->counter };
}

static bool check_is_due(const struct infra_health *h)
{
    return h->checks.count > 0 && infra__timers_first(&h->checks) <= h->now;
}

int infra_health_next(struct infra_health *health, infra_time now,
                      struct infra_health_event *ret)
{
    if (health == NULL || ret == NULL) {
        return INFRA_EINVAL;
    }
    advance(health, now);
    if (health->changes.count > 0) {
        take_change(health, ret);
    } else if (check_is_due(health)) {
        take_check(health, ret);
    } else {
        return INFRA_EAGAIN;
    }
    return INFRA_OK;
}

infra_time infra_health_deadline(const struct infra_health *health)
{
    if (health->changes.count > 0 || check_is_due(health)) {
        return 0;
    }
    return infra__timers_first(&health->checks);
}

/* Move the counter; if that brings the backend up or down, queue the change. */
static void count(struct infra_health *h, uint32_t id, bool passed)
{
    struct backend *b = &h->backends[id];
    bool was_up = is_up(h, b);

    b->counter =
        (uint16_t)(passed ? infra__rise_fall_pass(&h->rise_fall, b->counter)
                          : infra__rise_fall_fail(&h->rise_fall, b->counter));
    b->failures += !passed;
    if (is_up(h, b) != was_up) {
        b->since = h->now;
        infra__timers_set(&h->changes, id, h->changes_count++);
    }
}

int infra_health_verdict(struct infra_health *health, uint64_t check,
                         uint32_t outcome, uint32_t detail, infra_time now)
{
    uint32_t id = (uint32_t)check;

    if (health == NULL || outcome > INFRA__OUTCOME_LAST) {
        return INFRA_EINVAL;
    }
    advance(health, now);
    if (id >= health->ids_max || !health->backends[id].is_running ||
        health->backends[id].generation != check >> 32) {
        return INFRA_ESTALE;
    }
    struct backend *b = &health->backends[id];
    bool passed = infra__outcome_worked(outcome);

    b->is_running = false;
    b->checks++;
    b->outcome = outcome;
    b->detail = detail;
    if (passed || infra_outcome_blames_backend(outcome)) {
        count(health, id, passed);
        b->reason =
            (uint8_t)infra__schedule_reason(&health->rise_fall, b->counter);
    } else {
        b->reason = INFRA_HEALTH_REASON_FASTINTER;
    }
    infra__timers_set(&health->checks, id,
                      infra__schedule_next(&health->schedule, b->reason, b->due,
                                           health->now));
    return INFRA_OK;
}

int infra_health_inspect(const struct infra_health *health, uint32_t id,
                         struct infra_health_stats *ret)
{
    if (health == NULL || ret == NULL || id >= health->ids_max) {
        return INFRA_EINVAL;
    }
    const struct backend *b = &health->backends[id];

    if (!b->is_set) {
        return INFRA_ENOENT;
    }
    const struct infra_health_stats stats = { .size = sizeof stats,
                                              .checks = b->checks,
                                              .failures = b->failures,
                                              .since = b->since,
                                              .next = health->checks.due[id],
                                              .up = is_up(health, b),
                                              .counter = b->counter,
                                              .outcome = b->outcome,
                                              .detail = b->detail };
    return infra__stats_export(ret, &stats, sizeof stats, sizeof stats);
}

uint32_t infra_health_patience(const struct infra_health *health)
{
    (void)health;
    return 1000;
}
