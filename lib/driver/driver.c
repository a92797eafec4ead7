/* SPDX-License-Identifier: MIT */
/* The event loop: an epoll set, an eventfd that wakes it, the timers of all
 * jobs, and the clients' turns. A step takes one batch of events, O(1) each,
 * then the timers that are due, O(log n) each, then gives each client its turn.
 * What does not fit into the batch keeps the descriptor readable, and so does a
 * deadline that has come (alarm.c). */
#include "internal.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#define EVENTS_MAX 256

/* No slot has these numbers. */
#define WAKE_DATA UINT64_MAX
#define ALARM_DATA (UINT64_MAX - 1)

INFRA__NO_TAIL_PADDING(struct infra_driver_options, allocator);

static void close_descriptors(const struct infra_driver *d)
{
    const int fds[] = { d->epoll_fd, d->wake_fd, d->alarm_fd };

    for (size_t i = 0; i < INFRA__COUNT_OF(fds); i++) {
        if (fds[i] >= 0) {
            (void)close(fds[i]);
        }
    }
}

static bool watch(const struct infra_driver *d, int fd, uint64_t data)
{
    struct epoll_event event = { .events = EPOLLIN, .data.u64 = data };

    return fd >= 0 && epoll_ctl(d->epoll_fd, EPOLL_CTL_ADD, fd, &event) == 0;
}

/* On failure errno says why. */
static int open_descriptors(struct infra_driver *d)
{
    d->wake_fd = d->alarm_fd = -1;
    d->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (d->epoll_fd < 0) {
        return INFRA_ESYSTEM;
    }
    d->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (watch(d, d->wake_fd, WAKE_DATA)) {
        d->alarm_fd = infra__alarm_open();
        if (watch(d, d->alarm_fd, ALARM_DATA)) {
            return INFRA_OK;
        }
    }
    int error = errno;
    close_descriptors(d);
    errno = error;
    return INFRA_ESYSTEM;
}

int infra_driver_create(struct infra_driver **ret,
                        const struct infra_driver_options *options)
{
    struct infra_driver_options o = { .size = sizeof o };

    if (ret == NULL) {
        return INFRA_EINVAL;
    }
    int err = infra__options_import(&o, sizeof o, options,
                                    sizeof(struct infra_driver_options));
    if (err != INFRA_OK) {
        return err;
    }
    struct infra_allocator allocator = infra__allocator_or_libc(o.allocator);
    struct infra_driver *d = infra__alloc(&allocator, 1, sizeof *d);
    if (d == NULL) {
        return INFRA_ENOMEM;
    }
    d->allocator = allocator;
    d->pid = getpid();
    d->alarm_at = INFRA_TIME_NEVER;
    err = open_descriptors(d);
    if (err != INFRA_OK) {
        int error = errno; /* Which is to tell why. */
        infra__free(&allocator, d, 1, sizeof *d);
        errno = error;
        return err;
    }
    *ret = d;
    return INFRA_OK;
}

void infra_driver_destroy(struct infra_driver *driver)
{
    if (driver == NULL) {
        return;
    }
    assert(driver->clients == NULL); /* Destroy its probers first. */
    struct infra_allocator allocator = driver->allocator;
    close_descriptors(driver);
    infra__free(&allocator, driver->slots, driver->timers.capacity,
                sizeof *driver->slots);
    infra__timers_finish(&driver->timers, &allocator);
    infra__free(&allocator, driver, 1, sizeof *driver);
}

infra_time infra_driver_now(void)
{
    struct timespec t = { 0 };

    /* It cannot fail: the clock is there since Linux 2.6.39. */
    (void)clock_gettime(CLOCK_BOOTTIME, &t);
    return INFRA_SEC(t.tv_sec) + (infra_time)t.tv_nsec;
}

int infra_driver_fd(const struct infra_driver *driver)
{
    return driver->epoll_fd;
}

infra_time infra_driver_deadline(const struct infra_driver *driver)
{
    infra_time first = infra__timers_first(&driver->timers);

    for (const struct infra__client *c = driver->clients; c != NULL;
         c = c->next) {
        infra_time due = c->deadline(c->self);
        first = due < first ? due : first;
    }
    return first;
}

