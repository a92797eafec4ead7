/* SPDX-License-Identifier: MIT */
/* The input is a host's calls to outlier, in any order, and its workers'
 * reports. The host's knowledge, from its own calls and the events alone, is a
 * model:
 *
 * - an event is a change: no backend is ejected twice, or returns without an
 *    ejection;
 * - when all events are taken the host knows the ejected backends, no tier is
 *    above its cap, and the deadline lies ahead;
 * - an event never comes before the deadline; - a key that leaves and comes
 * back has its former state, while it is kept; - a call with a bad argument, or
 * a failed allocation, changes nothing.
 *
 * The first bytes are the options. */
#include "fuzz.h"

#include <infra/outlier.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define IDS 8u
#define KEYS 8u /* As many as are kept. */
#define TIERS 2u
#define SIZE_MOST 512u /* Bytes of an input: enough for all that may meet. */

#define CHECK(what)                                                          \
    do {                                                                     \
        if (!(what)) {                                                       \
            (void)fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #what); \
            abort();                                                         \
        }                                                                    \
    } while (0)

/* State of a removed key. */
struct past {
    bool is_known;
    bool is_ejected;
    infra_time until;
    infra_time kept_until;
    uint32_t ejections;
};

struct member {
    bool is_set;
    bool is_out; /* As the events say. */
    uint32_t key;
    uint32_t tier;
    uint32_t order; /* Of two with one key: the later has more. */
};

struct host {
    const uint8_t *at;
    size_t left;
    struct infra_outlier *outlier;
    struct infra_outlier_options options;
    infra_time now;
    infra_time seen; /* The greatest time passed in. */
    uint32_t order;
    struct member members[IDS];
    struct past pasts[KEYS];
};

/* A heap whose calls fail from the n-th on. */
struct heap {
    long calls_left;
    long live;
};

static void *heap_realloc(void *user, void *ptr, size_t old_size,
                          size_t new_size)
{
    struct heap *h = user;

    (void)old_size;
    if (new_size == 0) {
        h->live -= ptr != NULL;
        free(ptr);
        return NULL;
    }
    if (h->calls_left-- <= 0) {
        return NULL;
    }
    h->live += ptr == NULL;
    return realloc(ptr, new_size);
}

static uint32_t byte(struct host *h)
{
    if (h->left == 0) {
        return 0;
    }
    h->left--;
    return *h->at++;
}

static struct infra_outlier_status inspect(const struct host *h, uint32_t id)
{
    struct infra_outlier_status s = { .size = sizeof s };
    int err = infra_outlier_inspect(h->outlier, id, &s);

    CHECK(err == (h->members[id].is_set ? INFRA_OK : INFRA_ENOENT));
    return s;
}

static bool is_within_cap(const struct host *h, uint32_t out, uint32_t all)
{
    return 100 * out <= h->options.max_ejection_percent * all ||
           (h->options.always_eject_one_host != 0 && out <= 1);
}

/* All events are taken. */
static void check_peace(const struct host *h)
{
    uint32_t all[TIERS] = { 0 }, out[TIERS] = { 0 };
    bool is_anybody = false;

    for (uint32_t id = 0; id < IDS; id++) {
        const struct member *m = &h->members[id];
        if (!m->is_set) {
            (void)inspect(h, id);
            continue;
        }
        struct infra_outlier_status s = inspect(h, id);
        CHECK(s.is_ejected == m->is_out);
        CHECK((s.until != 0) == m->is_out);
        is_anybody = true;
        all[m->tier]++;
        out[m->tier] += m->is_out;
    }
    for (uint32_t tier = 0; tier < TIERS; tier++) {
        CHECK(is_within_cap(h, out[tier], all[tier]));
    }
    infra_time due = infra_outlier_deadline(h->outlier);
    CHECK(is_anybody ? due > h->now && due - h->now <= h->options.interval
                     : due == INFRA_TIME_NEVER);
}

static void learn(struct host *h, const struct infra_outlier_event *e)
{
    CHECK(e->id < IDS && e->at <= h->now);
    struct member *m = &h->members[e->id];

    CHECK(m->is_set);
    CHECK(strcmp(infra_outlier_reason_name(e->reason), "unknown") != 0);
    switch (e->kind) {
    case INFRA_OUTLIER_EVENT_EJECTED:
        CHECK(!m->is_out && e->until > e->at);
        m->is_out = true;
        break;
    case INFRA_OUTLIER_EVENT_RETURNED:
        CHECK(m->is_out && e->until == 0);
        m->is_out = false;
        break;
    default:
        CHECK(e->kind == INFRA_OUTLIER_EVENT_CAPPED ||
              e->kind == INFRA_OUTLIER_EVENT_SPARED);
        CHECK(!m->is_out);
        break;
    }
}

