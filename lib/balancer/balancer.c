/* SPDX-License-Identifier: MIT */
/* The control side: create and destroy, marks, shares, inspection. No edit
 * reaches a pick before publish (publish.c). */
#include "internal.h"
#include "key_index.h"
#include "shared_slots.h"
#include "subset.h"

#include <assert.h>
#include <string.h>

#define OVERPROVISION_MAX 10000u
#define BOUND_MAX 10000u
#define RETRY_MIN_MAX 1000000u     /* So that ten seconds' worth fit 64 bits. */
#define MEMORY_MAX (1u << 20)      /* Of a policy, per reader and tier. */
#define SEED_DEFAULT 0x696e667261u /* "infra" */

INFRA__NO_TAIL_PADDING(struct infra_balancer_options, reserved);
INFRA__NO_TAIL_PADDING(struct infra_balancer_status, load);
_Static_assert(sizeof(struct infra_ticket) == 32, "hosts store tickets");

uint32_t infra_balancer_policy_hash(const struct infra_balancer_policy *policy)
{
    return policy != NULL ? policy->hash : INFRA_POLICY_HASH_NONE;
}

static bool policy_is_usable(const struct infra_balancer_policy *policy)
{
    return policy->size >= sizeof *policy && policy->name != NULL &&
           policy->pick != NULL && policy->needs_load <= 1 &&
           policy->needs_latency <= 1 && policy->whole_tier <= 1 &&
           policy->hash <= INFRA_POLICY_HASH_ADDRESS &&
           policy->memory_size <= MEMORY_MAX;
}

static int complete(void *options)
{
    struct infra_balancer_options *o = options;

    o->policy = o->policy != NULL ? o->policy : infra_balancer_round_robin();
    o->seed = o->seed != 0 ? o->seed : SEED_DEFAULT;
    o->ids_max = o->ids_max != 0 ? o->ids_max : IDS_MAX_DEFAULT;
    return o->ids_max <= INFRA_BALANCER_IDS_MAX &&
                   o->spill <= INFRA_BALANCER_SPILL_FULL &&
                   o->outage <= INFRA_BALANCER_OUTAGE_LAST_UP &&
                   o->overprovision_percent <= OVERPROVISION_MAX &&
                   o->panic_percent <= 100 &&
                   (o->panic_percent == 0 || o->overprovision_percent > 0) &&
                   o->shed_until_up <= INFRA_BALANCER_IDS_MAX &&
                   o->retry_percent <= 100 &&
                   o->retry_min_per_s <= RETRY_MIN_MAX &&
                   policy_is_usable(o->policy) &&
                   (o->bound_percent == 0 ||
                    (o->bound_percent >= 100 && o->bound_percent <= BOUND_MAX &&
                     o->policy->whole_tier != 0)) &&
                   (o->shared != NULL || o->worker == 0) && o->reserved == 0 &&
                   (o->subset_size == 0 || infra__key_ok(o->subset_key))
               ? INFRA_OK
               : INFRA_EINVAL;
}

/* Copy the policy's options over zeroes, and have the policy complete them. */
static int take_policy_options(struct infra_balancer *b)
{
    const struct infra_balancer_policy *policy = b->options.policy;
    const void *options = b->options.policy_options;

    if (policy->options_size == 0) {
        return options == NULL ? INFRA_OK : INFRA_EINVAL;
    }
    b->policy_options = infra__alloc(&b->allocator, 1, policy->options_size);
    if (b->policy_options == NULL) {
        return INFRA_ENOMEM;
    }
    int err = infra__options_import(b->policy_options, policy->options_size,
                                    options, policy->options_size);
    return err == INFRA_OK && policy->complete != NULL
               ? policy->complete(b->policy_options)
               : err;
}

int infra_balancer_create(struct infra_balancer **ret,
                          const struct infra_balancer_options *options)
{
    struct infra_balancer_options o = { .size = sizeof o };
    int err =
        ret != NULL ? infra__options_take(&o, options, complete) : INFRA_EINVAL;
    struct infra_balancer *b =
        infra__object_create(&err, sizeof *b, o.allocator);

    if (b == NULL) {
        return err;
    }
    b->options = o;
    b->members = infra__alloc(&b->allocator, o.ids_max, sizeof *b->members);
    err = b->members != NULL ? infra__key_index_open(b) : INFRA_ENOMEM;
    if (err == INFRA_OK) {
        err = infra__subset_open(b);
    }
    if (err == INFRA_OK) {
        err = take_policy_options(b);
    }
    if (err == INFRA_OK) { /* Last: other processes can see it. */
        err = infra__shared_open(b);
    }
    if (err != INFRA_OK) {
        infra_balancer_destroy(b);
        return err;
    }
    *ret = b;
    return INFRA_OK;
}

