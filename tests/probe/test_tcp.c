/* SPDX-License-Identifier: MIT */
/* What all probes share, shown with the TCP check: phases, deadlines, results,
 * and the outcome of a failure. */
#include "probing.h"

#include "base/internal.h"

#include <infra/probe.h>
#include <string.h>

static void create(infra_time connect_timeout)
{
    const struct infra_probe_timeouts timeouts = { .size = sizeof timeouts,
                                                   .connect_timeout =
                                                       connect_timeout };
    struct infra_probe_tcp_options o = { .size = sizeof o,
                                         .allocator = &probing.heap.allocator,
                                         .timeouts = &timeouts };

    ck_assert_int_eq(infra_probe_tcp(&probing.probe, &o), INFRA_OK);
}

/* The check passes once connected, and sends nothing. */
START_TEST(connecting_passes)
{
    static const struct test_step script[] = { TEST_WAIT(INFRA_MS(30)),
                                               TEST_ACCEPT(0) };
    struct test_transport t = TEST_TRANSPORT(script);

    create(0);
    t.now = INFRA_SEC(7);
    struct infra_probe_result r = probing_run(&t);
    ck_assert_uint_eq(r.reason, INFRA_PROBE_REASON_PASSED);
    ck_assert_uint_eq(r.outcome, INFRA_OUTCOME_OK);
    ck_assert_uint_eq(r.duration, INFRA_MS(30));
    ck_assert_uint_eq(r.status, 0);
    ck_assert_uint_eq(t.heard_count, 0);
    ck_assert_uint_eq(
        infra_probe_exchange(probing.probe).ops->deadline(probing.probe),
        INFRA_TIME_NEVER);
}
END_TEST

/* Failures of a connection, their reason and their outcome. */
static const struct {
    uint32_t detail;
    uint32_t reason;
    uint32_t outcome;
} failures[] = {
    { INFRA_OUTCOME_REFUSED, INFRA_PROBE_REASON_REFUSED,
      INFRA_OUTCOME_REFUSED },
    { INFRA_OUTCOME_UNREACHABLE, INFRA_PROBE_REASON_UNREACHABLE,
      INFRA_OUTCOME_UNREACHABLE },
    { INFRA_OUTCOME_TIMEOUT, INFRA_PROBE_REASON_CONNECT_TIMEOUT,
      INFRA_OUTCOME_TIMEOUT },
    { INFRA_OUTCOME_RESET, INFRA_PROBE_REASON_RESET, INFRA_OUTCOME_RESET },
    { INFRA_OUTCOME_ERROR, INFRA_PROBE_REASON_RESET, INFRA_OUTCOME_RESET },
    { INFRA_OUTCOME_LOCAL, INFRA_PROBE_REASON_LOCAL, INFRA_OUTCOME_LOCAL },
    { INFRA_OUTCOME_ABANDONED, INFRA_PROBE_REASON_LOCAL, INFRA_OUTCOME_LOCAL },
    { INFRA_OUTCOME_OK, INFRA_PROBE_REASON_LOCAL, INFRA_OUTCOME_LOCAL },
    { 99, INFRA_PROBE_REASON_LOCAL, INFRA_OUTCOME_LOCAL },
};

START_TEST(failures_keep_their_reason)
{
    const struct test_step script[] = { TEST_FAIL(failures[_i].detail) };
    struct test_transport t = TEST_TRANSPORT(script);

    create(0);
    struct infra_probe_result r = probing_run(&t);
    ck_assert_uint_eq(r.reason, failures[_i].reason);
    ck_assert_uint_eq(r.outcome, failures[_i].outcome);
}
END_TEST

/* Without an answer the check ends after connect_timeout. */
START_TEST(silence_ends_with_the_connect_timeout)
{
    static const struct test_step script[] = { TEST_HANG };
    struct test_transport t = TEST_TRANSPORT(script);

    create(_i == 0 ? 0 : INFRA_MS(250));
    struct infra_probe_result r = probing_run(&t);
    ck_assert_uint_eq(r.reason, INFRA_PROBE_REASON_CONNECT_TIMEOUT);
    ck_assert_uint_eq(r.outcome, INFRA_OUTCOME_TIMEOUT);
    ck_assert_uint_eq(r.duration, _i == 0 ? INFRA_SEC(1) : INFRA_MS(250));
}
END_TEST

/* An early deadline changes nothing, and time that goes back counts as
 * equal. */
START_TEST(early_deadlines_are_harmless)
{
    struct infra_probe_result r;

    create(0);
    struct infra_exchange x = infra_probe_exchange(probing.probe);
    infra_probe_start(probing.probe, 0, INFRA_SEC(10));
    ck_assert_uint_eq(x.ops->deadline(x.self), INFRA_SEC(11));
    x.ops->note(x.self, INFRA_NOTE_DEADLINE, 0, INFRA_SEC(11) - 1);
    ck_assert_uint_eq(x.ops->want(x.self), INFRA_WANT_CONNECT);
    x.ops->note(x.self, INFRA_NOTE_CONNECTED, 0, INFRA_SEC(2));
    ck_assert_int_eq(infra_probe_result(probing.probe, &r), INFRA_OK);
    ck_assert_uint_eq(r.duration, INFRA_SEC(1) - 1);
}
END_TEST

/* Odd notes while connecting: bytes are ignored, an EOF ends the check, and
 * unwanted notes change nothing. */
