/* SPDX-License-Identifier: MIT */
/* The answers of a MySQL server, as db_router follows them. */
#include "../support/support.h"

#include "mysql_answer.h"

#include <stdlib.h>
#include <string.h>

#define BYTES_MAX 65536u

/* What a server sends, and the sequence number of its next packet. */
static unsigned char sent_bytes[BYTES_MAX];
static struct mysql_writer sent;
static uint8_t sequence;

/* What the client gets. */
static unsigned char got[BYTES_MAX];
static size_t got_size;

static struct mysql_answer answer;

static void setup(void)
{
    sent = (struct mysql_writer) { .bytes = sent_bytes, .size_max = BYTES_MAX };
    sequence = 1;
}

static size_t begin(void)
{
    return mysql_begin_packet(&sent, sequence++);
}

static void packet(const void *payload, size_t size)
{
    size_t at = begin();

    mysql_write_bytes(&sent, payload, size);
    mysql_end_packet(&sent, at);
}

static void ok(uint8_t mark, uint64_t insert_id, uint16_t status)
{
    size_t at = begin();

    mysql_write_fixed(&sent, mark, 1);
    mysql_write_number(&sent, 3);
    mysql_write_number(&sent, insert_id);
    mysql_write_fixed(&sent, status, 2);
    mysql_write_fixed(&sent, 7, 2);
    mysql_end_packet(&sent, at);
}

static void eof(uint16_t status)
{
    size_t at = begin();

    mysql_write_fixed(&sent, MYSQL_EOF, 1);
    mysql_write_fixed(&sent, 7, 2);
    mysql_write_fixed(&sent, status, 2);
    mysql_end_packet(&sent, at);
}

static void error(void)
{
    mysql_write_error(&sent, sequence++, 1290, "HY000", "read-only");
}

/* @count columns, then @rows rows, one of them with a text that begins with the
 * mark of an OK. */
static void rows(uint32_t count, uint32_t rows_count, uint32_t capabilities,
                 uint16_t status)
{
    bool is_new = (capabilities & MYSQL_CAN_DEPRECATE_EOF) != 0;

    packet(&(unsigned char) { (unsigned char)count }, 1);
    for (uint32_t i = 0; i < count; i++) {
        packet("\3def and so on", 14);
    }
    if (!is_new) {
        eof(MYSQL_STATUS_AUTOCOMMIT);
    }
    for (uint32_t i = 0; i < rows_count; i++) {
        packet(i % 2 == 0 ? "\0\3abc" : "\5abcde", i % 2 == 0 ? 5 : 6);
    }
    if (is_new) {
        ok(MYSQL_EOF, 0, status);
    } else {
        eof(status);
    }
}

/* Follow what was sent, in pieces of @piece bytes. False: bad. */
static bool follow(const struct mysql_answer_setup *s, size_t piece)
{
    static unsigned char in[BYTES_MAX];
    size_t at = 0;
    size_t end = 0;

    got_size = 0;
    ck_assert(!sent.is_bad);
    memcpy(in, sent_bytes, sent.size);
    mysql_answer_begin(&answer, s);
    while (!answer.is_complete) {
        struct mysql_event e;
        mysql_answer_next(&answer, in + at, end - at, &e);
        if (e.kind == MYSQL_EVENT_BAD) {
            return false;
        }
        if (e.kind == MYSQL_EVENT_MORE) {
            ck_assert_uint_gt(e.size, end - at);
            if (end == sent.size) {
                return false;
            }
            end = end + piece < sent.size ? end + piece : sent.size;
            continue;
        }
        ck_assert_uint_gt(e.size, 0);
        ck_assert_uint_le(e.size, end - at);
        ck_assert_uint_le(e.skipped, e.size);
        memcpy(got + got_size, in + at + e.skipped, e.size - e.skipped);
        got_size += e.size - e.skipped;
        at += e.size;
    }
    return at == sent.size;
}

/* Each size of a piece up to all at once gives the same, and the client gets
 * every byte. */
static void check_passed_on(const struct mysql_answer_setup *s)
{
    for (size_t piece = 1; piece <= sent.size; piece++) {
        ck_assert_msg(follow(s, piece), "in pieces of %zu", piece);
        ck_assert_uint_eq(got_size, sent.size);
        ck_assert_mem_eq(got, sent_bytes, got_size);
    }
}

