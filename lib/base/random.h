/* SPDX-License-Identifier: MIT */
/* SplitMix64 (Steele, Lea, Flood 2014): 64 bits of state, equidistributed; all
 * seeds are equally good, including 0. Not for secrets. */
#ifndef INFRA_BASE_RANDOM_H
#define INFRA_BASE_RANDOM_H

#include <stdint.h>

static inline uint64_t infra__mix(uint64_t z)
{
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

/* 2^64 divided by the golden ratio. Repeated addition (a Weyl sequence) visits
 * every part of the range evenly, and so does any periodic choice of its
 * members: for draws that should be even rather than unpredictable. */
#define INFRA__WEYL 0x9e3779b97f4a7c15u

static inline uint64_t infra__random(uint64_t *state)
{
    *state += INFRA__WEYL;
    return infra__mix(*state);
}

/* Uniform in 0 .. n - 1, n >= 1, from the upper half of a random word: the bias
 * is below n / 2^32 (Lemire 2019, without the rejection step). */
static inline uint32_t infra__below(uint64_t random, uint32_t n)
{
    return (uint32_t)(((random >> 32) * n) >> 32);
}

#endif
