/* SPDX-License-Identifier: MIT */
/* A backend is its key, not its id: a host that resolves its names again may
 * give the same key another id, or drop the key and bring it back a moment
 * later. So what a module knows of a key goes with the key. This finds keys by
 * their hash, at ids and, for a time after they were removed, at kept places,
 * where the module leaves what it knows.
 *
 * A chained hash table over arrays (Knuth, volume 3, 6.4): O(1) as long as few
 * places share a key; to keep one is O(n) if places were freed out of order. */
#ifndef INFRA_BASE_KEYS_H
#define INFRA_BASE_KEYS_H

#include "internal.h"

#define INFRA__NOWHERE UINT32_MAX

/* Places 0 .. ids_max - 1 are ids; the ids_max places after them are kept. */
struct infra__keys {
    uint64_t *hashes;  /* By place. */
    infra_time *until; /* By kept place: when it is forgotten; 0: free. */
    uint32_t *order;   /* By kept place: of keys removed at the same time. */
    uint32_t *links;   /* By place: the next in its chain, INFRA__NOWHERE. */
    uint32_t *heads;   /* By the low bits of the hash. */
    uint32_t ids_max;
    uint32_t heads_count; /* A power of two. */
    uint32_t kept_next;   /* The kept place that is likely to be free. */
    uint32_t kept_count;  /* Keys kept so far; wraps. */
};

/* INFRA_ENOMEM leaves the struct zero, which finish() takes. */
int infra__keys_init(struct infra__keys *k, uint32_t ids_max,
                     const struct infra_allocator *a);
void infra__keys_finish(struct infra__keys *k, const struct infra_allocator *a);

/* Put a key at an id that has none. */
void infra__keys_add(struct infra__keys *k, uint32_t id, uint64_t hash);

/* Take the key from @id. If another id has the same key, return that id.
 * Otherwise return a kept place (ids_max or more) for what is known of the key,
 * until @until: a free one, or else that of the key removed longest ago, so
 * that one key that comes and goes evicts no other. */
uint32_t infra__keys_leave(struct infra__keys *k, uint32_t id,
                           infra_time until);

/* The id with this key that was added last, or its kept place, which is free
 * from here on. INFRA__NOWHERE: unknown, or forgotten by @now. */
uint32_t infra__keys_recall(struct infra__keys *k, uint64_t hash,
                            infra_time now);

#endif
