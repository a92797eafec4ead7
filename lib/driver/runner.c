/* SPDX-License-Identifier: MIT */
/* One job: an exchange (base.h) on a socket. After each thing that happened the
 * exchange is asked what it wants, until that has to wait; then the socket is
 * watched for just that, level-triggered, and the timer is set to the
 * exchange's deadline. The work of a job in one turn is bounded, so that a
 * flooding server takes no turn from others.
 *
 * System calls of a TCP check that passes: socket, TCP_QUICKACK, connect,
 * epoll_ctl, getsockname, SO_LINGER, epoll_ctl, close, and a share of
 * epoll_wait. */
#include "internal.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <sys/epoll.h>
#include <unistd.h>

#define READS_MAX 4u       /* Of a ready socket, in one turn. */
#define READS_LAST_MAX 64u /* Before a deadline counts against the peer. */
#define STEPS_MAX 80u      /* Of one turn: all reads and as much again. */

enum progress {
    MOVED,   /* Something was done: ask again. */
    WAITING, /* For the socket or the deadline. */
    OVER,
};

static infra_time deadline(const struct infra__job *job)
{
    return job->exchange.ops->deadline(job->exchange.self);
}

/* The epoll event that an answer waits for; 0: none. */
static uint32_t awaited(long answer)
{
    switch (answer) {
    case INFRA_TLS_WANT_READ:
        return EPOLLIN;
    case INFRA_TLS_WANT_WRITE:
        return EPOLLOUT;
    default:
        return 0;
    }
}

static enum progress shake_hands(struct infra__job *job, infra_time now)
{
    uint32_t outcome = INFRA_OUTCOME_RESET;
    long answer = job->link == INFRA__LINK_OPEN
                      ? infra__stream_secure(job, &outcome)
                      : INFRA_TLS_ERROR;

    if (awaited(answer) != 0) {
        job->read_awaits = awaited(answer);
        return WAITING;
    }
    if (answer != 0) {
        infra__link_fail(job, outcome, now);
        return MOVED;
    }
    job->owes = true;  /* Our last message of the handshake. */
    job->holds = true; /* It may have read past the handshake. */
    infra__job_note(job, INFRA_NOTE_TLS_UP, 0, now);
    return MOVED;
}

static enum progress receive(struct infra__job *job, infra_time now)
{
    struct infra_driver *d = job->driver;
    uint32_t outcome = 0;
    long answer = infra__stream_read(job, d->bytes, sizeof d->bytes, &outcome);

    job->reads_left--;
    job->holds = answer > 0 && job->session != NULL;
    if (answer > 0) {
        job->owes = false; /* An answer: what was sent has been read. */
        job->exchange.ops->input(job->exchange.self, d->bytes, (size_t)answer,
                                 now);
    } else if (awaited(answer) != 0) {
        job->read_awaits = awaited(answer);
        job->reads_left = 0;
    } else if (answer == INFRA_TLS_ERROR) {
        infra__link_fail(job, outcome, now);
    } else {
        job->link = INFRA__LINK_ENDED;
        infra__job_note(job,
                        answer == INFRA_TLS_CLOSED ? INFRA_NOTE_EOF
                                                   : INFRA_NOTE_TRUNCATED,
                        0, now);
    }
    return MOVED;
}

/* A write cannot wait for bytes of a stream that has ended. */
static bool will_come(const struct infra__job *job, uint32_t event)
{
    return job->link != INFRA__LINK_ENDED || event != EPOLLIN;
}

static enum progress transmit(struct infra__job *job, infra_time now)
{
    const void *bytes;
    size_t size = job->exchange.ops->output(job->exchange.self, &bytes);
    uint32_t outcome = INFRA_OUTCOME_RESET;

    if (size == 0) {
        return WAITING;
    }
    long answer = job->link != INFRA__LINK_NONE
                      ? infra__stream_write(job, bytes, size, &outcome)
                      : INFRA_TLS_ERROR;
    if (answer > 0) {
        job->owes = true;
        job->exchange.ops->sent(job->exchange.self, (size_t)answer, now);
    } else if (awaited(answer) != 0 && will_come(job, awaited(answer))) {
        job->write_awaits = awaited(answer);
        return WAITING;
    } else {
        infra__link_fail(job, outcome, now);
    }
    return MOVED;
}

/* Carry out the exchange's want, one step. */
static enum progress serve(struct infra__job *job, infra_time now)
{
    bool readable = job->reads_left > 0 && job->link == INFRA__LINK_OPEN;

