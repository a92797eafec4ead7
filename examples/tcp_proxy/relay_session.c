/* SPDX-License-Identifier: MIT */
/*
 * The life of a session: pick a backend, connect, relay, close.
 *
 * A backend that cannot be connected costs the client nothing: the ticket goes
 * back with the reason and another backend is picked, as long as no byte was
 * sent. Then each direction ends for itself: its end of stream is passed on
 * once all bytes before it are written, and the session ends with the second.
 * A reset is passed on, too, after the bytes before it.
 *
 * A socket is entered into epoll once, for edges; it waits for room only after
 * it was full, and leaves by being closed (measured with bench/against.sh).
 */
#include "relay_private.h"

#include <errno.h>
#include <infra/driver.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

/* A session's place in its phase's list is renewed at most this often. */
#define TOUCH_INTERVAL INFRA_MS(100)

static void unlink_session(struct relay_session *s)
{
    s->link.prev->next = s->link.next;
    s->link.next->prev = s->link.prev;
}

/* Put it at the young end of its phase. */
static void enter(struct relay *relay, struct relay_session *s,
                  enum relay_phase phase)
{
    struct relay_link *list = &relay->phases[phase];

    s->phase = phase;
    s->since = relay->now;
    s->link = (struct relay_link) { .next = list, .prev = list->prev };
    list->prev->next = &s->link;
    list->prev = &s->link;
}

static void move(struct relay *relay, struct relay_session *s,
                 enum relay_phase phase)
{
    unlink_session(s);
    enter(relay, s, phase);
}

/* Not if the kernel still has bytes to send. */
void relay_reset_fd(int fd)
{
    const struct linger at_once = { .l_onoff = 1, .l_linger = 0 };
    int unsent = 0;

    if (ioctl(fd, SIOCOUTQNSD, &unsent) == 0 && unsent == 0) {
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    }
    close(fd);
}

static void close_side(struct relay *relay, struct relay_side *side, bool reset)
{
    relay_drop(&relay->pool, side);
    if (side->fd >= 0) {
        if (reset) {
            relay_reset_fd(side->fd);
        } else {
            close(side->fd);
        }
    }
    side->fd = -1;
}

/* End: the outcome to the balancer, an end or a reset to the sockets. */
static void end(struct relay *relay, struct relay_session *s,
                enum relay_end reason, uint32_t outcome, bool reset)
{
    relay_metrics_bytes(&relay->options.metrics, s);
    relay_metrics_end(&relay->options.metrics, reason, relay->now - s->began);
    relay_log_end(relay, s, reason);
    if (s->backend.fd >= 0) {
        relay_give_back(relay, s, outcome);
    }
    close_side(relay, &s->backend, reset);
    close_side(relay, &s->client, reset);
    unlink_session(s);
    relay->sessions_count--;
    relay_limits_leave(relay->options.limits, s->source);
    relay_limits_release(relay->options.limits);
    relay->has_place = true;
    relay_gate_leave(s);
    free(s);
}

/* This backend could not be connected: try the next, with the client's bytes so
 * far. False: the session is over. */
static bool reconnect(struct relay *relay, struct relay_session *s,
                      uint32_t outcome)
{
    relay_give_back(relay, s, outcome);
    close(s->backend.fd);
    s->backend.fd = -1;
    if (!relay_connect(relay, s)) {
        end(relay, s, RELAY_END_NO_BACKEND, INFRA_OUTCOME_LOCAL, true);
        return false;
    }
    move(relay, s, RELAY_CONNECTING);
    return true;
}

/* Why did the connection to the backend break?  By a failed call, or by the
 * socket's error; a hang-up without one is a reset. */
static uint32_t outcome_of_break(const struct relay_side *backend)
{
    int error = backend->error;
    socklen_t size = sizeof error;

    if (error == 0) {
        getsockopt(backend->fd, SOL_SOCKET, SO_ERROR, &error, &size);
    }
    return infra_outcome_of_errno(error != 0 ? error : ECONNRESET);
}

