/* SPDX-License-Identifier: MIT */
/* Outlier: invariants, whatever the traffic and the host's calls: a backend is
 * ejected and returns by turns, within the cap of its tier, and returns by
 * time, by a passed check, or because its tier has shrunk; counts agree; a
 * removed key that comes back has its former state; and the same seed gives the
 * same events. */
#include "watch.h"

#include "base/internal.h"
#include "base/random.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { IDS = 40, TIERS = 3, STEPS = 8000 };

/* The host's knowledge, from its own calls and the events alone. */
struct member {
    bool is_set;
    bool is_out;
    uint32_t tier;
    uint32_t key;
    uint32_t ejections;
    infra_time until;
    bool may_return; /* A check has passed. */
    bool is_kept;    /* Ejected when it left; no event yet. */
};

/* Removed keys. */
static struct {
    struct member member;
    uint32_t id;
    uint32_t order; /* 0: free. */
} removed[IDS];
static uint32_t removed_count;

static struct member members[IDS];
static uint64_t counts[4];
static uint64_t reasons[INFRA_OUTLIER_REASON_KEPT + 1];

static void setup(void)
{
    watch.outlier = NULL;
    memset(members, 0, sizeof members);
    memset(removed, 0, sizeof removed);
    removed_count = 0;
    memset(counts, 0, sizeof counts);
    memset(reasons, 0, sizeof reasons);
}

static void teardown(void)
{
    watch_close(&watch);
}

/* All detectors, all of them enforced, with little evidence. */
static struct infra_outlier_options eager(uint64_t seed, uint32_t variant)
{
    struct infra_outlier_options o = {
        .seed = seed,
        .interval = INFRA_SEC(1),
        .base_ejection_time = INFRA_SEC(1),
        .max_ejection_time = INFRA_SEC(4),
        .max_ejection_time_jitter = INFRA_SEC(1),
        .latency_gap = INFRA_MS(1),
        .ids_max = IDS,
        .max_ejection_percent = 15 + 20 * variant,
        .always_eject_one_host = variant % 2,
        .split_local_origin = variant / 2 % 2,
        .success_rate_request_volume = 20,
        .failure_percentage_request_volume = 10,
        .failure_percentage_threshold = 60,
        .idle_decay = variant % 2,
    };

    for (uint32_t reason = 0; reason < INFRA_OUTLIER_REASON_TIME; reason++) {
        o.enforce[reason] = 90;
    }
    return o;
}

static void count_tier(uint32_t tier, uint32_t *all, uint32_t *out)
{
    *all = 0;
    *out = 0;
    for (uint32_t id = 0; id < IDS; id++) {
        bool counts_here = members[id].is_set && members[id].tier == tier;
        *all += counts_here;
        *out += counts_here && members[id].is_out;
    }
}

static bool is_within(const struct infra_outlier_options *o, uint32_t out,
                      uint32_t all)
{
    return 100 * out <= o->max_ejection_percent * all ||
           (o->always_eject_one_host && out <= 1);
}

static void learn_ejected(struct member *m, const struct infra_outlier_event *e,
                          const struct infra_outlier_options *o)
{
    uint32_t all, out;

    count_tier(m->tier, &all, &out);
    ck_assert(!m->is_out);
    ck_assert_uint_eq(m->is_kept, e->reason == INFRA_OUTLIER_REASON_KEPT);
    if (m->is_kept) {
        ck_assert_uint_eq(e->until, m->until);
        ck_assert_uint_eq(e->ejections, m->ejections);
    } else {
        ck_assert(is_within(o, out + 1, all));
        ck_assert_uint_lt(e->reason, INFRA_OUTLIER_REASON_TIME);
        ck_assert_uint_eq(e->ejections, ++m->ejections);
        ck_assert_uint_ge(e->until, e->at + o->base_ejection_time);
        ck_assert_uint_le(e->until, e->at + o->max_ejection_time +
                                        o->max_ejection_time_jitter);
    }
    m->is_kept = false;
    m->is_out = true;
    m->until = e->until;
}

