/* SPDX-License-Identifier: MIT */
/* Shared by the questions of infra-bench. */
#ifndef BENCH_H
#define BENCH_H

#include "report.h"

#include <stdint.h>
#include <stdio.h>

struct bench_options {
    enum report_format format;
    int quick;          /* Run for a moment, as a test. */
    const char *policy; /* NULL: all. */
    char **own;         /* The question's own: option, value, ..., NULL. */
};

/* The questions. Each prints a report and answers an exit status. */
int bench_pick(const struct bench_options *options);
int bench_memory(const struct bench_options *options);
int bench_build(const struct bench_options *options);
int bench_spread(const struct bench_options *options);
int bench_disruption(const struct bench_options *options);
int bench_health(const struct bench_options *options);
int bench_outlier(const struct bench_options *options);
int bench_failover(const struct bench_options *options);
int bench_route(const struct bench_options *options);
int bench_classify(const struct bench_options *options);
int bench_http(const struct bench_options *options);
int bench_metrics(const struct bench_options *options);
int bench_access(const struct bench_options *options);
int bench_compare(const struct bench_options *options);

/* Describe the options that only one question has. */
void bench_health_help(FILE *out);
void bench_failover_help(FILE *out);
void bench_classify_help(FILE *out);
void bench_compare_help(FILE *out);

/* Name the wrong word of the command line on stderr. Returns the exit
 * status. */
int bench_complain(const char *what, const char *value);

/* Digits only, @min to @max; 0, or the exit status after an error on stderr. */
int bench_number(const char *text, uint32_t min, uint32_t max, uint32_t *ret);

/* Keep a value that the optimiser would otherwise drop. */
static inline void bench_keep(uint64_t v)
{
    __asm__ volatile("" : : "r"(v) : "memory");
}

#endif
