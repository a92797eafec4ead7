/* SPDX-License-Identifier: MIT */
/* Outlier: backends set and removed, sweeps, the order of events, and the
 * contract. */
#include "watch.h"

#include "base/internal.h"

#include <stdbool.h>
#include <string.h>

static void open_with(uint32_t percent)
{
    watch_open(&watch, (struct infra_outlier_options) { .max_ejection_percent =
                                                            percent });
}

/* Sweeps begin with the first backend, keep their phase whatever the lateness,
 * and stop with the last backend. */
START_TEST(sweeps_keep_their_phase)
{
    open_with(100);
    ck_assert_uint_eq(infra_outlier_deadline(watch.outlier), INFRA_TIME_NEVER);
    watch_quiet(&watch, INFRA_SEC(3));
    watch_set(&watch, 0, 0, INFRA_SEC(5));
    ck_assert_uint_eq(infra_outlier_deadline(watch.outlier), INFRA_SEC(15));
    watch_set(&watch, 1, 0, INFRA_SEC(7));
    ck_assert_uint_eq(infra_outlier_deadline(watch.outlier), INFRA_SEC(15));
    watch_quiet(&watch, INFRA_SEC(15) - 1);
    ck_assert_uint_eq(infra_outlier_deadline(watch.outlier), INFRA_SEC(15));
    watch_quiet(&watch, INFRA_SEC(15));
    ck_assert_uint_eq(infra_outlier_deadline(watch.outlier), INFRA_SEC(25));
    watch_quiet(&watch, INFRA_SEC(48));
    ck_assert_uint_eq(infra_outlier_deadline(watch.outlier), INFRA_SEC(55));
    watch_quiet(&watch, INFRA_SEC(55));
    ck_assert_uint_eq(infra_outlier_deadline(watch.outlier), INFRA_SEC(65));
    ck_assert_int_eq(infra_outlier_remove(watch.outlier, 0), INFRA_OK);
    ck_assert_uint_eq(infra_outlier_deadline(watch.outlier), INFRA_SEC(65));
    ck_assert_int_eq(infra_outlier_remove(watch.outlier, 1), INFRA_OK);
    ck_assert_uint_eq(infra_outlier_deadline(watch.outlier), INFRA_TIME_NEVER);
    watch_quiet(&watch, INFRA_SEC(99));
    watch_set(&watch, 1, 0, INFRA_SEC(100));
    ck_assert_uint_eq(infra_outlier_deadline(watch.outlier), INFRA_SEC(110));
    /* From its time on, before any other call. */
    (void)infra_outlier_passed(watch.outlier, 1, INFRA_SEC(110));
    ck_assert_uint_eq(infra_outlier_deadline(watch.outlier), 0);
}
END_TEST

/* A smaller time counts as equal; the end of time does not overflow. */
START_TEST(time_does_not_go_back_or_over)
{
    open_with(100);
    watch_set(&watch, 0, 0, INFRA_SEC(50));
    (void)watch_report(&watch, 0, INFRA_OUTCOME_ERROR, 5);
    struct infra_outlier_event e =
        watch_expect(&watch, INFRA_SEC(1), INFRA_OUTLIER_EVENT_EJECTED, 0,
                     INFRA_OUTLIER_REASON_CONSECUTIVE_5XX);
    ck_assert_uint_eq(e.at, INFRA_SEC(50));
    (void)infra_outlier_passed(watch.outlier, 0, 0);
    e = watch_expect(&watch, 0, INFRA_OUTLIER_EVENT_RETURNED, 0,
                     INFRA_OUTLIER_REASON_PASSED);
    ck_assert_uint_eq(e.at, INFRA_SEC(50));
    watch_set(&watch, 1, 0, 0);
    ck_assert_uint_eq(watch_inspect(&watch, 1).since, INFRA_SEC(50));

    (void)watch_report(&watch, 0, INFRA_OUTCOME_ERROR, 5);
    e = watch_expect(&watch, INFRA_TIME_NEVER - 1, INFRA_OUTLIER_EVENT_EJECTED,
                     0, INFRA_OUTLIER_REASON_CONSECUTIVE_5XX);
    ck_assert_uint_eq(e.until, INFRA_TIME_NEVER);
    watch_quiet(&watch, INFRA_TIME_NEVER - 1);
    ck_assert_uint_eq(infra_outlier_deadline(watch.outlier), INFRA_TIME_NEVER);
}
END_TEST

