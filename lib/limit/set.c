/* SPDX-License-Identifier: MIT */
/* A set: a source is found, takes a way, or shares the overflow. internal.h has
 * the order of the loads and stores. */
#include "internal.h"

struct place infra__limit_place(const struct infra_limit_table *table,
                                struct set *sets,
                                const struct infra_address *address)
{
    uint64_t high = infra__load_be64(address->bytes);
    uint64_t low = infra__load_be64(address->bytes + 8);

    if (high == 0 && low >> 32 == 0xffff) {
        low &= table->mask_ipv4;
    } else {
        high &= table->mask_ipv6[0];
        low &= table->mask_ipv6[1];
    }
    uint64_t hash = infra__siphash16(table->key, high, low);
    return (struct place) { &sets[hash & (table->sets_count - 1)], hash };
}

uint32_t infra__limit_find(const struct place *place, uint64_t *ret_state)
{
    for (uint32_t i = 0; i < WAYS; i++) {
        struct way *w = &place->set->ways[i];
        /* Relaxed: a hint; the pair below counts. */
        if (atomic_load_explicit(&w->tag, memory_order_relaxed) != place->tag) {
            continue;
        }
        uint64_t state = atomic_load_explicit(&w->state, memory_order_acquire);
        if (state != BUSY &&
            atomic_load_explicit(&w->tag, memory_order_acquire) == place->tag) {
            *ret_state = state;
            return i;
        }
    }
    return WAYS;
}

/* This thread has the turn. */
static enum result share(const struct place *place, const struct kind *kind,
                         struct use *use)
{
    /* Relaxed, both: the turn orders them; leave() has an exchange of its
     * own. */
    uint64_t old =
        atomic_load_explicit(&place->set->overflow, memory_order_relaxed);

    for (uint32_t i = 0; i < INFRA__LIMIT_TRIES; i++) {
        uint64_t next = kind->next(old, use);
        if (next == old) {
            return REFUSED_SHARED;
        }
        if (atomic_compare_exchange_weak_explicit(&place->set->overflow, &old,
                                                  next, memory_order_relaxed,
                                                  memory_order_relaxed)) {
            return DONE_SHARED;
        }
    }
    return TIRED;
}

/* This thread has the turn, and its source has no way. */
static enum result settle(const struct place *place, const struct kind *kind,
                          struct use *use, uint32_t *ret_way)
{
    struct set *set = place->set;
    uint64_t overflow =
        atomic_load_explicit(&set->overflow, memory_order_relaxed);

    *ret_way = WAYS;
    if (!kind->leaves_overflow && !kind->is_idle(overflow, use)) {
        return share(place, kind, use);
    }
    for (uint32_t i = 0; i < WAYS; i++) {
        struct way *w = &set->ways[i];
        uint64_t idle = atomic_load_explicit(&w->state, memory_order_relaxed);
        if (!kind->is_idle(idle, use) ||
            !atomic_compare_exchange_strong_explicit(&w->state, &idle, BUSY,
                                                     memory_order_acq_rel,
                                                     memory_order_relaxed)) {
            continue;
        }
        bool is_refused = false;
        uint64_t first = kind->first(idle, overflow, use, &is_refused);
        atomic_store_explicit(&w->tag, place->tag, memory_order_release);
        atomic_store_explicit(&w->state, first, memory_order_release);
        *ret_way = i;
        return is_refused ? REFUSED : DONE;
    }
    return share(place, kind, use);
}

enum result infra__limit_use(const struct place *place, const struct kind *kind,
                             struct use *use, uint32_t *ret_way)
{
    struct set *set = place->set;

    for (uint32_t i = 0; i < TURNS_MAX; i++) {
        uint64_t state;
        /* Acquire pairs with the end of the former turn. */
        uint64_t turn = atomic_load_explicit(&set->turn, memory_order_acquire);
        uint32_t way = infra__limit_find(place, &state);
        if (way < WAYS) {
            uint64_t next = kind->next(state, use);
            *ret_way = way;
            if (next == state) {
                return REFUSED;
            }
            if (atomic_compare_exchange_strong_explicit(
                    &set->ways[way].state, &state, next, memory_order_acq_rel,
                    memory_order_relaxed)) {
                return DONE;
            }
        } else if ((turn & 1) == 0 &&
                   atomic_compare_exchange_strong_explicit(
                       &set->turn, &turn, turn + 1, memory_order_acq_rel,
                       memory_order_relaxed)) {
            enum result result = settle(place, kind, use, ret_way);
            atomic_store_explicit(&set->turn, turn + 2, memory_order_release);
            return result;
        }
    }
    return TIRED;
}
