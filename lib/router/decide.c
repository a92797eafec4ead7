/* SPDX-License-Identifier: MIT */
/* The order of a decision: what was lost is said first, then an open
 * transaction, then one that is held back, then other pins, and only then the
 * kind of the statement. */
#include "session.h"

/* To where something of the session is. */
static void go_to_place(struct session *s, const struct table *t,
                        const struct place *p, uint32_t pins, infra_time now,
                        struct infra_verdict *v)
{
    v->pins = pins;
    if (!infra__place_holds(p, t)) {
        s->is_told = true;
        infra__verdict_fail(v, INFRA_VERDICT_REASON_NODE_CHANGED);
    } else if (p->is_primary && t->primary == p->node &&
               infra__router_writable(t, now) ==
                   INFRA_VERDICT_REASON_LEASE_OVER) {
        infra__verdict_fail(v, INFRA_VERDICT_REASON_LEASE_OVER);
    } else {
        v->kind = INFRA_VERDICT_GO;
        v->reason = INFRA_VERDICT_REASON_PINNED;
        v->flags |= INFRA_VERDICT_OWN_CONNECTION;
        v->nodes = bit_of(p->node);
    }
}

bool infra__session_begins_read_only(const struct session *s,
                                     const struct infra_statement *statement)
{
    return statement->kind == INFRA_STATEMENT_BEGIN_READ_ONLY ||
           (statement->kind == INFRA_STATEMENT_BEGIN &&
            s->is_default_read_only &&
            (statement->flags & INFRA_STATEMENT_SERIALIZABLE) == 0);
}

/* Does it leave something that has to stay on one connection? */
static bool leaves_pins(const struct session *s,
                        const struct infra_statement *statement)
{
    return (infra__pins_started(statement) & ~PINS_LOOSE) != 0 ||
           (statement->kind == INFRA_STATEMENT_SESSION &&
            (s->journal_size == 0 ||
             (statement->flags & INFRA_STATEMENT_NEXT_TRANSACTION) != 0));
}

/* Inside a transaction; a pin that it leaves must not be a second place. */
static void decide_open(struct session *s, const struct table *t,
                        const struct infra_statement *statement, infra_time now,
                        struct infra_verdict *v)
{
    if ((s->pins & ~PINS_LOOSE) != 0 && s->home.node != NODE_NONE &&
        s->home.node != s->transaction.node && leaves_pins(s, statement)) {
        v->pins = s->pins;
        infra__verdict_fail(v, INFRA_VERDICT_REASON_ELSEWHERE);
        return;
    }
    go_to_place(s, t, &s->transaction, INFRA_SESSION_PIN_TRANSACTION, now, v);
}

static void to_primary(struct session *s, const struct table *t, uint8_t reason,
                       infra_time now, struct infra_verdict *v)
{
    if (infra__session_needs(s, t, now, v)) {
        infra__session_write(t, reason, now, v);
    }
}

/* The first statement behind a BEGIN that is held back. */
static void decide_deferred(struct session *s, struct infra_router_reader *r,
                            const struct table *t,
                            const struct infra_statement *statement,
                            infra_time now, struct infra_verdict *v)
{
    const uint32_t modes =
        INFRA_STATEMENT_READ_ONLY_MODE | INFRA_STATEMENT_SERIALIZABLE;
    bool is_read_only = s->deferred == DEFERRED_READ_ONLY;

    if (statement->kind == INFRA_STATEMENT_END &&
        (statement->flags & INFRA_STATEMENT_CHAIN) == 0) {
        v->kind = INFRA_VERDICT_ANSWER;
        v->reason = INFRA_VERDICT_REASON_DEFERRED;
        return;
    }
    if (statement->kind == INFRA_STATEMENT_LOCAL &&
        (statement->flags & modes) != 0) {
        is_read_only = (statement->flags & INFRA_STATEMENT_READ_ONLY) != 0 &&
                       (statement->flags & INFRA_STATEMENT_SERIALIZABLE) == 0;
    }
    if (is_read_only && (s->pins & INFRA_SESSION_PIN_PRIMARY) == 0 &&
        !s->is_autocommit_off) {
        infra__session_read(s, r, t, INFRA_VERDICT_REASON_READ_ONLY, now, v);
    } else {
        to_primary(s, t, INFRA_VERDICT_REASON_WRITE, now, v);
    }
    v->flags |= INFRA_VERDICT_BEGIN_FIRST;
}

/* It needs what is at home, or where the last statement was. */
static void decide_bound(struct session *s, const struct table *t,
                         const struct infra_statement *statement,
                         uint32_t binding, infra_time now,
                         struct infra_verdict *v)
{
    bool is_last = binding == INFRA_SESSION_PIN_LAST;
    const struct place *p = is_last ? &s->follow : &s->home;
    bool asks_only = statement->reason == INFRA_STATEMENT_REASON_VARIABLE ||
                     statement->reason == INFRA_STATEMENT_REASON_NAMED ||
                     statement->reason == INFRA_STATEMENT_REASON_FOLLOWS ||
                     statement->reason == INFRA_STATEMENT_REASON_FUNCTION;

