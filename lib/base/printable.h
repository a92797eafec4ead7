/* SPDX-License-Identifier: MIT */
/* A server's text made printable. */
#ifndef INFRA_BASE_PRINTABLE_H
#define INFRA_BASE_PRINTABLE_H

#include <stddef.h>

/* Copy as much as fits into @ret of @ret_size bytes, with a zero; bytes that
 * are not printable ASCII become '?'. */
static inline void infra__copy_printable(char *ret, size_t ret_size,
                                         const unsigned char *bytes,
                                         size_t count)
{
    size_t size = count < ret_size ? count : ret_size - 1;

    for (size_t i = 0; i < size; i++) {
        ret[i] = bytes[i] >= ' ' && bytes[i] < 0x7f ? (char)bytes[i] : '?';
    }
    ret[size] = '\0';
}

#endif
