/* SPDX-License-Identifier: MIT */
#include "keys.h"

#include <assert.h>
#include <stdbool.h>

int infra__keys_init(struct infra__keys *k, uint32_t ids_max,
                     const struct infra_allocator *a)
{
    uint32_t heads_count = 1;

    while (heads_count < 2 * ids_max) {
        heads_count *= 2;
    }
    *k =
        (struct infra__keys) { .ids_max = ids_max, .heads_count = heads_count };
    k->hashes = infra__alloc(a, 2 * (size_t)ids_max, sizeof *k->hashes);
    k->links = infra__alloc(a, 2 * (size_t)ids_max, sizeof *k->links);
    k->heads = infra__alloc(a, heads_count, sizeof *k->heads);
    k->until = infra__alloc(a, ids_max, sizeof *k->until);
    k->order = infra__alloc(a, ids_max, sizeof *k->order);
    if (k->hashes == NULL || k->links == NULL || k->heads == NULL ||
        k->until == NULL || k->order == NULL) {
        infra__keys_finish(k, a);
        return INFRA_ENOMEM;
    }
    for (uint32_t i = 0; i < heads_count; i++) {
        k->heads[i] = INFRA__NOWHERE;
    }
    return INFRA_OK;
}

void infra__keys_finish(struct infra__keys *k, const struct infra_allocator *a)
{
    infra__free(a, k->until, k->ids_max, sizeof *k->until);
    infra__free(a, k->order, k->ids_max, sizeof *k->order);
    infra__free(a, k->hashes, 2 * (size_t)k->ids_max, sizeof *k->hashes);
    infra__free(a, k->links, 2 * (size_t)k->ids_max, sizeof *k->links);
    infra__free(a, k->heads, k->heads_count, sizeof *k->heads);
    *k = (struct infra__keys) { 0 };
}

static uint32_t *head_of(const struct infra__keys *k, uint64_t hash)
{
    return &k->heads[hash & (k->heads_count - 1)];
}

void infra__keys_add(struct infra__keys *k, uint32_t place, uint64_t hash)
{
    uint32_t *head = head_of(k, hash);

    k->hashes[place] = hash;
    k->links[place] = *head;
    *head = place;
}

static void take_out(struct infra__keys *k, uint32_t place)
{
    uint32_t *link = head_of(k, k->hashes[place]);

    while (*link != place) {
        assert(*link != INFRA__NOWHERE); /* It was never added. */
        link = &k->links[*link];
    }
    *link = k->links[place];
}

static uint32_t find(const struct infra__keys *k, uint64_t hash)
{
    uint32_t place = *head_of(k, hash);

    while (place != INFRA__NOWHERE && k->hashes[place] != hash) {
        place = k->links[place];
    }
    return place;
}

static bool was_kept_before(const struct infra__keys *k, uint32_t i, uint32_t j)
{
    return k->until[i] != k->until[j] ? k->until[i] < k->until[j]
                                      : k->order[i] < k->order[j];
}

/* The search is needed only if places were freed out of their order. */
static uint32_t vacate(struct infra__keys *k)
{
    uint32_t index = k->kept_next;

    for (uint32_t i = 0; k->until[index] != 0 && i < k->ids_max; i++) {
        index = was_kept_before(k, i, index) ? i : index;
    }
    if (k->until[index] != 0) {
        take_out(k, k->ids_max + index);
    }
    k->kept_next = index + 1 < k->ids_max ? index + 1 : 0;
    return index;
}

uint32_t infra__keys_leave(struct infra__keys *k, uint32_t id, infra_time until)
{
    uint64_t hash = k->hashes[id];

    assert(id < k->ids_max);
    take_out(k, id);
    /* A kept key is recalled when it is set again: this is another id. */
    uint32_t other = find(k, hash);
    if (other != INFRA__NOWHERE) {
        assert(other < k->ids_max);
        return other;
    }
    uint32_t index = vacate(k);
    k->until[index] = until;
    k->order[index] = k->kept_count++;
    infra__keys_add(k, k->ids_max + index, hash);
    return k->ids_max + index;
}

uint32_t infra__keys_recall(struct infra__keys *k, uint64_t hash,
                            infra_time now)
{
    uint32_t place = find(k, hash);

    if (place == INFRA__NOWHERE || place < k->ids_max) {
        return place;
    }
    infra_time until = k->until[place - k->ids_max];
    k->until[place - k->ids_max] = 0;
    take_out(k, place);
    return now < until ? place : INFRA__NOWHERE;
}
