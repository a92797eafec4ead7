/* SPDX-License-Identifier: MIT */
/* Peak-EWMA: the mean to Finagle's and tower's known answers, and what it
 * avoids. */
#include "pool.h"

#include "balancer/latency.h"

static struct slot slot;

static double read_ms(infra_time now)
{
    return infra__latency_read(&slot, now) * 1024.0 / 1e6;
}

/* With 10 s: 100 ms; then 50 ms after 1 s; a peak of 200 ms counts at once;
 * read 10 s later it has decayed to 1/e. */
START_TEST(the_mean_is_that_of_finagle)
{
    infra__latency_observe(&slot, INFRA_MS(100), INFRA_SEC(50));
    ck_assert_double_eq_tol(read_ms(INFRA_SEC(50)), 100, 0.5);
    infra__latency_observe(&slot, INFRA_MS(50), INFRA_SEC(51));
    ck_assert_double_eq_tol(read_ms(INFRA_SEC(51)), 95.2419, 0.5);
    infra__latency_observe(&slot, INFRA_MS(200), INFRA_SEC(52));
    ck_assert_double_eq_tol(read_ms(INFRA_SEC(52)), 200, 0.5);
    ck_assert_double_eq_tol(read_ms(INFRA_SEC(62)), 73.5759, 0.7);
}
END_TEST

/* At any age the decay is exp(-t / 10 s), within 1 %; long after, something is
 * still known; and a clock that is behind decays nothing. */
START_TEST(the_mean_sinks_with_time)
{
    static const double expected[] = { 1000,    904.837, 606.531, 367.879,
                                       135.335, 6.738,   0.0454 };
    static const unsigned seconds[] = { 0, 1, 5, 10, 20, 50, 100 };

    infra__latency_observe(&slot, INFRA_SEC(1), INFRA_SEC(500));
    for (int i = 0; i < 7; i++) {
        ck_assert_double_eq_tol(read_ms(INFRA_SEC(500 + seconds[i])),
                                expected[i], expected[i] * 0.01 + 0.002);
    }
    ck_assert_uint_eq(infra__latency_read(&slot, INFRA_SEC(5000)), 1);
    ck_assert_double_eq_tol(read_ms(INFRA_SEC(499)), 1000, 1);
}
END_TEST

/* Nothing known is 0, and no latency is so small that it is unknown again. */
START_TEST(known_stays_known)
{
    ck_assert_uint_eq(infra__latency_read(&slot, INFRA_SEC(1)), 0);
    infra__latency_observe(&slot, 0, INFRA_SEC(1));
    ck_assert_uint_eq(infra__latency_read(&slot, INFRA_SEC(1)), 1);
    infra__latency_observe(&slot, INFRA_SEC(86400), INFRA_SEC(2));
    ck_assert_uint_eq(infra__latency_read(&slot, INFRA_SEC(2)), (1u << 28) - 1);
}
END_TEST

/* A failure is never fast: a second, its own time, or twice the mean; 30 s at
 * most. */
START_TEST(failures_are_slow)
{
    infra__latency_failed(&slot, 1, INFRA_SEC(1));
    ck_assert_double_eq_tol(read_ms(INFRA_SEC(1)), 1000, 5);
    infra__latency_failed(&slot, 1, INFRA_SEC(1));
    ck_assert_double_eq_tol(read_ms(INFRA_SEC(1)), 2000, 10);
    infra__latency_failed(&slot, INFRA_SEC(7), INFRA_SEC(1));
    ck_assert_double_eq_tol(read_ms(INFRA_SEC(1)), 7000, 30);
    for (int i = 0; i < 5; i++) {
        infra__latency_failed(&slot, 1, INFRA_SEC(1));
    }
    ck_assert_double_eq_tol(read_ms(INFRA_SEC(1)), 30000, 100);
}
END_TEST

static struct pool pool;

static void setup(void)
{
    struct infra_balancer_options o = { .size = sizeof o,
                                        .policy = infra_balancer_peak_ewma() };

    slot = (struct slot) { .in_flight = 0 };
    pool_open(&pool, &o);
}

static void teardown(void)
{
    pool_close(&pool);
}

