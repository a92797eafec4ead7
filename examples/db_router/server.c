/* SPDX-License-Identifier: MIT */
/*
 * A connection to a node: connect, log in, then answers of which the protocol
 * says what they are.  Bytes go from the buffer they were read into to the
 * client's socket; nothing more is read while the client does not take them.
 */
#include "worker.h"

#include "../common/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Reads of one server in a turn. */
#define ROUNDS_MAX 8

void server_set_phase(struct server *s, enum server_phase phase)
{
    struct worker *w = s->link.worker;

    s->phase = (uint8_t)phase;
    s->since = w->now;
    list_remove(&s->place);
    list_append(&w->servers[phase], &s->place);
}

bool server_is_old(const struct server *s)
{
    const struct node *node = &s->link.worker->shared->nodes[s->node];

    return atomic_load(&node->generation) != s->generation;
}

void server_suspect(const struct server *s)
{
    struct workers_shared *shared = s->link.worker->shared;

    if (!atomic_exchange(&shared->nodes[s->node].is_suspected, true)) {
        infra_driver_wake(shared->driver);
    }
}

/* Take it out of the list of its client. */
static void disown(struct server *s)
{
    struct server **at = s->client != NULL ? &s->client->servers : NULL;

    while (at != NULL && *at != NULL) {
        if (*at == s) {
            *at = s->own_next;
            break;
        }
        at = &(*at)->own_next;
    }
    s->own_next = NULL;
}

/* The client's unit was out here. */
static void lose_unit(struct server *s, struct client *c, const char *why)
{
    struct worker *w = s->link.worker;
    char text[WHY_SIZE];

    client_release_ticket(c, INFRA_OUTCOME_RESET);
    c->server = NULL;
    if (c->replay != INFRA_SESSION_REPLAY_NO ||
        client_replay(c, s->is_unsent ? INFRA_SESSION_FAILURE_NOT_SENT
                                      : INFRA_SESSION_FAILURE_BROKEN)) {
        infra_session_lost(&c->session, s->node, w->now);
        client_wait(c, w->now);
        return;
    }
    infra_session_lost(&c->session, s->node, w->now);
    (void)snprintf(text, sizeof text,
                   "the connection to node %s ended before its answer: %s",
                   w->shared->nodes[s->node].name, why);
    /* Not a client that takes itself to be in a transaction. */
    bool has_begun = (c->verdict.flags & INFRA_VERDICT_BEGIN_FIRST) != 0;
    if (c->is_passed || c->was_pinned || has_begun || c->unit.is_open) {
        client_refuse(c, TROUBLE_LOST, text);
    } else {
        client_fail(c, TROUBLE_LOST, text);
    }
}

void server_end(struct server *s, const char *why)
{
    struct worker *w = s->link.worker;
    struct client *c = s->client;
    bool was_new = s->phase < SERVER_RESET;

    if (s->has_ended) {
        return;
    }
    s->has_ended = true;
    if (s->phase == SERVER_IDLE) {
        pool_take(s);
    }
    disown(s);
    s->client = NULL;
    if (s->cancels > 0) {
        cancels_forget(w, s);
    }
    list_remove(&s->place);
    s->protocol->finish(s);
    link_close(&s->link);
    settings_forget(s);
    w->servers_count[s->node]--;
    s->own_next = w->dead_servers;
    w->dead_servers = s;
    if (was_new) {
        log_line("node %s: no connection for user %s: %s",
                 w->shared->nodes[s->node].name, s->user->name,
                 s->why[0] != '\0' ? s->why : why);
        server_suspect(s);
    } else if (c != NULL) {
        log_line("node %s: a connection of user %s ended: %s",
                 w->shared->nodes[s->node].name, s->user->name, why);
        server_suspect(s);
    }
    if (c != NULL && c->server == s) {
        lose_unit(s, c, why);
    } else if (c != NULL && !c->has_ended) {
        infra_session_lost(&c->session, s->node, w->now);
    }
    pool_gone(s);
}

void server_expire(struct server *s)
{
    switch (s->phase) {
    case SERVER_IDLE:
        server_end(s, "idle");
        break;
    case SERVER_RESET:
        server_end(s, "its reset took too long");
        break;
    default:
        server_end(s, s->phase == SERVER_CONNECTING
                          ? "connecting took too long (--connect-timeout)"
                          : "the login took too long (--connect-timeout)");
        break;
    }
}

const char *server_why_ended(const struct link *l)
{
    return l->is_shaking
               ? "the TLS handshake failed (--node-tls, --node-tls-ca, "
                 "--node-tls-name)"
           : l->error != 0 ? strerror(l->error)
                           : "closed by the server";
}

