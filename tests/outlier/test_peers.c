/* SPDX-License-Identifier: MIT */
/* Outlier: success rates and latencies against the median of the tier. */
#include "watch.h"

#include "base/internal.h"
#include "base/random.h"
#include "outlier/statistics.h"

#include <stdbool.h>
#include <stdlib.h>

enum { VOLUME = 200, VALUES_MAX = 50 };

static struct infra_outlier_options rates_only(void)
{
    struct infra_outlier_options o = watch_no_runs();

    o.failure_percentage_minimum_hosts = WATCH_OFF;
    return o;
}

static struct infra_outlier_options median_only(void)
{
    struct infra_outlier_options o = rates_only();

    o.success_rate_minimum_hosts = WATCH_OFF;
    o.enforce[INFRA_OUTLIER_REASON_LATENCY] = 100;
    return o;
}

static int by_value(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a;
    uint32_t y = *(const uint32_t *)b;

    return (x > y) - (x < y);
}

/* By sorting. */
static uint32_t naive_median(const uint32_t *values, uint32_t count)
{
    uint32_t sorted[VALUES_MAX];

    for (uint32_t i = 0; i < count; i++) {
        sorted[i] = values[i];
    }
    qsort(sorted, count, sizeof sorted[0], by_value);
    uint64_t sum =
        (uint64_t)sorted[(count - 1) / 2] + (uint64_t)sorted[count / 2];
    return (uint32_t)(sum / 2);
}

/* Median and MAD agree with sorting, for few and many values, with ties and at
 * the ends of the range. */
START_TEST(medians_agree_with_sorting)
{
    static const uint32_t ranges[] = { 2, 10, 1000001, UINT32_MAX };
    uint64_t random = (uint64_t)_i;
    uint32_t values[VALUES_MAX], scratch[VALUES_MAX], deviations[VALUES_MAX];

    watch_open(&watch, median_only());
    for (int round = 0; round < 2000; round++) {
        uint32_t count = 1 + infra__below(infra__random(&random), VALUES_MAX);
        uint32_t range = ranges[round % 4];
        for (uint32_t i = 0; i < count; i++) {
            uint32_t value = infra__below(infra__random(&random), range);
            values[i] = round % 3 == 0 ? UINT32_MAX - value : value;
        }
        uint32_t median = infra__median(values, count);
        ck_assert_uint_eq(median, naive_median(values, count));
        for (uint32_t i = 0; i < count; i++) {
            deviations[i] = (uint32_t)llabs((long long)values[i] - median);
        }
        ck_assert_uint_eq(
            infra__median_deviation(values, count, median, scratch),
            naive_median(deviations, count));
    }
}
END_TEST

/* Powers of two are exact, values between are linear, and values outside count
 * as the ends. */
START_TEST(logarithms_of_latency)
{
    uint64_t random = 1;
    uint32_t before = 0;

    watch_open(&watch, median_only());
    for (uint32_t e = 10; e < 42; e++) {
        infra_time power = (infra_time)1 << e;
        ck_assert_uint_eq(infra__latency_log(power), (e - 10) * 128);
        ck_assert_uint_eq(infra__latency_log(power + power / 2),
                          (e - 10) * 128 + 64);
        ck_assert_uint_eq(infra__latency_log(2 * power - 1),
                          (e - 10) * 128 + 127);
        ck_assert_int_eq(
            infra__latency_of_log(infra__latency_mean_log((e - 10) * 128, 1)),
            (int64_t)power);
    }
    ck_assert_uint_eq(infra__latency_log(1), 0);
    ck_assert_uint_eq(infra__latency_log(1023), 0);
    ck_assert_uint_eq(infra__latency_log((infra_time)1 << 42),
                      INFRA__LATENCY_LOG_MAX);
    ck_assert_uint_eq(infra__latency_log(UINT64_MAX), INFRA__LATENCY_LOG_MAX);
    for (infra_time t = 1024; t < (infra_time)1 << 42; t += t / 200) {
        uint32_t log = infra__latency_log(t);
        int64_t back = infra__latency_of_log(infra__latency_mean_log(log, 1));
        ck_assert_uint_ge(log, before);
        ck_assert_int_le(back, (int64_t)t);
        ck_assert_int_le((int64_t)t - back, (int64_t)t / 128);
        before = log;
    }
    /* The mean has more digits than its parts. */
    ck_assert_uint_eq(infra__latency_mean_log(3, 2), 48);
    ck_assert_int_eq(infra__latency_of_log((uint64_t)51 << 12),
                     (int64_t)1 << 61);
    ck_assert_int_eq(infra__latency_of_log((uint64_t)52 << 12), INT64_MAX);
    ck_assert_int_eq(infra__latency_of_log(infra__random(&random) | 1ull << 63),
                     INT64_MAX);
}
END_TEST

