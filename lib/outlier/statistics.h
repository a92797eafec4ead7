/* SPDX-License-Identifier: MIT */
/* Mean, median and deviations, and logarithms of latencies. In integers, so
 * that every machine computes the same. */
#ifndef INFRA_OUTLIER_STATISTICS_H
#define INFRA_OUTLIER_STATISTICS_H

#include <infra/base.h>

#define INFRA__MILLION 1000000u

/* Greatest factor of infra__mean_threshold(), in thousandths. */
#define INFRA__FACTOR_MAX 8000u

struct infra__typical {
    int64_t typical;
    int64_t threshold;
};

/* The greatest integer with a square of at most @x. */
uint64_t infra__square_root(uint64_t x);

/* The mean, rounded down, and the mean less @factor thousandths of the standard
 * deviation of the population. Values of at most a million, @count at least 1,
 * at most 2^24. */
struct infra__typical infra__mean_threshold(const uint32_t *values,
                                            uint32_t count, uint32_t factor);

/* The median; of an even number of values the mean of the middle two, rounded
 * down. @count at least 1. O(32 n); leaves the values in place. */
uint32_t infra__median(const uint32_t *values, uint32_t count);

/* The median absolute deviation from @median. @scratch has room for @count. */
uint32_t infra__median_deviation(const uint32_t *values, uint32_t count,
                                 uint32_t median, uint32_t *scratch);

/* A latency's logarithm to the base 2, less that of 2^10 ns, with 7 bits of
 * fraction: the exponent and the mantissa, so linear between powers of two.
 * Latencies outside the range count as its ends. */
#define INFRA__LATENCY_LOG_MAX 4095u
static inline uint32_t infra__latency_log(infra_time latency)
{
    const infra_time first = (infra_time)1 << 10, end = (infra_time)1 << 42;
    infra_time t = latency < first ? first : latency < end ? latency : end - 1;
    uint32_t exponent = 63u - (uint32_t)__builtin_clzll(t);

    /* The leading 1 stands at bit 7 after the shift, and adds one there. */
    return ((exponent - 11) << 7) + (uint32_t)(t >> (exponent - 7));
}

/* A mean of such logarithms, with 12 bits of fraction. */
uint32_t infra__latency_mean_log(uint64_t sum, uint64_t count);

/* The latency with this logarithm, of 12 bits of fraction: the median, if
 * latencies are log-normal. INT64_MAX if too great. */
int64_t infra__latency_of_log(uint64_t log);

#endif
