/* SPDX-License-Identifier: MIT */
/* A hash ring (Karger et al. 1997): points ascending by hash, each with the
 * index of the member that owns the keys up to it. A guide says where the
 * points of each value of a hash's top bits begin. It has at least as many
 * values as points, so a look-up reads one place of the guide and about one
 * point: O(1) expected, O(log n) at worst. Building is O(n) expected, O(n log
 * n) at worst: the guide is the histogram of an in-place bucket sort (American
 * flag sort, McIlroy et al. 1993). 16 bytes per point, 4 to 8 for the guide.
 *
 * 32-bit layouts keep their hash in the upper half. Equal hashes are ordered by
 * index, so the first member wins. */
#ifndef INFRA_BALANCER_ALGORITHM_HASH_RING_H
#define INFRA_BALANCER_ALGORITHM_HASH_RING_H

#include <stddef.h>
#include <stdint.h>

/* A layout that asks for more is scaled down to about this: 6 MiB, which
 * publish builds without blocking its caller for long. */
#define INFRA__RING_POINTS_MAX (256u << 10)

struct infra__ring_point {
    uint64_t hash;
    uint32_t index;
    uint32_t reserved;
};

struct infra__ring {
    uint32_t count;
    uint32_t capacity;
    uint32_t shift; /* Of a hash, to its top bits. */
    uint32_t reserved;
    struct infra__ring_point points[]; /* Then the guide. */
};

/* Bytes of a ring with room for @capacity points. */
size_t infra__ring_size(uint32_t capacity);

/* An empty ring in @ring, which has infra__ring_size() bytes. */
void infra__ring_init(struct infra__ring *ring, uint32_t capacity);

/* There must be room. */
static inline void infra__ring_add(struct infra__ring *ring, uint64_t hash,
                                   uint32_t index)
{
    ring->points[ring->count++] =
        (struct infra__ring_point) { .hash = hash, .index = index };
}

/* Sort the points and make the guide: no more points can be added. */
void infra__ring_finish(struct infra__ring *ring);

/* Keep the first of points with equal hashes. After finish. */
void infra__ring_unique(struct infra__ring *ring);

/* The place of the first point whose hash is not below @hash; the first of all
 * if there is none, and for an empty ring. */
uint32_t infra__ring_find(const struct infra__ring *ring, uint64_t hash);

/* The number of the 2^64 hashes that fall on a place, in units of 256. */
uint64_t infra__ring_part(const struct infra__ring *ring, uint32_t place);

/* The next place: for a key that cannot have this owner. */
static inline uint32_t infra__ring_next(const struct infra__ring *ring,
                                        uint32_t place)
{
    return place + 1 < ring->count ? place + 1 : 0;
}

#endif
