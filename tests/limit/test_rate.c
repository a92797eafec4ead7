/* SPDX-License-Identifier: MIT */
/* GCRA in one word. */
#include "support.h"

#include "base/internal.h"
#include "base/random.h"

#include <infra/limit.h>

static struct infra_limit_rate rate_of(uint64_t count, infra_time period,
                                       uint64_t burst)
{
    struct infra_limit_rate r = { 0, 0 };

    ck_assert_int_eq(infra_limit_rate_of(&r, count, period, burst), INFRA_OK);
    return r;
}

/* The table of throttled's rate_test.go: one unit a second, five at once. */
START_TEST(answers_of_throttled)
{
    static const struct {
        uint32_t at_ms, cost;
        int taken;
        uint32_t remaining;
        int wait_ms; /* -1: never. */
        uint32_t state_ms;
    } rows[] = {
        { 0, 6, 0, 5, -1, 0 },          { 0, 1, 1, 4, 0, 1000 },
        { 0, 1, 1, 3, 0, 2000 },        { 0, 1, 1, 2, 0, 3000 },
        { 0, 1, 1, 1, 0, 4000 },        { 0, 1, 1, 0, 0, 5000 },
        { 0, 1, 0, 0, 1000, 5000 },     { 3000, 1, 1, 2, 0, 6000 },
        { 3100, 1, 1, 1, 0, 7000 },     { 4000, 1, 1, 1, 0, 8000 },
        { 8000, 1, 1, 4, 0, 9000 },     { 9500, 1, 1, 4, 0, 10500 },
        { 9500, 0, 1, 4, 0, 10500 },    { 9500, 2, 1, 2, 0, 12500 },
        { 9500, 5, 0, 2, 3000, 12500 },
    };
    struct infra_limit_rate r = rate_of(1, INFRA_SEC(1), 5);
    infra_time state = 0, shared = 0;

    for (size_t i = 0; i < INFRA__COUNT_OF(rows); i++) {
        infra_time now = INFRA_MS(rows[i].at_ms);
        infra_time wait = infra_limit_wait(&r, state, rows[i].cost, now);
        ck_assert_uint_eq(wait, rows[i].wait_ms < 0
                                    ? INFRA_TIME_NEVER
                                    : INFRA_MS(rows[i].wait_ms));
        ck_assert_int_eq(infra_limit_take(&r, &state, rows[i].cost, now),
                         rows[i].taken);
        ck_assert_int_eq(
            infra_limit_take_shared(&r, &shared, rows[i].cost, now),
            rows[i].taken);
        ck_assert_uint_eq(infra_limit_remaining(&r, state, now),
                          rows[i].remaining);
        ck_assert_uint_eq(state, INFRA_MS(rows[i].state_ms));
        ck_assert_uint_eq(shared, state);
    }
}
END_TEST

/* One a minute is one a minute: nginx makes it one in 62.5 s. */
START_TEST(a_rate_is_exact_to_a_nanosecond)
{
    struct infra_limit_rate r = rate_of(1, INFRA_SEC(60), 0);
    infra_time state = 0;

    ck_assert_int_eq(infra_limit_take(&r, &state, 1, INFRA_SEC(5)), 1);
    ck_assert_int_eq(infra_limit_take(&r, &state, 1, INFRA_SEC(65) - 1), 0);
    ck_assert_int_eq(infra_limit_take(&r, &state, 1, INFRA_SEC(65)), 1);
    r = rate_of(3, INFRA_SEC(1), 1);
    ck_assert_uint_eq(r.interval, 333333334); /* Rounded up. */
    r = rate_of(1000000000, INFRA_SEC(1), 1);
    ck_assert_uint_eq(r.interval, 1);
}
END_TEST

