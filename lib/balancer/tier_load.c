/* SPDX-License-Identifier: MIT */
#include "tier_load.h"

static uint32_t capacity(uint64_t part, uint64_t all, uint32_t overprovision)
{
    uint64_t percent = all > 0 ? part * overprovision / all : 0;

    return percent < 100 ? (uint32_t)percent : 100;
}

/* The part of @capacity in the 100 percent that are @left. */
static uint32_t take(uint32_t *left, uint32_t capacity_percent, uint32_t total)
{
    uint32_t load = total > 0 ? capacity_percent * 100 / total : 0;

    load = load < *left ? load : *left;
    *left -= load;
    return load;
}

/* With all in panic: by number of backends; the rest from rounding goes to the
 * first tier with any. */
static void load_by_size(struct infra__tier_load *ret,
                         const struct infra__tier_health *tiers, uint32_t count)
{
    uint64_t all = 0;
    uint32_t left = 100;
    uint32_t first = count;

    for (uint32_t t = 0; t < count; t++) {
        all += tiers[t].all;
    }
    for (uint32_t t = 0; t < count && all > 0; t++) {
        ret[t].healthy = (uint32_t)(tiers[t].all * 100 / all);
        ret[t].degraded = 0;
        left -= ret[t].healthy;
        first = first == count && tiers[t].all > 0 ? t : first;
    }
    if (first < count) {
        ret[first].healthy += left;
    }
}

/* Can less than @percent of a tier serve? Exactly: two truncated percentages
 * miss a threshold that their sum reaches. */
static bool is_below(const struct infra__tier_health *h, uint32_t percent)
{
    return h->all > 0 ? 100 * (h->healthy + h->degraded) < percent * h->all
                      : percent > 0;
}

void infra__tier_loads(struct infra__tier_load *ret,
                       const struct infra__tier_health *tiers, uint32_t count,
                       uint32_t overprovision_percent, uint32_t panic_percent)
{
    uint32_t total = 0;
    uint32_t left = 100;
    bool all_panic = true;

    for (uint32_t t = 0; t < count; t++) {
        const struct infra__tier_health *h = &tiers[t];
        ret[t].healthy = capacity(h->healthy, h->all, overprovision_percent);
        ret[t].degraded = capacity(h->degraded, h->all, overprovision_percent);
        total += ret[t].healthy + ret[t].degraded;
    }
    total = total < 100 ? total : 100;
    for (uint32_t t = 0; t < count; t++) {
        ret[t].panic = (total == 0 && panic_percent > 0) ||
                       (total < 100 && is_below(&tiers[t], panic_percent));
        all_panic &= ret[t].panic;
    }
    if (all_panic) {
        load_by_size(ret, tiers, count);
        return;
    }
    uint32_t *first = NULL;
    for (uint32_t t = 0; t < count; t++) {
        first = first == NULL && ret[t].healthy > 0 ? &ret[t].healthy : first;
        ret[t].healthy = take(&left, ret[t].healthy, total);
    }
    for (uint32_t t = 0; t < count; t++) {
        first = first == NULL && ret[t].degraded > 0 ? &ret[t].degraded : first;
        ret[t].degraded = take(&left, ret[t].degraded, total);
    }
    if (first != NULL) {
        *first += left;
    }
}
