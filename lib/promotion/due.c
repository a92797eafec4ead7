/* SPDX-License-Identifier: MIT */
/* What is due: for each step the reason to leave it, if there is one. That
 * follows from the time, the samples and the answers; nothing changes here. */
#include "internal.h"

/* The damper does not tell when it will be low enough. */
#define DAMPER_LOOK_INTERVAL INFRA_SEC(1)

static infra_time after(infra_time from, infra_time duration)
{
    return infra__time_add(from, duration);
}

static bool is_late(const struct infra_promotion *p, infra_time timeout)
{
    return p->now >= after(p->since, timeout);
}

/* Is it too soon after the last changes? */
static bool is_damped(struct infra_promotion *p)
{
    bool is_penalized = infra__damper_is_suppressed(&p->damper, p->now);
    bool is_soon =
        p->changes > 0 && p->now < after(p->changed, p->o.recovery_interval);

    return (is_penalized || is_soon) && !p->is_impatient;
}

static bool is_dead(const struct infra_promotion *p)
{
    return infra__promotion_votes(p).verdict == WHY(DEAD);
}

static bool is_barred(const struct infra_promotion *p)
{
    return p->is_token_used && PROMOTION_RULE(TOKEN_USED);
}

/* A used token can change no primary. */
static uint32_t if_free(const struct infra_promotion *p, uint32_t reason)
{
    return is_barred(p) ? WHY(TOKEN_USED) : reason;
}

static struct infra__due because(uint32_t reason, uint32_t id)
{
    return (struct infra__due) { reason, id };
}

static struct infra__due because_if(bool is_so, uint32_t reason, uint32_t id)
{
    return because(is_so ? reason : NO_REASON, id);
}

static struct infra__due due_of_watch(const struct infra_promotion *p)
{
    uint32_t rival;
    uint32_t vacancy = infra__promotion_vacancy(p);

    if (vacancy == WHY(UNFINISHED)) {
        return because(if_free(p, vacancy), NO_NODE);
    }
    uint32_t reason = infra__promotion_rival(p, &rival);
    if (reason == WHY(ADOPTED)) {
        return because(if_free(p, reason), rival);
    }
    if (reason != NO_REASON) {
        return because(reason, rival);
    }
    if (infra__promotion_votes(p).verdict != WHY(ALIVE)) {
        return because(WHY(SUSPECTED), p->primary);
    }
    return because_if(vacancy != NO_REASON, if_free(p, vacancy), NO_NODE);
}

static struct infra__due due_of_doubt(struct infra_promotion *p)
{
    uint32_t rival;
    uint32_t reason = infra__promotion_rival(p, &rival);

    if (p->step == STEP(WAITING) && is_barred(p)) {
        return because(NO_REASON, NO_NODE); /* Until there is a new token. */
    }
    if (reason != NO_REASON) {
        return because(reason == WHY(ADOPTED) ? if_free(p, reason) : reason,
                       rival);
    }
    reason = infra__promotion_votes(p).verdict;
    if (reason == WHY(DEAD)) {
        reason = is_damped(p) ? WHY(DAMPED) : if_free(p, reason);
    }
    return because(reason, p->primary);
}

/* Flags that the candidate of a switchover may get too late. */
#define CANNOT_LEAD (FLAG(NEVER) | FLAG(QUARANTINED) | FLAG(APART))

static struct infra__due due_of_switchover(const struct infra_promotion *p)
{
    const struct node *old = &p->nodes[p->primary];
    const struct node *new = &p->nodes[p->candidate];
    bool is_over = is_late(p, p->o.catch_up_timeout);
    bool is_stopped = (is_fresh(p, p->primary) && old->writable == 0 &&
                       old->order.outcome == INFRA_ORDER_DONE &&
                       old->at > old->order.done_at) ||
                      !PROMOTION_RULE(STOP);
    bool has_all =
        (is_fresh(p, p->candidate) &&
         new->timeline == old->timeline &&new->position >= p->last_position) ||
        !PROMOTION_RULE(CATCH_UP);
    bool is_stopping = p->step == STEP(STOPPING);

