/* SPDX-License-Identifier: MIT */
/* Answers to the MySQL check as bytes: contradictory results, and results that
 * are too long. */
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

/* The packets of an answer, up to the bad one. */
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

#define TEN "\0\0\0\0\0\0\0\0\0\0"
#define FIFTY TEN TEN TEN TEN TEN

static const struct {
    const char *name;
    struct payload packets[8];
    uint32_t reason;
} answers[] = {
    { "OK", { P("\0\0\0\x02\0\0\0") }, INFRA_PROBE_REASON_BAD_REPLY },
    { "OK of one byte", { P("\0") }, INFRA_PROBE_REASON_BAD_REPLY },
    { "request for a file",
      { P("\xfb/etc/passwd") },
      INFRA_PROBE_REASON_BAD_REPLY },
    { "end mark at once", { P(MARK) }, INFRA_PROBE_REASON_BAD_REPLY },
    { "129 columns", { P("\x81") }, INFRA_PROBE_REASON_BAD_REPLY },
    { "a long number of columns",
      { P("\x01\0") },
      INFRA_PROBE_REASON_BAD_REPLY },
    { "a number of columns twice",
      { P("\x01\x01") },
      INFRA_PROBE_REASON_BAD_REPLY },
    { "a row of 257 cells",
      { P("\x01"), P(DEFINITION), P(MARK),
        P(FIFTY FIFTY FIFTY FIFTY FIFTY "\0\0\0\0\0\0\0") },
      INFRA_PROBE_REASON_BAD_REPLY },
    { "a NULL of columns", { P("\xfb") }, INFRA_PROBE_REASON_BAD_REPLY },
    { "65536 columns", { P("\xfd\0\0\x01") }, INFRA_PROBE_REASON_BAD_REPLY },
    { "no column", { P("\x01"), P(MARK) }, INFRA_PROBE_REASON_BAD_REPLY },
    { "a column too few",
      { P("\x02"), P(DEFINITION), P(MARK) },
      INFRA_PROBE_REASON_BAD_REPLY },
    { "a column too many",
      { P("\x01"), P(DEFINITION), P(DEFINITION) },
      INFRA_PROBE_REASON_BAD_REPLY },
    { "a column without a name",
      { P("\x01"), P("\x03"
                     "def\0\0\0") },
      INFRA_PROBE_REASON_BAD_REPLY },
    { "a column with half a name",
      { P("\x01"), P("\x03"
                     "def\0\0\0\x09read_onl") },
      INFRA_PROBE_REASON_BAD_REPLY },
    { "a column of NULL",
      { P("\x01"), P("\x03"
                     "def\0\0\xfb\x09read_only\0") },
      INFRA_PROBE_REASON_BAD_REPLY },
    { "a column with a long length",
      { P("\x01"), P("\xfe\x03\0\0\0\0\0\0\0def\0\0\0\x09read_only\0") },
      INFRA_PROBE_REASON_BAD_REPLY },
    { "no end mark of the columns",
      { P("\x01"), P(DEFINITION), P("\x01\x30") },
      INFRA_PROBE_REASON_BAD_REPLY },
    { "an end mark that is too long",
      { P("\x01"), P(DEFINITION), P("\xfe\0\0\x02\0\0\0\0\0") },
      INFRA_PROBE_REASON_BAD_REPLY },
    { "a row too short",
      { P("\x02"), P(DEFINITION), P(DEFINITION), P(MARK), P("\x01\x30") },
      INFRA_PROBE_REASON_BAD_REPLY },
    { "a row too long",
      { P("\x01"), P(DEFINITION), P(MARK), P("\x01\x30\x01\x30") },
      INFRA_PROBE_REASON_BAD_REPLY },
    { "a cell too long",
      { P("\x01"), P(DEFINITION), P(MARK), P("\x02\x30") },
      INFRA_PROBE_REASON_BAD_REPLY },
    { "a cell too long, in two bytes",
      { P("\x01"), P(DEFINITION), P(MARK), P("\xfc\x02\0\x30") },
      INFRA_PROBE_REASON_BAD_REPLY },
    { "a cell too long, in three bytes",
      { P("\x01"), P(DEFINITION), P(MARK), P("\xfd\x01\0\x01\x30") },
      INFRA_PROBE_REASON_BAD_REPLY },
    { "half a length",
      { P("\x01"), P(DEFINITION), P(MARK), P("\xfd\x01\0") },
      INFRA_PROBE_REASON_BAD_REPLY },
    { "a length of eight bytes",
      { P("\x01"), P(DEFINITION), P(MARK), P("\xfe\x01\0\0\0\0\0\0\0\x30") },
      INFRA_PROBE_REASON_BAD_REPLY },
    { "a packet of nothing",
      { P("\x01"), P(DEFINITION), P(MARK), P("") },
      INFRA_PROBE_REASON_BAD_REPLY },

    /* And what is good, so that silence ends it. */
    { "128 columns", { P("\x80") }, INFRA_PROBE_REASON_SLOW_REPLY },
    { "cells of every length",
      { P("\x02"), P(DEFINITION), P(DEFINITION), P(MARK), P("\0\xfb"),
        P("\xfc\x01\0\x30\xfd\x02\0\0\x30\x31"), P(MARK) },
      INFRA_PROBE_REASON_SLOW_REPLY },
    { "no rows",
      { P("\x01"), P(DEFINITION), P(MARK), P(MARK) },
      INFRA_PROBE_REASON_SLOW_REPLY },
    { "an end mark of one byte",
      { P("\x01"), P(DEFINITION), P("\xfe"), P("\xfe") },
      INFRA_PROBE_REASON_SLOW_REPLY },
    { "an end mark of eight bytes",
      { P("\x01"), P(DEFINITION), P("\xfe\0\0\0\0\0\0\0") },
      INFRA_PROBE_REASON_SLOW_REPLY },
};

