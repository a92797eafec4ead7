/* SPDX-License-Identifier: MIT */
/* nginx's ip_hash (ngx_http_upstream_ip_hash_module.c): three bytes of an IPv4
 * address, so that a /24 stays together, or sixteen of an IPv6 address, give
 * one of 6271 values; that, modulo the sum of weights, is a member. A table of
 * all values makes the look-up one load. It is for taking over from nginx: the
 * values are few, members beyond a sum of weights of 6271 get nothing, and
 * almost all keys move with the number of members. */
#ifndef INFRA_BALANCER_ALGORITHM_IP_HASH_TABLE_H
#define INFRA_BALANCER_ALGORITHM_IP_HASH_TABLE_H

#include "hash_member.h"

#include <stddef.h>

#define INFRA__IP_HASH_VALUES 6271u
#define INFRA__IP_HASH_START 89u

/* The value of an address of 4 or 16 bytes. @before is INFRA__IP_HASH_START, or
 * for another try the last value. */
uint32_t infra__ip_hash(const uint8_t *address, size_t size, uint32_t before);

/* Fill @table, INFRA__IP_HASH_VALUES long, with indexes of members. At least
 * one member. O(values + count). */
void infra__ip_hash_build(uint16_t *table,
                          const struct infra__hash_member *members,
                          uint32_t count);

#endif
