/* SPDX-License-Identifier: MIT */
/* The candidate, and whether there may be one.
 *
 * With acknowledged writes: each write is on the primary that took it and on k
 * SYNC nodes, hence on k + 1 of the n SYNC nodes if the primary is one of
 * them. Any n - k of them include a node that has the write. They are detached
 * before they report, so none acknowledges a write afterwards, and the greatest
 * position among them covers every acknowledged write, whichever node was
 * primary and whether or not it was fenced (as in Patroni's quorum commit, and
 * as Paxos reads a majority). A primary that is not SYNC holds one copy less:
 * then n - k + 1 have to report. So a node that is at least as far as n - k of
 * them has every write, even if a node that may not be promoted is ahead; so
 * has a node that is at least as far as the primary, if the primary reports.
 *
 * A node that was fenced and has followed none since acknowledges nothing: n is
 * one less, for a candidate at least as far as the primary was seen to be after
 * that (the seal).
 *
 * Without acknowledgements every node has to report, and the candidate may be
 * behind what the old primary was last seen to have (Patroni's
 * maximum_lag_on_failover). */
#include "internal.h"

/* Flags of a node that is not asked, and has no say. */
#define OUT (FLAG(QUARANTINED) | FLAG(APART))

/* Timeline first: positions compare within one. */
struct place {
    uint64_t timeline;
    uint64_t position;
};

static bool is_greater(struct place a, struct place b)
{
    if (a.timeline != b.timeline && PROMOTION_RULE(TIMELINE)) {
        return a.timeline > b.timeline;
    }
    return a.position > b.position;
}

static struct place place_of(const struct node *n)
{
    return (struct place) { n->timeline, n->position };
}

static bool is_sync(const struct node *n)
{
    return has_flag(n, FLAG(SYNC));
}

/* Without timelines a former primary may be ahead by writes of its own. */
static bool is_misleading(const struct node *n)
{
    return n->is_deposed && n->timeline == 0;
}

/* Is its position known, and final? */
static bool has_reported(const struct infra_promotion *p, uint32_t id)
{
    const struct node *n = &p->nodes[id];
    bool is_cut =
        (n->is_detached && n->source == NO_NODE) || !PROMOTION_RULE(DETACH);

    return n->is_set && n->has_answered && is_cut && !is_misleading(n) &&
           !n->is_halted && !has_flag(n, OUT) &&
           (n->at >= n->not_before || !PROMOTION_RULE(SINCE));
}

/* Is its report waited for? A fenced node may never come back. */
static bool is_expected(const struct infra_promotion *p, uint32_t id)
{
    const struct node *n = &p->nodes[id];

    return n->is_set && !n->is_fenced && !n->is_excused && !has_flag(n, OUT);
}

bool infra__promotion_may_lead(const struct infra_promotion *p, uint32_t id)
{
    const struct node *n = &p->nodes[id];
    bool is_going_on = id == p->primary && !p->is_unfinished;
    bool is_refused = p->now < n->refused_until && PROMOTION_RULE(REFUSED);

    return is_fresh(p, id) && !n->is_halted && !is_refused &&
           !has_flag(n, OUT) && (is_going_on || !has_flag(n, FLAG(NEVER)));
}

bool infra__promotion_may_go_on(const struct infra_promotion *p)
{
    const struct node *n = &p->nodes[p->candidate];

    return !has_flag(n, OUT) && (p->goes_on || !has_flag(n, FLAG(NEVER)));
}

struct tally {
    uint32_t reported;
    uint32_t needed;
    bool is_complete;     /* All expected nodes have reported. */
    bool is_enough;       /* The reports suffice. */
    struct place binding; /* What the candidate must have. */
};

static void raise_to(struct place *greatest, struct place place)
{
    if (is_greater(place, *greatest)) {
        *greatest = place;
    }
}

/* The least place that @needed of the @reported SYNC nodes have not passed; the
 * start if @reported is less than @needed. */
static struct place reached_by_all_but(const struct infra_promotion *p,
                                       uint32_t reported, uint32_t needed)
{
    struct place greatest = { 0, 0 };
    struct place least = { UINT64_MAX, UINT64_MAX };

    for (uint32_t i = 0; i < p->o.nodes_max && reported >= needed; i++) {
        uint32_t behind = 0;
        if (!is_sync(&p->nodes[i]) || !has_reported(p, i)) {
            continue;
        }
        struct place mine = place_of(&p->nodes[i]);
        for (uint32_t k = 0; k < p->o.nodes_max; k++) {
            behind += is_sync(&p->nodes[k]) && has_reported(p, k) &&
                      !is_greater(place_of(&p->nodes[k]), mine);
        }
        if (behind >= needed && is_greater(least, mine)) {
            least = mine;
        }
    }
    return reported >= needed ? least : greatest;
}