void infra_balancer_destroy(struct infra_balancer *balancer)
{
    struct infra_balancer *b = balancer;

    if (b == NULL) {
        return;
    }
    assert(b->readers == NULL);
    if (b->table != NULL) {
        infra__edition_unref(&b->table->edition, infra__table_free, b);
    }
    for (uint32_t id = 0; b->members != NULL && id < b->options.ids_max; id++) {
        infra__key_free(b, b->members[id].key);
    }
    infra__subset_close(b);
    infra__key_index_close(b);
    infra__free(&b->allocator, b->policy_options, 1,
                b->options.policy->options_size);
    infra__free(&b->allocator, b->members, b->options.ids_max,
                sizeof *b->members);
    infra__shared_close(b);
    infra__object_free(b, sizeof *b);
}

/* Find a present member, for an edit. INFRA_EINVAL, INFRA_ENOENT. */
static int find_member(const struct infra_balancer *b, uint32_t id,
                       struct member **ret)
{
    if (b == NULL || id >= b->options.ids_max) {
        return INFRA_EINVAL;
    }
    *ret = &b->members[id];
    return b->members[id].present ? INFRA_OK : INFRA_ENOENT;
}

int infra_balancer_mark(struct infra_balancer *balancer, uint32_t id,
                        uint32_t axis, uint32_t state)
{
    struct member *m;
    int err =
        axis <= INFRA_BALANCER_AXIS_ADMIN && state <= INFRA_BALANCER_STATE_DOWN
            ? find_member(balancer, id, &m)
            : INFRA_EINVAL;

    if (err == INFRA_OK) {
        /* Even if a worse mark hides it: in an outage that may not count. */
        balancer->dirty |= m->marks[axis] != state;
        m->marks[axis] = (uint8_t)state;
        infra__shared_mark(balancer, id, axis, state);
    }
    return err;
}

/* @number: the caller's argument, which @share encodes. */
static int set_share(struct infra_balancer *b, uint32_t id, uint32_t number,
                     uint32_t share)
{
    struct member *m;
    int err = number <= INFRA_BALANCER_WEIGHT_MAX ? find_member(b, id, &m)
                                                  : INFRA_EINVAL;

    if (err == INFRA_OK) {
        b->dirty |= m->share != share;
        m->share = share;
        infra__shared_share(b, id, share);
    }
    return err;
}

int infra_balancer_set_share(struct infra_balancer *balancer, uint32_t id,
                             uint32_t percent)
{
    return set_share(balancer, id, percent,
                     percent != 100 ? SHARE_SET | percent : 0);
}

int infra_balancer_set_weight(struct infra_balancer *balancer, uint32_t id,
                              uint32_t weight)
{
    return set_share(balancer, id, weight, SHARE_SET | SHARE_ABSOLUTE | weight);
}

/* A backend's part of the weight of its list's pickable backends, in the
 * published table, in millionths. */
static uint32_t share_of(const struct infra_balancer *b, uint32_t id)
{
    for (uint32_t l = 0; b->table != NULL && l < b->table->lists_count; l++) {
        const struct list *list = &b->table->lists[l];
        uint64_t weight = 0, total = 0;
        for (uint32_t i = 0; i < list->count; i++) {
            const struct entry *e = &list->entries[i];
            if (entry_is_up(list, e)) {
                total += e->weight;
                weight = e->id == id ? e->weight : weight;
            }
        }
        if (weight > 0) {
            return (uint32_t)(weight * 1000000u / total);
        }
    }
    return 0;
}

int infra_balancer_inspect(const struct infra_balancer *balancer, uint32_t id,
                           struct infra_balancer_status *ret)
{
    struct member *m;
    int err = ret != NULL ? find_member(balancer, id, &m) : INFRA_EINVAL;

    if (err != INFRA_OK) {
        return err;
    }
    struct counts counts = infra__balancer_counts(balancer, id);
    struct infra_balancer_status stats = {
        .picks = counts.picks,
        .failures = counts.failures,
        .reports = counts.reports,
        .latency_sum = counts.latency_sum,
        .in_flight = counts.picks - counts.releases,
        .share_ppm = share_of(balancer, id),
        .state = member_state(m),
        .load = slot_in_flight(&balancer->slots[id]),
    };
    /* A share of 0 is no mark, but acts as the operator's. */
    while (stats.state != INFRA_BALANCER_STATE_UP &&
           stats.axis < INFRA_BALANCER_AXIS_ADMIN &&
           m->marks[stats.axis] != stats.state) {
        stats.axis++;
    }
    return infra__status_export(ret, &stats, sizeof stats,
                                sizeof(struct infra_balancer_status));
}
