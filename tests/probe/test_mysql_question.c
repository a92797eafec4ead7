/* SPDX-License-Identifier: MIT */
/* The host's question in the MySQL check, and the source of a replica. */
#include "mysql_check.h"

#include "base/internal.h"

#include <string.h>

#define QUESTION "SELECT max(token) FROM failover.timeline"
#define STATUS_NAMES                                                   \
    "Slave_IO_Running|Slave_SQL_Running|Seconds_Behind_Master|Master_" \
    "Port|Master_Host"

static const char *source(void)
{
    return infra_probe_text(mysql.probe, INFRA_PROBE_TEXT_SOURCE);
}

static void answer_status(const char *replication)
{
    const char *const variables[] = { "1|0|0-1-5", NULL };
    const char *const rows[] = { replication, NULL };

    peer_query(&mysql.peer, PEER_VARIABLES);
    peer_result(&mysql.peer, "read_only|innodb_read_only|gtid_current_pos",
                variables);
    peer_query(&mysql.peer, PEER_REPLICATION);
    peer_result(&mysql.peer, STATUS_NAMES, rows);
}

/* Answers to the host's question. Only a number in the first column of a single
 * row counts. */
static const struct {
    const char *name;
    const char *names;
    const char *rows[3];
    bool is_told;
    uint64_t answer;
} answers[] = {
    { "a number", "max(token)", { "18" }, true, 18 },
    { "zero", "a", { "0" }, true, 0 },
    { "the greatest", "a", { "18446744073709551615" }, true, UINT64_MAX },
    { "with zeroes", "a", { "000000000000000000000018" }, true, 18 },
    { "the first column", "read_only|b", { "7|8" }, true, 7 },
    { "the first column, beside our own", "a|read_only", { "7|8" }, true, 7 },
    { "too great", "a", { "18446744073709551616" }, false, 0 },
    { "enormous", "a", { "99999999999999999999" }, false, 0 },
    { "too long", "a", { "0000000000000000000000018" }, false, 0 },
    { "NULL", "a", { "NULL" }, false, 0 },
    { "NULL before a number", "a|b", { "NULL|5" }, false, 0 },
    { "nothing", "a", { "" }, false, 0 },
    { "negative", "a", { "-1" }, false, 0 },
    { "a fraction", "a", { "1.0" }, false, 0 },
    { "text", "a", { "1x" }, false, 0 },
    { "a blank", "a", { "1 " }, false, 0 },
    { "no row", "a", { NULL }, false, 0 },
    { "two rows", "a", { "1", "1" }, false, 0 },
    { "text, then a number", "a", { "x", "1" }, false, 0 },
};

START_TEST(numbers_are_told)
{
    mysql_create((struct infra_probe_mysql_options) { .question = QUESTION });
    peer_query(&mysql.peer, QUESTION);
    peer_result(&mysql.peer, answers[_i].names, answers[_i].rows);
    peer_quit(&mysql.peer);
    struct infra_probe_result r = mysql_run();
    ck_assert_msg(r.reason == INFRA_PROBE_REASON_PASSED, "%s",
                  answers[_i].name);
    ck_assert_msg(r.has == (answers[_i].is_told ? INFRA_PROBE_HAS_ANSWER : 0),
                  "%s: %x", answers[_i].name, r.has);
    ck_assert_msg(r.answer == answers[_i].answer, "%s: %llu", answers[_i].name,
                  (unsigned long long)r.answer);
}
END_TEST

