/* SPDX-License-Identifier: MIT */
#include "secret.h"

bool infra__equal_secret(const void *a, const void *b, size_t size)
{
    /* Volatile, so that no compiler leaves the loop early. */
    const volatile unsigned char *p = a;
    const volatile unsigned char *q = b;
    unsigned difference = 0;

    for (size_t i = 0; i < size; i++) {
        difference |= (unsigned)p[i] ^ q[i];
    }
    return difference == 0;
}

void infra__wipe(void *bytes, size_t size)
{
    volatile unsigned char *at = bytes;

    for (size_t i = 0; i < size; i++) {
        at[i] = 0;
    }
}
