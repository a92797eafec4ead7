/* SPDX-License-Identifier: MIT */
/* The verb that begins a statement, and what it makes of it. The rules for
 * every token (reader.c) hold behind it; what they object to turns a read into
 * a write. O(1) but for the rest of the statement. */
#include "../base/internal.h"
#include "internal.h"

#define DIALECT_PG 1u
#define DIALECT_MY 2u
#define DIALECT_BOTH 3u

typedef uint8_t (*handler)(struct reader *r, uint8_t *ret_reason);

struct verb {
    uint8_t dialects;
    uint8_t kind; /* Without a handler. */
    uint32_t flags;
    handler handle;
};

#define WRITES INFRA_STATEMENT_WRITE
#define READS INFRA_STATEMENT_READ
#define SESSION INFRA_STATEMENT_SESSION

static uint8_t by_name(struct reader *r, uint8_t *ret_reason, uint32_t flag,
                       uint8_t kind)
{
    r->flags |= flag;
    infra__sql_take_name(r);
    *ret_reason = INFRA_STATEMENT_REASON_NAMED;
    return kind;
}

/* PREPARE name [(types)] AS statement; PREPARE name FROM text; PREPARE
 * TRANSACTION. */
static uint8_t prepare(struct reader *r, uint8_t *ret_reason)
{
    if (!r->is_mysql && r->at.code == WORD_TRANSACTION) {
        return WRITES;
    }
    r->attention = ATTENTION_NONE;
    uint8_t kind = by_name(r, ret_reason, INFRA_STATEMENT_PREPARE, WRITES);
    if (r->is_mysql) {
        return SESSION; /* Its text is another one. */
    }
    infra__sql_advance(r);
    while (!is_end(r) && !(r->at.code == WORD_AS && r->depth == 0)) {
        infra__sql_advance(r);
    }
    return accept(r, WORD_AS) ? infra__sql_inner(r, ret_reason) : kind;
}

/* What it is is what the name stands for; what its arguments call is here. */
static uint8_t execute(struct reader *r, uint8_t *ret_reason)
{
    if (r->at.code == WORD_IMMEDIATE) {
        *ret_reason = INFRA_STATEMENT_REASON_VERB;
        return WRITES;
    }
    r->attention = ATTENTION_NONE;
    uint8_t kind = by_name(r, ret_reason, INFRA_STATEMENT_EXECUTE, WRITES);
    infra__sql_advance(r);
    r->attention = ATTENTION_ALL;
    infra__sql_finish(r);
    infra__sql_settle(r);
    if (r->has_objection) {
        *ret_reason = r->reason;
    }
    return kind;
}

static uint8_t deallocate(struct reader *r, uint8_t *ret_reason)
{
    (void)accept(r, WORD_PREPARE);
    r->flags |= INFRA_STATEMENT_DEALLOCATE;
    if (r->at.code == WORD_ALL) {
        *ret_reason = INFRA_STATEMENT_REASON_VERB;
        return SESSION;
    }
    return by_name(r, ret_reason, 0, SESSION);
}

/* DECLARE name ... CURSOR [WITH HOLD] FOR query. */
static uint8_t declare(struct reader *r, uint8_t *ret_reason)
{
    bool holds = false;

    r->attention = ATTENTION_NONE;
    (void)by_name(r, ret_reason, INFRA_STATEMENT_CURSOR, WRITES);
    infra__sql_advance(r);
    while (!is_end(r) && r->at.code != WORD_FOR) {
        holds = holds || (r->at.code == WORD_HOLD && r->at.prev == WORD_WITH);
        infra__sql_advance(r);
    }
    if (!accept(r, WORD_FOR)) {
        return WRITES;
    }
    uint8_t kind = infra__sql_inner(r, ret_reason);
    if (holds) {
        r->flags |= INFRA_STATEMENT_HOLD;
        *ret_reason = INFRA_STATEMENT_REASON_NAMED;
        return WRITES;
    }
    return kind;
}

