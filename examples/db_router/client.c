/* SPDX-License-Identifier: MIT */
/*
 * A client: login, then one unit after the other.  What it sends behind a unit
 * that is out stays unread.
 */
#include "worker.h"

#include "../common/log.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Units of one client in a turn. */
#define ROUNDS_MAX 16

static bool begin_session(struct client *c)
{
    const struct workers_shared *shared = c->link.worker->shared;
    const struct infra_session_options options = {
        .size = sizeof options,
        .consistency = shared->consistency,
        .journal = c->journal,
        .journal_size = sizeof c->journal,
        .flags = shared->limits.defers_begin ? INFRA_SESSION_DEFER_BEGIN : 0,
    };

    return infra_session_init(&c->session, &options) == INFRA_OK;
}

void client_accept(struct worker *w, int fd)
{
    struct workers_shared *shared = w->shared;
    struct client *c = calloc(1, sizeof *c + shared->protocol->client_size);
    bool is_full =
        atomic_fetch_add(&shared->clients_count, 1) >= shared->clients_max;

    if (c == NULL || !worker_watch(w, &c->link, fd, LINK_CLIENT)) {
        log_line("a client is refused: out of memory");
        atomic_fetch_sub(&shared->clients_count, 1);
        close(fd);
        free(c);
        return;
    }
    c->protocol = shared->protocol;
    c->state = c + 1;
    c->serial = atomic_fetch_add(&shared->serial, 1) + 1;
    c->slot = UINT32_MAX;
    c->ticket_node = INFRA_ROUTER_NODE_NONE;
    c->link.writable = true;
    c->link.readable = true;
    c->phase = CLIENT_LOGIN;
    c->since = w->now;
    list_append(&w->clients[c->phase], &c->place);
    w->clients_count++;
    if (!begin_session(c)) {
        client_end(c);
        return;
    }
    if (is_full) {
        client_refuse(c, TROUBLE_CLIENTS, "too many clients (--clients-max)");
        return;
    }
    c->protocol->greet(c);
    (void)link_flush(&c->link);
    worker_ready(w, &c->link);
}

void client_set_phase(struct client *c, enum client_phase phase)
{
    struct worker *w = c->link.worker;

    c->phase = (uint8_t)phase;
    c->since = w->now;
    list_remove(&c->place);
    list_append(&w->clients[phase], &c->place);
}

void client_forget_unit(struct client *c)
{
    if (c->is_kept) {
        link_take(&c->link, c->unit.size);
        c->is_kept = false;
    }
}

/* What it leaves on its connections is undone before others get them. */
static void drop_servers(struct client *c)
{
    bool is_session = c->link.worker->shared->share == SHARE_SESSION;

    while (c->servers != NULL) {
        struct server *s = c->servers;
        uint32_t pins = infra_session_pins(&c->session, s->node);
        bool is_out = c->server == s;
        c->servers = s->own_next;
        s->own_next = NULL;
        s->client = NULL;
        s->is_dirty = s->is_dirty || pins != 0 || is_session;
        if (is_out || s->is_adopting) {
            server_end(s, "its client has left");
        } else {
            pool_put(s);
        }
    }
    c->server = NULL;
}

static void leave(struct client *c)
{
    if (c->phase == CLIENT_QUEUED) {
        pool_leave(c);
    }
    client_release_ticket(c, INFRA_OUTCOME_ABANDONED);
    drop_servers(c);
    infra_session_leave(&c->session);
}

void client_end(struct client *c)
{
    struct worker *w = c->link.worker;

    if (c->has_ended) {
        return;
    }
    leave(c);
    c->has_ended = true;
    c->protocol->leave(c);
    cancel_take_key(c);
    list_remove(&c->place);
    link_close(&c->link);
    free(c->database);
    c->database = NULL;
    w->clients_count--;
    atomic_fetch_sub(&w->shared->clients_count, 1);
    c->queue_next = w->dead_clients;
    w->dead_clients = c;
}

/* The last bytes first; then its end is waited for, as what is closed with
 * bytes unread is reset, and the last bytes are lost. */
void client_close_slowly(struct client *c)
{
    if (!link_flush(&c->link) && !c->link.broken) {
        return;
    }
    if (!c->link.closes) {
        c->link.closes = true;
        link_end_writing(&c->link);
    }
    while (link_read(&c->link, 0)) {
        link_take(&c->link, link_in_size(&c->link));
    }
    if (c->link.eof || c->link.broken) {
        client_end(c);
        return;
    }
    link_rest(&c->link);
}

void client_refuse(struct client *c, enum trouble trouble, const char *text)
{
    bool has_unit = (c->phase == CLIENT_BUSY || c->is_kept) && !c->is_passed;
    const struct unit *unit = has_unit ? &c->unit : NULL;

    if (c->phase == CLIENT_CLOSING || c->has_ended) {
        return;
    }
    if (trouble != TROUBLE_STOPPING) {
        log_line("client of user %s: %s",
                 c->user != NULL ? c->user->name : "(none)", text);
    }
    if (!(c->phase == CLIENT_BUSY && c->is_passed)) {
        c->protocol->say(c, unit, trouble, text, true);
    }
    leave(c);
    client_set_phase(c, CLIENT_CLOSING);
    link_take(&c->link, link_in_size(&c->link));
    c->is_kept = false;
    client_close_slowly(c);
}

