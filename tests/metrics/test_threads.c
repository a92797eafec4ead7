/* SPDX-License-Identifier: MIT */
/* Threads count while control adds series and reads. */
#include "support.h"

#include <infra/metrics.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>

enum { THREADS = 2, ROUNDS = 20000 };

static _Atomic uint32_t late_series; /* Posted while the threads run. */
static _Atomic int running;

struct worker {
    struct infra_metrics_writer *writer;
    uint32_t counter;
    uint32_t histogram;
    uint64_t late;
};

static void *work(void *arg)
{
    struct worker *w = arg;

    for (uint64_t i = 0; i < ROUNDS; i++) {
        uint32_t late =
            atomic_load_explicit(&late_series, memory_order_acquire);
        (void)infra_metrics_count(w->writer, w->counter, 1);
        (void)infra_metrics_observe(w->writer, w->histogram, i);
        if (late != INFRA_METRICS_NO_SERIES) {
            w->late += infra_metrics_observe(w->writer, late, 1) == INFRA_OK;
        }
        if (i % 1024 == 0) {
            sched_yield();
        }
    }
    atomic_fetch_sub(&running, 1);
    return NULL;
}

/* The sums of all threads are right in the end, and never go back meanwhile. */
START_TEST(sums_never_go_back)
{
    const struct infra_metrics_family c = { .size = sizeof c, .name = "c" };
    const struct infra_metrics_family h = {
        .size = sizeof h, .name = "h", .kind = INFRA_METRICS_KIND_HISTOGRAM
    };
    const struct infra_metrics_family l = {
        .size = sizeof l, .name = "l", .kind = INFRA_METRICS_KIND_HISTOGRAM
    };
    struct infra_metrics_distribution d = { .size = sizeof d };
    struct worker workers[THREADS] = { { .writer = NULL } };
    pthread_t threads[THREADS];
    struct infra_metrics *m;
    uint32_t families[3], counter, histogram, late;
    uint64_t last = 0, last_observed = 0, total;

    ck_assert_int_eq(infra_metrics_create(&m, NULL), INFRA_OK);
    ck_assert_int_eq(infra_metrics_family_add(m, &c, &families[0]), INFRA_OK);
    ck_assert_int_eq(infra_metrics_family_add(m, &h, &families[1]), INFRA_OK);
    ck_assert_int_eq(infra_metrics_family_add(m, &l, &families[2]), INFRA_OK);
    ck_assert_int_eq(infra_metrics_series_add(m, families[0], NULL, &counter),
                     INFRA_OK);
    ck_assert_int_eq(infra_metrics_series_add(m, families[1], NULL, &histogram),
                     INFRA_OK);
    atomic_store(&late_series, INFRA_METRICS_NO_SERIES);
    atomic_store(&running, THREADS);
    for (int i = 0; i < THREADS; i++) {
        workers[i].counter = counter;
        workers[i].histogram = histogram;
        ck_assert_int_eq(infra_metrics_writer_create(&workers[i].writer, m),
                         INFRA_OK);
        ck_assert_int_eq(pthread_create(&threads[i], NULL, work, &workers[i]),
                         0);
    }
    ck_assert_int_eq(infra_metrics_series_add(m, families[2], NULL, &late),
                     INFRA_OK);
    atomic_store_explicit(&late_series, late, memory_order_release);
    while (atomic_load(&running) > 0) {
        ck_assert_int_eq(infra_metrics_read(m, counter, &total), INFRA_OK);
        ck_assert_uint_ge(total, last);
        last = total;
        ck_assert_int_eq(infra_metrics_inspect_histogram(m, histogram, &d),
                         INFRA_OK);
        ck_assert_uint_ge(d.count, last_observed);
        last_observed = d.count;
        sched_yield();
    }
    for (int i = 0; i < THREADS; i++) {
        ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
    }
    ck_assert_int_eq(infra_metrics_read(m, counter, &total), INFRA_OK);
    ck_assert_uint_eq(total, (uint64_t)THREADS * ROUNDS);
    ck_assert_int_eq(infra_metrics_inspect_histogram(m, histogram, &d),
                     INFRA_OK);
    ck_assert_uint_eq(d.count, (uint64_t)THREADS * ROUNDS);
    ck_assert_uint_eq(d.sum, (uint64_t)THREADS * ROUNDS * (ROUNDS - 1) / 2);
    ck_assert_int_eq(infra_metrics_inspect_histogram(m, late, &d), INFRA_OK);
    ck_assert_uint_eq(d.count, workers[0].late + workers[1].late);
    infra_metrics_destroy(m);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("metrics_threads");
    TCase *tc = tcase_create("threads");

    tcase_add_test(tc, sums_never_go_back);
    suite_add_tcase(suite, tc);
    return test_main(suite);
}