/* Without a result there is a single OK, with flags, warnings, and an id. */
START_TEST(an_ok_is_an_answer)
{
    struct mysql_answer_setup s = { .expect = MYSQL_EXPECT_RESULTS };

    ok(MYSQL_OK, 70000, MYSQL_STATUS_IN_TRANSACTION);
    check_passed_on(&s);
    ck_assert_uint_eq(answer.result.insert_id, 70000);
    ck_assert_uint_eq(answer.result.status, MYSQL_STATUS_IN_TRANSACTION);
    ck_assert_uint_eq(answer.result.warnings, 7);
    ck_assert_uint_eq(answer.result.error, 0);
}
END_TEST

/* An error ends each kind of answer, and its number is known. */
START_TEST(an_error_ends_any_answer)
{
    struct mysql_answer_setup s = { .expect = (uint32_t)_i };

    error();
    if (s.expect == MYSQL_EXPECT_TEXT) {
        ck_assert(follow(&s, 1));
        return; /* Not read: it is passed on as what it is. */
    }
    check_passed_on(&s);
    ck_assert_uint_eq(answer.result.error, 1290);
}
END_TEST

static const uint32_t capabilities[] = { 0, MYSQL_CAN_DEPRECATE_EOF,
                                         MYSQL_CAN_DEPRECATE_EOF |
                                             MYSQL_CAN_SESSION_TRACK };

/* Rows end with the end mark of the protocol that was agreed on. */
START_TEST(rows_end_with_their_mark)
{
    struct mysql_answer_setup s = { .capabilities = capabilities[_i],
                                    .expect = MYSQL_EXPECT_RESULTS };

    rows(3, 5, s.capabilities, MYSQL_STATUS_AUTOCOMMIT);
    check_passed_on(&s);
    ck_assert_uint_eq(answer.result.status, MYSQL_STATUS_AUTOCOMMIT);
}
END_TEST

/* Several results follow each other while the last mark says so. */
START_TEST(more_results_follow)
{
    struct mysql_answer_setup s = { .capabilities = capabilities[_i],
                                    .expect = MYSQL_EXPECT_RESULTS };

    rows(1, 2, s.capabilities, MYSQL_STATUS_MORE_RESULTS);
    ok(MYSQL_OK, 9, MYSQL_STATUS_MORE_RESULTS);
    rows(2, 0, s.capabilities, MYSQL_STATUS_MORE_RESULTS);
    ok(MYSQL_OK, 0, MYSQL_STATUS_AUTOCOMMIT);
    check_passed_on(&s);
    ck_assert_uint_eq(answer.result.insert_id, 9);
}
END_TEST

/* An error may come after rows. */
START_TEST(an_error_ends_rows)
{
    struct mysql_answer_setup s = { .capabilities = capabilities[_i],
                                    .expect = MYSQL_EXPECT_RESULTS };

    packet("\1", 1);
    packet("\3def", 4);
    if ((s.capabilities & MYSQL_CAN_DEPRECATE_EOF) == 0) {
        eof(0);
    }
    packet("\1a", 2);
    error();
    check_passed_on(&s);
    ck_assert_uint_eq(answer.result.error, 1290);
}
END_TEST

/* With a cursor no rows follow the columns. */
START_TEST(a_cursor_has_no_rows)
{
    struct mysql_answer_setup s = { .expect = MYSQL_EXPECT_RESULTS };

    packet("\1", 1);
    packet("\3def", 4);
    eof(MYSQL_STATUS_CURSOR_EXISTS);
    check_passed_on(&s);
}
END_TEST

/* What was prepared has as many definitions as it says, and gets the id that
 * the client knows. */
