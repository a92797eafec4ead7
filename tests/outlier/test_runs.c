/* SPDX-License-Identifier: MIT */
/* Outlier: failures in a row, which are noticed at once. */
#include "watch.h"

#include "base/internal.h"
#include "outlier/internal.h"
#include "outlier/statistics.h"

#define GATEWAY INFRA_OUTCOME_GATEWAY_ERROR

/* Rates are tested elsewhere; one backend may be ejected. */
static struct infra_outlier_options runs_only(void)
{
    return (struct infra_outlier_options) {
        .max_ejection_percent = 100,
        .success_rate_minimum_hosts = WATCH_OFF,
        .failure_percentage_minimum_hosts = WATCH_OFF,
        .median_minimum_hosts = WATCH_OFF,
    };
}

/* Envoy's own sequence: an error and a success change nothing, the fifth error
 * in a row ejects, the first sweep after 30 s returns, and it may be ejected
 * again. */
START_TEST(five_errors_in_a_row_eject)
{
    watch_open(&watch, runs_only());
    watch_fill(&watch, 1);
    ck_assert_int_eq(watch_report(&watch, 0, INFRA_OUTCOME_ERROR, 1), 0);
    ck_assert_int_eq(watch_report(&watch, 0, INFRA_OUTCOME_OK, 1), 0);
    ck_assert_int_eq(watch_report(&watch, 0, INFRA_OUTCOME_ERROR, 4), 0);
    watch_quiet(&watch, 0);
    ck_assert_uint_eq(infra_outlier_deadline(watch.outlier), INFRA_SEC(10));
    ck_assert_int_eq(watch_report(&watch, 0, INFRA_OUTCOME_ERROR, 1), 1);
    ck_assert_uint_eq(infra_outlier_deadline(watch.outlier), 0);

    struct infra_outlier_event e =
        watch_expect(&watch, 0, INFRA_OUTLIER_EVENT_EJECTED, 0,
                     INFRA_OUTLIER_REASON_CONSECUTIVE_5XX);
    ck_assert_uint_eq(e.at, 0);
    ck_assert_uint_eq(e.until, INFRA_SEC(30));
    ck_assert_uint_eq(e.ejections, 1);
    ck_assert_uint_eq(e.reports, 0);
    ck_assert_int_eq(e.value, 5);
    ck_assert_int_eq(e.typical, 0);
    ck_assert_int_eq(e.threshold, 5);
    watch_quiet(&watch, INFRA_MS(9999));
    watch_quiet(&watch, INFRA_MS(29999));
    e = watch_expect(&watch, INFRA_MS(30001), INFRA_OUTLIER_EVENT_RETURNED, 0,
                     INFRA_OUTLIER_REASON_TIME);
    ck_assert_uint_eq(e.at, INFRA_MS(30001));
    ck_assert_uint_eq(e.until, 0);
    ck_assert_uint_eq(e.ejections, 1);
    ck_assert_int_eq(watch_report(&watch, 0, INFRA_OUTCOME_ERROR, 5), 1);
    e = watch_expect(&watch, INFRA_MS(40000), INFRA_OUTLIER_EVENT_EJECTED, 0,
                     INFRA_OUTLIER_REASON_CONSECUTIVE_5XX);
    ck_assert_uint_eq(e.ejections, 2);
}
END_TEST

/* Twenty-five gateway errors are five of each detection, each with an event: by
 * Envoy's defaults only the 5xx eject. */
START_TEST(a_row_begins_anew_when_it_is_full)
{
    struct infra_outlier_options o = runs_only();

    o.enforce[INFRA_OUTLIER_REASON_CONSECUTIVE_5XX] = INFRA_OUTLIER_DRY_RUN;
    watch_open(&watch, o);
    watch_fill(&watch, 1);
    for (uint32_t i = 1; i <= 25; i++) {
        int woken = watch_report(&watch, 0, GATEWAY, 1);
        ck_assert_int_eq(woken, i % 5 == 0);
        if (woken) {
            watch_expect(&watch, 0, INFRA_OUTLIER_EVENT_SPARED, 0,
                         INFRA_OUTLIER_REASON_CONSECUTIVE_GATEWAY_FAILURE);
        }
        watch_quiet(&watch, 0);
    }
    struct infra_outlier_status s = watch_inspect(&watch, 0);
    ck_assert_uint_eq(s.detections[INFRA_OUTLIER_REASON_CONSECUTIVE_5XX], 5);
    ck_assert_uint_eq(
        s.detections[INFRA_OUTLIER_REASON_CONSECUTIVE_GATEWAY_FAILURE], 5);
    ck_assert_uint_eq(s.ejections, 0);
}
END_TEST