/* The host's question is asked last and changes no earlier result. */
START_TEST(it_is_asked_last)
{
    static const struct {
        struct infra_probe_mysql_options options;
        const char *replication;
        uint32_t reason;
    } rows[] = {
        { { .ask = 1 }, "Yes|Yes|1|3306|a", INFRA_PROBE_REASON_PASSED },
        { { .ask = 1, .lag_max = INFRA_SEC(9) },
          "Yes|Yes|1|3306|a",
          INFRA_PROBE_REASON_PASSED },
        { { .ask = 1, .lag_max = 1 },
          "Yes|Yes|1|3306|a",
          INFRA_PROBE_REASON_LAGGING },
        { { .ask = 1, .lag_max = INFRA_SEC(9) },
          "Yes|No|1|3306|a",
          INFRA_PROBE_REASON_NOT_REPLICATING },
        { { .ask = 1, .expect = INFRA_PROBE_ROLE_PRIMARY },
          "Yes|Yes|1|3306|a",
          INFRA_PROBE_REASON_READ_ONLY },
    };
    static const char *const answer[] = { "18", NULL };
    struct infra_probe_mysql_options o = rows[_i].options;

    o.question = QUESTION;
    mysql_create(o);
    answer_status(rows[_i].replication);
    peer_query(&mysql.peer, QUESTION);
    peer_result(&mysql.peer, "max(token)", answer);
    peer_quit(&mysql.peer);
    struct infra_probe_result r = mysql_run();
    ck_assert_uint_eq(r.reason, rows[_i].reason);
    ck_assert_uint_eq(r.has, INFRA_PROBE_HAS_ROLE | INFRA_PROBE_HAS_WRITABLE |
                                 INFRA_PROBE_HAS_POSITION |
                                 INFRA_PROBE_HAS_LAG | INFRA_PROBE_HAS_ANSWER);
    ck_assert_uint_eq(r.answer, 18);
    ck_assert_str_eq(source(), "a:3306");
}
END_TEST

/* An old server gets the old question, then the host's. */
START_TEST(old_servers_are_asked_too)
{
    static const char *const answer[] = { "18", NULL };
    static const char *const rows[] = { "Yes|Yes|1|3306|a", NULL };

    mysql_create((struct infra_probe_mysql_options) {
        .expect = INFRA_PROBE_ROLE_REPLICA, .question = QUESTION });
    peer_query(&mysql.peer, PEER_REPLICATION);
    peer_error(&mysql.peer, 1064, "You have an error in your SQL syntax");
    peer_query(&mysql.peer, PEER_REPLICATION_OLD);
    peer_result(&mysql.peer, STATUS_NAMES, rows);
    peer_query(&mysql.peer, QUESTION);
    peer_result(&mysql.peer, "max(token)", answer);
    peer_quit(&mysql.peer);
    struct infra_probe_result r = mysql_run();
    ck_assert_uint_eq(r.reason, INFRA_PROBE_REASON_PASSED);
    ck_assert_uint_eq(r.answer, 18);
    ck_assert_str_eq(source(), "a:3306");
}
END_TEST

/* An error fails the check only if it says that the server is out of
 * service. */
START_TEST(it_may_fail)
{
    static const struct {
        unsigned error;
        uint32_t reason;
    } rows[] = {
        { 1146, INFRA_PROBE_REASON_PASSED }, /* No such table. */
        { 1142, INFRA_PROBE_REASON_PASSED }, /* It may not be read. */
        { 1044, INFRA_PROBE_REASON_PASSED }, /* Nor may its database. */
        { 1226, INFRA_PROBE_REASON_PASSED }, /* Too many questions an hour. */
        { 1064, INFRA_PROBE_REASON_PASSED }, /* No SQL. */
        { 1053, INFRA_PROBE_REASON_STOPPING },
        { 1047, INFRA_PROBE_REASON_STARTING },
    };

    mysql_create(
        (struct infra_probe_mysql_options) { .ask = 1, .question = QUESTION });
    answer_status("Yes|Yes|1|3306|a");
    peer_query(&mysql.peer, QUESTION);
    peer_error(&mysql.peer, rows[_i].error, "No");
    if (rows[_i].reason == INFRA_PROBE_REASON_PASSED) {
        peer_quit(&mysql.peer);
    }
    struct infra_probe_result r =
        peer_run(&mysql.peer, mysql.probe, TEST_SPLIT_NONE, 0);
    ck_assert_uint_eq(r.reason, rows[_i].reason);
    ck_assert_uint_eq(r.status, rows[_i].error);
    ck_assert_uint_eq(r.has, INFRA_PROBE_HAS_ROLE | INFRA_PROBE_HAS_WRITABLE |
                                 INFRA_PROBE_HAS_POSITION |
                                 INFRA_PROBE_HAS_LAG);
    ck_assert_str_eq(infra_probe_text(mysql.probe, INFRA_PROBE_TEXT_MESSAGE),
                     "No");
}
END_TEST

