/* SPDX-License-Identifier: MIT */
#include "sim_world.h"

#include <stdlib.h>

#define END_OF_TIME INFRA_SEC(120)

static void at_store(struct sim_world *w, const struct sim_step *s)
{
    struct sim_node *n = &w->nodes[s->node];
    struct sim_step reply = { .kind = STEP_REPLY,
                              .node = s->node,
                              .boot = s->boot };
    infra_time now = sim_store_now(w);

    if (w->now < w->outage_until) {
        return;
    }
    uint32_t before = w->store.holder;
    infra_time expires = w->store.expires;
    sim_store_expire(&w->store, now);
    if (before != 0 && w->store.holder == 0) {
        w->lapsed_at = w->now - (now - expires);
        w->is_owed |= w->store.token == w->active_token;
    }
    /* By the token: a store that was restored may have granted it another one
     * since, by an ACQUIRE of before. */
    uint64_t token = 0;
    if (s->request.op == INFRA_LEASE_OP_RELEASE && n->boot == s->boot &&
        w->store.holder == s->node + 1 && w->store.token == s->request.token &&
        sim_is_open(w, n, &token) && token == s->request.token) {
        sim_violate(w, "released while it is active");
    }
    reply.answer = sim_store_do(&w->store, &s->request, now);
    reply.request = s->request;
    reply.number = s->request.call;
    if (s->request.op == INFRA_LEASE_OP_ACQUIRE &&
        reply.answer.outcome == INFRA_LEASE_OUTCOME_GRANTED) {
        uint32_t slot = (uint32_t)(reply.answer.token % SIM_OWNERS);
        w->owner_token[slot] = reply.answer.token;
        w->owner_node[slot] = s->node;
        w->was_clean[slot] = w->store.is_clean;
    }
    if (reply.answer.outcome == INFRA_LEASE_OUTCOME_GRANTED &&
        w->store.holder != 0) {
        sim_push(w, (struct sim_step) {
                        .at = w->now +
                              sim_scale(w->store.expires - now, -w->store_ppm) +
                              INFRA_MS(1),
                        .kind = STEP_WATCH });
    }
    for (uint32_t c = sim_has_faults(w) && sim_chance(w, 100) ? 2 : 1; c > 0;
         c--) {
        infra_time d = sim_delay(w);
        reply.at = w->now + d;
        if (d != 0) {
            sim_push(w, reply);
        }
    }
}

/* Deliver one step to its node, or put it off while that stands still. */
static void deliver(struct sim_world *w, struct sim_step *s)
{
    struct sim_node *n = &w->nodes[s->node];

    if (s->boot != n->boot) {
        return; /* Of a former life. */
    }
    if (!n->is_alive) {
        sim_start_node(w, s->node);
        return;
    }
    if (w->now < n->paused_until) {
        s->at = n->paused_until;
        s->request.op |= 0x100; /* It was held up. */
        uint64_t order = sim_push(w, *s);
        n->wake = s->kind == STEP_WAKE && s->order == n->wake ? order : n->wake;
        return;
    }
    bool was_held_up = (s->request.op & 0x100) != 0;
    s->request.op &= 0xff;
    switch (s->kind) {
    case STEP_WAKE:
        if (s->order != n->wake) {
            return;
        }
        break;
    case STEP_REPLY:
        if (w->now < n->deaf_until) {
            return;
        }
        sim_on_reply(w, s);
        break;
    case STEP_WORK:
        sim_work(w, s);
        return;
    case STEP_EFFECT:
        sim_effect(w, s, was_held_up);
        return;
    case STEP_FENCED:
        sim_fenced(w, s);
        break;
    default:
        (void)infra_failover_drained(n->machine, sim_local(w, n));
        break;
    }
    sim_look_at_gates(w);
    sim_turn(w, s->node);
}

/* The watch: a node that hears it looks at once. */
static void watch(struct sim_world *w)
{
    if (w->now < w->outage_until || sim_store_now(w) < w->store.expires) {
        return;
    }
    for (uint32_t i = 0; i < w->options->nodes; i++) {
        struct sim_node *n = &w->nodes[i];
        if (n->is_alive && w->now >= n->paused_until &&
            w->now >= n->deaf_until) {
            (void)infra_failover_hint(n->machine, sim_local(w, n));
            sim_turn(w, i);
        }
    }
}

static int32_t draw_drift(struct sim_world *w, bool is_tight)
{
    return is_tight ? sim_chance(w, 5000) ? 9500 : -9500
                    : (int32_t)sim_below(w, 19001) - 9500;
}

