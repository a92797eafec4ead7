/* SPDX-License-Identifier: MIT */
/* Blanks and comments. PostgreSQL's nest and MySQL's do not; MySQL wants a
 * blank behind two dashes, and has comments that it executes. O(length). */
#include "lexer.h"

#include "quotes.h"

#include <string.h>

static const char *past_blanks(const char *at, const char *end)
{
    while (class_at(at, end) & BLANK) {
        at++;
    }
    return at;
}

/* A comment that the host let count: libinfra: WORD. */
static void take_hint(struct lexer *l, const char *at, const char *end)
{
    static const char prefix[] = "libinfra:";
    size_t size = sizeof prefix - 1;

    if ((l->mode & INFRA_SQL_HINTS) == 0) {
        return;
    }
    at = past_blanks(at, end);
    if ((size_t)(end - at) < size || memcmp(at, prefix, size) != 0) {
        return;
    }
    at = past_blanks(at + size, end);
    const char *word = at;
    while ((class_at(at, end) & (LETTER | HIGH)) != 0 && *at != '$') {
        at++;
    }
    if (infra__sql_is(word, (size_t)(at - word), "primary")) {
        l->hint = HINT_PRIMARY;
    } else if (l->hint == HINT_NONE &&
               infra__sql_is(word, (size_t)(at - word), "replica")) {
        l->hint = HINT_REPLICA;
    }
}

const char *infra__sql_end_of_line(const struct lexer *l, const char *at)
{
    const char *stop = memchr(at, '\n', (size_t)(l->end - at));

    stop = stop != NULL ? stop : l->end;
    /* PostgreSQL ends a line at a carriage return, too. */
    if (!l->is_mysql) {
        const char *carriage = memchr(at, '\r', (size_t)(stop - at));
        stop = carriage != NULL ? carriage : stop;
    }
    return stop;
}

/* Past the end of a block comment whose text begins at @at; NULL: there is no
 * end. @depth_max: how deep they nest. */
static const char *end_of_comment(const char *at, const char *end,
                                  uint32_t depth_max)
{
    uint32_t depth = 1;

    while (end - at > 1) {
        if (at[0] == '*' && at[1] == '/') {
            at += 2;
            if (--depth == 0) {
                return at;
            }
        } else if (at[0] == '/' && at[1] == '*' && depth < depth_max) {
            at += 2;
            depth++;
        } else {
            at++;
        }
    }
    return NULL;
}

/* MySQL: past the mark of an executable comment at @at, slash, star, then ! or
 * M! and a version; NULL: it is none. */
static const char *past_mark(const struct lexer *l, const char *at)
{
    at += 2;
    if (!l->is_mysql) {
        return NULL;
    }
    at += byte_at(at, l->end) == 'M' ? 1 : 0;
    if (byte_at(at, l->end) != '!') {
        return NULL;
    }
    at++;
    for (int i = 0; i < 6 && (class_at(at, l->end) & DIGIT) != 0; i++) {
        at++;
    }
    return at;
}

/* At slash and star. NULL: it has no end. */
static const char *past_block_comment(struct lexer *l, const char *at)
{
    const char *mark = past_mark(l, at);

    if (mark != NULL && l->executables_count < 2) {
        l->executables_count++;
    }
    if (mark != NULL && !l->skips_executable && !l->in_executable) {
        l->in_executable = true;
        return mark;
    }
    const char *stop = end_of_comment(
        at + 2, l->end, !l->is_mysql ? UINT32_MAX : (mark != NULL ? 2 : 1));
    if (stop != NULL) {
        take_hint(l, at + 2, stop - 2);
    }
    return stop;
}

bool infra__sql_is_line_comment(const struct lexer *l, const char *at)
{
    if (*at == '#') {
        return l->is_mysql;
    }
    if (*at != '-' || byte_at(at + 1, l->end) != '-') {
        return false;
    }
    return !l->is_mysql || l->end - at <= 2 || (unsigned char)at[2] <= ' ' ||
           at[2] == 127;
}

const char *infra__sql_skip_blanks(struct lexer *l, const char *at)
{
    while (at < l->end) {
        char c = *at;

        if (class_of(c) & BLANK) {
            at++;
        } else if ((c == '-' || c == '#') &&
                   infra__sql_is_line_comment(l, at)) {
            const char *stop = infra__sql_end_of_line(l, at);
            take_hint(l, at + (c == '#' ? 1 : 2), stop);
            at = stop;
        } else if (c == '/' && byte_at(at + 1, l->end) == '*') {
            const char *stop = past_block_comment(l, at);
            if (stop == NULL) {
                break;
            }
            at = stop;
        } else if (c == '*' && l->in_executable &&
                   byte_at(at + 1, l->end) == '/') {
            l->in_executable = false;
            at += 2;
        } else {
            break;
        }
    }
    return at;
}
