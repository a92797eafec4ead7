/* SPDX-License-Identifier: MIT */
/* The simulated world around the databases (promotion_world.h): planners, their
 * messages and their store, shared by the files of the simulator:
 *
 *   promotion_sim.c       one run, tick by tick
 *   promotion_planners.c  a process with a planner: it starts, acts, dies
 *   promotion_network.c   messages, and the store of lease and record
 *   promotion_faults.c    what goes wrong, and how it is healed
 *   promotion_checks.c    what must never be */
#ifndef TESTS_SIM_PROMOTION_PLANNERS_H
#define TESTS_SIM_PROMOTION_PLANNERS_H

#include "promotion/internal.h"
#include "promotion_world.h"

#define PLANNERS 3u
#define MESSAGES_MAX 1024u
#define TICK INFRA_MS(50)
#define END_OF_FAULTS INFRA_SEC(25)

enum message_kind { SAMPLE, ORDER, ANSWER, WORD, STORE, RECORD };

/* The record beside the lease. */
struct record {
    uint32_t node;
    uint64_t token;
    uint64_t timeline;
    bool is_unfinished;
    uint32_t apart; /* A bit for each node. */
    /* Unfinished: the primary before. */
    uint32_t former;
    uint64_t former_token;
    uint64_t former_timeline;
};

struct message {
    infra_time at;
    enum message_kind kind;
    uint32_t planner; /* Receiver; of an order the sender. */
    uint32_t boot;
    uint32_t node;
    uint32_t outcome;
    infra_time delay; /* The agent is slow. */
    struct record record;

    struct infra_promotion_sample sample;
    struct infra_promotion_event event;
};

struct planner {

    struct infra_promotion *machine;
    struct infra_gate gate;
    bool is_alive;
    uint32_t boot;
    infra_time back_at;
    infra_time paused_until;
    infra_time unpaused_at; /* End of the last pause. */
    infra_time no_store_until;
    infra_time blind_until[DBS_MAX]; /* That node is out of reach. */
    infra_time alone_until;          /* Other planners are out of reach. */
    /* On its disk; its router follows it. */
    struct record named;
    struct record known; /* The record, as it would write it. */
    uint64_t
        asked; /* The last call about the record, the only one that counts. */

    uint32_t flags[DBS_MAX];
    uint32_t step; /* From the last STEP event. */
    infra_time since;
    infra_time failed_at[DBS_MAX];   /* PROMOTE; 0: REPOINT since. */
    infra_time detached_at[DBS_MAX]; /* An order without an answer; 0: none. */
    infra_time fenced_at[DBS_MAX];   /* The last order in this plan; 0: none. */
    uint32_t fenced;                 /* In this plan, a bit for each node. */
    bool is_unfenced;                /* The plan went on without its fence. */
    uint32_t proved; /* A bit for each node: a REPOINT or an ADMIT was done. */
};

struct world {
    struct promotion_sim_result result;
    struct dbs dbs;
    struct infra_promotion_options config;
    struct planner planners[PLANNERS];
    uint32_t mode;
    bool is_verbose;
    bool is_healed;
    infra_time now;
    uint64_t random;
    infra_time next_fault;
    infra_time deaf_until[DBS_MAX]; /* No order reaches the agent there. */
    infra_time unseen_at[DBS_MAX];  /* A planner did not see it last. */
    uint32_t promoted[TOKENS_MAX];  /* Node + 1, by the token of a PROMOTE. */
    /* The store of the lease. */
    uint32_t holder;      /* PLANNERS: none. */
    uint32_t holder_boot; /* A restart ends the lease. */
    uint64_t token;
    infra_time lease_until;
    infra_time free_since;
    struct record record;
    uint64_t record_token; /* Token and call of its last write. */
    uint64_t record_call;

    uint32_t messages_count;
    struct message messages[MESSAGES_MAX];
};

/* promotion_sim.c: randomness of the seed, and the trace. */
uint32_t world_below(struct world *w, uint64_t n);
bool world_chance(struct world *w, uint32_t percent);
infra_time world_between(struct world *w, infra_time least, infra_time most);
bool world_has_faults(const struct world *w);
void world_trace(struct world *w, const char *what, uint32_t planner,
                 uint32_t node, uint64_t token, const char *why);

/* promotion_planners.c */
void world_set_node(struct planner *x, uint32_t node, infra_time now);
/* Set APART as in the record. */
void world_mark_nodes(struct world *w, struct planner *x);
/* Pass a primary on to the machine and to the router. */
void world_hear(struct world *w, struct planner *x, struct record named);
void world_start_planner(struct world *w, uint32_t i);
void world_kill_planner(struct world *w, uint32_t i, infra_time back_at);
void world_turn(struct world *w, uint32_t i);

/* promotion_network.c */
void world_send(struct world *w, struct message m);
bool world_reaches(const struct world *w, uint32_t planner, uint32_t node);
void world_spread_word(struct world *w, uint32_t from);
void world_release(struct world *w, uint32_t i);
void world_ask_store(struct world *w, uint32_t i,
                     const struct infra_promotion_event *e);
/* The lease is renewed, lapses, is taken. */
void world_lease(struct world *w);
/* A planner probes each node, and sends the samples to the others. */
void world_probe(struct world *w, uint32_t i);
void world_deliver_all(struct world *w);

/* promotion_faults.c */
/* A fault in the middle of a plan. */
void world_spoil(struct world *w, uint32_t i, uint32_t node);
/* A candidate dies, or its agent does not answer. */
void world_spoil_promotion(struct world *w,
                           const struct infra_promotion_event *e);
/* The source of a clone dies. */
void world_lose_source(struct world *w, const struct infra_promotion_event *e);
void world_fault(struct world *w);
/* One observer at a time does not see the primary, or no node; or the operator
 * moves the primary. */
void world_tease(struct world *w);
/* The operator lets former primaries in. */
void world_let_in(struct world *w);
/* End all faults. */
void world_heal(struct world *w);

/* promotion_checks.c */
void world_check_order(struct world *w, uint32_t i,
                       const struct infra_promotion_event *e);
/* A dead candidate is not waited for. */
void world_check_candidate(struct world *w, uint32_t i);
/* A node that could not be fenced is fenced again. */
void world_check_fence(struct world *w, uint32_t i);
/* A node whose order is on its way is waited for. */
void world_check_choice(struct world *w, uint32_t i,
                        const struct infra_promotion_event *e);
/* Count the row of the table. */
void world_count_row(struct world *w, struct planner *x,
                     const struct infra_promotion_event *e);
/* A token that has named a primary begins no plan. */
void world_check_step(struct world *w, const struct planner *x);
/* Some time after the last fault there is one primary, which all follow. */
void world_look_at_end(struct world *w);

#endif
