/* SPDX-License-Identifier: MIT */
/* libmemcached's ketama (hosts.cc, update_continuum): the MD5 of "host-k" or
 * "host:port-k", without the port if it is 11211, memcached's own. Weighted, a
 * server has floor(share * 160 / 4 * servers) labels, in float, and each digest
 * gives four points: with equal weights 160 points, or 156 where the float
 * falls short of 40. So adding or removing a server may move a few points of
 * others. Equal hashes: the first server, as there. O(points): 40 or 100
 * digests per server, fewer if that would exceed INFRA__RING_POINTS_MAX
 * points. */
#include "ring_layouts.h"

#include "../../base/md5.h"
#include "ring_label.h"

#include <infra/policy.h>
#include <string.h>

#define POINTS_WEIGHTED 160.0F
#define LABELS_UNWEIGHTED 100u

/* Steps of one operation each: nothing that a compiler may contract. The
 * original adds 1e-10 before it truncates, which is nothing to a float. */
static uint32_t labels_of(uint32_t weight, uint64_t total, uint32_t count)
{
    float labels = (float)weight / (float)total;

    labels = labels * POINTS_WEIGHTED;
    labels = labels / 4.0F;
    labels = labels * (float)count;
    return (uint32_t)labels;
}

/* A member's part of the labels that there is room for, at least one. */
static uint32_t scaled_down(uint32_t weight, uint64_t total, uint32_t room)
{
    uint64_t labels = (uint64_t)room * weight / total;

    return labels > 0 ? (uint32_t)labels : 1;
}

static uint32_t labels_in(const struct infra__hash_member *member,
                          uint64_t total, uint32_t count, bool weighted)
{
    if (weighted) {
        return count <= INFRA__RING_POINTS_MAX / 160u
                   ? labels_of(member->weight, total, count)
                   : scaled_down(member->weight, total,
                                 INFRA__RING_POINTS_MAX / 4);
    }
    return count <= INFRA__RING_POINTS_MAX / LABELS_UNWEIGHTED
               ? LABELS_UNWEIGHTED
               : scaled_down(1, count, INFRA__RING_POINTS_MAX);
}

uint32_t infra__ring_libmemcached_points(
    const struct infra__hash_member *members, uint32_t count, bool weighted)
{
    uint64_t total = infra__hash_weight_total(members, count);
    uint32_t points = 0;

    for (uint32_t i = 0; i < count; i++) {
        points +=
            (weighted ? 4 : 1) * labels_in(&members[i], total, count, weighted);
    }
    return points;
}

/* Size of the key without memcached's own port. */
static size_t name_size(const char *key)
{
    static const char port[] = ":11211";
    size_t size = strlen(key);
    size_t rest = sizeof port - 1;

    return size > rest && strcmp(key + size - rest, port) == 0 ? size - rest
                                                               : size;
}

void infra__ring_libmemcached_fill(struct infra__ring *ring,
                                   const struct infra__hash_member *members,
                                   uint32_t count, bool weighted)
{
    uint64_t total = infra__hash_weight_total(members, count);

    for (uint32_t i = 0; i < count; i++) {
        struct infra__ring_label label;
        uint32_t labels = labels_in(&members[i], total, count, weighted);
        infra__ring_label_init(&label, members[i].key,
                               name_size(members[i].key), '-');
        for (uint32_t k = 0; k < labels; k++) {
            uint32_t words[4];
            infra__md5(words, label.text, infra__ring_label_number(&label, k));
            for (unsigned w = 0; w < (weighted ? 4u : 1u); w++) {
                infra__ring_add(ring, (uint64_t)words[w] << 32, i);
            }
        }
    }
    infra__ring_finish(ring);
}

uint64_t infra_ketama_hash(const void *key, size_t size)
{
    uint32_t words[4];

    infra__md5(words, key, size);
    return (uint64_t)words[0] << 32;
}
