/* SPDX-License-Identifier: MIT */
#include "http.h"

#include <infra/lease.h>

#include <assert.h>
#include <string.h>

#define HEADER_MAX 8192u

enum state {
    CLOSED,
    CONNECTING,
    SECURING,
    TALKING,
    RESTING, /* Connected, without a request. */
    CLOSING,
};

void infra__etcd_http_init(struct infra__etcd_http *l,
                           const struct infra__etcd_http_owner *ops,
                           void *owner, uint32_t endpoints_count, bool tls)
{
    l->ops = ops;
    l->owner = owner;
    l->endpoints_count = endpoints_count;
    l->tls = tls;
    l->state = CLOSED;
    l->deadline = INFRA_TIME_NEVER;
}

static void advance(struct infra__etcd_http *l, infra_time now)
{
    l->now = now > l->now ? now : l->now;
}

static bool is_connected(const struct infra__etcd_http *l)
{
    return l->state != CLOSED && l->state != CLOSING;
}

static void talk(struct infra__etcd_http *l, bool is_fresh)
{
    l->state = TALKING;
    l->is_fresh = is_fresh;
    l->request_sent = 0;
    l->body_size = 0;
    l->is_too_long = false;
    infra__http_reply_start(&l->reply, HEADER_MAX, true);
}

/* Give up the request; the connection, if any, is not used again. */
static void hang_up(struct infra__etcd_http *l)
{
    if (is_connected(l)) {
        l->state = CLOSING;
    }
    if (l->has_request) { /* Else it is the deadline of a sleep. */
        l->deadline = INFRA_TIME_NEVER;
    }
    l->has_request = false;
}

static void rotate(struct infra__etcd_http *l)
{
    l->endpoint = (l->endpoint + 1) % l->endpoints_count;
}

static void fail(struct infra__etcd_http *l, uint32_t reason)
{
    bool had_request = l->has_request;

    hang_up(l);
    if (had_request) {
        rotate(l);
        l->ops->failed(l->owner, reason, l->now);
    }
}

void infra__etcd_http_send(struct infra__etcd_http *l, const char *request,
                           size_t size, infra_time deadline, infra_time now)
{
    advance(l, now);
    if (l->has_request) {
        hang_up(l);
    }
    l->request = request;
    l->request_size = size;
    l->deadline = deadline;
    l->has_request = true;
    if (l->state == RESTING) {
        talk(l, false);
    } else if (l->state == CLOSED) {
        l->state = CONNECTING;
    }
}

void infra__etcd_http_leave(struct infra__etcd_http *l)
{
    hang_up(l);
    rotate(l);
}

void infra__etcd_http_sleep(struct infra__etcd_http *l, infra_time until)
{
    assert(!l->has_request);
    l->deadline = until;
}

void infra__etcd_http_extend(struct infra__etcd_http *l, infra_time deadline)
{
    l->deadline = deadline;
}

static uint32_t want(const void *self)
{
    static const uint32_t wants[] = {
        [CLOSED] = INFRA_WANT_IDLE,  [CONNECTING] = INFRA_WANT_CONNECT,
        [SECURING] = INFRA_WANT_TLS, [TALKING] = INFRA_WANT_IO,
        [RESTING] = INFRA_WANT_IDLE, [CLOSING] = INFRA_WANT_CLOSE,
    };

    return wants[((const struct infra__etcd_http *)self)->state];
}

static uint32_t endpoint(const void *self)
{
    return ((const struct infra__etcd_http *)self)->endpoint;
}

static infra_time deadline(const void *self)
{
    return ((const struct infra__etcd_http *)self)->deadline;
}

static size_t output(void *self, const void **ret)
{
    struct infra__etcd_http *l = self;

    if (l->state != TALKING) {
        return 0;
    }
    *ret = l->request + l->request_sent;
    return l->request_size - l->request_sent;
}

static void sent(void *self, size_t count, infra_time now)
{
    struct infra__etcd_http *l = self;

    advance(l, now);
    if (l->state == TALKING) {
        assert(count <= l->request_size - l->request_sent);
        l->request_sent += count;
    }
}

static void complete(struct infra__etcd_http *l, bool is_kept)
{
    if (l->is_too_long) {
        fail(l, INFRA_LEASE_REASON_TOO_LONG);
        return;
    }
    /* A server that answers early will not understand the rest. */
    l->state =
        is_kept && l->request_sent == l->request_size ? RESTING : CLOSING;
    l->has_request = false;
    l->deadline = INFRA_TIME_NEVER;
    l->ops->replied(l->owner, l->reply.status, l->body, l->body_size, l->now);
}

