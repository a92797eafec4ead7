/* SPDX-License-Identifier: MIT */
/* The internet checksum (RFC 1071): the one's complement of the one's
 * complement sum of 16-bit words. */
#ifndef INFRA_VRRP_CHECKSUM_H
#define INFRA_VRRP_CHECKSUM_H

#include <stddef.h>
#include <stdint.h>

/* Carries add up above 16 bits until the end, for 64 KiB and more. */
static inline uint32_t infra__sum(uint32_t sum, const uint8_t *bytes,
                                  size_t count)
{
    for (size_t i = 0; i + 1 < count; i += 2) {
        sum += (uint32_t)bytes[i] << 8 | bytes[i + 1];
    }
    return count % 2 == 0 ? sum : sum + ((uint32_t)bytes[count - 1] << 8);
}

/* Of a pseudo header: RFC 793 section 3.1 (IPv4), RFC 8200 section 8.1 (IPv6).
 * The fields differ in width, but not in what they add up to. */
static inline uint32_t infra__sum_pseudo(const uint8_t *source,
                                         const uint8_t *destination,
                                         size_t address_size, uint32_t protocol,
                                         size_t count)
{
    return infra__sum(
        infra__sum(protocol + (uint32_t)count, source, address_size),
        destination, address_size);
}

/* What is to be written; 0 for a message with the right checksum in it. */
static inline uint16_t infra__checksum(uint32_t sum)
{
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)~sum;
}

static inline void infra__put16(uint8_t *to, uint32_t value)
{
    to[0] = (uint8_t)(value >> 8);
    to[1] = (uint8_t)value;
}

#endif