/* Rates that cannot be are refused, and NULL takes nothing. */
START_TEST(bad_rates_are_refused)
{
    struct infra_limit_rate r = { 7, 7 };
    infra_time state = 0;

    ck_assert_int_eq(infra_limit_rate_of(NULL, 1, 1, 1), INFRA_EINVAL);
    ck_assert_int_eq(infra_limit_rate_of(&r, 0, 1, 1), INFRA_EINVAL);
    ck_assert_int_eq(infra_limit_rate_of(&r, 1, 0, 1), INFRA_EINVAL);
    ck_assert_int_eq(infra_limit_rate_of(&r, 2, 1, 1), INFRA_EINVAL);
    ck_assert_int_eq(infra_limit_rate_of(&r, 1, 1, UINT64_C(1) << 63),
                     INFRA_EINVAL);
    ck_assert_int_eq(infra_limit_rate_of(&r, 1, UINT64_MAX, 2), INFRA_EINVAL);
    ck_assert_uint_eq(r.interval, 7);
    ck_assert_int_eq(infra_limit_take(NULL, &state, 1, 0), 0);
    ck_assert_int_eq(infra_limit_take(&r, NULL, 1, 0), 0);
    ck_assert_int_eq(infra_limit_take_shared(NULL, &state, 1, 0), 0);
    ck_assert_int_eq(infra_limit_take_shared(&r, NULL, 1, 0), 0);
    ck_assert_uint_eq(infra_limit_wait(NULL, 0, 1, 0), INFRA_TIME_NEVER);
    ck_assert_uint_eq(infra_limit_remaining(NULL, 0, 0), 0);
}
END_TEST

/* At the end of time nothing overflows, and a clock that goes back refills
 * nothing. */
START_TEST(time_has_an_end_and_no_way_back)
{
    struct infra_limit_rate r = rate_of(1, INFRA_SEC(1), 4);
    infra_time state = 0;

    ck_assert_int_eq(infra_limit_take(&r, &state, 1, UINT64_MAX - 5), 0);
    ck_assert_int_eq(infra_limit_take(&r, &state, UINT32_MAX, 0), 0);
    ck_assert_int_eq(infra_limit_take(&r, &state, 0, INFRA_SEC(50)), 1);
    ck_assert_uint_eq(state, 0);
    ck_assert_uint_eq(infra_limit_wait(&r, 0, 1, UINT64_MAX - 5),
                      INFRA_TIME_NEVER);
    ck_assert_int_eq(infra_limit_take(&r, &state, 4, INFRA_SEC(100)), 1);
    ck_assert_int_eq(infra_limit_take(&r, &state, 1, INFRA_SEC(99)), 0);
    ck_assert_int_eq(infra_limit_take(&r, &state, 1, 0), 0);
    ck_assert_uint_eq(infra_limit_remaining(&r, state, 0), 0);
    ck_assert_int_eq(infra_limit_take(&r, &state, 1, INFRA_SEC(101)), 1);
}
END_TEST

/* In any time w at most burst + w / interval units are taken, whatever comes;
 * and what is refused would have been too much. */
START_TEST(no_window_admits_more)
{
    enum { TAKEN_MAX = 4000 };
    static infra_time taken[TAKEN_MAX];
    uint64_t seed = 3;

    for (uint64_t burst = 1; burst <= 9; burst += 4) {
        struct infra_limit_rate r = rate_of(10, 1000, burst);
        infra_time state = 0, now = 0;
        size_t count = 0;
        while (count < TAKEN_MAX) {
            now += infra__random(&seed) % 160;
            if (infra_limit_take(&r, &state, 1, now)) {
                taken[count++] = now;
            } else {
                infra_time wait = infra_limit_wait(&r, state, 1, now);
                infra_time copy = state;
                ck_assert_int_eq(infra_limit_take(&r, &copy, 1, now + wait), 1);
                ck_assert_int_eq(
                    infra_limit_take(&r, &state, 1, now + wait - 1), 0);
            }
        }
        for (size_t i = 0; i < count; i++) {
            for (size_t k = i; k < count && k < i + 200; k++) {
                ck_assert_uint_le(k - i + 1,
                                  burst + (taken[k] - taken[i]) / r.interval);
            }
        }
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("limit_rate");
    TCase *tc = tcase_create("rate");

    tcase_add_test(tc, answers_of_throttled);
    tcase_add_test(tc, a_rate_is_exact_to_a_nanosecond);
    tcase_add_test(tc, bad_rates_are_refused);
    tcase_add_test(tc, time_has_an_end_and_no_way_back);
    tcase_add_test(tc, no_window_admits_more);
    suite_add_tcase(s, tc);
    return test_main(s);
}
