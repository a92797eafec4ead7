/* SPDX-License-Identifier: MIT */
/* Which replicas are fresh enough. What a replica shows is as old as its lag
 * when it was asked plus the time since (MongoDB's formula). Two tiers as in
 * Vitess (replicationlag.go): the preferred ones serve; if they are too few,
 * the least old of the rest join them. */
#include "internal.h"

/* A replica that was cut off returns below this part of the limit. */
#define RETURN_NUMERATOR 3u
#define RETURN_DENOMINATOR 4u

#define RATE_UNIT INFRA_SEC(1)

static infra_time age_of(infra_time as_of, infra_time now)
{
    return now > as_of && ROUTER_RULE(AGE) ? now - as_of : 0;
}

void infra__router_cut(struct infra_router *r, infra_time now)
{
    const infra_time limit = r->options.lag_max;

    for (uint32_t id = 0; id < r->options.nodes_max; id++) {
        struct node *n = &r->nodes[id];
        if (limit == INFRA_TIME_NEVER || n->as_of == 0) {
            n->is_cut = false;
            continue;
        }
        infra_time age = age_of(n->as_of, now);
        n->is_cut = n->is_cut
                        ? age >= limit / RETURN_DENOMINATOR * RETURN_NUMERATOR
                        : age > limit;
    }
}

uint32_t infra__router_least_old(const struct table *t, uint64_t nodes)
{
    uint32_t best = NODE_NONE;

    for (; nodes != 0; nodes &= nodes - 1) {
        uint32_t id = first_of(nodes);
        infra_time as_of = t->views[id].as_of;
        if (as_of != 0 && (best == NODE_NONE || as_of > t->views[best].as_of)) {
            best = id;
        }
    }
    return best;
}

uint64_t infra__router_serving(const struct table *t,
                               const struct infra_router_options *o,
                               infra_time age_max, infra_time now)
{
    infra_time limit =
        age_max != 0 && age_max < o->lag_max ? age_max : o->lag_max;
    uint64_t preferred = 0;
    uint64_t rest = 0;

    for (uint64_t left = t->replicas & ~t->cut; left != 0; left &= left - 1) {
        uint32_t id = first_of(left);
        infra_time as_of = t->views[id].as_of;
        infra_time age = as_of != 0 ? age_of(as_of, now) : INFRA_TIME_NEVER;
        uint64_t is_preferred = age <= o->lag_preferred && age <= limit;
        preferred |= is_preferred << id;
        rest |= (uint64_t)(!is_preferred && age <= limit) << id;
    }
    uint32_t count = (uint32_t)__builtin_popcountll(preferred);
    while (count < o->replicas_min && rest != 0) {
        uint32_t id = infra__router_least_old(t, rest);
        if (id == NODE_NONE) {
            return preferred |
                   rest; /* lag_max is "any", and no lag is known. */
        }
        preferred |= bit_of(id);
        rest &= ~bit_of(id);
        count++;
    }
    return preferred;
}

/* The generic cell rate algorithm, with a burst of a second. */
bool infra__router_may_fall_back(struct infra_router_reader *r, infra_time now)
{
    if (r->options.fallback_rate == 0 || !ROUTER_RULE(RATE)) {
        return true;
    }
    infra_time due = r->fallback_at > now ? r->fallback_at : now;
    if (due - now > RATE_UNIT - RATE_UNIT / r->options.fallback_rate) {
        return false;
    }
    r->fallback_at = due + RATE_UNIT / r->options.fallback_rate;
    return true;
}