/* For each report a letter: o OK, d degraded, e error, g gateway error, r
 * refused, u unreachable, t timeout, x reset, l local, a abandoned. After them
 * the tripped detectors: 5 5xx, g gateway, l local origin, - none. */
static const struct {
    const char *reports;
    uint32_t split;
    char found;
} rows[] = {
    { "eee", 0, '5' },       { "eeoe", 0, '-' },   { "eede", 0, '-' },
    { "eelae", 0, '5' },     { "ggg", 0, 'g' },    { "ggegg", 0, '5' },
    { "egg", 0, '5' },       { "oogg", 0, '-' },   { "rut", 0, 'g' },
    { "xtr", 0, 'g' },       { "ruotr", 0, '-' },  { "erg", 0, '5' },
    { "eer", 0, '5' },       { "ruxgt", 0, 'g' },  { "lalalal", 0, '-' },
    { "eee", 1, '5' },       { "ggg", 1, 'g' },    { "rut", 1, 'l' },
    { "xxx", 1, 'l' },       { "rrerr", 1, '-' },  { "rrgrr", 1, '-' },
    { "rrorr", 1, '-' },     { "eere", 1, '5' },   { "ggrg", 1, 'g' },
    { "gegrg", 1, '5' },     { "rrlasr", 1, 'l' }, { "rorororor", 1, '-' },
    { "rorororor", 0, '-' },
};

static const uint32_t results[] = {
    ['o'] = INFRA_OUTCOME_OK,      ['d'] = INFRA_OUTCOME_DEGRADED,
    ['e'] = INFRA_OUTCOME_ERROR,   ['g'] = GATEWAY,
    ['r'] = INFRA_OUTCOME_REFUSED, ['u'] = INFRA_OUTCOME_UNREACHABLE,
    ['t'] = INFRA_OUTCOME_TIMEOUT, ['x'] = INFRA_OUTCOME_RESET,
    ['l'] = INFRA_OUTCOME_LOCAL,   ['a'] = INFRA_OUTCOME_ABANDONED,
    ['s'] = INFRA_OUTCOME_STALE,
};

/* Each kind of report lengthens and ends the right rows. Full after three; only
 * the first detection counts. */
START_TEST(reports_belong_to_rows)
{
    struct infra_outlier_options o = runs_only();
    uint32_t expected =
        rows[_i].found == '5' ? INFRA_OUTLIER_REASON_CONSECUTIVE_5XX
        : rows[_i].found == 'g'
            ? INFRA_OUTLIER_REASON_CONSECUTIVE_GATEWAY_FAILURE
            : INFRA_OUTLIER_REASON_CONSECUTIVE_LOCAL_ORIGIN_FAILURE;

    o.consecutive_5xx = 3;
    o.consecutive_gateway_failure = 3;
    o.consecutive_local_origin_failure = 3;
    o.split_local_origin = rows[_i].split;
    o.enforce[INFRA_OUTLIER_REASON_CONSECUTIVE_GATEWAY_FAILURE] = 100;
    watch_open(&watch, o);
    watch_fill(&watch, 1);
    int woken = 0;
    for (const char *r = rows[_i].reports; *r != '\0'; r++) {
        woken += watch_report(&watch, 0, results[(unsigned char)*r], 1);
    }
    struct infra_outlier_event e = watch_next(&watch, 0);
    if (rows[_i].found == '-') {
        ck_assert_msg(e.kind == WATCH_NOTHING && woken == 0, "%s",
                      rows[_i].reports);
    } else {
        ck_assert_msg(
            e.kind == INFRA_OUTLIER_EVENT_EJECTED && e.reason == expected,
            "%s: %s", rows[_i].reports, infra_outlier_reason_name(e.reason));
        ck_assert_int_gt(woken, 0);
    }
    watch_quiet(&watch, 0);
}
END_TEST

