/* SPDX-License-Identifier: MIT */
/* Private to lib/router: the control side, the table that it publishes, and a
 * thread's view of it. */
#ifndef INFRA_ROUTER_INTERNAL_H
#define INFRA_ROUTER_INTERNAL_H

#include "../base/inbox.h"
#include "../base/internal.h"
#include "position.h"

#include <infra/router.h>
#include <infra/session.h>

#include <stdatomic.h>
#include <stdbool.h>

#define NODE_NONE INFRA_ROUTER_NODE_NONE
#define REIGNS_MAX 8u
#define REASONS_MAX 32u

/* What the promises rest on. tests/sim/router_sim breaks each in turn and has
 * to see it: only there is there a switch. */
enum infra__router_rule {
    INFRA__ROUTER_RULE_NONE,
    INFRA__ROUTER_RULE_TOKEN,    /* The highest token is the primary's. */
    INFRA__ROUTER_RULE_SPLIT,    /* Of two with one token there is none. */
    INFRA__ROUTER_RULE_LEASE,    /* A primary is one until its lease is over. */
    INFRA__ROUTER_RULE_AGE,      /* What a replica shows grows old. */
    INFRA__ROUTER_RULE_DRAIN,    /* A draining replica gets nothing new. */
    INFRA__ROUTER_RULE_RATE,     /* Few reads fall back. */
    INFRA__ROUTER_RULE_SIGHT,    /* Out of sight, a node's sample is void. */
    INFRA__ROUTER_RULE_REIGN,    /* A sample is of the reign it was asked in. */
    INFRA__ROUTER_RULE_COVER,    /* A replica shows what is needed. */
    INFRA__ROUTER_RULE_LOST,     /* What a reign did not take over is lost. */
    INFRA__ROUTER_RULE_NEWER,    /* A newer primary is waited for. */
    INFRA__ROUTER_RULE_WROTE,    /* A write is needed. */
    INFRA__ROUTER_RULE_AFRESH,   /* What is needed now is looked for. */
    INFRA__ROUTER_RULE_PENDING,  /* A later sample covers a write. */
    INFRA__ROUTER_RULE_SEEN,     /* A later sample covers a read. */
    INFRA__ROUTER_RULE_STAY,     /* Until then it reads there. */
    INFRA__ROUTER_RULE_FORGET,   /* What was not lost is still needed. */
    INFRA__ROUTER_RULE_OPEN,     /* A transaction is at one node. */
    INFRA__ROUTER_RULE_PLACE,    /* Its node is still what it was, */
    INFRA__ROUTER_RULE_SENT,     /* also when the statement leaves. */
    INFRA__ROUTER_RULE_UNSEEN,   /* An unseen primary still takes writes. */
    INFRA__ROUTER_RULE_PATIENCE, /* Each statement is held for hold_max. */
    INFRA__ROUTER_RULE_OVER,     /* And no longer. */
    INFRA__ROUTER_RULE_HELD,     /* And few of them. */
    INFRA__ROUTER_RULE_WAIT,     /* A read waits for wait_max. */
    INFRA__ROUTER_RULES_COUNT
};
#ifdef INFRA_MUTATIONS
extern enum infra__router_rule infra__router_broken_rule;
#define ROUTER_RULE(name) \
    (infra__router_broken_rule != INFRA__ROUTER_RULE_##name)
#else
#define ROUTER_RULE(name) true
#endif

/* A primary's reign, and what it took over from the one before. */
struct reign {
    uint64_t token;
    infra_time known_at;         /* The publish that told of it. */
    struct infra_position since; /* NONE: not known. */
};

/* A node on the control side. */
struct node {
    bool is_set;
    bool is_draining;
    bool is_cut; /* Beyond lag_max, and not yet well below it. */
    bool has_sample;
    uint8_t role;
    uint8_t last_role; /* The last that was not NONE. */
    uint8_t position_kind;
    uint32_t generation;
    uint32_t sight; /* Grows as its samples become void. */
    uint64_t token;
    infra_time valid_until;
    infra_time asked_at; /* Of the last sample, void or not. */
    infra_time as_of;    /* What it shows is that old; 0: not known. */
    struct infra_position since;
    struct infra_position_part *parts;
    size_t parts_count;
    size_t parts_size;
};

/* A node as readers see it. */
struct view {
    infra_time as_of;    /* 0: not known. */
    infra_time asked_at; /* Of its last sample; 0: none. */
    uint64_t token;      /* Of the reign in which that was asked for; 0: an
                            unknown one. */
    const struct infra_position_part *parts;
    uint32_t parts_count;
    uint32_t generation;
    uint32_t sight;
    uint8_t position_kind;
    uint8_t role;
};

/* Everything a decision needs: immutable once it is posted. */
struct table {
    struct infra__edition edition;
    uint64_t token;         /* Highest seen. */
    infra_time valid_until; /* End of the primary's lease. */
    uint64_t replicas;      /* Replicas that may serve, were they fresh. */
    uint64_t cut;           /* Those of them that are beyond lag_max. */
    uint64_t standing;      /* Replicas that are up, draining or not. */
    uint64_t refused;       /* Stale primaries and those of a split brain. */
    uint32_t primary;       /* NODE_NONE: see why. */
    uint32_t why;           /* enum infra_verdict_reason. */
    uint32_t reigns_count;
    uint32_t nodes_max;
    struct reign reigns[REIGNS_MAX]; /* By token; the present one is last. */
    struct infra_position_part *parts;
    size_t parts_count;
    struct view views[];
};

/* Sessions in the order in which they were held. */
struct held_list {
    struct session *first;
    struct session *last;
    uint32_t count;
};

struct infra_router_reader {
    struct infra__inbox inbox;
    struct infra_router *router;
    struct infra_router_reader *next;
    struct infra_router_options options;
    struct held_list held;
    infra_time fallback_at; /* Time at which the next fallback read is due. */
    /* Written by this thread alone, read by control. */
    _Atomic uint64_t held_count;
    _Atomic uint64_t verdicts[REASONS_MAX];
};

struct infra_router {
    struct infra_allocator allocator;
    struct infra_router_options options;
    struct node *nodes;
    struct table *table;
    struct infra_router_reader *readers;
    uint32_t readers_count;
    uint32_t reigns_count;
    uint64_t token; /* Highest seen of a primary. */
    uint64_t version;
    uint64_t past[REASONS_MAX]; /* Verdicts of readers that are gone. */
    struct reign reigns[REIGNS_MAX];
};

static inline uint64_t bit_of(uint32_t id)
{
    return UINT64_C(1) << id;
}

static inline uint32_t first_of(uint64_t nodes)
{
    return (uint32_t)__builtin_ctzll(nodes);
}

/* router.c: called with a table that no reader can use any more. */
void infra__router_table_free(void *owner, struct infra__edition *edition);

/* The table that the reader's thread works with; NULL before the first. */
static inline const struct table *infra__router_table(
    struct infra_router_reader *r)
{
    return (const struct table *)(const void *)infra__inbox_look(&r->inbox);
}

/* primary.c: choose the primary among the nodes, for a new table. */
void infra__router_choose_primary(const struct infra_router *r,
                                  struct table *t);
/* A primary with a new token begins a reign. */
void infra__router_note_reign(struct infra_router *r, const struct table *t,
                              infra_time now);

/* May writes go to the primary of @t? REASON_WRITE, or why not. */
uint32_t infra__router_writable(const struct table *t, infra_time now);

/* fresh.c: the replicas that serve reads at @now: of at most @age_max, the
 * preferred ones, topped up to replicas_min. */
uint64_t infra__router_serving(const struct table *t,
                               const struct infra_router_options *o,
                               infra_time age_max, infra_time now);
/* The least old of @nodes; NODE_NONE: none has a known age. */
uint32_t infra__router_least_old(const struct table *t, uint64_t nodes);
/* Note which replicas are cut off, with hysteresis. */
void infra__router_cut(struct infra_router *r, infra_time now);
/* May one more read fall back to the primary? Counts it. */
bool infra__router_may_fall_back(struct infra_router_reader *r, infra_time now);

/* needs.c: what a session needs, against the reigns of a table. */
enum need { NEED_MET, NEED_LOST, NEED_NEWER, NEED_UNKNOWN };

/* Bring the parts of older reigns up to the present one. NEED_MET, _LOST,
 * _NEWER, or _UNKNOWN if a reign's beginning is not known. */
enum need infra__need_resolve(struct infra_position *need,
                              const struct table *t);
/* Those of @nodes whose sample covers @need. */
uint64_t infra__need_covered(const struct infra_position *need,
                             const struct table *t, uint64_t nodes);
/* Raise @need to the sample of node @id. INFRA_EFULL, INFRA_EINVAL: it has too
 * many parts, or none. */
int infra__need_raise(struct infra_position *need, const struct table *t,
                      uint32_t id);

/* held.c */
void infra__held_add(struct infra_router_reader *r, struct session *s,
                     infra_time until);
void infra__held_remove(struct session *s);

#endif
