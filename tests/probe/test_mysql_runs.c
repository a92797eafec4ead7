/* SPDX-License-Identifier: MIT */
/* The MySQL check as a whole: ends anywhere, deadlines, one check after the
 * other, what may be asked for at all, and memory. */
#include "mysql_peer.h"
#include "support.h"

#include "base/internal.h"

#include <string.h>

static struct test_heap heap;
static struct infra_probe *probe;
static struct peer peer;

static void setup(void)
{
    const struct infra_probe_timeouts timeouts = { .size = sizeof timeouts,
                                                   .first_byte_timeout =
                                                       INFRA_MS(500) };
    const struct infra_probe_mysql_options o = { .size = sizeof o,
                                                 .allocator = &heap.allocator,
                                                 .timeouts = &timeouts,
                                                 .user = "check",
                                                 .password = "secret",
                                                 .ask = 1 };

    test_heap_init(&heap, -1);
    peer = (struct peer) { 0 };
    ck_assert_int_eq(infra_probe_mysql(&probe, &o), INFRA_OK);
    peer_greet(&peer, PEER_MARIADB);
}

static void teardown(void)
{
    infra_probe_destroy(probe);
    ck_assert_int_eq(heap.live, 0);
}

static void good_conversation(void)
{
    static const char *const variables[] = { "0|0|0-1-5", NULL };
    static const char *const replication[] = { "Yes|Yes|1", NULL };

    peer_log_in(&peer);
    peer_query(&peer, PEER_VARIABLES);
    peer_result(&peer, "read_only|innodb_read_only|gtid_current_pos",
                variables);
    peer_query(&peer, PEER_REPLICATION);
    peer_result(&peer,
                "Slave_IO_Running|Slave_SQL_Running|"
                "Seconds_Behind_Master",
                replication);
}

