/* SPDX-License-Identifier: MIT */
/* A node: what a host does with the machine's events, and what its workers
 * do. */
#include "sim_world.h"

#include <stdlib.h>
#include <string.h>

void sim_start_node(struct sim_world *w, uint32_t i)
{
    struct sim_node *n = &w->nodes[i];
    struct infra_failover_options o = w->config;
    char name[2] = { (char)('a' + i), 0 };

    o.node = name;
    o.gate = &n->gate;
    o.incarnation = sim_draw(w) | 1;
    o.token_floor = n->disk_floor;
    o.preference = i;
    memset(&n->gate, 0, sizeof n->gate);
    if (infra_failover_create(&n->machine, &o) != INFRA_OK) {
        abort();
    }
    n->boot++;
    n->is_alive = true;
    n->is_unfit = false;
    n->serving = 0;
    n->is_draining = false;
    n->stalled_since = 0;
    n->paused_until = 0;
    n->clock_base = INFRA_SEC(1000) + sim_below(w, INFRA_SEC(1000));
    n->world_base = w->now;
    n->wake = sim_push(
        w, (struct sim_step) { .at = w->now + sim_below(w, INFRA_MS(100)),
                               .kind = STEP_WAKE,
                               .node = i,
                               .boot = n->boot });
    sim_push(w, (struct sim_step) { .at = w->now + INFRA_MS(20),
                                    .kind = STEP_WORK,
                                    .node = i,
                                    .boot = n->boot });
}

void sim_kill_node(struct sim_world *w, uint32_t i, infra_time back_after)
{
    struct sim_node *n = &w->nodes[i];
    struct infra_failover_status s = { .size = sizeof s };

    (void)infra_failover_inspect(n->machine, &s);
    bool remembers = sim_chance(w, 8000);
    n->disk_floor = remembers ? s.token_floor : 0;
    n->served_token = remembers ? n->served_token : 0;
    if (sim_is_open(w, n, NULL)) {
        w->died_at = w->now;
    }
    infra_failover_destroy(n->machine);
    n->machine = NULL;
    n->is_alive = false;
    n->boot++;
    sim_trace(w, "dies", i, 0, 0);
    sim_push(w, (struct sim_step) { .at = w->now + back_after,
                                    .kind = STEP_WAKE,
                                    .node = i,
                                    .boot = n->boot });
}

static void on_activate(struct sim_world *w, uint32_t i,
                        const struct infra_failover_event *e)
{
    struct sim_node *n = &w->nodes[i];
    uint32_t slot = (uint32_t)(e->token % SIM_OWNERS);
    bool clean = w->was_clean[slot];

    w->result.activations++;
    if (w->died_at != 0) {
        infra_time took = w->now - w->died_at;
        w->result.takeovers_count++;
        w->result.takeover_max =
            took > w->result.takeover_max ? took : w->result.takeover_max;
        w->died_at = 0;
    }
    if (sim_local(w, n) >= e->valid_until) {
        sim_violate(w, "activated after its end");
    }
    if (e->token <= n->served_token) {
        sim_violate(w, "activated under an old token");
    }
    n->served_token = e->token;
    if (n->is_unfit) {
        sim_violate(w, "activated though it is not fit");
    }
    if (!clean && w->options->mode != SIM_REGRESSED &&
        w->now < w->lapsed_at + w->config.grace / 10 * 9) {
        sim_violate(w, "activated without grace");
    }
    if (!clean && w->config.fence_policy == INFRA_FAILOVER_FENCE_REQUIRE &&
        n->fenced_token != e->token) {
        sim_violate(w, "activated without a fence");
    }
    /* Whatever the store says of it: a release in between proves nothing. */
    if (w->is_owed && w->options->mode != SIM_REGRESSED) {
        if (w->config.fence_policy == INFRA_FAILOVER_FENCE_REQUIRE) {
            sim_violate(w, "activated, and who was active was never fenced");
        } else if (w->now < w->lapsed_at + w->config.grace / 10 * 9) {
            sim_violate(w, "activated within the grace of who was active");
        }
    }
    w->is_owed = false;
    w->active_token = e->token;
    n->serving = e->token;
    n->activated = w->now;
}

