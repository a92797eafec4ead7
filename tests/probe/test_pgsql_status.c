/* SPDX-License-Identifier: MIT */
/* The library's question to PostgreSQL and its answer: role, writability,
 * position, lag, and the verdict. */
#include "pgsql_peer.h"

#include "base/internal.h"

#include <string.h>

#define COLUMNS 6

/* The answer to the library's question. */
static struct pgsql_bytes answer_of(const char *const cells[COLUMNS])
{
    struct pgsql_bytes b = { 0 };

    pgsql_put_text(&b, PGSQL_COLUMNS);
    pgsql_put_row(&b, cells, COLUMNS);
    pgsql_put_text(&b, PGSQL_COMPLETE PGSQL_READY);
    return b;
}

static struct infra_probe_result run_with(const struct pgsql_bytes *answer,
                                          infra_time now, enum test_split split)
{
    const struct test_step script[] = {
        TEST_ACCEPT(0),
        TEST_EXPECT(PGSQL_STARTUP),
        TEST_SEND(PGSQL_WELCOME),
        TEST_EXPECT(PGSQL_QUESTION),
        { .kind = TEST_STEP_SEND, .bytes = answer->at, .size = answer->size },
    };
    struct test_transport t = TEST_TRANSPORT(script);

    t.now = now;
    t.split = split;
    t.split_number = 1;
    struct infra_probe_result r = pgsql_run(&t);
    if (r.outcome != INFRA_OUTCOME_OK && r.has == 0) {
        return r; /* It did not come to a farewell. */
    }
    ck_assert_uint_eq(t.heard_count, sizeof PGSQL_TERMINATE - 1);
    ck_assert_mem_eq(t.heard, PGSQL_TERMINATE, t.heard_count);
    return r;
}

static struct infra_probe_result run_at(infra_time now,
                                        const char *const cells[COLUMNS])
{
    struct pgsql_bytes answer = answer_of(cells);

    return run_with(&answer, now, TEST_SPLIT_NONE);
}

#define ROLE_TOLD (INFRA_PROBE_HAS_ROLE | INFRA_PROBE_HAS_WRITABLE)
#define LSN_TOLD (ROLE_TOLD | INFRA_PROBE_HAS_POSITION)
#define LAG_TOLD (LSN_TOLD | INFRA_PROBE_HAS_LAG)