START_TEST(answers_may_contradict_themselves)
{
    peer_log_in(&mysql.peer);
    mysql.peer.sequence = 1;
    for (size_t i = 0; answers[_i].packets[i].bytes != NULL; i++) {
        peer_packet(&mysql.peer, answers[_i].packets[i].bytes,
                    answers[_i].packets[i].size);
    }
    for (uint64_t i = 0; i < 40; i++) {
        struct infra_probe_result r = peer_run(&mysql.peer, mysql.probe,
                                               i == 0   ? TEST_SPLIT_NONE
                                               : i == 1 ? TEST_SPLIT_BYTES
                                                        : TEST_SPLIT_RANDOM,
                                               i);
        ck_assert_msg(r.reason == answers[_i].reason, "%s: %s",
                      answers[_i].name, infra_probe_reason_name(r.reason));
        ck_assert_uint_eq(r.has, 0);
    }
}
END_TEST

/* The known columns may be the last of many, or be missing. */
START_TEST(many_columns)
{
    static char names[8192];
    static char cells[4096];
    const char *const rows[] = { cells, NULL };

    for (int i = 0; i < 126; i++) {
        strcat(names, "Slave_IO_Running_with_more_of_it\3...|");
        strcat(cells, i == 0 ? "     |" : i % 3 == 0 ? "|" : "1|");
    }
    memcpy(cells, "0-1-7", 5); /* In a column with a name that is too long. */
    strcat(names, "read_only|innodb_read_only");
    strcat(cells, "0|0");
    peer_log_in(&mysql.peer);
    peer_query(&mysql.peer, PEER_VARIABLES);
    peer_result(&mysql.peer, names, rows);
    peer_query(&mysql.peer, PEER_REPLICATION);
    peer_result(&mysql.peer, "a", rows + 1);
    peer_quit(&mysql.peer);
    struct infra_probe_result r =
        peer_run(&mysql.peer, mysql.probe, TEST_SPLIT_NONE, 0);
    ck_assert_uint_eq(r.reason, INFRA_PROBE_REASON_PASSED);
    ck_assert_uint_eq(r.has, INFRA_PROBE_HAS_ROLE | INFRA_PROBE_HAS_WRITABLE);
    ck_assert_uint_eq(r.writable, 1);
}
END_TEST

/* A check stops reading at its limit, with packets of any size. */
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
    const struct infra_exchange x = infra_probe_exchange(mysql.probe);
    struct infra_probe_result r;

    infra_probe_start(mysql.probe, 0, 0);
    x.ops->note(x.self, INFRA_NOTE_CONNECTED, 0, 0);
    x.ops->input(x.self, mysql.peer.steps[1].bytes, mysql.peer.steps[1].size,
                 0);
    if (_i < 2) {
        x.ops->input(x.self, rows[_i].header, 4, 0);
        ck_assert_int_eq(infra_probe_result(mysql.probe, &r), INFRA_OK);
        ck_assert_uint_eq(r.reason, INFRA_PROBE_REASON_REPLY_TOO_LONG);
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
    size_t count = mysql.peer.size + more.size;
    unsigned char sequence = more.sequence;
    while (infra_probe_result(mysql.probe, &r) != INFRA_OK) {
        struct peer row = { .sequence = sequence };
        peer_row(&row, "01234567890123456789012345678901234567890123456789");
        x.ops->input(x.self, row.bytes, row.size, 0);
        sequence = row.sequence;
        count += row.size;
        ck_assert_uint_lt(count, (1u << 20) + 100);
    }
    ck_assert_uint_eq(r.reason, INFRA_PROBE_REASON_REPLY_TOO_LONG);
    ck_assert_uint_gt(count, (1u << 20) - 100);
}
END_TEST