    switch (infra__job_want(job)) {
    case INFRA_WANT_CONNECT:
        return infra__link_dial(job, now) ? MOVED : WAITING;
    case INFRA_WANT_TLS:
        return shake_hands(job, now);
    case INFRA_WANT_IO:
        return readable ? receive(job, now) : transmit(job, now);
    case INFRA_WANT_IDLE:
        return readable ? receive(job, now) : WAITING;
    case INFRA_WANT_CLOSE:
        job->owes = true; /* The exchange asks for an orderly end. */
        infra__link_hang_up(job);
        infra__job_note(job, INFRA_NOTE_CLOSED, 0, now);
        return MOVED;
    default:
        assert(infra__job_want(job) == INFRA_WANT_DONE);
        return OVER;
    }
}

/* The epoll events that the job waits for. */
static uint32_t interest(const struct infra__job *job)
{
    uint32_t events = 0;

    if (job->link == INFRA__LINK_CONNECTING) {
        return EPOLLOUT;
    }
    if (job->link == INFRA__LINK_OPEN) {
        events |= job->read_awaits;
    }
    if (infra__job_has_output(job)) {
        events |= job->write_awaits;
    }
    return events;
}

static void advance(struct infra__job *job, infra_time now)
{
    struct infra_driver *d = job->driver;
    enum progress progress = MOVED;

    for (uint32_t i = 0; i < STEPS_MAX && progress == MOVED; i++) {
        progress = serve(job, now);
        if (progress == WAITING && job->link != INFRA__LINK_NONE &&
            !infra__link_watch(job, interest(job))) {
            infra__link_fail(job, INFRA_OUTCOME_LOCAL, now);
            progress = MOVED;
        }
    }
    if (progress == OVER) {
        infra__linger_begin(job, now);
        job->running = false;
        job->done(job->owner, now);
        return;
    }
    /* Work left over is for the next turn; epoll does not see the bytes that a
     * session holds. */
    bool waits = progress == WAITING && !job->holds;
    infra__timers_set(&d->timers, job->slot, waits ? deadline(job) : now);
}

void infra__job_start(struct infra__job *job, infra_time now)
{
    if (job->lingers) {
        infra__linger_end(job);
    }
    assert(!job->running && job->link == INFRA__LINK_NONE);
    job->running = true;
    advance(job, now);
}

void infra__job_cancel(struct infra__job *job)
{
    struct infra_driver *d = job->driver;

    if (job->link != INFRA__LINK_NONE && getpid() != d->pid) {
        /* The parent owns the socket, the epoll set and the connection. */
        infra__link_let_go(job, true);
    }
    job->owes = job->lingers; /* A cancelled exchange is reset. */
    job->lingers = false;
    infra__link_hang_up(job);
    infra__timers_set(&d->timers, job->slot, INFRA_TIME_NEVER);
    job->running = false;
}

void infra__job_detach(struct infra__job *job)
{
    infra__job_cancel(job);
    infra__slot_release(job->driver, job->slot);
}

static void heard(struct infra__job *job, uint32_t events, uint32_t reads,
                  infra_time now)
{
    const uint32_t broken = EPOLLERR | EPOLLHUP;

    if (job->link == INFRA__LINK_CONNECTING) {
        int error = (events & broken) != 0 ? infra__socket_error(job->fd) : 0;
        if (error != 0) {
            infra__link_fail_errno(job, error, now);
        } else {
            infra__link_connected(job, now);
        }
    } else if (job->link == INFRA__LINK_ENDED && (events & broken) != 0) {
        /* Both ways are shut, for good. */
        infra__link_fail_errno(job, ECONNRESET, now);
    } else if ((events & (job->read_awaits | EPOLLIN | broken)) != 0) {
        job->reads_left = reads;
    }
    advance(job, now);
}

void infra__job_ready(struct infra__job *job, uint32_t events, infra_time now)
{
    if (job->lingers) {
        infra__linger_go_on(job, now);
    } else {
        heard(job, events, READS_MAX, now);
    }
}

/* The answer may wait in the socket, because this process was stopped or the
 * batch of events was full, or in the session. It is read before it counts as
 * late. */
static void take_what_waits(struct infra__job *job, infra_time now)
{
    uint32_t reads = deadline(job) <= now ? READS_LAST_MAX : READS_MAX;
    struct pollfd p = { .fd = job->fd, .events = (short)interest(job) };

    if (job->link == INFRA__LINK_NONE) {
        return;
    }
    if (poll(&p, 1, 0) > 0) {
        heard(job, (uint32_t)p.revents, reads, now);
    } else if (job->holds) {
        heard(job, EPOLLIN, reads, now);
    }
}

void infra__job_expire(struct infra__job *job, infra_time now)
{
    if (job->lingers) {
        infra__linger_go_on(job, now);
        return;
    }
    take_what_waits(job, now);
    if (!job->running) {
        return;
    }
    if (deadline(job) <= now) {
        job->owes = false;
        if (job->link == INFRA__LINK_CONNECTING) {
            infra__link_hang_up(job);
        }
        infra__job_note(job, INFRA_NOTE_DEADLINE, 0, now);
    }
    advance(job, now);
}
