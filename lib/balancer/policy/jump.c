/* SPDX-License-Identifier: MIT */
/* Jump hash (jump_hash.h). A key whose bucket is unusable goes to the best of
 * the others by rendezvous. O(log n). */
#include "../algorithm/jump_hash.h"
#include "../internal.h"

/* Buckets are ids, from the tier's first. A gap counts as a backend that is
 * down, so that a removal moves no other backend's keys. */
struct buckets {
    uint32_t count;
    uint32_t indexes[]; /* NO_INDEX: a gap. */
};

static uint32_t buckets_count(const struct infra_balancer_candidates *c)
{
    const struct entry *entries = c->list->entries;

    return entries[c->list->count - 1].id - entries[0].id + 1;
}

static size_t table_size(const struct infra_balancer_candidates *c)
{
    return sizeof(struct buckets) + buckets_count(c) * sizeof(uint32_t);
}

static int build(void *table, void *scratch,
                 const struct infra_balancer_candidates *c)
{
    const struct entry *entries = c->list->entries;
    struct buckets *buckets = table;

    (void)scratch;
    buckets->count = buckets_count(c);
    for (uint32_t i = 0; i < buckets->count; i++) {
        buckets->indexes[i] = NO_INDEX;
    }
    for (uint32_t i = 0; i < c->list->count; i++) {
        buckets->indexes[entries[i].id - entries[0].id] = i;
    }
    return INFRA_OK;
}

static uint32_t pick(const void *table, uint64_t state[4],
                     const struct infra_balancer_candidates *c, uint64_t hash)
{
    const struct buckets *buckets = table;
    uint32_t index = buckets->indexes[infra__jump(hash, buckets->count)];

    (void)state;
    return index != NO_INDEX && candidate_may(c, index)
               ? index
               : infra__candidates_rendezvous(c, hash);
}

const struct infra_balancer_policy *infra_balancer_jump(void)
{
    static const struct infra_balancer_policy policy = {
        .size = sizeof policy,
        .name = "jump",
        .table_size = table_size,
        .build = build,
        .pick = pick,
        .whole_tier = 1,
        .hash = INFRA_POLICY_HASH_ANY,
    };

    return &policy;
}
