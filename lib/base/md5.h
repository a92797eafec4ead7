/* SPDX-License-Identifier: MIT */
/* MD5 (RFC 1321), for the ketama rings that others have laid out with it, and
 * for logins that still ask for it. It is broken as a cryptographic hash. One
 * pass, no allocation. */
#ifndef INFRA_BASE_MD5_H
#define INFRA_BASE_MD5_H

#include <stddef.h>
#include <stdint.h>

/* The digest as four words that are read little-endian: word 0 holds the first
 * four bytes of the usual notation. */
void infra__md5(uint32_t ret_words[4], const void *bytes, size_t size);

#endif
