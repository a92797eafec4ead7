/* SPDX-License-Identifier: MIT */
#include "timers.h"

#include <assert.h>
#include <stdbool.h>

int infra__timers_init(struct infra__timers *t, uint32_t capacity,
                       const struct infra_allocator *a)
{
    *t = (struct infra__timers) { .capacity = capacity };
    t->due = infra__alloc(a, capacity, sizeof *t->due);
    t->heap = infra__alloc(a, capacity, sizeof *t->heap);
    t->position = infra__alloc(a, capacity, sizeof *t->position);
    if (t->due == NULL || t->heap == NULL || t->position == NULL) {
        infra__timers_finish(t, a);
        return INFRA_ENOMEM;
    }
    for (uint32_t i = 0; i < capacity; i++) {
        t->due[i] = INFRA_TIME_NEVER;
    }
    return INFRA_OK;
}

void infra__timers_finish(struct infra__timers *t,
                          const struct infra_allocator *a)
{
    infra__free(a, t->due, t->capacity, sizeof *t->due);
    infra__free(a, t->heap, t->capacity, sizeof *t->heap);
    infra__free(a, t->position, t->capacity, sizeof *t->position);
    *t = (struct infra__timers) { 0 };
}

static bool before(const struct infra__timers *t, uint32_t a, uint32_t b)
{
    return t->due[a] < t->due[b] || (t->due[a] == t->due[b] && a < b);
}

static void put(struct infra__timers *t, uint32_t place, uint32_t index)
{
    t->heap[place] = index;
    t->position[index] = place;
}

static void move_up(struct infra__timers *t, uint32_t place)
{
    uint32_t index = t->heap[place];

    while (place > 0) {
        uint32_t parent = (place - 1) / 2;
        if (!before(t, index, t->heap[parent])) {
            break;
        }
        put(t, place, t->heap[parent]);
        place = parent;
    }
    put(t, place, index);
}

static void move_down(struct infra__timers *t, uint32_t place)
{
    uint32_t index = t->heap[place];

    for (;;) {
        uint32_t child = 2 * place + 1;
        if (child >= t->count) {
            break;
        }
        if (child + 1 < t->count &&
            before(t, t->heap[child + 1], t->heap[child])) {
            child++;
        }
        if (!before(t, t->heap[child], index)) {
            break;
        }
        put(t, place, t->heap[child]);
        place = child;
    }
    put(t, place, index);
}

void infra__timers_set(struct infra__timers *t, uint32_t index, infra_time due)
{
    assert(index < t->capacity);
    bool in = t->due[index] != INFRA_TIME_NEVER;

    t->due[index] = due;
    if (!in && due != INFRA_TIME_NEVER) {
        put(t, t->count, index);
        move_up(t, t->count++);
    } else if (in && due == INFRA_TIME_NEVER) {
        uint32_t place = t->position[index];
        uint32_t last = t->heap[--t->count];
        if (last != index) {
            put(t, place, last);
            move_up(t, place);
            move_down(t, t->position[last]);
        }
    } else if (in) {
        move_up(t, t->position[index]);
        move_down(t, t->position[index]);
    }
}