/* While events wait, the deadline is 0, and neither failures in a row nor a
 * sweep add to them. */
START_TEST(events_are_taken_before_there_are_more)
{
    open_with(100);
    watch_fill(&watch, 3);
    (void)watch_report(&watch, 2, INFRA_OUTCOME_ERROR, 5);
    (void)watch_report(&watch, 1, INFRA_OUTCOME_ERROR, 5);
    watch_expect(&watch, 0, INFRA_OUTLIER_EVENT_EJECTED, 1,
                 INFRA_OUTLIER_REASON_CONSECUTIVE_5XX);
    (void)watch_report(&watch, 0, INFRA_OUTCOME_ERROR, 5);
    ck_assert_uint_eq(infra_outlier_deadline(watch.outlier), 0);
    struct infra_outlier_event e =
        watch_expect(&watch, INFRA_SEC(30), INFRA_OUTLIER_EVENT_EJECTED, 2,
                     INFRA_OUTLIER_REASON_CONSECUTIVE_5XX);
    ck_assert_uint_eq(e.at, 0);
    e = watch_expect(&watch, INFRA_SEC(30), INFRA_OUTLIER_EVENT_EJECTED, 0,
                     INFRA_OUTLIER_REASON_CONSECUTIVE_5XX);
    ck_assert_uint_eq(e.at, INFRA_SEC(30));
    ck_assert_uint_eq(infra_outlier_deadline(watch.outlier), 0);
    watch_expect(&watch, INFRA_SEC(30), INFRA_OUTLIER_EVENT_RETURNED, 1,
                 INFRA_OUTLIER_REASON_TIME);
    watch_expect(&watch, INFRA_SEC(30), INFRA_OUTLIER_EVENT_RETURNED, 2,
                 INFRA_OUTLIER_REASON_TIME);
    watch_quiet(&watch, INFRA_SEC(30));
    ck_assert_uint_eq(infra_outlier_deadline(watch.outlier), INFRA_SEC(40));
}
END_TEST

/* Setting the same key again keeps everything and may change the tier; another
 * key starts afresh (test_kept.c has keys that come back). */
START_TEST(state_belongs_to_the_key)
{
    open_with(100);
    watch_fill(&watch, 2);
    (void)watch_report(&watch, 0, INFRA_OUTCOME_ERROR, 5);
    watch_expect(&watch, 1, INFRA_OUTLIER_EVENT_EJECTED, 0,
                 INFRA_OUTLIER_REASON_CONSECUTIVE_5XX);
    struct infra_outlier_status before = watch_inspect(&watch, 0);
    watch_set(&watch, 0, 3, 2);
    struct infra_outlier_status after = watch_inspect(&watch, 0);
    ck_assert_mem_eq(&before, &after, sizeof before);
    ck_assert_uint_eq(after.is_ejected, 1);
    ck_assert_uint_eq(after.since, 1);
    ck_assert_uint_eq(after.until, INFRA_SEC(30) + 1);

    for (int i = 0; i < 2; i++) {
        if (i == 1) {
            ck_assert_int_eq(infra_outlier_remove(watch.outlier, 0), INFRA_OK);
        }
        ck_assert_int_eq(
            infra_outlier_set(watch.outlier, 0, i == 0 ? "new" : "newer", 3, 3),
            INFRA_OK);
        const struct infra_outlier_status fresh = { .size = sizeof fresh,
                                                    .since = 3 };
        after = watch_inspect(&watch, 0);
        ck_assert_mem_eq(&fresh, &after, sizeof fresh);
        (void)watch_report(&watch, 0, INFRA_OUTCOME_ERROR, 5);
        watch_expect(&watch, 3, INFRA_OUTLIER_EVENT_EJECTED, 0,
                     INFRA_OUTLIER_REASON_CONSECUTIVE_5XX);
    }
}
END_TEST

