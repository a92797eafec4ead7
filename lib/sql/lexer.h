/* SPDX-License-Identifier: MIT */
/* Tokens of a text of SQL. The lexer never looks back and never fails: what it
 * cannot read is one token BROKEN, and then the text is at its end.
 *
 * A token is one byte: the word that it is, or its kind. The common ones are
 * ended here, inline; lexer.c ends the others. */
#ifndef INFRA_SQL_LEXER_H
#define INFRA_SQL_LEXER_H

#include <infra/sql.h>

#include "bytes.h"
#include "lookup.h"

/* A copy in each loop, so that it keeps its place in registers. */
#if defined(__GNUC__)
#define INFRA__INLINE __attribute__((always_inline)) static inline
#else
#define INFRA__INLINE static inline
#endif

/* Behind the words of words.h, of which WORD_NONE is any other. */
enum infra__sql_token {
    TOKEN_HIGH = WORDS_END, /* A word with bytes above 127. */
    TOKEN_QUOTED,           /* An identifier in quotes. Up to here: names. */
    TOKEN_STRING, /* Also in dollar quotes, with the E, B, X, N before it. */
    TOKEN_NUMBER, /* Also a parameter: $1. */
    TOKEN_USER,   /* MySQL: @name */
    TOKEN_SYSTEM, /* MySQL: @@name, @@scope.name */
    TOKEN_OPEN,   /* ( */
    TOKEN_CLOSE,  /* ) */
    TOKEN_COMMA,
    TOKEN_DOT,
    TOKEN_EQUAL,
    TOKEN_ASSIGN,   /* := */
    TOKEN_CAST,     /* :: */
    TOKEN_OPERATOR, /* Any other byte. */
    /* From here on the statement is at its end. */
    TOKEN_END_OF_STATEMENT, /* ; */
    TOKEN_BROKEN,
    TOKEN_END,
    /* What begins with a byte that is not a token of its own. */
    BEGINS_WORD,
    BEGINS_NUMBER,
    BEGINS_DOT,
    BEGINS_OTHER
};

struct lexer {
    const char *text;
    const char *end;
    uint32_t mode;
    bool is_mysql;
    bool skips_executable; /* Executable comments are comments. */
    bool in_executable;
    uint8_t executables_count; /* At most 2 are counted. */
    uint8_t hint;              /* enum infra__sql_hint. */
};

enum infra__sql_hint { HINT_NONE, HINT_PRIMARY, HINT_REPLICA };

/* A place in the text: a token, those before it, and where the next begins. The
 * pointers that each token changes are no neighbours: compilers would store two
 * as one vector, which is slow to read again. */
struct cursor {
    const char *next;   /* The next token; blanks and comments are skipped. */
    char ahead;         /* The byte there; NUL at the end. */
    uint8_t code;       /* enum infra__sql_token of the one it is at, */
    uint8_t prev;       /* of the one before, */
    uint8_t prev2;      /* and of that before it. */
    const char *at;     /* The token it is at. */
    const char *schema; /* What stood in front of the last dot, */
    const char *schema_stop; /* and its end. */
    const char *stop;        /* Where the token ends that it is at. */
};

/* By its first byte: a token, or BEGINS_... */
extern const uint8_t infra__sql_starts[256];

/* The token that begins at @at, whatever it is. Its end. */
const char *infra__sql_token(const struct lexer *l, const char *at,
                             uint8_t *ret_code);

/* comments.c: past blanks and comments; where a comment begins that has no
 * end. */
const char *infra__sql_skip_blanks(struct lexer *l, const char *at);

/* A word of ASCII at @at. Its end, and the class of the byte there. If that is
 * one of these, it is none, but E'', U&"" or a word with bytes above 127. */
#define ODD_WORD (HIGH | PREFIXED)
INFRA__INLINE const char *infra__sql_read_word(const struct lexer *l,
                                               const char *at, bool wants_words,
                                               uint8_t *ret_code,
                                               uint8_t *ret_class)
{
    const char *end = l->end;
    const char *stop = at + 1;
    uint8_t class = class_at(stop, end);

    while (class & (LETTER | DIGIT)) {
        class = class_at(++stop, end);
    }
    *ret_class = class;
    *ret_code = WORD_NONE;
    if (wants_words) {
        *ret_code = infra__sql_word(at, (size_t)(stop - at),
                                    infra__sql_up_to_eight(at, l->text, end));
    }
    return stop;
}

/* To the next token. What is seldom is left to infra__sql_token(). */
INFRA__INLINE void infra__sql_step(struct lexer *l, struct cursor *c,
                                   bool wants_words)
{
    const char *end = l->end;
    const char *at = c->next;
    const char *stop = at + 1;
    uint8_t code = infra__sql_starts[(unsigned char)c->ahead];
    uint8_t prev = c->code;
    uint8_t class = 0;
    bool is_odd = code == BEGINS_OTHER;

    if (code == BEGINS_WORD) {
        stop = infra__sql_read_word(l, at, wants_words, &code, &class);
        is_odd = (class & ODD_WORD) != 0;
    } else if (code == BEGINS_NUMBER) {
        class = class_at(stop, end);
        while (class & DIGIT) {
            class = class_at(++stop, end);
        }
        code = TOKEN_NUMBER;
        is_odd = (class & (LETTER | HIGH | DOT)) != 0;
    } else if (code == BEGINS_DOT) {
        class = class_at(stop, end);
        code = TOKEN_DOT;
        is_odd = (class & DIGIT) != 0;
        c->schema = c->at;
        c->schema_stop = c->stop;
    } else if (code < BEGINS_WORD) {
        class = class_at(stop, end);
    }
    if (is_odd) {
        uint8_t other;
        stop = infra__sql_token(l, at, &other);
        code = other;
        class = class_at(stop, end);
    }
    const char *next = stop;
    while (class & BLANK) {
        class = class_at(++next, end);
    }
    if ((class & COMMENT) != 0 && (*next != '*' || l->in_executable)) {
        next = infra__sql_skip_blanks(l, next);
    }
    char ahead = byte_at(next, end);
    c->next = next;
    c->ahead = ahead;
    c->code = code;
    c->prev2 = c->prev;
    c->prev = prev;
    c->at = at;
    c->stop = stop;
}

#endif
