/* SPDX-License-Identifier: MIT */
/* A job's connection from dialling to hanging up.
 *
 * The packet that would end TCP's handshake is held back, as HAProxy does for
 * its checks, until there is something to say. A check that only wants to see
 * the connection says nothing: it resets it, and the server's program is never
 * woken, logs nothing, and counts no aborted connection against us. */
#include "internal.h"

#include <errno.h>
#include <sys/epoll.h>
#include <unistd.h>

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
    /* Closing alone would leave the socket in the epoll set for as long as a
     * child that was forked meanwhile holds a copy of the descriptor. */
    if (job->watched) {
        (void)epoll_ctl(job->driver->epoll_fd, EPOLL_CTL_DEL, job->fd, NULL);
    }
    /* Who closes first pays with TIME_WAIT, a minute of a local port for each
     * check. A reset costs neither side anything and loses nothing, unless the
     * peer has still to read what we sent last. */
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
    /* A dead server's port on this very machine may be drawn as the local port
     * of the check: then TCP's simultaneous open connects the socket with
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
