/* SPDX-License-Identifier: MIT */
#include "keys.h"

#include <assert.h>

int infra__keys_init(struct infra__keys *k, uint32_t places,
                     const struct infra_allocator *a)
{
    uint32_t heads_count = 1;

    while (heads_count < places) {
        heads_count *= 2;
    }
    *k = (struct infra__keys) { .places = places, .heads_count = heads_count };
    k->hashes = infra__alloc(a, places, sizeof *k->hashes);
    k->links = infra__alloc(a, places, sizeof *k->links);
    k->heads = infra__alloc(a, heads_count, sizeof *k->heads);
    if (k->hashes == NULL || k->links == NULL || k->heads == NULL) {
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
    infra__free(a, k->hashes, k->places, sizeof *k->hashes);
    infra__free(a, k->links, k->places, sizeof *k->links);
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

void infra__keys_remove(struct infra__keys *k, uint32_t place)
{
    uint32_t *link = head_of(k, k->hashes[place]);

    while (*link != place) {
        assert(*link != INFRA__NOWHERE); /* It was never added. */
        link = &k->links[*link];
    }
    *link = k->links[place];
}

uint32_t infra__keys_find(const struct infra__keys *k, uint64_t hash)
{
    uint32_t place = *head_of(k, hash);

    while (place != INFRA__NOWHERE && k->hashes[place] != hash) {
        place = k->links[place];
    }
    return place;
}