/* Removing a backend drops its queued event, and no other. */
START_TEST(removing_drops_what_is_queued)
{
    open_with(100);
    watch_fill(&watch, 4);
    for (uint32_t id = 0; id < 4; id++) {
        (void)watch_report(&watch, id, INFRA_OUTCOME_ERROR, 5);
    }
    watch_expect(&watch, 0, INFRA_OUTLIER_EVENT_EJECTED, 0,
                 INFRA_OUTLIER_REASON_CONSECUTIVE_5XX);
    ck_assert_int_eq(infra_outlier_remove(watch.outlier, 1), INFRA_OK);
    ck_assert_int_eq(infra_outlier_set(watch.outlier, 2, "new", 0, 0), 0);
    watch_expect(&watch, 0, INFRA_OUTLIER_EVENT_EJECTED, 3,
                 INFRA_OUTLIER_REASON_CONSECUTIVE_5XX);
    watch_quiet(&watch, 0);
    watch_expect(&watch, INFRA_SEC(30), INFRA_OUTLIER_EVENT_RETURNED, 0,
                 INFRA_OUTLIER_REASON_TIME);
    watch_expect(&watch, INFRA_SEC(30), INFRA_OUTLIER_EVENT_RETURNED, 3,
                 INFRA_OUTLIER_REASON_TIME);
    watch_quiet(&watch, INFRA_SEC(30));
}
END_TEST

/* Reports for an unset id are no error, and no backend inherits them. */
START_TEST(reports_for_an_unset_id_are_lost)
{
    open_with(100);
    (void)watch_report(&watch, 0, INFRA_OUTCOME_ERROR, 1000);
    watch_time(&watch, 0, INFRA_MS(1), 1000);
    watch_quiet(&watch, 0);
    watch_set(&watch, 0, 0, 0);
    watch_quiet(&watch, INFRA_SEC(10));
    ck_assert_uint_eq(watch_inspect(&watch, 0).reports, 0);
    ck_assert_uint_eq(watch_inspect(&watch, 0).latency, 0);
}
END_TEST

/* A detector in dry run does not hide one that ejects: the event is the
 * ejection. */
START_TEST(an_ejection_is_told_before_what_was_spared)
{
    open_with(100);
    watch_fill(&watch, 1);
    (void)watch_report(&watch, 0, INFRA_OUTCOME_GATEWAY_ERROR, 5);
    watch_expect(&watch, 0, INFRA_OUTLIER_EVENT_EJECTED, 0,
                 INFRA_OUTLIER_REASON_CONSECUTIVE_5XX);
    watch_quiet(&watch, 0);
    struct infra_outlier_status s = watch_inspect(&watch, 0);
    ck_assert_uint_eq(s.detections[INFRA_OUTLIER_REASON_CONSECUTIVE_5XX], 1);
    ck_assert_uint_eq(
        s.detections[INFRA_OUTLIER_REASON_CONSECUTIVE_GATEWAY_FAILURE], 1);
}
END_TEST

/* inspect reads the last complete interval. */
START_TEST(inspect_tells_of_the_last_interval)
{
    open_with(100);
    watch_fill(&watch, 1);
    watch_time(&watch, 0, (infra_time)1 << 20, 6);
    (void)watch_report(&watch, 0, INFRA_OUTCOME_DEGRADED, 1);
    (void)watch_report(&watch, 0, INFRA_OUTCOME_ERROR, 2);
    (void)watch_report(&watch, 0, INFRA_OUTCOME_REFUSED, 1);
    (void)watch_report(&watch, 0, INFRA_OUTCOME_LOCAL, 50);
    (void)watch_report(&watch, 0, INFRA_OUTCOME_ABANDONED, 50);
    ck_assert_uint_eq(watch_inspect(&watch, 0).reports, 0);
    watch_quiet(&watch, INFRA_SEC(10));
    (void)watch_report(&watch, 0, INFRA_OUTCOME_OK, 50);
    struct infra_outlier_status s = watch_inspect(&watch, 0);
    ck_assert_uint_eq(s.reports, 10);
    ck_assert_uint_eq(s.rate, 700000);
    ck_assert_uint_eq(s.latency, (infra_time)1 << 20);
    watch_quiet(&watch, INFRA_SEC(20));
    s = watch_inspect(&watch, 0);
    ck_assert_uint_eq(s.reports, 50);
    ck_assert_uint_eq(s.rate, 1000000);
    ck_assert_uint_eq(s.latency, 0);
}
END_TEST

/* The outcome of a status is an outcome like any other: one value serves
 * report(), the balancer's release() and health's answer(). */
