/* SPDX-License-Identifier: MIT */
/* Outlier: the length of an ejection, the cap, chance, and the return. */
#include "watch.h"

#include "base/internal.h"
#include "outlier/internal.h"

#include <string.h>

/* Failures in a row eject; times in seconds, Envoy's rules. */
static struct infra_outlier_options tens(void)
{
    return (struct infra_outlier_options) {
        .base_ejection_time = INFRA_SEC(10),
        .max_ejection_percent = 100,
        .idle_decay = 1,
        .success_rate_minimum_hosts = WATCH_OFF,
        .failure_percentage_minimum_hosts = WATCH_OFF,
        .median_minimum_hosts = WATCH_OFF,
    };
}

static struct infra_outlier_event fail_now(uint32_t id, infra_time now)
{
    (void)watch_report(&watch, id, INFRA_OUTCOME_ERROR, 5);
    return watch_next(&watch, now);
}

static void eject(uint32_t id, infra_time now)
{
    ck_assert_uint_eq(fail_now(id, now).kind, INFRA_OUTLIER_EVENT_EJECTED);
}

/* E ejects, s sweeps without an event, r returns: Envoy's own sequence of
 * multipliers up and down, with the values after each step. */
START_TEST(multiplier_goes_up_and_down)
{
    static const struct {
        char step;
        int at;
        uint32_t multiplier;
    } steps[] = {
        { 'E', 0, 1 },   { 'r', 10, 1 },  { 'E', 10, 2 },  { 's', 20, 2 },
        { 'r', 30, 2 },  { 'E', 30, 3 },  { 's', 40, 3 },  { 's', 50, 3 },
        { 'r', 60, 3 },  { 's', 70, 2 },  { 's', 80, 1 },  { 'E', 80, 2 },
        { 's', 90, 2 },  { 'r', 100, 2 }, { 's', 110, 1 }, { 's', 120, 0 },
        { 's', 130, 0 }, { 's', 600, 0 }, { 'E', 610, 1 }, { 'r', 620, 1 },
    };

    watch_open(&watch, tens());
    watch_fill(&watch, 1);
    for (size_t i = 0; i < INFRA__COUNT_OF(steps); i++) {
        infra_time now = INFRA_SEC(steps[i].at);
        if (steps[i].step == 'E') {
            watch_quiet(&watch, now); /* The sweep of that moment. */
            eject(0, now);
        } else if (steps[i].step == 'r') {
            watch_expect(&watch, now, INFRA_OUTLIER_EVENT_RETURNED, 0,
                         INFRA_OUTLIER_REASON_TIME);
        } else {
            watch_quiet(&watch, now);
        }
        ck_assert_msg(
            watch_inspect(&watch, 0).multiplier == steps[i].multiplier,
            "at %d s: %u", steps[i].at, watch_inspect(&watch, 0).multiplier);
    }
}
END_TEST

/* The i-th ejection lasts i x 10 s, up to the maximum: 300 s by default, or 310
 * s, which is no multiple of the interval, so that it ends at the next
 * sweep. */
START_TEST(ejections_grow_up_to_the_maximum)
{
    static const infra_time maxima[] = { 0, INFRA_SEC(305) };
    struct infra_outlier_options o = tens();
    infra_time now = 0;

    o.max_ejection_time = maxima[_i];
    watch_open(&watch, o);
    watch_fill(&watch, 1);
    for (int i = 1; i <= 40; i++) {
        infra_time length = INFRA_SEC(10) * (infra_time)i;
        infra_time most = _i == 0 ? INFRA_SEC(300) : INFRA_SEC(310);
        eject(0, now);
        length = length < most ? length : most;
        watch_quiet(&watch, now + length - INFRA_SEC(10));
        watch_quiet(&watch, now + length - 1);
        watch_expect(&watch, now + length, INFRA_OUTLIER_EVENT_RETURNED, 0,
                     INFRA_OUTLIER_REASON_TIME);
        now += length;
    }
    ck_assert_uint_eq(watch_inspect(&watch, 0).multiplier, _i == 0 ? 31 : 32);
}
END_TEST

/* The draw is taken modulo the greatest jitter plus one; Envoy's test does so
 * with 123456789 and 10000. */
