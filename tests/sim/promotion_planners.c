/* SPDX-License-Identifier: MIT */
/* A process with a planner, as the host of it. */
#include "promotion_planners.h"

#include <stdlib.h>
#include <string.h>

#define EVENTS_MAX 1000u /* Of one turn; more is a machine that spins. */

void world_set_node(struct planner *x, uint32_t node, infra_time now)
{
    char key[2] = { (char)('a' + node), 0 };

    const struct infra_promotion_node given = { .size = sizeof given,
                                                .key = key,
                                                .id = node,
                                                .priority = node,
                                                .flags = x->flags[node] };
    if (infra_promotion_set(x->machine, &given, now) != INFRA_OK) {
        abort();
    }
}

void world_mark_nodes(struct world *w, struct planner *x)
{
    for (uint32_t n = 0; n < w->dbs.count; n++) {
        uint32_t flags = x->flags[n];
        if ((x->known.apart >> n & 1u) != 0) {
            x->flags[n] |= INFRA_PROMOTION_FLAG_APART;
            world_set_node(x, n, w->now);
            x->flags[n] = flags;
        }
    }
}

void world_hear(struct world *w, struct planner *x, struct record named)
{
    if (named.token > x->named.token && !named.is_unfinished) {
        x->named = named;
    }
    if (named.is_unfinished && named.former_token != 0) {
        (void)infra_promotion_adopt(x->machine, named.former,
                                    named.former_token, named.former_timeline,
                                    0, w->now);
    }
    if (named.token != 0) {
        (void)infra_promotion_adopt(x->machine, named.node, named.token,
                                    named.timeline, named.is_unfinished,
                                    w->now);
    }
}

void world_start_planner(struct world *w, uint32_t i)
{
    struct planner *x = &w->planners[i];
    struct infra_promotion_options o = w->config;

    memset(&x->gate, 0, sizeof x->gate);
    o.gate = &x->gate;
    if (infra_promotion_create(&x->machine, &o) != INFRA_OK) {
        abort();
    }
    for (uint32_t n = 0; n < w->dbs.count; n++) {
        world_set_node(x, n, w->now);
    }
    world_hear(w, x, x->named);
    x->is_alive = true;
    x->step = INFRA_PROMOTION_STEP_STANDBY;
    memset(x->failed_at, 0, sizeof x->failed_at);
    memset(x->detached_at, 0, sizeof x->detached_at);
    memset(x->fenced_at, 0, sizeof x->fenced_at);
    x->fenced = 0;
    x->proved = 0;
    x->boot++;
    x->paused_until = 0;
}

void world_kill_planner(struct world *w, uint32_t i, infra_time back_at)
{
    struct planner *x = &w->planners[i];

    if (x->is_alive) {
        infra_promotion_destroy(x->machine);
        x->machine = NULL;
        x->is_alive = false;
        x->back_at = back_at;
        world_trace(w, "dies", i, WORLD_NO_NODE, 0, "");
    }
}

static void handle(struct world *w, uint32_t i,
                   const struct infra_promotion_event *e)
{
    struct planner *x = &w->planners[i];

    world_trace(w,
                e->kind == INFRA_PROMOTION_EVENT_STEP
                    ? infra_promotion_step_name(e->step)
                    : infra_promotion_event_name(e->kind),
                i, e->id, e->token, infra_promotion_reason_name(e->reason));
    switch (e->kind) {
    case INFRA_PROMOTION_EVENT_RECORD_PRIMARY:
        dbs_named(&w->dbs, e->id, e->token);
        world_ask_store(w, i, e);
        world_spoil(w, i, e->id);
        break;
    case INFRA_PROMOTION_EVENT_READ_RECORD:
    case INFRA_PROMOTION_EVENT_RECORD_INTENT:
    case INFRA_PROMOTION_EVENT_RECORD_APART:
        world_ask_store(w, i, e);
        break;
    case INFRA_PROMOTION_EVENT_QUARANTINE:
        x->flags[e->id] |= INFRA_PROMOTION_FLAG_QUARANTINED;
        break;
    case INFRA_PROMOTION_EVENT_RESIGN:
        world_release(w, i);
        break;
    case INFRA_PROMOTION_EVENT_HOLD:
        break;
    case INFRA_PROMOTION_EVENT_STEP:
        world_check_choice(w, i, e);
        world_count_row(w, x, e);
        world_check_step(w, x);
        break;
    default:
        world_check_order(w, i, e);
        world_spoil_promotion(w, e);
        world_send(w, (struct message) { .kind = ORDER,
                                         .planner = i,
                                         .boot = x->boot,
                                         .node = e->id,
                                         .event = *e });
        world_spoil(w, i, e->id);
        break;
    }
}

void world_turn(struct world *w, uint32_t i)
{
    struct planner *x = &w->planners[i];
    struct infra_promotion_event e;

    if (!x->is_alive || w->now < x->paused_until) {
        return;
    }
    for (uint32_t n = 0; n < EVENTS_MAX && w->now >= x->paused_until; n++) {
        if (infra_promotion_next(x->machine, w->now, &e) != INFRA_OK) {
            if (infra_promotion_deadline(x->machine) <= w->now) {
                dbs_violate(&w->dbs, "a deadline that has passed");
            }
            return;
        }
        handle(w, i, &e);
    }
    if (w->now >= x->paused_until) {
        dbs_violate(&w->dbs, "events without end");
    }
}
