/* SPDX-License-Identifier: MIT */
/* Health: backends that work and ask for less traffic. */
#include "health_machine.h"

#include "base/internal.h"

#include <string.h>

static void create(struct infra_health_options o)
{
    health_create(o);
    health_set(5, "a", 0);
}

/* The outcome of a step of a script. */
static uint32_t outcome_of(char step)
{
    return step == 'S'   ? INFRA_OUTCOME_OK
           : step == 'D' ? INFRA_OUTCOME_DEGRADED
           : step == 'F' ? INFRA_OUTCOME_ERROR
                         : INFRA_OUTCOME_ABANDONED;
}

/* For each check a letter: Success, Degraded, Failure, Nothing; then the
 * counter; then the event, if any: Up, deGraded, Low. Rise 2, fall 3. */
static const struct {
    const char *steps;
    uint32_t initial;
} scripts[] = {
    /* Degraded counts as a pass, and is reported at once. */
    { "D4g D4 S4u S4 D4g F3 F2 F0l", INFRA_HEALTH_INITIAL_UP },
    /* Failures on the way leave the mark, and so do outcomes that do not
     * count. */
    { "D4g F3 N3 F2 D4 F3 S4u", INFRA_HEALTH_INITIAL_UP },
    /* It comes up as its last pass says. */
    { "D1 D4g", INFRA_HEALTH_INITIAL_FULLY_DOWN },
    { "D1 S4u D4g", INFRA_HEALTH_INITIAL_FULLY_DOWN },
    { "S1 D4g S4u", INFRA_HEALTH_INITIAL_FULLY_DOWN },
    /* Down clears the mark. */
    { "D4g F3 F2 F0l S1 S4u", INFRA_HEALTH_INITIAL_UP },
    { "D4g F3 F2 F0l F0 D1 D4g F3 F2 F0l", INFRA_HEALTH_INITIAL_UP },
    { "D1 F0 S1 S4u", INFRA_HEALTH_INITIAL_FULLY_DOWN },
    { "F0l D1 D4g", INFRA_HEALTH_INITIAL_UP },
};

static void expect_event(char kind, uint32_t was, char step, infra_time now)
{
    struct infra_health_event e = health_next(now);

    if (kind != 'u' && kind != 'g' && kind != 'l') {
        ck_assert_uint_eq(e.kind, HEALTH_NOTHING);
        return;
    }
    uint32_t expected = kind == 'u'   ? INFRA_HEALTH_EVENT_UP
                        : kind == 'g' ? INFRA_HEALTH_EVENT_DEGRADED
                                      : INFRA_HEALTH_EVENT_DOWN;
    uint32_t reason = kind == 'l'   ? INFRA_HEALTH_REASON_FALL
                      : was == 0    ? INFRA_HEALTH_REASON_RISE
                      : kind == 'u' ? INFRA_HEALTH_REASON_RELIEVED
                                    : INFRA_HEALTH_REASON_DEGRADED;
    ck_assert_uint_eq(e.kind, expected);
    ck_assert_uint_eq(e.reason, reason);
    ck_assert_uint_eq(e.at, now);
    ck_assert_uint_eq(e.outcome, outcome_of(step));
    ck_assert_int_eq((int)e.detail, step);
    ck_assert_uint_eq(health_inspect(5).since, now);
    ck_assert_uint_eq(health_inspect(5).degraded, kind == 'g');
    ck_assert_uint_eq(health_inspect(5).up, kind != 'l');
    ck_assert_uint_eq(health_next(now).kind, HEALTH_NOTHING);
}

/* Degraded is a pass with a request: it counts as a pass, and one outcome is
 * enough in both directions. */
START_TEST(degraded_is_a_pass_with_a_wish)
{
    create((struct infra_health_options) { .initial = scripts[_i].initial });
    for (const char *step = scripts[_i].steps; *step != '\0';) {
        struct infra_health_event e =
            health_next(infra_health_deadline(health));
        ck_assert_uint_eq(e.kind, INFRA_HEALTH_EVENT_CHECK);
        infra_time now = e.at + INFRA_MS(3);
        uint32_t was = health_inspect(5).up;
        ck_assert_int_eq(infra_health_answer(health, e.call, outcome_of(*step),
                                             (uint32_t)*step, now),
                         INFRA_OK);
        ck_assert_msg(health_inspect(5).counter == (uint32_t)(step[1] - '0'),
                      "row %d at %s: %u", _i, step, health_inspect(5).counter);
        expect_event(step[2], was, *step, now);
        step += strcspn(step, " ");
        step += strspn(step, " ");
    }
}
END_TEST

/* A degraded backend is checked like any other that is up. */
START_TEST(degraded_is_checked_as_up)
{
    create((struct infra_health_options) { .inter = INFRA_SEC(2),
                                           .fastinter = INFRA_MS(300) });
    struct infra_health_event e = health_next(infra_health_deadline(health));
    ck_assert_int_eq(
        infra_health_answer(health, e.call, INFRA_OUTCOME_DEGRADED, 0, e.at),
        INFRA_OK);
    ck_assert_uint_eq(health_inspect(5).next, e.at + INFRA_SEC(2));
    ck_assert_uint_eq(health_inspect(5).failures, 0);
    ck_assert_uint_eq(health_inspect(5).checks, 1);
}
END_TEST

static Suite *degraded_suite(void)
{
    Suite *s = suite_create("health_degraded");
    TCase *tc = tcase_create("degraded");
    tcase_add_checked_fixture(tc, health_setup, health_teardown);
    tcase_add_loop_test(tc, degraded_is_a_pass_with_a_wish, 0,
                        INFRA__COUNT_OF(scripts));
    tcase_add_test(tc, degraded_is_checked_as_up);
    suite_add_tcase(s, tc);
    return s;
}

int main(void)
{
    return test_main(degraded_suite());
}
