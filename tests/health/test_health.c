/* SPDX-License-Identifier: MIT */
/* Health: the counter, the change events, and which answers count. */
#include "health_machine.h"

#include "base/internal.h"

#include <string.h>

/* For each check a letter, S passed or F failed, and the counter after it. */
static const struct {
    const char *steps;
    uint32_t rise;
    uint32_t fall;
    uint32_t initial;
} sequences[] = {
    { "F3 F2 S4 F3 F2 F0 S1 S4 F3 S4", 2, 3, INFRA_HEALTH_INITIAL_FULLY_UP },
    { "F3 F2 F0 S1 F0 S1 S4 S4", 2, 3, INFRA_HEALTH_INITIAL_FULLY_UP },
    { "F0 S1 F0", 1, 1, INFRA_HEALTH_INITIAL_UP },
    { "F0 S1 F0", 1, 1, INFRA_HEALTH_INITIAL_FULLY_UP },
    { "S1 S2 F0 S1 S2 S4 F3", 3, 2, INFRA_HEALTH_INITIAL_FULLY_DOWN },
    { "F0 S1 S4", 2, 3, INFRA_HEALTH_INITIAL_UP },
    { "S4 F3", 2, 3, INFRA_HEALTH_INITIAL_UP },
    { "S4", 2, 3, INFRA_HEALTH_INITIAL_DOWN },
    { "F0 S1 S4", 2, 3, INFRA_HEALTH_INITIAL_DOWN },
    { "S1 S4", 0, 0, INFRA_HEALTH_INITIAL_FULLY_DOWN }, /* The defaults. */
};

/* A backend may start in another state than `initial` of the options. Its first
 * change is reported, and the kept state of its key takes precedence. */
START_TEST(a_backend_inherits_its_state)
{
    static const uint32_t initials[] = { INFRA_HEALTH_INITIAL_UP,
                                         INFRA_HEALTH_INITIAL_FULLY_UP,
                                         INFRA_HEALTH_INITIAL_DOWN,
                                         INFRA_HEALTH_INITIAL_FULLY_DOWN };
    static const uint32_t counters[] = { 2, 4, 1, 0 };
    struct infra_health_event e;

    health_create(
        (struct infra_health_options) { .initial = initials[3 - _i % 4] });
    ck_assert_int_eq(infra_health_set_initial(health, 0, "a", initials[_i], 0),
                     INFRA_OK);
    ck_assert_uint_eq(health_inspect(0).counter, counters[_i]);
    ck_assert_int_eq(infra_health_next(health, 0, &e), INFRA_EAGAIN);
    /* The same key: nothing changes. */
    ck_assert_int_eq(
        infra_health_set_initial(health, 0, "a", initials[3 - _i], 0),
        INFRA_OK);
    ck_assert_uint_eq(health_inspect(0).counter, counters[_i]);
    /* At another id the state is the same; it differs from this `initial`, so
     * an event follows. */
    ck_assert_int_eq(
        infra_health_set_initial(health, 1, "a", initials[3 - _i], 0),
        INFRA_OK);
    ck_assert_uint_eq(health_inspect(1).counter, counters[_i]);
    ck_assert_int_eq(infra_health_next(health, 0, &e), INFRA_OK);
    ck_assert_uint_eq(e.kind,
                      _i < 2 ? INFRA_HEALTH_EVENT_UP : INFRA_HEALTH_EVENT_DOWN);
    ck_assert_uint_eq(e.reason, INFRA_HEALTH_REASON_KEPT);
    ck_assert_int_eq(infra_health_set_initial(health, 2, "b", 4, 0),
                     INFRA_EINVAL);
    ck_assert_int_eq(infra_health_set_initial(NULL, 2, "b", 0, 0),
                     INFRA_EINVAL);
}
END_TEST

/* The counter takes HAProxy's values, and a change is reported exactly when it
 * crosses `rise`, with the outcome that caused it. */