/* FETCH, MOVE, CLOSE: the last name is the cursor's. */
static uint8_t cursor(struct reader *r, uint8_t *ret_reason)
{
    r->flags |= INFRA_STATEMENT_CURSOR;
    while (!is_end(r)) {
        infra__sql_take_name(r);
        infra__sql_advance(r);
    }
    *ret_reason = INFRA_STATEMENT_REASON_NAMED;
    return WRITES;
}

/* CREATE [OR REPLACE] [GLOBAL | LOCAL] TEMP[ORARY]; also in pg_temp. */
static uint8_t create(struct reader *r, uint8_t *ret_reason)
{
    (void)ret_reason;
    r->attention = ATTENTION_NONE;
    for (int i = 0; i < 6 && !is_end(r); i++) {
        if (r->at.code == WORD_TEMP || r->at.code == WORD_TEMPORARY ||
            (!r->is_mysql && infra__sql_is_temporary(r))) {
            r->flags |= INFRA_STATEMENT_TEMPORARY;
        }
        infra__sql_advance(r);
    }
    return WRITES;
}

/* DISCARD ALL, TEMP, PLANS, SEQUENCES. */
static uint8_t discard(struct reader *r, uint8_t *ret_reason)
{
    (void)ret_reason;
    r->flags |= INFRA_STATEMENT_RESETS;
    if (r->at.code == WORD_ALL) {
        r->flags |= INFRA_STATEMENT_DEALLOCATE | INFRA_STATEMENT_LEXER_MODE;
    } else if (r->at.code == WORD_TEMP || r->at.code == WORD_TEMPORARY) {
        r->flags |= INFRA_STATEMENT_TEMPORARY;
    } else if (infra__sql_is(r->at.at, (size_t)(r->at.stop - r->at.at),
                             "sequences")) {
        r->flags |= INFRA_STATEMENT_SEQUENCE;
    }
    return SESSION;
}

/* UNLISTEN name, or * for all. */
static uint8_t unlisten(struct reader *r, uint8_t *ret_reason)
{
    (void)ret_reason;
    if (r->at.code == TOKEN_OPERATOR) {
        r->flags |= INFRA_STATEMENT_LISTEN | INFRA_STATEMENT_RESETS;
    }
    return WRITES;
}

/* DROP PREPARE is MySQL's DEALLOCATE. */
static uint8_t drop(struct reader *r, uint8_t *ret_reason)
{
    if (r->is_mysql && r->at.code == WORD_PREPARE) {
        return deallocate(r, ret_reason);
    }
    r->attention = ATTENTION_NONE;
    return WRITES;
}

/* PostgreSQL: a block of code. MySQL: expressions. */
static uint8_t do_(struct reader *r, uint8_t *ret_reason)
{
    (void)ret_reason;
    return r->is_mysql ? READS : WRITES;
}

/* PostgreSQL: a library for the session. MySQL: rows from a file. */
static uint8_t load(struct reader *r, uint8_t *ret_reason)
{
    (void)ret_reason;
    if (!r->is_mysql) {
        return SESSION;
    }
    r->attention = ATTENTION_NONE;
    r->flags |= INFRA_STATEMENT_COPY;
    return WRITES;
}

/* FLUSH TABLES WITH READ LOCK. */
static uint8_t flush(struct reader *r, uint8_t *ret_reason)
{
    (void)ret_reason;
    r->attention = ATTENTION_NONE;
    while (!is_end(r)) {
        if (r->at.code == WORD_LOCK) {
            r->flags |= INFRA_STATEMENT_TABLE_LOCK;
        }
        infra__sql_advance(r);
    }
    return WRITES;
}

