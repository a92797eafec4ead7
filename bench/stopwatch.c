/* SPDX-License-Identifier: MIT */
#include "stopwatch.h"

#include <stdlib.h>
#include <time.h>

double stopwatch_now_ns(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec * 1e9 + (double)ts.tv_nsec;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;

    return (x > y) - (x < y);
}

double stopwatch_median(double *ns, int count)
{
    qsort(ns, (size_t)count, sizeof *ns, by_value);
    return ns[count / 2];
}