START_TEST(a_prepared_statement_gets_the_clients_id)
{
    static const struct {
        uint16_t columns;
        uint16_t params;
    } counts[] = { { 0, 0 }, { 2, 0 }, { 0, 3 }, { 2, 3 } };

    for (size_t i = 0; i < sizeof capabilities / sizeof *capabilities; i++) {
        struct mysql_answer_setup s = { .capabilities = capabilities[i],
                                        .expect = MYSQL_EXPECT_PREPARED,
                                        .client_id = 0x01020304 };
        bool is_new = (s.capabilities & MYSQL_CAN_DEPRECATE_EOF) != 0;
        setup();
        size_t at = begin();
        mysql_write_fixed(&sent, MYSQL_OK, 1);
        mysql_write_fixed(&sent, 77, 4);
        mysql_write_fixed(&sent, counts[_i].columns, 2);
        mysql_write_fixed(&sent, counts[_i].params, 2);
        mysql_write_fixed(&sent, 0, 1);
        mysql_write_fixed(&sent, 0, 2);
        mysql_end_packet(&sent, at);
        for (uint32_t n = 0; n < counts[_i].params; n++) {
            packet("\3def", 4);
        }
        if (!is_new && counts[_i].params > 0) {
            eof(0);
        }
        for (uint32_t n = 0; n < counts[_i].columns; n++) {
            packet("\3def", 4);
        }
        if (!is_new && counts[_i].columns > 0) {
            eof(0);
        }
        for (size_t piece = 1; piece <= sent.size; piece++) {
            ck_assert(follow(&s, piece));
            ck_assert_uint_eq(got_size, sent.size);
            ck_assert_mem_eq(got + 5, "\4\3\2\1", 4);
            ck_assert_mem_eq(got + 9, sent_bytes + 9, got_size - 9);
            ck_assert_uint_eq(answer.result.statement_id, 77);
            ck_assert_uint_eq(answer.result.params_count, counts[_i].params);
        }
    }
}
END_TEST

static size_t next(unsigned char *bytes, size_t size)
{
    struct mysql_event e;

    mysql_answer_next(&answer, bytes, size, &e);
    ck_assert_int_ne(e.kind, MYSQL_EVENT_BAD);
    return e.kind == MYSQL_EVENT_MORE ? 0 : e.size;
}

/* A row of 16 MiB or more comes in several packets, which are not read. */
START_TEST(a_long_row_is_continued)
{
    struct mysql_answer_setup s = { .capabilities = MYSQL_CAN_DEPRECATE_EOF,
                                    .expect = MYSQL_EXPECT_RESULTS };
    size_t full_size = MYSQL_PAYLOAD_MAX + MYSQL_HEADER_SIZE;
    unsigned char *full = calloc(1, full_size);

    ck_assert_ptr_nonnull(full);
    memset(full, 0xff, 3);
    full[3] = 4;
    full[4] = MYSQL_EOF;
    mysql_answer_begin(&answer, &s);
    packet("\1", 1);
    packet("\3def", 4);
    ck_assert_uint_eq(next(sent_bytes, sent.size), 5);
    ck_assert_uint_eq(next(sent_bytes + 5, sent.size - 5), sent.size - 5);
    ck_assert_uint_eq(next(full, full_size), full_size);
    ck_assert_uint_eq(next(full, full_size), full_size);
    setup();
    packet("\377\1\1", 3); /* The rest begins as an error would. */
    ck_assert_uint_eq(next(sent_bytes, sent.size), 7);
    ck_assert(!answer.is_complete);
    ck_assert_uint_eq(next(full, full_size), full_size);
    setup();
    packet("", 0); /* The end of a row of exactly this size. */
    ok(MYSQL_EOF, 0, MYSQL_STATUS_AUTOCOMMIT);
    ck_assert_uint_eq(next(sent_bytes, sent.size), 4);
    ck_assert_uint_eq(next(sent_bytes + 4, sent.size - 4), sent.size - 4);
    ck_assert(answer.is_complete);
    free(full);
}
END_TEST

/* Commands with other answers: one OK, an old or a new EOF; columns; a text. */
START_TEST(other_commands_have_answers_of_their_own)
{
    struct mysql_answer_setup s = { .expect = MYSQL_EXPECT_OK };

    ok(MYSQL_OK, 0, 2);
    check_passed_on(&s);
    setup();
    eof(MYSQL_STATUS_AUTOCOMMIT);
    check_passed_on(&s);
    ck_assert_uint_eq(answer.result.status, MYSQL_STATUS_AUTOCOMMIT);
    setup();
    s.capabilities = MYSQL_CAN_DEPRECATE_EOF;
    ok(MYSQL_EOF, 0, MYSQL_STATUS_AUTOCOMMIT);
    check_passed_on(&s);
    ck_assert_uint_eq(answer.result.status, MYSQL_STATUS_AUTOCOMMIT);
    setup();
    s = (struct mysql_answer_setup) { .expect = MYSQL_EXPECT_FIELDS };
    packet("\3def", 4);
    packet("\3def", 4);
    eof(0);
    check_passed_on(&s);
    setup();
    s.expect = MYSQL_EXPECT_TEXT;
    packet("Uptime: 3", 9);
    check_passed_on(&s);
    setup();
    s.expect = MYSQL_EXPECT_ROWS;
    packet("\0\0\1", 3);
    eof(0);
    check_passed_on(&s);
}
END_TEST

