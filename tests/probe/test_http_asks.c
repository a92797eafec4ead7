/* SPDX-License-Identifier: MIT */
/* Requests of a server in its reply to an HTTP check: less load, or a drain. */
#include "support.h"
#include "transport.h"

#include "base/internal.h"

#include <infra/probe.h>
#include <string.h>

#define OK_LINE "HTTP/1.1 200 OK\r\n"
#define DEGRADED "x-envoy-degraded: true\r\n"

static const struct {
    const char *name;
    const char *text;
    struct infra_probe_http_options options;
    uint32_t reason;
    uint32_t outcome;
    uint32_t has;
    uint32_t admin;
} rows[] = {
    { .name = "nothing",
      .text = OK_LINE "\r\n",
      .reason = INFRA_PROBE_REASON_PASSED,
      .outcome = INFRA_OUTCOME_OK },
    { .name = "degraded",
      .text = OK_LINE DEGRADED "\r\n",
      .reason = INFRA_PROBE_REASON_DEGRADED,
      .outcome = INFRA_OUTCOME_DEGRADED },
    { .name = "degraded, whatever the value and the case",
      .text = OK_LINE "X-Envoy-DEGRADED:\r\nA: b\r\n\r\n",
      .reason = INFRA_PROBE_REASON_DEGRADED,
      .outcome = INFRA_OUTCOME_DEGRADED },
    { .name = "degraded and not well",
      .text = "HTTP/1.1 503 No\r\n" DEGRADED "\r\n",
      .reason = INFRA_PROBE_REASON_STATUS,
      .outcome = INFRA_OUTCOME_ERROR },
    { .name = "an interim reply asks for nothing",
      .text = "HTTP/1.1 103 Hints\r\n" DEGRADED "\r\n" OK_LINE "\r\n",
      .reason = INFRA_PROBE_REASON_PASSED,
      .outcome = INFRA_OUTCOME_OK },
    { .name = "another name",
      .text = OK_LINE "x-envoy-degrade: 1\r\nx-envoy-degraded2: 1\r\n\r\n",
      .reason = INFRA_PROBE_REASON_PASSED,
      .outcome = INFRA_OUTCOME_OK },
    { .name = "degraded with the text",
      .text = OK_LINE DEGRADED "\r\nfine",
      .options = { .body_contains = "fine" },
      .reason = INFRA_PROBE_REASON_DEGRADED,
      .outcome = INFRA_OUTCOME_DEGRADED },
    { .name = "degraded without the text",
      .text = OK_LINE DEGRADED "Content-Length: 4\r\n\r\nnone",
      .options = { .body_contains = "fine" },
      .reason = INFRA_PROBE_REASON_BODY,
      .outcome = INFRA_OUTCOME_ERROR },

    { .name = "404 is a failure",
      .text = "HTTP/1.1 404 No\r\n\r\n",
      .reason = INFRA_PROBE_REASON_STATUS,
      .outcome = INFRA_OUTCOME_ERROR },
    { .name = "404 drains",
      .text = "HTTP/1.1 404 No\r\n\r\n",
      .options = { .drain_on_404 = 1 },
      .reason = INFRA_PROBE_REASON_PASSED,
      .outcome = INFRA_OUTCOME_OK,
      .has = INFRA_PROBE_HAS_ADMIN,
      .admin = INFRA_PROBE_ADMIN_DRAIN },
    { .name = "404 drains, whatever else is expected",
      .text = "HTTP/1.1 404 No\r\nContent-Length: 4\r\n\r\nnone",
      .options = { .drain_on_404 = 1,
                   .status_min = 404,
                   .body_contains = "fine" },
      .reason = INFRA_PROBE_REASON_PASSED,
      .outcome = INFRA_OUTCOME_OK,
      .has = INFRA_PROBE_HAS_ADMIN,
      .admin = INFRA_PROBE_ADMIN_DRAIN },
    { .name = "a pass ends the drain",
      .text = OK_LINE "\r\nfine",
      .options = { .drain_on_404 = 1, .body_contains = "fine" },
      .reason = INFRA_PROBE_REASON_PASSED,
      .outcome = INFRA_OUTCOME_OK,
      .has = INFRA_PROBE_HAS_ADMIN,
      .admin = INFRA_PROBE_ADMIN_READY },
    { .name = "a failure says nothing of it",
      .text = "HTTP/1.1 500 No\r\n\r\n",
      .options = { .drain_on_404 = 1 },
      .reason = INFRA_PROBE_REASON_STATUS,
      .outcome = INFRA_OUTCOME_ERROR },
    { .name = "403 is not 404",
      .text = "HTTP/1.1 403 No\r\n\r\n",
      .options = { .drain_on_404 = 1 },
      .reason = INFRA_PROBE_REASON_STATUS,
      .outcome = INFRA_OUTCOME_ERROR },
};

/* The request comes with the outcome, in every split. */
START_TEST(a_reply_may_ask)
{
    struct infra_probe_http_options o = rows[_i].options;
    struct infra_probe *probe = NULL;

    o.size = sizeof o;
    ck_assert_int_eq(infra_probe_http(&probe, &o), INFRA_OK);
    for (int split = TEST_SPLIT_NONE; split <= TEST_SPLIT_RANDOM; split++) {
        const struct test_step script[] = {
            TEST_ACCEPT(0),
            { .kind = TEST_STEP_SEND,
              .bytes = rows[_i].text,
              .size = strlen(rows[_i].text) },
        };
        struct test_transport t = TEST_TRANSPORT(script);
        struct infra_probe_result r;

        t.split = (enum test_split)split;
        t.split_number = 5;
        infra_probe_start(probe, 0, 0);
        test_transport_run(&t, infra_probe_exchange(probe));
        ck_assert_int_eq(infra_probe_result(probe, &r), INFRA_OK);
        ck_assert_msg(r.reason == rows[_i].reason, "%s: %s", rows[_i].name,
                      infra_probe_reason_name(r.reason));
        ck_assert_uint_eq(r.outcome, rows[_i].outcome);
        ck_assert_uint_eq(r.has, rows[_i].has | INFRA_PROBE_HAS_STATUS);
        ck_assert_uint_eq(r.admin, rows[_i].admin);
    }
    infra_probe_destroy(probe);
}
END_TEST

START_TEST(the_flag_is_one_or_nothing)
{
    const struct infra_probe_http_options o = { .size = sizeof o,
                                                .drain_on_404 = 2 };
    struct infra_probe *none = NULL;

    ck_assert_int_eq(infra_probe_http(&none, &o), INFRA_EINVAL);
    ck_assert_ptr_null(none);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("probe_http_asks");
    TCase *tc = tcase_create("asks");
    tcase_add_loop_test(tc, a_reply_may_ask, 0, INFRA__COUNT_OF(rows));
    tcase_add_test(tc, the_flag_is_one_or_nothing);
    suite_add_tcase(s, tc);
    return test_main(s);
}
