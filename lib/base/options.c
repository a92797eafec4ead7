/* SPDX-License-Identifier: MIT */
/* Sized structs: what lets a host and a library of different age meet. The rule
 * is that of Linux openat2(2): a shorter struct is extended with zeroes, a
 * longer one must be zero where we do not know it. */
#include "internal.h"

#include <string.h>

/* A size beyond this is not a newer struct but an uninitialised one. */
#define STRUCT_SIZE_MAX 4096u

int infra__options_import(void *dst, size_t dst_size, const void *src,
                          size_t v1_size)
{
    const unsigned char *bytes = src;
    size_t src_size;

    if (src == NULL) {
        return INFRA_OK;
    }
    memcpy(&src_size, src, sizeof src_size);
    if (src_size < v1_size || src_size > STRUCT_SIZE_MAX) {
        return INFRA_EINVAL;
    }
    for (size_t i = dst_size; i < src_size; i++) {
        if (bytes[i] != 0) {
            return INFRA_ESTRUCT;
        }
    }
    memcpy(dst, src, src_size < dst_size ? src_size : dst_size);
    return INFRA_OK;
}

int infra__options_take(void *options, const void *src,
                        int (*complete)(void *options))
{
    size_t size;

    memcpy(&size, options, sizeof size);
    int err = infra__options_import(options, size, src, size);
    return err == INFRA_OK && complete != NULL ? complete(options) : err;
}

int infra__status_export(void *dst, const void *src, size_t src_size,
                         size_t v1_size)
{
    const unsigned char *from = src;
    unsigned char *to = dst;
    size_t dst_size;

    memcpy(&dst_size, dst, sizeof dst_size);
    if (dst_size < v1_size || dst_size > STRUCT_SIZE_MAX) {
        return INFRA_EINVAL;
    }
    size_t known = dst_size < src_size ? dst_size : src_size;
    memcpy(to + sizeof dst_size, from + sizeof dst_size,
           known - sizeof dst_size);
    memset(to + known, 0, dst_size - known);
    return INFRA_OK;
}
