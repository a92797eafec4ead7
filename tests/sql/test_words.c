/* SPDX-License-Identifier: MIT */
/* The tables behind the classifier: each word is found by its table of firsts,
 * and each list of functions is sorted. */
#include "support.h"

#include "sql/functions.h"
#include "sql/lexer.h"

#include <ctype.h>
#include <string.h>

#define TEXT(id, text) text,
static const char *const words[] = { INFRA__SQL_WORDS(TEXT) };

/* Each word, in lower and upper case, and nothing that only looks like one. */
START_TEST(each_word_is_found)
{
    char text[32];

    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        uint32_t length = (uint32_t)strlen(words[i]);
        ck_assert_msg(infra__sql_word(words[i], length) == i + 1, "%s",
                      words[i]);
        for (uint32_t j = 0; j < length; j++) {
            text[j] = (char)toupper((unsigned char)words[i][j]);
        }
        ck_assert_uint_eq(infra__sql_word(text, length), i + 1);
        text[length - 1] = 'q';
        ck_assert_uint_eq(infra__sql_word(text, length), WORD_NONE);
    }
    ck_assert_uint_eq(infra__sql_word("a", 1), WORD_NONE);
    ck_assert_uint_eq(infra__sql_word("_select", 7), WORD_NONE);
}
END_TEST

static void check_lists(bool is_mysql, const struct infra__sql_functions *list)
{
    for (; list->names != NULL; list++) {
        for (uint32_t i = 0; i < list->count; i++) {
            const char *name = list->names[i];
            ck_assert_msg(i == 0 || strcmp(list->names[i - 1], name) < 0, "%s",
                          name);
            ck_assert_msg(
                infra__sql_function(is_mysql, name, (uint32_t)strlen(name)) ==
                    list->effect,
                "%s stands twice", name);
        }
    }
}

/* A list that is not sorted would lose some of its names. */
START_TEST(each_function_is_found)
{
    check_lists(false, infra__sql_functions_postgresql);
    check_lists(true, infra__sql_functions_mysql);
    ck_assert_int_eq(infra__sql_function(false, "NextVal", 7), EFFECT_SEQUENCE);
    ck_assert_int_eq(infra__sql_function(false, "nextva", 6), EFFECT_UNKNOWN);
    ck_assert_int_eq(infra__sql_function(false, "nextvals", 8), EFFECT_UNKNOWN);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("sql_words");
    TCase *tcase = tcase_create("words");

    tcase_add_test(tcase, each_word_is_found);
    tcase_add_test(tcase, each_function_is_found);
    suite_add_tcase(suite, tcase);
    return test_main(suite);
}
