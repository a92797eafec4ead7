/* SPDX-License-Identifier: MIT */
/* The plan: what is due in a step, and what it means to enter one. A plan is
 * nothing but the step, the candidate and the target; a process that takes over
 * in the middle finds out from the nodes what is left to do, and so nothing of
 * it has to be handed over but who was named primary last. */
#include "promotion.h"

#define TURN_STEPS_MAX 8u /* That one turn may pass through. */

static infra_time after(infra_time from, infra_time duration)
{
    return infra__time_add(from, duration);
}

static void log_step(struct infra_promotion *p)
{
    if (p->log_count == STEPS_LOG_MAX) {
        p->log_first = (p->log_first + 1) % STEPS_LOG_MAX;
        p->log_count--;
    }
    p->log[(p->log_first + p->log_count++) % STEPS_LOG_MAX] =
        (struct infra_promotion_event) {
            .kind = INFRA_PROMOTION_STEP,
            .reason = p->reason,
            .node = p->step == INFRA_PROMOTION_FENCING ? p->target
                    : p->candidate != NOBODY           ? p->candidate
                                                       : p->primary,
            .source = NOBODY,
            .token = p->token,
            .step = p->step,
        };
}

/* What the plan did to nodes counts no more. */
static void end_plan(struct infra_promotion *p)
{
    p->candidate = NOBODY;
    p->target = NOBODY;
    p->is_switchover = false;
    for (uint32_t i = 0; i < p->o.nodes_max; i++) {
        p->nodes[i].is_detached = false;
        p->nodes[i].is_excused = false;
        infra__promotion_drop_order(&p->nodes[i].order);
    }
}

/* It was primary and is not any more: it may have what nobody else has. */
static void depose(struct infra_promotion *p, uint32_t id)
{
    struct node *n = &p->nodes[id];

    n->is_deposed = true;
    if (p->o.quarantine != 0 && !p->is_switchover) {
        n->flags |= INFRA_PROMOTION_QUARANTINED;
        n->tells_quarantine = true;
    }
}

/* The candidate is the primary now. */
static void name_primary(struct infra_promotion *p)
{
    uint32_t old = p->primary;

    if (old != NOBODY && old != p->candidate) {
        depose(p, old);
        p->changes++;
        p->changed = p->now;
        infra__damper_add(&p->damper, p->now);
    }
    if (p->target != NOBODY && p->target != p->candidate && p->target != old) {
        depose(p, p->target);
    }
    p->primary = p->candidate;
    p->primary_timeline = p->nodes[p->primary].timeline;
    p->nodes[p->primary].is_deposed = false;
    p->is_told = false;
    p->named_by = p->token;
    infra__promotion_drop_order(&p->own);

    p->is_spent = true;
}

/* @node: whom the step is about, as the row wants it. */
static void enter(struct infra_promotion *p, uint32_t node)
{
    switch (p->step) {
    case INFRA_PROMOTION_STANDBY:
        end_plan(p);
        infra__promotion_drop_order(&p->own);
        p->token = 0;
        p->tells_hold = p->tells_resign = false;
        break;
    case INFRA_PROMOTION_WATCH:
        end_plan(p);
        p->is_impatient = false;
        p->tells_resign = p->is_spent;
        break;
    case INFRA_PROMOTION_WAITING:
        p->tells_resign = p->is_spent;
        break;
    case INFRA_PROMOTION_FENCING:
        p->target = node;
        p->candidate = NOBODY;
        p->tells_hold = true;
        break;
    case INFRA_PROMOTION_COLLECTING:
        p->tells_hold = true;
        break;
    case INFRA_PROMOTION_STOPPING:
        p->candidate = node;
        p->is_switchover = true;
        p->tells_hold = true;
        break;
    case INFRA_PROMOTION_CATCHING_UP:
        p->last_position = p->nodes[p->primary].position;
        break;
    case INFRA_PROMOTION_PROMOTING:
        p->candidate = node;
        p->primary_position = p->nodes[node].position;
        p->is_spent = true;
        break;
    case INFRA_PROMOTION_REPOINTING:
        if (p->reason == INFRA_PROMOTION_REASON_ADOPTED) {
            p->candidate = node;
            p->primary_position = 0;
        }
        for (uint32_t i = 0; i < p->o.nodes_max; i++) {
            infra__promotion_drop_order(
                &p->nodes[i].order); /* To the former one. */
        }
        name_primary(p);
        break;
    case INFRA_PROMOTION_PAUSED:
        end_plan(p);
        break;
    default:
        break;
    }
}

