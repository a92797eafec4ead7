/* SPDX-License-Identifier: MIT */
/* The event loop: an epoll set, an eventfd that wakes it, the timers of all
 * jobs, and the clients' turns. A step takes one batch of events, O(1) each,
 * then the timers that have expired, O(log n) each, then gives each client its
 * turn. Events past the batch keep the descriptor readable.
 *
 * An alarm (a timerfd in the epoll set) makes an expired deadline readable,
 * too, so that a host has one descriptor to poll and no timer. It is set again
 * only after it has rung, or if it would ring late. Ringing early costs a turn
 * without work; setting it for every check would cost a system call for each.
 * It is not used for a host whose `now` is of another clock. */
#include "internal.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define EVENTS_MAX 256

/* A `now` that differs from our clock by less than this is our clock. */
#define SAME_CLOCK INFRA_SEC(1)

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

static bool open_descriptors(struct infra_driver *d)
{
    d->wake_fd = d->alarm_fd = -1;
    d->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (d->epoll_fd < 0) {
        return false;
    }
    d->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (!watch(d, d->wake_fd, WAKE_DATA)) {
        return false;
    }
    d->alarm_fd = timerfd_create(CLOCK_BOOTTIME, TFD_NONBLOCK | TFD_CLOEXEC);
    return watch(d, d->alarm_fd, ALARM_DATA);
}

int infra_driver_create(struct infra_driver **ret,
                        const struct infra_driver_options *options)
{
    struct infra_driver_options o = { .size = sizeof o };
    int err =
        ret != NULL ? infra__options_take(&o, options, NULL) : INFRA_EINVAL;
    struct infra_driver *d = infra__object_create(&err, sizeof *d, o.allocator);

    if (d == NULL) {
        return err;
    }
    d->pid = getpid();
    d->alarm_at = INFRA_TIME_NEVER;
    if (!open_descriptors(d)) {
        int error = errno; /* For the host. */
        close_descriptors(d);
        infra__object_free(d, sizeof *d);
        errno = error;
        return INFRA_ESYSTEM;
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
    close_descriptors(driver);
    infra__free(&driver->allocator, driver->slots, driver->timers.capacity,
                sizeof *driver->slots);
    infra__timers_finish(&driver->timers, &driver->allocator);
    infra__object_free(driver, sizeof *driver);
}

infra_time infra_driver_now(void)
{
    struct timespec t = { 0 };

    /* It cannot fail: Linux has this clock since 2.6.39. */
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

/* The first `now` decides whose clock the host uses. */
static bool is_our_clock(struct infra_driver *d, infra_time now)
{
    if (d->clock == INFRA__CLOCK_UNKNOWN) {
        infra_time ours = infra_driver_now();
        infra_time apart = ours > now ? ours - now : now - ours;
        d->clock =
            apart < SAME_CLOCK ? INFRA__CLOCK_OURS : INFRA__CLOCK_ANOTHER;
    }
    return d->clock == INFRA__CLOCK_OURS;
}

void infra__alarm_set(struct infra_driver *d, infra_time now)
{
    infra_time at = infra_driver_deadline(d);
    struct itimerspec when = { 0 }; /* Never. */

    if ((!d->alarm_rings && at >= d->alarm_at) || !is_our_clock(d, now)) {
        return;
    }
    d->alarm_at = at;
    d->alarm_rings = false;
    if (at != INFRA_TIME_NEVER) {
        at = at > 0 ? at : 1; /* 0 would be never. */
        when.it_value.tv_sec = (time_t)(at / INFRA_SEC(1));
        when.it_value.tv_nsec = (long)(at % INFRA_SEC(1));
    }
    /* It cannot fail, and it silences a ringing alarm. */
    (void)timerfd_settime(d->alarm_fd, TFD_TIMER_ABSTIME, &when, NULL);
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

/* False: epoll failed. A signal counts as no events. */
static bool wait_for(const struct infra_driver *d, struct epoll_event *events,
                     int *ret_count, int timeout_ms)
{
    int count = epoll_wait(d->epoll_fd, events, EVENTS_MAX, timeout_ms);

    *ret_count = count > 0 ? count : 0;
    return count >= 0 || errno == EINTR;
}

/* True: infra_driver_wake() was called. */
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
    /* Bounded: a job with more work is due again at once. */
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
    /* Without waiting and with valid arguments it cannot fail. */
    (void)wait_for(driver, events, &count, 0);
    (void)take_turn(driver, events, count, now);
    return INFRA_OK;
}

/* Rounded up: waking early would spin until the deadline. */
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

/* Signal handlers call this: one system call, and errno stays as it was for the
 * interrupted code. */
void infra_driver_wake(struct infra_driver *driver)
{
    const uint64_t one = 1;
    int error = errno;

    /* EAGAIN: 2^64 - 2 calls wait already, so it is readable. */
    ssize_t written = write(driver->wake_fd, &one, sizeof one);
    (void)written;
    errno = error;
}
