/* SPDX-License-Identifier: MIT */
/* A job's connection from dialling to hanging up.
 *
 * The packet that ends TCP's handshake is held back, as HAProxy does for its
 * checks, until there are bytes to send. A check of the connection alone sends
 * none: it resets, so that the server's program is never woken, logs nothing
 * and counts no aborted connection.
 *
 * A connection may outlive its exchange (linger): an HTTP check is decided by
 * the head, and a server whose body then meets a reset logs an error for each
 * check. So bytes are read and thrown away until the peer ends its stream,
 * which also leaves TIME_WAIT to the peer. A peer that does not end in time is
 * closed in order, a peer that floods is reset. Meanwhile the job is not
 * running: its owner has the result and may start the next exchange, which ends
 * this connection. */
#include "internal.h"

#include <errno.h>
#include <stddef.h>
#include <sys/epoll.h>
#include <unistd.h>

#define LINGER_READS_MAX 4u         /* In one turn. */
#define LINGER_BYTES_MAX (1u << 20) /* In all. */

static bool is_tcp(const struct infra__job *job)
{
    return job->addresses[job->endpoint].storage.ss_family != AF_UNIX;
}

void infra__link_let_go(struct infra__job *job, bool quiet)
{
    infra__stream_end(job, quiet);
    (void)close(job->fd);
    job->link = INFRA__LINK_NONE;
    job->watched = false;
    job->owes = false;
    job->reads_left = 0;
    job->driver->slots[job->slot].generation++;
}

void infra__link_hang_up(struct infra__job *job)
{
    if (job->link == INFRA__LINK_NONE) {
        return;
    }
    /* Closing alone leaves the socket in the epoll set while a forked child
     * holds a copy of the descriptor. */
    if (job->watched) {
        (void)epoll_ctl(job->driver->epoll_fd, EPOLL_CTL_DEL, job->fd, NULL);
    }
    /* The side that closes first pays with TIME_WAIT, a minute of a local port
     * for each check. A reset costs nothing, and loses nothing unless the peer
     * has still to read our last bytes. */
    if (job->link == INFRA__LINK_OPEN && !job->owes && is_tcp(job)) {
        infra__socket_set_abort(job->fd);
    }
    infra__link_let_go(job, job->link != INFRA__LINK_OPEN || !job->secured);
}

void infra__link_fail(struct infra__job *job, uint32_t outcome, infra_time now)
{
    if (job->link != INFRA__LINK_NONE) {
        job->link = INFRA__LINK_ENDED;
    }
    infra__link_hang_up(job);
    infra__job_note(job, INFRA_NOTE_FAILED, outcome, now);
}

void infra__link_fail_errno(struct infra__job *job, int error, infra_time now)
{
    const struct infra__address *peer = &job->addresses[job->endpoint];

    infra__link_fail(job, infra__socket_outcome(error, peer), now);
}

void infra__link_connected(struct infra__job *job, infra_time now)
{
    /* The port of a dead server on this machine may be drawn as the local port
     * of the check: TCP's simultaneous open then connects the socket to
     * itself. */
    if (infra__socket_is_own_peer(job->fd, &job->addresses[job->endpoint])) {
        infra__link_fail_errno(job, ECONNREFUSED, now);
        return;
    }
    job->link = INFRA__LINK_OPEN;
    job->read_awaits = EPOLLIN;
    infra__job_note(job, INFRA_NOTE_CONNECTED, 0, now);
    uint32_t next = infra__job_want(job);
    if (!is_tcp(job) || next == INFRA_WANT_DONE || next == INFRA_WANT_CLOSE) {
        return;
    }
    infra__socket_set_nodelay(job->fd);
    if (next != INFRA_WANT_TLS && !infra__job_has_output(job)) {
        infra__socket_set_quickack(job->fd, true); /* It speaks first. */
    }
}

bool infra__link_watch(struct infra__job *job, uint32_t events)
{
    struct epoll_event event = { .events = events,
                                 .data.u64 = infra__job_epoll_data(job) };
    int op = job->watched ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;

    if (job->watched && job->interest == events) {
        return true;
    }
    if (epoll_ctl(job->driver->epoll_fd, op, job->fd, &event) != 0) {
        return false;
    }
    job->watched = true;
    job->interest = events;
    return true;
}

bool infra__link_dial(struct infra__job *job, infra_time now)
{
    if (job->link == INFRA__LINK_CONNECTING) {
        return false;
    }
    infra__link_hang_up(job);
    uint32_t endpoint = job->exchange.ops->endpoint(job->exchange.self);
    if (endpoint >= job->addresses_count) {
        infra__job_note(job, INFRA_NOTE_FAILED, INFRA_OUTCOME_LOCAL, now);
        return true;
    }
    job->endpoint = endpoint;
    int error = infra__socket_connect(&job->addresses[endpoint], &job->fd);
    if (error == EINPROGRESS) {
        job->link = INFRA__LINK_CONNECTING;
        return false;
    }
    if (error != 0) {
        infra__link_fail_errno(job, error, now);
        return true;
    }
    job->link = INFRA__LINK_OPEN;
    infra__link_connected(job, now);
    return true;
}

static infra_time linger_until(const struct infra__job *job)
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

    for (uint32_t i = 0; i < LINGER_READS_MAX; i++) {
        long answer =
            infra__stream_read(job, d->bytes, sizeof d->bytes, &outcome);
        if (answer == INFRA_TLS_WANT_READ) {
            return FOUND_NOTHING;
        }
        if (answer <= 0) { /* Nor is a wait to write worth it. */
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
    /* A session may hold bytes that epoll does not see. */
    infra__timers_set(&job->driver->timers, job->slot,
                      found == FOUND_MORE ? now : job->linger_until);
}

void infra__linger_begin(struct infra__job *job, infra_time now)
{
    job->linger_until = job->link == INFRA__LINK_OPEN ? linger_until(job) : 0;
    job->linger_left = LINGER_BYTES_MAX;
    job->lingers = now < job->linger_until && infra__link_watch(job, EPOLLIN);
    if (!job->lingers) {
        infra__linger_end(job);
        return;
    }
    job->owes = true; /* Unless it floods. */
    infra__linger_go_on(job, now);
}