static void send(struct sim_world *w, uint32_t i,
                 const struct infra_failover_event *e)
{
    struct sim_node *n = &w->nodes[i];
    struct sim_step s = { .kind = STEP_REQUEST, .node = i, .boot = n->boot };
    uint32_t copies = sim_has_faults(w) && sim_chance(w, 100) ? 2 : 1;

    s.request =
        (struct sim_request) { .call = e->call.id,
                               .incarnation = (uint64_t)n->boot << 8 | i,
                               .token = e->call.token,
                               .handover_request = e->call.handover_request,
                               .ttl = w->config.ttl,
                               .node = i,
                               .op = e->call.op };
    for (uint32_t c = 0; c < copies; c++) {
        infra_time d = sim_delay(w);
        s.at = w->now + d;
        if (d != 0 && w->now >= n->mute_until) {
            sim_push(w, s);
        }
    }
}

/* One event of the machine, as its host takes it. */
static void handle(struct sim_world *w, uint32_t i,
                   const struct infra_failover_event *e)
{
    struct sim_node *n = &w->nodes[i];
    struct sim_step s = { .node = i, .boot = n->boot, .number = e->call.id };

    sim_trace(w,
              e->kind == INFRA_FAILOVER_EVENT_CALL
                  ? infra_lease_op_name(e->call.op)
              : e->kind == INFRA_FAILOVER_EVENT_ROLE
                  ? infra_failover_role_name(e->role)
              : e->kind == INFRA_FAILOVER_EVENT_ACTIVATE ? "ACTIVATE"
              : e->kind == INFRA_FAILOVER_EVENT_DRAIN    ? "DRAIN"
              : e->kind == INFRA_FAILOVER_EVENT_FENCE    ? "FENCE"
                                                         : "STOP",
              i, e->token, e->reason);
    switch (e->kind) {
    case INFRA_FAILOVER_EVENT_CALL:
        send(w, i, e);
        break;
    case INFRA_FAILOVER_EVENT_FENCE:
        s.kind = STEP_FENCED;
        s.at = w->now + sim_below(w, INFRA_SEC(2));
        s.request.token = e->token;
        sim_push(w, s);
        break;
    case INFRA_FAILOVER_EVENT_ACTIVATE:
        on_activate(w, i, e);
        break;
    case INFRA_FAILOVER_EVENT_DRAIN:
        n->is_draining = true;
        s.kind = STEP_DRAINED; /* When all that it began is done. */
        s.at = w->now + w->config.guard + sim_below(w, INFRA_SEC(1));
        if (sim_chance(w, 8000)) {
            sim_push(w, s);
        }
        break;
    case INFRA_FAILOVER_EVENT_DEACTIVATE:
        n->serving = 0;
        n->is_draining = false;
        break;
    default:
        /* While it waits is when a clock that jumps on does most harm. */
        if (e->role == INFRA_FAILOVER_ROLE_GRACE && sim_has_faults(w) &&
            sim_chance(w, 1000)) {
            sim_step_clock(w, i, false);
        }
        break;
    }
}

/* The host's turn: take what there is, and sleep until the deadline. Anywhere
 * in it the process may be stopped. */
