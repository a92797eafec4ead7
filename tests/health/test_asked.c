/* SPDX-License-Identifier: MIT */
/* Health: checks on request of the traffic. */
#include "health_machine.h"

#include "base/random.h"

#define INTER INFRA_MS(2000)
#define FASTINTER INFRA_MS(300)

static infra_time first; /* The first regular check after setup. */

static void ask(infra_time now)
{
    ck_assert_int_eq(infra_health_check_now(health, 0, now), INFRA_OK);
}

static struct infra_health_event expect_check(uint32_t reason, infra_time at)
{
    ck_assert_uint_eq(health_inspect(0).next, at);
    struct infra_health_event e = health_next(at);
    ck_assert_uint_eq(e.kind, INFRA_HEALTH_EVENT_CHECK);
    ck_assert_uint_eq(e.at, at);
    ck_assert_uint_eq(e.reason, reason);
    return e;
}

/* One backend, up, checked once. */
static void setup(void)
{
    health_setup();
    health_create((struct infra_health_options) { .inter = INTER,
                                                  .fastinter = FASTINTER });
    health_set(0, "a", 0);
    struct infra_health_event e = health_next_check();
    health_answer(e.call, INFRA_OUTCOME_OK, e.at);
    first = health_inspect(0).next;
    ck_assert_uint_eq(first, e.at + INTER);
}

/* A requested check is due at once, and the later ones stay where they were. */
START_TEST(asked_is_due_at_once)
{
    infra_time now = first - INFRA_MS(1000);

    ask(now);
    ck_assert_uint_eq(infra_health_deadline(health), 0);
    struct infra_health_event e = expect_check(INFRA_HEALTH_REASON_ASKED, now);
    health_answer(e.call, INFRA_OUTCOME_OK, now + INFRA_MS(20));
    e = expect_check(INFRA_HEALTH_REASON_INTER, first);
    health_answer(e.call, INFRA_OUTCOME_OK, first);
    (void)expect_check(INFRA_HEALTH_REASON_INTER, first + INTER);
}
END_TEST

/* Never sooner than fastinter after the last check began, whether that was
 * regular or requested, and however many requests come. */
START_TEST(asking_does_not_exceed_fastinter)
{
    infra_time last = first - INTER;

    for (int i = 0; i < 4; i++) {
        for (infra_time t = 0; t < FASTINTER; t += INFRA_MS(50)) {
            ask(last + t);
            ck_assert_uint_eq(health_inspect(0).next, last + FASTINTER);
            ck_assert_uint_eq(health_next(last + t).kind, HEALTH_NOTHING);
        }
        last += FASTINTER;
        struct infra_health_event e =
            expect_check(INFRA_HEALTH_REASON_ASKED, last);
        health_answer(e.call, INFRA_OUTCOME_OK, last);
        ck_assert_uint_eq(health_inspect(0).next, first);
    }
}
END_TEST

/* The next regular check keeps fastinter as well: it is skipped if it would
 * follow sooner. */
START_TEST(a_regular_check_too_close_is_skipped)
{
    infra_time now = first - FASTINTER + (_i == 0 ? 0 : 1);

    ask(now);
    health_answer(expect_check(INFRA_HEALTH_REASON_ASKED, now).call,
                  INFRA_OUTCOME_OK, now);
    ck_assert_uint_eq(health_inspect(0).next, _i == 0 ? first : first + INTER);
}
END_TEST

/* An earlier regular check stays as it is. */
START_TEST(asking_delays_nothing)
{
    ask(first - INFRA_MS(1));
    ck_assert_uint_eq(health_inspect(0).next, first - INFRA_MS(1));
    ask(first - INFRA_MS(1));
    health_answer(
        expect_check(INFRA_HEALTH_REASON_ASKED, first - INFRA_MS(1)).call,
        INFRA_OUTCOME_ERROR, first);
    infra_time soon = health_inspect(0).next;
    ck_assert_uint_ge(soon, first - INFRA_MS(1) + FASTINTER);
    ck_assert_uint_lt(soon, first - INFRA_MS(1) + 2 * FASTINTER);
    ask(first);
    ck_assert_uint_eq(health_inspect(0).next, first - INFRA_MS(1) + FASTINTER);
}
END_TEST

/* A request while a check runs: no second check beside it, but another one
 * fastinter after it began, instead of a whole inter. */
