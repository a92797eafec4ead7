/* SPDX-License-Identifier: MIT */
/* Tokens of a text of SQL. The lexer never looks back and never fails: what it
 * cannot read is one token BROKEN, and then the text is at its end. */
#ifndef INFRA_SQL_LEXER_H
#define INFRA_SQL_LEXER_H

#include <infra/sql.h>

#include "words.h"

#include <stdbool.h>

enum token_kind {
    TOKEN_END,
    TOKEN_BROKEN,
    TOKEN_WORD,   /* Bare; word says which one it is. */
    TOKEN_QUOTED, /* An identifier in quotes. */
    TOKEN_STRING, /* Also in dollar quotes, with the E, B, X, N before it. */
    TOKEN_NUMBER, /* Also a parameter: $1. */
    /* To USER, SYSTEM, OPEN and CLOSE the rules for every token apply. */
    TOKEN_USER,   /* MySQL: @name */
    TOKEN_SYSTEM, /* MySQL: @@name, @@scope.name */
    TOKEN_OPEN,   /* ( */
    TOKEN_CLOSE,  /* ) */
    TOKEN_COMMA,
    TOKEN_DOT,
    TOKEN_EQUAL,
    TOKEN_ASSIGN,           /* := */
    TOKEN_CAST,             /* :: */
    TOKEN_END_OF_STATEMENT, /* ; */
    TOKEN_OPERATOR          /* Any other byte. */
};

struct token {
    uint8_t kind;
    uint8_t word;  /* enum infra__sql_word of a WORD. */
    uint8_t tail;  /* Of a WORD with bytes above 127: what follows the last of
                     them, if that is a word. An older server or another
                     encoding may see a blank there. */
    bool is_plain; /* A WORD or QUOTED without escapes, of ASCII only. */
    uint32_t at;
    uint32_t length;
};

struct lexer {
    const char *text;
    uint32_t length;
    uint32_t at;
    uint32_t mode;
    bool is_mysql;
    bool skips_executable; /* Executable comments are comments. */
    bool in_executable;
    uint8_t executables_count; /* At most 2 are counted. */
    uint8_t hint;              /* enum infra__sql_hint. */
};

enum infra__sql_hint { HINT_NONE, HINT_PRIMARY, HINT_REPLICA };

void infra__sql_lexer_start(struct lexer *l, const struct infra_sql *sql,
                            const char *text, uint32_t length);
void infra__sql_lexer_next(struct lexer *l, struct token *ret);

/* The word that these bytes are, in any case; WORD_NONE. */
uint8_t infra__sql_word(const char *text, uint32_t length);

/* Are these bytes that lower-case text, in any case? */
bool infra__sql_is(const char *text, uint32_t length, const char *lower);

#endif
