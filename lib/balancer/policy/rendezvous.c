/* SPDX-License-Identifier: MIT */
/* Rendezvous over the keys (rendezvous_hash.h): the best of the usable backends
 * has the key. O(n). */
#include "../algorithm/rendezvous_hash.h"
#include "../internal.h"

static size_t table_size(const struct infra_balancer_candidates *c)
{
    return c->list->count * sizeof(struct infra__rendezvous_node);
}

static int build(void *table, void *scratch,
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

static uint32_t pick(const void *table, uint64_t state[4],
                     const struct infra_balancer_candidates *c, uint64_t hash)
{
    const struct infra__rendezvous_node *nodes = table;
    struct infra__rendezvous_rank best = { .index = NO_INDEX };

    (void)state;
    for (uint32_t i = 0; i < c->list->count; i++) {
        if (candidate_may(c, i)) {
            infra__rendezvous_offer(&best, &nodes[i], hash);
        }
    }
    return best.index;
}

const struct infra_balancer_policy *infra_balancer_rendezvous(void)
{
    static const struct infra_balancer_policy policy = {
        .size = sizeof policy,
        .name = "rendezvous",
        .table_size = table_size,
        .build = build,
        .pick = pick,
        .whole_tier = 1,
        .hash = INFRA_POLICY_HASH_ANY,
    };

    return &policy;
}
