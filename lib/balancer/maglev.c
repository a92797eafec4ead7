/* SPDX-License-Identifier: MIT */
#include "maglev.h"

#include "../base/sort.h"

#include <infra/base.h>
#include <string.h>

/* A member on its walk through its permutation. */
struct walker {
    const char *key;
    double share;  /* Of all weight. */
    double target; /* Its turn comes when turn * share has reached this. */
    uint32_t slot;
    uint32_t step;
    uint32_t index;
    uint32_t reserved;
};

/* Which slots are taken is kept apart, 8 KiB for 65537 slots: most steps only
 * look, and this fits the first-level cache where the table does not. */
static size_t taken_words(uint32_t size)
{
    return (size + 63u) / 64u;
}

bool infra__maglev_size_ok(uint32_t size)
{
    if (size < 2 || size > INFRA__MAGLEV_SIZE_MAX) {
        return false;
    }
    for (uint32_t d = 2; d * d <= size; d++) {
        if (size % d == 0) {
            return false;
        }
    }
    return true;
}

size_t infra__maglev_scratch_size(uint32_t count, uint32_t size)
{
    return count * sizeof(struct walker) + taken_words(size) * sizeof(uint64_t);
}

/* Equal keys: the first member. */
static int compare(const void *a, const void *b)
{
    const struct walker *v = a;
    const struct walker *w = b;
    int order = strcmp(v->key, w->key);

    if (order != 0) {
        return order;
    }
    return v->index < w->index ? -1 : 1;
}

/* Walkers in the order of keys. The greatest share is the answer. */
static double line_up(struct walker *walkers, uint32_t size,
                      const struct infra__hash_member *members, uint32_t count)
{
    double total = (double)infra__hash_weight_total(members, count);
    double greatest = 0.0;

    for (uint32_t i = 0; i < count; i++) {
        const char *key = members[i].key;
        size_t key_size = strlen(key);
        uint64_t offset = infra_xxhash64(key, key_size, 0);
        uint64_t skip = infra_xxhash64(key, key_size, 1);
        walkers[i] = (struct walker) {
            .key = key,
            .share = (double)members[i].weight / total,
            .slot = (uint32_t)(offset % size),
            .step = (uint32_t)(skip % (size - 1)) + 1,
            .index = i,
        };
        greatest = walkers[i].share > greatest ? walkers[i].share : greatest;
    }
    infra__sort(walkers, count, sizeof *walkers, compare);
    return greatest;
}

/* Both are below @size. */
static uint32_t add(uint32_t slot, uint32_t step, uint32_t size)
{
    return slot < size - step ? slot + step : slot - (size - step);
}

/* The next free slot of @w's permutation. Most of a build's time is spent here:
 * a slot is computed two steps early, not to wait for the one before. */
static uint32_t take(struct walker *w, uint64_t *taken, uint32_t size)
{
    uint32_t slot = w->slot;
    uint32_t next = add(slot, w->step, size);
    uint32_t two_steps = add(w->step, w->step, size);

    while ((taken[slot >> 6] >> (slot & 63) & 1) != 0) {
        uint32_t after_next = add(slot, two_steps, size);
        slot = next;
        next = after_next;
    }
    taken[slot >> 6] |= (uint64_t)1 << (slot & 63);
    w->slot = slot;
    return slot;
}

void infra__maglev_build(uint16_t *table, uint32_t size,
                         const struct infra__hash_member *members,
                         uint32_t count, void *scratch)
{
    struct walker *walkers = scratch;
    uint64_t *taken = (uint64_t *)(walkers + count);
    uint32_t left = count > 0 ? size : 0;

    memset(table, 0xff, size * sizeof *table);
    memset(taken, 0, taken_words(size) * sizeof *taken);
    double greatest = line_up(walkers, size, members, count);
    for (uint32_t turn = 1; left > 0; turn++) {
        for (uint32_t i = 0; i < count && left > 0; i++) {
            struct walker *w = &walkers[i];
            /* In double as Envoy does, whose rounding decides when a share is
             * due on the dot. */
            if ((double)turn * w->share < w->target) {
                continue;
            }
            w->target += greatest;
            table[take(w, taken, size)] = (uint16_t)w->index;
            left--;
        }
    }
}