/* With less than half of any number dead the median finds all the dead, and
 * only them. */
START_TEST(the_median_finds_up_to_half)
{
    uint32_t hosts = 3 + (uint32_t)_i;

    for (uint32_t dead = 0; 2 * dead < hosts; dead++) {
        watch_open(&watch, median_only());
        watch_fill(&watch, hosts);
        for (uint32_t id = 0; id < hosts; id++) {
            /* The living are not perfect, and differ. */
            int bad = id < dead ? VOLUME : (int)(id % 3);
            watch_serve(id, VOLUME - bad, bad);
        }
        for (uint32_t id = 0; id < dead; id++) {
            watch_expect(&watch, INFRA_SEC(10), INFRA_OUTLIER_EVENT_EJECTED, id,
                         INFRA_OUTLIER_REASON_MEDIAN_RATE);
        }
        watch_quiet(&watch, INFRA_SEC(10));
        watch_close(&watch);
    }
}
END_TEST

/* Envoy's threshold finds the same dead only while they are fewer than 1 of 1 +
 * 1.9^2; then its detector is the first. */
START_TEST(the_mean_is_blind_from_a_fifth_on)
{
    uint32_t hosts = 5 + (uint32_t)_i;

    for (uint32_t dead = 1; 2 * dead < hosts; dead++) {
        bool seen = dead * 461 < hosts * 100;
        watch_open(&watch, rates_only());
        watch_fill(&watch, hosts);
        for (uint32_t id = 0; id < hosts; id++) {
            watch_serve(id, id < dead ? 0 : VOLUME, id < dead ? VOLUME : 0);
        }
        for (uint32_t id = 0; id < dead; id++) {
            watch_expect(&watch, INFRA_SEC(10), INFRA_OUTLIER_EVENT_EJECTED, id,
                         seen ? INFRA_OUTLIER_REASON_SUCCESS_RATE
                              : INFRA_OUTLIER_REASON_MEDIAN_RATE);
        }
        watch_quiet(&watch, INFRA_SEC(10));
        watch_close(&watch);
    }
}
END_TEST

/* Rates in percent, and the backend that is ejected: the gap of ten points
 * applies in a uniform fleet, 3.5 deviations in a varied one. */
START_TEST(the_median_needs_a_gap_and_deviations)
{
    static const struct {
        int rates[8];
        int ejected;   /* -1: none. */
        int threshold; /* In percent. */
    } table[] = {
        { { 100, 100, 100, 89, -1 }, 3, 90 },
        { { 100, 100, 100, 91, -1 }, -1, 90 },
        { { 100, 100, 100, 90, -1 }, -1, 90 },
        { { 99, 80, 100, -1 }, 1, 89 },
        /* Median 80, deviations 0 5 5 10 10: MAD 5, so 80 - 5.1891 x 5. */
        { { 80, 85, 75, 90, 55, -1 }, -1, 54 },
        { { 80, 85, 75, 90, 54, -1 }, 4, 54 },
        { { 50, 100, -1 }, -1, 0 },        /* Two are too few. */
        { { 0, 0, 100, 100, -1 }, -1, 0 }, /* Half and half. */
    };

    watch_open(&watch, median_only());
    for (uint32_t id = 0; table[_i].rates[id] >= 0; id++) {
        watch_set(&watch, id, 15, 0);
        watch_serve(id, 2 * table[_i].rates[id],
                    VOLUME - 2 * table[_i].rates[id]);
    }
    if (table[_i].ejected >= 0) {
        struct infra_outlier_event e = watch_expect(
            &watch, INFRA_SEC(10), INFRA_OUTLIER_EVENT_EJECTED,
            (uint32_t)table[_i].ejected, INFRA_OUTLIER_REASON_MEDIAN_RATE);
        ck_assert_int_eq(e.value, table[_i].rates[e.id] * 10000);
        ck_assert_int_eq((e.threshold + 5000) / 10000, table[_i].threshold);
    }
    watch_quiet(&watch, INFRA_SEC(10));
}
END_TEST

/* Of two backends neither is an outlier, however small the factor. */
START_TEST(two_are_too_few)
{
    struct infra_outlier_options o = median_only();

    o.median_factor = 1;
    watch_open(&watch, o);
    for (uint32_t id = 0; id < 3; id++) {
        watch_fill(&watch, 2 + (id == 2));
        watch_serve(0, 50, 50);
        watch_serve(1, 100, 0);
        watch_serve(2, 100, 0);
        if (id < 2) {
            watch_quiet(&watch, INFRA_SEC(10 + 10 * id));
        }
    }
    watch_expect(&watch, INFRA_SEC(30), INFRA_OUTLIER_EVENT_EJECTED, 0,
                 INFRA_OUTLIER_REASON_MEDIAN_RATE);
}
END_TEST

