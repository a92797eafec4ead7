/* SPDX-License-Identifier: MIT */
/* SET and RESET. Most of them set state that each node must get that serves the
 * session; some belong to the transaction that is open, some to the whole
 * server, and some would have a standby write or refuse everything. */
#include "../base/internal.h"
#include "internal.h"

#include <string.h>

/* The modes of a transaction up to the end of the statement: flags for READ
 * ONLY, READ WRITE (the last of them counts) and SERIALIZABLE. */
static uint32_t transaction_modes(struct reader *r)
{
    uint32_t flags = 0;

    while (!is_end(r)) {
        if (r->at.prev == WORD_READ &&
            (r->at.code == WORD_WRITE || r->at.code == WORD_ONLY)) {
            flags &= ~INFRA_STATEMENT_READ_ONLY;
            flags |= INFRA_STATEMENT_READ_ONLY_MODE;
            flags |= r->at.code == WORD_ONLY ? INFRA_STATEMENT_READ_ONLY : 0;
        }
        if (r->at.code == WORD_SERIALIZABLE) {
            flags |= INFRA_STATEMENT_SERIALIZABLE;
        }
        infra__sql_advance(r);
    }
    return flags;
}

/* Does a session that has these go to the primary for good? */
static uint8_t kind_by_flags(uint32_t flags, uint8_t *ret_reason)
{
    if (flags & INFRA_STATEMENT_READ_ONLY_MODE) {
        *ret_reason = INFRA_STATEMENT_REASON_READ_ONLY_MODE;
        return INFRA_STATEMENT_WRITE;
    }
    if (flags & INFRA_STATEMENT_SERIALIZABLE) {
        *ret_reason = INFRA_STATEMENT_REASON_SERIALIZABLE;
        return INFRA_STATEMENT_WRITE;
    }
    return INFRA_STATEMENT_SESSION;
}

/* Is the value behind the name something else than SERIALIZABLE? */
static bool is_serializable(struct reader *r)
{
    while (!is_end(r)) {
        size_t length = (size_t)(r->at.stop - r->at.at);
        if (r->at.code == WORD_SERIALIZABLE) {
            return true;
        }
        if (r->at.code == TOKEN_STRING && length >= 2) {
            return infra__sql_is(r->at.at + 1, length - 2, "serializable");
        }
        infra__sql_advance(r);
    }
    return false;
}

/* A setting of PostgreSQL by its name. */
static uint8_t setting(struct reader *r, uint8_t *ret_reason)
{
    uint32_t flags = infra__sql_setting_flags(r, span_of(r), r->at.code);

    if (r->at.code == WORD_NAMES) {
        flags = INFRA_STATEMENT_LEXER_MODE;
    }
    if ((flags & INFRA_STATEMENT_SERIALIZABLE) != 0 && !is_serializable(r)) {
        flags &= ~INFRA_STATEMENT_SERIALIZABLE;
    }
    r->flags |= flags;
    return kind_by_flags(flags, ret_reason);
}

/* SET [SESSION | LOCAL] name, SET [SESSION CHARACTERISTICS AS] TRANSACTION, SET
 * CONSTRAINTS. */
static uint8_t set_postgresql(struct reader *r, uint8_t *ret_reason)
{
    bool is_local = accept(r, WORD_LOCAL);

    r->attention = ATTENTION_NONE;
    if (r->at.code == WORD_CONSTRAINTS) {
        return INFRA_STATEMENT_LOCAL;
    }
    if (r->at.code == WORD_TRANSACTION) {
        r->flags |= transaction_modes(r);
        return INFRA_STATEMENT_LOCAL;
    }
    if (!is_local && accept(r, WORD_SESSION)) {
        if (r->at.code == WORD_CHARACTERISTICS) {
            uint32_t flags = transaction_modes(r);
            r->flags |= flags;
            return kind_by_flags(flags, ret_reason);
        }
    }
    uint8_t kind = setting(r, ret_reason);
    return is_local ? INFRA_STATEMENT_LOCAL : kind;
}

/* What MySQL's assignments of one name change besides. */
static uint32_t mysql_flags(const char *text, size_t length)
{
    static const struct {
        const char *name;
        uint32_t flags;
    } settings[] = {
        { "autocommit", INFRA_STATEMENT_AUTOCOMMIT },
        { "sql_mode", INFRA_STATEMENT_LEXER_MODE },
        { "character_set_client", INFRA_STATEMENT_LEXER_MODE },
        { "names", INFRA_STATEMENT_LEXER_MODE },
        { "charset", INFRA_STATEMENT_LEXER_MODE },
        { "character", INFRA_STATEMENT_LEXER_MODE },
        { "transaction_read_only", INFRA_STATEMENT_READ_ONLY_MODE },
        { "tx_read_only", INFRA_STATEMENT_READ_ONLY_MODE },
    };
    for (size_t i = 0; i < length; i++) { /* @@session.name */
        if (text[i] == '.' || text[i] == '@') {
            text += i + 1;
            length -= i + 1;
            i = SIZE_MAX;
        }
    }
    for (size_t i = 0; i < INFRA__COUNT_OF(settings); i++) {
        if (infra__sql_is(text, length, settings[i].name)) {
            return settings[i].flags;
        }
    }
    return 0;
}

