/* SPDX-License-Identifier: MIT */
/* HTTP requests to one of several servers, one at a time, as an exchange: the
 * connection is kept between them, and made anew, at the next server, when
 * something was wrong with it. What to send and what to make of it is the
 * owner's. */
#ifndef INFRA_LEASE_ETCD_HTTP_H
#define INFRA_LEASE_ETCD_HTTP_H

#include "../../base/http_reply.h"
#include "../../base/internal.h"

#include <stdbool.h>

#define INFRA__ETCD_BODY_MAX 8192u

struct infra__etcd_http_owner {
    /* The reply is complete. The next request may be sent. */
    void (*replied)(void *owner, uint32_t status, const char *body, size_t size,
                    infra_time now);
    /* It will not be, for this enum infra_lease_reason: perhaps it was carried
     * out, perhaps not. */
    void (*failed)(void *owner, uint32_t reason, infra_time now);
    /* A line of a body that does not end; NULL: the body is collected. A line
     * that is too long has @size 0. */
    void (*heard)(void *owner, const char *line, size_t size, infra_time now);
    /* The deadline came with no request out; NULL: there is none then. */
    void (*woken)(void *owner, infra_time now);
};

struct infra__etcd_http {
    const struct infra__etcd_http_owner *ops;
    void *owner;
    uint32_t endpoints_count;
    bool tls;

    uint8_t state;
    bool has_request; /* Out, or about to be. */
    bool is_fresh;    /* The connection had no reply yet. */
    bool is_too_long; /* The body, or the line. */
    uint32_t endpoint;
    infra_time now;
    infra_time deadline; /* Of the request, or to be woken. */
    const char *request;
    size_t request_size;
    size_t request_sent;
    struct infra__http_reply reply;
    size_t body_size;
    char body[INFRA__ETCD_BODY_MAX];
};

void infra__etcd_http_init(struct infra__etcd_http *l,
                           const struct infra__etcd_http_owner *ops,
                           void *owner, uint32_t endpoints_count, bool tls);

/* Send a request, which stays where it is until the reply or the failure. One
 * that is out is given up, with its connection. */
void infra__etcd_http_send(struct infra__etcd_http *l, const char *request,
                           size_t size, infra_time deadline, infra_time now);

/* Give up this server, and the request that is out, if one is: the next one
 * goes to another. */
void infra__etcd_http_leave(struct infra__etcd_http *l);

/* Be woken then. */
void infra__etcd_http_sleep(struct infra__etcd_http *l, infra_time until);

/* More time for the request that is out. */
void infra__etcd_http_extend(struct infra__etcd_http *l, infra_time deadline);

struct infra_exchange infra__etcd_http_exchange(struct infra__etcd_http *l);

#endif