/* Each detector has its own count. */
START_TEST(each_row_has_its_own_length)
{
    static const uint32_t expected[] = {
        INFRA_OUTLIER_REASON_CONSECUTIVE_5XX,
        INFRA_OUTLIER_REASON_CONSECUTIVE_GATEWAY_FAILURE,
        INFRA_OUTLIER_REASON_CONSECUTIVE_LOCAL_ORIGIN_FAILURE
    };
    static const uint32_t reports[] = { INFRA_OUTCOME_ERROR, GATEWAY,
                                        INFRA_OUTCOME_REFUSED };
    struct infra_outlier_options o = runs_only();

    o.consecutive_5xx = 30;
    o.consecutive_gateway_failure = 20;
    o.consecutive_local_origin_failure = 10;
    o.split_local_origin = 1;
    o.enforce[INFRA_OUTLIER_REASON_CONSECUTIVE_GATEWAY_FAILURE] = 100;
    watch_open(&watch, o);
    watch_fill(&watch, 3);
    for (uint32_t id = 0; id < 3; id++) {
        int full = 30 - 10 * (int)id;
        ck_assert_int_eq(watch_report(&watch, id, reports[id], full - 1), 0);
        ck_assert_int_eq(watch_report(&watch, id, reports[id], 1), 1);
        struct infra_outlier_event e = watch_expect(
            &watch, 0, INFRA_OUTLIER_EVENT_EJECTED, id, expected[id]);
        ck_assert_int_eq(e.threshold, full);
    }
}
END_TEST

/* Reports on an ejected backend wake control at most once, and it returns with
 * fresh counts. */
START_TEST(rows_begin_anew_on_return)
{
    watch_open(&watch, runs_only());
    watch_fill(&watch, 1);
    ck_assert_int_eq(watch_report(&watch, 0, INFRA_OUTCOME_ERROR, 5), 1);
    watch_expect(&watch, 0, INFRA_OUTLIER_EVENT_EJECTED, 0,
                 INFRA_OUTLIER_REASON_CONSECUTIVE_5XX);
    ck_assert_int_eq(watch_report(&watch, 0, INFRA_OUTCOME_ERROR, 14), 1);
    watch_quiet(&watch, 1);
    ck_assert_int_eq(watch_report(&watch, 0, INFRA_OUTCOME_ERROR, 14), 0);
    watch_expect(&watch, INFRA_SEC(30), INFRA_OUTLIER_EVENT_RETURNED, 0,
                 INFRA_OUTLIER_REASON_TIME);
    ck_assert_int_eq(watch_report(&watch, 0, INFRA_OUTCOME_ERROR, 4), 0);
    watch_quiet(&watch, INFRA_SEC(30));
    ck_assert_int_eq(watch_report(&watch, 0, INFRA_OUTCOME_ERROR, 1), 1);
    watch_expect(&watch, INFRA_SEC(30), INFRA_OUTLIER_EVENT_EJECTED, 0,
                 INFRA_OUTLIER_REASON_CONSECUTIVE_5XX);
}
END_TEST

/* Ids at both ends of several words of the bitmap are found, in order. */
START_TEST(every_id_is_found)
{
    static const uint32_t ids[] = { 0, 1, 63, 64, 127, 128, 199 };
    struct infra_outlier_options o = runs_only();

    o.ids_max = 200;
    watch_open(&watch, o);
    watch_fill(&watch, 200);
    for (size_t i = INFRA__COUNT_OF(ids); i-- > 0;) {
        ck_assert_int_eq(watch_report(&watch, ids[i], INFRA_OUTCOME_ERROR, 5),
                         1);
    }
    for (size_t i = 0; i < INFRA__COUNT_OF(ids); i++) {
        watch_expect(&watch, 0, INFRA_OUTLIER_EVENT_EJECTED, ids[i],
                     INFRA_OUTLIER_REASON_CONSECUTIVE_5XX);
    }
    watch_quiet(&watch, 0);
    ck_assert_uint_eq(infra_outlier_deadline(watch.outlier), INFRA_SEC(10));
}
END_TEST

