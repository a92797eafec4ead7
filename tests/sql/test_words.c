/* SPDX-License-Identifier: MIT */
/* The tables behind the classifier: each word and each function is found, and
 * each list of functions is sorted. */
#include "support.h"

#include "sql/functions.h"
#include "sql/lookup.h"

#include <ctype.h>
#include <string.h>

#define TEXT(id, text) text,
static const char *const words[] = { INFRA__SQL_WORDS(TEXT) };

static uint8_t word(const char *text, size_t length)
{
    return infra__sql_last_word(text, length);
}

/* Each word, in lower and upper case, and nothing that only looks like one. */
START_TEST(each_word_is_found)
{
    char text[32];

    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        size_t length = strlen(words[i]);
        ck_assert_msg(word(words[i], length) == i + 1, "%s", words[i]);
        for (size_t j = 0; j < length; j++) {
            text[j] = (char)toupper((unsigned char)words[i][j]);
        }
        ck_assert_uint_eq(word(text, length), i + 1);
        text[length] = 'q';
        ck_assert_uint_eq(word(text, length + 1), WORD_NONE);
        text[length - 1] = 'q';
        ck_assert_uint_eq(word(text, length), WORD_NONE);
    }
    ck_assert_uint_eq(word("a", 1), WORD_NONE);
    ck_assert_uint_eq(word("_select", 7), WORD_NONE);
}
END_TEST

static void check_lists(bool is_mysql, const struct infra__sql_functions *list)
{
    for (; list->names != NULL; list++) {
        for (uint32_t i = 0; i < list->count; i++) {
            const char *name = list->names[i];
            ck_assert_msg(i == 0 || strcmp(list->names[i - 1], name) < 0, "%s",
                          name);
            ck_assert_msg(infra__sql_function(is_mysql, name, strlen(name)) ==
                              list->effect,
                          "%s stands twice", name);
        }
    }
}

/* A word is the same wherever the text around it ends: less than eight bytes
 * behind its beginning, or before it. */
START_TEST(the_end_of_the_text_does_not_matter)
{
    static const char text[] = "xxxxxxxx by SELECT character";

    for (size_t from = 0; from <= 9; from++) {
        for (size_t end = 11; end < sizeof text; end++) {
            uint64_t bytes =
                infra__sql_up_to_eight(text + 9, text + from, text + end);
            ck_assert_uint_eq(infra__sql_word(text + 9, 2, bytes), WORD_BY);
        }
    }
    ck_assert_uint_eq(infra__sql_up_to_eight(text, text, text), 0);
    ck_assert_uint_eq(infra__sql_up_to_eight(text + 9, text, text + 9), 0);
}
END_TEST

/* The lists are sorted, for people who look for a name; and no name has two
 * effects. */
START_TEST(each_function_is_found)
{
    check_lists(false, infra__sql_functions_postgresql);
    check_lists(true, infra__sql_functions_mysql);
    ck_assert_int_eq(infra__sql_function(false, "NextVal", 7), EFFECT_SEQUENCE);
    ck_assert_int_eq(infra__sql_function(false, "nextva", 6), EFFECT_UNKNOWN);
    ck_assert_int_eq(infra__sql_function(false, "nextvals", 8), EFFECT_UNKNOWN);
    ck_assert_int_eq(infra__sql_function(false, "", 0), EFFECT_UNKNOWN);
    /* In quotes it may have any bytes: here one that differs in bit 5. */
    ck_assert_int_eq(infra__sql_function(false, "log1\x10", 5), EFFECT_UNKNOWN);
    ck_assert_int_eq(infra__sql_function(false, "log10", 5), EFFECT_HARMLESS);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("sql_words");
    TCase *tcase = tcase_create("words");

    tcase_add_test(tcase, each_word_is_found);
    tcase_add_test(tcase, the_end_of_the_text_does_not_matter);
    tcase_add_test(tcase, each_function_is_found);
    suite_add_tcase(suite, tcase);
    return test_main(suite);
}
