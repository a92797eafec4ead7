/* SPDX-License-Identifier: MIT */
/* Maglev as a policy: the table of maglev_table.h, and the key's own walk
 * through its slots if the first is unusable. */
#include "../algorithm/maglev_table.h"
#include "../internal.h"

INFRA__NO_TAIL_PADDING(struct infra_maglev_options, reserved);

struct slots {
    uint32_t size;
    uint16_t indexes[];
};

static int complete(void *options)
{
    struct infra_maglev_options *o = options;

    if (o->reserved != 0) {
        return INFRA_ESTRUCT;
    }
    o->table_size =
        o->table_size != 0 ? o->table_size : INFRA__MAGLEV_SIZE_DEFAULT;
    return infra__maglev_size_ok(o->table_size) ? INFRA_OK : INFRA_EINVAL;
}

static uint32_t slots_count(const struct infra_balancer_candidates *c)
{
    const struct infra_maglev_options *o = c->options;

    return o->table_size;
}

static size_t table_size(const struct infra_balancer_candidates *c)
{
    return sizeof(struct slots) + slots_count(c) * sizeof(uint16_t);
}

static size_t scratch_size(const struct infra_balancer_candidates *c)
{
    return infra__maglev_scratch_size(c->list->count, slots_count(c));
}

static int build(void *table, void *scratch,
                 const struct infra_balancer_candidates *c)
{
    struct slots *slots = table;

    slots->size = slots_count(c);
    infra__maglev_build(slots->indexes, slots->size, c->hash_members,
                        c->list->count, scratch);
    return INFRA_OK;
}

static uint32_t pick(const void *table, uint64_t state[4],
                     const struct infra_balancer_candidates *c, uint64_t hash)
{
    const struct slots *slots = table;
    uint32_t slot = infra__maglev_slot(hash, slots->size);

    (void)state;
    for (uint32_t i = 0; i < PROBES_MAX; i++) {
        if (candidate_may(c, slots->indexes[slot])) {
            return slots->indexes[slot];
        }
        slot = infra__maglev_next(slot, hash, slots->size);
    }
    return infra__candidates_rendezvous(c, hash);
}

static void shares(const void *table, const struct infra_balancer_candidates *c,
                   uint64_t *due, uint64_t *has)
{
    const struct slots *slots = table;

    (void)c;
    (void)due;
    for (uint32_t slot = 0; slot < slots->size; slot++) {
        has[slots->indexes[slot]]++;
    }
}

const struct infra_balancer_policy *infra_balancer_maglev(void)
{
    static const struct infra_balancer_policy policy = {
        .size = sizeof policy,
        .name = "maglev",
        .table_size = table_size,
        .scratch_size = scratch_size,
        .build = build,
        .pick = pick,
        .whole_tier = 1,
        .hash = INFRA_POLICY_HASH_ANY,
        .options_size = sizeof(struct infra_maglev_options),
        .complete = complete,
        .shares = shares,
    };

    return &policy;
}