START_TEST(counter_is_that_of_haproxy)
{
    uint32_t rise = sequences[_i].rise != 0 ? sequences[_i].rise : 2;
    uint32_t detail = 100;

    health_create(
        (struct infra_health_options) { .rise = sequences[_i].rise,
                                        .fall = sequences[_i].fall,
                                        .initial = sequences[_i].initial });
    health_set(7, "a", 0);
    for (const char *step = sequences[_i].steps; *step != '\0';) {
        struct infra_health_event e = health_next_check();
        uint32_t was_up = health_inspect(7).up;
        infra_time now = e.at + INFRA_MS(3);
        uint32_t counter = (uint32_t)(step[1] - '0');
        uint32_t outcome =
            step[0] == 'S' ? INFRA_OUTCOME_OK : INFRA_OUTCOME_REFUSED;

        ck_assert_int_eq(
            infra_health_answer(health, e.call, outcome, ++detail, now), 0);
        struct infra_health_status s = health_inspect(7);
        ck_assert_msg(s.counter == counter, "row %d at %s: %u", _i, step,
                      s.counter);
        ck_assert_uint_eq(s.up, counter >= rise);
        e = health_next(now);
        ck_assert_uint_eq(e.kind, s.up == was_up ? HEALTH_NOTHING
                                  : s.up         ? INFRA_HEALTH_EVENT_UP
                                                 : INFRA_HEALTH_EVENT_DOWN);
        if (e.kind != HEALTH_NOTHING) {
            ck_assert_uint_eq(e.id, 7);
            ck_assert_uint_eq(e.at, now);
            ck_assert_uint_eq(s.since, now);
            ck_assert_uint_eq(e.reason, s.up ? INFRA_HEALTH_REASON_RISE
                                             : INFRA_HEALTH_REASON_FALL);
            ck_assert_uint_eq(e.outcome, outcome);
            ck_assert_uint_eq(e.detail, detail);
            ck_assert_uint_eq(e.counter, counter);
            ck_assert_uint_eq(e.call, 0);
        }
        step += strspn(step, "SF0123456789");
        step += strspn(step, " ");
    }
}
END_TEST

/* For all small rise and fall, from every start, every string of six outcomes
 * agrees with the two lines of HAProxy that define the counter. */
START_TEST(counter_agrees_with_its_definition)
{
    const uint32_t rise = 1 + (uint32_t)_i % 4;
    const uint32_t fall = 1 + (uint32_t)_i / 4 % 4;
    const uint32_t initial = (uint32_t)_i / 16;
    const uint32_t starts[] = { rise, rise + fall - 1, rise - 1, 0 };

    health_create((struct infra_health_options) {
        .rise = rise, .fall = fall, .ids_max = 1, .initial = initial });
    for (uint32_t verdicts = 0; verdicts < 64; verdicts++) {
        uint32_t naive = starts[initial];
        uint32_t passed = verdicts;
        char key[] = { (char)('!' + verdicts), '\0' };
        health_set(0, key, 0);
        ck_assert_uint_eq(health_inspect(0).counter, naive);
        for (int n = 0; n < 6; n++, passed >>= 1) {
            struct infra_health_event e = health_next_check();
            if ((passed & 1u) != 0) {
                health_answer(e.call, INFRA_OUTCOME_OK, e.at);
                naive += naive < rise + fall - 1;
                naive = naive >= rise ? rise + fall - 1 : naive;
            } else {
                health_answer(e.call, INFRA_OUTCOME_TIMEOUT, e.at);
                naive -= naive > 0;
                naive = naive < rise ? 0 : naive;
            }
            ck_assert_uint_eq(health_inspect(0).counter, naive);
            (void)health_next(e.at);
        }
    }
}
END_TEST

/* Every outcome that blames the backend is a failure; the others are counted as
 * checks only. */
START_TEST(outcomes_count_by_fault)
{
    uint32_t outcome = (uint32_t)_i;
    int blames = infra_outcome_blames_backend(outcome);
    uint32_t expected = blames ? 3 : 4;

    health_create((struct infra_health_options) {
        .initial = INFRA_HEALTH_INITIAL_FULLY_UP });
    health_set(0, "a", 0);
    struct infra_health_event e = health_next_check();
    health_answer(e.call, outcome, e.at);
    ck_assert_uint_eq(health_inspect(0).counter, expected);
    ck_assert_uint_eq(health_inspect(0).checks, 1);
    ck_assert_uint_eq(health_inspect(0).failures, (uint64_t)blames);
    ck_assert_uint_eq(health_inspect(0).outcome, outcome);
}
END_TEST

/* Changes come before checks and in their own order, whatever the ids; the
 * deadline is 0 while any are left. */
