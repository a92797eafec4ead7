/* SPDX-License-Identifier: MIT */
/* The data side: pick, report, release. No lock, no allocation, no fence, no
 * system call. A reader's counts are written by its thread alone; the in-flight
 * count of a slot is shared, and touched only if the policy compares load or
 * the backend has a cap. The ticket remembers which. */
#include "../base/random.h"
#include "internal.h"

#include <assert.h>

/* A ticket: word 0 is MAGIC | SHARED | id, word 1 whose it is, word 2 when. */
#define TICKET_MAGIC 0x7469636b00000000u
#define TICKET_MAGIC_MASK 0xffffffff00000000u
#define TICKET_SHARED 0x80000000u

/* How often a pick may lose the last place under a cap to other threads before
 * it counts the list as full. */
#define LOST_RACES_MAX 64u

static const struct infra_request no_restriction;

/* Single writer: no other thread writes this, so load and store suffice. */
static void add(_Atomic uint64_t *counter, uint64_t n, memory_order order)
{
    atomic_store_explicit(
        counter, atomic_load_explicit(counter, memory_order_relaxed) + n,
        order);
}

/* Take a place, if there is one. */
static bool reserve(struct slot *slot, uint32_t cap)
{
    /* Relaxed throughout: the count orders nothing but itself. */
    if (cap == 0) {
        atomic_fetch_add_explicit(&slot->in_flight, 1, memory_order_relaxed);
        return true;
    }
    uint32_t seen = slot_in_flight(slot);
    while (seen < cap) {
        if (atomic_compare_exchange_weak_explicit(
                &slot->in_flight, &seen, seen + 1, memory_order_relaxed,
                memory_order_relaxed)) {
            return true;
        }
    }
    return false;
}

/* Is the in-flight count of this backend shared by all threads? */
static bool is_shared(const struct infra_balancer_reader *r,
                      const struct entry *e)
{
    return e->cap > 0 || r->needs_load;
}

static uint32_t ask_policy(struct infra_balancer_reader *r,
                           const struct infra_balancer_candidates *c)
{
    return r->pick(c->list->built_data, r->states[c->list->rank], c,
                   c->request->hash);
}

/* The policy's answer was none, or may not be picked, or lost its last place to
 * another thread: an entry with its place reserved all the same, or NULL. */
__attribute__((cold, noinline)) static const struct entry *choose_again(
    struct infra_balancer_reader *r, const struct infra_balancer_candidates *c,
    uint32_t index)
{
    const struct list *list = c->list;

    for (uint32_t lost = 0; lost < LOST_RACES_MAX; lost++) {
        if (index >= list->count || !candidate_may(c, index)) {
            index = infra__candidates_draw(c, infra__random(&r->random),
                                           NO_INDEX, true);
            if (index == NO_INDEX) {
                return NULL;
            }
        }
        const struct entry *e = &list->entries[index];
        if (!is_shared(r, e) || reserve(&r->slots[e->id], e->cap)) {
            return e;
        }
        index = ask_policy(r, c);
    }
    return NULL;
}

/* An entry of the list with its place reserved, or NULL. */
static inline const struct entry *choose(
    struct infra_balancer_reader *r, const struct infra_balancer_candidates *c)
{
    uint32_t index = ask_policy(r, c);

    if (index < c->list->count && candidate_may(c, index)) {
        const struct entry *e = &c->list->entries[index];
        if (!is_shared(r, e) || reserve(&r->slots[e->id], e->cap)) {
            return e;
        }
    }
    return choose_again(r, c, index);
}

