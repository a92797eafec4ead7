/* SPDX-License-Identifier: MIT */
/*
 * How many sessions there may be, in all and of one address, over all workers:
 * counters in memory of a fixed size, without a lock.  Addresses are counted in
 * two tables of slots by two hashes; the smaller count is believed, so that
 * somebody who fills a slot does not take others in that slot with him.
 *
 * An address that has many sessions gets another one only while enough are free
 * for everybody else (dynamic thresholds; Choudhury and Hahne, 1998): one
 * address alone gets at most 16 of 17 of all, two get 16 of 33 each.
 */
#ifndef EXAMPLES_RELAY_LIMITS_H
#define EXAMPLES_RELAY_LIMITS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#define RELAY_LIMITS_SLOTS 65536u /* A power of two. */

/* What an address may have for each session that is free. */
#define RELAY_LIMITS_GREED 16u

struct relay_limits {
    uint32_t sessions_max;
    uint32_t per_address_max; /* 0: only what the free ones allow. */
    uint64_t seed;            /* Entropy, so that nobody aims at a slot. */
    atomic_uint sessions;
    atomic_uint full_count;    /* How often there was no place, */
    atomic_uint refused_count; /* and how many an address had too many. */
    atomic_uint slots[2][RELAY_LIMITS_SLOTS];
};

/* Take a place before a client is accepted.  False: there is none. */
bool relay_limits_reserve(struct relay_limits *limits);

/* Give a place back. */
void relay_limits_release(struct relay_limits *limits);

/* Which slots an address counts in: an IPv6 client is its /64. */
uint64_t relay_limits_source(const struct relay_limits *limits,
                             const struct sockaddr_storage *client);

/* Count a session of an address, which has its place.  False: the address has
 * enough, and nothing was counted. */
bool relay_limits_enter(struct relay_limits *limits, uint64_t source);
void relay_limits_leave(struct relay_limits *limits, uint64_t source);

#endif
