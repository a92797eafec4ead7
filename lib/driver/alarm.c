/* SPDX-License-Identifier: MIT */
/* The deadline as a descriptor: a timer in the epoll set, so that a host has
 * one descriptor to poll and nothing to time. It is set again only when it has
 * rung, or would ring too late: to ring early costs a turn in which nothing is
 * due, to set it for every check that ends in time would cost a call for each.
 * It does not ring for a host whose `now` is of another clock. */
#include "internal.h"

#include <sys/timerfd.h>

/* A clock that is no more than this from ours is ours. */
#define SAME_CLOCK INFRA_SEC(1)

int infra__alarm_open(void)
{
    return timerfd_create(CLOCK_BOOTTIME, TFD_NONBLOCK | TFD_CLOEXEC);
}

/* Whose clock is it? Decided by the first time that was given. */
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
    /* It cannot fail; and it silences what has rung. */
    (void)timerfd_settime(d->alarm_fd, TFD_TIMER_ABSTIME, &when, NULL);
}
