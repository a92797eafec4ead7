/* SPDX-License-Identifier: MIT */
/* The settings in a SET of MySQL, as db_router makes them again. */
#include "../support/support.h"

#include "mysql_settings.h"

#include <stdio.h>
#include <string.h>

/* Read the settings of @text as "name: statement" lines; with "own" and
 * "opaque". */
static const char *settings_of(const char *text, bool is_backslash_plain)
{
    static char lines[2048];
    struct mysql_settings s;
    struct mysql_setting setting;
    int used = 0;
    enum mysql_setting_kind kind;

    lines[0] = '\0';
    mysql_settings_begin(&s, text, strlen(text), is_backslash_plain);
    do {
        kind = mysql_settings_next(&s, &setting);
        size_t left = sizeof lines - (size_t)used;
        if (kind == MYSQL_SETTING_VALUE) {
            used += snprintf(lines + used, left, "%.*s: %.*s\n",
                             (int)setting.name_size, setting.name,
                             (int)setting.text_size, setting.text);
        } else if (kind != MYSQL_SETTING_NONE) {
            used += snprintf(lines + used, left, "%s\n",
                             kind == MYSQL_SETTING_OWN ? "own" : "opaque");
        }
    } while (kind != MYSQL_SETTING_NONE && kind != MYSQL_SETTING_OPAQUE);
    return lines;
}

static const struct {
    const char *text;
    const char *settings;
} constants[] = {
    { "SET autocommit=0", "autocommit: SET autocommit=0\n" },
    { "set  AutoCommit := 1 ;", "autocommit: SET AutoCommit := 1\n" },
    { "SET SESSION sql_mode = 'ANSI,STRICT_ALL_TABLES'",
      "sql_mode: SET SESSION sql_mode = 'ANSI,STRICT_ALL_TABLES'\n" },
    { "SET @@session.wait_timeout=5", "wait_timeout: SET "
                                      "@@session.wait_timeout=5\n" },
    { "SET @@local.`Sort_Buffer_Size`= 1024, @@time_zone = '+00:00'",
      "sort_buffer_size: SET @@local.`Sort_Buffer_Size`= 1024\n"
      "time_zone: SET @@time_zone = '+00:00'\n" },
    { "SET LOCAL long_query_time = 0.5", "long_query_time: SET LOCAL "
                                         "long_query_time = 0.5\n" },
    { "SET sql_select_limit=DEFAULT", "sql_select_limit: SET "
                                      "sql_select_limit=DEFAULT\n" },
    { "SET x = -1", "x: SET x = -1\n" },
    { "SET NAMES utf8mb4", "names: SET NAMES utf8mb4\n" },
    { "set names 'utf8' collate 'utf8_bin', time_zone='SYSTEM'",
      "names: SET names 'utf8' collate 'utf8_bin'\n"
      "time_zone: SET time_zone='SYSTEM'\n" },
    { "SET CHARACTER SET latin1", "names: SET CHARACTER SET latin1\n" },
    { "SET CHARSET DEFAULT", "names: SET CHARSET DEFAULT\n" },
    { "SET ROLE admin", "role: SET ROLE admin\n" },
    { "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED, READ ONLY",
      "transaction: SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED, "
      "READ ONLY\n" },
    { "SET x = 'it''s', y = \"a\\\"b,c\"",
      "x: SET x = 'it''s'\ny: SET y = \"a\\\"b,c\"\n" },
    { "/* an app */ SET -- really\n x = 1 # so\n", "x: SET x = 1\n" },
    { "SET @a = 1, x = 2, @b = f(1, 2), y = ON",
      "own\nx: SET x = 2\nown\ny: SET y = ON\n" },
};

/* Each constant becomes a statement of its own, under the name of what it
 * sets. */
START_TEST(a_constant_is_made_again)
{
    ck_assert_str_eq(settings_of(constants[_i].text, false),
                     constants[_i].settings);
}
END_TEST

static const char *const opaque[] = {
    "SET sql_mode = CONCAT(@@sql_mode, ',ANSI')",
    "SET x = @y",
    "SET x = @@y",
    "SET x = (SELECT 1)",
    "SET x = 1 + 1",
    "SET timestamp = NOW()",
    "SET GLOBAL x = 1",
    "SET @@global.x = 1",
    "SET PERSIST x = 1",
    "SET PASSWORD = 'x'",
    "SET x.y = 1",
    "SET x",
    "SET x =",
    "SET x = 1,",
    "SET x = 'open",
    "SET x = 1; SET y = 1",
    "SET NAMES",
    "SET NAMES utf8 COLLATE",
    "SET TRANSACTION READ ONLY",
    "SET STATEMENT x = 1 FOR SELECT 1",
    "/*!40101 SET NAMES utf8 */",
    "SET /*! x = 1, */ y = 2",
    "SET /* open",
    "SET @a = (1",
    "SELECT 1",
    "",
};

/* Whatever is no constant keeps the session at its connection. */
START_TEST(what_is_no_constant_is_opaque)
{
    const char *lines = settings_of(opaque[_i], false);
    size_t size = strlen(lines);

    ck_assert_uint_ge(size, 7);
    ck_assert_msg(strcmp(lines + size - 7, "opaque\n") == 0, "%s: %s",
                  opaque[_i], lines);
}
END_TEST

/* Names and texts that are too long are opaque. */
START_TEST(a_long_setting_is_opaque)
{
    char text[1024];

    memset(text, 'x', sizeof text);
    memcpy(text, "SET ", 4);
    text[4 + MYSQL_SETTING_NAME_MAX] = '=';
    text[sizeof text - 1] = '\0';
    ck_assert_str_eq(settings_of(text, false), "opaque\n");
    text[4 + MYSQL_SETTING_TEXT_MAX - 4] = '\0';
    ck_assert_str_ne(settings_of(text, false), "opaque\n");
    text[4 + MYSQL_SETTING_NAME_MAX] = 'x';
    text[4 + MYSQL_SETTING_NAME_MAX + 1] = '=';
    ck_assert_str_eq(settings_of(text, false), "opaque\n");
}
END_TEST

/* A backslash escapes a quote unless sql_mode says otherwise. */
START_TEST(a_backslash_follows_the_mode)
{
    ck_assert_str_eq(settings_of("SET x = 'a\\', y = 'b'", false), "opaque\n");
    ck_assert_str_eq(settings_of("SET x = 'a\\', y = 'b'", true),
                     "x: SET x = 'a\\'\ny: SET y = 'b'\n");
}
END_TEST

#define COUNT_OF(a) ((int)(sizeof(a) / sizeof *(a)))

int main(void)
{
    Suite *suite = suite_create("mysql_settings");
    TCase *c = tcase_create("settings");

    tcase_add_loop_test(c, a_constant_is_made_again, 0, COUNT_OF(constants));
    tcase_add_loop_test(c, what_is_no_constant_is_opaque, 0, COUNT_OF(opaque));
    tcase_add_test(c, a_long_setting_is_opaque);
    tcase_add_test(c, a_backslash_follows_the_mode);
    suite_add_tcase(suite, c);
    return test_main(suite);
}
