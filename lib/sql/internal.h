/* SPDX-License-Identifier: MIT */
/* One reading of a text, shared by its files:
 *
 *   lexer.c comments.c quotes.c  bytes to tokens
 *   words.c slots.c  which token is a word that rules go by
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

/* What is known of an open parenthesis: at most one of the first two. */
#define LEVEL_QUERY 1u     /* (SELECT ... */
#define LEVEL_CALL 2u      /* name(... */
#define LEVEL_WITH_LIST 4u /* Behind WITH, before the verb. */
#define LEVEL_GROUPING 8u  /* Behind GROUP BY. */

/* How the text of the statement is to be taken. */
enum attention {
    ATTENTION_ALL,
    ATTENTION_CALLS, /* It is not executed, but functions may be. */
    ATTENTION_NONE   /* It is not executed, or is no expression. */
};

/* Bytes of the text. */
struct span {
    uint32_t at;
    uint32_t length;
};

struct reader {
    struct lexer lexer;
    struct cursor at;
    const struct infra_sql *sql;
    bool is_mysql;

    /* Of the statement that is read. */
    uint8_t attention; /* enum attention. */
    uint8_t closed;    /* LEVEL_...: what the last ) closed. */
    uint8_t reason;    /* Of the first thing that a replica may not do. */
    bool has_with;
    bool is_call;      /* The next ( opens the arguments of a call. */
    bool sets_session; /* By a function. */
    bool has_objection;
    struct span object;
    struct span unknown; /* The first function that nobody knows. */
    uint32_t depth;
    uint8_t levels[LEVELS_MAX + 1]; /* The last one is of all beyond. */

    /* set_config(name, value, is_local): where its commas are. */
    uint32_t config_depth; /* 0: it is in none. */
    uint32_t config_argument;
    struct span config_name;
    struct span config_last; /* The token before. */

    /* Of the text. */
    uint32_t flags;
    struct span name;
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
/* Go on to the next token without a look at this one. */
void infra__sql_skip(struct reader *r);
/* Go on to the end of the statement. */
void infra__sql_finish(struct reader *r);
/* A replica may not do that. The first reason counts. */
void infra__sql_object(struct reader *r, uint8_t reason, struct span where);

static inline uint8_t *level_of(struct reader *r)
{
    return &r->levels[r->depth < LEVELS_MAX ? r->depth : LEVELS_MAX];
}

static inline bool is_end(const struct reader *r)
{
    return r->at.code >= TOKEN_END_OF_STATEMENT;
}

/* The token it is at. */
static inline struct span span_of(const struct reader *r)
{
    return (struct span) { .at = (uint32_t)(r->at.at - r->lexer.text),
                           .length = (uint32_t)(r->at.stop - r->at.at) };
}

/* The token behind it, and where that ends if @ret_stop is not NULL. */
uint8_t infra__sql_ahead(const struct reader *r, const char **ret_stop);

/* The same where only a word matters; else WORD_NONE. */
uint8_t infra__sql_ahead_word(const struct reader *r);

/* Go on if it is at that word. */
static inline bool accept(struct reader *r, uint8_t word)
{
    if (r->at.code != word) {
        return false;
    }
    infra__sql_advance(r);
    return true;
}

/* At the end of a statement: unless a hint says that functions are harmless,
 * the unknown one counts. */
void infra__sql_settle(struct reader *r);

/* A name without its quotes, if there is nothing else to them. */
const char *infra__sql_bare_name(const char *at, const char *stop, uint8_t code,
                                 size_t *ret_length);

/* Is the token it is at the schema of temporary tables, or one of them? */
bool infra__sql_is_temporary(const struct reader *r);

/* The token it is at is the name of the statement or cursor. */
void infra__sql_take_name(struct reader *r);

/* rules.c: a word that has a rule; a variable. */
void infra__sql_rule_word(struct reader *r);
void infra__sql_rule_variable(struct reader *r);

/* calls.c: a name in front of a parenthesis. */
void infra__sql_call(struct reader *r);
/* Inside set_config(): a comma, or its end. */
void infra__sql_config_token(struct reader *r);
/* Is it a setting by which a session could write, or is refused by a replica?
 * Flags, 0: no. */
uint32_t infra__sql_setting_flags(const struct reader *r, struct span name,
                                  uint8_t code);

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
enum effect infra__sql_function(bool is_mysql, const char *name, size_t length);

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