START_TEST(jitter_is_drawn_as_in_envoy)
{
    struct infra_outlier_options o = { .base_ejection_time = INFRA_SEC(1),
                                       .max_ejection_time = INFRA_SEC(2),
                                       .max_ejection_time_jitter = 10000 };
    uint32_t multiplier = 0;

    watch_open(&watch, tens());
    ck_assert_uint_eq(infra__outlier_ejection_time(&o, &multiplier, 123456789),
                      INFRA_SEC(1) + 4445);
    ck_assert_uint_eq(infra__outlier_ejection_time(&o, &multiplier, 10000),
                      INFRA_SEC(2) + 10000);
    ck_assert_uint_eq(infra__outlier_ejection_time(&o, &multiplier, 10001),
                      INFRA_SEC(2));
    o.max_ejection_time_jitter = 0;
    ck_assert_uint_eq(infra__outlier_ejection_time(&o, &multiplier, 123456789),
                      INFRA_SEC(2));
}
END_TEST

/* With jitter ejections end all over its range, and the return agrees with the
 * event. */
START_TEST(jitter_spreads_the_returns)
{
    struct infra_outlier_options o = tens();
    infra_time least = INFRA_TIME_NEVER;
    infra_time most = 0;

    o.max_ejection_time_jitter = INFRA_SEC(100);
    watch_open(&watch, o);
    watch_fill(&watch, 64);
    for (uint32_t id = 0; id < 64; id++) {
        struct infra_outlier_event e = fail_now(id, 0);
        least = e.until < least ? e.until : least;
        most = e.until > most ? e.until : most;
        ck_assert_uint_eq(watch_inspect(&watch, id).until, e.until);
    }
    ck_assert_uint_ge(least, INFRA_SEC(10));
    ck_assert_uint_le(most, INFRA_SEC(110));
    ck_assert_uint_lt(least, INFRA_SEC(20));
    ck_assert_uint_gt(most, INFRA_SEC(100));
    for (infra_time now = INFRA_SEC(10); now <= INFRA_SEC(110);
         now += INFRA_SEC(10)) {
        struct infra_outlier_event e;
        while ((e = watch_next(&watch, now)).kind != WATCH_NOTHING) {
            ck_assert_uint_eq(e.kind, INFRA_OUTLIER_EVENT_RETURNED);
        }
        for (uint32_t id = 0; id < 64; id++) {
            struct infra_outlier_status s = watch_inspect(&watch, id);
            ck_assert_uint_eq(s.is_ejected, s.until > now);
        }
    }
}
END_TEST

/* The cap, by Envoy's arithmetic since 2023, with and without its
 * always_eject_one_host. */
static const struct {
    uint32_t members;
    uint32_t percent;
    uint32_t always_one;
    uint32_t ejected;
} caps[] = {
    { 2, 10, 0, 0 },    { 2, 10, 1, 1 },   { 2, 1, 1, 1 },   { 2, 49, 0, 0 },
    { 2, 50, 0, 1 },    { 2, 99, 0, 1 },   { 2, 100, 0, 2 }, { 3, 67, 0, 2 },
    { 3, 66, 0, 1 },    { 3, 33, 0, 0 },   { 3, 34, 0, 1 },  { 3, 100, 0, 3 },
    { 1, 0, 0, 0 },     { 2, 0, 0, 1 },    { 3, 0, 0, 1 },   { 1, 1, 1, 1 },
    { 10, 10, 0, 1 },   { 9, 10, 0, 0 },   { 20, 10, 0, 2 }, { 10, 0, 0, 5 },
    { 64, 100, 0, 64 }, { 64, 99, 1, 63 },
};

START_TEST(caps_are_those_of_envoy)
{
    struct infra_outlier_options o = tens();

    o.max_ejection_percent = caps[_i].percent;
    o.always_eject_one_host = caps[_i].always_one;
    watch_open(&watch, o);
    watch_fill(&watch, caps[_i].members);
    for (uint32_t id = 0; id < caps[_i].members; id++) {
        struct infra_outlier_event e = fail_now(id, 7);
        uint32_t kind = id < caps[_i].ejected ? INFRA_OUTLIER_EVENT_EJECTED
                                              : INFRA_OUTLIER_EVENT_CAPPED;
        ck_assert_msg(e.kind == kind && e.id == id, "%u of %u with %u %%: %s",
                      id, caps[_i].members, caps[_i].percent,
                      infra_outlier_event_name(e.kind));
        ck_assert_uint_eq(e.at, 7);
        ck_assert_uint_eq(e.until != 0, kind == INFRA_OUTLIER_EVENT_EJECTED);
        ck_assert_uint_eq(e.ejections, kind == INFRA_OUTLIER_EVENT_EJECTED);
        ck_assert_int_eq(e.value, 5);
    }
}
END_TEST