int infra_balancer_pick(struct infra_balancer_reader *reader,
                        const struct infra_request *request, infra_time now,
                        struct infra_ticket *ret)
{
    if (reader == NULL || ret == NULL ||
        (request != NULL && request->tried == NULL &&
         request->tried_count > 0)) {
        return INFRA_EINVAL;
    }
    const struct table *t =
        (const struct table *)(const void *)infra__inbox_look(&reader->inbox);
    if (t == NULL) {
        return INFRA_ENONE;
    }
    if (request == NULL) {
        request = &no_restriction;
    }
    bool restricted = request->eligible != NULL || request->tried_count > 0;
    for (uint32_t l = 0; l < t->lists_count; l++) {
        const struct infra_balancer_candidates c = {
            .list = &t->lists[l],
            .slots = reader->slots,
            .request = request,
            .narrow = restricted || t->lists[l].capped || t->lists[l].partial,
        };
        const struct entry *e = choose(reader, &c);
        if (e != NULL) {
            ret->opaque[0] = TICKET_MAGIC |
                             (is_shared(reader, e) ? TICKET_SHARED : 0) | e->id;
            ret->opaque[1] = (uint64_t)(uintptr_t)reader->balancer;
            ret->opaque[2] = now;
            ret->opaque[3] = 0;
            /* Relaxed: control reads it after the reader announced a later
             * table (release, in the inbox), or only for statistics. */
            add(&reader->tallies[e->id].picks, 1, memory_order_relaxed);
            return (int)e->id;
        }
        if (c.list->capped && reader->spill == INFRA_SPILL_DOWN &&
            infra__candidates_explain(c.list, 1, request) == INFRA_EFULL) {
            return INFRA_EFULL;
        }
    }
    return infra__candidates_explain(t->lists, t->lists_count, request);
}

/* The id on a ticket of this reader's balancer, or NO_INDEX. */
static uint32_t ticket_id(const struct infra_balancer_reader *r,
                          const struct infra_ticket *ticket)
{
    if ((ticket->opaque[0] & TICKET_MAGIC_MASK) != TICKET_MAGIC ||
        ticket->opaque[1] != (uint64_t)(uintptr_t)r->balancer) {
        return NO_INDEX;
    }
    uint32_t id = (uint32_t)ticket->opaque[0] & ~TICKET_SHARED;
    return id < r->ids_max ? id : NO_INDEX;
}

int infra_balancer_report(struct infra_balancer_reader *reader,
                          const struct infra_ticket *ticket, uint32_t outcome,
                          infra_time latency)
{
    if (reader == NULL || ticket == NULL || outcome > INFRA_OUTCOME_ABANDONED) {
        return INFRA_EINVAL;
    }
    uint32_t id = ticket_id(reader, ticket);
    if (id == NO_INDEX) {
        return INFRA_EINVAL;
    }
    struct report_tally *tally = &reader->report_tallies[id];
    /* Relaxed: statistics. */
    if (outcome == INFRA_OUTCOME_OK) {
        add(&tally->reports, 1, memory_order_relaxed);
        add(&tally->latency_sum, latency, memory_order_relaxed);
    } else if (infra_outcome_blames_backend(outcome)) {
        add(&tally->failures, 1, memory_order_relaxed);
    }
    return INFRA_OK;
}

int infra_balancer_release(struct infra_balancer_reader *reader,
                           struct infra_ticket *ticket, uint32_t outcome,
                           infra_time now)
{
    (void)now;
    if (reader == NULL || ticket == NULL || outcome > INFRA_OUTCOME_ABANDONED) {
        return INFRA_EINVAL;
    }
    uint32_t id = ticket_id(reader, ticket);
    if (id == NO_INDEX) {
        return INFRA_EINVAL;
    }
    if (ticket->opaque[0] & TICKET_SHARED) {
        /* Relaxed: the count orders nothing but itself. */
        uint32_t before = atomic_fetch_sub_explicit(
            &reader->slots[id].in_flight, 1, memory_order_relaxed);
        assert(before > 0);
        (void)before;
    }
    if (infra_outcome_blames_backend(outcome)) {
        add(&reader->report_tallies[id].failures, 1, memory_order_relaxed);
    }
    *ticket = (struct infra_ticket) { 0 };
    /* Release pairs with infra__balancer_counts(): when control sees the last
     * ticket back, the worker has done with the host's entry for this id. */
    add(&reader->tallies[id].releases, 1, memory_order_release);
    return INFRA_OK;
}

void infra_balancer_refresh(struct infra_balancer_reader *reader)
{
    if (reader != NULL) {
        (void)infra__inbox_look(&reader->inbox);
    }
}
