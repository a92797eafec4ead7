/* SPDX-License-Identifier: MIT */
/* The lease client in etcd, shared by calls, watch and record. */
#ifndef INFRA_LEASE_ETCD_ETCD_H
#define INFRA_LEASE_ETCD_ETCD_H

#include "../internal.h"
#include "session.h"

struct infra__etcd {
    struct infra_lease lease; /* First: it is a lease. */
    struct infra__etcd_site site;

    struct infra__etcd_session calls;
    infra_time granted_ttl;
    uint64_t kept_term; /* Raft term of the keep-alive. */

    /* The lease of etcd that our key is bound to, and its token. */
    uint64_t bound_lease;
    uint64_t bound_token;

    struct infra__etcd_http watch;
    struct infra__etcd_request watch_request;

    struct infra__etcd_session records;
    uint32_t record_tries; /* Of this write. */
};

/* Begin to watch, at the next turn of the conversation. */
void infra__etcd_watch_init(struct infra__etcd *e);

void infra__etcd_record_init(struct infra__etcd *e);
/* Begin the request of lease->record_call. */
void infra__etcd_record_begin(struct infra_lease *lease, infra_time now);

#endif
