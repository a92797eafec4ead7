/* SPDX-License-Identifier: MIT */
/* The rules for every token of a query, wherever it stands: a lock clause, a
 * verb that writes, INTO, sequences, variables of the connection. O(1) each. */
#include "internal.h"

/* FOR UPDATE, FOR NO KEY UPDATE, FOR SHARE, FOR KEY SHARE; not FOR in
 * substring(), in index hints, and behind NEXT VALUE. */
static bool is_lock_clause(const struct reader *r)
{
    uint8_t next = infra__sql_ahead_word(r);

    return next == WORD_UPDATE || next == WORD_SHARE ||
           (!r->is_mysql && (next == WORD_NO || next == WORD_KEY));
}

static void lock(struct reader *r, bool locks)
{
    if (locks) {
        r->flags |= INFRA_STATEMENT_LOCKS_ROWS;
        infra__sql_object(r, INFRA_STATEMENT_REASON_LOCKS_ROWS, span_of(r));
    }
}

/* Inside a query: a verb that makes it write. In MySQL these words are
 * reserved. In PostgreSQL they are not, and such a verb needs a WITH; there a
 * column of that name stands behind SELECT or a comma. */
static void writing_verb(struct reader *r, bool is_verb_of_mysql)
{
    const struct cursor *c = &r->at;
    bool writes = is_verb_of_mysql;

    if (!r->is_mysql) {
        writes = c->code != WORD_REPLACE && r->has_with &&
                 c->prev != WORD_SELECT && c->prev != TOKEN_COMMA &&
                 c->ahead != ',' && c->ahead != ')' &&
                 (c->ahead != '.' || infra__sql_ahead(r, NULL) != TOKEN_DOT);
    }
    if (writes) {
        infra__sql_object(r, INFRA_STATEMENT_REASON_WRITES, span_of(r));
    }
}

static void into(struct reader *r)
{
    uint8_t next = infra__sql_ahead(r, NULL);

    infra__sql_object(r, INFRA_STATEMENT_REASON_INTO, span_of(r));
    if (next == TOKEN_USER) {
        r->flags |= INFRA_STATEMENT_WRITES_VARIABLE;
    } else if (!r->is_mysql && (next == WORD_TEMP || next == WORD_TEMPORARY)) {
        r->flags |= INFRA_STATEMENT_TEMPORARY;
    }
}

/* NEXT VALUE FOR s, PREVIOUS VALUE FOR s, s.nextval: MariaDB. */
static void sequence(struct reader *r)
{
    uint8_t prev = r->at.prev;
    bool takes = r->at.code == WORD_VALUE
                     ? (prev == WORD_NEXT || prev == WORD_PREVIOUS) &&
                           infra__sql_ahead_word(r) == WORD_FOR
                     : prev == TOKEN_DOT;

    if (r->is_mysql && takes) {
        r->flags |= INFRA_STATEMENT_SEQUENCE;
        infra__sql_object(r, INFRA_STATEMENT_REASON_FUNCTION, span_of(r));
    }
}

/* Not WITH ORDINALITY, nor WITH TIME ZONE. */
static void with(struct reader *r)
{
    bool begins = r->at.prev == TOKEN_END || r->at.prev == TOKEN_OPEN;

    r->has_with = true;
    *level_of(r) &= (uint8_t)~LEVEL_WITH_LIST;
    if (begins && r->depth < LEVELS_MAX) {
        *level_of(r) |= LEVEL_WITH_LIST;
    }
}

static void group(struct reader *r)
{
    *level_of(r) &= (uint8_t)~LEVEL_GROUPING;
    if (r->depth < LEVELS_MAX && infra__sql_ahead_word(r) == WORD_BY) {
        *level_of(r) |= LEVEL_GROUPING;
    }
}

static void found_rows(struct reader *r)
{
    if (r->is_mysql) {
        r->flags |= INFRA_STATEMENT_FOLLOWED;
        infra__sql_object(r, INFRA_STATEMENT_REASON_FOLLOWS, span_of(r));
    }
}

/* A word with bytes above 127: what follows the last of them, if that is a
 * word. An older server or another encoding may see a blank there. */
static uint8_t tail(const struct reader *r)
{
    const char *at = r->at.stop;

    while ((class_of(at[-1]) & HIGH) == 0) {
        at--;
    }
    return at < r->at.stop ? infra__sql_last_word(at, (size_t)(r->at.stop - at))
                           : WORD_NONE;
}

/* A clause by its first word. */
static void clause(struct reader *r, uint8_t word)
{
    switch (word) {
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
        with(r);
        break;
    case WORD_GROUP:
        group(r);
        break;
    case WORD_SQL_CALC_FOUND_ROWS:
        found_rows(r);
        break;
    case WORD_SELECT:
        *level_of(r) &= (uint8_t) ~(LEVEL_WITH_LIST | LEVEL_GROUPING);
        break;
    case WORD_VALUES:
    case WORD_TABLE:
        *level_of(r) &= (uint8_t)~LEVEL_WITH_LIST;
        break;
    case WORD_HAVING:
    case WORD_ORDER:
    case WORD_LIMIT:
    case WORD_OFFSET:
    case WORD_FETCH:
    case WORD_UNION:
    case WORD_EXCEPT:
    case WORD_INTERSECT:
        *level_of(r) &= (uint8_t)~LEVEL_GROUPING;
        break;
    default:
        break;
    }
}

void infra__sql_rule_word(struct reader *r)
{
    uint8_t word = r->at.code;
    /* A label or part of a longer name is no keyword. MySQL wants quotes around
     * such a label. */
    bool is_label =
        r->at.prev == TOKEN_DOT || (r->at.prev == WORD_AS && !r->is_mysql);

    if (word == WORD_VALUE || word == WORD_NEXTVAL || word == WORD_CURRVAL) {
        sequence(r);
        return;
    }
    if (is_label) {
        return;
    }
    switch (word) {
    case WORD_UPDATE:
    case WORD_DELETE:
        writing_verb(r, true);
        break;
    case WORD_INSERT:
    case WORD_REPLACE:
        writing_verb(r, r->at.ahead != '(' ||
                            (*level_of(r) & LEVEL_WITH_LIST) != 0);
        break;
    case WORD_MERGE:
        writing_verb(r, false);
        break;
    case TOKEN_HIGH:
        clause(r, tail(r));
        break;
    default:
        clause(r, word);
        break;
    }
}

/* Is the variable of that name one of these? */
static bool is_one_of(const struct reader *r, const char *const *names,
                      size_t count)
{
    const char *name = r->at.at + 2;
    size_t length = (size_t)(r->at.stop - name);

    for (size_t i = 0; i + 1 < length; i++) {
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

    if (r->at.code == TOKEN_USER) {
        r->flags |= infra__sql_ahead(r, NULL) == TOKEN_ASSIGN
                        ? INFRA_STATEMENT_WRITES_VARIABLE
                        : INFRA_STATEMENT_READS_VARIABLE;
        infra__sql_object(r, INFRA_STATEMENT_REASON_VARIABLE, span_of(r));
    } else if (is_one_of(r, follows, sizeof follows / sizeof follows[0])) {
        r->flags |= INFRA_STATEMENT_FOLLOWS;
        infra__sql_object(r, INFRA_STATEMENT_REASON_FOLLOWS, span_of(r));
    } else if (is_one_of(r, connection,
                         sizeof connection / sizeof connection[0]) ||
               r->at.stop - r->at.at == 2 ||
               infra__sql_ahead(r, NULL) == TOKEN_DOT) {
        infra__sql_object(r, INFRA_STATEMENT_REASON_VARIABLE, span_of(r));
    }
}
