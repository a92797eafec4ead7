/* SPDX-License-Identifier: MIT */
/*
 * Each client has one request and its reply; then its connection ends, in
 * order: our end of stream first, then what it still sends is dropped until it
 * ends, too.  A client's time is counted from its connect, so a slow one cannot
 * hold its place by single bytes.
 */
#include "admin.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define CLIENTS_MAX 16
#define CLIENT_TIME INFRA_SEC(5)

struct client {
    int fd; /* -1: free. */
    bool is_ending;
    infra_time until;
    size_t in_size;
    struct page out;
    size_t out_sent;
    char in[ADMIN_REQUEST_MAX];
};

struct admin {
    void (*answer)(void *user, const struct admin_request *request,
                   struct admin_reply *reply);
    void *user;
    int listen_fd;
    int epoll_fd;
    struct client clients[CLIENTS_MAX];
};

static int watch(struct admin *a, int fd, uint32_t events, int op, void *of)
{
    struct epoll_event event = { .events = events, .data = { .ptr = of } };

    return epoll_ctl(a->epoll_fd, op, fd, &event) == 0 ? 0 : errno;
}

static int open_listener(struct admin *a, const struct admin_options *o)
{
    const int type = SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC;
    const int on = 1;

    a->listen_fd = socket(o->address->sa_family, type, 0);
    if (a->listen_fd < 0) {
        return errno;
    }
    setsockopt(a->listen_fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(a->listen_fd, o->address, o->address_size) != 0 ||
        listen(a->listen_fd, CLIENTS_MAX) != 0) {
        return errno;
    }
    a->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    return a->epoll_fd < 0
               ? errno
               : watch(a, a->listen_fd, EPOLLIN, EPOLL_CTL_ADD, NULL);
}

int admin_create(struct admin **ret, const struct admin_options *options)
{
    struct admin *a = calloc(1, sizeof *a);

    if (a == NULL) {
        return ENOMEM;
    }
    a->answer = options->answer;
    a->user = options->user;
    a->listen_fd = a->epoll_fd = -1;
    for (int i = 0; i < CLIENTS_MAX; i++) {
        a->clients[i].fd = -1;
    }
    int error = open_listener(a, options);
    if (error != 0) {
        admin_destroy(a);
        return error;
    }
    *ret = a;
    return 0;
}

static void end(struct client *c)
{
    close(c->fd);
    page_free(&c->out);
    c->fd = -1;
}

void admin_destroy(struct admin *admin)
{
    if (admin == NULL) {
        return;
    }
    for (int i = 0; i < CLIENTS_MAX; i++) {
        if (admin->clients[i].fd >= 0) {
            end(&admin->clients[i]);
        }
    }
    if (admin->listen_fd >= 0) {
        close(admin->listen_fd);
    }
    if (admin->epoll_fd >= 0) {
        close(admin->epoll_fd);
    }
    free(admin);
}

int admin_fd(const struct admin *admin)
{
    return admin->epoll_fd;
}

unsigned admin_port(const struct admin *admin)
{
    struct sockaddr_storage own;
    socklen_t size = sizeof own;

    if (getsockname(admin->listen_fd, (struct sockaddr *)&own, &size) != 0) {
        return 0;
    }
    return ntohs(own.ss_family == AF_INET6
                     ? ((struct sockaddr_in6 *)&own)->sin6_port
                     : ((struct sockaddr_in *)&own)->sin_port);
}

infra_time admin_deadline(const struct admin *admin)
{
    infra_time first = INFRA_TIME_NEVER;

    for (int i = 0; i < CLIENTS_MAX; i++) {
        const struct client *c = &admin->clients[i];
        if (c->fd >= 0 && c->until < first) {
            first = c->until;
        }
    }
    return first;
}

/* A place; if all are taken, that of the oldest client. */
static struct client *place(struct admin *a)
{
    struct client *best = &a->clients[0];

    for (int i = 0; i < CLIENTS_MAX && best->fd >= 0; i++) {
        struct client *c = &a->clients[i];
        if (c->fd < 0 || c->until < best->until) {
            best = c;
        }
    }
    if (best->fd >= 0) {
        end(best);
    }
    return best;
}

static void take_in(struct admin *a, infra_time now)
{
    for (int i = 0; i < CLIENTS_MAX; i++) {
        int fd =
            accept4(a->listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0) {
            return;
        }
        struct client *c = place(a);
        c->fd = fd;
        c->is_ending = false;
        c->until = now + CLIENT_TIME;
        c->in_size = c->out_sent = 0;
        if (watch(a, fd, EPOLLIN, EPOLL_CTL_ADD, c) != 0) {
            end(c);
        }
    }
}

