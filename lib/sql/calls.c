/* SPDX-License-Identifier: MIT */
/* A name in front of a parenthesis: a call of a function, unless it is a word
 * that takes one, a type, the name of a common table expression, or a list of
 * column names. In doubt it is a call. What nobody knows needs the primary. */
#include "internal.h"

/* Words behind which a parenthesis opens no call, in both dialects. All are
 * reserved, or names of functions that PostgreSQL's grammar knows. */
static bool takes_parenthesis(uint8_t word)
{
    switch (word) {
    case WORD_ALL:
    case WORD_AND:
    case WORD_ANY:
    case WORD_ARRAY:
    case WORD_AS:
    case WORD_BETWEEN:
    case WORD_CASE:
    case WORD_DISTINCT:
    case WORD_ELSE:
    case WORD_EXCEPT:
    case WORD_EXISTS:
    case WORD_FETCH:
    case WORD_FOR:
    case WORD_FROM:
    case WORD_HAVING:
    case WORD_IN:
    case WORD_INTERSECT:
    case WORD_INTO:
    case WORD_LATERAL:
    case WORD_LIMIT:
    case WORD_NOT:
    case WORD_OFFSET:
    case WORD_ON:
    case WORD_ONLY:
    case WORD_OR:
    case WORD_ROW:
    case WORD_SELECT:
    case WORD_SOME:
    case WORD_TABLE:
    case WORD_THEN:
    case WORD_UNION:
    case WORD_USING:
    case WORD_VALUES:
    case WORD_WHEN:
    case WORD_WHERE:
    case WORD_WITH:
        return true;
    default:
        return false;
    }
}

/* Behind something that has a value, or NOT: an infix word, not a function. */
static bool is_infix(const struct reader *r)
{
    return r->at.prev == TOKEN_CLOSE || r->at.prev == TOKEN_QUOTED ||
           r->at.prev == TOKEN_STRING || r->at.prev == TOKEN_NUMBER ||
           r->at.prev == WORD_NONE || r->at.prev == TOKEN_HIGH ||
           r->at.prev == WORD_NOT;
}

/* Words that take a parenthesis in their place only; elsewhere a function may
 * have that name. */
static bool takes_it_here(struct reader *r)
{
    switch (r->at.code) {
    case WORD_FILTER:
    case WORD_OVER:
    case WORD_AGAINST:
    case WORD_REPEATABLE:
        return r->at.prev == TOKEN_CLOSE;
    case WORD_LIKE:
    case WORD_JOIN:
        return r->is_mysql || is_infix(r);
    case WORD_BY:
        return r->at.prev == WORD_ORDER || r->at.prev == WORD_GROUP ||
               r->at.prev == WORD_PARTITION;
    case WORD_GROUP:
        return r->at.prev == WORD_WITHIN;
    case WORD_SETS:
    case WORD_ROLLUP:
    case WORD_CUBE:
        return (*level_of(r) & LEVEL_GROUPING) != 0;
    case WORD_SYSTEM:
    case WORD_BERNOULLI:
        return r->at.prev == WORD_TABLESAMPLE;
    case WORD_COLUMNS:
        return r->at.prev == TOKEN_STRING;
    case WORD_MATERIALIZED:
        return r->at.prev == WORD_AS || r->at.prev == WORD_NOT;
    case WORD_INDEX:
    case WORD_KEY:
    case WORD_PARTITION:
        return r->is_mysql;
    default:
        return false;
    }
}

/* A type behind ::, a label behind AS, a list of columns behind a subquery or a
 * function in FROM, or behind the name of a common table expression. */
static bool is_no_call(struct reader *r)
{
    if (r->at.prev == TOKEN_CAST || r->at.prev == WORD_AS) {
        return true;
    }
    if (r->at.prev == TOKEN_CLOSE && r->closed != 0) {
        return true;
    }
    return (*level_of(r) & LEVEL_WITH_LIST) != 0 &&
           (r->at.prev == TOKEN_COMMA || r->at.prev == WORD_WITH ||
            r->at.prev == WORD_RECURSIVE);
}

static bool is_in_catalog(const struct reader *r)
{
    static const char catalog[] = "pg_catalog";
    const struct cursor *c = &r->at;
    size_t length;

    if (r->is_mysql || c->prev2 > TOKEN_QUOTED) {
        return false;
    }
    const char *name =
        infra__sql_bare_name(c->schema, c->schema_stop, c->prev2, &length);
    return infra__sql_is(name, length, catalog);
}

/* PostgreSQL finds "lower" as lower, and not "LOWER". MySQL finds no built-in
 * function by a name in quotes. */
static bool may_be_builtin(const struct reader *r)
{
    const struct cursor *c = &r->at;

    if (c->code == TOKEN_QUOTED) {
        size_t length;
        const char *name =
            infra__sql_bare_name(c->at, c->stop, c->code, &length);
        if (r->is_mysql || name == c->at) {
            return false;
        }
        for (size_t i = 0; i < length; i++) {
            if (name[i] >= 'A' && name[i] <= 'Z') {
                return false;
            }
        }
    }
    return c->prev != TOKEN_DOT || is_in_catalog(r);
}

