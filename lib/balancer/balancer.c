/* SPDX-License-Identifier: MIT */
/* The control side: who the backends are and what is said about them. Nothing
 * here is seen by a pick before publish (table.c). */
#include "internal.h"

#include <assert.h>
#include <string.h>

#define IDS_MAX_DEFAULT 64u
#define SEED_DEFAULT 0x696e667261u /* "infra" */

INFRA__NO_TAIL_PADDING(struct infra_balancer_options, spill);
INFRA__NO_TAIL_PADDING(struct infra_backend, in_flight_max);
INFRA__NO_TAIL_PADDING(struct infra_balancer_stats, reserved);
_Static_assert(sizeof(struct infra_ticket) == 32, "hosts store tickets");

static const char *const states[] = {
    [INFRA_STATE_UP] = "up",
    [INFRA_STATE_DEGRADED] = "degraded",
    [INFRA_STATE_DRAINING] = "draining",
    [INFRA_STATE_DOWN] = "down",
};

static const char *const axes[] = {
    [INFRA_AXIS_HEALTH] = "health",
    [INFRA_AXIS_PASSIVE] = "passive",
    [INFRA_AXIS_ADMIN] = "admin",
};

const char *infra_balancer_state_name(uint32_t state)
{
    return state < INFRA__COUNT_OF(states) ? states[state] : "unknown";
}

const char *infra_balancer_axis_name(uint32_t axis)
{
    return axis < INFRA__COUNT_OF(axes) ? axes[axis] : "unknown";
}

static bool policy_is_usable(const struct infra_balancer_policy *policy)
{
    return policy->size >= sizeof *policy && policy->name != NULL &&
           policy->pick != NULL && policy->needs_load <= 1 &&
           policy->whole_tier <= 1;
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
    if (o.ids_max > INFRA_BALANCER_IDS_MAX || o.spill > INFRA_SPILL_FULL ||
        (o.policy != NULL && !policy_is_usable(o.policy))) {
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
    b->ids_max = o.ids_max != 0 ? o.ids_max : IDS_MAX_DEFAULT;
    b->members = infra__alloc(&allocator, b->ids_max, sizeof *b->members);
    b->slots = infra__alloc_lines(&allocator, b->ids_max * sizeof *b->slots,
                                  &b->slots_raw);
    if (b->members == NULL || b->slots == NULL) {
        infra_balancer_destroy(b);
        return INFRA_ENOMEM;
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
    infra__free(&allocator, b->members, b->ids_max, sizeof *b->members);
    infra__free_lines(&allocator, b->slots_raw, b->ids_max * sizeof *b->slots);
    infra__free(&allocator, b, 1, sizeof *b);
}

/* May the id's former owner still be picked, or is a ticket of it out? */
static bool id_is_busy(struct infra_balancer *b, uint32_t id)
{
    const struct member *m = &b->members[id];

    if (m->present || m->absent_since == EDITION_PENDING) {
        return true;
    }
    for (struct infra_balancer_reader *r = b->readers; r != NULL; r = r->next) {
        if (infra__inbox_settle(&r->inbox, infra__table_free, b) <
            m->absent_since) {
            return true;
        }
    }
    struct counts counts = infra__balancer_counts(b, id);
    return counts.picks != counts.releases;
}

/* Give the id to another key: counters begin at zero. */
static int take_id(struct infra_balancer *b, uint32_t id, const char *key,
                   size_t key_size)
{
    struct member *m = &b->members[id];
    char *copy = infra__alloc(&b->allocator, key_size, 1);

    if (copy == NULL) {
        return INFRA_ENOMEM;
    }
    memcpy(copy, key, key_size);
    if (m->key != NULL) {
        infra__free(&b->allocator, m->key, strlen(m->key) + 1, 1);
    }
    struct counts former = infra__balancer_counts(b, id);
    struct counts *base = &b->slots[id].base;
    base->picks -= former.picks;
    base->releases -= former.releases;
    base->failures -= former.failures;
    base->reports -= former.reports;
    base->latency_sum -= former.latency_sum;
    *m = (struct member) { .key = copy, .owner = (uint16_t)(m->owner + 1) };
    return INFRA_OK;
}

int infra_balancer_set(struct infra_balancer *balancer,
                       const struct infra_backend *backend)
{
    struct infra_backend o = { 0 };

    if (balancer == NULL || backend == NULL) {
        return INFRA_EINVAL;
    }
    int err = infra__options_import(&o, sizeof o, backend,
                                    sizeof(struct infra_backend));
    if (err != INFRA_OK) {
        return err;
    }
    if (o.id >= balancer->ids_max || o.key == NULL || o.key[0] == '\0' ||
        o.weight > INFRA_BALANCER_WEIGHT_MAX ||
        o.tier >= INFRA_BALANCER_TIERS_MAX) {
        return INFRA_EINVAL;
    }
    size_t key_size = strnlen(o.key, INFRA_BALANCER_KEY_MAX + 1) + 1;
    if (key_size > INFRA_BALANCER_KEY_MAX + 1) {
        return INFRA_EINVAL;
    }

    struct member *m = &balancer->members[o.id];
    if (m->key == NULL || strcmp(m->key, o.key) != 0) {
        if (m->key != NULL && id_is_busy(balancer, o.id)) {
            return INFRA_EBUSY;
        }
        err = take_id(balancer, o.id, o.key, key_size);
        if (err != INFRA_OK) {
            return err;
        }
    }
    if (!m->present) {
        memset(m->marks, INFRA_STATE_UP, sizeof m->marks);
        m->present = 1;
    }
    m->weight = o.weight != 0 ? o.weight : 1;
    m->tier = (uint8_t)o.tier;
    m->in_flight_max = o.in_flight_max;
    balancer->dirty = true;
    return INFRA_OK;
}

int infra_balancer_remove(struct infra_balancer *balancer, uint32_t id)
{
    if (balancer == NULL || id >= balancer->ids_max) {
        return INFRA_EINVAL;
    }
    struct member *m = &balancer->members[id];
    if (!m->present) {
        return INFRA_ENOENT;
    }
    m->present = 0;
    m->absent_since = EDITION_PENDING;
    balancer->dirty = true;
    return INFRA_OK;
}

int infra_balancer_mark(struct infra_balancer *balancer, uint32_t id,
                        uint32_t axis, uint32_t state)
{
    if (balancer == NULL || id >= balancer->ids_max ||
        axis > INFRA_AXIS_ADMIN || state > INFRA_STATE_DOWN) {
        return INFRA_EINVAL;
    }
    struct member *m = &balancer->members[id];
    if (!m->present) {
        return INFRA_ENOENT;
    }
    uint32_t before = member_state(m);
    m->marks[axis] = (uint8_t)state;
    balancer->dirty |= member_state(m) != before;
    return INFRA_OK;
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
            if ((list->states >> e->state & 1u) != 0) {
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
    };
    while (stats.state != INFRA_STATE_UP &&
           m->marks[stats.axis] != stats.state) {
        stats.axis++;
    }
    return infra__stats_export(ret, &stats, sizeof stats,
                               sizeof(struct infra_balancer_stats));
}
