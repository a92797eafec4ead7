/* SPDX-License-Identifier: MIT */
#include "latency.h"

#include "../base/fixed.h"

#define UNIT_SHIFT 10u
#define STAMP_SHIFT 20u
#define MEAN_MAX ((1u << 28) - 1)

/* log2(e) / 10 s, times the unit of stamps, with 32 bits of fraction. */
#define DECAY 649724u

static uint32_t in_units(infra_time latency)
{
    infra_time units = latency >> UNIT_SHIFT;

    units = units < MEAN_MAX ? units : MEAN_MAX;
    return units > 0 ? (uint32_t)units : 1; /* 0 is for nothing known. */
}

/* How far the mean has decayed, as the power of 1/2; 32 bits of fraction. */
static uint64_t halvings(uint64_t word, infra_time now)
{
    uint32_t stamp = (uint32_t)(now >> STAMP_SHIFT);
    uint32_t age = stamp - (uint32_t)(word >> 32);

    /* Ahead of @now: another thread's clock, or none has passed. */
    return age < UINT32_MAX / 2 ? age * (uint64_t)DECAY : 0;
}

static uint64_t updated(uint64_t word, uint32_t latency, infra_time now)
{
    uint64_t mean = (uint32_t)word;

    if (latency < mean) {
        uint64_t x = halvings(word, now);
        uint64_t w = x < 32 * INFRA__ONE ? infra__exp2(32 * INFRA__ONE - x) : 0;
        /* From above, so that rounding does not reach the unknown 0. */
        mean = latency + ((mean - latency) * w >> 32);
    } else {
        mean = latency;
    }
    return (now >> STAMP_SHIFT) << 32 | mean;
}

void infra__latency_observe(struct slot *slot, infra_time latency,
                            infra_time now)
{
    /* Relaxed throughout: the word orders nothing but itself. */
    uint64_t word = atomic_load_explicit(&slot->latency, memory_order_relaxed);

    while (!atomic_compare_exchange_weak_explicit(
        &slot->latency, &word, updated(word, in_units(latency), now),
        memory_order_relaxed, memory_order_relaxed)) {
    }
}

void infra__latency_failed(struct slot *slot, infra_time latency,
                           infra_time now)
{
    infra_time mean = (infra_time)infra__latency_read(slot, now) << UNIT_SHIFT;

    latency = latency > 2 * mean ? latency : 2 * mean;
    latency = latency > LATENCY_FAILURE_MIN ? latency : LATENCY_FAILURE_MIN;
    latency = latency < LATENCY_FAILURE_MAX ? latency : LATENCY_FAILURE_MAX;
    infra__latency_observe(slot, latency, now);
}

uint32_t infra__latency_read(const struct slot *slot, infra_time now)
{
    /* Relaxed: a hint. */
    uint64_t word = atomic_load_explicit(&slot->latency, memory_order_relaxed);
    uint64_t mean = (uint32_t)word;
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

    return (infra_time)infra__latency_read(&candidates->slots[id],
                                           candidates->now)
           << UNIT_SHIFT;
}
