/* SPDX-License-Identifier: MIT */
/* Slots that worker processes share, and how they stay right when one dies.
 *
 * Counts: a pick adds to the slot, then to its worker's ledger; a release
 * subtracts from the ledger, then from the slot. So a ledger never holds more
 * than the slot, and subtracting a dead worker's ledger from the slots takes
 * nothing from the others. A worker that dies between the two steps leaves one
 * too many in the slot; infra_balancer_shared_reap() finds it by adding up the
 * ledgers.
 *
 * Ownership: a slot belongs to one key, stored as its hash. A worker enters a
 * backend in its ledger before it looks at the slot's owner; to empty a slot, a
 * worker stores its own mark as owner before it looks at the ledgers. All of
 * that is sequentially consistent, so one of the two sees the other.
 *
 * Memory: a slot stays its key's, with marks and latency, after all workers
 * have left, until another key needs the id. Removal by the last worker that
 * has the key ends it: the slot is then as new. */
#include "shared_slots.h"

#include <assert.h>
#include <string.h>

#define MAGIC 0x312e62616c692e32u
#define WORKERS_MAX 4096u

/* The state of a backend in a ledger; 0: absent. */
#define PRESENT 1u
#define REMOVED 2u /* The worker's readers or tickets may still hold it. */

/* Owners: none, the number + 1 of the worker that empties the slot, or a key's
 * hash with the top bit set. */
#define OWNER_NOBODY 0u
#define OWNER_KEY ((uint64_t)1 << 63)

/* Number of times a sum is read; if they differ, the slot is in use. */
#define SUMS 8u

#if ATOMIC_INT_LOCK_FREE == 2 && ATOMIC_LLONG_LOCK_FREE == 2
#define CAN_SHARE true
#else
#define CAN_SHARE false /* The locks would be of one process. */
#endif

static size_t lines(size_t bytes)
{
    return (bytes + INFRA__CACHE_LINE - 1) / INFRA__CACHE_LINE *
           INFRA__CACHE_LINE;
}

static size_t ledger_size(uint32_t ids_max)
{
    return lines(((size_t)ids_max + INFRA_BALANCER_TIERS_MAX) *
                     sizeof(struct holding) +
                 sizeof(uint64_t));
}

size_t infra__shared_size(uint32_t ids_max, uint32_t workers_max)
{
    size_t fixed = sizeof(struct shared) + ids_max * sizeof(struct slot) +
                   INFRA_BALANCER_TIERS_MAX * sizeof(struct tier_slot);

    if (workers_max > (SIZE_MAX - fixed) / ledger_size(ids_max)) {
        return 0;
    }
    return fixed + workers_max * ledger_size(ids_max);
}

void infra__shared_make(void *memory, uint32_t ids_max, uint32_t workers_max)
{
    struct shared *s = memory;

    s->ids_max = ids_max;
    s->workers_max = workers_max;
    s->magic = MAGIC;
}

static struct slot *slots_of(struct shared *s)
{
    return (struct slot *)(void *)(s + 1);
}

static struct tier_slot *tier_slots_of(struct shared *s)
{
    return (struct tier_slot *)(void *)(slots_of(s) + s->ids_max);
}

static struct holding *ledger_of(struct shared *s, uint32_t worker)
{
    unsigned char *first =
        (unsigned char *)(tier_slots_of(s) + INFRA_BALANCER_TIERS_MAX);

    return (struct holding *)(void *)(first + worker * ledger_size(s->ids_max));
}

_Atomic uint64_t *infra__shared_process(struct shared *s, uint32_t worker)
{
    struct holding *end =
        ledger_of(s, worker) + s->ids_max + INFRA_BALANCER_TIERS_MAX;

    return (_Atomic uint64_t *)(void *)end;
}

/* The count that a holding is part of: an id's, or behind those a tier's. */
static _Atomic uint32_t *count_of(struct shared *s, uint32_t index)
{
    return index < s->ids_max ? &slots_of(s)[index].in_flight
                              : &tier_slots_of(s)[index - s->ids_max].in_flight;
}

bool infra__shared_is(const void *memory)
{
    return memory != NULL && (uintptr_t)memory % INFRA__CACHE_LINE == 0 &&
           ((const struct shared *)memory)->magic == MAGIC;
}

