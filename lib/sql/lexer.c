/* SPDX-License-Identifier: MIT */
/* Tokens of both dialects, as PostgreSQL's scan.l and MySQL's sql_lex.cc end
 * them. O(length). */
#include "bytes.h"

#define X4(c) c, c, c, c
#define X16(c) X4(c), X4(c), X4(c), X4(c)
#define X26(c) X16(c), X4(c), X4(c), c, c
const uint8_t infra__sql_classes[256] = {
    /* 0 */ X4(0),
    X4(0),
    0,
    BLANK,
    BLANK,
    BLANK,
    BLANK,
    BLANK,
    0,
    0,
    /* 16 */ X16(0),
    /* 32 */ BLANK,
    0,
    0,
    COMMENT,
    DOLLAR,
    0,
    0,
    0,
    0,
    0,
    COMMENT,
    0,
    0,
    COMMENT,
    0,
    COMMENT,
    /* 48 */ X4(DIGIT),
    X4(DIGIT),
    DIGIT,
    DIGIT,
    X4(0),
    0,
    0,
    /* 64 */ 0,
    X26(LETTER),
    X4(0),
    LETTER,
    /* 96 */ 0,
    X26(LETTER),
    X4(0),
    0,
    /* 128 */ X16(LETTER | HIGH),
    X16(LETTER | HIGH),
    X16(LETTER | HIGH),
    X16(LETTER | HIGH),
    X16(LETTER | HIGH),
    X16(LETTER | HIGH),
    X16(LETTER | HIGH),
    X16(LETTER | HIGH)
};

void infra__sql_lexer_start(struct lexer *l, const struct infra_sql *sql,
                            const char *text, uint32_t length)
{
    *l = (struct lexer) { .text = text,
                          .length = length,
                          .mode = sql->mode,
                          .is_mysql = sql->dialect != INFRA_SQL_POSTGRESQL };
}

/* Past an exponent behind the digits that end at @at; @at if there is none. */
static uint32_t end_of_exponent(const struct lexer *l, uint32_t at)
{
    char sign = byte_at(l, at + 1);
    uint32_t digits = at + (sign == '+' || sign == '-' ? 2 : 1);

    if ((byte_at(l, at) | 0x20) != 'e' ||
        (class_of(byte_at(l, digits)) & DIGIT) == 0) {
        return at;
    }
    while (class_of(byte_at(l, digits)) & DIGIT) {
        digits++;
    }
    return digits;
}

/* A number; in MySQL also a name that begins with a digit. */
static void number(struct lexer *l, struct token *t)
{
    bool is_name = l->is_mysql;
    uint32_t end = t->at;

    while (class_of(byte_at(l, end)) & DIGIT || byte_at(l, end) == '.') {
        is_name = is_name && byte_at(l, end) != '.';
        end++;
    }
    uint32_t digits = end_of_exponent(l, end);
    is_name = is_name && digits == end;
    end = digits;
    if (is_name) {
        while (class_of(byte_at(l, end)) & IN_WORD) {
            end++;
        }
    }
    t->is_plain = true;
    finish(l, t, end > digits ? TOKEN_WORD : TOKEN_NUMBER, end);
}

/* PostgreSQL: E'', B'', X'', N'', U&'' and U&"". */
static bool prefixed(struct lexer *l, struct token *t)
{
    char letter = (char)(l->text[t->at] | 0x20);
    uint32_t quote = t->at + 1;

    if (letter == 'u' && byte_at(l, quote) == '&') {
        quote++;
        if (byte_at(l, quote) == '"') {
            infra__sql_quoted_name(l, t, quote);
            return true;
        }
    } else if (letter != 'e' && letter != 'b' && letter != 'x' &&
               letter != 'n') {
        return false;
    }
    if (byte_at(l, quote) != '\'') {
        return false;
    }
    infra__sql_string(
        l, t, quote,
        letter == 'e' ||
            (letter == 'n' && (l->mode & INFRA_SQL_BACKSLASH_ESCAPES) != 0));
    return true;
}

/* What stands behind the last byte above 127 of a word. */
static uint8_t tail_of(const struct lexer *l, uint32_t at, uint32_t end)
{
    uint32_t tail = end;

    while (tail > at && (class_of(l->text[tail - 1]) & HIGH) == 0) {
        tail--;
    }
    return tail < end ? infra__sql_word(l->text + tail, end - tail) : WORD_NONE;
}

