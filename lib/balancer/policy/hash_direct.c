/* SPDX-License-Identifier: MIT */
/* The hash policies without a walk of their own: rendezvous over the keys,
 * jump, and nginx's ip_hash. A key that may not have its backend goes to the
 * best of the others by rendezvous. */
#include "../algorithm/ip_hash_table.h"
#include "../algorithm/jump_hash.h"
#include "../algorithm/rendezvous_hash.h"
#include "../internal.h"

static size_t nodes_size(const struct infra_balancer_candidates *c)
{
    return c->list->count * sizeof(struct infra__rendezvous_node);
}

static int build_nodes(void *table, void *scratch,
                       const struct infra_balancer_candidates *c)
{
    struct infra__rendezvous_node *nodes = table;

    (void)scratch;
    for (uint32_t i = 0; i < c->list->count; i++) {
        nodes[i] = (struct infra__rendezvous_node) {
            .seed = infra__rendezvous_seed(c->hash_members[i].key),
            .weight = c->hash_members[i].weight,
            .index = i,
        };
    }
    return INFRA_OK;
}

static uint32_t pick_node(const void *table, uint64_t state[4],
                          const struct infra_balancer_candidates *c,
                          uint64_t hash)
{
    const struct infra__rendezvous_node *nodes = table;
    struct infra__rendezvous_rank best;
    uint32_t found = 0;

    (void)state;
    for (uint32_t i = 0; i < c->list->count; i++) {
        if (candidate_may(c, i)) {
            found = infra__rendezvous_offer(&best, found, 1, &nodes[i], hash);
        }
    }
    return found > 0 ? best.index : NO_INDEX;
}

const struct infra_balancer_policy *infra_balancer_rendezvous(void)
{
    static const struct infra_balancer_policy policy = {
        .size = sizeof policy,
        .name = "rendezvous",
        .table_size = nodes_size,
        .build = build_nodes,
        .pick = pick_node,
        .whole_tier = 1,
        .hash = INFRA_POLICY_HASH_ANY,
    };

    return &policy;
}

/* Buckets are ids, from the tier's first: a hole among them counts as a backend
 * that is down, so that to remove one moves no other's keys. */
struct buckets {
    uint32_t count;
    uint32_t indexes[]; /* NO_INDEX: a hole. */
};

static uint32_t buckets_count(const struct infra_balancer_candidates *c)
{
    const struct entry *entries = c->list->entries;

    return entries[c->list->count - 1].id - entries[0].id + 1;
}

static size_t buckets_size(const struct infra_balancer_candidates *c)
{
    return sizeof(struct buckets) + buckets_count(c) * sizeof(uint32_t);
}

static int build_buckets(void *table, void *scratch,
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

static uint32_t pick_bucket(const void *table, uint64_t state[4],
                            const struct infra_balancer_candidates *c,
                            uint64_t hash)
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
        .table_size = buckets_size,
        .build = build_buckets,
        .pick = pick_bucket,
        .whole_tier = 1,
        .hash = INFRA_POLICY_HASH_ANY,
    };

    return &policy;
}

static size_t values_size(const struct infra_balancer_candidates *c)
{
    (void)c;
    return INFRA__IP_HASH_VALUES * sizeof(uint16_t);
}

static int build_values(void *table, void *scratch,
                        const struct infra_balancer_candidates *c)
{
    (void)scratch;
    infra__ip_hash_build(table, c->hash_members, c->list->count);
    return INFRA_OK;
}

static void shares_of_values(const void *table,
                             const struct infra_balancer_candidates *c,
                             uint64_t *due, uint64_t *has)
{
    const uint16_t *indexes = table;

    (void)c;
    (void)due;
    for (uint32_t value = 0; value < INFRA__IP_HASH_VALUES; value++) {
        has[indexes[value]]++;
    }
}

static uint32_t pick_value(const void *table, uint64_t state[4],
                           const struct infra_balancer_candidates *c,
                           uint64_t hash)
{
    const uint16_t *indexes = table;
    uint32_t index = indexes[hash % INFRA__IP_HASH_VALUES];

    (void)state;
    return candidate_may(c, index) ? index
                                   : infra__candidates_rendezvous(c, hash);
}

const struct infra_balancer_policy *infra_balancer_ip_hash(void)
{
    static const struct infra_balancer_policy policy = {
        .size = sizeof policy,
        .name = "ip-hash",
        .table_size = values_size,
        .build = build_values,
        .pick = pick_value,
        .whole_tier = 1,
        .hash = INFRA_POLICY_HASH_ADDRESS,
        .shares = shares_of_values,
    };

    return &policy;
}

uint64_t infra_ip_hash(const void *address, size_t size)
{
    return size == 4 || size == 16
               ? infra__ip_hash(address, size, INFRA__IP_HASH_START)
               : 0;
}