size_t infra_balancer_shared_size(uint32_t ids_max, uint32_t workers_max)
{
    if (!CAN_SHARE || ids_max > INFRA_BALANCER_IDS_MAX || workers_max == 0 ||
        workers_max > WORKERS_MAX) {
        return 0;
    }
    return infra__shared_size(ids_max != 0 ? ids_max : IDS_MAX_DEFAULT,
                              workers_max);
}

int infra_balancer_shared_init(void *memory, size_t size, uint32_t ids_max,
                               uint32_t workers_max)
{
    size_t needed = infra_balancer_shared_size(ids_max, workers_max);

    if (memory == NULL || (uintptr_t)memory % INFRA__CACHE_LINE != 0 ||
        needed == 0 || size < needed) {
        return INFRA_EINVAL;
    }
    memset(memory, 0, needed);
    infra__shared_make(memory, ids_max != 0 ? ids_max : IDS_MAX_DEFAULT,
                       workers_max);
    return INFRA_OK;
}

/* Does any worker have this backend, not removed? */
static bool is_wanted(struct shared *s, uint32_t id)
{
    for (uint32_t w = 0; w < s->workers_max; w++) {
        if (atomic_load(&ledger_of(s, w)[id].present) == PRESENT) {
            return true;
        }
    }
    return false;
}

/* Does any worker but @except have a backend or a ticket of this id? */
static bool is_held(struct shared *s, uint32_t id, uint32_t except)
{
    for (uint32_t w = 0; w < s->workers_max; w++) {
        struct holding *h = &ledger_of(s, w)[id];
        if (w != except && (atomic_load(&h->present) != 0 ||
                            atomic_load(&h->in_flight) != 0)) {
            return true;
        }
    }
    return false;
}

static void empty(struct shared *s, uint32_t id)
{
    struct slot *slot = &slots_of(s)[id];

    atomic_store(&slot->in_flight, 0);
    atomic_store(&slot->marks, 0);
    atomic_store(&slot->share, 0);
    atomic_store(&slot->latency, 0);
    atomic_store(&slot->penalty, 0);
    atomic_store(&slot->owner, OWNER_NOBODY);
}

/* Take the slot from @owner if only @worker uses it. */
static bool empty_unheld(struct shared *s, uint32_t id, uint64_t owner,
                         uint32_t worker)
{
    struct slot *slot = &slots_of(s)[id];

    if (is_held(s, id, worker) ||
        !atomic_compare_exchange_strong(&slot->owner, &owner,
                                        (uint64_t)worker + 1)) {
        return false;
    }
    if (is_held(s, id, worker)) { /* Since the first look. */
        atomic_store(&slot->owner, owner);
        return false;
    }
    empty(s, id);
    return true;
}

/* A count less the sum of the ledgers. */
static int32_t excess(struct shared *s, uint32_t index)
{
    uint32_t sum = atomic_load(count_of(s, index));

    for (uint32_t w = 0; w < s->workers_max; w++) {
        sum -= atomic_load(&ledger_of(s, w)[index].in_flight);
    }
    return (int32_t)sum;
}

/* Reclaim what a dead worker left between a count and its ledger. While others
 * pick, the sum changes as it is read; such an excess is left for the next
 * reap. */
static void settle(struct shared *s, uint32_t index)
{
    int32_t first = excess(s, index);

    for (uint32_t i = 1; i < SUMS && first != 0; i++) {
        if (excess(s, index) != first) {
            return;
        }
    }
    atomic_fetch_sub(count_of(s, index), (uint32_t)first);
}

static uint64_t owner_of_key(const char *key)
{
    return infra_xxhash64(key, strlen(key), 0) | OWNER_KEY;
}

int infra__shared_claim(struct infra_balancer *b, uint32_t id, const char *key)
{
    struct shared *s = b->shared;

    if (b->ledger == NULL) {
        return INFRA_OK;
    }
    uint64_t wanted = owner_of_key(key);
    struct slot *slot = &b->slots[id];

    atomic_store(&b->ledger[id].present, PRESENT);
    for (;;) {
        uint64_t owner = atomic_load(&slot->owner);
        if (owner == OWNER_NOBODY) {
            if (atomic_compare_exchange_strong(&slot->owner, &owner, wanted)) {
                return INFRA_OK;
            }
        } else if (owner == wanted) {
            settle(s, id); /* Reclaim what dead workers left. */
            return INFRA_OK;
        } else if (owner < OWNER_KEY ||
                   !empty_unheld(s, id, owner, b->options.worker)) {
            /* Another key's, or being emptied. */
            atomic_store(&b->ledger[id].present, 0);
            return INFRA_EBUSY;
        }
    }
}

