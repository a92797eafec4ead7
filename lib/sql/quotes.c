/* SPDX-License-Identifier: MIT */
/* Strings and names in quotes. A string of PostgreSQL goes on behind a newline,
 * as the kind of string that it began. O(length). */
#include "bytes.h"

#include <string.h>

uint32_t infra__sql_end_of_quote(const struct lexer *l, uint32_t at, char quote,
                                 bool escapes)
{
    for (; at < l->length; at++) {
        char c = l->text[at];

        if (c == quote) {
            if (byte_at(l, at + 1) != quote) {
                return at + 1;
            }
            at++;
        } else if (c == '\\' && escapes) {
            at++;
        } else if (c == '\0') {
            return UINT32_MAX;
        }
    }
    return UINT32_MAX;
}

/* PostgreSQL: a string goes on behind blanks, with a newline among them; the
 * place of its next quote, or UINT32_MAX. */
static uint32_t continuation(const struct lexer *l, uint32_t at)
{
    struct lexer look = *l;
    bool has_newline = false;

    for (look.at = at; look.at < look.length;) {
        char c = look.text[look.at];
        if (class_of(c) & BLANK) {
            has_newline = has_newline || c == '\n' || c == '\r';
            look.at++;
        } else if (c == '-' && infra__sql_is_line_comment(&look)) {
            look.at = infra__sql_end_of_line(&look, look.at);
        } else {
            return c == '\'' && has_newline ? look.at : UINT32_MAX;
        }
    }
    return UINT32_MAX;
}

void infra__sql_string(struct lexer *l, struct token *t, uint32_t quote,
                       bool escapes)
{
    uint32_t end = quote;
    char mark = l->text[quote];

    for (uint32_t next = quote; next != UINT32_MAX;
         next = l->is_mysql ? UINT32_MAX : continuation(l, end)) {
        end = infra__sql_end_of_quote(l, next + 1, mark, escapes);
        if (end == UINT32_MAX) {
            broken(l, t);
            return;
        }
    }
    finish(l, t, TOKEN_STRING, end);
}

void infra__sql_quoted_name(struct lexer *l, struct token *t, uint32_t quote)
{
    char mark = l->text[quote];
    uint32_t end = infra__sql_end_of_quote(l, quote + 1, mark, false);

    if (end == UINT32_MAX) {
        broken(l, t);
        return;
    }
    finish(l, t, TOKEN_QUOTED, end);
    t->is_plain = quote == t->at &&
                  memchr(l->text + quote + 1, mark, t->length - 2) == NULL;
}

/* PostgreSQL: $tag$ ... $tag$, or a parameter. */
void infra__sql_dollar(struct lexer *l, struct token *t)
{
    uint32_t end = t->at + 1;

    if (class_of(byte_at(l, end)) & DIGIT) {
        while (class_of(byte_at(l, end)) & DIGIT) {
            end++;
        }
        finish(l, t, TOKEN_NUMBER, end);
        return;
    }
    while (class_of(byte_at(l, end)) & NAME) {
        end++;
    }
    if (byte_at(l, end) != '$') {
        finish(l, t, TOKEN_OPERATOR, t->at + 1);
        return;
    }
    uint32_t size = end + 1 - t->at;
    const char *tag = l->text + t->at;
    for (uint32_t at = end + 1; at + size <= l->length; at++) {
        const char *next = memchr(l->text + at, '$', l->length - at);
        at = next != NULL ? (uint32_t)(next - l->text) : l->length;
        if (at + size <= l->length && memcmp(l->text + at, tag, size) == 0) {
            finish(l, t, TOKEN_STRING, at + size);
            return;
        }
    }
    broken(l, t);
}