static void configure(struct sim_world *w)
{
    static const infra_time ttls[] = { INFRA_SEC(2), INFRA_SEC(3),
                                       INFRA_SEC(10) };
    static const infra_time smalls[] = { INFRA_MS(1), INFRA_MS(60),
                                         INFRA_MS(400) };
    static const infra_time graces[] = { INFRA_MS(1), INFRA_MS(400),
                                         INFRA_MS(1500) };
    struct infra_failover_options *c = &w->config;

    c->size = sizeof *c;
    c->group = "sim";
    c->ttl = ttls[sim_below(w, 3)];
    c->guard = smalls[sim_below(w, 2) + (c->ttl > INFRA_SEC(2))];
    c->guard =
        c->ttl > INFRA_SEC(3) && sim_chance(w, 5000) ? INFRA_MS(1) : c->guard;
    c->grace = graces[sim_below(w, 3)];
    c->drain_timeout = sim_chance(w, 5000) ? c->ttl / 10 : 0;
    c->attest_age_max = sim_chance(w, 5000) ? INFRA_MS(800) : 0;
    /* No more room than what is told apart: clocks as bad as they may be. */
    bool is_tight = sim_chance(w, 5000);
    if (is_tight) {
        c->guard = c->grace = INFRA_MS(1);
    }
    c->hold_down = INFRA_SEC(1);
    c->preempt = sim_chance(w, 3000);
    c->fence_policy = sim_chance(w, 3000)   ? INFRA_FAILOVER_FENCE_REQUIRE
                      : sim_chance(w, 3000) ? INFRA_FAILOVER_FENCE_TRY
                                            : INFRA_FAILOVER_FENCE_WAIT;
    w->store.is_clean = true;
    w->store_ppm = draw_drift(w, is_tight);
    for (uint32_t i = 0; i < w->options->nodes; i++) {
        w->nodes[i].ppm = draw_drift(w, is_tight);
        sim_start_node(w, i);
    }
}

/* All is well again: no more faults, and no node is held down. */
static void heal(struct sim_world *w)
{
    w->outage_until = 0;
    for (uint32_t i = 0; i < w->options->nodes; i++) {
        struct sim_node *n = &w->nodes[i];
        n->paused_until = n->mute_until = n->deaf_until = 0;
        n->stalled_since = 0;
        n->is_unfit = false;
        w->config.fence_policy = INFRA_FAILOVER_FENCE_WAIT;
        if (n->is_alive) {
            (void)infra_failover_fit(n->machine, 1, sim_local(w, n));
            (void)infra_failover_command(
                n->machine, INFRA_FAILOVER_COMMAND_RESUME, sim_local(w, n));
            sim_turn(w, i);
        }
    }
}

static uint32_t count_open(const struct sim_world *w)
{
    uint32_t open = 0;

    for (uint32_t i = 0; i < w->options->nodes; i++) {
        open += sim_is_open(w, &w->nodes[i], NULL);
    }
    return open;
}

struct sim_result sim_run(const struct sim_options *options)
{
    struct sim_world *w = calloc(1, sizeof *w);
    bool healed = false;

    if (w == NULL) {
        abort();
    }
    w->options = options;
    w->random = options->seed;
    configure(w);
    sim_push(w, (struct sim_step) { .at = INFRA_SEC(3), .kind = STEP_FAULT });
    while (w->queue_count > 0 && w->result.violation == NULL &&
           w->queue[0].at < END_OF_TIME) {
        struct sim_step s = sim_pop(w);
        w->now = s.at > w->now ? s.at : w->now;
        w->result.steps++;
        if (!healed && !sim_has_faults(w)) {
            healed = true;
            heal(w);
        }
        if (s.kind == STEP_FAULT) {
            sim_fault(w);
        } else if (s.kind == STEP_WATCH) {
            watch(w);
        } else if (s.kind == STEP_REQUEST) {
            at_store(w, &s);
        } else {
            deliver(w, &s);
        }
        sim_look_at_gates(w);
    }
    if (options->mode == SIM_LIVENESS && w->result.violation == NULL &&
        count_open(w) != 1) {
        sim_violate(w, "nobody is active though all is well");
    }
    for (uint32_t i = 0; i < options->nodes; i++) {
        infra_failover_destroy(w->nodes[i].machine);
    }
    struct sim_result result = w->result;
    free(w);
    return result;
}
