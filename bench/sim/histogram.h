/* SPDX-License-Identifier: MIT */
/* A log-linear histogram of nanoseconds: 128 buckets for each doubling, so that
 * a bucket is at most 0.8 % wide, whatever the value. Adding is O(1), a
 * percentile one pass over the buckets. */
#ifndef BENCH_HISTOGRAM_H
#define BENCH_HISTOGRAM_H

#include "../../lib/base/log_linear.h"

#define HISTOGRAM_BITS 7u
#define HISTOGRAM_BUCKETS INFRA__LOG_LINEAR_BUCKETS(HISTOGRAM_BITS)

struct histogram {
    uint64_t count;
    double sum;
    uint64_t buckets[HISTOGRAM_BUCKETS];
};

void histogram_add(struct histogram *h, uint64_t value);

/* The value that @fraction (0 .. 1) of those added do not exceed, interpolated
 * inside its bucket. 0 when nothing was added. */
double histogram_percentile(const struct histogram *h, double fraction);
double histogram_mean(const struct histogram *h);

#endif
