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
    return r->prev.kind == TOKEN_CLOSE || r->prev.kind == TOKEN_QUOTED ||
           r->prev.kind == TOKEN_STRING || r->prev.kind == TOKEN_NUMBER ||
           (r->prev.kind == TOKEN_WORD &&
            (r->prev.word == WORD_NONE || r->prev.word == WORD_NOT));
}

/* Words that take a parenthesis in their place only; elsewhere a function may
 * have that name. */
static bool takes_it_here(struct reader *r)
{
    switch (r->at.word) {
    case WORD_FILTER:
    case WORD_OVER:
    case WORD_AGAINST:
    case WORD_REPEATABLE:
        return r->prev.kind == TOKEN_CLOSE;
    case WORD_LIKE:
    case WORD_JOIN:
        return r->is_mysql || is_infix(r);
    case WORD_BY:
        return r->prev.word == WORD_ORDER || r->prev.word == WORD_GROUP ||
               r->prev.word == WORD_PARTITION;
    case WORD_GROUP:
        return r->prev.word == WORD_WITHIN;
    case WORD_SETS:
    case WORD_ROLLUP:
    case WORD_CUBE:
        return level_of(r)->is_grouping;
    case WORD_SYSTEM:
    case WORD_BERNOULLI:
        return r->prev.word == WORD_TABLESAMPLE;
    case WORD_COLUMNS:
        return r->prev.kind == TOKEN_STRING;
    case WORD_MATERIALIZED:
        return r->prev.word == WORD_AS || r->prev.word == WORD_NOT;
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
    if (r->prev.kind == TOKEN_CAST || r->prev.word == WORD_AS) {
        return true;
    }
    if (r->prev.kind == TOKEN_CLOSE &&
        (r->closed == PAREN_QUERY || r->closed == PAREN_CALL)) {
        return true;
    }
    return level_of(r)->is_with_list &&
           (r->prev.kind == TOKEN_COMMA || r->prev.word == WORD_WITH ||
            r->prev.word == WORD_RECURSIVE);
}

/* Bytes of a name, without its quotes if there is nothing else to them. */
static const char *bytes_of(const struct reader *r, const struct token *t,
                            uint32_t *ret_length)
{
    bool is_quoted = t->kind == TOKEN_QUOTED && t->is_plain;

    *ret_length = t->length - (is_quoted ? 2 : 0);
    return r->lexer.text + t->at + (is_quoted ? 1 : 0);
}

/* PostgreSQL finds "lower" as lower, and not "LOWER". MySQL finds no built-in
 * function by a name in quotes. */
static bool may_be_builtin(const struct reader *r)
{
    uint32_t length;
    const char *name = bytes_of(r, &r->at, &length);

    if (!r->at.is_plain) {
        return false;
    }
    if (r->at.kind == TOKEN_QUOTED) {
        for (uint32_t i = 0; i < length; i++) {
            if (name[i] >= 'A' && name[i] <= 'Z') {
                return false;
            }
        }
        if (r->is_mysql) {
            return false;
        }
    }
    return r->prev.kind != TOKEN_DOT ||
           (!r->is_mysql && infra__sql_token_is(r, &r->prev2, "pg_catalog"));
}

static bool host_says_harmless(const struct reader *r)
{
    const char *text = r->lexer.text;
    bool has_schema = r->prev.kind == TOKEN_DOT;

    return r->sql->is_harmless != NULL &&
           r->sql->is_harmless(r->sql->user,
                               has_schema ? text + r->prev2.at : text,
                               has_schema ? r->prev2.length : 0,
                               text + r->at.at, r->at.length) == 1;
}

static void unknown(struct reader *r)
{
    if (r->unknown.length == 0 && !host_says_harmless(r)) {
        r->unknown = r->at;
    }
}

static void call(struct reader *r)
{
    uint32_t length;
    const char *name = bytes_of(r, &r->at, &length);
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
        r->config_name = (struct token) { .length = 0 };
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
    infra__sql_object(r, INFRA_STATEMENT_REASON_FUNCTION, &r->at);
}

void infra__sql_call(struct reader *r)
{
    bool is_word = r->at.kind == TOKEN_WORD && r->prev.kind != TOKEN_DOT;

    if (is_word && (takes_parenthesis(r->at.word) || takes_it_here(r))) {
        return;
    }
    if (!r->is_mysql && infra__sql_token_is(r, &r->at, "operator")) {
        unknown(r); /* OPERATOR(schema.+) is an infix, and not looked into. */
        return;
    }
    r->is_call = true;
    if (!is_no_call(r)) {
        call(r);
    }
}

uint32_t infra__sql_setting_flags(const struct reader *r,
                                  const struct token *name)
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
    const char *text = r->lexer.text + name->at;
    uint32_t length = name->length;

    if (length >= 2 &&
        (name->kind == TOKEN_STRING || name->kind == TOKEN_QUOTED)) {
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
    uint32_t flags = infra__sql_setting_flags(r, &r->config_name);
    uint32_t risky =
        INFRA_STATEMENT_READ_ONLY_MODE | INFRA_STATEMENT_SERIALIZABLE;

    r->config_depth = 0;
    r->flags |= flags;
    if (r->config_argument == 2 && r->prev.word == WORD_FALSE &&
        r->prev2.kind == TOKEN_COMMA && r->config_name.length != 0 &&
        (flags & risky) == 0) {
        r->sets_session = true;
        return;
    }
    infra__sql_object(r, INFRA_STATEMENT_REASON_FUNCTION, &r->prev);
}

void infra__sql_config_token(struct reader *r)
{
    if (r->depth != r->config_depth) {
        return;
    }
    if (r->at.kind == TOKEN_CLOSE) {
        config_ends(r);
    } else if (r->at.kind == TOKEN_COMMA) {
        r->config_argument++;
    } else if (r->at.kind == TOKEN_STRING && r->prev.kind == TOKEN_OPEN &&
               r->ahead.kind == TOKEN_COMMA && r->config_argument == 0 &&
               r->lexer.text[r->at.at] == '\'') {
        r->config_name = r->at;
    }
}
