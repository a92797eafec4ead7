/* SPDX-License-Identifier: MIT */
/* Creation, setting and removing backends, and inspection. */
#include "internal.h"

#include <string.h>

#define IDS_MAX_DEFAULT 64u
#define JITTER_PERCENT_MAX 50u
#define INTERVAL_MIN INFRA_MS(1)

INFRA__NO_TAIL_PADDING(struct infra_health_options, reserved);
INFRA__NO_TAIL_PADDING(struct infra_health_status, held);
_Static_assert(sizeof(struct infra_health_event) == 64, "events are 64 bytes");

static const char *const reasons[] = {
    [INFRA_HEALTH_REASON_START] = "start",
    [INFRA_HEALTH_REASON_INTER] = "inter",
    [INFRA_HEALTH_REASON_FASTINTER] = "fastinter",
    [INFRA_HEALTH_REASON_DOWNINTER] = "downinter",
    [INFRA_HEALTH_REASON_ASKED] = "asked",
    [INFRA_HEALTH_REASON_RISE] = "rise",
    [INFRA_HEALTH_REASON_FALL] = "fall",
    [INFRA_HEALTH_REASON_DEGRADED] = "degraded",
    [INFRA_HEALTH_REASON_RELIEVED] = "relieved",
    [INFRA_HEALTH_REASON_KEPT] = "kept",
    [INFRA_HEALTH_REASON_LATE] = "late",
    [INFRA_HEALTH_REASON_LOCAL] = "local",
    [INFRA_HEALTH_REASON_SILENCE] = "silence",
    [INFRA_HEALTH_REASON_ANSWERED] = "answered",
};

static const char *const kinds[] = {
    [INFRA_HEALTH_EVENT_CHECK] = "check",
    [INFRA_HEALTH_EVENT_UP] = "up",
    [INFRA_HEALTH_EVENT_DOWN] = "down",
    [INFRA_HEALTH_EVENT_DEGRADED] = "degraded",
    [INFRA_HEALTH_EVENT_DOUBT] = "doubt",
    [INFRA_HEALTH_EVENT_TRUST] = "trust",
    [INFRA_HEALTH_EVENT_WISH] = "wish",
};

static const char *const initials[] = {
    [INFRA_HEALTH_INITIAL_UP] = "up",
    [INFRA_HEALTH_INITIAL_FULLY_UP] = "fully up",
    [INFRA_HEALTH_INITIAL_DOWN] = "down",
    [INFRA_HEALTH_INITIAL_FULLY_DOWN] = "fully down",
};

const char *infra_health_reason_name(uint32_t reason)
{
    return INFRA__NAME(reasons, reason);
}

const char *infra_health_event_name(uint32_t kind)
{
    return INFRA__NAME(kinds, kind);
}

