/* SPDX-License-Identifier: MIT */
/* What must never be, as far as planners are concerned. */
#include "promotion_planners.h"

#include <stdio.h>
#include <string.h>

/* With asynchronous replication the fence alone keeps two primaries apart: no
 * other node may be, or come back, writable. */
static bool is_beside(const struct world *w, uint32_t i, uint32_t candidate)
{
    for (uint32_t n = 0; n < w->dbs.count; n++) {
        const struct db *d = &w->dbs.db[n];
        bool is_known =
            (w->planners[i].flags[n] & INFRA_PROMOTION_FLAG_QUARANTINED) != 0 ||
            d->is_by_hand;
        if (n != candidate && d->is_writable && !d->is_fenced && !is_known) {
            return true;
        }
    }
    return false;
}

static void check_promotion(struct world *w, uint32_t i,
                            const struct infra_promotion_event *e)
{
    uint32_t *promoted = &w->promoted[e->token % TOKENS_MAX];

    if (*promoted != 0 && *promoted != e->id + 1) {
        dbs_violate(&w->dbs, "one token promotes two nodes");
    }
    *promoted = e->id + 1;
    if (w->record.node != e->id || w->record.token != e->token) {
        dbs_violate(&w->dbs, "a promotion that is not in the record");
    }
    if (w->dbs.db[e->id].is_cloned) {
        dbs_violate(&w->dbs, "a promotion of half a copy");
    }
    if (w->mode == PROMOTION_SIM_ASYNC && world_has_faults(w) &&
        is_beside(w, i, e->id)) {
        dbs_violate(&w->dbs, "a promotion beside a writable node");
    }
}

void world_check_order(struct world *w, uint32_t i,
                       const struct infra_promotion_event *e)
{
    uint64_t token = 0;

    if (!infra_gate_is_open(&w->planners[i].gate, w->now, &token) ||
        token != e->token) {
        dbs_violate(&w->dbs, "an order without a lease");
    }
    if (w->mode == PROMOTION_SIM_QUIET &&
        e->kind != INFRA_PROMOTION_EVENT_REPOINT) {
        dbs_violate(&w->dbs, "a plan against a healthy primary");
    }
    if (e->kind == INFRA_PROMOTION_EVENT_PROMOTE) {
        check_promotion(w, i, e);
    }
    if (e->kind == INFRA_PROMOTION_EVENT_FENCE) {
        w->planners[i].fenced_at[e->id] = w->now;
    }
    w->planners[i].detached_at[e->id] =
        e->kind == INFRA_PROMOTION_EVENT_DETACH ? w->now : 0;
    infra_time *failed_at = &w->planners[i].failed_at[e->id];
    if (e->kind == INFRA_PROMOTION_EVENT_REPOINT) {
        *failed_at = 0;
    } else if (e->kind == INFRA_PROMOTION_EVENT_PROMOTE && *failed_at != 0 &&
               w->now < *failed_at + w->config.promote_timeout) {
        dbs_violate(&w->dbs, "a refused candidate is tried again at once");
    }
}

void world_check_candidate(struct world *w, uint32_t i)
{
    const struct planner *x = &w->planners[i];
    struct infra_promotion_status s = { .size = sizeof s };

    if (!x->is_alive || w->now < x->paused_until ||
        x->step != INFRA_PROMOTION_STEP_PROMOTING) {
        return;
    }
    (void)infra_promotion_inspect(x->machine, &s);
    const struct db *d = &w->dbs.db[s.candidate];
    if (s.step == INFRA_PROMOTION_STEP_PROMOTING && !d->is_up &&
        w->now > x->since + INFRA_MS(2500) &&
        w->now > d->down_since + INFRA_MS(2500) &&
        w->now > x->unpaused_at + INFRA_MS(2500)) {
        dbs_violate(&w->dbs, "a dead candidate is waited for");
    }
}