/* Half an answer is no answer. */
START_TEST(it_may_break_off)
{
    mysql_create((struct infra_probe_mysql_options) { .question = QUESTION });
    peer_query(&mysql.peer, QUESTION);
    peer_columns(&mysql.peer, "a");
    peer_row(&mysql.peer, "5");
    peer_error(&mysql.peer, 1317, "Query execution was interrupted");
    peer_quit(&mysql.peer);
    struct infra_probe_result r = mysql_run();
    ck_assert_uint_eq(r.reason, INFRA_PROBE_REASON_PASSED);
    ck_assert_uint_eq(r.has, 0);
    ck_assert_uint_eq(r.status, 1317);
}
END_TEST

/* A statement without rows has no answer; a malformed result breaks the
 * protocol. */
START_TEST(it_may_have_no_result)
{
    static const struct {
        const char *bytes;
        size_t size;
        uint32_t reason;
    } rows[] = {
        { PEER_TEXT("\0\0\0\x02\0\0\0"), INFRA_PROBE_REASON_PASSED },
        { PEER_TEXT("\0"), INFRA_PROBE_REASON_PASSED },
        { PEER_TEXT("\xfb/etc/passwd"), INFRA_PROBE_REASON_BAD_REPLY },
        { PEER_TEXT("\xfe\0\0\x02\0"), INFRA_PROBE_REASON_BAD_REPLY },
    };

    mysql_create((struct infra_probe_mysql_options) { .question = QUESTION });
    peer_query(&mysql.peer, QUESTION);
    peer_packet(&mysql.peer, rows[_i].bytes, rows[_i].size);
    if (rows[_i].reason == INFRA_PROBE_REASON_PASSED) {
        peer_quit(&mysql.peer);
    }
    struct infra_probe_result r = mysql_run();
    ck_assert_uint_eq(r.reason, rows[_i].reason);
    ck_assert_uint_eq(r.has, 0);
}
END_TEST

/* The longest question fits after the longest login; it is copied. */
START_TEST(the_longest_question)
{
    static const char *const answer[] = { "18", NULL };
    char question[512] = { 0 };
    char name[256] = { 0 };
    struct infra_probe_mysql_options o = { .size = sizeof o,
                                           .allocator = &mysql.heap.allocator,
                                           .user = name,
                                           .password = name,
                                           .question = question,
                                           .ask = 1 };

    memset(question, 'q', sizeof question - 1);
    memset(name, 'u', sizeof name - 1);
    ck_assert_int_eq(infra_probe_mysql(&mysql.probe, &o), INFRA_OK);
    mysql.peer = (struct peer) { 0 };
    peer_greet(&mysql.peer, PEER_MARIADB);
    mysql.peer.sequence++;
    peer_packet(&mysql.peer, PEER_TEXT("\xfemysql_native_password\0"
                                       "01234567890123456789\0"));
    mysql.peer.sequence++;
    peer_ok(&mysql.peer);
    answer_status("Yes|Yes|1|3306|a");
    peer_query(&mysql.peer, question);
    peer_result(&mysql.peer, "a", answer);
    peer_quit(&mysql.peer);
    /* The login is not looked at here, so all is taken as it comes. */
    struct peer deaf = { .steps_count = 0 };
    for (size_t i = 0; i < mysql.peer.steps_count; i++) {
        if (mysql.peer.steps[i].kind != TEST_STEP_EXPECT) {
            peer_step(&deaf, mysql.peer.steps[i]);
        }
    }
    memset(question, 'x', sizeof question - 1);
    struct infra_probe_result r =
        peer_run(&deaf, mysql.probe, TEST_SPLIT_BYTES, 0);
    ck_assert_uint_eq(r.reason, INFRA_PROBE_REASON_PASSED);
    ck_assert_uint_eq(r.answer, 18);
}
END_TEST

