/* SPDX-License-Identifier: MIT */
/* A check in words, taken apart: a kind, then settings after commas, each
 * NAME=VALUE.  check_spec.h says how they are written. */
#ifndef EXAMPLES_CHECK_SETTINGS_H
#define EXAMPLES_CHECK_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CHECK_SETTINGS_MAX 64u

struct check_setting {
    char *name;
    char *value;
    char *own; /* The value, if it came from a file or the environment. */
    size_t size;
    bool is_used;
};

/* Begin with zeroes, end with check_settings_free(). */
struct check_settings {
    char *text; /* The settings point into it. */
    size_t text_size;
    const char *kind;
    char *rest; /* The settings that are still to be split. */
    struct check_setting at[CHECK_SETTINGS_MAX];
    uint32_t count;
};

/* Copy the text and read the kind.  False: out of memory, said to stderr. */
bool check_settings_begin(struct check_settings *s, const char *text);

/* Read the settings.  False: one of them is not NAME=VALUE, or too many. */
bool check_settings_split(struct check_settings *s);

/* Fetch the values of NAME-file and NAME-env. False: said to stderr, with @name
 * in front. */
bool check_settings_fetch(struct check_settings *s, const char *name);

/* Is there a secret in the text before this setting?  A comma in a password
 * makes settings of the rest of the password. */
bool check_settings_have_secret(const struct check_settings *s, uint32_t end);

/* Wipe and free. */
void check_settings_free(struct check_settings *s);

#endif
