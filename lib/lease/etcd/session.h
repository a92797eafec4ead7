/* SPDX-License-Identifier: MIT */
/* One question to etcd at a time, after a login where etcd has users. One
 * server after the other is asked until one answers. The owner chooses the
 * steps and interprets the replies. */
#ifndef INFRA_LEASE_ETCD_SESSION_H
#define INFRA_LEASE_ETCD_SESSION_H

#include "http.h"
#include "text.h"

struct infra__etcd_session_owner {
    /* A reply came: the next step may be asked. */
    void (*answered)(void *owner, uint32_t step, const char *body, size_t size,
                     infra_time now);
    /* The server refused the step, with a status of HTTP and a code of gRPC.
     * False, or NULL: it counts as failed. */
    bool (*refused)(void *owner, uint32_t step, uint32_t status, uint64_t code);
    /* Nothing is known, for an enum infra_lease_reason and its detail. */
    void (*failed)(void *owner, uint32_t reason, uint32_t detail);
};

struct infra__etcd_session {
    const struct infra__etcd_session_owner *ops;
    void *owner;
    struct infra__etcd_site *site;
    const bool *is_out; /* Somebody waits for an answer. */
    infra_time deadline;
    uint32_t step;
    uint32_t attempts;  /* At connections, since it began. */
    bool is_logging_in; /* Before the step. */
    bool has_logged_in; /* Since it began. */
    struct infra__etcd_values values;
    struct infra__etcd_http http;
    struct infra__etcd_request request;
};

/* @is_out: the owner's, true while it waits for an answer; a reply that comes
 * while it is false is dropped. */
void infra__etcd_session_init(struct infra__etcd_session *s,
                              const struct infra__etcd_session_owner *ops,
                              void *owner, const bool *is_out,
                              struct infra__etcd_site *site);

/* Begin a question, to be answered by @deadline in one step or more. An earlier
 * one is given up. Set the values before. */
void infra__etcd_session_begin(struct infra__etcd_session *s, uint32_t step,
                               infra_time deadline, infra_time now);

/* Ask the next step. */
void infra__etcd_session_ask(struct infra__etcd_session *s, uint32_t step,
                             infra_time now);

#endif
