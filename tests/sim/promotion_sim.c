/* SPDX-License-Identifier: MIT */
#include "promotion_sim.h"

#include "promotion_planners.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define END_OF_TIME INFRA_SEC(50)
#define PROBE_EVERY INFRA_MS(250)

uint64_t promotion_sim_rows[PROMOTION_SIM_ROWS_MAX];

static uint64_t draw(struct world *w)
{
    uint64_t z = w->random += 0x9e3779b97f4a7c15u;

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

uint32_t world_below(struct world *w, uint64_t n)
{
    return (uint32_t)(draw(w) % n);
}

bool world_chance(struct world *w, uint32_t percent)
{
    return world_below(w, 100) < percent;
}

infra_time world_between(struct world *w, infra_time least, infra_time most)
{
    return least + draw(w) % (most - least);
}

bool world_has_faults(const struct world *w)
{
    return w->mode <= PROMOTION_SIM_ASYNC && w->now < END_OF_FAULTS;
}

void world_trace(struct world *w, const char *what, uint32_t planner,
                 uint32_t node, uint64_t token, const char *why)
{
    w->result.trace =
        (w->result.trace ^ w->now ^ token << 32 ^ node << 16 ^ planner ^
         (uint64_t)what[0] << 8 ^ (uint64_t)what[1] << 24) *
        0x100000001b3u;
    if (w->is_verbose) {
        printf("%9.3f  planner %u  %-10s node %-3d token %-4llu %s\n",
               (double)w->now / 1e9, planner, what, (int)node,
               (unsigned long long)token, why);
    }
}

static void configure(struct world *w)
{
    uint32_t count = 3 + world_below(w, 3);
    uint32_t acks =
        w->mode == PROMOTION_SIM_ASYNC ? 0 : 1 + world_below(w, count - 2);

    w->config = (struct infra_promotion_options) {
        .size = sizeof w->config,
        .sample_age_max = INFRA_SEC(1),
        .order_timeout = INFRA_MS(700),
        .fence_timeout = INFRA_SEC(1),
        .collect_timeout = INFRA_MS(400),
        .catch_up_timeout = INFRA_SEC(2),
        .promote_timeout = INFRA_SEC(5),
        .recovery_interval = INFRA_MS(100),
        .penalty_half_life = INFRA_SEC(1),
        .nodes_max = count,
        .observers_max = PLANNERS,
        .sync_acks = acks,
        .fence_failed = acks > 0 && world_chance(w, 70),
        .fence_unknown = acks > 0 && world_chance(w, 70),
        .loss = acks == 0 && world_chance(w, 70),
        .quarantine = world_chance(w, 30),
    };
    dbs_start(&w->dbs, count, acks);
    w->record = (struct record) { .token = 1, .timeline = 1 };
    w->dbs.is_strict = world_chance(w, 50);
    uint32_t is_never = world_chance(w, 20) ? count - 1 : count;
    for (uint32_t i = 0; i < PLANNERS; i++) {
        for (uint32_t n = 0; n < count; n++) {
            w->planners[i].flags[n] =
                INFRA_PROMOTION_FLAG_SYNC |
                (n == is_never ? INFRA_PROMOTION_FLAG_NEVER : 0);
        }
        w->planners[i].named = w->record;
        world_start_planner(w, i);
    }
    w->token = 1;
    w->holder = PLANNERS;
    w->next_fault = INFRA_SEC(2);
}

static void tick(struct world *w)
{
    dbs_tick(&w->dbs, 1 + world_below(w, 4));
    world_lease(w);
    world_deliver_all(w);
    for (uint32_t i = 0; i < PLANNERS; i++) {
        struct planner *x = &w->planners[i];
        if (!x->is_alive && w->now >= x->back_at) {
            world_start_planner(w, i);
        }
        if ((w->now / TICK + i) % (PROBE_EVERY / TICK) == 0 &&
            w->now >= x->paused_until) {
            world_probe(w, i);
        }
        if ((w->now / TICK + i) % 20 == 0 && w->now >= x->paused_until) {
            world_spread_word(w, i);
        }
        world_turn(w, i);
        world_check_candidate(w, i);
        world_check_fence(w, i);
        if (w->now < x->paused_until) {
            x->unpaused_at = x->paused_until;
        }
        if (world_chance(w, 60) && world_reaches(w, i, x->named.node)) {
            dbs_write(&w->dbs, x->named.node, x->named.token);
        }
    }
}

struct promotion_sim_result promotion_sim_run(uint64_t seed, uint32_t mode,
                                              bool verbose)
{
    struct world *w = calloc(1, sizeof *w);

    if (w == NULL) {
        abort();
    }
    w->random = seed * PROMOTION_SIM_MODES + mode;
    w->mode = mode;
    w->is_verbose = verbose;
    w->dbs.result = &w->result;
    configure(w);
    for (; w->now < END_OF_TIME && w->result.violation == NULL;
         w->now += TICK) {
        w->dbs.now = w->now;
        if (w->now >= w->next_fault && mode > PROMOTION_SIM_ASYNC) {
            world_tease(w);
        } else if (w->now >= w->next_fault && world_has_faults(w)) {
            world_fault(w);
        } else if (!w->is_healed && w->now >= END_OF_FAULTS) {
            w->is_healed = true;
            world_heal(w);
        }
        if (w->is_healed && w->now % INFRA_SEC(1) == 0) {
            world_let_in(w);
        }
        tick(w);
    }
    if (w->result.violation == NULL) {
        world_look_at_end(w);
    }
    for (uint32_t i = 0; i < PLANNERS; i++) {
        world_kill_planner(w, i, 0);
    }
    struct promotion_sim_result result = w->result;
    free(w);
    return result;
}
