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
    bool is_mysql = sql->dialect != INFRA_SQL_POSTGRESQL;

    r->lexer = (struct lexer) { .text = text,
                                .end = text + length,
                                .mode = sql->mode,
                                .is_mysql = is_mysql,
                                .skips_executable = skips_executable };
    r->sql = sql;
    r->is_mysql = is_mysql;
    r->flags = 0;
    r->name = (struct span) { .length = 0 };
    if ((class_at(text, r->lexer.end) & (BLANK | COMMENT)) != 0) {
        text = infra__sql_skip_blanks(&r->lexer, text);
    }
    r->at = (struct cursor) { .at = text,
                              .stop = text,
                              .next = text,
                              .ahead = byte_at(text, r->lexer.end),
                              .code = TOKEN_END_OF_STATEMENT };
}

void infra__sql_statement_start(struct reader *r)
{
    r->at.prev = TOKEN_END;
    r->at.prev2 = TOKEN_END;
    r->attention = ATTENTION_ALL;
    r->closed = 0;
    r->has_with = false;
    r->is_call = false;
    r->sets_session = false;
    r->has_objection = false;
    r->object = (struct span) { .length = 0 };
    r->unknown = r->object;
    r->depth = 0;
    r->config_depth = 0;
    r->levels[0] = 0;
    r->levels[LEVELS_MAX] = 0;
}

void infra__sql_object(struct reader *r, uint8_t reason, struct span where)
{
    if (!r->has_objection) {
        r->has_objection = true;
        r->reason = reason;
        r->object = where;
    }
}

void infra__sql_settle(struct reader *r)
{
    if (r->unknown.length != 0 && r->lexer.hint != HINT_REPLICA) {
        r->flags |= INFRA_STATEMENT_UNKNOWN_FUNCTION;
        r->has_objection = r->has_objection && r->object.at < r->unknown.at;
        infra__sql_object(r, INFRA_STATEMENT_REASON_UNKNOWN_FUNCTION,
                          r->unknown);
    }
}

uint8_t infra__sql_ahead(const struct reader *r, const char **ret_stop)
{
    uint8_t code;
    const char *stop = infra__sql_token(&r->lexer, r->at.next, &code);

    if (ret_stop != NULL) {
        *ret_stop = stop;
    }
    return code;
}

uint8_t infra__sql_ahead_word(const struct reader *r)
{
    const char *at = r->at.next;
    uint8_t code;
    uint8_t class;

    if (infra__sql_starts[(unsigned char)r->at.ahead] != BEGINS_WORD) {
        return WORD_NONE;
    }
    (void)infra__sql_read_word(&r->lexer, at, true, &code, &class);
    if ((class & ODD_WORD) != 0) {
        (void)infra__sql_token(&r->lexer, at, &code);
    }
    return code < WORDS_END ? code : (uint8_t)WORD_NONE;
}

const char *infra__sql_bare_name(const char *at, const char *stop, uint8_t code,
                                 size_t *ret_length)
{
    size_t length = (size_t)(stop - at);

    *ret_length = length;
    if (code != TOKEN_QUOTED || (*at != '"' && *at != '`') ||
        memchr(at + 1, *at, length - 2) != NULL) {
        return at;
    }
    *ret_length = length - 2;
    return at + 1;
}

bool infra__sql_is_temporary(const struct reader *r)
{
    static const char prefix[] = "pg_temp";
    size_t length;
    const char *name =
        infra__sql_bare_name(r->at.at, r->at.stop, r->at.code, &length);

    return length >= sizeof prefix - 1 &&
           infra__sql_is(name, sizeof prefix - 1, prefix);
}

void infra__sql_take_name(struct reader *r)
{
    if (r->at.code <= TOKEN_QUOTED) {
        r->name = span_of(r);
    }
}

/* The parentheses of WITH name (columns) AS MATERIALIZED (query). Any other one
 * begins the main query. */
static bool is_of_with_list(const struct cursor *c)
{
    return c->prev == WORD_AS || c->prev == WORD_MATERIALIZED ||
           (c->prev <= TOKEN_QUOTED &&
            (c->prev2 == TOKEN_COMMA || c->prev2 == WORD_WITH ||
             c->prev2 == WORD_RECURSIVE));
}

/* Does a query begin with that word? */
static bool begins_query(const struct reader *r)
{
    switch (r->at.ahead | 0x20) {
    case 's':
    case 't':
    case 'v':
    case 'w':
        break;
    default:
        return false;
    }
    uint8_t word = infra__sql_ahead_word(r);
    return word == WORD_SELECT || word == WORD_WITH || word == WORD_VALUES ||
           word == WORD_TABLE;
}

static void open_parenthesis(struct reader *r)
{
    uint8_t level = 0;

    if (r->is_call) {
        level = LEVEL_CALL;
    } else if (begins_query(r)) {
        level = LEVEL_QUERY;
    }
    r->is_call = false;
    if (!is_of_with_list(&r->at)) {
        *level_of(r) &= (uint8_t)~LEVEL_WITH_LIST;
    }
    r->depth++;
    *level_of(r) = r->depth < LEVELS_MAX ? level : 0;
}

