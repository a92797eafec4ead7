/* SPDX-License-Identifier: MIT */
/* Outlier: success rates and shares of failures, with Envoy's arithmetic. */
#include "watch.h"

#include "base/internal.h"
#include "base/random.h"
#include "outlier/statistics.h"

#include <math.h>
#include <stdlib.h>

enum { VOLUME = 200, FLEET_MAX = 40 };

static struct infra_outlier_options envoy_only(void)
{
    struct infra_outlier_options o = watch_no_runs();

    o.median_minimum_hosts = WATCH_OFF;
    return o;
}

/* Success rates in percent, one per host; Envoy's mean and threshold in
 * percent; and the ejected ids, in order. */
static const struct {
    int rates[11];
    double mean;
    double threshold;
    int ejected[3];
} fleets[] = {
    { { 50, 100, 100, 100, 100, -1 }, 90, 52, { 0, -1 } },
    { { 0, 100, 100, 100, 100, -1 }, 80, 4, { 0, -1 } },
    { { 0, 0, 100, 100, 100, -1 }, 60, -33.0806, { -1 } },
    { { 90, 95, 97, 99, 100, -1 }, 96.2, 89.4664, { -1 } },
    { { 100, 100, 100, 100, 100, 80, 100, 100, 100, 100, -1 },
      98,
      86.6,
      { 5, -1 } },
    { { 100, 100, 100, 100, 100, -1 }, 100, 100, { -1 } },
    { { 30, 30, 30, 30, 30, -1 }, 30, 30, { -1 } },
};

/* Envoy's thresholds and results. */
START_TEST(success_rates_are_judged_as_in_envoy)
{
    uint32_t ppm[11];
    uint32_t count = 0;

    watch_open(&watch, envoy_only());
    for (; fleets[_i].rates[count] >= 0; count++) {
        int rate = fleets[_i].rates[count];
        watch_set(&watch, count, 0, 0);
        watch_serve(count, 2 * rate, VOLUME - 2 * rate);
        ppm[count] = (uint32_t)rate * 10000;
    }
    struct infra__typical t = infra__mean_threshold(ppm, count, 1900);
    ck_assert_int_eq(t.typical, lround(fleets[_i].mean * 10000));
    ck_assert_int_le(labs(t.threshold - lround(fleets[_i].threshold * 10000)),
                     1);
    watch_quiet(&watch, INFRA_SEC(10) - 1);
    for (const int *id = fleets[_i].ejected; *id >= 0; id++) {
        struct infra_outlier_event e =
            watch_expect(&watch, INFRA_SEC(10), INFRA_OUTLIER_EVENT_EJECTED,
                         (uint32_t)*id, INFRA_OUTLIER_REASON_SUCCESS_RATE);
        ck_assert_int_eq(e.value, fleets[_i].rates[*id] * 10000);
        ck_assert_int_eq(e.typical, t.typical);
        ck_assert_int_eq(e.threshold, t.threshold);
        ck_assert_uint_eq(e.reports, VOLUME);
    }
    /* The percentage, in dry run, may find others. */
    for (struct infra_outlier_event e = watch_next(&watch, INFRA_SEC(10));
         e.kind != WATCH_NOTHING; e = watch_next(&watch, INFRA_SEC(10))) {
        ck_assert_uint_eq(e.kind, INFRA_OUTLIER_EVENT_SPARED);
        ck_assert_uint_eq(e.reason, INFRA_OUTLIER_REASON_FAILURE_PERCENTAGE);
    }
}
END_TEST

/* Envoy's own sequence for one of five at 50 %. */
START_TEST(an_ejection_for_the_rate_ends_like_any)
{
    watch_open(&watch, envoy_only());
    watch_fill(&watch, 5);
    for (uint32_t id = 0; id < 5; id++) {
        watch_serve(id, 200, id == 4 ? 200 : 0);
    }
    watch_expect(&watch, INFRA_SEC(10), INFRA_OUTLIER_EVENT_EJECTED, 4,
                 INFRA_OUTLIER_REASON_SUCCESS_RATE);
    ck_assert_uint_eq(watch_inspect(&watch, 4).rate, 500000);
    watch_quiet(&watch, INFRA_MS(19999));
    watch_expect(&watch, INFRA_MS(50001), INFRA_OUTLIER_EVENT_RETURNED, 4,
                 INFRA_OUTLIER_REASON_TIME);
}
END_TEST