    if (is_dead(p)) {
        return because(WHY(DEAD), p->primary);
    }
    if (old->order.outcome == INFRA_ORDER_FAILED ||
        has_flag(old, FLAG(QUARANTINED)) || has_flag(new, CANNOT_LEAD) ||
        (!is_stopping && is_writable(p, p->primary))) {
        return because(WHY(REFUSED), p->primary);
    }
    if (is_stopping && is_stopped) {
        return because(WHY(STOPPED), p->primary);
    }
    if (!is_stopping && has_all) {
        return because(WHY(CAUGHT_UP), p->candidate);
    }
    return because_if(is_over, WHY(TIMEOUT), p->primary);
}

/* Both the answer and a sample count: the answer alone may be wrong, and the
 * sample alone may show the work of an older order. */
static struct infra__due due_of_promoting(const struct infra_promotion *p)
{
    const struct node *n = &p->nodes[p->candidate];
    bool is_done =
        n->order.kind == EVENT(PROMOTE) && n->order.outcome == INFRA_ORDER_DONE;
    bool is_seen = (is_writable(p, p->candidate) && n->at > n->order.done_at) ||
                   !PROMOTION_RULE(SEEN);

    if (is_done && is_seen) {
        return because(WHY(WRITABLE), p->candidate);
    }
    if (n->order.outcome == INFRA_ORDER_FAILED ||
        !infra__promotion_may_go_on(p)) {
        return because(WHY(REFUSED), p->candidate);
    }
    if (infra__promotion_is_lost(p, p->candidate)) {
        return because(WHY(DEAD), p->candidate);
    }
    return because_if(is_late(p, p->o.promote_timeout), WHY(TIMEOUT),
                      p->candidate);
}

static bool is_done_by_host(const struct infra_promotion *p, uint32_t kind)
{
    return p->own.kind == kind && p->own.outcome == INFRA_ORDER_DONE;
}

/* A recorded intent is begun, even if its candidate is given up then. */
static struct infra__due due_of_recording(const struct infra_promotion *p)
{
    if (!infra__promotion_may_go_on(p)) {
        return because(WHY(REFUSED), p->candidate);
    }
    return because_if(is_done_by_host(p, EVENT(RECORD_INTENT)) ||
                          !PROMOTION_RULE(INTENT),
                      WHY(RECORDED), p->candidate);
}

/* Nothing is changed before the primary is fenced: if the fence fails, and the
 * primary is seen after it, there is none to replace. */
static struct infra__due due_of_fencing(const struct infra_promotion *p)
{
    const struct node *n = &p->nodes[p->target];
    uint32_t reason = infra__promotion_fence_end(p, p->target);
    bool has_failed =
        n->order.kind == EVENT(FENCE) && n->order.outcome != NO_OUTCOME;

    if (reason == NO_REASON && has_failed && p->target == p->primary &&
        !p->is_unfinished && is_fresh(p, p->target) &&
        n->at > n->order.done_at &&
        infra__promotion_votes(p).verdict == WHY(ALIVE)) {
        reason = WHY(ALIVE);
    }
    return because(reason, p->target);
}

/* APART is recorded before a promotion: only here is it found out. */
static struct infra__due due_of_choice(const struct infra_promotion *p)
{
    struct infra__choice choice;
    uint32_t reason = infra__promotion_choose(p, &choice);
    bool is_early =
        reason == WHY(REPORTED) && infra__promotion_unmarked(p) != NO_NODE;

    return because_if(!is_early, reason, choice.candidate);
}

static bool is_unpointed(const struct infra_promotion *p, uint32_t id)
{
    return infra__promotion_wants_repoint(p, id) &&
           p->nodes[id].order.outcome != INFRA_ORDER_DONE;
}

/* The next change of primary needs another token, so the step ends at once if
 * the new primary is dead already. */
static struct infra__due due_of_repointing(const struct infra_promotion *p)
{
    if (p->is_unfinished) {
        return because(NO_REASON, NO_NODE); /* Not before it is recorded. */
    }
    if (first_node(p, is_unpointed) == NO_NODE) {
        return because(WHY(REPOINTED), p->primary);
    }
    return because_if(is_late(p, p->o.order_timeout) || is_dead(p),
                      WHY(TIMEOUT), p->primary);
}

static struct infra__due due_of_conflict(struct infra_promotion *p)
{
    uint32_t rival;
    uint32_t reason = infra__promotion_rival(p, &rival);

    if (p->primary != NO_NODE && reason == WHY(ADOPTED) && !is_barred(p)) {
        return because(reason, rival);
    }
    if (is_dead(p) && !is_damped(p) && !is_barred(p)) {
        return because(WHY(DEAD), p->primary);
    }
    return because_if(reason != WHY(CONFLICT), WHY(RESOLVED), NO_NODE);
}