START_TEST(changes_come_first_in_order)
{
    static const uint32_t order[] = { 3, 0, 2, 1 };
    uint64_t checks[4];

    health_create((struct infra_health_options) { .inter = INFRA_SEC(1) });
    for (uint32_t id = 0; id < 4; id++) {
        health_set(id, "a", 0);
    }
    for (int i = 0; i < 4; i++) {
        struct infra_health_event e = health_next(INFRA_SEC(1));
        ck_assert_uint_eq(e.kind, INFRA_HEALTH_EVENT_CHECK);
        checks[e.id] = e.call;
    }
    for (int i = 0; i < 4; i++) {
        health_answer(checks[order[i]], INFRA_OUTCOME_RESET, INFRA_SEC(1));
    }
    /* By now the next checks are due, too. Their lateness is new evidence. */
    struct infra_health_event e = health_next(INFRA_SEC(9));
    ck_assert_uint_eq(e.kind, INFRA_HEALTH_EVENT_DOUBT);
    for (int i = 0; i < 4; i++) {
        ck_assert_uint_eq(infra_health_deadline(health), 0);
        e = health_next(INFRA_SEC(9));
        ck_assert_uint_eq(e.kind, INFRA_HEALTH_EVENT_DOWN);
        ck_assert_uint_eq(e.id, order[i]);
    }
    ck_assert_uint_eq(infra_health_deadline(health), 0);
    ck_assert_uint_eq(health_next(INFRA_SEC(9)).kind, INFRA_HEALTH_EVENT_CHECK);
}
END_TEST

/* Removing a backend drops its queued change, and no other. */
START_TEST(removing_drops_what_is_queued)
{
    uint64_t checks[3];

    health_create((struct infra_health_options) { .inter = INFRA_SEC(1) });
    for (uint32_t id = 0; id < 3; id++) {
        health_set(id, "a", 0);
    }
    for (int i = 0; i < 3; i++) {
        struct infra_health_event e = health_next(INFRA_SEC(1));
        checks[e.id] = e.call;
    }
    for (int id = 0; id < 3; id++) {
        health_answer(checks[id], INFRA_OUTCOME_RESET, INFRA_SEC(1));
    }
    ck_assert_int_eq(infra_health_remove(health, 1), INFRA_OK);
    ck_assert_int_eq(infra_health_remove(health, 1), INFRA_ENOENT);
    ck_assert_uint_eq(health_next(INFRA_SEC(1)).id, 0);
    ck_assert_uint_eq(health_next(INFRA_SEC(1)).id, 2);
    ck_assert_uint_eq(health_next(INFRA_SEC(1)).kind, HEALTH_NOTHING);
    ck_assert_int_eq(infra_health_remove(health, 0), INFRA_OK);
    ck_assert_int_eq(infra_health_remove(health, 2), INFRA_OK);
    ck_assert_uint_eq(infra_health_deadline(health), INFRA_TIME_NEVER);
    ck_assert_uint_eq(health_next(INFRA_SEC(99)).kind, HEALTH_NOTHING);
}
END_TEST

/* Another key on an id starts afresh: no change of the former key is reported,
 * and its counts are gone. */
START_TEST(another_key_starts_afresh)
{
    health_create((struct infra_health_options) { .inter = INFRA_SEC(1) });
    health_set(0, "a", 0);
    struct infra_health_event e = health_next_check();
    health_answer(e.call, INFRA_OUTCOME_RESET, e.at);
    ck_assert_uint_eq(health_inspect(0).up, 0);
    infra_time now = e.at + 1;
    health_set(0, "b", now);
    ck_assert_uint_eq(health_inspect(0).up, 1);
    ck_assert_uint_eq(health_inspect(0).counter, 2);
    ck_assert_uint_eq(health_inspect(0).checks, 0);
    ck_assert_uint_eq(health_inspect(0).failures, 0);
    ck_assert_uint_eq(health_inspect(0).since, now);
    ck_assert_uint_eq(health_next(now).kind, HEALTH_NOTHING);
    e = health_next_check();
    ck_assert_uint_eq(e.reason, INFRA_HEALTH_REASON_START);
}
END_TEST

/* Setting the same key again changes nothing: neither schedule nor counter, and
 * a running check keeps its number. */
