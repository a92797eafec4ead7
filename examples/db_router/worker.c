/* SPDX-License-Identifier: MIT */
/*
 * The loop of one worker.  Each turn waits once, reads the clock once, notes
 * what every socket reported, and only then serves each client and server that
 * was named; what has ended is freed at the turn's end, so that no event of the
 * same batch points at it.
 */
#include "worker.h"

#include "../common/log.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define EVENTS_MAX 256
#define ACCEPTS_MAX 16 /* In one turn. */
#define BACKLOG 1024
#define HELD_MAX 64 /* Held sessions that are routed in one turn. */

/* Bytes in the kernel that wait for a client's window. */
#define UNSENT_MAX (128 * 1024)

static int watch_plain(struct worker *w, int *fd, uint32_t edge)
{
    struct epoll_event event = { .events = EPOLLIN | edge,
                                 .data = { .ptr = fd } };

    return epoll_ctl(w->epoll_fd, EPOLL_CTL_ADD, *fd, &event);
}

static int listen_at(struct address *at)
{
    const int on = 1;
    const int unsent_max = UNSENT_MAX;
    int fd = socket(at->storage.ss_family,
                    SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    /* Accepted sockets inherit TCP_NODELAY and the limit. */
    if (fd >= 0 &&
        (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
         setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) != 0 ||
         setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) != 0 ||
         setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &unsent_max,
                    sizeof unsent_max) != 0 ||
         setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on) != 0 ||
         bind(fd, (const struct sockaddr *)&at->storage, at->size) != 0 ||
         listen(fd, BACKLOG) != 0 ||
         getsockname(fd, (struct sockaddr *)&at->storage, &at->size) != 0)) {
        int error = errno;
        close(fd);
        errno = error;
        return -1;
    }
    return fd;
}

int worker_open(struct worker *w, struct workers_shared *shared, uint32_t index)
{
    w->shared = shared;
    w->index = index;
    w->ready_end = &w->ready;
    w->now = infra_driver_now();
    for (int i = 0; i < CLIENT_PHASES; i++) {
        list_init(&w->clients[i]);
    }
    for (int i = 0; i < SERVER_PHASES; i++) {
        list_init(&w->servers[i]);
    }
    pthread_mutex_init(&w->mailbox_lock, NULL);
    w->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    w->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    w->listen_fd = listen_at(&shared->listen);
    int error = errno;
    w->state = calloc(1, shared->protocol->worker_size + 1);
    if (w->listen_fd < 0) {
        return error;
    }
    if (w->state == NULL) {
        return ENOMEM;
    }
    return watch_plain(w, &w->listen_fd, 0) == 0 &&
                   watch_plain(w, &w->wake_fd, EPOLLET) == 0
               ? 0
               : errno;
}

static void close_fd(int *fd)
{
    if (*fd >= 0) {
        close(*fd);
    }
    *fd = -1;
}

bool worker_watch(struct worker *w, struct link *l, int fd, enum link_kind kind)
{
    struct epoll_event event = {
        .events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET,
        .data = { .ptr = l },
    };

    l->worker = w;
    l->fd = fd;
    l->kind = (unsigned char)kind;
    return epoll_ctl(w->epoll_fd, EPOLL_CTL_ADD, fd, &event) == 0;
}

void worker_ready(struct worker *w, struct link *l)
{
    if (!l->is_ready) {
        l->is_ready = true;
        l->ready_next = NULL;
        *w->ready_end = l;
        w->ready_end = &l->ready_next;
    }
}

