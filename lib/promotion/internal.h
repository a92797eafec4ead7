/* SPDX-License-Identifier: MIT */
/* The planner's state, shared by its files:
 *
 *   steps.c     which step follows which, and why: one table
 *   evidence.c  what the samples say of the primary and its rivals
 *   choice.c    who is promoted, and whether anybody may be
 *   apart.c     who has a history of its own
 *   due.c       what is due in a step
 *   plan.c      what it means to enter a step, and the turn
 *   orders.c    orders and their answers
 *   events.c    what the host is told, and when
 *   commands.c  what the operator says
 *   promotion.c           create, nodes, samples */
#ifndef INFRA_PROMOTION_INTERNAL_H
#define INFRA_PROMOTION_INTERNAL_H

#include <infra/promotion.h>

#include "../base/damper.h"
#include "../base/internal.h"

#include <stdbool.h>

#define NO_NODE INFRA_PROMOTION_NO_NODE
#define STEPS_COUNT (INFRA_PROMOTION_STEP_PAUSED + 1u)
#define PROMOTION_REASONS_COUNT (INFRA_PROMOTION_REASON_PAUSED + 1u)
#define NO_REASON PROMOTION_REASONS_COUNT
#define NO_ORDER (INFRA_PROMOTION_EVENT_RECORD_APART + 1u)
#define NO_OUTCOME (INFRA_FENCE_UNKNOWN + 1u)
#define STEPS_LOG_MAX 16u /* Not yet taken by the host; then the oldest goes. */

/* The rules of safety. The simulator is built with a switch that breaks one of
 * them, to see that it notices; the library has none. */
