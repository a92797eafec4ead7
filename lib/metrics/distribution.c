/* SPDX-License-Identifier: MIT */
/* Histograms summed over writers, and quantiles of them. A quantile is the
 * middle of the bucket in which the value of its rank lies, so that it is
 * within half a bucket, 1.6 %. */
#include "internal.h"

INFRA__NO_TAIL_PADDING(struct infra_metrics_distribution, p999);

#define PARTS 1000u

void infra__metrics_merge(const struct infra_metrics *m, uint32_t slot,
                          struct infra__metrics_merged *ret)
{
    const struct infra__metrics_merged *former = m->series[slot].former;

    *ret = (struct infra__metrics_merged) { .sum = 0 };
    for (uint32_t i = 0; i < m->writers_count; i++) {
        struct infra__metrics_histogram *h =
            (struct infra__metrics_histogram *)(uintptr_t)atomic_load_explicit(
                &m->writers[i]->cells[slot], memory_order_relaxed);
        if (h == NULL) {
            continue;
        }
        ret->sum += atomic_load_explicit(&h->sum, memory_order_relaxed);
        for (uint32_t b = 0; b < HISTOGRAM_BUCKETS; b++) {
            ret->buckets[b] +=
                atomic_load_explicit(&h->buckets[b], memory_order_relaxed);
        }
    }
    if (former != NULL) {
        ret->sum -= former->sum;
        for (uint32_t b = 0; b < HISTOGRAM_BUCKETS; b++) {
            ret->buckets[b] -= former->buckets[b];
        }
    }
}

/* @count x @parts / 1000, rounded up, at least 1. */
static uint64_t rank_of(uint64_t count, uint32_t parts)
{
    uint64_t rank =
        count / PARTS * parts + (count % PARTS * parts + PARTS - 1) / PARTS;

    return rank > 0 ? rank : 1;
}

static uint64_t value_at(const struct infra__metrics_merged *h, uint64_t rank)
{
    uint64_t seen = 0;
    uint32_t bucket = 0;

    for (uint32_t b = 0; b < HISTOGRAM_BUCKETS && seen < rank; b++) {
        seen += h->buckets[b];
        bucket = b;
    }
    return infra__log_linear_middle(bucket, HISTOGRAM_BITS);
}

static void describe(const struct infra__metrics_merged *h,
                     struct infra_metrics_distribution *d)
{
    d->sum = h->sum;
    for (uint32_t b = 0; b < HISTOGRAM_BUCKETS; b++) {
        d->count += h->buckets[b];
    }
    if (d->count == 0) {
        return;
    }
    d->least = value_at(h, 1);
    d->greatest = value_at(h, d->count);
    d->p50 = value_at(h, rank_of(d->count, 500));
    d->p90 = value_at(h, rank_of(d->count, 900));
    d->p99 = value_at(h, rank_of(d->count, 990));
    d->p999 = value_at(h, rank_of(d->count, 999));
}

int infra_metrics_inspect_histogram(const struct infra_metrics *metrics,
                                    uint32_t series,
                                    struct infra_metrics_distribution *ret)
{
    struct infra_metrics_distribution d = { .size = sizeof d };
    struct infra__metrics_merged merged;

    if (metrics == NULL || ret == NULL ||
        series >> KIND_SHIFT != INFRA_METRICS_KIND_HISTOGRAM) {
        return INFRA_EINVAL;
    }
    uint32_t slot = infra__metrics_slot(metrics, series);
    if (slot == NO_SLOT) {
        return INFRA_ENOENT;
    }
    infra__metrics_merge(metrics, slot, &merged);
    describe(&merged, &d);
    return infra__status_export(ret, &d, sizeof d, sizeof d);
}
