/* SPDX-License-Identifier: MIT */
/* One job: an exchange (base.h) on a socket. After each thing that happened the
 * exchange is asked what it wants, until that is something to wait for; then
 * the socket is watched for just that, level-triggered, and the timer is set to
 * the exchange's deadline. What a job may do in one go is bounded, so that a
 * server that floods takes no turn away from others.
 *
 * Cost of a TCP check that passes: socket, connect, epoll_ctl, SO_ERROR,
 * getsockname, SO_LINGER, epoll_ctl, close, and its part of an epoll_wait. */
#include "driver.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <sys/epoll.h>
#include <unistd.h>

#define READS_MAX 4u       /* Of a ready socket, in one turn. */
#define READS_LAST_MAX 64u /* Before a deadline is held against the peer. */
#define STEPS_MAX 80u      /* In one go: all reads and as much again. */

enum progress {
    MOVED,   /* Something was done: ask again. */
    WAITING, /* For the socket or the deadline. */
    OVER,
};

static uint32_t want(const struct infra__job *job)
{
    return job->exchange.ops->want(job->exchange.self);
}

static infra_time deadline(const struct infra__job *job)
{
    return job->exchange.ops->deadline(job->exchange.self);
}

static void note(struct infra__job *job, uint32_t what, uint32_t detail,
                 infra_time now)
{
    job->exchange.ops->note(job->exchange.self, what, detail, now);
}

static int family(const struct infra__job *job)
{
    return job->addresses[job->endpoint].storage.ss_family;
}

static void let_go(struct infra__job *job)
{
    (void)close(job->fd);
    job->link = INFRA__LINK_NONE;
    job->watched = false;
    job->owes = false;
    job->reads_left = 0;
    job->driver->slots[job->slot].generation++;
}

/* Close the connection, if there is one. */
static void hang_up(struct infra__job *job)
{
    if (job->link == INFRA__LINK_NONE) {
        return;
    }
    /* Closing alone would leave the socket in the epoll set for as long as a
     * child that was forked meanwhile holds a copy of the descriptor. */
    if (job->watched) {
        (void)epoll_ctl(job->driver->epoll_fd, EPOLL_CTL_DEL, job->fd, NULL);
    }
    /* Who closes first pays with TIME_WAIT, a minute of a local port for each
     * check. A reset costs neither side anything and loses nothing, unless the
     * peer has still to read what we sent last. */
    if (job->link == INFRA__LINK_OPEN && !job->owes && family(job) != AF_UNIX) {
        infra__socket_set_abort(job->fd);
    }
    let_go(job);
}

/* The connection, or the attempt at one, broke. */
static void fail(struct infra__job *job, int error, infra_time now)
{
    uint32_t outcome = infra__socket_outcome(error, family(job));

    if (job->link != INFRA__LINK_NONE) {
        job->link = INFRA__LINK_ENDED;
    }
    hang_up(job);
    note(job, INFRA_NOTE_FAILED, outcome, now);
}

static void connected(struct infra__job *job, infra_time now)
{
    /* A dead server's port on this very machine may be drawn as the local port
     * of the check: then TCP's simultaneous open connects the socket with
     * itself. */
    if (infra__socket_is_own_peer(job->fd, &job->addresses[job->endpoint])) {
        fail(job, ECONNREFUSED, now);
        return;
    }
    job->link = INFRA__LINK_OPEN;
    note(job, INFRA_NOTE_CONNECTED, 0, now);
    if (want(job) == INFRA_WANT_IO && family(job) != AF_UNIX) {
        infra__socket_set_nodelay(job->fd);
    }
}

static enum progress dial(struct infra__job *job, infra_time now)
{
    if (job->link == INFRA__LINK_CONNECTING) {
        return WAITING;
    }
    hang_up(job);
    uint32_t endpoint = job->exchange.ops->endpoint(job->exchange.self);
    if (endpoint >= job->addresses_count) {
        note(job, INFRA_NOTE_FAILED, INFRA_OUTCOME_LOCAL, now);
        return MOVED;
    }
    job->endpoint = endpoint;
    int error = infra__socket_connect(&job->addresses[endpoint], &job->fd);
    if (error == EINPROGRESS) {
        job->link = INFRA__LINK_CONNECTING;
        return WAITING;
    }
    if (error != 0) {
        fail(job, error, now);
        return MOVED;
    }
    job->link = INFRA__LINK_OPEN;
    connected(job, now);
    return MOVED;
}

static enum progress receive(struct infra__job *job, infra_time now)
{
    struct infra_driver *d = job->driver;
    ssize_t count = recv(job->fd, d->bytes, sizeof d->bytes, MSG_DONTWAIT);

    job->reads_left--;
    if (count > 0) {
        job->owes = false; /* An answer: what was sent has been read. */
        job->exchange.ops->input(job->exchange.self, d->bytes, (size_t)count,
                                 now);
    } else if (count == 0) {
        job->link = INFRA__LINK_ENDED;
        note(job, INFRA_NOTE_EOF, 0, now);
    } else if (errno == EAGAIN) {
        job->reads_left = 0;
    } else if (errno != EINTR) {
        fail(job, errno, now);
    }
    return MOVED;
}

static enum progress transmit(struct infra__job *job, infra_time now)
{
    const void *bytes;
    size_t size = job->exchange.ops->output(job->exchange.self, &bytes);

