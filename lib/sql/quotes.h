/* SPDX-License-Identifier: MIT */
/* What stands in quotes. Each function is given where it begins, and answers
 * where it ends. */
#ifndef INFRA_SQL_QUOTES_H
#define INFRA_SQL_QUOTES_H

#include "lexer.h"

/* @stop, or if that is NULL the end of a text that is broken. */
static inline const char *infra__sql_whole(const struct lexer *l,
                                           const char *stop, uint8_t *ret_code)
{
    if (stop == NULL) {
        *ret_code = TOKEN_BROKEN;
        return l->end;
    }
    return stop;
}

/* Past the quote that ends the one at @at, where a doubled one stands for
 * itself; NULL: there is none, or a NUL. */
const char *infra__sql_end_of_quote(const char *at, const char *end,
                                    bool escapes);

/* A quote in the mode of the session. */
const char *infra__sql_quote(const struct lexer *l, const char *at,
                             uint8_t *ret_code);

/* PostgreSQL: E'', B'', X'', N'', U&'' and U&""; NULL: it is none of them. */
const char *infra__sql_prefixed(const struct lexer *l, const char *at,
                                uint8_t *ret_code);

/* PostgreSQL: $tag$ ... $tag$, or a parameter. */
const char *infra__sql_dollar(const struct lexer *l, const char *at,
                              uint8_t *ret_code);

/* comments.c: does a line comment begin at @at, and where does that line
 * end? */
bool infra__sql_is_line_comment(const struct lexer *l, const char *at);
const char *infra__sql_end_of_line(const struct lexer *l, const char *at);

#endif
