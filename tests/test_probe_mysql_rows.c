/* SPDX-License-Identifier: MIT */
/* Answers of the MySQL check as bytes: results that contradict themselves, ends
 * in the middle, deadlines, what may be asked for at all, and memory. */
#include "mysql_peer.h"
#include "support.h"

#include "base/internal.h"

#include <stdlib.h>
#include <string.h>

static struct test_heap heap;
static struct infra_probe *probe;
static struct peer peer;

static void setup(void)
{
    const struct infra_probe_mysql_options o = { .size = sizeof o,
                                                 .allocator = &heap.allocator,
                                                 .user = "check",
                                                 .password = "secret",
                                                 .first_byte_timeout =
                                                     INFRA_MS(500),
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

/* Every packet of an answer, up to the one that is bad. */
#define DEFINITION \
    "\x03"         \
    "def\0\0\0\x09read_only\0\x0c?\0"
#define MARK "\xfe\0\0\x02\0"
struct payload {
    const char *bytes;
    size_t size;
};
#define P(t)         \
    {                \
        PEER_TEXT(t) \
    }

static const struct {
    const char *name;
    struct payload packets[8];
    uint32_t reason;
} answers[] = {
    { "OK", { P("\0\0\0\x02\0\0\0") }, INFRA_PROBE_BAD_REPLY },
    { "OK of one byte", { P("\0") }, INFRA_PROBE_BAD_REPLY },
    { "request for a file", { P("\xfb/etc/passwd") }, INFRA_PROBE_BAD_REPLY },
    { "end mark at once", { P(MARK) }, INFRA_PROBE_BAD_REPLY },
    { "129 columns", { P("\x81") }, INFRA_PROBE_BAD_REPLY },
    { "a long number of columns", { P("\x01\0") }, INFRA_PROBE_BAD_REPLY },
    { "a NULL of columns", { P("\xfb") }, INFRA_PROBE_BAD_REPLY },
    { "65536 columns", { P("\xfd\0\0\x01") }, INFRA_PROBE_BAD_REPLY },
    { "no column", { P("\x01"), P(MARK) }, INFRA_PROBE_BAD_REPLY },
    { "a column too few",
      { P("\x02"), P(DEFINITION), P(MARK) },
      INFRA_PROBE_BAD_REPLY },
    { "a column too many",
      { P("\x01"), P(DEFINITION), P(DEFINITION) },
      INFRA_PROBE_BAD_REPLY },
    { "a column without a name",
      { P("\x01"), P("\x03"
                     "def\0\0\0") },
      INFRA_PROBE_BAD_REPLY },
    { "a column with half a name",
      { P("\x01"), P("\x03"
                     "def\0\0\0\x09read_onl") },
      INFRA_PROBE_BAD_REPLY },
    { "a column of NULL",
      { P("\x01"), P("\x03"
                     "def\0\0\xfb\x09read_only\0") },
      INFRA_PROBE_BAD_REPLY },
    { "a column with a long length",
      { P("\x01"), P("\xfe\x03\0\0\0\0\0\0\0def\0\0\0\x09read_only\0") },
      INFRA_PROBE_BAD_REPLY },
    { "no end mark of the columns",
      { P("\x01"), P(DEFINITION), P("\x01\x30") },
      INFRA_PROBE_BAD_REPLY },
    { "an end mark that is too long",
      { P("\x01"), P(DEFINITION), P("\xfe\0\0\x02\0\0\0\0\0") },
      INFRA_PROBE_BAD_REPLY },
    { "a row too short",
      { P("\x02"), P(DEFINITION), P(DEFINITION), P(MARK), P("\x01\x30") },
      INFRA_PROBE_BAD_REPLY },
    { "a row too long",
      { P("\x01"), P(DEFINITION), P(MARK), P("\x01\x30\x01\x30") },
      INFRA_PROBE_BAD_REPLY },
    { "a cell too long",
      { P("\x01"), P(DEFINITION), P(MARK), P("\x02\x30") },
      INFRA_PROBE_BAD_REPLY },
    { "a cell too long, in two bytes",
      { P("\x01"), P(DEFINITION), P(MARK), P("\xfc\x02\0\x30") },
      INFRA_PROBE_BAD_REPLY },
    { "a cell too long, in three bytes",
      { P("\x01"), P(DEFINITION), P(MARK), P("\xfd\x01\0\x01\x30") },
      INFRA_PROBE_BAD_REPLY },
    { "half a length",
      { P("\x01"), P(DEFINITION), P(MARK), P("\xfd\x01\0") },
      INFRA_PROBE_BAD_REPLY },
    { "a length of eight bytes",
      { P("\x01"), P(DEFINITION), P(MARK), P("\xfe\x01\0\0\0\0\0\0\0\x30") },
      INFRA_PROBE_BAD_REPLY },
    { "a packet of nothing",
      { P("\x01"), P(DEFINITION), P(MARK), P("") },
      INFRA_PROBE_BAD_REPLY },

    /* And what is good, so that silence ends it. */
    { "128 columns", { P("\x80") }, INFRA_PROBE_SLOW_REPLY },
    { "cells of every length",
      { P("\x02"), P(DEFINITION), P(DEFINITION), P(MARK), P("\0\xfb"),
        P("\xfc\x01\0\x30\xfd\x02\0\0\x30\x31"), P(MARK) },
      INFRA_PROBE_SLOW_REPLY },
    { "no rows",
      { P("\x01"), P(DEFINITION), P(MARK), P(MARK) },
      INFRA_PROBE_SLOW_REPLY },
    { "an end mark of one byte",
      { P("\x01"), P(DEFINITION), P("\xfe"), P("\xfe") },
      INFRA_PROBE_SLOW_REPLY },
    { "an end mark of eight bytes",
      { P("\x01"), P(DEFINITION), P("\xfe\0\0\0\0\0\0\0") },
      INFRA_PROBE_SLOW_REPLY },
};

START_TEST(answers_may_contradict_themselves)
{
    peer_log_in(&peer);
    peer.sequence = 1;
    for (size_t i = 0; answers[_i].packets[i].bytes != NULL; i++) {
        peer_packet(&peer, answers[_i].packets[i].bytes,
                    answers[_i].packets[i].size);
    }
    for (uint64_t i = 0; i < 40; i++) {
        struct infra_probe_result r = peer_run(&peer, probe,
                                               i == 0   ? TEST_SPLIT_NONE
                                               : i == 1 ? TEST_SPLIT_BYTES
                                                        : TEST_SPLIT_RANDOM,
                                               i);
        ck_assert_msg(r.reason == answers[_i].reason, "%s: %s",
                      answers[_i].name, infra_probe_reason_name(r.reason));
        ck_assert_uint_eq(r.told, 0);
    }
}
END_TEST

/* The columns of a row that count may be the last of many, or have the name of
 * none. */
START_TEST(many_columns)
{
    static char names[8192];
    static char cells[4096];
    const char *const rows[] = { cells, NULL };

    for (int i = 0; i < 126; i++) {
        strcat(names, "Slave_IO_Runningwithsomethingmore_|");
        strcat(cells, i % 3 == 0 ? "|" : "1|");
    }
    strcat(names, "read_only|innodb_read_only");
    strcat(cells, "0|0");
    peer_log_in(&peer);
    peer_query(&peer, PEER_VARIABLES);
    peer_result(&peer, names, rows);
    peer_query(&peer, PEER_REPLICATION);
    peer_result(&peer, "a", rows + 1);
    peer_quit(&peer);
    struct infra_probe_result r = peer_run(&peer, probe, TEST_SPLIT_NONE, 0);
    ck_assert_uint_eq(r.reason, INFRA_PROBE_PASSED);
    ck_assert_uint_eq(r.told, INFRA_TOLD_ROLE | INFRA_TOLD_WRITABLE);
    ck_assert_uint_eq(r.writable, 1);
}
END_TEST

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
        { TEST_STEP_EOF, INFRA_PROBE_CLOSED_EARLY, INFRA_PROBE_CLOSED_EARLY,
          0 },
        { TEST_STEP_FAIL, INFRA_PROBE_RESET, INFRA_PROBE_RESET, 0 },
        { TEST_STEP_HANG, INFRA_PROBE_SLOW_REPLY, INFRA_PROBE_NO_REPLY,
          INFRA_SEC(2) },
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
            ck_assert_uint_eq(r.told, step > 5 ? INFRA_TOLD_WRITABLE |
                                                     INFRA_TOLD_POSITION
                                               : 0);
            ended++;
        }
    }
    ck_assert_uint_gt(ended, 300);
}
END_TEST