    if (!p->is_primary && !asks_only &&
        (statement->kind == INFRA_STATEMENT_WRITE ||
         statement->kind == INFRA_STATEMENT_UNKNOWN ||
         statement->kind == INFRA_STATEMENT_BEGIN)) {
        v->pins = binding;
        infra__verdict_fail(v, INFRA_VERDICT_REASON_ELSEWHERE);
        return;
    }
    go_to_place(s, t, p, binding, now, v);
    if (s->deferred != DEFERRED_NONE) {
        v->flags |= INFRA_VERDICT_BEGIN_FIRST;
    }
}

/* State of the session: the primary, which all its pins can live with; while
 * there is none, a replica does. */
static void decide_setting(struct infra_router_reader *r, const struct table *t,
                           infra_time now, struct infra_verdict *v)
{
    uint64_t nodes = infra__router_serving(t, &r->options, 0, now);

    if (infra__router_writable(t, now) == INFRA_VERDICT_REASON_WRITE ||
        nodes == 0) {
        infra__session_write(t, INFRA_VERDICT_REASON_SETTING, now, v);
        return;
    }
    v->kind = INFRA_VERDICT_GO;
    v->reason = INFRA_VERDICT_REASON_SETTING;
    v->nodes = nodes;
}

static void decide_by_kind(struct session *s, struct infra_router_reader *r,
                           const struct table *t,
                           const struct infra_statement *statement,
                           infra_time now, struct infra_verdict *v)
{
    bool begins = statement->kind == INFRA_STATEMENT_BEGIN ||
                  statement->kind == INFRA_STATEMENT_BEGIN_READ_ONLY;

    if (begins && (s->flags & INFRA_SESSION_DEFER_BEGIN) != 0) {
        v->kind = INFRA_VERDICT_ANSWER;
        v->reason = INFRA_VERDICT_REASON_DEFERRED;
    } else if ((s->pins & INFRA_SESSION_PIN_PRIMARY) != 0 ||
               s->is_autocommit_off) {
        v->pins = INFRA_SESSION_PIN_PRIMARY;
        to_primary(s, t, INFRA_VERDICT_REASON_PRIMARY, now, v);
    } else if (statement->kind == INFRA_STATEMENT_READ) {
        infra__session_read(s, r, t, INFRA_VERDICT_REASON_READ, now, v);
    } else if (begins && infra__session_begins_read_only(s, statement)) {
        infra__session_read(s, r, t, INFRA_VERDICT_REASON_READ_ONLY, now, v);
    } else if (statement->kind == INFRA_STATEMENT_WRITE ||
               statement->kind == INFRA_STATEMENT_UNKNOWN || begins ||
               leaves_pins(s, statement)) {
        to_primary(s, t, INFRA_VERDICT_REASON_WRITE, now, v);
    } else {
        decide_setting(r, t, now, v);
    }
}

void infra__session_decide(struct session *s, struct infra_router_reader *r,
                           const struct table *t,
                           const struct infra_statement *statement,
                           infra_time now, struct infra_verdict *v)
{
    if (s->is_broken) {
        s->is_broken = false;
        infra__verdict_fail(v, INFRA_VERDICT_REASON_NODE_CHANGED);
        return;
    }
    if (t == NULL) {
        v->kind = INFRA_VERDICT_HOLD;
        v->reason = INFRA_VERDICT_REASON_NO_PRIMARY;
        return;
    }
    if (s->is_open && ROUTER_RULE(OPEN)) {
        decide_open(s, t, statement, now, v);
        return;
    }
    uint32_t binding = infra__pins_binding(s->pins, statement);
    if (binding != 0 && s->home.node == NODE_NONE &&
        binding != INFRA_SESSION_PIN_LAST) {
        v->pins = binding;
        to_primary(s, t, INFRA_VERDICT_REASON_PINNED, now, v);
        v->flags |=
            s->deferred != DEFERRED_NONE ? INFRA_VERDICT_BEGIN_FIRST : 0;
    } else if (binding != 0) {
        decide_bound(s, t, statement, binding, now, v);
    } else if (s->deferred != DEFERRED_NONE) {
        decide_deferred(s, r, t, statement, now, v);
    } else {
        decide_by_kind(s, r, t, statement, now, v);
    }
    /* Its own connection at the node of a pin is the one to use. */
    if (v->kind == INFRA_VERDICT_GO && (s->pins & ~PINS_LOOSE) != 0 &&
        s->home.node != NODE_NONE && v->nodes == bit_of(s->home.node)) {
        v->flags |= INFRA_VERDICT_OWN_CONNECTION;
    }
}
