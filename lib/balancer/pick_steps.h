/* SPDX-License-Identifier: MIT */
/* The steps of every pick, inline for the plain one (pick.c), shared with
 * restricted ones (pick_restricted.c). */
#ifndef INFRA_BALANCER_PICK_STEPS_H
#define INFRA_BALANCER_PICK_STEPS_H

#include "ticket.h"

/* Take a place if one is left. @ret_before: the count before. */
static inline bool reserve_counter(_Atomic uint32_t *in_flight, uint32_t cap,
                                   uint32_t *ret_before)
{
    /* Relaxed throughout: the count orders nothing but itself. */
    if (cap == 0) {
        *ret_before =
            atomic_fetch_add_explicit(in_flight, 1, memory_order_relaxed);
        return true;
    }
    *ret_before = atomic_load_explicit(in_flight, memory_order_relaxed);
    while (*ret_before < cap) {
        if (atomic_compare_exchange_weak_explicit(
                in_flight, ret_before, *ret_before + 1, memory_order_relaxed,
                memory_order_relaxed)) {
            return true;
        }
    }
    return false;
}

/* Enter the place into the worker's ledger, after the count and not before (see
 * shared_slots.c). Relaxed: a reap reads the ledger of a dead worker only. */
static inline void enter_ledger(const struct infra_balancer_reader *r,
                                uint32_t index)
{
    if (r->ledger != NULL) {
        atomic_fetch_add_explicit(&r->ledger[index].in_flight, 1,
                                  memory_order_relaxed);
    }
}

/* Take a place at a backend. */
static inline bool reserve(const struct infra_balancer_reader *r, uint32_t id,
                           uint32_t cap)
{
    uint32_t before;

    if (!reserve_counter(&r->slots[id].in_flight, cap, &before)) {
        return false;
    }
    enter_ledger(r, id);
    return true;
}

/* Take a place in a tier. */
static inline bool reserve_tier(const struct infra_balancer_reader *r,
                                uint32_t tier, uint32_t cap,
                                uint32_t *ret_before)
{
    if (!reserve_counter(&r->tier_slots[tier].in_flight, cap, ret_before)) {
        return false;
    }
    enter_ledger(r, r->options.ids_max + tier);
    return true;
}

/* Is the in-flight count of this backend shared by all threads? */
static inline bool is_shared(const struct infra_balancer_reader *r,
                             const struct entry *e)
{
    return e->cap > 0 || r->policy.needs_load;
}

/* Candidates of a pick. The caller sets narrow, and with it no_cold; what only
 * a build needs stays unset. */
static inline void look_at(struct infra_balancer_candidates *ret,
                           struct infra_balancer_reader *r,
                           const struct list *list,
                           const struct infra_request *request, infra_time now)
{
    ret->list = list;
    ret->slots = r->slots;
    ret->request = request;
    ret->reader = r;
    ret->options = r->policy_options;
    ret->now = now;
    ret->bound_total = 0;
}

static inline uint32_t ask_policy(struct infra_balancer_reader *r,
                                  const struct infra_balancer_candidates *c)
{
    return r->policy.pick(c->list->built_data, r->states[c->list->rank], c,
                          c->request->hash);
}

/* Fill the ticket and count the pick. The id. */
static inline int grant(struct infra_balancer_reader *r, const struct entry *e,
                        uint32_t why, infra_time now, struct infra_ticket *ret)
{
    ret->opaque[0] =
        TICKET_MAGIC | (is_shared(r, e) ? TICKET_SHARED : 0) | e->id;
    ret->opaque[1] = (uint64_t)(uintptr_t)r->balancer;
    ret->opaque[2] = now;
    ret->opaque[3] = (uint64_t)e->tier << TICKET_TIER_SHIFT | why;
    /* Relaxed: control reads it after the reader announced a later table
     * (release, in the inbox), or only for statistics. */
    tally_add(&r->tallies[e->id].picks, 1, memory_order_relaxed);
    return (int)e->id;
}

/* infra_balancer_pick() for any request and any table. */
int infra__pick_with_care(struct infra_balancer_reader *r,
                          const struct table *t,
                          const struct infra_request *request, infra_time now,
                          struct infra_ticket *ret);

#endif
