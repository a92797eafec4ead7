/* SPDX-License-Identifier: MIT */
/* The words of a ticket. 0: TICKET_MAGIC, TICKET_SHARED and the id; 1: the
 * balancer; 2: the time of the pick; 3: the tier, and why. */
#ifndef INFRA_BALANCER_TICKET_H
#define INFRA_BALANCER_TICKET_H

#include "internal.h"

#include <assert.h>

#define TICKET_MAGIC 0x7469636b00000000u
#define TICKET_MAGIC_MASK 0xffffffff00000000u
#define TICKET_SHARED 0x80000000u /* Part of its slot's in_flight. */

#define TICKET_TIER_SHIFT 32u
#define WHY_COUNTED 0x80000000u /* Part of its tier's count. Private. */

/* Single writer, so load and store suffice. */
static inline void tally_add(_Atomic uint64_t *counter, uint64_t n,
                             memory_order order)
{
    atomic_store_explicit(
        counter, atomic_load_explicit(counter, memory_order_relaxed) + n,
        order);
}

/* Give back a counted place: from the worker's ledger first, then from the
 * count (see shared_slots.c). */
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
    if (before == 0) {
        /* A reap took too much from a worker that slept between the two. */
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
    give_back_counter(r, r->options.ids_max + tier,
                      &r->tier_slots[tier].in_flight);
}

#endif
