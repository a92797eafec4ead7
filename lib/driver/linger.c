/* SPDX-License-Identifier: MIT */
/* A connection whose exchange is over, while the peer has more to say: a check
 * of HTTP is decided by the head, and a server whose body then meets a reset
 * logs an error for each check. So what comes is read and thrown away until the
 * peer ends its stream, which leaves the TIME_WAIT to it, too. A peer that does
 * not end in time has the connection closed in order, and one that floods has
 * it reset. Meanwhile the job is not running: its owner has the result, and may
 * begin the next conversation, which ends this one. */
#include "internal.h"

#include <stddef.h>
#include <sys/epoll.h>

#define READS_MAX 4u         /* In one turn. */
#define BYTES_MAX (1u << 20) /* In all. */

static infra_time until(const struct infra__job *job)
{
    const struct infra_exchange_ops *ops = job->exchange.ops;
    size_t known = offsetof(struct infra_exchange_ops, linger);

    return ops->size > known && ops->linger != NULL
               ? ops->linger(job->exchange.self)
               : 0;
}

enum found {
    FOUND_NOTHING, /* More may come. */
    FOUND_MORE,    /* Enough for one turn. */
    FOUND_END,
};

static enum found throw_away(struct infra__job *job)
{
    struct infra_driver *d = job->driver;
    uint32_t outcome;

    for (uint32_t i = 0; i < READS_MAX; i++) {
        long answer =
            infra__stream_read(job, d->bytes, sizeof d->bytes, &outcome);
        if (answer == INFRA_TLS_WANT_READ) {
            return FOUND_NOTHING;
        }
        if (answer <= 0) { /* Nor does it pay to wait until it can write. */
            job->link = INFRA__LINK_ENDED;
            return FOUND_END;
        }
        if ((uint32_t)answer >= job->linger_left) {
            job->owes = false;
            return FOUND_END;
        }
        job->linger_left -= (uint32_t)answer;
    }
    return FOUND_MORE;
}

static bool watch_for_bytes(struct infra__job *job)
{
    struct epoll_event event = { .events = EPOLLIN,
                                 .data.u64 = infra__job_epoll_data(job) };
    int op = job->watched ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;

    job->watched = epoll_ctl(job->driver->epoll_fd, op, job->fd, &event) == 0;
    return job->watched;
}

void infra__linger_end(struct infra__job *job)
{
    job->lingers = false;
    infra__link_hang_up(job);
    infra__timers_set(&job->driver->timers, job->slot, INFRA_TIME_NEVER);
}

void infra__linger_go_on(struct infra__job *job, infra_time now)
{
    enum found found = throw_away(job);

    if (found == FOUND_END || now >= job->linger_until) {
        infra__linger_end(job);
        return;
    }
    /* A session may hold bytes of which epoll does not tell. */
    infra__timers_set(&job->driver->timers, job->slot,
                      found == FOUND_MORE ? now : job->linger_until);
}

void infra__linger_begin(struct infra__job *job, infra_time now)
{
    job->linger_until = job->link == INFRA__LINK_OPEN ? until(job) : 0;
    job->linger_left = BYTES_MAX;
    job->lingers = now < job->linger_until && watch_for_bytes(job);
    if (!job->lingers) {
        infra__linger_end(job);
        return;
    }
    job->owes = true; /* Unless it floods. */
    infra__linger_go_on(job, now);
}