/* Also if the limit falls into a header. */
START_TEST(the_limit_is_exact)
{
    const struct infra_exchange x = infra_probe_exchange(mysql.probe);
    const size_t limit = 1u << 20;
    struct infra_probe_result r;
    struct peer more = { .sequence = 2 };
    size_t count = mysql.peer.size;

    infra_probe_start(mysql.probe, 0, 0);
    x.ops->note(x.self, INFRA_NOTE_CONNECTED, 0, 0);
    x.ops->input(x.self, mysql.peer.bytes, mysql.peer.size, 0);
    peer_ok(&more);
    more.sequence = 1;
    peer_columns(&more, "a");
    x.ops->input(x.self, more.bytes, more.size, 0);
    count += more.size;
    while (count < limit - (size_t)_i) {
        static char cell[2001];
        size_t left = limit - (size_t)_i - count;
        size_t size = left < 4000 ? left / 2 : 1000;
        struct peer row = { .sequence = more.sequence };
        if (left < 2000) {
            size = left;
        }
        /* A header, a length of one byte or of three. */
        size -= size - 5 < 0xfb ? 5 : 7;
        memset(cell, 'a', size);
        cell[size] = '\0';
        peer_row(&row, cell);
        more.sequence = row.sequence;
        x.ops->input(x.self, row.bytes, row.size, 0);
        count += row.size;
        ck_assert_int_eq(infra_probe_result(mysql.probe, &r), INFRA_EAGAIN);
    }
    ck_assert_uint_eq(count, limit - (size_t)_i);
    x.ops->input(x.self, "\x01\0\0", 3, 0);
    x.ops->input(x.self, &more.sequence, 1, 0);
    x.ops->input(x.self, "\0", 1, 0);
    if (_i == 5) { /* Just enough. */
        ck_assert_int_eq(infra_probe_result(mysql.probe, &r), INFRA_EAGAIN);
        x.ops->input(x.self, "\x01", 1, 0);
    }
    ck_assert_int_eq(infra_probe_result(mysql.probe, &r), INFRA_OK);
    ck_assert_uint_eq(r.reason, INFRA_PROBE_REASON_REPLY_TOO_LONG);
}
END_TEST

/* A long row does not touch the output. */
START_TEST(long_rows_overwrite_nothing)
{
    static char row[1001];
    static const char *const rows[] = { row, NULL };
    const struct infra_exchange x = infra_probe_exchange(mysql.probe);
    const void *bytes;

    memset(row, 'r', sizeof row - 1);
    peer_log_in(&mysql.peer);
    peer_query(&mysql.peer, PEER_VARIABLES);
    peer_result(&mysql.peer, "a", rows);
    infra_probe_start(mysql.probe, 0, 0);
    x.ops->note(x.self, INFRA_NOTE_CONNECTED, 0, 0);
    for (size_t i = 0; i < mysql.peer.steps_count; i++) {
        if (mysql.peer.steps[i].kind == TEST_STEP_SEND) {
            x.ops->input(x.self, mysql.peer.steps[i].bytes,
                         mysql.peer.steps[i].size, 0);
        }
    }
    size_t size = x.ops->output(x.self, &bytes);
    size_t expected = 0;
    for (size_t i = 0; i < mysql.peer.steps_count; i++) {
        if (mysql.peer.steps[i].kind == TEST_STEP_EXPECT) {
            ck_assert_uint_le(expected + mysql.peer.steps[i].size, size);
            ck_assert_mem_eq((const char *)bytes + expected,
                             mysql.peer.steps[i].bytes,
                             mysql.peer.steps[i].size);
            expected += mysql.peer.steps[i].size;
        }
    }
    ck_assert_uint_gt(expected, 200);
}
END_TEST

static Suite *rows_suite(void)
{
    Suite *s = suite_create("probe_mysql_rows");
    TCase *tc = tcase_create("rows");
    tcase_add_checked_fixture(tc, setup, mysql_teardown);
    tcase_add_loop_test(tc, answers_may_contradict_themselves, 0,
                        INFRA__COUNT_OF(answers));
    tcase_add_test(tc, many_columns);
    tcase_add_loop_test(tc, replies_are_bounded, 0, 3);
    tcase_add_loop_test(tc, the_limit_is_exact, 0, 6);
    tcase_add_test(tc, long_rows_overwrite_nothing);
    suite_add_tcase(s, tc);
    return s;
}

int main(void)
{
    return test_main(rows_suite());
}
