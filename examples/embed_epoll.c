/* SPDX-License-Identifier: MIT */
/*
 * A plain epoll server with libinfra added.  Without the parts marked
 * "+ libinfra", and with backend 0 for every call, it is the server from
 * before.
 *
 *   cc embed_epoll.c $(pkg-config --cflags --libs libinfra) -o embed_epoll
 *   ./embed_epoll
 *
 * The server asks a backend for a word and passes the word on to the client.
 * Three toy backends and the clients run in the same loop, so the example needs
 * nothing else.  One backend stops on the way: failed calls go to another
 * backend, until the health check marks the stopped one down.
 */
#include <infra/infra.h> /* + libinfra */
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define CLIENTS 9
#define BACKENDS 3u

/* A descriptor that the loop waits for. */
struct peer {
    void (*ready)(struct peer *peer);
    int fd;
    int client_fd;              /* Of a call: its client. */
    struct infra_ticket ticket; /* + libinfra */
    uint32_t tried[BACKENDS];   /* + libinfra */
    uint32_t tried_count;       /* + libinfra */
};

static int epoll_fd;
static int served;
static struct peer server;
static struct peer toys[BACKENDS];
static struct sockaddr_in server_at;
static struct sockaddr_in backends_at[BACKENDS];
static const char *const words[BACKENDS] = { "Hello", "Hi", "Hey" };

static struct infra_balancer *balancer;      /* + libinfra */
static struct infra_balancer_reader *reader; /* + libinfra */
static struct infra_driver *driver;          /* + libinfra */
static struct infra_prober *prober;          /* + libinfra */
static struct peer checks;                   /* + libinfra */
static int downs;                            /* + libinfra */

static void need(int ok, const char *what)
{
    if (!ok) {
        fprintf(stderr, "embed_epoll: %s failed\n", what);
        exit(EXIT_FAILURE);
    }
}

static void watch(struct peer *peer, int fd, void (*ready)(struct peer *peer))
{
    struct epoll_event event = { .events = EPOLLIN, .data = { .ptr = peer } };

    peer->fd = fd;
    peer->ready = ready;
    need(epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event) == 0, "epoll_ctl");
}

static int connect_to(const struct sockaddr_in *at)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    /* A failure shows in epoll and recv(). */
    (void)connect(fd, (const struct sockaddr *)at, sizeof *at);
    return fd;
}

static void word_comes(struct peer *call);

static void call_backend(struct peer *call)
{
    struct infra_request request = { .tried = call->tried, /* + libinfra */
                                     .tried_count = call->tried_count };
    int id = infra_balancer_pick(reader, &request, infra_driver_now(),
                                 &call->ticket); /* + libinfra */

    if (id < 0) { /* + libinfra */
        puts(infra_strerror(id));
        close(call->client_fd);
        free(call);
        return;
    }
    call->tried[call->tried_count++] = (uint32_t)id; /* + libinfra */
    watch(call, connect_to(&backends_at[id]), word_comes);
}

static void word_comes(struct peer *call)
{
    char word[32];
    ssize_t n = recv(call->fd, word, sizeof word, 0);

    close(call->fd);
    infra_balancer_release(reader, &call->ticket, /* + libinfra */
                           n > 0 ? INFRA_OUTCOME_OK : INFRA_OUTCOME_REFUSED,
                           infra_driver_now());
    if (n <= 0) { /* + libinfra */
        puts("a call failed: the next backend, please");
        call_backend(call);
        return;
    }
    (void)send(call->client_fd, word, (size_t)n, MSG_NOSIGNAL);
    close(call->client_fd);
    free(call);
}

static void client_comes(struct peer *listener)
{
    struct peer *call = calloc(1, sizeof *call);

    need(call != NULL, "calloc");
    call->client_fd = accept4(listener->fd, NULL, NULL, SOCK_CLOEXEC);
    call_backend(call);
}