/* The recorded primary took every write acknowledged since it was named. */
static bool has_primary_reported(const struct infra_promotion *p)
{
    return p->primary != NO_NODE && !p->is_unfinished &&
           has_reported(p, p->primary) &&
           p->nodes[p->primary].timeline >= p->primary_timeline;
}

/* Has it acknowledged nothing since its seal? A clone under way cannot begin to
 * once its source is fenced. */
static bool is_silent(const struct infra_promotion *p, uint32_t id)
{
    const struct node *n = &p->nodes[id];
    bool is_cut_off = n->is_in_part && p->primary != NO_NODE &&
                      p->nodes[p->primary].is_fenced;

    return n->silent_since != 0 && (n->is_sealed || !PROMOTION_RULE(SEAL)) &&
           (!n->may_follow || is_cut_off) && id != p->primary &&
           !has_reported(p, id);
}

/* @is_strict: silent nodes count, too. */
static struct tally count(const struct infra_promotion *p, bool is_strict)
{
    bool acks = p->o.sync_acks > 0;
    struct tally t = { .is_complete = true };
    struct place seal = { 0, 0 };
    uint32_t all = 0;

    for (uint32_t i = 0; i < p->o.nodes_max; i++) {
        const struct node *n = &p->nodes[i];
        bool is_in = has_reported(p, i);
        bool is_counted = acks ? is_sync(n) : is_expected(p, i);
        if (!n->is_set) {
            continue;
        }
        if (acks && !is_strict && is_sync(n) && is_silent(p, i)) {
            is_counted = false;
            raise_to(&seal,
                     (struct place) { n->seal_timeline, n->seal_position });
        }
        all += is_counted;
        t.reported += is_counted && is_in;
        t.is_complete = t.is_complete && (is_in || !is_expected(p, i));
        if (!acks && n->has_answered && !has_flag(n, FLAG(APART))) {
            raise_to(&t.binding, place_of(n));
        }
    }
    if (!acks) {
        t.needed = PROMOTION_RULE(ALL) ? all : 0;
        t.is_enough = t.reported >= t.needed;
        return t;
    }
    bool is_outside =
        (p->primary != NO_NODE && !is_sync(&p->nodes[p->primary])) ||
        (p->target != NO_NODE && !is_sync(&p->nodes[p->target]));
    uint32_t wanted = all + is_outside;
    t.needed = wanted > p->o.sync_acks ? wanted - p->o.sync_acks : 1;
    if (!PROMOTION_RULE(QUORUM)) {
        t.needed = 1;
    }
    t.is_enough = t.reported >= t.needed;
    t.binding = reached_by_all_but(p, t.reported, t.needed);
    if (has_primary_reported(p) &&
        (t.reported < t.needed ||
         is_greater(t.binding, place_of(&p->nodes[p->primary])))) {
        t.binding = place_of(&p->nodes[p->primary]);
        t.is_enough = true;
    }
    raise_to(&t.binding, seal);
    return t;
}

/* Does it have what the candidate must have? */
static bool has_all(const struct infra_promotion *p, const struct node *n,
                    struct place binding)
{
    struct place mine = place_of(n);

    if (p->o.sync_acks == 0 && mine.timeline == binding.timeline) {
        mine.position = mine.position > UINT64_MAX - p->o.behind_max
                            ? UINT64_MAX
                            : mine.position + p->o.behind_max;
    }
    return !is_greater(binding, mine) || !PROMOTION_RULE(POSITION);
}

/* Is @a the better candidate? Of equally advanced nodes the present primary is
 * best, then the one of higher priority. */
static bool is_better(const struct infra_promotion *p, uint32_t a, uint32_t b)
{
    const struct node *x = &p->nodes[a];
    const struct node *y = &p->nodes[b];

    if (p->o.sync_acks > 0 && is_sync(x) != is_sync(y)) {
        return is_sync(x);
    }
    if (PROMOTION_RULE(POSITION)) {
        if (is_greater(place_of(x), place_of(y))) {
            return true;
        }
        if (is_greater(place_of(y), place_of(x))) {
            return false;
        }
    }
    if (a == p->primary || b == p->primary) {
        return a == p->primary;
    }
    return x->priority != y->priority ? x->priority > y->priority : a < b;
}

