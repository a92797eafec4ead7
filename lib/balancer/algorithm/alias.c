/* SPDX-License-Identifier: MIT */
#include "alias.h"

/* The first index from @i on below the mean, or not below it. */
static uint32_t find(const uint64_t *rests, uint32_t i, uint32_t count,
                     uint64_t mean, bool below)
{
    while (i < count && (rests[i] < mean) != below) {
        i++;
    }
    return i;
}

size_t infra__alias_table_size(const struct infra_balancer_candidates *c)
{
    return c->list->even ? 0 : c->list->count * sizeof(struct alias_column);
}

size_t infra__alias_scratch_size(const struct infra_balancer_candidates *c)
{
    return c->list->even ? 0 : c->list->count * sizeof(uint64_t);
}

int infra__alias_table_build(void *table, void *scratch,
                             const struct infra_balancer_candidates *c)
{
    const struct list *list = c->list;
    struct alias_column *columns = table;
    uint64_t *rests = scratch;
    const uint32_t count = list->count;
    const uint64_t mean = list->weight_total; /* In units of 1 / count. */

    for (uint32_t i = 0; i < count; i++) {
        rests[i] = (uint64_t)list->entries[i].weight * count;
        columns[i] = (struct alias_column) { UINT32_MAX, i };
    }
    /* A large column gives each small one what it lacks, until it is small
     * itself. Then it is filled next, unless the scan for small ones will still
     * reach it. */
    uint32_t large = find(rests, 0, count, mean, false);
    uint32_t scan = find(rests, 0, count, mean, true);
    uint32_t small = scan;
    while (small < count && large < count) {
        uint64_t rest = rests[small];
        columns[small].threshold = (uint32_t)((rest << 32) / mean);
        columns[small].alias = large;
        rests[large] -= mean - rest;
        bool passed = large < scan;
        bool became_small = rests[large] < mean;
        if (became_small && passed) {
            small = large;
        }
        if (became_small) {
            large = find(rests, large + 1, count, mean, false);
        }
        if (!became_small || !passed) {
            scan = find(rests, scan + 1, count, mean, true);
            small = scan;
        }
    }
    return INFRA_OK;
}
