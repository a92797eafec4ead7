/* SPDX-License-Identifier: MIT */
/* Orders to nodes, and their answers. What a node is to do now follows
 * from the step alone; each turn compares that with the order it has, so that
 * there is never another one out than what the step wants, and one that got no
 * answer is simply wanted still. */
#include "internal.h"

void infra__promotion_drop_order(struct order *order)
{
    *order = (struct order) { .kind = NO_ORDER, .outcome = NO_OUTCOME };
}

uint32_t infra__promotion_fence_end(const struct infra_promotion *p,
                                    uint32_t id)
{
    const struct order *order = &p->nodes[id].order;
    uint32_t policy = order->outcome == INFRA_FENCE_FAILED ? p->o.fence_failed
                                                           : p->o.fence_unknown;

    if (!PROMOTION_RULE(FENCE) || (order->kind == INFRA_PROMOTION_EVENT_FENCE &&
                                   order->outcome == INFRA_FENCE_DONE)) {
        return INFRA_PROMOTION_REASON_FENCED;
    }
    return order->outcome != NO_OUTCOME &&
                   policy == INFRA_PROMOTION_UNFENCED_PROCEED &&
                   p->now >= infra__time_add(p->since, p->o.fence_timeout)
               ? INFRA_PROMOTION_REASON_UNFENCED
               : NO_REASON;
}

/* A replica may reconnect by itself; it is left alone for a while then, except
 * when the primary has just changed. To point one away that follows already
 * costs acknowledgements; so what was seen before this step, in which an order
 * of the step before it may have come true, does not do. */
bool infra__promotion_wants_repoint(const struct infra_promotion *p,
                                    uint32_t id)
{
    const struct node *n = &p->nodes[id];
    bool is_news =
        p->step == INFRA_PROMOTION_STEP_REPOINTING || n->at > p->since;
    bool is_apart = has_flag(n, INFRA_PROMOTION_FLAG_APART);

    if (p->primary == NO_NODE || id == p->primary || !is_fresh(p, id) ||
        !is_news || n->writable != 0 ||
        (n->source == p->primary && !is_apart) ||
        has_flag(n, INFRA_PROMOTION_FLAG_QUARANTINED)) {
        return false;
    }
    if (is_apart && n->source != NO_NODE) { /* That proves nothing. */
        return p->step == INFRA_PROMOTION_STEP_REPOINTING ||
               is_writable(p, p->primary);
    }
    if (n->source != NO_NODE) { /* Through another, which is well and good, */
        return (p->o.sync_acks > 0 && has_flag(n, INFRA_PROMOTION_FLAG_SYNC)) ||
               (is_node(p, n->source) && p->nodes[n->source].is_deposed);
    }
    return p->step == INFRA_PROMOTION_STEP_REPOINTING ||
           (is_writable(p, p->primary) &&
            p->now - n->changed >= p->o.sample_age_max);
}

static bool wants_detach(const struct infra_promotion *p, uint32_t id)
{
    const struct node *n = &p->nodes[id];
    bool is_attached_again = is_fresh(p, id) && n->source != NO_NODE;

    if (has_flag(n, INFRA_PROMOTION_FLAG_APART) &&
        (!n->is_sealed || !n->may_follow || n->is_in_part)) {
        return false; /* Else: is it still being built anew? */
    }
    return !n->is_detached || is_attached_again;
}

/* A rival that is seen no more may be out by the order that it has, and only the
 * answer proves that. One that is seen again was let in. */
bool infra__promotion_wants_fence(const struct infra_promotion *p, uint32_t id)
{
    const struct node *n = &p->nodes[id];

    return has_flag(n, INFRA_PROMOTION_FLAG_APART) && !n->is_unmarked &&
           n->order.kind == INFRA_PROMOTION_EVENT_FENCE &&
           n->order.outcome != INFRA_FENCE_DONE && !is_fresh(p, id) &&
           (p->step == INFRA_PROMOTION_STEP_WATCH ||
            p->step == INFRA_PROMOTION_STEP_SUSPECT ||
            p->step == INFRA_PROMOTION_STEP_WAITING ||
            p->step == INFRA_PROMOTION_STEP_CONFLICT);
}

