/* SPDX-License-Identifier: MIT */
/* HTTP requests to one of several servers, one at a time, as an exchange. The
 * connection is kept between requests; after a failure the next server gets a
 * new one. The owner writes the requests and interprets the replies. */
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
    /* There will be no reply, for an enum infra_lease_reason. The request may
     * have been carried out or not. */
    void (*failed)(void *owner, uint32_t reason, infra_time now);
    /* A line of an endless body; @size 0: it is too long. NULL: the body is
     * collected. */
    void (*heard)(void *owner, const char *line, size_t size, infra_time now);
    /* The deadline came while no request was out. */
    void (*woken)(void *owner, infra_time now);
};

struct infra__etcd_http {
    const struct infra__etcd_http_owner *ops;
    void *owner;
    uint32_t endpoints_count;
    bool tls;

    uint8_t state;
    bool has_request; /* A request is out, or about to be sent. */
    bool is_fresh;    /* No reply on this connection yet. */
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

/* Send a request; its bytes stay valid until the reply or the failure. A
 * request that is out is given up, with its connection. */
void infra__etcd_http_send(struct infra__etcd_http *l, const char *request,
                           size_t size, infra_time deadline, infra_time now);

/* Give up this server, and the request that is out, if any. The next request
 * goes to the next server. */
void infra__etcd_http_leave(struct infra__etcd_http *l);

/* Have woken() called at this time. */
void infra__etcd_http_sleep(struct infra__etcd_http *l, infra_time until);

/* Move the deadline of the request that is out. */
void infra__etcd_http_extend(struct infra__etcd_http *l, infra_time deadline);

struct infra_exchange infra__etcd_http_exchange(struct infra__etcd_http *l);

#endif