/* Rows, and the fields that they set. */
static const struct {
    const char *name;
    const char *cells[COLUMNS];
    uint32_t has;
    uint32_t role;
    uint32_t writable;
    uint64_t position;
    infra_time lag;
} rows[] = {
    { "primary",
      { "f", "off", "0/3000148", NULL, NULL, NULL },
      LSN_TOLD,
      INFRA_PROBE_ROLE_PRIMARY,
      1,
      0x3000148,
      0 },
    { "read-only primary",
      { "f", "on", "0/3000148", NULL, NULL, NULL },
      LSN_TOLD,
      INFRA_PROBE_ROLE_PRIMARY,
      0,
      0x3000148,
      0 },
    { "greatest position",
      { "f", "off", "FFFFFFFF/ffffffff", NULL, NULL, NULL },
      LSN_TOLD,
      INFRA_PROBE_ROLE_PRIMARY,
      1,
      UINT64_MAX,
      0 },
    { "least position",
      { "f", "off", "1/0", NULL, NULL, NULL },
      LSN_TOLD,
      INFRA_PROBE_ROLE_PRIMARY,
      1,
      (uint64_t)1 << 32,
      0 },
    { "a primary that was a replica has no lag",
      { "f", "off", "0/2", "0/1", "123456", NULL },
      LSN_TOLD,
      INFRA_PROBE_ROLE_PRIMARY,
      1,
      2,
      0 },
    { "replica of an idle primary",
      { "t", "on", "16/B374D848", "16/B374D848", "3600000000", "streaming" },
      LAG_TOLD,
      INFRA_PROBE_ROLE_REPLICA,
      0,
      0x16b374d848,
      0 },
    { "replica that replays",
      { "t", "on", "0/10", "0/11", "1234567", "streaming" },
      LAG_TOLD,
      INFRA_PROBE_ROLE_REPLICA,
      0,
      0x10,
      INFRA_US(1234567) },
    { "replica that may not be looked at",
      { "t", "on", "0/10", "0/10", "1234567", "hidden" },
      LAG_TOLD,
      INFRA_PROBE_ROLE_REPLICA,
      0,
      0x10,
      0 },
    { "replica after a restart: received begins behind replayed",
      { "t", "on", "0/3000148", "0/3000000", "1234567", "streaming" },
      LAG_TOLD,
      INFRA_PROBE_ROLE_REPLICA,
      0,
      0x3000148,
      0 },
    { "replica without a receiver",
      { "t", "on", "0/10", "0/10", "1234567", NULL },
      LAG_TOLD,
      INFRA_PROBE_ROLE_REPLICA,
      0,
      0x10,
      INFRA_US(1234567) },
    { "replica whose receiver waits",
      { "t", "on", "0/10", "0/10", "1234567", "waiting" },
      LAG_TOLD,
      INFRA_PROBE_ROLE_REPLICA,
      0,
      0x10,
      INFRA_US(1234567) },
    { "replica fed from an archive",
      { "t", "on", "0/10", NULL, "1234567", NULL },
      LAG_TOLD,
      INFRA_PROBE_ROLE_REPLICA,
      0,
      0x10,
      INFRA_US(1234567) },
    { "replica that has replayed no commit",
      { "t", "on", "0/10", "0/11", NULL, "streaming" },
      LSN_TOLD,
      INFRA_PROBE_ROLE_REPLICA,
      0,
      0x10,
      0 },
    { "replica that has replayed nothing",
      { "t", "on", NULL, "0/11", NULL, "streaming" },
      ROLE_TOLD,
      INFRA_PROBE_ROLE_REPLICA,
      0,
      0,
      0 },
    { "replica that was never connected",
      { "t", "on", "0/10", NULL, "1234567", "streaming" },
      LAG_TOLD,
      INFRA_PROBE_ROLE_REPLICA,
      0,
      0x10,
      INFRA_US(1234567) },
    { "replica that does not know it is read-only",
      { "t", "off", "0/10", "0/10", "1", "streaming" },
      LAG_TOLD,
      INFRA_PROBE_ROLE_REPLICA,
      0,
      0x10,
      0 },
    { "replica whose clock is behind",
      { "t", "on", "0/10", "0/11", "-1234567", "streaming" },
      LAG_TOLD,
      INFRA_PROBE_ROLE_REPLICA,
      0,
      0x10,
      0 },
    { "a lag of 2^64 + 1 microseconds",
      { "t", "on", "0/10", "0/11", "18446744073709551617", "streaming" },
      LAG_TOLD,
      INFRA_PROBE_ROLE_REPLICA,
      0,
      0x10,
      INFRA_TIME_NEVER },
    { "a lag of 2^64 + 384 nanoseconds",
      { "t", "on", "0/10", "0/11", "18446744073709552", "streaming" },
      LAG_TOLD,
      INFRA_PROBE_ROLE_REPLICA,
      0,
      0x10,
      INFRA_TIME_NEVER },
    { "a lag of ages",
      { "t", "on", "0/10", "0/11", "99999999999999999999999999", "streaming" },
      LAG_TOLD,
      INFRA_PROBE_ROLE_REPLICA,
      0,
      0x10,
      INFRA_TIME_NEVER },
};

START_TEST(rows_are_told)
{
    struct pgsql_bytes answer = answer_of(rows[_i].cells);
    const char *lsn = rows[_i].cells[2] != NULL ? rows[_i].cells[2] : "";

    for (int split = TEST_SPLIT_NONE; split <= TEST_SPLIT_RANDOM; split++) {
        pgsql_create((struct infra_probe_pgsql_options) { .ask = 1 });
        struct infra_probe_result r =
            run_with(&answer, 0, (enum test_split)split);
        ck_assert_msg(r.reason == INFRA_PROBE_REASON_PASSED, "%s: %s",
                      rows[_i].name, infra_probe_reason_name(r.reason));
        ck_assert_msg(r.has == rows[_i].has, "%s: has %x", rows[_i].name,
                      r.has);
        ck_assert_uint_eq(r.role, rows[_i].role);
        ck_assert_uint_eq(r.writable, rows[_i].writable);
        ck_assert_uint_eq(r.position, rows[_i].position);
        if (rows[_i].lag < INFRA_SEC(1000000)) {
            ck_assert_uint_eq(r.lag, rows[_i].lag);
        } else { /* Whatever it is, it is enormous. */
            ck_assert_uint_gt(r.lag, INFRA_SEC(1000000));
        }
        ck_assert_str_eq(
            infra_probe_text(pgsql_probe, INFRA_PROBE_TEXT_POSITION), lsn);
        ck_assert_str_eq(
            infra_probe_text(pgsql_probe, INFRA_PROBE_TEXT_VERSION), "15.18");
        ck_assert_str_eq(pgsql_message(), "");
    }
}
END_TEST

