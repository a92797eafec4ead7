/* SPDX-License-Identifier: MIT */
/* Orders to nodes, and their answers. The order of a node follows from the step
 * alone. Each turn compares that order with the one that is out: so no other
 * order is ever out, and one without an answer is given again. */
#include "internal.h"

void infra__promotion_drop_order(struct order *order)
{
    *order = (struct order) { .kind = NO_ORDER, .outcome = NO_OUTCOME };
}

void infra__promotion_drop_orders(struct infra_promotion *p)
{
    for (uint32_t i = 0; i < p->o.nodes_max; i++) {
        infra__promotion_drop_order(&p->nodes[i].order);
    }
}

uint32_t infra__promotion_fence_end(const struct infra_promotion *p,
                                    uint32_t id)
{
    const struct order *order = &p->nodes[id].order;
    uint32_t policy = order->outcome == INFRA_ORDER_FAILED ? p->o.fence_failed
                                                           : p->o.fence_unknown;

    if (!PROMOTION_RULE(FENCE) ||
        (order->kind == EVENT(FENCE) && order->outcome == INFRA_ORDER_DONE)) {
        return WHY(FENCED);
    }
    return order->outcome != NO_OUTCOME &&
                   policy == INFRA_PROMOTION_UNFENCED_PROCEED &&
                   p->now >= infra__time_add(p->since, p->o.fence_timeout)
               ? WHY(UNFENCED)
               : NO_REASON;
}

/* A detached replica is given sample_age_max to reconnect by itself, except
 * after a change of primary. To repoint a replica that follows already costs
 * acknowledgements, so a sample from before this step does not count: an order
 * of the step before may have come true since. */
bool infra__promotion_wants_repoint(const struct infra_promotion *p,
                                    uint32_t id)
{
    const struct node *n = &p->nodes[id];
    bool is_news = p->step == STEP(REPOINTING) || n->at > p->since;
    bool is_apart = has_flag(n, FLAG(APART));

    if (p->primary == NO_NODE || id == p->primary || !is_fresh(p, id) ||
        !is_news || n->writable != 0 ||
        (n->source == p->primary && !is_apart) ||
        has_flag(n, FLAG(QUARANTINED))) {
        return false;
    }
    if (is_apart && n->source != NO_NODE) { /* To follow proves nothing. */
        return p->step == STEP(REPOINTING) || is_writable(p, p->primary);
    }
    if (n->source != NO_NODE) { /* Cascading is fine, */
        return (p->o.sync_acks > 0 && has_flag(n, FLAG(SYNC))) ||
               (is_node(p, n->source) && p->nodes[n->source].is_deposed);
    }
    return p->step == STEP(REPOINTING) ||
           (is_writable(p, p->primary) &&
            p->now - n->changed >= p->o.sample_age_max);
}

/* The plan went on without this fence: the order is repeated, since what waits
 * may need it. A node that is seen again is detached instead, and has a say,
 * except one that takes writes of its own. */
static bool wants_fence_still(const struct infra_promotion *p, uint32_t id)
{
    const struct node *n = &p->nodes[id];

    return n->is_excused && !n->is_fenced && PROMOTION_RULE(AGAIN) &&
           (!is_fresh(p, id) || infra__promotion_is_rival(p, id));
}

static bool wants_detach(const struct infra_promotion *p, uint32_t id)
{
    const struct node *n = &p->nodes[id];
    bool is_attached_again = is_fresh(p, id) && n->source != NO_NODE;

    if (has_flag(n, FLAG(APART)) &&
        (!n->is_sealed || !n->may_follow || n->is_in_part)) {
        return false; /* Else to ask: is its data still being replaced? */
    }
    return !n->is_detached || is_attached_again;
}

/* A rival that is no longer seen may have been fenced by its order: only the
 * answer proves it. A rival that is seen again was let in. */
bool infra__promotion_wants_fence(const struct infra_promotion *p, uint32_t id)
{
    const struct node *n = &p->nodes[id];

    return has_flag(n, FLAG(APART)) && !n->is_unmarked &&
           n->order.kind == EVENT(FENCE) &&
           n->order.outcome != INFRA_ORDER_DONE && !is_fresh(p, id) &&
           (p->step == STEP(WATCH) || p->step == STEP(SUSPECT) ||
            p->step == STEP(WAITING) || p->step == STEP(CONFLICT));
}

static uint32_t order_of_step(const struct infra_promotion *p, uint32_t id)
{
    switch (p->step) {
    case STEP(FENCING):
        return id == p->target ? EVENT(FENCE) : NO_ORDER;
    case STEP(CONFLICT):
        return infra__promotion_is_rival(p, id) ? EVENT(FENCE) : NO_ORDER;
    case STEP(COLLECTING):
    case STEP(HELD):
        return wants_fence_still(p, id) ? EVENT(FENCE)
               : wants_detach(p, id)    ? EVENT(DETACH)
                                        : NO_ORDER;
    case STEP(STOPPING):
    case STEP(CATCHING_UP):
        return id == p->primary ? EVENT(STOP) : NO_ORDER;
    case STEP(PROMOTING):
        return id == p->candidate ? EVENT(PROMOTE) : NO_ORDER;
    case STEP(WATCH):
    case STEP(REPOINTING):
        return infra__promotion_wants_repoint(p, id) ? EVENT(REPOINT)
                                                     : NO_ORDER;
    default:
        return NO_ORDER;
    }
}

