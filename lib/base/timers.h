/* SPDX-License-Identifier: MIT */
/* Deadlines of a fixed number of things, each known by its index: a binary heap
 * that knows where each index stands (Sedgewick & Wayne, indexed priority
 * queue). The earliest is O(1), a change O(log n). Equal times come in order of
 * index. */
#ifndef INFRA_BASE_TIMERS_H
#define INFRA_BASE_TIMERS_H

#include "internal.h"

struct infra__timers {
    infra_time *due;    /* By index; INFRA_TIME_NEVER: not in the heap. */
    uint32_t *heap;     /* Indexes, the earliest first. */
    uint32_t *position; /* By index: its place in the heap. */
    uint32_t count;
    uint32_t capacity;
};

/* INFRA_ENOMEM leaves the struct zero, which finish() takes. */
int infra__timers_init(struct infra__timers *t, uint32_t capacity,
                       const struct infra_allocator *a);
void infra__timers_finish(struct infra__timers *t,
                          const struct infra_allocator *a);

/* INFRA_TIME_NEVER takes it out. */
void infra__timers_set(struct infra__timers *t, uint32_t index, infra_time due);

/* The earliest time, INFRA_TIME_NEVER when empty; its index is t->heap[0]. */
static inline infra_time infra__timers_first(const struct infra__timers *t)
{
    return t->count == 0 ? INFRA_TIME_NEVER : t->due[t->heap[0]];
}

#endif
