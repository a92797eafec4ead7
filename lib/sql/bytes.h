/* SPDX-License-Identifier: MIT */
/* What a byte may be, and the parts of the lexer that go by it. */
#ifndef INFRA_SQL_BYTES_H
#define INFRA_SQL_BYTES_H

#include "lexer.h"

#define BLANK 1u /* Space, \t, \n, \v, \f, \r. */
#define DIGIT 2u
#define LETTER 4u   /* It begins a word. */
#define HIGH 8u     /* Above 127; a letter, too. */
#define DOLLAR 16u  /* Goes on with a word, but does not begin one. */
#define COMMENT 32u /* A comment may begin or end here. */
#define NAME (LETTER | DIGIT)
#define IN_WORD (NAME | DOLLAR)

extern const uint8_t infra__sql_classes[256];

static inline uint8_t class_of(char c)
{
    return infra__sql_classes[(unsigned char)c];
}

/* The byte at that place; NUL past the end. A NUL of the text's own is BROKEN
 * all the same. */
static inline char byte_at(const struct lexer *l, uint32_t at)
{
    return at < l->length ? l->text[at] : '\0';
}

static inline void finish(struct lexer *l, struct token *t, uint8_t kind,
                          uint32_t end)
{
    t->kind = kind;
    t->length = end - t->at;
    l->at = end;
}

static inline void broken(struct lexer *l, struct token *t)
{
    finish(l, t, TOKEN_BROKEN, l->length);
}

/* comments.c: past blanks and comments. False: a comment without an end. */
bool infra__sql_skip_blanks(struct lexer *l);
/* Does a line comment begin here, and where does that line end? */
bool infra__sql_is_line_comment(const struct lexer *l);
uint32_t infra__sql_end_of_line(const struct lexer *l, uint32_t at);

/* quotes.c: a token that begins at t->at and whose quote is at @quote. */
void infra__sql_string(struct lexer *l, struct token *t, uint32_t quote,
                       bool escapes);
void infra__sql_quoted_name(struct lexer *l, struct token *t, uint32_t quote);
void infra__sql_dollar(struct lexer *l, struct token *t);
/* Past the quote that ends what begins at @at, where a doubled one stands for
 * itself; UINT32_MAX: there is none, or a NUL. */
uint32_t infra__sql_end_of_quote(const struct lexer *l, uint32_t at, char quote,
                                 bool escapes);

#endif