static int take_event(struct host *h)
{
    struct infra_outlier_event e;
    infra_time due = infra_outlier_deadline(h->outlier);
    int err = infra_outlier_next(h->outlier, h->now, &e);

    h->seen = h->now;
    CHECK(err == INFRA_OK || err == INFRA_EAGAIN);
    if (err == INFRA_OK) {
        CHECK(due <= h->now);
        learn(h, &e);
    } else {
        check_peace(h);
    }
    return err;
}

static void take_all(struct host *h)
{
    uint32_t taken = 0;

    while (take_event(h) == INFRA_OK) {
        /* What is queued, the rows, and a sweep: one of each. */
        CHECK(++taken <= 4 * IDS);
    }
}

static struct past past_of(const struct host *h, uint32_t id)
{
    struct infra_outlier_status s = inspect(h, id);

    return (struct past) { .is_known = true,
                           .is_ejected = s.is_ejected != 0,
                           .until = s.until,
                           .kept_until = h->seen + INFRA_OUTLIER_KEPT_FOR,
                           .ejections = s.ejections };
}

/* The id with this key that was set last; IDS: none. */
static uint32_t holder_of(const struct host *h, uint32_t key)
{
    uint32_t best = IDS;

    for (uint32_t id = 0; id < IDS; id++) {
        const struct member *m = &h->members[id];
        if (m->is_set && m->key == key &&
            (best == IDS || m->order > h->members[best].order)) {
            best = id;
        }
    }
    return best;
}

static void forget(struct host *h, uint32_t id, struct past past)
{
    uint32_t key = h->members[id].key;

    h->members[id] = (struct member) { .is_set = false };
    if (holder_of(h, key) == IDS) {
        h->pasts[key] = past;
    }
}

static void set(struct host *h)
{
    uint32_t id = byte(h) % IDS, key = byte(h) % KEYS, tier = byte(h) % TIERS;
    struct member *m = &h->members[id];
    char name[2] = { (char)('a' + key), '\0' };
    struct past past = { .is_known = false }, left = past;
    uint32_t holder = holder_of(h, key);
    bool is_same = m->is_set && m->key == key;

    h->seen = h->now;
    if (holder != IDS) {
        past = past_of(h, holder);
    } else if (h->pasts[key].kept_until > h->now) {
        past = h->pasts[key];
    }
    if (m->is_set && !is_same) {
        left = past_of(h, id);
    }
    CHECK(infra_outlier_set(h->outlier, id, name, tier, h->now) == INFRA_OK);
    if (!is_same) {
        if (m->is_set) {
            forget(h, id, left);
        }
        *m = (struct member) { .is_set = true, .key = key };
        h->pasts[key].is_known = false;
        h->pasts[key].kept_until = 0;
        m->order = ++h->order;
        struct infra_outlier_status s = inspect(h, id);
        CHECK(s.is_ejected == (past.is_ejected && past.until > h->now));
        CHECK(s.ejections == past.ejections);
        CHECK(s.until == (s.is_ejected ? past.until : 0));
    }
    m->tier = tier;
}

static void take_away(struct host *h)
{
    uint32_t id = byte(h) % IDS;
    struct past past = { .is_known = false };

    if (h->members[id].is_set) {
        past = past_of(h, id);
    }
    int err = infra_outlier_remove(h->outlier, id);
    CHECK(err == (h->members[id].is_set ? INFRA_OK : INFRA_ENOENT));
    if (err == INFRA_OK) {
        forget(h, id, past);
    }
}

static void report(struct host *h)
{
    uint32_t id = byte(h) % IDS, count = byte(h) % 16;
    uint32_t outcome = byte(h) % (INFRA_OUTCOME_GATEWAY_ERROR + 1u);
    infra_time latency = INFRA_US(byte(h)) * 100;

    for (uint32_t i = 0; i < count; i++) {
        int err = infra_outlier_report(h->outlier, id, outcome, latency);
        CHECK(err == 0 || err == 1);
    }
}

static void pass(struct host *h)
{
    uint32_t id = byte(h) % IDS;
    int err = infra_outlier_passed(h->outlier, id, h->now);

    CHECK(err == (h->members[id].is_set ? INFRA_OK : INFRA_ENOENT));
    if (err == INFRA_OK) {
        h->seen = h->now;
        CHECK(inspect(h, id).is_ejected == 0);
    }
}

