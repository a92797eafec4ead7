/* SPDX-License-Identifier: MIT */
/* Events in the order of time, by a binary heap: O(log n). Events of the same
 * time come in the order in which they were added. */
#ifndef BENCH_SIM_EVENTS_H
#define BENCH_SIM_EVENTS_H

#include <infra/base.h>

enum sim_event_kind {
    SIM_EVENT_SERVED,   /* A worker is done with a request. */
    SIM_EVENT_ANSWERED, /* An answer without service: `outcome`. */
    SIM_EVENT_RESET, /* A connection breaks off; its request may be served. */
    SIM_EVENT_BEGIN, /* Of a fault. */
    SIM_EVENT_END,
    SIM_EVENT_ASKED,  /* A probe reaches its server ... */
    SIM_EVENT_PROBED, /* ... and the answer its balancer. */
    SIM_EVENT_DOWN,   /* The balancers learn that a fault began ... */
    SIM_EVENT_UP,     /* ... and that it ended. */
};

struct sim_event {
    infra_time at;
    uint64_t order;
    enum sim_event_kind kind;
    uint32_t index; /* Of a request, of a probe or of a fault. */
    enum infra_outcome outcome;
    uint32_t reserved;
};

struct sim_events {
    struct sim_event *heap;
    size_t count;
    size_t size;
    uint64_t added;
};

/* 0: no memory. The order is filled in. */
int sim_events_add(struct sim_events *events, struct sim_event event);

/* The first. There must be one. */
struct sim_event sim_events_take(struct sim_events *events);

static inline infra_time sim_events_next(const struct sim_events *events)
{
    return events->count > 0 ? events->heap[0].at : INFRA_TIME_NEVER;
}

#endif
