/* SPDX-License-Identifier: MIT */
/* What the server says ends and starts what a session has: its transaction, its
 * pins, and the position that its reads need. */
#include "session.h"

/* A single statement that failed has left nothing, but for these: a lock is
 * taken, a variable set, a number drawn before the error. */
#define SURVIVES_ERROR                                         \
    (INFRA_SESSION_PIN_ADVISORY | INFRA_SESSION_PIN_VARIABLE | \
     INFRA_SESSION_PIN_SEQUENCE)

static bool may_write(const struct infra_statement *st)
{
    return st->kind == INFRA_STATEMENT_WRITE ||
           st->kind == INFRA_STATEMENT_UNKNOWN;
}

static void note_started(struct session *s,
                         const struct infra_session_result *result)
{
    const struct infra_statement *st = &s->statement;
    uint32_t pins = infra__pins_started(st);

    if (st->kind == INFRA_STATEMENT_UNKNOWN &&
        st->reason != INFRA_STATEMENT_REASON_EMPTY) {
        pins |= INFRA_SESSION_PIN_UNKNOWN;
    }
    if (st->kind == INFRA_STATEMENT_SESSION) {
        pins |= (st->flags & INFRA_STATEMENT_NEXT_TRANSACTION) != 0
                    ? INFRA_SESSION_PIN_NEXT
                    : 0;
        pins |= s->journal_size == 0 ? INFRA_SESSION_PIN_UNKNOWN : 0;
    }
    /* PostgreSQL's LOCK TABLE ends with its transaction, MySQL's does not. */
    if (s->is_open && !result->is_autocommit_off) {
        pins &= ~INFRA_SESSION_PIN_TABLES;
    }
    if (result->is_error && st->count <= 1) {
        pins &= SURVIVES_ERROR;
    }
    if (result->has_warnings || ((st->flags & INFRA_STATEMENT_FOLLOWS) != 0 &&
                                 (s->pins & INFRA_SESSION_PIN_LAST) != 0)) {
        pins |= INFRA_SESSION_PIN_LAST;
    }
    bool is_placed = (s->pins & ~PINS_LOOSE) != 0 && s->home.node != NODE_NONE;
    if (((pins | s->pins) & ~PINS_LOOSE) != 0 && !is_placed) {
        s->home = s->out;
    }
    s->follow = s->out;
    s->pins = (s->pins & ~INFRA_SESSION_PIN_LAST) | pins;
}

static void note_ended(struct session *s,
                       const struct infra_session_result *result, bool was_open)
{
    if (!result->is_error) {
        s->pins &= ~infra__pins_ended(&s->statement);
    }
    if (was_open && !s->is_open) {
        s->pins &= ~INFRA_SESSION_PIN_NEXT;
    }
    if (result->is_reset) {
        s->pins = 0;
        s->is_default_read_only = false;
        infra_session_journal_remove((struct infra_session *)(void *)s, NULL,
                                     0);
    }
    s->is_autocommit_off = result->is_autocommit_off != 0;
}

/* The default mode of transactions. Inside a transaction a rollback may undo
 * it: then what is safe counts. */
static void note_mode(struct session *s,
                      const struct infra_session_result *result)
{
    const struct infra_statement *st = &s->statement;

    if ((st->flags & INFRA_STATEMENT_READ_ONLY_MODE) == 0 ||
        st->kind == INFRA_STATEMENT_LOCAL ||
        (st->flags & INFRA_STATEMENT_NEXT_TRANSACTION) != 0) {
        return;
    }
    s->is_default_read_only = !result->is_error && !s->is_open &&
                              st->count == 1 &&
                              (st->flags & INFRA_STATEMENT_READ_ONLY) != 0;
}

static void note_written(struct session *s,
                         const struct infra_session_result *result,
                         infra_time now)
{
    s->has_written |=
        result->has_written || (s->out.is_primary && may_write(&s->statement));
    if (s->is_open) {
        return;
    }
    bool is_undone =
        result->is_rolled_back || (result->is_error && s->statement.count <= 1);
    if (s->has_written && !is_undone) {
        infra__session_wrote(s, result->position, now);
    }
    s->has_written = false;
}

static void note_read(struct session *s, infra_time now)
{
    if (s->consistency != INFRA_SESSION_CONSISTENCY_MONOTONIC) {
        return;
    }
    if (s->out.is_primary) {
        infra__session_wrote(s, NULL, now);
        s->read_node = NODE_NONE;
    } else {
        s->has_seen_replica = true;
        s->read_node = s->out.node;
        s->read_sight = s->out.sight;
        s->read_at = now;
    }
}

static void note_transaction(struct session *s,
                             const struct infra_session_result *result)
{
    bool was_open = s->is_open;

    s->is_open = result->transaction != INFRA_SESSION_TRANSACTION_NONE;
    if (!was_open && s->is_open) {
        s->transaction = s->out;
    }
    if (s->is_open) {
        return;
    }
    if (result->is_rolled_back) {
        infra__journal_roll_back(s);
    } else {
        infra__journal_commit(s);
    }
}

int infra_session_done(struct infra_session *session,
                       const struct infra_session_result *result,
                       infra_time now)
{
    struct infra_session_result r = { .size = sizeof r };
    int err = session != NULL && result != NULL
                  ? infra__options_take(&r, result, NULL)
                  : INFRA_EINVAL;

    if (err != INFRA_OK) {
        return err;
    }
    struct session *s = session_of(session);
    if (r.transaction > INFRA_SESSION_TRANSACTION_FAILED) {
        return INFRA_EINVAL;
    }
    if (!s->is_out || r.node != s->out.node) {
        return INFRA_ENOENT;
    }
    bool was_open = s->is_open;
    s->is_out = false;
    s->done_at = now != 0 ? now : 1;
    note_transaction(s, &r);
    note_started(s, &r);
    note_ended(s, &r, was_open);
    note_mode(s, &r);
    note_written(s, &r, now);
    note_read(s, now);
    return INFRA_OK;
}

int infra_session_lost(struct infra_session *session, uint32_t node,
                       infra_time now)
{
    if (session == NULL || node >= INFRA_ROUTER_NODES_MAX) {
        return INFRA_EINVAL;
    }
    struct session *s = session_of(session);
    bool was_out = s->is_out && s->out.node == node;
    bool had_pins = false;

    if (was_out) {
        s->is_out = false;
        if (s->out.is_primary && (may_write(&s->statement) || s->has_written)) {
            infra__session_wrote(s, NULL, now);
        }
    }
    if (s->is_open && s->transaction.node == node) {
        had_pins = true;
        s->is_open = false;
        s->has_written = false;
        infra__journal_roll_back(s);
    }
    if ((s->pins & ~PINS_LOOSE) != 0 && s->home.node == node) {
        had_pins = true;
        s->pins &= PINS_LOOSE;
    }
    if (s->follow.node == node) {
        s->pins &= ~INFRA_SESSION_PIN_LAST;
    }
    s->is_broken = had_pins && !was_out && !s->is_told;
    s->is_told = false;
    return INFRA_OK;
}