void infra__promotion_become(struct infra_promotion *p, uint32_t reason,
                             uint32_t node)
{
    uint32_t to = infra__promotion_transition(p->step, reason);

    if (to == STEPS_COUNT) {
        return;
    }
    if (reason == INFRA_PROMOTION_REASON_UNFENCED) {
        p->nodes[p->target].is_excused = true;
    }
    p->step = to;
    p->reason = reason;
    p->since = p->now;
    enter(p, node);
    log_step(p);
}

/* Is it too soon after the last changes? */
static bool is_damped(struct infra_promotion *p)
{
    bool is_penalized = infra__damper_is_suppressed(&p->damper, p->now);
    bool is_soon =
        p->changes > 0 && p->now < after(p->changed, p->o.recovery_gap);

    return (is_penalized || is_soon) && !p->is_impatient;
}

/* The primary is dead, or nobody is: which way? */
static uint32_t if_free(const struct infra_promotion *p, uint32_t reason)
{
    return p->is_spent && PROMOTION_RULE(SPENT) ? INFRA_PROMOTION_REASON_SPENT
                                                : reason;
}

/* A reason, and whom it is about. */
struct due {
    uint32_t reason;
    uint32_t node;
};

static struct due because(uint32_t reason, uint32_t node)
{
    return (struct due) { reason, node };
}

static struct due due_of_watch(const struct infra_promotion *p)
{
    struct infra__votes votes;
    uint32_t rival;
    uint32_t reason = infra__promotion_rival(p, &rival);

    if (reason == INFRA_PROMOTION_REASON_ADOPTED) {
        return because(if_free(p, reason), rival);
    }
    if (reason != NO_REASON) {
        return because(reason, rival);
    }
    if (infra__promotion_verdict(p, &votes) != INFRA_PROMOTION_REASON_ALIVE) {
        return because(INFRA_PROMOTION_REASON_SUSPECTED, p->primary);
    }
    reason = infra__promotion_vacancy(p);
    return because(reason != NO_REASON ? if_free(p, reason) : NO_REASON,
                   NOBODY);
}

static struct due due_of_doubt(struct infra_promotion *p)
{
    struct infra__votes votes;
    uint32_t rival;
    uint32_t reason = infra__promotion_rival(p, &rival);

    if (p->step == INFRA_PROMOTION_WAITING && p->is_spent &&
        PROMOTION_RULE(SPENT)) {
        return because(NO_REASON, NOBODY); /* Until there is another token. */
    }
    if (reason != NO_REASON) {
        return because(reason == INFRA_PROMOTION_REASON_ADOPTED
                           ? if_free(p, reason)
                           : reason,
                       rival);
    }
    reason = infra__promotion_verdict(p, &votes);
    if (reason != INFRA_PROMOTION_REASON_DEAD) {
        return because(reason, p->primary);
    }
    return because(is_damped(p) ? INFRA_PROMOTION_REASON_DAMPED
                                : if_free(p, reason),
                   p->primary);
}

static struct due due_of_switchover(const struct infra_promotion *p)
{
    const struct node *old = &p->nodes[p->primary];
    const struct node *new = &p->nodes[p->candidate];
    bool is_late = p->now >= after(p->since, p->o.catch_up);
    bool is_stopped = (is_fresh(p, p->primary) && old->writable == 0 &&
                       old->order.outcome == INFRA_FENCE_DONE &&
                       old->at >= old->order.done_at) ||
                      !PROMOTION_RULE(STOP);
    struct infra__votes votes;

