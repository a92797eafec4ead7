/* SPDX-License-Identifier: MIT */
/*
 * TLS on a link, through the functions of struct infra_tls.
 *
 * A socket is watched for edges, and a TLS library may have to write before it
 * can read, and the other way round.  So an event of such a link means that
 * both may go on (worker.c), and what has waited for the other direction is
 * tried again once that direction has moved.  A read goes on until the library
 * wants more from the socket, so that nothing is left inside it.
 */
#include "link.h"

#include "worker.h"

#include <errno.h>
#include <sys/socket.h>

static void set_special(struct link *l)
{
    l->is_special = l->session != NULL || l->read_max > 0;
}

void link_limit_read(struct link *l, unsigned char max)
{
    l->read_max = max;
    set_special(l);
}

bool link_start_tls(struct link *l, const struct infra_tls *tls,
                    const char *name)
{
    if (!link_flush(l) || link_in_size(l) > 0) {
        link_break(l, EPROTO);
        return false;
    }
    l->session = tls->open(tls->user, l->fd, name);
    if (l->session == NULL) {
        link_break(l, ENOMEM);
        return false;
    }
    l->tls = tls;
    l->is_shaking = true;
    l->readable = true;
    link_limit_read(l, 0);
    return true;
}

void link_tls_end(struct link *l)
{
    if (l->session != NULL) {
        l->tls->close(l->session, l->broken || l->is_shaking);
        l->session = NULL;
        set_special(l);
    }
}

/* Nothing has moved. */
static void stop(struct link *l, long answer, bool is_read)
{
    bool waits =
        answer == INFRA_TLS_WANT_READ || answer == INFRA_TLS_WANT_WRITE;

    if (is_read || !waits) {
        l->readable = false;
    }
    if (!is_read || answer == INFRA_TLS_WANT_WRITE) {
        l->writable = false;
    }
    l->is_crossed = l->is_crossed || answer == (is_read ? INFRA_TLS_WANT_WRITE
                                                        : INFRA_TLS_WANT_READ);
    if (is_read && (answer == INFRA_TLS_CLOSED ||
                    answer == INFRA_TLS_TRUNCATED || answer == 0)) {
        l->eof = true;
    } else if (!waits) {
        link_break(l, EPROTO);
    }
}

/* Something may have moved, so what has waited for it is tried again. */
static void uncross(struct link *l)
{
    if (l->is_crossed) {
        l->is_crossed = false;
        l->readable = l->writable = true;
        worker_ready(l->worker, l);
    }
}

/* True: the handshake is over. */
static bool shake_hands(struct link *l, bool is_read)
{
    int answer = l->tls->handshake(l->session);

    if (answer == 0) {
        l->is_shaking = false;
        l->is_crossed = false;
        l->readable = l->writable = true;
        return true;
    }
    stop(l, answer, is_read);
    if (l->eof) {
        link_break(l, ECONNRESET);
    }
    return false;
}

/* The start of a stream, of which no more than read_max bytes are read. */
static bool read_limited(struct link *l, size_t room)
{
    size_t have = link_in_size(l);

    room = have >= l->read_max         ? 0
           : room < l->read_max - have ? room
                                       : l->read_max - have;
    ssize_t n = room == 0 ? -1 : recv(l->fd, l->in.at + l->in.end, room, 0);
    if (n > 0) {
        l->in.end += (size_t)n;
        return true;
    }
    if (room == 0) {
        return false;
    }
    l->readable = n < 0 && errno == EINTR;
    if (n == 0) {
        l->eof = true;
    } else if (errno != EAGAIN && errno != EINTR) {
        link_break(l, errno);
    }
    return false;
}

bool link_tls_read(struct link *l, size_t room)
{
    if (l->session == NULL) {
        return read_limited(l, room);
    }
    if (l->is_shaking && !shake_hands(l, true)) {
        return false;
    }
    long n = l->tls->read(l->session, l->in.at + l->in.end, room);
    if (n > 0) {
        l->in.end += (size_t)n;
        uncross(l);
        return true;
    }
    bool was_crossed = l->is_crossed;
    stop(l, n, true);
    if (was_crossed && n == INFRA_TLS_WANT_READ) {
        l->is_crossed = false;
        l->writable = true;
        worker_ready(l->worker, l);
    }
    return false;
}

size_t link_tls_write(struct link *l, const unsigned char *bytes, size_t size)
{
    size_t done = 0;

    if (l->is_shaking && !shake_hands(l, false)) {
        return 0;
    }
    while (done < size) {
        long n = l->tls->write(l->session, bytes + done, size - done);
        if (n <= 0) {
            stop(l, n, false);
            break;
        }
        done += (size_t)n;
    }
    if (done > 0) {
        uncross(l);
    }
    return done;
}
