/* SPDX-License-Identifier: MIT */
/* The world that the simulated nodes live in, shared by its files:
 *
 *   sim_world.c     time, chance, the queue of what is to come, the invariants
 *   sim_host.c      a node: the machine's host and its workers
 *   sim_faults.c    what goes wrong
 *   sim_store.c     the store
 *   failover_sim.c  all of it together */
#ifndef TESTS_SIM_SIM_WORLD_H
#define TESTS_SIM_SIM_WORLD_H

#include "../../bench/sim/sim_store.h"
#include "failover_sim.h"

#define SIM_NODES_MAX 5u
#define SIM_QUEUE_MAX 4096u
#define SIM_OWNERS 1024u /* Tokens with a known user. */
#define SIM_END_OF_FAULTS INFRA_SEC(60)

enum sim_kind {
    STEP_WAKE,    /* The deadline of a machine, on its clock. */
    STEP_REQUEST, /* It arrives at the store, */
    STEP_REPLY,   /* and the answer at the node. */
    STEP_WORK,    /* A worker asks the gate, */
    STEP_EFFECT,  /* and what it then does takes effect. */
    STEP_FENCED,
    STEP_DRAINED,
    STEP_FAULT, /* The next thing that goes wrong. */
    STEP_WATCH, /* A lease has run out, and watchers hear it. */
};

struct sim_step {
    infra_time at;
    uint64_t order;
    uint32_t kind; /* enum sim_kind */
    uint32_t node;
    uint32_t boot;
    uint64_t number;
    struct sim_request request;
    struct infra_lease_answer answer;
};

struct sim_node {
    struct infra_failover *machine;
    struct infra_gate gate;
    /* Its clock: what it showed at some moment of the world, and how fast. */
    infra_time clock_base;
    infra_time world_base;
    int32_t ppm;
    uint32_t boot; /* Grows as it dies and comes back. */
    bool is_alive;
    bool is_unfit;
    bool is_draining; /* It takes nothing new. */
    infra_time paused_until;
    infra_time stalled_since; /* Its workers; 0: they work. */
    infra_time mute_until;    /* What it sends is lost, */
    infra_time deaf_until;    /* or what is sent to it. */
    uint64_t wake;            /* The order of the wake that counts. */
    infra_time activated;
    uint64_t serving; /* The token it serves under, as it was told. */
    uint64_t fenced_token;
    uint64_t served_token; /* The greatest ever. */
    uint64_t disk_floor;
};

struct sim_world {
    const struct sim_options *options;
    struct sim_result result;
    struct sim_store store;
    struct infra_failover_options config;
    struct infra_fence fence;
    struct sim_node nodes[SIM_NODES_MAX];
    infra_time now;
    infra_time lapsed_at;  /* When the last lease ran out unreleased. */
    bool is_owed;          /* A fence of an active node whose lease ran out, */
    uint64_t active_token; /* as this one, unless it releases it. */
    infra_time outage_until;
    infra_time died_at; /* An active node; 0: none since. */
    uint64_t owner_token[SIM_OWNERS];
    uint32_t owner_node[SIM_OWNERS];
    bool was_clean[SIM_OWNERS];
    uint64_t random;
    int32_t store_ppm;
    uint64_t orders;
    uint32_t queue_count;
    struct sim_step queue[SIM_QUEUE_MAX];
};

uint64_t sim_draw(struct sim_world *w);
uint64_t sim_below(struct sim_world *w, uint64_t n);
bool sim_chance(struct sim_world *w, uint32_t per_10000);

/* The first invariant that did not hold is the result. */
void sim_violate(struct sim_world *w, const char *what);
void sim_trace(struct sim_world *w, const char *what, uint32_t node, uint64_t a,
               uint64_t b);

/* What is to come, in the order of time. The answer of push is the step's
 * order. */
uint64_t sim_push(struct sim_world *w, struct sim_step s);
struct sim_step sim_pop(struct sim_world *w);

/* A span of time on a clock that runs faster by @ppm millionths. */
infra_time sim_scale(infra_time t, int32_t ppm);
infra_time sim_local(const struct sim_world *w, const struct sim_node *n);
infra_time sim_store_now(const struct sim_world *w);

/* When the node's clock will show @at. */
infra_time sim_world_at(const struct sim_world *w, const struct sim_node *n,
                        infra_time at);

bool sim_has_faults(const struct sim_world *w);

/* The time that a message takes; 0: it is lost. */
infra_time sim_delay(struct sim_world *w);

bool sim_is_open(const struct sim_world *w, const struct sim_node *n,
                 uint64_t *ret_token);

/* What has to hold at every moment. */
void sim_look_at_gates(struct sim_world *w);

/* A node. */
void sim_start_node(struct sim_world *w, uint32_t i);
void sim_kill_node(struct sim_world *w, uint32_t i, infra_time back_after);
void sim_turn(struct sim_world *w, uint32_t i);
void sim_on_reply(struct sim_world *w, const struct sim_step *s);
void sim_fenced(struct sim_world *w, const struct sim_step *s);
void sim_work(struct sim_world *w, const struct sim_step *s);
void sim_effect(struct sim_world *w, const struct sim_step *s, bool was_paused);

/* Its clock jumps, back or on. A step back is seen before the node may stand
 * still: a node that cannot see it has the fence alone. */
void sim_step_clock(struct sim_world *w, uint32_t i, bool back);

/* Something goes wrong, now and again. */
void sim_fault(struct sim_world *w);

#endif