static void word(struct lexer *l, struct token *t)
{
    const char *from = l->text + t->at;
    const char *end = l->text + l->length;
    const char *at = from;
    uint8_t seen = 0;

    char next = byte_at(l, t->at + 1);
    if ((next == '\'' || next == '&') && !l->is_mysql && prefixed(l, t)) {
        return;
    }
    for (uint8_t c; at < end && ((c = class_of(*at)) & IN_WORD) != 0; at++) {
        seen |= c;
    }
    finish(l, t, TOKEN_WORD, (uint32_t)(at - l->text));
    t->is_plain = (seen & HIGH) == 0;
    if (t->is_plain) {
        t->word = infra__sql_word(from, t->length);
    } else {
        t->tail = tail_of(l, t->at, l->at);
    }
}

/* MySQL: @name, @'name', @@name. */
static void variable(struct lexer *l, struct token *t)
{
    bool is_system = byte_at(l, t->at + 1) == '@';
    uint32_t end = t->at + (is_system ? 2 : 1);
    char quote = byte_at(l, end);

    if (quote == '`' || quote == '\'' || quote == '"') {
        end = infra__sql_end_of_quote(
            l, end + 1, quote,
            quote != '`' && (l->mode & INFRA_SQL_NO_BACKSLASH_ESCAPES) == 0);
        if (end == UINT32_MAX) {
            broken(l, t);
            return;
        }
    } else {
        while (class_of(byte_at(l, end)) & IN_WORD || byte_at(l, end) == '.') {
            end++;
        }
    }
    finish(l, t, is_system ? TOKEN_SYSTEM : TOKEN_USER, end);
}

/* A quote in the mode of the session. */
static void quote(struct lexer *l, struct token *t, char c)
{
    if (c == '`' || (c == '"' && (!l->is_mysql ||
                                  (l->mode & INFRA_SQL_ANSI_QUOTES) != 0))) {
        infra__sql_quoted_name(l, t, t->at);
        return;
    }
    infra__sql_string(l, t, t->at,
                      l->is_mysql
                          ? (l->mode & INFRA_SQL_NO_BACKSLASH_ESCAPES) == 0
                          : (l->mode & INFRA_SQL_BACKSLASH_ESCAPES) != 0);
}

static void sign(struct lexer *l, struct token *t, char c)
{
    char next = byte_at(l, t->at + 1);

    if (c == ':' && (next == ':' || next == '=')) {
        finish(l, t, next == ':' ? TOKEN_CAST : TOKEN_ASSIGN, t->at + 2);
        return;
    }
    uint8_t kind = TOKEN_OPERATOR;
    switch (c) {
    case '(':
        kind = TOKEN_OPEN;
        break;
    case ')':
        kind = TOKEN_CLOSE;
        break;
    case ',':
        kind = TOKEN_COMMA;
        break;
    case '.':
        kind = TOKEN_DOT;
        break;
    case ';':
        kind = TOKEN_END_OF_STATEMENT;
        break;
    case '=':
        kind = TOKEN_EQUAL;
        break;
    default:
        break;
    }
    finish(l, t, kind, t->at + 1);
}

void infra__sql_lexer_next(struct lexer *l, struct token *t)
{
    uint8_t kind = 0;

    while (l->at < l->length &&
           ((kind = class_of(l->text[l->at])) & BLANK) != 0) {
        l->at++;
    }
    *t = (struct token) { .at = l->at };
    if ((kind & COMMENT) != 0 && l->at < l->length) {
        bool is_whole = infra__sql_skip_blanks(l);
        t->at = l->at;
        if (!is_whole) {
            broken(l, t);
            return;
        }
    }
    if (l->at >= l->length) {
        finish(l, t, l->in_executable ? TOKEN_BROKEN : TOKEN_END, l->length);
        return;
    }
    char c = l->text[l->at];
    kind = class_of(c);
    if (kind & LETTER) {
        word(l, t);
    } else if (kind & DIGIT ||
               (c == '.' && class_of(byte_at(l, l->at + 1)) & DIGIT)) {
        number(l, t);
    } else if (c == '\'' || c == '"' || (c == '`' && l->is_mysql)) {
        quote(l, t, c);
    } else if (c == '$' && !l->is_mysql) {
        infra__sql_dollar(l, t);
    } else if (c == '$') {
        word(l, t);
    } else if (c == '@' && l->is_mysql) {
        variable(l, t);
    } else if (c == '\0') {
        broken(l, t);
    } else {
        sign(l, t, c);
    }
}