/* Tiers have separate caps; a backend that leaves or moves takes its counts
 * along. */
START_TEST(caps_count_by_tier)
{
    struct infra_outlier_options o = tens();

    o.max_ejection_percent = 50;
    watch_open(&watch, o);
    for (uint32_t id = 0; id < 6; id++) {
        watch_set(&watch, id, id < 4 ? 0 : 15, 0);
    }
    eject(0, 0);
    eject(1, 0);
    ck_assert_uint_eq(fail_now(2, 0).kind, INFRA_OUTLIER_EVENT_CAPPED);
    eject(4, 0);
    ck_assert_uint_eq(fail_now(5, 0).kind, INFRA_OUTLIER_EVENT_CAPPED);

    ck_assert_int_eq(infra_outlier_remove(watch.outlier, 0), INFRA_OK);
    ck_assert_uint_eq(fail_now(2, 0).kind,
                      INFRA_OUTLIER_EVENT_CAPPED); /* 2 of 3. */
    ck_assert_int_eq(infra_outlier_set(watch.outlier, 0, "new", 0, 0), 0);
    eject(2, 0); /* A new one: 2 of 4. */
    ck_assert_uint_eq(fail_now(3, 0).kind, INFRA_OUTLIER_EVENT_CAPPED);
    watch_set(&watch, 7, 15, 0);
    watch_set(&watch, 1, 15, 0); /* Out, to the other tier: 2 of 4 there. */
    ck_assert_uint_eq(watch_inspect(&watch, 1).is_ejected, 1);
    ck_assert_uint_eq(fail_now(3, 0).kind,
                      INFRA_OUTLIER_EVENT_CAPPED); /* 1 of 3. */
    watch_set(&watch, 6, 0, 0);
    eject(3, 0);
    ck_assert_uint_eq(fail_now(5, 0).kind, INFRA_OUTLIER_EVENT_CAPPED);
    watch_expect(&watch, INFRA_SEC(10), INFRA_OUTLIER_EVENT_RETURNED, 1,
                 INFRA_OUTLIER_REASON_TIME);
}
END_TEST

/* The multiplier goes down after an interval with enough successes, or, with
 * idle_decay, after any; an interval cut short is not enough. */
START_TEST(the_multiplier_goes_down_for_work)
{
    static const struct {
        uint32_t idle_decay;
        int successes;
        uint32_t multiplier;
    } table[] = { { 0, 0, 1 }, { 0, 99, 1 }, { 0, 100, 0 }, { 1, 0, 0 } };
    struct infra_outlier_options o = tens();

    o.idle_decay = table[_i].idle_decay;
    watch_open(&watch, o);
    watch_fill(&watch, 1);
    eject(0, 0);
    (void)watch_report(&watch, 0, INFRA_OUTCOME_OK, 500); /* While out. */
    watch_expect(&watch, INFRA_SEC(10), INFRA_OUTLIER_EVENT_RETURNED, 0,
                 INFRA_OUTLIER_REASON_TIME);
    ck_assert_uint_eq(watch_inspect(&watch, 0).multiplier, 1);
    (void)watch_report(&watch, 0, INFRA_OUTCOME_OK, table[_i].successes);
    watch_quiet(&watch, INFRA_SEC(20));
    ck_assert_uint_eq(watch_inspect(&watch, 0).multiplier,
                      table[_i].multiplier);
}
END_TEST

