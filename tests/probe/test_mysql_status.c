/* SPDX-License-Identifier: MIT */
/* The questions of the MySQL check, the meaning of the answers, and which
 * answers it needs. */
#include "mysql_check.h"

#include "base/internal.h"

#include <string.h>

static const char *text(uint32_t kind)
{
    return infra_probe_text(mysql.probe, kind);
}

#define MARIADB_NAMES "read_only|innodb_read_only|gtid_current_pos"
#define MYSQL_NAMES "read_only|innodb_read_only|gtid_executed"
#define OLD_NAMES "Slave_IO_Running|Slave_SQL_Running|Seconds_Behind_Master"
#define NEW_NAMES                                                             \
    "Replica_IO_State|Replica_IO_Running|Replica_SQL_Running|Seconds_Behind_" \
    "Source"

/* The known columns are found among others, in any place. */
#define REAL_NAMES                                                   \
    "Connection_name|Slave_SQL_State|Slave_IO_State|Master_Host|"    \
    "Slave_IO_Running|Slave_SQL_Running|Replicate_Do_DB|Last_Error|" \
    "Seconds_Behind_Master|Slave_SQL_Running_State|SQL_Remaining_Delay|Z"

#define REPLICA INFRA_PROBE_ROLE_REPLICA
#define PRIMARY INFRA_PROBE_ROLE_PRIMARY
#define BOTH (INFRA_PROBE_HAS_WRITABLE | INFRA_PROBE_HAS_ROLE)

