/* SPDX-License-Identifier: MIT */
/* One reading of a text, shared by its files:
 *
 *   lexer.c comments.c quotes.c words.c  bytes to tokens
 *   reader.c     the next token, and what parentheses are around it
 *   rules.c      the rules that hold for every token
 *   calls.c      which names are calls of functions
 *   functions_*.c, functions.c  what a function does
 *   verbs.c      which verb begins a statement, and what that makes of it
 *   verbs_set.c verbs_show.c verbs_transaction.c ...  verbs with much to say
 *   classify.c   statement by statement, and the answer */
#ifndef INFRA_SQL_INTERNAL_H
#define INFRA_SQL_INTERNAL_H

#include "lexer.h"

#define LEVELS_MAX \
    64u /* Parentheses of which more is known than their depth. */

/* What an open parenthesis is. */
enum paren {
    PAREN_PLAIN,
    PAREN_QUERY,    /* (SELECT ... */
    PAREN_CALL,     /* name(... */
    PAREN_DISTINCT, /* DISTINCT ON (... */
};

struct level {
    uint8_t paren;
    bool is_with_list; /* Behind WITH, before the verb. */
    bool is_grouping;  /* Behind GROUP BY. */
};

/* How the text of the statement is to be taken. */
enum attention {
    ATTENTION_ALL,
    ATTENTION_CALLS, /* It is not executed, but functions may be. */
    ATTENTION_NONE   /* It is not executed, or is no expression. */
};

struct reader {
    struct lexer lexer;
    const struct infra_sql *sql;
    bool is_mysql;
    struct token prev2;
    struct token prev;
    struct token at;    /* Where it is. */
    struct token ahead; /* What comes next. */

    /* Of the statement that is read. */
    uint8_t attention; /* enum attention. */
    uint8_t closed;    /* enum paren: what the last ) closed. */
    bool has_with;
    bool is_call;      /* The next ( opens the arguments of a call. */
    bool sets_session; /* By a function. */
    uint8_t reason;    /* Of the first thing that a replica may not do. */
    bool has_objection;
    struct token object;
    struct token unknown; /* The first function that nobody knows. */
    uint32_t depth;
    struct level levels[LEVELS_MAX + 1]; /* The last one is of all beyond. */

    /* set_config(name, value, is_local): where its commas are. */
    uint32_t config_depth; /* 0: it is in none. */
    uint32_t config_argument;
    struct token config_name;

    /* Of the text. */
    uint32_t flags;
    struct token name;
};

/* reader.c */
void infra__sql_reader_start(struct reader *r, const struct infra_sql *sql,
                             const char *text, uint32_t length,
                             bool skips_executable);
/* Begin a statement at the token it is at. */
void infra__sql_statement_start(struct reader *r);
/* Go on to the first token of the next statement; false: there is none. */
bool infra__sql_next_statement(struct reader *r);
/* Look at the token it is at, and go on to the next, if the statement has
 * one. */
void infra__sql_advance(struct reader *r);
/* Go on to the end of the statement. */
void infra__sql_finish(struct reader *r);
/* A replica may not do that. The first reason counts. */
void infra__sql_object(struct reader *r, uint8_t reason, const struct token *t);

static inline struct level *level_of(struct reader *r)
{
    return &r->levels[r->depth < LEVELS_MAX ? r->depth : LEVELS_MAX];
}

static inline bool is_end(const struct reader *r)
{
    return r->at.kind <= TOKEN_BROKEN || r->at.kind == TOKEN_END_OF_STATEMENT;
}

/* Go on if it is at that word. */
static inline bool accept(struct reader *r, uint8_t word)
{
    if (r->at.word != word || r->at.kind != TOKEN_WORD) {
        return false;
    }
    infra__sql_advance(r);
    return true;
}

/* At the end of a statement: unless a hint says that functions are harmless,
 * the unknown one counts. */
void infra__sql_settle(struct reader *r);

/* Is that token these bytes, in any case? For words that are names. */
bool infra__sql_token_is(const struct reader *r, const struct token *t,
                         const char *lower);

/* Is it the schema of temporary tables, or one of them? */
bool infra__sql_is_temporary(const struct reader *r, const struct token *t);

/* The token it is at is the name of the statement or cursor. */
void infra__sql_take_name(struct reader *r);

/* rules.c: a word, perhaps a label or part of a longer name; a variable. */
void infra__sql_rule_word(struct reader *r, bool is_label);
void infra__sql_rule_variable(struct reader *r);

/* calls.c: a name in front of a parenthesis. */
void infra__sql_call(struct reader *r);
/* Inside set_config(): a comma, or its end. */
void infra__sql_config_token(struct reader *r);
/* Is it a setting by which a session could write, or is refused by a replica?
 * Flags, 0: no. */
uint32_t infra__sql_setting_flags(const struct reader *r,
                                  const struct token *name);

/* functions.c: what a built-in function does. */
enum effect {
    EFFECT_UNKNOWN,
    EFFECT_HARMLESS,
    EFFECT_WRITES, /* Or depends on connection or node: the primary. */
    EFFECT_SEQUENCE,
    EFFECT_LOCK, /* Until the session gives it back. */
    EFFECT_NODE,
    EFFECT_FOLLOWS,
    EFFECT_CONFIG, /* set_config() */
    EFFECT_SESSION /* setseed() */
};
enum effect infra__sql_function(bool is_mysql, const char *name,
                                uint32_t length);

/* verbs.c: read one statement; its kind. */
uint8_t infra__sql_statement(struct reader *r, uint8_t *ret_reason);
/* The rest is a statement of its own: EXPLAIN ANALYZE, PREPARE ... AS. */
uint8_t infra__sql_inner(struct reader *r, uint8_t *ret_reason);
uint8_t infra__sql_set(struct reader *r, uint8_t *ret_reason);
uint8_t infra__sql_reset(struct reader *r, uint8_t *ret_reason);
uint8_t infra__sql_show(struct reader *r, uint8_t *ret_reason);
uint8_t infra__sql_explain(struct reader *r, uint8_t *ret_reason);
uint8_t infra__sql_copy(struct reader *r, uint8_t *ret_reason);
uint8_t infra__sql_begin(struct reader *r, uint8_t *ret_reason);
uint8_t infra__sql_end(struct reader *r, uint8_t *ret_reason);

#endif
