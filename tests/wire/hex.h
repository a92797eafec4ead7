/* SPDX-License-Identifier: MIT */
/* Bytes on the heap at their exact size, so that a sanitizer sees each read
 * beyond them. */
#ifndef TESTS_WIRE_HEX_H
#define TESTS_WIRE_HEX_H

#include "support.h"

#include <stdlib.h>
#include <string.h>

static inline unsigned char *copy_of(const void *bytes, size_t size)
{
    unsigned char *copy = malloc(size > 0 ? size : 1);

    ck_assert_ptr_nonnull(copy);
    memcpy(copy, bytes, size);
    return copy;
}

static inline unsigned char *bytes_of(const char *hex, size_t *ret_size)
{
    size_t size = strlen(hex) / 2;
    unsigned char *bytes = malloc(size > 0 ? size : 1);

    ck_assert_ptr_nonnull(bytes);
    for (size_t i = 0; i < size; i++) {
        const char digits[3] = { hex[2 * i], hex[2 * i + 1], '\0' };
        bytes[i] = (unsigned char)strtoul(digits, NULL, 16);
    }
    *ret_size = size;
    return bytes;
}

#endif
