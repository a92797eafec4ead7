/* SPDX-License-Identifier: MIT */
#include "rules.h"

#include "../base/internal.h"

#include <string.h>

void infra__lease_cell_revoke(struct infra__lease_cell *c)
{
    c->holder = 0;
    c->is_dirty = 1;
}

void infra__lease_cell_expire(struct infra__lease_cell *c, infra_time now)
{
    if (c->holder != 0 && now >= c->expires) {
        infra__lease_cell_revoke(c);
    }
}

static struct infra_lease_answer state_of(const struct infra__lease_cell *c,
                                          const struct infra_lease *lease,
                                          infra_time now)
{
    struct infra_lease_answer a = { .outcome = INFRA_LEASE_OUTCOME_LOST };

    if (c->holder != 0) {
        a.outcome = c->holder == lease->incarnation
                        ? INFRA_LEASE_OUTCOME_GRANTED
                        : INFRA_LEASE_OUTCOME_CONFLICT;
        a.token = c->token;
        a.ttl = c->ttl; /* As given, not the rest. */
    }
    a.handover_request = now < c->request_until ? c->handover_request : 0;
    return a;
}

static struct infra_lease_answer acquire(struct infra__lease_cell *c,
                                         const struct infra_lease *lease,
                                         infra_time now)
{
    struct infra_lease_answer a = state_of(c, lease, now);

    if (a.outcome == INFRA_LEASE_OUTCOME_GRANTED) { /* By an earlier call. */
        return (struct infra_lease_answer) { .outcome =
                                                 INFRA_LEASE_OUTCOME_UNKNOWN };
    }
    if (a.outcome == INFRA_LEASE_OUTCOME_CONFLICT) {
        return a;
    }
    if (lease->call.token > c->last_token && !c->is_forgetful) {
        c->last_token = lease->call.token;
    }
    a = (struct infra_lease_answer) { .outcome = INFRA_LEASE_OUTCOME_GRANTED,
                                      .clean = !c->is_dirty,
                                      .token = ++c->last_token,
                                      .ttl = lease->ttl };
    c->holder = lease->incarnation;
    c->token = a.token;
    c->ttl = lease->ttl;
    c->expires = infra__time_add(now, lease->ttl);
    c->handover_request = 0; /* It is granted now. */
    return a;
}

static struct infra_lease_answer renew(struct infra__lease_cell *c,
                                       const struct infra_lease *lease,
                                       infra_time now)
{
    struct infra_lease_answer a = state_of(c, lease, now);

    if (a.outcome == INFRA_LEASE_OUTCOME_GRANTED &&
        c->token != lease->call.token) {
        a.outcome = INFRA_LEASE_OUTCOME_LOST;
    }
    if (a.outcome == INFRA_LEASE_OUTCOME_GRANTED) {
        c->ttl = lease->ttl;
        c->expires = infra__time_add(now, lease->ttl);
        a.ttl = lease->ttl;
    }
    return a;
}

static void release(struct infra__lease_cell *c,
                    const struct infra_lease *lease)
{
    if (c->holder == lease->incarnation && c->token == lease->call.token) {
        c->holder = 0;
        c->is_dirty = 0;
    }
}

/* The greatest request counts, for one ttl. */
static void ask(struct infra__lease_cell *c, const struct infra_lease *lease,
                infra_time now)
{
    if (lease->call.handover_request >= c->handover_request ||
        now >= c->request_until) {
        c->handover_request = lease->call.handover_request;
        c->request_until = infra__time_add(now, lease->ttl);
    }
}

struct infra_lease_answer infra__lease_cell_do(struct infra__lease_cell *c,
                                               const struct infra_lease *lease,
                                               infra_time now)
{
    static const struct infra_lease_answer done = {
        .outcome = INFRA_LEASE_OUTCOME_GRANTED, .token = 1
    };

    infra__lease_cell_expire(c, now);
    switch (lease->call.op) {
    case INFRA_LEASE_OP_ACQUIRE:
        return acquire(c, lease, now);
    case INFRA_LEASE_OP_RENEW:
        return renew(c, lease, now);
    case INFRA_LEASE_OP_READ:
        return state_of(c, lease, now);
    case INFRA_LEASE_OP_RELEASE:
        release(c, lease);
        return done;
    default:
        ask(c, lease, now);
        return done;
    }
}

uint32_t infra__lease_cell_record(struct infra__lease_cell *c,
                                  struct infra_lease *lease, infra_time now)
{
    const struct infra__lease_record_call *call = &lease->record_call;
    struct infra_lease_record *r = &lease->record;

    infra__lease_cell_expire(c, now);
    bool is_ours = c->holder == lease->incarnation && c->token == call->token;
    if (!is_ours && (call->is_write || call->token != 0)) {
        return c->holder != 0 && c->holder != lease->incarnation
                   ? INFRA_LEASE_OUTCOME_CONFLICT
                   : INFRA_LEASE_OUTCOME_LOST;
    }
    if (call->is_write) {
        c->record_count = r->count;
        memcpy(c->record, r->bytes, sizeof c->record);
    } else {
        r->count = (uint32_t)c->record_count;
        memcpy(r->bytes, c->record, sizeof r->bytes);
    }
    return INFRA_LEASE_OUTCOME_GRANTED;
}
