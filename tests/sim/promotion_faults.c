/* SPDX-License-Identifier: MIT */
/* Faults by chance and at the worst of moments, and how they are healed. */
#include "promotion_planners.h"

#include <string.h>

static void isolate(struct world *w, uint32_t node, infra_time until)
{
    for (uint32_t i = 0; i < DBS_MAX; i++) {
        w->dbs.cut_until[node][i] = world_chance(w, 70) ? until : 0;
    }
    for (uint32_t i = 0; i < PLANNERS; i++) {
        w->planners[i].blind_until[node] = world_chance(w, 70) ? until : 0;
    }
}

void world_spoil(struct world *w, uint32_t i, uint32_t node)
{
    infra_time until = w->now + world_between(w, INFRA_MS(500), INFRA_SEC(6));

    if (!world_has_faults(w) || w->now < w->deaf_until[node] ||
        !world_chance(w, 15)) {
        return;
    }
    if (world_chance(w, 60)) {
        w->planners[i].paused_until = until;
    }
    if (world_chance(w, 60)) {
        isolate(w, node, until);
    }
    world_trace(w, "spoilt", i, node, 0, "");
}

void world_spoil_promotion(struct world *w,
                           const struct infra_promotion_event *e)
{
    if (e->kind != INFRA_PROMOTION_EVENT_PROMOTE || !world_has_faults(w) ||
        w->now < w->deaf_until[e->id]) {
        return;
    }
    if (world_chance(w, 10)) {
        dbs_crash(&w->dbs, e->id, w->now + INFRA_SEC(7), false);
        world_trace(w, "candidate", 0, e->id, e->token, "dies");
    } else if (world_chance(w, 10)) {
        w->deaf_until[e->id] = w->now + INFRA_SEC(7);
        world_trace(w, "candidate", 0, e->id, e->token, "is deaf");
    }
}

void world_lose_source(struct world *w, const struct infra_promotion_event *e)
{
    if (e->kind == INFRA_PROMOTION_EVENT_REPOINT && world_has_faults(w) &&
        (w->dbs.db[e->id].is_cloned || (w->record.apart >> e->id & 1u) != 0) &&
        world_chance(w, 20)) {
        dbs_crash(&w->dbs, e->source, w->now + INFRA_SEC(7), false);
    }
}

static uint32_t any_writable(const struct world *w)
{
    for (uint32_t i = 0; i < w->dbs.count; i++) {
        if (w->dbs.db[i].is_up && w->dbs.db[i].is_writable) {
            return i;
        }
    }
    return 0;
}

static void command(struct world *w, uint32_t command)
{
    for (uint32_t i = 0; i < PLANNERS; i++) {
        if (w->planners[i].is_alive) {
            int err =
                infra_promotion_command(w->planners[i].machine, command,
                                        world_below(w, w->dbs.count), w->now);
            if (err == INFRA_OK) {
                world_trace(w, "operator", i, command, 0, "");
            }
        }
    }
}

/* No router sends clients there. */
static void take_in_hand(struct world *w, uint32_t node)
{
    bool is_routed = w->record.node == node;

    for (uint32_t i = 0; i < PLANNERS; i++) {
        is_routed = is_routed || w->planners[i].named.node == node;
    }
    if (!is_routed) {
        dbs_take_in_hand(&w->dbs, node);
        world_trace(w, "by hand", 0, node, 0, "");
    }
}