/* An OK with changes of the session. */
static void tracked_ok(uint8_t mark)
{
    unsigned char bytes[128];
    struct mysql_writer w = { .bytes = bytes, .size_max = sizeof bytes };
    size_t at = begin();

    mysql_write_fixed(&w, 0, 1); /* Variables. */
    mysql_write_fixed(&w, 31, 1);
    mysql_write_text(&w, "autocommit", 10);
    mysql_write_text(&w, "ON", 2);
    mysql_write_text(&w, "last_gtid", 9);
    mysql_write_text(&w, "0-1-27", 6);
    mysql_write_fixed(&w, 1, 1); /* The schema. */
    mysql_write_fixed(&w, 5, 1);
    mysql_write_text(&w, "shop", 4);
    mysql_write_fixed(&w, 2, 1); /* A state that has changed. */
    mysql_write_fixed(&w, 2, 1);
    mysql_write_text(&w, "1", 1);
    mysql_write_fixed(&sent, mark, 1);
    mysql_write_number(&sent, 1);
    mysql_write_number(&sent, 1000);
    mysql_write_fixed(&sent, MYSQL_STATUS_SESSION_CHANGED | 2, 2);
    mysql_write_fixed(&sent, 0, 2);
    mysql_write_text(&sent, "Rows matched: 1", 15);
    mysql_write_text(&sent, bytes, w.size);
    mysql_end_packet(&sent, at);
}

/* A server says where a write is, and in which schema the session is. */
START_TEST(an_ok_tells_what_has_changed)
{
    struct mysql_answer_setup s = { .capabilities = MYSQL_CAN_SESSION_TRACK,
                                    .expect = MYSQL_EXPECT_RESULTS,
                                    .position_kind = INFRA_POSITION_MARIADB,
                                    .epoch = 5 };
    struct infra_position is;

    tracked_ok(MYSQL_OK);
    check_passed_on(&s);
    ck_assert(answer.result.has_position);
    ck_assert_int_eq(
        infra_position_parse(INFRA_POSITION_MARIADB, 5, "0-1-27", 6, &is), 0);
    ck_assert_mem_eq(&answer.result.position, &is, sizeof is);
    ck_assert(answer.result.has_schema);
    ck_assert_uint_eq(answer.result.schema_size, 4);
    ck_assert_mem_eq(answer.result.schema, "shop", 4);
}
END_TEST

/* A GTID of MySQL has a kind of change for itself. */
START_TEST(an_ok_tells_the_gtid_of_mysql)
{
    static const char gtid[] = "3e11fa47-71ca-11e1-9e33-c80aa9429562:23";
    struct mysql_answer_setup s = { .capabilities = MYSQL_CAN_SESSION_TRACK,
                                    .expect = MYSQL_EXPECT_OK,
                                    .position_kind = INFRA_POSITION_MYSQL };
    size_t at = begin();

    mysql_write_bytes(&sent, "\0\0\0\2\100\0\0\0", 8);
    mysql_write_fixed(&sent, sizeof gtid + 3, 1);
    mysql_write_fixed(&sent, 3, 1);
    mysql_write_fixed(&sent, sizeof gtid + 1, 1);
    mysql_write_fixed(&sent, 0, 1);
    mysql_write_text(&sent, gtid, sizeof gtid - 1);
    mysql_end_packet(&sent, at);
    check_passed_on(&s);
    ck_assert(answer.result.has_position);
    ck_assert_uint_eq(answer.result.position.parts[0].last, 23);
}
END_TEST

