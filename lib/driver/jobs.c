/* SPDX-License-Identifier: MIT */
/* The driver's table of jobs. From attach to detach a job has a slot, which is
 * also its index among the timers. Full tables double, on the control path
 * only; free slots form a list. Find, attach and release are O(1), growth
 * aside. */
#include "internal.h"

#include <assert.h>

#define SLOTS_FIRST 16u

static int grow(struct infra_driver *d)
{
    uint32_t old = d->timers.capacity;
    uint32_t capacity = old == 0 ? SLOTS_FIRST : 2 * old;
    struct infra__timers timers;
    struct infra__slot *slots =
        infra__alloc(&d->allocator, capacity, sizeof *slots);

    if (slots == NULL) {
        return INFRA_ENOMEM;
    }
    if (infra__timers_init(&timers, capacity, &d->allocator) != INFRA_OK) {
        infra__free(&d->allocator, slots, capacity, sizeof *slots);
        return INFRA_ENOMEM;
    }
    for (uint32_t i = 0; i < old; i++) {
        slots[i] = d->slots[i];
        infra__timers_set(&timers, i, d->timers.due[i]);
    }
    for (uint32_t i = old; i < capacity; i++) {
        slots[i].next_free = i + 1;
    }
    infra__free(&d->allocator, d->slots, old, sizeof *slots);
    infra__timers_finish(&d->timers, &d->allocator);
    d->slots = slots;
    d->timers = timers;
    d->free_slot = old;
    return INFRA_OK;
}

int infra__job_attach(struct infra_driver *driver, struct infra__job *job)
{
    if (driver->free_slot == driver->timers.capacity) {
        int err = grow(driver);
        if (err != INFRA_OK) {
            return err;
        }
    }
    struct infra__slot *slot = &driver->slots[driver->free_slot];
    assert(slot->job == NULL);
    job->driver = driver;
    job->slot = driver->free_slot;
    driver->free_slot = slot->next_free;
    slot->job = job;
    return INFRA_OK;
}

void infra__slot_release(struct infra_driver *driver, uint32_t slot)
{
    driver->slots[slot].job = NULL;
    driver->slots[slot].next_free = driver->free_slot;
    driver->free_slot = slot;
}

uint64_t infra__job_epoll_data(const struct infra__job *job)
{
    uint64_t generation = job->driver->slots[job->slot].generation;

    return generation << 32 | job->slot;
}

struct infra__job *infra__job_find(const struct infra_driver *driver,
                                   uint64_t data)
{
    uint32_t slot = (uint32_t)data;

    if (slot >= driver->timers.capacity ||
        driver->slots[slot].generation != data >> 32) {
        return NULL;
    }
    return driver->slots[slot].job;
}