void world_fault(struct world *w)
{
    uint32_t node =
        world_chance(w, 50) ? any_writable(w) : world_below(w, w->dbs.count);
    struct planner *x = &w->planners[world_chance(w, 60) && w->holder < PLANNERS
                                         ? w->holder
                                         : world_below(w, PLANNERS)];
    infra_time until = w->now + world_between(w, INFRA_MS(500), INFRA_SEC(6));
    uint32_t kind = world_below(w, 14);

    world_trace(w, "fault", kind, node, 0, "");
    switch (kind) {
    case 0:
    case 1:
        dbs_crash(&w->dbs, node, until, world_chance(w, 50));
        break;
    case 2:
    case 3:
        isolate(w, node, until);
        break;
    case 4:
        w->dbs.db[node].stalled_until = until;
        break;
    case 5:
        world_kill_planner(w, (uint32_t)(x - w->planners), until);
        break;
    case 6:
        x->paused_until = until;
        break;
    case 7:
        x->no_store_until = until;
        break;
    case 8:
        x->blind_until[node] = until;
        break;
    case 9:
        x->alone_until = until;
        break;
    case 10:
    case 11:
        take_in_hand(w, world_below(w, w->dbs.count));
        break;
    case 12:
        command(w, world_chance(w, 70) ? INFRA_PROMOTION_COMMAND_SWITCHOVER
                                       : INFRA_PROMOTION_COMMAND_ABORT);
        break;
    default:
        command(w, world_chance(w, 30) ? INFRA_PROMOTION_COMMAND_PAUSE
                                       : INFRA_PROMOTION_COMMAND_RESUME);
        break;
    }
    w->next_fault = w->now + world_between(w, INFRA_MS(100), INFRA_MS(2500));
}

void world_tease(struct world *w)
{
    if (w->mode == PROMOTION_SIM_QUIET) {
        struct planner *x = &w->planners[world_below(w, PLANNERS)];
        infra_time until =
            w->now + world_between(w, INFRA_MS(300), INFRA_MS(1900));
        bool is_alone = world_chance(w, 50);
        x->blind_until[any_writable(w)] = until;
        x->alone_until = is_alone ? until : 0;
        for (uint32_t n = 0; n < w->dbs.count && is_alone; n++) {
            x->blind_until[n] = until;
        }
    } else if (w->now < END_OF_FAULTS) {
        command(w, INFRA_PROMOTION_COMMAND_SWITCHOVER);
    }
    w->next_fault = w->now + world_between(w, INFRA_SEC(2), INFRA_SEC(4));
}

/* HELD though one node has every write: the operator names it. */
static void help(struct world *w)
{
    uint32_t node = dbs_complete(&w->dbs);
    struct promotion_sim_result *r = &w->result;

    if (dbs_leader(&w->dbs) != WORLD_NO_NODE || node == WORLD_NO_NODE) {
        return;
    }
    w->dbs.db[node].is_fenced = false;
    for (uint32_t i = 0; i < PLANNERS; i++) {
        struct infra_promotion_status s = { .size = sizeof s };
        struct planner *x = &w->planners[i];
        if (!x->is_alive) {
            continue;
        }
        (void)infra_promotion_inspect(x->machine, &s);
        if (s.step == INFRA_PROMOTION_STEP_HELD) {
            (void)infra_promotion_command(
                x->machine, INFRA_PROMOTION_COMMAND_ADMIT, node, w->now);
            x->proved |= 1u << node;
            r->helped += infra_promotion_command(x->machine,
                                                 INFRA_PROMOTION_COMMAND_FORCE,
                                                 node, w->now) == INFRA_OK;
        }
    }
}

void world_let_in(struct world *w)
{
    if (w->now > END_OF_FAULTS + INFRA_SEC(8)) {
        help(w);
    }
    for (uint32_t i = 0; i < PLANNERS; i++) {
        struct planner *x = &w->planners[i];
        for (uint32_t n = 0; n < w->dbs.count && x->is_alive; n++) {
            if ((x->flags[n] & INFRA_PROMOTION_FLAG_QUARANTINED) != 0) {
                x->flags[n] &= ~INFRA_PROMOTION_FLAG_QUARANTINED;
                world_set_node(x, n, w->now);
            }
        }
    }
}

void world_heal(struct world *w)
{
    memset(w->dbs.cut_until, 0, sizeof w->dbs.cut_until);
    memset(w->deaf_until, 0, sizeof w->deaf_until);
    for (uint32_t i = 0; i < w->dbs.count; i++) {
        w->dbs.db[i].stalled_until = 0;
        w->dbs.db[i].back_at = w->now;
    }
    for (uint32_t i = 0; i < PLANNERS; i++) {
        struct planner *x = &w->planners[i];
        memset(x->blind_until, 0, sizeof x->blind_until);
        x->alone_until = x->paused_until = x->no_store_until = 0;
        x->back_at = w->now;
    }
    command(w, INFRA_PROMOTION_COMMAND_RESUME);
}