START_TEST(a_status_is_an_outcome_everywhere)
{
    open_with(100);
    watch_fill(&watch, 1);
    for (uint32_t status = 0; status < 1000; status++) {
        uint32_t outcome = infra_outcome_of_status(status);
        ck_assert_str_ne(infra_outcome_name(outcome), "unknown");
        ck_assert_int_eq(infra_outcome_blames_backend(outcome),
                         status >= 500 && status <= 599);
    }
    for (uint32_t outcome = 0; outcome <= INFRA__OUTCOME_LAST; outcome++) {
        ck_assert_int_ge(infra_outlier_report(watch.outlier, 0, outcome, 0), 0);
    }
}
END_TEST

START_TEST(arguments_are_checked)
{
    struct infra_outlier_event e;
    struct infra_outlier_status s = { .size = sizeof s };
    struct {
        struct infra_outlier_status v1;
        uint64_t future;
    } longer = { .v1.size = sizeof longer, .future = 1 };

    watch_open(&watch, (struct infra_outlier_options) { .ids_max = 2 });
    struct infra_outlier *o = watch.outlier;
    ck_assert_int_eq(infra_outlier_set(NULL, 0, "a", 0, 0), INFRA_EINVAL);
    ck_assert_int_eq(infra_outlier_set(o, 2, "a", 0, 0), INFRA_EINVAL);
    ck_assert_int_eq(infra_outlier_set(o, 0, NULL, 0, 0), INFRA_EINVAL);
    ck_assert_int_eq(infra_outlier_set(o, 0, "", 0, 0), INFRA_EINVAL);
    ck_assert_int_eq(infra_outlier_set(o, 0, "a", 16, 0), INFRA_EINVAL);
    ck_assert_int_eq(infra_outlier_remove(NULL, 0), INFRA_EINVAL);
    ck_assert_int_eq(infra_outlier_remove(o, 2), INFRA_EINVAL);
    ck_assert_int_eq(infra_outlier_remove(o, 0), INFRA_ENOENT);
    ck_assert_int_eq(infra_outlier_report(NULL, 0, 0, 0), INFRA_EINVAL);
    ck_assert_int_eq(infra_outlier_report(o, 2, 0, 0), INFRA_EINVAL);
    ck_assert_int_eq(infra_outlier_report(o, 0, 11, 0), INFRA_EINVAL);
    ck_assert_int_eq(infra_outlier_report(o, 0, 255, 0), INFRA_EINVAL);
    ck_assert_int_eq(infra_outlier_report(o, 0, 257, 0), INFRA_EINVAL);
    ck_assert_int_eq(infra_outlier_next(NULL, 0, &e), INFRA_EINVAL);
    ck_assert_int_eq(infra_outlier_next(o, 0, NULL), INFRA_EINVAL);
    ck_assert_int_eq(infra_outlier_next(o, 0, &e), INFRA_EAGAIN);
    ck_assert_int_eq(infra_outlier_passed(NULL, 0, 0), INFRA_EINVAL);
    ck_assert_int_eq(infra_outlier_passed(o, 2, 0), INFRA_EINVAL);
    ck_assert_int_eq(infra_outlier_passed(o, 0, 0), INFRA_ENOENT);
    ck_assert_int_eq(infra_outlier_inspect(NULL, 0, &s), INFRA_EINVAL);
    ck_assert_int_eq(infra_outlier_inspect(o, 2, &s), INFRA_EINVAL);
    ck_assert_int_eq(infra_outlier_inspect(o, 0, NULL), INFRA_EINVAL);
    ck_assert_int_eq(infra_outlier_inspect(o, 0, &s), INFRA_ENOENT);
    ck_assert_uint_eq(infra_outlier_deadline(o), INFRA_TIME_NEVER);
    ck_assert_int_eq(infra_outlier_set(o, 1, "a", 15, 0), INFRA_OK);
    ck_assert_int_eq(infra_outlier_inspect(o, 1, &longer.v1), INFRA_OK);
    ck_assert_uint_eq(longer.future, 0);
    s.size = sizeof s - 1;
    ck_assert_int_eq(infra_outlier_inspect(o, 1, &s), INFRA_EINVAL);
}
END_TEST

