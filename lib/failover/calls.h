/* SPDX-License-Identifier: MIT */
#ifndef INFRA_FAILOVER_CALLS_H
#define INFRA_FAILOVER_CALLS_H

#include "internal.h"

/* The operator's handover request, above any preference. */
#define INFRA__REQUEST_OPERATOR 256u

/* Begin a call; it replaces the one that is out. */
void infra__call_begin(struct infra_failover *f, uint32_t op, uint64_t token);

/* Use the answer to the call that is out. */
void infra__call_answered(struct infra_failover *f,
                          const struct infra_lease_answer *a);

/* Use an answer to a former call: a lease that it was granted late is given
 * back. */
void infra__call_late(struct infra_failover *f,
                      const struct infra_lease_answer *a);

#endif