/* Bad arguments change nothing. */
static void say_nonsense(struct host *h)
{
    struct infra_outlier_status before[IDS], after;
    infra_time due = infra_outlier_deadline(h->outlier);
    struct infra_outlier *o = h->outlier;

    for (uint32_t id = 0; id < IDS; id++) {
        before[id] = inspect(h, id);
    }
    CHECK(infra_outlier_set(o, IDS, "a", 0, h->now) == INFRA_EINVAL);
    CHECK(infra_outlier_set(o, 0, "", 0, h->now) == INFRA_EINVAL);
    CHECK(infra_outlier_set(o, 0, NULL, 0, h->now) == INFRA_EINVAL);
    CHECK(infra_outlier_set(o, 0, "a", 16, h->now) == INFRA_EINVAL);
    CHECK(infra_outlier_remove(o, IDS) == INFRA_EINVAL);
    CHECK(infra_outlier_report(o, IDS, 0, 0) == INFRA_EINVAL);
    CHECK(infra_outlier_report(o, 0, 100 + byte(h), 0) == INFRA_EINVAL);
    CHECK(infra_outlier_next(o, h->now, NULL) == INFRA_EINVAL);
    CHECK(infra_outlier_passed(o, IDS, h->now) == INFRA_EINVAL);
    for (uint32_t id = 0; id < IDS; id++) {
        after = inspect(h, id);
        CHECK(memcmp(&before[id], &after, sizeof after) == 0);
    }
    CHECK(infra_outlier_deadline(o) == due);
}

static void let_time_pass(struct host *h)
{
    static const infra_time steps[] = {
        1,
        INFRA_MS(1),
        INFRA_MS(700),
        INFRA_SEC(1),
        INFRA_SEC(3),
        INFRA_SEC(40),
        INFRA_SEC(299),
        INFRA_SEC(300),
    };

    h->now += steps[byte(h) % (sizeof steps / sizeof steps[0])];
}

static void call(struct host *h)
{
    switch (byte(h) % 10) {
    case 0:
    case 1:
        set(h);
        break;
    case 2:
        take_away(h);
        break;
    case 3:
    case 4:
        report(h);
        break;
    case 5:
        (void)take_event(h);
        break;
    case 6:
        take_all(h);
        break;
    case 7:
        pass(h);
        break;
    case 8:
        let_time_pass(h);
        break;
    default:
        say_nonsense(h);
        break;
    }
}

static void read_options(struct host *h, const struct infra_allocator *a)
{
    static const uint32_t percents[] = { 1, 10, 34, 50, 51, 67, 99, 100 };
    struct infra_outlier_options o = {
        .size = sizeof o,
        .allocator = a,
        .seed = byte(h),
        .interval = INFRA_SEC(1),
        .base_ejection_time = INFRA_SEC(1 + byte(h) % 4),
        .max_ejection_time = INFRA_SEC(400),
        .ids_max = IDS,
        .max_ejection_percent = percents[byte(h) % 8],
        .always_eject_one_host = byte(h) % 2,
        .split_local_origin = byte(h) % 2,
        .consecutive_5xx = 1 + byte(h) % 5,
        .success_rate_request_volume = 5,
        .failure_percentage_request_volume = 5,
        .success_rate_minimum_hosts = 3,
        .failure_percentage_minimum_hosts = 3,
        .latency_gap = INFRA_US(100),
        .idle_decay = byte(h) % 2,
    };

    for (uint32_t reason = 0; reason < INFRA_OUTLIER_REASON_TIME; reason++) {
        o.enforce[reason] = 90;
    }
    h->options = o;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct host h = { .at = data, .left = size < SIZE_MOST ? size : SIZE_MOST };
    struct heap heap = { .live = 0 };
    const struct infra_allocator a = { .realloc = heap_realloc, .user = &heap };

    read_options(&h, &a);
    for (long calls = byte(&h) % 16;; calls += 3) {
        heap.calls_left = calls;
        int err = infra_outlier_create(&h.outlier, &h.options);
        if (err == INFRA_OK) {
            break;
        }
        CHECK(err == INFRA_ENOMEM && heap.live == 0 && h.outlier == NULL);
    }
    heap.calls_left = 0; /* No other call allocates. */
    while (h.left > 0) {
        call(&h);
    }
    take_all(&h);
    infra_outlier_destroy(h.outlier);
    CHECK(heap.live == 0);
    return 0;
}