static void learn(const struct infra_outlier_event *e,
                  const struct infra_outlier_options *o, infra_time now)
{
    struct member *m = &members[e->id];

    ck_assert(m->is_set);
    ck_assert_uint_le(e->at, now);
    ck_assert_uint_le(e->reason, INFRA_OUTLIER_REASON_KEPT);
    counts[e->kind]++;
    reasons[e->reason]++;
    switch (e->kind) {
    case INFRA_OUTLIER_EVENT_EJECTED:
        learn_ejected(m, e, o);
        break;
    case INFRA_OUTLIER_EVENT_RETURNED:
        ck_assert(m->is_out);
        ck_assert(e->reason == INFRA_OUTLIER_REASON_TIME ? now >= m->until
                  : e->reason == INFRA_OUTLIER_REASON_PASSED
                      ? m->may_return
                      : e->reason == INFRA_OUTLIER_REASON_SHRUNK);
        m->is_out = false;
        break;
    default:
        ck_assert(!m->is_out);
        ck_assert_uint_lt(e->reason, INFRA_OUTLIER_REASON_TIME);
        break;
    }
    m->may_return = false;
}

static uint64_t take_events(const struct infra_outlier_options *o,
                            infra_time now, uint64_t story)
{
    struct infra_outlier_event e;

    while ((e = watch_next(&watch, now)).kind != WATCH_NOTHING) {
        learn(&e, o, now);
        story = infra_xxhash64(&e, sizeof e, story);
    }
    for (uint32_t tier = 0; tier < TIERS; tier++) {
        uint32_t all, out;
        count_tier(tier, &all, &out);
        ck_assert(is_within(o, out, all));
    }
    for (uint32_t id = 0; id < IDS; id++) {
        members[id].is_kept = false; /* Its tier had no room for it. */
    }
    ck_assert_uint_gt(infra_outlier_deadline(watch.outlier), now);
    ck_assert_uint_le(infra_outlier_deadline(watch.outlier) - now, o->interval);
    return story;
}

static void compare(uint32_t id)
{
    struct infra_outlier_status s = { .size = sizeof s };
    int err = infra_outlier_inspect(watch.outlier, id, &s);

    ck_assert_int_eq(err, members[id].is_set ? INFRA_OK : INFRA_ENOENT);
    if (err == INFRA_OK) {
        ck_assert_uint_eq(s.is_ejected, members[id].is_out);
        ck_assert_uint_eq(s.until, members[id].is_out ? members[id].until : 0);
        ck_assert_uint_eq(s.ejections, members[id].ejections);
        /* Base 1 s, maximum 4 s. */
        ck_assert_uint_le(s.multiplier, 5);
        ck_assert(!members[id].is_out || s.multiplier > 0);
    }
}

/* The host has taken all events, so its knowledge is complete. */
static void leave(uint32_t id)
{
    if (members[id].is_set) {
        uint32_t place = 0; /* Free, or the oldest. */
        for (uint32_t i = 0; i < IDS; i++) {
            place = removed[i].order < removed[place].order ? i : place;
        }
        removed[place].member = members[id];
        removed[place].id = id;
        removed[place].order = ++removed_count;
    }
    members[id] = (struct member) { .is_set = false };
}

/* All within INFRA_OUTLIER_KEPT_FOR. */
static struct member come(uint32_t id, uint32_t key, infra_time now)
{
    for (uint32_t i = 0; i < IDS; i++) {
        struct member m = removed[i].member;
        if (removed[i].order == 0 || removed[i].id != id || m.key != key) {
            continue;
        }
        removed[i].order = 0;
        m.is_kept = m.is_out && m.until > now;
        m.until = m.is_kept ? m.until : 0;
        m.is_out = false;
        m.may_return = false;
        return m;
    }
    return (struct member) { .is_set = true, .key = key };
}

static void set_member(uint32_t id, uint32_t key, uint32_t tier, infra_time now)
{
    struct member *m = &members[id];
    char name[16];

    snprintf(name, sizeof name, "k%u-%u", id, key);
    ck_assert_int_eq(infra_outlier_set(watch.outlier, id, name, tier, now), 0);
    if (!m->is_set || m->key != key) {
        struct member next = come(id, key, now);
        leave(id);
        *m = next;
    }
    m->tier = tier;
}

