/* SPDX-License-Identifier: MIT */
/* Token by token, with the rules that hold wherever a token stands: a lock
 * clause, INTO, a verb that writes inside a query, variables, temporary tables.
 * Verbs ask for tokens here, so that none escapes the rules. O(1) a token. */
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

/* FOR UPDATE, FOR NO KEY UPDATE, FOR SHARE, FOR KEY SHARE; not FOR in
 * substring(), in index hints, and behind NEXT VALUE. */
static bool is_lock_clause(const struct reader *r)
{
    uint8_t next = r->ahead.word;

    return next == WORD_UPDATE || next == WORD_SHARE ||
           (!r->is_mysql && (next == WORD_NO || next == WORD_KEY));
}

/* Inside a query: a verb that makes it write. In MySQL these words are
 * reserved. In PostgreSQL they are not, and such a verb needs a WITH; there a
 * column of that name stands behind SELECT or a comma. */
static bool is_writing_verb(struct reader *r)
{
    switch (r->at.word) {
    case WORD_UPDATE:
    case WORD_DELETE:
        if (r->is_mysql) {
            return true;
        }
        break;
    case WORD_INSERT:
    case WORD_REPLACE:
        if (r->is_mysql) {
            return r->ahead.kind != TOKEN_OPEN || level_of(r)->is_with_list;
        }
        if (r->at.word == WORD_REPLACE) {
            return false;
        }
        break;
    case WORD_MERGE:
        if (r->is_mysql) {
            return false;
        }
        break;
    default:
        return false;
    }
    return r->has_with && r->prev.word != WORD_SELECT &&
           r->prev.kind != TOKEN_COMMA && r->ahead.kind != TOKEN_COMMA &&
           r->ahead.kind != TOKEN_CLOSE && r->ahead.kind != TOKEN_DOT;
}

static void into(struct reader *r)
{
    infra__sql_object(r, INFRA_STATEMENT_REASON_INTO, &r->at);
    if (r->ahead.kind == TOKEN_USER) {
        r->flags |= INFRA_STATEMENT_WRITES_VARIABLE;
    } else if (!r->is_mysql && (r->ahead.word == WORD_TEMP ||
                                r->ahead.word == WORD_TEMPORARY)) {
        r->flags |= INFRA_STATEMENT_TEMPORARY;
    }
}

/* NEXT VALUE FOR s, PREVIOUS VALUE FOR s, s.nextval: MariaDB. */
static void sequence(struct reader *r)
{
    bool is_value =
        r->at.word == WORD_VALUE &&
        (r->prev.word == WORD_NEXT || r->prev.word == WORD_PREVIOUS) &&
        r->ahead.word == WORD_FOR;
    bool is_member =
        (r->at.word == WORD_NEXTVAL || r->at.word == WORD_CURRVAL) &&
        r->prev.kind == TOKEN_DOT;

    if (r->is_mysql && (is_value || is_member)) {
        r->flags |= INFRA_STATEMENT_SEQUENCE;
        infra__sql_object(r, INFRA_STATEMENT_REASON_FUNCTION, &r->at);
    }
}

static bool ends_grouping(uint8_t word)
{
    return word == WORD_SELECT || word == WORD_HAVING || word == WORD_ORDER ||
           word == WORD_LIMIT || word == WORD_OFFSET || word == WORD_FETCH ||
           word == WORD_UNION || word == WORD_EXCEPT || word == WORD_INTERSECT;
}

/* A word that is no label and no part of a longer name. */
static void word(struct reader *r)
{
    uint8_t w = r->at.word != WORD_NONE ? r->at.word : r->at.tail;

    switch (w) {
    case WORD_FOR:
        if (is_lock_clause(r)) {
            r->flags |= INFRA_STATEMENT_LOCKS_ROWS;
            infra__sql_object(r, INFRA_STATEMENT_REASON_LOCKS_ROWS, &r->at);
        }
        break;
    case WORD_LOCK:
        if (r->is_mysql) {
            r->flags |= INFRA_STATEMENT_LOCKS_ROWS;
            infra__sql_object(r, INFRA_STATEMENT_REASON_LOCKS_ROWS, &r->at);
        }
        break;
    case WORD_INTO:
        into(r);
        break;
    case WORD_WITH:
        r->has_with = true;
        /* Not WITH ORDINALITY, nor WITH TIME ZONE. */
        level_of(r)->is_with_list =
            r->depth < LEVELS_MAX &&
            (r->prev.kind == TOKEN_END || r->prev.kind == TOKEN_OPEN);
        break;
    case WORD_SQL_CALC_FOUND_ROWS:
        if (r->is_mysql) {
            r->flags |= INFRA_STATEMENT_FOLLOWED;
            infra__sql_object(r, INFRA_STATEMENT_REASON_FOLLOWS, &r->at);
        }
        break;
    case WORD_GROUP:
        level_of(r)->is_grouping =
            r->depth < LEVELS_MAX && r->ahead.word == WORD_BY;
        break;
    default:
        break;
    }
    if (is_writing_verb(r)) {
        infra__sql_object(r, INFRA_STATEMENT_REASON_WRITES, &r->at);
    }
    if (w == WORD_SELECT || w == WORD_VALUES || w == WORD_TABLE) {
        level_of(r)->is_with_list = false;
    }
    if (ends_grouping(w)) {
        level_of(r)->is_grouping = false;
    }
}

/* Is the variable of that name one of these? */
static bool is_one_of(const struct reader *r, const char *const *names,
                      size_t count)
{
    const char *name = r->at.at + r->lexer.text + 2;
    uint32_t length = r->at.length - 2;

    for (uint32_t i = 0; i + 1 < length; i++) {
        if (name[i] == '.') { /* @@session.name */
            name += i + 1;
            length -= i + 1;
            break;
        }
    }
    for (size_t i = 0; i < count; i++) {
        if (infra__sql_is(name, length, names[i])) {
            return true;
        }
    }
    return false;
}

/* MySQL: a variable of the connection, or of the server. */
static void variable(struct reader *r)
{
    static const char *const connection[] = { "last_insert_id", "identity",
                                              "insert_id", "last_gtid",
                                              "pseudo_thread_id" };
    static const char *const follows[] = { "warning_count", "error_count" };

    if (r->at.kind == TOKEN_USER) {
        r->flags |= r->ahead.kind == TOKEN_ASSIGN
                        ? INFRA_STATEMENT_WRITES_VARIABLE
                        : INFRA_STATEMENT_READS_VARIABLE;
        infra__sql_object(r, INFRA_STATEMENT_REASON_VARIABLE, &r->at);
    } else if (is_one_of(r, follows, sizeof follows / sizeof follows[0])) {
        r->flags |= INFRA_STATEMENT_FOLLOWS;
        infra__sql_object(r, INFRA_STATEMENT_REASON_FOLLOWS, &r->at);
    } else if (is_one_of(r, connection,
                         sizeof connection / sizeof connection[0]) ||
               r->at.length == 2 || r->ahead.kind == TOKEN_DOT) {
        infra__sql_object(r, INFRA_STATEMENT_REASON_VARIABLE, &r->at);
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
            sequence(r);
            if (!is_label) {
                word(r);
            }
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
            variable(r);
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