/* Both kinds of failure count together, split or not. */
START_TEST(the_median_counts_all_failures)
{
    struct infra_outlier_options o = median_only();

    o.split_local_origin = (uint32_t)_i;
    o.consecutive_local_origin_failure = WATCH_OFF;
    watch_open(&watch, o);
    watch_fill(&watch, 3);
    for (uint32_t id = 0; id < 3; id++) {
        watch_serve(id, 95, id == 1 ? 6 : 5);
        (void)watch_report(&watch, id, INFRA_OUTCOME_RESET, id == 1 ? 7 : 0);
    }
    watch_quiet(&watch, INFRA_SEC(10));
    for (uint32_t id = 0; id < 3; id++) {
        watch_serve(id, 95, id == 1 ? 8 : 5);
        (void)watch_report(&watch, id, INFRA_OUTCOME_RESET, id == 1 ? 9 : 0);
    }
    struct infra_outlier_event e =
        watch_expect(&watch, INFRA_SEC(20), INFRA_OUTLIER_EVENT_EJECTED, 1,
                     INFRA_OUTLIER_REASON_MEDIAN_RATE);
    ck_assert_int_eq(e.value, 848214); /* 95 of 112 */
    ck_assert_uint_eq(e.reports, 112);
    ck_assert_int_eq(e.typical, 950000);
}
END_TEST

/* A tier is not an outlier beside a better one; nor do two tiers of two make
 * four. */
START_TEST(tiers_are_compared_apart)
{
    watch_open(&watch, median_only());
    for (uint32_t id = 0; id < 9; id++) {
        watch_set(&watch, id, id < 6 ? 0 : 5, 0);
        watch_serve(id, id < 6 ? 200 : id == 8 ? 50 : 120, id < 6 ? 0 : 80);
        watch_time(&watch, id, id < 6 ? INFRA_MS(1) : INFRA_MS(100), 200);
    }
    /* 0.83 of the second tier is 0.93 less 0.1, and more than that below 1. */
    watch_quiet(&watch, INFRA_SEC(10));
    watch_set(&watch, 8, 6, INFRA_SEC(10));
    for (uint32_t id = 6; id < 9; id++) {
        watch_serve(id, id == 8 ? 0 : 200, id == 8 ? 200 : 0);
    }
    watch_quiet(&watch, INFRA_SEC(20));
}
END_TEST

/* Milliseconds of all but one, of that one, and whether it is slow; by ratio,
 * gap and deviations. */
static const struct {
    int others[6];
    int one;
    uint32_t gap;
    uint32_t ratio;
    bool is_slow;
} fleets[] = {
    { { 100, 100, 100, 100, -1 }, 310, 0, 0, true },
    { { 100, 100, 100, 100, -1 }, 297, 0, 0, false },
    { { 100, 100, 100, 100, -1 }, 130, 0, 1250, true },
    { { 100, 100, 100, 100, -1 }, 120, 0, 1250, false },
    { { 2, 2, 2, 2, -1 }, 11, 0, 0, false }, /* Less than 10 ms more. */
    { { 2, 2, 2, 2, -1 }, 13, 0, 0, true },
    { { 2, 2, 2, 2, -1 }, 7, 4, 0, true },
    { { 2, 2, 2, 2, -1 }, 5, 4, 0, false },
    { { 100, 100, -1 }, 900, 0, 0, true },
    { { 100, -1 }, 900, 0, 0, false },
    { { 10, 40, 80, 160, 640, -1 }, 1000, 0, 0, false }, /* All differ. */
    { { 100, 100, 100, 100, -1 }, 1, 0, 0, false },      /* Fast is fine. */
};

START_TEST(latencies_are_compared_by_ratio_gap_and_deviations)
{
    struct infra_outlier_options o = median_only();
    uint32_t id = 0;

    o.latency_gap = INFRA_MS(fleets[_i].gap);
    o.latency_ratio = fleets[_i].ratio;
    watch_open(&watch, o);
    for (; fleets[_i].others[id] >= 0; id++) {
        watch_set(&watch, id, 0, 0);
        watch_time(&watch, id, INFRA_MS(fleets[_i].others[id]), 100);
    }
    watch_set(&watch, id, 0, 0);
    watch_time(&watch, id, INFRA_MS(fleets[_i].one), 100);
    if (fleets[_i].is_slow) {
        struct infra_outlier_event e =
            watch_expect(&watch, INFRA_SEC(10), INFRA_OUTLIER_EVENT_EJECTED, id,
                         INFRA_OUTLIER_REASON_LATENCY);
        int64_t ns = (int64_t)INFRA_MS(fleets[_i].one);
        int64_t typical = (int64_t)INFRA_MS(fleets[_i].others[0]);
        ck_assert_int_le(llabs(e.value - ns), ns / 100);
        ck_assert_int_le(llabs(e.typical - typical), typical / 100);
        ck_assert_int_gt(e.threshold, e.typical);
        ck_assert_int_lt(e.threshold, e.value);
        ck_assert_uint_eq(e.reports, 100);
        ck_assert_uint_eq(watch_inspect(&watch, id).latency, (uint64_t)e.value);
    }
    watch_quiet(&watch, INFRA_SEC(10));
}
END_TEST

