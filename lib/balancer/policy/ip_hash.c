/* SPDX-License-Identifier: MIT */
/* nginx's ip_hash (ip_hash_table.h). A key whose backend is unusable goes to
 * the best of the others by rendezvous. O(1). */
#include "../algorithm/ip_hash_table.h"
#include "../internal.h"

static size_t table_size(const struct infra_balancer_candidates *c)
{
    (void)c;
    return INFRA__IP_HASH_VALUES * sizeof(uint16_t);
}

static int build(void *table, void *scratch,
                 const struct infra_balancer_candidates *c)
{
    (void)scratch;
    infra__ip_hash_build(table, c->hash_members, c->list->count);
    return INFRA_OK;
}

static void shares(const void *table, const struct infra_balancer_candidates *c,
                   uint64_t *due, uint64_t *has)
{
    const uint16_t *indexes = table;

    (void)c;
    (void)due;
    for (uint32_t value = 0; value < INFRA__IP_HASH_VALUES; value++) {
        has[indexes[value]]++;
    }
}

static uint32_t pick(const void *table, uint64_t state[4],
                     const struct infra_balancer_candidates *c, uint64_t hash)
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
        .table_size = table_size,
        .build = build,
        .pick = pick,
        .whole_tier = 1,
        .hash = INFRA_POLICY_HASH_ADDRESS,
        .shares = shares,
    };

    return &policy;
}

uint64_t infra_ip_hash(const void *address, size_t size)
{
    return size == 4 || size == 16
               ? infra__ip_hash(address, size, INFRA__IP_HASH_START)
               : 0;
}
