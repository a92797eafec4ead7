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

static void mark(struct proxy *proxy, uint32_t id, uint32_t axis,
                 uint32_t state)
{
    int err = infra_balancer_mark(proxy->balancer, id, axis, state);

    if (err != INFRA_OK) {
        log_line("mark: %s", infra_strerror(err));
    }
}

/* Log the loss of the last backend, and the return of the first. */
static void count_up(struct proxy *proxy, uint32_t id, bool is_down)
{
    uint32_t before = proxy->up_count;

    proxy->up_count += (uint32_t)proxy->is_down[id] - (uint32_t)is_down;
    proxy->is_down[id] = is_down;
    if (before > 0 && proxy->up_count == 0) {
        log_line("no backend is up: %s",
                 proxy->options.outage == INFRA_BALANCER_OUTAGE_REFUSE
                     ? "clients are refused"
                     : "their checks are not believed");
    } else if (before == 0 && proxy->up_count > 0) {
        log_line("clients are served again");
    }
}

/* Its agent requests it, or a 404 in reply to its check. */
static void take_wish(struct proxy *proxy,
                      const struct infra_health_event *event)
{
    static const char *const words[] = { "ready", "drain", "maintenance" };
    const struct proxy_backend *backend = &proxy->options.backends[event->id];
    uint32_t weight = backend->weight != 0 ? backend->weight : 1;

    if ((event->has & INFRA_PROBE_HAS_WEIGHT_ABSOLUTE) != 0) {
        weight = event->weight;
    } else if ((event->has & INFRA_PROBE_HAS_WEIGHT) != 0) {
        weight = (uint32_t)((uint64_t)weight * event->weight_percent / 100);
    }
    log_line("backend %s wishes: %s, weight %u, cap %u", backend->name,
             words[event->admin % 3], (unsigned)weight,
             (unsigned)event->in_flight_max);
    int err = infra_prober_apply_event(proxy->balancer, event);
    if (err != INFRA_OK) {
        log_line("backend %s: %s", backend->name, infra_strerror(err));
    }
}

static void take_check(struct proxy *proxy,
                       const struct infra_health_event *event)
{
    uint32_t state;

    switch (event->kind) {
    case INFRA_HEALTH_EVENT_DOUBT:
    case INFRA_HEALTH_EVENT_TRUST:
        log_line("checks are %s: %s",
                 event->kind == INFRA_HEALTH_EVENT_DOUBT ? "in doubt"
                                                         : "trusted again",
                 infra_health_reason_name(event->reason));
        return;
    case INFRA_HEALTH_EVENT_UP:
        state = INFRA_BALANCER_STATE_UP;
        break;
    case INFRA_HEALTH_EVENT_DEGRADED:
        state = INFRA_BALANCER_STATE_DEGRADED;
        break;
    case INFRA_HEALTH_EVENT_DOWN:
        state = INFRA_BALANCER_STATE_DOWN;
        break;
    case INFRA_HEALTH_EVENT_WISH:
        take_wish(proxy, event);
        return;
    default:
        return; /* Not a change of health. */
    }
    log_line("backend %s is %s: %s (%s)",
             proxy->options.backends[event->id].name,
             infra_balancer_state_name(state),
             infra_health_reason_name(event->reason),
             infra_probe_reason_name(event->detail));
    mark(proxy, event->id, INFRA_BALANCER_AXIS_HEALTH, state);
    count_up(proxy, event->id, state == INFRA_BALANCER_STATE_DOWN);
}

static void take_outlier(struct proxy *proxy,
                         const struct infra_outlier_event *event)
{
    if (event->kind != INFRA_OUTLIER_EVENT_EJECTED &&
        event->kind != INFRA_OUTLIER_EVENT_RETURNED) {
        return;
    }
    bool ejected = event->kind == INFRA_OUTLIER_EVENT_EJECTED;
    log_line("backend %s is %s: %s", proxy->options.backends[event->id].name,
             infra_outlier_event_name(event->kind),
             infra_outlier_reason_name(event->reason));
    mark(proxy, event->id, INFRA_BALANCER_AXIS_PASSIVE,
         ejected ? INFRA_BALANCER_STATE_DOWN : INFRA_BALANCER_STATE_UP);
    if (ejected) {
        (void)infra_prober_check_now(proxy->prober, event->id,
                                     infra_driver_now());
    }
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
    };

    while (poll(fds, 2, wait_ms(proxy)) < 0 || fds[0].revents == 0) {
        struct infra_health_event check;
        struct infra_outlier_event outlier;

        attest(proxy);
        infra_driver_step(proxy->driver, infra_driver_now());
        while (infra_prober_next(proxy->prober, infra_driver_now(), &check) ==
               INFRA_OK) {
            take_check(proxy, &check);
        }
        while (proxy->outlier != NULL &&
               infra_outlier_next(proxy->outlier, infra_driver_now(),
                                  &outlier) == INFRA_OK) {
            take_outlier(proxy, &outlier);
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
        infra_balancer_reader_destroy(worker->reader);
    }
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
    bool ok =
        fits && signal_fd >= 0 && proxy_start(&proxy) && start_workers(&proxy);
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