/* Cells that PostgreSQL does not write. */
START_TEST(odd_cells_are_a_bad_reply)
{
    static const struct {
        size_t column;
        const char *cell;
    } odd[] = {
        { 0, NULL },
        { 0, "" },
        { 0, "true" },
        { 0, "T" },
        { 1, NULL },
        { 1, "of" },
        { 1, "offf" },
        { 2, "" },
        { 2, "/" },
        { 2, "0" },
        { 2, "0/" },
        { 2, "/0" },
        { 2, "0/0/0" },
        { 2, "0/g" },
        { 2, "0/123456789" },
        { 2, "123456789/0" },
        { 2, "0x1/1" },
        { 2, " 0/1" },
        { 2, "0/1 " },
        { 3, "x" },
        { 3, "" },
        { 4, "" },
        { 4, "-" },
        { 4, "1.5" },
        { 4, "1e5" },
        { 4, "+1" },
        { 4, "1-" },
        { 4, "--1" },
    };

    pgsql_create((struct infra_probe_pgsql_options) { .ask = 1 });
    for (size_t i = 0; i < INFRA__COUNT_OF(odd); i++) {
        const char *cells[COLUMNS] = {
            "t", "on", "0/1", "0/1", "1", "streaming"
        };
        cells[odd[i].column] = odd[i].cell;
        struct infra_probe_result r = run_at(0, cells);
        ck_assert_msg(r.reason == INFRA_PROBE_REASON_BAD_REPLY, "%zu %s: %s",
                      odd[i].column, odd[i].cell,
                      infra_probe_reason_name(r.reason));
        ck_assert_uint_eq(r.has, 0);
    }
}
END_TEST

/* The expected role, and the answer. */
static const char *const primary[] = { "f", "off", "0/10", NULL, NULL, NULL };
static const char *const frozen[] = { "f", "on", "0/10", NULL, NULL, NULL };
static const char *const fresh[] = { "t",    "on",      "0/10",
                                     "0/10", "9000000", "streaming" };
static const char *const behind[] = { "t",    "on",      "0/10",
                                      "0/11", "2000000", "streaming" };
static const char *const unknown[] = { "t",    "on", "0/10",
                                       "0/11", NULL, "streaming" };
static const char *const cut_off[] = { "t",    "on",      "0/10",
                                       "0/10", "2000000", NULL };
static const char *const waiting[] = { "t",    "on",      "0/10",
                                       "0/10", "2000000", "waiting" };
static const char *const lost[] = { "t", "on", "0/10", NULL, NULL, NULL };

