/* SPDX-License-Identifier: MIT */
/*
 * From a session to a backend's socket: pick, connect, and the ticket's way
 * back.
 *
 * Where clients speak first, the last packet of the handshake with the backend
 * waits for the request and goes with it (Linux does so for a TCP_DEFER_ACCEPT
 * set before connect()): one packet and one wake-up of the backend less, a
 * quarter of its time per connection, as bench/against.sh shows.  A silent
 * client is waited for no longer than SILENCE_LIMIT, and for the next session
 * the packet is not held back.
 */
#include "relay_private.h"

#include <errno.h>
#include <infra/driver.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

void relay_give_back(struct relay *relay, struct relay_session *s,
                     uint32_t outcome)
{
    const struct relay_options *o = &relay->options;

    infra_balancer_release(o->reader, &s->ticket, outcome, relay->now);
    if (o->outlier != NULL &&
        infra_outlier_report(o->outlier, s->tried[s->tried_count - 1], outcome,
                             s->connect_time) == 1) {
        infra_driver_wake(o->driver);
    }
}

bool relay_is_shortage(int error)
{
    return error == EMFILE || error == ENFILE || error == ENOBUFS ||
           error == ENOMEM;
}

/* An accepted client gets its backend's socket, from the reserve if need be. */
static int open_socket(struct relay *relay, int family)
{
    const int type = SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC;
    int fd = socket(family, type, 0);

    if (fd < 0 && relay_is_shortage(errno) && relay->reserve_fd >= 0) {
        close(relay->reserve_fd);
        relay->reserve_fd = -1;
        fd = socket(family, type, 0);
    }
    return fd;
}

/* Start a connection; 0 or an errno. */
static int connect_start(struct relay *relay, struct relay_session *s,
                         const struct relay_address *to, bool untold)
{
    const int on = 1;
    int fd = open_socket(relay, to->storage.ss_family);

    if (fd < 0) {
        return errno;
    }
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (untold) {
        setsockopt(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, &on, sizeof on);
    }
    if (connect(fd, (const struct sockaddr *)&to->storage, to->size) != 0 &&
        errno != EINPROGRESS) {
        int error = errno;
        close(fd);
        return error;
    }
    s->backend = (struct relay_side) { .session = s,
                                       .fd = fd,
                                       .out = s->backend.out,
                                       .passed = s->backend.passed,
                                       .counted = s->backend.counted,
                                       .is_kept = s->backend.is_kept };
    s->untold = untold;
    return 0;
}

bool relay_connect(struct relay *relay, struct relay_session *s)
{
    while (s->tried_count < RELAY_TRIES_MAX) {
        struct infra_request request = { .tried = s->tried,
                                         .tried_count = s->tried_count,
                                         .hash = s->hash };
        int id = infra_balancer_pick(relay->options.reader, &request,
                                     relay->now, &s->ticket);
        if (id < 0) {
            return false;
        }
        s->tried[s->tried_count++] = (uint32_t)id;
        s->connect_start = infra_driver_now();
        s->connect_time = 0;
        int error = connect_start(relay, s, &relay->options.backends[id],
                                  relay->clients_speak_first);
        if (error == 0) {
            return true;
        }
        relay_give_back(relay, s, infra_outcome_of_errno(error));
        if (relay_is_shortage(error)) {
            relay->exhausted = true;
            return false;
        }
    }
    return false;
}
