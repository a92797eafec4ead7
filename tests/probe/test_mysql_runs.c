/* SPDX-License-Identifier: MIT */
/* The MySQL check as a whole: ends anywhere, deadlines, one check after the
 * other, and its options. */
#include "mysql_check.h"

#include "base/internal.h"

#include <string.h>

static void setup(void)
{
    const struct infra_probe_timeouts timeouts = { .size = sizeof timeouts,
                                                   .first_byte_timeout =
                                                       INFRA_MS(500) };

    mysql_setup_silent();
    peer_greet(&mysql.peer, PEER_MARIADB);
    mysql_create(
        (struct infra_probe_mysql_options) { .timeouts = &timeouts, .ask = 1 });
}

static void good_conversation(void)
{
    static const char *const variables[] = { "0|0|0-1-5", NULL };
    static const char *const replication[] = { "Yes|Yes|1", NULL };

    peer_log_in(&mysql.peer);
    peer_query(&mysql.peer, PEER_VARIABLES);
    peer_result(&mysql.peer, "read_only|innodb_read_only|gtid_current_pos",
                variables);
    peer_query(&mysql.peer, PEER_REPLICATION);
    peer_result(&mysql.peer,
                "Slave_IO_Running|Slave_SQL_Running|"
                "Seconds_Behind_Master",
                replication);
}

/* If the server stops anywhere, the check ends with that reason, and an
 * incomplete answer sets no field. */
START_TEST(ends_anywhere)
{
    static const struct {
        enum test_step_kind kind;
        uint32_t reason;
        uint32_t reason_at_once;
        infra_time duration;
    } ends[] = {
        { TEST_STEP_EOF, INFRA_PROBE_REASON_CLOSED_EARLY,
          INFRA_PROBE_REASON_CLOSED_EARLY, 0 },
        { TEST_STEP_FAIL, INFRA_PROBE_REASON_RESET, INFRA_PROBE_REASON_RESET,
          0 },
        { TEST_STEP_HANG, INFRA_PROBE_REASON_SLOW_REPLY,
          INFRA_PROBE_REASON_NO_REPLY, INFRA_SEC(2) },
    };
    unsigned ended = 0;

    good_conversation();
    for (size_t step = 1; step < mysql.peer.steps_count; step++) {
        struct test_step whole = mysql.peer.steps[step];
        if (whole.kind != TEST_STEP_SEND) {
            continue;
        }
        struct peer cut = mysql.peer;
        cut.steps_count = step + 2;
        cut.steps[step + 1] =
            (struct test_step) { .kind = ends[_i].kind,
                                 .number = INFRA_OUTCOME_RESET };
        for (size_t size = 0; size < whole.size; size++) {
            cut.steps[step].size = size;
            cut.steps[step].bytes = whole.bytes;
            struct infra_probe_result r =
                peer_run(&cut, mysql.probe, TEST_SPLIT_NONE, 0);
            bool at_once = step == 1 && size == 0;
            ck_assert_msg(r.reason == (at_once ? ends[_i].reason_at_once
                                               : ends[_i].reason),
                          "step %zu, %zu bytes: %s", step, size,
                          infra_probe_reason_name(r.reason));
            ck_assert_uint_eq(r.duration, at_once && ends[_i].duration != 0
                                              ? INFRA_MS(500)
                                              : ends[_i].duration);
            ck_assert_uint_eq(r.has, step > 5 ? INFRA_PROBE_HAS_WRITABLE |
                                                    INFRA_PROBE_HAS_POSITION
                                              : 0);
            ended++;
        }
    }
    ck_assert_uint_gt(ended, 300);
}
END_TEST

