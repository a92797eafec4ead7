/* SPDX-License-Identifier: MIT */
/* What MD5, SHA-1 and SHA-256 share: blocks of 64 bytes, the padding at the end
 * (RFC 1321, 3.1 and 3.2; FIPS 180-4, 5.1.1), and big-endian words. */
#ifndef INFRA_BASE_DIGEST_H
#define INFRA_BASE_DIGEST_H

#include <stdint.h>
#include <string.h>

#define INFRA__DIGEST_BLOCK 64u

typedef void infra__digest_block(uint32_t *state, const unsigned char *block);

/* Digest the last one or two blocks: the @left bytes (fewer than a block) at
 * @tail, one bit, zeroes, and @size, that of the whole message, in bits. */
static inline void infra__digest_end(uint32_t *state,
                                     infra__digest_block *digest_block,
                                     const unsigned char *tail, size_t left,
                                     uint64_t size, int is_big_endian)
{
    unsigned char last[2 * INFRA__DIGEST_BLOCK] = { 0 };
    size_t end = left < INFRA__DIGEST_BLOCK - 8 ? INFRA__DIGEST_BLOCK
                                                : 2 * INFRA__DIGEST_BLOCK;

    if (left > 0) {
        memcpy(last, tail, left);
    }
    last[left] = 0x80;
    for (unsigned i = 0; i < 8; i++) {
        last[is_big_endian ? end - 1 - i : end - 8 + i] =
            (unsigned char)(size * 8 >> 8 * i);
    }
    for (size_t at = 0; at < end; at += INFRA__DIGEST_BLOCK) {
        digest_block(state, last + at);
    }
}

/* Digest a whole message. */
static inline void infra__digest(uint32_t *state,
                                 infra__digest_block *digest_block,
                                 const void *bytes, size_t size,
                                 int is_big_endian)
{
    const unsigned char *p = bytes;
    size_t left = size;

    for (; left >= INFRA__DIGEST_BLOCK; left -= INFRA__DIGEST_BLOCK) {
        digest_block(state, p);
        p += INFRA__DIGEST_BLOCK;
    }
    infra__digest_end(state, digest_block, p, left, size, is_big_endian);
}

static inline uint32_t infra__big_endian(const unsigned char *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 |
           (uint32_t)p[3];
}

/* Write @size bytes of the words of a state. */
static inline void infra__digest_write(unsigned char *ret, size_t size,
                                       const uint32_t *state)
{
    for (size_t i = 0; i < size; i++) {
        ret[i] = (unsigned char)(state[i / 4] >> (24 - 8 * (i % 4)));
    }
}

#endif
