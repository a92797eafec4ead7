/* SPDX-License-Identifier: MIT */
/* Is a text UTF-8 (RFC 3629)? No overlong forms, no surrogates, nothing above
 * U+10FFFF. */
#ifndef INFRA_BASE_UTF8_H
#define INFRA_BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>

bool infra__is_utf8(const char *text, size_t size);

#endif
