/* SPDX-License-Identifier: MIT */
/* Logarithm and power to the base 2 in fixed point with 32 bits of fraction:
 * the same bits on every machine, without libm. Each is a series of a dozen
 * multiplications; see fixed.c. */
#ifndef INFRA_BASE_FIXED_H
#define INFRA_BASE_FIXED_H

#include <stdint.h>

#define INFRA__ONE ((uint64_t)1 << 32) /* 1.0 */

/* The logarithm of the integer @x >= 1, within 2^-30: at most 64.0, and exact
 * for powers of 2. */
uint64_t infra__log2(uint64_t x);

/* 2 to the power of @x, as an integer: at most the true value, and at least the
 * true value less 2^-28 of it and less one. UINT64_MAX from 64.0 on. For 2^-x
 * with 32 bits of fraction pass 32.0 - x. */
uint64_t infra__exp2(uint64_t x);

#endif
