/* SPDX-License-Identifier: MIT */
/* The lease of a command line (lease_spec.h), opened: an elector for each
 * group, and news of the store for the log. */
#ifndef EXAMPLES_LEASE_STORE_H
#define EXAMPLES_LEASE_STORE_H

#include "lease_spec.h"

struct tls_openssl;

/* The way to the store, shared by all groups of a process. */
struct lease_access {
    const struct lease_spec *spec;
    struct sockaddr_storage addresses[INFRA_ELECTOR_ENDPOINTS_MAX];
    struct infra_elector_endpoint endpoints[INFRA_ELECTOR_ENDPOINTS_MAX];
    uint32_t endpoints_count;
    struct tls_openssl *tls; /* NULL: no TLS. */
    struct infra_tls functions;
};

/* Look names up, once and blocking, and read the certificates.  False: the
 * error is on stderr.  A zeroed struct may be closed, too. */
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
 * incarnation: these come from the spec, the last is new.  @access has to
 * outlive the store.  False: the error is on stderr. */
bool lease_store_open(struct lease_store *store,
                      const struct lease_access *access,
                      struct infra_driver *driver,
                      const struct infra_failover_options *machine);
void lease_store_close(struct lease_store *store);

/* News of the store, such as "unreachable"; NULL: none.  A store that does not
 * answer gives one line, not one for each call.  A full store answers some
 * calls and not others: it "answers" again when all were answered for a ttl,
 * and until then each reason comes once.  @ret_detail is as in
 * infra_lease_status. */
const char *lease_store_news(struct lease_store *store, uint32_t *ret_detail);

#endif
