/* SPDX-License-Identifier: MIT */
#include "ewma.h"

#include "../../base/fixed.h"

/* The word of a mean. */
#define STAMP_SHIFT 20u /* Of the clock, and of the word. */
#define MANTISSA_BITS 15u
#define MANTISSA_MASK ((1u << MANTISSA_BITS) - 1)
#define MEAN_MASK ((1u << STAMP_SHIFT) - 1)

/* log2(e) / 10 s, times the unit of stamps, with 32 bits of fraction. */
#define DECAY 649724u
#define AGE_MAX (1u << 30) /* Long after a mean has decayed to 0. */

/* An exponent e adds 2^e sixteenths of the mean. */
#define EXPONENT_FIRST 7u /* 8 times. */
#define EXPONENT_MAX 12u  /* 256 times. */

/* Latency of a backend that has only failed, for a host's policy. */
#define ONLY_FAILED INFRA_SEC(1)

static uint32_t in_units(infra_time latency)
{
    infra_time units = latency >> LATENCY_UNIT_SHIFT;

    units = units < LATENCY_MAX ? units : LATENCY_MAX;
    return units > 0 ? (uint32_t)units : 1; /* 0 means unknown. */
}

static uint64_t word_of(uint32_t mean, infra_time now)
{
    uint32_t bits = 32 - (uint32_t)__builtin_clz(mean | 1);
    uint32_t exponent = bits > MANTISSA_BITS ? bits - MANTISSA_BITS : 0;

    return now >> STAMP_SHIFT << STAMP_SHIFT | exponent << MANTISSA_BITS |
           mean >> exponent;
}

static uint64_t mean_in(uint64_t word)
{
    uint32_t mean = word & MEAN_MASK;

    return (uint64_t)(mean & MANTISSA_MASK) << (mean >> MANTISSA_BITS);
}

/* The decay of the mean, as a power of 1/2 with 32 bits of fraction. */
static uint64_t halvings(uint64_t word, infra_time now)
{
    uint64_t stamp = word >> STAMP_SHIFT;
    uint64_t until = now >> STAMP_SHIFT;
    /* A stamp ahead of @now, from another thread's clock, has no age. */
    uint64_t age = until > stamp ? until - stamp : 0;

    return (age < AGE_MAX ? age : AGE_MAX) * DECAY;
}

static uint64_t updated(uint64_t word, uint32_t latency, infra_time now)
{
    uint64_t mean = mean_in(word);

    if (latency < mean) {
        uint64_t x = halvings(word, now);
        if (x == 0) {
            return word;
        }
        uint64_t w = x < 32 * INFRA__ONE ? infra__exp2(32 * INFRA__ONE - x) : 0;
        mean = latency + ((mean - latency) * w >> 32);
    } else {
        mean = latency;
    }
    return word_of((uint32_t)mean, now);
}

static void observe(struct slot *slot, uint32_t latency, infra_time now)
{
    /* Relaxed throughout: the word orders nothing but itself. */
    uint64_t word = atomic_load_explicit(&slot->latency, memory_order_relaxed);
    uint64_t after;

    while ((after = updated(word, latency, now)) != word &&
           !atomic_compare_exchange_weak_explicit(&slot->latency, &word, after,
                                                  memory_order_relaxed,
                                                  memory_order_relaxed)) {
    }
}

/* Is this the word of a failure before @picked? If the clock is too coarse to
 * tell, the pick is the older. */
static bool is_before(uint64_t word, infra_time picked)
{
    return (word | PENALTY_MASK) < picked;
}

/* A success halves the penalty, unless its work was picked before the
 * failure. */
static void forgive(struct slot *slot, infra_time picked, infra_time now)
{
    /* Relaxed, as above. One attempt: another success will do. */
    uint64_t word = atomic_load_explicit(&slot->penalty, memory_order_relaxed);

    if ((word & PENALTY_MASK) != 0 && is_before(word, picked)) {
        uint64_t less = infra__penalty_left(word, now) > 0
                            ? word - 1
                            : word & ~(uint64_t)PENALTY_MASK;
        (void)atomic_compare_exchange_strong_explicit(
            &slot->penalty, &word, less, memory_order_relaxed,
            memory_order_relaxed);
    }
}

