/* SPDX-License-Identifier: MIT */
/* What does passive health checking cost: a report on the data path, by result
 * and threads, and a sweep on the control thread, by number of backends?
 * Expected: a success is little more than one atomic addition, of which the
 * first rows tell the price, whoever else reports of other backends; an error
 * is two or three; and two threads at the same backend wait for each other's
 * cache line. A sweep is linear, with 32 passes for each median; to find and
 * eject 40 % of the fleet adds the sorting of those.
 *
 * A figure is nanoseconds per report and thread, or per sweep: the median and
 * the least of THREADS_REPEATS runs. Reports are of BACKENDS backends in turn,
 * half of them each thread's. */
#include "../bench.h"
#include "../stopwatch.h"
#include "../threads.h"

#include <infra/outlier.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

enum { BACKENDS = 64, VOLUME = 200 };

#define ADDITION UINT32_MAX /* No report, only its atomic addition. */

struct subject {
    const char *name;
    uint32_t result;
    infra_time latency;
    int is_shared; /* All threads report on one backend. */
};

static struct {
    _Alignas(64) _Atomic uint64_t count;
} counters[BACKENDS];

struct worker {
    struct infra_outlier *outlier;
    const struct subject *subject;
    uint32_t number;
};

static uint64_t add_many(uint32_t first, uint32_t mask, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++) {
        atomic_fetch_add_explicit(&counters[first + ((uint32_t)i & mask)].count,
                                  1, memory_order_relaxed);
    }
    return counters[first].count;
}

static uint64_t report_many(const struct worker *w, uint32_t first,
                            uint32_t mask, uint64_t reports)
{
    const struct subject *s = w->subject;
    uint64_t woken = 0;

    for (uint64_t i = 0; i < reports; i++) {
        woken += (uint64_t)infra_outlier_report(
            w->outlier, first + ((uint32_t)i & mask), s->result,
            s->latency != 0 ? s->latency + i % 1024 : 0);
    }
    return woken;
}

static void work(void *worker, uint64_t reports)
{
    const struct worker *w = worker;
    const struct subject *s = w->subject;
    uint32_t mask = s->is_shared ? 0 : BACKENDS / THREADS_MAX - 1;
    uint32_t first = s->is_shared ? 0 : w->number * BACKENDS / THREADS_MAX;

    bench_keep(s->result == ADDITION ? add_many(first, mask, reports)
                                     : report_many(w, first, mask, reports));
}

static void row(struct report *report, const char *name, uint32_t backends,
                int threads, double *ns, int repeats)
{
    (void)stopwatch_median(ns, repeats);
    report_text(report, name);
    report_number(report, backends, 0);
    report_number(report, threads, 0);
    report_number(report, ns[repeats / 2], 1);
    report_number(report, ns[0], 1);
}

/* Failures in a row; 0: the default, which a sweep looks at. */
static int create(struct infra_outlier **ret, uint32_t backends, uint32_t row)
{
    const struct infra_outlier_options o = { .size = sizeof o,
                                             .ids_max = backends,
                                             .consecutive_5xx = row };
    int err = infra_outlier_create(ret, &o);

    for (uint32_t id = 0; err == INFRA_OK && id < backends; id++) {
        char key[16];
        snprintf(key, sizeof key, "b%u", (unsigned)id);
        err = infra_outlier_set(*ret, id, key, 0, 0);
    }
    return err;
}

/* One and two threads in turn, so that both run on the same state of the
 * machine. */