START_TEST(the_same_key_changes_nothing)
{
    health_create((struct infra_health_options) { .inter = INFRA_SEC(1) });
    health_set(0, "a", 0);
    struct infra_health_event e = health_next_check();
    infra_time now = e.at + INFRA_MS(5);
    health_set(0, "a", now);
    health_answer(e.call, INFRA_OUTCOME_OK, now);
    struct infra_health_status before = health_inspect(0);
    health_set(0, "a", now);
    struct infra_health_status after = health_inspect(0);
    ck_assert_mem_eq(&before, &after, sizeof before);
    ck_assert_uint_eq(after.counter, 4);
    ck_assert_uint_eq(after.next, e.at + INFRA_SEC(1));
}
END_TEST

/* An invalid outcome ends the check all the same, and the next check
 * follows. */
START_TEST(an_unknown_outcome_ends_the_check)
{
    health_create((struct infra_health_options) { .ids_max = 2 });
    health_set(1, "a", 0);
    uint64_t first = health_next_check().call;
    ck_assert_int_eq(infra_health_answer(health, first, 99, 0, 0),
                     INFRA_EINVAL);
    ck_assert_int_eq(infra_health_answer(health, first, 0, 0, 0), INFRA_ESTALE);
    struct infra_health_status stats = health_inspect(1);
    ck_assert_uint_eq(stats.outcome, INFRA_OUTCOME_ABANDONED);
    ck_assert_uint_eq(stats.failures, 0);
    ck_assert_uint_lt(infra_health_deadline(health), INFRA_TIME_NEVER);
    ck_assert_uint_ne(health_next_check().call, first);
}
END_TEST

/* A check is answered once, and not by the answer to an earlier check. */
START_TEST(late_verdicts_are_stale)
{
    health_create((struct infra_health_options) { .ids_max = 2 });
    health_set(1, "a", 0);
    ck_assert_int_eq(infra_health_answer(health, 1, 0, 0, 0), INFRA_ESTALE);
    uint64_t first = health_next_check().call;
    ck_assert_int_eq(infra_health_answer(health, 0, 0, 0, 0), INFRA_ESTALE);
    ck_assert_int_eq(infra_health_answer(health, first + 1, 0, 0, 0),
                     INFRA_ESTALE);
    ck_assert_int_eq(infra_health_answer(health, first - 1, 0, 0, 0),
                     INFRA_ESTALE);
    ck_assert_int_eq(infra_health_answer(health, UINT64_MAX, 0, 0, 0),
                     INFRA_ESTALE);
    health_answer(first, INFRA_OUTCOME_OK, 0);
    ck_assert_int_eq(infra_health_answer(health, first, 0, 0, 0), INFRA_ESTALE);

    uint64_t removed = health_next_check().call;
    ck_assert_uint_ne(removed, first);
    ck_assert_int_eq(infra_health_remove(health, 1), INFRA_OK);
    ck_assert_int_eq(infra_health_answer(health, removed, 0, 0, 0),
                     INFRA_ESTALE);
    health_set(1, "a", 0); /* Set again with the same key. */
    uint64_t back = health_next_check().call;
    ck_assert_int_eq(infra_health_answer(health, removed, 0, 0, 0),
                     INFRA_ESTALE);

    health_set(1, "b", 0); /* Replaced while its check runs. */
    uint64_t replaced = health_next_check().call;
    ck_assert_int_eq(infra_health_answer(health, back, 0, 0, 0), INFRA_ESTALE);
    ck_assert_uint_eq(health_inspect(1).checks, 0);
    health_answer(replaced, INFRA_OUTCOME_OK, 0);
    ck_assert_uint_eq(health_inspect(1).checks, 1);
}
END_TEST