/* A full row that control has not seen ends with its backend. */
START_TEST(a_full_row_goes_with_its_backend)
{
    watch_open(&watch, runs_only());
    watch_fill(&watch, 2);
    ck_assert_int_eq(watch_report(&watch, 0, INFRA_OUTCOME_ERROR, 5), 1);
    ck_assert_int_eq(infra_outlier_remove(watch.outlier, 0), INFRA_OK);
    watch_quiet(&watch, 0);
    ck_assert_int_eq(watch_report(&watch, 0, INFRA_OUTCOME_ERROR, 4), 0);
    ck_assert_int_eq(infra_outlier_set(watch.outlier, 0, "next", 0, 0), 0);
    ck_assert_int_eq(watch_report(&watch, 0, INFRA_OUTCOME_ERROR, 4), 0);
    ck_assert_int_eq(watch_report(&watch, 0, INFRA_OUTCOME_ERROR, 1), 1);
    ck_assert_int_eq(infra_outlier_set(watch.outlier, 0, "third", 0, 0), 0);
    watch_quiet(&watch, 0);
    ck_assert_uint_eq(watch_inspect(&watch, 0)
                          .detections[INFRA_OUTLIER_REASON_CONSECUTIVE_5XX],
                      0);
    ck_assert_int_eq(watch_report(&watch, 0, INFRA_OUTCOME_ERROR, 5), 1);
    watch_expect(&watch, 0, INFRA_OUTLIER_EVENT_EJECTED, 0,
                 INFRA_OUTLIER_REASON_CONSECUTIVE_5XX);
}
END_TEST

/* 26 bits count the timed successes between two looks of control. A report asks
 * for a look halfway, wherever that is; a wrapped counter is read right. */
START_TEST(counts_are_read_before_they_overflow)
{
    static const uint64_t halves[] = { (uint64_t)1 << 63, 0 };
    static struct infra__outlier_slot slot;
    _Atomic uint64_t tripped[1];
    struct infra__outlier_desk desk = { .slots = &slot,
                                        .tripped = tripped,
                                        .ids_max = 1 };
    struct infra__outlier_window w = { 0 };
    uint64_t one = ((uint64_t)1 << 38) + infra__latency_log(INFRA_MS(1));

    watch_open(&watch, runs_only());
    atomic_init(&tripped[0], 0);
    atomic_init(&desk.is_tripped, 0);
    atomic_init(&slot.timed, halves[_i] - 3 * one + 1);
    struct infra__outlier_mark seen = { .timed = slot.timed };
    ck_assert(!infra__outlier_take_flag(&desk));
    for (int i = 1; i <= 9; i++) {
        ck_assert_int_eq(
            infra__outlier_report(&desk, 0, INFRA_OUTCOME_OK, INFRA_MS(1)),
            i == 3);
    }
    ck_assert(infra__outlier_take_flag(&desk));
    ck_assert(!infra__outlier_take_flag(&desk));
    ck_assert_uint_eq(infra__outlier_take_tripped(&desk, 0), 1);
    ck_assert_uint_eq(infra__outlier_take_tripped(&desk, 0), 0);
    infra__outlier_gather(&slot, &seen, &w);
    ck_assert_uint_eq(w.timed, 9);
    ck_assert_uint_eq(w.successes, 9);
    ck_assert_uint_eq(w.latency_sum, 9 * infra__latency_log(INFRA_MS(1)));
    /* It is no detector's, so control only looks. */
    ck_assert_uint_eq(slot.tripped, (uint32_t)1 << INFRA__RUNS);
}
END_TEST

/* With these looks an interval may have more successes than 26 bits count. Most
 * of them are written straight into the slot here. */
