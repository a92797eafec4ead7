/* SPDX-License-Identifier: MIT */
/* What does a change cost the control thread, by policy and number of backends?
 * build_us is a publish after a change of weight, which makes a new table;
 * flap_us one after a change of health, for which hash policies keep the table
 * that they have and the others make a new one; table_bytes is what the first
 * publish allocated and kept. Expected: linear in backends, or in the slots of
 * a hash policy's table where those are more; smooth weighted is quadratic as
 * long as it has a cycle, up to 4096 turns.
 *
 * Beside ketama stands libmemcached, where there is one: see rival.h.
 *
 * A figure is the median of up to REPEATS publishes, fewer once they have taken
 * BUDGET_NS. */
#include "../stopwatch.h"
#include "../sweep.h"
#include "rival.h"

#include <stdlib.h>
#include <string.h>

enum { REPEATS = 21 };

static const double BUDGET_NS = 1e9;

static void *count_realloc(void *user, void *ptr, size_t old_size,
                           size_t new_size)
{
    size_t *live = user;

    *live += new_size - old_size;
    if (new_size == 0) {
        free(ptr);
        return NULL;
    }
    return realloc(ptr, new_size);
}

/* The n-th of a row of changes that differ from what is there. */
static int change_weight(struct infra_balancer *b, uint32_t id, int n)
{
    return sweep_set(b, id, n % 2 == 0 ? 2 : 1);
}

static int change_health(struct infra_balancer *b, uint32_t id, int n)
{
    return infra_balancer_mark(b, id, INFRA_BALANCER_AXIS_HEALTH,
                               n % 2 == 0 ? INFRA_BALANCER_STATE_DOWN
                                          : INFRA_BALANCER_STATE_UP);
}

/* The median time of a publish, in nanoseconds. */
static int measure_publish(struct infra_balancer *b, uint32_t id, int repeats,
                           int (*change)(struct infra_balancer *, uint32_t,
                                         int),
                           double *ret)
{
    double ns[REPEATS];
    double sum = 0;
    int count = 0;

    while (count < repeats && sum < BUDGET_NS) {
        int err = change(b, id, count);
        double begin = stopwatch_now_ns();
        if (err == INFRA_OK) {
            err = infra_balancer_publish(b, 0);
        }
        if (err != INFRA_OK) {
            return err;
        }
        ns[count] = stopwatch_now_ns() - begin;
        sum += ns[count++];
    }
    *ret = stopwatch_median(ns, count);
    return INFRA_OK;
}

static int measure(struct report *report, const struct subject *subject,
                   int quick)
{
    uint32_t id = subject->backends / 2;
    int repeats = quick ? 2 : REPEATS;
    size_t live = 0;
    struct infra_allocator allocator = { count_realloc, &live };
    struct infra_balancer *b = NULL;
    double build = 0;
    double flap = 0;

    int err = sweep_create(&b, subject, &allocator);
    size_t control = live;
    if (err == INFRA_OK) {
        err = infra_balancer_publish(b, 0);
    }
    size_t table = live - control;
    if (err == INFRA_OK) {
        err = measure_publish(b, id, repeats, change_weight, &build);
    }
    if (err == INFRA_OK) {
        err = measure_publish(b, id, repeats, change_health, &flap);
    }
    infra_balancer_destroy(b);
    if (err == INFRA_OK) {
        report_text(report, subject->name);
        report_number(report, subject->backends, 0);
        report_number(report, build / 1e3, 1);
        report_number(report, flap / 1e3, 1);
        report_number(report, (double)table, 0);
    }
    if (err == INFRA_OK && strcmp(subject->name, "ketama") == 0) {
        err = rival_build(report, subject, quick);
    }
    return err;
}

int bench_build(const struct bench_options *options)
{
    static const char *const columns[] = { "policy",  "backends",    "build_us",
                                           "flap_us", "table_bytes", NULL };
    static const uint32_t sizes[] = { 10, 100, 1000, 10000 };

    return sweep(options, columns, sizes, sizeof sizes / sizeof sizes[0],
                 measure);
}
