/* SPDX-License-Identifier: MIT */
/* The rules for every token of a query, wherever it stands: a lock clause, a
 * verb that writes, INTO, sequences, variables of the connection. O(1) each. */
#include "internal.h"

/* FOR UPDATE, FOR NO KEY UPDATE, FOR SHARE, FOR KEY SHARE; not FOR in
 * substring(), in index hints, and behind NEXT VALUE. */
static bool is_lock_clause(const struct reader *r)
{
    uint8_t next = r->ahead.word;

    return next == WORD_UPDATE || next == WORD_SHARE ||
           (!r->is_mysql && (next == WORD_NO || next == WORD_KEY));
}

static void lock(struct reader *r, bool locks)
{
    if (locks) {
        r->flags |= INFRA_STATEMENT_LOCKS_ROWS;
        infra__sql_object(r, INFRA_STATEMENT_REASON_LOCKS_ROWS, &r->at);
    }
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
void infra__sql_rule_word(struct reader *r, bool is_label)
{
    uint8_t w = r->at.word != WORD_NONE ? r->at.word : r->at.tail;

    sequence(r);
    if (is_label) {
        return;
    }
    switch (w) {
    case WORD_FOR:
        lock(r, is_lock_clause(r));
        break;
    case WORD_LOCK:
        lock(r, r->is_mysql);
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
void infra__sql_rule_variable(struct reader *r)
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
