/* SPDX-License-Identifier: MIT */
/* The tokens of a short statement of MySQL, one after another. */
#ifndef EXAMPLES_MYSQL_WORDS_H
#define EXAMPLES_MYSQL_WORDS_H

#include <stdbool.h>
#include <stddef.h>

enum mysql_token_kind {
    MYSQL_TOKEN_END,
    MYSQL_TOKEN_WORD,   /* A name, also in backquotes; a number. */
    MYSQL_TOKEN_STRING, /* In quotes. */
    MYSQL_TOKEN_SYSTEM, /* @@ */
    MYSQL_TOKEN_USER,   /* @name */
    MYSQL_TOKEN_EQUAL,  /* = or := */
    MYSQL_TOKEN_COMMA,
    MYSQL_TOKEN_DOT,
    MYSQL_TOKEN_SEMICOLON,
    MYSQL_TOKEN_OTHER /* Not understood; also an open quote. */
};

struct mysql_token {
    const char *at; /* With its quotes. */
    size_t size;
    int kind; /* enum mysql_token_kind */
};

/* Take the next token of what lies between @at and @end; comments that are not
 * executed are white space. */
struct mysql_token mysql_next_token(const char **at, const char *end,
                                    bool is_backslash_plain);

/* Is it this word, given in small letters? */
bool mysql_token_is(const struct mysql_token *t, const char *word);

#endif
