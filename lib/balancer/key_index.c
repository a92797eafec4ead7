/* SPDX-License-Identifier: MIT */
#include "key_index.h"

#include <assert.h>
#include <string.h>

/* A link is an id plus one; 0 ends a chain. */
_Static_assert(INFRA_BALANCER_IDS_MAX <= UINT16_MAX, "a link holds an id");

int infra__key_index_open(struct infra_balancer *b)
{
    b->key_heads =
        infra__alloc(&b->allocator, b->options.ids_max, sizeof *b->key_heads);
    return b->key_heads != NULL ? INFRA_OK : INFRA_ENOMEM;
}

void infra__key_index_close(struct infra_balancer *b)
{
    infra__free(&b->allocator, b->key_heads, b->options.ids_max,
                sizeof *b->key_heads);
}

static uint16_t *head_of(const struct infra_balancer *b, const char *key)
{
    uint64_t hash = infra_xxhash64(key, strlen(key), b->options.seed);

    return &b->key_heads[hash % b->options.ids_max];
}

uint32_t infra__key_index_find(const struct infra_balancer *b, const char *key)
{
    for (uint32_t link = *head_of(b, key); link != 0;
         link = b->members[link - 1].key_next) {
        if (strcmp(b->members[link - 1].key, key) == 0) {
            return link - 1;
        }
    }
    return NO_INDEX;
}

void infra__key_index_add(struct infra_balancer *b, uint32_t id)
{
    uint16_t *head = head_of(b, b->members[id].key);

    b->members[id].key_next = *head;
    *head = (uint16_t)(id + 1);
}

void infra__key_index_remove(struct infra_balancer *b, uint32_t id)
{
    uint16_t *link = head_of(b, b->members[id].key);

    while (*link != id + 1) {
        assert(*link != 0);
        link = &b->members[*link - 1].key_next;
    }
    *link = b->members[id].key_next;
}
