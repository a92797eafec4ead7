/* SPDX-License-Identifier: MIT */
/* Verbs that hold a query or ask about the server: EXPLAIN, COPY, SHOW. */
#include "internal.h"

/* Is the value behind the option it is at false, off, or 0? */
static bool is_off(const struct reader *r)
{
    const char *text = r->at.next;
    const char *stop;
    uint8_t code = infra__sql_ahead(r, &stop);
    size_t length = (size_t)(stop - text);

    return code == WORD_FALSE || code == WORD_OFF ||
           (length == 1 && *text == '0') ||
           (code == TOKEN_STRING && (infra__sql_is(text, length, "'false'") ||
                                     infra__sql_is(text, length, "'off'") ||
                                     infra__sql_is(text, length, "'0'")));
}

/* PostgreSQL: (ANALYZE, VERBOSE off, ...). Does it execute? The parenthesis is
 * taken. */
static bool takes_analyze_option(struct reader *r)
{
    bool executes = false;

    infra__sql_advance(r); /* ( */
    while (!is_end(r) && r->at.code != TOKEN_CLOSE) {
        if (r->at.code == WORD_ANALYZE || r->at.code == WORD_ANALYSE) {
            executes = !is_off(r);
        }
        infra__sql_advance(r);
    }
    infra__sql_advance(r); /* ) */
    return executes;
}

static uint8_t explain_postgresql(struct reader *r, uint8_t *ret_reason)
{
    bool executes = false;

    r->attention = ATTENTION_NONE;
    if (r->at.code == TOKEN_OPEN && infra__sql_ahead_word(r) != WORD_SELECT &&
        r->at.ahead != '(' && infra__sql_ahead_word(r) != WORD_VALUES &&
        infra__sql_ahead_word(r) != WORD_WITH &&
        infra__sql_ahead_word(r) != WORD_TABLE) {
        executes = takes_analyze_option(r);
    } else {
        executes = accept(r, WORD_ANALYZE) || accept(r, WORD_ANALYSE);
        (void)accept(r, WORD_VERBOSE);
    }
    return executes ? infra__sql_inner(r, ret_reason) : INFRA_STATEMENT_READ;
}

/* What is explained, but not executed. A replica of MariaDB refuses what would
 * write or lock all the same, and the optimizer may call functions. */
static uint8_t explained_mysql(struct reader *r, uint8_t *ret_reason)
{
    switch (r->at.code) {
    case WORD_INSERT:
    case WORD_UPDATE:
    case WORD_DELETE:
    case WORD_REPLACE:
        *ret_reason = INFRA_STATEMENT_REASON_WRITES;
        r->object = span_of(r);
        return INFRA_STATEMENT_WRITE;
    case WORD_SELECT:
    case WORD_WITH:
    case WORD_VALUES:
    case WORD_TABLE:
    case TOKEN_OPEN:
        r->attention = ATTENTION_ALL;
        r->at.prev = TOKEN_END;
        return INFRA_STATEMENT_READ;
    default:
        return INFRA_STATEMENT_READ; /* A table. */
    }
}

/* EXPLAIN [EXTENDED | PARTITIONS] [ANALYZE] [FORMAT = x] statement, or FOR
 * CONNECTION, or a table. */
static uint8_t explain_mysql(struct reader *r, uint8_t *ret_reason)
{
    bool executes = false;

    r->attention = ATTENTION_NONE;
    for (;;) {
        if (accept(r, WORD_ANALYZE)) {
            executes = true;
        } else if (accept(r, WORD_FORMAT)) {
            infra__sql_advance(r);
            infra__sql_advance(r);
        } else if (!accept(r, WORD_EXTENDED) && !accept(r, WORD_PARTITIONS)) {
            break;
        }
    }
    if (r->at.code == WORD_FOR && infra__sql_ahead_word(r) == WORD_CONNECTION) {
        r->flags |= INFRA_STATEMENT_NODE;
        *ret_reason = INFRA_STATEMENT_REASON_NODE;
        return INFRA_STATEMENT_WRITE;
    }
    if (r->at.code == WORD_INTO) { /* MySQL 8.1: INTO @variable. */
        r->flags |= INFRA_STATEMENT_WRITES_VARIABLE;
        *ret_reason = INFRA_STATEMENT_REASON_INTO;
        return INFRA_STATEMENT_WRITE;
    }
    return executes ? infra__sql_inner(r, ret_reason)
                    : explained_mysql(r, ret_reason);
}

