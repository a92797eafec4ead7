/* SPDX-License-Identifier: MIT */
/* Tokens of both dialects, as PostgreSQL's scan.l and MySQL's sql_lex.cc end
 * them. O(length). */
#include "lexer.h"

#include "quotes.h"

#define X4(c) c, c, c, c
#define X16(c) X4(c), X4(c), X4(c), X4(c)
#define X26(c) X16(c), X4(c), X4(c), c, c
#define X32(c) X16(c), X16(c)
#define X128(c) X32(c), X32(c), X32(c), X32(c)
/* clang-format off */
const uint8_t infra__sql_classes[256] = {
    /* NUL */ QUOTE, X4(0), X4(0),
    /* \t \n \v \f \r */ BLANK, X4(BLANK),
    /* 14 */ X16(0), 0, 0,
    /*   ! " # */ BLANK, 0, QUOTE, COMMENT,
    /* $ % & ' */ LETTER, 0, PREFIXED, PREFIXED | QUOTE,
    /* ( ) * + */ 0, 0, COMMENT, 0,
    /* , - . / */ 0, COMMENT, DOT, COMMENT,
    /* 0 to 9  */ X4(DIGIT), X4(DIGIT), DIGIT, DIGIT,
    /* : to @  */ X4(0), 0, 0, 0,
    /* A to Z  */ X26(LETTER),
    /* [ \ ] ^ */ 0, QUOTE, 0, 0,
    /* _ `     */ LETTER, QUOTE,
    /* a to z  */ X26(LETTER),
    /* { to DEL*/ X4(0), 0,
    /* 128     */ X128(HIGH),
};

const uint8_t infra__sql_starts[256] = {
    /* NUL */ BEGINS_OTHER, X4(TOKEN_OPERATOR), X4(TOKEN_OPERATOR),
    /* Blanks are skipped. */
    X4(TOKEN_OPERATOR), TOKEN_OPERATOR,
    /* 14 */ X16(TOKEN_OPERATOR), TOKEN_OPERATOR, TOKEN_OPERATOR,
    /*   ! " # */ TOKEN_OPERATOR, TOKEN_OPERATOR, BEGINS_OTHER, TOKEN_OPERATOR,
    /* $ % & ' */ BEGINS_OTHER, TOKEN_OPERATOR, TOKEN_OPERATOR, BEGINS_OTHER,
    /* ( ) * + */ TOKEN_OPEN, TOKEN_CLOSE, TOKEN_OPERATOR, TOKEN_OPERATOR,
    /* , - . / */ TOKEN_COMMA, TOKEN_OPERATOR, BEGINS_DOT, BEGINS_OTHER,
    /* 0 to 9  */ X4(BEGINS_NUMBER), X4(BEGINS_NUMBER), BEGINS_NUMBER,
    BEGINS_NUMBER,
    /* : ; < = */ BEGINS_OTHER, TOKEN_END_OF_STATEMENT, TOKEN_OPERATOR,
    TOKEN_EQUAL,
    /* > ? @   */ TOKEN_OPERATOR, TOKEN_OPERATOR, BEGINS_OTHER,
    /* A to Z  */ X26(BEGINS_WORD),
    /* [ \ ] ^ */ X4(TOKEN_OPERATOR),
    /* _ `     */ BEGINS_WORD, BEGINS_OTHER,
    /* a to z  */ X26(BEGINS_WORD),
    /* { to DEL*/ X4(TOKEN_OPERATOR), TOKEN_OPERATOR,
    /* 128     */ X128(BEGINS_OTHER),
};
/* clang-format on */

/* Past an exponent behind the digits that end at @at; @at if there is none. */
static const char *end_of_exponent(const char *at, const char *end)
{
    char sign = at < end ? byte_at(at + 1, end) : '\0';
    const char *digits = at + (sign == '+' || sign == '-' ? 2 : 1);

    if ((byte_at(at, end) | 0x20) != 'e' ||
        (class_at(digits, end) & DIGIT) == 0) {
        return at;
    }
    while (class_at(digits, end) & DIGIT) {
        digits++;
    }
    return digits;
}