START_TEST(an_interval_cut_short_is_not_enough)
{
    watch_open(&watch, tens());
    watch_fill(&watch, 1);
    eject(0, 0);
    (void)infra_outlier_passed(watch.outlier, 0, 1);
    watch_expect(&watch, 1, INFRA_OUTLIER_EVENT_RETURNED, 0,
                 INFRA_OUTLIER_REASON_PASSED);
    watch_quiet(&watch, INFRA_SEC(10));
    ck_assert_uint_eq(watch_inspect(&watch, 0).multiplier, 1);
    watch_quiet(&watch, INFRA_SEC(20));
    ck_assert_uint_eq(watch_inspect(&watch, 0).multiplier, 0);
}
END_TEST

/* `enforce` percent of the detections eject, the others are reported; the seed
 * decides which. */
START_TEST(chance_is_that_of_the_seed)
{
    static const uint32_t percents[] = { 1, 30, 99, 100 };
    uint32_t percent = percents[_i];
    uint64_t traces[3] = { 0 };

    for (uint32_t run = 0; run < 3; run++) {
        struct infra_outlier_options o = tens();
        uint32_t ejected = 0;
        o.ids_max = 1000;
        o.seed = run / 2; /* 0, 0, 1 */
        o.enforce[INFRA_OUTLIER_REASON_CONSECUTIVE_5XX] = percent;
        watch_open(&watch, o);
        watch_fill(&watch, 1000);
        for (uint32_t id = 0; id < 1000; id++) {
            struct infra_outlier_event e = fail_now(id, 0);
            ck_assert(e.kind == INFRA_OUTLIER_EVENT_EJECTED ||
                      e.kind == INFRA_OUTLIER_EVENT_SPARED);
            ejected += e.kind == INFRA_OUTLIER_EVENT_EJECTED;
            traces[run] = infra_xxhash64(&e, sizeof e, traces[run]);
        }
        /* Five standard deviations of the binomial are at most 8 %. */
        ck_assert_uint_le(ejected, 10 * percent + 80);
        ck_assert_uint_ge(ejected + 80, 10 * percent);
        ck_assert(percent == 100 || ejected < 1000);
        ck_assert_uint_gt(ejected, 0);
        if (run < 2) {
            watch_close(&watch);
        }
    }
    ck_assert_uint_eq(traces[0], traces[1]);
    ck_assert(percent == 100 || traces[0] != traces[2]);
}
END_TEST

/* A passed check returns the backend at once, with an event; without one if the
 * host had not taken EJECTED, or if it was not ejected. */
START_TEST(a_passed_check_returns)
{
    watch_open(&watch, tens());
    watch_fill(&watch, 2);
    eject(0, 5);
    ck_assert_int_eq(infra_outlier_passed(watch.outlier, 1, 6), INFRA_OK);
    watch_quiet(&watch, 6);
    ck_assert_int_eq(infra_outlier_passed(watch.outlier, 0, 7), INFRA_OK);
    ck_assert_uint_eq(infra_outlier_deadline(watch.outlier), 0);
    struct infra_outlier_event e =
        watch_expect(&watch, 8, INFRA_OUTLIER_EVENT_RETURNED, 0,
                     INFRA_OUTLIER_REASON_PASSED);
    ck_assert_uint_eq(e.at, 7);
    struct infra_outlier_status s = watch_inspect(&watch, 0);
    ck_assert_uint_eq(s.is_ejected, 0);
    ck_assert_uint_eq(s.since, 7);
    ck_assert_uint_eq(s.until, 0);
    watch_quiet(&watch, INFRA_SEC(10));

    /* Both fail; one event is taken, the other backend returns before. */
    (void)watch_report(&watch, 0, INFRA_OUTCOME_ERROR, 5);
    (void)watch_report(&watch, 1, INFRA_OUTCOME_ERROR, 5);
    watch_expect(&watch, INFRA_SEC(11), INFRA_OUTLIER_EVENT_EJECTED, 0,
                 INFRA_OUTLIER_REASON_CONSECUTIVE_5XX);
    ck_assert_int_eq(infra_outlier_passed(watch.outlier, 1, INFRA_SEC(12)), 0);
    watch_quiet(&watch, INFRA_SEC(13));
    ck_assert_uint_eq(watch_inspect(&watch, 1).is_ejected, 0);
    ck_assert_uint_eq(watch_inspect(&watch, 1).ejections, 1);
    eject(1, INFRA_SEC(14)); /* And may be ejected again. */
}
END_TEST

