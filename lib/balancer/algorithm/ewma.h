/* SPDX-License-Identifier: MIT */
/* A backend's latency as a peak-sensitive mean (Finagle's PeakEwma): a latency
 * above the mean replaces it at once; one below pulls it down by exp(-t / 10
 * s), t since the last update; without updates it decays likewise, so that a
 * slow backend is tried again. One word in the slot, so that any thread can
 * update it by compare and exchange. The lower 20 bits are the mean in units of
 * 1024 ns, a mantissa of 15 bits and an exponent of 5; the upper 44 the time of
 * the update in units of 2^20 ns, the whole clock. 0: unknown.
 *
 * The penalty of failures is a separate word, since it passes sooner and is no
 * latency: an exponent in the lower 4 bits, and the time of the last failure in
 * units of 16 ns, the whole clock, in the others. */
#ifndef INFRA_BALANCER_ALGORITHM_EWMA_H
#define INFRA_BALANCER_ALGORITHM_EWMA_H

#include "../internal.h"

#define LATENCY_UNIT_SHIFT 10u
#define LATENCY_MAX ((1u << 28) - 1) /* Of a mean, in its units. */

/* Work picked at @picked succeeded after @latency. */
void infra__latency_observe(struct slot *slot, infra_time latency,
                            infra_time picked);

/* Work picked at @picked failed after @latency. The penalty becomes the
 * greatest of eight times the mean, twice the rest of the former penalty, and
 * this latency; at most 256 times the mean. It halves with each second (2^30
 * ns), and with each success of work picked since. Failures of work picked
 * before the last failure are part of that failure. The mean stays what it was
 * at the last success, and decays from now on. */
void infra__latency_failed(struct slot *slot, infra_time latency,
                           infra_time picked);

/* The backend came up at @now: former failures do not count. */
void infra__latency_came_up(struct slot *slot, infra_time now);

/* The mean in a word, decayed until @now. Below 2^28. */
uint32_t infra__latency_sunk(uint64_t word, infra_time now);

/* The mean at @now in its units, without the penalty; 0: unknown. Within 1 %.
 * The word stays as it is. */
static inline uint32_t infra__latency_mean(const struct slot *slot,
                                           infra_time now)
{
    /* Relaxed: a hint. */
    uint64_t word = atomic_load_explicit(&slot->latency, memory_order_relaxed);

    return word != 0 ? infra__latency_sunk(word, now) : 0;
}

#define PENALTY_MASK 15u /* Its exponent, whose addition is halved with: */
#define PENALTY_HALF_LIFE_SHIFT 30u

/* What is left of a penalty's exponent; 0: nothing. */
static inline uint32_t infra__penalty_left(uint64_t word, infra_time now)
{
    uint64_t exponent = word & PENALTY_MASK;
    infra_time since = word - exponent;
    uint64_t halvings =
        now > since ? (now - since) >> PENALTY_HALF_LIFE_SHIFT : 0;

    return halvings < exponent ? (uint32_t)(exponent - halvings) : 0;
}

/* The same, of a slot. */
static inline uint32_t infra__latency_penalty(const struct slot *slot,
                                              infra_time now)
{
    /* Relaxed: a hint. */
    uint64_t word = atomic_load_explicit(&slot->penalty, memory_order_relaxed);

    return (word & PENALTY_MASK) != 0 ? infra__penalty_left(word, now) : 0;
}

/* A mean with a penalty, LATENCY_MAX at most. */
static inline uint32_t infra__latency_with(uint32_t mean, uint32_t penalty)
{
    uint64_t sum = mean + ((uint64_t)mean * ((1u << penalty) - 1) >> 4);

    return sum < LATENCY_MAX ? (uint32_t)sum : LATENCY_MAX;
}

#endif
