/* SPDX-License-Identifier: MIT */
/* How long is nobody active when the active node fails, by the ttl of the
 * lease? Simulated in virtual time (takeover.h), with the defaults of
 * failover.h. Expected: never longer than the bound, which is the ttl, a look
 * at the store, the grace, and some messages; half of the time about a sixth of
 * the ttl less, as the lease was renewed some time ago; and for a hand-over a
 * look, or with a watch some messages. At no moment are two gates open.
 *
 * The last row is what infra_gate_is_open() costs a worker: the percentiles of
 * REPEATS runs, and the goal.
 *
 * With --once no table: one take-over in real time over a store in memory, for
 * failover.sh, which has the other stores. */
#include "../bench.h"
#include "takeover_memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { FAULTS = 100000, QUICK = 200, REPEATS = 101, OPENS = 1000000 };
#define OPEN_GOAL_NS 5.0
#define TTL_DEFAULT INFRA_SEC(3) /* Of --once. */

static const struct {
    const char *name;
    uint32_t fault;
    int has_watch;
} cases[] = {
    { "crash", TAKEOVER_CRASH, 0 },    { "crash, watch", TAKEOVER_CRASH, 1 },
    { "freeze", TAKEOVER_FREEZE, 0 },  { "freeze, watch", TAKEOVER_FREEZE, 1 },
    { "hand-over", TAKEOVER_HAND, 0 }, { "hand-over, watch", TAKEOVER_HAND, 1 },
};

static const infra_time ttls[] = { INFRA_SEC(3), INFRA_SEC(10), INFRA_SEC(30) };

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

