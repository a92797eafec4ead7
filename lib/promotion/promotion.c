/* SPDX-License-Identifier: MIT */
/* The public functions of the planner, except its commands and names. */
#include "internal.h"

#include <string.h>

#define DURATION_MIN INFRA_MS(1)
#define DURATION_MAX INFRA_SEC(86400)
#define NODES_DEFAULT 16u
#define OBSERVERS_DEFAULT 8u
#define DEAD_VOTES_DEFAULT 2u
#define ALL_FLAGS (FLAG(NEVER) | FLAG(SYNC) | FLAG(QUARANTINED) | FLAG(APART))

INFRA__NO_TAIL_PADDING(struct infra_promotion_options, quarantine);
INFRA__NO_TAIL_PADDING(struct infra_promotion_node, reserved);
INFRA__NO_TAIL_PADDING(struct infra_promotion_sample, reserved);
INFRA__NO_TAIL_PADDING(struct infra_promotion_status, paused);
_Static_assert(sizeof(struct infra_promotion_event) == 64,
               "hosts store events");

/* False: out of range. */
static bool complete_durations(struct infra_promotion_options *o)
{
    const struct {
        infra_time *value;
        infra_time standard;
    } durations[] = {
        { &o->sample_age_max, INFRA_SEC(5) },
        { &o->order_timeout, INFRA_SEC(5) },
        { &o->fence_timeout, INFRA_SEC(30) },
        { &o->collect_timeout, INFRA_SEC(2) },
        { &o->catch_up_timeout, INFRA_SEC(10) },
        { &o->promote_timeout, INFRA_SEC(60) },
        { &o->recovery_interval, INFRA_SEC(60) },
        { &o->penalty_half_life, INFRA__HALF_LIFE_DEFAULT },
    };

    for (size_t i = 0; i < INFRA__COUNT_OF(durations); i++) {
        infra_time *value = durations[i].value;
        *value = *value != 0 ? *value : durations[i].standard;
        if (*value < DURATION_MIN || *value > DURATION_MAX) {
            return false;
        }
    }
    return o->penalty_half_life >= INFRA__HALF_LIFE_MIN;
}

static uint32_t or_else(uint32_t value, uint32_t standard)
{
    return value != 0 ? value : standard;
}

static int complete(void *options)
{
    struct infra_promotion_options *o = options;

    o->nodes_max = or_else(o->nodes_max, NODES_DEFAULT);
    o->observers_max = or_else(o->observers_max, OBSERVERS_DEFAULT);
    o->dead_votes_min = or_else(o->dead_votes_min, DEAD_VOTES_DEFAULT);
    bool is_good = complete_durations(o) && o->gate != NULL &&
                   o->nodes_max <= INFRA_PROMOTION_NODES_MAX &&
                   o->observers_max <= INFRA_PROMOTION_OBSERVERS_MAX &&
                   o->dead_votes_min <= o->nodes_max + o->observers_max &&
                   o->sync_acks < o->nodes_max &&
                   o->fence_failed <= INFRA_PROMOTION_UNFENCED_PROCEED &&
                   o->fence_unknown <= INFRA_PROMOTION_UNFENCED_PROCEED &&
                   o->loss <= INFRA_PROMOTION_LOSS_ACCEPT && o->quarantine <= 1;
    return is_good ? INFRA_OK : INFRA_EINVAL;
}

static size_t views_count(const struct infra_promotion *p)
{
    return (size_t)p->o.nodes_max * p->o.observers_max;
}

int infra_promotion_create(struct infra_promotion **ret,
                           const struct infra_promotion_options *options)
{
    struct infra_promotion_options o = { .size = sizeof o };
    int err =
        ret != NULL ? infra__options_take(&o, options, complete) : INFRA_EINVAL;
    struct infra_promotion *p =
        infra__object_create(&err, sizeof *p, o.allocator);

    if (p == NULL) {
        return err;
    }
    p->o = o;
    p->nodes = infra__alloc(&p->allocator, o.nodes_max, sizeof *p->nodes);
    p->views = infra__alloc(&p->allocator, views_count(p), sizeof *p->views);
    if (p->nodes == NULL || p->views == NULL) {
        infra_promotion_destroy(p);
        return INFRA_ENOMEM;
    }
    p->damper.half_life = o.penalty_half_life;
    p->primary = p->candidate = p->target = NO_NODE;
    p->begun = p->former = NO_NODE;
    infra__promotion_drop_order(&p->own);
    infra__promotion_drop_orders(p);
    *ret = p;
    return INFRA_OK;
}

