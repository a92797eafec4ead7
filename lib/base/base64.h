/* SPDX-License-Identifier: MIT */
/* Base64 (RFC 4648, 4), strict: padded, no line ends, no stray bits, so that
 * each text that is taken has one meaning and each meaning one text. */
#ifndef INFRA_BASE_BASE64_H
#define INFRA_BASE_BASE64_H

#include <stddef.h>

#define INFRA__BASE64_SIZE(size) (((size) + 2u) / 3u * 4u)

/* Write INFRA__BASE64_SIZE(@size) characters, and no zero after them. */
void infra__base64_encode(char *ret, const void *bytes, size_t size);

/* How many bytes @text stands for, at most @ret_max; or -1: it is not base64,
 * or more than that. */
int infra__base64_decode(void *ret, size_t ret_max, const char *text,
                         size_t size);

#endif
