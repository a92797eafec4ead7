/* SPDX-License-Identifier: MIT */
#include "pg_host.h"

#include <stdlib.h>
#include <string.h>

#define OUT_MAX (1u << 22)

/* What the common part gives to protocols. */

unsigned char *link_room(struct link *l, size_t size)
{
    struct bytes *b = &l->out;

    if (b->size - b->end < size) {
        size_t room = (b->end + size) * 2;
        unsigned char *at = room > OUT_MAX ? NULL : realloc(b->at, room);
        if (at == NULL) {
            l->broken = true;
            return NULL;
        }
        b->at = at;
        b->size = room;
    }
    b->end += size;
    return b->at + b->end - size;
}

void link_put(struct link *l, const void *bytes, size_t size)
{
    unsigned char *at = size > 0 ? link_room(l, size) : NULL;

    if (at != NULL) {
        memcpy(at, bytes, size);
    }
}

void link_take(struct link *l, size_t size)
{
    if (size > link_in_size(l)) {
        abort();
    }
    l->in.start += size;
}

const struct db_limits *client_limits(const struct client *c)
{
    return &((const struct pg_host *)(const void *)c)->limits;
}

const struct db_user *client_find_user(const struct client *c, const char *name,
                                       size_t size)
{
    (void)c;
    (void)name;
    (void)size;
    return NULL;
}

bool client_set_database(struct client *c, const char *name, size_t size)
{
    (void)c;
    (void)name;
    return size > 0;
}

void client_wants_more(struct client *c)
{
    c->takes_more = true;
}

void *worker_state(const struct worker *w)
{
    union {
        const struct worker *worker;
        struct pg_host *host;
    } u = { .worker = w };

    return &u.host->statements;
}

void db_user_learn_scram(const struct db_user *user,
                         const struct infra_login_scram_keys *keys)
{
    (void)user;
    (void)keys;
}

void db_user_scram(const struct db_user *user,
                   struct infra_login_scram_keys *ret)
{
    (void)user;
    *ret = (struct infra_login_scram_keys) { 0 };
}

bool protocol_entropy(void *ret, size_t n)
{
    memset(ret, 'e', n);
    return true;
}

/* Drive both sides. */

static void begin_server(struct pg_host *h)
{
    memset(&h->server_state, 0, sizeof h->server_state);
    h->server =
        (struct server) { .protocol = &protocol_pg, .state = &h->server_state };
    h->server.link.worker = (struct worker *)(void *)h;
}

void pg_host_begin(struct pg_host *h)
{
    memset(h, 0, sizeof *h);
    h->client.protocol = &protocol_pg;
    h->client.state = &h->client_state;
    h->client.serial = 1;
    h->client.link.worker = (struct worker *)(void *)h;
    h->limits.message_max = 1u << 16;
    const struct infra_session_options options = {
        .size = sizeof options,
        .journal = h->client.journal,
        .journal_size = sizeof h->client.journal,
    };
    if (infra_session_init(&h->client.session, &options) != INFRA_OK) {
        abort();
    }
    begin_server(h);
}

static void free_link(struct link *l)
{
    free(l->in.at);
    free(l->out.at);
    l->in = l->out = (struct bytes) { 0 };
}

void pg_host_other_server(struct pg_host *h)
{
    protocol_pg.finish(&h->server);
    free_link(&h->server.link);
    begin_server(h);
}

void pg_host_finish(struct pg_host *h)
{
    protocol_pg.leave(&h->client);
    protocol_pg.finish(&h->server);
    pg_statements_free(&h->statements);
    free_link(&h->client.link);
    free_link(&h->server.link);
}

void pg_host_clear(struct pg_host *h)
{
    h->client.link.out.end = 0;
    h->server.link.out.end = 0;
}

/* In memory that ends with the last byte, so that a tool sees each byte
 * beyond. */
static void append(struct link *l, const void *bytes, size_t size)
{
    size_t left = link_in_size(l);
    unsigned char *at = malloc(left + size + 1);

    if (at == NULL) {
        abort();
    }
    unsigned char *start = at + 1;
    if (left > 0) {
        memcpy(start, link_in(l), left);
    }
    if (size > 0) {
        memcpy(start + left, bytes, size);
    }
    free(l->in.at);
    l->in = (struct bytes) {
        .at = at, .start = 1, .end = 1 + left + size, .size = 1 + left + size
    };
}

static void end(struct pg_host *h, const char *why)
{
    h->has_ended = true;
    h->why = why;
}

static void send_unit(struct pg_host *h, const struct unit *unit)
{
    struct client *c = &h->client;

    if (unit->size > link_in_size(&c->link)) {
        abort();
    }
    if (protocol_pg.send(&h->server, c, unit)) {
        link_put(&h->server.link, link_in(&c->link), unit->size);
    }
}

static void follow_unit(struct pg_host *h)
{
    struct client *c = &h->client;

    while (!h->has_ended && c->takes_more && link_in_size(&c->link) > 0) {
        struct unit unit = { .kind = UNIT_MORE };
        protocol_pg.cut_more(c, &unit);
        if (unit.kind == UNIT_BAD) {
            end(h, unit.why);
        } else if (unit.kind == UNIT_FOLLOW) {
            send_unit(h, &unit);
            link_take(&c->link, unit.size);
        } else {
            return;
        }
    }
}

