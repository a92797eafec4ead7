/* SPDX-License-Identifier: MIT */
/*
 * Health checks in a loop of the host's own, without the driver: infra_health
 * says when to check, infra_probe what to say, and poll(2) moves the bytes.
 *
 *   cc own_loop.c $(pkg-config --cflags --libs libinfra) -o own_loop
 *   ./own_loop
 *
 * The server is a child process that works, fails, works again and exits:
 *
 *   down: fall, status
 *   up: rise, passed
 *   down: fall, refused
 */
#include <arpa/inet.h>
#include <errno.h>
#include <infra/health.h>
#include <infra/probe.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

/* A check; one of these for each backend. */
struct runner {
    struct infra_probe *probe;
    struct infra_exchange exchange; /* What the probe says and wants. */
    struct sockaddr_in address;
    uint64_t call; /* Goes back with the answer. */
    int fd;        /* -1: not connected. */
    short events;  /* What poll waits for. */
    bool is_running;
};

static infra_time clock_now(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return INFRA_SEC(t.tv_sec) + (infra_time)t.tv_nsec;
}

static void note(struct runner *r, uint32_t what, int error)
{
    r->exchange.ops->note(r->exchange.self, what, infra_outcome_of_errno(error),
                          clock_now());
}

/* CONNECT: begin; called again after POLLOUT, connect() tells the result. */
static short run_connect(struct runner *r)
{
    if (r->fd < 0) {
        r->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    }
    if (connect(r->fd, (void *)&r->address, sizeof r->address) == 0) {
        note(r, INFRA_NOTE_CONNECTED, 0);
    } else if (errno == EINPROGRESS || errno == EALREADY) {
        return POLLOUT;
    } else {
        note(r, INFRA_NOTE_FAILED, errno);
    }
    return 0;
}

/* IO: move bytes once.  What to wait for; 0: ask the exchange again. */
static short run_io(struct runner *r)
{
    const struct infra_exchange_ops *ops = r->exchange.ops;
    const void *out = NULL;
    char in[4096];
    size_t size = ops->output(r->exchange.self, &out);
    ssize_t sent = size > 0 ? send(r->fd, out, size, MSG_NOSIGNAL) : 0;
    ssize_t count = sent > 0 ? 0 : recv(r->fd, in, sizeof in, 0);

    if (sent > 0) {
        ops->sent(r->exchange.self, (size_t)sent, clock_now());
    } else if (count > 0) {
        ops->input(r->exchange.self, in, (size_t)count, clock_now());
    } else if (count == 0) {
        note(r, INFRA_NOTE_EOF, 0);
    } else if (errno == EAGAIN) {
        return size > 0 ? POLLIN | POLLOUT : POLLIN;
    } else {
        note(r, INFRA_NOTE_FAILED, errno);
    }
    return 0;
}

/* Do what the exchange wants until it has to wait, or is DONE.  TCP and HTTP
 * without TLS want no more than this; base.h has the other wants. */
static void run(struct runner *r, struct infra_health *health)
{
    struct infra_probe_result result;
    uint32_t want = INFRA_WANT_IDLE;

    r->events = 0;
    while (r->is_running && r->events == 0 && want != INFRA_WANT_DONE) {
        want = r->exchange.ops->want(r->exchange.self);
        if (want == INFRA_WANT_CONNECT) {
            r->events = run_connect(r);
        } else if (want == INFRA_WANT_IO) {
            r->events = run_io(r);
        }
    }
    if (want == INFRA_WANT_DONE) {
        (void)close(r->fd);
        r->fd = -1;
        r->is_running = false;
        (void)infra_probe_result(r->probe, &result);
        (void)infra_health_answer(health, r->call, result.outcome,
                                  result.reason, clock_now());
    }
}

/* Sleep until bytes can move or a deadline passes. */
static void sleep_until_due(struct runner *r, const struct infra_health *health)
{
    struct pollfd ready = { .fd = r->fd, .events = r->events };
    infra_time limit = r->exchange.ops->deadline(r->exchange.self);
    infra_time due = infra_health_deadline(health);
    infra_time next = r->is_running && limit < due ? limit : due;
    infra_time now = clock_now();

    (void)poll(&ready, 1, next > now ? (int)((next - now) / 1000000) + 1 : 0);
    if (r->is_running && ready.revents == 0 && clock_now() >= limit) {
        note(r, INFRA_NOTE_DEADLINE, 0);
    }
}

/* Start what health asks for, and print what it has found: how many changes. */
static int take_events(struct infra_health *health, struct runner *r)
{
    struct infra_health_event e;
    int changes = 0;

    while (infra_health_next(health, clock_now(), &e) == INFRA_OK) {
        if (e.kind == INFRA_HEALTH_EVENT_CHECK) {
            r->call = e.call;
            r->is_running = true;
            infra_probe_start(r->probe, infra_health_timeout_scale(health),
                              clock_now());
        } else if (e.kind == INFRA_HEALTH_EVENT_UP ||
                   e.kind == INFRA_HEALTH_EVENT_DOWN) {
            printf("%s: %s, %s\n",
                   e.kind == INFRA_HEALTH_EVENT_UP ? "up" : "down",
                   infra_health_reason_name(e.reason),
                   infra_probe_reason_name(e.detail));
            changes++;
        }
    }
    return changes;
}

/* A child that gives eight good replies, eight bad and eight good. */
static void serve(struct sockaddr_in *ret)
{
    socklen_t size = sizeof *ret;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    *ret = (struct sockaddr_in) { .sin_family = AF_INET,
                                  .sin_addr = { htonl(INADDR_LOOPBACK) } };
    if (bind(listener, (void *)ret, size) != 0 || listen(listener, 8) != 0 ||
        getsockname(listener, (void *)ret, &size) != 0 || fork() != 0) {
        (void)close(listener); /* Without a server it is down, and stays so. */
        return;
    }
    for (int n = 0; n < 24; n++) {
        char request[1024];
        int fd = accept(listener, NULL, NULL);
        (void)recv(fd, request, sizeof request, 0);
        (void)dprintf(fd, "HTTP/1.1 %d x\r\n\r\n", n / 8 == 1 ? 503 : 200);
        (void)close(fd);
    }
    _exit(0);
}

int main(void)
{
    const struct infra_health_options options = { .size = sizeof options,
                                                  .inter = INFRA_MS(10) };
    struct infra_health *health = NULL;
    struct runner r = { .fd = -1 };

    serve(&r.address);
    if (infra_health_create(&health, &options) != INFRA_OK ||
        infra_probe_http(&r.probe, NULL) != INFRA_OK ||
        infra_health_set(health, 0, "server", clock_now()) != INFRA_OK) {
        return 1;
    }
    r.exchange = infra_probe_exchange(r.probe);
    for (int changes = 0; changes < 3;) {
        changes += take_events(health, &r);
        run(&r, health);
        sleep_until_due(&r, health);
    }
    infra_probe_destroy(r.probe);
    infra_health_destroy(health);
    return 0;
}
