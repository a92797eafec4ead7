/* SPDX-License-Identifier: MIT */
/* One question to etcd at a time, with the login that it may need before, asked
 * of one server after the other until one answers. What to ask and what to make
 * of the answer is the owner's. */
#ifndef INFRA_LEASE_ETCD_SESSION_H
#define INFRA_LEASE_ETCD_SESSION_H

#include "http.h"
#include "text.h"

/* Shared by the conversations of one lease. */
struct infra__etcd_login {
    char user[INFRA__ETCD_NAME_MAX + 1]; /* Empty: none. */
    char password[INFRA__ETCD_NAME_MAX + 1];
    char token[INFRA__ETCD_TOKEN_MAX + 1]; /* Empty: none yet. */
    uint32_t refused;         /* The status with which it was; 0: it was not. */
    infra_time refused_until; /* It is not tried again before. */
};

struct infra__etcd_talk_owner {
    /* Write the request of this step. It may be asked for again: what was lost
     * with a connection goes to the next server. */
    void (*write)(void *owner, uint32_t step, struct infra__etcd_request *ret,
                  const char *login);
    /* The step with which a question begins again at another server; NULL: with
     * the one that was lost. */
    uint32_t (*moved)(void *owner, uint32_t step);
    /* It was answered: the next step may be asked. */
    void (*answered)(void *owner, uint32_t step, const char *body, size_t size,
                     infra_time now);
    /* The server refuses it, with an HTTP status and a number of gRPC. */
    void (*refused)(void *owner, uint32_t step, uint32_t status, uint64_t code);
    /* Nobody knows, for this enum infra_lease_reason, with its detail. */
    void (*failed)(void *owner, uint32_t reason, uint32_t detail);
};

struct infra__etcd_talk {
    const struct infra__etcd_talk_owner *ops;
    void *owner;
    struct infra__etcd_login *login;
    const bool *is_out; /* Somebody waits for an answer. */
    infra_time deadline;
    uint32_t step;
    uint32_t attempts;  /* At connections, since it began. */
    bool is_logging_in; /* Before the step. */
    bool has_logged_in; /* Since it began. */
    struct infra__etcd_link link;
    struct infra__etcd_request request;
};

/* @is_out: the owner's, true while it waits for an answer; nothing is told when
 * it is not. */
void infra__etcd_talk_init(struct infra__etcd_talk *t,
                           const struct infra__etcd_talk_owner *ops,
                           void *owner, const bool *is_out,
                           struct infra__etcd_login *login,
                           uint32_t endpoints_count, bool tls);

/* Ask what is to be answered by @deadline, in one step or more; what is out is
 * given up. */
void infra__etcd_talk_begin(struct infra__etcd_talk *t, uint32_t step,
                            infra_time deadline, infra_time now);

/* Ask the next step. */
void infra__etcd_talk_ask(struct infra__etcd_talk *t, uint32_t step,
                          infra_time now);

#endif