/* A question needs a user and has 1 to 511 bytes. */
START_TEST(questions_are_checked)
{
    static char text[513];
    static const struct {
        const char *user;
        size_t size;
        int err;
    } rows[] = {
        { "a", 1, INFRA_OK },     { "a", 511, INFRA_OK },
        { "", 511, INFRA_OK },    { "a", 512, INFRA_EINVAL },
        { "a", 0, INFRA_EINVAL }, { NULL, 1, INFRA_EINVAL },
    };

    memset(text, 'q', sizeof text - 1);
    for (size_t i = 0; i < INFRA__COUNT_OF(rows); i++) {
        struct infra_probe *p = NULL;
        const struct infra_probe_mysql_options o = {
            .size = sizeof o,
            .user = rows[i].user,
            .question = text + sizeof text - 1 - rows[i].size,
        };
        ck_assert_int_eq(infra_probe_mysql(&p, &o), rows[i].err);
        ck_assert((p != NULL) == (rows[i].err == INFRA_OK));
        infra_probe_destroy(p);
    }
}
END_TEST

#define LONG_HOST                                                      \
    "0123456789012345678901234567890123456789012345678901234567890123" \
    "0123456789012345678901234567890123456789012345678901234567890123" \
    "0123456789012345678901234567890123456789012345678901234567890123" \
    "012345678901234567890123456789012345678901234567890123456789012"

/* The source is that of the first running IO thread. */
static const struct {
    const char *names;
    const char *rows[4];
    const char *source;
} sources[] = {
    { STATUS_NAMES, { "Yes|Yes|1|3306|10.0.0.1" }, "10.0.0.1:3306" },
    { STATUS_NAMES, { "Yes|No|1|3306|10.0.0.1" }, "10.0.0.1:3306" },
    { STATUS_NAMES, { "Yes|Yes|1|65535|::1" }, "::1:65535" },
    { STATUS_NAMES, { "Yes|Yes|1|1|db-1.example" }, "db-1.example:1" },
    { STATUS_NAMES, { "Connecting|Yes|1|3306|10.0.0.1" }, "" },
    { STATUS_NAMES, { "No|Yes|NULL|3306|10.0.0.1" }, "" },
    { STATUS_NAMES, { "NULL|Yes|NULL|3306|10.0.0.1" }, "" },
    { STATUS_NAMES, { NULL }, "" },
    { "Source_Host|Source_Port|Replica_IO_Running|Replica_SQL_Running",
      { "a|3307|Yes|Yes" },
      "a:3307" },
    { STATUS_NAMES, { "Yes|Yes|1|1|a", "Yes|Yes|1|2|b" }, "a:1" },
    { STATUS_NAMES, { "Connecting|Yes|1|1|a", "Yes|Yes|1|2|b" }, "b:2" },
    { STATUS_NAMES, { "Yes|Yes|1|1|a", "No|Yes|1|2|b" }, "a:1" },
    { STATUS_NAMES, { "No|Yes|1|1|a", "Yes|Yes|1||" }, "" },
    { STATUS_NAMES, { "No|Yes|1|1|a", "Yes|Yes|1|NULL|NULL" }, "" },
    { STATUS_NAMES, { "Yes|Yes|1|1|", "Yes|Yes|1|x|b" }, "" },
    { "Slave_IO_Running|Slave_SQL_Running", { "Yes|Yes" }, "" },
    { STATUS_NAMES, { "Yes|Yes|1|0|a" }, "" },
    { STATUS_NAMES, { "Yes|Yes|1|65536|a" }, "" },
    { STATUS_NAMES, { "Yes|Yes|1|x|a" }, "" },
    { STATUS_NAMES, { "Yes|Yes|1|3306|" }, "" },
    { STATUS_NAMES, { "Yes|Yes|1|3306|\1\x7f\xc3\xa9 a" }, "???? a:3306" },
    { STATUS_NAMES, { "Yes|Yes|1|65535|" LONG_HOST }, LONG_HOST ":65535" },
    { STATUS_NAMES, { "Yes|Yes|1|65535|x" LONG_HOST }, "" },
    { STATUS_NAMES,
      { "Yes|Yes|1|1|" LONG_HOST LONG_HOST, "Yes|Yes|1|2|b" },
      "b:2" },
};

