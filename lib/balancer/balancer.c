/* SPDX-License-Identifier: MIT */
/* The control side: who the backends are and what is said about them. Nothing
 * here is seen by a pick before publish (publish.c). */
#include "internal.h"
#include "key_index.h"
#include "shared_slots.h"
#include "subset.h"

#include <assert.h>
#include <string.h>

#define OVERPROVISION_MAX 10000u
#define BOUND_MAX 10000u
#define RETRY_MIN_MAX 1000000u     /* Ten seconds' worth fit 64 bits. */
#define MEMORY_MAX (1u << 20)      /* Of a policy, per reader and tier. */
#define SEED_DEFAULT 0x696e667261u /* "infra" */

INFRA__NO_TAIL_PADDING(struct infra_balancer_options, reserved);
INFRA__NO_TAIL_PADDING(struct infra_balancer_stats, load);
_Static_assert(sizeof(struct infra_ticket) == 32, "hosts store tickets");

const char *infra_balancer_axis_name(uint32_t axis)
{
    static const char *const names[] = {
        [INFRA_BALANCER_AXIS_HEALTH] = "health",
        [INFRA_BALANCER_AXIS_PASSIVE] = "passive",
        [INFRA_BALANCER_AXIS_ADMIN] = "admin",
    };

    return INFRA__NAME(names, axis);
}

const char *infra_balancer_state_name(uint32_t state)
{
    static const char *const names[] = {
        [INFRA_BALANCER_STATE_UP] = "up",
        [INFRA_BALANCER_STATE_DEGRADED] = "degraded",
        [INFRA_BALANCER_STATE_DRAINING] = "draining",
        [INFRA_BALANCER_STATE_DOWN] = "down",
    };

    return INFRA__NAME(names, state);
}

const char *infra_balancer_spill_name(uint32_t spill)
{
    static const char *const names[] = {
        [INFRA_BALANCER_SPILL_DOWN] = "down",
        [INFRA_BALANCER_SPILL_FULL] = "full",
    };

    return INFRA__NAME(names, spill);
}

const char *infra_balancer_outage_name(uint32_t outage)
{
    static const char *const names[] = {
        [INFRA_BALANCER_OUTAGE_REFUSE] = "refuse",
        [INFRA_BALANCER_OUTAGE_ANYBODY] = "anybody",
        [INFRA_BALANCER_OUTAGE_LAST_UP] = "last-up",
    };

    return INFRA__NAME(names, outage);
}

const char *infra_request_flag_name(uint32_t flag)
{
    return flag == INFRA_REQUEST_STICKY ? "sticky" : "unknown";
}

const char *infra_ticket_why_name(uint32_t bit)
{
    static const char *const names[] = { "sticky", "retry",   "spill",
                                         "outage", "instead", "warming" };
    bool is_one_bit = bit != 0 && (bit & (bit - 1)) == 0;

    return is_one_bit ? INFRA__NAME(names, (uint32_t)__builtin_ctz(bit))
                      : "unknown";
}

const char *infra_policy_hash_name(uint32_t hash)
{
    static const char *const names[] = {
        [INFRA_POLICY_HASH_NONE] = "none",
        [INFRA_POLICY_HASH_ANY] = "any",
        [INFRA_POLICY_HASH_KETAMA] = "ketama",
        [INFRA_POLICY_HASH_NGINX] = "nginx",
        [INFRA_POLICY_HASH_ADDRESS] = "address",
    };

    return INFRA__NAME(names, hash);
}

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

static bool options_are_usable(const struct infra_balancer_options *o)
{
    return o->ids_max <= INFRA_BALANCER_IDS_MAX &&
           o->spill <= INFRA_BALANCER_SPILL_FULL &&
           o->outage <= INFRA_BALANCER_OUTAGE_LAST_UP &&
           o->overprovision_percent <= OVERPROVISION_MAX &&
           o->panic_percent <= 100 &&
           (o->panic_percent == 0 || o->overprovision_percent > 0) &&
           o->shed_until_up <= INFRA_BALANCER_IDS_MAX &&
           o->retry_percent <= 100 && o->retry_min_per_s <= RETRY_MIN_MAX &&
           (o->bound_percent == 0 ||
            (o->bound_percent >= 100 && o->bound_percent <= BOUND_MAX &&
             o->policy != NULL && o->policy->whole_tier != 0)) &&
           (o->shared != NULL || o->worker == 0) && o->reserved == 0 &&
           (o->subset_size == 0 || infra__key_ok(o->subset_key)) &&
           (o->policy == NULL || policy_is_usable(o->policy));
}

/* Copy the policy's options over zeroes and have it look at them. */
static int take_policy_options(struct infra_balancer *b, const void *options)
{
    size_t size = b->policy->options_size;

    if (size == 0) {
        return options == NULL ? INFRA_OK : INFRA_EINVAL;
    }
    b->policy_options = infra__alloc(&b->allocator, 1, size);
    if (b->policy_options == NULL) {
        return INFRA_ENOMEM;
    }
    int err = infra__options_import(b->policy_options, size, options, size);
    return err == INFRA_OK && b->policy->check != NULL
               ? b->policy->check(b->policy_options)
               : err;
}

