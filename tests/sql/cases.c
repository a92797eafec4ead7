/* SPDX-License-Identifier: MIT */
#include "cases.h"

#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CASES_MAX 1000u

static struct sql_case cases[CASES_MAX];
static size_t cases_count;

static size_t unescape(char *to, const char *from)
{
    static const char from_letters[] = "ntrfv\\";
    static const char to_bytes[] = "\n\t\r\f\v\\";
    size_t size = 0;

    for (; *from != '\0'; from++) {
        const char *letter = NULL;
        if (*from == '\\' && from[1] != '\0') {
            letter = strchr(from_letters, from[1]);
        }
        from += letter != NULL ? 1 : 0;
        to[size++] = letter != NULL ? to_bytes[letter - from_letters] : *from;
    }
    return size;
}

static void read_case(struct sql_case *c, char *line, unsigned number)
{
    char *text = strchr(line, '\t');
    ck_assert_ptr_nonnull(text);
    *text++ = '\0';
    char *expected = strchr(text, '\t');
    ck_assert_ptr_nonnull(expected);
    *expected++ = '\0';
    expected[strcspn(expected, "\t")] = '\0';
    ck_assert_uint_lt(strlen(text), sizeof c->text);
    ck_assert_uint_lt(strlen(expected), sizeof c->expected);
    c->dialect =
        strcmp(line, "pg") == 0 ? INFRA_SQL_POSTGRESQL : INFRA_SQL_MYSQL;
    c->length = unescape(c->text, text);
    c->line = number;
    memcpy(c->expected, expected, strlen(expected) + 1);
}

size_t sql_cases(const struct sql_case **ret)
{
    char line[1024];
    unsigned number = 0;
    FILE *file = cases_count == 0 ? fopen(getenv("SQL_CASES"), "r") : NULL;

    ck_assert(file != NULL || cases_count != 0);
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        number++;
        line[strcspn(line, "\n")] = '\0';
        if (line[0] != '#') {
            ck_assert_uint_lt(cases_count, CASES_MAX);
            read_case(&cases[cases_count++], line, number);
        }
    }
    if (file != NULL) {
        ck_assert_int_eq(fclose(file), 0);
    }
    *ret = cases;
    return cases_count;
}

const char *sql_label(const struct infra_statement *s)
{
    switch (s->kind) {
    case INFRA_STATEMENT_READ:
    case INFRA_STATEMENT_BEGIN_READ_ONLY:
        return "replica-ok";
    case INFRA_STATEMENT_SESSION:
        return "session";
    default:
        return "primary";
    }
}

struct infra_statement sql_classified(uint32_t dialect, uint32_t mode,
                                      const char *text, size_t length)
{
    struct infra_sql sql = { .size = sizeof sql,
                             .dialect = dialect,
                             .mode = mode };
    struct infra_statement s;

    /* Behind the text there is memory that is not to be read. */
    char *copy = malloc(length + 1);
    ck_assert_ptr_nonnull(copy);
    memcpy(copy + 1, text, length);
    ck_assert_int_eq(infra_sql_classify(&sql, copy + 1, length, &s), INFRA_OK);
    ck_assert_uint_le(s.name, length);
    ck_assert_uint_le(s.name_length, length - s.name);
    ck_assert_uint_le(s.at, length);
    ck_assert_uint_le(s.at_length, length - s.at);
    free(copy);
    return s;
}