/* A check leaves nothing in the next one of the same probe. */
START_TEST(checks_are_independent)
{
    static struct test_step refused[] = { TEST_FAIL(INFRA_OUTCOME_REFUSED) };
    struct test_transport t = TEST_TRANSPORT(refused);
    struct infra_probe_result r;
    struct infra_probe_result first;
    struct peer other = { 0 };

    good_conversation();
    peer_quit(&mysql.peer);
    first = peer_run(&mysql.peer, mysql.probe, TEST_SPLIT_NONE, 0);
    ck_assert_uint_eq(first.has,
                      INFRA_PROBE_HAS_ROLE | INFRA_PROBE_HAS_WRITABLE |
                          INFRA_PROBE_HAS_POSITION | INFRA_PROBE_HAS_LAG);
    ck_assert_str_eq(infra_probe_text(mysql.probe, INFRA_PROBE_TEXT_POSITION),
                     "0-1-5");
    infra_probe_start(mysql.probe, 0, 0);
    ck_assert_str_eq(infra_probe_text(mysql.probe, INFRA_PROBE_TEXT_VERSION),
                     "");
    test_transport_run(&t, infra_probe_exchange(mysql.probe));
    ck_assert_int_eq(infra_probe_result(mysql.probe, &r), INFRA_OK);
    ck_assert_uint_eq(r.reason, INFRA_PROBE_REASON_REFUSED);
    ck_assert_uint_eq(r.has, 0);
    ck_assert_str_eq(infra_probe_text(mysql.probe, INFRA_PROBE_TEXT_VERSION),
                     "");
    ck_assert_str_eq(infra_probe_text(mysql.probe, INFRA_PROBE_TEXT_POSITION),
                     "");
    peer_step(&other, (struct test_step)TEST_ACCEPT(0));
    peer_send(&other, PEER_TEXT("\x17\0\0\0\xff\x10\x04Too many connections"));
    (void)peer_run(&other, mysql.probe, TEST_SPLIT_NONE, 0);
    ck_assert_str_eq(infra_probe_text(mysql.probe, INFRA_PROBE_TEXT_VERSION),
                     "");
    ck_assert_str_eq(infra_probe_text(mysql.probe, INFRA_PROBE_TEXT_MESSAGE),
                     "Too many connections");
    other = (struct peer) { 0 };
    peer_step(&other, (struct test_step)TEST_ACCEPT(0));
    peer_step(&other, (struct test_step)TEST_EOF);
    (void)peer_run(&other, mysql.probe, TEST_SPLIT_NONE, 0);
    ck_assert_str_eq(infra_probe_text(mysql.probe, INFRA_PROBE_TEXT_MESSAGE),
                     "");
    r = peer_run(&mysql.peer, mysql.probe, TEST_SPLIT_NONE, 0);
    ck_assert_mem_eq(&r, &first, sizeof r);
    ck_assert_str_eq(infra_probe_text(mysql.probe, INFRA_PROBE_TEXT_MESSAGE),
                     "");
    /* Cut short anywhere, then whole. */
    for (size_t steps = 2; steps < mysql.peer.steps_count; steps++) {
        struct peer cut = mysql.peer;
        cut.steps_count = steps;
        (void)peer_run(&cut, mysql.probe, TEST_SPLIT_NONE, 0);
        r = peer_run(&mysql.peer, mysql.probe, TEST_SPLIT_NONE, 0);
        ck_assert_mem_eq(&r, &first, sizeof r);
        ck_assert_str_eq(
            infra_probe_text(mysql.probe, INFRA_PROBE_TEXT_POSITION), "0-1-5");
    }
}
END_TEST

/* Once the check is decided, neither more input nor the server's close changes
 * it. */
START_TEST(the_farewell_is_the_end)
{
    const struct infra_exchange x = infra_probe_exchange(mysql.probe);
    struct infra_probe_result r;
    const void *bytes;

    good_conversation();
    infra_probe_start(mysql.probe, 0, 0);
    x.ops->note(x.self, INFRA_NOTE_CONNECTED, 0, 0);
    for (size_t i = 0; i < mysql.peer.steps_count; i++) {
        if (mysql.peer.steps[i].kind == TEST_STEP_SEND) {
            x.ops->input(x.self, mysql.peer.steps[i].bytes,
                         mysql.peer.steps[i].size, 0);
        }
    }
    ck_assert_int_eq(infra_probe_result(mysql.probe, &r), INFRA_EAGAIN);
    x.ops->input(x.self, "\x06\0\0\x01\xff\x10\x04Too", 10, 0);
    ck_assert_int_eq(infra_probe_result(mysql.probe, &r), INFRA_EAGAIN);
    if (_i == 0) {
        x.ops->note(x.self, INFRA_NOTE_EOF, 0, 0);
    } else {
        while (x.ops->output(x.self, &bytes) > 1) {
            x.ops->sent(x.self, 1, 0);
            ck_assert_int_eq(infra_probe_result(mysql.probe, &r), INFRA_EAGAIN);
        }
        x.ops->sent(x.self, 1, 0);
    }
    ck_assert_int_eq(infra_probe_result(mysql.probe, &r), INFRA_OK);
    ck_assert_uint_eq(r.reason, INFRA_PROBE_REASON_PASSED);
    ck_assert_uint_eq(r.status, 0);
}
END_TEST

