/* SPDX-License-Identifier: MIT */
/* The faults of a lease in memory. */
#ifndef INFRA_LEASE_MEMORY_H
#define INFRA_LEASE_MEMORY_H

#include "rules.h"

/* What can go wrong in a store; for tests of the host. */
enum infra__lease_fault {
    /* The next call, or request about the record, is carried out and not
     * answered. */
    INFRA__LEASE_FAULT_LOSE_REPLY,
    /* It is neither carried out nor answered. */
    INFRA__LEASE_FAULT_LOSE_CALL,
    /* The lease runs out now. */
    INFRA__LEASE_FAULT_EXPIRE,
    /* Tokens begin anew, and the token of a call is ignored from now on: as
     * when the store is restored from an old backup. */
    INFRA__LEASE_FAULT_REGRESS,
};
void infra__lease_memory_fault(struct infra_lease_cell *cell,
                               enum infra__lease_fault fault);

#endif
