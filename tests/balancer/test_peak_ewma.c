/* SPDX-License-Identifier: MIT */
/* Peak-EWMA: the mean to Finagle's and tower's known answers, and what it
 * avoids. */
#include "pool.h"

#include "balancer/algorithm/ewma.h"

#include <string.h>

static struct slot slot;

static double read_ms(infra_time now)
{
    return infra__latency_mean(&slot, now) * 1024.0 / 1e6;
}

/* A latency that was known at @now. */
static void observe(infra_time latency, infra_time now)
{
    infra__latency_observe(&slot, latency, now - latency);
}

/* With 10 s: 100 ms; then 50 ms after 1 s; a peak of 200 ms counts at once;
 * read 10 s later it has decayed to 1/e. */
START_TEST(the_mean_is_that_of_finagle)
{
    observe(INFRA_MS(100), INFRA_SEC(50));
    ck_assert_double_eq_tol(read_ms(INFRA_SEC(50)), 100, 0.5);
    observe(INFRA_MS(50), INFRA_SEC(51));
    ck_assert_double_eq_tol(read_ms(INFRA_SEC(51)), 95.2419, 0.5);
    observe(INFRA_MS(200), INFRA_SEC(52));
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

    observe(INFRA_SEC(1), INFRA_SEC(500));
    for (int i = 0; i < 7; i++) {
        ck_assert_double_eq_tol(read_ms(INFRA_SEC(500 + seconds[i])),
                                expected[i], expected[i] * 0.01 + 0.002);
    }
    ck_assert_uint_eq(infra__latency_mean(&slot, INFRA_SEC(5000)), 1);
    ck_assert_double_eq_tol(read_ms(INFRA_SEC(499)), 1000, 1);
}
END_TEST

/* Nothing known is 0, and no latency is so small that it is unknown again. */
START_TEST(known_stays_known)
{
    ck_assert_uint_eq(infra__latency_mean(&slot, INFRA_SEC(1)), 0);
    observe(0, INFRA_SEC(1));
    ck_assert_uint_eq(infra__latency_mean(&slot, INFRA_SEC(1)), 1);
    observe(INFRA_SEC(86400), INFRA_SEC(86402));
    ck_assert_uint_eq(infra__latency_mean(&slot, INFRA_SEC(86402)) >> 13,
                      ((1u << 28) - 1) >> 13);
}
END_TEST

/* The clock does not come round: a second after a thousand years is a second,
 * and a mean or a penalty of days or years ago is one of long ago. */
START_TEST(no_age_is_taken_for_none)
{
    static const unsigned days[] = { 1, 13, 26, 27, 40, 52, 53, 800, 20000 };

    for (size_t i = 0; i < sizeof days / sizeof days[0]; i++) {
        infra_time at = INFRA_SEC(7) + (infra_time)days[i];
        infra_time later = at + INFRA_SEC(86400) * days[i];
        slot = (struct slot) { .in_flight = 0 };
        observe(INFRA_MS(500), at);
        infra__latency_failed(&slot, INFRA_MS(1), at);
        ck_assert_uint_gt(infra__latency_penalty(&slot, at + INFRA_MS(1)), 0);
        ck_assert_uint_eq(infra__latency_penalty(&slot, later), 0);
        ck_assert_uint_eq(infra__latency_mean(&slot, later), 1);
        observe(INFRA_MS(2), later);
        ck_assert_double_eq_tol(read_ms(later), 2, 0.1);
    }
}
END_TEST

/* How many times the mean a backend counts as. */
static double times(infra_time now)
{
    uint32_t mean = infra__latency_mean(&slot, now);

    return (double)infra__latency_with(mean,
                                       infra__latency_penalty(&slot, now)) /
           mean;
}

/* The numbers of the header: a failure adds eight times the mean, each that was
 * picked after it twice what is left, 256 times at most; half goes with each
 * second, half with each success picked since. */
