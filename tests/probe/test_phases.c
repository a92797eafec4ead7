/* SPDX-License-Identifier: MIT */
/* The phases of every probe: connecting, TLS, the first byte, the end, each
 * with its deadline and its reason. */
#include "base/internal.h"
#include "support.h"
#include "transport.h"
#include <infra/probe.h>

#define REQUEST                \
    "GET / HTTP/1.1\r\n"       \
    "Host: localhost\r\n"      \
    "User-Agent: libinfra\r\n" \
    "Connection: close\r\n"    \
    "\r\n"

static struct infra_probe *probe;

static void setup(void)
{
    const struct infra_probe_timeouts timeouts = {
        .size = sizeof timeouts,
        .connect_timeout = INFRA_MS(300),
        .first_byte_timeout = INFRA_MS(500),
        .response_timeout = INFRA_SEC(4)
    };
    const struct infra_probe_http_options options = {
        .size = sizeof options,
        .timeouts = &timeouts,
        .tls = 1,
    };

    probe = NULL;
    ck_assert_int_eq(infra_probe_http(&probe, &options), INFRA_OK);
}

static void teardown(void)
{
    infra_probe_destroy(probe);
}

/* Each way through the phases, its reason and its duration. */
static const struct {
    const char *name;
    struct test_step script[8];
    size_t steps;
    uint32_t reason;
    uint32_t outcome;
    infra_time duration;
} rows[] = {
    { "all goes well",
      { TEST_WAIT(INFRA_MS(299)), TEST_ACCEPT(0), TEST_WAIT(INFRA_MS(299)),
        TEST_TLS_UP, TEST_EXPECT(REQUEST), TEST_WAIT(INFRA_MS(499)),
        TEST_SEND("HTTP/1.1 200 OK\r\n\r\n") },
      7,
      INFRA_PROBE_REASON_PASSED,
      INFRA_OUTCOME_OK,
      INFRA_MS(1097) },
    { "no connection",
      { TEST_HANG },
      1,
      INFRA_PROBE_REASON_CONNECT_TIMEOUT,
      INFRA_OUTCOME_TIMEOUT,
      INFRA_MS(300) },
    { "the handshake hangs",
      { TEST_WAIT(INFRA_MS(100)), TEST_ACCEPT(0), TEST_HANG },
      3,
      INFRA_PROBE_REASON_TLS_TIMEOUT,
      INFRA_OUTCOME_TIMEOUT,
      INFRA_MS(400) },
    { "the handshake fails",
      { TEST_ACCEPT(0), TEST_FAIL(INFRA_OUTCOME_ERROR) },
      2,
      INFRA_PROBE_REASON_TLS,
      INFRA_OUTCOME_ERROR,
      0 },
    { "the peer drops the handshake",
      { TEST_ACCEPT(0), TEST_FAIL(INFRA_OUTCOME_RESET) },
      2,
      INFRA_PROBE_REASON_TLS,
      INFRA_OUTCOME_ERROR,
      0 },
    { "we have no TLS",
      { TEST_ACCEPT(0), TEST_FAIL(INFRA_OUTCOME_LOCAL) },
      2,
      INFRA_PROBE_REASON_LOCAL,
      INFRA_OUTCOME_LOCAL,
      0 },
    { "accepted, and not a byte",
      { TEST_ACCEPT(0), TEST_TLS_UP, TEST_EXPECT(REQUEST), TEST_HANG },
      4,
      INFRA_PROBE_REASON_NO_REPLY,
      INFRA_OUTCOME_TIMEOUT,
      INFRA_MS(500) },
    { "one byte in time, the rest never",
      { TEST_ACCEPT(0), TEST_TLS_UP, TEST_WAIT(INFRA_MS(499)), TEST_SEND("H"),
        TEST_HANG },
      5,
      INFRA_PROBE_REASON_SLOW_REPLY,
      INFRA_OUTCOME_TIMEOUT,
      INFRA_SEC(4) },
    { "cut off without close_notify",
      { TEST_ACCEPT(0), TEST_TLS_UP, TEST_SEND("HTTP/1.1 "), TEST_TRUNCATED },
      4,
      INFRA_PROBE_REASON_CLOSED_EARLY,
      INFRA_OUTCOME_RESET,
      0 },
};

START_TEST(each_phase_has_its_deadline_and_its_reason)
{
    struct test_transport t = { .steps = rows[_i].script,
                                .steps_count = rows[_i].steps };
    struct infra_probe_result r;

    infra_probe_start(probe, 0, 0);
    test_transport_run(&t, infra_probe_exchange(probe));
    ck_assert_int_eq(infra_probe_result(probe, &r), INFRA_OK);
    ck_assert_msg(r.reason == rows[_i].reason, "%s: %s", rows[_i].name,
                  infra_probe_reason_name(r.reason));
    ck_assert_uint_eq(r.outcome, rows[_i].outcome);
    ck_assert_uint_eq(r.duration, rows[_i].duration);
}
END_TEST

/* A probe starts in the first phase again, however the last check ended. */
START_TEST(a_new_check_starts_over)
{
    for (size_t i = 0; i < 2 * INFRA__COUNT_OF(rows); i++) {
        size_t row = i * 5 % INFRA__COUNT_OF(rows);
        struct test_transport t = { .steps = rows[row].script,
                                    .steps_count = rows[row].steps,
                                    .now = INFRA_SEC(10 * i) };
        struct infra_probe_result r;

        infra_probe_start(probe, 0, t.now);
        test_transport_run(&t, infra_probe_exchange(probe));
        ck_assert_int_eq(infra_probe_result(probe, &r), INFRA_OK);
        ck_assert_uint_eq(r.reason, rows[row].reason);
        ck_assert_uint_eq(r.duration, rows[row].duration);
    }
}
END_TEST

