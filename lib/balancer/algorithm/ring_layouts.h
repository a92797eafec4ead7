/* SPDX-License-Identifier: MIT */
/* The ring layouts of other programs, to the bit, so that a host can take over
 * from them without moving a key. *_points() is the number of points that the
 * members need; *_fill() completes an empty ring with room for that many. No
 * members: no points. Beyond about INFRA__RING_POINTS_MAX points a layout is
 * scaled down, and no longer the original's.
 *
 * The layouts compute with float or double as the originals do; with IEEE
 * arithmetic (FLT_EVAL_METHOD 0) the results are the same on every machine. */
#ifndef INFRA_BALANCER_ALGORITHM_RING_LAYOUTS_H
#define INFRA_BALANCER_ALGORITHM_RING_LAYOUTS_H

#include "hash_member.h"
#include "hash_ring.h"

#include <stdbool.h>

/* libmemcached, distribution consistent ketama. @weighted: as with
 * MEMCACHED_BEHAVIOR_KETAMA_WEIGHTED, about 160 points by share of the weight,
 * four from each MD5; else 100 points each, one from each MD5. */
uint32_t infra__ring_libmemcached_points(
    const struct infra__hash_member *members, uint32_t count, bool weighted);
void infra__ring_libmemcached_fill(struct infra__ring *ring,
                                   const struct infra__hash_member *members,
                                   uint32_t count, bool weighted);

/* nginx, "hash ... consistent": 160 points for each unit of weight. */
uint32_t infra__ring_nginx_points(const struct infra__hash_member *members,
                                  uint32_t count);
void infra__ring_nginx_fill(struct infra__ring *ring,
                            const struct infra__hash_member *members,
                            uint32_t count);

/* Envoy and gRPC, ring_hash. Keys are looked up at their infra_xxhash64(). */
struct infra__ring_envoy {
    uint64_t points_min; /* minimum_ring_size; its default is 1024. */
    uint64_t points_max; /* Its default is 8 Mi; at least 1. */
    bool murmur2;        /* hash_function: MURMUR_HASH_2 */
};
uint32_t infra__ring_envoy_points(const struct infra__ring_envoy *layout,
                                  const struct infra__hash_member *members,
                                  uint32_t count);
void infra__ring_envoy_fill(struct infra__ring *ring,
                            const struct infra__ring_envoy *layout,
                            const struct infra__hash_member *members,
                            uint32_t count);

#endif
