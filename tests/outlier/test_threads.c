/* SPDX-License-Identifier: MIT */
/* Outlier: workers that report while a control thread sweeps, sets and removes
 * without pause. For ThreadSanitizer; it also shows that no report and no
 * wake-up is lost. */
#include "watch.h"

#include "base/random.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

enum { IDS = 70, WORKERS = 2, REPORTS = 30000, BOUTS = 300 };

struct worker {
    pthread_t thread;
    uint64_t seed;
    uint64_t told[IDS]; /* Reports by id. */
};

static void *report(void *arg)
{
    static const uint32_t results[] = { INFRA_OUTCOME_OK, INFRA_OUTCOME_OK,
                                        INFRA_OUTCOME_ERROR,
                                        INFRA_OUTCOME_GATEWAY_ERROR,
                                        INFRA_OUTCOME_REFUSED };
    struct worker *w = arg;

    for (int i = 0; i < REPORTS; i++) {
        uint32_t id = infra__below(infra__random(&w->seed), IDS);
        uint32_t which = infra__below(infra__random(&w->seed), 5);
        int err = infra_outlier_report(watch.outlier, id, results[which],
                                       which == 0 ? 0 : INFRA_MS(which));
        w->told[id] += err >= 0;
    }
    return NULL;
}

static void start(struct worker *workers)
{
    for (int i = 0; i < WORKERS; i++) {
        workers[i] = (struct worker) { .seed = (uint64_t)i };
        ck_assert_int_eq(
            pthread_create(&workers[i].thread, NULL, report, &workers[i]), 0);
    }
}

static void finish(struct worker *workers)
{
    for (int i = 0; i < WORKERS; i++) {
        pthread_join(workers[i].thread, NULL);
    }
}

/* However the sweeps fall between the reports, together they count each report
 * once. No backend is ejected, which would drop some. */
START_TEST(no_report_is_lost_or_seen_twice)
{
    struct infra_outlier_options o = { .interval = INFRA_MS(1),
                                       .ids_max = IDS };
    static struct worker workers[WORKERS];
    uint64_t seen[IDS] = { 0 };
    infra_time now = 0;

    for (uint32_t i = 0; i < INFRA_OUTLIER_REASON_TIME; i++) {
        o.enforce[i] = INFRA_OUTLIER_DRY_RUN;
    }
    watch_open(&watch, o);
    watch_fill(&watch, IDS);
    start(workers);
    for (int round = 0; round < 1001; round++) {
        if (round == 1000) {
            finish(workers);
        }
        now += INFRA_MS(1);
        while (watch_next(&watch, now).kind != WATCH_NOTHING) {
        }
        for (uint32_t id = 0; id < IDS; id++) {
            struct infra_outlier_status s = { .size = sizeof s };
            (void)infra_outlier_inspect(watch.outlier, id, &s);
            seen[id] += s.reports;
        }
    }
    for (uint32_t id = 0; id < IDS; id++) {
        ck_assert_uint_eq(seen[id], workers[0].told[id] + workers[1].told[id]);
    }
    watch_close(&watch);
}
END_TEST

/* The host may change anything while workers report. */
START_TEST(control_may_do_anything_meanwhile)
{
    static struct worker workers[WORKERS];
    uint64_t random = 9;
    infra_time now = 0;

    watch_open(&watch, (struct infra_outlier_options) { .ids_max = IDS });
    watch_fill(&watch, IDS);
    start(workers);
    for (int round = 0; round < 3000; round++) {
        uint32_t id = infra__below(infra__random(&random), IDS);
        now += INFRA_SEC(1);
        switch (infra__random(&random) % 4) {
        case 0:
            if (infra_outlier_remove(watch.outlier, id) != INFRA_OK) {
                watch_set(&watch, id, 0, now);
            }
            break;
        case 1:
            watch_set(&watch, id, id % 3, now);
            break;
        case 2:
            (void)infra_outlier_passed(watch.outlier, id, now);
            break;
        default:
            while (watch_next(&watch, now).kind != WATCH_NOTHING) {
            }
            break;
        }
    }
    finish(workers);
    watch_close(&watch);
}
END_TEST

/* The last failure of a row; only its result wakes control. */
static _Atomic uint32_t wanted, given;

static void *fail_on_demand(void *arg)
{
    (void)arg;
    for (uint32_t bout = 1; bout <= BOUTS; bout++) {
        while (atomic_load_explicit(&wanted, memory_order_relaxed) < bout) {
            sched_yield(); /* The other one may need this core. */
        }
        int woken = watch_report(&watch, bout % IDS, INFRA_OUTCOME_ERROR, 5);
        /* Relaxed, so that only the library orders memory. */
        atomic_store_explicit(&given, woken == 1 ? bout : UINT32_MAX,
                              memory_order_relaxed);
    }
    return NULL;
}

/* An event is ready when the deadline says so; and when a report asks for
 * control, so does the deadline. */
START_TEST(no_wake_up_is_lost)
{
    pthread_t worker;

    watch_open(&watch, (struct infra_outlier_options) { .ids_max = IDS });
    watch_fill(&watch, IDS);
    ck_assert_int_eq(pthread_create(&worker, NULL, fail_on_demand, NULL), 0);
    for (uint32_t bout = 1; bout <= BOUTS; bout++) {
        atomic_store_explicit(&wanted, bout, memory_order_relaxed);
        while (infra_outlier_deadline(watch.outlier) != 0) {
            sched_yield();
        }
        watch_expect(&watch, 0, INFRA_OUTLIER_EVENT_EJECTED, bout % IDS,
                     INFRA_OUTLIER_REASON_CONSECUTIVE_5XX);
        while (atomic_load_explicit(&given, memory_order_relaxed) < bout) {
            sched_yield();
        }
        ck_assert_uint_eq(given, bout);
        ck_assert_int_eq(infra_outlier_passed(watch.outlier, bout % IDS, 0), 0);
        watch_expect(&watch, 0, INFRA_OUTLIER_EVENT_RETURNED, bout % IDS,
                     INFRA_OUTLIER_REASON_PASSED);
    }
    pthread_join(worker, NULL);
    watch_close(&watch);
}
END_TEST

static Suite *threads_suite(void)
{
    Suite *s = suite_create("outlier_threads");
    TCase *tc = tcase_create("threads");
    tcase_set_timeout(tc, 120);
    tcase_add_test(tc, no_report_is_lost_or_seen_twice);
    tcase_add_test(tc, control_may_do_anything_meanwhile);
    tcase_add_test(tc, no_wake_up_is_lost);
    suite_add_tcase(s, tc);
    return s;
}

int main(void)
{
    return test_main(threads_suite());
}