/* A table of MariaDB's statement ANALYZE, or of the plain one. */
static uint8_t analyze(struct reader *r, uint8_t *ret_reason)
{
    if (r->is_mysql && accept(r, WORD_FORMAT)) {
        infra__sql_advance(r); /* = */
        infra__sql_advance(r);
    }
    switch (r->is_mysql ? r->at.code : WORD_NONE) {
    case WORD_SELECT:
    case WORD_WITH:
    case WORD_INSERT:
    case WORD_UPDATE:
    case WORD_DELETE:
    case WORD_REPLACE:
    case WORD_VALUES:
        return infra__sql_inner(r, ret_reason);
    default:
        r->attention = ATTENTION_NONE;
        return WRITES;
    }
}

/* CHECKSUM TABLE reads. */
static uint8_t checksum(struct reader *r, uint8_t *ret_reason)
{
    (void)ret_reason;
    return r->at.code == WORD_TABLE ? READS : WRITES;
}

/* PostgreSQL 19: WAIT FOR LSN, on the node that is to wait. */
static uint8_t wait(struct reader *r, uint8_t *ret_reason)
{
    (void)ret_reason;
    r->attention = ATTENTION_NONE;
    r->flags |= INFRA_STATEMENT_NODE;
    return r->at.code == WORD_FOR ? READS : WRITES;
}

/* What is a statement about definitions says nothing to the rules for
 * expressions. */
static uint8_t definition(struct reader *r, uint8_t *ret_reason)
{
    (void)ret_reason;
    r->attention = ATTENTION_NONE;
    return WRITES;
}

/* By word. A kind without a handler: the rules for expressions hold, and the
 * rest is no concern. */
