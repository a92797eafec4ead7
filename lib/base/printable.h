/* SPDX-License-Identifier: MIT */
/* What a server says, as a text that can be printed anywhere. */
#ifndef INFRA_BASE_PRINTABLE_H
#define INFRA_BASE_PRINTABLE_H

#include <stddef.h>

/* Copy what fits into @ret of @ret_size bytes, with its zero; what is not
 * printable ASCII becomes '?'. */
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
