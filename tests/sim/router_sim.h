/* SPDX-License-Identifier: MIT */
/* Two routers, each with its own view of one primary and three replicas, and
 * clients that read, write, and carry positions from one router to the other.
 * Replicas lag, stop, die and are built anew; primaries die, are cut off from
 * those who watch them, come back with an old token, and lose the end of their
 * history. What a read must show is known exactly: each write has a number, and
 * each node a log of them.
 *
 *   router_world.c    time, chance, and what is to come
 *   router_nodes.c    nodes, replication, failover
 *   router_control.c  what the routers are told
 *   router_clients.c  sessions, and what each has been promised
 *   router_sim.c      all of it together */
#ifndef TESTS_SIM_ROUTER_SIM_H
#define TESTS_SIM_ROUTER_SIM_H

#include <infra/session.h>
#include <stdbool.h>

#define ROUTER_NODES 4u
#define ROUTER_ROUTERS 2u
#define ROUTER_READERS 2u /* Of each router. */
#define ROUTER_CLIENTS 8u
#define ROUTER_LOG_MAX 4096u
#define ROUTER_QUEUE_MAX 512u
#define ROUTER_REIGNS_MAX 256u
#define ROUTER_WRITES_MAX 24u /* That a client remembers. */
#define ROUTER_TEXT_MAX 512u

/* How the servers say positions. */
enum router_text {
    TEXT_NUMBER,
    TEXT_LSN,
    TEXT_LSN_ALONE, /* Without timeline. */
    TEXT_MARIADB,
    TEXT_MYSQL,
    TEXTS
};

enum router_step {
    STEP_COPY,    /* A replica receives and applies. */
    STEP_ASK,     /* A router asks a node, */
    STEP_ANSWER,  /* and is answered, */
    STEP_PUBLISH, /* and publishes. */
    STEP_CLIENT,  /* A client asks its router, */
    STEP_SEND,    /* sends the statement, */
    STEP_ARRIVE,  /* which is run, */
    STEP_REPLY,   /* and answered. */
    STEP_FAULT,
    STEP_ELECT,   /* A replica is promoted, if there is need. */
    STEP_RESTART, /* A dead node. */
    STEP_REBUILD  /* A node with a history of its own. */
};

/* Where a node is: how many entries, and the last of each server. */
struct router_mark {
    uint32_t applied;
    uint32_t timeline;
    uint32_t last[ROUTER_NODES];
};

struct router_answer {
    uint32_t role;
    uint64_t token;
    infra_time lag;
    infra_time valid_until;
    struct router_mark at;
    struct router_mark since;
    bool is_draining;
};

struct router_event {
    infra_time at;
    uint64_t order;
    uint32_t kind; /* enum router_step. */
    uint32_t node;
    uint32_t who; /* Router or client. */
    uint64_t number;
    infra_time asked_at;
    struct router_answer answer;
};

struct router_entry {
    uint32_t server;
    uint32_t gno;
    uint64_t token;   /* Of the primary that wrote it. */
    uint64_t lost_by; /* Token of the reign without it; 0: it is there. */
    infra_time at;
};

struct router_place {
    uint32_t id;       /* Of the entry. */
    uint32_t position; /* In the log, from 1. */
};

struct router_server {
    bool is_alive;
    bool is_primary;
    bool is_apart; /* Its history is another, until it is built anew. */
    bool is_draining;
    uint64_t token;
    uint32_t timeline;
    uint32_t boot;
    uint32_t count;
    uint32_t applied;
    infra_time stopped_until;  /* It copies nothing. */
    infra_time isolated_until; /* No router hears of it. */
    infra_time lease_until;
    infra_time rebuilt_at; /* It is down until then; 0: it is not built. */
    struct router_mark since;
    uint16_t log[ROUTER_LOG_MAX];
};

/* What a router was told of a node. */
struct router_told {
    struct router_answer answer;
    infra_time asked_at;
    infra_time as_of; /* 0: not known. */
    uint64_t token;   /* The last that it had as a primary. */
    uint64_t ask;     /* The one that is out. */
    infra_time heard_at;
};

struct router_side {
    struct infra_router *router;
    struct infra_router_reader *readers[ROUTER_READERS];
    struct router_told told[ROUTER_NODES];
    struct router_told published[ROUTER_NODES];
    uint64_t told_token;
    uint64_t token; /* Highest, as published. */
    bool has_seen[ROUTER_REIGNS_MAX];
    infra_time fallbacks[ROUTER_READERS][64];
    uint32_t fallbacks_count[ROUTER_READERS];
    bool is_publishing; /* It is to come. */
};

