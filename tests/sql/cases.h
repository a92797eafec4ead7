/* SPDX-License-Identifier: MIT */
/* The labelled statements of cases.tsv. */
#ifndef TESTS_SQL_CASES_H
#define TESTS_SQL_CASES_H

#include <infra/sql.h>

#include <stddef.h>

struct sql_case {
    uint32_t dialect;
    char expected[16]; /* primary, replica-ok, session */
    size_t length;
    char text[512];
    unsigned line;
};

/* All of them, read once. */
size_t sql_cases(const struct sql_case **ret);

/* Where a statement of that kind may go, in the words of cases.tsv. */
const char *sql_label(const struct infra_statement *s);

struct infra_statement sql_classified(uint32_t dialect, uint32_t mode,
                                      const char *text, size_t length);

#endif