static const char *phrase(int status)
{
    return status == 200   ? "OK"
           : status == 400 ? "Bad Request"
           : status == 403 ? "Forbidden"
           : status == 404 ? "Not Found"
           : status == 405 ? "Method Not Allowed"
           : status == 413 ? "Content Too Large"
           : status == 414 ? "URI Too Long"
           : status == 431 ? "Request Header Fields Too Large"
           : status == 503 ? "Service Unavailable"
           : status == 505 ? "HTTP Version Not Supported"
                           : "Error";
}

/* What came from the operator's browser stays there: no other site may frame
 * it, and it loads nothing from anywhere. */
static void print_reply(struct page *out, const struct admin_reply *reply,
                        bool has_body)
{
    page_print(out, "HTTP/1.1 %d %s\r\nContent-Type: %s\r\n", reply->status,
               phrase(reply->status), reply->type);
    page_print(out,
               "Content-Length: %zu\r\nConnection: close\r\n"
               "Cache-Control: no-store\r\n"
               "X-Content-Type-Options: nosniff\r\n",
               reply->body.size);
    page_add(out, "Content-Security-Policy: default-src 'none'; "
                  "style-src 'unsafe-inline'; script-src 'unsafe-inline'; "
                  "connect-src 'self'; img-src data:; "
                  "frame-ancestors 'none'\r\n\r\n");
    if (has_body) {
        page_bytes(out, reply->body.text, reply->body.size);
    }
}

static void answer(struct admin *a, struct client *c, int status,
                   const struct admin_request *request)
{
    struct admin_reply reply = { .status = status,
                                 .type = "text/plain; charset=utf-8" };

    if (status == 200) {
        a->answer(a->user, request, &reply);
    }
    if (reply.body.is_broken) {
        page_free(&reply.body);
        reply.status = 503;
        reply.type = "text/plain; charset=utf-8";
    }
    if (reply.body.size == 0) {
        page_print(&reply.body, "%d %s\n", reply.status, phrase(reply.status));
    }
    print_reply(&c->out, &reply,
                status != 200 || request->method != ADMIN_HEAD);
    page_free(&reply.body);
}

/* Write; when all is written, end our side. */
static void send_on(struct admin *a, struct client *c)
{
    ssize_t n = send(c->fd, c->out.text + c->out_sent,
                     c->out.size - c->out_sent, MSG_NOSIGNAL);

    if (c->out.is_broken || (n < 0 && errno != EAGAIN && errno != EINTR)) {
        end(c);
        return;
    }
    c->out_sent += n > 0 ? (size_t)n : 0;
    c->is_ending = c->out_sent == c->out.size;
    if (c->is_ending) {
        shutdown(c->fd, SHUT_WR);
    }
    (void)watch(a, c->fd, c->is_ending ? EPOLLIN : EPOLLOUT, EPOLL_CTL_MOD, c);
}

static void receive(struct admin *a, struct client *c)
{
    struct admin_request request = { .method = ADMIN_GET };
    char *at = c->is_ending ? c->in : c->in + c->in_size;
    ssize_t n = recv(c->fd, at, (size_t)(c->in + sizeof c->in - at), 0);

    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) {
        end(c);
        return;
    }
    if (n < 0 || c->is_ending) {
        return;
    }
    c->in_size += (size_t)n;
    int status = admin_request_read(c->in, c->in_size, &request);
    if (status != 0) {
        answer(a, c, status, &request);
        send_on(a, c);
    }
}

void admin_step(struct admin *admin, infra_time now)
{
    struct epoll_event events[CLIENTS_MAX + 1];
    int count = epoll_wait(admin->epoll_fd, events, CLIENTS_MAX + 1, 0);
    bool has_guests = false;

    for (int i = 0; i < count; i++) {
        struct client *c = events[i].data.ptr;
        if (c == NULL) {
            has_guests = true;
        } else if (c->out.size > 0 && !c->is_ending) {
            send_on(admin, c);
        } else {
            receive(admin, c);
        }
    }
    for (int i = 0; i < CLIENTS_MAX; i++) {
        struct client *c = &admin->clients[i];
        if (c->fd >= 0 && c->until <= now) {
            end(c);
        }
    }
    /* Last, since a new client may take the place of an old one. */
    if (has_guests) {
        take_in(admin, now);
    }
}
