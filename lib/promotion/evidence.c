/* SPDX-License-Identifier: MIT */
/* What the samples say of the primary, and of other writable nodes.
 *
 * Observers and replicas vote (orchestrator: a primary is dead when it is not
 * seen and its replicas do not receive from it). One vote that it lives
 * overrules all others: their voters may be cut off. On a primary that answers
 * but hangs the observers vote alone, since its replicas see nothing wrong. */
#include "internal.h"

void infra__promotion_learn(struct infra_promotion *p, uint32_t id,
                            const struct infra_promotion_sample *s,
                            infra_time at)
{
    struct node *n = &p->nodes[id];
    uint32_t writable = s->writable != 0;

    if (!n->has_answered || n->writable != writable || n->source != s->source) {
        n->changed = at;
    }
    n->has_answered = true;
    n->at = at;
    n->timeline = s->timeline;
    n->position = s->position;
    n->writable = writable;
    n->source = s->source;
    n->is_halted = s->halted != 0;
    if (s->source != NO_NODE && at >= n->not_before) {
        n->is_detached = false; /* It was attached again. */
        unseal(n);
    }
    if (writable && id == p->primary && !p->is_unfinished) {
        infra__promotion_seal(p, at);
    }
    if (!writable && s->source == p->primary && p->primary != NO_NODE &&
        at >= n->not_before) {
        n->is_deposed = false; /* It follows. */
    }
}

/* The votes of observers, by what they saw. */
struct seen {
    uint32_t ok;
    uint32_t down;
    uint32_t stalled;
};

static struct seen count_observers(const struct infra_promotion *p, uint32_t id)
{
    const struct node *n = &p->nodes[id];
    const struct view *views = views_of(p, id);
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

/* How many replicas receive from the primary, and how many from no node? */
static void count_replicas(const struct infra_promotion *p, uint32_t *ret_with,
                           uint32_t *ret_without)
{
    for (uint32_t i = 0; i < p->o.nodes_max; i++) {
        const struct node *n = &p->nodes[i];
        if (i == p->primary || !is_fresh(p, i) || n->writable != 0 ||
            n->is_deposed || has_flag(n, FLAG(QUARANTINED) | FLAG(APART))) {
            continue;
        }
        *ret_with += n->source == p->primary;
        *ret_without += n->source == NO_NODE;
    }
}

struct infra__votes infra__promotion_votes(const struct infra_promotion *p)
{
    uint32_t k = PROMOTION_RULE(EVIDENCE) ? p->o.dead_votes_min : 1;
    struct infra__votes votes = { .verdict = WHY(ALIVE) };
    uint32_t with = 0;
    uint32_t without = 0;

    if (p->primary == NO_NODE) {
        return votes; /* None can be dead. */
    }
    struct seen seen = count_observers(p, p->primary);
    count_replicas(p, &with, &without);
    uint32_t against = seen.down + seen.stalled;
    votes.alive = seen.ok + with;
    votes.dead = against + without;
    if (against > 0 && (seen.ok == 0 || !PROMOTION_RULE(VETO))) {
        bool is_served = with > 0 && PROMOTION_RULE(VETO);
        bool is_dead = seen.stalled >= k || (!is_served && votes.dead >= k);
        votes.verdict = is_dead ? WHY(DEAD) : WHY(SUSPECTED);
    }
    return votes;
}

/* To wait for a dead candidate costs time, to give up a living one costs a
 * token: so the vote of one observer suffices. A candidate that hangs may be at
 * work on its order, until that order has expired. */
bool infra__promotion_is_lost(const struct infra_promotion *p, uint32_t id)
{
    struct seen seen = count_observers(p, id);
    bool is_expired = p->nodes[id].order.outcome == INFRA_ORDER_UNKNOWN;

    return PROMOTION_RULE(LOST) && !is_fresh(p, id) && seen.ok == 0 &&
           (seen.down > 0 || (seen.stalled > 0 && is_expired));
}

bool infra__promotion_is_answering(const struct infra_promotion *p, uint32_t id)
{
    const struct node *n = &p->nodes[id];
    struct seen seen = count_observers(p, id);
    infra_time limit = infra__time_add(n->not_before, p->o.sample_age_max);

    if (n->is_detached && n->at < n->not_before) { /* Not asked since. */
        return seen.down + seen.stalled == 0 && p->now <= limit;
    }
    return is_fresh(p, id) && seen.ok > 0;
}

/* Is enough of the group seen that a primary would be seen, too? */
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

/* The writable node with the greatest timeline; NO_NODE: none is writable.
 * @ret_is_alone: no other has the same timeline. */
static uint32_t newest_writable(const struct infra_promotion *p,
                                bool *ret_is_alone)
{
    uint32_t best = NO_NODE;

    for (uint32_t i = 0; i < p->o.nodes_max; i++) {
        if (!is_writable(p, i) || has_flag(&p->nodes[i], FLAG(APART))) {
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
        return is_alone ? WHY(ADOPTED) : WHY(CONFLICT);
    }
    if (newest != NO_NODE && p->nodes[newest].timeline > p->primary_timeline) {
        return WHY(ADOPTED);
    }
    *ret = first_node(p, infra__promotion_is_rival);
    return *ret != NO_NODE && PROMOTION_RULE(CONFLICT) ? WHY(CONFLICT)
                                                       : NO_REASON;
}

/* Has the node been like this for a while? A node that starts, restarts or
 * reconnects is given the time. */
static bool is_settled(const struct infra_promotion *p, uint32_t id)
{
    return is_fresh(p, id) &&
           p->now - p->nodes[id].changed >= p->o.sample_age_max;
}

/* No primary is known, and most nodes are known to be none. */
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
        return WHY(UNFINISHED);
    }
    if (p->primary == NO_NODE) {
        return is_headless(p) ? WHY(READONLY) : NO_REASON;
    }
    if (is_settled(p, p->primary) && p->nodes[p->primary].writable == 0) {
        return WHY(READONLY);
    }
    return NO_REASON;
}