void client_fail(struct client *c, enum trouble trouble, const char *text)
{
    /* Its BEGIN was answered here: it would go on as if that counted. */
    if (!c->is_welcome || c->has_begun) {
        client_refuse(c, trouble, text);
        return;
    }
    log_line("client of user %s: %s", c->user->name, text);
    client_release_ticket(c, INFRA_OUTCOME_ABANDONED);
    c->protocol->say(c, &c->unit, trouble, text, false);
    client_unit_over(c);
}

bool client_drain(struct client *c)
{
    bool is_open = c->transaction != INFRA_SESSION_TRANSACTION_NONE;

    if (c->phase == CLIENT_LOGIN) {
        client_end(c);
        return true;
    }
    if (c->phase != CLIENT_IDLE || is_open) {
        return false;
    }
    client_refuse(c, TROUBLE_STOPPING, "the proxy is shutting down");
    return true;
}

void client_unit_over(struct client *c)
{
    struct worker *w = c->link.worker;

    client_forget_unit(c);
    c->server = NULL;
    c->replay = INFRA_SESSION_REPLAY_NO;
    c->is_passed = false;
    c->takes_more = false;
    c->give_up_at = 0;
    c->tries = 0;
    client_set_phase(c, CLIENT_IDLE);
    client_give_servers(c);
    if (w->drains && client_drain(c)) {
        return;
    }
    (void)link_flush(&c->link);
    if (link_in_size(&c->link) > 0 || c->link.readable || c->link.broken) {
        worker_ready(w, &c->link);
    } else {
        link_rest(&c->link);
    }
}

/* Bytes that follow the unit that is out. */
static void follow(struct client *c)
{
    while (c->phase == CLIENT_BUSY && c->takes_more && c->server != NULL) {
        struct server *s = c->server;
        struct unit unit = { .kind = UNIT_MORE };
        if (!link_flush(&s->link)) {
            return; /* server_serve() comes back. */
        }
        client_forget_unit(c);
        if (link_in_size(&c->link) > 0) {
            c->protocol->cut_more(c, &unit);
        }
        if (unit.kind == UNIT_FOLLOW) {
            if (c->protocol->send(s, c, &unit)) {
                link_send(&s->link, link_in(&c->link), unit.size);
            }
            link_take(&c->link, unit.size);
        } else if (unit.kind == UNIT_BAD) {
            client_refuse(c, unit.trouble, unit.why);
            return;
        } else if (!link_read_more(&c->link, unit.size)) {
            break;
        }
    }
    if (c->phase == CLIENT_BUSY && c->takes_more &&
        (c->link.eof || c->link.broken)) {
        client_end(c);
    }
}

/* False: nothing more can be done now. */
static bool take_unit(struct client *c)
{
    if (link_in_size(&c->link) == 0 && !link_read(&c->link, 0)) {
        return false;
    }
    c->unit = (struct unit) { .kind = UNIT_MORE };
    c->protocol->cut(c, &c->unit);
    switch (c->unit.kind) {
    case UNIT_ROUTE:
        c->is_kept = true;
        client_route(c);
        return true;
    case UNIT_ANSWERED:
        link_take(&c->link, c->unit.size);
        (void)link_flush(&c->link);
        return true;
    case UNIT_QUIT:
        client_end(c);
        return false;
    case UNIT_MORE:
        return link_read_more(&c->link, c->unit.size);
    default:
        client_refuse(c, c->unit.trouble,
                      c->unit.why != NULL ? c->unit.why : "not the protocol");
        return false;
    }
}

static void take_units(struct client *c)
{
    int round = 0;

    while (c->phase == CLIENT_IDLE && !c->has_ended && round < ROUNDS_MAX) {
        if (!link_flush(&c->link) || !take_unit(c)) {
            break;
        }
        round++;
    }
    if (c->has_ended || c->phase != CLIENT_IDLE) {
        return;
    }
    if (round == ROUNDS_MAX) {
        worker_ready(c->link.worker, &c->link);
    } else if (c->link.eof || c->link.broken) {
        client_end(c);
    } else {
        link_rest(&c->link);
    }
}

void client_serve(struct client *c)
{
    if (c->link.broken && c->phase != CLIENT_CLOSING) {
        client_end(c);
        return;
    }
    if (link_out_size(&c->link) > 0 && link_flush(&c->link) &&
        c->servers != NULL) {
        for (struct server *s = c->servers; s != NULL; s = s->own_next) {
            server_resume(s);
        }
    }
    switch (c->phase) {
    case CLIENT_LOGIN:
        client_log_in(c);
        break;
    case CLIENT_IDLE:
        take_units(c);
        break;
    case CLIENT_BUSY:
        follow(c);
        break;
    case CLIENT_CLOSING:
        client_close_slowly(c);
        break;
    default:
        if (c->link.to_the_end) {
            client_end(c); /* It does not wait any more. */
        }
        break;
    }
}

void client_expire(struct client *c)
{
    switch (c->phase) {
    case CLIENT_LOGIN:
        client_refuse(c, TROUBLE_LOGIN,
                      "the login took too long (--login-timeout)");
        break;
    case CLIENT_QUEUED:
        pool_leave(c);
        client_set_phase(c, CLIENT_IDLE);
        client_fail(c, TROUBLE_SERVERS,
                    "no server connection came free (--servers-max, "
                    "--queue-timeout)");
        break;
    case CLIENT_IDLE:
        client_refuse(c, TROUBLE_IDLE, "idle for too long (--idle-timeout)");
        break;
    default:
        client_end(c);
        break;
    }
}

void client_wants_more(struct client *c)
{
    c->takes_more = true;
    worker_ready(c->link.worker, &c->link);
}