static char long_text[257];

static const struct {
    const char *name;
    struct infra_probe_mysql_options options;
    int err;
} rows[] = {
    { "least", { .tls = 0 }, INFRA_OK },
    { "TLS without a user", { .tls = 1 }, INFRA_OK },
    { "all",
      { .user = "a",
        .password = "b",
        .lag_max = 1,
        .tls = 1,
        .ask = 1,
        .expect = INFRA_PROBE_ROLE_REPLICA },
      INFRA_OK },
    { "empty user", { .user = "", .ask = 1 }, INFRA_OK },
    { "longest",
      { .user = long_text + 1, .password = long_text + 1 },
      INFRA_OK },
    { "user too long", { .user = long_text }, INFRA_EINVAL },
    { "password too long",
      { .user = "a", .password = long_text },
      INFRA_EINVAL },
    { "password without a user", { .password = "a" }, INFRA_EINVAL },
    { "questions without a user", { .ask = 1 }, INFRA_EINVAL },
    { "role without a user",
      { .expect = INFRA_PROBE_ROLE_PRIMARY },
      INFRA_EINVAL },
    { "lag without a user", { .lag_max = 1 }, INFRA_EINVAL },
    { "tls of 2", { .user = "a", .tls = 2 }, INFRA_EINVAL },
    { "ask of 2", { .user = "a", .ask = 2 }, INFRA_EINVAL },
    { "no such role", { .user = "a", .expect = 3 }, INFRA_EINVAL },
};

START_TEST(options_are_checked)
{
    struct infra_probe_mysql_options o = rows[_i].options;
    struct infra_probe *p = NULL;

    memset(long_text, 'u', sizeof long_text - 1);
    o.size = sizeof o;
    ck_assert_msg(infra_probe_mysql(&p, &o) == rows[_i].err, "%s",
                  rows[_i].name);
    ck_assert((p != NULL) == (rows[_i].err == INFRA_OK));
    infra_probe_destroy(p);
}
END_TEST

/* The longest login fits. */
START_TEST(the_longest_login)
{
    struct infra_probe_mysql_options o = { .size = sizeof o };
    struct infra_probe *p = NULL;
    char name[256] = { 0 };

    memset(name, 'u', sizeof name - 1);
    o.user = name;
    o.password = name;
    ck_assert_int_eq(infra_probe_mysql(&p, &o), INFRA_OK);
    mysql.peer.sequence++;
    peer_ok(&mysql.peer);
    struct infra_probe_result r = peer_run(&mysql.peer, p, TEST_SPLIT_NONE, 0);
    ck_assert_uint_eq(r.reason, INFRA_PROBE_REASON_PASSED);
    infra_probe_destroy(p);
}
END_TEST

static Suite *runs_suite(void)
{
    Suite *s = suite_create("probe_mysql_runs");
    TCase *tc = tcase_create("runs");
    tcase_add_checked_fixture(tc, setup, mysql_teardown);
    tcase_add_loop_test(tc, ends_anywhere, 0, 3);
    tcase_add_test(tc, checks_are_independent);
    tcase_add_loop_test(tc, the_farewell_is_the_end, 0, 2);
    tcase_add_loop_test(tc, options_are_checked, 0, INFRA__COUNT_OF(rows));
    tcase_add_test(tc, the_longest_login);
    suite_add_tcase(s, tc);
    return s;
}

int main(void)
{
    return test_main(runs_suite());
}