static double seconds(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void row(struct report *r, const char *name, double ttl,
                const char *unit, const struct histogram *h, double scale,
                double max, double bound, double rate)
{
    report_text(r, name);
    report_number(r, ttl, 0);
    report_text(r, unit);
    report_number(r, histogram_percentile(h, 0.5) / scale, 1);
    report_number(r, histogram_percentile(h, 0.9) / scale, 1);
    report_number(r, histogram_percentile(h, 0.99) / scale, 1);
    report_number(r, max, 1);
    report_number(r, bound, 1);
    report_number(r, rate, 2);
}

/* 0, or an exit status: a broken promise is a failure. */
static int measure(struct report *r, size_t i, infra_time ttl, int quick)
{
    static struct takeover t;
    double begin = seconds();

    t = (struct takeover) { .fault = cases[i].fault,
                            .has_watch = cases[i].has_watch,
                            .ttl = ttl,
                            .count = quick ? QUICK : FAULTS,
                            .seed = 1 };
    int err = takeover_run(&t);
    if (err != INFRA_OK) {
        fprintf(stderr, "infra-bench: %s: %s\n", cases[i].name,
                infra_strerror(err));
        return EXIT_FAILURE;
    }
    row(r, cases[i].name, (double)ttl / 1e9, "ms", &t.times, 1e6,
        (double)t.max / 1e6, (double)t.bound / 1e6,
        (double)t.steps / 1e6 / (seconds() - begin));
    if (t.max > t.bound || t.overlaps > 0) {
        fprintf(stderr,
                "infra-bench: %s: past its bound, or two active (%llu)\n",
                cases[i].name, (unsigned long long)t.overlaps);
        return EXIT_FAILURE;
    }
    return 0;
}

/* An open gate, which only a machine can open. */
static struct infra_failover *open_gate(struct infra_gate *gate)
{
    struct infra_failover_options o = { .size = sizeof o,
                                        .group = "bench",
                                        .node = "a",
                                        .gate = gate,
                                        .incarnation = 1 };
    struct infra_lease_answer a = { .outcome = INFRA_LEASE_OUTCOME_LOST };
    struct infra_failover *f = NULL;
    struct infra_failover_event e;

    if (infra_failover_create(&f, &o) != INFRA_OK) {
        return NULL;
    }
    while (infra_failover_next(f, 1, &e) == INFRA_OK) {
        if (e.kind == INFRA_FAILOVER_EVENT_CALL) {
            (void)infra_failover_answer(f, e.call.id, &a, 1);
            a = (struct infra_lease_answer) { .outcome =
                                                  INFRA_LEASE_OUTCOME_GRANTED,
                                              .clean = 1,
                                              .token = 1,
                                              .ttl = INFRA_SEC(10) };
        }
    }
    return f;
}

static int measure_gate(struct report *r, int quick)
{
    static struct histogram times;
    struct infra_gate gate = { { 0 } };
    struct infra_failover *f = open_gate(&gate);
    uint64_t opens = quick ? 1000 : OPENS;
    uint64_t sum = 0;
    uint64_t token;
    double max = 0;

    if (f == NULL) {
        return EXIT_FAILURE;
    }
    times = (struct histogram) { .count = 0 };
    for (int i = 0; i < REPEATS; i++) {
        double begin = seconds();
        for (uint64_t k = 0; k < opens; k++) {
            sum += infra_gate_is_open(&gate, 1 + k, &token) ? token : 0;
        }
        double ns = (seconds() - begin) * 1e9 / (double)opens;
        histogram_add(&times, (uint64_t)(ns * 1000));
        max = ns > max ? ns : max;
    }
    bench_keep(sum);
    infra_failover_destroy(f);
    row(r, "gate", 0, "ns", &times, 1000, max, OPEN_GOAL_NS, 0);
    return sum == REPEATS * opens ? 0 : EXIT_FAILURE;
}

void bench_failover_help(FILE *out)
{
    fprintf(out, "  --once crash|freeze|hand-over\n"
                 "                              one take-over in real time, in "
                 "memory: prints ms\n"
                 "  --ttl MS                    of its lease; default 3000\n");
}

/* 0, or an exit status. @ret_fault stays as it is without --once. */
static int parse_own(const struct bench_options *options, uint32_t *ret_fault,
                     infra_time *ret_ttl)
{
    static const char *const names[] = { [TAKEOVER_CRASH] = "crash",
                                         [TAKEOVER_FREEZE] = "freeze",
                                         [TAKEOVER_HAND] = "hand-over" };

    for (char **own = options->own; *own != NULL; own += 2) {
        if (strcmp(own[0], "--once") == 0) {
            uint32_t fault = 0;
            while (fault < COUNT_OF(names) &&
                   strcmp(own[1], names[fault]) != 0) {
                fault++;
            }
            if (fault == COUNT_OF(names)) {
                return bench_complain("no such fault:", own[1]);
            }
            *ret_fault = fault;
        } else if (strcmp(own[0], "--ttl") == 0) {
            uint32_t ms;
            int status = bench_number(own[1], 100, 600000, &ms);
            if (status != 0) {
                return status;
            }
            *ret_ttl = INFRA_MS(ms);
        } else {
            return bench_complain("unknown option", own[0]);
        }
    }
    return 0;
}

static int once(uint32_t fault, infra_time ttl)
{
    infra_time took = 0;
    int err = takeover_memory(fault, ttl, &took);

    if (err != INFRA_OK) {
        fprintf(stderr, "infra-bench: no take-over: %s\n", infra_strerror(err));
        return EXIT_FAILURE;
    }
    printf("%.1f\n", (double)took / 1e6);
    return 0;
}

int bench_failover(const struct bench_options *options)
{
    static const char *const columns[] = { "fault",    "ttl_s", "unit", "p50",
                                           "p90",      "p99",   "max",  "bound",
                                           "Msteps_s", NULL };
    struct report report;
    uint32_t fault = UINT32_MAX;
    infra_time ttl = 0;
    int status = parse_own(options, &fault, &ttl);

    if (status != 0) {
        return status;
    }
    if (fault != UINT32_MAX) {
        return once(fault, ttl != 0 ? ttl : TTL_DEFAULT);
    }
    if (ttl != 0) {
        return bench_complain("only with --once:", "--ttl");
    }
    report_begin(&report, options->format, columns);
    for (size_t i = 0; i < COUNT_OF(cases) && status == 0; i++) {
        for (size_t k = 0; k < COUNT_OF(ttls) && status == 0; k++) {
            status = measure(&report, i, ttls[k], options->quick);
        }
    }
    if (status == 0) {
        status = measure_gate(&report, options->quick);
    }
    report_end(&report);
    return status;
}
