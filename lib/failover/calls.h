/* SPDX-License-Identifier: MIT */
#ifndef INFRA_FAILOVER_CALLS_H
#define INFRA_FAILOVER_CALLS_H

#include "internal.h"

/* What the operator's word counts as: more than any preference. */
#define INFRA__REQUEST_OPERATOR 256u

/* Offer a call to the host; it replaces the one that is out. */
void infra__call_begin(struct infra_failover *f, uint32_t op, uint64_t token);

/* The call that is out has this answer. */
void infra__call_answered(struct infra_failover *f,
                          const struct infra_lease_answer *a);

#endif
