/* SPDX-License-Identifier: MIT */
#include "fixed.h"

#include "internal.h"

#define SQRT2_62 0x5a827999fcef3242u /* The root of 2, 62 bits of fraction. */

/* With f in [1, 2) and z = (f - r) / (f + r) for r the root of 2, |z| < 0.1716:
 *   log2(f) = 1/2 + 2/ln(2) * (z + z^3/3 + z^5/5 + ...),
 * and the rest after z^11 is less than 2^-35. */
uint64_t infra__log2(uint64_t x)
{
    /* 2 / (ln(2) * (2k + 1)), 32 bits of fraction. */
    static const uint64_t terms[] = { 12392656037, 4130885346, 2478531207,
                                      1770379434,  1376961782, 1126605094 };
    unsigned zeroes = (unsigned)__builtin_clzll(x);
    uint64_t whole = (uint64_t)(63 - zeroes) << 32;
    uint64_t f = x << zeroes >> 1; /* 62 bits of fraction. */
    int below = f < SQRT2_62;
    uint64_t distance = below ? SQRT2_62 - f : f - SQRT2_62;
    uint64_t z = (distance << 2) / ((f + SQRT2_62) >> 32); /* 34 bits. */
    uint64_t square = z * z >> 34;
    uint64_t sum = terms[INFRA__COUNT_OF(terms) - 1];

    for (size_t k = INFRA__COUNT_OF(terms) - 1; k-- > 0;) {
        sum = terms[k] + (square * sum >> 34);
    }
    uint64_t part = (z * (sum >> 2) + INFRA__ONE / 2) >> 32;
    return whole + INFRA__ONE / 2 + (below ? -part : part);
}

/* The Taylor series of 2^f in f, the fraction of x; the rest after f^11 is less
 * than 2^-35. All terms are rounded down. */
uint64_t infra__exp2(uint64_t x)
{
    /* ln(2)^k / k! for k = 1, 2 .., 32 bits of fraction. */
    static const uint64_t terms[] = { 2977044471, 1031764991, 238388331,
                                      41309549,   5726719,    661576,
                                      65509,      5676,       437,
                                      30,         1 };
    uint64_t f = x & (INFRA__ONE - 1);
    uint64_t sum = 0; /* Less than one: so a product has 64 bits. */
    unsigned whole = (unsigned)(x >> 32);

    if (whole >= 64) {
        return UINT64_MAX;
    }
    for (size_t k = INFRA__COUNT_OF(terms); k-- > 0;) {
        sum = terms[k] + (f * sum >> 32);
    }
    sum = INFRA__ONE + (f * sum >> 32);
    return whole >= 32 ? sum << (whole - 32) : sum >> (32 - whole);
}