/* Answers, the fields that they set, and the verdict for each expected role. */
static const struct {
    const char *name;
    const char *variables_names;
    const char *variables;
    const char *replication_names;
    const char *replication[3];
    uint32_t role;
    uint32_t has; /* Beside role and writable. */
    uint32_t writable;
    infra_time lag;
    uint64_t position;
    const char *position_text;
    uint32_t as_primary; /* The reasons with expect and with lag_max. */
    uint32_t as_replica;
    uint32_t in_10_s;
} answers[] = {
    { .name = "primary",
      .variables_names = MARIADB_NAMES,
      .variables = "0|0|0-1-48",
      .replication_names = REAL_NAMES,
      .role = PRIMARY,
      .has = INFRA_PROBE_HAS_POSITION,
      .writable = 1,
      .position = 48,
      .position_text = "0-1-48",
      .as_replica = INFRA_PROBE_REASON_NOT_REPLICA },
    { .name = "replica",
      .variables_names = MARIADB_NAMES,
      .variables = "1|0|0-1-48,7-3-12",
      .replication_names = REAL_NAMES,
      .replication = { "|State|Waiting|10.0.0.1|Yes|Yes|||7|State|NULL|z" },
      .role = REPLICA,
      .has = INFRA_PROBE_HAS_POSITION | INFRA_PROBE_HAS_LAG,
      .lag = INFRA_SEC(7),
      .position = 60,
      .position_text = "0-1-48,7-3-12",
      .as_primary = INFRA_PROBE_REASON_READ_ONLY },
    { .name = "MySQL replica",
      .variables_names = MYSQL_NAMES,
      .variables = "1|0|3e11fa47-71ca-11e1-9e33-c80aa9429562:1-5:11-18,\n"
                   "4e11fa47-71ca-11e1-9e33-c80aa9429562:7",
      .replication_names = NEW_NAMES,
      .replication = { "Waiting|Yes|Yes|0" },
      .role = REPLICA,
      .has = INFRA_PROBE_HAS_POSITION | INFRA_PROBE_HAS_LAG,
      .position = 14,
      .position_text = "3e11fa47-71ca-11e1-9e33-c80aa9429562:1-5:11-18,"
                       "4e11fa47-71ca-11e1-9e33-c80aa9429562:7",
      .as_primary = INFRA_PROBE_REASON_READ_ONLY },
    { .name = "reader of Aurora",
      .variables_names = MYSQL_NAMES,
      .variables = "0|1|",
      .replication_names = NEW_NAMES,
      .role = PRIMARY,
      .position_text = "",
      .as_primary = INFRA_PROBE_REASON_READ_ONLY,
      .as_replica = INFRA_PROBE_REASON_NOT_REPLICA },
    { .name = "words",
      .variables_names = MARIADB_NAMES,
      .variables = "OFF|OFF|NULL",
      .replication_names = OLD_NAMES,
      .role = PRIMARY,
      .writable = 1,
      .position_text = "",
      .as_replica = INFRA_PROBE_REASON_NOT_REPLICA },
    { .name = "other words",
      .variables_names = MARIADB_NAMES,
      .variables = "NO_LOCK|OFF|0-1-2x",
      .replication_names = OLD_NAMES,
      .replication = { "Yes|Yes|10" },
      .role = REPLICA,
      .has = INFRA_PROBE_HAS_LAG,
      .lag = INFRA_SEC(10),
      .position_text = "",
      .as_primary = INFRA_PROBE_REASON_READ_ONLY },
    { .name = "lagging",
      .variables_names = MARIADB_NAMES,
      .variables = "1|0|",
      .replication_names = OLD_NAMES,
      .replication = { "Yes|Yes|11" },
      .role = REPLICA,
      .has = INFRA_PROBE_HAS_LAG,
      .lag = INFRA_SEC(11),
      .position_text = "",
      .as_primary = INFRA_PROBE_REASON_READ_ONLY,
      .in_10_s = INFRA_PROBE_REASON_LAGGING },
    { .name = "in a ring",
      .variables_names = MARIADB_NAMES,
      .variables = "0|0|",
      .replication_names = OLD_NAMES,
      .replication = { "Yes|Yes|0" },
      .role = REPLICA,
      .has = INFRA_PROBE_HAS_LAG,
      .writable = 1,
      .position_text = "" },
    { .name = "stopped",
      .variables_names = MARIADB_NAMES,
      .variables = "1|0|",
      .replication_names = OLD_NAMES,
      .replication = { "No|No|NULL" },
      .role = REPLICA,
      .position_text = "",
      .as_primary = INFRA_PROBE_REASON_READ_ONLY,
      .in_10_s = INFRA_PROBE_REASON_NOT_REPLICATING },
    { .name = "without its primary",
      .variables_names = MARIADB_NAMES,
      .variables = "1|0|",
      .replication_names = OLD_NAMES,
      .replication = { "Connecting|Yes|3" },
      .role = REPLICA,
      .has = INFRA_PROBE_HAS_LAG,
      .lag = INFRA_SEC(3),
      .position_text = "",
      .as_primary = INFRA_PROBE_REASON_READ_ONLY,
      .in_10_s = INFRA_PROBE_REASON_NOT_REPLICATING },
    { .name = "not applying",
      .variables_names = MARIADB_NAMES,
      .variables = "1|0|",
      .replication_names = OLD_NAMES,
      .replication = { "Yes|No|3" },
      .role = REPLICA,
      .has = INFRA_PROBE_HAS_LAG,
      .lag = INFRA_SEC(3),
      .position_text = "",
      .as_primary = INFRA_PROBE_REASON_READ_ONLY,
      .in_10_s = INFRA_PROBE_REASON_NOT_REPLICATING },
    { .name = "of unknown lag",
      .variables_names = MARIADB_NAMES,
      .variables = "1|0|",
      .replication_names = OLD_NAMES,
      .replication = { "Yes|Yes|NULL" },
      .role = REPLICA,
      .position_text = "",
      .as_primary = INFRA_PROBE_REASON_READ_ONLY,
      .in_10_s = INFRA_PROBE_REASON_NOT_REPLICATING },
    { .name = "of two sources",
      .variables_names = MARIADB_NAMES,
      .variables = "1|0|",
      .replication_names = OLD_NAMES,
      .replication = { "Yes|Yes|9", "Yes|Yes|4" },
      .role = REPLICA,
      .has = INFRA_PROBE_HAS_LAG,
      .lag = INFRA_SEC(9),
      .position_text = "",
      .as_primary = INFRA_PROBE_REASON_READ_ONLY },
    { .name = "of two sources, one of them stopped",
      .variables_names = MARIADB_NAMES,
      .variables = "1|0|",
      .replication_names = OLD_NAMES,
      .replication = { "No|Yes|1", "Yes|Yes|4" },
      .role = REPLICA,
      .has = INFRA_PROBE_HAS_LAG,
      .lag = INFRA_SEC(4),
      .position_text = "",
      .as_primary = INFRA_PROBE_REASON_READ_ONLY,
      .in_10_s = INFRA_PROBE_REASON_NOT_REPLICATING },
    { .name = "of two sources, the other of unknown lag",
      .variables_names = MARIADB_NAMES,
      .variables = "1|0|",
      .replication_names = OLD_NAMES,
      .replication = { "Yes|Yes|4", "Yes|Yes|NULL" },
      .role = REPLICA,
      .position_text = "",
      .as_primary = INFRA_PROBE_REASON_READ_ONLY,
      .in_10_s = INFRA_PROBE_REASON_NOT_REPLICATING },
    { .name = "of two sources, one of unknown lag",
      .variables_names = MARIADB_NAMES,
      .variables = "1|0|",
      .replication_names = OLD_NAMES,
      .replication = { "Yes|Yes|NULL", "Yes|Yes|4" },
      .role = REPLICA,
      .position_text = "",
      .as_primary = INFRA_PROBE_REASON_READ_ONLY,
      .in_10_s = INFRA_PROBE_REASON_NOT_REPLICATING },
};

