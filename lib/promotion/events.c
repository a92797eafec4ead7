/* SPDX-License-Identifier: MIT */
/* The events that the host takes, and when there will be one. */
#include "internal.h"

static void tell(const struct infra_promotion *p, uint32_t kind, uint32_t id,
                 struct infra_promotion_event *ret)
{
    *ret = (struct infra_promotion_event) {
        .kind = kind,
        .reason = p->reason,
        .id = id,
        .source = NO_NODE,
        .token = p->token,
        .step = p->step,
    };
}

static void tell_order(struct infra_promotion *p, struct order *order,
                       uint32_t id, struct infra_promotion_event *ret)
{
    tell(p, order->kind, id, ret);
    ret->call = order->call;
    ret->call_deadline = order->deadline;
    if (order->kind == EVENT(REPOINT)) {
        ret->source = p->primary;
        p->nodes[id].may_follow = true;
    } else if (order->kind == EVENT(PROMOTE)) {
        p->nodes[id].silent_since = 0;
        p->nodes[id].is_sealed = false;
    }
    if (order->kind == EVENT(REPOINT) || order->kind == EVENT(RECORD_PRIMARY)) {
        ret->timeline = p->primary_timeline;
        ret->position = p->primary_position;
    }
    order->is_offered = false;
}

/* The event of one node. */
static bool take_of_node(struct infra_promotion *p, uint32_t id,
                         struct infra_promotion_event *ret)
{
    struct node *n = &p->nodes[id];

    if (n->tells_quarantine) {
        tell(p, EVENT(QUARANTINE), id, ret);
        ret->flags = n->flags;
        n->tells_quarantine = false;
        return true;
    }
    if (n->order.is_offered) {
        tell_order(p, &n->order, id, ret);
        return true;
    }
    return false;
}

bool infra__promotion_take_event(struct infra_promotion *p,
                                 struct infra_promotion_event *ret)
{
    if (p->own.kind == EVENT(RECORD_APART) && p->own.is_offered) {
        p->marked = infra__promotion_unmarked(p);
        p->marked_flags = p->nodes[p->marked].flags;
        tell_order(p, &p->own, p->marked, ret);
        ret->flags = p->marked_flags;
        return true;
    }
    if (p->own.is_offered) {
        tell_order(p, &p->own, p->candidate, ret);
        return true;
    }
    if (p->tells_hold) {
        tell(p, EVENT(HOLD), p->primary, ret);
        p->tells_hold = false;
        return true;
    }
    if (p->log_count > 0) {
        *ret = p->log[p->log_first];
        p->log_first = (p->log_first + 1) % STEPS_LOG_MAX;
        p->log_count--;
        return true;
    }
    for (uint32_t i = 0; i < p->o.nodes_max; i++) {
        if (take_of_node(p, i, ret)) {
            return true;
        }
    }
    if (p->tells_resign) {
        tell(p, EVENT(RESIGN), NO_NODE, ret);
        p->tells_resign = false;
        return true;
    }
    return false;
}

static infra_time earlier(infra_time a, infra_time b)
{
    return a < b ? a : b;
}

infra_time infra__promotion_event_due(const struct infra_promotion *p)
{
    if (p->tells_hold || p->tells_resign || p->log_count > 0) {
        return 0;
    }
    infra_time at = infra__promotion_step_due(p);
    at = at > p->now ? at : INFRA_TIME_NEVER;
    at = earlier(at, infra__promotion_order_due(&p->own));
    at = earlier(at, infra__promotion_seen_due(p));
    for (uint32_t i = 0; i < p->o.nodes_max && at > 0; i++) {
        const struct node *n = &p->nodes[i];
        at = n->tells_quarantine
                 ? 0
                 : earlier(at, infra__promotion_order_due(&n->order));
    }
    return at;
}