struct router_wish { /* A write that must be seen. */
    struct router_place write;
    bool is_known; /* Its position was said. */
};

struct router_client {
    struct infra_session session;
    struct infra_session_options options;
    uint32_t side;
    uint32_t reader;
    struct infra_statement statement;
    struct infra_verdict verdict;
    uint32_t node;
    uint32_t boot;
    uint64_t step; /* The one that counts. */
    infra_time first_held;
    infra_time first_waited;
    bool is_idle; /* It has no statement. */
    bool is_held;
    bool asks_again; /* The same statement. */
    /* The transaction, as the server has it. */
    bool is_open;
    bool is_deferred; /* BEGIN was answered by the host. */
    bool is_read_only;
    bool has_written;
    uint32_t open_node;
    uint32_t open_boot;
    /* Of the answer that is on its way. */
    struct infra_session_result result;
    bool is_broken;
    struct router_place wrote;
    struct router_place seen;
    /* Promises. */
    uint32_t wishes_count;
    struct router_wish wishes[ROUTER_WRITES_MAX];
    struct router_place last_seen;
};

struct router_result {
    const char *violation;
    infra_time at;
    uint64_t steps;
    uint64_t trace;
    uint64_t reads; /* At replicas. */
    uint64_t writes;
    uint64_t promotions;
    uint64_t losses; /* Said. */
    uint64_t holds;
    uint64_t waits;
    uint64_t carried;
};

struct router_world {
    struct router_result result;
    infra_time now;
    uint64_t random;
    uint64_t orders;
    bool is_verbose;
    /* What holds for this seed. */
    uint32_t text; /* enum router_text. */
    bool says_position;
    bool knows_since;
    bool has_leases;
    bool repeats_tokens;
    struct infra_router_options options;
    uint64_t token;
    uint32_t primary; /* The node that was promoted last. */
    bool is_repeated[ROUTER_REIGNS_MAX];
    struct router_server nodes[ROUTER_NODES];
    struct router_side sides[ROUTER_ROUTERS];
    struct router_client clients[ROUTER_CLIENTS];
    uint32_t entries_count;
    struct router_entry entries[ROUTER_LOG_MAX * 2];
    uint32_t queue_count;
    struct router_event queue[ROUTER_QUEUE_MAX];
};

/* router_world.c */
uint64_t router_below(struct router_world *w, uint64_t n);
bool router_chance(struct router_world *w, uint32_t per_100);
infra_time router_delay(struct router_world *w);
void router_violate(struct router_world *w, const char *what);
void router_trace(struct router_world *w, const char *what, uint32_t who,
                  uint64_t a, uint64_t b);
uint64_t router_push(struct router_world *w, struct router_event e);
struct router_event router_pop(struct router_world *w);

/* router_nodes.c */
void router_start_nodes(struct router_world *w);
void router_copy(struct router_world *w, uint32_t node);
void router_fault(struct router_world *w);
void router_elect(struct router_world *w);
void router_restart(struct router_world *w, uint32_t node);
void router_rebuild(struct router_world *w, uint32_t node);
bool router_may_write(const struct router_world *w, uint32_t node);
struct router_place router_append(struct router_world *w, uint32_t node);
bool router_has(const struct router_world *w, uint32_t node,
                struct router_place p);
struct router_mark router_mark(const struct router_world *w, uint32_t node,
                               uint32_t applied);
infra_time router_lag(const struct router_world *w, uint32_t node);
uint32_t router_kind(const struct router_world *w);
/* The text of a position, or of one entry alone. */
size_t router_say(const struct router_world *w, const struct router_mark *m,
                  char text[ROUTER_TEXT_MAX]);
struct infra_position router_position_of(const struct router_world *w,
                                         struct router_place p, uint32_t node,
                                         uint64_t token);

/* router_control.c */
void router_start_sides(struct router_world *w);
void router_ask(struct router_world *w, const struct router_event *e);
void router_answer(struct router_world *w, const struct router_event *e);
void router_publish(struct router_world *w, uint32_t side);
void router_stop_sides(struct router_world *w);

/* router_clients.c */
void router_start_clients(struct router_world *w);
void router_client(struct router_world *w, uint32_t who);
void router_send(struct router_world *w, uint32_t who);
void router_arrive(struct router_world *w, uint32_t who);
void router_reply(struct router_world *w, uint32_t who);
/* Sessions that are released, or over. */
void router_release(struct router_world *w, uint32_t side);

struct router_result router_run(uint64_t seed, bool is_verbose);

#endif
