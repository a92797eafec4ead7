/* SPDX-License-Identifier: MIT */
/* CRC-32C (Castagnoli, reflected polynomial 0x82f63b78), four bits at a
 * time. */
#ifndef INFRA_WIRE_CRC32C_H
#define INFRA_WIRE_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/* @crc: 0 at first, then the result for the previous piece. */
uint32_t infra__crc32c(uint32_t crc, const void *bytes, size_t size);

#endif