/* No backend is judged with too few reports, or among too few hosts with
 * enough; ejected hosts do not count. */
START_TEST(volume_and_hosts_are_needed)
{
    static const struct {
        uint32_t hosts;
        int volume;
        uint32_t kind;
    } table[] = {
        { 5, 100, INFRA_OUTLIER_EVENT_EJECTED },
        { 5, 98, WATCH_NOTHING },
        { 4, 100, WATCH_NOTHING },
        { 4, 1000, WATCH_NOTHING },
        { 9, 50, WATCH_NOTHING },
    };

    struct infra_outlier_options o = envoy_only();

    /* One of four is never further from their mean than 1.73 deviations. */
    o.success_rate_stdev_factor = 1000;
    watch_open(&watch, o);
    watch_fill(&watch, 10);
    for (uint32_t id = 0; id < table[_i].hosts; id++) {
        int bad = id == 2 ? table[_i].volume / 2 : 0;
        watch_serve(id, table[_i].volume - bad, bad);
    }
    ck_assert_uint_eq(watch_next(&watch, INFRA_SEC(10)).kind, table[_i].kind);
    struct infra_outlier_status s = watch_inspect(&watch, 2);
    ck_assert_uint_eq(s.reports, (uint64_t)table[_i].volume);
    ck_assert_uint_eq(s.rate, 500000); /* Known, judged or not. */
    if (table[_i].kind == INFRA_OUTLIER_EVENT_EJECTED) {
        /* Four are left, and another fails. */
        for (uint32_t id = 0; id < 5; id++) {
            watch_serve(id, 100, id == 1 ? 100 : 0);
        }
        watch_quiet(&watch, INFRA_SEC(20));
    }
}
END_TEST

/* Agrees with floating point, for random fleets and factors. */
START_TEST(thresholds_agree_with_floating_point)
{
    uint64_t random = (uint64_t)_i;
    uint32_t ppm[FLEET_MAX];

    watch_open(&watch, envoy_only());
    for (int round = 0; round < 500; round++) {
        uint32_t count = 1 + infra__below(infra__random(&random), FLEET_MAX);
        uint32_t factor = 1 + infra__below(infra__random(&random), 8000);
        uint32_t range = 1 + infra__below(infra__random(&random), 1000001);
        double sum = 0, squares = 0;
        for (uint32_t i = 0; i < count; i++) {
            ppm[i] = 1000000 - infra__below(infra__random(&random), range);
            sum += ppm[i];
        }
        double mean = sum / count;
        for (uint32_t i = 0; i < count; i++) {
            squares += (ppm[i] - mean) * (ppm[i] - mean);
        }
        double threshold = mean - factor / 1000.0 * sqrt(squares / count);
        struct infra__typical t = infra__mean_threshold(ppm, count, factor);
        ck_assert_double_le(fabs((double)t.typical - mean), 1.0);
        /* The mean is rounded down, the variance by less than the square of
         * one, and the width by factor / 1000 of the rest. */
        ck_assert_double_le(fabs((double)t.threshold - threshold),
                            2.0 + factor / 1000.0);
    }
}
END_TEST

