/* SPDX-License-Identifier: MIT */
/* xxHash64 after its specification (github.com/Cyan4973/xxHash, doc/
 * xxhash_spec.md): four lanes of 8 bytes while 32 bytes are left, then the tail
 * by 8, 4 and 1, then an avalanche. Little-endian reads on every machine. */
#include <infra/base.h>

#define PRIME1 0x9e3779b185ebca87u
#define PRIME2 0xc2b2ae3d27d4eb4fu
#define PRIME3 0x165667b19e3779f9u
#define PRIME4 0x85ebca77c2b2ae63u
#define PRIME5 0x27d4eb2f165667c5u

static uint64_t rotate(uint64_t v, unsigned bits)
{
    return v << bits | v >> (64 - bits);
}

static uint64_t read_le(const unsigned char *p, unsigned bytes)
{
    uint64_t v = 0;

    for (unsigned i = 0; i < bytes; i++) {
        v |= (uint64_t)p[i] << (8 * i);
    }
    return v;
}

static uint64_t round64(uint64_t lane, uint64_t input)
{
    return rotate(lane + input * PRIME2, 31) * PRIME1;
}

static uint64_t merge(uint64_t hash, uint64_t lane)
{
    return (hash ^ round64(0, lane)) * PRIME1 + PRIME4;
}

static uint64_t finish(uint64_t hash, const unsigned char *p, size_t left)
{
    for (; left >= 8; p += 8, left -= 8) {
        hash ^= round64(0, read_le(p, 8));
        hash = rotate(hash, 27) * PRIME1 + PRIME4;
    }
    if (left >= 4) {
        hash ^= read_le(p, 4) * PRIME1;
        hash = rotate(hash, 23) * PRIME2 + PRIME3;
        p += 4;
        left -= 4;
    }
    for (; left > 0; p++, left--) {
        hash = rotate(hash ^ *p * PRIME5, 11) * PRIME1;
    }
    hash = (hash ^ hash >> 33) * PRIME2;
    hash = (hash ^ hash >> 29) * PRIME3;
    return hash ^ hash >> 32;
}

uint64_t infra_xxhash64(const void *bytes, size_t size, uint64_t seed)
{
    const unsigned char *p = bytes;
    size_t left = size;
    uint64_t hash = seed + PRIME5;

    if (left >= 32) {
        uint64_t lane[4] = { seed + PRIME1 + PRIME2, seed + PRIME2, seed,
                             seed - PRIME1 };
        for (; left >= 32; left -= 32) {
            for (int i = 0; i < 4; i++, p += 8) {
                lane[i] = round64(lane[i], read_le(p, 8));
            }
        }
        hash = rotate(lane[0], 1) + rotate(lane[1], 7) + rotate(lane[2], 12) +
               rotate(lane[3], 18);
        for (int i = 0; i < 4; i++) {
            hash = merge(hash, lane[i]);
        }
    }
    return finish(hash + size, p, left);
}