static void answer_variables(int i)
{
    const char *const rows[] = { answers[i].variables, NULL };

    peer_query(&mysql.peer, PEER_VARIABLES);
    peer_result(&mysql.peer, answers[i].variables_names, rows);
}

static void answer_replication(int i)
{
    peer_query(&mysql.peer, PEER_REPLICATION);
    peer_result(&mysql.peer, answers[i].replication_names,
                answers[i].replication);
}

/* With ask a server sets all fields and passes. */
START_TEST(answers_are_told)
{
    mysql_create((struct infra_probe_mysql_options) { .ask = 1 });
    answer_variables(_i);
    answer_replication(_i);
    peer_quit(&mysql.peer);
    struct infra_probe_result r = mysql_run();
    ck_assert_msg(r.reason == INFRA_PROBE_REASON_PASSED, "%s",
                  answers[_i].name);
    ck_assert_msg(r.has == (BOTH | answers[_i].has), "%s: %x", answers[_i].name,
                  r.has);
    ck_assert_uint_eq(r.role, answers[_i].role);
    ck_assert_uint_eq(r.writable, answers[_i].writable);
    ck_assert_uint_eq(r.lag, answers[_i].lag);
    ck_assert_uint_eq(r.position, answers[_i].position);
    ck_assert_str_eq(text(INFRA_PROBE_TEXT_POSITION),
                     answers[_i].position_text);
}
END_TEST

/* For expect = PRIMARY only writability is asked. */
START_TEST(a_primary_takes_writes)
{
    mysql_create((struct infra_probe_mysql_options) { .expect = PRIMARY });
    answer_variables(_i);
    peer_quit(&mysql.peer);
    struct infra_probe_result r = mysql_run();
    ck_assert_msg(r.reason == answers[_i].as_primary, "%s: %s",
                  answers[_i].name, infra_probe_reason_name(r.reason));
    ck_assert_uint_eq(r.has & INFRA_PROBE_HAS_ROLE, 0);
}
END_TEST

/* For expect = REPLICA only replication is asked. */
START_TEST(a_replica_follows)
{
    mysql_create((struct infra_probe_mysql_options) { .expect = REPLICA });
    answer_replication(_i);
    peer_quit(&mysql.peer);
    struct infra_probe_result r = mysql_run();
    ck_assert_msg(r.reason == answers[_i].as_replica, "%s: %s",
                  answers[_i].name, infra_probe_reason_name(r.reason));
    ck_assert_uint_eq(r.has & INFRA_PROBE_HAS_WRITABLE, 0);
}
END_TEST

/* Only replicas have a lag. */
START_TEST(a_replica_keeps_up)
{
    mysql_create(
        (struct infra_probe_mysql_options) { .lag_max = INFRA_SEC(10) });
    answer_replication(_i);
    peer_quit(&mysql.peer);
    struct infra_probe_result r = mysql_run();
    ck_assert_msg(r.reason == answers[_i].in_10_s, "%s: %s", answers[_i].name,
                  infra_probe_reason_name(r.reason));
}
END_TEST