static int measure_reports(struct report *report, const struct subject *s,
                           int quick)
{
    int repeats = quick ? 1 : THREADS_REPEATS;
    uint64_t reports = 1024;
    double ns[THREADS_MAX][THREADS_REPEATS];
    struct worker workers[THREADS_MAX];
    const struct threads_job job = { work, workers, sizeof workers[0] };
    struct infra_outlier *o = NULL;
    int err = create(&o, BACKENDS, 0);

    for (uint32_t t = 0; t < THREADS_MAX; t++) {
        workers[t] = (struct worker) { o, s, t };
    }
    while (err == INFRA_OK && threads_ns(&job, 1, reports) * (double)reports <
                                  (quick ? 1e5 : 30e6)) {
        reports *= 2;
    }
    for (int i = 0; err == INFRA_OK && i < repeats; i++) {
        for (int t = 0; t < THREADS_MAX; t++) {
            ns[t][i] = threads_ns(&job, t + 1, reports);
        }
    }
    for (int t = 0; err == INFRA_OK && t < THREADS_MAX; t++) {
        row(report, s->name, s->is_shared ? 1 : BACKENDS, t + 1, ns[t],
            repeats);
    }
    infra_outlier_destroy(o);
    return err;
}

/* One interval: of `dead` percent of the backends only errors. */
static void serve(struct infra_outlier *o, uint32_t backends, uint32_t dead)
{
    for (uint32_t i = 0; i < backends * VOLUME; i++) {
        uint32_t id = i % backends;
        int is_dead = id * 61 % 100 < dead;
        (void)infra_outlier_report(
            o, id, is_dead ? INFRA_OUTCOME_ERROR : INFRA_OUTCOME_OK,
            INFRA_US(500) + i * 4099 % INFRA_MS(1));
    }
}

static int measure_sweep(struct report *report, uint32_t backends,
                         uint32_t dead, int quick)
{
    int repeats = quick ? 1 : THREADS_REPEATS;
    struct infra_outlier_event event;
    double ns[THREADS_REPEATS];
    char name[32];

    for (int i = 0; i < repeats; i++) {
        struct infra_outlier *o = NULL;
        int err = create(&o, backends, UINT32_MAX);
        if (err != INFRA_OK) {
            infra_outlier_destroy(o);
            return err;
        }
        serve(o, backends, dead);
        double begin = stopwatch_now_ns();
        err = infra_outlier_next(o, INFRA_SEC(10), &event);
        ns[i] = stopwatch_now_ns() - begin;
        bench_keep((uint64_t)err);
        infra_outlier_destroy(o);
    }
    snprintf(name, sizeof name, "sweep, %u %% dead", (unsigned)dead);
    row(report, name, backends, 1, ns, repeats);
    return INFRA_OK;
}

int bench_outlier(const struct bench_options *options)
{
    static const char *const columns[] = { "what",      "backends", "threads",
                                           "median_ns", "min_ns",   NULL };
    static const struct subject subjects[] = {
        { "an atomic addition", ADDITION, 0, 0 },
        { "ok, timed", INFRA_OUTCOME_OK, INFRA_MS(1), 0 },
        { "ok", INFRA_OUTCOME_OK, 0, 0 },
        { "error", INFRA_OUTCOME_ERROR, 0, 0 },
        { "gateway error", INFRA_OUTCOME_GATEWAY_ERROR, 0, 0 },
        { "ok, timed, same backend", INFRA_OUTCOME_OK, INFRA_MS(1), 1 },
    };
    static const uint32_t sizes[] = { 100, 1000, 10000 };
    struct report report;
    int err = INFRA_OK;

    report_begin(&report, options->format, columns);
    for (size_t i = 0;
         err == INFRA_OK && i < sizeof subjects / sizeof subjects[0]; i++) {
        report_progress(subjects[i].name);
        err = measure_reports(&report, &subjects[i], options->quick);
    }
    for (size_t i = 0; err == INFRA_OK && i < 6; i++) {
        report_progress("sweep");
        err = measure_sweep(&report, sizes[i % 3], i < 3 ? 0 : 40,
                            options->quick);
    }
    report_progress("");
    if (err != INFRA_OK) {
        fprintf(stderr, "infra-bench: %s\n", infra_strerror(err));
        return EXIT_FAILURE;
    }
    report_end(&report);
    return EXIT_SUCCESS;
}
