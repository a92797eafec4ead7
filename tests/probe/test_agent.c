/* SPDX-License-Identifier: MIT */
/* The agent check: the words of HAProxy's agents, alone and together, and
 * malformed lines. */
#include "probing.h"
#include "support.h"

#include "base/internal.h"

#include <string.h>

static void create(const char *send)
{
    const struct infra_probe_agent_options o = {
        .size = sizeof o, .allocator = &probing.heap.allocator, .send = send
    };

    ck_assert_int_eq(infra_probe_agent(&probing.probe, &o), INFRA_OK);
}

#define UP .has = INFRA_PROBE_HAS_HEALTH
#define DOWN \
    .has = INFRA_PROBE_HAS_HEALTH, .reason = INFRA_PROBE_REASON_AGENT_DOWN
#define WEIGHT(n) .has = INFRA_PROBE_HAS_WEIGHT, .weight_percent = (n)
#define ABSOLUTE(n) .has = INFRA_PROBE_HAS_WEIGHT_ABSOLUTE, .weight = (n)
#define MAX(n) .has = INFRA_PROBE_HAS_IN_FLIGHT_MAX, .in_flight_max = (n)
#define ADMIN(a) .has = INFRA_PROBE_HAS_ADMIN, .admin = INFRA_PROBE_ADMIN_##a
static const struct test_reply lines[] = {
    { .name = "nothing to say", TEST_TEXT("\n") },
    { .name = "up", TEST_TEXT("up\n"), .expected = { UP } },
    { .name = "up with CR LF", TEST_TEXT("up\r\n"), .expected = { UP } },
    { .name = "up with CR", TEST_TEXT("up\r"), .expected = { UP } },
    { .name = "UP", TEST_TEXT("UP\n"), .expected = { UP } },
    { .name = "down", TEST_TEXT("down\n"), .expected = { DOWN } },
    { .name = "fail", TEST_TEXT("fail\n"), .expected = { DOWN } },
    { .name = "Stopped", TEST_TEXT("Stopped\n"), .expected = { DOWN } },
    { .name = "the last health wins",
      TEST_TEXT("down up\n"),
      .expected = { UP } },
    { .name = "the last health wins, again",
      TEST_TEXT("up down\n"),
      .expected = { DOWN } },
    { .name = "ready", TEST_TEXT("ready\n"), .expected = { ADMIN(READY) } },
    { .name = "drain", TEST_TEXT("drain\n"), .expected = { ADMIN(DRAIN) } },
    { .name = "maint",
      TEST_TEXT("MAINT\n"),
      .expected = { ADMIN(MAINTENANCE) } },
    { .name = "the last wish wins",
      TEST_TEXT("maint drain\n"),
      .expected = { ADMIN(DRAIN) } },

    { .name = "percent", TEST_TEXT("75%\n"), .expected = { WEIGHT(75) } },
    { .name = "no weight", TEST_TEXT("0%\n"), .expected = { WEIGHT(0) } },
    { .name = "double", TEST_TEXT("200%\n"), .expected = { WEIGHT(200) } },
    { .name = "greatest percent",
      TEST_TEXT("25600%\n"),
      .expected = { WEIGHT(25600) } },
    { .name = "percent that is capped",
      TEST_TEXT("25601%\n"),
      .expected = { WEIGHT(25600) } },
    { .name = "percent of many digits",
      TEST_TEXT("99999999999999999999999999999%\n"),
      .expected = { WEIGHT(25600) } },
    { .name = "weight in percent",
      TEST_TEXT("Weight:50%\n"),
      .expected = { WEIGHT(50) } },
    { .name = "absolute weight",
      TEST_TEXT("weight:10\n"),
      .expected = { ABSOLUTE(10) } },
    { .name = "absolute zero",
      TEST_TEXT("weight:0\n"),
      .expected = { ABSOLUTE(0) } },
    { .name = "greatest weight",
      TEST_TEXT("weight:256\n"),
      .expected = { ABSOLUTE(256) } },
    { .name = "the last weight wins",
      TEST_TEXT("10% weight:20 30%\n"),
      .expected = { WEIGHT(30) } },
    { .name = "the last weight wins though it is none",
      TEST_TEXT("10% weight:x\n"),
      .message = "weight:x" },
    { .name = "weight past the greatest",
      TEST_TEXT("weight:257\n"),
      .message = "weight:257" },
    { .name = "weight of many digits",
      TEST_TEXT("weight:4294967297\n"),
      .message = "weight:4294967297" },
    { .name = "weight and more",
      TEST_TEXT("weight:1x\n"),
      .message = "weight:1x" },
    { .name = "empty weight", TEST_TEXT("weight:\n"), .message = "weight:" },
    { .name = "negative weight",
      TEST_TEXT("weight:-1%\n"),
      .message = "weight:-1%" },
    { .name = "percent and more", TEST_TEXT("5%5\n"), .message = "5%5" },
    { .name = "more before the percent", TEST_TEXT("5x%\n"), .message = "5x%" },
    { .name = "percent alone", TEST_TEXT("%\n"), .message = "%" },
    { .name = "number alone", TEST_TEXT("75\n"), .message = "75" },

    { .name = "cap", TEST_TEXT("maxconn:30\n"), .expected = { MAX(30) } },
    { .name = "no cap", TEST_TEXT("MaxConn:0\n"), .expected = { MAX(0) } },
    { .name = "greatest cap",
      TEST_TEXT("maxconn:4294967295\n"),
      .expected = { MAX(UINT32_MAX) } },
    { .name = "cap past the greatest",
      TEST_TEXT("maxconn:42949672960\n"),
      .expected = { MAX(UINT32_MAX) } },
    { .name = "the last cap wins",
      TEST_TEXT("maxconn:1,maxconn:2\n"),
      .expected = { MAX(2) } },
    { .name = "the last cap wins though it is none",
      TEST_TEXT("maxconn:1,maxconn:\n"),
      .message = "maxconn:" },
    { .name = "cap and more",
      TEST_TEXT("maxconn:1%\n"),
      .message = "maxconn:1%" },

    { .name = "all at once",
      TEST_TEXT("75%,maxconn:30,maint,down\n"),
      .expected = { .reason = INFRA_PROBE_REASON_AGENT_DOWN,
                    .has = INFRA_PROBE_HAS_HEALTH | INFRA_PROBE_HAS_WEIGHT |
                           INFRA_PROBE_HAS_IN_FLIGHT_MAX |
                           INFRA_PROBE_HAS_ADMIN,
                    .weight_percent = 75,
                    .in_flight_max = 30,
                    .admin = INFRA_PROBE_ADMIN_MAINTENANCE } },
    { .name = "any separators",
      TEST_TEXT(", \tup,\t ,5%\t \n"),
      .expected = { .has = INFRA_PROBE_HAS_HEALTH | INFRA_PROBE_HAS_WEIGHT,
                    .weight_percent = 5 } },
    { .name = "description",
      TEST_TEXT("down # \tno  disk, sorry \n"),
      .message = "no  disk, sorry ",
      .expected = { DOWN } },
    { .name = "description at once",
      TEST_TEXT("fail #oops up\n"),
      .message = "oops up",
      .expected = { DOWN } },
    { .name = "a sharp within a word begins nothing",
      TEST_TEXT("down#oops\n"),
      .message = "down#oops" },
    { .name = "an empty description",
      TEST_TEXT("what down # \n"),
      .message = "what",
      .expected = { DOWN } },
    { .name = "unknown words are passed over",
      TEST_TEXT("hello up world\n"),
      .message = "hello",
      .expected = { UP } },
    { .name = "an unknown word is told before a number",
      TEST_TEXT("weight:x hello maxconn:x\n"),
      .message = "hello" },
    { .name = "words that only begin or end so",
      TEST_TEXT("upper u sup downs readyy drai\n"),
      .message = "upper" },
    { .name = "a description is made printable",
      TEST_TEXT("down #\33[0m\xff\n"),
      .message = "?[0m?",
      .expected = { DOWN } },
    { .name = "what comes after the line does not count",
      TEST_TEXT("up\ndown\n\0"),
      .expected = { UP } },
    { .name = "nor after CR", TEST_TEXT("up\rdown\n"), .expected = { UP } },

    { .name = "zero byte",
      TEST_TEXT("up\0\n"),
      .expected = { .reason = INFRA_PROBE_REASON_BAD_REPLY } },
    { .name = "no line end",
      TEST_TEXT("up"),
      .end = TEST_STEP_EOF,
      .expected = { .reason = INFRA_PROBE_REASON_CLOSED_EARLY } },
    { .name = "nothing at all",
      TEST_TEXT(""),
      .end = TEST_STEP_EOF,
      .expected = { .reason = INFRA_PROBE_REASON_CLOSED_EARLY } },
    { .name = "reset",
      TEST_TEXT("up"),
      .end = TEST_STEP_FAIL,
      .expected = { .reason = INFRA_PROBE_REASON_RESET } },
    { .name = "silence",
      TEST_TEXT(""),
      .expected = { .reason = INFRA_PROBE_REASON_NO_REPLY } },
    { .name = "half a line",
      TEST_TEXT("dow"),
      .expected = { .reason = INFRA_PROBE_REASON_SLOW_REPLY } },
};