START_TEST(failures_add_multiples_of_the_mean)
{
    const infra_time second = (infra_time)1 << 30;
    infra_time now = INFRA_SEC(100);

    observe(INFRA_MS(2), now - second);
    infra__latency_failed(&slot, 0, now);
    ck_assert_double_eq_tol(times(now), 9, 0.1);
    ck_assert_double_eq_tol(times(now + second), 5, 0.1);
    ck_assert_double_eq_tol(times(now + 3 * second), 2, 0.1);
    ck_assert_double_eq_tol(times(now + 8 * second), 1, 0.1);
    for (int i = 0; i < 10; i++) {
        now += INFRA_MS(1);
        infra__latency_failed(&slot, 0, now);
    }
    ck_assert_double_eq_tol(times(now), 257, 1);
    ck_assert_double_eq_tol(times(now + 12 * second), 1, 0.01);
    infra__latency_observe(&slot, INFRA_MS(2), now + INFRA_MS(1));
    ck_assert_double_eq_tol(times(now + INFRA_MS(3)), 129, 1);
    infra__latency_observe(&slot, INFRA_MS(2), now - INFRA_MS(1));
    ck_assert_double_eq_tol(times(now + INFRA_MS(3)), 129, 1);
}
END_TEST

/* What was picked before a failure, or at the same time, does not count again,
 * however much of it fails; nor what was picked before the backend came up. */
START_TEST(one_crash_is_one_failure)
{
    infra_time now = INFRA_SEC(100);

    observe(INFRA_MS(2), now);
    for (int i = 0; i < 100; i++) {
        infra__latency_failed(&slot, INFRA_MS(i % 5), now);
    }
    ck_assert_double_eq_tol(times(now + INFRA_MS(4)), 9, 0.1);
    infra__latency_came_up(&slot, now + INFRA_SEC(3));
    ck_assert_double_eq_tol(times(now + INFRA_SEC(3)), 1, 0.01);
    infra__latency_failed(&slot, INFRA_SEC(10), now);
    ck_assert_double_eq_tol(times(now + INFRA_SEC(10)), 1, 0.01);
}
END_TEST

/* A failure that took long adds as many times the mean as it took; and one that
 * was fast leaves the mean as it was when work went well. */
