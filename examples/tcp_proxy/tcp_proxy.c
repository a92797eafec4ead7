/* SPDX-License-Identifier: MIT */
/*
 * A TCP load balancer made of libinfra: the proxy to start your own from.
 *
 *   tcp_proxy --listen 127.0.0.1:8080 127.0.0.1:8081 127.0.0.1:8082,backup
 *
 * The main thread is the control side: a prober checks the backends and the
 * outlier detection judges how sessions end, their events become marks in the
 * balancer, and a publish shows them to the workers.  Each
 * worker thread is one relay (relay.h) with its own listener and its own reader
 * of the balancer; workers share no lock and no descriptor.
 */
#include "../common/log.h"
#include "proxy.h"
#include "proxy_admin.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

/* Limit for the age of the workers' state, for lb_pair. */
#define ATTEST_EVERY INFRA_MS(10)

/* Lines of a kind for each backend within LOG_WINDOW. */
#define LOG_REPEATS_MAX 10u

static void stamp(char *text, size_t size)
{
    (void)snprintf(text, size, "tcp_proxy: ");
}

static void *work(void *arg)
{
    int error = relay_run(arg);

    if (error != 0) {
        log_line("worker: %s", strerror(error));
        log_close();
        exit(EXIT_FAILURE);
    }
    return NULL;
}

static bool start_worker(struct proxy *proxy, struct worker *worker)
{
    struct relay_options options = {
        .backends = proxy->options.addresses,
        .listen = &proxy->options.listen,
        .connect_timeout = proxy->options.connect_timeout,
        .idle_timeout = proxy->options.idle_timeout,
        .answer_timeout = proxy->options.answer_timeout,
        .nginx_ip_hash = proxy->options.policy == infra_balancer_ip_hash(),
        .log_sessions = proxy->options.log_sessions,
        .limits = proxy->limits,
        .buffered_max = proxy->options.buffered_max,
        .outlier = proxy->outlier,
        .driver = proxy->driver,
        .gates = proxy->options.gate ? &proxy->gates : NULL,
    };
    int err = infra_balancer_reader_create(&worker->reader, proxy->balancer);

    if (!proxy_step("worker", err)) {
        return false;
    }
    options.reader = worker->reader;
    if (proxy->metrics != NULL) {
        err = infra_metrics_writer_create(&worker->writer, proxy->metrics);
        if (!proxy_step("metrics", err)) {
            return false;
        }
        options.metrics.writer = worker->writer;
        options.metrics.series = &proxy->series;
    }
    int error = relay_create(&worker->relay, &options);
    if (error == 0) {
        /* With port 0 the first worker decides for all. */
        error = relay_address(worker->relay, &proxy->options.listen);
    }
    if (error == 0) {
        error = pthread_create(&worker->thread, NULL, work, worker->relay);
        worker->running = error == 0;
    }
    if (error != 0) {
        log_line("cannot listen: %s", strerror(error));
    }
    return error == 0;
}