int infra__shared_id_of(struct infra_balancer *b, const char *key)
{
    uint64_t wanted = owner_of_key(key);

    for (uint32_t id = 0; id < b->options.ids_max; id++) {
        if (atomic_load(&b->slots[id].owner) == wanted &&
            infra__shared_claim(b, id, key) == INFRA_OK) {
            return (int)id;
        }
    }
    return INFRA_EFULL;
}

bool infra__shared_take(struct infra_balancer *b, uint32_t id, const char *key,
                        bool is_former)
{
    uint64_t owner = atomic_load(&b->slots[id].owner);

    return (owner == OWNER_NOBODY || is_former) &&
           infra__shared_claim(b, id, key) == INFRA_OK;
}

void infra__shared_return(struct infra_balancer *b, uint32_t id)
{
    if (b->ledger != NULL) {
        atomic_store(&b->ledger[id].present, PRESENT);
    }
}

void infra__shared_remove(struct infra_balancer *b, uint32_t id)
{
    if (b->ledger == NULL) {
        return;
    }
    atomic_store(&b->ledger[id].present, REMOVED);
    if (!is_wanted(b->shared, id)) {
        atomic_store(&b->slots[id].marks, 0);
        atomic_store(&b->slots[id].penalty, 0);
        atomic_fetch_add(&b->shared->marks_changes, 1);
    }
}

void infra__shared_leave(struct infra_balancer *b, uint32_t id)
{
    if (b->ledger != NULL) { /* The next claim empties the slot. */
        atomic_store(&b->ledger[id].present, 0);
    }
}

void infra__shared_reap(struct shared *s, uint32_t worker)
{
    struct holding *ledger = ledger_of(s, worker);

    for (uint32_t i = 0; i < s->ids_max + INFRA_BALANCER_TIERS_MAX; i++) {
        uint32_t held = atomic_exchange(&ledger[i].in_flight, 0);
        atomic_fetch_sub(count_of(s, i), held);
        atomic_store(&ledger[i].present, 0);
        if (i < s->ids_max &&
            atomic_load(&slots_of(s)[i].owner) == (uint64_t)worker + 1) {
            empty(s, i); /* It died while emptying. */
        }
        settle(s, i);
    }
    uint32_t naming = worker + 1;
    (void)atomic_compare_exchange_strong(&s->naming, &naming, 0);
}

int infra_balancer_shared_reap(void *memory, uint32_t worker)
{
    struct shared *s = memory;

    if (!infra__shared_is(memory) || worker >= s->workers_max) {
        return INFRA_EINVAL;
    }
    infra__shared_reap(s, worker);
    atomic_store(infra__shared_process(s, worker), 0);
    return INFRA_OK;
}

int infra__shared_open(struct infra_balancer *b)
{
    void *memory = b->options.shared;
    struct shared *s = memory;

    if (memory == NULL) {
        s = infra__alloc_lines(&b->allocator,
                               infra__shared_size(b->options.ids_max, 0));
        if (s == NULL) {
            return INFRA_ENOMEM;
        }
        infra__shared_make(s, b->options.ids_max, 0);
    } else if (!infra__shared_is(memory) || s->ids_max != b->options.ids_max ||
               b->options.worker >= s->workers_max) {
        return INFRA_EINVAL;
    } else {
        b->own_base = infra__alloc(&b->allocator, b->options.ids_max,
                                   sizeof *b->own_base);
        if (b->own_base == NULL) {
            return INFRA_ENOMEM;
        }
        infra__shared_reap(s, b->options.worker); /* Its predecessor is dead. */
        b->ledger = ledger_of(s, b->options.worker);
    }
    b->shared = s;
    b->slots = slots_of(s);
    b->tier_slots = tier_slots_of(s);
    return INFRA_OK;
}

void infra__shared_close(struct infra_balancer *b)
{
    if (b->ledger != NULL) {
        infra__shared_reap(b->shared, b->options.worker);
        atomic_store(infra__shared_process(b->shared, b->options.worker), 0);
    }
    infra__free(&b->allocator, b->own_base, b->options.ids_max,
                sizeof *b->own_base);
    if (b->options.shared == NULL) {
        infra__free_lines(&b->allocator, b->shared,
                          infra__shared_size(b->options.ids_max, 0));
    }
}
