/* SPDX-License-Identifier: MIT */
/* Where a read may go: to the replicas that serve now, as far as they show what
 * the session has written and seen; else to the primary. */
#include "session.h"

/* The first sample of the primary that was asked for after the write covers
 * it. */
static void settle_pending(struct session *s, const struct table *t,
                           infra_time now)
{
    if (s->pending_at == 0 || t->primary == NODE_NONE) {
        return;
    }
    const struct view *v = &t->views[t->primary];
    if ((v->asked_at < s->pending_at || v->token != t->token) &&
        ROUTER_RULE(PENDING)) {
        return;
    }
    if (infra__need_raise(&s->need, t, t->primary) == INFRA_OK) {
        s->pending_at = 0;
    } else if (s->need.count > 0) {
        /* Too long together: the next sample covers both. */
        s->need = (struct infra_position) { 0 };
        s->pending_at = now;
    }
}

/* A sample of where it read that was asked for after the read covers what it
 * saw. */
static void settle_read(struct session *s, const struct table *t,
                        infra_time now)
{
    if (s->read_node == NODE_NONE) {
        return;
    }
    const struct view *v = &t->views[s->read_node];
    bool is_same = v->sight == s->read_sight;
    if (is_same && v->asked_at < s->read_at && ROUTER_RULE(SEEN)) {
        return;
    }
    if (!is_same || infra__need_raise(&s->need, t, s->read_node) != INFRA_OK) {
        s->pending_at = now;
    }
    s->read_node = NODE_NONE;
}

bool infra__session_needs(struct session *s, const struct table *t,
                          infra_time now, struct infra_verdict *v)
{
    if (s->consistency == INFRA_SESSION_CONSISTENCY_EVENTUAL) {
        return true;
    }
    if (s->shown_version == t->edition.version && s->pending_at == 0 &&
        s->read_node == NODE_NONE) {
        return true;
    }
    s->shown_version = 0;
    settle_read(s, t, now);
    settle_pending(s, t, now);
    if (s->need.count == 0) {
        return true;
    }
    switch (infra__need_resolve(&s->need, t)) {
    case NEED_LOST:
        infra__verdict_fail(v, INFRA_VERDICT_REASON_LOST);
        return false;
    case NEED_NEWER:
        v->kind = INFRA_VERDICT_HOLD;
        v->reason = INFRA_VERDICT_REASON_NEWER_TOKEN;
        return false;
    case NEED_UNKNOWN: /* What the primary shows next is all there is. */
        s->need = (struct infra_position) { 0 };
        s->pending_at = now;
        return true;
    case NEED_MET:
        break;
    }
    return true;
}

/* Those of @serving that show what the session needs. */
static uint64_t showing(struct session *s, const struct table *t,
                        uint64_t serving, uint8_t *reason)
{
    if (s->consistency == INFRA_SESSION_CONSISTENCY_EVENTUAL) {
        return serving;
    }
    if (s->pending_at != 0) {
        *reason = INFRA_VERDICT_REASON_OWN_WRITE;
        return 0;
    }
    if (s->read_node != NODE_NONE && ROUTER_RULE(STAY)) {
        *reason = INFRA_VERDICT_REASON_MONOTONIC;
        serving &= bit_of(s->read_node);
    }
    if (s->shown_version != t->edition.version || s->shown_of != serving) {
        s->shown = infra__need_covered(&s->need, t, serving);
        s->shown_of = serving;
        s->shown_version = t->edition.version;
    }
    uint64_t covered = s->shown;
    if (covered == 0 && serving != 0) {
        *reason = INFRA_VERDICT_REASON_OWN_WRITE;
    }
    return covered;
}

static void go(struct infra_verdict *v, uint8_t reason, uint64_t nodes)
{
    v->kind = INFRA_VERDICT_GO;
    v->reason = reason;
    v->nodes = nodes;
}

/* No replica is fit: by the router's option. */
static void fall_back(struct session *s, struct infra_router_reader *r,
                      const struct table *t, infra_time now,
                      struct infra_verdict *v)
{
    uint32_t least = infra__router_least_old(t, t->replicas);
    uint8_t reason = INFRA_VERDICT_REASON_NO_REPLICA;

    if (r->options.fallback == INFRA_ROUTER_FALLBACK_FAIL) {
        infra__verdict_fail(v, INFRA_VERDICT_REASON_NO_REPLICA);
    } else if (r->options.fallback == INFRA_ROUTER_FALLBACK_LEAST_LAGGED &&
               least != NODE_NONE &&
               showing(s, t, bit_of(least), &reason) != 0) {
        go(v, INFRA_VERDICT_REASON_NO_REPLICA, bit_of(least));
    } else if (infra__router_writable(t, now) == INFRA_VERDICT_REASON_WRITE &&
               !infra__router_may_fall_back(r, now)) {
        infra__verdict_fail(v, INFRA_VERDICT_REASON_FALLBACK_RATE);
    } else {
        infra__session_write(t, INFRA_VERDICT_REASON_NO_REPLICA, now, v);
    }
}

/* What a replica has shown, the primary may not show yet: a commit is in its
 * log, but waits for a replica that confirms it. So who is not to see less
 * again waits for a replica, even if none serves now. */
static bool may_wait(const struct session *s,
                     const struct infra_router_reader *r, const struct table *t,
                     uint64_t serving, infra_time now)
{
    bool is_worth_it =
        serving != 0 || (s->has_seen_replica && t->replicas != 0);

    return is_worth_it && r->options.wait_max != 0 &&
           (s->wait_until == 0 || now < s->wait_until || !ROUTER_RULE(WAIT));
}

void infra__session_read(struct session *s, struct infra_router_reader *r,
                         const struct table *t, uint8_t reason, infra_time now,
                         struct infra_verdict *v)
{
    if (!infra__session_needs(s, t, now, v)) {
        return;
    }
    uint64_t serving = infra__router_serving(t, &r->options, s->age_max, now);
    uint64_t nodes = showing(s, t, serving, &reason);

    s->serving = serving;
    if (nodes != 0) {
        go(v, reason, nodes);
    } else if (may_wait(s, r, t, serving, now)) {
        if (s->wait_until == 0) {
            s->wait_until = infra__time_add(now, r->options.wait_max);
        }
        v->kind = INFRA_VERDICT_WAIT;
        v->reason =
            serving != 0 ? reason : (uint8_t)INFRA_VERDICT_REASON_NO_REPLICA;
        v->nodes = serving != 0 ? serving : t->replicas;
        v->until = s->wait_until;
    } else if (serving == 0) {
        fall_back(s, r, t, now, v);
    } else {
        infra__session_write(t, reason, now, v);
    }
}