/* Each number has a range that includes its ends. */
START_TEST(options_have_ranges)
{
    const infra_time longest = INFRA_SEC(100000000);
    const struct {
        const char *name;
        struct infra_outlier_options o;
        int result;
    } rows[] = {
        { "all zero", { .seed = 0 }, INFRA_OK },
        { "interval least", { .interval = INFRA_MS(1) }, INFRA_OK },
        { "interval too short", { .interval = INFRA_MS(1) - 1 }, INFRA_EINVAL },
        { "interval greatest", { .interval = longest }, INFRA_OK },
        { "interval too long", { .interval = longest + 1 }, INFRA_EINVAL },
        { "base above 300 s", { .base_ejection_time = INFRA_SEC(400) }, 0 },
        { "base greatest", { .base_ejection_time = longest }, INFRA_OK },
        { "base too long", { .base_ejection_time = longest + 1 }, -2 },
        { "max below base", { .max_ejection_time = INFRA_SEC(30) - 1 }, -2 },
        { "max as base", { .max_ejection_time = INFRA_SEC(30) }, INFRA_OK },
        { "jitter greatest", { .max_ejection_time_jitter = longest }, 0 },
        { "jitter too long", { .max_ejection_time_jitter = longest + 1 }, -2 },
        { "gap greatest", { .latency_gap = longest }, INFRA_OK },
        { "gap too long", { .latency_gap = longest + 1 }, INFRA_EINVAL },
        { "ids greatest", { .ids_max = INFRA_OUTLIER_IDS_MAX }, INFRA_OK },
        { "ids too many", { .ids_max = INFRA_OUTLIER_IDS_MAX + 1 }, -2 },
        { "cap greatest", { .max_ejection_percent = 100 }, INFRA_OK },
        { "cap too great", { .max_ejection_percent = 101 }, INFRA_EINVAL },
        { "always two", { .always_eject_one_host = 2 }, INFRA_EINVAL },
        { "split two", { .split_local_origin = 2 }, INFRA_EINVAL },
        { "decay two", { .idle_decay = 2 }, INFRA_EINVAL },
        { "factor greatest", { .success_rate_stdev_factor = 8000 }, INFRA_OK },
        { "factor too great", { .success_rate_stdev_factor = 8001 }, -2 },
        { "share greatest", { .failure_percentage_threshold = 100 }, 0 },
        { "share too great", { .failure_percentage_threshold = 101 }, -2 },
        { "median factor greatest", { .median_factor = 100000 }, INFRA_OK },
        { "median factor too great", { .median_factor = 100001 }, -2 },
        { "points greatest", { .median_gap_percent = 100 }, INFRA_OK },
        { "points too many", { .median_gap_percent = 101 }, INFRA_EINVAL },
        { "ratio least", { .latency_ratio = 1000 }, INFRA_OK },
        { "ratio too small", { .latency_ratio = 999 }, INFRA_EINVAL },
        { "ratio greatest", { .latency_ratio = 1000000 }, INFRA_OK },
        { "ratio too great", { .latency_ratio = 1000001 }, INFRA_EINVAL },
        { "enforce greatest", { .enforce[0] = 100 }, INFRA_OK },
        { "enforce too great", { .enforce[8] = 101 }, INFRA_EINVAL },
        { "watch", { .enforce[8] = INFRA_OUTLIER_DRY_RUN }, INFRA_OK },
        { "enforce a return", { .enforce[9] = 1 }, INFRA_ESTRUCT },
        { "enforce who knows", { .enforce[15] = 1 }, INFRA_ESTRUCT },
    };

    for (size_t i = 0; i < INFRA__COUNT_OF(rows); i++) {
        struct infra_outlier_options o = rows[i].o;
        struct infra_outlier *outlier = NULL;
        o.size = sizeof o;
        int err = infra_outlier_create(&outlier, &o);
        ck_assert_msg(err == rows[i].result, "%s: %d", rows[i].name, err);
        ck_assert_int_eq(outlier == NULL, err != INFRA_OK);
        infra_outlier_destroy(outlier);
    }
    ck_assert_int_eq(infra_outlier_create(NULL, NULL), INFRA_EINVAL);
    ck_assert_int_eq(infra_outlier_create(&watch.outlier, NULL), INFRA_OK);
    watch_set(&watch, 63, 0, 0);
    ck_assert_int_eq(infra_outlier_set(watch.outlier, 64, "a", 0, 0),
                     INFRA_EINVAL);
}
END_TEST

