/* SPDX-License-Identifier: MIT */
/* The contract of lease.h as arithmetic, O(1). The stores in memory and in a
 * file are built on it. */
#ifndef INFRA_LEASE_RULES_H
#define INFRA_LEASE_RULES_H

#include "internal.h"

/* All zeroes: nobody ever held the lease. Without holes, to be written as it
 * is. */
struct infra__lease_cell {
    uint64_t holder; /* Incarnation; 0: nobody. */
    uint64_t token;  /* Of the holder. */
    uint64_t last_token;
    infra_time ttl;
    infra_time expires;
    uint64_t handover_request;
    infra_time request_until;
    uint32_t is_dirty;     /* The last holder did not release the lease. */
    uint32_t is_forgetful; /* Ignores the token of a call. */
    uint64_t record_count;
    unsigned char record[INFRA_LEASE_RECORD_MAX];
};
_Static_assert(sizeof(struct infra__lease_cell) ==
                   9 * 8 + INFRA_LEASE_RECORD_MAX,
               "there are no holes");

/* Revoke a lease that has run out. */
void infra__lease_cell_expire(struct infra__lease_cell *c, infra_time now);

/* Nobody holds the lease any more, and nobody released it. */
void infra__lease_cell_revoke(struct infra__lease_cell *c);

/* Carry out the call of @lease. UNKNOWN: @lease holds it already. */
struct infra_lease_answer infra__lease_cell_do(struct infra__lease_cell *c,
                                               const struct infra_lease *lease,
                                               infra_time now);

/* Carry out the record_call of @lease on its record; an enum
 * infra_lease_outcome. */
uint32_t infra__lease_cell_record(struct infra__lease_cell *c,
                                  struct infra_lease *lease, infra_time now);

#endif
