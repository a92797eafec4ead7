/* SPDX-License-Identifier: MIT */
/* The same work on one thread and on several at once, timed. */
#ifndef BENCH_THREADS_H
#define BENCH_THREADS_H

#include "report.h"

#include <stddef.h>
#include <stdint.h>

enum { THREADS_MAX = 2, THREADS_REPEATS = 11 };

struct threads_job {
    /* Do the work @count times. */
    void (*run)(void *worker, uint64_t count);
    void *workers; /* THREADS_MAX of @size bytes: one for each thread. */
    size_t size;
};

/* Nanoseconds for once, the mean of @threads, each on a processor of its own if
 * that is allowed. */
double threads_ns(const struct threads_job *job, int threads, uint64_t count);

/* A row for each number of threads: @name, @number, threads, median, least,
 * speedup; of THREADS_REPEATS runs of about 30 ms, measured in turn on the same
 * state of the machine. */
void threads_report(struct report *report, const char *name, uint32_t number,
                    const struct threads_job *job, int quick);

#endif