/* Every line has its result, in every split. */
START_TEST(lines_tell_what_they_say)
{
    create(NULL);
    test_probe_reply_in_every_split(probing.probe, &lines[_i]);
    ck_assert_str_eq(infra_probe_text(probing.probe, INFRA_PROBE_TEXT_VERSION),
                     "");
}
END_TEST

/* A line of 1024 bytes is read, a longer one is not. */
START_TEST(lines_are_bounded)
{
    for (size_t size = 1023; size < 1026; size++) {
        char text[1027], message[1027] = "";
        struct test_reply row = { .name = "long line",
                                  .text = text,
                                  .size = size + 1,
                                  .message = message };

        memset(text, 'x', size);
        text[size] = '\n';
        if (size > 1024) {
            row.expected.reason = INFRA_PROBE_REASON_REPLY_TOO_LONG;
        } else {
            memset(message, 'x', size);
            message[size] = '\0';
        }
        create(NULL);
        test_probe_reply(probing.probe, &row, TEST_SPLIT_NONE, 0);
        test_probe_reply(probing.probe, &row, TEST_SPLIT_BYTES, 0);
        test_probe_reply(probing.probe, &row, TEST_SPLIT_RANDOM, 1);
        infra_probe_destroy(probing.probe);
        probing.probe = NULL;
    }
}
END_TEST