enum infra__promotion_rule {
    INFRA__PROMOTION_RULE_NONE,
    INFRA__PROMOTION_RULE_GATE, /* Without an open gate it does nothing. */
    INFRA__PROMOTION_RULE_TOKEN_USED, /* A token names one primary. */
    INFRA__PROMOTION_RULE_EVIDENCE,   /* k of n have to say that it is dead, */
    INFRA__PROMOTION_RULE_VETO,       /* and nobody that it is not. */
    INFRA__PROMOTION_RULE_FENCE,      /* It is shut out first. */
    INFRA__PROMOTION_RULE_DETACH,     /* Who reports receives from nobody, */
    INFRA__PROMOTION_RULE_SINCE,      /* and reports after that. */
    INFRA__PROMOTION_RULE_QUORUM,     /* Enough report. */
    INFRA__PROMOTION_RULE_ALL,        /* Asynchronous: all do. */
    INFRA__PROMOTION_RULE_POSITION,   /* Who has most is promoted, */
    INFRA__PROMOTION_RULE_TIMELINE,   /* of the newest timeline. */
    INFRA__PROMOTION_RULE_SYNC,       /* And is one of those who count. */
    INFRA__PROMOTION_RULE_STOP,       /* Switchover: no writes any more, */
    INFRA__PROMOTION_RULE_CATCH_UP,   /* and the last of them arrived. */
    INFRA__PROMOTION_RULE_SEEN,       /* It is the primary when it is seen. */
    INFRA__PROMOTION_RULE_CONFLICT,   /* Of two the older is stopped. */
    INFRA__PROMOTION_RULE_UNKNOWN,    /* Asynchronous: or might be one. */
    INFRA__PROMOTION_RULE_INTENT, /* What was begun is written down before, */
    INFRA__PROMOTION_RULE_UNFINISHED, /* and begun anew by who finds it. */
    INFRA__PROMOTION_RULE_APART,  /* A history of its own counts for nothing, */
    INFRA__PROMOTION_RULE_MARK,   /* also for the process that leads next, */
    INFRA__PROMOTION_RULE_PROVED, /* until the node was repointed. */
    INFRA__PROMOTION_RULE_WHOLE,  /* Who cannot be detached has not reported. */
    INFRA__PROMOTION_RULE_REFUSED, /* Who was not promoted is not tried again. */
    INFRA__PROMOTION_RULE_LOST,    /* A dead candidate is not waited for. */
    INFRA__PROMOTION_RULE_SEAL,    /* Who is out counts until then. */
    INFRA__PROMOTION_RULES_COUNT,
};
#ifdef INFRA_MUTATIONS
extern enum infra__promotion_rule infra__promotion_broken_rule;
#define PROMOTION_RULE(name) \
    (infra__promotion_broken_rule != INFRA__PROMOTION_RULE_##name)
#else
#define PROMOTION_RULE(name) true
#endif

/* The last that one observer saw of one node. */
struct view {
    infra_time at;
    uint32_t view;
    uint32_t is_known;
};

/* The order that a node has, or had last in this step. */
struct order {
    uint64_t call;
    infra_time deadline;
    infra_time next_at; /* Not again before. */
    infra_time done_at;
    uint32_t kind;    /* NO_ORDER: none. */
    uint32_t outcome; /* Of the last try; NO_OUTCOME: none so far. */
    bool is_out;
    bool is_offered; /* And the host has not taken it yet. */
};

struct node {
    uint64_t key; /* The hash of its key stands for it. */
    /* Of the youngest sample in which it answered. */
    infra_time at;
    uint64_t timeline;
    uint64_t position;
    infra_time changed; /* Since when writable and source are so. */
    uint32_t writable;
    uint32_t source;
    uint32_t priority;
    uint32_t flags;
    infra_time refused_until; /* Its promotion failed: not a candidate. */
    infra_time not_before;    /* Samples begun before do not speak any more. */
    struct order order;
    /* Since it was shut out, under this lease, it has acknowledged nothing; and
     * the primary was seen here after that. */
    infra_time silent_since; /* 0: it may have. */
    uint64_t seal_timeline;
    uint64_t seal_position;
    bool is_sealed;
    bool may_follow; /* A REPOINT was handed out since then, */
    bool is_in_part; /* and is still at work on its data, in this plan. */
    bool is_set;
    bool has_answered; /* The facts above are known. */
    bool is_detached;  /* By this plan. */
    bool is_deposed;   /* It was primary, and does not follow yet. */
    bool is_fenced;    /* By this plan, */
    bool is_excused;   /* or it could not be, and the plan went on. */
    bool is_halted;    /* What it has received is not applied. */
    bool is_unmarked;  /* APART has changed, and is not written down so. */
    bool tells_quarantine;
};

struct infra_promotion {
    struct infra_allocator allocator;
    struct infra_promotion_options o;
    struct node *nodes;
    struct view *views; /* By node, then observer. */

    infra_time now;     /* The greatest that was seen. */
    uint64_t token;     /* While the gate is open; else 0. */
    uint64_t lease;     /* The last token that there was. */
    bool is_token_used; /* That token has named a primary. */
    bool is_paused;     /* By the operator. */
    bool is_impatient;  /* The operator waits for no damper. */
    uint32_t step;
    uint32_t reason;
    infra_time since;

    uint32_t primary;
    uint64_t primary_token; /* That was written down, */

    uint64_t primary_timeline;
    uint64_t primary_position; /* Where it began; 0: not known. */
    uint64_t primary_origin;   /* Its timeline before that, if known. */
    bool knows_origin;
    bool is_unfinished;       /* or that is to be: then there is also */
    uint32_t begun;           /* the one that is to be, */
    uint32_t former;          /* and the last that was, if known, */
    uint64_t former_timeline; /* with its timeline. */

    /* The plan. */
    uint32_t candidate;
    uint32_t target;   /* Who is or was shut out. */
    uint64_t began_at; /* The candidate's position, */
    uint64_t began_on; /* and its timeline, before it is promoted. */
    bool goes_on;      /* The candidate is the primary that there is. */
    bool is_switchover;
    uint64_t last_position; /* Of the primary that was stopped. */

    struct order own;      /* What the host is to do itself. */
    uint32_t marked;       /* MARK: of which node, */
    uint32_t marked_flags; /* and what it was told. */
    struct infra__damper damper;
    infra_time changed; /* When the primary last changed. */
    uint64_t changes;
    uint64_t calls_count;

    /* What the host is to be told. */

    bool tells_hold;
    bool tells_resign;
    uint32_t log_first;
    uint32_t log_count;
    struct infra_promotion_event log[STEPS_LOG_MAX];
};

static inline bool is_node(const struct infra_promotion *p, uint32_t id)
{
    return id < p->o.nodes_max && p->nodes[id].is_set;
}

static inline bool has_flag(const struct node *n, uint32_t flag)
{
    return (n->flags & flag) != 0;
}

/* Is what is known of it still so? */
static inline bool is_fresh(const struct infra_promotion *p, uint32_t id)
{
    const struct node *n = &p->nodes[id];

    return n->is_set && n->has_answered && n->at >= n->not_before &&
           p->now - n->at <= p->o.sample_age_max;
}

static inline bool is_writable(const struct infra_promotion *p, uint32_t id)
{
    return is_fresh(p, id) && p->nodes[id].writable != 0;
}

/* The table. */
struct infra__promotion_row {
    uint32_t from; /* STEPS_COUNT: any but STANDBY. */
    uint32_t reason;
    uint32_t to;
};
const struct infra__promotion_row *infra__promotion_table(size_t *ret_count);

/* The step that follows; STEPS_COUNT: none, the reason does not apply. */
uint32_t infra__promotion_transition(uint32_t step, uint32_t reason);

struct infra__votes {
    uint32_t alive;
    uint32_t dead;
};

/* What is to be thought of the primary: ALIVE, SUSPECTED or DEAD. */
uint32_t infra__promotion_verdict(const struct infra_promotion *p,
                                  struct infra__votes *ret);

/* Is there another one that takes writes? ADOPTED: and it is the newer one,
 * @ret; CONFLICT: and it is to be stopped, @ret, or nobody knows which. */
uint32_t infra__promotion_rival(const struct infra_promotion *p, uint32_t *ret);

/* Does nobody take writes though somebody could (READONLY), or does nobody know
 * how a promotion ended (UNFINISHED)? */
uint32_t infra__promotion_vacancy(const struct infra_promotion *p);

struct infra__choice {
    uint32_t candidate;
    uint32_t reported;
    uint32_t needed;
};

/* REPORTED: the candidate is to be promoted; CONFLICT: it has to be fenced
 * first; MISSING, AHEAD, NONE: nobody is; NO_REASON: wait for the others. */
uint32_t infra__promotion_choose(const struct infra_promotion *p,
                                 struct infra__choice *ret);

/* May it be made primary, by what it is and not by what it has? */
bool infra__promotion_may_lead(const struct infra_promotion *p, uint32_t id);

/* May the candidate still be promoted, whatever became of its flags? */
bool infra__promotion_may_go_on(const struct infra_promotion *p);

/* Is the candidate dead, as far as anybody sees? */
bool infra__promotion_is_lost(const struct infra_promotion *p, uint32_t id);

/* The last primary that is known to have been one; NO_NODE. */
static inline uint32_t last_primary(const struct infra_promotion *p)
{
    return p->is_unfinished ? p->former : p->primary;
}

/* Somebody is about to be promoted. */
void infra__promotion_begin(struct infra_promotion *p, uint32_t id);

/* Does it take writes beside the primary? Then it is shut out. */
bool infra__promotion_is_rival(const struct infra_promotion *p, uint32_t id);

/* A node is APART from now on, or not any more; the host has to write it down. */
void infra__promotion_set_apart(struct infra_promotion *p, uint32_t id,
                                bool is_apart);

/* Nobody is known to be silent any more; @if_repointed: of those who may follow.
 */
void infra__promotion_unseal(struct infra_promotion *p, bool if_repointed);

/* The primary was seen, as its node says now. */
void infra__promotion_seal(struct infra_promotion *p, infra_time at);

/* Find the nodes that have a history of their own. */
void infra__promotion_find_apart(struct infra_promotion *p);

/* The first node whose mark is not written down; NO_NODE. */
uint32_t infra__promotion_unmarked(const struct infra_promotion *p);

/* The reason to leave the step, NO_REASON if there is none, and whom it is
 * about. The damper forgets as it is asked. */
struct infra__due {
    uint32_t reason;
    uint32_t node;
};
struct infra__due infra__promotion_due(struct infra_promotion *p);

/* Go where the table says, if it says so; @node: whom the step is about. */
void infra__promotion_become(struct infra_promotion *p, uint32_t reason,
                             uint32_t node);

/* Look at the gate and the time, do what is due, give orders. */
void infra__promotion_advance(struct infra_promotion *p, infra_time now);

/* Is all done that this step's fence can do? NO_REASON, FENCED, UNFENCED. */
uint32_t infra__promotion_fence_end(const struct infra_promotion *p,
                                    uint32_t id);

/* Is it to be pointed at the primary? */
bool infra__promotion_wants_repoint(const struct infra_promotion *p,
                                    uint32_t id);

/* Does it keep the order to be shut out? */
bool infra__promotion_wants_fence(const struct infra_promotion *p, uint32_t id);

/* Orders that got no answer in time, and those that the step wants. */
void infra__promotion_expire_orders(struct infra_promotion *p);
void infra__promotion_give_orders(struct infra_promotion *p);
void infra__promotion_drop_order(struct order *order);

/* May it be given once more? */
bool infra__promotion_may_repeat(const struct order *order);

/* When time alone changes the step. */
infra_time infra__promotion_step_due(const struct infra_promotion *p);

/* When what was seen speaks no more, or has been so for long enough. */
infra_time infra__promotion_seen_due(const struct infra_promotion *p);

#endif