START_TEST(asked_in_a_check_follows_it)
{
    struct infra_health_event e =
        expect_check(INFRA_HEALTH_REASON_INTER, first);

    ask(first + INFRA_MS(10));
    ask(first + INFRA_MS(11));
    ck_assert_uint_eq(health_next(first + INFRA_MS(11)).kind, HEALTH_NOTHING);
    health_answer(e.call, INFRA_OUTCOME_OK, first + INFRA_MS(12));
    e = expect_check(INFRA_HEALTH_REASON_ASKED, first + FASTINTER);
    health_answer(e.call, INFRA_OUTCOME_OK, first + FASTINTER);
    (void)expect_check(INFRA_HEALTH_REASON_INTER, first + INTER);
}
END_TEST

/* A request that was served, or whose backend is removed, is forgotten. */
START_TEST(a_wish_is_granted_once)
{
    struct infra_health_event e =
        expect_check(INFRA_HEALTH_REASON_INTER, first);

    ask(first);
    ck_assert_int_eq(infra_health_remove(health, 0), INFRA_OK);
    ck_assert_int_eq(infra_health_set(health, 0, "b", first), INFRA_OK);
    infra_time at = health_inspect(0).next;
    e = expect_check(INFRA_HEALTH_REASON_START, at);
    health_answer(e.call, INFRA_OUTCOME_OK, at);
    ck_assert_uint_eq(health_inspect(0).next, at + INTER);
}
END_TEST

/* The first check may be requested; it is then not spread. */
START_TEST(the_first_check_may_be_asked_for)
{
    ck_assert_int_eq(infra_health_set(health, 0, "b", first), INFRA_OK);
    infra_time spread = health_inspect(0).next;
    ck_assert_uint_gt(spread, first);
    ask(first);
    struct infra_health_event e =
        expect_check(INFRA_HEALTH_REASON_ASKED, first);
    health_answer(e.call, INFRA_OUTCOME_OK, first);
    /* From then on it is in its phase. */
    ck_assert_uint_eq((health_inspect(0).next - spread) % INTER, 0);
    ck_assert_uint_ge(health_inspect(0).next, first + FASTINTER);
}
END_TEST

/* Requests at random times, outcomes of all kinds: never two checks at once,
 * and a requested check keeps its distance from the previous one. */
START_TEST(asking_at_random_keeps_its_distance)
{
    uint64_t random = (uint64_t)_i;
    infra_time began = first - INTER;
    infra_time now = began;
    struct infra_health_event running = { 0 };
    uint32_t asked = 0;

    for (int step = 0; step < 5000; step++) {
        now += INFRA_MS(infra__below(infra__random(&random), 60));
        if (infra__below(infra__random(&random), 4) == 0) {
            ask(now);
        }
        if (running.call != 0) {
            health_answer(
                running.call,
                infra__below(infra__random(&random), INFRA_OUTCOME_DEGRADED),
                now);
            running.call = 0;
        }
        for (struct infra_health_event e = health_next(now);
             e.kind != HEALTH_NOTHING; e = health_next(now)) {
            if (e.kind == INFRA_HEALTH_EVENT_CHECK) {
                ck_assert_uint_eq(running.call, 0);
                if (e.reason == INFRA_HEALTH_REASON_ASKED) {
                    ck_assert_uint_ge(now - began, FASTINTER);
                    asked++;
                }
                running = e;
                began = now;
            }
        }
    }
    ck_assert_uint_gt(asked, 50);
}
END_TEST

static Suite *asked_suite(void)
{
    Suite *s = suite_create("health_asked");
    TCase *tc = tcase_create("asked");
    tcase_add_checked_fixture(tc, setup, health_teardown);
    tcase_add_test(tc, asked_is_due_at_once);
    tcase_add_test(tc, asking_does_not_exceed_fastinter);
    tcase_add_loop_test(tc, a_regular_check_too_close_is_skipped, 0, 2);
    tcase_add_test(tc, asking_delays_nothing);
    tcase_add_test(tc, asked_in_a_check_follows_it);
    tcase_add_test(tc, a_wish_is_granted_once);
    tcase_add_test(tc, the_first_check_may_be_asked_for);
    tcase_add_loop_test(tc, asking_at_random_keeps_its_distance, 0, 4);
    suite_add_tcase(s, tc);
    return s;
}

int main(void)
{
    return test_main(asked_suite());
}
