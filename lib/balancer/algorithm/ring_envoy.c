/* SPDX-License-Identifier: MIT */
/* Envoy's ring hash (ring_hash_lb.cc), also gRPC's (gRFC A42, with a maximum of
 * 4096): the xxHash64 or MurmurHash2 of "key_k". The ring is scaled so that the
 * lightest member has a whole number of points, then cut to the maximum.
 * Members take points in their order until the running sum of their shares is
 * reached; if shares are no whole numbers earlier members have one more. Equal
 * hashes: the first member, where Envoy leaves it to an unstable sort. Adding
 * or removing a member changes the number of points of the others.
 * O(points). */
#include "ring_layouts.h"

#include "../../base/murmur2.h"
#include "ring_label.h"

#include <infra/base.h>
#include <string.h>

/* For 0 <= x < 2^63, without libm. */
static double round_up(double x)
{
    double whole = (double)(uint64_t)x;

    return whole < x ? whole + 1.0 : whole;
}

struct scale {
    double total;
    double points;
};

static struct scale scale_of(const struct infra__ring_envoy *layout,
                             const struct infra__hash_member *members,
                             uint32_t count)
{
    struct scale scale = { .total = (double)infra__hash_weight_total(members,
                                                                     count) };
    double least = 1.0;

    for (uint32_t i = 0; i < count; i++) {
        double share = (double)members[i].weight / scale.total;
        least = share < least ? share : least;
    }
    double points = least * (double)layout->points_min;
    points = round_up(points) / least;
    double most = (double)layout->points_max;
    scale.points = points < most ? points : most;
    return scale;
}

/* The running sum after a member, given the sum @before. Two statements, since
 * a compiler may not contract across them. */
static double target_after(double before, const struct scale *scale,
                           uint32_t weight)
{
    double points = (double)weight / scale->total;

    points = scale->points * points;
    return before + points;
}

uint32_t infra__ring_envoy_points(const struct infra__ring_envoy *layout,
                                  const struct infra__hash_member *members,
                                  uint32_t count)
{
    struct scale scale = scale_of(layout, members, count);
    double target = 0.0;

    for (uint32_t i = 0; i < count; i++) {
        target = target_after(target, &scale, members[i].weight);
    }
    return (uint32_t)round_up(target);
}

void infra__ring_envoy_fill(struct infra__ring *ring,
                            const struct infra__ring_envoy *layout,
                            const struct infra__hash_member *members,
                            uint32_t count)
{
    struct scale scale = scale_of(layout, members, count);
    double target = 0.0;

    for (uint32_t i = 0; i < count; i++) {
        const char *key = members[i].key;
        struct infra__ring_label label;
        infra__ring_label_init(&label, key, strlen(key), '_');
        target = target_after(target, &scale, members[i].weight);
        for (uint64_t k = 0; (double)ring->count < target; k++) {
            size_t size = infra__ring_label_number(&label, k);
            uint64_t hash =
                layout->murmur2
                    ? infra__murmur2(label.text, size, INFRA__MURMUR2_STD_HASH)
                    : infra_xxhash64(label.text, size, 0);
            infra__ring_add(ring, hash, i);
        }
    }
    infra__ring_finish(ring);
}