static const struct verb verbs[] = {
    [WORD_SELECT] = { DIALECT_BOTH, READS, 0, NULL },
    [WORD_VALUES] = { DIALECT_BOTH, READS, 0, NULL },
    [WORD_TABLE] = { DIALECT_BOTH, READS, 0, NULL },
    [WORD_WITH] = { DIALECT_BOTH, READS, 0, NULL },
    [WORD_INSERT] = { DIALECT_BOTH, WRITES, 0, NULL },
    [WORD_UPDATE] = { DIALECT_BOTH, WRITES, 0, NULL },
    [WORD_DELETE] = { DIALECT_BOTH, WRITES, 0, NULL },
    [WORD_MERGE] = { DIALECT_PG, WRITES, 0, NULL },
    [WORD_REPLACE] = { DIALECT_MY, WRITES, 0, NULL },
    [WORD_CALL] = { DIALECT_BOTH, WRITES, 0, NULL },
    [WORD_DO] = { DIALECT_BOTH, WRITES, 0, do_ },
    [WORD_COPY] = { DIALECT_PG, WRITES, 0, infra__sql_copy },
    [WORD_LOAD] = { DIALECT_BOTH, WRITES, 0, load },
    [WORD_HELP] = { DIALECT_MY, READS, 0, NULL },
    [WORD_CHECKSUM] = { DIALECT_MY, READS, 0, checksum },
    [WORD_WAIT] = { DIALECT_PG, READS, 0, wait },
    [WORD_EXPLAIN] = { DIALECT_BOTH, READS, 0, infra__sql_explain },
    [WORD_DESCRIBE] = { DIALECT_MY, READS, 0, infra__sql_explain },
    [WORD_DESC] = { DIALECT_MY, READS, 0, infra__sql_explain },
    [WORD_SHOW] = { DIALECT_BOTH, READS, 0, infra__sql_show },
    [WORD_ANALYZE] = { DIALECT_BOTH, WRITES, 0, analyze },
    [WORD_ANALYSE] = { DIALECT_PG, WRITES, 0, definition },
    /* Sessions. */
    [WORD_SET] = { DIALECT_BOTH, SESSION, 0, infra__sql_set },
    [WORD_RESET] = { DIALECT_BOTH, SESSION, 0, infra__sql_reset },
    [WORD_USE] = { DIALECT_MY, SESSION, 0, NULL },
    [WORD_DISCARD] = { DIALECT_PG, SESSION, 0, discard },
    [WORD_PREPARE] = { DIALECT_BOTH, WRITES, 0, prepare },
    [WORD_EXECUTE] = { DIALECT_BOTH, WRITES, 0, execute },
    [WORD_DEALLOCATE] = { DIALECT_BOTH, SESSION, 0, deallocate },
    [WORD_DECLARE] = { DIALECT_PG, WRITES, 0, declare },
    [WORD_FETCH] = { DIALECT_PG, WRITES, 0, cursor },
    [WORD_MOVE] = { DIALECT_PG, WRITES, 0, cursor },
    [WORD_CLOSE] = { DIALECT_PG, WRITES, 0, cursor },
    [WORD_HANDLER] = { DIALECT_MY, WRITES, INFRA_STATEMENT_HOLD, cursor },
    [WORD_LISTEN] = { DIALECT_PG, WRITES, INFRA_STATEMENT_LISTEN, NULL },
    [WORD_UNLISTEN] = { DIALECT_PG, WRITES, 0, unlisten },
    [WORD_NOTIFY] = { DIALECT_PG, WRITES, 0, NULL },
    [WORD_LOCK] = { DIALECT_BOTH, WRITES, INFRA_STATEMENT_TABLE_LOCK,
                    definition },
    [WORD_UNLOCK] = { DIALECT_MY, WRITES,
                      INFRA_STATEMENT_TABLE_LOCK | INFRA_STATEMENT_RESETS,
                      NULL },
    [WORD_FLUSH] = { DIALECT_MY, WRITES, 0, flush },
    /* Transactions. */
    [WORD_BEGIN] = { DIALECT_BOTH, WRITES, 0, infra__sql_begin },
    [WORD_START] = { DIALECT_BOTH, WRITES, 0, infra__sql_begin },
    [WORD_COMMIT] = { DIALECT_BOTH, WRITES, 0, infra__sql_end },
    [WORD_ROLLBACK] = { DIALECT_BOTH, WRITES, 0, infra__sql_end },
    [WORD_END] = { DIALECT_BOTH, WRITES, 0, infra__sql_end },
    [WORD_ABORT] = { DIALECT_PG, WRITES, 0, infra__sql_end },
    [WORD_SAVEPOINT] = { DIALECT_BOTH, INFRA_STATEMENT_SAVEPOINT, 0, NULL },
    [WORD_RELEASE] = { DIALECT_BOTH, INFRA_STATEMENT_SAVEPOINT, 0, NULL },
    [WORD_XA] = { DIALECT_MY, WRITES, INFRA_STATEMENT_XA, definition },
    /* Definitions, and what an administrator does. */
    [WORD_CREATE] = { DIALECT_BOTH, WRITES, 0, create },
    [WORD_DROP] = { DIALECT_BOTH, WRITES, 0, drop },
    [WORD_ALTER] = { DIALECT_BOTH, WRITES, 0, definition },
    [WORD_TRUNCATE] = { DIALECT_BOTH, WRITES, 0, definition },
    [WORD_RENAME] = { DIALECT_MY, WRITES, 0, definition },
    [WORD_GRANT] = { DIALECT_BOTH, WRITES, 0, definition },
    [WORD_REVOKE] = { DIALECT_BOTH, WRITES, 0, definition },
    [WORD_COMMENT] = { DIALECT_PG, WRITES, 0, definition },
    [WORD_SECURITY] = { DIALECT_PG, WRITES, 0, definition },
    [WORD_REFRESH] = { DIALECT_PG, WRITES, 0, definition },
    [WORD_CLUSTER] = { DIALECT_PG, WRITES, 0, definition },
    [WORD_REINDEX] = { DIALECT_PG, WRITES, 0, definition },
    [WORD_VACUUM] = { DIALECT_PG, WRITES, 0, definition },
    [WORD_CHECKPOINT] = { DIALECT_PG, WRITES, INFRA_STATEMENT_NODE,
                          definition },
    [WORD_IMPORT] = { DIALECT_BOTH, WRITES, 0, definition },
    [WORD_REASSIGN] = { DIALECT_PG, WRITES, 0, definition },
    [WORD_OPTIMIZE] = { DIALECT_MY, WRITES, 0, definition },
    [WORD_REPAIR] = { DIALECT_MY, WRITES, 0, definition },
    [WORD_CHECK] = { DIALECT_MY, WRITES, 0, definition },
    [WORD_CACHE] = { DIALECT_MY, WRITES, INFRA_STATEMENT_NODE, definition },
    [WORD_INSTALL] = { DIALECT_MY, WRITES, INFRA_STATEMENT_NODE, definition },
    [WORD_UNINSTALL] = { DIALECT_MY, WRITES, INFRA_STATEMENT_NODE, definition },
    [WORD_PURGE] = { DIALECT_MY, WRITES, INFRA_STATEMENT_NODE, definition },
    [WORD_CHANGE] = { DIALECT_MY, WRITES, INFRA_STATEMENT_NODE, definition },
    [WORD_STOP] = { DIALECT_MY, WRITES, INFRA_STATEMENT_NODE, definition },
    [WORD_CLONE] = { DIALECT_MY, WRITES, INFRA_STATEMENT_NODE, definition },
    [WORD_SHUTDOWN] = { DIALECT_MY, WRITES, INFRA_STATEMENT_NODE, definition },
    [WORD_KILL] = { DIALECT_MY, WRITES, INFRA_STATEMENT_NODE, definition },
    [WORD_BINLOG] = { DIALECT_MY, WRITES, 0, definition },
    [WORD_SIGNAL] = { DIALECT_MY, WRITES, 0, NULL },
    [WORD_GET] = { DIALECT_MY, WRITES, INFRA_STATEMENT_FOLLOWS, NULL },
};