/* It may fail again before the host has taken RETURNED. */
START_TEST(a_return_is_told_before_the_next_ejection)
{
    watch_open(&watch, tens());
    watch_fill(&watch, 2);
    eject(0, 0);
    ck_assert_int_eq(infra_outlier_passed(watch.outlier, 0, 1), INFRA_OK);
    ck_assert_int_eq(watch_report(&watch, 0, INFRA_OUTCOME_ERROR, 5), 1);
    watch_expect(&watch, 2, INFRA_OUTLIER_EVENT_RETURNED, 0,
                 INFRA_OUTLIER_REASON_PASSED);
    watch_expect(&watch, 3, INFRA_OUTLIER_EVENT_EJECTED, 0,
                 INFRA_OUTLIER_REASON_CONSECUTIVE_5XX);
    /* The same at a sweep. */
    ck_assert_int_eq(watch_report(&watch, 1, INFRA_OUTCOME_ERROR, 5), 1);
    watch_expect(&watch, INFRA_SEC(60), INFRA_OUTLIER_EVENT_EJECTED, 1,
                 INFRA_OUTLIER_REASON_CONSECUTIVE_5XX);
    watch_expect(&watch, INFRA_SEC(60), INFRA_OUTLIER_EVENT_RETURNED, 0,
                 INFRA_OUTLIER_REASON_TIME);
    watch_quiet(&watch, INFRA_SEC(60));
}
END_TEST

/* Reports from before the return are no evidence after it. */
START_TEST(rates_begin_anew_on_return)
{
    struct infra_outlier_options o = tens();

    o.failure_percentage_minimum_hosts = 1;
    o.enforce[INFRA_OUTLIER_REASON_FAILURE_PERCENTAGE] = 100;
    watch_open(&watch, o);
    watch_fill(&watch, 1);
    (void)watch_report(&watch, 0, INFRA_OUTCOME_ERROR, 200);
    watch_expect(&watch, 1, INFRA_OUTLIER_EVENT_EJECTED, 0,
                 INFRA_OUTLIER_REASON_CONSECUTIVE_5XX);
    (void)watch_report(&watch, 0, INFRA_OUTCOME_ERROR, 200);
    ck_assert_int_eq(infra_outlier_passed(watch.outlier, 0, 2), INFRA_OK);
    watch_expect(&watch, 2, INFRA_OUTLIER_EVENT_RETURNED, 0,
                 INFRA_OUTLIER_REASON_PASSED);
    watch_quiet(&watch, INFRA_SEC(10));
    ck_assert_uint_eq(watch_inspect(&watch, 0).reports, 0);
}
END_TEST

static Suite *ejection_suite(void)
{
    Suite *s = suite_create("outlier_ejection");
    TCase *tc = tcase_create("ejection");
    tcase_add_checked_fixture(tc, watch_setup, watch_teardown);
    tcase_add_test(tc, multiplier_goes_up_and_down);
    tcase_add_loop_test(tc, ejections_grow_up_to_the_maximum, 0, 2);
    tcase_add_test(tc, jitter_is_drawn_as_in_envoy);
    tcase_add_test(tc, jitter_spreads_the_returns);
    tcase_add_loop_test(tc, the_multiplier_goes_down_for_work, 0, 4);
    tcase_add_test(tc, an_interval_cut_short_is_not_enough);
    suite_add_tcase(s, tc);

    tc = tcase_create("caps");
    tcase_add_checked_fixture(tc, watch_setup, watch_teardown);
    tcase_add_loop_test(tc, caps_are_those_of_envoy, 0, INFRA__COUNT_OF(caps));
    tcase_add_test(tc, caps_count_by_tier);
    tcase_add_loop_test(tc, chance_is_that_of_the_seed, 0, 4);
    suite_add_tcase(s, tc);

    tc = tcase_create("return");
    tcase_add_checked_fixture(tc, watch_setup, watch_teardown);
    tcase_add_test(tc, a_passed_check_returns);
    tcase_add_test(tc, a_return_is_told_before_the_next_ejection);
    tcase_add_test(tc, rates_begin_anew_on_return);
    suite_add_tcase(s, tc);
    return s;
}

int main(void)
{
    return test_main(ejection_suite());
}
