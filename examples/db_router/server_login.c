/* SPDX-License-Identifier: MIT */
/* A connection to a node until it is logged in, and goes to the pool. */
#include "worker.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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
    s->wants_tls = w->node_tls.by != NULL;
    s->phase = SERVER_CONNECTING;
    s->since = w->now;
    list_init(&s->idle);
    list_append(&w->servers[s->phase], &s->place);
    w->servers_count[node]++;
    return s;
}

bool server_start_tls(struct link *l, uint32_t node)
{
    const struct worker *w = l->worker;
    const struct address *to = &w->shared->nodes[node].address;
    char host[NI_MAXHOST];

    return link_start_tls(
        l, &w->node_tls.functions,
        tls_node_name(&w->shared->tls, &to->storage, to->size, host));
}

void server_log_in(struct server *s)
{
    struct worker *w = s->link.worker;

    for (;;) {
        (void)link_flush(&s->link);
        if (link_in_size(&s->link) == 0 && !link_read(&s->link, 0)) {
            break;
        }
        enum step step = s->protocol->server_login(s);
        if (step == STEP_TLS && server_start_tls(&s->link, s->node)) {
            s->is_secure = true;
            s->protocol->secured(s);
            continue;
        }
        if (step == STEP_FAILED || step == STEP_TLS) {
            server_end(s,
                       step == STEP_TLS ? server_why_ended(&s->link) : s->why);
            return;
        }
        if (step == STEP_DONE) {
            (void)link_flush(&s->link);
            if (s->pool->greeting.bytes == NULL) {
                s->protocol->learn(s, &s->pool->greeting);
            }
            if (s->protocol->welcome_needs_greeting &&
                s->pool->greeting.bytes == NULL) {
                server_end(s, "out of memory");
                return;
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
        server_end(s, server_why_ended(&s->link));
        return;
    }
    link_rest(&s->link);
}

void server_connected(struct server *s)
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
    server_log_in(s);
}
