/* SPDX-License-Identifier: MIT */
/* The statements that infra-bench classify measures, by class. */
#ifndef BENCH_CLASSIFY_TEXTS_H
#define BENCH_CLASSIFY_TEXTS_H

#include <stddef.h>
#include <stdint.h>

struct text {
    char *bytes; /* With a NUL behind them. */
    size_t length;
};

/* Statements of one class. All zeros: none. */
struct texts {
    struct text *all;
    size_t count;
    size_t bytes; /* Of all of them. */
};

/* Names of the classes that need no file; NULL behind the last. */
const char *texts_class(size_t i);

/* Those of such a class. Its statements are of both dialects. */
void texts_make(struct texts *t, size_t i);

/* Those of a file like tests/sql/cases.tsv, of enum infra_sql_dialect. 0, or an
 * exit status after an error on stderr. */
int texts_read(struct texts *t, const char *path, uint32_t dialect);

void texts_free(struct texts *t);

#endif