START_TEST(arguments_are_checked)
{
    struct infra_health_event e;
    struct infra_health_status s = { .size = sizeof s };
    struct {
        struct infra_health_status v1;
        uint64_t future;
    } longer = { .v1.size = sizeof longer, .future = 1 };

    health_create((struct infra_health_options) { .ids_max = 2 });
    ck_assert_int_eq(infra_health_set(NULL, 0, "a", 0), INFRA_EINVAL);
    ck_assert_int_eq(infra_health_set(health, 2, "a", 0), INFRA_EINVAL);
    ck_assert_int_eq(infra_health_set(health, 0, NULL, 0), INFRA_EINVAL);
    ck_assert_int_eq(infra_health_set(health, 0, "", 0), INFRA_EINVAL);
    ck_assert_int_eq(infra_health_remove(NULL, 0), INFRA_EINVAL);
    ck_assert_int_eq(infra_health_remove(health, 2), INFRA_EINVAL);
    ck_assert_int_eq(infra_health_remove(health, 1), INFRA_ENOENT);
    ck_assert_int_eq(infra_health_next(NULL, 0, &e), INFRA_EINVAL);
    ck_assert_int_eq(infra_health_next(health, 0, NULL), INFRA_EINVAL);
    ck_assert_int_eq(infra_health_next(health, 0, &e), INFRA_EAGAIN);
    ck_assert_int_eq(infra_health_answer(NULL, 0, 0, 0, 0), INFRA_EINVAL);
    ck_assert_int_eq(infra_health_answer(health, 0, 11, 0, 0), INFRA_EINVAL);
    ck_assert_int_eq(infra_health_check_now(NULL, 0, 0), INFRA_EINVAL);
    ck_assert_int_eq(infra_health_check_now(health, 2, 0), INFRA_EINVAL);
    ck_assert_int_eq(infra_health_check_now(health, 1, 0), INFRA_ENOENT);
    ck_assert_uint_eq(infra_health_timeout_scale(NULL), 1000);
    ck_assert_int_eq(infra_health_inspect(NULL, 0, &s), INFRA_EINVAL);
    ck_assert_int_eq(infra_health_inspect(health, 2, &s), INFRA_EINVAL);
    ck_assert_int_eq(infra_health_inspect(health, 0, NULL), INFRA_EINVAL);
    ck_assert_int_eq(infra_health_inspect(health, 0, &s), INFRA_ENOENT);
    health_set(0, "a", 0);
    ck_assert_int_eq(infra_health_inspect(health, 0, &longer.v1), INFRA_OK);
    ck_assert_uint_eq(longer.future, 0);
    s.size = sizeof s - 1;
    ck_assert_int_eq(infra_health_inspect(health, 0, &s), INFRA_EINVAL);
    ck_assert_uint_eq(infra_health_deadline(health), health_inspect(0).next);
}
END_TEST

/* Each number has a range that includes its ends. */
START_TEST(options_have_ranges)
{
    static const struct {
        const char *name;
        struct infra_health_options o;
        int result;
    } rows[] = {
        { "all zero", { .seed = 0 }, INFRA_OK },
        { "inter least", { .inter = INFRA_MS(1) }, INFRA_OK },
        { "inter too small", { .inter = INFRA_MS(1) - 1 }, INFRA_EINVAL },
        { "fastinter too small", { .fastinter = 1 }, INFRA_EINVAL },
        { "downinter too small", { .downinter = 1 }, INFRA_EINVAL },
        { "inter greatest", { .inter = UINT64_MAX }, INFRA_OK },
        { "spread least", { .start_spread = 1 }, INFRA_OK },
        { "ids greatest", { .ids_max = INFRA_HEALTH_IDS_MAX }, INFRA_OK },
        { "ids too many", { .ids_max = INFRA_HEALTH_IDS_MAX + 1 }, -2 },
        { "rise greatest", { .rise = INFRA_HEALTH_RISE_MAX }, INFRA_OK },
        { "rise too great", { .rise = INFRA_HEALTH_RISE_MAX + 1 }, -2 },
        { "fall greatest", { .fall = INFRA_HEALTH_RISE_MAX }, INFRA_OK },
        { "fall too great", { .fall = INFRA_HEALTH_RISE_MAX + 1 }, -2 },
        { "jitter greatest", { .jitter_percent = 50 }, INFRA_OK },
        { "jitter too great", { .jitter_percent = 51 }, INFRA_EINVAL },
        { "initial greatest", { .initial = 3 }, INFRA_OK },
        { "initial unknown", { .initial = 4 }, INFRA_EINVAL },
        { "reserved", { .reserved = 1 }, INFRA_ESTRUCT },
    };

    for (size_t i = 0; i < INFRA__COUNT_OF(rows); i++) {
        struct infra_health_options o = rows[i].o;
        struct infra_health *h = NULL;
        o.size = sizeof o;
        int err = infra_health_create(&h, &o);
        ck_assert_msg(err == rows[i].result, "%s: %d", rows[i].name, err);
        ck_assert_int_eq(h == NULL, err != INFRA_OK);
        infra_health_destroy(h);
    }
    ck_assert_int_eq(infra_health_create(NULL, NULL), INFRA_EINVAL);
    ck_assert_int_eq(infra_health_create(&health, NULL), INFRA_OK);
    ck_assert_int_eq(infra_health_set(health, 63, "a", 0), INFRA_OK);
    ck_assert_int_eq(infra_health_set(health, 64, "a", 0), INFRA_EINVAL);
}
END_TEST