/* A newer caller: a zero tail is accepted, any other refused. An older one. */
START_TEST(options_of_any_age)
{
    struct {
        struct infra_outlier_options v1;
        uint64_t future;
    } o = { .v1.size = sizeof o };
    struct infra_outlier *outlier = NULL;

    ck_assert_int_eq(infra_outlier_create(&outlier, &o.v1), INFRA_OK);
    infra_outlier_destroy(outlier);
    o.future = 1;
    ck_assert_int_eq(infra_outlier_create(&outlier, &o.v1), INFRA_ESTRUCT);
    o.v1.size = sizeof o.v1 - 1;
    ck_assert_int_eq(infra_outlier_create(&outlier, &o.v1), INFRA_EINVAL);
}
END_TEST

/* Whichever allocation fails, nothing is left behind; later calls do not
 * allocate. */
START_TEST(every_allocation_may_fail)
{
    struct infra_outlier_options o = { .size = sizeof o,
                                       .max_ejection_percent = 100,
                                       .allocator = &watch.heap.allocator };
    long n = 0;

    for (;; n++) {
        test_heap_init(&watch.heap, n);
        int err = infra_outlier_create(&watch.outlier, &o);
        if (err == INFRA_OK) {
            break;
        }
        ck_assert_int_eq(err, INFRA_ENOMEM);
        ck_assert_ptr_null(watch.outlier);
        ck_assert_int_eq(watch.heap.live, 0);
    }
    ck_assert_int_ge(n, 1);
    watch_fill(&watch, 5);
    (void)watch_report(&watch, 0, INFRA_OUTCOME_ERROR, 5);
    watch_expect(&watch, 0, INFRA_OUTLIER_EVENT_EJECTED, 0,
                 INFRA_OUTLIER_REASON_CONSECUTIVE_5XX);
    watch_quiet(&watch, INFRA_SEC(10));
    ck_assert_int_eq(watch.heap.calls, n);
}
END_TEST

static bool is_name(const char *name, const char *(*name_of)(uint32_t),
                    uint32_t before)
{
    bool unique = true;

    for (uint32_t i = 0; i < before; i++) {
        unique = unique && strcmp(name, name_of(i)) != 0;
    }
    return unique && strcmp(name, "unknown") != 0;
}

START_TEST(everything_is_named)
{
    uint32_t n;

    for (n = 0; n <= INFRA_OUTLIER_REASON_KEPT; n++) {
        ck_assert(is_name(infra_outlier_reason_name(n),
                          infra_outlier_reason_name, n));
    }
    ck_assert_str_eq(infra_outlier_reason_name(n), "unknown");
    for (n = 0; n <= INFRA_OUTLIER_EVENT_SPARED; n++) {
        ck_assert(
            is_name(infra_outlier_event_name(n), infra_outlier_event_name, n));
    }
    ck_assert_str_eq(infra_outlier_event_name(n), "unknown");
    ck_assert_str_eq(
        infra_outlier_reason_name(INFRA_OUTLIER_REASON_SUCCESS_RATE),
        "success-rate");
    ck_assert_str_eq(infra_outlier_event_name(INFRA_OUTLIER_EVENT_EJECTED),
                     "ejected");
}
END_TEST

static Suite *outlier_suite(void)
{
    Suite *s = suite_create("outlier");
    TCase *tc = tcase_create("watch");
    tcase_add_checked_fixture(tc, watch_setup, watch_teardown);
    tcase_add_test(tc, sweeps_keep_their_phase);
    tcase_add_test(tc, time_does_not_go_back_or_over);
    tcase_add_test(tc, events_are_taken_before_there_are_more);
    tcase_add_test(tc, state_belongs_to_the_key);
    tcase_add_test(tc, removing_drops_what_is_queued);
    tcase_add_test(tc, reports_for_an_unset_id_are_lost);
    tcase_add_test(tc, an_ejection_is_told_before_what_was_spared);
    tcase_add_test(tc, inspect_tells_of_the_last_interval);
    suite_add_tcase(s, tc);

    tc = tcase_create("contract");
    tcase_add_checked_fixture(tc, watch_setup, watch_teardown);
    tcase_add_test(tc, a_status_is_an_outcome_everywhere);
    tcase_add_test(tc, arguments_are_checked);
    tcase_add_test(tc, options_have_ranges);
    tcase_add_test(tc, options_of_any_age);
    tcase_add_test(tc, every_allocation_may_fail);
    tcase_add_test(tc, everything_is_named);
    suite_add_tcase(s, tc);
    return s;
}

int main(void)
{
    return test_main(outlier_suite());
}