/* The text to send is copied and sent unchanged. */
START_TEST(the_agent_may_be_told_something)
{
    char send[] = "backend/server1\n";
    const struct test_reply row = { .name = "send",
                                    .request = "backend/server1\n",
                                    TEST_TEXT("up\n"),
                                    .expected = { UP } };

    create(send);
    memset(send, 'x', sizeof send - 1);
    test_probe_reply_in_every_split(probing.probe, &row);
}
END_TEST

/* A check leaves nothing in the next one. */
START_TEST(checks_are_independent)
{
    static const struct test_step refused[] = { TEST_FAIL(
        INFRA_OUTCOME_REFUSED) };

    create(NULL);
    for (size_t i = 0; i < 3 * INFRA__COUNT_OF(lines); i++) {
        struct test_transport t = TEST_TRANSPORT(refused);

        test_probe_reply(probing.probe, &lines[i * 31 % INFRA__COUNT_OF(lines)],
                         TEST_SPLIT_NONE, 0);
        infra_probe_start(probing.probe, 0, 0);
        test_transport_run(&t, infra_probe_exchange(probing.probe));
        ck_assert_str_eq(
            infra_probe_text(probing.probe, INFRA_PROBE_TEXT_MESSAGE), "");
    }
}
END_TEST

/* A text at its limit is sent, a longer one refused. */
START_TEST(options_are_checked)
{
    static const struct test_step script[] = { TEST_ACCEPT(0), TEST_HANG };
    char text[1026];
    struct test_transport t = TEST_TRANSPORT(script);
    struct infra_probe_agent_options o = {
        .size = sizeof o,
        .allocator = &probing.heap.allocator,
        .send = text,
    };

    memset(text, 'x', sizeof text - 1);
    text[1025] = '\0';
    ck_assert_int_eq(infra_probe_agent(&probing.probe, &o), INFRA_EINVAL);
    ck_assert_ptr_null(probing.probe);
    o.send = text + 1;
    ck_assert_int_eq(infra_probe_agent(&probing.probe, &o), INFRA_OK);
    ck_assert_uint_eq(probing_run(&t).reason, INFRA_PROBE_REASON_NO_REPLY);
    ck_assert_uint_eq(t.heard_count, 1024);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("probe_agent");
    TCase *tc = tcase_create("agent");
    tcase_add_checked_fixture(tc, probing_setup, probing_teardown);
    tcase_add_loop_test(tc, lines_tell_what_they_say, 0,
                        INFRA__COUNT_OF(lines));
    tcase_add_test(tc, lines_are_bounded);
    tcase_add_test(tc, the_agent_may_be_told_something);
    tcase_add_test(tc, checks_are_independent);
    tcase_add_test(tc, options_are_checked);
    suite_add_tcase(s, tc);
    return test_main(s);
}