/* Backends below 10 are bad in different ways, for some of the time. */
static void traffic(uint64_t *random, uint32_t id, int step)
{
    static const uint32_t faults[] = { INFRA_OUTCOME_ERROR,
                                       INFRA_OUTCOME_GATEWAY_ERROR,
                                       INFRA_OUTCOME_TIMEOUT };
    bool is_bad = id < 10 && step / 500 % 2 == 0;
    uint32_t percent = !is_bad ? 1 : id % 5 == 4 ? 2 : 20 * (id % 5 + 1);
    infra_time latency = INFRA_MS(is_bad && id % 5 == 4 ? 40 : 2);

    for (int i = 0; i < 12; i++) {
        bool fails = infra__below(infra__random(random), 100) < percent;
        int err = infra_outlier_report(
            watch.outlier, id, fails ? faults[id % 3] : INFRA_OUTCOME_OK,
            latency + infra__random(random) % INFRA_US(100));
        if (err != 0) {
            ck_assert_int_eq(err, 1);
        }
    }
}

static uint64_t run(uint64_t seed, uint32_t variant)
{
    const struct infra_outlier_options o = eager(seed, variant);
    uint64_t random = seed;
    uint64_t story = 0;
    infra_time now = 0;

    watch_open(&watch, o);
    memset(members, 0, sizeof members);
    memset(removed, 0, sizeof removed);
    removed_count = 0;
    for (uint32_t id = 0; id < IDS; id++) {
        set_member(id, 0, id % TIERS, now);
    }
    for (int step = 0; step < STEPS; step++) {
        uint32_t id = infra__below(infra__random(&random), IDS);
        uint32_t dice = infra__below(infra__random(&random), 1000);
        now += infra__random(&random) % INFRA_MS(40);
        if (dice < 950) {
            traffic(&random, id, step);
        } else if (dice < 980) {
            int err = infra_outlier_passed(watch.outlier, id, now);
            ck_assert_int_eq(err, members[id].is_set ? 0 : INFRA_ENOENT);
            members[id].may_return = members[id].is_out;
            members[id].is_kept = false;
        } else if (dice < 985) {
            story = take_events(&o, now, story);
            int err = infra_outlier_remove(watch.outlier, id);
            ck_assert_int_eq(err, members[id].is_set ? 0 : INFRA_ENOENT);
            leave(id);
        } else {
            story = take_events(&o, now, story);
            set_member(id, dice % 3 == 0, dice % TIERS, now);
        }
        if (infra_outlier_deadline(watch.outlier) <= now || dice % 4 == 0) {
            story = take_events(&o, now, story);
            compare(id);
        }
    }
    return story;
}

START_TEST(the_rules_hold_under_random_traffic)
{
    uint64_t story = run((uint64_t)_i, (uint32_t)_i % 4);

    ck_assert_uint_gt(counts[INFRA_OUTLIER_EVENT_EJECTED], 50);
    ck_assert_uint_gt(counts[INFRA_OUTLIER_EVENT_RETURNED], 40);
    ck_assert_uint_gt(counts[INFRA_OUTLIER_EVENT_SPARED], 2);
    ck_assert_uint_gt(reasons[INFRA_OUTLIER_REASON_CONSECUTIVE_5XX], 0);
    ck_assert_uint_gt(reasons[INFRA_OUTLIER_REASON_LATENCY], 0);
    ck_assert_uint_gt(reasons[INFRA_OUTLIER_REASON_TIME], 0);
    ck_assert_uint_gt(reasons[INFRA_OUTLIER_REASON_PASSED], 0);
    for (uint32_t id = 0; id < IDS; id++) {
        int err = infra_outlier_remove(watch.outlier, id);
        ck_assert(err == INFRA_OK || err == INFRA_ENOENT);
    }
    ck_assert_uint_eq(infra_outlier_deadline(watch.outlier), INFRA_TIME_NEVER);
    /* New backends find the whole cap free. */
    for (uint32_t id = 0; id < 10; id++) {
        watch_set(&watch, id, 0, 0); /* By other keys. */
    }
    (void)watch_report(&watch, 0, INFRA_OUTCOME_ERROR, 5);
    ck_assert_uint_ne(watch_next(&watch, 0).kind, INFRA_OUTLIER_EVENT_CAPPED);
    watch_quiet(&watch, 0);

    watch_close(&watch);
    ck_assert_uint_eq(run((uint64_t)_i, (uint32_t)_i % 4), story);
}
END_TEST

static Suite *model_suite(void)
{
    Suite *s = suite_create("outlier_model");
    TCase *tc = tcase_create("model");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_loop_test(tc, the_rules_hold_under_random_traffic, 0, 12);
    suite_add_tcase(s, tc);
    return s;
}

int main(void)
{
    return test_main(model_suite());
}
