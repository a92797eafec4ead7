/* SPDX-License-Identifier: MIT */
/* Sessions, their statements, and what each was promised. */
#include "router_sim.h"

#include <stdlib.h>
#include <string.h>

static void must(struct router_world *w, int err, const char *what)
{
    if (err != INFRA_OK) {
        router_violate(w, what);
    }
}

static uint32_t number_of(const struct router_world *w,
                          const struct router_client *c)
{
    return (uint32_t)(c - w->clients);
}

static void later(struct router_world *w, uint32_t who, uint32_t kind,
                  infra_time after)
{
    w->clients[who].step =
        router_push(w, (struct router_event) {
                           .at = w->now + after, .kind = kind, .who = who });
}

static bool is_promised(const struct router_client *c)
{
    return c->options.consistency != INFRA_SESSION_CONSISTENCY_EVENTUAL;
}

static void think(struct router_world *w, uint32_t who)
{
    w->clients[who].asks_again = false;
    w->clients[who].is_idle = true;
    w->clients[who].first_held = w->clients[who].first_waited = 0;
    later(w, who, STEP_CLIENT, 1 + router_below(w, INFRA_MS(100)));
}

void router_start_clients(struct router_world *w)
{
    for (uint32_t i = 0; i < ROUTER_CLIENTS; i++) {
        struct router_client *c = &w->clients[i];
        c->side = i % ROUTER_ROUTERS;
        c->options.size = sizeof c->options;
        c->options.consistency = (uint32_t)(i / ROUTER_ROUTERS % 4 % 3);
        c->options.flags = router_chance(w, 50) ? INFRA_SESSION_DEFER_BEGIN : 0;
        c->options.age_max = router_chance(w, 20) ? INFRA_MS(400) : 0;
        must(w, infra_session_init(&c->session, &c->options), "init");
        later(w, i, STEP_CLIENT, INFRA_MS(500) + router_below(w, INFRA_SEC(1)));
    }
}

static void draw_statement(struct router_world *w, struct router_client *c)
{
    uint64_t draw = router_below(w, 100);
    uint8_t kind = INFRA_STATEMENT_READ;

    if (c->is_open || c->is_deferred) {
        kind = draw < 35   ? INFRA_STATEMENT_END
               : draw < 55 ? INFRA_STATEMENT_WRITE
                           : INFRA_STATEMENT_READ;
        if (kind == INFRA_STATEMENT_WRITE && c->is_read_only) {
            kind = INFRA_STATEMENT_READ;
        }
    } else if (draw < 50) {
        kind = INFRA_STATEMENT_READ;
    } else if (draw < 80) {
        kind = INFRA_STATEMENT_WRITE;
    } else {
        kind =
            draw < 92 ? INFRA_STATEMENT_BEGIN : INFRA_STATEMENT_BEGIN_READ_ONLY;
    }
    c->statement = (struct infra_statement) { .kind = kind, .count = 1 };
}

/* The connection to the node of a transaction is closed. */
static void drop_connection(struct router_world *w, struct router_client *c,
                            uint32_t node)
{
    must(w, infra_session_lost(&c->session, node, w->now), "lost");
    c->is_open = c->has_written = false;
}

/* What was lost is out of the client's mind. */
static void forget(struct router_world *w, struct router_client *c)
{
    uint32_t kept = 0;

    infra_session_forget(&c->session);
    for (uint32_t i = 0; i < c->wishes_count; i++) {
        if (w->entries[c->wishes[i].write.id].lost_by == 0) {
            c->wishes[kept] = c->wishes[i];
            c->wishes[kept++].is_known = false; /* But by its time. */
        }
    }
    c->wishes_count = kept;
    w->result.losses++;
}

static void on_fail(struct router_world *w, uint32_t who)
{
    struct router_client *c = &w->clients[who];

    switch (c->verdict.reason) {
    case INFRA_VERDICT_REASON_LOST:
        forget(w, c);
        break;
    case INFRA_VERDICT_REASON_HOLD_OVER:
        if (c->first_held == 0 ||
            w->now < c->first_held + w->options.hold_max) {
            router_violate(w, "a statement was not held for hold_max");
        }
        break;
    case INFRA_VERDICT_REASON_NODE_CHANGED:
        c->is_deferred = false;
        break;
    default:
        break;
    }
    if (c->is_open) {
        drop_connection(w, c, c->open_node);
    }
    if (c->is_deferred) { /* An error ends it for the client. */
        c->statement.kind = INFRA_STATEMENT_END;
        c->asks_again = true;
        c->first_held = c->first_waited = 0;
        later(w, who, STEP_CLIENT, 1);
        return;
    }
    think(w, who);
}

