/* SPDX-License-Identifier: MIT */
/* Which policy for this traffic? Each policy meets the same requests in the
 * same scenario, in virtual time and with the real library. Latencies are those
 * of all requests that were measured, however they ended, in milliseconds;
 * spread is the busiest server's utilisation by the mean; errors and success
 * within the scenario's bound are in percent. The same options print the same
 * bytes. */
#include "../bench.h"
#include "../chart.h"
#include "../sim/trace.h"
#include "compare_options.h"

#include <stdlib.h>
#include <string.h>

enum { POLICIES_MAX = 64, QUICK_REQUESTS = 50000 };

struct run {
    const char *name;
    uint64_t requests;
    struct sim_result result;
};

static void show_progress(void *user, uint64_t requests)
{
    const struct run *run = user;
    char text[80];

    snprintf(text, sizeof text, "%s %3.0f %%", run->name,
             100.0 * (double)requests / (double)run->requests);
    report_progress(text);
}

static int list_scenarios(void)
{
    const struct scenario *s = NULL;

    for (uint32_t i = 0; (s = scenario_at(i)) != NULL; i++) {
        printf("%-11s %s\n", s->name, s->help);
    }
    return EXIT_SUCCESS;
}

/* The run in one line. */
static void describe(char *text, size_t size, const struct compare_options *o)
{
    char load[32] = "";

    if (o->load > 0) {
        snprintf(load, sizeof load, ", load %g %%", 100 * o->load);
    }
    snprintf(text, size,
             "%sservers %u, balancers %u, requests %llu%s, success within %g "
             "ms, seed %llu",
             o->is_changed ? "changed to: " : "", (unsigned)o->sim.servers,
             (unsigned)o->sim.balancers, (unsigned long long)o->sim.requests,
             load, 1e3 * o->sim.within, (unsigned long long)o->sim.seed);
}

static void print_heading(const struct compare_options *o)
{
    const struct scenario *s = o->scenario;
    char text[160];

    describe(text, sizeof text, o);
    printf("%s: %s\n%s\n", s->name, s->help, text);
    if (s->published_by != NULL && !o->is_changed) {
        printf("published: %s\n          ", s->published_by);
        for (int i = 0; i < PUBLISHED_MAX && s->published[i].policy; i++) {
            printf("%s %s %s", i > 0 ? "," : "", s->published[i].policy,
                   s->published[i].figure);
        }
        printf("\n");
    }
    printf("\n");
}

static void print_ms(struct report *report, double ns)
{
    double ms = ns / 1e6;

    report_number(report, ms, ms < 1e3 ? 3 : ms < 1e5 ? 1 : 0);
}

static void print_row(struct report *report, const struct run *run,
                      const struct compare_options *o)
{
    static const double percentiles[] = { 0.5, 0.9, 0.99, 0.999 };
    const struct sim_result *r = &run->result;
    double count = (double)r->latency.count;

    report_text(report, run->name);
    for (size_t i = 0; i < sizeof percentiles / sizeof percentiles[0]; i++) {
        print_ms(report, histogram_percentile(&r->latency, percentiles[i]));
    }
    print_ms(report, histogram_mean(&r->latency));
    report_number(report, r->spread, 3);
    report_number(report, 100 * (double)r->errors / count, 3);
    report_number(report, 100 * (double)r->within / count, 3);
    report_text(report, o->is_changed
                            ? "-"
                            : scenario_published(o->scenario, run->name));
}

static void print_chart(const struct compare_options *o, const struct run *runs,
                        size_t count)
{
    struct chart_line lines[POLICIES_MAX];
    char title[80];
    char text[160];

    for (size_t i = 0; i < count; i++) {
        lines[i].name = runs[i].name;
        lines[i].latency = &runs[i].result.latency;
    }
    snprintf(title, sizeof title, "Latency by policy: %s", o->scenario->name);
    describe(text, sizeof text, o);
    chart_print(stdout, title, o->scenario->help, text, lines, count);
}

/* 0, or an exit status. */
static int simulate(struct run *run, const struct compare_options *o,
                    const char *name)
{
    struct sim_options sim = o->sim;

    run->name = name;
    run->requests = sim.requests;
    sim.policy = infra_balancer_policy_by_name(name);
    sim.progress = show_progress;
    sim.user = run;
    show_progress(run, 0);
    int err = sim_run(&run->result, &sim);
    report_progress("");
    if (err != INFRA_OK) {
        fprintf(stderr, "infra-bench: %s: %s\n", name, infra_strerror(err));
        return EXIT_FAILURE;
    }
    if (run->result.latency.count == 0) {
        fprintf(stderr, "infra-bench: too few --requests for the scenario: "
                        "none was measured\n");
        return EXIT_FAILURE;
    }
    return 0;
}

static int compare(const struct bench_options *options,
                   const struct compare_options *o, struct run *runs)
{
    static const char *const columns[] = {
        "policy",     "p50_ms",    "p90_ms", "p99_ms",
        "p99.9_ms",   "mean_ms",   "spread", "errors_pct",
        "within_pct", "published", NULL
    };
    int is_chart = options->format == REPORT_SVG;
    struct report report;
    const char *name = NULL;
    size_t count = 0;

    if (options->format == REPORT_TABLE) {
        print_heading(o);
    }
    if (!is_chart) {
        report_begin(&report, options->format, columns);
    }
    for (uint32_t i = 0;
         count < POLICIES_MAX && (name = infra_balancer_policy_name(i)) != NULL;
         i++) {
        if (options->policy != NULL && strcmp(options->policy, name) != 0) {
            continue;
        }
        struct run *run = &runs[is_chart ? count : 0];
        if (simulate(run, o, name) != 0) {
            return EXIT_FAILURE;
        }
        if (!is_chart) {
            print_row(&report, run, o);
        }
        count++;
    }
    if (is_chart) {
        print_chart(o, runs, count);
    } else {
        report_end(&report);
    }
    return EXIT_SUCCESS;
}

int bench_compare(const struct bench_options *options)
{
    struct compare_options o;
    int status = compare_parse(&o, options->own);

    if (status != 0) {
        return status;
    }
    if (o.scenario == NULL) {
        return list_scenarios();
    }
    if (options->quick && o.sim.requests > QUICK_REQUESTS) {
        o.sim.requests = QUICK_REQUESTS;
    }
    /* A chart needs them all at its end. */
    struct run *runs = calloc(POLICIES_MAX, sizeof *runs);
    if (runs == NULL) {
        fprintf(stderr, "infra-bench: %s\n", infra_strerror(INFRA_ENOMEM));
        status = EXIT_FAILURE;
    } else {
        status = compare(options, &o, runs);
    }
    free(runs);
    trace_free(&o.trace);
    return status;
}