/* Advance the connect.  False: the session is over. */
static bool settle_connect(struct relay *relay, struct relay_session *s)
{
    if (s->client.broken) {
        end(relay, s, RELAY_END_CLIENT_RESET, INFRA_OUTCOME_ABANDONED, true);
        return false;
    }
    if (s->backend.broken) {
        return reconnect(relay, s, outcome_of_break(&s->backend));
    }
    if (s->backend.writable) {
        s->connect_time = infra_driver_now() - s->connect_start;
        infra_balancer_report(relay->options.reader, &s->ticket,
                              INFRA_OUTCOME_OK, s->connect_time);
        relay_metrics_connect(&relay->options.metrics,
                              s->tried[s->tried_count - 1], s->connect_time);
        move(relay, s, s->untold ? RELAY_SILENT : RELAY_OPEN);
    }
    return true;
}

/* The first bytes of a session show which side speaks first in this
 * protocol. */
static void learn(struct relay *relay, struct relay_session *s,
                  bool client_spoke)
{
    s->has_said = true;
    relay->clients_speak_first = client_spoke;
    if (s->phase == RELAY_SILENT) {
        move(relay, s, RELAY_OPEN);
    }
}

/* The client is silent: let the backend see the connection now, and the next
 * one at once. */
static void break_silence(struct relay *relay, struct relay_session *s)
{
    const int on = 1;

    setsockopt(s->backend.fd, IPPROTO_TCP, TCP_QUICKACK, &on, sizeof on);
    relay->clients_speak_first = false;
    move(relay, s, RELAY_OPEN);
}

/* Pass on the end of a side, which is read only after all bytes before it are
 * written to the other.  False: the session is over. */
static bool settle_ends(struct relay *relay, struct relay_session *s)
{
    bool up = s->client.eof;
    bool down = s->backend.eof;

    if (s->backend.broken || s->client.broken) {
        /* Bytes before a reset are passed on while the other side takes
         * them. */
        bool over = s->client.broken ? up || s->backend.broken : down;
        if (over) {
            end(relay, s,
                s->backend.broken ? RELAY_END_BACKEND_RESET
                                  : RELAY_END_CLIENT_RESET,
                s->backend.broken ? outcome_of_break(&s->backend)
                                  : INFRA_OUTCOME_ABANDONED,
                true);
        }
        return !over;
    }
    if (up && down) {
        end(relay, s, RELAY_END_DONE, INFRA_OUTCOME_OK, false);
        return false;
    }
    struct relay_side *to = up ? &s->backend : &s->client;
    if ((up || down) && !to->shut) {
        to->shut = true;
        shutdown(to->fd, SHUT_WR);
        if (s->phase != RELAY_ASKED) { /* Its time goes on. */
            move(relay, s, RELAY_HALF_CLOSED);
        }
    }
    return true;
}

/* A backend that does not answer its client is not well, which no check of its
 * port can see: its kernel goes on accepting connections. */
static void mind_answer(struct relay *relay, struct relay_session *s,
                        bool client_spoke, bool backend_spoke)
{
    if (backend_spoke && s->phase == RELAY_ASKED) {
        move(relay, s, s->backend.shut ? RELAY_HALF_CLOSED : RELAY_OPEN);
    } else if (client_spoke && !backend_spoke &&
               (s->phase == RELAY_OPEN || s->phase == RELAY_ASKED)) {
        move(relay, s, RELAY_ASKED);
    }
}

/* Register the side's events with epoll.  None is removed: an edge too many
 * costs less than a call. */
static bool watch(struct relay *relay, struct relay_side *side)
{
    uint32_t events = side->watched | EPOLLIN | EPOLLPRI | EPOLLRDHUP | EPOLLET;

    events |= side->writable ? 0 : (uint32_t)EPOLLOUT;
    if (events == side->watched) {
        return true;
    }
    struct epoll_event event = { .events = events, .data = { .ptr = side } };
    int op = side->watched == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;
    side->watched = events;
    return epoll_ctl(relay->epoll_fd, op, side->fd, &event) == 0;
}

static void make_ready(struct relay *relay, struct relay_session *s)
{
    if (!s->ready) {
        s->ready = true;
        s->ready_next = relay->ready;
        relay->ready = s;
    }
}

