/* SPDX-License-Identifier: MIT */
/* Strings and names in quotes. A string of PostgreSQL goes on behind a newline,
 * as the kind of string that it began. O(length). */
#include "quotes.h"

#include <string.h>

const char *infra__sql_end_of_quote(const char *at, const char *end,
                                    bool escapes)
{
    char mark = *at++;

    for (; at < end; at++) {
        if ((class_of(*at) & QUOTE) == 0) {
            continue;
        }
        if (*at == mark) {
            if (byte_at(at + 1, end) != mark) {
                return at + 1;
            }
            at++;
        } else if (*at == '\\' && escapes) {
            if (++at == end) {
                break;
            }
        } else if (*at == '\0') {
            return NULL;
        }
    }
    return NULL;
}

/* PostgreSQL: a string goes on behind blanks, with a newline among them; the
 * place of its next quote, or NULL. */
static const char *continuation(const struct lexer *l, const char *at)
{
    bool has_newline = false;

    while (at < l->end) {
        if (class_of(*at) & BLANK) {
            has_newline = has_newline || *at == '\n' || *at == '\r';
            at++;
        } else if (*at == '-' && infra__sql_is_line_comment(l, at)) {
            at = infra__sql_end_of_line(l, at);
        } else {
            return *at == '\'' && has_newline ? at : NULL;
        }
    }
    return NULL;
}

/* With its continuations. NULL: it has no end. */
static const char *end_of_string(const struct lexer *l, const char *at,
                                 bool escapes)
{
    const char *stop = infra__sql_end_of_quote(at, l->end, escapes);

    while (stop != NULL && !l->is_mysql) {
        const char *next = continuation(l, stop);
        if (next == NULL) {
            break;
        }
        stop = infra__sql_end_of_quote(next, l->end, escapes);
    }
    return stop;
}

const char *infra__sql_quote(const struct lexer *l, const char *at,
                             uint8_t *ret_code)
{
    bool is_name = *at == '`' ||
                   (*at == '"' &&
                    (!l->is_mysql || (l->mode & INFRA_SQL_ANSI_QUOTES) != 0));
    uint32_t escapes = l->is_mysql ? ~l->mode & INFRA_SQL_NO_BACKSLASH_ESCAPES
                                   : l->mode & INFRA_SQL_BACKSLASH_ESCAPES;
    const char *stop = is_name ? infra__sql_end_of_quote(at, l->end, false)
                               : end_of_string(l, at, escapes != 0);

    *ret_code = is_name ? TOKEN_QUOTED : TOKEN_STRING;
    return infra__sql_whole(l, stop, ret_code);
}

const char *infra__sql_prefixed(const struct lexer *l, const char *at,
                                uint8_t *ret_code)
{
    char letter = (char)(*at | 0x20);
    const char *quote = at + 1;

    *ret_code = TOKEN_STRING;
    if (letter == 'u' && *quote == '&') {
        quote++;
        if (byte_at(quote, l->end) == '"') {
            *ret_code = TOKEN_QUOTED;
            return infra__sql_whole(
                l, infra__sql_end_of_quote(quote, l->end, false), ret_code);
        }
    } else if (letter != 'e' && letter != 'b' && letter != 'x' &&
               letter != 'n') {
        return NULL;
    }
    if (byte_at(quote, l->end) != '\'') {
        return NULL;
    }
    bool escapes =
        letter == 'e' ||
        (letter == 'n' && (l->mode & INFRA_SQL_BACKSLASH_ESCAPES) != 0);
    return infra__sql_whole(l, end_of_string(l, quote, escapes), ret_code);
}

const char *infra__sql_dollar(const struct lexer *l, const char *at,
                              uint8_t *ret_code)
{
    const char *stop = at + 1;

    *ret_code = TOKEN_NUMBER;
    if (class_at(stop, l->end) & DIGIT) {
        while (class_at(stop, l->end) & DIGIT) {
            stop++;
        }
        return stop;
    }
    while ((class_at(stop, l->end) & IN_WORD) != 0 && *stop != '$') {
        stop++;
    }
    if (byte_at(stop, l->end) != '$') {
        *ret_code = TOKEN_OPERATOR;
        return at + 1;
    }
    size_t size = (size_t)(stop + 1 - at);
    const char *next = stop + 1;
    *ret_code = TOKEN_STRING;
    while ((size_t)(l->end - next) >= size) {
        next = memchr(next, '$', (size_t)(l->end - next));
        if (next == NULL || (size_t)(l->end - next) < size) {
            break;
        }
        if (memcmp(next, at, size) == 0) {
            return next + size;
        }
        next++;
    }
    return infra__sql_whole(l, NULL, ret_code);
}
