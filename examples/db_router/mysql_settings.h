/* SPDX-License-Identifier: MIT */
/* The assignments of a SET, each as a text that makes the setting again on
 * another connection, and a name under which the later one replaces it.
 *
 * Only a constant makes the same setting elsewhere: a text with anything else
 * (a function, a variable, a query, a comment that is executed) is opaque, and
 * its session keeps its connection. */
#ifndef EXAMPLES_MYSQL_SETTINGS_H
#define EXAMPLES_MYSQL_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>

#define MYSQL_SETTING_NAME_MAX 64u
#define MYSQL_SETTING_TEXT_MAX 512u

enum mysql_setting_kind {
    MYSQL_SETTING_NONE,   /* There are no more. */
    MYSQL_SETTING_VALUE,  /* One to make again. */
    MYSQL_SETTING_OWN,    /* Of no concern: a user variable. */
    MYSQL_SETTING_OPAQUE, /* It cannot be made again; nothing follows. */
};

struct mysql_setting {
    char name[MYSQL_SETTING_NAME_MAX]; /* In small letters, without scope. */
    char text[MYSQL_SETTING_TEXT_MAX]; /* A statement. */
    size_t name_size;
    size_t text_size;
};

/* Where it reads. */
struct mysql_settings {
    const char *at;
    const char *end;
    bool is_backslash_plain; /* sql_mode has NO_BACKSLASH_ESCAPES. */
    bool has_begun;
};

/* Read the settings of one statement of one text. */
void mysql_settings_begin(struct mysql_settings *s, const char *text,
                          size_t size, bool is_backslash_plain);
enum mysql_setting_kind mysql_settings_next(struct mysql_settings *s,
                                            struct mysql_setting *ret);

#endif
