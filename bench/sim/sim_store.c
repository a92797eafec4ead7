/* SPDX-License-Identifier: MIT */
#include "sim_store.h"

void sim_store_expire(struct sim_store *s, infra_time now)
{
    if (s->holder != 0 && now >= s->expires) {
        s->holder = 0;
        s->is_clean = false;
    }
}

static struct infra_lease_answer state_of(const struct sim_store *s,
                                          const struct sim_request *r,
                                          infra_time now)
{
    struct infra_lease_answer a = { .outcome = INFRA_LEASE_OUTCOME_LOST };

    if (s->holder != 0) {
        a.outcome = s->incarnation == r->incarnation
                        ? INFRA_LEASE_OUTCOME_GRANTED
                        : INFRA_LEASE_OUTCOME_CONFLICT;
        a.token = s->token;
        a.ttl = s->ttl; /* What it was given, not what is left of it. */
    }
    a.handover_request = now < s->request_until ? s->handover_request : 0;
    return a;
}

static struct infra_lease_answer acquire(struct sim_store *s,
                                         const struct sim_request *r,
                                         infra_time now)
{
    struct infra_lease_answer a = state_of(s, r, now);

    if (a.outcome ==
        INFRA_LEASE_OUTCOME_GRANTED) { /* By a former call, then. */
        return (struct infra_lease_answer) { .outcome =
                                                 INFRA_LEASE_OUTCOME_UNKNOWN };
    }
    if (a.outcome == INFRA_LEASE_OUTCOME_CONFLICT) {
        return a;
    }
    s->holder = r->node + 1;
    s->incarnation = r->incarnation;
    s->token = ++s->last_token;
    s->ttl = r->ttl;
    s->expires = now + r->ttl;
    s->handover_request = 0; /* Somebody has it now. */
    return (struct infra_lease_answer) { .outcome = INFRA_LEASE_OUTCOME_GRANTED,
                                         .clean = s->is_clean,
                                         .token = s->token,
                                         .ttl = r->ttl };
}

static struct infra_lease_answer renew(struct sim_store *s,
                                       const struct sim_request *r,
                                       infra_time now)
{
    struct infra_lease_answer a = state_of(s, r, now);

    if (a.outcome == INFRA_LEASE_OUTCOME_GRANTED && s->token != r->token) {
        a.outcome = INFRA_LEASE_OUTCOME_LOST;
    }
    if (a.outcome == INFRA_LEASE_OUTCOME_GRANTED) {
        s->expires = now + r->ttl;
    }
    return a;
}

struct infra_lease_answer sim_store_do(struct sim_store *s,
                                       const struct sim_request *r,
                                       infra_time now)
{
    struct infra_lease_answer done = { .outcome = INFRA_LEASE_OUTCOME_GRANTED };

    sim_store_expire(s, now);
    switch (r->op) {
    case INFRA_LEASE_OP_ACQUIRE:
        return acquire(s, r, now);
    case INFRA_LEASE_OP_RENEW:
        return renew(s, r, now);
    case INFRA_LEASE_OP_READ:
        return state_of(s, r, now);
    case INFRA_LEASE_OP_RELEASE:
        if (s->holder != 0 && s->incarnation == r->incarnation &&
            s->token == r->token) {
            s->holder = 0;
            s->is_clean = true;
        }
        return done;
    default:
        if (r->handover_request >= s->handover_request ||
            now >= s->request_until) {
            s->handover_request = r->handover_request;
            s->request_until = now + r->ttl;
        }
        return done;
    }
}
