/* SPDX-License-Identifier: MIT */
/* The lease in etcd, shared by the files that ask, watch, and keep the record. */
#ifndef INFRA_LEASE_ETCD_ETCD_H
#define INFRA_LEASE_ETCD_ETCD_H

#include "../internal.h"
#include "session.h"

struct infra__etcd {
    struct infra_lease lease; /* First: it is a lease. */
    struct infra__etcd_names names;
    struct infra__etcd_login login;

    struct infra__etcd_talk calls;
    uint64_t granted_lease; /* By etcd, to this call. */
    infra_time granted_ttl;
    uint64_t kept_term; /* Of raft, when it was kept alive. */

    /* The lease of etcd that our key is bound to, and its token. */
    uint64_t bound_lease;
    uint64_t bound_token;

    struct infra__etcd_link watch;
    struct infra__etcd_request watch_request;

    struct infra__etcd_talk records;
    uint64_t record_changed; /* Its mod_revision, as we know it. */
    uint32_t record_tries;   /* Of this write. */
};

/* Begin to watch, at the next turn of the conversation. */
void infra__etcd_watch_init(struct infra__etcd *e, uint32_t endpoints_count,
                            bool tls);

void infra__etcd_record_init(struct infra__etcd *e, uint32_t endpoints_count,
                             bool tls);
/* Ask what lease->record_call says. */
void infra__etcd_record_begin(struct infra_lease *lease, infra_time now);
/* Who did not answer in time is left. */
void infra__etcd_record_expire(struct infra_lease *lease);

#endif