/* Asking for more does not change the verdict. */
START_TEST(more_questions_change_nothing)
{
    mysql_create((struct infra_probe_mysql_options) {
        .ask = 1, .lag_max = INFRA_SEC(10) });
    answer_variables(_i);
    answer_replication(_i);
    peer_quit(&mysql.peer);
    struct infra_probe_result r = mysql_run();
    ck_assert_msg(r.reason == answers[_i].in_10_s, "%s: %s", answers[_i].name,
                  infra_probe_reason_name(r.reason));
}
END_TEST

/* Servers before MySQL 8.0.22 and MariaDB 10 get the old question. */
START_TEST(old_servers_are_asked_again)
{
    static const char *const rows[] = { "Yes|Yes|1", NULL };

    mysql_create((struct infra_probe_mysql_options) { .expect = REPLICA });
    peer_query(&mysql.peer, PEER_REPLICATION);
    peer_error(&mysql.peer, 1064, "You have an error in your SQL syntax");
    peer_query(&mysql.peer, PEER_REPLICATION_OLD);
    if (_i == 0) {
        peer_result(&mysql.peer, OLD_NAMES, rows);
    } else {
        peer_error(&mysql.peer, 1064, "Again");
    }
    peer_quit(&mysql.peer);
    struct infra_probe_result r = mysql_run();
    ck_assert_uint_eq(r.reason, _i == 0 ? INFRA_PROBE_REASON_PASSED
                                        : INFRA_PROBE_REASON_SERVER_ERROR);
    ck_assert_uint_eq(r.status, _i == 0 ? 0 : 1064);
    ck_assert_str_eq(text(INFRA_PROBE_TEXT_MESSAGE), _i == 0 ? "" : "Again");
    ck_assert_uint_eq(r.has,
                      _i == 0 ? INFRA_PROBE_HAS_ROLE | INFRA_PROBE_HAS_LAG : 0);
}
END_TEST

/* A refused question fails the check only if its answer is needed; an error of
 * a server out of service always does. */
static const struct {
    const char *name;
    struct infra_probe_mysql_options options;
    unsigned errors[2]; /* Of each question; 0: it is answered. */
    uint32_t reason;
    uint32_t has;
    unsigned status;
} failures[] = {
    { "no privilege, not needed",
      { .ask = 1 },
      { 0, 1227 },
      INFRA_PROBE_REASON_PASSED,
      INFRA_PROBE_HAS_WRITABLE,
      1227 },
    { "no privilege, only the other is needed",
      { .ask = 1, .expect = PRIMARY },
      { 0, 1227 },
      INFRA_PROBE_REASON_PASSED,
      INFRA_PROBE_HAS_WRITABLE,
      1227 },
    { "no such variable, not needed",
      { .ask = 1 },
      { 1193, 0 },
      INFRA_PROBE_REASON_PASSED,
      INFRA_PROBE_HAS_ROLE,
      1193 },
    { "neither",
      { .ask = 1 },
      { 1193, 1227 },
      INFRA_PROBE_REASON_PASSED,
      0,
      1227 },
    { "no such variable, needed",
      { .ask = 1, .expect = PRIMARY },
      { 1193, 0 },
      INFRA_PROBE_REASON_SERVER_ERROR,
      0,
      1193 },
    { "no privilege, needed for the role",
      { .ask = 1, .expect = REPLICA },
      { 0, 1227 },
      INFRA_PROBE_REASON_SERVER_ERROR,
      INFRA_PROBE_HAS_WRITABLE,
      1227 },
    { "no privilege, needed for the lag",
      { .ask = 1, .lag_max = 1 },
      { 0, 1227 },
      INFRA_PROBE_REASON_SERVER_ERROR,
      INFRA_PROBE_HAS_WRITABLE,
      1227 },
    { "stopping",
      { .ask = 1 },
      { 1053, 0 },
      INFRA_PROBE_REASON_STOPPING,
      0,
      1053 },
    { "stopping, later",
      { .ask = 1 },
      { 0, 1053 },
      INFRA_PROBE_REASON_STOPPING,
      INFRA_PROBE_HAS_WRITABLE,
      1053 },
    { "not in its cluster",
      { .ask = 1 },
      { 1047, 0 },
      INFRA_PROBE_REASON_STARTING,
      0,
      1047 },
};