START_TEST(sources_are_told)
{
    mysql_create((struct infra_probe_mysql_options) {
        .expect = INFRA_PROBE_ROLE_REPLICA });
    peer_query(&mysql.peer, PEER_REPLICATION);
    peer_result(&mysql.peer, sources[_i].names, sources[_i].rows);
    peer_quit(&mysql.peer);
    (void)mysql_run();
    ck_assert_str_eq(source(), sources[_i].source);
}
END_TEST

/* The source is from this check and from a complete answer. */
START_TEST(sources_are_forgotten)
{
    static const char *const rows[] = { "Yes|Yes|1|3306|a", NULL };
    struct peer log_in = mysql.peer;

    mysql_create((struct infra_probe_mysql_options) {
        .expect = INFRA_PROBE_ROLE_REPLICA });
    for (int i = 0; i < 3; i++) {
        mysql.peer = log_in;
        peer_query(&mysql.peer, PEER_REPLICATION);
        if (i == 1) {
            peer_columns(&mysql.peer, STATUS_NAMES);
            peer_row(&mysql.peer, rows[0]);
            peer_error(&mysql.peer, 1317, "Query execution was interrupted");
        } else {
            peer_result(&mysql.peer, STATUS_NAMES, i == 0 ? rows : rows + 1);
        }
        peer_quit(&mysql.peer);
        (void)peer_run(&mysql.peer, mysql.probe, TEST_SPLIT_NONE, 0);
        ck_assert_str_eq(source(), i == 0 ? "a:3306" : "");
    }
}
END_TEST

/* Also if half an answer ends as a syntax error and the question is
 * repeated. */
START_TEST(sources_are_of_the_last_answer)
{
    static const char *const none[] = { NULL };

    mysql_create((struct infra_probe_mysql_options) { .ask = 1 });
    answer_status("Yes|Yes|1|3306|a");
    mysql.peer.steps_count--; /* Its rows; they come again, with an error. */
    mysql.peer.sequence = 1;
    peer_columns(&mysql.peer, STATUS_NAMES);
    peer_row(&mysql.peer, "Yes|Yes|1|3306|a");
    peer_error(&mysql.peer, 1064, "Now?");
    peer_query(&mysql.peer, PEER_REPLICATION_OLD);
    peer_result(&mysql.peer, STATUS_NAMES, none);
    peer_quit(&mysql.peer);
    struct infra_probe_result r = mysql_run();
    ck_assert_uint_eq(r.role, INFRA_PROBE_ROLE_PRIMARY);
    ck_assert_str_eq(source(), "");
}
END_TEST

int main(void)
{
    Suite *s = suite_create("probe_mysql_question");
    TCase *tc = tcase_create("question");

    tcase_add_checked_fixture(tc, mysql_setup, mysql_teardown);
    tcase_add_loop_test(tc, numbers_are_told, 0, INFRA__COUNT_OF(answers));
    tcase_add_loop_test(tc, it_is_asked_last, 0, 5);
    tcase_add_test(tc, old_servers_are_asked_too);
    tcase_add_loop_test(tc, it_may_fail, 0, 7);
    tcase_add_test(tc, it_may_break_off);
    tcase_add_loop_test(tc, it_may_have_no_result, 0, 4);
    tcase_add_test(tc, the_longest_question);
    tcase_add_test(tc, questions_are_checked);
    tcase_add_loop_test(tc, sources_are_told, 0, INFRA__COUNT_OF(sources));
    tcase_add_test(tc, sources_are_forgotten);
    tcase_add_test(tc, sources_are_of_the_last_answer);
    suite_add_tcase(s, tc);
    return test_main(s);
}