/* The extremes do not overflow: half at 0, half at 1. */
START_TEST(thresholds_have_room)
{
    static uint32_t ppm[INFRA_OUTLIER_IDS_MAX];

    watch_open(&watch, envoy_only());
    for (uint32_t i = 0; i < INFRA_OUTLIER_IDS_MAX; i++) {
        ppm[i] = i % 2 == 0 ? 1000000 : 0;
    }
    struct infra__typical t =
        infra__mean_threshold(ppm, INFRA_OUTLIER_IDS_MAX - 1, 8000);
    ck_assert_int_eq(t.typical, 500000);
    ck_assert_int_eq(t.threshold, 500000 - 8 * 500000);
    ck_assert_uint_eq(infra__square_root(0), 0);
    ck_assert_uint_eq(infra__square_root(UINT64_MAX), UINT32_MAX);
    for (uint64_t root = 1; root < UINT32_MAX; root = root * 3 + 1) {
        ck_assert_uint_eq(infra__square_root(root * root), root);
        ck_assert_uint_eq(infra__square_root(root * root - 1), root - 1);
        ck_assert_uint_eq(infra__square_root(root * root + 2 * root), root);
    }
}
END_TEST

/* 85 % is enough and 83 % is not, with `enforce` set and five hosts with fifty
 * reports. */
START_TEST(failure_percentage_has_a_limit)
{
    static const struct {
        int good;
        int bad;
        uint32_t enforce;
        uint32_t hosts;
        uint32_t kind;
    } table[] = {
        { 50, 250, 100, 5, WATCH_NOTHING },
        { 50, 300, 100, 5, INFRA_OUTLIER_EVENT_EJECTED },
        { 50, 300, 0, 5, INFRA_OUTLIER_EVENT_SPARED },
        { 15, 85, 100, 5, INFRA_OUTLIER_EVENT_EJECTED },
        { 1501, 8499, 100, 5, WATCH_NOTHING },
        { 0, 50, 100, 5, INFRA_OUTLIER_EVENT_EJECTED },
        { 0, 49, 100, 5, WATCH_NOTHING },
        { 0, 50, 100, 4, WATCH_NOTHING },
    };
    struct infra_outlier_options o = envoy_only();

    o.success_rate_minimum_hosts = WATCH_OFF;
    o.enforce[INFRA_OUTLIER_REASON_FAILURE_PERCENTAGE] = table[_i].enforce;
    watch_open(&watch, o);
    watch_fill(&watch, table[_i].hosts);
    for (uint32_t id = 1; id < table[_i].hosts; id++) {
        watch_serve(id, 50, 0);
    }
    watch_serve(0, table[_i].good, table[_i].bad);
    struct infra_outlier_event e = watch_next(&watch, INFRA_SEC(10));
    ck_assert_uint_eq(e.kind, table[_i].kind);
    if (e.kind != WATCH_NOTHING) {
        ck_assert_uint_eq(e.id, 0);
        ck_assert_uint_eq(e.reason, INFRA_OUTLIER_REASON_FAILURE_PERCENTAGE);
        ck_assert_int_eq(e.threshold, 850000);
        ck_assert_int_ge(e.value, 850000);
        ck_assert_int_eq(e.typical, 0);
        ck_assert_uint_eq(e.reports,
                          (uint64_t)(table[_i].good + table[_i].bad));
    }
    watch_quiet(&watch, INFRA_SEC(10));
}
END_TEST

/* Envoy ejects a backend twice if both detectors find it, which takes two of
 * the cap and two of the multiplier; here once. */
START_TEST(found_twice_is_ejected_once)
{
    struct infra_outlier_options o = envoy_only();

    o.max_ejection_percent = 40;
    o.enforce[INFRA_OUTLIER_REASON_FAILURE_PERCENTAGE] = 100;
    watch_open(&watch, o);
    watch_fill(&watch, 6);
    for (uint32_t id = 0; id < 5; id++) {
        watch_serve(id, id == 0 ? 0 : 100, id == 0 ? 100 : 0);
    }
    watch_expect(&watch, INFRA_SEC(10), INFRA_OUTLIER_EVENT_EJECTED, 0,
                 INFRA_OUTLIER_REASON_SUCCESS_RATE);
    watch_quiet(&watch, INFRA_SEC(10));
    struct infra_outlier_status s = watch_inspect(&watch, 0);
    ck_assert_uint_eq(s.multiplier, 1);
    ck_assert_uint_eq(s.ejections, 1);
    ck_assert_uint_eq(s.until, INFRA_SEC(40));
    ck_assert_uint_eq(s.detections[INFRA_OUTLIER_REASON_SUCCESS_RATE], 1);
    ck_assert_uint_eq(s.detections[INFRA_OUTLIER_REASON_FAILURE_PERCENTAGE], 0);
}
END_TEST

