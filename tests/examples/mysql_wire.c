/* SPDX-License-Identifier: MIT */
#include "mysql_wire.h"

#include <stdlib.h>
#include <string.h>

#define SIZE_MAX_BYTES (1u << 20)

/* What the common part gives to protocols. */

static bool grow(struct bytes *b, size_t size)
{
    if (b->size - b->end >= size) {
        return true;
    }
    size_t wanted = b->end + size + 256;
    unsigned char *at = realloc(b->at, wanted);
    if (at == NULL) {
        return false;
    }
    b->at = at;
    b->size = wanted;
    return true;
}

unsigned char *link_room(struct link *l, size_t size)
{
    if (l->broken || size > SIZE_MAX_BYTES || !grow(&l->out, size)) {
        l->broken = true;
        return NULL;
    }
    l->out.end += size;
    return l->out.at + l->out.end - size;
}

void link_put(struct link *l, const void *bytes, size_t size)
{
    unsigned char *at = link_room(l, size);

    if (at != NULL && size > 0) {
        memcpy(at, bytes, size);
    }
}

void link_send(struct link *l, const void *bytes, size_t size)
{
    link_put(l, bytes, size);
}

void link_take(struct link *l, size_t size)
{
    l->in.start += size;
}

void link_limit_read(struct link *l, unsigned char max)
{
    l->read_max = max;
}

const struct db_limits *client_limits(const struct client *c)
{
    const struct wire *w = (const struct wire *)(const void *)c;

    return &w->limits;
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

void db_user_learn_mysql(const struct db_user *user,
                         const struct infra_login_mysql_keys *keys)
{
    (void)user;
    (void)keys;
}

void db_user_mysql(const struct db_user *user,
                   struct infra_login_mysql_keys *ret)
{
    (void)user;
    *ret = (struct infra_login_mysql_keys) { 0 };
}

bool protocol_entropy(void *ret, size_t n)
{
    memset(ret, 'e', n);
    return true;
}

/* Drive both sides. */

static void append(struct link *l, const void *bytes, size_t size)
{
    /* Exactly as long as what is there: a tool sees each byte beyond. */
    size_t left = link_in_size(l);
    unsigned char *at = malloc(left + size + (left + size == 0));

    if (at == NULL) {
        abort();
    }
    if (left > 0) {
        memcpy(at, link_in(l), left);
    }
    if (size > 0) {
        memcpy(at + left, bytes, size);
    }
    free(l->in.at);
    l->in =
        (struct bytes) { .at = at, .end = left + size, .size = left + size };
}

static void end(struct wire *w, const char *why)
{
    w->has_ended = true;
    w->why = why;
}

static void send_unit(struct wire *w)
{
    struct client *c = &w->client;
    struct server *s = &w->server;

    w->is_out = true;
    w->has_failure = false;
    c->is_passed = false;
    if (c->protocol->send(s, c, &c->unit)) {
        link_put(&s->link, link_in(&c->link), c->unit.size);
    }
}

static void cut(struct wire *w)
{
    struct client *c = &w->client;

    while (!w->has_ended && !w->is_out && link_in_size(&c->link) > 0) {
        c->unit = (struct unit) { .kind = UNIT_MORE };
        c->protocol->cut(c, &c->unit);
        switch (c->unit.kind) {
        case UNIT_MORE:
            return;
        case UNIT_ANSWERED:
            link_take(&c->link, c->unit.size);
            break;
        case UNIT_ROUTE:
            send_unit(w);
            break;
        default:
            end(w, c->unit.why);
            break;
        }
    }
}

static void pass(struct wire *w, size_t size)
{
    struct client *c = &w->client;

    if (size > link_in_size(&w->server.link)) {
        abort();
    }
    link_put(&c->link, link_in(&w->server.link), size);
    link_take(&w->server.link, size);
    c->is_passed = c->is_passed || size > 0;
}

static void done(struct wire *w, const struct answer *a)
{
    struct client *c = &w->client;

    pass(w, a->size);
    w->result = a->result;
    c->protocol->note(c, &c->unit, &a->result);
    link_take(&c->link, c->unit.size);
    w->is_out = false;
}

static bool take_answer(struct wire *w, const struct answer *a)
{
    switch (a->kind) {
    case ANSWER_MORE:
        return false;
    case ANSWER_PASS:
        pass(w, a->size);
        return true;
    case ANSWER_ERROR:
        w->has_failure = true;
        w->failure = a->failure;
        pass(w, a->size);
        return true;
    case ANSWER_READY:
        w->is_adopting = false;
        link_take(&w->server.link, a->size);
        return true;
    case ANSWER_DROP:
        link_take(&w->server.link, a->size);
        return true;
    case ANSWER_DONE:
        done(w, a);
        return true;
    default:
        end(w, a->why);
        return false;
    }
}

void wire_client(struct wire *w, const void *bytes, size_t size)
{
    if (!w->has_ended) {
        append(&w->client.link, bytes, size);
        cut(w);
    }
}

void wire_server(struct wire *w, const void *bytes, size_t size)
{
    struct link *l = &w->server.link;
    struct answer a;

    if (w->has_ended) {
        return;
    }
    append(l, bytes, size);
    do {
        size_t left = link_in_size(l);
        if (left == 0 || w->has_ended) {
            return;
        }
        a = (struct answer) { .kind = ANSWER_MORE };
        w->client.protocol->follow(&w->server, &w->client, link_in(l), left,
                                   &a);
        if (a.kind == ANSWER_MORE && a.size <= left) {
            abort(); /* It would wait for ever. */
        }
    } while (take_answer(w, &a));
}

void wire_adopt(struct wire *w, bool reset)
{
    w->is_adopting = w->client.protocol->adopt(&w->server, &w->client, reset);
}

void wire_clear(struct wire *w)
{
    w->client.link.out.start = w->client.link.out.end = 0;
    w->server.link.out.start = w->server.link.out.end = 0;
}

void wire_begin(struct wire *w, const struct protocol *protocol,
                uint32_t capabilities)
{
    struct infra_session_options options = {
        .size = sizeof options,
        .journal = w->client.journal,
        .journal_size = sizeof w->client.journal,
    };

    memset(w, 0, sizeof *w);
    w->client.protocol = w->server.protocol = protocol;
    w->client.state = &w->client_state;
    w->server.state = &w->server_state;
    w->server.client = &w->client;
    w->client.serial = 1;
    w->limits.message_max = SIZE_MAX_BYTES / 4;
    w->client_state.capabilities = capabilities;
    w->client_state.flavor.capabilities = capabilities & MYSQL_FLAVOR;
    w->client_state.status = MYSQL_STATUS_AUTOCOMMIT;
    w->server_state.flavor = w->client_state.flavor;
    w->server_state.capabilities =
        w->client_state.flavor.capabilities | MYSQL_NODE_NEEDS;
    if (infra_session_init(&w->client.session, &options) != INFRA_OK) {
        abort();
    }
}

void wire_finish(struct wire *w)
{
    w->client.protocol->leave(&w->client);
    w->server.protocol->finish(&w->server);
    infra_session_leave(&w->client.session);
    free(w->client.link.in.at);
    free(w->client.link.out.at);
    free(w->server.link.in.at);
    free(w->server.link.out.at);
}