/* A number; in MySQL also a name that begins with a digit. */
static const char *number(const struct lexer *l, const char *at,
                          uint8_t *ret_code)
{
    bool is_name = l->is_mysql;
    const char *stop = at;

    while (class_at(stop, l->end) & (DIGIT | DOT)) {
        is_name = is_name && *stop != '.';
        stop++;
    }
    const char *digits = end_of_exponent(stop, l->end);
    is_name = is_name && digits == stop;
    stop = digits;
    while (is_name && (class_at(stop, l->end) & IN_WORD) != 0) {
        stop++;
    }
    *ret_code = stop > digits ? WORD_NONE : TOKEN_NUMBER;
    return stop;
}

/* A word; in PostgreSQL also what begins with a letter and goes on in
 * quotes. */
static const char *word(const struct lexer *l, const char *at,
                        uint8_t *ret_code)
{
    const char *stop = at + 1;
    uint8_t seen = class_of(*at);

    if ((class_at(stop, l->end) & PREFIXED) != 0 && !l->is_mysql) {
        stop = infra__sql_prefixed(l, at, ret_code);
        if (stop != NULL) {
            return stop;
        }
        stop = at + 1;
    }
    for (uint8_t c; ((c = class_at(stop, l->end)) & IN_WORD) != 0; stop++) {
        seen |= c;
    }
    *ret_code = (seen & HIGH) != 0
                    ? (uint8_t)TOKEN_HIGH
                    : infra__sql_last_word(at, (size_t)(stop - at));
    return stop;
}

/* MySQL: @name, @'name', @@name. */
static const char *variable(const struct lexer *l, const char *at,
                            uint8_t *ret_code)
{
    bool is_system = byte_at(at + 1, l->end) == '@';
    const char *stop = at + (is_system ? 2 : 1);
    char quote = byte_at(stop, l->end);

    *ret_code = is_system ? TOKEN_SYSTEM : TOKEN_USER;
    if (quote == '`' || quote == '\'' || quote == '"') {
        stop = infra__sql_end_of_quote(
            stop, l->end,
            quote != '`' && (l->mode & INFRA_SQL_NO_BACKSLASH_ESCAPES) == 0);
        return infra__sql_whole(l, stop, ret_code);
    }
    while (class_at(stop, l->end) & (IN_WORD | DOT)) {
        stop++;
    }
    return stop;
}

/* A sign that is not always one of its own. */
static const char *sign(const struct lexer *l, const char *at,
                        uint8_t *ret_code)
{
    char next = byte_at(at + 1, l->end);

    *ret_code = TOKEN_OPERATOR;
    if (*at == ':' && (next == ':' || next == '=')) {
        *ret_code = next == ':' ? TOKEN_CAST : TOKEN_ASSIGN;
        return at + 2;
    }
    /* A comment that has an end is skipped before. */
    if (*at == '/' && next == '*') {
        return infra__sql_whole(l, NULL, ret_code);
    }
    if (*at == '.') {
        *ret_code = TOKEN_DOT;
    }
    return at + 1;
}

const char *infra__sql_token(const struct lexer *l, const char *at,
                             uint8_t *ret_code)
{
    uint8_t class = class_at(at, l->end);
    char c = byte_at(at, l->end);

    if (at == l->end && !l->in_executable) {
        *ret_code = TOKEN_END;
        return at;
    }
    if (c == '\0') {
        return infra__sql_whole(l, NULL, ret_code);
    }
    if (c == '\'' || c == '"' || (c == '`' && l->is_mysql)) {
        return infra__sql_quote(l, at, ret_code);
    }
    if (c == '$' && !l->is_mysql) {
        return infra__sql_dollar(l, at, ret_code);
    }
    if (class & (LETTER | HIGH)) {
        return word(l, at, ret_code);
    }
    if ((class & DIGIT) != 0 ||
        (c == '.' && (class_at(at + 1, l->end) & DIGIT) != 0)) {
        return number(l, at, ret_code);
    }
    if (c == '@' && l->is_mysql) {
        return variable(l, at, ret_code);
    }
    uint8_t sure = infra__sql_starts[(unsigned char)c];
    if (sure < BEGINS_WORD) {
        *ret_code = sure;
        return at + 1;
    }
    return sign(l, at, ret_code);
}