/* A check reads no more than it should, in packets of any size. */
START_TEST(replies_are_bounded)
{
    static const struct {
        const char *header;
        size_t more; /* Bytes that follow it, each time. */
    } rows[] = {
        { "\xff\xff\xff\x02", 0 },
        { "\0\0\x10\x02", 0 },
        { "\x01\0\0\x01\x01", 0 }, /* Then rows without end. */
    };
    const struct infra_exchange x = infra_probe_exchange(probe);
    struct infra_probe_result r;

    infra_probe_start(probe, 0);
    x.ops->note(x.self, INFRA_NOTE_CONNECTED, 0, 0);
    x.ops->input(x.self, peer.steps[1].bytes, peer.steps[1].size, 0);
    if (_i < 2) {
        x.ops->input(x.self, rows[_i].header, 4, 0);
        ck_assert_int_eq(infra_probe_result(probe, &r), INFRA_OK);
        ck_assert_uint_eq(r.reason, INFRA_PROBE_REPLY_TOO_LONG);
        return;
    }
    struct peer more = { .sequence = 2 };
    peer_ok(&more);
    more.sequence = 1;
    peer_columns(&more, "read_only");
    for (int i = 0; i < 250; i++) {
        peer_row(&more, "01234567890123456789012345678901234567890123456789");
    }
    x.ops->input(x.self, more.bytes, more.size, 0);
    size_t count = peer.size + more.size;
    unsigned char sequence = more.sequence;
    while (infra_probe_result(probe, &r) != INFRA_OK) {
        struct peer row = { .sequence = sequence };
        peer_row(&row, "01234567890123456789012345678901234567890123456789");
        x.ops->input(x.self, row.bytes, row.size, 0);
        sequence = row.sequence;
        count += row.size;
        ck_assert_uint_lt(count, (1u << 20) + 100);
    }
    ck_assert_uint_eq(r.reason, INFRA_PROBE_REPLY_TOO_LONG);
    ck_assert_uint_gt(count, (1u << 20) - 100);
}
END_TEST