int infra_balancer_create(struct infra_balancer **ret,
                          const struct infra_balancer_options *options)
{
    struct infra_balancer_options o = { 0 };

    if (ret == NULL) {
        return INFRA_EINVAL;
    }
    int err = infra__options_import(&o, sizeof o, options,
                                    sizeof(struct infra_balancer_options));
    if (err != INFRA_OK) {
        return err;
    }
    if (!options_are_usable(&o)) {
        return INFRA_EINVAL;
    }

    struct infra_allocator allocator = infra__allocator_or_libc(o.allocator);
    struct infra_balancer *b = infra__alloc(&allocator, 1, sizeof *b);
    if (b == NULL) {
        return INFRA_ENOMEM;
    }
    b->allocator = allocator;
    b->policy = o.policy != NULL ? o.policy : infra_balancer_round_robin();
    b->seed = o.seed != 0 ? o.seed : SEED_DEFAULT;
    b->spill = o.spill;
    b->outage = o.outage;
    b->overprovision_percent = o.overprovision_percent;
    b->panic_percent = o.panic_percent;
    b->shed_until_up = o.shed_until_up;
    b->retry_percent = o.retry_percent;
    b->retry_min_per_s = o.retry_min_per_s;
    b->slow_start_interval = o.slow_start_interval;
    b->bound_percent = o.bound_percent;
    memcpy(b->tier_in_flight_max, o.tier_in_flight_max,
           sizeof b->tier_in_flight_max);
    b->ids_max = o.ids_max != 0 ? o.ids_max : IDS_MAX_DEFAULT;
    b->members = infra__alloc(&allocator, b->ids_max, sizeof *b->members);
    err = b->members != NULL ? infra__key_index_open(b) : INFRA_ENOMEM;
    if (err == INFRA_OK) {
        err = infra__subset_open(b, o.subset_size, o.subset_key);
    }
    if (err == INFRA_OK) {
        err = take_policy_options(b, o.policy_options);
    }
    if (err == INFRA_OK) { /* Last: other processes may see it. */
        err = infra__shared_open(b, o.shared, o.worker);
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
    struct infra_allocator allocator = b->allocator;
    if (b->table != NULL) {
        infra__edition_unref(&b->table->edition, infra__table_free, b);
    }
    for (uint32_t id = 0; b->members != NULL && id < b->ids_max; id++) {
        char *key = b->members[id].key;
        if (key != NULL) {
            infra__free(&allocator, key, strlen(key) + 1, 1);
        }
    }
    infra__subset_close(b);
    infra__key_index_close(b);
    infra__free(&allocator, b->policy_options, 1, b->policy->options_size);
    infra__free(&allocator, b->members, b->ids_max, sizeof *b->members);
    infra__shared_close(b);
    infra__free(&allocator, b, 1, sizeof *b);
}

int infra_balancer_mark(struct infra_balancer *balancer, uint32_t id,
                        uint32_t axis, uint32_t state)
{
    if (balancer == NULL || id >= balancer->ids_max ||
        axis > INFRA_BALANCER_AXIS_ADMIN || state > INFRA_BALANCER_STATE_DOWN) {
        return INFRA_EINVAL;
    }
    struct member *m = &balancer->members[id];
    if (!m->present) {
        return INFRA_ENOENT;
    }
    /* Also where a worse mark hides it: in an outage that may not count. */
    balancer->dirty |= m->marks[axis] != state;
    m->marks[axis] = (uint8_t)state;
    infra__shared_mark(balancer, id, axis, state);
    return INFRA_OK;
}

static int set_share(struct infra_balancer *b, uint32_t id, uint32_t share)
{
    if (b == NULL || id >= b->ids_max) {
        return INFRA_EINVAL;
    }
    struct member *m = &b->members[id];
    if (!m->present) {
        return INFRA_ENOENT;
    }
    b->dirty |= m->share != share;
    m->share = share;
    infra__shared_share(b, id, share);
    return INFRA_OK;
}

int infra_balancer_set_share(struct infra_balancer *balancer, uint32_t id,
                             uint32_t percent)
{
    if (percent > INFRA_BALANCER_WEIGHT_MAX) {
        return INFRA_EINVAL;
    }
    return set_share(balancer, id, percent != 100 ? SHARE_SET | percent : 0);
}

int infra_balancer_set_weight(struct infra_balancer *balancer, uint32_t id,
                              uint32_t weight)
{
    if (weight > INFRA_BALANCER_WEIGHT_MAX) {
        return INFRA_EINVAL;
    }
    return set_share(balancer, id, SHARE_SET | SHARE_ABSOLUTE | weight);
}

/* The part of its list's traffic that a backend should get by its weight, in
 * the table that readers have, in millionths. */
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
                           struct infra_balancer_stats *ret)
{
    if (balancer == NULL || ret == NULL || id >= balancer->ids_max) {
        return INFRA_EINVAL;
    }
    const struct member *m = &balancer->members[id];
    if (!m->present) {
        return INFRA_ENOENT;
    }
    struct counts counts = infra__balancer_counts(balancer, id);
    struct infra_balancer_stats stats = {
        .picks = counts.picks,
        .failures = counts.failures,
        .reports = counts.reports,
        .latency_sum = counts.latency_sum,
        .in_flight = counts.picks - counts.releases,
        .share_ppm = share_of(balancer, id),
        .state = member_state(m),
        .load = slot_in_flight(&balancer->slots[id]),
    };
    /* A share of nothing is no mark, but the operator's in effect. */
    while (stats.state != INFRA_BALANCER_STATE_UP &&
           stats.axis < INFRA_BALANCER_AXIS_ADMIN &&
           m->marks[stats.axis] != stats.state) {
        stats.axis++;
    }
    return infra__stats_export(ret, &stats, sizeof stats,
                               sizeof(struct infra_balancer_stats));
}
