/* SPDX-License-Identifier: MIT */
#include "rules.h"

#include "../base/internal.h"

#include <string.h>

void infra__lease_cell_revoke(struct infra__lease_cell *c)
{
    c->holder = 0;
    c->is_dirty = true;
}

void infra__lease_cell_expire(struct infra__lease_cell *c, infra_time now)
{
    if (c->holder != 0 && now >= c->expires) {
        infra__lease_cell_revoke(c);
    }
}

static struct infra_lease_answer state_of(const struct infra__lease_cell *c,
                                          const struct infra__lease_call *call,
                                          infra_time now)
{
    struct infra_lease_answer a = { .outcome = INFRA_LEASE_LOST };

    if (c->holder != 0) {
        a.outcome = c->holder == call->incarnation ? INFRA_LEASE_GRANTED
                                                   : INFRA_LEASE_CONFLICT;
        a.token = c->token;
        a.ttl = c->ttl; /* What it was given, not what is left. */
    }
    a.wish = now < c->wish_until ? c->wish : 0;
    return a;
}

static struct infra_lease_answer acquire(struct infra__lease_cell *c,
                                         const struct infra__lease_call *call,
                                         infra_time now)
{
    struct infra_lease_answer a = state_of(c, call, now);

    if (a.outcome == INFRA_LEASE_GRANTED) { /* By a former call, then. */
        return (struct infra_lease_answer) { .outcome = INFRA_LEASE_UNKNOWN };
    }
    if (a.outcome == INFRA_LEASE_CONFLICT) {
        return a;
    }
    if (call->token > c->last_token && !c->is_forgetful) {
        c->last_token = call->token;
    }
    a = (struct infra_lease_answer) { .outcome = INFRA_LEASE_GRANTED,
                                      .clean = !c->is_dirty,
                                      .token = ++c->last_token,
                                      .ttl = call->ttl };
    c->holder = call->incarnation;
    c->token = a.token;
    c->ttl = call->ttl;
    c->expires = infra__time_add(now, call->ttl);
    c->wish = 0; /* Somebody has it now. */
    return a;
}

static struct infra_lease_answer renew(struct infra__lease_cell *c,
                                       const struct infra__lease_call *call,
                                       infra_time now)
{
    struct infra_lease_answer a = state_of(c, call, now);

    if (a.outcome == INFRA_LEASE_GRANTED && c->token != call->token) {
        a.outcome = INFRA_LEASE_LOST;
    }
    if (a.outcome == INFRA_LEASE_GRANTED) {
        c->ttl = call->ttl;
        c->expires = infra__time_add(now, call->ttl);
        a.ttl = call->ttl;
    }
    return a;
}

static void release(struct infra__lease_cell *c,
                    const struct infra__lease_call *call)
{
    if (c->holder == call->incarnation && c->token == call->token) {
        c->holder = 0;
        c->is_dirty = false;
    }
}

/* The greatest wish counts, until it is as old as a lease. */
static void ask(struct infra__lease_cell *c,
                const struct infra__lease_call *call, infra_time now)
{
    if (call->wish >= c->wish || now >= c->wish_until) {
        c->wish = call->wish;
        c->wish_until = infra__time_add(now, call->ttl);
    }
}

struct infra_lease_answer infra__lease_cell_do(
    struct infra__lease_cell *c, const struct infra__lease_call *call,
    infra_time now)
{
    static const struct infra_lease_answer done = { .outcome =
                                                        INFRA_LEASE_GRANTED,
                                                    .token = 1 };

    infra__lease_cell_expire(c, now);
    switch (call->op) {
    case INFRA_LEASE_ACQUIRE:
        return acquire(c, call, now);
    case INFRA_LEASE_RENEW:
        return renew(c, call, now);
    case INFRA_LEASE_READ:
        return state_of(c, call, now);
    case INFRA_LEASE_RELEASE:
        release(c, call);
        return done;
    default:
        ask(c, call, now);
        return done;
    }
}

uint32_t infra__lease_cell_record(struct infra__lease_cell *c,
                                  uint64_t incarnation,
                                  const struct infra__lease_record_call *call,
                                  struct infra_lease_record *r, infra_time now)
{
    infra__lease_cell_expire(c, now);
    bool is_ours = c->holder == incarnation && c->token == call->token;
    if (!is_ours && (call->is_write || call->token != 0)) {
        return c->holder != 0 && c->holder != incarnation ? INFRA_LEASE_CONFLICT
                                                          : INFRA_LEASE_LOST;
    }
    if (call->is_write) {
        c->record_count = r->count;
        memcpy(c->record, r->bytes, sizeof c->record);
    } else {
        r->count = c->record_count;
        memcpy(r->bytes, c->record, sizeof r->bytes);
    }
    return INFRA_LEASE_GRANTED;
}