const char *infra_health_initial_name(uint32_t initial)
{
    return INFRA__NAME(initials, initial);
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

static int complete(void *options)
{
    struct infra_health_options *o = options;

    if (o->reserved != 0) {
        return INFRA_ESTRUCT;
    }
    set_defaults(o);
    return in_range(o) ? INFRA_OK : INFRA_EINVAL;
}

static bool allocate(struct infra_health *h)
{
    const struct infra_allocator *a = &h->allocator;

    h->backends = infra__alloc(a, h->ids_max, sizeof *h->backends);
    h->kept = infra__alloc(a, h->ids_max, sizeof *h->kept);
    return h->backends != NULL && h->kept != NULL &&
           infra__keys_init(&h->keys, h->ids_max, a) == INFRA_OK &&
           infra__timers_init(&h->checks, h->ids_max, a) == INFRA_OK &&
           infra__timers_init(&h->changes, h->ids_max, a) == INFRA_OK;
}

int infra_health_create(struct infra_health **ret,
                        const struct infra_health_options *options)
{
    struct infra_health_options o = { .size = sizeof o };
    int err =
        ret != NULL ? infra__options_take(&o, options, complete) : INFRA_EINVAL;
    struct infra_health *h = infra__object_create(&err, sizeof *h, o.allocator);

    if (h == NULL) {
        return err;
    }
    h->ids_max = o.ids_max;
    if (!allocate(h)) {
        infra_health_destroy(h);
        return INFRA_ENOMEM;
    }
    h->options = o;
    h->random = o.seed;
    h->doubt.period = o.fastinter;
    *ret = h;
    return INFRA_OK;
}

void infra_health_destroy(struct infra_health *health)
{
    if (health == NULL) {
        return;
    }
    const struct infra_allocator *a = &health->allocator;
    infra__timers_finish(&health->changes, a);
    infra__timers_finish(&health->checks, a);
    infra__keys_finish(&health->keys, a);
    infra__free(a, health->kept, health->ids_max, sizeof *health->kept);
    infra__free(a, health->backends, health->ids_max, sizeof *health->backends);
    infra__object_free(health, sizeof *health);
}

/* Empty an id; its running check becomes stale. */
static void clear(struct infra_health *h, uint32_t id)
{
    struct infra__backend *b = &h->backends[id];

    infra__health_keep(h, id);
    h->running_count -= b->is_running;
    *b = (struct infra__backend) { .generation = b->generation };
    infra__timers_set(&h->checks, id, INFRA_TIME_NEVER);
    infra__timers_set(&h->changes, id, INFRA_TIME_NEVER);
}

/* The state of an unknown key. */
static struct infra__kept beginning(const struct infra_health *h, uint64_t hash,
                                    uint32_t initial)
{
    uint32_t counter = infra__rise_fall_start(&h->options, initial);

    return (struct infra__kept) {
        .history = { .since = h->now,
                     .counter = (uint16_t)counter,
                     .reason = INFRA_HEALTH_REASON_START },
        .next = infra__schedule_first(&h->options, hash, h->now),
    };
}

/* After a long absence checks were skipped. Otherwise an overdue check stays
 * due, or a key that comes and goes would never be checked. */
static infra_time next_of_known(const struct infra_health *h, uint32_t reason,
                                infra_time next)
{
    infra_time interval = infra__schedule_interval(&h->options, reason);

    return infra__time_add(next, interval) > h->now
               ? next
               : infra__schedule_in_phase(next, interval, h->now);
}

int infra_health_set(struct infra_health *health, uint32_t id, const char *key,
                     infra_time now)
{
    return health == NULL ? INFRA_EINVAL
                          : infra_health_set_initial(
                                health, id, key, health->options.initial, now);
}

int infra_health_set_initial(struct infra_health *health, uint32_t id,
                             const char *key, uint32_t initial, infra_time now)
{
    if (health == NULL || id >= health->ids_max || key == NULL ||
        key[0] == '\0' || initial > INFRA_HEALTH_INITIAL_FULLY_DOWN) {
        return INFRA_EINVAL;
    }
    struct infra__backend *b = &health->backends[id];
    uint64_t hash = infra_xxhash64(key, strlen(key), 0);

    infra__health_advance(health, now);
    if (b->is_set && health->keys.hashes[id] == hash) {
        return INFRA_OK;
    }
    const struct infra__kept fresh = beginning(health, hash, initial);
    struct infra__kept known = fresh;
    if (infra__health_recall(health, hash, &known)) {
        known.next = next_of_known(health, known.history.reason, known.next);
    }
    if (b->is_set) {
        clear(health, id);
    }
    b->history = known.history;
    b->due = known.next;
    b->slept = health->doubt.slept;
    b->heard = health->doubt.heard;
    b->is_set = true;
    infra__keys_add(&health->keys, id, hash);
    infra__timers_set(&health->checks, id, known.next);
    /* The host takes a new id for what `initial` says. */
    if (infra__health_kind(health, &known.history) !=
        infra__health_kind(health, &fresh.history)) {
        infra__health_change(health, id, INFRA_HEALTH_REASON_KEPT);
    }
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
    clear(health, id);
    return INFRA_OK;
}

int infra_health_inspect(const struct infra_health *health, uint32_t id,
                         struct infra_health_status *ret)
{
    if (health == NULL || ret == NULL || id >= health->ids_max) {
        return INFRA_EINVAL;
    }
    const struct infra__backend *b = &health->backends[id];
    const struct infra__history *of = &b->history;

    if (!b->is_set) {
        return INFRA_ENOENT;
    }
    uint32_t kind = infra__health_kind(health, of);
    const struct infra_health_status stats = {
        .size = sizeof stats,
        .checks = of->checks,
        .failures = of->failures,
        .since = of->since,
        .next = health->checks.due[id],
        .up = kind != INFRA_HEALTH_EVENT_DOWN,
        .counter = of->counter,
        .outcome = of->outcome,
        .detail = of->detail,
        .degraded = kind == INFRA_HEALTH_EVENT_DEGRADED,
        .held = of->held
    };
    return infra__status_export(ret, &stats, sizeof stats, sizeof stats);
}

uint32_t infra_health_timeout_scale(const struct infra_health *health)
{
    return health == NULL ? 1000 : 1000 * (health->doubt.score + 1);
}