static void check_health(struct peer *peer) /* + libinfra */
{
    struct infra_health_event event;

    (void)peer;
    infra_driver_step(driver, infra_driver_now());
    while (infra_prober_next(prober, infra_driver_now(), &event) == INFRA_OK) {
        if (event.kind == INFRA_HEALTH_EVENT_UP ||
            event.kind == INFRA_HEALTH_EVENT_DOWN) {
            int up = event.kind == INFRA_HEALTH_EVENT_UP;
            printf("backend %u is %s: %s\n", event.id, up ? "up" : "down",
                   infra_probe_reason_name(event.detail));
            downs += !up;
        }
        need(infra_prober_apply_event(balancer, &event) == 0, "apply");
    }
    need(infra_balancer_publish(balancer, infra_driver_now()) == 0, "publish");
}

static void start_libinfra(void) /* + libinfra */
{
    struct infra_health_options health = { .size = sizeof health,
                                           .inter = INFRA_MS(20),
                                           .fall = 2 };
    struct infra_prober_options options = { .size = sizeof options,
                                            .health = &health };

    need(infra_balancer_create(&balancer, NULL) == 0, "balancer");
    need(infra_driver_create(&driver, NULL) == 0, "driver");
    need(infra_prober_create(&prober, driver, &options) == 0, "prober");
    for (uint32_t id = 0; id < BACKENDS; id++) {
        struct infra_backend backend = { .size = sizeof backend,
                                         .key = words[id],
                                         .id = id };
        struct infra_prober_target target = {
            .size = sizeof target,
            .key = words[id],
            .address = (struct sockaddr *)&backends_at[id],
            .address_size = sizeof backends_at[id],
            .id = id,
        };
        need(infra_balancer_set(balancer, &backend, infra_driver_now()) == 0,
             "set");
        need(infra_probe_tcp(&target.probe, NULL) == 0, "probe");
        need(infra_prober_set(prober, &target, infra_driver_now()) == 0, "set");
    }
    need(infra_balancer_publish(balancer, infra_driver_now()) == 0, "publish");
    need(infra_balancer_reader_create(&reader, balancer) == 0, "reader");
    watch(&checks, infra_driver_fd(driver), check_health);
}

/* The toys: a backend sends its word, a client prints one. */
static void word_wanted(struct peer *toy)
{
    const char *word = words[toy - toys];
    int fd = accept4(toy->fd, NULL, NULL, SOCK_CLOEXEC);

    (void)send(fd, word, strlen(word), MSG_NOSIGNAL);
    close(fd);
}

static void print_answer(struct peer *toy)
{
    char answer[32];
    ssize_t n = recv(toy->fd, answer, sizeof answer, 0);

    printf("client %d got \"%.*s\"\n", served++, n > 0 ? (int)n : 0, answer);
    close(toy->fd);
}

static void serve(struct peer *peer, struct sockaddr_in *at,
                  void (*ready)(struct peer *peer))
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    socklen_t size = sizeof *at;

    at->sin_family = AF_INET;
    at->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    need(bind(fd, (struct sockaddr *)at, size) == 0 && listen(fd, 64) == 0 &&
             getsockname(fd, (struct sockaddr *)at, &size) == 0,
         "listen");
    watch(peer, fd, ready);
}

static void turn(void)
{
    struct epoll_event event;

    if (epoll_wait(epoll_fd, &event, 1, -1) > 0) {
        struct peer *peer = event.data.ptr;
        peer->ready(peer);
    }
}

int main(void)
{
    struct peer client = { 0 };

    epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    serve(&server, &server_at, client_comes);
    for (uint32_t i = 0; i < BACKENDS; i++) {
        serve(&toys[i], &backends_at[i], word_wanted);
    }
    start_libinfra(); /* + libinfra */
    while (served < CLIENTS) {
        int i = served;
        if (i == CLIENTS / 2) {
            puts("backend 2 goes away");
            close(toys[2].fd);
        }
        watch(&client, connect_to(&server_at), print_answer);
        while (served == i) {
            turn();
        }
    }
    while (downs == 0) { /* + libinfra */
        turn();
    }
    infra_prober_destroy(prober);          /* + libinfra */
    infra_driver_destroy(driver);          /* + libinfra */
    infra_balancer_reader_destroy(reader); /* + libinfra */
    infra_balancer_destroy(balancer);      /* + libinfra */
    return EXIT_SUCCESS;
}
