/* SPDX-License-Identifier: MIT */
/*
 * A client: login, then one unit after the other.  What it sends behind a unit
 * that is out stays unread.
 */
#include "worker.h"

#include "../common/log.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
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
static void close_slowly(struct client *c)
{
    if (!link_flush(&c->link) && !c->link.broken) {
        return;
    }
    if (!c->link.closes) {
        c->link.closes = true;
        (void)shutdown(c->link.fd, SHUT_WR);
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
    const struct unit *unit =
        c->phase == CLIENT_BUSY && !c->is_passed ? &c->unit : NULL;

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
    close_slowly(c);
}

void client_fail(struct client *c, enum trouble trouble, const char *text)
{
    if (!c->is_welcome) {
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

static bool read_more(struct link *l, size_t size)
{
    size_t have = link_in_size(l);

    return link_read(l, size > have ? size : have + 1);
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
        } else if (!read_more(&c->link, unit.size)) {
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
        return read_more(&c->link, c->unit.size);
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

void client_welcome(struct client *c)
{
    if (!cancel_give_key(c)) {
        client_refuse(c, TROUBLE_MEMORY, "out of memory");
        return;
    }
    c->protocol->welcome(c, &c->pool->greeting);
    c->is_welcome = true;
    c->give_up_at = 0;
    client_set_phase(c, CLIENT_IDLE);
    (void)link_flush(&c->link);
    worker_ready(c->link.worker, &c->link);
}

/* Its user is known. */
static void logged_in(struct client *c)
{
    struct worker *w = c->link.worker;

    c->pool = pool_find(w, c->user, c->database);
    if (c->pool == NULL) {
        client_refuse(c, TROUBLE_MEMORY, "out of memory");
        return;
    }
    if (c->protocol->welcome_needs_greeting &&
        c->pool->greeting.bytes == NULL) {
        c->unit = (struct unit) { .kind = UNIT_ROUTE };
        c->unit.statement.kind = INFRA_STATEMENT_READ;
        c->unit.statement.count = 1;
        client_route(c);
        return;
    }
    client_welcome(c);
}

static void log_in(struct client *c)
{
    enum step step = STEP_MORE;

    while (step == STEP_MORE &&
           (link_in_size(&c->link) > 0 || link_read(&c->link, 0))) {
        size_t before = link_in_size(&c->link);
        step = c->protocol->login(c);
        if (step == STEP_MORE && link_in_size(&c->link) == before &&
            !read_more(&c->link, 0)) {
            break;
        }
    }
    (void)link_flush(&c->link);
    switch (step) {
    case STEP_DONE:
        logged_in(c);
        return;
    case STEP_CANCEL:
        cancel_request(c->link.worker, &c->cancel);
        client_end(c);
        return;
    case STEP_MORE:
        if (c->link.eof || c->link.broken) {
            client_end(c);
        } else {
            link_rest(&c->link);
        }
        return;
    case STEP_FAILED:
    case STEP_TLS:
    default:
        log_line("a client is refused: %s",
                 c->why != NULL ? c->why : "its login failed");
        client_set_phase(c, CLIENT_CLOSING);
        link_take(&c->link, link_in_size(&c->link));
        close_slowly(c);
        return;
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
        log_in(c);
        break;
    case CLIENT_IDLE:
        take_units(c);
        break;
    case CLIENT_BUSY:
        follow(c);
        break;
    case CLIENT_CLOSING:
        close_slowly(c);
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

const struct db_limits *client_limits(const struct client *c)
{
    return &c->link.worker->shared->limits;
}

const struct db_user *client_find_user(const struct client *c, const char *name,
                                       size_t size)
{
    return db_users_find(c->link.worker->shared->users, name, size);
}

bool client_set_database(struct client *c, const char *name, size_t size)
{
    char *copy = malloc(size + 1);

    if (copy == NULL) {
        return false;
    }
    memcpy(copy, name, size);
    copy[size] = '\0';
    free(c->database);
    c->database = copy;
    return true;
}

bool protocol_entropy(void *ret, size_t n)
{
    return getrandom(ret, n, 0) == (ssize_t)n;
}
