/* SPDX-License-Identifier: MIT */
/* What a ticket holds. Word 0: TICKET_MAGIC, TICKET_SHARED and the id; word 1:
 * whose it is; word 2: when it was picked; word 3: the tier, and why. */
#ifndef INFRA_BALANCER_TICKET_H
#define INFRA_BALANCER_TICKET_H

#include "internal.h"

#define TICKET_MAGIC 0x7469636b00000000u
#define TICKET_MAGIC_MASK 0xffffffff00000000u
#define TICKET_SHARED 0x80000000u /* It counts in its slot's in_flight. */

#define TICKET_TIER_SHIFT 32u
#define WHY_COUNTED 0x80000000u /* It counts in its tier. Not for the host. */

/* Single writer: no other thread writes this, so load and store suffice. */
static inline void tally_add(_Atomic uint64_t *counter, uint64_t n,
                             memory_order order)
{
    atomic_store_explicit(
        counter, atomic_load_explicit(counter, memory_order_relaxed) + n,
        order);
}

#endif
