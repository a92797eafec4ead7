/* SPDX-License-Identifier: MIT */
/* Statistics of a tier: its members, its candidates, and how evenly the
 * policy's table gives each its part. Computed when asked for, so that a build
 * does not pay for it. O(ids_max + what the policy built). */
#include "internal.h"

INFRA__NO_TAIL_PADDING(struct infra_balancer_tier_status, share_max_ppm);

#define PPM 1000000u

static double sum_of(const uint64_t *parts, uint32_t count)
{
    double sum = 0;

    for (uint32_t i = 0; i < count; i++) {
        sum += (double)parts[i];
    }
    return sum;
}

/* Candidates with nothing due are left out. A host's policy may fill in any
 * numbers. */
static void note_extremes(struct infra_balancer_tier_status *stats,
                          const uint64_t *due, const uint64_t *has,
                          uint32_t count)
{
    double due_sum = sum_of(due, count);
    double has_sum = sum_of(has, count);
    uint32_t least = UINT32_MAX;
    uint32_t most = 0;

    for (uint32_t i = 0; i < count; i++) {
        if (due[i] == 0 || has_sum == 0) {
            continue;
        }
        double part = (double)due[i] / due_sum;
        double ratio = PPM * ((double)has[i] / has_sum / part) + 0.5;
        uint32_t ppm = ratio < UINT32_MAX ? (uint32_t)ratio : UINT32_MAX;
        least = ppm < least ? ppm : least;
        most = ppm > most ? ppm : most;
    }
    stats->share_min_ppm = least <= most ? least : 0;
    stats->share_max_ppm = most;
}

static int inspect_shares(const struct infra_balancer *b,
                          const struct list *list,
                          struct infra_balancer_tier_status *stats)
{
    const struct infra_balancer_candidates c = infra__candidates_of(b, list);

    if (b->options.policy->shares == NULL || list->bare) {
        stats->share_min_ppm = PPM;
        stats->share_max_ppm = PPM;
        return INFRA_OK;
    }
    uint64_t *due =
        infra__alloc(&b->allocator, 2 * (size_t)list->count, sizeof *due);
    if (due == NULL) {
        return INFRA_ENOMEM;
    }
    uint64_t *has = due + list->count;
    for (uint32_t i = 0; i < list->count; i++) {
        due[i] = list->entries[i].weight;
    }
    b->options.policy->shares(list->built_data, &c, due, has);
    note_extremes(stats, due, has, list->count);
    infra__free(&b->allocator, due, 2 * (size_t)list->count, sizeof *due);
    return INFRA_OK;
}

/* By their marks. */
static void count_members(const struct infra_balancer *b, uint32_t tier,
                          struct infra_balancer_tier_status *stats)
{
    for (uint32_t id = 0; id < b->options.ids_max; id++) {
        const struct member *m = &b->members[id];
        if (m->present && m->tier == tier) {
            stats->backends++;
            stats->up += infra__lists_is_up(m);
        }
    }
}

/* As published. @before: the healthy, if @list is the degraded of the tier. */
static int inspect_list(const struct infra_balancer *b, const struct list *list,
                        const struct list *before,
                        struct infra_balancer_tier_status *stats)
{
    for (uint32_t i = 0; i < list->count; i++) {
        stats->candidates += entry_is_up(list, &list->entries[i]);
    }
    stats->load_percent += list->load;
    if (list->built != NULL &&
        (before == NULL || before->built != list->built)) {
        stats->table_bytes += list->built->bytes;
    }
    return before == NULL && list->count > 0 ? inspect_shares(b, list, stats)
                                             : INFRA_OK;
}

int infra_balancer_inspect_tier(const struct infra_balancer *balancer,
                                uint32_t tier,
                                struct infra_balancer_tier_status *ret)
{
    struct infra_balancer_tier_status stats = { .backends = 0 };
    const struct list *before = NULL;

    if (balancer == NULL || ret == NULL || tier >= INFRA_BALANCER_TIERS_MAX) {
        return INFRA_EINVAL;
    }
    const struct table *t = balancer->table;
    count_members(balancer, tier, &stats);
    for (uint32_t l = 0; t != NULL && l < t->lists_count; l++) {
        const struct list *list = &t->lists[l];
        if (list->rank / 2 != tier) {
            continue;
        }
        int err = inspect_list(balancer, list, before, &stats);
        if (err != INFRA_OK) {
            return err;
        }
        before = list;
    }
    return infra__status_export(ret, &stats, sizeof stats,
                                sizeof(struct infra_balancer_tier_status));
}