/* Each fallback is one of at most two seconds' worth in any second. */
static void check_fallback(struct router_world *w, struct router_client *c)
{
    struct router_side *s = &w->sides[c->side];
    uint32_t rate = w->options.fallback_rate;
    uint32_t count = s->fallbacks_count[c->reader]++;
    infra_time *times = s->fallbacks[c->reader];

    if (rate == 0) {
        return;
    }
    if (count >= 2 * rate &&
        w->now - times[count % (2 * rate)] < INFRA_SEC(1)) {
        router_violate(w, "more reads than fallback_rate fall back");
    }
    times[count % (2 * rate)] = w->now;
}

static void check_replicas(struct router_world *w,
                           const struct router_client *c)
{
    const struct router_side *s = &w->sides[c->side];
    infra_time limit = w->options.lag_max;

    if (c->options.age_max != 0 && c->options.age_max < limit) {
        limit = c->options.age_max;
    }
    for (uint32_t i = 0; i < ROUTER_NODES; i++) {
        const struct router_told *told = &s->published[i];
        if ((c->verdict.nodes >> i & 1) == 0) {
            continue;
        }
        if (told->answer.role != INFRA_ROUTER_ROLE_REPLICA) {
            router_violate(w, "a read may go to what is no replica");
        }
        if (told->answer.is_draining) {
            router_violate(w, "a read may go to a node that drains");
        }
        if (w->now - told->as_of > limit &&
            c->verdict.reason != INFRA_VERDICT_REASON_NO_REPLICA) {
            router_violate(w, "a read may go to a replica that is too old");
        }
    }
}

/* Has the router seen each reign since the one of @e? */
static bool has_seen_all(const struct router_world *w, uint32_t side,
                         const struct router_entry *e)
{
    const struct router_side *s = &w->sides[side];

    for (uint64_t t = e->token; t <= s->token; t++) {
        if (!s->has_seen[t] || w->is_repeated[t]) {
            return false;
        }
    }
    return w->knows_since;
}

/* What a router cannot follow through the reigns is known by its time only. */
static void check_wishes(struct router_world *w, struct router_client *c)
{
    for (uint32_t i = 0; i < c->wishes_count; i++) {
        struct router_wish *wish = &c->wishes[i];
        const struct router_entry *e = &w->entries[wish->write.id];
        wish->is_known = wish->is_known && has_seen_all(w, c->side, e);
        if (wish->is_known && e->lost_by != 0 &&
            e->lost_by <= w->sides[c->side].token &&
            c->verdict.kind == INFRA_VERDICT_GO) {
            router_violate(w, "what was lost was not said");
        }
    }
}

/* The node of a write is the only one with the highest token. */
static void check_primary(struct router_world *w, const struct router_client *c)
{
    const struct router_side *s = &w->sides[c->side];

    for (uint32_t i = 0; i < ROUTER_NODES; i++) {
        const struct router_answer *a = &s->published[i].answer;
        bool is_chosen = (c->verdict.nodes >> i & 1) != 0;
        if (is_chosen && a->role == INFRA_ROUTER_ROLE_PRIMARY &&
            a->token < s->token) {
            router_violate(w, "a statement for a node of an older token");
        }
        if (is_chosen && (c->verdict.flags & INFRA_VERDICT_AT_PRIMARY) != 0 &&
            a->valid_until != 0 && w->now >= a->valid_until &&
            a->role == INFRA_ROUTER_ROLE_PRIMARY) {
            router_violate(w, "a statement for a primary without a lease");
        }
        for (uint32_t k = 0; k < ROUTER_NODES; k++) {
            const struct router_answer *b = &s->published[k].answer;
            if (is_chosen && k != i && a->role == INFRA_ROUTER_ROLE_PRIMARY &&
                b->role == INFRA_ROUTER_ROLE_PRIMARY && a->token == b->token) {
                router_violate(w, "a statement for one of two primaries");
            }
        }
    }
}