uint8_t infra__sql_explain(struct reader *r, uint8_t *ret_reason)
{
    return r->is_mysql ? explain_mysql(r, ret_reason)
                       : explain_postgresql(r, ret_reason);
}

/* COPY name [(columns)] or COPY (query), then TO or FROM. */
uint8_t infra__sql_copy(struct reader *r, uint8_t *ret_reason)
{
    uint8_t kind = INFRA_STATEMENT_READ;

    r->attention = ATTENTION_NONE;
    if (r->at.code == TOKEN_OPEN) {
        infra__sql_advance(r);
        kind = infra__sql_inner(r, ret_reason);
        while (!is_end(r) && r->depth > 0) {
            infra__sql_advance(r);
        }
        r->attention = ATTENTION_NONE;
    }
    while (!is_end(r) && !(r->depth == 0 && (r->at.code == WORD_TO ||
                                             r->at.code == WORD_FROM))) {
        infra__sql_advance(r);
    }
    bool is_to = r->at.code == WORD_TO;
    bool is_file = infra__sql_ahead_word(r) != WORD_STDOUT;
    r->flags |= is_to ? 0 : INFRA_STATEMENT_COPY;
    if (is_to && !is_file) {
        return kind;
    }
    r->flags |= is_to ? INFRA_STATEMENT_NODE : 0;
    if (kind == INFRA_STATEMENT_READ && is_to) {
        *ret_reason = INFRA_STATEMENT_REASON_NODE;
    }
    return INFRA_STATEMENT_WRITE;
}

static uint8_t show_of_node(struct reader *r, uint8_t *ret_reason)
{
    r->flags |= INFRA_STATEMENT_NODE;
    *ret_reason = INFRA_STATEMENT_REASON_NODE;
    return INFRA_STATEMENT_WRITE;
}

/* Of MySQL's, those that read the catalog. All else belongs to a node or a
 * connection. */
static uint8_t show_mysql(struct reader *r, uint8_t *ret_reason)
{
    while (r->at.code == WORD_FULL || r->at.code == WORD_EXTENDED ||
           r->at.code == WORD_SESSION || r->at.code == WORD_GLOBAL ||
           r->at.code == WORD_LOCAL || r->at.code == WORD_ALL ||
           r->at.code == WORD_STORAGE) {
        infra__sql_advance(r);
    }
    switch (r->at.code) {
    case WORD_CHARACTER:
    case WORD_CHARSET:
    case WORD_COLLATION:
    case WORD_COLUMNS:
    case WORD_CREATE:
    case WORD_DATABASES:
    case WORD_ENGINES:
    case WORD_EVENTS:
    case WORD_FIELDS:
    case WORD_FUNCTION:
    case WORD_GRANTS:
    case WORD_INDEX:
    case WORD_INDEXES:
    case WORD_KEYS:
    case WORD_PLUGINS:
    case WORD_PRIVILEGES:
    case WORD_PROCEDURE:
    case WORD_SCHEMAS:
    case WORD_TABLE:
    case WORD_TABLES:
    case WORD_TRIGGERS:
    case WORD_VARIABLES:
        return INFRA_STATEMENT_READ;
    case WORD_SLAVE:
    case WORD_REPLICA:
    case WORD_SLAVES:
        if (infra__sql_ahead_word(r) == WORD_STATUS ||
            r->at.code == WORD_SLAVES) {
            r->flags |= INFRA_STATEMENT_NODE;
            return INFRA_STATEMENT_READ;
        }
        return show_of_node(r, ret_reason);
    case WORD_COUNT:
    case WORD_WARNINGS:
    case WORD_ERRORS:
        r->flags |= INFRA_STATEMENT_FOLLOWS;
        *ret_reason = INFRA_STATEMENT_REASON_FOLLOWS;
        return INFRA_STATEMENT_WRITE;
    default:
        return show_of_node(r, ret_reason);
    }
}

uint8_t infra__sql_show(struct reader *r, uint8_t *ret_reason)
{
    r->attention = ATTENTION_NONE;
    uint8_t kind =
        r->is_mysql ? show_mysql(r, ret_reason) : INFRA_STATEMENT_READ;
    r->attention = ATTENTION_CALLS; /* SHOW ... WHERE expression. */
    return kind;
}