struct infra__due infra__promotion_due(struct infra_promotion *p)
{
    if (p->is_paused != (p->step == STEP(PAUSED))) {
        return because(p->is_paused ? WHY(PAUSED) : WHY(COMMAND), NO_NODE);
    }
    switch (p->step) {
    case STEP(READING):
        return because_if(is_done_by_host(p, EVENT(READ_RECORD)), WHY(READ),
                          NO_NODE);
    case STEP(WATCH):
        return due_of_watch(p);
    case STEP(SUSPECT):
    case STEP(WAITING):
        return due_of_doubt(p);
    case STEP(FENCING):
        return due_of_fencing(p);
    case STEP(COLLECTING):
    case STEP(HELD):
        return due_of_choice(p);
    case STEP(STOPPING):
    case STEP(CATCHING_UP):
        return due_of_switchover(p);
    case STEP(RECORDING):
        return due_of_recording(p);
    case STEP(PROMOTING):
        return due_of_promoting(p);
    case STEP(REPOINTING):
        return due_of_repointing(p);
    case STEP(CONFLICT):
        return due_of_conflict(p);
    default:
        return because(NO_REASON, NO_NODE);
    }
}

static infra_time sooner(const struct infra_promotion *p, infra_time a,
                         infra_time b)
{
    a = a > p->now ? a : INFRA_TIME_NEVER;
    b = b > p->now ? b : INFRA_TIME_NEVER;
    return a < b ? a : b;
}

/* A refused node may be chosen again then; a node that is detached and not seen
 * since is not waited for any more. */
static infra_time choice_due(const struct infra_promotion *p)
{
    infra_time at = sooner(p, after(p->since, p->o.collect_timeout),
                           after(p->since, p->o.order_timeout));

    for (uint32_t i = 0; i < p->o.nodes_max; i++) {
        const struct node *n = &p->nodes[i];
        at = sooner(p, at, n->refused_until);
        at = sooner(p, at, after(n->not_before, p->o.sample_age_max + 1));
    }
    return at;
}

/* A silent candidate counts as unseen then. */
static infra_time candidate_due(const struct infra_promotion *p)
{
    return sooner(p, after(p->since, p->o.promote_timeout),
                  after(p->nodes[p->candidate].at, p->o.sample_age_max + 1));
}

infra_time infra__promotion_step_due(const struct infra_promotion *p)
{
    switch (p->step) {
    case STEP(FENCING):
    case STEP(CONFLICT):
        return after(p->since, p->o.fence_timeout);
    case STEP(COLLECTING):
    case STEP(HELD):
        return choice_due(p);
    case STEP(STOPPING):
    case STEP(CATCHING_UP):
        return after(p->since, p->o.catch_up_timeout);
    case STEP(PROMOTING):
        return candidate_due(p);
    case STEP(REPOINTING):
        return after(p->since, p->o.order_timeout);
    default:
        return INFRA_TIME_NEVER;
    }
}

/* When the samples of a node change their meaning. */
static infra_time node_due(const struct infra_promotion *p, uint32_t id)
{
    const struct node *n = &p->nodes[id];
    const struct view *views = views_of(p, id);
    infra_time at = INFRA_TIME_NEVER;

    for (uint32_t i = 0; i < p->o.observers_max; i++) {
        if (views[i].is_known) {
            at = sooner(p, at, after(views[i].at, p->o.sample_age_max + 1));
        }
    }
    if (n->has_answered) {
        at = sooner(p, at, after(n->at, p->o.sample_age_max + 1));
        at = sooner(p, at, after(n->changed, p->o.sample_age_max));
    }
    return sooner(p, at, n->not_before);
}

infra_time infra__promotion_seen_due(const struct infra_promotion *p)
{
    infra_time at = INFRA_TIME_NEVER;

    if (is_idle(p) || p->step == STEP(RECORDING)) {
        return at;
    }
    for (uint32_t i = 0; i < p->o.nodes_max; i++) {
        at = p->nodes[i].is_set ? sooner(p, at, node_due(p, i)) : at;
    }
    if (p->changes > 0) {
        at = sooner(p, at, after(p->changed, p->o.recovery_interval));
    }
    return p->damper.is_suppressed
               ? sooner(p, at, after(p->now, DAMPER_LOOK_INTERVAL))
               : at;
}
