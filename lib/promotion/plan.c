/* SPDX-License-Identifier: MIT */
/* The plan: what it means to enter a step, and the turn. A plan is only the
 * step, the candidate and the target. A process that takes over in the middle
 * learns from the nodes what is left to do, and from the record the last
 * primary; nothing else is handed over. */
#include "internal.h"

#define TURN_STEPS_MAX 8u /* Steps in one turn. */

static void log_step(struct infra_promotion *p)
{
    if (p->log_count == STEPS_LOG_MAX) {
        p->log_first = (p->log_first + 1) % STEPS_LOG_MAX;
        p->log_count--;
    }
    p->log[(p->log_first + p->log_count++) % STEPS_LOG_MAX] =
        (struct infra_promotion_event) {
            .kind = EVENT(STEP),
            .reason = p->reason,
            .id = p->step == STEP(FENCING)  ? p->target
                  : p->candidate != NO_NODE ? p->candidate
                                            : p->primary,
            .source = NO_NODE,
            .token = p->token,
            .step = p->step,
        };
}

/* Forget what the plan did to the nodes. */
static void end_plan(struct infra_promotion *p)
{
    p->candidate = NO_NODE;
    p->target = NO_NODE;
    p->is_switchover = false;
    for (uint32_t i = 0; i < p->o.nodes_max; i++) {
        p->nodes[i].is_detached = false;
        p->nodes[i].is_fenced = false;
        p->nodes[i].is_excused = false;
        p->nodes[i].is_in_part = false;
        if (!infra__promotion_wants_fence(p, i)) {
            infra__promotion_drop_order(&p->nodes[i].order);
        }
    }
}

/* A former primary may have writes that no other node has. */
static void depose(struct infra_promotion *p, uint32_t id)
{
    struct node *n = &p->nodes[id];

    n->is_deposed = true;
    if (p->o.quarantine != 0 && !p->is_switchover) {
        n->flags |= FLAG(QUARANTINED);
        n->tells_quarantine = true;
    }
}

void infra__promotion_count_change(struct infra_promotion *p, uint32_t id)
{
    uint32_t last = last_primary(p);

    if (last != NO_NODE && last != id) {
        p->changes++;
        p->changed = p->now;
        infra__damper_add(&p->damper, p->now);
    }
}

/* The candidate is the primary now. */
static void name_primary(struct infra_promotion *p)
{
    uint32_t old = p->primary;

    if (old != NO_NODE && old != p->candidate) {
        depose(p, old);
    }
    infra__promotion_count_change(p, p->candidate);
    if (p->target != NO_NODE && p->target != p->candidate && p->target != old) {
        depose(p, p->target);
    }
    if (old != p->candidate) {
        infra__promotion_unseal(p, true);
    }
    p->primary = p->candidate;
    p->primary_timeline = p->nodes[p->primary].timeline;
    p->nodes[p->primary].is_deposed = false;
    p->primary_position = p->began_at;
    p->primary_origin = p->began_on;
    p->knows_origin = p->reason == WHY(WRITABLE);
    if (!p->is_unfinished) { /* The primary was adopted. */
        infra__promotion_begin(p, p->candidate);
    }
    infra__promotion_drop_order(&p->own);
    p->is_token_used = true;
}

/* Another process may have changed the record, which the host reads now. An
 * APART that was found here and never recorded stays. */
static void forget_marks(struct infra_promotion *p)
{
    for (uint32_t i = 0; i < p->o.nodes_max; i++) {
        struct node *n = &p->nodes[i];
        if (!n->is_unmarked) {
            n->flags &= ~FLAG(APART);
        }
        n->is_unmarked = has_flag(n, FLAG(APART));
    }
}

static void begin_promotion(struct infra_promotion *p, uint32_t id)
{
    p->candidate = id;
    p->began_at = p->nodes[id].position;
    p->began_on = p->nodes[id].timeline;
    p->goes_on = id == p->primary && !p->is_unfinished;
    p->is_token_used = true;
    infra__promotion_begin(p, id);
}

