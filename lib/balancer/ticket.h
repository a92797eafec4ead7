/* SPDX-License-Identifier: MIT */
/* What a ticket holds. Word 0: TICKET_MAGIC, TICKET_SHARED and the id; word 1:
 * whose it is; word 2: when it was picked; word 3: the tier, and why. */
#ifndef INFRA_BALANCER_TICKET_H
#define INFRA_BALANCER_TICKET_H

#include "internal.h"

#include <assert.h>

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

/* Give back a place that was counted; out of the worker's ledger first, and
 * then out of the count: see shared_slots.c. */
static inline void give_back_counter(const struct infra_balancer_reader *r,
                                     uint32_t index,
                                     _Atomic uint32_t *in_flight)
{
    /* Relaxed: the counts order nothing but themselves. */
    if (r->ledger != NULL) {
        atomic_fetch_sub_explicit(&r->ledger[index].in_flight, 1,
                                  memory_order_relaxed);
    }
    uint32_t before =
        atomic_fetch_sub_explicit(in_flight, 1, memory_order_relaxed);
    if (before == 0) { /* A reap took too much from under a worker that slept
                          between the two. */
        assert(r->ledger != NULL);
        atomic_fetch_add_explicit(in_flight, 1, memory_order_relaxed);
    }
}

static inline void give_back(const struct infra_balancer_reader *r, uint32_t id)
{
    give_back_counter(r, id, &r->slots[id].in_flight);
}

static inline void give_back_tier(const struct infra_balancer_reader *r,
                                  uint32_t tier)
{
    give_back_counter(r, r->ids_max + tier, &r->tier_slots[tier].in_flight);
}

#endif