START_TEST(questions_may_fail)
{
    static const char *const variables[] = { "0|0", NULL };
    static const char *const replication[] = { NULL };

    mysql_create(failures[_i].options);
    for (int q = 0; q < 2; q++) {
        peer_query(&mysql.peer, q == 0 ? PEER_VARIABLES : PEER_REPLICATION);
        if (failures[_i].errors[q] != 0) {
            peer_error(&mysql.peer, failures[_i].errors[q], "No");
        } else if (q == 0) {
            peer_result(&mysql.peer, "read_only|innodb_read_only", variables);
        } else {
            peer_result(&mysql.peer, OLD_NAMES, replication);
        }
    }
    /* It does not wait for a server that stops. */
    if (failures[_i].reason == INFRA_PROBE_REASON_PASSED ||
        failures[_i].reason == INFRA_PROBE_REASON_SERVER_ERROR) {
        peer_quit(&mysql.peer);
    }
    struct infra_probe_result r =
        peer_run(&mysql.peer, mysql.probe, TEST_SPLIT_NONE, 0);
    ck_assert_msg(r.reason == failures[_i].reason, "%s: %s", failures[_i].name,
                  infra_probe_reason_name(r.reason));
    ck_assert_uint_eq(r.has, failures[_i].has);
    ck_assert_uint_eq(r.status, failures[_i].status);
    ck_assert_str_eq(text(INFRA_PROBE_TEXT_MESSAGE), "No");
}
END_TEST

/* An answer that fails midway sets no field. */
START_TEST(half_an_answer_is_none)
{
    mysql_create((struct infra_probe_mysql_options) { .ask = 1 });
    peer_query(&mysql.peer, PEER_VARIABLES);
    peer_columns(&mysql.peer, MARIADB_NAMES);
    peer_row(&mysql.peer, "0|0|0-1-5");
    peer_error(&mysql.peer, 1317, "Query execution was interrupted");
    peer_query(&mysql.peer, PEER_REPLICATION);
    peer_columns(&mysql.peer, OLD_NAMES);
    peer_row(&mysql.peer, "Yes|Yes|0");
    peer_error(&mysql.peer, 1317, "Query execution was interrupted");
    peer_quit(&mysql.peer);
    struct infra_probe_result r = mysql_run();
    ck_assert_uint_eq(r.reason, INFRA_PROBE_REASON_PASSED);
    ck_assert_uint_eq(r.has, 0);
    ck_assert_uint_eq(r.status, 1317);
    ck_assert_str_eq(text(INFRA_PROBE_TEXT_POSITION), "");
}
END_TEST

/* Other variables than the two set no field. */
START_TEST(other_variables_say_nothing)
{
    static const char *const rows[][3] = {
        { "0|0|0-1-5", "0|0|", NULL },
        { NULL },
        { "0|0", NULL },
    };

    mysql_create((struct infra_probe_mysql_options) { .expect = PRIMARY });
    peer_query(&mysql.peer, PEER_VARIABLES);
    peer_result(&mysql.peer, _i == 2 ? "a|read_only" : MARIADB_NAMES, rows[_i]);
    peer_quit(&mysql.peer);
    struct infra_probe_result r = mysql_run();
    ck_assert_uint_eq(r.reason, INFRA_PROBE_REASON_BAD_REPLY);
    ck_assert_uint_eq(r.has, 0);
}
END_TEST

/* A lag that is not a number, or too large for a time, is unset. */
START_TEST(odd_lags)
{
    static const struct {
        const char *cells;
        bool has;
        infra_time lag;
    } rows[] = {
        { "Yes|Yes|", false, 0 },
        { "Yes|Yes|-1", false, 0 },
        { "Yes|Yes|1.5", false, 0 },
        { "Yes|Yes|1x", false, 0 },
        { "Yes|Yes|18446744073", true, INFRA_SEC(18446744073) },
        { "Yes|Yes|18446744074", false, 0 },
        { "Yes|Yes|99999999999999999999", false, 0 },
        { "Yes|Yes|18446744073709551617", false, 0 },
        { "Yes|Yes|0000000000000000000000000000000009", false, 0 },
    };
    const char *const row[] = { rows[_i].cells, NULL };

    mysql_create((struct infra_probe_mysql_options) { .expect = REPLICA });
    peer_query(&mysql.peer, PEER_REPLICATION);
    peer_result(&mysql.peer, OLD_NAMES, row);
    peer_quit(&mysql.peer);
    struct infra_probe_result r = mysql_run();
    ck_assert_uint_eq((r.has & INFRA_PROBE_HAS_LAG) != 0, rows[_i].has);
    ck_assert_uint_eq(r.lag, rows[_i].lag);
}
END_TEST