/* The unit is on its way. The text of a SESSION unit is not looked at here. */
static void forget_unit(struct pg_host *h)
{
    h->waits = false;
    link_take(&h->client.link, h->client.unit.size);
    h->client.unit.statement.kind = INFRA_STATEMENT_WRITE;
}

static bool begins(uint32_t kind)
{
    return kind == INFRA_STATEMENT_BEGIN ||
           kind == INFRA_STATEMENT_BEGIN_READ_ONLY;
}

/* Answer what a session that holds back BEGIN does not send. */
static bool answer(struct pg_host *h)
{
    struct client *c = &h->client;
    uint32_t kind = c->unit.statement.kind;
    bool is_in = c->transaction != INFRA_SESSION_TRANSACTION_NONE;

    if (!h->limits.defers_begin || !(h->has_begun ? kind == INFRA_STATEMENT_END
                                                  : begins(kind) && !is_in)) {
        return false;
    }
    protocol_pg.say_done(c, &c->unit);
    h->has_begun = begins(kind);
    link_take(&c->link, c->unit.size);
    return true;
}

static void send_first(struct pg_host *h)
{
    if (h->has_begun) {
        protocol_pg.begin(&h->server, &h->client);
        h->has_begun = false;
    }
    send_unit(h, &h->client.unit);
    h->waits = h->server_state.unit_waits;
}

static void cut(struct pg_host *h)
{
    struct client *c = &h->client;

    while (!h->has_ended && !h->is_out && link_in_size(&c->link) > 0) {
        c->unit = (struct unit) { .kind = UNIT_MORE };
        protocol_pg.cut(c, &c->unit);
        if (c->unit.kind == UNIT_MORE) {
            return;
        }
        if (c->unit.kind == UNIT_ANSWERED) {
            link_take(&c->link, c->unit.size);
        } else if (c->unit.kind == UNIT_ROUTE && answer(h)) {
            continue;
        } else if (c->unit.kind == UNIT_ROUTE) {
            h->is_out = true;
            h->units++;
            h->statement = c->unit.statement;
            c->is_passed = false;
            send_first(h);
            if (h->waits) {
                return;
            }
            forget_unit(h);
            follow_unit(h);
        } else {
            end(h, c->unit.why);
        }
    }
}

void pg_host_client(struct pg_host *h, const void *bytes, size_t size)
{
    append(&h->client.link, bytes, size);
    if (h->is_out && !h->waits) {
        follow_unit(h);
    } else if (!h->is_out) {
        cut(h);
    }
}

static void pass(struct pg_host *h, size_t size)
{
    if (size > link_in_size(&h->server.link)) {
        abort();
    }
    link_put(&h->client.link, link_in(&h->server.link), size);
    link_take(&h->server.link, size);
    h->client.is_passed = h->client.is_passed || size > 0;
}

static bool take_answer(struct pg_host *h, const struct answer *a)
{
    switch (a->kind) {
    case ANSWER_MORE:
        return false;
    case ANSWER_DROP:
    case ANSWER_READY:
        link_take(&h->server.link, a->size);
        return true;
    case ANSWER_ERROR:
        h->failures++;
        pass(h, a->size);
        return true;
    case ANSWER_PASS:
        pass(h, a->size);
        return true;
    case ANSWER_DONE:
        pass(h, a->size);
        h->result = a->result;
        h->is_out = false;
        h->client.takes_more = false;
        h->client.transaction = a->result.transaction;
        protocol_pg.note(&h->client, &h->client.unit, &a->result);
        cut(h);
        return true;
    default:
        pass(h, a->size);
        end(h, a->why);
        return false;
    }
}

void pg_host_server(struct pg_host *h, const void *bytes, size_t size)
{
    append(&h->server.link, bytes, size);
    while (!h->has_ended && link_in_size(&h->server.link) > 0) {
        struct answer a = { .kind = ANSWER_MORE };
        size_t before = link_in_size(&h->server.link);
        protocol_pg.follow(&h->server, &h->client, link_in(&h->server.link),
                           before, &a);
        if (h->waits && !h->server_state.unit_waits) {
            forget_unit(h);
            follow_unit(h);
        }
        if (!take_answer(h, &a)) {
            return;
        }
        if (a.kind != ANSWER_DONE && link_in_size(&h->server.link) == before) {
            abort(); /* No progress. */
        }
    }
}

void pg_host_answer(struct pg_host *h)
{
    const struct pg_server *p = &h->server_state;
    unsigned char out[1024];
    size_t size = 0;

    for (uint32_t i = p->expected_at; i < p->expected_count && size < 1000;
         i++) {
        unsigned char type =
            p->expected[i].kind <= PG_EXPECT_PARSE_OURS ? '1' : '3';
        memcpy(out + size, "\0\0\0\0\4", 5);
        out[size] = type;
        size += 5;
    }
    memcpy(out + size, p->begin_left > 0 ? "Z\0\0\0\5T" : "Z\0\0\0\5I", 6);
    pg_host_server(h, out, size + 6);
}