static void close_parenthesis(struct reader *r)
{
    r->closed = *level_of(r) & (LEVEL_CALL | LEVEL_QUERY);
    r->depth -= r->depth > 0 ? 1 : 0;
}

/* PostgreSQL: a name in front of a dot. */
static void schema(struct reader *r)
{
    if (infra__sql_is_temporary(r) && infra__sql_ahead(r, NULL) == TOKEN_DOT) {
        infra__sql_object(r, INFRA_STATEMENT_REASON_TEMPORARY, span_of(r));
    }
}

/* Tokens that change something by themselves. A name also does if a parenthesis
 * or a dot follows it. */
#define HAS_RULE 1u
#define IS_VARIABLE 2u
#define IS_PARENTHESIS 4u
#define MAY_CALL 8u

static const uint8_t traits[] = {
    [WORD_CURRVAL] = HAS_RULE,
    [WORD_DELETE] = HAS_RULE,
    [WORD_EXCEPT] = HAS_RULE,
    [WORD_FETCH] = HAS_RULE,
    [WORD_FOR] = HAS_RULE,
    [WORD_GROUP] = HAS_RULE,
    [WORD_HAVING] = HAS_RULE,
    [WORD_INSERT] = HAS_RULE,
    [WORD_INTERSECT] = HAS_RULE,
    [WORD_INTO] = HAS_RULE,
    [WORD_LIMIT] = HAS_RULE,
    [WORD_LOCK] = HAS_RULE,
    [WORD_MERGE] = HAS_RULE,
    [WORD_NEXTVAL] = HAS_RULE,
    [WORD_OFFSET] = HAS_RULE,
    [WORD_ORDER] = HAS_RULE,
    [WORD_REPLACE] = HAS_RULE,
    [WORD_SELECT] = HAS_RULE,
    [WORD_SQL_CALC_FOUND_ROWS] = HAS_RULE,
    [WORD_TABLE] = HAS_RULE,
    [WORD_UNION] = HAS_RULE,
    [WORD_UPDATE] = HAS_RULE,
    [WORD_VALUE] = HAS_RULE,
    [WORD_VALUES] = HAS_RULE,
    [WORD_WITH] = HAS_RULE,
    [TOKEN_HIGH] = HAS_RULE,
    [TOKEN_USER] = IS_VARIABLE,
    [TOKEN_SYSTEM] = IS_VARIABLE,
    [TOKEN_OPEN] = IS_PARENTHESIS,
    [TOKEN_CLOSE] = IS_PARENTHESIS,
    [TOKEN_END] = 0,
};

/* What of this counts. */
static const uint8_t cares[] = {
    [ATTENTION_ALL] = HAS_RULE | IS_VARIABLE | IS_PARENTHESIS | MAY_CALL,
    [ATTENTION_CALLS] = IS_PARENTHESIS | MAY_CALL,
    [ATTENTION_NONE] = IS_PARENTHESIS,
};

INFRA__INLINE void look(struct reader *r, uint8_t care)
{
    const struct cursor *c = &r->at;
    uint8_t trait = traits[c->code] & care;

    if (c->code <= TOKEN_QUOTED) {
        if (trait != 0) {
            infra__sql_rule_word(r);
        }
        if (c->ahead == '(' && (care & MAY_CALL) != 0) {
            infra__sql_call(r);
        } else if (c->ahead == '.' && (care & MAY_CALL) != 0 && !r->is_mysql &&
                   c->stop - c->at >= 7) {
            schema(r);
        }
    } else if (trait == IS_PARENTHESIS) {
        if (c->code == TOKEN_OPEN) {
            open_parenthesis(r);
        } else {
            close_parenthesis(r);
        }
    } else if (trait != 0) {
        infra__sql_rule_variable(r);
    }
}

void infra__sql_skip(struct reader *r)
{
    infra__sql_step(&r->lexer, &r->at, true);
}

void infra__sql_advance(struct reader *r)
{
    if (is_end(r)) {
        return;
    }
    if (r->config_depth != 0) {
        infra__sql_config_token(r);
    }
    look(r, cares[r->attention]);
    infra__sql_step(&r->lexer, &r->at, true);
}

bool infra__sql_next_statement(struct reader *r)
{
    while (r->at.code == TOKEN_END_OF_STATEMENT) {
        infra__sql_skip(r);
    }
    return r->at.code != TOKEN_END;
}

/* As advance, to the end of the statement or behind a call of set_config().
 * Most tokens are names and signs to which no rule applies. */
static void watch(struct reader *r)
{
    uint8_t care = cares[r->attention];

    while (r->at.code < TOKEN_END_OF_STATEMENT && r->config_depth == 0) {
        look(r, care);
        infra__sql_step(&r->lexer, &r->at, true);
    }
}

/* To the end of the statement, past what is no concern. */
static void pass(struct reader *r)
{
    while (r->at.code < TOKEN_END_OF_STATEMENT) {
        infra__sql_step(&r->lexer, &r->at, false);
    }
}

void infra__sql_finish(struct reader *r)
{
    if (r->attention == ATTENTION_NONE && r->config_depth == 0) {
        pass(r);
        return;
    }
    while (!is_end(r)) {
        if (r->config_depth != 0) {
            infra__sql_advance(r);
        } else {
            watch(r);
        }
    }
}