static const struct {
    const char *const *cells;
    uint32_t expect;
    infra_time lag_max;
    uint32_t reason;
} verdicts[] = {
    { primary, INFRA_PROBE_ROLE_PRIMARY, 0, INFRA_PROBE_REASON_PASSED },
    { primary, INFRA_PROBE_ROLE_PRIMARY, 1, INFRA_PROBE_REASON_PASSED },
    { primary, INFRA_PROBE_ROLE_UNKNOWN, 1, INFRA_PROBE_REASON_PASSED },
    { primary, INFRA_PROBE_ROLE_REPLICA, 0, INFRA_PROBE_REASON_NOT_REPLICA },
    { frozen, INFRA_PROBE_ROLE_UNKNOWN, 0, INFRA_PROBE_REASON_PASSED },
    { frozen, INFRA_PROBE_ROLE_PRIMARY, 0, INFRA_PROBE_REASON_READ_ONLY },
    { frozen, INFRA_PROBE_ROLE_REPLICA, 0, INFRA_PROBE_REASON_NOT_REPLICA },
    { fresh, INFRA_PROBE_ROLE_PRIMARY, 0, INFRA_PROBE_REASON_READ_ONLY },
    { fresh, INFRA_PROBE_ROLE_REPLICA, 0, INFRA_PROBE_REASON_PASSED },
    { fresh, INFRA_PROBE_ROLE_REPLICA, 1, INFRA_PROBE_REASON_PASSED },
    { fresh, INFRA_PROBE_ROLE_UNKNOWN, 1, INFRA_PROBE_REASON_PASSED },
    { behind, INFRA_PROBE_ROLE_REPLICA, 0, INFRA_PROBE_REASON_PASSED },
    { behind, INFRA_PROBE_ROLE_REPLICA, INFRA_SEC(2),
      INFRA_PROBE_REASON_PASSED },
    { behind, INFRA_PROBE_ROLE_REPLICA, INFRA_SEC(2) - 1,
      INFRA_PROBE_REASON_LAGGING },
    { behind, INFRA_PROBE_ROLE_UNKNOWN, INFRA_SEC(2) - 1,
      INFRA_PROBE_REASON_LAGGING },
    { behind, INFRA_PROBE_ROLE_PRIMARY, 1, INFRA_PROBE_REASON_READ_ONLY },
    { unknown, INFRA_PROBE_ROLE_REPLICA, 0, INFRA_PROBE_REASON_PASSED },
    { unknown, INFRA_PROBE_ROLE_REPLICA, INFRA_SEC(9),
      INFRA_PROBE_REASON_LAGGING },
    { cut_off, INFRA_PROBE_ROLE_REPLICA, 0, INFRA_PROBE_REASON_PASSED },
    { cut_off, INFRA_PROBE_ROLE_REPLICA, INFRA_SEC(2),
      INFRA_PROBE_REASON_PASSED },
    { cut_off, INFRA_PROBE_ROLE_REPLICA, INFRA_SEC(1),
      INFRA_PROBE_REASON_NOT_REPLICATING },
    { waiting, INFRA_PROBE_ROLE_REPLICA, INFRA_SEC(1),
      INFRA_PROBE_REASON_NOT_REPLICATING },
    { lost, INFRA_PROBE_ROLE_REPLICA, INFRA_SEC(1),
      INFRA_PROBE_REASON_NOT_REPLICATING },
};

START_TEST(verdicts_follow_expectations)
{
    for (size_t i = 0; i < INFRA__COUNT_OF(verdicts); i++) {
        pgsql_create((struct infra_probe_pgsql_options) {
            .ask = verdicts[i].expect == 0 && verdicts[i].lag_max == 0,
            .expect = verdicts[i].expect,
            .lag_max = verdicts[i].lag_max });
        struct infra_probe_result r = run_at(0, verdicts[i].cells);
        ck_assert_msg(r.reason == verdicts[i].reason, "%zu: %s", i,
                      infra_probe_reason_name(r.reason));
        /* The fields are set, whatever the verdict. */
        ck_assert_uint_eq(r.has & LSN_TOLD, LSN_TOLD);
    }
}
END_TEST

/* A commit after an idle hour is not a lag of an hour: the last check saw the
 * replica caught up. */
START_TEST(lag_is_bounded_by_the_last_check)
{
    static const char *const hour[] = { "t",    "on",         "0/10",
                                        "0/11", "3600000000", "streaming" };
    static const char *const second[] = { "t",    "on",      "0/10",
                                          "0/11", "1000000", "streaming" };

    pgsql_create((struct infra_probe_pgsql_options) { .ask = 1 });
    ck_assert_uint_eq(run_at(INFRA_SEC(1), hour).lag, INFRA_SEC(3600));
    ck_assert_uint_eq(run_at(INFRA_SEC(2), fresh).lag, 0);
    ck_assert_uint_eq(run_at(INFRA_SEC(4), hour).lag, INFRA_SEC(2));
    ck_assert_uint_eq(run_at(INFRA_SEC(5), second).lag, INFRA_SEC(1));
    ck_assert_uint_eq(run_at(INFRA_SEC(9), hour).lag, INFRA_SEC(7));
    /* The age is not known, the bound is. */
    struct infra_probe_result r = run_at(INFRA_SEC(10), unknown);
    ck_assert_uint_eq(r.has, LAG_TOLD);
    ck_assert_uint_eq(r.lag, INFRA_SEC(8));
    /* Nor does it matter that the receiver is gone since. */
    ck_assert_uint_eq(run_at(INFRA_SEC(3), lost).lag, INFRA_SEC(1));
    ck_assert_uint_eq(run_at(INFRA_SEC(11), fresh).lag, 0);
    ck_assert_uint_eq(run_at(INFRA_SEC(12), hour).lag, INFRA_SEC(1));
}
END_TEST