static void on_go(struct router_world *w, uint32_t who)
{
    struct router_client *c = &w->clients[who];
    const struct infra_verdict *v = &c->verdict;
    uint32_t count = 0;

    if (v->nodes == 0 || v->nodes >> ROUTER_NODES != 0) {
        router_violate(w, "no node to go to");
        return;
    }
    if (c->is_open && v->nodes != (uint64_t)1 << c->open_node) {
        router_violate(w, "a transaction at two nodes");
    }
    check_primary(w, c);
    if ((v->flags & INFRA_VERDICT_AT_PRIMARY) == 0 && !c->is_open) {
        check_replicas(w, c);
    } else if (v->reason == INFRA_VERDICT_REASON_NO_REPLICA) {
        check_fallback(w, c);
    }
    if (!c->is_open && is_promised(c)) {
        check_wishes(w, c);
    }
    do {
        c->node = (uint32_t)router_below(w, ROUTER_NODES);
    } while ((v->nodes >> c->node & 1) == 0 && ++count < 1000);
    later(w, who, STEP_SEND,
          router_chance(w, 70) ? 0 : router_below(w, INFRA_MS(60)));
}

static void on_hold(struct router_world *w, uint32_t who)
{
    struct router_client *c = &w->clients[who];

    if (c->is_open) {
        router_violate(w, "a statement of a transaction is held");
    }
    c->first_held = c->first_held != 0 ? c->first_held : w->now;
    if (c->verdict.until > c->first_held + w->options.hold_max) {
        router_violate(w, "a statement is held for longer than hold_max");
    }
    c->first_waited = 0;
    c->is_held = true;
    w->result.holds++;
    /* A poll at the deadline, whoever comes first. */
    router_push(w, (struct router_event) { .at = c->verdict.until,
                                           .kind = STEP_PUBLISH,
                                           .who = c->side,
                                           .number = 1 });
}

static void on_wait(struct router_world *w, uint32_t who)
{
    struct router_client *c = &w->clients[who];

    c->first_waited = c->first_waited != 0 ? c->first_waited : w->now;
    if (c->verdict.until > c->first_waited + w->options.wait_max ||
        w->now >= c->verdict.until) {
        router_violate(w, "a read waits for longer than wait_max");
        return;
    }
    infra_time left = c->verdict.until - w->now;
    c->asks_again = true;
    w->result.waits++;
    later(w, who, STEP_CLIENT, left < INFRA_MS(20) ? left : INFRA_MS(20));
}

static void on_answer(struct router_world *w, uint32_t who)
{
    struct router_client *c = &w->clients[who];

    must(w,
         infra_session_sent(&c->session, w->sides[c->side].readers[c->reader],
                            &c->verdict, 0, w->now),
         "sent: answered");
    c->is_deferred = c->statement.kind != INFRA_STATEMENT_END;
    c->is_read_only = c->statement.kind == INFRA_STATEMENT_BEGIN_READ_ONLY;
    think(w, who);
}

void router_client(struct router_world *w, uint32_t who)
{
    struct router_client *c = &w->clients[who];

    c->is_held = c->is_idle = false;
    if (!c->asks_again) {
        draw_statement(w, c);
        c->reader = (uint32_t)router_below(w, ROUTER_READERS);
        if (c->is_open &&
            w->nodes[c->open_node].boot != c->open_boot) { /* It hears. */
            drop_connection(w, c, c->open_node);
        }
    }
    c->asks_again = false;
    must(w,
         infra_session_route(&c->session, w->sides[c->side].readers[c->reader],
                             &c->statement, w->now, &c->verdict),
         "route");
    router_trace(w, infra_verdict_kind_name(c->verdict.kind), who,
                 c->statement.kind, c->verdict.reason);
    switch (c->verdict.kind) {
    case INFRA_VERDICT_GO:
        on_go(w, who);
        break;
    case INFRA_VERDICT_HOLD:
        on_hold(w, who);
        break;
    case INFRA_VERDICT_WAIT:
        on_wait(w, who);
        break;
    case INFRA_VERDICT_ANSWER:
        on_answer(w, who);
        break;
    default:
        on_fail(w, who);
        break;
    }
}

static void check_held(struct router_world *w, uint32_t side)
{
    uint32_t held = 0;

    for (uint32_t i = 0; i < ROUTER_CLIENTS; i++) {
        struct router_client *c = &w->clients[i];
        held += c->is_held && c->side == side;
        if (c->is_held && c->side == side &&
            w->now > c->first_held + w->options.hold_max) {
            router_violate(w, "a held statement is neither sent nor refused");
        }
    }
    if (held > w->options.held_max * ROUTER_READERS) {
        router_violate(w, "more are held than held_max");
    }
}

