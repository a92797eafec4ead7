/* SPDX-License-Identifier: MIT */
/* Blanks and comments. PostgreSQL's nest and MySQL's do not; MySQL wants a
 * blank behind two dashes, and has comments that it executes. O(length). */
#include "bytes.h"

#include <string.h>

/* A comment that the host let count: libinfra: WORD. */
static void take_hint(struct lexer *l, uint32_t at, uint32_t end)
{
    static const char prefix[] = "libinfra:";
    uint32_t size = sizeof prefix - 1;

    while (at < end && class_of(l->text[at]) & BLANK) {
        at++;
    }
    if ((l->mode & INFRA_SQL_HINTS) == 0 || end - at < size ||
        memcmp(l->text + at, prefix, size) != 0) {
        return;
    }
    at += size;
    while (at < end && class_of(l->text[at]) & BLANK) {
        at++;
    }
    uint32_t word = at;
    while (at < end && class_of(l->text[at]) & LETTER) {
        at++;
    }
    if (infra__sql_is(l->text + word, at - word, "primary")) {
        l->hint = HINT_PRIMARY;
    } else if (l->hint == HINT_NONE &&
               infra__sql_is(l->text + word, at - word, "replica")) {
        l->hint = HINT_REPLICA;
    }
}

/* Where the line ends that holds a comment. */
uint32_t infra__sql_end_of_line(const struct lexer *l, uint32_t at)
{
    const char *end = memchr(l->text + at, '\n', l->length - at);
    uint32_t stop = end != NULL ? (uint32_t)(end - l->text) : l->length;

    /* PostgreSQL ends a line at a carriage return, too. */
    if (!l->is_mysql) {
        end = memchr(l->text + at, '\r', stop - at);
        stop = end != NULL ? (uint32_t)(end - l->text) : stop;
    }
    return stop;
}

/* Past the end of a block comment whose text begins at @at; UINT32_MAX: there
 * is no end. @depth_max: how deep they nest. */
static uint32_t end_of_comment(const struct lexer *l, uint32_t at,
                               uint32_t depth_max)
{
    uint32_t depth = 1;

    while (at + 1 < l->length) {
        if (l->text[at] == '*' && l->text[at + 1] == '/') {
            at += 2;
            if (--depth == 0) {
                return at;
            }
        } else if (l->text[at] == '/' && l->text[at + 1] == '*' &&
                   depth < depth_max) {
            at += 2;
            depth++;
        } else {
            at++;
        }
    }
    return UINT32_MAX;
}

/* MySQL: the mark of an executable comment at @at, slash, star, then ! or M!
 * and a version. Its length; 0: it is none. */
static uint32_t executable_mark(const struct lexer *l, uint32_t at)
{
    uint32_t mark = at + 2;

    if (!l->is_mysql) {
        return 0;
    }
    mark += byte_at(l, mark) == 'M' ? 1 : 0;
    if (byte_at(l, mark) != '!') {
        return 0;
    }
    mark++;
    for (uint32_t i = 0; i < 6 && class_of(byte_at(l, mark)) & DIGIT; i++) {
        mark++;
    }
    return mark - at;
}

/* At slash and star. False: it has no end. */
static bool skip_block_comment(struct lexer *l)
{
    uint32_t mark = executable_mark(l, l->at);

    if (mark != 0 && l->executables_count < 2) {
        l->executables_count++;
    }
    if (mark != 0 && !l->skips_executable && !l->in_executable) {
        l->in_executable = true;
        l->at += mark;
        return true;
    }
    uint32_t from = l->at + 2;
    uint32_t end = end_of_comment(
        l, from, !l->is_mysql ? UINT32_MAX : (mark != 0 ? 2 : 1));
    if (end == UINT32_MAX) {
        return false;
    }
    take_hint(l, from, end - 2);
    l->at = end;
    return true;
}

bool infra__sql_is_line_comment(const struct lexer *l)
{
    char c = l->text[l->at];

    if (c == '#') {
        return l->is_mysql;
    }
    if (c != '-' || byte_at(l, l->at + 1) != '-') {
        return false;
    }
    return !l->is_mysql || l->at + 2 >= l->length ||
           (unsigned char)l->text[l->at + 2] <= ' ' ||
           l->text[l->at + 2] == 127;
}

bool infra__sql_skip_blanks(struct lexer *l)
{
    while (l->at < l->length) {
        char c = l->text[l->at];

        if (class_of(c) & BLANK) {
            l->at++;
        } else if ((c == '-' || c == '#') && infra__sql_is_line_comment(l)) {
            uint32_t end = infra__sql_end_of_line(l, l->at);
            take_hint(l, l->at + (c == '#' ? 1 : 2), end);
            l->at = end;
        } else if (c == '/' && byte_at(l, l->at + 1) == '*') {
            if (!skip_block_comment(l)) {
                return false;
            }
        } else if (c == '*' && l->in_executable &&
                   byte_at(l, l->at + 1) == '/') {
            l->in_executable = false;
            l->at += 2;
        } else {
            break;
        }
    }
    return true;
}
