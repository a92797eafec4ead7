/* SPDX-License-Identifier: MIT */
/* BEGIN and its end. A standby refuses SERIALIZABLE; where a transaction is
 * said to be READ ONLY and READ WRITE, PostgreSQL takes the last and MySQL
 * none. */
#include "internal.h"

/* MariaDB: BEGIN NOT ATOMIC, a block; START SLAVE: replication. */
static bool is_transaction(struct reader *r)
{
    if (r->at.prev == WORD_START) {
        return accept(r, WORD_TRANSACTION);
    }
    if (!accept(r, WORD_WORK) && !r->is_mysql) {
        (void)accept(r, WORD_TRANSACTION);
    }
    return !r->is_mysql || is_end(r);
}

uint8_t infra__sql_begin(struct reader *r, uint8_t *ret_reason)
{
    bool is_read_only = false;
    bool is_read_write = false;
    bool is_serializable = false;

    r->attention = ATTENTION_NONE;
    if (!is_transaction(r)) {
        r->flags |= r->at.prev == WORD_START ? INFRA_STATEMENT_NODE : 0;
        return INFRA_STATEMENT_WRITE;
    }
    while (!is_end(r)) {
        if (r->at.prev == WORD_READ) {
            is_read_only = is_read_only || r->at.code == WORD_ONLY;
            is_read_write = is_read_write || r->at.code == WORD_WRITE;
        }
        is_serializable = is_serializable || r->at.code == WORD_SERIALIZABLE;
        infra__sql_advance(r);
    }
    if (is_serializable) {
        r->flags |= INFRA_STATEMENT_SERIALIZABLE;
        *ret_reason = INFRA_STATEMENT_REASON_SERIALIZABLE;
    }
    return is_read_only && !is_read_write && !is_serializable
               ? INFRA_STATEMENT_BEGIN_READ_ONLY
               : INFRA_STATEMENT_BEGIN;
}

/* COMMIT, END, ROLLBACK, ABORT; ROLLBACK TO a savepoint; the second phase of
 * two; AND CHAIN. */
uint8_t infra__sql_end(struct reader *r, uint8_t *ret_reason)
{
    bool is_not = false;
    uint8_t kind = INFRA_STATEMENT_END;

    (void)ret_reason;
    r->attention = ATTENTION_NONE;
    if (r->at.code == WORD_PREPARED) {
        return INFRA_STATEMENT_WRITE;
    }
    while (!is_end(r)) {
        if (r->at.code == WORD_TO) {
            kind = INFRA_STATEMENT_SAVEPOINT;
        } else if (r->at.code == WORD_NO) {
            is_not = true;
        } else if (r->at.code == WORD_CHAIN && !is_not) {
            r->flags |= INFRA_STATEMENT_CHAIN;
        }
        infra__sql_advance(r);
    }
    return kind;
}
