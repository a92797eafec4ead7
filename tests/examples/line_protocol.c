/* SPDX-License-Identifier: MIT */
#include "line_protocol.h"

#include "support.h"

#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CONNECTIONS_MAX 64
#define LINE_MAX_SIZE 200u

/* The size of the first line with its end; 0: it is not there. */
static size_t line_size(const unsigned char *bytes, size_t size)
{
    const unsigned char *end = size > 0 ? memchr(bytes, '\n', size) : NULL;

    return end == NULL ? 0 : (size_t)(end - bytes) + 1;
}

static void greet(struct client *c)
{
    (void)c;
}

/* NAME, or "cancel PROCESS KEY". */
static enum step login(struct client *c)
{
    size_t size = line_size(link_in(&c->link), link_in_size(&c->link));
    const char *line = (const char *)link_in(&c->link);

    if (size == 0) {
        return STEP_MORE;
    }
    if (sscanf(line, "cancel %u %u\n", &c->cancel.process, &c->cancel.key) ==
        2) {
        return STEP_CANCEL;
    }
    c->user = client_find_user(c, line, size - 1);
    link_take(&c->link, size);
    if (c->user == NULL || !client_set_database(c, "d", 1)) {
        c->why = "no such user";
        return STEP_FAILED;
    }
    return STEP_DONE;
}

static void welcome(struct client *c, const struct greeting *greeting)
{
    char line[64];
    int size = snprintf(line, sizeof line, "%.7s %u %u\n",
                        (const char *)greeting->bytes, c->cancel.process,
                        c->cancel.key);

    link_put(&c->link, line, (size_t)size);
}

static void cut(struct client *c, struct unit *ret)
{
    size_t size = line_size(link_in(&c->link), link_in_size(&c->link));
    bool is_read = link_in(&c->link)[0] == 'r';

    if (size == 0) {
        ret->kind =
            link_in_size(&c->link) > LINE_MAX_SIZE ? UNIT_BAD : UNIT_MORE;
        ret->why = "the line is too long";
        return;
    }
    ret->kind = UNIT_ROUTE;
    ret->size = size;
    ret->statement.kind =
        is_read ? INFRA_STATEMENT_READ : INFRA_STATEMENT_WRITE;
    ret->statement.count = 1;
}

static void note(struct client *c, const struct unit *unit,
                 const struct infra_session_result *result)
{
    (void)c;
    (void)unit;
    (void)result;
}

static void say_done(struct client *c, const struct unit *unit)
{
    (void)unit;
    link_put(&c->link, "=\n", 2);
}

static void say(struct client *c, const struct unit *unit, enum trouble trouble,
                const char *text, bool is_last)
{
    (void)unit;
    (void)trouble;
    (void)is_last;
    link_put(&c->link, "!", 1);
    link_put(&c->link, text, strlen(text));
    link_put(&c->link, "\n", 1);
}

static void leave(struct client *c)
{
    (void)c;
}

static void connect_to(struct server *s)
{
    link_put(&s->link, "hello\n", 6);
}

static enum step server_login(struct server *s)
{
    size_t size = line_size(link_in(&s->link), link_in_size(&s->link));

    if (size == 0) {
        return STEP_MORE;
    }
    link_take(&s->link, size);
    return STEP_DONE;
}

static void learn(const struct server *s, struct greeting *ret)
{
    (void)s;
    ret->bytes = malloc(8);
    ret->size = ret->bytes != NULL ? 8 : 0;
    if (ret->bytes != NULL) {
        memcpy(ret->bytes, "welcome", 8);
    }
}

static bool adopt(struct server *s, struct client *c, bool reset)
{
    (void)s;
    (void)c;
    (void)reset;
    return false;
}

static void begin(struct server *s, struct client *c)
{
    (void)s;
    (void)c;
}

static bool send_unit(struct server *s, struct client *c,
                      const struct unit *unit)
{
    (void)s;
    (void)c;
    (void)unit;
    return true;
}

static void follow(struct server *s, struct client *c,
                   const unsigned char *bytes, size_t size, struct answer *ret)
{
    (void)s;
    ret->size = line_size(bytes, size);
    ret->kind = ret->size == 0 ? ANSWER_MORE
                : c == NULL    ? ANSWER_BAD
                               : ANSWER_DONE;
}

