/* SPDX-License-Identifier: MIT */
/* SHA-1 (FIPS 180-4, 6.1), for existing login protocols. Broken as a
 * cryptographic hash. One pass, no allocation. */
#ifndef INFRA_BASE_SHA1_H
#define INFRA_BASE_SHA1_H

#include <stddef.h>

#define INFRA__SHA1_SIZE 20u

void infra__sha1(unsigned char ret[INFRA__SHA1_SIZE], const void *bytes,
                 size_t size);

#endif