void sim_turn(struct sim_world *w, uint32_t i)
{
    struct sim_node *n = &w->nodes[i];
    struct infra_failover_event e;
    struct infra_failover_status s = { .size = sizeof s };
    infra_time at;

    for (;;) {
        if (sim_has_faults(w) && sim_chance(w, 10)) {
            n->paused_until =
                w->now + INFRA_MS(100) + sim_below(w, INFRA_SEC(15));
            sim_trace(w, "stands", i, n->paused_until, 0);
        }
        if (w->now < n->paused_until) {
            at = n->paused_until;
            break;
        }
        if (infra_failover_next(n->machine, sim_local(w, n), &e) != INFRA_OK) {
            infra_time due = infra_failover_deadline(n->machine);
            (void)infra_failover_inspect(n->machine, &s);
            if (due <= sim_local(w, n)) {
                sim_violate(w, "nothing to do, and called again at once");
            }
            if (n->serving != 0 && sim_local(w, n) >= s.valid_until) {
                sim_violate(w, "it goes on after its end");
            }
            at = sim_world_at(w, n, due) + sim_below(w, INFRA_MS(5));
            break;
        }
        handle(w, i, &e);
        sim_look_at_gates(w);
    }
    n->wake = sim_push(
        w, (struct sim_step) {
               .at = at, .kind = STEP_WAKE, .node = i, .boot = n->boot });
}

void sim_on_reply(struct sim_world *w, const struct sim_step *s)
{
    struct sim_node *n = &w->nodes[s->node];

    int err = infra_failover_answer(n->machine, s->number, &s->answer,
                                    sim_local(w, n));
    sim_trace(w, infra_lease_outcome_name(s->answer.outcome), s->node,
              s->answer.token, (uint64_t)(err == INFRA_OK));
    if (err == INFRA_OK && s->request.op == INFRA_LEASE_OP_RENEW &&
        (s->answer.outcome == INFRA_LEASE_OUTCOME_LOST ||
         s->answer.outcome == INFRA_LEASE_OUTCOME_CONFLICT) &&
        sim_is_open(w, n, NULL)) {
        sim_violate(w, "it keeps a lease that is lost");
    }
}

/* The fence at the former holder is done, failed or unknown; once all is
 * well, it works. */
void sim_fenced(struct sim_world *w, const struct sim_step *s)
{
    struct sim_node *n = &w->nodes[s->node];
    uint32_t outcome = (uint32_t)sim_below(w, 3);

    outcome = sim_has_faults(w) ? outcome : INFRA_ORDER_DONE;
    if (outcome == INFRA_ORDER_DONE) {
        n->fenced_token = s->request.token;
    }
    if (infra_failover_answer_fence(n->machine, s->number, outcome,
                                    sim_local(w, n)) == INFRA_OK &&
        outcome == INFRA_ORDER_DONE) {
        w->is_owed = false;
    }
}

/* A worker asks the gate, and what it then does takes effect within the guard,
 * unless the process stands still in between. */
void sim_work(struct sim_world *w, const struct sim_step *s)
{
    struct sim_node *n = &w->nodes[s->node];
    struct sim_step again = *s;
    uint64_t token = 0;

    again.at = w->now + INFRA_MS(10) + sim_below(w, INFRA_MS(40));
    sim_push(w, again);
    if (n->stalled_since != 0) {
        return;
    }
    infra_gate_attest(&n->gate, sim_local(w, n));
    if (!n->is_draining && sim_is_open(w, n, &token)) {
        again.kind = STEP_EFFECT;
        again.number = token;
        again.at = w->now + sim_below(w, w->config.guard * 95 / 100);
        sim_push(w, again);
    }
}

void sim_effect(struct sim_world *w, const struct sim_step *s, bool was_paused)
{
    uint64_t token = 0;

    w->result.writes++;
    for (uint32_t i = 0; i < w->options->nodes && !was_paused; i++) {
        if (i != s->node && sim_is_open(w, &w->nodes[i], &token) &&
            w->options->mode != SIM_REGRESSED) {
            sim_violate(w, "a write takes effect under another's lease");
        }
    }
    if (infra_fence_admit(&w->fence, s->number) == INFRA_OK) {
        uint32_t slot = (uint32_t)(s->number % SIM_OWNERS);
        if (w->owner_token[slot] == s->number &&
            w->owner_node[slot] != s->node &&
            w->options->mode != SIM_REGRESSED) {
            sim_violate(w, "the fence admits two nodes under one token");
        }
    }
}
