/* SPDX-License-Identifier: MIT */
/* MurmurHash2, 64 bits (Appleby 2008, public domain), as std::hash of libstdc++
 * computes it and Envoy calls MURMUR_HASH_2: eight bytes at a time, the tail at
 * once, little-endian on every machine. */
#ifndef INFRA_BASE_MURMUR2_H
#define INFRA_BASE_MURMUR2_H

#include <stddef.h>
#include <stdint.h>

#define INFRA__MURMUR2_STD_HASH 0xc70f6907u /* The seed of std::hash. */

uint64_t infra__murmur2(const void *bytes, size_t size, uint64_t seed);

#endif