/* The best of the nodes that may be promoted; NO_NODE. */
static uint32_t best(const struct infra_promotion *p, const struct tally *t,
                     bool is_lossy, bool *ret_had_one)
{
    uint32_t chosen = NO_NODE;

    for (uint32_t i = 0; i < p->o.nodes_max; i++) {
        const struct node *n = &p->nodes[i];
        if (!has_reported(p, i) || !infra__promotion_may_lead(p, i)) {
            continue;
        }
        *ret_had_one = true;
        bool counts =
            p->o.sync_acks == 0 || is_sync(n) || !PROMOTION_RULE(SYNC);
        if (!is_lossy && (!counts || !has_all(p, n, t->binding))) {
            continue;
        }
        if (chosen == NO_NODE || is_better(p, i, chosen)) {
            chosen = i;
        }
    }
    return chosen;
}

/* Another writable node, which has to be fenced first; NO_NODE. With
 * asynchronous replication also a node in unknown state: its report is not
 * waited for, so it must not come back writable. */
static uint32_t writer_beside(const struct infra_promotion *p, uint32_t chosen)
{
    for (uint32_t i = 0; i < p->o.nodes_max && PROMOTION_RULE(CONFLICT); i++) {
        bool is_loose =
            is_expected(p, i) || (i == p->primary && !p->nodes[i].is_fenced);
        bool is_unknown = p->o.sync_acks == 0 && is_loose &&
                          (!has_reported(p, i) || p->nodes[i].writable != 0) &&
                          PROMOTION_RULE(UNKNOWN);
        if (i != chosen && !p->nodes[i].is_excused &&
            (is_writable(p, i) || is_unknown)) {
            return i;
        }
    }
    return NO_NODE;
}

/* A writable node apart is fenced whatever is chosen. */
static bool is_writer_apart(const struct infra_promotion *p, uint32_t id)
{
    return has_flag(&p->nodes[id], FLAG(APART)) &&
           infra__promotion_is_rival(p, id) && !p->nodes[id].is_excused &&
           PROMOTION_RULE(CONFLICT);
}

/* Will it report soon? Its DETACH is on its way, or its first sample after. */
static bool is_awaited(const struct infra_promotion *p, uint32_t id)
{
    const struct node *n = &p->nodes[id];
    bool is_on_its_way = n->order.kind == EVENT(DETACH) && n->order.is_out &&
                         p->now < infra__time_add(p->since, p->o.order_timeout);
    bool is_unseen = n->is_detached && n->at < n->not_before;

    return is_expected(p, id) && n->has_answered &&
           (is_on_its_way || is_unseen) && PROMOTION_RULE(AWAITED) &&
           infra__promotion_is_answering(p, id);
}

/* Is it time to go on without those that have not reported? */
static bool is_late(const struct infra_promotion *p)
{
    return p->step == STEP(HELD) ||
           (p->now >= infra__time_add(p->since, p->o.collect_timeout) &&
            first_node(p, is_awaited) == NO_NODE);
}

uint32_t infra__promotion_choose(const struct infra_promotion *p,
                                 struct infra__choice *ret)
{
    uint32_t writer = first_node(p, is_writer_apart);
    struct tally t = count(p, true);
    bool is_over = is_late(p);
    bool had_one = false;

    *ret = (struct infra__choice) { writer, t.reported, t.needed };
    if (writer != NO_NODE) {
        return WHY(CONFLICT);
    }
    if (!t.is_complete && !is_over) {
        return NO_REASON;
    }
    uint32_t chosen = t.is_enough ? best(p, &t, false, &had_one) : NO_NODE;
    if (chosen == NO_NODE && p->o.sync_acks > 0) {
        struct tally less = count(p, false);
        chosen = less.is_enough ? best(p, &less, false, &had_one) : NO_NODE;
    }
    if (chosen == NO_NODE && p->o.loss == INFRA_PROMOTION_LOSS_ACCEPT) {
        if (!is_over) {
            return NO_REASON; /* A node that has it all may come back. */
        }
        chosen = best(p, &t, true, &had_one);
    }
    if (chosen == NO_NODE) {
        return !t.is_enough ? WHY(MISSING)
               : had_one    ? WHY(AHEAD)
                            : WHY(NO_CANDIDATE);
    }
    writer = writer_beside(p, chosen);
    ret->candidate = writer != NO_NODE ? writer : chosen;
    return writer != NO_NODE ? WHY(CONFLICT) : WHY(REPORTED);
}
