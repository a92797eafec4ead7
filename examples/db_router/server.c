/* SPDX-License-Identifier: MIT */
/*
 * A connection to a node: connect, log in, then answers of which the protocol
 * says what they are.  Bytes go from the buffer they were read into to the
 * client's socket; nothing more is read while the client does not take them.
 */
#include "worker.h"

#include "../common/log.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Reads of one server in a turn. */
#define ROUNDS_MAX 8

struct server *server_connect(struct worker *w, struct pool *pool,
                              uint32_t node)
{
    const struct protocol *protocol = w->shared->protocol;
    const struct address *to = &w->shared->nodes[node].address;
    const int on = 1;
    struct server *s = calloc(1, sizeof *s + protocol->server_size);
    int fd = s == NULL ? -1
                       : socket(to->storage.ss_family,
                                SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0 ||
        (setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) != 0 &&
         errno != EOPNOTSUPP) ||
        setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on) != 0 ||
        (connect(fd, (const struct sockaddr *)&to->storage, to->size) != 0 &&
         errno != EINPROGRESS) ||
        !worker_watch(w, &s->link, fd, LINK_SERVER)) {
        int error = errno;
        if (fd >= 0) {
            close(fd);
        }
        free(s);
        errno = error;
        return NULL;
    }
    s->protocol = protocol;
    s->state = s + 1;
    s->pool = pool;
    s->user = pool->user;
    s->database = pool->database;
    s->node = node;
    s->generation = atomic_load(&w->shared->nodes[node].generation);
    s->born = w->now;
    s->phase = SERVER_CONNECTING;
    s->since = w->now;
    list_init(&s->idle);
    list_append(&w->servers[s->phase], &s->place);
    w->servers_count[node]++;
    return s;
}

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
    if (c->is_passed || c->was_pinned || c->unit.is_open) {
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

static const char *why_ended(const struct link *l)
{
    return l->error != 0 ? strerror(l->error) : "closed by the server";
}

static void log_in(struct server *s)
{
    struct worker *w = s->link.worker;

    for (;;) {
        (void)link_flush(&s->link);
        if (link_in_size(&s->link) == 0 && !link_read(&s->link, 0)) {
            break;
        }
        enum step step = s->protocol->server_login(s);
        if (step == STEP_FAILED) {
            server_end(s, s->why);
            return;
        }
        if (step == STEP_DONE) {
            (void)link_flush(&s->link);
            if (s->pool->greeting.bytes == NULL) {
                s->protocol->learn(s, &s->pool->greeting);
            }
            w->avoid_until[s->node] = 0;
            s->pool->nodes[s->node].connecting--;
            link_rest(&s->link);
            server_set_phase(s, SERVER_RESET);
            pool_put(s);
            return;
        }
        if (!link_read(&s->link, 0)) {
            break;
        }
    }
    (void)link_flush(&s->link);
    if (s->link.eof || s->link.broken) {
        server_end(s, why_ended(&s->link));
        return;
    }
    link_rest(&s->link);
}

static void connected(struct server *s)
{
    int error = 0;
    socklen_t size = sizeof error;

    if (!s->link.writable) {
        return;
    }
    if (getsockopt(s->link.fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0 ||
        error != 0) {
        server_end(s, strerror(error));
        return;
    }
    server_set_phase(s, SERVER_LOGIN);
    s->protocol->connect(s);
    log_in(s);
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

/* At least one byte more than there is. */
static bool read_more(struct link *l, size_t size)
{
    size_t have = link_in_size(l);

    return link_read(l, size > have ? size : have + 1);
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
        return read_more(&s->link, a.size);
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
            server_end(s, why_ended(&s->link));
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
        connected(s);
        return;
    }
    if (s->phase == SERVER_LOGIN) {
        log_in(s);
        return;
    }
    bool was_full = link_out_size(&s->link) > 0;
    if (was_full && link_flush(&s->link) && s->client != NULL) {
        worker_ready(s->link.worker, &s->client->link); /* COPY goes on. */
    }
    server_answer(s);
}
