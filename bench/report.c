/* SPDX-License-Identifier: MIT */
#include "report.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define WIDTH_MIN 9
#define FIRST_WIDTH 20

static int width(const struct report *r, size_t column)
{
    int length = (int)strlen(r->columns[column]);

    if (column == 0) {
        return FIRST_WIDTH;
    }
    return length < WIDTH_MIN ? WIDTH_MIN : length;
}

void report_begin(struct report *r, enum report_format format,
                  const char *const *columns)
{
    *r = (struct report) { .format = format, .columns = columns };
    while (columns[r->columns_count] != NULL) {
        r->columns_count++;
    }
    if (format == REPORT_JSON) {
        printf("[");
        return;
    }
    for (size_t i = 0; i < r->columns_count; i++) {
        if (format == REPORT_TSV) {
            printf("%s%s", i > 0 ? "\t" : "", columns[i]);
        } else if (i == 0) {
            printf("%-*s", width(r, i), columns[i]);
        } else {
            printf("  %*s", width(r, i), columns[i]);
        }
    }
    printf("\n");
}

static void cell(struct report *r, const char *value, const char *quote)
{
    size_t i = r->column++;

    if (r->format == REPORT_JSON) {
        printf("%s\"%s\":%s%s%s",
               i > 0         ? ","
               : r->rows > 0 ? ",\n {"
                             : "\n {",
               r->columns[i], quote, value, quote);
    } else if (r->format == REPORT_TSV) {
        printf("%s%s", i > 0 ? "\t" : "", value);
    } else if (i == 0) {
        printf("%-*s", width(r, i), value);
    } else {
        printf("  %*s", width(r, i), value);
    }
    if (r->column == r->columns_count) {
        printf(r->format == REPORT_JSON ? "}" : "\n");
        r->column = 0;
        r->rows++;
        fflush(stdout);
    }
}

void report_text(struct report *r, const char *value)
{
    cell(r, value, "\"");
}

void report_number(struct report *r, double value, int decimals)
{
    char text[64];

    snprintf(text, sizeof text, "%.*f", decimals, value);
    cell(r, text, "");
}

void report_none(struct report *r)
{
    cell(r, r->format == REPORT_JSON ? "null" : "-", "");
}

void report_end(struct report *r)
{
    if (r->format == REPORT_JSON) {
        printf("\n]\n");
    }
    fflush(stdout);
}

void report_progress(const char *text)
{
    if (isatty(STDERR_FILENO)) {
        fprintf(stderr, "\r\033[K%s", text);
        fflush(stderr);
    }
}
