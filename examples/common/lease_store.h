/* SPDX-License-Identifier: MIT */
/* The lease of a command line (lease_spec.h), open: the elector of each group
 * that goes by it, and what there is to say about the store. */
#ifndef EXAMPLES_LEASE_STORE_H
#define EXAMPLES_LEASE_STORE_H

#include "lease_spec.h"

struct tls_openssl;

/* What all groups of a process share: the way to the store. */
struct lease_access {
    const struct lease_spec *spec;
    struct sockaddr_storage addresses[INFRA_ELECTOR_ENDPOINTS_MAX];
    struct infra_elector_endpoint endpoints[INFRA_ELECTOR_ENDPOINTS_MAX];
    uint32_t endpoints_count;
    struct tls_openssl *tls; /* NULL: it is not spoken. */
    struct infra_tls functions;
};

/* Look names up, once and with waiting, and read the certificates.  False: it
 * has been said what is wrong.  Zeroes may be closed, too. */
bool lease_access_open(struct lease_access *access,
                       const struct lease_spec *spec);
void lease_access_close(struct lease_access *access);

/* Of one group. */
struct lease_store {
    struct infra_lease *lease; /* The elector's. */
    struct infra_elector *elector;
    infra_time ttl;
    uint64_t calls;       /* Of the lease, until the last unknown one, */
    infra_time failed_at; /* which was seen then. */
    uint64_t unknowns;    /* How many were. */
    uint32_t told;        /* Reasons that were told since it answered, a bit
                             each. */
};

/* Open the lease and create the elector.  @machine lacks node, ttl and
 * incarnation, which are the spec's and a new one.  @access has to outlive the
 * store.  False: it has been said what is wrong. */
bool lease_store_open(struct lease_store *store,
                      const struct lease_access *access,
                      struct infra_driver *driver,
                      const struct infra_failover_options *machine);
void lease_store_close(struct lease_store *store);

/* A store that does not answer is worth a line, but not one for each call: what
 * it does now, if that is new, such as "unreachable"; else NULL.  A store that
 * is full answers some calls and not others: it "answers" when all have been
 * answered for a ttl, and until then each reason is told once.  @ret_detail is
 * as in infra_lease_status. */
const char *lease_store_news(struct lease_store *store, uint32_t *ret_detail);

#endif
