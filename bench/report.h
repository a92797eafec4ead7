/* SPDX-License-Identifier: MIT */
/* Rows of named columns, as a table for people, TSV or JSON for programs. */
#ifndef BENCH_REPORT_H
#define BENCH_REPORT_H

#include <stddef.h>

enum report_format {
    REPORT_TABLE,
    REPORT_TSV,
    REPORT_JSON,
    REPORT_SVG, /* A chart, which chart.h draws, not these functions. */
};

struct report {
    enum report_format format;
    const char *const *columns;
    size_t columns_count;
    size_t column; /* The next cell's. */
    size_t rows;
};

/* The names end with NULL and outlive the report. */
void report_begin(struct report *r, enum report_format format,
                  const char *const *columns);
void report_text(struct report *r, const char *value);
void report_number(struct report *r, double value, int decimals);
void report_none(struct report *r); /* A cell without a figure. */
void report_end(struct report *r);

/* One line on stderr that replaces the one before, if that is a terminal. An
 * empty text wipes it. */
void report_progress(const char *text);

#endif
