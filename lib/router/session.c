/* SPDX-License-Identifier: MIT */
/* A session's life: begin, route and send a statement, leave. */
#include "session.h"

#include <string.h>

#define JOURNAL_MAX 65535u

static struct session blank(void)
{
    return (struct session) {
        .home = { .node = NODE_NONE },
        .follow = { .node = NODE_NONE },
        .read_node = NODE_NONE,
        .journal_version = 1,
    };
}

int infra_session_init(struct infra_session *session,
                       const struct infra_session_options *options)
{
    struct infra_session_options o = { .size = sizeof o };
    int err =
        session != NULL ? infra__options_take(&o, options, NULL) : INFRA_EINVAL;

    if (err != INFRA_OK) {
        return err;
    }
    if (o.consistency > INFRA_SESSION_CONSISTENCY_EVENTUAL ||
        (o.flags & ~INFRA_SESSION_DEFER_BEGIN) != 0 ||
        o.journal_size > JOURNAL_MAX ||
        (o.journal == NULL && o.journal_size > 0)) {
        return INFRA_EINVAL;
    }
    memset(session, 0, sizeof *session);
    struct session *s = session_of(session);
    *s = blank();
    s->consistency = (uint8_t)o.consistency;
    s->flags = (uint8_t)o.flags;
    s->age_max = o.age_max;
    s->journal = o.journal;
    s->journal_size = (uint32_t)o.journal_size;
    return INFRA_OK;
}

void infra_session_leave(struct infra_session *session)
{
    if (session == NULL) {
        return;
    }
    struct session *s = session_of(session);
    struct session fresh = blank();
    infra__held_remove(s);
    fresh.consistency = s->consistency;
    fresh.flags = s->flags;
    fresh.age_max = s->age_max;
    fresh.journal = s->journal;
    fresh.journal_size = s->journal_size;
    fresh.journal_version = s->journal_version + 1;
    *s = fresh;
}

/* There is no primary now: wait for one, within the bounds. */
static void hold(struct session *s, struct infra_router_reader *r,
                 const struct table *t, infra_time now, struct infra_verdict *v)
{
    uint32_t reason = INFRA_VERDICT_REASON_HOLD_OVER;

    if (s->hold_until == 0) {
        s->hold_until = infra__time_add(now, r->options.hold_max);
    }
    if (now < s->hold_until || !ROUTER_RULE(OVER)) {
        reason = INFRA_VERDICT_REASON_HELD_MAX;
        if (r->held.count < r->options.held_max || !ROUTER_RULE(HELD)) {
            s->held_version = t != NULL ? t->edition.version : 0;
            infra__held_add(r, s, s->hold_until);
            v->until = s->hold_until;
            return;
        }
    }
    v->kind = INFRA_VERDICT_FAIL;
    v->reason = (uint8_t)reason;
}

static void finish(struct session *s, struct infra_router_reader *r,
                   const struct table *t, infra_time now,
                   struct infra_verdict *v)
{
    if (v->kind == INFRA_VERDICT_HOLD) {
        hold(s, r, t, now, v);
    }
    if (v->kind != INFRA_VERDICT_WAIT) {
        s->wait_until = 0;
    }
    if (v->kind == INFRA_VERDICT_FAIL && ROUTER_RULE(PATIENCE)) {
        s->hold_until = 0; /* The next statement has its own patience. */
    }
    if (t != NULL) {
        v->token = t->token;
        if (v->nodes != 0 && t->primary != NODE_NONE &&
            v->nodes == bit_of(t->primary)) {
            v->flags |= INFRA_VERDICT_AT_PRIMARY;
        }
    }
    /* Relaxed: statistics, and only this thread writes. */
    uint64_t count =
        atomic_load_explicit(&r->verdicts[v->reason], memory_order_relaxed);
    atomic_store_explicit(&r->verdicts[v->reason], count + 1,
                          memory_order_relaxed);
}