static uint8_t unknown_verb(struct reader *r, uint8_t *ret_reason)
{
    *ret_reason = INFRA_STATEMENT_REASON_UNKNOWN_VERB;
    r->object = span_of(r);
    r->attention = ATTENTION_NONE;
    return INFRA_STATEMENT_UNKNOWN;
}

uint8_t infra__sql_inner(struct reader *r, uint8_t *ret_reason)
{
    uint8_t dialect = r->is_mysql ? DIALECT_MY : DIALECT_PG;

    r->attention = ATTENTION_ALL;
    r->at.prev = TOKEN_END;
    *ret_reason = INFRA_STATEMENT_REASON_VERB;
    while (r->at.code == TOKEN_OPEN) {
        infra__sql_advance(r);
    }
    if (r->at.code >= INFRA__COUNT_OF(verbs) ||
        (verbs[r->at.code].dialects & dialect) == 0 ||
        (r->at.prev == TOKEN_OPEN && verbs[r->at.code].kind != READS)) {
        return unknown_verb(r, ret_reason);
    }
    const struct verb *verb = &verbs[r->at.code];
    r->flags |= verb->flags;
    if (verb->handle == NULL && verb->kind == READS) {
        return READS; /* Only a verb of queries is also a word inside them. */
    }
    infra__sql_skip(r);
    return verb->handle != NULL ? verb->handle(r, ret_reason) : verb->kind;
}

uint8_t infra__sql_statement(struct reader *r, uint8_t *ret_reason)
{
    infra__sql_statement_start(r);
    uint8_t kind = infra__sql_inner(r, ret_reason);
    infra__sql_finish(r);
    infra__sql_settle(r);
    if (r->at.code == TOKEN_BROKEN) {
        *ret_reason = INFRA_STATEMENT_REASON_BROKEN;
        r->object = span_of(r);
        return INFRA_STATEMENT_UNKNOWN;
    }
    bool may_run_anywhere =
        kind == INFRA_STATEMENT_READ || kind == INFRA_STATEMENT_SESSION;
    if (may_run_anywhere && r->has_objection) {
        *ret_reason = r->reason;
        return INFRA_STATEMENT_WRITE;
    }
    if (kind == INFRA_STATEMENT_READ && r->sets_session) {
        return INFRA_STATEMENT_SESSION;
    }
    return kind;
}