void infra__driver_join(struct infra_driver *driver,
                        struct infra__client *client)
{
    client->next = driver->clients;
    driver->clients = client;
}

void infra__driver_leave(struct infra_driver *driver,
                         struct infra__client *client)
{
    struct infra__client **place = &driver->clients;

    while (*place != client) {
        assert(*place != NULL); /* It never joined. */
        place = &(*place)->next;
    }
    *place = client->next;
}

static bool anything_pending(const struct infra_driver *d)
{
    for (const struct infra__client *c = d->clients; c != NULL; c = c->next) {
        if (c->pending(c->self)) {
            return true;
        }
    }
    return false;
}

/* Wait for the first events. False: epoll failed, and not by a signal. */
static bool wait_for(const struct infra_driver *d, struct epoll_event *events,
                     int *ret_count, int timeout_ms)
{
    int count = epoll_wait(d->epoll_fd, events, EVENTS_MAX, timeout_ms);

    *ret_count = count > 0 ? count : 0;
    return count >= 0 || errno == EINTR;
}

/* True: somebody called wake(). */
static bool take_turn(struct infra_driver *d, const struct epoll_event *events,
                      int count, infra_time now)
{
    bool woken = false;

    d->now = now > d->now ? now : d->now;
    for (int i = 0; i < count; i++) {
        if (events[i].data.u64 == WAKE_DATA) {
            uint64_t calls;
            woken = read(d->wake_fd, &calls, sizeof calls) > 0;
            continue;
        }
        if (events[i].data.u64 == ALARM_DATA) {
            d->alarm_rings = true;
            continue;
        }
        struct infra__job *job = infra__job_find(d, events[i].data.u64);
        if (job != NULL) {
            infra__job_ready(job, events[i].events, d->now);
        }
    }
    /* Bounded, since a job that has more to do is due again at once. */
    for (uint32_t left = d->timers.count;
         left > 0 && infra__timers_first(&d->timers) <= d->now; left--) {
        infra__job_expire(d->slots[d->timers.heap[0]].job, d->now);
    }
    for (struct infra__client *c = d->clients; c != NULL; c = c->next) {
        c->turn(c->self, d->now);
    }
    infra__alarm_set(d, now);
    return woken;
}

int infra_driver_step(struct infra_driver *driver, infra_time now)
{
    struct epoll_event events[EVENTS_MAX];
    int count;

    if (driver == NULL) {
        return INFRA_EINVAL;
    }
    /* With valid arguments and without waiting it cannot fail. */
    (void)wait_for(driver, events, &count, 0);
    (void)take_turn(driver, events, count, now);
    return INFRA_OK;
}

/* Rounded up: waking before the time would spin until it comes. */
static int milliseconds_until(infra_time due, infra_time now)
{
    if (due == INFRA_TIME_NEVER) {
        return -1;
    }
    if (due <= now) {
        return 0;
    }
    infra_time ms = (due - now - 1) / INFRA_MS(1) + 1;
    return ms < INT_MAX ? (int)ms : INT_MAX;
}

int infra_driver_run(struct infra_driver *driver, infra_time until)
{
    struct epoll_event events[EVENTS_MAX];
    int count;

    if (driver == NULL) {
        return INFRA_EINVAL;
    }
    for (;;) {
        infra_time due = infra_driver_deadline(driver);
        due = until < due ? until : due;
        int timeout_ms = anything_pending(driver)
                             ? 0
                             : milliseconds_until(due, infra_driver_now());
        if (!wait_for(driver, events, &count, timeout_ms)) {
            return INFRA_ESYSTEM;
        }
        infra_time now = infra_driver_now();
        bool woken = take_turn(driver, events, count, now);
        if (woken || anything_pending(driver)) {
            return INFRA_OK;
        }
        if (now >= until) {
            return INFRA_EAGAIN;
        }
    }
}

/* In a handler of signals there is this one call of the system, and whoever was
 * interrupted finds errno as it was. */
void infra_driver_wake(struct infra_driver *driver)
{
    const uint64_t one = 1;
    int error = errno;

    /* EAGAIN: 2^64 - 2 calls are waiting already, it is readable. */
    ssize_t written = write(driver->wake_fd, &one, sizeof one);
    (void)written;
    errno = error;
}