    if (infra__promotion_verdict(p, &votes) == INFRA_PROMOTION_REASON_DEAD) {
        return because(INFRA_PROMOTION_REASON_DEAD, p->primary);
    }
    if (old->order.outcome == INFRA_FENCE_FAILED) {
        return because(INFRA_PROMOTION_REASON_REFUSED, p->primary);
    }
    if (p->step == INFRA_PROMOTION_STOPPING) {
        return because(is_stopped ? INFRA_PROMOTION_REASON_STOPPED
                       : is_late  ? INFRA_PROMOTION_REASON_TIMEOUT
                                  : NO_REASON,
                       p->primary);
    }
    if (is_writable(p, p->primary)) {
        return because(INFRA_PROMOTION_REASON_REFUSED, p->primary);
    }
    bool has_it =
        is_fresh(p, p->candidate) &&
        new->timeline == old->timeline &&new->position >= p->last_position;
    if (has_it || !PROMOTION_RULE(CATCH_UP)) {
        return because(INFRA_PROMOTION_REASON_CAUGHT_UP, p->candidate);
    }
    return because(is_late ? INFRA_PROMOTION_REASON_TIMEOUT : NO_REASON,
                   p->primary);
}

/* Both its word and what is seen of it count: the word alone may be wrong, and
 * what is seen alone may be the work of an older order. */
static struct due due_of_promoting(const struct infra_promotion *p)
{
    const struct node *n = &p->nodes[p->candidate];
    bool is_done = n->order.outcome == INFRA_FENCE_DONE;

    if (is_done &&
        ((is_writable(p, p->candidate) && n->at >= n->order.done_at) ||
         !PROMOTION_RULE(SEEN))) {
        return because(INFRA_PROMOTION_REASON_WRITABLE, p->candidate);
    }
    if (n->order.outcome == INFRA_FENCE_FAILED) {
        return because(INFRA_PROMOTION_REASON_REFUSED, p->candidate);
    }
    return because(p->now >= after(p->since, p->o.promote)
                       ? INFRA_PROMOTION_REASON_TIMEOUT
                       : NO_REASON,
                   p->candidate);
}

static struct due due_of_repointing(const struct infra_promotion *p)
{
    bool is_over = p->is_told;

    for (uint32_t i = 0; i < p->o.nodes_max && is_over; i++) {
        is_over = !infra__promotion_wants_repoint(p, i) ||
                  p->nodes[i].order.outcome == INFRA_FENCE_DONE;
    }
    return because(is_over ? INFRA_PROMOTION_REASON_REPOINTED
                   : p->now >= after(p->since, p->o.order)
                       ? INFRA_PROMOTION_REASON_TIMEOUT
                       : NO_REASON,
                   p->primary);
}

static struct due due_of_conflict(struct infra_promotion *p)
{
    struct infra__votes votes;
    uint32_t rival;
    uint32_t reason = infra__promotion_rival(p, &rival);

    if (p->primary == NOBODY) {
        return because(reason == INFRA_PROMOTION_REASON_CONFLICT
                           ? NO_REASON
                           : INFRA_PROMOTION_REASON_RESOLVED,
                       NOBODY);
    }
    if (reason == INFRA_PROMOTION_REASON_ADOPTED &&
        if_free(p, reason) == reason) {
        return because(reason, rival);
    }
    if (infra__promotion_verdict(p, &votes) == INFRA_PROMOTION_REASON_DEAD &&
        !is_damped(p) && if_free(p, reason) == reason) {
        return because(INFRA_PROMOTION_REASON_DEAD, p->primary);
    }
    return because(reason == INFRA_PROMOTION_REASON_CONFLICT
                       ? NO_REASON
                       : INFRA_PROMOTION_REASON_RESOLVED,
                   NOBODY);
}