/* Nothing of a check is left in the next one of the same probe. */
START_TEST(checks_are_independent)
{
    static struct test_step refused[] = { TEST_FAIL(INFRA_OUTCOME_REFUSED) };
    struct test_transport t = TEST_TRANSPORT(refused);
    struct infra_probe_result r;
    struct infra_probe_result first;

    good_conversation();
    peer_quit(&peer);
    first = peer_run(&peer, probe, TEST_SPLIT_NONE, 0);
    ck_assert_uint_eq(first.told, INFRA_TOLD_ROLE | INFRA_TOLD_WRITABLE |
                                      INFRA_TOLD_POSITION | INFRA_TOLD_LAG);
    ck_assert_str_eq(infra_probe_text(probe, INFRA_PROBE_TEXT_POSITION),
                     "0-1-5");
    infra_probe_start(probe, 0);
    ck_assert_str_eq(infra_probe_text(probe, INFRA_PROBE_TEXT_VERSION), "");
    test_transport_run(&t, infra_probe_exchange(probe));
    ck_assert_int_eq(infra_probe_result(probe, &r), INFRA_OK);
    ck_assert_uint_eq(r.reason, INFRA_PROBE_REFUSED);
    ck_assert_uint_eq(r.told, 0);
    ck_assert_str_eq(infra_probe_text(probe, INFRA_PROBE_TEXT_VERSION), "");
    ck_assert_str_eq(infra_probe_text(probe, INFRA_PROBE_TEXT_POSITION), "");
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
    infra_probe_start(probe, 0);
    x.ops->note(x.self, INFRA_NOTE_CONNECTED, 0, 0);
    for (size_t i = 0; i < peer.steps_count; i++) {
        if (peer.steps[i].kind == TEST_STEP_SEND) {
            x.ops->input(x.self, peer.steps[i].bytes, peer.steps[i].size, 0);
        }
    }
    ck_assert_int_eq(infra_probe_result(probe, &r), INFRA_EAGAIN);
    x.ops->input(x.self, "\x17\0\0\x01\xff\x10\x04Too", 10, 0);
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
    ck_assert_uint_eq(r.reason, INFRA_PROBE_PASSED);
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
        .expect = INFRA_ROLE_REPLICA },
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
    { "role without a user", { .expect = INFRA_ROLE_PRIMARY }, INFRA_EINVAL },
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
    ck_assert_uint_eq(r.reason, INFRA_PROBE_PASSED);
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

static Suite *rows_suite(void)
{
    Suite *s = suite_create("probe_mysql_rows");
    TCase *tc = tcase_create("rows");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_loop_test(tc, answers_may_contradict_themselves, 0,
                        INFRA__COUNT_OF(answers));
    tcase_add_test(tc, many_columns);
    tcase_add_loop_test(tc, ends_anywhere, 0, 3);
    tcase_add_loop_test(tc, replies_are_bounded, 0, 3);
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
    return test_main(rows_suite());
}
