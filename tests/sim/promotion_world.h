/* SPDX-License-Identifier: MIT */
/* The databases of the simulated world: logs, replication, clients' writes, and
 * what must never be. */
#ifndef TESTS_SIM_PROMOTION_WORLD_H
#define TESTS_SIM_PROMOTION_WORLD_H

#include "promotion_sim.h"

#include <infra/promotion.h>

#define DBS_MAX 5u
#define LOG_MAX_ENTRIES 2048u
#define WRITES_MAX 4096u
#define TOKENS_MAX 1024u
#define WORLD_NO_NODE INFRA_PROMOTION_NO_NODE
#define OWN_WRITE 0x80000000u /* By hand, and no client's. */

struct entry {
    uint32_t write; /* 0: the start of a primary. */
    uint32_t term;  /* The token of the primary that took it. */
};

struct db {
    bool is_up;
    bool is_fenced; /* It comes back read-only. */
    bool is_writable;
    bool is_stalled;         /* Its disk hangs. */
    bool is_by_hand;         /* Made writable, and written to, by hand. */
    bool is_cloned;          /* Being built anew, with a part of the data. */
    uint64_t cloned_at;      /* End of that; 0: broken off. */
    uint32_t shown_position; /* Reported meanwhile. */
    uint32_t shown_timeline;
    uint32_t source;
    uint64_t back_at; /* When it is started again. */
    uint64_t down_since;
    uint64_t stalled_until;
    uint32_t length;
    struct entry log[LOG_MAX_ENTRIES];
    struct infra_fence agent; /* For orders; on its disk. */
    uint64_t promoted;        /* Its token; writes by older ones are refused. */
    uint64_t last_call;       /* Of that token, for the order of orders. */
    uint32_t last_planner;
};

struct write {
    uint32_t db;
    uint32_t index; /* In its log. */
    uint32_t term;
    uint32_t holders; /* A bit for each replica that confirmed it. */
    bool is_acknowledged;
};

struct dbs {
    uint32_t count;
    uint32_t acks;
    uint64_t now;
    struct db db[DBS_MAX];
    uint64_t cut_until[DBS_MAX][DBS_MAX];
    struct write writes[WRITES_MAX];
    uint32_t writes_count;
    uint32_t first_open;        /* All writes before it are settled. */
    uint32_t acknowledged_term; /* The greatest acknowledged, */
    uint32_t acknowledged_by;   /* and its primary. */
    uint64_t acknowledged_at;
    uint32_t named[TOKENS_MAX]; /* Node + 1, by token. */
    uint32_t own_writes;
    bool is_strict; /* Agents refuse to promote a fenced node. */
    struct promotion_sim_result *result;
};

void dbs_start(struct dbs *w, uint32_t count, uint32_t acks);
void dbs_violate(struct dbs *w, const char *what);

/* One tick: nodes come back, replicas receive, writes are confirmed. */
void dbs_tick(struct dbs *w, uint32_t entries);

/* A client's write, by a router that knows this primary. */
void dbs_write(struct dbs *w, uint32_t id, uint64_t token);

/* What a probe sees. */
void dbs_sample(const struct dbs *w, uint32_t id,
                struct infra_promotion_sample *ret);

/* An order reaches a node, or its power switch. The outcome. */
uint32_t dbs_carry_out(struct dbs *w, const struct infra_promotion_event *e,
                       uint32_t planner);

/* A RECORD_PRIMARY event was handed out. */
void dbs_named(struct dbs *w, uint32_t id, uint64_t token);

/* Somebody makes a replica writable and writes to it; and restarts it
 * read-only. */
void dbs_take_in_hand(struct dbs *w, uint32_t id);
void dbs_put_down(struct dbs *w, uint32_t id);

/* The node is down until then. */
void dbs_crash(struct dbs *w, uint32_t id, uint64_t back_at, bool keeps_role);

/* A node that has every acknowledged write; NO_NODE. */
uint32_t dbs_complete(const struct dbs *w);

/* The writable node that all others follow; NO_NODE. */
uint32_t dbs_leader(const struct dbs *w);

#endif
