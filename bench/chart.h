/* SPDX-License-Identifier: MIT */
/* A chart of latencies in SVG: the fraction of requests that took longer, over
 * milliseconds, both axes logarithmic, a line for each policy. */
#ifndef BENCH_CHART_H
#define BENCH_CHART_H

#include "sim/histogram.h"

#include <stddef.h>
#include <stdio.h>

struct chart_line {
    const char *name;
    const struct histogram *latency;
};

/* Sorts @lines by their p99, best first, as the legend shows them. The subtitle
 * and the note stand below the title. */
void chart_print(FILE *out, const char *title, const char *subtitle,
                 const char *note, struct chart_line *lines, size_t count);

#endif