/* A connection takes two descriptors: raise the limit to the maximum. */
static void raise_descriptor_limit(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

/* Log the clients that had to wait or were refused since the last turn. */
static void say_limits(struct proxy *proxy)
{
    unsigned full = atomic_load(&proxy->limits->full_count);
    unsigned refused = atomic_load(&proxy->limits->refused_count);

    if (full != proxy->full_seen) {
        log_line("clients wait: there are %u sessions (--sessions-max)",
                 (unsigned)proxy->limits->sessions_max);
    }
    if (refused != proxy->refused_seen) {
        log_line("%u clients were refused: their address has too many sessions",
                 refused - proxy->refused_seen);
    }
    proxy->full_seen = full;
    proxy->refused_seen = refused;
}

/* With gates: attest to lb_pair.  The worker with the oldest turn counts. */
static void attest(struct proxy *proxy)
{
    infra_time last = infra_driver_now();

    for (uint32_t i = 0; i < proxy->options.threads; i++) {
        infra_time at = relay_progress(proxy->workers[i].relay);
        last = at < last ? at : last;
    }
    for (uint32_t i = 0; i < proxy->gates.count; i++) {
        infra_gate_attest(&proxy->gates.gates[i].gate, last);
    }
}

/* Milliseconds until the next turn, rounded up. */
static int wait_ms(const struct proxy *proxy)
{
    infra_time deadline = infra_driver_deadline(proxy->driver);
    infra_time now = infra_driver_now();

    if (proxy->outlier != NULL &&
        infra_outlier_deadline(proxy->outlier) < deadline) {
        deadline = infra_outlier_deadline(proxy->outlier);
    }
    if (proxy->admin != NULL && admin_deadline(proxy->admin) < deadline) {
        deadline = admin_deadline(proxy->admin);
    }
    if (proxy->options.gate && now + ATTEST_EVERY < deadline) {
        deadline = now + ATTEST_EVERY;
    }
    if (deadline <= now) {
        return 0;
    }
    infra_time ms = (deadline - now + INFRA_MS(1) - 1) / INFRA_MS(1);
    return deadline == INFRA_TIME_NEVER ? -1
           : ms > INT32_MAX             ? INT32_MAX
                                        : (int)ms;
}

/* The control side, until a signal comes. */
static void control(struct proxy *proxy, int signal_fd)
{
    struct pollfd fds[] = {
        { .fd = signal_fd, .events = POLLIN },
        { .fd = infra_driver_fd(proxy->driver), .events = POLLIN },
        { .fd = proxy->admin != NULL ? admin_fd(proxy->admin) : -1,
          .events = POLLIN },
    };

    while (poll(fds, 3, wait_ms(proxy)) < 0 || fds[0].revents == 0) {
        struct infra_health_event check;
        struct infra_outlier_event outlier;

        attest(proxy);
        infra_driver_step(proxy->driver, infra_driver_now());
        while (infra_prober_next(proxy->prober, infra_driver_now(), &check) ==
               INFRA_OK) {
            proxy_take_check(proxy, &check);
        }
        while (proxy->outlier != NULL &&
               infra_outlier_next(proxy->outlier, infra_driver_now(),
                                  &outlier) == INFRA_OK) {
            proxy_take_outlier(proxy, &outlier);
        }
        if (proxy->admin != NULL) {
            admin_step(proxy->admin, infra_driver_now());
        }
        int err = infra_balancer_publish(proxy->balancer, infra_driver_now());
        if (err != INFRA_OK) {
            log_line("publish: %s",
                     infra_strerror(err)); /* The next turn retries. */
        }
        say_limits(proxy);
        log_tend();
    }
}

static void drain(struct proxy *proxy)
{
    infra_time limit = infra_driver_now() + proxy->options.drain_timeout;

    for (uint32_t i = 0; i < proxy->options.threads; i++) {
        struct worker *worker = &proxy->workers[i];
        if (worker->running) {
            relay_drain(worker->relay, limit);
        }
    }
}

/* Join the workers and free all that was started. */
static void finish(struct proxy *proxy)
{
    for (uint32_t i = 0; proxy->workers != NULL && i < proxy->options.threads;
         i++) {
        struct worker *worker = &proxy->workers[i];
        if (worker->running) {
            pthread_join(worker->thread, NULL);
        }
        relay_destroy(worker->relay);
        infra_metrics_writer_destroy(worker->writer);
        infra_balancer_reader_destroy(worker->reader);
    }
    proxy_admin_finish(proxy);
    infra_outlier_destroy(proxy->outlier);
    infra_prober_destroy(proxy->prober);
    infra_driver_destroy(proxy->driver);
    infra_balancer_destroy(proxy->balancer);
    free(proxy->workers);
    free(proxy->is_down);
    free(proxy->limits);
    shared_gates_close(&proxy->gates);
    proxy_options_finish(&proxy->options);
}

/* The first line of the log has the port, also one chosen by the system. */
static void say_address(const struct relay_address *address)
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

static bool start_workers(struct proxy *proxy)
{
    for (uint32_t i = 0; i < proxy->options.threads; i++) {
        if (!start_worker(proxy, &proxy->workers[i])) {
            return false;
        }
    }
    say_address(&proxy->options.listen);
    if (proxy->options.gate) {
        log_line("but only while a gate is open (%u)", proxy->gates.count);
    }
    return true;
}

int main(int argc, char **argv)
{
    struct proxy proxy = { 0 };
    int status;

    if (proxy_options_read(&proxy.options, &status, argc, argv) != 0) {
        return status;
    }
    if (proxy.options.gate && !shared_gates_open(&proxy.gates)) {
        proxy_options_finish(&proxy.options);
        return 2;
    }
    const struct log_options log_options = {
        .fd = STDERR_FILENO,
        .stamp = stamp,
        .repeats_max = LOG_REPEATS_MAX * (1 + proxy.options.backends_count),
    };
    log_open(&log_options);
    raise_descriptor_limit();
    /* Blocked before any thread starts, so that signals reach only this fd. */
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    pthread_sigmask(SIG_BLOCK, &signals, NULL);
    int signal_fd = signalfd(-1, &signals, SFD_CLOEXEC);
    /* A failure here is of the arguments. */
    bool fits = signal_fd < 0 || proxy_prepare(&proxy);
    bool ok = fits && signal_fd >= 0 && proxy_start(&proxy) &&
              proxy_admin_prepare(&proxy) && start_workers(&proxy) &&
              proxy_admin_listen(&proxy);
    if (ok) {
        control(&proxy, signal_fd);
        /* Take the signal out of the queue; the next one kills. */
        struct signalfd_siginfo info;
        ok = read(signal_fd, &info, sizeof info) == sizeof info;
        pthread_sigmask(SIG_UNBLOCK, &signals, NULL);
    }
    drain(&proxy);
    finish(&proxy);
    log_close();
    return ok ? EXIT_SUCCESS : fits ? EXIT_FAILURE : 2;
}
