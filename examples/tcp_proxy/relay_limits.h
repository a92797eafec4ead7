/* SPDX-License-Identifier: MIT */
/*
 * Limits on sessions, in all and per address, over all workers: counters in
 * memory of a fixed size, without a lock.  Addresses are counted in two tables
 * of slots by two hashes; the smaller count is used, so that an address that
 * fills a slot does not shut out others of that slot.
 *
 * An address with many sessions gets another one only while enough are free for
 * the others (dynamic thresholds; Choudhury and Hahne, 1998): one address alone
 * gets at most 16 of 17 of all, two get 16 of 33 each.
 */
#ifndef EXAMPLES_RELAY_LIMITS_H
#define EXAMPLES_RELAY_LIMITS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#define RELAY_LIMITS_SLOTS 65536u /* A power of two. */

/* Sessions that an address may have for each free one. */
#define RELAY_LIMITS_GREED 16u

struct relay_limits {
    uint32_t sessions_max;
    uint32_t per_address_max; /* 0: only as the free ones allow. */
    uint64_t seed;            /* Entropy, so that slots cannot be aimed at. */
    atomic_uint sessions;
    atomic_uint full_count;    /* Times without a free place, */
    atomic_uint refused_count; /* and clients of an address with too many. */
    atomic_uint slots[2][RELAY_LIMITS_SLOTS];
};

/* Take a place before a client is accepted.  False: none is free. */
bool relay_limits_reserve(struct relay_limits *limits);

/* Give a place back. */
void relay_limits_release(struct relay_limits *limits);

/* The slots of an address, packed; an IPv6 client counts as its /64. */
uint64_t relay_limits_source(const struct relay_limits *limits,
                             const struct sockaddr_storage *client);

/* Count a session of an address; it has a place.  False: the address has
 * enough, and nothing was counted. */
bool relay_limits_enter(struct relay_limits *limits, uint64_t source);
void relay_limits_leave(struct relay_limits *limits, uint64_t source);

#endif