void relay_session_serve(struct relay *relay, struct relay_session *s)
{
    if (relay->options.gates != NULL && !relay_gate_allows(relay, s)) {
        relay_session_cut(relay, s);
        return;
    }
    if (s->phase == RELAY_CONNECTING && !settle_connect(relay, s)) {
        return;
    }
    unsigned up = relay_pump(&relay->pool, &s->client, &s->backend);
    unsigned down = relay_pump(&relay->pool, &s->backend, &s->client);

    if (!s->has_said && ((up | down) & RELAY_MOVED) != 0) {
        learn(relay, s, (up & RELAY_MOVED) != 0);
    }
    if (((up | down) & RELAY_MOVED) != 0) {
        relay_metrics_bytes(&relay->options.metrics, s);
    }
    if (relay->options.answer_timeout != 0) {
        mind_answer(relay, s, (up & RELAY_MOVED) != 0,
                    (down & RELAY_MOVED) != 0);
    }
    if (s->phase != RELAY_CONNECTING && !settle_ends(relay, s)) {
        return;
    }
    if (!watch(relay, &s->client) || !watch(relay, &s->backend)) {
        end(relay, s, RELAY_END_SHORTAGE, INFRA_OUTCOME_LOCAL, true);
        return;
    }
    if (((up | down) & RELAY_MORE) != 0) {
        make_ready(relay, s);
    }
    if (((up | down) & RELAY_MOVED) != 0 &&
        relay->now - s->since >= TOUCH_INTERVAL) {
        move(relay, s, s->phase);
    }
}

void relay_session_start(struct relay *relay, int fd,
                         const struct relay_arrival *arrival)
{
    struct relay_session *s = calloc(1, sizeof *s);

    if (s == NULL) {
        relay->exhausted = true;
        relay_limits_leave(relay->options.limits, arrival->source);
        relay_limits_release(relay->options.limits);
        relay_reset_fd(fd);
        return;
    }
    s->client =
        (struct relay_side) { .session = s, .fd = fd, .writable = true };
    s->backend = (struct relay_side) { .session = s, .fd = -1 };
    s->hash = arrival->hash;
    s->source = arrival->source;
    s->pass = arrival->pass;
    s->address = arrival->address;
    s->began = relay->now;
    enter(relay, s, RELAY_CONNECTING);
    relay_metrics_begin(&relay->options.metrics);
    relay->sessions_count++;
    relay_gate_enter(s);
    if (!relay_connect(relay, s)) {
        end(relay, s,
            relay->exhausted ? RELAY_END_SHORTAGE : RELAY_END_NO_BACKEND,
            INFRA_OUTCOME_LOCAL, true);
    } else if (!watch(relay, &s->client) || !watch(relay, &s->backend)) {
        relay->exhausted = true;
        end(relay, s, RELAY_END_SHORTAGE, INFRA_OUTCOME_LOCAL, true);
    }
}

void relay_session_note(struct relay *relay, struct relay_side *side,
                        uint32_t events)
{
    const uint32_t last = EPOLLRDHUP | EPOLLHUP | EPOLLERR;

    side->readable |= (events & (EPOLLIN | EPOLLPRI | last)) != 0;
    side->to_the_end |= (events & (EPOLLPRI | last)) != 0;
    side->writable |= (events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) != 0;
    side->broken |= (events & EPOLLERR) != 0;
    make_ready(relay, side->session);
}

void relay_session_expire(struct relay *relay, struct relay_session *s)
{
    if (s->phase == RELAY_SILENT) {
        break_silence(relay, s);
    } else if (s->phase == RELAY_ASKED) {
        end(relay, s, RELAY_END_NO_ANSWER, INFRA_OUTCOME_TIMEOUT, true);
    } else if (s->phase != RELAY_CONNECTING) {
        end(relay, s, RELAY_END_IDLE, INFRA_OUTCOME_ABANDONED, false);
    } else if (reconnect(relay, s, INFRA_OUTCOME_TIMEOUT)) {
        make_ready(relay, s);
    }
}

void relay_session_cut(struct relay *relay, struct relay_session *s)
{
    end(relay, s, RELAY_END_CUT, INFRA_OUTCOME_ABANDONED, false);
}
