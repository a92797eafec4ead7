/* SPDX-License-Identifier: MIT */
/* SipHash-2-4 (Aumasson, Bernstein 2012) of 16 bytes, which is what an address
 * has: a keyed hash, so that a peer who does not know the key cannot choose
 * addresses that meet in one place of a table. */
#ifndef INFRA_BASE_SIPHASH_H
#define INFRA_BASE_SIPHASH_H

#include <stdint.h>

static inline uint64_t infra__rotate_left(uint64_t x, unsigned n)
{
    return x << n | x >> (64u - n);
}

static inline void infra__sip_round(uint64_t v[4])
{
    v[0] += v[1];
    v[1] = infra__rotate_left(v[1], 13) ^ v[0];
    v[0] = infra__rotate_left(v[0], 32);
    v[2] += v[3];
    v[3] = infra__rotate_left(v[3], 16) ^ v[2];
    v[0] += v[3];
    v[3] = infra__rotate_left(v[3], 21) ^ v[0];
    v[2] += v[1];
    v[1] = infra__rotate_left(v[1], 17) ^ v[2];
    v[2] = infra__rotate_left(v[2], 32);
}

static inline void infra__sip_word(uint64_t v[4], uint64_t word)
{
    v[3] ^= word;
    infra__sip_round(v);
    infra__sip_round(v);
    v[0] ^= word;
}

/* @key, @first and @second: little-endian words of the key and the message. */
static inline uint64_t infra__siphash16(const uint64_t key[2], uint64_t first,
                                        uint64_t second)
{
    uint64_t v[4] = {
        key[0] ^ 0x736f6d6570736575u,
        key[1] ^ 0x646f72616e646f6du,
        key[0] ^ 0x6c7967656e657261u,
        key[1] ^ 0x7465646279746573u,
    };

    infra__sip_word(v, first);
    infra__sip_word(v, second);
    infra__sip_word(v, UINT64_C(16) << 56); /* The length. */
    v[2] ^= 0xff;
    for (int i = 0; i < 4; i++) {
        infra__sip_round(v);
    }
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

#endif
