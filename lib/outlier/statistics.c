/* SPDX-License-Identifier: MIT */
#include "statistics.h"

#include "../base/internal.h"

#include <assert.h>

/* A bit at a time, from the top: at each step the bits so far are right. */
uint64_t infra__square_root(uint64_t x)
{
    uint64_t root = 0;

    for (uint64_t bit = (uint64_t)1 << 31; bit != 0; bit >>= 1) {
        uint64_t longer = root | bit;
        root = longer * longer <= x ? longer : root;
    }
    return root;
}

/* Envoy takes the root of the variance and then multiplies; multiplying first
 * keeps the error of the root below a thousandth of the unit. The variance of
 * values up to a million is at most 10^12 / 4, times 8000^2 it has 64 bits. */
struct infra__typical infra__mean_threshold(const uint32_t *values,
                                            uint32_t count, uint32_t factor)
{
    uint64_t sum = 0;
    uint64_t squares = 0;

    assert(count > 0 && factor <= INFRA__FACTOR_MAX);
    for (uint32_t i = 0; i < count; i++) {
        sum += values[i];
    }
    int64_t mean = (int64_t)(sum / count);
    for (uint32_t i = 0; i < count; i++) {
        int64_t distance = (int64_t)values[i] - mean;
        squares += (uint64_t)(distance * distance);
    }
    uint64_t width = infra__square_root(squares / count * factor * factor);
    return (struct infra__typical) { .typical = mean,
                                     .threshold =
                                         mean - (int64_t)(width / 1000) };
}

static uint32_t count_below(const uint32_t *values, uint32_t count,
                            uint32_t limit)
{
    uint32_t below = 0;

    for (uint32_t i = 0; i < count; i++) {
        below += values[i] < limit;
    }
    return below;
}

/* The value at @rank when sorted: the greatest number with at most @rank values
 * below it, found a bit at a time. Always 32 passes; quickselect has a worst
 * case. */
static uint32_t by_rank(const uint32_t *values, uint32_t count, uint32_t rank)
{
    uint32_t found = 0;

    for (uint32_t bit = (uint32_t)1 << 31; bit != 0; bit >>= 1) {
        found |= count_below(values, count, found | bit) <= rank ? bit : 0;
    }
    return found;
}

/* The value after by_rank(rank) == @found when sorted. */
static uint32_t next_by_rank(const uint32_t *values, uint32_t count,
                             uint32_t rank, uint32_t found)
{
    uint32_t next = UINT32_MAX;
    uint32_t not_above = 0;

    for (uint32_t i = 0; i < count; i++) {
        not_above += values[i] <= found;
        next = values[i] > found && values[i] < next ? values[i] : next;
    }
    return not_above > rank + 1 ? found : next;
}

uint32_t infra__median(const uint32_t *values, uint32_t count)
{
    uint32_t rank = (count - 1) / 2;

    assert(count > 0);
    uint32_t lower = by_rank(values, count, rank);
    if (count % 2 != 0) {
        return lower;
    }
    return lower + (next_by_rank(values, count, rank, lower) - lower) / 2;
}

uint32_t infra__median_deviation(const uint32_t *values, uint32_t count,
                                 uint32_t median, uint32_t *scratch)
{
    for (uint32_t i = 0; i < count; i++) {
        scratch[i] =
            values[i] > median ? values[i] - median : median - values[i];
    }
    return infra__median(scratch, count);
}

uint32_t infra__latency_mean_log(uint64_t sum, uint64_t count)
{
    return (uint32_t)((sum << 5) / count);
}

int64_t infra__latency_of_log(uint64_t log)
{
    uint64_t exponent = 10 + (log >> 12);
    uint64_t mantissa = (log & 0xfff) | 0x1000;

    if (exponent >= 62) {
        return INT64_MAX;
    }
    return (int64_t)(exponent >= 12 ? mantissa << (exponent - 12)
                                    : mantissa >> (12 - exponent));
}