/* timeout_scale stretches every deadline of this check, and of no other; below
 * 1000 it has no effect. */
START_TEST(timeout_scale_stretches_every_phase)
{
    static const struct test_step connects[] = { TEST_HANG };
    static const struct test_step handshakes[] = { TEST_ACCEPT(0), TEST_HANG };
    static const struct test_step waits[] = { TEST_ACCEPT(0), TEST_TLS_UP,
                                              TEST_EXPECT(REQUEST), TEST_HANG };
    static const struct test_step drips[] = { TEST_ACCEPT(0), TEST_TLS_UP,
                                              TEST_EXPECT(REQUEST),
                                              TEST_SEND("H"), TEST_HANG };
    static const struct {
        const struct test_step *script;
        size_t steps;
        infra_time plain;
    } phases[] = { { connects, 1, INFRA_MS(300) },
                   { handshakes, 2, INFRA_MS(300) },
                   { waits, 4, INFRA_MS(500) },
                   { drips, 5, INFRA_SEC(4) } };
    static const uint32_t permille[] = { 2500, 0, 999, 1001, UINT32_MAX };
    struct infra_probe_result r;

    for (size_t i = 0; i < INFRA__COUNT_OF(permille); i++) {
        struct test_transport t = { .steps = phases[_i].script,
                                    .steps_count = phases[_i].steps,
                                    .now = INFRA_SEC(1) };
        infra_time expected = phases[_i].plain;
        if (permille[i] > 1000) {
            expected = expected / 1000 * permille[i];
        }
        infra_probe_start(probe, permille[i], t.now);
        test_transport_run(&t, infra_probe_exchange(probe));
        ck_assert_int_eq(infra_probe_result(probe, &r), INFRA_OK);
        ck_assert_uint_eq(r.outcome, INFRA_OUTCOME_TIMEOUT);
        ck_assert_uint_eq(r.duration, expected);
    }
}
END_TEST

/* A timeout that is scaled past the end of time is none. */
START_TEST(timeout_scale_has_no_end)
{
    const struct infra_probe_timeouts timeouts = { .size = sizeof timeouts,
                                                   .connect_timeout =
                                                       INFRA_TIME_NEVER / 2 };
    const struct infra_probe_tcp_options options = {
        .size = sizeof options,
        .timeouts = &timeouts,
    };
    struct infra_probe *tcp = NULL;

    ck_assert_int_eq(infra_probe_tcp(&tcp, &options), INFRA_OK);
    infra_probe_start(tcp, 3000, INFRA_SEC(1));
    struct infra_exchange exchange = infra_probe_exchange(tcp);
    ck_assert_uint_eq(exchange.ops->deadline(exchange.self), INFRA_TIME_NEVER);
    infra_probe_destroy(tcp);
}
END_TEST

/* A TCP check over TLS passes when the handshake is done, not before. */
START_TEST(a_tcp_check_may_include_the_handshake)
{
    static const struct test_step script[] = { TEST_ACCEPT(0),
                                               TEST_WAIT(INFRA_MS(20)),
                                               TEST_TLS_UP };
    const struct infra_probe_tcp_options options = { .size = sizeof options,
                                                     .tls = 1 };
    struct test_transport t = TEST_TRANSPORT(script);
    struct infra_probe *tcp = NULL;
    struct infra_probe_result r;

    ck_assert_int_eq(infra_probe_tcp(&tcp, &options), INFRA_OK);
    infra_probe_start(tcp, 0, 0);
    test_transport_run(&t, infra_probe_exchange(tcp));
    ck_assert_int_eq(infra_probe_result(tcp, &r), INFRA_OK);
    ck_assert_uint_eq(r.reason, INFRA_PROBE_REASON_PASSED);
    ck_assert_uint_eq(r.duration, INFRA_MS(20));
    ck_assert_uint_eq(t.tls_ups, 1);
    ck_assert_str_eq(infra_probe_text(tcp, INFRA_PROBE_TEXT_VERSION), "");
    infra_probe_destroy(tcp);
}
END_TEST

START_TEST(arguments_are_checked)
{
    const struct infra_probe_tcp_options tcp = { .size = sizeof tcp, .tls = 2 };
    const struct infra_probe_http_options http = { .size = sizeof http,
                                                   .tls = 2 };
    struct infra_probe *none = NULL;

    ck_assert_int_eq(infra_probe_tcp(&none, &tcp), INFRA_EINVAL);
    ck_assert_int_eq(infra_probe_http(&none, &http), INFRA_EINVAL);
    ck_assert_ptr_null(none);
    ck_assert_str_eq(infra_probe_text(NULL, 0), "");
}
END_TEST

static Suite *phases_suite(void)
{
    Suite *s = suite_create("probe_phases");
    TCase *tc = tcase_create("phases");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_loop_test(tc, each_phase_has_its_deadline_and_its_reason, 0,
                        INFRA__COUNT_OF(rows));
    tcase_add_test(tc, a_new_check_starts_over);
    tcase_add_loop_test(tc, timeout_scale_stretches_every_phase, 0, 4);
    tcase_add_test(tc, timeout_scale_has_no_end);
    tcase_add_test(tc, a_tcp_check_may_include_the_handshake);
    tcase_add_test(tc, arguments_are_checked);
    suite_add_tcase(s, tc);
    return s;
}

int main(void)
{
    return test_main(phases_suite());
}
