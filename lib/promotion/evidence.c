/* SPDX-License-Identifier: MIT */
/* What the samples say of the primary, and of others that take writes.
 *
 * Observers and replicas vote (orchestrator: the primary is dead when it is not
 * seen and its replicas do not receive from it). One that sees it alive
 * overrules all who do not: they may be cut off from it. A primary that answers
 * and hangs is another matter, since its replicas see nothing wrong: there the
 * observers vote alone. */
#include "internal.h"

/* The votes of observers, by what they saw. */
struct seen {
    uint32_t ok;
    uint32_t down;
    uint32_t stalled;
};

static struct seen count_observers(const struct infra_promotion *p, uint32_t id)
{
    const struct node *n = &p->nodes[id];
    const struct view *views = &p->views[(size_t)id * p->o.observers_max];
    struct seen seen = { 0, 0, 0 };

    for (uint32_t i = 0; i < p->o.observers_max; i++) {
        const struct view *v = &views[i];
        if (!v->is_known || v->at < n->not_before ||
            p->now - v->at > p->o.sample_age_max) {
            continue;
        }
        seen.ok += v->view == INFRA_PROMOTION_VIEW_OK;
        seen.down += v->view == INFRA_PROMOTION_VIEW_DOWN;
        seen.stalled += v->view == INFRA_PROMOTION_VIEW_STALLED;
    }
    return seen;
}

/* Do replicas receive from it? */
static void count_replicas(const struct infra_promotion *p, uint32_t *ret_with,
                           uint32_t *ret_without)
{
    for (uint32_t i = 0; i < p->o.nodes_max; i++) {
        const struct node *n = &p->nodes[i];
        if (i == p->primary || !is_fresh(p, i) || n->writable != 0 ||
            n->is_deposed ||
            has_flag(n, INFRA_PROMOTION_FLAG_QUARANTINED |
                            INFRA_PROMOTION_FLAG_APART)) {
            continue;
        }
        *ret_with += n->source == p->primary;
        *ret_without += n->source == NO_NODE;
    }
}

uint32_t infra__promotion_verdict(const struct infra_promotion *p,
                                  struct infra__votes *ret)
{
    uint32_t k = PROMOTION_RULE(EVIDENCE) ? p->o.dead_votes_min : 1;
    uint32_t with = 0;
    uint32_t without = 0;

    *ret = (struct infra__votes) { 0, 0 };
    if (p->primary == NO_NODE) {
        return INFRA_PROMOTION_REASON_ALIVE; /* There is none to be dead. */
    }
    struct seen seen = count_observers(p, p->primary);
    count_replicas(p, &with, &without);
    uint32_t against = seen.down + seen.stalled;
    ret->alive = seen.ok + with;
    ret->dead = against + without;
    if (against == 0 || (seen.ok > 0 && PROMOTION_RULE(VETO))) {
        return INFRA_PROMOTION_REASON_ALIVE;
    }
    if (seen.stalled >= k) {
        return INFRA_PROMOTION_REASON_DEAD;
    }
    if (with > 0 && PROMOTION_RULE(VETO)) {
        return INFRA_PROMOTION_REASON_SUSPECTED;
    }
    return against + without >= k ? INFRA_PROMOTION_REASON_DEAD
                                  : INFRA_PROMOTION_REASON_SUSPECTED;
}

/* To wait for one that is dead costs time, and to give up one that is not costs
 * a token: so one observer is enough here. One that hangs may be at work on the
 * order, until that is not answered. */
bool infra__promotion_is_lost(const struct infra_promotion *p, uint32_t id)
{
    struct seen seen = count_observers(p, id);
    bool is_mute = p->nodes[id].order.outcome == INFRA_FENCE_UNKNOWN;

    return PROMOTION_RULE(LOST) && !is_fresh(p, id) && seen.ok == 0 &&
           (seen.down > 0 || (seen.stalled > 0 && is_mute));
}

/* Is so much of the group seen that its primary is, too? */
static bool sees_most(const struct infra_promotion *p)
{
    uint32_t all = 0;
    uint32_t fresh = 0;

    for (uint32_t i = 0; i < p->o.nodes_max; i++) {
        all += p->nodes[i].is_set;
        fresh += is_fresh(p, i);
    }
    return 2 * fresh > all;
}

/* Which of all that take writes has the greatest timeline? NO_NODE: none does;
 * @ret_is_alone: no other has the same. */
static uint32_t newest_writable(const struct infra_promotion *p,
                                bool *ret_is_alone)
{
    uint32_t best = NO_NODE;

    for (uint32_t i = 0; i < p->o.nodes_max; i++) {
        if (!is_writable(p, i) ||
            has_flag(&p->nodes[i], INFRA_PROMOTION_FLAG_APART)) {
            continue;
        }
        if (best == NO_NODE || p->nodes[i].timeline > p->nodes[best].timeline) {
            best = i;
            *ret_is_alone = true;
        } else if (p->nodes[i].timeline == p->nodes[best].timeline) {
            *ret_is_alone = false;
        }
    }
    return best;
}

uint32_t infra__promotion_rival(const struct infra_promotion *p, uint32_t *ret)
{
    bool is_alone = false;
    uint32_t newest = newest_writable(p, &is_alone);

    *ret = newest;
    if (p->primary == NO_NODE) {
        if (newest == NO_NODE || !sees_most(p)) {
            return NO_REASON;
        }
        *ret = is_alone ? newest : NO_NODE;
        return is_alone ? INFRA_PROMOTION_REASON_ADOPTED
                        : INFRA_PROMOTION_REASON_CONFLICT;
    }
    if (newest != NO_NODE && p->nodes[newest].timeline > p->primary_timeline) {
        return INFRA_PROMOTION_REASON_ADOPTED;
    }
    for (uint32_t i = 0; i < p->o.nodes_max && PROMOTION_RULE(CONFLICT); i++) {
        if (infra__promotion_is_rival(p, i)) {
            *ret = i;
            return INFRA_PROMOTION_REASON_CONFLICT;
        }
    }
    return NO_REASON;
}

/* Has it been so for a while? What starts, restarts or reconnects is given the
 * time to do it. */
static bool is_settled(const struct infra_promotion *p, uint32_t id)
{
    return is_fresh(p, id) &&
           p->now - p->nodes[id].changed >= p->o.sample_age_max;
}

/* Nobody is known to be primary, and of most nodes it is known that they are
 * not. */
static bool is_headless(const struct infra_promotion *p)
{
    for (uint32_t i = 0; i < p->o.nodes_max; i++) {
        if (is_fresh(p, i) && (!is_settled(p, i) || p->nodes[i].writable != 0 ||
                               p->nodes[i].source != NO_NODE)) {
            return false;
        }
    }
    return sees_most(p);
}

uint32_t infra__promotion_vacancy(const struct infra_promotion *p)
{
    if (p->is_unfinished && PROMOTION_RULE(UNFINISHED)) {
        return INFRA_PROMOTION_REASON_UNFINISHED;
    }
    if (p->primary == NO_NODE) {
        return is_headless(p) ? INFRA_PROMOTION_REASON_READONLY : NO_REASON;
    }
    if (is_settled(p, p->primary) && p->nodes[p->primary].writable == 0) {
        return INFRA_PROMOTION_REASON_READONLY;
    }
    return NO_REASON;
}
