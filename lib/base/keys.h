/* SPDX-License-Identifier: MIT */
/* Who is where: places, each with the hash of a key or empty, found by it. A
 * chained hash table over arrays (Knuth, volume 3, 6.4): O(1) as long as few
 * places share a key. */
#ifndef INFRA_BASE_KEYS_H
#define INFRA_BASE_KEYS_H

#include "internal.h"

#define INFRA__NOWHERE UINT32_MAX

struct infra__keys {
    uint64_t *hashes; /* By place. */
    uint32_t *links;  /* By place: the next in its chain, INFRA__NOWHERE. */
    uint32_t *heads;  /* By the low bits of the hash. */
    uint32_t places;
    uint32_t heads_count; /* A power of two. */
};

/* INFRA_ENOMEM leaves the struct zero, which finish() takes. */
int infra__keys_init(struct infra__keys *k, uint32_t places,
                     const struct infra_allocator *a);
void infra__keys_finish(struct infra__keys *k, const struct infra_allocator *a);

/* @place was empty, and was not. */
void infra__keys_add(struct infra__keys *k, uint32_t place, uint64_t hash);
void infra__keys_remove(struct infra__keys *k, uint32_t place);

/* The place with @hash that was added last, or INFRA__NOWHERE. */
uint32_t infra__keys_find(const struct infra__keys *k, uint64_t hash);

#endif