START_TEST(intervals_may_be_busy)
{
    const uint64_t half = (uint64_t)1 << 25;

    watch_open(&watch, runs_only());
    watch_fill(&watch, 1);
    for (int i = 0; i < 8; i++) {
        atomic_fetch_add(&watch.outlier->desk.slots[0].timed, (half - 1) << 38);
        ck_assert_int_eq(
            infra_outlier_report(watch.outlier, 0, INFRA_OUTCOME_OK, 1), 1);
        watch_quiet(&watch, 1);
    }
    watch_quiet(&watch, INFRA_SEC(10));
    ck_assert_uint_eq(watch_inspect(&watch, 0).reports, 8 * half);
    ck_assert_uint_eq(watch_inspect(&watch, 0).latency, 1024);
}
END_TEST

/* Five of each, by default, and the cases in which they eject. */
START_TEST(rows_have_defaults)
{
    static const struct {
        uint32_t result;
        uint32_t reason;
        uint32_t kind;
    } table[] = {
        { INFRA_OUTCOME_ERROR, INFRA_OUTLIER_REASON_CONSECUTIVE_5XX,
          INFRA_OUTLIER_EVENT_EJECTED },
        { GATEWAY, INFRA_OUTLIER_REASON_CONSECUTIVE_GATEWAY_FAILURE,
          INFRA_OUTLIER_EVENT_SPARED },
        { INFRA_OUTCOME_TIMEOUT,
          INFRA_OUTLIER_REASON_CONSECUTIVE_LOCAL_ORIGIN_FAILURE,
          INFRA_OUTLIER_EVENT_EJECTED },
    };
    struct infra_outlier_options o = { .split_local_origin = 1 };

    o.consecutive_5xx = table[_i].result == GATEWAY ? 9 : 0;
    watch_open(&watch, o);
    watch_fill(&watch, 2);
    ck_assert_int_eq(watch_report(&watch, 1, table[_i].result, 4), 0);
    ck_assert_int_eq(watch_report(&watch, 1, table[_i].result, 1), 1);
    watch_expect(&watch, 0, table[_i].kind, 1, table[_i].reason);
    watch_quiet(&watch, 0);
}
END_TEST

/* HTTP statuses, at the ends of their ranges. */
START_TEST(statuses_have_results)
{
    static const struct {
        uint32_t status;
        uint32_t result;
    } table[] = {
        { 0, INFRA_OUTCOME_OK },
        { 200, INFRA_OUTCOME_OK },
        { 499, INFRA_OUTCOME_OK },
        { 500, INFRA_OUTCOME_ERROR },
        { 501, INFRA_OUTCOME_ERROR },
        { 502, GATEWAY },
        { 503, GATEWAY },
        { 504, GATEWAY },
        { 505, INFRA_OUTCOME_ERROR },
        { 599, INFRA_OUTCOME_ERROR },
        { 600, INFRA_OUTCOME_OK },
    };

    watch_open(&watch, runs_only());
    for (size_t i = 0; i < INFRA__COUNT_OF(table); i++) {
        ck_assert_uint_eq(infra_outcome_of_status(table[i].status),
                          table[i].result);
    }
}
END_TEST

static Suite *runs_suite(void)
{
    Suite *s = suite_create("outlier_runs");
    TCase *tc = tcase_create("runs");
    tcase_add_checked_fixture(tc, watch_setup, watch_teardown);
    tcase_add_test(tc, five_errors_in_a_row_eject);
    tcase_add_test(tc, a_row_begins_anew_when_it_is_full);
    tcase_add_loop_test(tc, reports_belong_to_rows, 0, INFRA__COUNT_OF(rows));
    tcase_add_test(tc, each_row_has_its_own_length);
    tcase_add_test(tc, rows_begin_anew_on_return);
    tcase_add_loop_test(tc, rows_have_defaults, 0, 3);
    tcase_add_test(tc, every_id_is_found);
    tcase_add_test(tc, a_full_row_goes_with_its_backend);
    tcase_add_test(tc, intervals_may_be_busy);
    tcase_add_loop_test(tc, counts_are_read_before_they_overflow, 0, 2);
    tcase_add_test(tc, statuses_have_results);
    suite_add_tcase(s, tc);
    return s;
}

int main(void)
{
    return test_main(runs_suite());
}