static struct due due_now(struct infra_promotion *p)
{
    struct infra__choice choice;
    uint32_t reason;

    if (p->is_paused != (p->step == INFRA_PROMOTION_PAUSED)) {
        return because(p->is_paused ? INFRA_PROMOTION_REASON_PAUSED
                                    : INFRA_PROMOTION_REASON_COMMAND,
                       NOBODY);
    }
    switch (p->step) {
    case INFRA_PROMOTION_READING:
        return because(p->own.outcome == INFRA_FENCE_DONE
                           ? INFRA_PROMOTION_REASON_READ
                           : NO_REASON,
                       NOBODY);
    case INFRA_PROMOTION_WATCH:
        return due_of_watch(p);
    case INFRA_PROMOTION_SUSPECT:
    case INFRA_PROMOTION_WAITING:
        return due_of_doubt(p);
    case INFRA_PROMOTION_FENCING:
        return because(infra__promotion_fence_end(p, p->target), p->target);
    case INFRA_PROMOTION_COLLECTING:
    case INFRA_PROMOTION_HELD:
        reason = infra__promotion_choose(p, &choice);
        return because(reason, choice.candidate);
    case INFRA_PROMOTION_STOPPING:
    case INFRA_PROMOTION_CATCHING_UP:
        return due_of_switchover(p);
    case INFRA_PROMOTION_PROMOTING:
        return due_of_promoting(p);
    case INFRA_PROMOTION_REPOINTING:
        return due_of_repointing(p);
    case INFRA_PROMOTION_CONFLICT:
        return due_of_conflict(p);
    default:
        return because(NO_REASON, NOBODY);
    }
}

/* Which token may it act with now? */
static void look_at_gate(struct infra_promotion *p)
{
    uint64_t token = 0;

    if (!infra_gate_open(p->o.gate, p->now, &token)) {
        token = 0;
    }
    if (token == p->token || (token == 0 && !PROMOTION_RULE(GATE))) {
        return;
    }
    if (p->step != INFRA_PROMOTION_STANDBY) {
        infra__promotion_become(p, INFRA_PROMOTION_REASON_UNLEASED, NOBODY);
    }
    if (token == 0 || token < p->primary_token) {
        return; /* The store gave an old token: who has it may not act. */
    }
    p->is_spent =
        (token == p->lease && p->is_spent) || token == p->primary_token;
    p->token = p->lease = token;
    infra__promotion_become(p, INFRA_PROMOTION_REASON_LEASE, NOBODY);
}

void infra__promotion_advance(struct infra_promotion *p, infra_time now)
{
    p->now = now > p->now ? now : p->now;
    look_at_gate(p);
    if (p->step == INFRA_PROMOTION_STANDBY) {
        return;
    }
    infra__promotion_expire_orders(p);
    for (uint32_t i = 0; i < TURN_STEPS_MAX; i++) {
        struct due due = due_now(p);
        if (due.reason == NO_REASON ||
            infra__promotion_transition(p->step, due.reason) == STEPS_COUNT) {
            break;
        }
        infra__promotion_become(p, due.reason, due.node);
    }
    infra__promotion_give_orders(p);
}

infra_time infra__promotion_step_due(const struct infra_promotion *p)
{
    switch (p->step) {
    case INFRA_PROMOTION_FENCING:
    case INFRA_PROMOTION_CONFLICT:
        return after(p->since, p->o.fence_wait);
    case INFRA_PROMOTION_COLLECTING:
        return after(p->since, p->o.collect);
    case INFRA_PROMOTION_STOPPING:
    case INFRA_PROMOTION_CATCHING_UP:
        return after(p->since, p->o.catch_up);
    case INFRA_PROMOTION_PROMOTING:
        return after(p->since, p->o.promote);
    case INFRA_PROMOTION_REPOINTING:
        return after(p->since, p->o.order);
    default:
        return INFRA_TIME_NEVER;
    }
}
