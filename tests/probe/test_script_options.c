/* SPDX-License-Identifier: MIT */
/* Scripts that are allowed, and scripts that are not. */
#include "probing.h"

#include "base/internal.h"

#include <infra/probe.h>
#include <string.h>

static int create(const struct infra_probe_step *steps, size_t count)
{
    const struct infra_probe_script_options o = { .size = sizeof o,
                                                  .allocator =
                                                      &probing.heap.allocator,
                                                  .steps = steps,
                                                  .steps_count = count };

    return infra_probe_script(&probing.probe, &o);
}

#define SEND INFRA_PROBE_STEP_SEND
#define EXPECT INFRA_PROBE_STEP_EXPECT
#define START INFRA_PROBE_STEP_EXPECT_START
#define END INFRA_PROBE_STEP_EXPECT_END
#define REFUSE INFRA_PROBE_STEP_REFUSE

static char long_text[4098];

/* Sizes at their limit are allowed, sizes above it are not. */
static const struct {
    const char *name;
    struct infra_probe_step steps[3];
    size_t steps_count;
    int result;
} rows[] = {
    { "no steps", { { .bytes = "a" } }, 0, INFRA_EINVAL },
    { "an unknown kind",
      { { .bytes = "a", .kind = REFUSE + 1 } },
      1,
      INFRA_EINVAL },
    { "send 4096", { { .bytes = long_text + 1, .kind = SEND } }, 1, INFRA_OK },
    { "send 4097", { { .bytes = long_text, .kind = SEND } }, 1, INFRA_EINVAL },
    { "send nothing", { { .bytes = "", .kind = SEND } }, 1, INFRA_EINVAL },
    { "send NULL", { { .bytes_size = 4, .kind = SEND } }, 1, INFRA_EINVAL },
    { "expect 255",
      { { .bytes = long_text, .bytes_size = 255, .kind = EXPECT } },
      1,
      INFRA_OK },
    { "expect 256",
      { { .bytes = long_text, .bytes_size = 256, .kind = EXPECT } },
      1,
      INFRA_EINVAL },
    { "start with 255",
      { { .bytes = long_text, .bytes_size = 255, .kind = START } },
      1,
      INFRA_OK },
    { "start with 256",
      { { .bytes = long_text, .bytes_size = 256, .kind = START } },
      1,
      INFRA_EINVAL },
    { "start with nothing",
      { { .bytes = "", .kind = START } },
      1,
      INFRA_EINVAL },
    { "refuse 256, then end",
      { { .bytes = long_text, .bytes_size = 256, .kind = REFUSE },
        { .kind = END } },
      2,
      INFRA_EINVAL },
    { "refuse 255, then end",
      { { .bytes = long_text, .bytes_size = 255, .kind = REFUSE },
        { .kind = END } },
      2,
      INFRA_OK },
    { "refuse alone", { { .bytes = "a", .kind = REFUSE } }, 1, INFRA_EINVAL },
    { "refuse, then send",
      { { .bytes = "a", .kind = REFUSE }, { .bytes = "b", .kind = SEND } },
      2,
      INFRA_EINVAL },
    { "refuse, send, expect",
      { { .bytes = "a", .kind = REFUSE },
        { .bytes = "b", .kind = SEND },
        { .bytes = "c", .kind = EXPECT } },
      3,
      INFRA_OK },
    { "the second is bad",
      { { .bytes = "a", .kind = EXPECT }, { .kind = EXPECT } },
      2,
      INFRA_EINVAL },
};

START_TEST(steps_are_checked)
{
    memset(long_text, 'x', sizeof long_text - 1);
    int err = create(rows[_i].steps, rows[_i].steps_count);
    ck_assert_msg(err == rows[_i].result, "%s: %d", rows[_i].name, err);
    ck_assert_int_eq(probing.probe == NULL, err != INFRA_OK);
}
END_TEST

/* 64 steps are followed, 65 refused. */
START_TEST(the_number_of_steps_is_bounded)
{
    struct infra_probe_step steps[65];
    char text[64];
    const struct test_step script[] = {
        TEST_ACCEPT(0),
        { .kind = TEST_STEP_SEND, .bytes = text, .size = sizeof text },
    };
    struct test_transport t = TEST_TRANSPORT(script);
    struct infra_probe_result r;

    for (size_t i = 0; i < INFRA__COUNT_OF(steps); i++) {
        steps[i] = (struct infra_probe_step) { .kind = START,
                                               .bytes = &text[i % 64],
                                               .bytes_size = 1 };
        text[i % 64] = (char)('A' + i % 64);
    }
    ck_assert_int_eq(create(steps, 65), INFRA_EINVAL);
    ck_assert_ptr_null(probing.probe);
    ck_assert_int_eq(create(steps, 64), INFRA_OK);
    infra_probe_start(probing.probe, 0, 0);
    test_transport_run(&t, infra_probe_exchange(probing.probe));
    ck_assert_int_eq(infra_probe_result(probing.probe, &r), INFRA_OK);
    ck_assert_uint_eq(r.reason, INFRA_PROBE_REASON_PASSED);
    ck_assert_uint_eq(r.status, 64);
}
END_TEST

START_TEST(steps_and_bytes_are_copied)
{
    static const struct test_step script[] = { TEST_ACCEPT(0),
                                               TEST_EXPECT("hello"),
                                               TEST_SEND("h"), TEST_HANG };
    char text[] = "hello";
    struct infra_probe_step steps[] = { { .kind = SEND, .bytes = text },
                                        { .kind = EXPECT, .bytes = text } };
    struct test_transport t = TEST_TRANSPORT(script);

    ck_assert_int_eq(create(steps, 2), INFRA_OK);
    memset(text, 'x', 5);
    memset(steps, 0, sizeof steps);
    ck_assert_uint_eq(probing_run(&t).reason, INFRA_PROBE_REASON_SLOW_REPLY);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("probe_script_options");
    TCase *tc = tcase_create("options");
    tcase_add_checked_fixture(tc, probing_setup, probing_teardown);
    tcase_add_loop_test(tc, steps_are_checked, 0, INFRA__COUNT_OF(rows));
    tcase_add_test(tc, the_number_of_steps_is_bounded);
    tcase_add_test(tc, steps_and_bytes_are_copied);
    suite_add_tcase(s, tc);
    return test_main(s);
}