static void finish(struct server *s)
{
    (void)s;
}

static size_t cancel(const struct server *s, unsigned char ret[64])
{
    (void)s;
    memcpy(ret, "cancel\n", 7);
    return 7;
}

const struct protocol line_protocol = {
    .name = "line",
    .welcome_needs_greeting = true,
    .greet = greet,
    .login = login,
    .welcome = welcome,
    .cut = cut,
    .cut_more = cut,
    .note = note,
    .say_done = say_done,
    .say = say,
    .leave = leave,
    .connect = connect_to,
    .secured = connect_to,
    .server_login = server_login,
    .learn = learn,
    .adopt = adopt,
    .begin = begin,
    .send = send_unit,
    .follow = follow,
    .finish = finish,
    .cancel = cancel,
};

/* Answer whole lines.  False: it has ended. */
static bool answer(struct line_server *server, int fd)
{
    char in[4096];
    char out[2 * sizeof in];
    size_t size = 0;
    bool is_start = true;
    ssize_t n = recv(fd, in, sizeof in, MSG_PEEK);

    while (n > 0 && in[n - 1] != '\n') {
        n--; /* Its rest comes later. */
    }
    if (n <= 0) {
        return recv(fd, in, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
    }
    n = recv(fd, in, (size_t)n, 0);
    if (n == 7 && memcmp(in, "cancel\n", 7) == 0) {
        server->cancels++;
        if (server->held >= 0) {
            (void)send(server->held, "=canceled\n", 10, MSG_NOSIGNAL);
        }
        server->held = -1;
        return false;
    }
    if (n == 6 && memcmp(in, "whold\n", 6) == 0) {
        server->held = fd;
        return true;
    }
    for (ssize_t i = 0; i < n; i++) {
        if (is_start) {
            out[size++] = '=';
        }
        out[size++] = in[i];
        is_start = in[i] == '\n';
    }
    return send(fd, out, size, MSG_NOSIGNAL) == (ssize_t)size;
}

static void *serve(void *arg)
{
    struct line_server *server = arg;
    struct pollfd fds[2 + CONNECTIONS_MAX] = {
        { .fd = server->stop[0], .events = POLLIN },
        { .fd = server->listener, .events = POLLIN },
    };
    nfds_t count = 2;

    while (poll(fds, count, -1) > 0 && fds[0].revents == 0) {
        for (nfds_t i = count - 1; i >= 2; i--) {
            if (fds[i].revents != 0 && !answer(server, fds[i].fd)) {
                (void)close(fds[i].fd);
                fds[i] = fds[--count];
            }
        }
        if (fds[1].revents != 0 && count < 2 + CONNECTIONS_MAX) {
            int fd = accept(server->listener, NULL, NULL);
            if (fd >= 0) {
                fds[count++] = (struct pollfd) { .fd = fd, .events = POLLIN };
                server->connections++;
            }
        }
    }
    while (count > 2) {
        (void)close(fds[--count].fd);
    }
    return NULL;
}

void line_server_start(struct line_server *server)
{
    struct sockaddr_in at = { .sin_family = AF_INET,
                              .sin_addr = { htonl(INADDR_LOOPBACK) } };

    memset(server, 0, sizeof *server);
    server->held = -1;
    server->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    server->address_size = sizeof server->address;
    ck_assert_int_ge(server->listener, 0);
    ck_assert_int_eq(
        bind(server->listener, (const struct sockaddr *)&at, sizeof at), 0);
    ck_assert_int_eq(listen(server->listener, CONNECTIONS_MAX), 0);
    ck_assert_int_eq(getsockname(server->listener,
                                 (struct sockaddr *)&server->address,
                                 &server->address_size),
                     0);
    ck_assert_int_eq(pipe(server->stop), 0);
    ck_assert_int_eq(pthread_create(&server->thread, NULL, serve, server), 0);
}

void line_server_join(struct line_server *server)
{
    ck_assert_int_eq(write(server->stop[1], "x", 1), 1);
    ck_assert_int_eq(pthread_join(server->thread, NULL), 0);
    (void)close(server->stop[0]);
    (void)close(server->stop[1]);
    (void)close(server->listener);
}