/* Wherever the server stops to talk, it ends with the reason for it, and with
 * nothing told of an answer that is not whole. */
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
    for (size_t step = 1; step < peer.steps_count; step++) {
        struct test_step whole = peer.steps[step];
        if (whole.kind != TEST_STEP_SEND) {
            continue;
        }
        struct peer cut = peer;
        cut.steps_count = step + 2;
        cut.steps[step + 1] =
            (struct test_step) { .kind = ends[_i].kind,
                                 .number = INFRA_OUTCOME_RESET };
        for (size_t size = 0; size < whole.size; size++) {
            cut.steps[step].size = size;
            cut.steps[step].bytes = whole.bytes;
            struct infra_probe_result r =
                peer_run(&cut, probe, TEST_SPLIT_NONE, 0);
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

/* Nothing of a check is left in the next one of the same probe. */
START_TEST(checks_are_independent)
{
    static struct test_step refused[] = { TEST_FAIL(INFRA_OUTCOME_REFUSED) };
    struct test_transport t = TEST_TRANSPORT(refused);
    struct infra_probe_result r;
    struct infra_probe_result first;
    struct peer other = { 0 };

    good_conversation();
    peer_quit(&peer);
    first = peer_run(&peer, probe, TEST_SPLIT_NONE, 0);
    ck_assert_uint_eq(first.has,
                      INFRA_PROBE_HAS_ROLE | INFRA_PROBE_HAS_WRITABLE |
                          INFRA_PROBE_HAS_POSITION | INFRA_PROBE_HAS_LAG);
    ck_assert_str_eq(infra_probe_text(probe, INFRA_PROBE_TEXT_POSITION),
                     "0-1-5");
    infra_probe_start(probe, 0, 0);
    ck_assert_str_eq(infra_probe_text(probe, INFRA_PROBE_TEXT_VERSION), "");
    test_transport_run(&t, infra_probe_exchange(probe));
    ck_assert_int_eq(infra_probe_result(probe, &r), INFRA_OK);
    ck_assert_uint_eq(r.reason, INFRA_PROBE_REASON_REFUSED);
    ck_assert_uint_eq(r.has, 0);
    ck_assert_str_eq(infra_probe_text(probe, INFRA_PROBE_TEXT_VERSION), "");
    ck_assert_str_eq(infra_probe_text(probe, INFRA_PROBE_TEXT_POSITION), "");
    peer_step(&other, (struct test_step)TEST_ACCEPT(0));
    peer_send(&other, PEER_TEXT("\x17\0\0\0\xff\x10\x04Too many connections"));
    (void)peer_run(&other, probe, TEST_SPLIT_NONE, 0);
    ck_assert_str_eq(infra_probe_text(probe, INFRA_PROBE_TEXT_VERSION), "");
    ck_assert_str_eq(infra_probe_text(probe, INFRA_PROBE_TEXT_MESSAGE),
                     "Too many connections");
    other = (struct peer) { 0 };
    peer_step(&other, (struct test_step)TEST_ACCEPT(0));
    peer_step(&other, (struct test_step)TEST_EOF);
    (void)peer_run(&other, probe, TEST_SPLIT_NONE, 0);
    ck_assert_str_eq(infra_probe_text(probe, INFRA_PROBE_TEXT_MESSAGE), "");
    r = peer_run(&peer, probe, TEST_SPLIT_NONE, 0);
    ck_assert_mem_eq(&r, &first, sizeof r);
    ck_assert_str_eq(infra_probe_text(probe, INFRA_PROBE_TEXT_MESSAGE), "");
    /* Cut short anywhere, then whole. */
    for (size_t steps = 2; steps < peer.steps_count; steps++) {
        struct peer cut = peer;
        cut.steps_count = steps;
        (void)peer_run(&cut, probe, TEST_SPLIT_NONE, 0);
        r = peer_run(&peer, probe, TEST_SPLIT_NONE, 0);
        ck_assert_mem_eq(&r, &first, sizeof r);
        ck_assert_str_eq(infra_probe_text(probe, INFRA_PROBE_TEXT_POSITION),
                         "0-1-5");
    }
}
END_TEST

/* Once all is known, neither more words nor the server's end change it. */
START_TEST(the_farewell_is_the_end)
{
    const struct infra_exchange x = infra_probe_exchange(probe);
    struct infra_probe_result r;
    const void *bytes;

    good_conversation();
    infra_probe_start(probe, 0, 0);
    x.ops->note(x.self, INFRA_NOTE_CONNECTED, 0, 0);
    for (size_t i = 0; i < peer.steps_count; i++) {
        if (peer.steps[i].kind == TEST_STEP_SEND) {
            x.ops->input(x.self, peer.steps[i].bytes, peer.steps[i].size, 0);
        }
    }
    ck_assert_int_eq(infra_probe_result(probe, &r), INFRA_EAGAIN);
    x.ops->input(x.self, "\x06\0\0\x01\xff\x10\x04Too", 10, 0);
    ck_assert_int_eq(infra_probe_result(probe, &r), INFRA_EAGAIN);
    if (_i == 0) {
        x.ops->note(x.self, INFRA_NOTE_EOF, 0, 0);
    } else {
        while (x.ops->output(x.self, &bytes) > 1) {
            x.ops->sent(x.self, 1, 0);
            ck_assert_int_eq(infra_probe_result(probe, &r), INFRA_EAGAIN);
        }
        x.ops->sent(x.self, 1, 0);
    }
    ck_assert_int_eq(infra_probe_result(probe, &r), INFRA_OK);
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

/* The longest login has a place. */
START_TEST(the_longest_login)
{
    struct infra_probe_mysql_options o = { .size = sizeof o };
    struct infra_probe *p = NULL;
    char name[256] = { 0 };

    memset(name, 'u', sizeof name - 1);
    o.user = name;
    o.password = name;
    ck_assert_int_eq(infra_probe_mysql(&p, &o), INFRA_OK);
    peer.sequence++;
    peer_ok(&peer);
    struct infra_probe_result r = peer_run(&peer, p, TEST_SPLIT_NONE, 0);
    ck_assert_uint_eq(r.reason, INFRA_PROBE_REASON_PASSED);
    infra_probe_destroy(p);
}
END_TEST

/* Options of a newer header, of an older one, and none. */
START_TEST(options_of_another_age)
{
    struct {
        struct infra_probe_mysql_options o;
        uint64_t more;
    } future = { .o = { .size = sizeof future } };
    struct infra_probe *p = NULL;

    ck_assert_int_eq(infra_probe_mysql(&p, &future.o), INFRA_OK);
    infra_probe_destroy(p);
    p = NULL;
    future.more = 1;
    ck_assert_int_eq(infra_probe_mysql(&p, &future.o), INFRA_ESTRUCT);
    future.o.size = sizeof future.o - 1;
    ck_assert_int_eq(infra_probe_mysql(&p, &future.o), INFRA_EINVAL);
    ck_assert_int_eq(infra_probe_mysql(NULL, NULL), INFRA_EINVAL);
    ck_assert_ptr_null(p);
    ck_assert_int_eq(infra_probe_mysql(&p, NULL), INFRA_OK);
    infra_probe_destroy(p);
}
END_TEST

/* Memory is asked for once, and its lack is told. */
START_TEST(allocation_may_fail)
{
    struct test_heap poor;
    struct infra_probe *p = NULL;

    test_heap_init(&poor, 0);
    const struct infra_probe_mysql_options o = { .size = sizeof o,
                                                 .allocator = &poor.allocator,
                                                 .user = "check" };
    ck_assert_int_eq(infra_probe_mysql(&p, &o), INFRA_ENOMEM);
    ck_assert_ptr_null(p);
    test_heap_init(&poor, 1);
    ck_assert_int_eq(infra_probe_mysql(&p, &o), INFRA_OK);
    infra_probe_destroy(p);
    ck_assert_int_eq(poor.live, 0);
}
END_TEST

static Suite *runs_suite(void)
{
    Suite *s = suite_create("probe_mysql_runs");
    TCase *tc = tcase_create("runs");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_loop_test(tc, ends_anywhere, 0, 3);
    tcase_add_test(tc, checks_are_independent);
    tcase_add_loop_test(tc, the_farewell_is_the_end, 0, 2);
    tcase_add_loop_test(tc, options_are_checked, 0, INFRA__COUNT_OF(rows));
    tcase_add_test(tc, the_longest_login);
    tcase_add_test(tc, options_of_another_age);
    tcase_add_test(tc, allocation_may_fail);
    suite_add_tcase(s, tc);
    return s;
}

int main(void)
{
    return test_main(runs_suite());
}
