/* SPDX-License-Identifier: MIT */
/* Base64 (RFC 4648, 4), strict: padded, no line ends, no stray bits, so that
 * texts and meanings are one to one. */
#ifndef INFRA_BASE_BASE64_H
#define INFRA_BASE_BASE64_H

#include <stddef.h>

#define INFRA__BASE64_SIZE(size) (((size) + 2u) / 3u * 4u)

/* Write INFRA__BASE64_SIZE(@size) characters, without a zero. */
void infra__base64_encode(char *ret, const void *bytes, size_t size);

/* Decode up to @ret_max bytes; returns their number, or -1: not base64, or more
 * bytes. */
int infra__base64_decode(void *ret, size_t ret_max, const char *text,
                         size_t size);

#endif