/* Hosts that the success rate ejects still count among the five that the
 * percentage needs, which finds another. Rates 0, 49.5, 99, 99, 99: one
 * deviation below the mean is 29.7. */
START_TEST(ejected_hosts_still_count)
{
    struct infra_outlier_options o = envoy_only();

    o.success_rate_stdev_factor = 1000;
    o.failure_percentage_threshold = 50;
    o.enforce[INFRA_OUTLIER_REASON_FAILURE_PERCENTAGE] = 100;
    watch_open(&watch, o);
    watch_fill(&watch, 5);
    watch_serve(0, 0, 100);
    watch_serve(1, 99, 101);
    for (uint32_t id = 2; id < 5; id++) {
        watch_serve(id, 99, 1);
    }
    struct infra_outlier_event e =
        watch_expect(&watch, INFRA_SEC(10), INFRA_OUTLIER_EVENT_EJECTED, 0,
                     INFRA_OUTLIER_REASON_SUCCESS_RATE);
    ck_assert_int_eq(e.typical, 693000);
    e = watch_expect(&watch, INFRA_SEC(10), INFRA_OUTLIER_EVENT_EJECTED, 1,
                     INFRA_OUTLIER_REASON_FAILURE_PERCENTAGE);
    ck_assert_int_eq(e.value, 505000);
    watch_quiet(&watch, INFRA_SEC(10));
}
END_TEST

/* At the cap, the worst are ejected. */
START_TEST(the_worst_go_first)
{
    struct infra_outlier_options o = envoy_only();

    o.max_ejection_percent = 10;
    watch_open(&watch, o);
    watch_fill(&watch, 20);
    for (uint32_t id = 0; id < 20; id++) {
        watch_serve(id, id == 3 ? 60 : id == 7 ? 20 : id == 11 ? 40 : 100, 100);
        (void)watch_report(&watch, id, INFRA_OUTCOME_OK,
                           id == 3 || id == 7 || id == 11 ? 0 : 4000);
    }
    watch_expect(&watch, INFRA_SEC(10), INFRA_OUTLIER_EVENT_EJECTED, 7,
                 INFRA_OUTLIER_REASON_SUCCESS_RATE);
    watch_expect(&watch, INFRA_SEC(10), INFRA_OUTLIER_EVENT_EJECTED, 11,
                 INFRA_OUTLIER_REASON_SUCCESS_RATE);
    struct infra_outlier_event e =
        watch_expect(&watch, INFRA_SEC(10), INFRA_OUTLIER_EVENT_CAPPED, 3,
                     INFRA_OUTLIER_REASON_SUCCESS_RATE);
    ck_assert_int_eq(e.value, 375000);
    watch_quiet(&watch, INFRA_SEC(10));
}
END_TEST

/* With the split, answers and reachability are judged separately. */
START_TEST(origins_are_judged_apart)
{
    static const uint32_t expected[] = {
        INFRA_OUTLIER_REASON_SUCCESS_RATE,
        INFRA_OUTLIER_REASON_SUCCESS_RATE_LOCAL_ORIGIN,
        INFRA_OUTLIER_REASON_FAILURE_PERCENTAGE,
        INFRA_OUTLIER_REASON_FAILURE_PERCENTAGE_LOCAL_ORIGIN
    };
    uint32_t failure =
        _i % 2 == 0 ? INFRA_OUTCOME_ERROR : INFRA_OUTCOME_TIMEOUT;
    struct infra_outlier_options o = envoy_only();

    o.split_local_origin = 1;
    if (_i >= 2) {
        o.success_rate_minimum_hosts = WATCH_OFF;
        o.enforce[expected[_i]] = 100;
    }
    watch_open(&watch, o);
    watch_fill(&watch, 5);
    for (uint32_t id = 0; id < 5; id++) {
        watch_serve(id, 100,
                    100); /* Half of the tries fail at each: none is worse. */
        (void)watch_report(&watch, id, INFRA_OUTCOME_REFUSED, 100);
    }
    (void)watch_report(&watch, 3, failure, 5000);
    struct infra_outlier_event e = watch_expect(
        &watch, INFRA_SEC(10), INFRA_OUTLIER_EVENT_EJECTED, 3, expected[_i]);
    /* External: 100 of 5200.  Local: 200 of 5300 reached. */
    int64_t rate = _i % 2 == 0 ? 19230 : 37735;
    ck_assert_int_eq(e.value, _i >= 2 ? 1000000 - rate : rate);
    ck_assert_uint_eq(e.reports, _i % 2 == 0 ? 5200 : 5300);
    watch_quiet(&watch, INFRA_SEC(10));
}
END_TEST

