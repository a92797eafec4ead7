/* SPDX-License-Identifier: MIT */
/* When health checks are due: intervals, spread, jitter, and what a late loop
 * does. */
#include "health_machine.h"

#include "base/internal.h"
#include "base/random.h"

#include <stdio.h>
#include <string.h>

/* The next check at the deadline, skipping other events. */
static struct infra_health_event next_check(void)
{
    struct infra_health_event e;

    do {
        e = health_next(infra_health_deadline(health));
    } while (e.kind != INFRA_HEALTH_EVENT_CHECK && e.kind != HEALTH_NOTHING);
    ck_assert_uint_eq(e.kind, INFRA_HEALTH_EVENT_CHECK);
    return e;
}

static infra_time due(uint32_t id)
{
    return health_inspect(id).next;
}

/* An interval starts when the previous check was due; the counter chooses it,
 * and the reason names it. */
START_TEST(the_counter_chooses_the_interval)
{
    static const struct {
        const char *name;
        uint32_t outcome;
        infra_time interval;
        uint32_t reason;
    } rows[] = {
        { "rises", INFRA_OUTCOME_OK, INFRA_MS(2000),
          INFRA_HEALTH_REASON_INTER },
        { "stays", INFRA_OUTCOME_OK, INFRA_MS(2000),
          INFRA_HEALTH_REASON_INTER },
        { "says nothing", INFRA_OUTCOME_LOCAL, INFRA_MS(300),
          INFRA_HEALTH_REASON_FASTINTER },
        { "says nothing", INFRA_OUTCOME_ABANDONED, INFRA_MS(300),
          INFRA_HEALTH_REASON_FASTINTER },
        { "is back", INFRA_OUTCOME_OK, INFRA_MS(2000),
          INFRA_HEALTH_REASON_INTER },
        { "first failure", INFRA_OUTCOME_ERROR, INFRA_MS(300),
          INFRA_HEALTH_REASON_FASTINTER },
        { "second", INFRA_OUTCOME_ERROR, INFRA_MS(300),
          INFRA_HEALTH_REASON_FASTINTER },
        { "down", INFRA_OUTCOME_ERROR, INFRA_MS(5000),
          INFRA_HEALTH_REASON_DOWNINTER },
        { "still down", INFRA_OUTCOME_ERROR, INFRA_MS(5000),
          INFRA_HEALTH_REASON_DOWNINTER },
        { "rising", INFRA_OUTCOME_OK, INFRA_MS(300),
          INFRA_HEALTH_REASON_FASTINTER },
        { "up", INFRA_OUTCOME_OK, INFRA_MS(2000), INFRA_HEALTH_REASON_INTER },
    };

    health_create((struct infra_health_options) {
        .fastinter = INFRA_MS(300), .downinter = INFRA_MS(5000) });
    health_set(0, "a", 0);
    struct infra_health_event e = next_check();
    ck_assert_uint_eq(e.reason, INFRA_HEALTH_REASON_START);
    for (size_t i = 0; i < INFRA__COUNT_OF(rows); i++) {
        infra_time last = e.at;
        /* Whatever the check took, as long as the loop runs. */
        for (infra_time t = 0; t <= INFRA_MS(25 * i); t += INFRA_MS(25)) {
            ck_assert_uint_eq(health_next(last + t).kind, HEALTH_NOTHING);
        }
        health_answer(e.call, rows[i].outcome, last + INFRA_MS(25 * i));
        e = next_check();
        ck_assert_msg(e.at == last + rows[i].interval, "%s: after %llu ns",
                      rows[i].name, (unsigned long long)(e.at - last));
        ck_assert_msg(e.reason == rows[i].reason, "%s: %s", rows[i].name,
                      infra_health_reason_name(e.reason));
    }
}
END_TEST

/* fastinter and downinter default to inter. */
START_TEST(inter_is_the_interval_by_default)
{
    health_create((struct infra_health_options) { .inter = INFRA_SEC(7) });
    health_set(0, "a", 0);
    for (int i = 0; i < 6; i++) {
        struct infra_health_event e = next_check();
        health_answer(e.call, INFRA_OUTCOME_ERROR, e.at);
        ck_assert_uint_eq(due(0), e.at + INFRA_SEC(7));
    }
}
END_TEST

/* First checks spread evenly over start_spread, by the key alone if there is no
 * seed. */