START_TEST(odd_notes_while_connecting)
{
    struct infra_probe_result r;
    const void *bytes;

    create(0);
    struct infra_exchange x = infra_probe_exchange(probing.probe);
    infra_probe_start(probing.probe, 0, 0);
    x.ops->input(x.self, "x", 1, 0);
    x.ops->sent(x.self, 1, 0);
    x.ops->note(x.self, INFRA_NOTE_TLS_UP, 0, 0);
    x.ops->note(x.self, INFRA_NOTE_CLOSED, 0, 0);
    x.ops->note(x.self, 99, 0, 0);
    ck_assert_uint_eq(x.ops->output(x.self, &bytes), 0);
    ck_assert_uint_eq(x.ops->endpoint(x.self), 0);
    ck_assert_uint_eq(x.ops->want(x.self), INFRA_WANT_CONNECT);
    x.ops->note(x.self, _i == 0 ? INFRA_NOTE_EOF : INFRA_NOTE_TRUNCATED, 0, 0);
    ck_assert_int_eq(infra_probe_result(probing.probe, &r), INFRA_OK);
    ck_assert_uint_eq(r.reason, INFRA_PROBE_REASON_CLOSED_EARLY);
    ck_assert_uint_eq(r.outcome, INFRA_OUTCOME_RESET);
}
END_TEST

/* The result stays from the end of a check to the start of the next; input in
 * between does not change it. */
START_TEST(results_stand_until_the_next_start)
{
    struct infra_probe_result r = { 0 };

    create(0);
    struct infra_exchange x = infra_probe_exchange(probing.probe);
    ck_assert_uint_eq(x.ops->want(x.self), INFRA_WANT_IDLE);
    ck_assert_int_eq(infra_probe_result(probing.probe, &r), INFRA_EAGAIN);
    x.ops->note(x.self, INFRA_NOTE_CONNECTED, 0, 0);
    ck_assert_int_eq(infra_probe_result(probing.probe, &r), INFRA_EAGAIN);
    infra_probe_start(probing.probe, 0, 0);
    ck_assert_int_eq(infra_probe_result(probing.probe, &r), INFRA_EAGAIN);
    x.ops->note(x.self, INFRA_NOTE_FAILED, INFRA_OUTCOME_REFUSED, 5);
    x.ops->note(x.self, INFRA_NOTE_CONNECTED, 0, 6);
    x.ops->note(x.self, INFRA_NOTE_DEADLINE, 0, INFRA_SEC(9));
    ck_assert_int_eq(infra_probe_result(probing.probe, &r), INFRA_OK);
    ck_assert_uint_eq(r.reason, INFRA_PROBE_REASON_REFUSED);
    ck_assert_uint_eq(r.duration, 5);
    infra_probe_start(probing.probe, 0, INFRA_SEC(9));
    ck_assert_int_eq(infra_probe_result(probing.probe, &r), INFRA_EAGAIN);
    x.ops->note(x.self, INFRA_NOTE_CONNECTED, 0, INFRA_SEC(9));
    ck_assert_int_eq(infra_probe_result(probing.probe, &r), INFRA_OK);
    ck_assert_uint_eq(r.reason, INFRA_PROBE_REASON_PASSED);
    ck_assert_int_eq(infra_probe_result(NULL, &r), INFRA_EINVAL);
    ck_assert_int_eq(infra_probe_result(probing.probe, NULL), INFRA_EINVAL);
}
END_TEST

static void check_names(const char *(*name)(uint32_t), uint32_t first,
                        uint32_t last)
{
    for (uint32_t a = first; a <= last; a++) {
        ck_assert_str_ne(name(a), "unknown");
        for (uint32_t b = 0; b < a; b++) {
            ck_assert_str_ne(name(a), name(b));
        }
    }
    ck_assert_str_eq(name(last + 1), "unknown");
}

static const char *name_of_bit(uint32_t number)
{
    return infra_probe_has_name(UINT32_C(1) << number);
}

/* Each enumerator has a name of its own. */
START_TEST(enums_are_named)
{
    check_names(infra_probe_reason_name, 0, INFRA_PROBE_REASON_LOGIN_NEEDS_TLS);
    ck_assert_str_eq(infra_probe_reason_name(INFRA_PROBE_REASON_NO_REPLY),
                     "no reply");
    check_names(infra_probe_role_name, 1, INFRA_PROBE_ROLE_REPLICA);
    check_names(infra_probe_admin_name, 0, INFRA_PROBE_ADMIN_MAINTENANCE);
    check_names(infra_probe_step_name, 0, INFRA_PROBE_STEP_REFUSE);
    check_names(infra_probe_text_name, 0, INFRA_PROBE_TEXT_SOURCE);
    check_names(name_of_bit, 0, 10);
    ck_assert_str_eq(infra_probe_has_name(INFRA_PROBE_HAS_ANSWER), "answer");
    ck_assert_str_eq(infra_probe_has_name(0), "unknown");
    ck_assert_str_eq(infra_probe_has_name(3), "unknown");
}
END_TEST

static Suite *tcp_suite(void)
{
    Suite *s = suite_create("probe_tcp");
    TCase *tc = tcase_create("check");
    tcase_add_checked_fixture(tc, probing_setup, probing_teardown);
    tcase_add_test(tc, connecting_passes);
    tcase_add_loop_test(tc, failures_keep_their_reason, 0,
                        INFRA__COUNT_OF(failures));
    tcase_add_loop_test(tc, silence_ends_with_the_connect_timeout, 0, 2);
    tcase_add_test(tc, early_deadlines_are_harmless);
    tcase_add_loop_test(tc, odd_notes_while_connecting, 0, 2);
    tcase_add_test(tc, results_stand_until_the_next_start);
    suite_add_tcase(s, tc);

    tc = tcase_create("contract");
    tcase_add_checked_fixture(tc, probing_setup, probing_teardown);
    tcase_add_test(tc, enums_are_named);
    suite_add_tcase(s, tc);
    return s;
}

int main(void)
{
    return test_main(tcp_suite());
}
