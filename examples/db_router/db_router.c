/* SPDX-License-Identifier: MIT */
/*
 * A proxy in front of a database's primary and its replicas, which applications
 * written for one server use unchanged, made of libinfra:
 *
 *   db_router --dialect pg --listen 127.0.0.1:6432 --users users \
 *       --primary 10.0.0.1:5432 --replica 10.0.0.2:5432 --probe-user probe
 *
 * The main thread is the control side (nodes.c): it probes the nodes and
 * publishes what they are.  Each worker thread (worker.c) has clients and
 * server connections of its own, and decides for each statement where it goes:
 * sql.h classifies it, session.h says which nodes may have it, balancer.h
 * chooses.  What the bytes of a connection mean is up to a protocol
 * (protocol.h).
 */
#include "nodes.h"

#include "../common/log.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#define LOG_REPEATS_MAX 20u

struct proxy {
    struct options options;
    struct workers_shared shared;
    struct nodes *nodes;
};

static void stamp(char *text, size_t size)
{
    (void)snprintf(text, size, "db_router: ");
}

static void *work(void *arg)
{
    int error = worker_run(arg);

    if (error != 0) {
        log_line("worker: %s", strerror(error));
        log_close();
        exit(EXIT_FAILURE);
    }
    return NULL;
}

static void share(struct proxy *p)
{
    const struct options *o = &p->options;
    uint32_t each = (o->servers_max + o->workers - 1) / o->workers;

    p->shared = (struct workers_shared) {
        .protocol = o->protocol,
        .users = o->users,
        .nodes = p->options.nodes,
        .nodes_count = o->nodes_count,
        .listen = o->listen,
        .limits = { .message_max = o->message_max,
                    .server_version = o->server_version,
                    .defers_begin = o->defers_begin != 0,
                    .offers_tls = o->tls.client != TLS_CLIENT_OFF,
                    .requires_tls = o->tls.client == TLS_CLIENT_REQUIRE },
        .tls = o->tls,
        .share = (enum share)o->share,
        .consistency = o->consistency,
        .clients_max = o->clients_max,
        .servers_max = each,
        .login_timeout = o->login_timeout,
        .connect_timeout = o->connect_timeout,
        .queue_timeout = o->queue_timeout,
        .idle_timeout = o->idle_timeout,
        .server_idle_timeout = o->server_idle_timeout,
        .hold_max = o->hold_max,
        .workers_count = o->workers,
    };
}

static bool start_worker(struct proxy *p, uint32_t index)
{
    struct worker *w = &p->shared.workers[index];
    const char *why = NULL;

    if (!tls_open_clients(&w->client_tls, &p->options.tls, &why) ||
        !tls_open_nodes(&w->node_tls, &p->options.tls, &why)) {
        log_line("%s", why);
        return false;
    }
    int error = worker_open(w, &p->shared, index);
    if (error != 0) {
        log_line("cannot listen: %s", strerror(error));
        return false;
    }
    int err = infra_router_reader_create(&w->reader, nodes_router(p->nodes));
    if (err == INFRA_OK) {
        err = infra_balancer_reader_create(&w->balancer,
                                           nodes_balancer(p->nodes));
    }
    if (err != INFRA_OK) {
        log_line("worker: %s", infra_strerror(err));
        return false;
    }
    error = pthread_create(&w->thread, NULL, work, w);
    w->is_running = error == 0;
    if (error != 0) {
        log_line("worker: %s", strerror(error));
    }
    return error == 0;
}

/* The first line of the log has the port, also one chosen by the system. */
static void say_address(const struct address *address)
{
    char host[NI_MAXHOST];
    char port[NI_MAXSERV];

    if (getnameinfo((const struct sockaddr *)&address->storage, address->size,
                    host, sizeof host, port, sizeof port,
                    NI_NUMERICHOST | NI_NUMERICSERV) == 0) {
        log_line(address->storage.ss_family == AF_INET6 ? "listening on [%s]:%s"
                                                        : "listening on %s:%s",
                 host, port);
    }
}

static bool start(struct proxy *p)
{
    share(p);
    p->shared.workers = calloc(p->options.workers, sizeof(struct worker));
    if (p->shared.workers == NULL) {
        log_line("out of memory");
        return false;
    }
    for (uint32_t i = 0; i < p->options.workers; i++) {
        p->shared.workers[i].epoll_fd = -1;
        p->shared.workers[i].listen_fd = -1;
        p->shared.workers[i].wake_fd = -1;
    }
    p->nodes = nodes_create(&p->options, &p->shared);
    for (uint32_t i = 0; p->nodes != NULL && i < p->options.workers; i++) {
        if (!start_worker(p, i)) {
            return false;
        }
    }
    if (p->nodes != NULL) {
        say_address(&p->shared.listen);
    }
    return p->nodes != NULL;
}

