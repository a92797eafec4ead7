/* SPDX-License-Identifier: MIT */
/* Private to lib/wire: version 1 and 2 of the PROXY protocol. */
#ifndef INFRA_WIRE_INTERNAL_H
#define INFRA_WIRE_INTERNAL_H

#include "../base/address.h"
#include "../base/internal.h"

#include <infra/proxy_protocol.h>

#include <stdbool.h>

#define SIGNATURE_SIZE 12u
#define V2_HEAD_SIZE 16u
extern const unsigned char infra__proxy_signature[SIGNATURE_SIZE];

static inline uint32_t get16(const unsigned char *b)
{
    return (uint32_t)b[0] << 8 | b[1];
}

static inline void put16(unsigned char *b, uint32_t n)
{
    b[0] = (unsigned char)(n >> 8);
    b[1] = (unsigned char)n;
}

static inline void put32(unsigned char *b, uint32_t n)
{
    put16(b, n >> 16);
    put16(b + 2, n & 0xffff);
}

/* As infra_proxy_read(), of bytes that begin as this version does. */
int infra__proxy_read_v1(const struct infra_proxy_options *options,
                         const unsigned char *bytes, size_t size,
                         struct infra_proxy_header *ret);
int infra__proxy_read_v2(const struct infra_proxy_options *options,
                         const unsigned char *bytes, size_t size,
                         struct infra_proxy_header *ret);

#endif