/* By default, shares of failures are a dry run, at either origin. */
START_TEST(percentages_watch_by_default)
{
    struct infra_outlier_options o = envoy_only();

    o.split_local_origin = 1;
    o.success_rate_minimum_hosts = WATCH_OFF;
    watch_open(&watch, o);
    watch_fill(&watch, 5);
    for (uint32_t id = 0; id < 5; id++) {
        watch_serve(id, 50, id == 1 ? 300 : 0);
        (void)watch_report(&watch, id, INFRA_OUTCOME_REFUSED,
                           id == 3 ? 300 : 0);
    }
    watch_expect(&watch, INFRA_SEC(10), INFRA_OUTLIER_EVENT_SPARED, 1,
                 INFRA_OUTLIER_REASON_FAILURE_PERCENTAGE);
    watch_expect(&watch, INFRA_SEC(10), INFRA_OUTLIER_EVENT_SPARED, 3,
                 INFRA_OUTLIER_REASON_FAILURE_PERCENTAGE_LOCAL_ORIGIN);
    watch_quiet(&watch, INFRA_SEC(10));
}
END_TEST

/* Without the split they are one. */
START_TEST(origins_are_judged_together)
{
    watch_open(&watch, envoy_only());
    watch_fill(&watch, 5);
    for (uint32_t id = 0; id < 5; id++) {
        watch_serve(id, 200, id == 3 ? 100 : 0);
        (void)watch_report(&watch, id, INFRA_OUTCOME_RESET, id == 3 ? 100 : 0);
    }
    struct infra_outlier_event e =
        watch_expect(&watch, INFRA_SEC(10), INFRA_OUTLIER_EVENT_EJECTED, 3,
                     INFRA_OUTLIER_REASON_SUCCESS_RATE);
    ck_assert_int_eq(e.value, 500000);
    ck_assert_uint_eq(e.reports, 400);
    watch_quiet(&watch, INFRA_SEC(10));
}
END_TEST

static Suite *rates_suite(void)
{
    Suite *s = suite_create("outlier_rates");
    TCase *tc = tcase_create("envoy");
    tcase_add_checked_fixture(tc, watch_setup, watch_teardown);
    tcase_add_loop_test(tc, success_rates_are_judged_as_in_envoy, 0,
                        INFRA__COUNT_OF(fleets));
    tcase_add_test(tc, an_ejection_for_the_rate_ends_like_any);
    tcase_add_loop_test(tc, volume_and_hosts_are_needed, 0, 5);
    tcase_add_loop_test(tc, thresholds_agree_with_floating_point, 0, 4);
    tcase_add_test(tc, thresholds_have_room);
    tcase_add_loop_test(tc, failure_percentage_has_a_limit, 0, 8);
    tcase_add_test(tc, found_twice_is_ejected_once);
    tcase_add_test(tc, ejected_hosts_still_count);
    tcase_add_test(tc, the_worst_go_first);
    tcase_add_loop_test(tc, origins_are_judged_apart, 0, 4);
    tcase_add_test(tc, origins_are_judged_together);
    tcase_add_test(tc, percentages_watch_by_default);
    suite_add_tcase(s, tc);
    return s;
}

int main(void)
{
    return test_main(rates_suite());
}
