/* SPDX-License-Identifier: MIT */
/*
 * The loop of one worker.  Each turn waits once, reads the clock once, notes
 * what every socket reported, and only then serves each session that was named:
 * both ends of one session are dealt with together, and none is freed while an
 * event of the same batch still points at it.
 *
 * Timers are lists.  All sessions of a phase have the same limit, so that the
 * oldest is always first: O(1) to renew, to find the next, and to expire.
 */
#include "relay_private.h"

#include <errno.h>
#include <fcntl.h>
#include <infra/driver.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#define EVENTS_MAX 256

/* A turn with many events accepts several clients; a turn for one alone saves
 * the second accept4(), which would find none. */
#define EVENTS_PER_ACCEPT 8

/* Clients that wait to be accepted. */
#define BACKLOG 4096

/* Bytes in the kernel that wait for a client's window.  Without it the last
 * number of net.ipv4.tcp_wmem, 4 MiB, is the limit, and 1000 clients that do
 * not read use up TCP's memory of the whole machine. */
#define UNSENT_MAX (128 * 1024)

/* Limit for holding back the handshake's last packet. */
#define SILENCE_LIMIT INFRA_MS(1)

/* Limit for a peer that is silent after our end of stream. */
#define HALF_CLOSED_LIMIT INFRA_SEC(60)

static int watch_fd(struct relay *relay, int *fd)
{
    /* Timer and wake-up are never read: they report once per edge. */
    uint32_t edge = fd == &relay->listen_fd ? 0 : EPOLLET;
    struct epoll_event event = { .events = EPOLLIN | edge,
                                 .data = { .ptr = fd } };

    return epoll_ctl(relay->epoll_fd, EPOLL_CTL_ADD, *fd, &event);
}

/* A bound socket.  With gates another node may still have the address. */
static int bind_to(const struct relay_address *address, bool may_be_absent)
{
    const int on = 1;
    const int unsent_max = UNSENT_MAX;
    int level =
        address->storage.ss_family == AF_INET6 ? IPPROTO_IPV6 : IPPROTO_IP;
    int name = level == IPPROTO_IPV6 ? IPV6_FREEBIND : IP_FREEBIND;
    int fd = socket(address->storage.ss_family,
                    SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    /* The kernel spreads clients over the listeners of all workers.  Accepted
     * sockets inherit TCP_NODELAY, as a proxy passes bytes on at once, and the
     * limit of a reply kept for a client that does not read. */
    if (fd >= 0 &&
        (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
         setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) != 0 ||
         setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) != 0 ||
         setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &unsent_max,
                    sizeof unsent_max) != 0 ||
         (may_be_absent && setsockopt(fd, level, name, &on, sizeof on) != 0) ||
         bind(fd, (const struct sockaddr *)&address->storage, address->size) !=
             0)) {
        int error = errno;
        close(fd);
        errno = error;
        return -1;
    }
    return fd;
}

int relay_listen(struct relay *relay)
{
    relay->listens = listen(relay->listen_fd, BACKLOG) == 0 &&
                     watch_fd(relay, &relay->listen_fd) == 0;
    return relay->listens ? 0 : errno;
}

int relay_create(struct relay **ret, const struct relay_options *options)
{
    struct relay *relay = calloc(1, sizeof *relay);

    if (relay == NULL) {
        return ENOMEM;
    }
    relay->options = *options;
    relay->limits[RELAY_CONNECTING] = options->connect_timeout;
    relay->limits[RELAY_SILENT] = SILENCE_LIMIT;
    relay->limits[RELAY_OPEN] = options->idle_timeout;
    relay->limits[RELAY_ASKED] = options->answer_timeout;
    relay->limits[RELAY_HALF_CLOSED] = options->idle_timeout < HALF_CLOSED_LIMIT
                                           ? options->idle_timeout
                                           : HALF_CLOSED_LIMIT;
    for (int i = 0; i < RELAY_PHASES; i++) {
        relay->phases[i] = (struct relay_link) { .next = &relay->phases[i],
                                                 .prev = &relay->phases[i] };
    }
    relay->log = options->log_sessions ? calloc(1, sizeof *relay->log) : NULL;
    relay->pool.held_max = options->buffered_max;
    relay->now = infra_driver_now();
    relay->reserve_fd = -1;
    relay->listen_fd = bind_to(options->listen, options->gates != NULL);
    int error = errno;
    relay->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    relay->timer_fd =
        timerfd_create(CLOCK_BOOTTIME, TFD_NONBLOCK | TFD_CLOEXEC);
    relay->timer_at = INFRA_TIME_NEVER;
    relay->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (relay->listen_fd < 0 || relay->wake_fd < 0 || relay->timer_fd < 0 ||
        relay->epoll_fd < 0 ||
        (options->gates == NULL && relay_listen(relay) != 0) ||
        watch_fd(relay, &relay->timer_fd) != 0 ||
        watch_fd(relay, &relay->wake_fd) != 0) {
        error = relay->listen_fd < 0 ? error : errno;
        relay_destroy(relay);
        return error;
    }
    *ret = relay;
    return 0;
}

static void close_fd(int *fd)
{
    if (*fd >= 0) {
        close(*fd);
    }
    *fd = -1;
}

static void cut_all(struct relay *relay)
{
    for (int i = 0; i < RELAY_PHASES; i++) {
        while (relay->phases[i].next != &relay->phases[i]) {
            relay_session_cut(relay,
                              (struct relay_session *)relay->phases[i].next);
        }
    }
    relay->ready = NULL;
}

