/* SPDX-License-Identifier: MIT */
#include "sim_events.h"

#include <stdlib.h>

static int is_before(const struct sim_event *a, const struct sim_event *b)
{
    return a->at != b->at ? a->at < b->at : a->order < b->order;
}

int sim_events_add(struct sim_events *events, struct sim_event event)
{
    if (events->count == events->size) {
        size_t size = events->size > 0 ? 2 * events->size : 64;
        struct sim_event *heap =
            realloc(events->heap, size * sizeof events->heap[0]);
        if (heap == NULL) {
            return 0;
        }
        events->heap = heap;
        events->size = size;
    }
    event.order = events->added++;
    size_t i = events->count++;
    while (i > 0 && is_before(&event, &events->heap[(i - 1) / 2])) {
        events->heap[i] = events->heap[(i - 1) / 2];
        i = (i - 1) / 2;
    }
    events->heap[i] = event;
    return 1;
}

struct sim_event sim_events_take(struct sim_events *events)
{
    struct sim_event *heap = events->heap;
    struct sim_event first = heap[0];
    struct sim_event last = heap[--events->count];
    size_t i = 0;

    for (;;) {
        size_t child = 2 * i + 1;
        if (child >= events->count) {
            break;
        }
        if (child + 1 < events->count &&
            is_before(&heap[child + 1], &heap[child])) {
            child++;
        }
        if (!is_before(&heap[child], &last)) {
            break;
        }
        heap[i] = heap[child];
        i = child;
    }
    heap[i] = last;
    return first;
}
