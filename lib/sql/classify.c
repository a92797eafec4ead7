/* SPDX-License-Identifier: MIT */
/* The whole text, statement by statement. Several in one text go to the primary
 * together, since they are one transaction, or one answer, there. */
#include "../base/internal.h"
#include "internal.h"

static void answer(struct infra_statement *s, const struct reader *r,
                   uint8_t kind, uint8_t reason, struct span object)
{
    s->kind = kind;
    s->reason = reason;
    s->flags = r->flags;
    s->name = r->name.at;
    s->name_length = r->name.length;
    s->at = object.at;
    s->at_length = object.length;
}

/* What only says how a definition looks is no call. */
static void tidy(struct reader *r, uint8_t reason, uint32_t flags_before)
{
    if (reason == INFRA_STATEMENT_REASON_VERB) {
        r->flags &= ~INFRA_STATEMENT_UNKNOWN_FUNCTION |
                    (flags_before & INFRA_STATEMENT_UNKNOWN_FUNCTION);
    }
}

static void hint(struct infra_statement *s, const struct reader *r)
{
    if (r->lexer.hint == HINT_PRIMARY &&
        (s->kind == INFRA_STATEMENT_READ ||
         s->kind == INFRA_STATEMENT_BEGIN_READ_ONLY)) {
        s->kind = s->kind == INFRA_STATEMENT_READ ? INFRA_STATEMENT_WRITE
                                                  : INFRA_STATEMENT_BEGIN;
        s->reason = INFRA_STATEMENT_REASON_HINT;
        s->at_length = 0;
    }
}

/* Read the text once. */
static void read_text(struct infra_statement *s, struct reader *r)
{
    *s = (struct infra_statement) { .reason = INFRA_STATEMENT_REASON_EMPTY };
    while (infra__sql_next_statement(r)) {
        uint8_t reason = INFRA_STATEMENT_REASON_VERB;
        uint32_t flags = r->flags;
        uint8_t kind = infra__sql_statement(r, &reason);
        tidy(r, reason, flags);
        struct span second = span_of(r);
        answer(s, r, kind, reason, r->object);
        s->count = (uint16_t)(s->count + (s->count < UINT16_MAX ? 1 : 0));
        if (s->count > 1) {
            answer(s, r, INFRA_STATEMENT_WRITE, INFRA_STATEMENT_REASON_MULTIPLE,
                   (struct span) { .at = 0 });
        }
        if (r->at.code == TOKEN_BROKEN) {
            answer(s, r, INFRA_STATEMENT_UNKNOWN, INFRA_STATEMENT_REASON_BROKEN,
                   second);
            break;
        }
    }
    hint(s, r);
}

static bool may_run_anywhere(const struct infra_statement *s)
{
    return s->kind == INFRA_STATEMENT_READ ||
           s->kind == INFRA_STATEMENT_BEGIN_READ_ONLY;
}

/* A text with executable comments is another one on a server that skips
 * them. */
static void read_versions(struct infra_statement *s, struct reader *r,
                          const struct infra_sql *sql, const char *text,
                          uint32_t length)
{
    struct infra_statement skipped;
    uint32_t comments = r->lexer.executables_count;

    infra__sql_reader_start(r, sql, text, length, true);
    read_text(&skipped, r);
    skipped.flags |= s->flags;
    if (s->kind == skipped.kind ||
        skipped.reason == INFRA_STATEMENT_REASON_EMPTY) {
        s->flags = skipped.flags;
    } else if (may_run_anywhere(s)) {
        *s = skipped;
    } else {
        s->flags = skipped.flags;
    }
    if (comments > 1 && may_run_anywhere(s)) {
        s->kind = INFRA_STATEMENT_UNKNOWN;
        s->reason = INFRA_STATEMENT_REASON_VERSIONS;
        s->at_length = 0;
    }
}

static bool has_high_bytes(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if ((unsigned char)text[i] > 127) {
            return true;
        }
    }
    return false;
}

#define MODES                                                       \
    (INFRA_SQL_BACKSLASH_ESCAPES | INFRA_SQL_NO_BACKSLASH_ESCAPES | \
     INFRA_SQL_ANSI_QUOTES | INFRA_SQL_UNSAFE_ENCODING | INFRA_SQL_HINTS)

int infra_sql_classify(const struct infra_sql *sql, const char *text,
                       size_t length, struct infra_statement *ret)
{
    struct infra_sql own = { .size = sizeof own };
    struct reader r;

    if (sql == NULL || ret == NULL || (text == NULL && length != 0) ||
        length >= UINT32_MAX) {
        return INFRA_EINVAL;
    }
    if (sql->size != sizeof own) {
        int err = infra__options_import(&own, sizeof own, sql, sizeof own);
        if (err != INFRA_OK) {
            return err;
        }
        sql = &own;
    }
    if (sql->dialect > INFRA_SQL_MARIADB || (sql->mode & ~MODES) != 0) {
        return INFRA_EINVAL;
    }
    if ((sql->mode & INFRA_SQL_UNSAFE_ENCODING) != 0 &&
        has_high_bytes(text, length)) {
        *ret =
            (struct infra_statement) { .reason = INFRA_STATEMENT_REASON_BROKEN,
                                       .count = 1 };
        return INFRA_OK;
    }
    text = length != 0 ? text : "";
    infra__sql_reader_start(&r, sql, text, (uint32_t)length, false);
    read_text(ret, &r);
    if (r.lexer.executables_count > 0) {
        read_versions(ret, &r, sql, text, (uint32_t)length);
    }
    return INFRA_OK;
}