START_TEST(a_failure_is_never_fast)
{
    infra_time now = INFRA_SEC(100);

    observe(INFRA_MS(2), now);
    infra__latency_failed(&slot, INFRA_MS(130), now);
    ck_assert_double_eq_tol(times(now + INFRA_MS(130)), 65, 1);
    ck_assert_double_eq_tol(read_ms(now + INFRA_MS(130)), 2, 0.01);
    for (int i = 1; i < 100; i++) {
        infra__latency_failed(&slot, 0, now + INFRA_SEC(9 * i));
    }
    ck_assert_double_eq_tol(read_ms(now + INFRA_SEC(9 * 99)), 2, 0.01);
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

/* Thirty clients in a closed loop, three backends of 2 ms: a run that a test
 * may disturb. */
enum { CLIENTS = 30 };
static struct {
    struct infra_ticket ticket;
    infra_time start, end;
    int id;
} clients[CLIENTS];
static uint32_t served[3];

static void begin(int i, infra_time now, const infra_time *latencies)
{
    clients[i].id =
        infra_balancer_pick(pool.reader, NULL, now, &clients[i].ticket);
    ck_assert_int_ge(clients[i].id, 0);
    clients[i].start = now;
    clients[i].end =
        now + latencies[clients[i].id] + INFRA_US(1) * (infra_time)(i % 7 * 10);
}

static void finish(int i, uint32_t outcome)
{
    infra_time now = clients[i].end;

    if (outcome == INFRA_OUTCOME_OK) {
        served[clients[i].id]++;
        ck_assert_int_eq(infra_balancer_report(pool.reader, &clients[i].ticket,
                                               outcome, now - clients[i].start),
                         INFRA_OK);
    }
    ck_assert_int_eq(
        infra_balancer_release(pool.reader, &clients[i].ticket, outcome, now),
        INFRA_OK);
}

static int first_client(void)
{
    int first = 0;

    for (int i = 1; i < CLIENTS; i++) {
        first = clients[i].end < clients[first].end ? i : first;
    }
    return first;
}

/* Backend 1 answers errors at once while @fails. What each served is counted
 * anew. */
static void run_until(infra_time until, const infra_time *latencies, bool fails)
{
    memset(served, 0, sizeof served);
    for (int i = first_client(); clients[i].end < until; i = first_client()) {
        finish(i, fails && clients[i].id == 1 ? INFRA_OUTCOME_REFUSED
                                              : INFRA_OUTCOME_OK);
        begin(i, clients[i].end, latencies);
    }
}

static void start_run(infra_time now, const infra_time *latencies)
{
    pool_fill(&pool, 3, NULL);
    for (int i = 0; i < CLIENTS; i++) {
        begin(i, now, latencies);
    }
    run_until(now + INFRA_SEC(1), latencies, false);
}

static void end_run(void)
{
    for (int i = 0; i < CLIENTS; i++) {
        finish(i, INFRA_OUTCOME_ABANDONED);
    }
}

/* Of what was served since, backend 1 had this part of a third, in per cent. */
static uint32_t share_of_1(void)
{
    return 300 * served[1] / (served[0] + served[1] + served[2]);
}

/* As many requests as these are reset at once, whatever their mean: in the
 * second after, the backend has at least half of its share; in the one after
 * that nearly all. */
START_TEST(one_reset_costs_next_to_nothing)
{
    static const int resets[] = { 1, 5, CLIENTS, 1, 5 };
    const infra_time mean = _i < 3 ? INFRA_MS(2) : INFRA_MS(20);
    const infra_time latencies[] = { mean, mean, mean };
    infra_time now = INFRA_SEC(1001);
    int left = resets[_i];

    start_run(INFRA_SEC(1000), latencies);
    for (int i = 0; i < CLIENTS && left > 0; i++) {
        if (clients[i].id == 1) {
            left--;
            clients[i].end = now;
            finish(i, INFRA_OUTCOME_RESET);
            begin(i, now, latencies);
        }
    }
    run_until(now + INFRA_SEC(1), latencies, false);
    ck_assert_uint_ge(share_of_1(), 50);
    run_until(now + INFRA_SEC(3), latencies, false);
    run_until(now + INFRA_SEC(4), latencies, false);
    ck_assert_uint_ge(share_of_1(), 90);
    end_run();
}
END_TEST

/* A backend refuses for 0.3 s, is marked down, and comes up 3 s later: it has
 * its share at once, also where another has become slow meanwhile. */
START_TEST(who_comes_up_has_its_share)
{
    const infra_time latencies[] = { INFRA_MS(2), INFRA_MS(2), INFRA_MS(2) };
    const infra_time failing[] = { INFRA_MS(2), INFRA_US(100),
                                   _i == 0 ? INFRA_MS(2) : INFRA_MS(50) };
    const infra_time later[] = { INFRA_MS(2), INFRA_MS(2), failing[2] };
    infra_time now = INFRA_SEC(1001);

    start_run(INFRA_SEC(1000), latencies);
    run_until(now + INFRA_MS(300), failing, true);
    pool_mark(&pool, 1, INFRA_BALANCER_AXIS_HEALTH, INFRA_BALANCER_STATE_DOWN);
    ck_assert_int_eq(infra_balancer_publish(pool.balancer, now + INFRA_MS(300)),
                     INFRA_OK);
    run_until(now + INFRA_MS(3300), failing, true);
    ck_assert_uint_eq(served[1], 0);
    pool_mark(&pool, 1, INFRA_BALANCER_AXIS_HEALTH, INFRA_BALANCER_STATE_UP);
    ck_assert_int_eq(
        infra_balancer_publish(pool.balancer, now + INFRA_MS(3300)), INFRA_OK);
    run_until(now + INFRA_MS(4300), later, false);
    ck_assert_uint_ge(share_of_1(), _i == 0 ? 90 : 120);
    end_run();
}
END_TEST

/* A dead backend without a mark is tried about once a second, no more. */
START_TEST(the_dead_are_hardly_tried)
{
    const infra_time latencies[] = { INFRA_MS(2), INFRA_MS(2), INFRA_MS(2) };
    const infra_time failing[] = { INFRA_MS(2), INFRA_US(100), INFRA_MS(2) };
    infra_time now = INFRA_SEC(1001);

    start_run(INFRA_SEC(1000), latencies);
    struct infra_balancer_status before = { .size = sizeof before };
    struct infra_balancer_status after = before;
    run_until(now + INFRA_SEC(1), failing, true);
    ck_assert_int_eq(infra_balancer_inspect(pool.balancer, 1, &before), 0);
    run_until(now + INFRA_SEC(21), failing, true);
    ck_assert_int_eq(infra_balancer_inspect(pool.balancer, 1, &after), 0);
    ck_assert_uint_ge(after.failures - before.failures, 2);
    ck_assert_uint_le(after.failures - before.failures, 40);
    end_run();
}
END_TEST

/* A spare that failed once and was idle for days or years is as good as any. */
START_TEST(a_long_idle_spare_is_picked)
{
    static const unsigned days[] = { 1, 20, 27, 40, 51, 60, 800 };
    const infra_time latencies[] = { INFRA_MS(2), INFRA_MS(2), INFRA_MS(2) };
    struct infra_ticket t;
    int picked = 0;

    pool_fill(&pool, 2, NULL);
    for (int i = 0; i < 4; i++) {
        serve(INFRA_SEC(1) + INFRA_MS(i), INFRA_OUTCOME_OK, latencies);
    }
    int id = infra_balancer_pick(pool.reader, NULL, INFRA_SEC(2), &t);
    ck_assert_int_eq(infra_balancer_release(pool.reader, &t,
                                            INFRA_OUTCOME_RESET, INFRA_SEC(2)),
                     0);
    /* The other alone served all the while. */
    infra_time now = INFRA_SEC(86400) * days[_i];
    pool.balancer->slots[1 - id].latency = 0;
    infra__latency_observe(&pool.balancer->slots[1 - id], INFRA_MS(2), now);
    for (int i = 0; i < 1000; i++) {
        picked += serve(now + INFRA_MS(i), INFRA_OUTCOME_OK, latencies) == id;
    }
    ck_assert_int_ge(picked, 250);
}
END_TEST

/* A backend whose first request fails is no worse off than one that has
 * served. */
START_TEST(a_failed_start_is_forgotten)
{
    const infra_time latencies[] = { INFRA_MS(2), INFRA_MS(2) };
    struct infra_ticket t;
    int picked = 0;

    pool_fill(&pool, 2, NULL);
    int id = infra_balancer_pick(pool.reader, NULL, INFRA_SEC(1), &t);
    ck_assert_int_eq(infra_balancer_release(pool.reader, &t,
                                            INFRA_OUTCOME_RESET, INFRA_SEC(1)),
                     0);
    for (int i = 0; i < 20000; i++) {
        infra_time now = INFRA_SEC(1) + INFRA_MS(1 + i);
        bool is_it = serve(now, INFRA_OUTCOME_OK, latencies) == id;
        ck_assert(i > 5 || !is_it);
        picked += is_it && i > 10000;
    }
    ck_assert_int_ge(picked, 2500);
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
    tcase_add_test(tc, no_age_is_taken_for_none);
    tcase_add_test(tc, failures_add_multiples_of_the_mean);
    tcase_add_test(tc, one_crash_is_one_failure);
    tcase_add_test(tc, a_failure_is_never_fast);
    suite_add_tcase(s, tc);

    tc = tcase_create("policy");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, the_slow_one_is_left_alone);
    tcase_add_test(tc, the_unknown_gets_one_request);
    tcase_add_test(tc, failing_fast_attracts_nothing);
    tcase_add_loop_test(tc, one_reset_costs_next_to_nothing, 0, 5);
    tcase_add_loop_test(tc, who_comes_up_has_its_share, 0, 2);
    tcase_add_test(tc, the_dead_are_hardly_tried);
    tcase_add_loop_test(tc, a_long_idle_spare_is_picked, 0, 7);
    tcase_add_test(tc, a_failed_start_is_forgotten);
    suite_add_tcase(s, tc);
    return s;
}

int main(void)
{
    return test_main(peak_ewma_suite());
}
