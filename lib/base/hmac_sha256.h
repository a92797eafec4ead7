/* SPDX-License-Identifier: MIT */
/* HMAC (RFC 2104) and PBKDF2 (RFC 8018, 5.2) over SHA-256. A key is digested
 * once: copy a started struct to authenticate more under the same key. */
#ifndef INFRA_BASE_HMAC_SHA256_H
#define INFRA_BASE_HMAC_SHA256_H

#include "sha256.h"

struct infra__hmac {
    struct infra__sha256 inner;
    struct infra__sha256 outer;
};

void infra__hmac_start(struct infra__hmac *m, const void *key, size_t size);
void infra__hmac_feed(struct infra__hmac *m, const void *bytes, size_t size);

/* Call once; then start again. */
void infra__hmac_finish(struct infra__hmac *m,
                        unsigned char ret[INFRA__SHA256_SIZE]);

/* The first 32 bytes of PBKDF2, which is Hi() of RFC 5802. @iterations is at
 * least 1; each takes two blocks of SHA-256, about half a microsecond. */
void infra__pbkdf2(unsigned char ret[INFRA__SHA256_SIZE], const void *password,
                   size_t password_size, const void *salt, size_t salt_size,
                   uint32_t iterations);

#endif
