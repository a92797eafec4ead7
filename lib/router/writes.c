/* SPDX-License-Identifier: MIT */
/* To the primary; where there is none that may be written to, hold. */
#include "session.h"

void infra__session_write(const struct table *t, uint8_t reason, infra_time now,
                          struct infra_verdict *v)
{
    uint32_t why = infra__router_writable(t, now);

    if (why != INFRA_VERDICT_REASON_WRITE) {
        v->kind = INFRA_VERDICT_HOLD;
        v->reason = (uint8_t)why;
        return;
    }
    v->kind = INFRA_VERDICT_GO;
    v->reason = reason;
    v->nodes = bit_of(t->primary);
}

struct place infra__place_of(const struct table *t, uint32_t id)
{
    return (struct place) {
        .node = id,
        .generation = t->views[id].generation,
        .sight = t->views[id].sight,
        .token = t->token,
        .is_primary = t->primary == id,
    };
}

bool infra__place_holds(const struct place *p, const struct table *t)
{
    return (p->generation == t->views[p->node].generation &&
            (t->refused & bit_of(p->node)) == 0 &&
            (!p->is_primary || p->token == t->token)) ||
           !ROUTER_RULE(PLACE);
}
