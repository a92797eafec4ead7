/* SPDX-License-Identifier: MIT */
/* Token by token, with the depth of parentheses and what each is. Verbs ask for
 * tokens here, so that none escapes the rules (rules.c, calls.c). O(1) a
 * token. */
#include "internal.h"

#include <string.h>

void infra__sql_reader_start(struct reader *r, const struct infra_sql *sql,
                             const char *text, uint32_t length,
                             bool skips_executable)
{
    memset(r, 0, offsetof(struct reader, levels));
    r->sql = sql;
    r->is_mysql = sql->dialect != INFRA_SQL_POSTGRESQL;
    r->config_depth = 0;
    r->flags = 0;
    r->name = (struct token) { .length = 0 };
    infra__sql_lexer_start(&r->lexer, sql, text, length);
    r->lexer.skips_executable = skips_executable;
    infra__sql_lexer_next(&r->lexer, &r->at);
    infra__sql_lexer_next(&r->lexer, &r->ahead);
}

void infra__sql_statement_start(struct reader *r)
{
    r->prev2 = (struct token) { .kind = TOKEN_END };
    r->prev = r->prev2;
    r->attention = ATTENTION_ALL;
    r->closed = PAREN_PLAIN;
    r->has_with = false;
    r->sets_session = false;
    r->has_objection = false;
    r->object = r->prev2;
    r->unknown = r->prev2;
    r->depth = 0;
    r->config_depth = 0;
    r->levels[0] = (struct level) { .paren = PAREN_PLAIN };
    r->levels[LEVELS_MAX] = (struct level) { .paren = PAREN_PLAIN };
}

void infra__sql_object(struct reader *r, uint8_t reason, const struct token *t)
{
    if (!r->has_objection) {
        r->has_objection = true;
        r->reason = reason;
        r->object = *t;
    }
}

void infra__sql_settle(struct reader *r)
{
    if (r->unknown.length != 0 && r->lexer.hint != HINT_REPLICA) {
        r->flags |= INFRA_STATEMENT_UNKNOWN_FUNCTION;
        r->has_objection = r->has_objection && r->object.at < r->unknown.at;
        infra__sql_object(r, INFRA_STATEMENT_REASON_UNKNOWN_FUNCTION,
                          &r->unknown);
    }
}

bool infra__sql_token_is(const struct reader *r, const struct token *t,
                         const char *lower)
{
    uint32_t at = t->at;
    uint32_t length = t->length;

    if (t->kind == TOKEN_QUOTED && t->is_plain) {
        at++;
        length -= 2;
    } else if (t->kind != TOKEN_WORD) {
        return false;
    }
    return infra__sql_is(r->lexer.text + at, length, lower);
}

void infra__sql_take_name(struct reader *r)
{
    if (r->at.kind == TOKEN_WORD || r->at.kind == TOKEN_QUOTED) {
        r->name = r->at;
    }
}

/* The parentheses of WITH name (columns) AS MATERIALIZED (query). Any other one
 * begins the main query. */
static bool is_of_with_list(const struct reader *r)
{
    bool is_name = r->prev.kind == TOKEN_WORD || r->prev.kind == TOKEN_QUOTED;

    return r->prev.word == WORD_AS || r->prev.word == WORD_MATERIALIZED ||
           (is_name &&
            (r->prev2.kind == TOKEN_COMMA || r->prev2.word == WORD_WITH ||
             r->prev2.word == WORD_RECURSIVE));
}

static void open_parenthesis(struct reader *r)
{
    uint8_t next = r->ahead.word;
    struct level level = { .paren = PAREN_PLAIN };

    if (r->is_call) {
        level.paren = PAREN_CALL;
    } else if (next == WORD_SELECT || next == WORD_WITH ||
               next == WORD_VALUES || next == WORD_TABLE) {
        level.paren = PAREN_QUERY;
    } else if (r->prev.word == WORD_ON && r->prev2.word == WORD_DISTINCT) {
        level.paren = PAREN_DISTINCT;
    }
    r->is_call = false;
    if (!is_of_with_list(r)) {
        level_of(r)->is_with_list = false;
    }
    r->depth++;
    if (r->depth >= LEVELS_MAX) {
        level.paren = PAREN_PLAIN;
    }
    *level_of(r) = level;
}

static void close_parenthesis(struct reader *r)
{
    r->closed = level_of(r)->paren;
    r->depth -= r->depth > 0 ? 1 : 0;
}

/* A name that may be in front of a parenthesis, or of a dot. */
static void name(struct reader *r)
{
    if (r->ahead.kind == TOKEN_OPEN) {
        infra__sql_call(r);
    } else if (!r->is_mysql && r->ahead.kind == TOKEN_DOT &&
               infra__sql_is_temporary(r, &r->at)) {
        infra__sql_object(r, INFRA_STATEMENT_REASON_TEMPORARY, &r->at);
    }
}

bool infra__sql_is_temporary(const struct reader *r, const struct token *t)
{
    static const char prefix[] = "pg_temp";
    struct token head = *t;
    uint32_t size = sizeof prefix - 1 + (t->kind == TOKEN_QUOTED ? 2 : 0);

    if (t->length < size) {
        return false;
    }
    head.length = size;
    return infra__sql_token_is(r, &head, prefix);
}

static void look(struct reader *r)
{
    /* A label or part of a longer name is no keyword. MySQL wants quotes around
     * such a label. */
    bool is_label =
        r->prev.kind == TOKEN_DOT || (r->prev.word == WORD_AS && !r->is_mysql);

    if (r->config_depth != 0) {
        infra__sql_config_token(r);
    }
    switch (r->at.kind) {
    case TOKEN_WORD:
        if (r->attention == ATTENTION_ALL) {
            infra__sql_rule_word(r, is_label);
        }
        if (r->attention != ATTENTION_NONE) {
            name(r);
        }
        break;
    case TOKEN_QUOTED:
        if (r->attention != ATTENTION_NONE) {
            name(r);
        }
        break;
    case TOKEN_USER:
    case TOKEN_SYSTEM:
        if (r->attention == ATTENTION_ALL) {
            infra__sql_rule_variable(r);
        }
        break;
    case TOKEN_OPEN:
        open_parenthesis(r);
        break;
    case TOKEN_CLOSE:
        close_parenthesis(r);
        break;
    default:
        break;
    }
}

/* Most tokens are names and signs to which no rule applies. */
static bool is_dull(const struct reader *r)
{
    if (r->config_depth != 0) {
        return false;
    }
    if (r->at.kind == TOKEN_WORD || r->at.kind == TOKEN_QUOTED) {
        return (r->at.word | r->at.tail) == WORD_NONE &&
               r->ahead.kind != TOKEN_OPEN &&
               (r->ahead.kind != TOKEN_DOT || r->is_mysql ||
                r->at.length < sizeof "pg_temp" - 1);
    }
    return r->at.kind < TOKEN_USER || r->at.kind > TOKEN_CLOSE;
}

static void step(struct reader *r)
{
    r->prev2 = r->prev;
    r->prev = r->at;
    r->at = r->ahead;
    infra__sql_lexer_next(&r->lexer, &r->ahead);
}

void infra__sql_advance(struct reader *r)
{
    if (is_end(r)) {
        return;
    }
    if (!is_dull(r)) {
        look(r);
    }
    step(r);
}

bool infra__sql_next_statement(struct reader *r)
{
    while (r->at.kind == TOKEN_END_OF_STATEMENT) {
        step(r);
    }
    return r->at.kind != TOKEN_END;
}

void infra__sql_finish(struct reader *r)
{
    while (!is_end(r)) {
        infra__sql_advance(r);
    }
}
