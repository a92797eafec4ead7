/* SPDX-License-Identifier: MIT */
/*
 * Who gets which server connection.  Each user and database has its own
 * connections at each node, and a queue of clients that want one.  A connection
 * that becomes free goes to the first in its queue.  New ones are connected for
 * as many as wait, up to servers_max of a node; at that limit an idle one of
 * another pool makes room.
 */
#include "worker.h"

#include "../common/log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Idle connections that are looked at for one with the client's settings. */
#define FIT_LOOK_MAX 8

/* Rest of a node after a failed connection. */
#define AVOID_TIME INFRA_MS(200)

struct pool *pool_find(struct worker *w, const struct db_user *user,
                       const char *database)
{
    uint32_t count = w->shared->nodes_count;

    for (struct pool *p = w->pools; p != NULL; p = p->next) {
        if (p->user == user && strcmp(p->database, database) == 0) {
            return p;
        }
    }
    struct pool *p = calloc(1, sizeof *p + count * sizeof p->nodes[0]);
    if (p == NULL || (p->database = strdup(database)) == NULL) {
        free(p);
        return NULL;
    }
    p->user = user;
    for (uint32_t i = 0; i < count; i++) {
        list_init(&p->nodes[i].idle);
        p->nodes[i].queue_end = &p->nodes[i].queue;
    }
    p->next = w->pools;
    w->pools = p;
    return p;
}

void pools_free(struct worker *w)
{
    while (w->pools != NULL) {
        struct pool *p = w->pools;
        w->pools = p->next;
        free(p->greeting.bytes);
        free(p->database);
        free(p);
    }
}

void pool_take(struct server *s)
{
    list_remove(&s->idle);
    server_set_phase(s, SERVER_OWNED);
}

/* The last one used, or one like it that needs no replay. */
static struct server *find_idle(const struct pool_node *n,
                                const struct client *c)
{
    int looked = 0;

    for (struct list *l = n->idle.next; l != &n->idle && looked < FIT_LOOK_MAX;
         l = l->next, looked++) {
        struct server *s = LIST_OWNER(l, struct server, idle);
        if (settings_fit(s, c)) {
            return s;
        }
    }
    return list_is_empty(&n->idle)
               ? NULL
               : LIST_OWNER(n->idle.next, struct server, idle);
}

static void queue(struct pool_node *n, struct client *c)
{
    c->queue_next = NULL;
    *n->queue_end = c;
    n->queue_end = &c->queue_next;
    n->queued++;
    client_set_phase(c, CLIENT_QUEUED);
}

static struct client *unqueue(struct pool_node *n)
{
    struct client *c = n->queue;

    if (c != NULL) {
        n->queue = c->queue_next;
        if (n->queue == NULL) {
            n->queue_end = &n->queue;
        }
        c->queue_next = NULL;
        n->queued--;
    }
    return c;
}

void pool_leave(struct client *c)
{
    struct pool_node *n = &c->pool->nodes[c->node];

    for (struct client **at = &n->queue; *at != NULL; at = &(*at)->queue_next) {
        if (*at == c) {
            *at = c->queue_next;
            if (n->queue_end == &c->queue_next) {
                n->queue_end = at;
            }
            c->queue_next = NULL;
            n->queued--;
            return;
        }
    }
}

/* An idle connection of another pool at this node ends.  False: there is
 * none. */
static bool make_room(struct worker *w, const struct pool *for_pool,
                      uint32_t node)
{
    for (struct pool *p = w->pools; p != NULL; p = p->next) {
        struct list *idle = &p->nodes[node].idle;
        if (p != for_pool && !list_is_empty(idle)) {
            struct server *s = LIST_OWNER(idle->prev, struct server, idle);
            w->makes_room = true; /* pool_gone() would come back here. */
            server_end(s, "others wait");
            w->makes_room = false;
            return true;
        }
    }
    return false;
}