void router_release(struct router_world *w, uint32_t side)
{
    struct router_side *s = &w->sides[side];
    struct infra_session *session;
    uint32_t count = 0;

    for (uint32_t k = 0; k < ROUTER_READERS; k++) {
        while (++count < 100 &&
               infra_router_reader_next(s->readers[k], w->now, &session) ==
                   INFRA_OK) {
            uint32_t who = 0;
            while (who < ROUTER_CLIENTS &&
                   &w->clients[who].session != session) {
                who++;
            }
            if (who == ROUTER_CLIENTS || !w->clients[who].is_held) {
                router_violate(w, "a session was not held");
                return;
            }
            w->clients[who].asks_again = true;
            router_client(w, who);
        }
    }
    if (count >= 100) {
        router_violate(w, "a held statement is held again at once");
    }
    check_held(w, side);
}

/* The promise of the verdict once more, since there may be a newer table. What
 * is inside a transaction may go to a node that is out of sight. */
static void check_sent(struct router_world *w, const struct router_client *c)
{
    const struct router_side *s = &w->sides[c->side];
    const struct router_told *told = &s->published[c->node];
    bool needs_primary = c->is_open || c->is_deferred
                             ? !c->is_read_only
                             : c->statement.kind == INFRA_STATEMENT_WRITE ||
                                   c->statement.kind == INFRA_STATEMENT_BEGIN;
    bool is_out_of_sight =
        c->is_open && told->answer.role == INFRA_ROUTER_ROLE_NONE;

    if (needs_primary &&
        ((told->answer.role != INFRA_ROUTER_ROLE_PRIMARY && !is_out_of_sight) ||
         told->token != s->token)) {
        router_violate(w, "a write is sent to what is not the primary");
    }
}

void router_send(struct router_world *w, uint32_t who)
{
    struct router_client *c = &w->clients[who];
    int err =
        infra_session_sent(&c->session, w->sides[c->side].readers[c->reader],
                           &c->verdict, c->node, w->now);

    if (err == INFRA_ESTALE) {
        c->asks_again = true;
        c->first_waited = 0;
        later(w, who, STEP_CLIENT, 0);
        return;
    }
    must(w, err, "sent");
    check_sent(w, c);
    if ((c->verdict.flags & INFRA_VERDICT_BEGIN_FIRST) != 0) {
        c->is_deferred = false;
    }
    later(w, who, STEP_ARRIVE, router_delay(w));
}

/* Is this entry in the history, of which there is one? */
static bool is_certain(const struct router_world *w, struct router_place p)
{
    const struct router_entry *e = &w->entries[p.id];

    return e->lost_by == 0 && !w->is_repeated[e->token];
}

/* What a read at this node has to show. */
static void check_read(struct router_world *w, struct router_client *c)
{
    for (uint32_t i = 0; i < c->wishes_count && is_promised(c); i++) {
        struct router_place p = c->wishes[i].write;
        if (is_certain(w, p) && !router_has(w, c->node, p)) {
            router_trace(w, "misses", number_of(w, c), c->node, p.position);
            router_violate(w, "a session does not see its own write");
        }
    }
    /* Of a reign that the router has not heard of it cannot promise. */
    if (c->options.consistency == INFRA_SESSION_CONSISTENCY_MONOTONIC &&
        c->last_seen.position > 0 && is_certain(w, c->last_seen) &&
        w->entries[c->last_seen.id].token <= w->sides[c->side].token &&
        !router_has(w, c->node, c->last_seen)) {
        router_trace(w, "misses", number_of(w, c), c->node,
                     c->last_seen.position);
        router_violate(w, "a session sees older data than before");
    }
}

static void run_read(struct router_world *w, struct router_client *c)
{
    const struct router_server *n = &w->nodes[c->node];

    check_read(w, c);
    w->result.reads += !n->is_primary;
    router_trace(w, "reads", number_of(w, c), c->node, n->applied);
    c->seen.position = n->applied;
    c->seen.id = n->applied > 0 ? n->log[n->applied - 1] : 0;
}

static void open_transaction(struct router_client *c, uint8_t kind)
{
    c->is_open = true;
    c->has_written = false;
    c->is_deferred = false;
    c->open_node = c->node;
    c->is_read_only = kind == INFRA_STATEMENT_BEGIN_READ_ONLY;
}

