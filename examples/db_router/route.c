/* SPDX-License-Identifier: MIT */
/*
 * From a unit to the node that gets it.  The session of the client says which
 * nodes may (infra_session_route()), the balancer chooses among several, the
 * pool has a connection.  What cannot be sent is held, waits, or fails with a
 * reason.
 */
#include "worker.h"

#include "../common/log.h"

#include <stdio.h>

/* Until another attempt at a node that could not be connected. */
#define RETRY_PAUSE INFRA_MS(50)

/* Until another attempt at a primary that is read-only: the control thread has
 * to see what is primary now. */
#define READ_ONLY_PAUSE INFRA_MS(100)

void client_release_ticket(struct client *c, uint32_t outcome)
{
    if (c->ticket_node != INFRA_ROUTER_NODE_NONE) {
        (void)infra_balancer_release(c->link.worker->balancer, &c->ticket,
                                     outcome, c->link.worker->now);
        c->ticket_node = INFRA_ROUTER_NODE_NONE;
    }
}

void client_wait(struct client *c, infra_time at)
{
    struct worker *w = c->link.worker;

    c->retry_at = at;
    if (c->give_up_at == 0) {
        c->give_up_at = w->now + w->shared->hold_max;
    }
    client_release_ticket(c, INFRA_OUTCOME_ABANDONED);
    client_set_phase(c, CLIENT_WAITING);
}

static uint64_t avoided(const struct worker *w)
{
    uint64_t nodes = 0;

    for (uint32_t i = 0;
         i < w->shared->nodes_count && i < INFRA_ROUTER_NODES_MAX; i++) {
        nodes |= (uint64_t)(w->avoid_until[i] > w->now) << i;
    }
    return nodes;
}

/* A connection of its own to one of these nodes. */
static struct server *own(const struct client *c, uint64_t nodes)
{
    for (struct server *s = c->servers; s != NULL; s = s->own_next) {
        if ((nodes >> s->node & 1) != 0) {
            return s;
        }
    }
    return NULL;
}

/* One of the nodes; NONE: each was not reached a moment ago. */
static uint32_t choose(struct client *c, uint64_t nodes)
{
    struct worker *w = c->link.worker;
    uint64_t usable = nodes & ~avoided(w);

    if (usable == 0) {
        return INFRA_ROUTER_NODE_NONE;
    }
    if ((usable & (usable - 1)) == 0) {
        return (uint32_t)__builtin_ctzll(usable);
    }
    const struct infra_set set = { .words = &usable,
                                   .ids_max = INFRA_ROUTER_NODES_MAX };
    const struct infra_request request = { .eligible = &set };
    int id = infra_balancer_pick(w->balancer, &request, w->now, &c->ticket);
    if (id < 0) {
        return (uint32_t)__builtin_ctzll(usable);
    }
    c->ticket_node = (uint32_t)id;
    return (uint32_t)id;
}

static void write_unit(struct client *c, struct server *s)
{
    if (c->protocol->send(s, c, &c->unit)) {
        if (link_out_size(&s->link) == 0) {
            link_send(&s->link, link_in(&c->link), c->unit.size);
        } else {
            link_put(&s->link, link_in(&c->link), c->unit.size);
            (void)link_flush(&s->link);
        }
    } else {
        (void)link_flush(&s->link);
    }
    s->is_unsent = s->link.broken;
    if (s->link.broken) {
        worker_ready(c->link.worker, &s->link);
    }
}

/* It is complete once it is sent. */
static void complete_unanswered(struct client *c, struct server *s)
{
    const struct infra_session_result result = {
        .size = sizeof result,
        .node = s->node,
        .transaction = c->transaction,
    };

    (void)infra_session_done(&c->session, &result, c->link.worker->now);
    client_release_ticket(c, INFRA_OUTCOME_OK);
    client_unit_over(c);
}

static void send_unit(struct client *c, struct server *s, bool was_own)
{
    struct worker *w = c->link.worker;

    if (infra_session_sent(&c->session, w->reader, &c->verdict, s->node,
                           w->now) != INFRA_OK) {
        client_refuse(c, TROUBLE_MEMORY, "a verdict was not taken");
        return;
    }
    c->server = s;
    c->was_pinned = was_own;
    c->is_passed = false;
    c->has_begun = false;
    c->replay = INFRA_SESSION_REPLAY_NO;
    c->version = infra_session_journal_version(&c->session);
    c->tries++;
    client_set_phase(c, CLIENT_BUSY);
    if (settings_fit(s, c)) {
        s->settings_client = c->serial;
        s->settings_version = c->version;
    } else {
        s->is_adopting = s->protocol->adopt(s, c, s->settings_size > 0);
        if (s->link.broken) {
            s->is_unsent = true;
            server_end(s, "it cannot take over this client's settings");
            return;
        }
        if (!s->is_adopting && !settings_note(s, c)) {
            client_refuse(c, TROUBLE_MEMORY, "out of memory");
            return;
        }
    }
    if ((c->verdict.flags & INFRA_VERDICT_BEGIN_FIRST) != 0) {
        s->protocol->begin(s, c);
    }
    write_unit(c, s);
    if (c->unit.has_no_answer) {
        complete_unanswered(c, s);
    } else if (c->takes_more) {
        client_forget_unit(c);
        worker_ready(w, &c->link);
    }
}

