/* SPDX-License-Identifier: MIT */
/* Lasting numbers: a worker's, while its process lives, and a key's id, while
 * any worker has it and afterwards until another key needs the id. Both are
 * looked up in the shared memory, where a reload finds what the former
 * generation left. O(workers * ids), O(ids). */
#include "internal.h"
#include "shared_slots.h"

#include <string.h>

/* One worker at a time names, or two of them could give one key two ids.
 * Attempts at the lock, which is held for some microseconds. */
#define LOCK_TRIES 10000u

int infra_balancer_shared_join(void *memory, uint64_t process,
                               int (*is_alive)(void *user, uint64_t process),
                               void *user)
{
    struct shared *s = memory;
    int found = INFRA_EFULL;

    if (!infra__shared_is(memory) || process == 0 || is_alive == NULL) {
        return INFRA_EINVAL;
    }
    for (uint32_t w = 0; w < s->workers_max && found < 0; w++) {
        if (atomic_load(infra__shared_process(s, w)) == process) {
            found = (int)w; /* It called exec. */
        }
    }
    for (uint32_t w = 0; w < s->workers_max; w++) {
        _Atomic uint64_t *owner = infra__shared_process(s, w);
        uint64_t before = atomic_load(owner);
        bool is_dead =
            before != 0 && before != process && is_alive(user, before) == 0;
        if ((!is_dead && (before != 0 || found >= 0)) ||
            !atomic_compare_exchange_strong(owner, &before, process)) {
            continue;
        }
        infra__shared_reap(s, w);
        if (found < 0) {
            found = (int)w;
        } else {
            atomic_store(owner, 0);
        }
    }
    return found;
}

static bool is_key_of(const struct infra_balancer *b, uint32_t id,
                      const char *key)
{
    return b->members[id].key != NULL && strcmp(b->members[id].key, key) == 0;
}

/* Its own id, else one that never had a key, else one whose key is gone. */
static int id_alone(struct infra_balancer *b, const char *key)
{
    int found = INFRA_EFULL;

    for (uint32_t id = 0; id < b->options.ids_max; id++) {
        if (is_key_of(b, id, key)) {
            return (int)id;
        }
    }
    for (uint32_t id = 0; id < b->options.ids_max; id++) {
        if (b->members[id].key == NULL) {
            return (int)id;
        }
        if (found < 0 && !infra__member_is_busy(b, id)) {
            found = (int)id;
        }
    }
    return found;
}

static int id_among_workers(struct infra_balancer *b, const char *key)
{
    int found = infra__shared_id_of(b, key);

    for (uint32_t i = 0; i < 2 && found < 0; i++) {
        for (uint32_t id = 0; id < b->options.ids_max && found < 0; id++) {
            bool may = is_key_of(b, id, key) || !infra__member_is_busy(b, id);
            /* First ids without an owner. */
            if (may && infra__shared_take(b, id, key, i > 0)) {
                found = (int)id;
            }
        }
    }
    return found < 0 ? INFRA_EFULL : found;
}

int infra_balancer_id_of(struct infra_balancer *balancer, const char *key)
{
    struct infra_balancer *b = balancer;

    if (b == NULL || !infra__key_ok(key)) {
        return INFRA_EINVAL;
    }
    if (b->ledger == NULL) {
        return id_alone(b, key);
    }
    for (uint32_t i = 0; i < LOCK_TRIES; i++) {
        uint32_t none = 0;
        if (atomic_compare_exchange_strong(&b->shared->naming, &none,
                                           b->options.worker + 1)) {
            infra__members_leave(b);
            int id = id_among_workers(b, key);
            atomic_store(&b->shared->naming, 0);
            return id;
        }
    }
    return INFRA_EBUSY;
}
