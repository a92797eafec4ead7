/* SPDX-License-Identifier: MIT */
#ifndef INFRA_FAILOVER_TRANSITIONS_H
#define INFRA_FAILOVER_TRANSITIONS_H

#include "internal.h"

struct infra__transition_row {
    uint32_t from;   /* enum infra_failover_role */
    uint32_t reason; /* enum infra_failover_reason */
    uint32_t to;
};

/* The table. */
const struct infra__transition_row *infra__transitions(size_t *ret_count);

#endif