static bool host_says_harmless(const struct reader *r)
{
    const struct cursor *c = &r->at;
    bool has_schema = c->prev == TOKEN_DOT;

    return r->sql->is_harmless != NULL &&
           r->sql->is_harmless(
               r->sql->user, has_schema ? c->schema : r->lexer.text,
               has_schema ? (size_t)(c->schema_stop - c->schema) : 0, c->at,
               (size_t)(c->stop - c->at)) == 1;
}

static void unknown(struct reader *r)
{
    if (r->unknown.length == 0 && !host_says_harmless(r)) {
        r->unknown = span_of(r);
    }
}

static void call(struct reader *r)
{
    size_t length;
    const char *name =
        infra__sql_bare_name(r->at.at, r->at.stop, r->at.code, &length);
    enum effect effect = may_be_builtin(r)
                             ? infra__sql_function(r->is_mysql, name, length)
                             : EFFECT_UNKNOWN;

    switch (effect) {
    case EFFECT_UNKNOWN:
        unknown(r);
        return;
    case EFFECT_HARMLESS:
        return;
    case EFFECT_SESSION:
        r->sets_session = true;
        return;
    case EFFECT_CONFIG:
        r->config_depth = r->depth + 1;
        r->config_argument = 0;
        r->config_name = (struct span) { .length = 0 };
        return;
    case EFFECT_SEQUENCE:
        r->flags |= INFRA_STATEMENT_SEQUENCE;
        break;
    case EFFECT_LOCK:
        r->flags |= INFRA_STATEMENT_SESSION_LOCK;
        break;
    case EFFECT_NODE:
        r->flags |= INFRA_STATEMENT_NODE;
        break;
    case EFFECT_FOLLOWS:
        r->flags |= INFRA_STATEMENT_FOLLOWS;
        break;
    case EFFECT_WRITES:
        break;
    }
    infra__sql_object(r, INFRA_STATEMENT_REASON_FUNCTION, span_of(r));
}

/* PostgreSQL: OPERATOR(schema.+), an infix that is not looked into. */
static bool is_operator(const struct reader *r)
{
    static const char word[] = "operator";
    size_t length;

    if (r->is_mysql || (size_t)(r->at.stop - r->at.at) < sizeof word - 1) {
        return false;
    }
    const char *name =
        infra__sql_bare_name(r->at.at, r->at.stop, r->at.code, &length);
    return infra__sql_is(name, length, word);
}

void infra__sql_call(struct reader *r)
{
    bool is_word = r->at.code != TOKEN_QUOTED && r->at.prev != TOKEN_DOT;

    if (is_word && (takes_parenthesis(r->at.code) || takes_it_here(r))) {
        return;
    }
    if (is_operator(r)) {
        unknown(r);
        return;
    }
    r->is_call = true;
    if (!is_no_call(r)) {
        call(r);
    }
}

uint32_t infra__sql_setting_flags(const struct reader *r, struct span name,
                                  uint8_t code)
{
    static const struct {
        const char *name;
        uint32_t flags;
    } settings[] = {
        { "transaction_read_only", INFRA_STATEMENT_READ_ONLY_MODE },
        { "default_transaction_read_only", INFRA_STATEMENT_READ_ONLY_MODE },
        { "transaction_isolation", INFRA_STATEMENT_SERIALIZABLE },
        { "default_transaction_isolation", INFRA_STATEMENT_SERIALIZABLE },
        { "standard_conforming_strings", INFRA_STATEMENT_LEXER_MODE },
        { "backslash_quote", INFRA_STATEMENT_LEXER_MODE },
        { "client_encoding", INFRA_STATEMENT_LEXER_MODE },
    };
    const char *text = r->lexer.text + name.at;
    uint32_t length = name.length;

    if (length >= 2 && (code == TOKEN_STRING || code == TOKEN_QUOTED)) {
        text++;
        length -= 2;
    }
    for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++) {
        if (infra__sql_is(text, length, settings[i].name)) {
            return settings[i].flags;
        }
    }
    return 0;
}

/* What set_config() sets is known if its name is a plain string, and its last
 * argument true or false. */
static void config_ends(struct reader *r)
{
    uint32_t flags = infra__sql_setting_flags(r, r->config_name, TOKEN_STRING);
    uint32_t risky =
        INFRA_STATEMENT_READ_ONLY_MODE | INFRA_STATEMENT_SERIALIZABLE;

    r->config_depth = 0;
    r->flags |= flags;
    if (r->config_argument == 2 && r->at.prev == WORD_FALSE &&
        r->at.prev2 == TOKEN_COMMA && r->config_name.length != 0 &&
        (flags & risky) == 0) {
        r->sets_session = true;
        return;
    }
    infra__sql_object(r, INFRA_STATEMENT_REASON_FUNCTION, r->config_last);
}

void infra__sql_config_token(struct reader *r)
{
    const struct cursor *c = &r->at;

    if (r->depth == r->config_depth) {
        if (c->code == TOKEN_CLOSE) {
            config_ends(r);
        } else if (c->code == TOKEN_COMMA) {
            r->config_argument++;
        } else if (c->code == TOKEN_STRING && c->prev == TOKEN_OPEN &&
                   c->ahead == ',' && r->config_argument == 0 &&
                   *c->at == '\'') {
            r->config_name = span_of(r);
        }
    }
    r->config_last = span_of(r);
}
