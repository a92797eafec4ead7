/* SPDX-License-Identifier: MIT */
/* The machine's beginning and end, its nodes and samples. */
#include "internal.h"

#include <string.h>

#define FRESH_DEFAULT INFRA_SEC(5)
#define ORDER_DEFAULT INFRA_SEC(5)
#define FENCE_WAIT_DEFAULT INFRA_SEC(30)
#define COLLECT_DEFAULT INFRA_SEC(2)
#define CATCH_UP_DEFAULT INFRA_SEC(10)
#define PROMOTE_DEFAULT INFRA_SEC(60)
#define RECOVERY_GAP_DEFAULT INFRA_SEC(60)
#define HALF_LIFE_DEFAULT INFRA_SEC(900)
#define HALF_LIFE_MIN INFRA_SEC(1)
#define DURATION_MIN INFRA_MS(1)
#define DURATION_MAX INFRA_SEC(86400)
#define NODES_DEFAULT 16u
#define OBSERVERS_DEFAULT 8u
#define EVIDENCE_DEFAULT 2u
#define ALL_FLAGS                                             \
    (INFRA_PROMOTION_FLAG_NEVER | INFRA_PROMOTION_FLAG_SYNC | \
     INFRA_PROMOTION_FLAG_QUARANTINED | INFRA_PROMOTION_FLAG_APART)

INFRA__NO_TAIL_PADDING(struct infra_promotion_options, quarantine);
INFRA__NO_TAIL_PADDING(struct infra_promotion_node, reserved);
INFRA__NO_TAIL_PADDING(struct infra_promotion_sample, reserved);
INFRA__NO_TAIL_PADDING(struct infra_promotion_status, paused);
_Static_assert(sizeof(struct infra_promotion_event) == 64,
               "hosts store events");

static void set_defaults(struct infra_promotion_options *o)
{
    o->sample_age_max =
        o->sample_age_max != 0 ? o->sample_age_max : FRESH_DEFAULT;
    o->order_timeout = o->order_timeout != 0 ? o->order_timeout : ORDER_DEFAULT;
    o->fence_timeout =
        o->fence_timeout != 0 ? o->fence_timeout : FENCE_WAIT_DEFAULT;
    o->collect_timeout =
        o->collect_timeout != 0 ? o->collect_timeout : COLLECT_DEFAULT;
    o->catch_up_timeout =
        o->catch_up_timeout != 0 ? o->catch_up_timeout : CATCH_UP_DEFAULT;
    o->promote_timeout =
        o->promote_timeout != 0 ? o->promote_timeout : PROMOTE_DEFAULT;
    o->recovery_interval =
        o->recovery_interval != 0 ? o->recovery_interval : RECOVERY_GAP_DEFAULT;
    o->penalty_half_life =
        o->penalty_half_life != 0 ? o->penalty_half_life : HALF_LIFE_DEFAULT;
    o->nodes_max = o->nodes_max != 0 ? o->nodes_max : NODES_DEFAULT;
    o->observers_max =
        o->observers_max != 0 ? o->observers_max : OBSERVERS_DEFAULT;
    o->dead_votes_min =
        o->dead_votes_min != 0 ? o->dead_votes_min : EVIDENCE_DEFAULT;
}

static bool are_in_range(const struct infra_promotion_options *o)
{
    const infra_time durations[] = {
        o->sample_age_max,    o->order_timeout,    o->fence_timeout,
        o->collect_timeout,   o->promote_timeout,  o->catch_up_timeout,
        o->recovery_interval, o->penalty_half_life
    };

    for (size_t i = 0; i < INFRA__COUNT_OF(durations); i++) {
        if (durations[i] < DURATION_MIN || durations[i] > DURATION_MAX) {
            return false;
        }
    }
    return o->gate != NULL && o->penalty_half_life >= HALF_LIFE_MIN &&
           o->nodes_max <= INFRA_PROMOTION_NODES_MAX &&
           o->observers_max <= INFRA_PROMOTION_OBSERVERS_MAX &&
           o->dead_votes_min <= o->nodes_max + o->observers_max &&
           o->sync_acks < o->nodes_max &&
           o->fence_failed <= INFRA_PROMOTION_UNFENCED_PROCEED &&
           o->fence_unknown <= INFRA_PROMOTION_UNFENCED_PROCEED &&
           o->loss <= INFRA_PROMOTION_LOSS_ACCEPT && o->quarantine <= 1;
}