static int serve(infra_time now, uint32_t outcome, const infra_time *latencies)
{
    struct infra_ticket t;
    int id = infra_balancer_pick(pool.reader, NULL, now, &t);

    ck_assert_int_ge(id, 0);
    if (outcome == INFRA_OUTCOME_OK) {
        ck_assert_int_eq(
            infra_balancer_report(pool.reader, &t, outcome, latencies[id]), 0);
    }
    ck_assert_int_eq(infra_balancer_release(pool.reader, &t, outcome, now), 0);
    return id;
}

/* Two alike but for a tenfold latency: once both are known the slow one is left
 * alone, until its mean has sunk below the other's. */
START_TEST(the_slow_one_is_left_alone)
{
    const infra_time latencies[] = { INFRA_MS(1), INFRA_MS(10) };
    int slow = 0;

    pool_fill(&pool, 2, NULL);
    for (int i = 0; i < 1000; i++) {
        slow += serve(INFRA_SEC(1) + INFRA_MS(i), INFRA_OUTCOME_OK, latencies);
    }
    ck_assert_int_eq(slow, 1);
    for (int i = 0; i < 60; i++) {
        slow += serve(INFRA_SEC(2 + i), INFRA_OUTCOME_OK, latencies);
    }
    ck_assert_int_ge(slow, 2);
    ck_assert_int_le(slow, 10);
}
END_TEST

/* Of an unknown backend one request at a time finds out. */
START_TEST(the_unknown_gets_one_request)
{
    const infra_time latencies[] = { INFRA_MS(1), INFRA_MS(1), INFRA_MS(1) };
    struct infra_ticket t[20];
    int held_by_2 = 0;

    pool_fill(&pool, 2, NULL);
    for (int i = 0; i < 20; i++) {
        serve(INFRA_SEC(1), INFRA_OUTCOME_OK, latencies);
    }
    ck_assert_int_eq(pool_set(&pool, 2, 1, 0, 0), INFRA_OK);
    pool_publish(&pool);
    for (int i = 0; i < 20; i++) {
        held_by_2 +=
            infra_balancer_pick(pool.reader, NULL, INFRA_SEC(1), &t[i]) == 2;
    }
    ck_assert_int_eq(held_by_2, 1);
    for (int i = 0; i < 20; i++) {
        ck_assert_int_eq(infra_balancer_release(pool.reader, &t[i],
                                                INFRA_OUTCOME_ABANDONED,
                                                INFRA_SEC(1)),
                         0);
    }
}
END_TEST

/* Who fails at once is no black hole. */
START_TEST(failing_fast_attracts_nothing)
{
    const infra_time latencies[] = { 0, INFRA_MS(5), INFRA_MS(5) };
    int failed = 0;

    pool_fill(&pool, 3, NULL);
    for (int i = 0; i < 300; i++) {
        infra_time now = INFRA_SEC(1) + INFRA_MS(10 * i);
        struct infra_ticket t;
        int id = infra_balancer_pick(pool.reader, NULL, now, &t);
        uint32_t outcome = id == 0 ? INFRA_OUTCOME_ERROR : INFRA_OUTCOME_OK;
        if (id > 0) {
            ck_assert_int_eq(
                infra_balancer_report(pool.reader, &t, outcome, latencies[id]),
                0);
        }
        failed += id == 0;
        ck_assert_int_eq(infra_balancer_release(pool.reader, &t, outcome, now),
                         0);
    }
    ck_assert_int_le(failed, 2);
}
END_TEST

static Suite *peak_ewma_suite(void)
{
    Suite *s = suite_create("peak_ewma");
    TCase *tc = tcase_create("mean");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, the_mean_is_that_of_finagle);
    tcase_add_test(tc, the_mean_sinks_with_time);
    tcase_add_test(tc, known_stays_known);
    tcase_add_test(tc, failures_are_slow);
    suite_add_tcase(s, tc);

    tc = tcase_create("policy");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, the_slow_one_is_left_alone);
    tcase_add_test(tc, the_unknown_gets_one_request);
    tcase_add_test(tc, failing_fast_attracts_nothing);
    suite_add_tcase(s, tc);
    return s;
}

int main(void)
{
    return test_main(peak_ewma_suite());
}