static void run_statement(struct router_world *w, struct router_client *c)
{
    struct infra_session_result *r = &c->result;

    switch (c->statement.kind) {
    case INFRA_STATEMENT_READ:
        run_read(w, c);
        break;
    case INFRA_STATEMENT_WRITE:
        if (!router_may_write(w, c->node)) {
            r->is_error = 1;
        } else if (c->is_open) {
            c->has_written = true;
        } else {
            c->wrote = router_append(w, c->node);
        }
        break;
    case INFRA_STATEMENT_END:
        r->is_rolled_back = c->has_written && !router_may_write(w, c->node);
        if (c->has_written && !r->is_rolled_back) {
            c->wrote = router_append(w, c->node);
        }
        c->is_open = c->has_written = false;
        break;
    default:
        open_transaction(c, c->statement.kind);
        c->open_boot = w->nodes[c->node].boot;
        break;
    }
    if (r->is_error && c->is_open) { /* It has failed; the client ends it. */
        c->has_written = false;
    }
    r->transaction = c->is_open ? r->is_error ? INFRA_SESSION_TRANSACTION_FAILED
                                              : INFRA_SESSION_TRANSACTION_OPEN
                                : INFRA_SESSION_TRANSACTION_NONE;
}

void router_arrive(struct router_world *w, uint32_t who)
{
    struct router_client *c = &w->clients[who];
    const struct router_server *n = &w->nodes[c->node];

    c->result = (struct infra_session_result) { .size = sizeof c->result,
                                                .node = c->node };
    c->wrote = c->seen = (struct router_place) { 0, 0 };
    c->boot = n->boot;
    c->is_broken = !n->is_alive || (c->is_open && c->open_boot != n->boot);
    if (!c->is_broken) {
        if ((c->verdict.flags & INFRA_VERDICT_BEGIN_FIRST) != 0 &&
            !c->is_open) {
            open_transaction(c, c->is_read_only
                                    ? INFRA_STATEMENT_BEGIN_READ_ONLY
                                    : INFRA_STATEMENT_BEGIN);
            c->open_boot = n->boot;
        }
        run_statement(w, c);
    }
    later(w, who, STEP_REPLY, router_delay(w));
}

static void wish(struct router_client *c, struct router_place write,
                 bool is_known)
{
    if (c->wishes_count == ROUTER_WRITES_MAX) {
        memmove(c->wishes, c->wishes + 1,
                (ROUTER_WRITES_MAX - 1) * sizeof c->wishes[0]);
        c->wishes_count--;
    }
    c->wishes[c->wishes_count++] =
        (struct router_wish) { .write = write, .is_known = is_known };
}

/* A position goes to another client, of any router, as a text. */
static void carry(struct router_world *w, struct router_client *c)
{
    struct router_client *to = &w->clients[router_below(w, ROUTER_CLIENTS)];
    struct infra_position position;
    struct infra_position scanned;
    char text[INFRA_POSITION_TEXT_MAX];

    if (to == c || !to->is_idle || to->is_open || !is_promised(c) ||
        !is_promised(to) ||
        infra_session_position(&c->session,
                               w->sides[c->side].readers[c->reader], w->now,
                               &position) != INFRA_OK) {
        return;
    }
    int length = infra_position_print(&position, text, sizeof text);
    if (length < 0 ||
        infra_position_scan(text, (size_t)length, &scanned) != INFRA_OK) {
        router_violate(w, "a position does not come back");
        return;
    }
    must(w, infra_session_require(&to->session, &scanned, w->now), "require");
    c->verdict.kind = INFRA_VERDICT_HOLD; /* None is asked for here. */
    check_wishes(w, c);
    for (uint32_t i = 0; i < c->wishes_count; i++) {
        wish(to, c->wishes[i].write, c->wishes[i].is_known);
    }
    if (c->options.consistency == INFRA_SESSION_CONSISTENCY_MONOTONIC &&
        c->last_seen.position > 0) {
        wish(to, c->last_seen, false);
    }
    router_trace(w, "carries", number_of(w, c), number_of(w, to), 0);
    w->result.carried++;
}

static void note_promises(struct router_world *w, struct router_client *c)
{
    if (c->wrote.position > 0) {
        router_trace(w, "wrote", number_of(w, c), c->node, c->wrote.position);
        wish(c, c->wrote, w->says_position);
    }
    if (c->seen.position > 0) {
        c->last_seen = c->seen;
    }
}

void router_reply(struct router_world *w, uint32_t who)
{
    struct router_client *c = &w->clients[who];
    struct infra_position position;

    if (c->is_broken || w->nodes[c->node].boot != c->boot ||
        !w->nodes[c->node].is_alive) {
        router_trace(w, "broken", who, c->node, 0);
        drop_connection(w, c, c->node);
        think(w, who);
        return;
    }
    if (c->wrote.position > 0 && w->says_position) {
        position = router_position_of(w, c->wrote, c->node, c->verdict.token);
        c->result.position = &position;
    }
    must(w, infra_session_done(&c->session, &c->result, w->now), "done");
    note_promises(w, c);
    if (router_chance(w, 20)) {
        carry(w, c);
    }
    think(w, who);
}
