/* SPDX-License-Identifier: MIT */
/* The monotonic clock, and the median of measurements. */
#ifndef BENCH_STOPWATCH_H
#define BENCH_STOPWATCH_H

/* Nanoseconds on the monotonic clock. */
double stopwatch_now_ns(void);

/* Sort @ns, least first, and return the median. At least one. */
double stopwatch_median(double *ns, int count);

#endif