/* What this node is to do. */
static uint32_t wanted(const struct infra_promotion *p, uint32_t id)
{
    bool is_wanted = false;
    uint32_t kind = NO_ORDER;

    if (infra__promotion_wants_fence(p, id)) {
        return INFRA_PROMOTION_EVENT_FENCE;
    }

    switch (p->step) {
    case INFRA_PROMOTION_STEP_FENCING:
        kind = INFRA_PROMOTION_EVENT_FENCE;
        is_wanted = id == p->target;
        break;
    case INFRA_PROMOTION_STEP_CONFLICT:
        kind = INFRA_PROMOTION_EVENT_FENCE;
        is_wanted = infra__promotion_is_rival(p, id);
        break;
    case INFRA_PROMOTION_STEP_COLLECTING:
    case INFRA_PROMOTION_STEP_HELD:
        kind = INFRA_PROMOTION_EVENT_DETACH;
        is_wanted = wants_detach(p, id);
        break;
    case INFRA_PROMOTION_STEP_STOPPING:
    case INFRA_PROMOTION_STEP_CATCHING_UP:
        kind = INFRA_PROMOTION_EVENT_STOP;
        is_wanted = id == p->primary;
        break;
    case INFRA_PROMOTION_STEP_PROMOTING:
        kind = INFRA_PROMOTION_EVENT_PROMOTE;
        is_wanted = id == p->candidate;
        break;
    case INFRA_PROMOTION_STEP_WATCH:
    case INFRA_PROMOTION_STEP_REPOINTING:
        kind = INFRA_PROMOTION_EVENT_REPOINT;
        is_wanted = infra__promotion_wants_repoint(p, id);
        break;
    default:
        break;
    }
    if (kind == INFRA_PROMOTION_EVENT_FENCE) { /* The mark first. */
        is_wanted = is_wanted && !p->nodes[id].is_unmarked;
    } else {
        is_wanted = is_wanted &&
                    !has_flag(&p->nodes[id], INFRA_PROMOTION_FLAG_QUARANTINED);
    }
    return is_wanted ? kind : NO_ORDER;
}

/* May it be given once more? What was done is done, but a replica that was
 * pointed at the primary and does not follow needs it again. */
bool infra__promotion_may_repeat(const struct order *order)
{
    return !order->is_out && (order->outcome != INFRA_FENCE_DONE ||
                              order->kind == INFRA_PROMOTION_EVENT_REPOINT);
}

/* What the host is to do itself. */
static uint32_t wanted_of_host(const struct infra_promotion *p)
{
    switch (p->step) {
    case INFRA_PROMOTION_STEP_READING:
        return INFRA_PROMOTION_EVENT_READ_RECORD;
    case INFRA_PROMOTION_STEP_RECORDING:
        return INFRA_PROMOTION_EVENT_RECORD_INTENT;
    case INFRA_PROMOTION_STEP_STANDBY:
    case INFRA_PROMOTION_STEP_PAUSED:
        return NO_ORDER;
    case INFRA_PROMOTION_STEP_REPOINTING:
        if (p->is_unfinished) {
            return INFRA_PROMOTION_EVENT_RECORD_PRIMARY;
        }
        break;
    default:
        break;
    }
    return infra__promotion_unmarked(p) != NO_NODE
               ? INFRA_PROMOTION_EVENT_RECORD_APART
               : NO_ORDER;
}

static void give(struct infra_promotion *p, struct order *order, uint32_t kind)
{
    if (order->kind != kind) {
        infra__promotion_drop_order(order);
        order->kind = kind;
    }
    if (kind != NO_ORDER && infra__promotion_may_repeat(order) &&
        p->now >= order->next_at) {
        order->call = ++p->calls_count;
        order->deadline = infra__time_add(p->now, p->o.order_timeout);
        order->next_at = order->deadline;
        order->is_out = true;
        order->is_offered = true;
    }
}

void infra__promotion_give_orders(struct infra_promotion *p)
{
    give(p, &p->own, wanted_of_host(p));
    for (uint32_t i = 0; i < p->o.nodes_max; i++) {
        give(p, &p->nodes[i].order,
             p->nodes[i].is_set ? wanted(p, i) : NO_ORDER);
    }
}