static void end_promotion(struct infra_promotion *p, uint32_t id)
{
    if (p->reason == WHY(ADOPTED)) {
        p->candidate = id;
        p->began_at = 0;
    }
    infra__promotion_drop_orders(p); /* They were for the former primary. */
    name_primary(p);
}

/* @id: the node of the step. */
static void enter(struct infra_promotion *p, uint32_t id)
{
    switch (p->step) {
    case STEP(READING):
        forget_marks(p);
        break;
    case STEP(STANDBY):
        end_plan(p);
        infra__promotion_unseal(p, false);
        infra__promotion_drop_order(&p->own);
        p->token = 0;
        p->tells_hold = p->tells_resign = false;
        break;
    case STEP(WATCH):
        end_plan(p);
        p->is_impatient = false;
        p->tells_resign = p->is_token_used;
        break;
    case STEP(WAITING):
        p->tells_resign = p->is_token_used;
        break;
    case STEP(FENCING):
        p->target = id;
        p->candidate = NO_NODE;
        p->tells_hold = true;
        break;
    case STEP(COLLECTING):
        p->tells_hold = true;
        break;
    case STEP(STOPPING):
        p->candidate = id;
        p->is_switchover = true;
        p->tells_hold = true;
        break;
    case STEP(CATCHING_UP):
        p->last_position = p->nodes[p->primary].position;
        break;
    case STEP(RECORDING):
        begin_promotion(p, id);
        break;
    case STEP(REPOINTING):
        end_promotion(p, id);
        break;
    case STEP(PAUSED):
        end_plan(p);
        break;
    default:
        break;
    }
}

void infra__promotion_become(struct infra_promotion *p, uint32_t reason,
                             uint32_t id)
{
    uint32_t to = infra__promotion_transition(p->step, reason);

    if (to == STEPS_COUNT) {
        return;
    }
    if (reason == WHY(UNFENCED)) {
        p->nodes[p->target].is_excused = true;
        p->nodes[p->target].not_before = p->now + 1; /* It may be fenced. */
    }
    if (p->step == STEP(PROMOTING) && to == STEP(WATCH)) { /* It failed. */
        p->nodes[p->candidate].refused_until =
            infra__time_add(p->now, p->o.promote_timeout);
    }
    p->step = to;
    p->reason = reason;
    p->since = p->now;
    enter(p, id);
    log_step(p);
}

/* Take the token of the gate. */
static void look_at_gate(struct infra_promotion *p)
{
    uint64_t token = 0;

    if (!infra_gate_is_open(p->o.gate, p->now, &token)) {
        token = 0;
    }
    if (token == p->token || (token == 0 && !PROMOTION_RULE(GATE))) {
        return;
    }
    if (p->step != STEP(STANDBY)) {
        infra__promotion_become(p, WHY(UNLEASED), NO_NODE);
    }
    if (token == 0 || token < p->primary_token) {
        return; /* An old token, of a store that was reset. */
    }
    p->is_token_used =
        (token == p->lease && p->is_token_used) || token == p->primary_token;
    p->token = p->lease = token;
    infra__promotion_become(p, WHY(LEASE), NO_NODE);
}

void infra__promotion_advance(struct infra_promotion *p, infra_time now)
{
    p->now = now > p->now ? now : p->now;
    look_at_gate(p);
    if (p->step == STEP(STANDBY)) {
        return;
    }
    infra__promotion_expire_orders(p);
    infra__promotion_find_apart(p);
    for (uint32_t i = 0; i < TURN_STEPS_MAX; i++) {
        struct infra__due due = infra__promotion_due(p);
        if (due.reason == NO_REASON ||
            infra__promotion_transition(p->step, due.reason) == STEPS_COUNT) {
            break;
        }
        infra__promotion_become(p, due.reason, due.id);
    }
    infra__promotion_give_orders(p);
}