START_TEST(first_checks_are_spread_by_key)
{
    enum { COUNT = 4000, BINS = 10 };
    const infra_time spread = _i == 0 ? INFRA_SEC(2) : INFRA_MS(500);
    unsigned bins[BINS] = { 0 };
    char key[32];

    health_create((struct infra_health_options) {
        .ids_max = COUNT + 1, .start_spread = _i == 0 ? 0 : spread });
    for (uint32_t id = 0; id < COUNT; id++) {
        (void)snprintf(key, sizeof key, "10.0.%u.%u:80", id / 250, id % 250);
        health_set(id, key, INFRA_SEC(100));
        ck_assert_uint_ge(due(id), INFRA_SEC(100));
        ck_assert_uint_lt(due(id), INFRA_SEC(100) + spread);
        bins[(due(id) - INFRA_SEC(100)) * BINS / spread]++;
    }
    for (int i = 0; i < BINS; i++) {
        /* 400 expected, sigma 19: six of them. */
        ck_assert_msg(bins[i] > 286 && bins[i] < 514, "bin %d: %u", i, bins[i]);
    }
    health_set(COUNT, "10.0.0.7:80", INFRA_SEC(100)); /* The key of id 7. */
    ck_assert_uint_eq(due(COUNT), due(7));
}
END_TEST

/* Checkers with different seeds, started together, check at independent times,
 * evenly over the interval, and at the same times after a restart. */
START_TEST(seeds_keep_checkers_apart)
{
    enum { CHECKERS = 4000, BINS = 10 };
    const infra_time inter = INFRA_SEC(2);
    unsigned bins[BINS] = { 0 };

    for (uint64_t seed = 1; seed <= CHECKERS; seed++) {
        infra_time again = 0;
        for (int i = 0; i < 2; i++) {
            health_create((struct infra_health_options) { .seed = seed });
            health_set(0, "10.0.0.7:80", INFRA_SEC(100));
            ck_assert(i == 0 || due(0) == again);
            again = due(0);
            infra_health_destroy(health);
            health = NULL;
        }
        bins[(again - INFRA_SEC(100)) * BINS / inter]++;
    }
    for (int i = 0; i < BINS; i++) {
        ck_assert_msg(bins[i] > 286 && bins[i] < 514, "bin %d: %u", i, bins[i]);
    }
}
END_TEST

/* With jitter, intervals fill interval +- percent and no more; the same seed
 * gives the same intervals, another seed others. */
START_TEST(jitter_keeps_its_bounds)
{
    const infra_time inter = INFRA_SEC(2), width = INFRA_MS(100);
    infra_time last[3] = { 0 };
    unsigned equal_to_other_seed = 0;

    for (int run = 0; run < 3; run++) {
        infra_time least = INFRA_TIME_NEVER, greatest = 0;
        health_create((struct infra_health_options) {
            .jitter_percent = 5, .seed = run == 2 ? 7 : 0 });
        health_set(0, "a", 0);
        struct infra_health_event e = next_check();
        for (int i = 0; i < 2000; i++) {
            health_answer(e.call, INFRA_OUTCOME_OK, e.at);
            infra_time interval = due(0) - e.at;
            least = interval < least ? interval : least;
            greatest = interval > greatest ? interval : greatest;
            e = next_check();
        }
        last[run] = e.at;
        ck_assert_uint_ge(least, inter - width);
        ck_assert_uint_le(least, inter - width + width / 50);
        ck_assert_uint_le(greatest, inter + width);
        ck_assert_uint_ge(greatest, inter + width - width / 50);
        infra_health_destroy(health);
        health = NULL;
    }
    equal_to_other_seed = last[0] == last[2];
    ck_assert_uint_eq(last[0], last[1]);
    ck_assert_uint_eq(equal_to_other_seed, 0);
}
END_TEST

/* A late loop gets each check once, and the phases stay. */
START_TEST(a_late_loop_skips_and_does_not_burst)
{
    enum { COUNT = 20 };
    infra_time first[COUNT];
    infra_time now = INFRA_MS(10300);
    char key[16];

    health_create((struct infra_health_options) { .inter = INFRA_SEC(1) });
    for (uint32_t id = 0; id < COUNT; id++) {
        (void)snprintf(key, sizeof key, "key %u", id);
        health_set(id, key, 0);
        first[id] = due(id);
    }
    infra_time previous = 0;
    for (uint32_t i = 0; i < COUNT; i++) {
        struct infra_health_event e =
            health_next(now); /* The first: no doubt yet. */
        ck_assert_uint_eq(e.kind, INFRA_HEALTH_EVENT_CHECK);
        ck_assert_uint_eq(e.at, first[e.id]); /* When it was due. */
        ck_assert_uint_ge(e.at, previous);    /* Oldest first. */
        previous = e.at;
        health_answer(e.call, INFRA_OUTCOME_OK, now);
    }
    ck_assert_uint_eq(health_next(now).kind, HEALTH_NOTHING);
    for (uint32_t id = 0; id < COUNT; id++) {
        ck_assert_uint_ge(due(id), now);
        ck_assert_uint_lt(due(id), now + INFRA_SEC(1));
        ck_assert_uint_eq(due(id) % INFRA_SEC(1), first[id] % INFRA_SEC(1));
    }
}
END_TEST