/* Lines of an endless body. The owner may hang up at each. */
static void collect_lines(struct infra__etcd_http *l, struct infra__bytes piece)
{
    for (size_t i = 0; i < piece.count && l->state == TALKING; i++) {
        char c = (char)piece.at[i];
        if (c == '\n') {
            size_t size = l->is_too_long ? 0 : l->body_size;
            l->body_size = 0;
            l->is_too_long = false;
            l->ops->heard(l->owner, l->body, size, l->now);
        } else if (l->body_size < sizeof l->body) {
            l->body[l->body_size++] = c;
        } else {
            l->is_too_long = true;
        }
    }
}

static void collect(struct infra__etcd_http *l, struct infra__bytes piece)
{
    if (l->ops->heard != NULL && l->reply.status == 200) {
        collect_lines(l, piece);
        return;
    }
    if (piece.count > sizeof l->body - l->body_size) {
        l->is_too_long = true;
        fail(l, INFRA_LEASE_REASON_TOO_LONG);
        return;
    }
    memcpy(l->body + l->body_size, piece.at, piece.count);
    l->body_size += piece.count;
}

/* Bytes came before a request was sent. After a reply they belong to no
 * request, and bytes after them would be taken for the next reply: the
 * request, if any, goes over another connection. */
static void unasked_for(struct infra__etcd_http *l)
{
    if (l->has_request && l->is_fresh) {
        fail(l, INFRA_LEASE_REASON_MALFORMED);
    } else {
        l->state = CLOSING;
    }
}

static void input(void *self, const void *bytes, size_t count, infra_time now)
{
    struct infra__etcd_http *l = self;
    struct infra__bytes in = { .at = bytes, .count = count };
    struct infra__bytes piece;

    advance(l, now);
    if (count > 0 && (l->state == RESTING ||
                      (l->state == TALKING && l->request_sent == 0))) {
        unasked_for(l);
    }
    while (l->state == TALKING) {
        switch (infra__http_reply_next(&l->reply, &in, &piece)) {
        case INFRA__HTTP_MORE:
            return;
        case INFRA__HTTP_HEAD:
            break;
        case INFRA__HTTP_BODY:
            collect(l, piece);
            break;
        case INFRA__HTTP_END:
            /* Bytes after it would belong to no request. */
            complete(l, in.count == 0);
            return;
        case INFRA__HTTP_BAD:
            fail(l, INFRA_LEASE_REASON_MALFORMED);
            break;
        }
    }
}

static uint32_t reason_of(const struct infra__etcd_http *l, uint32_t outcome)
{
    switch (outcome) {
    case INFRA_OUTCOME_LOCAL:
        return INFRA_LEASE_REASON_LOCAL;
    case INFRA_OUTCOME_TIMEOUT:
        return INFRA_LEASE_REASON_TIMEOUT;
    default:
        return l->state == SECURING ? INFRA_LEASE_REASON_TLS
                                    : INFRA_LEASE_REASON_UNREACHABLE;
    }
}

static void connected(struct infra__etcd_http *l)
{
    if (l->state == CONNECTING && l->tls) {
        l->state = SECURING;
    } else if (l->state == CONNECTING) {
        talk(l, true);
    }
}

static void ended(struct infra__etcd_http *l)
{
    if (l->state == TALKING &&
        infra__http_reply_eof(&l->reply) == INFRA__HTTP_END) {
        complete(l, false);
    } else {
        fail(l, INFRA_LEASE_REASON_UNREACHABLE);
    }
}

static void expired(struct infra__etcd_http *l)
{
    if (l->now < l->deadline) {
        return;
    }
    if (l->has_request) {
        fail(l, INFRA_LEASE_REASON_TIMEOUT);
    } else {
        l->deadline = INFRA_TIME_NEVER;
        if (l->ops->woken != NULL) {
            l->ops->woken(l->owner, l->now);
        }
    }
}

static void note(void *self, uint32_t what, uint32_t detail, infra_time now)
{
    struct infra__etcd_http *l = self;

    advance(l, now);
    switch (what) {
    case INFRA_NOTE_CONNECTED:
        connected(l);
        break;
    case INFRA_NOTE_TLS_UP:
        if (l->state == SECURING) {
            talk(l, true);
        }
        break;
    case INFRA_NOTE_EOF:
        ended(l);
        break;
    case INFRA_NOTE_TRUNCATED:
        fail(l, INFRA_LEASE_REASON_UNREACHABLE);
        break;
    case INFRA_NOTE_FAILED:
        fail(l, reason_of(l, detail));
        break;
    case INFRA_NOTE_CLOSED:
        if (l->state == CLOSING) {
            l->state = l->has_request ? CONNECTING : CLOSED;
        }
        break;
    default:
        expired(l);
        break;
    }
}

static const struct infra_exchange_ops exchange_ops = {
    .size = sizeof exchange_ops,
    .want = want,
    .endpoint = endpoint,
    .output = output,
    .sent = sent,
    .input = input,
    .note = note,
    .deadline = deadline,
};

struct infra_exchange infra__etcd_http_exchange(struct infra__etcd_http *l)
{
    return (struct infra_exchange) { .ops = &exchange_ops, .self = l };
}
