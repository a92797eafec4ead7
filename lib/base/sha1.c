/* SPDX-License-Identifier: MIT */
#include "sha1.h"

#include "digest.h"

#define WORDS (INFRA__SHA1_SIZE / 4)

static uint32_t turn(uint32_t word, unsigned count)
{
    return word << count | word >> (32 - count);
}

/* FIPS 180-4, 4.1.1 and 4.2.1: four rounds of twenty steps, each round with its
 * function and its constant. */
static uint32_t mix(unsigned step, uint32_t b, uint32_t c, uint32_t d)
{
    switch (step / 20) {
    case 0:
        return ((b & c) | (~b & d)) + 0x5a827999;
    case 1:
        return (b ^ c ^ d) + 0x6ed9eba1;
    case 2:
        return ((b & c) | (b & d) | (c & d)) + 0x8f1bbcdc;
    default:
        return (b ^ c ^ d) + 0xca62c1d6;
    }
}

static void digest_block(uint32_t state[WORDS], const unsigned char *block)
{
    uint32_t words[80];
    uint32_t a = state[0], b = state[1], c = state[2], d = state[3];
    uint32_t e = state[4];

    for (unsigned i = 0; i < 16; i++) {
        words[i] = infra__big_endian(block + 4 * (size_t)i);
    }
    for (unsigned i = 16; i < 80; i++) {
        words[i] = turn(
            words[i - 3] ^ words[i - 8] ^ words[i - 14] ^ words[i - 16], 1);
    }
    for (unsigned i = 0; i < 80; i++) {
        uint32_t sum = turn(a, 5) + mix(i, b, c, d) + e + words[i];
        e = d;
        d = c;
        c = turn(b, 30);
        b = a;
        a = sum;
    }
    state[0] += a;
    state[1] += b;
    state[2] += c;
    state[3] += d;
    state[4] += e;
}

void infra__sha1(unsigned char ret[INFRA__SHA1_SIZE], const void *bytes,
                 size_t size)
{
    uint32_t state[WORDS] = { 0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476,
                              0xc3d2e1f0 };

    infra__digest(state, digest_block, bytes, size, 1);
    infra__digest_write(ret, INFRA__SHA1_SIZE, state);
}
