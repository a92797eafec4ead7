/* SPDX-License-Identifier: MIT */
/* MD5 (RFC 1321), for existing ketama rings and login protocols. Broken as a
 * cryptographic hash. One pass, no allocation. */
#ifndef INFRA_BASE_MD5_H
#define INFRA_BASE_MD5_H

#include <stddef.h>
#include <stdint.h>

/* The digest as four little-endian words: word 0 holds the first four bytes of
 * the usual notation. */
void infra__md5(uint32_t ret_words[4], const void *bytes, size_t size);

#endif