/* A check that ends when the next is due is followed at once; one that ends
 * just after that, a whole interval later. */
START_TEST(long_checks_skip_only_what_has_passed)
{
    health_create((struct infra_health_options) { .inter = INFRA_SEC(1) });
    health_set(0, "a", 0);
    struct infra_health_event e = next_check();
    health_answer(e.call, INFRA_OUTCOME_OK, e.at + INFRA_SEC(1));
    ck_assert_uint_eq(due(0), e.at + INFRA_SEC(1));
    e = next_check();
    health_answer(e.call, INFRA_OUTCOME_OK, e.at + INFRA_SEC(1) + 1);
    ck_assert_uint_eq(due(0), e.at + INFRA_SEC(2));
}
END_TEST

/* While a check runs, however long, no other check of that backend begins. */
START_TEST(one_check_at_a_time)
{
    health_create((struct infra_health_options) { .inter = INFRA_SEC(1) });
    health_set(0, "a", 0);
    struct infra_health_event e = next_check();
    ck_assert_uint_eq(due(0), INFRA_TIME_NEVER);
    for (infra_time now = e.at; now < INFRA_SEC(100);) {
        ck_assert_uint_eq(health_next(now).kind, HEALTH_NOTHING);
        /* Only the beat, which shows that the loop runs. */
        ck_assert_uint_eq(infra_health_deadline(health),
                          now + INFRA_HEALTH_LATE);
        now = infra_health_deadline(health);
    }
    health_answer(e.call, INFRA_OUTCOME_OK, INFRA_SEC(100));
    ck_assert_uint_eq(infra_health_deadline(health), due(0));
    ck_assert_uint_ge(due(0), INFRA_SEC(100));
}
END_TEST

/* A smaller time counts as equal, in every call that takes one. */
START_TEST(time_does_not_go_back)
{
    health_create((struct infra_health_options) { .inter = INFRA_SEC(1) });
    health_set(0, "a", INFRA_SEC(50));
    infra_time first = due(0);
    struct infra_health_event e = health_next(INFRA_SEC(60));
    ck_assert_uint_eq(e.at, first);
    health_set(1, "b", 3);
    ck_assert_uint_ge(due(1), INFRA_SEC(60));
    health_answer(e.call, INFRA_OUTCOME_RESET, 5);
    ck_assert_uint_eq(health_next(0).at, INFRA_SEC(60));
    ck_assert_uint_ge(due(0), INFRA_SEC(60));
    ck_assert_int_eq(infra_health_check_now(health, 1, 7), INFRA_OK);
    ck_assert_uint_eq(due(1), INFRA_SEC(60));
}
END_TEST

/* At the end of time nothing wraps: a later time is never due. */
START_TEST(time_saturates)
{
    health_create((struct infra_health_options) { .inter = UINT64_MAX,
                                                  .start_spread = 1,
                                                  .jitter_percent = 50,
                                                  .seed = (uint64_t)_i });
    health_set(0, "a", INFRA_SEC(1));
    struct infra_health_event e = next_check();
    health_answer(e.call, INFRA_OUTCOME_OK, INFRA_SEC(1));
    ck_assert_uint_ge(due(0), UINT64_MAX / 2);
    if (due(0) == INFRA_TIME_NEVER) {
        ck_assert_uint_eq(health_next(INFRA_TIME_NEVER).kind, HEALTH_NOTHING);
    }
}
END_TEST

static Suite *schedule_suite(void)
{
    Suite *s = suite_create("health_schedule");
    TCase *tc = tcase_create("intervals");
    tcase_add_checked_fixture(tc, health_setup, health_teardown);
    tcase_add_test(tc, the_counter_chooses_the_interval);
    tcase_add_test(tc, inter_is_the_interval_by_default);
    tcase_add_loop_test(tc, first_checks_are_spread_by_key, 0, 2);
    tcase_add_test(tc, seeds_keep_checkers_apart);
    tcase_add_test(tc, jitter_keeps_its_bounds);
    suite_add_tcase(s, tc);

    tc = tcase_create("late");
    tcase_add_checked_fixture(tc, health_setup, health_teardown);
    tcase_add_test(tc, a_late_loop_skips_and_does_not_burst);
    tcase_add_test(tc, long_checks_skip_only_what_has_passed);
    tcase_add_test(tc, one_check_at_a_time);
    tcase_add_test(tc, time_does_not_go_back);
    tcase_add_loop_test(tc, time_saturates, 0, 20);
    suite_add_tcase(s, tc);

    return s;
}

int main(void)
{
    return test_main(schedule_suite());
}