void world_check_fence(struct world *w, uint32_t i)
{
    const struct planner *x = &w->planners[i];
    const infra_time slack = w->config.sample_age_max + INFRA_MS(500);
    struct infra_promotion_status s = { .size = sizeof s };

    if (!x->is_alive || w->now < x->paused_until || !x->is_unfenced ||
        (x->step != INFRA_PROMOTION_STEP_COLLECTING &&
         x->step != INFRA_PROMOTION_STEP_HELD)) {
        return;
    }
    (void)infra_promotion_inspect(x->machine, &s);
    if (s.target == WORLD_NO_NODE || s.step != x->step ||
        (x->fenced >> s.target & 1u) != 0) {
        return;
    }
    const struct db *d = &w->dbs.db[s.target];
    infra_time last = x->fenced_at[s.target];
    last = last > d->down_since ? last : d->down_since;
    last = last > x->unpaused_at ? last : x->unpaused_at;
    if (!d->is_up && w->now > last + w->config.order_timeout + slack) {
        dbs_violate(&w->dbs, "a node that could not be fenced is forgotten");
    }
}

/* A node that was fenced in this plan is not waited for. */
void world_check_choice(struct world *w, uint32_t i,
                        const struct infra_promotion_event *e)
{
    struct planner *x = &w->planners[i];
    bool is_choice = x->step == INFRA_PROMOTION_STEP_COLLECTING &&
                     (e->step == INFRA_PROMOTION_STEP_RECORDING ||
                      e->step == INFRA_PROMOTION_STEP_HELD);

    for (uint32_t n = 0; n < w->dbs.count && is_choice; n++) {
        bool is_out = (x->flags[n] & INFRA_PROMOTION_FLAG_QUARANTINED) != 0 ||
                      (x->known.apart >> n & 1u) != 0 || x->fenced_at[n] != 0;
        if (!is_out && x->detached_at[n] != 0 && w->dbs.db[n].is_up &&
            w->now > w->unseen_at[n] + INFRA_SEC(1) &&
            w->now < x->since + w->config.order_timeout &&
            w->now > x->unpaused_at + INFRA_SEC(1)) {
            dbs_violate(&w->dbs, "a node that is slow is left behind");
        }
    }
    if (e->step == INFRA_PROMOTION_STEP_COLLECTING) {
        memset(x->detached_at, 0, sizeof x->detached_at);
        x->is_unfenced = e->reason == INFRA_PROMOTION_REASON_UNFENCED;
    } else if (e->step == INFRA_PROMOTION_STEP_WATCH ||
               e->step == INFRA_PROMOTION_STEP_STANDBY) {
        memset(x->fenced_at, 0, sizeof x->fenced_at);
        x->fenced = 0;
    }
}

void world_count_row(struct world *w, struct planner *x,
                     const struct infra_promotion_event *e)
{
    size_t count;
    const struct infra__promotion_row *rows = infra__promotion_table(&count);

    for (size_t i = 0; i < count; i++) {
        bool is_from = rows[i].from == x->step || rows[i].from == STEPS_COUNT;
        if (is_from && rows[i].reason == e->reason && rows[i].to == e->step) {
            promotion_sim_rows[i]++;
            x->step = e->step;
            x->since = w->now;
            return;
        }
    }
    dbs_violate(&w->dbs, "a step that is not in the table");
}

void world_check_step(struct world *w, const struct planner *x)
{
    struct infra_promotion_status s = { .size = sizeof s };

    (void)infra_promotion_inspect(x->machine, &s);
    if (s.token_used != 0 && (s.step == INFRA_PROMOTION_STEP_FENCING ||
                              s.step == INFRA_PROMOTION_STEP_COLLECTING)) {
        dbs_violate(&w->dbs, "a plan by a used token");
    }
}

void world_look_at_end(struct world *w)
{
    uint32_t leader = dbs_leader(&w->dbs);

    if (w->is_verbose) {
        for (uint32_t i = 0; i < w->dbs.count; i++) {
            const struct db *d = &w->dbs.db[i];
            printf("node %u: %s%s%s source %d timeline %u position %u\n", i,
                   d->is_up ? "up" : "down", d->is_writable ? " writable" : "",
                   d->is_fenced ? " fenced" : "", (int)d->source,
                   d->log[d->length - 1].term, d->length);
        }
    }
    if (leader == WORLD_NO_NODE) {
        dbs_violate(&w->dbs, "no primary that all follow, though all is well");
        return;
    }
    for (uint32_t i = 0; i < PLANNERS; i++) {
        if (w->planners[i].named.node != leader) {
            dbs_violate(&w->dbs, "a router does not know the primary");
        }
    }
    if (w->dbs.acknowledged_at + INFRA_SEC(2) < w->now) {
        dbs_violate(&w->dbs, "no write is acknowledged, though all is well");
    }
}