/* What a node's order has changed. */
static void node_obeyed(struct infra_promotion *p, struct node *n)
{
    if (n->order.kind == INFRA_PROMOTION_EVENT_REPOINT) {
        n->refused_until = n->silent_since = 0;
        n->is_sealed = n->may_follow = false;
        infra__promotion_set_apart(p, (uint32_t)(n - p->nodes), false);
    } else if (n->order.kind == INFRA_PROMOTION_EVENT_DETACH) {
        n->is_detached = true;
        n->not_before = p->now + 1; /* Begun now may be begun before. */
    } else if (n->order.kind == INFRA_PROMOTION_EVENT_FENCE) {
        n->is_fenced = true;
        n->silent_since = p->now;
        n->is_sealed = n->may_follow = false;
        n->not_before = p->now + 1;
        n->is_deposed =
            n->is_deposed || p->step == INFRA_PROMOTION_STEP_CONFLICT;
    }
}

/* What the host has done itself. */
static void host_obeyed(struct infra_promotion *p)
{
    struct node *marked = &p->nodes[p->marked];

    if (p->own.kind == INFRA_PROMOTION_EVENT_RECORD_PRIMARY) {
        p->primary_token = p->token;
        p->is_unfinished = false;
    } else if (p->own.kind == INFRA_PROMOTION_EVENT_RECORD_APART) {
        if (marked->flags == p->marked_flags) { /* Else it is told again. */
            marked->is_unmarked = false;
        }
        infra__promotion_drop_order(&p->own); /* There may be another. */
    }
}

/* For the simulator: what is not done is believed to be. */
static bool is_taken_for_done(const struct order *order)
{
    return (order->kind == INFRA_PROMOTION_EVENT_DETACH &&
            !PROMOTION_RULE(WHOLE)) ||
           (order->kind == INFRA_PROMOTION_EVENT_REPOINT &&
            !PROMOTION_RULE(PROVED));
}

/* @n: whose order it is; NULL: the host's own. */
static void answered(struct infra_promotion *p, struct order *order,
                     struct node *n, uint32_t outcome)
{
    order->is_out = false;
    order->is_offered = false;
    order->outcome = outcome;
    order->done_at = p->now;
    bool is_done = outcome == INFRA_FENCE_DONE || is_taken_for_done(order);
    if (is_done && n != NULL) {
        node_obeyed(p, n);
    } else if (is_done) {
        host_obeyed(p);
    } else if (order->kind == INFRA_PROMOTION_EVENT_DETACH && n != NULL) {
        n->is_detached = false;
        n->is_in_part = outcome == INFRA_FENCE_FAILED;
    }
}

void infra__promotion_expire_orders(struct infra_promotion *p)
{
    if (p->own.is_out && p->now >= p->own.deadline) {
        answered(p, &p->own, NULL, INFRA_FENCE_UNKNOWN);
    }
    for (uint32_t i = 0; i < p->o.nodes_max; i++) {
        struct node *n = &p->nodes[i];
        if (n->order.is_out && p->now >= n->order.deadline) {
            answered(p, &n->order, n, INFRA_FENCE_UNKNOWN);
        }
    }
}

/* Whose call is it? NULL: nobody's any more. */
static struct order *order_of(struct infra_promotion *p, uint64_t call,
                              struct node **ret_node)
{
    *ret_node = NULL;
    if (p->own.is_out && !p->own.is_offered && p->own.call == call) {
        return &p->own;
    }
    for (uint32_t i = 0; i < p->o.nodes_max; i++) {
        struct order *order = &p->nodes[i].order;
        if (order->is_out && !order->is_offered && order->call == call) {
            *ret_node = &p->nodes[i];
            return order;
        }
    }
    return NULL;
}

int infra_promotion_answer(struct infra_promotion *promotion, uint64_t call,
                           uint32_t outcome, infra_time now)
{
    struct infra_promotion *p = promotion;
    struct node *n;

    if (p == NULL || outcome > INFRA_FENCE_UNKNOWN) {
        return INFRA_EINVAL;
    }
    infra__promotion_advance(p, now);
    struct order *order = order_of(p, call, &n);
    if (order == NULL) {
        return INFRA_ESTALE;
    }
    answered(p, order, n, outcome);
    infra__promotion_advance(p, now);
    return INFRA_OK;
}
