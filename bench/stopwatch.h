/* SPDX-License-Identifier: MIT */
/* Time that passes, and what is typical of several measurements of it. */
#ifndef BENCH_STOPWATCH_H
#define BENCH_STOPWATCH_H

/* Nanoseconds on the monotonic clock. */
double stopwatch_now_ns(void);

/* Sort @ns, least first; the median is the answer. At least one. */
double stopwatch_median(double *ns, int count);

#endif
