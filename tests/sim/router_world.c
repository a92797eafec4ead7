/* SPDX-License-Identifier: MIT */
#include "router_sim.h"

#include "base/random.h"

#include <stdio.h>

uint64_t router_below(struct router_world *w, uint64_t n)
{
    return infra__random(&w->random) % n;
}

bool router_chance(struct router_world *w, uint32_t per_100)
{
    return router_below(w, 100) < per_100;
}

/* Of a message between two hosts. */
infra_time router_delay(struct router_world *w)
{
    return router_chance(w, 5) ? router_below(w, INFRA_MS(300))
                               : INFRA_MS(1) + router_below(w, INFRA_MS(5));
}

void router_violate(struct router_world *w, const char *what)
{
    if (w->result.violation == NULL) {
        w->result.violation = what;
        w->result.at = w->now;
    }
}

void router_trace(struct router_world *w, const char *what, uint32_t who,
                  uint64_t a, uint64_t b)
{
    w->result.trace = (w->result.trace ^ w->now ^ a << 40 ^ b << 20 ^ who ^
                       (uint64_t)what[0] << 8 ^ (uint64_t)what[1]) *
                      0x100000001b3u;
    if (w->is_verbose) {
        printf("%10.6f  %-16s %u  %llu %llu\n", (double)w->now / 1e9, what, who,
               (unsigned long long)a, (unsigned long long)b);
    }
}

/* A heap by time, and by order among equals. */
static bool is_before(const struct router_event *a,
                      const struct router_event *b)
{
    return a->at != b->at ? a->at < b->at : a->order < b->order;
}

uint64_t router_push(struct router_world *w, struct router_event e)
{
    if (w->queue_count == ROUTER_QUEUE_MAX) {
        router_violate(w, "the queue overflows");
        return 0;
    }
    e.order = ++w->orders;
    uint32_t i = w->queue_count++;
    while (i > 0 && is_before(&e, &w->queue[(i - 1) / 2])) {
        w->queue[i] = w->queue[(i - 1) / 2];
        i = (i - 1) / 2;
    }
    w->queue[i] = e;
    return e.order;
}

struct router_event router_pop(struct router_world *w)
{
    struct router_event top = w->queue[0];
    struct router_event last = w->queue[--w->queue_count];
    uint32_t i = 0;

    for (;;) {
        uint32_t child = 2 * i + 1;
        if (child >= w->queue_count) {
            break;
        }
        if (child + 1 < w->queue_count &&
            is_before(&w->queue[child + 1], &w->queue[child])) {
            child++;
        }
        if (!is_before(&w->queue[child], &last)) {
            break;
        }
        w->queue[i] = w->queue[child];
        i = child;
    }
    w->queue[i] = last;
    return top;
}