/* The reason in words, for the client and the log. */
static void fail(struct client *c)
{
    char text[WHY_SIZE];
    char why[160];
    enum trouble trouble = TROUBLE_NO_NODE;

    (void)infra_session_explain(&c->session, why, sizeof why);
    (void)snprintf(text, sizeof text, "%s: %s",
                   infra_verdict_reason_name(c->verdict.reason), why);
    if (c->verdict.reason == INFRA_VERDICT_REASON_NODE_CHANGED) {
        trouble = TROUBLE_CHANGED;
    } else if (c->verdict.reason == INFRA_VERDICT_REASON_LOST) {
        trouble = TROUBLE_CHANGED;
        infra_session_forget(&c->session);
    }
    client_fail(c, trouble, text);
}

static void answer(struct client *c)
{
    struct worker *w = c->link.worker;

    (void)infra_session_sent(&c->session, w->reader, &c->verdict,
                             INFRA_ROUTER_NODE_NONE, w->now);
    c->has_begun = c->unit.statement.kind != INFRA_STATEMENT_END;
    c->protocol->say_done(c, &c->unit);
    client_unit_over(c);
}

static void go(struct client *c)
{
    struct worker *w = c->link.worker;
    struct server *s = own(c, c->verdict.nodes);

    if (s != NULL) {
        send_unit(c, s, true);
        return;
    }
    c->node = choose(c, c->verdict.nodes);
    if (c->node == INFRA_ROUTER_NODE_NONE) {
        client_wait(c, w->now + RETRY_PAUSE);
        return;
    }
    pool_want(c);
}

void client_route(struct client *c)
{
    struct worker *w = c->link.worker;

    if (c->give_up_at != 0 && c->give_up_at <= w->now) {
        client_fail(c, TROUBLE_UNREACHED,
                    "no node could be reached within --hold-max");
        return;
    }
    int err = infra_session_route(&c->session, w->reader, &c->unit.statement,
                                  w->now, &c->verdict);
    if (err != INFRA_OK) {
        client_refuse(c, TROUBLE_MEMORY, infra_strerror(err));
        return;
    }
    switch (c->verdict.kind) {
    case INFRA_VERDICT_GO:
        go(c);
        break;
    case INFRA_VERDICT_HOLD:
        client_set_phase(c, CLIENT_HELD);
        break;
    case INFRA_VERDICT_WAIT:
        c->retry_at = c->verdict.until;
        client_set_phase(c, CLIENT_WAITING);
        break;
    case INFRA_VERDICT_ANSWER:
        answer(c);
        break;
    default:
        if (!c->is_welcome) {
            client_wait(c, w->now + RETRY_PAUSE); /* The nodes may be new. */
        } else {
            fail(c);
        }
        break;
    }
}

void client_route_again(struct client *c)
{
    struct worker *w = c->link.worker;

    c->replay = INFRA_SESSION_REPLAY_NO;
    c->is_passed = false;
    if ((c->verdict.flags & INFRA_VERDICT_AT_PRIMARY) != 0) {
        c->tries = 0; /* give_up_at is the limit. */
        client_wait(c, w->now + READ_ONLY_PAUSE);
        return;
    }
    client_route(c);
}

bool client_replay(struct client *c, uint32_t failure)
{
    uint32_t replay =
        infra_session_replay(&c->session, failure, c->is_passed ? 1 : 0);

    if (replay == INFRA_SESSION_REPLAY_NO || !c->is_kept ||
        c->tries >= TRIES_MAX) {
        return false;
    }
    if (replay == INFRA_SESSION_REPLAY_PRIMARY) {
        c->unit.statement.kind = INFRA_STATEMENT_WRITE;
    }
    c->replay = (uint8_t)replay;
    return true;
}

static void adopt_server(struct client *c, struct server *s)
{
    s->client = c;
    s->own_next = c->servers;
    c->servers = s;
}

static void give_server(struct client *c, struct server *s)
{
    struct server **at = &c->servers;

    while (*at != s) {
        at = &(*at)->own_next;
    }
    *at = s->own_next;
    s->own_next = NULL;
    s->client = NULL;
    pool_put(s);
}

void client_take_server(struct client *c, struct server *s)
{
    struct worker *w = c->link.worker;

    adopt_server(c, s);
    if (!c->is_welcome) {
        client_release_ticket(c, INFRA_OUTCOME_OK);
        give_server(c, s);
        client_welcome(c);
        return;
    }
    /* It may have waited: does the verdict still hold? */
    if (infra_session_route(&c->session, w->reader, &c->unit.statement, w->now,
                            &c->verdict) != INFRA_OK ||
        c->verdict.kind != INFRA_VERDICT_GO ||
        (c->verdict.nodes >> s->node & 1) == 0) {
        client_release_ticket(c, INFRA_OUTCOME_ABANDONED);
        give_server(c, s);
        client_route(c);
        return;
    }
    send_unit(c, s, false);
}

void client_give_servers(struct client *c)
{
    struct server *next;

    if (c->link.worker->shared->share == SHARE_SESSION) {
        return;
    }
    for (struct server *s = c->servers; s != NULL; s = next) {
        next = s->own_next;
        if (s != c->server && !s->is_adopting &&
            infra_session_pins(&c->session, s->node) == 0) {
            give_server(c, s);
        }
    }
}

void client_cannot_connect(struct client *c, const struct server *failed)
{
    struct worker *w = c->link.worker;

    if (failed != NULL && failed->is_final &&
        (c->verdict.flags & INFRA_VERDICT_AT_PRIMARY) == 0) {
        /* A replica may not have the new role, password or database yet. */
        c->unit.statement.kind = INFRA_STATEMENT_WRITE;
        client_wait(c, w->now);
        return;
    }
    if (failed != NULL && failed->is_final) {
        (void)snprintf(c->code, sizeof c->code, "%s", failed->code);
        client_fail(c, TROUBLE_REFUSED, failed->why);
        return;
    }
    client_wait(c, w->now + RETRY_PAUSE);
}
