/* SPDX-License-Identifier: MIT */
/* Whose points lie where: the ring layouts of others, to the bit, so that a
 * host can take over from them without moving a key. Of each, *_points() tells
 * how many points the members need, and *_fill() makes an empty ring with room
 * for that many a finished one. No members: no points. Beyond about
 * INFRA__RING_POINTS_MAX points a layout is scaled down, and is no longer that
 * of others.
 *
 * The layouts compute with float or double as the originals do; with IEEE
 * arithmetic (FLT_EVAL_METHOD 0) the results are the same on every machine. */
#ifndef INFRA_BALANCER_ALGORITHM_RING_LAYOUTS_H
#define INFRA_BALANCER_ALGORITHM_RING_LAYOUTS_H

#include "../policy/hash_member.h"
#include "hash_ring.h"

#include <stdbool.h>

/* libmemcached, distribution consistent ketama. @weighted is what
 * MEMCACHED_BEHAVIOR_KETAMA_WEIGHTED chooses: about 160 points by share of the
 * weight, four of each MD5; not weighted: 100 points each, one of each MD5. */
uint64_t infra__ring_libmemcached_points(
    const struct infra__hash_member *members, uint32_t count, bool weighted);
void infra__ring_libmemcached_fill(struct infra__ring *ring,
                                   const struct infra__hash_member *members,
                                   uint32_t count, bool weighted);

/* Where a key's bytes are looked up in such a ring. */
uint64_t infra__ring_libmemcached_hash(const void *bytes, size_t size);

/* nginx, "hash ... consistent": 160 points for each unit of weight. */
uint64_t infra__ring_nginx_points(const struct infra__hash_member *members,
                                  uint32_t count);
void infra__ring_nginx_fill(struct infra__ring *ring,
                            const struct infra__hash_member *members,
                            uint32_t count);
uint64_t infra__ring_nginx_hash(const void *bytes, size_t size);

/* Envoy and gRPC, ring_hash. Keys are looked up at their infra_xxhash64(). */
struct infra__ring_envoy {
    uint64_t points_min; /* minimum_ring_size; its default is 1024. */
    uint64_t points_max; /* Its default is 8 Mi; at least 1. */
    bool murmur2;        /* hash_function: MURMUR_HASH_2 */
};
uint64_t infra__ring_envoy_points(const struct infra__ring_envoy *layout,
                                  const struct infra__hash_member *members,
                                  uint32_t count);
void infra__ring_envoy_fill(struct infra__ring *ring,
                            const struct infra__ring_envoy *layout,
                            const struct infra__hash_member *members,
                            uint32_t count);

#endif