    if (size == 0) {
        return WAITING;
    }
    if (job->link == INFRA__LINK_NONE) {
        fail(job, ENOTCONN, now);
        return MOVED;
    }
    /* A library leaves the host's SIGPIPE alone. */
    ssize_t count = send(job->fd, bytes, size, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (count >= 0) {
        job->owes = true;
        job->exchange.ops->sent(job->exchange.self, (size_t)count, now);
    } else if (errno == EAGAIN) {
        return WAITING;
    } else if (errno != EINTR) {
        fail(job, errno, now);
    }
    return MOVED;
}

/* Do the one thing that the exchange wants. */
static enum progress serve(struct infra__job *job, infra_time now)
{
    bool readable = job->reads_left > 0 && job->link == INFRA__LINK_OPEN;

    switch (want(job)) {
    case INFRA_WANT_CONNECT:
        return dial(job, now);
    case INFRA_WANT_TLS:
        note(job, INFRA_NOTE_FAILED, INFRA_OUTCOME_LOCAL, now);
        return MOVED;
    case INFRA_WANT_IO:
        return readable ? receive(job, now) : transmit(job, now);
    case INFRA_WANT_IDLE:
        return readable ? receive(job, now) : WAITING;
    case INFRA_WANT_CLOSE:
        job->owes = true; /* The exchange asks for an orderly end. */
        hang_up(job);
        note(job, INFRA_NOTE_CLOSED, 0, now);
        return MOVED;
    default:
        assert(want(job) == INFRA_WANT_DONE);
        return OVER;
    }
}

/* Have epoll tell of what the job waits for. False: the system refused. */
static bool watch(struct infra__job *job)
{
    struct epoll_event event = { .data.u64 = infra__job_epoll_data(job) };
    const void *bytes;

    if (job->link == INFRA__LINK_NONE) {
        return true;
    }
    if (job->link == INFRA__LINK_OPEN) {
        event.events = EPOLLIN;
    }
    if (job->link == INFRA__LINK_CONNECTING ||
        (want(job) == INFRA_WANT_IO &&
         job->exchange.ops->output(job->exchange.self, &bytes) > 0)) {
        event.events |= EPOLLOUT;
    }
    if (job->watched && job->interest == event.events) {
        return true;
    }
    int op = job->watched ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
    if (epoll_ctl(job->driver->epoll_fd, op, job->fd, &event) != 0) {
        return false;
    }
    job->watched = true;
    job->interest = event.events;
    return true;
}

static void advance(struct infra__job *job, infra_time now)
{
    struct infra_driver *d = job->driver;
    enum progress progress = MOVED;

    for (uint32_t i = 0; i < STEPS_MAX && progress == MOVED; i++) {
        progress = serve(job, now);
        if (progress == WAITING && !watch(job)) {
            fail(job, ENOMEM, now);
            progress = MOVED;
        }
    }
    if (progress == OVER) {
        hang_up(job);
        infra__timers_set(&d->timers, job->slot, INFRA_TIME_NEVER);
        job->running = false;
        job->done(job->owner, now);
        return;
    }
    /* Who has more to do than fits goes on in the next turn. */
    infra__timers_set(&d->timers, job->slot,
                      progress == WAITING ? deadline(job) : now);
}

void infra__job_start(struct infra__job *job, infra_time now)
{
    assert(!job->running && job->link == INFRA__LINK_NONE);
    job->running = true;
    advance(job, now);
}

void infra__job_cancel(struct infra__job *job)
{
    struct infra_driver *d = job->driver;

    if (job->link != INFRA__LINK_NONE && getpid() != d->pid) {
        let_go(job); /* The socket and the epoll set are still the parent's. */
    }
    job->owes = false; /* Who gives up may be rude. */
    hang_up(job);
    infra__timers_set(&d->timers, job->slot, INFRA_TIME_NEVER);
    job->running = false;
}

static void heard(struct infra__job *job, uint32_t events, uint32_t reads,
                  infra_time now)
{
    if (job->link == INFRA__LINK_CONNECTING) {
        int error = infra__socket_error(job->fd);
        if (error != 0) {
            fail(job, error, now);
        } else {
            connected(job, now);
        }
    } else if (job->link == INFRA__LINK_ENDED &&
               (events & (EPOLLERR | EPOLLHUP)) != 0) {
        fail(job, ECONNRESET, now); /* Both ways are shut, for good. */
    } else if ((events & (EPOLLIN | EPOLLERR | EPOLLHUP)) != 0) {
        job->reads_left = reads;
    }
    advance(job, now);
}

void infra__job_ready(struct infra__job *job, uint32_t events, infra_time now)
{
    heard(job, events, READS_MAX, now);
}

void infra__job_expire(struct infra__job *job, infra_time now)
{
    /* The answer may wait in the socket: this process was stopped, or epoll had
     * more to tell than fitted. It is taken before it is called late. */
    if (job->link != INFRA__LINK_NONE) {
        struct pollfd p = { .fd = job->fd,
                            .events = job->link == INFRA__LINK_CONNECTING
                                          ? POLLOUT
                                          : POLLIN };
        if (poll(&p, 1, 0) > 0) {
            heard(job, (uint32_t)p.revents, READS_LAST_MAX, now);
        }
    }
    if (!job->running) {
        return;
    }
    if (deadline(job) <= now) {
        job->owes = false;
        if (job->link == INFRA__LINK_CONNECTING) {
            hang_up(job);
        }
        note(job, INFRA_NOTE_DEADLINE, 0, now);
    }
    advance(job, now);
}