/* Bytes for the client. */
static void pass(struct server *s, size_t size)
{
    struct client *c = s->client;
    bool is_out = c != NULL && c->server == s;

    if (c != NULL && !(is_out && c->replay != INFRA_SESSION_REPLAY_NO)) {
        link_send(&c->link, link_in(&s->link), size);
        if (is_out && size > 0) {
            c->is_passed = true;
            if (c->unit.statement.kind != INFRA_STATEMENT_SESSION) {
                client_forget_unit(c);
            }
        }
        if (c->link.broken) {
            worker_ready(c->link.worker, &c->link);
        }
    }
    link_take(&s->link, size);
}

static void settings_ready(struct server *s, size_t size)
{
    link_take(&s->link, size);
    s->is_adopting = false;
    if (s->phase != SERVER_RESET) {
        if (!settings_note(s, s->client)) {
            server_end(s, "out of memory");
        }
        return;
    }
    settings_forget(s);
    s->is_dirty = false;
    pool_put(s);
}

/* The answer to a unit is complete. */
static void complete(struct server *s, struct answer *a)
{
    struct client *c = s->client;

    if (c == NULL || c->server != s) {
        server_end(s, "an answer to nothing");
        return;
    }
    pass(s, a->size);
    a->result.size = sizeof a->result;
    a->result.node = s->node;
    /* Not the turn's time: the write may have been committed since then, and a
     * sample from in between would count as one that shows it. */
    infra_session_done(&c->session, &a->result, infra_driver_now());
    client_release_ticket(c, INFRA_OUTCOME_OK);
    c->transaction = a->result.transaction;
    if (c->replay != INFRA_SESSION_REPLAY_NO) {
        c->server = NULL;
        client_give_servers(c);
        client_route_again(c);
        return;
    }
    c->spoils = false;
    c->protocol->note(c, &c->unit, &a->result);
    if (c->spoils) {
        settings_spoil(s);
    } else if (c->version != infra_session_journal_version(&c->session) &&
               !settings_note(s, c)) {
        c->link.broken = true; /* Out of memory: nobody else gets it. */
    }
    c->server = NULL;
    client_unit_over(c);
}

/* False: wait for more, or it has changed hands or ended. */
static bool take_answer(struct server *s)
{
    struct client *c = s->client;
    struct answer a = { .kind = ANSWER_MORE };

    s->protocol->follow(s, c, link_in(&s->link), link_in_size(&s->link), &a);
    (void)link_flush(&s->link);
    switch (a.kind) {
    case ANSWER_PASS:
        pass(s, a.size);
        return true;
    case ANSWER_DROP:
        link_take(&s->link, a.size);
        return true;
    case ANSWER_ERROR:
        if (c != NULL && c->server == s && !c->is_passed) {
            (void)client_replay(c, a.failure);
        }
        pass(s, a.size);
        return true;
    case ANSWER_READY:
        settings_ready(s, a.size);
        return s->client != NULL && !s->has_ended;
    case ANSWER_DONE:
        complete(s, &a);
        return !s->has_ended;
    case ANSWER_MORE:
        return link_read_more(&s->link, a.size);
    default:
        pass(s, a.size);
        server_end(s, a.why != NULL ? a.why : "not the protocol");
        return false;
    }
}

void server_answer(struct server *s)
{
    for (int round = 0; round < ROUNDS_MAX && !s->has_ended;) {
        if (s->client != NULL && link_out_size(&s->client->link) > 0 &&
            !link_flush(&s->client->link)) {
            return; /* It goes on when there is room. */
        }
        if (link_in_size(&s->link) == 0) {
            round++;
            if (!link_read(&s->link, 0)) {
                break;
            }
        }
        if (!take_answer(s)) {
            break;
        }
    }
    if (s->has_ended) {
        return;
    }
    if (s->link.eof || s->link.broken) {
        if (!s->link.readable || s->link.eof) {
            server_end(s, server_why_ended(&s->link));
            return;
        }
    }
    link_rest(&s->link);
    if (s->link.readable) {
        worker_ready(s->link.worker, &s->link);
    }
}

void server_resume(struct server *s)
{
    worker_ready(s->link.worker, &s->link);
}

void server_serve(struct server *s)
{
    if (s->phase == SERVER_CONNECTING) {
        server_connected(s);
        return;
    }
    if (s->phase == SERVER_LOGIN) {
        server_log_in(s);
        return;
    }
    bool was_full = link_out_size(&s->link) > 0;
    if (was_full && link_flush(&s->link) && s->client != NULL) {
        worker_ready(s->link.worker, &s->client->link); /* COPY goes on. */
    }
    server_answer(s);
}
