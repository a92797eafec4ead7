/* SPDX-License-Identifier: MIT */
/* A backend's latency as a peak-sensitive mean (Finagle's PeakEwma): a latency
 * above the mean replaces it at once; one below moves it down, the more the
 * longer the last is ago, by exp(-t / 10 s); and as time passes without any it
 * sinks, so that who was slow is tried again. One word in the slot, so that any
 * thread may update it by compare and exchange: the mean in the lower 20 bits,
 * a mantissa of 15 and an exponent of 5, in units of 1024 ns; when it was
 * updated in the upper 44, in units of 2^20 ns, which all of the clock fits. 0:
 * nothing is known.
 *
 * What failures add is apart, in a word of its own, since it passes sooner and
 * says nothing about how long work takes: an exponent in the lower 4 bits, in
 * the others the time of the last failure in units of 16 ns, which all of the
 * clock fits, too. */
#ifndef INFRA_BALANCER_ALGORITHM_EWMA_H
#define INFRA_BALANCER_ALGORITHM_EWMA_H

#include "../internal.h"

#define LATENCY_UNIT_SHIFT 10u
#define LATENCY_MAX ((1u << 28) - 1) /* Of a mean, in its units. */

/* Work picked at @picked took @latency, and went well. */
void infra__latency_observe(struct slot *slot, infra_time latency,
                            infra_time picked);

/* Work picked at @picked has failed after @latency. It adds eight times the
 * mean, or twice what failures before have left, or its own latency, whatever
 * is most; 256 times the mean at most. Half of that is gone after each second
 * (2^30 ns), and with each success of work picked since. Failures of work that
 * was picked before the last failure are that same failure. The mean stays what
 * it was when work last went well, and sinks from now on. */
void infra__latency_failed(struct slot *slot, infra_time latency,
                           infra_time picked);

/* The backend came up at @now: what failed before says nothing about it. */
void infra__latency_came_up(struct slot *slot, infra_time now);

/* How far a mean sinks until @now, by the word's own time. Below 2^28. */
uint32_t infra__latency_sunk(uint64_t word, infra_time now);

/* The mean at @now in its units, without what failures add; 0: nothing is
 * known. It is not written back. Within 1 %. */
static inline uint32_t infra__latency_mean(const struct slot *slot,
                                           infra_time now)
{
    /* Relaxed: a hint. */
    uint64_t word = atomic_load_explicit(&slot->latency, memory_order_relaxed);

    return word != 0 ? infra__latency_sunk(word, now) : 0;
}

#define PENALTY_MASK 15u /* Its exponent; what it adds is halved with: */
#define PENALTY_HALF_LIFE_SHIFT 30u

/* The exponent that is left of a penalty; 0: nothing is. */
static inline uint32_t infra__penalty_left(uint64_t word, infra_time now)
{
    uint64_t exponent = word & PENALTY_MASK;
    infra_time since = word - exponent;
    uint64_t halvings =
        now > since ? (now - since) >> PENALTY_HALF_LIFE_SHIFT : 0;

    return halvings < exponent ? (uint32_t)(exponent - halvings) : 0;
}

/* The same of a slot. */
static inline uint32_t infra__latency_penalty(const struct slot *slot,
                                              infra_time now)
{
    /* Relaxed: a hint. */
    uint64_t word = atomic_load_explicit(&slot->penalty, memory_order_relaxed);

    return (word & PENALTY_MASK) != 0 ? infra__penalty_left(word, now) : 0;
}

/* A mean with a penalty on it, LATENCY_MAX at most. */
static inline uint32_t infra__latency_with(uint32_t mean, uint32_t penalty)
{
    uint64_t sum = mean + ((uint64_t)mean * ((1u << penalty) - 1) >> 4);

    return sum < LATENCY_MAX ? (uint32_t)sum : LATENCY_MAX;
}

#endif
