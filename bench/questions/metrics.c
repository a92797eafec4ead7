/* SPDX-License-Identifier: MIT */
/* What do metrics cost: a count, an observation, and the text of all series? By
 * what is done, the number of series and threads. Expected: a count is a load
 * and a store, an observation two of each, in the thread's own shard; so two
 * threads do twice as much as one, and the number of series matters only as far
 * as their cells fall out of the caches. The text is O(series), and a histogram
 * O(its 1920 buckets).
 *
 *   count       a counter, of this many series in turn
 *   change      a gauge
 *   observe     a histogram, a latency that differs each time
 *   text        the whole text of this many counters, in pieces of 64 KiB
 *   open-text   the same as OpenMetrics, with UNIT and _created
 *   histogram-text  of this many histograms, each with 16 bounds
 *
 * A figure is nanoseconds for one of these, the median and the least of
 * THREADS_REPEATS runs of about 30 ms. */
#include "../bench.h"
#include "../stopwatch.h"
#include "../threads.h"

#include <infra/metrics.h>
#include <stdio.h>
#include <stdlib.h>

enum { SERIES_MAX = 10000, PIECE = 65536 };

struct worker {
    struct infra_metrics_writer *writer;
    const uint32_t *series;
    uint32_t series_count;
};

static uint32_t ids[SERIES_MAX];

static void count_many(void *worker, uint64_t count)
{
    struct worker *w = worker;
    uint32_t at = 0;

    for (uint64_t i = 0; i < count; i++) {
        (void)infra_metrics_count(w->writer, w->series[at], 1);
        at = at + 1 == w->series_count ? 0 : at + 1;
    }
}

static void change_many(void *worker, uint64_t count)
{
    struct worker *w = worker;
    uint32_t at = 0;

    for (uint64_t i = 0; i < count; i++) {
        (void)infra_metrics_change(w->writer, w->series[at], 1);
        at = at + 1 == w->series_count ? 0 : at + 1;
    }
}

static void observe_many(void *worker, uint64_t count)
{
    struct worker *w = worker;
    uint32_t at = 0;
    uint64_t value = 1;

    for (uint64_t i = 0; i < count; i++) {
        /* From 0.1 ms to 8.4 ms: 200 buckets. */
        value = value * UINT64_C(6364136223846793005) + 1;
        (void)infra_metrics_observe(w->writer, w->series[at],
                                    100000 + (value >> 41));
        at = at + 1 == w->series_count ? 0 : at + 1;
    }
}

static int failed(int err)
{
    if (err != INFRA_OK) {
        fprintf(stderr, "infra-bench: %s\n",
                err > 0 ? infra_metrics_flaw_name((uint32_t)err)
                        : infra_strerror(err));
    }
    return err != INFRA_OK;
}

static int fill(struct infra_metrics *m, uint32_t kind, uint32_t count)
{
    static const char *const labels[] = { "backend" };
    const struct infra_metrics_family f = {
        .size = sizeof f,
        .name = "infra_backend_duration_seconds",
        .help = "What this backend has done.",
        .kind = kind,
        .unit = INFRA_METRICS_UNIT_SECONDS,
        .labels = labels,
        .labels_count = 1,
    };
    uint32_t family = 0;
    int err = infra_metrics_family_add(m, &f, &family);

    for (uint32_t i = 0; i < count && err == INFRA_OK; i++) {
        char name[40];
        const char *value = name;
        snprintf(name, sizeof name, "10.0.%u.%u:8080", (unsigned)(i / 256),
                 (unsigned)(i % 256));
        err = infra_metrics_series_add(m, family, &value, &ids[i]);
    }
    return err;
}

struct job {
    const char *name;
    uint32_t kind;
    void (*run)(void *worker, uint64_t count);
    uint32_t sizes[3]; /* Ends with 0. */
};

