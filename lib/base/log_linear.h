/* SPDX-License-Identifier: MIT */
/* Log-linear buckets (Gil Tene's HdrHistogram, with a fixed precision): values
 * below 2^bits have a bucket each; above, the bucket is the position of the
 * highest bit and the @bits bits that follow it. A bucket is at most 2^-bits of
 * its value wide. Finding it is a count of leading zeros and a shift. */
#ifndef INFRA_BASE_LOG_LINEAR_H
#define INFRA_BASE_LOG_LINEAR_H

#include <stdint.h>

/* Number of buckets for all of 64 bits. */
#define INFRA__LOG_LINEAR_BUCKETS(bits) ((65u - (bits)) << (bits))

static inline uint32_t infra__log_linear_bucket(uint64_t value, uint32_t bits)
{
    /* A bit that is set anyway above 2^bits, and makes the shift 0 below. */
    uint32_t high =
        63u - (uint32_t)__builtin_clzll(value | (UINT64_C(1) << bits));
    uint32_t shift = high - bits;

    return (shift << bits) + (uint32_t)(value >> shift);
}

/* The least value of a bucket; of that past the last one, 2^64 - 1. */
static inline uint64_t infra__log_linear_low(uint32_t bucket, uint32_t bits)
{
    uint32_t one = 1u << bits;

    if (bucket < one) {
        return bucket;
    }
    if (bucket >= INFRA__LOG_LINEAR_BUCKETS(bits)) {
        return UINT64_MAX;
    }
    uint64_t leading = (bucket & (one - 1u)) | one;
    return leading << ((bucket >> bits) - 1u);
}

/* The greatest value of a bucket. */
static inline uint64_t infra__log_linear_high(uint32_t bucket, uint32_t bits)
{
    if (bucket + 1 >= INFRA__LOG_LINEAR_BUCKETS(bits)) {
        return UINT64_MAX;
    }
    return infra__log_linear_low(bucket + 1, bits) - 1;
}

/* The value that stands for a bucket: no value in it is further away than half
 * of the bucket's width. */
static inline uint64_t infra__log_linear_middle(uint32_t bucket, uint32_t bits)
{
    uint64_t low = infra__log_linear_low(bucket, bits);

    return low + (infra__log_linear_high(bucket, bits) - low) / 2;
}

#endif
