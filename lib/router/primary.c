/* SPDX-License-Identifier: MIT */
/* Which node is the primary: the one with the highest token, if it is alone
 * with it. The highest token ever seen is the floor: a primary below it belongs
 * to a reign that is over, whatever it says. */
#include "internal.h"

void infra__router_choose_primary(const struct infra_router *r, struct table *t)
{
    uint64_t primaries = 0;
    uint64_t stale = 0;

    for (uint32_t id = 0; id < r->options.nodes_max; id++) {
        const struct node *n = &r->nodes[id];
        if (n->role != INFRA_ROUTER_ROLE_PRIMARY) {
            continue;
        }
        if (n->token == r->token || !ROUTER_RULE(TOKEN)) {
            primaries |= bit_of(id);
        } else {
            stale |= bit_of(id);
        }
    }
    t->token = r->token;
    t->primary = NODE_NONE;
    t->refused = stale;
    t->why = INFRA_VERDICT_REASON_NO_PRIMARY;
    if ((primaries & (primaries - 1)) != 0 && ROUTER_RULE(SPLIT)) {
        t->why = INFRA_VERDICT_REASON_SPLIT_BRAIN;
        t->refused |= primaries;
    } else if (primaries != 0) {
        t->primary = first_of(primaries);
        t->valid_until = r->nodes[t->primary].valid_until;
        t->why = INFRA_VERDICT_REASON_WRITE;
    }
}

void infra__router_note_reign(struct infra_router *r, const struct table *t,
                              infra_time now)
{
    uint32_t count = r->reigns_count;

    if (t->primary == NODE_NONE) {
        return;
    }
    const struct node *n = &r->nodes[t->primary];
    if (count > 0 && r->reigns[count - 1].token == n->token) {
        if (n->since.kind != INFRA_POSITION_NONE) {
            r->reigns[count - 1].since = n->since;
        }
        return;
    }
    if (count == REIGNS_MAX) {
        for (uint32_t i = 1; i < count; i++) {
            r->reigns[i - 1] = r->reigns[i];
        }
        count--;
    }
    r->reigns[count] = (struct reign) { n->token, now, n->since };
    r->reigns_count = count + 1;
}

uint32_t infra__router_writable(const struct table *t, infra_time now)
{
    if (t->primary == NODE_NONE) {
        return t->why;
    }
    if (t->valid_until != 0 && now >= t->valid_until && ROUTER_RULE(LEASE)) {
        return INFRA_VERDICT_REASON_LEASE_OVER;
    }
    return INFRA_VERDICT_REASON_WRITE;
}
