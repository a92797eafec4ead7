/* SPDX-License-Identifier: MIT */
#include "hmac_sha256.h"

#include <assert.h>
#include <string.h>

#define INNER_PAD 0x36u
#define OUTER_PAD 0x5cu

void infra__hmac_start(struct infra__hmac *m, const void *key, size_t size)
{
    unsigned char block[INFRA__SHA256_BLOCK] = { 0 };

    if (size > sizeof block) {
        infra__sha256_start(&m->inner);
        infra__sha256_feed(&m->inner, key, size);
        infra__sha256_finish(&m->inner, block);
    } else if (size > 0) {
        memcpy(block, key, size);
    }
    for (size_t i = 0; i < sizeof block; i++) {
        block[i] ^= INNER_PAD;
    }
    infra__sha256_start(&m->inner);
    infra__sha256_feed(&m->inner, block, sizeof block);
    for (size_t i = 0; i < sizeof block; i++) {
        block[i] ^= INNER_PAD ^ OUTER_PAD;
    }
    infra__sha256_start(&m->outer);
    infra__sha256_feed(&m->outer, block, sizeof block);
}

void infra__hmac_feed(struct infra__hmac *m, const void *bytes, size_t size)
{
    infra__sha256_feed(&m->inner, bytes, size);
}

void infra__hmac_finish(struct infra__hmac *m,
                        unsigned char ret[INFRA__SHA256_SIZE])
{
    unsigned char digest[INFRA__SHA256_SIZE];

    infra__sha256_finish(&m->inner, digest);
    infra__sha256_feed(&m->outer, digest, sizeof digest);
    infra__sha256_finish(&m->outer, ret);
}

void infra__pbkdf2(unsigned char ret[INFRA__SHA256_SIZE], const void *password,
                   size_t password_size, const void *salt, size_t salt_size,
                   uint32_t iterations)
{
    static const unsigned char first_block[4] = { 0, 0, 0, 1 };
    unsigned char link[INFRA__SHA256_SIZE];
    struct infra__hmac keyed, m;

    assert(iterations > 0);
    infra__hmac_start(&keyed, password, password_size);
    m = keyed;
    infra__hmac_feed(&m, salt, salt_size);
    infra__hmac_feed(&m, first_block, sizeof first_block);
    infra__hmac_finish(&m, link);
    memcpy(ret, link, sizeof link);
    for (uint32_t i = 1; i < iterations; i++) {
        m = keyed;
        infra__hmac_feed(&m, link, sizeof link);
        infra__hmac_finish(&m, link);
        for (size_t k = 0; k < sizeof link; k++) {
            ret[k] ^= link[k];
        }
    }
}
