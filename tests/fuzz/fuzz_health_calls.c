/* SPDX-License-Identifier: MIT */
/* The first bytes are options and which allocation fails, and then each two
 * bytes are a call of infra_health: set, remove, take events, answer, ask,
 * inspect, and time that goes on, jumps or goes back.
 *
 * Against a small model, in any order of calls: the counter moves by rise and
 * fall, or a failure is suppressed, at most `fall` times in a row; a backend
 * has one check at a time; an answer counts once; next() has an event exactly
 * when the deadline has come; and no memory is left at the end. */
#include "fuzz.h"

#include <infra/health.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define IDS 6u
#define KEYS 5u
#define EVENTS_MAX 64u

static struct infra_health *health;
static infra_time now;
static uint32_t rise;
static uint32_t fall;

/* The model's knowledge of an id. */
static struct {
    uint8_t key;      /* 0: none. */
    uint64_t running; /* Its check, 0: none. */
    uint64_t former;  /* One that has been answered, or was repeated. */
} ids[IDS];

static long live;        /* Allocations. */
static long allocs_left; /* < 0: as many as there are. */

static void check(bool good)
{
    if (!good) {
        abort();
    }
}

static void *grow(void *user, void *ptr, size_t old_size, size_t new_size)
{
    (void)user;
    (void)old_size;
    if (new_size == 0) {
        live -= ptr != NULL;
        free(ptr);
        return NULL;
    }
    check(ptr == NULL);
    if (allocs_left == 0) {
        return NULL;
    }
    allocs_left--;
    live++;
    return malloc(new_size);
}

static struct infra_health_status inspect(uint32_t id)
{
    struct infra_health_status stats = { .size = sizeof stats };

    check(infra_health_inspect(health, id, &stats) == INFRA_OK);
    check(stats.counter < rise + fall);
    check(stats.up == (stats.counter >= rise));
    check(stats.degraded <= stats.up && stats.held <= fall);
    check(stats.failures <= stats.checks);
    check((stats.next == INFRA_TIME_NEVER) == (ids[id].running != 0));
    return stats;
}

static void set(uint32_t id, uint8_t key, uint32_t initial)
{
    const char name[] = { (char)('a' + key), '\0' };

    check(infra_health_set_initial(health, id, name, initial, now) == INFRA_OK);
    if (ids[id].key != key + 1) {
        ids[id].key = (uint8_t)(key + 1);
        ids[id].running = ids[id].former = 0;
    }
    (void)inspect(id);
}

static void remove_id(uint32_t id)
{
    check(infra_health_remove(health, id) ==
          (ids[id].key != 0 ? INFRA_OK : INFRA_ENOENT));
    memset(&ids[id], 0, sizeof ids[id]);
}

/* An event of a backend says what inspect() says. */
static void take_change(const struct infra_health_event *e)
{
    struct infra_health_status stats = inspect(e->id);

    check(e->kind == (!stats.up        ? INFRA_HEALTH_EVENT_DOWN
                      : stats.degraded ? INFRA_HEALTH_EVENT_DEGRADED
                                       : INFRA_HEALTH_EVENT_UP));
    check(e->counter == stats.counter && e->at == stats.since);
}

static void take_event(void)
{
    struct infra_health_event e;
    int err = infra_health_next(health, now, &e);

    if (err != INFRA_OK) {
        check(err == INFRA_EAGAIN && infra_health_deadline(health) > now);
        return;
    }
    if (e.id == INFRA_HEALTH_NOBODY) {
        check((e.kind == INFRA_HEALTH_EVENT_DOUBT) ==
              (infra_health_timeout_scale(health) > 1000));
        return;
    }
    check(e.id < IDS && ids[e.id].key != 0 && e.at <= now);
    if (e.kind == INFRA_HEALTH_EVENT_CHECK) {
        check(ids[e.id].running == 0 && e.call != 0);
        ids[e.id].running = e.call;
    } else {
        take_change(&e);
    }
}

