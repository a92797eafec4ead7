/* SPDX-License-Identifier: MIT */
#include "hash_ring.h"

#include "../../base/sort.h"

#include <string.h>

/* A larger bucket means that hashes are not spread: many equal keys. */
#define INSERTION_MAX 16u

/* At least as many buckets as points, and a shift below 64. */
static unsigned bucket_bits(uint32_t capacity)
{
    unsigned bits = 1;

    while (capacity > (uint32_t)1 << bits) {
        bits++;
    }
    return bits;
}

static uint32_t *guide_of(struct infra__ring *ring)
{
    return (uint32_t *)(ring->points + ring->capacity);
}

static size_t bucket(const struct infra__ring *ring, uint64_t hash)
{
    return (size_t)(hash >> ring->shift);
}

static size_t buckets_count(const struct infra__ring *ring)
{
    return (size_t)1 << (64 - ring->shift);
}

size_t infra__ring_size(uint32_t capacity)
{
    return sizeof(struct infra__ring) +
           capacity * sizeof(struct infra__ring_point) +
           (((size_t)1 << bucket_bits(capacity)) + 1) * sizeof(uint32_t);
}

void infra__ring_init(struct infra__ring *ring, uint32_t capacity)
{
    *ring = (struct infra__ring) { .capacity = capacity,
                                   .shift = 64 - bucket_bits(capacity) };
    memset(guide_of(ring), 0, (buckets_count(ring) + 1) * sizeof(uint32_t));
}

static int compare(const void *a, const void *b)
{
    const struct infra__ring_point *p = a;
    const struct infra__ring_point *q = b;

    if (p->hash != q->hash) {
        return p->hash < q->hash ? -1 : 1;
    }
    return p->index < q->index ? -1 : p->index > q->index;
}

/* Move each point into its bucket; then the guide says where each begins. */
static void distribute(struct infra__ring *ring)
{
    struct infra__ring_point *points = ring->points;
    uint32_t *ends = guide_of(ring);

    for (uint32_t i = 0; i < ring->count; i++) {
        ends[bucket(ring, points[i].hash)]++;
    }
    for (size_t b = 1; b <= buckets_count(ring); b++) {
        ends[b] += ends[b - 1];
    }
    /* A bucket fills from its end, and its entry in the guide moves down to its
     * beginning. When the entry has reached i the point in hand belongs there:
     * all before i is settled, so the bucket lacks nothing else. */
    for (uint32_t i = 0; i < ring->count; i++) {
        struct infra__ring_point point = points[i];
        uint32_t *end = &ends[bucket(ring, point.hash)];
        while (i < *end && --*end != i) {
            struct infra__ring_point other = points[*end];
            points[*end] = point;
            point = other;
            end = &ends[bucket(ring, point.hash)];
        }
        points[i] = point;
    }
}

static void insertion_sort(struct infra__ring_point *points, uint32_t count)
{
    for (uint32_t i = 1; i < count; i++) {
        struct infra__ring_point point = points[i];
        uint32_t at = i;
        for (; at > 0 && compare(&point, &points[at - 1]) < 0; at--) {
            points[at] = points[at - 1];
        }
        points[at] = point;
    }
}

void infra__ring_finish(struct infra__ring *ring)
{
    const uint32_t *guide = guide_of(ring);

    distribute(ring);
    for (size_t b = 0; b < buckets_count(ring); b++) {
        struct infra__ring_point *first = ring->points + guide[b];
        uint32_t count = guide[b + 1] - guide[b];
        if (count <= INSERTION_MAX) {
            insertion_sort(first, count);
        } else {
            infra__sort(first, count, sizeof *first, compare);
        }
    }
}

void infra__ring_unique(struct infra__ring *ring)
{
    struct infra__ring_point *points = ring->points;
    uint32_t *guide = guide_of(ring);
    uint32_t kept = 0;
    size_t b = 0;

    for (uint32_t i = 0; i < ring->count; i++) {
        if (kept == 0 || points[i].hash != points[kept - 1].hash) {
            points[kept++] = points[i];
        }
    }
    ring->count = kept;
    for (uint32_t i = 0; i < kept; i++) {
        for (; b <= bucket(ring, points[i].hash); b++) {
            guide[b] = i;
        }
    }
    for (; b <= buckets_count(ring); b++) {
        guide[b] = kept;
    }
}

uint32_t infra__ring_find(const struct infra__ring *ring, uint64_t hash)
{
    const uint32_t *guide =
        (const uint32_t *)(ring->points + ring->capacity) + bucket(ring, hash);
    uint32_t low = guide[0];
    uint32_t high = guide[1];

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (ring->points[middle].hash < hash) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < ring->count ? low : 0;
}

uint64_t infra__ring_part(const struct infra__ring *ring, uint32_t place)
{
    uint64_t hash = ring->points[place].hash;
    uint64_t before =
        ring->points[place > 0 ? place - 1 : ring->count - 1].hash;

    /* The first place also has the hashes past the last: all, if it is the
     * last. */
    return place == 0 && before == hash ? UINT64_MAX >> 8
                                        : (hash - before) >> 8;
}
