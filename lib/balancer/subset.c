/* SPDX-License-Identifier: MIT */
#include "subset.h"

#include "../base/random.h"
#include "algorithm/rendezvous_hash.h"

#include <string.h>

/* Not the seed of the backends' keys: if clients are backends too, with the
 * same keys, two must not choose each other. */
#define CLIENT_SEED 0x737562736574u /* "subset" */

static uint32_t room_of(const struct infra_balancer *b)
{
    return b->options.subset_size < b->options.ids_max ? b->options.subset_size
                                                       : b->options.ids_max;
}

int infra__subset_open(struct infra_balancer *b)
{
    const char *key = b->options.subset_key;

    if (b->options.subset_size == 0) {
        return INFRA_OK;
    }
    b->subset_hash = infra_xxhash64(key, strlen(key), CLIENT_SEED);
    b->subset_nodes = infra__alloc(&b->allocator, b->options.ids_max,
                                   sizeof *b->subset_nodes);
    b->subset_best =
        infra__alloc(&b->allocator, room_of(b), sizeof *b->subset_best);
    return b->subset_nodes != NULL && b->subset_best != NULL ? INFRA_OK
                                                             : INFRA_ENOMEM;
}

void infra__subset_close(struct infra_balancer *b)
{
    infra__free(&b->allocator, b->subset_nodes, b->options.ids_max,
                sizeof *b->subset_nodes);
    infra__free(&b->allocator, b->subset_best, room_of(b),
                sizeof *b->subset_best);
}

void infra__subset_know(struct infra_balancer *b, uint32_t id, const char *key)
{
    if (b->options.subset_size > 0) {
        b->subset_nodes[id] = (struct infra__rendezvous_node) {
            .seed = infra__rendezvous_seed(key),
            .weight = 1,
            .index = id,
        };
    }
}

/* Is @a a worse choice? Of equals, possible only with equal hashes of keys, the
 * later. */
static bool is_worse(const struct infra__rendezvous_rank *a,
                     const struct infra__rendezvous_rank *b)
{
    return a->draw != b->draw ? a->draw < b->draw : a->index > b->index;
}

/* The best so far are a heap with the worst on top. Put @rank at @at, from
 * where it sinks. */
static void sink(struct infra__rendezvous_rank *heap, uint32_t count,
                 uint32_t at, struct infra__rendezvous_rank rank)
{
    for (;;) {
        uint32_t child = 2 * at + 1;
        if (child + 1 < count && is_worse(&heap[child + 1], &heap[child])) {
            child++;
        }
        if (child >= count || !is_worse(&heap[child], &rank)) {
            break;
        }
        heap[at] = heap[child];
        at = child;
    }
    heap[at] = rank;
}

/* As sink(), but rising from the end. */
static void rise(struct infra__rendezvous_rank *heap, uint32_t at,
                 struct infra__rendezvous_rank rank)
{
    while (at > 0 && is_worse(&rank, &heap[(at - 1) / 2])) {
        heap[at] = heap[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    heap[at] = rank;
}

/* Offer an id to the best; without weights the rank is the draw. Returns how
 * many are kept. */
static uint32_t offer(struct infra_balancer *b, uint32_t count, uint32_t id)
{
    struct infra__rendezvous_rank *heap = b->subset_best;
    const struct infra__rendezvous_rank rank = {
        .draw = infra__mix(b->subset_nodes[id].seed ^ b->subset_hash),
        .index = id,
    };

    if (count < room_of(b)) {
        rise(heap, count, rank);
        return count + 1;
    }
    if (is_worse(&heap[0], &rank)) {
        sink(heap, count, 0, rank);
    }
    return count;
}

/* Pass over all of the tier except the best: of all, or of the available.
 * Returns how many these are. */
static uint32_t keep_best(struct infra_balancer *b, uint32_t rank,
                          bool available)
{
    const uint8_t bit = (uint8_t)(1u << rank % 2);
    uint32_t count = 0;

    for (uint32_t id = 0; id < b->options.ids_max; id++) {
        struct member *m = &b->members[id];
        if (!m->present || m->tier != rank / 2) {
            continue;
        }
        m->passed_over |= bit;
        if (m->rank == rank || !available) {
            count = offer(b, count, id);
        }
    }
    for (uint32_t i = 0; i < count; i++) {
        struct member *m = &b->members[b->subset_best[i].index];
        m->passed_over &= (uint8_t)~bit;
    }
    return count;
}

static bool is_any_available(const struct infra_balancer *b, uint32_t rank,
                             uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (b->members[b->subset_best[i].index].rank == rank) {
            return true;
        }
    }
    return false;
}

/* The list of a list policy has the best of the backends that are up. The list
 * of a whole tier keeps its subset, with what was built for it, and changes it
 * only if none of the subset is up. */
uint32_t infra__subset_choose(struct infra_balancer *b, uint32_t rank)
{
    if (b->options.policy->whole_tier != 0) {
        uint32_t count = keep_best(b, rank, false);
        if (is_any_available(b, rank, count)) {
            return count;
        }
    }
    return keep_best(b, rank, true);
}