/* Just under half are slow, by different factors: all are found, the slowest
 * first; by default they are only reported. */
START_TEST(slow_backends_are_found_up_to_half)
{
    struct infra_outlier_options o = median_only();

    o.enforce[INFRA_OUTLIER_REASON_LATENCY] = _i == 0 ? 100 : 0;
    watch_open(&watch, o);
    watch_fill(&watch, 9);
    for (uint32_t id = 0; id < 9; id++) {
        uint32_t slow = id < 4 ? 10 + id : 0;
        watch_time(&watch, id, INFRA_MS(20 + 20 * slow) + id, 100);
    }
    for (uint32_t i = 0; i < 4; i++) {
        watch_expect(&watch, INFRA_SEC(10),
                     _i == 0 ? INFRA_OUTLIER_EVENT_EJECTED
                             : INFRA_OUTLIER_EVENT_SPARED,
                     3 - i, INFRA_OUTLIER_REASON_LATENCY);
    }
    watch_quiet(&watch, INFRA_SEC(10));
}
END_TEST

/* Weak evidence of latency: few answers, one slow answer among many, failures,
 * and successes of unknown latency. */
START_TEST(latency_is_that_of_many_successes)
{
    watch_open(&watch, median_only());
    watch_fill(&watch, 6);
    for (uint32_t id = 0; id < 6; id++) {
        if (id != 1) {
            watch_time(&watch, id, INFRA_MS(10), 100);
        }
    }
    watch_time(&watch, 1, INFRA_SEC(1), 99);
    (void)watch_report(&watch, 1, INFRA_OUTCOME_OK, 100);
    watch_time(&watch, 2, INFRA_SEC(30), 1); /* Their mean is 307 ms. */
    for (int i = 0; i < 5; i++) {
        (void)infra_outlier_report(watch.outlier, 3, INFRA_OUTCOME_TIMEOUT,
                                   INFRA_SEC(30));
        (void)infra_outlier_report(watch.outlier, 3, INFRA_OUTCOME_ERROR,
                                   INFRA_SEC(30));
    }
    (void)watch_report(&watch, 4, INFRA_OUTCOME_OK, 1000);
    watch_quiet(&watch, INFRA_SEC(10));
    struct infra_outlier_status s = watch_inspect(&watch, 2);
    ck_assert_uint_gt(s.latency, INFRA_MS(10));
    ck_assert_uint_lt(s.latency, INFRA_MS(12));
    s = watch_inspect(&watch, 4);
    ck_assert_uint_eq(s.reports, 1100);
    ck_assert_uint_gt(s.latency, INFRA_MS(9));
    ck_assert_uint_le(s.latency, INFRA_MS(10));
    watch_time(&watch, 0, 1, 1); /* The least known latency. */
    watch_quiet(&watch, INFRA_SEC(20));
    ck_assert_uint_eq(watch_inspect(&watch, 0).latency, 1024);
}
END_TEST

static Suite *peers_suite(void)
{
    Suite *s = suite_create("outlier_peers");
    TCase *tc = tcase_create("median");
    tcase_add_checked_fixture(tc, watch_setup, watch_teardown);
    tcase_add_loop_test(tc, medians_agree_with_sorting, 0, 4);
    tcase_add_loop_test(tc, the_median_finds_up_to_half, 0, 20);
    tcase_add_loop_test(tc, the_mean_is_blind_from_a_fifth_on, 0, 20);
    tcase_add_loop_test(tc, the_median_needs_a_gap_and_deviations, 0, 8);
    tcase_add_test(tc, two_are_too_few);
    tcase_add_loop_test(tc, the_median_counts_all_failures, 0, 2);
    tcase_add_test(tc, tiers_are_compared_apart);
    suite_add_tcase(s, tc);

    tc = tcase_create("latency");
    tcase_add_checked_fixture(tc, watch_setup, watch_teardown);
    tcase_add_test(tc, logarithms_of_latency);
    tcase_add_loop_test(tc, latencies_are_compared_by_ratio_gap_and_deviations,
                        0, INFRA__COUNT_OF(fleets));
    tcase_add_loop_test(tc, slow_backends_are_found_up_to_half, 0, 2);
    tcase_add_test(tc, latency_is_that_of_many_successes);
    suite_add_tcase(s, tc);
    return s;
}

int main(void)
{
    return test_main(peers_suite());
}
