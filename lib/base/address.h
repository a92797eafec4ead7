/* SPDX-License-Identifier: MIT */
/* Private to lib/: numbers of addresses. */
#ifndef INFRA_BASE_ADDRESS_H
#define INFRA_BASE_ADDRESS_H

#include <infra/address.h>

#include <stdbool.h>

static inline bool infra__prefix_is_ipv4(const struct infra_prefix *p)
{
    return p->length >= 96 && infra_address_is_ipv4(&p->address);
}

/* Eight bytes in the order of the network, as a number. */
static inline uint64_t infra__load_be64(const unsigned char *b)
{
    return (uint64_t)b[0] << 56 | (uint64_t)b[1] << 48 | (uint64_t)b[2] << 40 |
           (uint64_t)b[3] << 32 | (uint64_t)b[4] << 24 | (uint64_t)b[5] << 16 |
           (uint64_t)b[6] << 8 | (uint64_t)b[7];
}

#endif
