/* SPDX-License-Identifier: MIT */
/* Every labelled statement, and what holds for all of them: blanks, comments
 * and case change nothing; what is appended never makes a statement that writes
 * one that reads. */
#include "cases.h"

#include "support.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A statement goes where its label says. */
START_TEST(each_case_goes_where_it_belongs)
{
    const struct sql_case *all;
    size_t count = sql_cases(&all);

    for (size_t i = 0; i < count; i++) {
        struct infra_statement s =
            sql_classified(all[i].dialect, 0, all[i].text, all[i].length);
        ck_assert_msg(strcmp(sql_label(&s), all[i].expected) == 0,
                      "line %u: %.*s is %s by %s", all[i].line,
                      (int)all[i].length, all[i].text, sql_label(&s),
                      infra_statement_reason_name(s.reason));
    }
    ck_assert_uint_gt(count, 500);
}
END_TEST

/* MariaDB reads MySQL's cases as MySQL does. */
START_TEST(mariadb_agrees_with_mysql)
{
    const struct sql_case *all;
    size_t count = sql_cases(&all);

    for (size_t i = 0; i < count; i++) {
        if (all[i].dialect == INFRA_SQL_MYSQL) {
            struct infra_statement s = sql_classified(
                INFRA_SQL_MARIADB, 0, all[i].text, all[i].length);
            ck_assert_str_eq(sql_label(&s), all[i].expected);
        }
    }
}
END_TEST

/* Nothing is in quotes or comments here, so that each byte may be changed. */
static bool is_bare(const struct sql_case *c)
{
    static const char signs[] = "'\"`$#@\\";

    for (size_t i = 0; i < c->length; i++) {
        if (strchr(signs, c->text[i]) != NULL || c->text[i] == '-' ||
            c->text[i] == '/' || (unsigned char)c->text[i] > 127) {
            return false;
        }
    }
    return true;
}

static void expect_same(const struct sql_case *c, const char *text, size_t size)
{
    struct infra_statement s = sql_classified(c->dialect, 0, text, size);

    ck_assert_msg(strcmp(sql_label(&s), c->expected) == 0,
                  "line %u as %.*s is %s by %s", c->line, (int)size, text,
                  sql_label(&s), infra_statement_reason_name(s.reason));
}

/* Upper case, lower case, and both in turn are the same statement. */
START_TEST(case_changes_nothing)
{
    const struct sql_case *all;
    size_t count = sql_cases(&all);
    char text[512];

    for (size_t i = 0; i < count; i++) {
        for (int way = 0; is_bare(&all[i]) && way < 3; way++) {
            for (size_t j = 0; j < all[i].length; j++) {
                bool is_upper = way == 0 || (way == 2 && j % 2 == 0);
                int c = (unsigned char)all[i].text[j];
                text[j] = (char)(is_upper ? toupper(c) : tolower(c));
            }
            expect_same(&all[i], text, all[i].length);
        }
    }
}
END_TEST

/* A blank may be any blank, or a comment, and there may be more of them at both
 * ends. */
START_TEST(blanks_and_comments_change_nothing)
{
    static const char *const blanks[] = { "\t",        "\n",
                                          "  ",        " \r\n ",
                                          "/* x */",   " /* ; DELETE */ ",
                                          "-- it's\n", " -- FOR UPDATE\n" };
    const struct sql_case *all;
    size_t count = sql_cases(&all);
    char text[8192];

    for (size_t i = 0; i < count; i++) {
        for (size_t b = 0;
             is_bare(&all[i]) && b < sizeof blanks / sizeof blanks[0]; b++) {
            size_t size = strlen(blanks[b]);
            memcpy(text, blanks[b], size);
            for (size_t j = 0; j < all[i].length; j++) {
                if (all[i].text[j] == ' ') {
                    memcpy(text + size, blanks[b], strlen(blanks[b]));
                    size += strlen(blanks[b]);
                } else {
                    text[size++] = all[i].text[j];
                }
            }
            memcpy(text + size, blanks[b], strlen(blanks[b]));
            expect_same(&all[i], text, size + strlen(blanks[b]));
        }
    }
}
END_TEST

/* Nothing that is put behind a statement makes it less of a write; and a
 * statement that writes makes the whole text one, wherever it stands. */
START_TEST(what_is_appended_never_makes_it_a_read)
{
    static const char *const tails[] = {
        "\n; DELETE FROM t", "\n;\n/* x */ INSERT INTO t VALUES (1)",
        "\n; SELECT 1", "\n; COMMIT"
    };
    const struct sql_case *all;
    size_t count = sql_cases(&all);
    char text[1024];

    for (size_t i = 0; i < count; i++) {
        for (size_t t = 0; t < sizeof tails / sizeof tails[0]; t++) {
            size_t size = strlen(tails[t]);
            memcpy(text, all[i].text, all[i].length);
            memcpy(text + all[i].length, tails[t], size);
            struct infra_statement whole =
                sql_classified(all[i].dialect, 0, text, all[i].length + size);
            struct infra_statement own =
                sql_classified(all[i].dialect, 0, all[i].text, all[i].length);
            ck_assert(own.count == 0 ||
                      own.reason == INFRA_STATEMENT_REASON_BROKEN ||
                      whole.kind != INFRA_STATEMENT_READ);
        }
    }
}
END_TEST

/* A statement that is cut anywhere is read to its end, and no further. */
START_TEST(each_prefix_is_read)
{
    const struct sql_case *all;
    size_t count = sql_cases(&all);

    for (size_t i = 0; i < count; i++) {
        for (size_t size = 0; size < all[i].length; size++) {
            for (uint32_t mode = 0; mode < 32; mode += 5) {
                (void)sql_classified(all[i].dialect, mode, all[i].text, size);
            }
        }
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("sql_cases");
    TCase *tcase = tcase_create("cases");

    tcase_add_test(tcase, each_case_goes_where_it_belongs);
    tcase_add_test(tcase, mariadb_agrees_with_mysql);
    tcase_add_test(tcase, case_changes_nothing);
    tcase_add_test(tcase, blanks_and_comments_change_nothing);
    tcase_add_test(tcase, what_is_appended_never_makes_it_a_read);
    tcase_add_test(tcase, each_prefix_is_read);
    suite_add_tcase(suite, tcase);
    return test_main(suite);
}