void relay_destroy(struct relay *relay)
{
    if (relay == NULL) {
        return;
    }
    cut_all(relay);
    relay_pool_finish(&relay->pool);
    close_fd(&relay->listen_fd);
    close_fd(&relay->wake_fd);
    close_fd(&relay->reserve_fd);
    close_fd(&relay->timer_fd);
    close_fd(&relay->epoll_fd);
    free(relay->log);
    free(relay);
}

int relay_address(const struct relay *relay, struct relay_address *ret)
{
    ret->size = sizeof ret->storage;
    return getsockname(relay->listen_fd, (struct sockaddr *)&ret->storage,
                       &ret->size) == 0
               ? 0
               : errno;
}

void relay_drain(struct relay *relay, infra_time limit)
{
    const uint64_t one = 1;

    relay->drain_limit = limit;
    atomic_store(&relay->draining, true);
    if (write(relay->wake_fd, &one, sizeof one) != sizeof one) {
        return; /* The counter is full: it is awake. */
    }
}

static void resume_listener(struct relay *relay)
{
    relay->accept_again = watch_fd(relay, &relay->listen_fd) == 0
                              ? 0
                              : relay->now + RELAY_ACCEPT_PAUSE;
}

static void serve_ready(struct relay *relay)
{
    struct relay_session *s = relay->ready;

    /* Sessions with more to do are served in the next turn. */
    relay->ready = NULL;
    while (s != NULL) {
        struct relay_session *next = s->ready_next;
        s->ready = false;
        relay_session_serve(relay, s);
        s = next;
    }
}

static infra_time deadline(const struct relay *relay)
{
    infra_time first = relay_gate_deadline(relay);

    if (relay->accept_again != 0 && relay->accept_again < first) {
        first = relay->accept_again;
    }
    if (atomic_load(&relay->draining) && relay->drain_limit < first) {
        first = relay->drain_limit;
    }
    for (int i = 0; i < RELAY_PHASES; i++) {
        const struct relay_link *list = &relay->phases[i];
        if (list->next != list) {
            const struct relay_session *oldest =
                (const struct relay_session *)list->next;
            infra_time at = oldest->since + relay->limits[i];
            first = at < first ? at : first;
        }
    }
    return first;
}

static void expire(struct relay *relay)
{
    for (int i = 0; i < RELAY_PHASES; i++) {
        struct relay_link *list = &relay->phases[i];
        while (list->next != list) {
            struct relay_session *s = (struct relay_session *)list->next;
            if (s->ready || s->since + relay->limits[i] > relay->now) {
                break;
            }
            relay_session_expire(relay, s);
        }
    }
    if (relay->accept_again != 0 &&
        (relay->has_place || relay->accept_again <= relay->now)) {
        resume_listener(relay);
    }
}

/* Set the timer if it would ring too late.  Ringing early costs a turn now and
 * then; a time limit for each epoll_wait() costs a kernel timer each. */
static void set_timer(struct relay *relay)
{
    infra_time at = deadline(relay);
    struct itimerspec when = {
        .it_value = { .tv_sec = (time_t)(at / INFRA_SEC(1)),
                      .tv_nsec = (long)(at % INFRA_SEC(1)) },
    };

    if (at < relay->timer_at &&
        timerfd_settime(relay->timer_fd, TFD_TIMER_ABSTIME, &when, NULL) == 0) {
        relay->timer_at = at;
    }
}

/* Wait, note, serve, accept, expire.  0 or an errno. */
static int turn(struct relay *relay)
{
    struct epoll_event events[EVENTS_MAX];
    int count = epoll_wait(relay->epoll_fd, events, EVENTS_MAX,
                           relay->ready == NULL ? -1 : 0);
    bool clients = false;

    if (count < 0) {
        return errno == EINTR ? 0 : errno;
    }
    relay->now = infra_driver_now();
    infra_balancer_refresh(relay->options.reader);
    for (int i = 0; i < count; i++) {
        void *what = events[i].data.ptr;
        if (what == &relay->listen_fd) {
            clients = true;
        } else if (what == &relay->timer_fd) {
            relay->timer_at = INFRA_TIME_NEVER;
        } else if (what != &relay->wake_fd) {
            relay_session_note(relay, what, events[i].events);
        }
    }
    serve_ready(relay);
    if (clients) {
        relay_accept(relay, 1 + count / EVENTS_PER_ACCEPT);
    }
    expire(relay);
    int error = relay_gate_follow(relay);
    set_timer(relay);
    relay_log_flush(relay);
    return error;
}

/* Clients that the kernel has accepted are served; closing the listener would
 * reset them. */
static void stop_listening(struct relay *relay)
{
    bool listens = relay->listens;

    relay->listens = false;
    while (listens && relay_accept(relay, BACKLOG)) {
    }
    close_fd(&relay->listen_fd);
    relay->accept_again = 0;
}

int relay_rebind(struct relay *relay)
{
    stop_listening(relay);
    relay->listen_fd = bind_to(relay->options.listen, true);
    return relay->listen_fd >= 0 ? 0 : errno;
}

infra_time relay_progress(const struct relay *relay)
{
    return atomic_load_explicit(&relay->turned_at, memory_order_relaxed);
}

int relay_run(struct relay *relay)
{
    int error = 0;

    relay->now = infra_driver_now();
    set_timer(relay);
    while (error == 0 && !atomic_load(&relay->draining)) {
        error = turn(relay);
    }
    stop_listening(relay);
    while (error == 0 && relay->sessions_count > 0 &&
           relay->now < relay->drain_limit) {
        error = turn(relay);
    }
    cut_all(relay);
    relay_log_flush(relay);
    return error;
}