/* A client that does not speak of changes gets the OK without them. */
START_TEST(a_plain_client_gets_a_plain_ok)
{
    struct mysql_answer_setup s = { .capabilities = MYSQL_CAN_SESSION_TRACK |
                                                    MYSQL_CAN_DEPRECATE_EOF,
                                    .expect = MYSQL_EXPECT_RESULTS,
                                    .is_plain = true };

    tracked_ok(MYSQL_OK);
    for (size_t piece = 1; piece <= sent.size; piece++) {
        ck_assert(follow(&s, piece));
        ck_assert_uint_eq(got_size, 4 + 9 + 15);
        ck_assert_mem_eq(got, "\30\0\0\1\0\1\374\350\3\2\0\0\0Rows matched: 1",
                         28);
    }
}
END_TEST

/* What the protocol forbids ends the connection, whatever follows. */
START_TEST(what_is_forbidden_is_bad)
{
    static const struct {
        const char *bytes;
        size_t size;
        uint32_t expect;
        uint32_t capabilities;
    } cases[] = {
        { "\0\0\0\1", 4, MYSQL_EXPECT_RESULTS, 0 },
        { "\1\0\0\1\373", 5, MYSQL_EXPECT_RESULTS, 0 }, /* A file. */
        { "\2\0\0\1\0\1", 6, MYSQL_EXPECT_RESULTS, 0 },
        { "\2\0\0\1\1\1", 6, MYSQL_EXPECT_RESULTS, 0 },
        { "\4\0\0\1\375\0\0\1", 8, MYSQL_EXPECT_RESULTS, 0 },
        { "\1\0\0\1\377", 5, MYSQL_EXPECT_OK, 0 },
        { "\1\0\0\1\1", 5, MYSQL_EXPECT_OK, 0 },
        { "\2\0\0\1\376\0", 6, MYSQL_EXPECT_ROWS, 0 },
        { "\2\0\0\1\0\0", 6, MYSQL_EXPECT_PREPARED, 0 },
        { "\1\0\1\1\0", 5, MYSQL_EXPECT_OK, 0 }, /* Of 65537 bytes. */
        /* Changes that are longer than their packet, or than they say. */
        { "\12\0\0\1\0\0\0\2\100\0\0\0\5\1", 14, MYSQL_EXPECT_OK,
          MYSQL_CAN_SESSION_TRACK },
        { "\14\0\0\1\0\0\0\2\100\0\0\0\3\1\5x", 16, MYSQL_EXPECT_OK,
          MYSQL_CAN_SESSION_TRACK },
    };
    struct mysql_answer_setup s = { .expect = cases[_i].expect,
                                    .capabilities = cases[_i].capabilities };

    mysql_write_bytes(&sent, cases[_i].bytes, cases[_i].size);
    for (size_t piece = 1; piece <= sent.size; piece++) {
        ck_assert(!follow(&s, piece));
        ck_assert(answer.is_bad);
    }
}
END_TEST

#define BAD_CASES 12

int main(void)
{
    Suite *suite = suite_create("mysql_answer");
    TCase *c = tcase_create("results");

    tcase_add_checked_fixture(c, setup, NULL);
    tcase_add_test(c, an_ok_is_an_answer);
    tcase_add_loop_test(c, an_error_ends_any_answer, 0, MYSQL_EXPECT_TEXT + 1);
    tcase_add_loop_test(c, rows_end_with_their_mark, 0, 3);
    tcase_add_loop_test(c, more_results_follow, 0, 3);
    tcase_add_loop_test(c, an_error_ends_rows, 0, 3);
    tcase_add_test(c, a_cursor_has_no_rows);
    tcase_add_loop_test(c, a_prepared_statement_gets_the_clients_id, 0, 4);
    tcase_add_test(c, a_long_row_is_continued);
    tcase_add_test(c, other_commands_have_answers_of_their_own);
    suite_add_tcase(suite, c);

    c = tcase_create("changes");
    tcase_add_checked_fixture(c, setup, NULL);
    tcase_add_test(c, an_ok_tells_what_has_changed);
    tcase_add_test(c, an_ok_tells_the_gtid_of_mysql);
    tcase_add_test(c, a_plain_client_gets_a_plain_ok);
    suite_add_tcase(suite, c);

    c = tcase_create("bad");
    tcase_add_checked_fixture(c, setup, NULL);
    tcase_add_loop_test(c, what_is_forbidden_is_bad, 0, BAD_CASES);
    suite_add_tcase(suite, c);
    return test_main(suite);
}