int infra_session_route(struct infra_session *session,
                        struct infra_router_reader *reader,
                        const struct infra_statement *statement, infra_time now,
                        struct infra_verdict *ret)
{
    if (session == NULL || reader == NULL || statement == NULL || ret == NULL ||
        statement->kind > INFRA_STATEMENT_LOCAL) {
        return INFRA_EINVAL;
    }
    struct session *s = session_of(session);
    if (s->is_out || s->holder != NULL) {
        return INFRA_EBUSY;
    }
    const struct table *t = infra__router_table(reader);
    struct infra_verdict v = { .kind = INFRA_VERDICT_FAIL };
    s->serving = 0;
    infra__session_decide(s, reader, t, statement, now, &v);
    finish(s, reader, t, now, &v);
    s->statement = *statement;
    s->last = v;
    s->is_routed = true;
    *ret = v;
    return INFRA_OK;
}

/* The place of the pin that a verdict is about; NULL: of none, or of one whose
 * connection is still to come. */
static const struct place *pinned_place(const struct session *s,
                                        const struct infra_verdict *v)
{
    if (v->reason != INFRA_VERDICT_REASON_PINNED ||
        (v->flags & INFRA_VERDICT_OWN_CONNECTION) == 0) {
        return NULL;
    }
    if (s->is_open) {
        return &s->transaction;
    }
    return v->pins == INFRA_SESSION_PIN_LAST ? &s->follow : &s->home;
}

/* Is @node still what it was when the verdict was made? */
static bool is_current(const struct session *s, const struct table *t,
                       const struct infra_verdict *v, uint32_t node)
{
    if ((t->refused & bit_of(node)) != 0) {
        return false;
    }
    const struct place *pinned = pinned_place(s, v);
    if (pinned != NULL) {
        return infra__place_holds(pinned, t);
    }
    return (v->flags & INFRA_VERDICT_AT_PRIMARY) == 0 ||
           (t->primary == node && t->token == v->token);
}

static void answer(struct session *s)
{
    if (s->deferred != DEFERRED_NONE) {
        s->deferred = DEFERRED_NONE;
    } else {
        s->deferred = infra__session_begins_read_only(s, &s->statement)
                          ? DEFERRED_READ_ONLY
                          : DEFERRED_WRITE;
    }
}

int infra_session_sent(struct infra_session *session,
                       struct infra_router_reader *reader,
                       const struct infra_verdict *verdict, uint32_t node,
                       infra_time now)
{
    (void)now;
    if (session == NULL || reader == NULL || verdict == NULL) {
        return INFRA_EINVAL;
    }
    struct session *s = session_of(session);
    if (s->is_out) {
        return INFRA_EBUSY;
    }
    bool is_answer = verdict->kind == INFRA_VERDICT_ANSWER;
    bool is_go = verdict->kind == INFRA_VERDICT_GO &&
                 node < INFRA_ROUTER_NODES_MAX &&
                 (verdict->nodes & bit_of(node)) != 0;
    if (!s->is_routed || memcmp(verdict, &s->last, sizeof *verdict) != 0 ||
        (!is_answer && !is_go)) {
        return INFRA_EINVAL;
    }
    if (is_go) {
        const struct table *t = infra__router_table(reader);
        if (!is_current(s, t, verdict, node) && ROUTER_RULE(SENT)) {
            return INFRA_ESTALE;
        }
        s->out = infra__place_of(t, node);
        const struct place *pinned = pinned_place(s, verdict);
        if (pinned != NULL && ROUTER_RULE(UNSEEN)) {
            /* A primary that is out of sight is still one to its clients. */
            s->out.is_primary = pinned->is_primary;
        }
        s->is_out = true;
        if ((verdict->flags & INFRA_VERDICT_BEGIN_FIRST) != 0) {
            s->deferred = DEFERRED_NONE;
        }
    } else {
        answer(s);
    }
    s->is_routed = false;
    s->hold_until = 0;
    return INFRA_OK;
}

uint32_t infra_session_pins(const struct infra_session *session, uint32_t node)
{
    uint32_t pins = 0;

    if (session == NULL) {
        return 0;
    }
    const struct session *s = session_of_const(session);
    if (s->is_out && s->out.node == node) {
        return UINT32_MAX;
    }
    if (s->is_open && s->transaction.node == node) {
        pins |= INFRA_SESSION_PIN_TRANSACTION;
    }
    if (s->home.node == node) {
        pins |= s->pins & ~PINS_LOOSE;
    }
    if (s->follow.node == node) {
        pins |= s->pins & INFRA_SESSION_PIN_LAST;
    }
    return pins;
}
