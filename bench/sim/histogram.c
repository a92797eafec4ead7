/* SPDX-License-Identifier: MIT */
#include "histogram.h"

/* Values below 2^BITS have a bucket each; above, the bucket is the position of
 * the highest bit and the BITS bits that follow it. */
static uint32_t bucket_of(uint64_t value)
{
    if (value >> HISTOGRAM_BITS == 0) {
        return (uint32_t)value;
    }
    uint32_t shift = 63u - (uint32_t)__builtin_clzll(value) - HISTOGRAM_BITS;
    return (shift << HISTOGRAM_BITS) + (uint32_t)(value >> shift);
}

static double lower_edge(uint32_t bucket)
{
    const uint32_t one = 1u << HISTOGRAM_BITS;

    if (bucket < one) {
        return bucket;
    }
    uint32_t shift = (bucket >> HISTOGRAM_BITS) - 1u;
    uint64_t leading = (bucket & (one - 1u)) | one;
    return (double)leading * (double)((uint64_t)1 << shift);
}

void histogram_add(struct histogram *h, uint64_t value)
{
    h->buckets[bucket_of(value)]++;
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
