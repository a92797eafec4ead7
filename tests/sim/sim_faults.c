/* SPDX-License-Identifier: MIT */
#include "sim_world.h"

void sim_step_clock(struct sim_world *w, uint32_t i, bool back)
{
    struct sim_node *n = &w->nodes[i];
    infra_time here = sim_local(w, n);
    /* Less than pause_max after a deadline is not told from being late. */
    infra_time by =
        INFRA_SEC(5) + sim_below(w, INFRA_SEC(sim_chance(w, 5000) ? 2 : 20));

    n->clock_base = back ? here - by : here + by;
    n->world_base = w->now;
    sim_trace(w, back ? "clock back" : "clock on", i, by, 0);
}

/* What the operator, or the host, says once in a while. */
static void command(struct sim_world *w, uint32_t i)
{
    struct sim_node *n = &w->nodes[i];

    switch (sim_below(w, 5)) {
    case 0:
        n->is_unfit = !n->is_unfit;
        (void)infra_failover_fit(n->machine, !n->is_unfit, sim_local(w, n));
        break;
    case 1:
        (void)infra_failover_hint(n->machine, sim_local(w, n));
        break;
    default:
        (void)infra_failover_command(n->machine, (uint32_t)sim_below(w, 5),
                                     sim_local(w, n));
        break;
    }
    sim_trace(w, "command", i, n->is_unfit, 0);
    sim_turn(w, i);
}

static void break_node(struct sim_world *w, uint32_t i)
{
    struct sim_node *n = &w->nodes[i];

    switch (sim_below(w, 8)) {
    case 0:
        sim_kill_node(w, i, sim_below(w, INFRA_SEC(20)));
        break;
    case 1:
        n->paused_until = w->now + sim_below(w, INFRA_SEC(20));
        break;
    case 2:
        n->mute_until = w->now + sim_below(w, INFRA_SEC(15));
        break;
    case 3:
        n->deaf_until = w->now + sim_below(w, INFRA_SEC(15));
        break;
    case 4:
        n->stalled_since = n->stalled_since != 0 ? 0 : w->now;
        break;
    case 5:
        sim_step_clock(w, i, sim_chance(w, 5000));
        sim_turn(w, i);
        (void)infra_failover_command(n->machine, INFRA_FAILOVER_COMMAND_RESUME,
                                     sim_local(w, n));
        break;
    default:
        command(w, i);
        break;
    }
}

static void break_store(struct sim_world *w)
{
    switch (sim_below(w, w->options->mode == SIM_REGRESSED ? 4 : 2)) {
    case 0:
        w->outage_until = w->now + sim_below(w, INFRA_SEC(15));
        break;
    case 1: /* A new leader begins all leases anew. */
        if (w->store.holder != 0 && sim_store_now(w) < w->store.expires) {
            w->store.expires = sim_store_now(w) + w->config.ttl;
        }
        break;
    case 2: /* Restored from a backup. */
        w->store.last_token -= sim_below(w, w->store.last_token / 2 + 1);
        break;
    default: /* Revoked by mistake. */
        w->store.holder = 0;
        w->store.is_clean = false;
        break;
    }
}

void sim_fault(struct sim_world *w)
{
    uint32_t i = (uint32_t)sim_below(w, w->options->nodes);

    sim_push(w, (struct sim_step) { .at = w->now + sim_below(w, INFRA_SEC(4)),
                                    .kind = STEP_FAULT });
    if (!sim_has_faults(w)) {
        return;
    }
    if (sim_chance(w, 3000)) {
        break_store(w);
    } else if (w->nodes[i].is_alive && w->now >= w->nodes[i].paused_until) {
        break_node(w, i);
    }
}