void infra__latency_observe(struct slot *slot, infra_time latency,
                            infra_time picked)
{
    infra_time now = infra__time_add(picked, latency);

    observe(slot, in_units(latency), now);
    forgive(slot, picked, now);
}

/* The exponent of a failure's own latency: sixteenths of the mean. */
static uint32_t exponent_of(uint64_t latency, uint64_t mean)
{
    uint32_t exponent = 0;

    while (mean > 0 && exponent < EXPONENT_MAX &&
           mean << (exponent + 1) <= 16 * latency) {
        exponent++;
    }
    return exponent;
}

/* Stamp the mean anew, since it decays so that a slow backend is tried again,
 * and a failing one was tried. Returns it. */
static uint64_t refresh(struct slot *slot, infra_time now)
{
    /* Relaxed, as above. */
    uint64_t word = atomic_load_explicit(&slot->latency, memory_order_relaxed);
    uint64_t mean = mean_in(word);

    if (mean > 0) { /* A concurrent update is newer. */
        (void)atomic_compare_exchange_strong_explicit(
            &slot->latency, &word, word_of((uint32_t)mean, now),
            memory_order_relaxed, memory_order_relaxed);
    }
    return mean;
}

void infra__latency_failed(struct slot *slot, infra_time latency,
                           infra_time picked)
{
    infra_time now = infra__time_add(picked, latency);
    uint32_t own = exponent_of(in_units(latency), refresh(slot, now));
    /* Relaxed, as above. */
    uint64_t word = atomic_load_explicit(&slot->penalty, memory_order_relaxed);
    uint64_t after;

    do {
        if (word != 0 && !is_before(word, picked)) {
            return;
        }
        uint32_t exponent = infra__penalty_left(word, now) + 1;
        exponent = exponent > EXPONENT_FIRST ? exponent : EXPONENT_FIRST;
        exponent = exponent > own ? exponent : own;
        exponent = exponent < EXPONENT_MAX ? exponent : EXPONENT_MAX;
        after = (now & ~(infra_time)PENALTY_MASK) | exponent;
    } while (!atomic_compare_exchange_weak_explicit(&slot->penalty, &word,
                                                    after, memory_order_relaxed,
                                                    memory_order_relaxed));
}

void infra__latency_came_up(struct slot *slot, infra_time now)
{
    atomic_store_explicit(&slot->penalty, now & ~(infra_time)PENALTY_MASK,
                          memory_order_relaxed);
}

uint32_t infra__latency_sunk(uint64_t word, infra_time now)
{
    uint64_t mean = mean_in(word);
    uint64_t x = halvings(word, now);

    if (mean == 0 || x >= 28 * INFRA__ONE) {
        return mean > 0;
    }
    /* 2^-f for a fraction f is 1 - 0.6764 f + 0.1764 f^2, within 0.2 %. */
    uint64_t f = (x & (INFRA__ONE - 1)) >> 16;
    uint64_t power = 65536 - (f * 44329 >> 16) + ((f * f >> 16) * 11561 >> 16);
    uint64_t now_mean = mean * power >> (16 + (x >> 32));
    return now_mean > 0 ? (uint32_t)now_mean : 1;
}

infra_time infra_candidates_latency(
    const struct infra_balancer_candidates *candidates, uint32_t index)
{
    uint32_t id = candidates->list->entries[index].id;
    const struct slot *slot = &candidates->slots[id];
    uint32_t mean = infra__latency_mean(slot, candidates->now);
    uint32_t penalty = infra__latency_penalty(slot, candidates->now);

    if (mean == 0) {
        return penalty > 0 ? ONLY_FAILED : 0;
    }
    return (infra_time)infra__latency_with(mean, penalty) << LATENCY_UNIT_SHIFT;
}
