/* SPDX-License-Identifier: MIT */
/* What SET and RESET change, read from their text.  A text with comments, or of
 * another form, is not understood. */
#ifndef EXAMPLES_PG_SET_H
#define EXAMPLES_PG_SET_H

#include <stdbool.h>
#include <stddef.h>

#define PG_SET_NAME_SIZE 64u

enum pg_change_kind {
    PG_CHANGE_UNKNOWN,
    PG_CHANGE_NONE,
    PG_CHANGE_SET,  /* `name` is set by the text. */
    PG_CHANGE_RESET /* `name` is back; "": all. */
};

/* What a text of kind SESSION changes. */
enum pg_change_kind pg_read_change(const char *text, size_t size,
                                   char name[PG_SET_NAME_SIZE]);

static inline bool pg_is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

#endif