/* Is it @@global.name, @@persist.name or @@persist_only.name? */
static bool is_of_server(const struct reader *r)
{
    static const char *const scopes[] = { "@@global.", "@@persist.",
                                          "@@persist_only." };

    for (size_t i = 0; i < INFRA__COUNT_OF(scopes); i++) {
        size_t size = strlen(scopes[i]);
        if (r->at.code == TOKEN_SYSTEM &&
            (size_t)(r->at.stop - r->at.at) > size &&
            infra__sql_is(r->at.at, size, scopes[i])) {
            return true;
        }
    }
    return false;
}

/* One assignment, up to its comma; its value is an expression. False: it is
 * for the whole server. */
static bool assignment(struct reader *r, bool is_next)
{
    uint8_t word = r->at.code;
    bool is_server = word == WORD_GLOBAL || word == WORD_PERSIST ||
                     word == WORD_PERSIST_ONLY || word == WORD_PASSWORD ||
                     word == WORD_RESOURCE || is_of_server(r) ||
                     (word == WORD_DEFAULT && !is_next);

    r->attention = ATTENTION_NONE;
    if (r->at.code == TOKEN_USER) {
        r->flags |= INFRA_STATEMENT_WRITES_VARIABLE;
    }
    if (word == WORD_SESSION || word == WORD_LOCAL) {
        infra__sql_advance(r);
    }
    r->flags |= mysql_flags(r->at.at, (size_t)(r->at.stop - r->at.at));
    while (!is_end(r) && r->at.code != TOKEN_EQUAL &&
           r->at.code != TOKEN_ASSIGN && r->at.code != TOKEN_COMMA) {
        infra__sql_advance(r);
    }
    r->attention = ATTENTION_CALLS;
    while (!is_end(r) && !(r->at.code == TOKEN_COMMA && r->depth == 0)) {
        /* A variable of the session may be read here; a lock may not. */
        r->attention =
            r->at.code == TOKEN_USER ? ATTENTION_CALLS : ATTENTION_ALL;
        infra__sql_advance(r);
    }
    return !is_server;
}

static uint8_t set_mysql(struct reader *r, uint8_t *ret_reason)
{
    bool is_session = false;
    bool is_own = true;

    if (r->at.code == WORD_STATEMENT) { /* MariaDB: SET ... FOR statement. */
        r->attention = ATTENTION_NONE;
        while (!is_end(r) && r->at.code != WORD_FOR) {
            infra__sql_advance(r);
        }
        return accept(r, WORD_FOR) ? infra__sql_inner(r, ret_reason)
                                   : INFRA_STATEMENT_WRITE;
    }
    if ((r->at.code == WORD_SESSION || r->at.code == WORD_LOCAL) &&
        infra__sql_ahead_word(r) == WORD_TRANSACTION) {
        infra__sql_advance(r);
        is_session = true;
    }
    if (r->at.code == WORD_TRANSACTION) {
        r->attention = ATTENTION_NONE;
        r->flags |= transaction_modes(r) |
                    (is_session ? 0 : INFRA_STATEMENT_NEXT_TRANSACTION);
        return INFRA_STATEMENT_SESSION;
    }
    for (bool is_next = false; !is_end(r); is_next = true) {
        is_own = assignment(r, is_next) && is_own;
        if (r->at.code == TOKEN_COMMA) {
            infra__sql_advance(r);
        }
    }
    if (!is_own) {
        r->flags |= INFRA_STATEMENT_GLOBAL;
    }
    return is_own ? INFRA_STATEMENT_SESSION : INFRA_STATEMENT_WRITE;
}

uint8_t infra__sql_set(struct reader *r, uint8_t *ret_reason)
{
    return r->is_mysql ? set_mysql(r, ret_reason)
                       : set_postgresql(r, ret_reason);
}

/* PostgreSQL: a setting goes back to its default. MySQL: RESET MASTER and its
 * like. */
uint8_t infra__sql_reset(struct reader *r, uint8_t *ret_reason)
{
    r->attention = ATTENTION_NONE;
    if (r->is_mysql) {
        r->flags |= INFRA_STATEMENT_NODE;
        return INFRA_STATEMENT_WRITE;
    }
    uint32_t flags = infra__sql_setting_flags(r, span_of(r), r->at.code);
    if (r->at.code == WORD_ALL) {
        flags = INFRA_STATEMENT_LEXER_MODE;
    }
    r->flags |= flags | INFRA_STATEMENT_RESETS;
    return kind_by_flags(flags & ~INFRA_STATEMENT_SERIALIZABLE, ret_reason);
}