/* What the counter may be after this verdict. */
static void compare(const struct infra_health_status *was,
                    const struct infra_health_status *is, uint32_t outcome)
{
    uint32_t pass =
        was->counter + 1 >= rise ? rise + fall - 1 : was->counter + 1;
    uint32_t failure = was->counter <= rise ? 0 : was->counter - 1;
    bool is_held = is->held == was->held + 1;

    check(is->checks == was->checks + 1 && is->outcome == outcome);
    if (outcome == INFRA_OUTCOME_OK || outcome == INFRA_OUTCOME_DEGRADED) {
        check(is->counter == pass && is->held == 0);
    } else if (infra_outcome_blames_backend(outcome)) {
        check(is->counter == (is_held ? was->counter : failure));
        check(is->failures == was->failures + 1);
    } else {
        check(is->counter == was->counter && is->held == was->held);
    }
}

static void answer(uint32_t id, uint32_t outcome)
{
    uint64_t handle = ids[id].running;

    if (handle == 0) {
        /* A former one, or none: it may be the key's at another id. */
        (void)infra_health_answer(health, ids[id].former, outcome, 0, now);
        check(infra_health_answer(health, ids[id].former, outcome, 0, now) ==
              INFRA_ESTALE);
        return;
    }
    struct infra_health_status was = inspect(id);
    ids[id].running = 0;
    ids[id].former = handle;
    check(infra_health_answer(health, handle, outcome, 7, now) == INFRA_OK);
    struct infra_health_status is = inspect(id);
    check(is.next >= now || is.next != INFRA_TIME_NEVER);
    compare(&was, &is, outcome);
    check(infra_health_answer(health, handle, outcome, 7, now) == INFRA_ESTALE);
}

static void call(uint8_t what, uint8_t how)
{
    uint32_t id = how % IDS;

    switch (what % 8) {
    case 0:
        set(id, (uint8_t)(how / IDS % KEYS), how / (IDS * KEYS) % 4);
        break;
    case 1:
        remove_id(id);
        break;
    case 2:
        now += INFRA_MS(how) * (what < 16 ? 100u : 1u);
        break;
    case 3:
        check(infra_health_check_now(health, id, now) ==
              (ids[id].key != 0 ? INFRA_OK : INFRA_ENOENT));
        break;
    case 4: /* Earlier than before is the same time. */
        (void)infra_health_check_now(health, id, now / 2);
        break;
    case 5:
        if (ids[id].key != 0) {
            answer(id, how / IDS % (INFRA_OUTCOME_DEGRADED + 1));
        }
        break;
    default:
        for (uint32_t i = 0; i < how % EVENTS_MAX; i++) {
            take_event();
        }
    }
}

/* False: an allocation failed, as it should. */
static bool create(const uint8_t *data)
{
    const struct infra_allocator allocator = { .realloc = grow };
    struct infra_health_options o = { .size = sizeof o,
                                      .allocator = &allocator,
                                      .seed = data[0] % 3,
                                      .inter = INFRA_MS(200),
                                      .fastinter = INFRA_MS(1 + data[1]),
                                      .downinter = INFRA_MS(1 + data[2]),
                                      .ids_max = IDS,
                                      .rise = 1 + data[3] % 3,
                                      .fall = 1 + data[3] / 3 % 3,
                                      .jitter_percent = data[0] % 51,
                                      .initial = data[3] / 9 % 4 };

    rise = o.rise;
    fall = o.fall;
    now = INFRA_SEC(1);
    memset(ids, 0, sizeof ids);
    allocs_left = data[4] < 16 ? data[4] : -1;
    int err = infra_health_create(&health, &o);
    check(err == INFRA_OK || (err == INFRA_ENOMEM && allocs_left == 0));
    allocs_left = 0; /* No other call allocates. */
    return err == INFRA_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 5) {
        return 0;
    }
    if (create(data)) {
        for (size_t i = 5; i + 1 < size; i += 2) {
            call(data[i], data[i + 1]);
        }
        infra_health_destroy(health);
    }
    check(live == 0);
    return 0;
}