void infra_promotion_destroy(struct infra_promotion *promotion)
{
    struct infra_promotion *p = promotion;

    if (p != NULL) {
        infra__free(&p->allocator, p->views, views_count(p), sizeof *p->views);
        infra__free(&p->allocator, p->nodes, p->o.nodes_max, sizeof *p->nodes);
        infra__object_free(p, sizeof *p);
    }
}

/* Is it part of the plan or the record? Then its key may not change. */
static bool is_in_use(const struct infra_promotion *p, uint32_t id)
{
    return id == p->primary || id == p->candidate || id == p->target ||
           (p->is_unfinished && (id == p->begun || id == p->former));
}

static void forget(struct infra_promotion *p, uint32_t id)
{
    memset(&p->nodes[id], 0, sizeof p->nodes[id]);
    memset(views_of(p, id), 0, p->o.observers_max * sizeof p->views[0]);
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
    if ((given.flags & FLAG(APART)) != 0) {
        n->is_unmarked = false; /* The host has read the record. */
        n->is_detached = false;
    }
    n->flags = given.flags | (n->flags & FLAG(APART));
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
    /* A plan for another primary is begun anew. */
    infra__promotion_become(p, WHY(UNLEASED), NO_NODE);
    if (p->primary != NO_NODE && p->primary != id) {
        p->nodes[p->primary].is_deposed = true;
    }
    if (unfinished) {
        infra__promotion_begin(p, id); /* No change yet. */
    } else {
        infra__promotion_count_change(p, id);
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
    struct view *v = &views_of(p, id)[sample->observer];
    infra_time at = sample->at < p->now ? sample->at : p->now;
    if (v->is_known && at < v->at) {
        return INFRA_ESTALE;
    }
    *v = (struct view) { .at = at, .view = sample->view, .is_known = 1 };
    if (sample->view == INFRA_PROMOTION_VIEW_OK &&
        (!p->nodes[id].has_answered || at >= p->nodes[id].at)) {
        infra__promotion_learn(p, id, sample, at);
    }
    infra__promotion_advance(p, now);
    return INFRA_OK;
}

int infra_promotion_next(struct infra_promotion *promotion, infra_time now,
                         struct infra_promotion_event *ret)
{
    if (promotion == NULL || ret == NULL) {
        return INFRA_EINVAL;
    }
    infra__promotion_advance(promotion, now);
    return infra__promotion_take_event(promotion, ret) ? INFRA_OK
                                                       : INFRA_EAGAIN;
}

infra_time infra_promotion_deadline(const struct infra_promotion *promotion)
{
    return promotion != NULL ? infra__promotion_event_due(promotion)
                             : INFRA_TIME_NEVER;
}

int infra_promotion_answer(struct infra_promotion *promotion, uint64_t call,
                           uint32_t outcome, infra_time now)
{
    if (promotion == NULL || outcome > INFRA_ORDER_UNKNOWN) {
        return INFRA_EINVAL;
    }
    infra__promotion_advance(promotion, now);
    if (!infra__promotion_take_answer(promotion, call, outcome)) {
        return INFRA_ESTALE;
    }
    infra__promotion_advance(promotion, now);
    return INFRA_OK;
}

int infra_promotion_inspect(const struct infra_promotion *promotion,
                            struct infra_promotion_status *ret)
{
    const struct infra_promotion *p = promotion;
    struct infra__choice choice;

    if (p == NULL || ret == NULL) {
        return INFRA_EINVAL;
    }
    uint32_t why = infra__promotion_choose(p, &choice);
    struct infra__votes votes = infra__promotion_votes(p);
    const struct infra_promotion_status status = {
        .size = sizeof status,
        .token = p->token,
        .primary_token = p->primary_token,
        .since = p->since,
        .changes = p->changes,
        .step = p->step,
        .reason = p->step == STEP(HELD) ? why : p->reason,
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
    return infra__status_export(ret, &status, sizeof status, sizeof status);
}
