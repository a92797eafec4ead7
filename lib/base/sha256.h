/* SPDX-License-Identifier: MIT */
/* SHA-256 (FIPS 180-4, 6.2), in any pieces, no allocation. */
#ifndef INFRA_BASE_SHA256_H
#define INFRA_BASE_SHA256_H

#include <stddef.h>
#include <stdint.h>

#define INFRA__SHA256_SIZE 32u
#define INFRA__SHA256_BLOCK 64u

struct infra__sha256 {
    uint32_t state[8];
    uint64_t size; /* Bytes fed. */
    unsigned char block[INFRA__SHA256_BLOCK];
};

void infra__sha256_start(struct infra__sha256 *h);
void infra__sha256_feed(struct infra__sha256 *h, const void *bytes,
                        size_t size);

/* Call once; then start again. */
void infra__sha256_finish(struct infra__sha256 *h,
                          unsigned char ret[INFRA__SHA256_SIZE]);

#endif