static int allocate(struct infra_promotion **ret,
                    const struct infra_promotion_options *o)
{
    struct infra_allocator allocator = infra__allocator_or_libc(o->allocator);
    struct infra_promotion *p = infra__alloc(&allocator, 1, sizeof *p);

    if (p == NULL) {
        return INFRA_ENOMEM;
    }
    p->allocator = allocator;
    p->o = *o;
    p->nodes = infra__alloc(&allocator, o->nodes_max, sizeof *p->nodes);
    p->views = infra__alloc(&allocator, (size_t)o->nodes_max * o->observers_max,
                            sizeof *p->views);
    if (p->nodes == NULL || p->views == NULL) {
        infra_promotion_destroy(p);
        return INFRA_ENOMEM;
    }
    *ret = p;
    return INFRA_OK;
}

int infra_promotion_create(struct infra_promotion **ret,
                           const struct infra_promotion_options *options)
{
    struct infra_promotion_options o = { .size = sizeof o };
    struct infra_promotion *p;

    if (ret == NULL || options == NULL) {
        return INFRA_EINVAL;
    }
    int err = infra__options_import(&o, sizeof o, options, sizeof o);
    if (err != INFRA_OK) {
        return err;
    }
    set_defaults(&o);
    if (!are_in_range(&o)) {
        return INFRA_EINVAL;
    }
    err = allocate(&p, &o);
    if (err != INFRA_OK) {
        return err;
    }
    p->damper.half_life = o.penalty_half_life;
    p->primary = p->candidate = p->target = NO_NODE;
    p->begun = p->former = NO_NODE;
    infra__promotion_drop_order(&p->own);
    for (uint32_t i = 0; i < o.nodes_max; i++) {
        infra__promotion_drop_order(&p->nodes[i].order);
    }
    *ret = p;
    return INFRA_OK;
}

void infra_promotion_destroy(struct infra_promotion *promotion)
{
    struct infra_promotion *p = promotion;

    if (p != NULL) {
        struct infra_allocator allocator = p->allocator;
        infra__free(&allocator, p->views,
                    (size_t)p->o.nodes_max * p->o.observers_max,
                    sizeof *p->views);
        infra__free(&allocator, p->nodes, p->o.nodes_max, sizeof *p->nodes);
        infra__free(&allocator, p, 1, sizeof *p);
    }
}

/* Is it more than one of many? Then it may not become another. */
static bool is_in_use(const struct infra_promotion *p, uint32_t id)
{
    return id == p->primary || id == p->candidate || id == p->target ||
           (p->is_unfinished && (id == p->begun || id == p->former));
}

static void forget(struct infra_promotion *p, uint32_t id)
{
    memset(&p->nodes[id], 0, sizeof p->nodes[id]);
    memset(&p->views[(size_t)id * p->o.observers_max], 0,
           p->o.observers_max * sizeof p->views[0]);
    infra__promotion_drop_order(&p->nodes[id].order);
}

int infra_promotion_set(struct infra_promotion *promotion,
                        const struct infra_promotion_node *node, infra_time now)
{
    struct infra_promotion *p = promotion;
    struct infra_promotion_node given;

    if (p == NULL || node == NULL) {
        return INFRA_EINVAL;
    }
    int err = infra__options_import(&given, sizeof given, node, sizeof given);
    if (err != INFRA_OK) {
        return err;
    }
    if (given.id >= p->o.nodes_max || given.key == NULL ||
        given.key[0] == '\0' || (given.flags & ~ALL_FLAGS) != 0 ||
        given.reserved != 0) {
        return INFRA_EINVAL;
    }
    infra__promotion_advance(p, now);
    struct node *n = &p->nodes[given.id];
    uint64_t hash = infra_xxhash64(given.key, strlen(given.key), 0);
    if (n->is_set && n->key != hash) {
        if (is_in_use(p, given.id)) {
            return INFRA_EBUSY;
        }
        forget(p, given.id);
    }
    n->is_set = true;
    n->key = hash;
    n->priority = given.priority;
    if ((given.flags & INFRA_PROMOTION_FLAG_APART) != 0) {
        n->is_unmarked = false; /* The host has it written down. */
        n->is_detached = false;
    }
    n->flags = given.flags | (n->flags & INFRA_PROMOTION_FLAG_APART);
    infra__promotion_advance(p, now);
    return INFRA_OK;
}

int infra_promotion_remove(struct infra_promotion *promotion, uint32_t id)
{
    struct infra_promotion *p = promotion;

    if (p == NULL || id >= p->o.nodes_max) {
        return INFRA_EINVAL;
    }
    if (!p->nodes[id].is_set) {
        return INFRA_ENOENT;
    }
    if (is_in_use(p, id)) {
        return INFRA_EBUSY;
    }
    forget(p, id);
    return INFRA_OK;
}

