/* SPDX-License-Identifier: MIT */
/* PostgreSQL's numbers: big-endian, of two and of four bytes. */
#ifndef INFRA_PROBE_PGSQL_BYTES_H
#define INFRA_PROBE_PGSQL_BYTES_H

#include <stdint.h>

static inline uint32_t infra__pgsql_u16(const unsigned char *p)
{
    return (uint32_t)p[0] << 8 | p[1];
}

static inline uint32_t infra__pgsql_u32(const unsigned char *p)
{
    return infra__pgsql_u16(p) << 16 | infra__pgsql_u16(p + 2);
}

static inline void infra__pgsql_put_u32(void *ret, uint32_t number)
{
    unsigned char *p = ret;

    p[0] = (unsigned char)(number >> 24);
    p[1] = (unsigned char)(number >> 16);
    p[2] = (unsigned char)(number >> 8);
    p[3] = (unsigned char)number;
}

#endif
