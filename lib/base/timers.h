/* SPDX-License-Identifier: MIT */
/* Deadlines for a fixed number of indexes: a binary heap with the position of
 * each index (Sedgewick & Wayne, indexed priority queue). The earliest is O(1),
 * a change O(log n). Equal times are in order of index. */
#ifndef INFRA_BASE_TIMERS_H
#define INFRA_BASE_TIMERS_H

#include "internal.h"

struct infra__timers {
    infra_time *due;    /* By index; INFRA_TIME_NEVER: not in the heap. */
    uint32_t *heap;     /* Indexes, the earliest first. */
    uint32_t *position; /* By index: the place in the heap. */
    uint32_t count;
    uint32_t capacity;
};

/* INFRA_ENOMEM leaves the struct zero, which finish() takes. */
int infra__timers_init(struct infra__timers *t, uint32_t capacity,
                       const struct infra_allocator *a);
void infra__timers_finish(struct infra__timers *t,
                          const struct infra_allocator *a);

/* INFRA_TIME_NEVER removes the index. */
void infra__timers_set(struct infra__timers *t, uint32_t index, infra_time due);

/* The earliest time, of index t->heap[0]; INFRA_TIME_NEVER: empty. */
static inline infra_time infra__timers_first(const struct infra__timers *t)
{
    return t->count == 0 ? INFRA_TIME_NEVER : t->due[t->heap[0]];
}

#endif