static int wait_ms(infra_time deadline)
{
    infra_time now = infra_driver_now();

    if (deadline <= now) {
        return 0;
    }
    infra_time ms = (deadline - now + INFRA_MS(1) - 1) / INFRA_MS(1);
    return ms > 60000 ? 60000 : (int)ms;
}

/* SIGHUP.  Workers read a certificate that was replaced with their next
 * connection, and keep the old one while it is bad: here the operator hears of
 * it. */
static void reload(struct proxy *p)
{
    const char *path = p->options.users_path;
    char why[DB_USERS_WHY_SIZE];
    const char *why_tls = NULL;

    if (db_users_reload(p->options.users, path, why)) {
        log_line("SIGHUP: --users %s was read again", path);
    } else {
        log_line("SIGHUP: --users %s: %s; the users are as before", path, why);
    }
    if (!tls_spec_try(&p->options.tls, &why_tls)) {
        log_line("SIGHUP: %s; certificates are as before", why_tls);
    }
}

/* The control side, until a signal to end comes.  False: there is no signal to
 * be read. */
static bool control(struct proxy *p, int signal_fd)
{
    struct pollfd fds[] = {
        { .fd = signal_fd, .events = POLLIN },
        { .fd = nodes_fd(p->nodes), .events = POLLIN },
    };

    for (;;) {
        if (poll(fds, 2, wait_ms(nodes_deadline(p->nodes))) >= 0 &&
            fds[0].revents != 0) {
            struct signalfd_siginfo info;
            if (read(signal_fd, &info, sizeof info) != sizeof info) {
                return false;
            }
            if (info.ssi_signo != SIGHUP) {
                return true;
            }
            reload(p);
        }
        nodes_step(p->nodes);
        log_tend();
    }
}

static bool is_working(const struct proxy *p)
{
    for (uint32_t i = 0; i < p->shared.workers_count; i++) {
        const struct worker *w = &p->shared.workers[i];
        if (w->is_running && !atomic_load(&w->has_drained)) {
            return true;
        }
    }
    return false;
}

/* Transactions may end; the probes go on meanwhile. */
static void drain(struct proxy *p)
{
    infra_time limit = infra_driver_now() + p->options.drain_timeout;

    for (uint32_t i = 0; i < p->shared.workers_count; i++) {
        if (p->shared.workers[i].is_running) {
            worker_drain(&p->shared.workers[i], limit);
        }
    }
    while (p->nodes != NULL && is_working(p)) {
        struct pollfd fd = { .fd = nodes_fd(p->nodes), .events = POLLIN };
        (void)poll(&fd, 1, wait_ms(nodes_deadline(p->nodes)));
        nodes_step(p->nodes);
        log_tend();
    }
}

static void finish(struct proxy *p)
{
    for (uint32_t i = 0;
         p->shared.workers != NULL && i < p->shared.workers_count; i++) {
        struct worker *w = &p->shared.workers[i];
        if (w->is_running) {
            pthread_join(w->thread, NULL);
            w->is_running = false;
        }
        worker_close(w);
        infra_router_reader_destroy(w->reader);
        infra_balancer_reader_destroy(w->balancer);
    }
    nodes_destroy(p->nodes);
    free(p->shared.workers);
    options_finish(&p->options);
}

static void raise_descriptor_limit(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

int main(int argc, char **argv)
{
    static struct proxy proxy;
    int status;

    if (options_read(&proxy.options, &status, argc, argv) != 0) {
        return status;
    }
    const struct log_options log_options = {
        .fd = STDERR_FILENO,
        .stamp = stamp,
        .repeats_max = LOG_REPEATS_MAX,
    };
    log_open(&log_options);
    raise_descriptor_limit();
    /* Blocked before any thread starts, so that signals reach only this fd. */
    sigset_t ends;
    sigset_t signals;
    sigemptyset(&ends);
    sigaddset(&ends, SIGTERM);
    sigaddset(&ends, SIGINT);
    signals = ends;
    sigaddset(&signals, SIGHUP);
    pthread_sigmask(SIG_BLOCK, &signals, NULL);
    int signal_fd = signalfd(-1, &signals, SFD_CLOEXEC);
    bool is_ok = signal_fd >= 0 && start(&proxy);
    if (is_ok) {
        is_ok = control(&proxy, signal_fd);
        pthread_sigmask(SIG_UNBLOCK, &ends, NULL); /* The next one kills. */
    }
    drain(&proxy);
    finish(&proxy);
    if (signal_fd >= 0) {
        close(signal_fd);
    }
    log_close();
    return is_ok ? EXIT_SUCCESS : EXIT_FAILURE;
}