/* APART is recorded before the node is fenced. */
static uint32_t order_wanted(const struct infra_promotion *p, uint32_t id)
{
    const struct node *n = &p->nodes[id];
    uint32_t kind = infra__promotion_wants_fence(p, id) ? EVENT(FENCE)
                                                        : order_of_step(p, id);
    bool is_barred =
        kind == EVENT(FENCE) ? n->is_unmarked : has_flag(n, FLAG(QUARANTINED));

    return n->is_set && !is_barred ? kind : NO_ORDER;
}

/* A REPOINT is repeated even if it was done, for a replica that still does not
 * follow. */
static bool may_repeat(const struct order *order)
{
    return !order->is_out && (order->outcome != INFRA_ORDER_DONE ||
                              order->kind == EVENT(REPOINT));
}

/* The order to the host itself. */
static uint32_t wanted_of_host(const struct infra_promotion *p)
{
    switch (p->step) {
    case STEP(READING):
        return EVENT(READ_RECORD);
    case STEP(RECORDING):
        return EVENT(RECORD_INTENT);
    case STEP(STANDBY):
    case STEP(PAUSED):
        return NO_ORDER;
    case STEP(REPOINTING):
        if (p->is_unfinished) {
            return EVENT(RECORD_PRIMARY);
        }
        break;
    default:
        break;
    }
    return infra__promotion_unmarked(p) != NO_NODE ? EVENT(RECORD_APART)
                                                   : NO_ORDER;
}

static void give(struct infra_promotion *p, struct order *order, uint32_t kind)
{
    if (order->kind != kind) {
        infra__promotion_drop_order(order);
        order->kind = kind;
    }
    if (kind != NO_ORDER && may_repeat(order) && p->now >= order->next_at) {
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
        give(p, &p->nodes[i].order, order_wanted(p, i));
    }
}

/* A node's order is done. */
static void node_obeyed(struct infra_promotion *p, struct node *n)
{
    if (n->order.kind == EVENT(REPOINT)) {
        n->refused_until = 0;
        unseal(n);
        infra__promotion_set_apart(p, (uint32_t)(n - p->nodes), false);
    } else if (n->order.kind == EVENT(DETACH)) {
        n->is_detached = true;
        n->not_before = p->now + 1; /* A probe of this instant is too old. */
    } else if (n->order.kind == EVENT(FENCE)) {
        n->is_fenced = true;
        unseal(n);
        n->silent_since = p->now;
        n->not_before = p->now + 1;
        n->is_deposed = n->is_deposed || p->step == STEP(CONFLICT);
    }
}

/* The host's own order is done. */
static void host_obeyed(struct infra_promotion *p)
{
    struct node *marked = &p->nodes[p->marked];

    if (p->own.kind == EVENT(RECORD_PRIMARY)) {
        p->primary_token = p->token;
        p->is_unfinished = false;
    } else if (p->own.kind == EVENT(RECORD_APART)) {
        if (marked->flags == p->marked_flags) { /* Else it is recorded anew. */
            marked->is_unmarked = false;
        }
        infra__promotion_drop_order(&p->own); /* For the next node. */
    }
}

/* For the simulator: a broken rule takes FAILED for DONE. */
static bool is_taken_for_done(const struct order *order)
{
    return (order->kind == EVENT(DETACH) && !PROMOTION_RULE(WHOLE)) ||
           (order->kind == EVENT(REPOINT) && !PROMOTION_RULE(PROVED));
}

/* @n: the node of the order; NULL: the host. */
static void answered(struct infra_promotion *p, struct order *order,
                     struct node *n, uint32_t outcome)
{
    order->is_out = false;
    order->is_offered = false;
    order->outcome = outcome;
    order->done_at = p->now;
    bool is_done = outcome == INFRA_ORDER_DONE || is_taken_for_done(order);
    if (is_done && n != NULL) {
        node_obeyed(p, n);
    } else if (is_done) {
        host_obeyed(p);
    } else if (order->kind == EVENT(DETACH) && n != NULL) {
        n->is_detached = false;
        n->is_in_part = outcome == INFRA_ORDER_FAILED;
    }
}

void infra__promotion_expire_orders(struct infra_promotion *p)
{
    if (p->own.is_out && p->now >= p->own.deadline) {
        answered(p, &p->own, NULL, INFRA_ORDER_UNKNOWN);
    }
    for (uint32_t i = 0; i < p->o.nodes_max; i++) {
        struct node *n = &p->nodes[i];
        if (n->order.is_out && p->now >= n->order.deadline) {
            answered(p, &n->order, n, INFRA_ORDER_UNKNOWN);
        }
    }
}

/* The order that waits for this call; NULL: none. */
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

bool infra__promotion_take_answer(struct infra_promotion *p, uint64_t call,
                                  uint32_t outcome)
{
    struct node *n;
    struct order *order = order_of(p, call, &n);

    if (order != NULL) {
        answered(p, order, n, outcome);
    }
    return order != NULL;
}

infra_time infra__promotion_order_due(const struct order *order)
{
    if (order->is_offered) {
        return 0;
    }
    if (order->is_out) {
        return order->deadline;
    }
    return order->kind != NO_ORDER && may_repeat(order) ? order->next_at
                                                        : INFRA_TIME_NEVER;
}
