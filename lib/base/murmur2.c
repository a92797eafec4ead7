/* SPDX-License-Identifier: MIT */
#include "murmur2.h"

#define FACTOR 0xc6a4a7935bd1e995u

static uint64_t read_le(const unsigned char *p, size_t bytes)
{
    uint64_t v = 0;

    for (size_t i = 0; i < bytes; i++) {
        v |= (uint64_t)p[i] << (8 * i);
    }
    return v;
}

static uint64_t fold(uint64_t v)
{
    return v ^ v >> 47;
}

uint64_t infra__murmur2(const void *bytes, size_t size, uint64_t seed)
{
    const unsigned char *p = bytes;
    size_t left = size;
    uint64_t hash = seed ^ size * FACTOR;

    for (; left >= 8; p += 8, left -= 8) {
        hash = (hash ^ fold(read_le(p, 8) * FACTOR) * FACTOR) * FACTOR;
    }
    if (left > 0) {
        hash = (hash ^ read_le(p, left)) * FACTOR;
    }
    return fold(fold(hash) * FACTOR);
}