/* A newer caller: a zero tail is accepted, any other refused. An older one. */
START_TEST(options_of_any_age)
{
    struct {
        struct infra_health_options v1;
        uint64_t future;
    } o = { .v1.size = sizeof o };
    struct infra_health *h = NULL;

    ck_assert_int_eq(infra_health_create(&h, &o.v1), INFRA_OK);
    infra_health_destroy(h);
    o.future = 1;
    ck_assert_int_eq(infra_health_create(&h, &o.v1), INFRA_ESTRUCT);
    o.v1.size = sizeof o.v1 - 1;
    ck_assert_int_eq(infra_health_create(&h, &o.v1), INFRA_EINVAL);
}
END_TEST

/* Whichever allocation fails, nothing is left behind; later calls do not
 * allocate. */
START_TEST(every_allocation_may_fail)
{
    struct infra_health_options o = { .size = sizeof o,
                                      .allocator = &health_heap.allocator };
    long n = 0;

    for (;; n++) {
        test_heap_init(&health_heap, n);
        int err = infra_health_create(&health, &o);
        if (err == INFRA_OK) {
            break;
        }
        ck_assert_int_eq(err, INFRA_ENOMEM);
        ck_assert_ptr_null(health);
        ck_assert_int_eq(health_heap.live, 0);
    }
    ck_assert_int_ge(n, 1);
    health_set(0, "a", 0);
    struct infra_health_event e = health_next_check();
    health_answer(e.call, INFRA_OUTCOME_RESET, e.at);
    ck_assert_uint_eq(health_next(e.at).kind, INFRA_HEALTH_EVENT_DOWN);
    ck_assert_int_eq(health_heap.calls, n);
}
END_TEST

START_TEST(reasons_are_named)
{
    for (uint32_t a = 0; a <= INFRA_HEALTH_REASON_ANSWERED; a++) {
        ck_assert_str_ne(infra_health_reason_name(a), "unknown");
        for (uint32_t b = 0; b < a; b++) {
            ck_assert_str_ne(infra_health_reason_name(a),
                             infra_health_reason_name(b));
        }
    }
    ck_assert_str_eq(infra_health_reason_name(INFRA_HEALTH_REASON_FALL),
                     "fall");
    ck_assert_str_eq(infra_health_reason_name(INFRA_HEALTH_REASON_ANSWERED + 1),
                     "unknown");
}
END_TEST

static Suite *health_suite(void)
{
    Suite *s = suite_create("health");
    TCase *tc = tcase_create("counter");
    tcase_add_checked_fixture(tc, health_setup, health_teardown);
    tcase_add_loop_test(tc, counter_is_that_of_haproxy, 0,
                        INFRA__COUNT_OF(sequences));
    tcase_add_loop_test(tc, a_backend_inherits_its_state, 0, 4);
    tcase_add_loop_test(tc, counter_agrees_with_its_definition, 0, 4 * 4 * 4);
    tcase_add_loop_test(tc, outcomes_count_by_fault, 0,
                        INFRA_OUTCOME_STALE + 1);
    suite_add_tcase(s, tc);

    tc = tcase_create("backends");
    tcase_add_checked_fixture(tc, health_setup, health_teardown);
    tcase_add_test(tc, changes_come_first_in_order);
    tcase_add_test(tc, removing_drops_what_is_queued);
    tcase_add_test(tc, another_key_starts_afresh);
    tcase_add_test(tc, the_same_key_changes_nothing);
    tcase_add_test(tc, an_unknown_outcome_ends_the_check);
    tcase_add_test(tc, late_verdicts_are_stale);
    suite_add_tcase(s, tc);

    tc = tcase_create("contract");
    tcase_add_checked_fixture(tc, health_setup, health_teardown);
    tcase_add_test(tc, arguments_are_checked);
    tcase_add_test(tc, options_have_ranges);
    tcase_add_test(tc, options_of_any_age);
    tcase_add_test(tc, every_allocation_may_fail);
    tcase_add_test(tc, reasons_are_named);
    suite_add_tcase(s, tc);
    return s;
}

int main(void)
{
    return test_main(health_suite());
}
