/* SPDX-License-Identifier: MIT */
#include "sim_world.h"

#include "base/random.h"

#include <stdio.h>

#define FOREVER INFRA_SEC(1000000)

uint64_t sim_draw(struct sim_world *w)
{
    return infra__random(&w->random);
}

uint64_t sim_below(struct sim_world *w, uint64_t n)
{
    return sim_draw(w) % n;
}

bool sim_chance(struct sim_world *w, uint32_t per_10000)
{
    return sim_below(w, 10000) < per_10000;
}

void sim_violate(struct sim_world *w, const char *what)
{
    if (w->result.violation == NULL) {
        w->result.violation = what;
        w->result.at = w->now;
    }
}

void sim_trace(struct sim_world *w, const char *what, uint32_t node, uint64_t a,
               uint64_t b)
{
    w->result.trace = (w->result.trace ^ w->now ^ a << 40 ^ b << 20 ^ node ^
                       (uint64_t)what[0] << 8 ^ (uint64_t)what[1]) *
                      0x100000001b3u;
    if (w->options->verbose) {
        printf("%10.6f  node %u  %-10s %llu %llu\n", (double)w->now / 1e9, node,
               what, (unsigned long long)a, (unsigned long long)b);
    }
}

/* A heap by time, and by order among equals. */
static bool is_before(const struct sim_step *a, const struct sim_step *b)
{
    return a->at != b->at ? a->at < b->at : a->order < b->order;
}

uint64_t sim_push(struct sim_world *w, struct sim_step s)
{
    if (w->queue_count == SIM_QUEUE_MAX) {
        sim_violate(w, "the queue overflows");
        return 0;
    }
    s.order = ++w->orders;
    uint32_t i = w->queue_count++;
    while (i > 0 && is_before(&s, &w->queue[(i - 1) / 2])) {
        w->queue[i] = w->queue[(i - 1) / 2];
        i = (i - 1) / 2;
    }
    w->queue[i] = s;
    return s.order;
}

struct sim_step sim_pop(struct sim_world *w)
{
    struct sim_step top = w->queue[0];
    struct sim_step last = w->queue[--w->queue_count];
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

/* Clocks. */
infra_time sim_scale(infra_time t, int32_t ppm)
{
    return (infra_time)((int64_t)t + (int64_t)(t / 1000) * ppm / 1000);
}

infra_time sim_local(const struct sim_world *w, const struct sim_node *n)
{
    return n->clock_base + sim_scale(w->now - n->world_base, n->ppm);
}

infra_time sim_store_now(const struct sim_world *w)
{
    return INFRA_SEC(5) + sim_scale(w->now, w->store_ppm);
}

/* When the node's clock will show @at. */
infra_time sim_world_at(const struct sim_world *w, const struct sim_node *n,
                        infra_time at)
{
    infra_time here = sim_local(w, n);

    return at <= here ? w->now
           : at - here > FOREVER
               ? w->now + FOREVER
               : w->now + sim_scale(at - here, -n->ppm) + 1000;
}

bool sim_has_faults(const struct sim_world *w)
{
    return w->options->mode != SIM_LIVENESS || w->now < SIM_END_OF_FAULTS;
}

/* The time that a message takes; 0: it is lost. */
infra_time sim_delay(struct sim_world *w)
{
    if (!sim_has_faults(w)) {
        return INFRA_MS(1) + sim_below(w, INFRA_MS(5));
    }
    if (sim_chance(w, 300)) {
        return 0;
    }
    return sim_chance(w, 900) ? INFRA_MS(50) + sim_below(w, INFRA_SEC(4))
                              : INFRA_MS(1) + sim_below(w, INFRA_MS(10));
}

bool sim_is_open(const struct sim_world *w, const struct sim_node *n,
                 uint64_t *ret_token)
{
    return n->is_alive &&
           infra_gate_is_open(&n->gate, sim_local(w, n), ret_token);
}

/* What has to hold at every moment. */
void sim_look_at_gates(struct sim_world *w)
{
    uint32_t open = 0;

    for (uint32_t i = 0; i < w->options->nodes; i++) {
        struct sim_node *n = &w->nodes[i];
        uint64_t token = 0;
        if (!sim_is_open(w, n, &token)) {
            continue;
        }
        open++;
        uint32_t slot = (uint32_t)(token % SIM_OWNERS);
        if (w->owner_token[slot] == token && w->owner_node[slot] != i &&
            w->options->mode != SIM_REGRESSED) {
            sim_violate(w, "two nodes have one token");
        }
        infra_time idle =
            n->stalled_since > n->activated ? n->stalled_since : n->activated;
        if (n->stalled_since != 0 && w->config.attest_age_max != 0 &&
            w->now > idle + w->config.attest_age_max + 2 * w->config.ttl) {
            sim_violate(w, "active without progress");
        }
    }
    if (open > 1 && w->options->mode != SIM_REGRESSED) {
        sim_violate(w, "two gates are open");
    }
}