int infra_promotion_adopt(struct infra_promotion *promotion, uint32_t id,
                          uint64_t token, uint64_t timeline, int unfinished,
                          infra_time now)
{
    struct infra_promotion *p = promotion;

    if (p == NULL || token == 0) {
        return INFRA_EINVAL;
    }
    if (!is_node(p, id)) {
        return INFRA_ENOENT;
    }
    infra__promotion_advance(p, now);
    bool finishes = token == p->primary_token && id == p->primary &&
                    p->is_unfinished && !unfinished;
    if (token <= p->primary_token && !finishes) {
        return INFRA_ESTALE;
    }
    /* A plan that was made for another primary is begun anew. */
    infra__promotion_become(p, INFRA_PROMOTION_REASON_UNLEASED, NO_NODE);
    if (p->primary != NO_NODE && p->primary != id) {
        p->nodes[p->primary].is_deposed = true;
    }
    uint32_t last = last_primary(p);
    if (unfinished) {
        infra__promotion_begin(p, id); /* No change yet. */
    } else if (last != NO_NODE && last != id) {
        p->changes++;
        p->changed = p->now;
        infra__damper_add(&p->damper, p->now);
    }
    p->primary = id;
    p->primary_token = token;
    p->primary_timeline = timeline;
    p->primary_position = 0;
    p->knows_origin = false;
    p->is_unfinished = unfinished != 0;
    p->nodes[id].is_deposed = false;
    infra__promotion_advance(p, now);
    return INFRA_OK;
}

/* What it says of itself. */
static void learn(struct infra_promotion *p, uint32_t id,
                  const struct infra_promotion_sample *s, infra_time at)
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
        n->is_detached = false; /* Somebody attached it again. */
        n->silent_since = 0;
        n->is_sealed = n->may_follow = false;
    }
    if (writable && id == p->primary && !p->is_unfinished) {
        infra__promotion_seal(p, at);
    }
    if (!writable && s->source == p->primary && p->primary != NO_NODE &&
        at >= n->not_before) {
        n->is_deposed = false; /* It follows. */
    }
}

static bool is_sample(const struct infra_promotion *p, uint32_t id,
                      const struct infra_promotion_sample *s)
{
    return s->observer < p->o.observers_max &&
           s->view <= INFRA_PROMOTION_VIEW_STALLED && s->writable <= 1 &&
           s->halted <= 1 &&
           (s->source == NO_NODE ||
            (s->source < p->o.nodes_max && s->source != id));
}

int infra_promotion_report(struct infra_promotion *promotion, uint32_t id,
                           const struct infra_promotion_sample *sample,
                           infra_time now)
{
    struct infra_promotion *p = promotion;

    if (p == NULL || sample == NULL || !is_sample(p, id, sample)) {
        return INFRA_EINVAL;
    }
    if (!is_node(p, id)) {
        return INFRA_ENOENT;
    }
    infra__promotion_advance(p, now);
    struct view *v =
        &p->views[(size_t)id * p->o.observers_max + sample->observer];
    infra_time at = sample->at < p->now ? sample->at : p->now;
    if (v->is_known && at < v->at) {
        return INFRA_ESTALE;
    }
    *v = (struct view) { .at = at, .view = sample->view, .is_known = 1 };
    if (sample->view == INFRA_PROMOTION_VIEW_OK &&
        (!p->nodes[id].has_answered || at >= p->nodes[id].at)) {
        learn(p, id, sample, at);
    }
    infra__promotion_advance(p, now);
    return INFRA_OK;
}

int infra_promotion_inspect(const struct infra_promotion *promotion,
                            struct infra_promotion_status *ret)
{
    const struct infra_promotion *p = promotion;
    struct infra__choice choice;
    struct infra__votes votes;

    if (p == NULL || ret == NULL) {
        return INFRA_EINVAL;
    }
    uint32_t why = infra__promotion_choose(p, &choice);
    (void)infra__promotion_verdict(p, &votes);
    const struct infra_promotion_status status = {
        .size = sizeof status,
        .token = p->token,
        .primary_token = p->primary_token,
        .since = p->since,
        .changes = p->changes,
        .step = p->step,
        .reason = p->step == INFRA_PROMOTION_STEP_HELD ? why : p->reason,
        .primary = p->primary,
        .candidate = p->candidate,
        .target = p->target,
        .token_used = p->is_token_used,
        .alive_votes = votes.alive,
        .dead_votes = votes.dead,
        .reported = choice.reported,
        .needed = choice.needed,
        .penalty = infra__damper_penalty(&p->damper, p->now),
        .paused = p->is_paused,
    };
    return infra__stats_export(ret, &status, sizeof status, sizeof status);
}