static int measure_job(struct report *report, const struct job *job,
                       uint32_t count, int quick)
{
    struct infra_metrics_options o = { .size = sizeof o,
                                       .series_max = SERIES_MAX,
                                       .writers_max = THREADS_MAX };
    struct worker workers[THREADS_MAX] = { { .writer = NULL } };
    struct infra_metrics *m = NULL;
    int err = infra_metrics_create(&m, &o);

    for (int i = 0; i < THREADS_MAX && err == INFRA_OK; i++) {
        workers[i].series = ids;
        workers[i].series_count = count;
        err = infra_metrics_writer_create(&workers[i].writer, m);
    }
    if (err == INFRA_OK) {
        err = fill(m, job->kind, count);
    }
    if (err == INFRA_OK) {
        const struct threads_job threads = { job->run, workers,
                                             sizeof workers[0] };
        threads_report(report, job->name, count, &threads, quick);
    }
    infra_metrics_destroy(m);
    return failed(err);
}

/* The whole text once; its nanoseconds. */
static double text_ns(struct infra_metrics_text *text, uint32_t format)
{
    static char buffer[PIECE];
    double begin = stopwatch_now_ns();
    size_t size, sum = 0;

    (void)infra_metrics_text_begin(text, format);
    do {
        size = infra_metrics_text_read(text, buffer, sizeof buffer);
        sum += size;
    } while (size > 0);
    bench_keep(sum);
    return stopwatch_now_ns() - begin;
}

static int measure_text(struct report *report, uint32_t kind, uint32_t format,
                        uint32_t count, int quick)
{
    struct infra_metrics_options o = { .size = sizeof o,
                                       .created = INFRA_SEC(1726600000),
                                       .series_max = SERIES_MAX,
                                       .writers_max = THREADS_MAX };
    double ns[THREADS_REPEATS];
    int repeats = quick ? 1 : THREADS_REPEATS;
    struct infra_metrics_writer *w;
    struct infra_metrics_text *text = NULL;
    struct infra_metrics *m = NULL;
    int err = infra_metrics_create(&m, &o);

    for (int i = 0; i < THREADS_MAX && err == INFRA_OK; i++) {
        err = infra_metrics_writer_create(&w, m);
    }
    err = err != INFRA_OK ? err : fill(m, kind, count);
    err = err != INFRA_OK ? err : infra_metrics_text_create(&text, m);
    if (err == INFRA_OK) {
        for (int i = 0; i < repeats; i++) {
            ns[i] = text_ns(text, format);
        }
        double median = stopwatch_median(ns, repeats);
        report_text(report,
                    kind == INFRA_METRICS_KIND_HISTOGRAM ? "histogram-text"
                    : format == INFRA_METRICS_FORMAT_OPENMETRICS ? "open-text"
                                                                 : "text");
        report_number(report, count, 0);
        report_number(report, 1, 0);
        report_number(report, median, 0);
        report_number(report, ns[0], 0);
        report_none(report);
    }
    infra_metrics_text_destroy(text);
    infra_metrics_destroy(m);
    return failed(err);
}

int bench_metrics(const struct bench_options *options)
{
    static const char *const columns[] = { "what",      "series", "threads",
                                           "median_ns", "min_ns", "speedup",
                                           NULL };
    static const struct job jobs[] = {
        { "count", INFRA_METRICS_KIND_COUNTER, count_many, { 1, 10000, 0 } },
        { "change", INFRA_METRICS_KIND_GAUGE, change_many, { 1, 0, 0 } },
        { "observe", INFRA_METRICS_KIND_HISTOGRAM, observe_many, { 1, 16, 0 } },
    };
    int quick = options->quick;
    struct report report;
    int bad = 0;

    report_begin(&report, options->format, columns);
    for (size_t i = 0; i < sizeof jobs / sizeof jobs[0] && !bad; i++) {
        for (size_t k = 0; jobs[i].sizes[k] != 0 && !bad; k++) {
            report_progress(jobs[i].name);
            bad = measure_job(&report, &jobs[i], jobs[i].sizes[k], quick);
        }
    }
    report_progress("text");
    bad = bad ||
          measure_text(&report, INFRA_METRICS_KIND_COUNTER,
                       INFRA_METRICS_FORMAT_PROMETHEUS, SERIES_MAX, quick) ||
          measure_text(&report, INFRA_METRICS_KIND_COUNTER,
                       INFRA_METRICS_FORMAT_OPENMETRICS, SERIES_MAX, quick) ||
          measure_text(&report, INFRA_METRICS_KIND_HISTOGRAM,
                       INFRA_METRICS_FORMAT_OPENMETRICS, 100, quick);
    report_progress("");
    report_end(&report);
    return bad ? EXIT_FAILURE : EXIT_SUCCESS;
}
