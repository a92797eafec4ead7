/* SPDX-License-Identifier: MIT */
#include "histogram.h"

/* The least value of a bucket; past the last one, 2^64. */
static double lower_edge(uint32_t bucket)
{
    return bucket < HISTOGRAM_BUCKETS
               ? (double)infra__log_linear_low(bucket, HISTOGRAM_BITS)
               : 0x1p64;
}

void histogram_add(struct histogram *h, uint64_t value)
{
    h->buckets[infra__log_linear_bucket(value, HISTOGRAM_BITS)]++;
    h->count++;
    h->sum += (double)value;
}

double histogram_percentile(const struct histogram *h, double fraction)
{
    double rank = fraction * (double)h->count;
    uint64_t below = 0;
    uint32_t last = 0;

    for (uint32_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
        if (h->buckets[i] == 0) {
            continue;
        }
        last = i;
        if ((double)(below + h->buckets[i]) >= rank) {
            double part = (rank - (double)below) / (double)h->buckets[i];
            double low = lower_edge(i);
            return low + part * (lower_edge(i + 1) - low);
        }
        below += h->buckets[i];
    }
    return lower_edge(last);
}

double histogram_mean(const struct histogram *h)
{
    return h->count > 0 ? h->sum / (double)h->count : 0;
}