static void note(struct worker *w, struct link *l, uint32_t events)
{
    if ((events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) {
        l->readable = true;
    }
    if ((events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) {
        l->to_the_end = true;
    }
    if ((events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) != 0) {
        l->writable = true;
    }
    if (l->session != NULL) {
        l->readable = l->writable = true; /* Each may wait for the other. */
    }
    worker_ready(w, l);
}

static void serve(struct link *l)
{
    switch (l->kind) {
    case LINK_CLIENT:
        if (!((struct client *)l)->has_ended) {
            client_serve((struct client *)l);
        }
        break;
    case LINK_SERVER:
        if (!((struct server *)l)->has_ended) {
            server_serve((struct server *)l);
        }
        break;
    default:
        cancel_serve(l);
        break;
    }
}

/* Those that become ready meanwhile are served in the next turn. */
static void serve_ready(struct worker *w)
{
    struct link *l = w->ready;

    w->ready = NULL;
    w->ready_end = &w->ready;
    while (l != NULL) {
        struct link *next = l->ready_next;
        l->is_ready = false;
        serve(l);
        l = next;
    }
}

static void accept_clients(struct worker *w)
{
    for (int i = 0; i < ACCEPTS_MAX; i++) {
        int fd =
            accept4(w->listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            client_accept(w, fd);
        } else if (errno != ECONNABORTED && errno != EINTR) {
            if (errno != EAGAIN) {
                log_line("cannot accept a client: error %d", errno);
            }
            return;
        }
    }
}

/* Sessions that were held for want of a primary, and those that wait. */
static void route_waiting(struct worker *w, bool has_news)
{
    struct infra_session *session;
    struct list *list = &w->clients[CLIENT_WAITING];
    struct list *next;

    for (int i = 0;
         i < HELD_MAX &&
         infra_router_reader_next(w->reader, w->now, &session) == INFRA_OK;
         i++) {
        client_route(LIST_OWNER(session, struct client, session));
    }
    /* One that has to wait again goes to the end of the list. */
    struct list *last = list->prev;
    for (struct list *l = list->next; l != list; l = next) {
        struct client *c = LIST_OWNER(l, struct client, place);
        bool is_last = l == last;
        next = l->next;
        if (c->retry_at <= w->now || (has_news && c->give_up_at == 0)) {
            client_route(c);
        }
        if (is_last) {
            break;
        }
    }
}

/* Connections from before their node was found dead. */
static void end_old_servers(struct worker *w)
{
    for (int i = 0; i < SERVER_PHASES; i++) {
        struct list *list = &w->servers[i];
        struct list *next;
        for (struct list *l = list->next; l != list; l = next) {
            struct server *s = LIST_OWNER(l, struct server, place);
            next = l->next;
            if (server_is_old(s)) {
                server_end(s, "its node was found dead");
                next = list->next; /* Others may have ended with it. */
            }
        }
    }
}

static void free_dead(struct worker *w)
{
    while (w->dead_clients != NULL) {
        struct client *c = w->dead_clients;
        w->dead_clients = c->queue_next;
        free(c);
    }
    while (w->dead_servers != NULL) {
        struct server *s = w->dead_servers;
        w->dead_servers = s->own_next;
        free(s);
    }
}

/* Only between turns: nothing is in the list of the ready. */
static void drop_ready(struct worker *w)
{
    struct link **at = &w->ready;

    while (*at != NULL) {
        struct link *l = *at;
        bool has_ended =
            (l->kind == LINK_CLIENT && ((struct client *)l)->has_ended) ||
            (l->kind == LINK_SERVER && ((struct server *)l)->has_ended);
        if (has_ended) {
            *at = l->ready_next;
        } else {
            at = &l->ready_next;
        }
    }
    w->ready_end = at;
}

static int turn(struct worker *w)
{
    struct epoll_event events[EVENTS_MAX];
    int count = epoll_wait(w->epoll_fd, events, EVENTS_MAX, timers_wait_ms(w));
    bool has_clients = false;
    bool has_news = false;

    if (count < 0 && errno != EINTR) {
        return errno;
    }
    w->now = infra_driver_now();
    for (int i = 0; i < count; i++) {
        void *what = events[i].data.ptr;
        if (what == &w->listen_fd) {
            has_clients = true;
        } else if (what == &w->wake_fd) {
            has_news = true;
        } else {
            note(w, what, events[i].events);
        }
    }
    serve_ready(w);
    if (has_news) {
        infra_router_reader_refresh(w->reader);
        infra_balancer_refresh(w->balancer);
        end_old_servers(w);
        cancel_mail(w);
    }
    route_waiting(w, has_news);
    if (has_clients && w->listen_fd >= 0) {
        accept_clients(w);
    }
    timers_expire(w);
    drop_ready(w);
    free_dead(w);
    return 0;
}

/* SIGTERM: clients with nothing open end now, the others when they have. */
static void begin_drain(struct worker *w)
{
    w->drains = true;
    accept_clients(w);
    close_fd(&w->listen_fd);
    for (int i = 0; i < CLIENT_PHASES; i++) {
        struct list *list = &w->clients[i];
        struct list *last = list->prev;
        for (struct list *l = list->next; l != list;) {
            struct client *c = LIST_OWNER(l, struct client, place);
            bool is_last = l == last;
            l = l->next;
            (void)client_drain(c);
            if (is_last) {
                break;
            }
        }
    }
}

int worker_run(struct worker *w)
{
    int error = 0;

    while (error == 0) {
        if (atomic_load(&w->is_draining) && !w->drains) {
            begin_drain(w);
        }
        if (w->drains && (w->clients_count == 0 || w->now >= w->drain_limit)) {
            break;
        }
        error = turn(w);
    }
    atomic_store(&w->has_drained, true);
    infra_driver_wake(w->shared->driver);
    return error;
}

void worker_wake(struct worker *w)
{
    const uint64_t one = 1;

    if (write(w->wake_fd, &one, sizeof one) != sizeof one) {
        return; /* The counter is full: it is awake. */
    }
}

void worker_drain(struct worker *w, infra_time limit)
{
    w->drain_limit = limit;
    atomic_store(&w->is_draining, true);
    worker_wake(w);
}

void worker_close(struct worker *w)
{
    for (int i = 0; i < CLIENT_PHASES && w->shared != NULL; i++) {
        while (!list_is_empty(&w->clients[i])) {
            client_end(LIST_OWNER(w->clients[i].next, struct client, place));
        }
    }
    for (int i = 0; i < SERVER_PHASES && w->shared != NULL; i++) {
        while (!list_is_empty(&w->servers[i])) {
            server_end(LIST_OWNER(w->servers[i].next, struct server, place),
                       "the proxy ends");
        }
    }
    cancels_close(w);
    free_dead(w);
    pools_free(w);
    if (w->state != NULL && w->shared->protocol->stop != NULL) {
        w->shared->protocol->stop(w->state);
    }
    tls_close(&w->client_tls);
    tls_close(&w->node_tls);
    free(w->state);
    free(w->slots);
    buffers_free(&w->buffers);
    close_fd(&w->listen_fd);
    close_fd(&w->wake_fd);
    close_fd(&w->epoll_fd);
    if (w->shared != NULL) {
        pthread_mutex_destroy(&w->mailbox_lock);
    }
}

void *worker_state(const struct worker *w)
{
    return w->state;
}
