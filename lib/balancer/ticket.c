/* SPDX-License-Identifier: MIT */
/* A ticket after the pick: reports, release, the reasons. A reader's counts are
 * written by its thread alone; a slot's in-flight count is shared, and the
 * ticket says whether it is part of it. */
#include "ticket.h"

#include "algorithm/ewma.h"

/* The id on a ticket of this reader's balancer, or NO_INDEX. */
static uint32_t ticket_id(const struct infra_balancer_reader *r,
                          const struct infra_ticket *ticket)
{
    if ((ticket->opaque[0] & TICKET_MAGIC_MASK) != TICKET_MAGIC ||
        ticket->opaque[1] != (uint64_t)(uintptr_t)r->balancer) {
        return NO_INDEX;
    }
    uint32_t id = (uint32_t)ticket->opaque[0] & ~TICKET_SHARED;
    return id < r->options.ids_max ? id : NO_INDEX;
}

static void note_failure(struct infra_balancer_reader *r, uint32_t id,
                         infra_time latency, infra_time picked)
{
    /* Relaxed: statistics. */
    tally_add(&r->report_tallies[id].failures, 1, memory_order_relaxed);
    if (r->policy.needs_latency) {
        infra__latency_failed(&r->slots[id], latency, picked);
    }
}

int infra_balancer_report(struct infra_balancer_reader *reader,
                          const struct infra_ticket *ticket, uint32_t outcome,
                          infra_time latency)
{
    if (reader == NULL || ticket == NULL || outcome > INFRA__OUTCOME_LAST) {
        return INFRA_EINVAL;
    }
    uint32_t id = ticket_id(reader, ticket);
    if (id == NO_INDEX) {
        return INFRA_EINVAL;
    }
    struct report_tally *tally = &reader->report_tallies[id];
    if (infra__outcome_worked(outcome)) {
        /* Relaxed: statistics. */
        tally_add(&tally->reports, 1, memory_order_relaxed);
        tally_add(&tally->latency_sum, latency, memory_order_relaxed);
        if (reader->policy.needs_latency) {
            infra__latency_observe(&reader->slots[id], latency,
                                   ticket->opaque[2]);
        }
    } else if (infra_outcome_blames_backend(outcome)) {
        note_failure(reader, id, latency, ticket->opaque[2]);
    }
    return INFRA_OK;
}

int infra_balancer_release(struct infra_balancer_reader *reader,
                           struct infra_ticket *ticket, uint32_t outcome,
                           infra_time now)
{
    if (reader == NULL || ticket == NULL) {
        return INFRA_EINVAL;
    }
    uint32_t id = ticket_id(reader, ticket);
    if (id == NO_INDEX) {
        return INFRA_EINVAL;
    }
    if (ticket->opaque[0] & TICKET_SHARED) {
        give_back(reader, id);
    }
    if (ticket->opaque[3] & WHY_COUNTED) {
        uint32_t tier = (uint32_t)(ticket->opaque[3] >> TICKET_TIER_SHIFT) %
                        INFRA_BALANCER_TIERS_MAX;
        give_back_tier(reader, tier);
    }
    if (infra_outcome_blames_backend(outcome)) {
        infra_time picked = ticket->opaque[2];
        note_failure(reader, id, now > picked ? now - picked : 0, picked);
    }
    *ticket = (struct infra_ticket) { 0 };
    /* Release pairs with infra__balancer_counts(): when control sees the last
     * ticket back, the worker is done with the host's entry for this id. */
    tally_add(&reader->tallies[id].releases, 1, memory_order_release);
    /* The place is given back even so: the caller does not ask twice. */
    return outcome <= INFRA__OUTCOME_LAST ? INFRA_OK : INFRA_EINVAL;
}

uint32_t infra_ticket_why(const struct infra_ticket *ticket)
{
    return ticket != NULL ? (uint32_t)ticket->opaque[3] & ~WHY_COUNTED : 0;
}