/* Nobody can be connected: those who wait hear of it. */
static void fail_queue(struct pool *p, uint32_t node,
                       const struct server *failed)
{
    struct pool_node *n = &p->nodes[node];
    uint32_t count = n->queued;

    for (; count > 0 && n->connecting == 0; count--) {
        struct client *c = unqueue(n);
        if (c == NULL) {
            return;
        }
        client_set_phase(c, CLIENT_IDLE);
        client_cannot_connect(c, failed);
    }
}

/* Connect for those who wait, as far as the limit allows. */
static void connect_more(struct worker *w, struct pool *p, uint32_t node)
{
    struct pool_node *n = &p->nodes[node];

    while (n->connecting < n->queued) {
        if (w->servers_count[node] >= w->shared->servers_max &&
            !make_room(w, p, node)) {
            return;
        }
        n->connecting++;
        if (server_connect(w, p, node) == NULL) {
            n->connecting--;
            log_line("node %s: no connection for user %s: %s",
                     w->shared->nodes[node].name, p->user->name,
                     strerror(errno));
            w->avoid_until[node] = w->now + AVOID_TIME;
            fail_queue(p, node, NULL);
            return;
        }
    }
}

void pool_want(struct client *c)
{
    struct pool_node *n = &c->pool->nodes[c->node];
    struct server *s = n->queue == NULL ? find_idle(n, c) : NULL;

    if (s != NULL) {
        pool_take(s);
        client_take_server(c, s);
        return;
    }
    queue(n, c);
    connect_more(c->link.worker, c->pool, c->node);
}

/* Does another pool wait at this node for room? */
static bool others_wait(const struct worker *w, const struct pool *mine,
                        uint32_t node)
{
    for (const struct pool *p = w->pools; p != NULL; p = p->next) {
        if (p != mine && p->nodes[node].queued > p->nodes[node].connecting) {
            return true;
        }
    }
    return false;
}

void pool_put(struct server *s)
{
    struct worker *w = s->link.worker;
    struct pool_node *n = &s->pool->nodes[s->node];

    if (server_is_old(s)) {
        server_end(s, "not needed any more");
        return;
    }
    if (s->cancels > 0) {
        server_set_phase(s, SERVER_RESET); /* cancel.c puts it again. */
        return;
    }
    if (s->is_dirty) {
        server_set_phase(s, SERVER_RESET);
        s->is_adopting = s->protocol->adopt(s, NULL, true);
        (void)link_flush(&s->link);
        if (s->link.broken) {
            server_end(s, "it cannot be reset");
            return;
        }
        if (s->is_adopting) {
            return;
        }
        s->is_dirty = false;
        settings_forget(s);
    }
    struct client *c = unqueue(n);
    if (c != NULL) {
        server_set_phase(s, SERVER_OWNED);
        client_set_phase(c, CLIENT_IDLE);
        client_take_server(c, s);
        return;
    }
    server_set_phase(s, SERVER_IDLE);
    s->idle.next = n->idle.next; /* In front. */
    s->idle.prev = &n->idle;
    n->idle.next->prev = &s->idle;
    n->idle.next = &s->idle;
    if (w->servers_count[s->node] >= w->shared->servers_max &&
        others_wait(w, s->pool, s->node)) {
        server_end(s, "others wait");
    }
}

void pool_gone(struct server *s)
{
    struct worker *w = s->link.worker;
    struct pool_node *n = &s->pool->nodes[s->node];
    bool has_failed = s->phase < SERVER_RESET;

    if (has_failed) {
        n->connecting--;
        if (!s->is_final) { /* Else the node is well, and refuses one user. */
            w->avoid_until[s->node] = w->now + AVOID_TIME;
        }
        fail_queue(s->pool, s->node, s);
        return;
    }
    for (struct pool *p = w->pools; p != NULL && !w->makes_room; p = p->next) {
        if (p->nodes[s->node].queued > p->nodes[s->node].connecting) {
            connect_more(w, p, s->node);
        }
    }
}
