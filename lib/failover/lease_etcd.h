/* SPDX-License-Identifier: MIT */
/* The lease in etcd, shared by the file that asks and the one that watches. */
#ifndef INFRA_FAILOVER_LEASE_ETCD_H
#define INFRA_FAILOVER_LEASE_ETCD_H

#include "etcd_link.h"
#include "etcd_text.h"
#include "lease.h"

/* What was asked last. */
enum infra__etcd_step {
    INFRA__ETCD_LOGIN,
    INFRA__ETCD_GRANT,     /* ACQUIRE: a lease of etcd, */
    INFRA__ETCD_TAKE,      /* and the key bound to it. */
    INFRA__ETCD_FIND,      /* RENEW of what we know no lease of: look. */
    INFRA__ETCD_KEEPALIVE, /* RENEW, */
    INFRA__ETCD_VERIFY,    /* and is it still ours? */
    INFRA__ETCD_LOOK,
    INFRA__ETCD_GIVE, /* RELEASE, */
    INFRA__ETCD_REVOKE,
    INFRA__ETCD_WISH_GRANT, /* ASK: a lease of etcd, */
    INFRA__ETCD_WISH,       /* and the wish bound to it. */
};

struct infra__etcd {
    struct infra_lease lease; /* First: it is a lease. */
    struct infra__etcd_names names;
    char user[INFRA__ETCD_NAME_MAX + 1]; /* Empty: none. */
    char password[INFRA__ETCD_NAME_MAX + 1];
    char login[INFRA__ETCD_TOKEN_MAX + 1]; /* Empty: none yet. */

    struct infra__etcd_link calls;
    struct infra__etcd_request request;
    uint32_t step; /* enum infra__etcd_step */
    uint32_t step_after_login;
    uint32_t attempts;      /* Of this call at connections. */
    bool has_logged_in;     /* In this call. */
    uint64_t granted_lease; /* By etcd, to this call. */
    infra_time granted_ttl;

    /* The lease of etcd that our key is bound to, and its token. */
    uint64_t bound_lease;
    uint64_t bound_token;

    struct infra__etcd_link watch;
    struct infra__etcd_request watch_request;
};

/* Begin to watch, at the next turn of the conversation. */
void infra__etcd_watch_init(struct infra__etcd *e, uint32_t endpoints_count,
                            bool tls);

#endif