/* The bound belongs to one log: not to a shorter or unknown one, or a
 * primary's. */
START_TEST(the_bound_is_forgotten_with_the_log)
{
    static const char *const shorter[] = { "t",    "on",         "0/f",
                                           "0/11", "3600000000", "streaming" };
    static const char *const none[] = { "t",    "on",         NULL,
                                        "0/11", "3600000000", "streaming" };
    static const char *const hour[] = { "t",    "on",         "0/10",
                                        "0/11", "3600000000", "streaming" };
    const char *const *const between[] = { shorter, none, primary };

    for (size_t i = 0; i < INFRA__COUNT_OF(between); i++) {
        pgsql_create((struct infra_probe_pgsql_options) { .ask = 1 });
        ck_assert_uint_eq(run_at(INFRA_SEC(1), fresh).lag, 0);
        ck_assert_uint_eq(run_at(INFRA_SEC(2), hour).lag, INFRA_SEC(1));
        ck_assert_uint_eq(run_at(INFRA_SEC(3), between[i]).lag,
                          between[i] == primary ? 0 : INFRA_SEC(3600));
        ck_assert_uint_eq(run_at(INFRA_SEC(4), hour).lag, INFRA_SEC(3600));
    }
}
END_TEST

/* If the server closes after its answer, before the farewell, the verdict
 * stands. */
START_TEST(the_verdict_outlives_the_connection)
{
    static const struct {
        const char *const *cells;
        uint32_t reason;
    } ends[] = { { primary, INFRA_PROBE_REASON_PASSED },
                 { frozen, INFRA_PROBE_REASON_READ_ONLY } };

    pgsql_create((struct infra_probe_pgsql_options) {
        .expect = INFRA_PROBE_ROLE_PRIMARY });
    struct infra_exchange x = infra_probe_exchange(pgsql_probe);

    for (size_t i = 0; i < INFRA__COUNT_OF(ends); i++) {
        struct pgsql_bytes b = answer_of(ends[i].cells);
        struct infra_probe_result r;
        infra_probe_start(pgsql_probe, 0, 0);
        x.ops->note(x.self, INFRA_NOTE_CONNECTED, 0, 0);
        x.ops->input(x.self, PGSQL_WELCOME, sizeof PGSQL_WELCOME - 1, 0);
        x.ops->input(x.self, b.at, b.size, 0);
        ck_assert_int_eq(infra_probe_result(pgsql_probe, &r), INFRA_EAGAIN);
        x.ops->input(x.self, "anything", 8, 0);
        ck_assert_int_eq(infra_probe_result(pgsql_probe, &r), INFRA_EAGAIN);
        x.ops->note(x.self, INFRA_NOTE_EOF, 0, 0);
        ck_assert_int_eq(infra_probe_result(pgsql_probe, &r), INFRA_OK);
        ck_assert_uint_eq(r.reason, ends[i].reason);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("probe_pgsql_status");
    TCase *tc = tcase_create("status");

    tcase_add_checked_fixture(tc, pgsql_setup, pgsql_teardown);
    tcase_add_loop_test(tc, rows_are_told, 0, INFRA__COUNT_OF(rows));
    tcase_add_test(tc, odd_cells_are_a_bad_reply);
    tcase_add_test(tc, verdicts_follow_expectations);
    tcase_add_test(tc, lag_is_bounded_by_the_last_check);
    tcase_add_test(tc, the_bound_is_forgotten_with_the_log);
    tcase_add_test(tc, the_verdict_outlives_the_connection);
    suite_add_tcase(suite, tc);
    return test_main(suite);
}