/* A set of GTIDs of any length has its number; its text only if all of it
 * fits. */
START_TEST(long_positions)
{
    static char row[32768];
    const char *const rows[] = { row, NULL };
    static const size_t counts[] = { 93, 94, 700 };
    const size_t item = 44; /* Bytes of each, with its comma. */

    strcpy(row, "0|0|");
    for (size_t i = 0; i < counts[_i]; i++) {
        strcpy(row + 4 + item * i,
               "3e11fa47-71ca-11e1-9e33-c80aa9429562:10-19,");
        row[4 + item * i + item - 1] = ' '; /* It does not count. */
    }
    row[4 + item * counts[_i] - 2] = '\0'; /* No comma at the end. */
    size_t size = (item - 1) * counts[_i] - 1;
    mysql_create((struct infra_probe_mysql_options) { .expect = PRIMARY });
    peer_query(&mysql.peer, PEER_VARIABLES);
    peer_result(&mysql.peer, MYSQL_NAMES, rows);
    peer_quit(&mysql.peer);
    struct infra_probe_result r = mysql_run();
    ck_assert_uint_eq(r.reason, INFRA_PROBE_REASON_PASSED);
    ck_assert_uint_eq(r.position, 10 * counts[_i]);
    ck_assert_uint_eq(strlen(text(INFRA_PROBE_TEXT_POSITION)),
                      size <= 4095 ? size : 0);
}
END_TEST

/* Text that just fits, and with one byte more. */
START_TEST(the_longest_position)
{
    static char row[8192];
    const char *const rows[] = { row, NULL };

    for (size_t size = 4095; size <= 4096; size++) {
        mysql.peer = (struct peer) { 0 };
        peer_greet(&mysql.peer, PEER_MARIADB);
        peer_log_in(&mysql.peer);
        strcpy(row, "0|0|");
        memset(row + 4, '0', size);
        memcpy(row + 4 + size - 6, "-1-048", 7);
        infra_probe_destroy(mysql.probe);
        mysql_create((struct infra_probe_mysql_options) { .expect = PRIMARY });
        peer_query(&mysql.peer, PEER_VARIABLES);
        peer_result(&mysql.peer, MARIADB_NAMES, rows);
        peer_quit(&mysql.peer);
        struct infra_probe_result r = mysql_run();
        ck_assert_uint_eq(r.position, 48);
        ck_assert_uint_eq(strlen(text(INFRA_PROBE_TEXT_POSITION)),
                          size == 4095 ? size : 0);
    }
}
END_TEST

static Suite *status_suite(void)
{
    Suite *s = suite_create("probe_mysql_status");
    TCase *tc = tcase_create("status");
    const int answers_count = (int)INFRA__COUNT_OF(answers);
    tcase_add_checked_fixture(tc, mysql_setup, mysql_teardown);
    tcase_add_loop_test(tc, answers_are_told, 0, answers_count);
    tcase_add_loop_test(tc, a_primary_takes_writes, 0, answers_count);
    tcase_add_loop_test(tc, a_replica_follows, 0, answers_count);
    tcase_add_loop_test(tc, a_replica_keeps_up, 0, answers_count);
    tcase_add_loop_test(tc, more_questions_change_nothing, 0, answers_count);
    tcase_add_loop_test(tc, old_servers_are_asked_again, 0, 2);
    tcase_add_loop_test(tc, questions_may_fail, 0, INFRA__COUNT_OF(failures));
    tcase_add_test(tc, half_an_answer_is_none);
    tcase_add_loop_test(tc, other_variables_say_nothing, 0, 3);
    tcase_add_loop_test(tc, odd_lags, 0, 9);
    tcase_add_loop_test(tc, long_positions, 0, 3);
    tcase_add_test(tc, the_longest_position);
    suite_add_tcase(s, tc);
    return s;
}

int main(void)
{
    return test_main(status_suite());
}
