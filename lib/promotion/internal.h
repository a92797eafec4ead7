/* SPDX-License-Identifier: MIT */
/* The planner's state, shared by its files. Each calls only those below it:
 *
 *   promotion.c  the public functions: create, nodes, samples, answers, events
 *   commands.c   commands of the operator
 *   plan.c       entering a step, and the turn
 *   events.c     what the host is told, and when
 *   due.c        the reason to leave a step
 *   orders.c     orders and their answers
 *   choice.c     the candidate, and whether there may be one
 *   evidence.c   what the samples say of the primary and its rivals
 *   apart.c      nodes with a history of their own
 *   steps.c      which step follows which, and why: one table */
#ifndef INFRA_PROMOTION_INTERNAL_H
#define INFRA_PROMOTION_INTERNAL_H

#include <infra/promotion.h>

#include "../base/damper.h"
#include "../base/internal.h"

#include <stdbool.h>

/* The words of infra/promotion.h, short. */
#define STEP(name) INFRA_PROMOTION_STEP_##name
#define WHY(name) INFRA_PROMOTION_REASON_##name
#define EVENT(name) INFRA_PROMOTION_EVENT_##name
#define FLAG(name) INFRA_PROMOTION_FLAG_##name
#define NO_NODE INFRA_PROMOTION_NO_NODE
#define STEPS_COUNT (STEP(PAUSED) + 1u)
#define PROMOTION_REASONS_COUNT (WHY(PAUSED) + 1u)
#define NO_REASON PROMOTION_REASONS_COUNT
#define NO_ORDER (EVENT(RECORD_APART) + 1u)
#define NO_OUTCOME (INFRA_ORDER_UNKNOWN + 1u)
/* STEP events that the host has not taken; past that the oldest is dropped. */
#define STEPS_LOG_MAX 16u

/* The rules of safety. The simulator is built with a switch that breaks one
 * rule, to see that it notices; the library has no such switch. */
enum infra__promotion_rule {
    INFRA__PROMOTION_RULE_NONE,
    INFRA__PROMOTION_RULE_GATE,       /* No act without an open gate. */
    INFRA__PROMOTION_RULE_TOKEN_USED, /* A token names one primary. */
    INFRA__PROMOTION_RULE_EVIDENCE,   /* The votes suffice, */
    INFRA__PROMOTION_RULE_VETO,       /* and none vetoes. */
    INFRA__PROMOTION_RULE_FENCE,      /* The primary is fenced first. */
    INFRA__PROMOTION_RULE_DETACH,     /* A node that reports is detached, */
    INFRA__PROMOTION_RULE_SINCE,      /* and reports after that. */
    INFRA__PROMOTION_RULE_QUORUM,     /* Enough nodes report. */
    INFRA__PROMOTION_RULE_ALL,        /* Asynchronous: all nodes do. */
    INFRA__PROMOTION_RULE_POSITION,   /* The most advanced is promoted, */
    INFRA__PROMOTION_RULE_TIMELINE,   /* of the newest timeline. */
    INFRA__PROMOTION_RULE_SYNC,       /* and acknowledges writes. */
    INFRA__PROMOTION_RULE_STOP,       /* Switchover: the writes end, */
    INFRA__PROMOTION_RULE_CATCH_UP,   /* and the last has arrived. */
    INFRA__PROMOTION_RULE_SEEN,       /* A primary was seen writable. */
    INFRA__PROMOTION_RULE_CONFLICT,   /* The older of two is fenced, */
    INFRA__PROMOTION_RULE_UNKNOWN,    /* asynchronous: or might be. */
    INFRA__PROMOTION_RULE_INTENT,     /* An intent is recorded first, */
    INFRA__PROMOTION_RULE_UNFINISHED, /* and its finder begins anew. */
    INFRA__PROMOTION_RULE_APART,      /* A node apart has no say, */
    INFRA__PROMOTION_RULE_MARK,       /* nor for the next process, */
    INFRA__PROMOTION_RULE_PROVED,     /* until it is repointed. */
    INFRA__PROMOTION_RULE_WHOLE,      /* A half copy has not reported. */
    INFRA__PROMOTION_RULE_REFUSED,    /* A refusal is remembered. */
    INFRA__PROMOTION_RULE_LOST,       /* A dead candidate is left. */
    INFRA__PROMOTION_RULE_SEAL,       /* A silent node needs a seal. */
    INFRA__PROMOTION_RULE_AGAIN,      /* A fence is given up and repeated. */
    INFRA__PROMOTION_RULE_AWAITED,    /* A slow node is waited for. */
    INFRA__PROMOTION_RULES_COUNT,
};
#ifdef INFRA_MUTATIONS
extern enum infra__promotion_rule infra__promotion_broken_rule;
#define PROMOTION_RULE(name) \
    (infra__promotion_broken_rule != INFRA__PROMOTION_RULE_##name)
#else
#define PROMOTION_RULE(name) true
#endif

/* What one observer saw last of one node. */
struct view {
    infra_time at;
    uint32_t view;
    uint32_t is_known;
};

/* The order of a node in this step, out or answered. */
struct order {
    uint64_t call;
    infra_time deadline;
    infra_time next_at; /* Earliest time of a repetition. */
    infra_time done_at;
    uint32_t kind;    /* NO_ORDER: none. */
    uint32_t outcome; /* Of the last try, or NO_OUTCOME. */
    bool is_out;
    bool is_offered; /* Out, and not yet taken by the host. */
};

struct node {
    uint64_t key; /* Hash of its name. */
    /* From the youngest sample with VIEW_OK. */
    infra_time at;
    uint64_t timeline;
    uint64_t position;
    infra_time changed; /* Last change of writable or source. */
    uint32_t writable;
    uint32_t source;
    uint32_t priority;
    uint32_t flags;
    infra_time refused_until; /* After a failed promotion. */
    infra_time not_before;    /* Older samples do not count. */
    struct order order;
    /* Fenced under this lease, the node has acknowledged nothing since. The
     * seal is a later place of the primary. */
    infra_time silent_since; /* 0: it may have acknowledged. */
    uint64_t seal_timeline;
    uint64_t seal_position;
    bool is_sealed;
    bool may_follow; /* A REPOINT was handed out since. */
    bool is_in_part; /* Its data is still being replaced. */
    bool is_set;
    bool has_answered; /* There is such a sample. */
    bool is_detached;  /* In this plan. */
    bool is_deposed;   /* Was primary, and does not follow yet. */
    bool is_fenced;    /* In this plan. */
    bool is_excused;   /* In this plan, by UNFENCED_PROCEED. */
    bool is_halted;    /* As in a sample. */
    bool is_unmarked;  /* APART is not recorded as it is. */
    bool tells_quarantine;
};

struct infra_promotion {
    struct infra_allocator allocator;
    struct infra_promotion_options o;
    struct node *nodes;
    struct view *views; /* By node, then observer. */

    infra_time now;     /* The greatest seen. */
    uint64_t token;     /* 0: the gate is shut. */
    uint64_t lease;     /* The last token, also while the gate is shut. */
    bool is_token_used; /* `lease` has named a primary. */
    bool is_paused;     /* By the operator. */
    bool is_impatient;  /* FORCE: the damper does not count. */
    uint32_t step;
    uint32_t reason;
    infra_time since;

    uint32_t primary;
    uint64_t primary_token; /* That named it, in the record. */
    uint64_t primary_timeline;
    uint64_t primary_position; /* Where it began; 0: unknown. */
    uint64_t primary_origin;   /* Its timeline before, if knows_origin. */
    bool knows_origin;
    bool is_unfinished; /* The record has an intent. The rest is about it: */
    uint32_t begun;     /* the node that is to be primary, */
    uint32_t former;    /* the last primary, or NO_NODE, */
    uint64_t former_timeline;

    /* The plan. */
    uint32_t candidate;
    uint32_t target;   /* The node that is or was fenced. */
    uint64_t began_at; /* Position and timeline of the candidate */
    uint64_t began_on; /* before its promotion. */
    bool goes_on;      /* The candidate is the present primary. */
    bool is_switchover;
    uint64_t last_position; /* Of the stopped primary. */

    struct order own;      /* The order to the host itself. */
    uint32_t marked;       /* RECORD_APART: its node, */
    uint32_t marked_flags; /* and flags. */
    struct infra__damper damper;
    infra_time changed; /* Last change of primary. */
    uint64_t changes;
    uint64_t calls_count;

    /* Events that the host has not taken. */
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

static inline struct view *views_of(const struct infra_promotion *p,
                                    uint32_t id)
{
    return &p->views[(size_t)id * p->o.observers_max];
}

/* Is the last sample recent enough to act on? */
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

/* The node may have acknowledged writes. */
static inline void unseal(struct node *n)
{
    n->silent_since = 0;
    n->is_sealed = n->may_follow = false;
}

/* Nothing is known, or may be done, of the group in these steps. */
static inline bool is_idle(const struct infra_promotion *p)
{
    return p->step == STEP(STANDBY) || p->step == STEP(READING) ||
           p->step == STEP(PAUSED);
}

/* The first node for which @is holds; NO_NODE. */
static inline uint32_t first_node(const struct infra_promotion *p,
                                  bool (*is)(const struct infra_promotion *p,
                                             uint32_t id))
{
    for (uint32_t i = 0; i < p->o.nodes_max; i++) {
        if (is(p, i)) {
            return i;
        }
    }
    return NO_NODE;
}

/* The last primary known to have been one; NO_NODE. */
static inline uint32_t last_primary(const struct infra_promotion *p)
{
    return p->is_unfinished ? p->former : p->primary;
}

/* steps.c */
struct infra__promotion_row {
    uint32_t from; /* STEPS_COUNT: any but STANDBY. */
    uint32_t reason;
    uint32_t to;
};
const struct infra__promotion_row *infra__promotion_table(size_t *ret_count);

/* The step that follows; STEPS_COUNT: none, the reason does not apply. */
uint32_t infra__promotion_transition(uint32_t step, uint32_t reason);

/* apart.c: a promotion is begun. */
void infra__promotion_begin(struct infra_promotion *p, uint32_t id);

/* Is the node writable beside the primary, so that it has to be fenced? */
bool infra__promotion_is_rival(const struct infra_promotion *p, uint32_t id);

/* Set or clear APART; the host has to record it. */
void infra__promotion_set_apart(struct infra_promotion *p, uint32_t id,
                                bool is_apart);

/* Unseal all nodes; @if_repointed: those that may follow. */
void infra__promotion_unseal(struct infra_promotion *p, bool if_repointed);

/* The primary was seen at @at, as its node says now: seal the silent nodes. */
void infra__promotion_seal(struct infra_promotion *p, infra_time at);

/* Set APART where it belongs. */
void infra__promotion_find_apart(struct infra_promotion *p);

/* The first node whose APART is not recorded as it is; NO_NODE. */
uint32_t infra__promotion_unmarked(const struct infra_promotion *p);

/* evidence.c: take a sample that was accepted. */
void infra__promotion_learn(struct infra_promotion *p, uint32_t id,
                            const struct infra_promotion_sample *s,
                            infra_time at);

/* Votes on the primary, and their result: ALIVE, SUSPECTED or DEAD. */
struct infra__votes {
    uint32_t alive;
    uint32_t dead;
    uint32_t verdict;
};
struct infra__votes infra__promotion_votes(const struct infra_promotion *p);

/* Is another node writable? ADOPTED: @ret is the newer primary. CONFLICT: @ret
 * has to be fenced, or is NO_NODE if none is known to be the older. */
uint32_t infra__promotion_rival(const struct infra_promotion *p, uint32_t *ret);

/* READONLY: no node is writable though one could be. UNFINISHED: the end of a
 * promotion is unknown. */
uint32_t infra__promotion_vacancy(const struct infra_promotion *p);

/* Is the candidate dead, as far as any observer sees? */
bool infra__promotion_is_lost(const struct infra_promotion *p, uint32_t id);

/* Does the node answer probes, as far as any observer sees? DETACH voids older
 * samples, so the first after it is waited for. */
bool infra__promotion_is_answering(const struct infra_promotion *p,
                                   uint32_t id);

/* choice.c */
struct infra__choice {
    uint32_t candidate;
    uint32_t reported;
    uint32_t needed;
};

/* REPORTED: promote the candidate. CONFLICT: fence it first. MISSING, AHEAD,
 * NO_CANDIDATE: promote none. NO_REASON: wait for more reports. */
uint32_t infra__promotion_choose(const struct infra_promotion *p,
                                 struct infra__choice *ret);

/* May the node be made primary, by its flags and state, not its position? */
bool infra__promotion_may_lead(const struct infra_promotion *p, uint32_t id);

/* May the candidate still be promoted, after a change of its flags? */
bool infra__promotion_may_go_on(const struct infra_promotion *p);

/* orders.c: how did the FENCE of this step end? NO_REASON, FENCED, UNFENCED. */
uint32_t infra__promotion_fence_end(const struct infra_promotion *p,
                                    uint32_t id);

/* Has the node to be pointed at the primary? */
bool infra__promotion_wants_repoint(const struct infra_promotion *p,
                                    uint32_t id);

/* Does the node keep its FENCE? */
bool infra__promotion_wants_fence(const struct infra_promotion *p, uint32_t id);

/* Expire orders without an answer; give those that the step wants. */
void infra__promotion_expire_orders(struct infra_promotion *p);
void infra__promotion_give_orders(struct infra_promotion *p);
void infra__promotion_drop_order(struct order *order);
void infra__promotion_drop_orders(struct infra_promotion *p);

/* False: no order waits for this call. */
bool infra__promotion_take_answer(struct infra_promotion *p, uint64_t call,
                                  uint32_t outcome);

/* When the order asks for attention. */
infra_time infra__promotion_order_due(const struct order *order);

/* due.c: the reason to leave the step, or NO_REASON, and its node. The damper
 * decays as it is asked. */
struct infra__due {
    uint32_t reason;
    uint32_t id;
};
struct infra__due infra__promotion_due(struct infra_promotion *p);

/* When time alone changes the step. */
infra_time infra__promotion_step_due(const struct infra_promotion *p);

/* When a sample gets too old, or old enough. */
infra_time infra__promotion_seen_due(const struct infra_promotion *p);

/* events.c: false: there is none. */
bool infra__promotion_take_event(struct infra_promotion *p,
                                 struct infra_promotion_event *ret);
infra_time infra__promotion_event_due(const struct infra_promotion *p);

/* plan.c: go where the table says, if it has the row; @id: the step's node. */
void infra__promotion_become(struct infra_promotion *p, uint32_t reason,
                             uint32_t id);

/* Node @id becomes primary: count the change, if it is one, for the damper. */
void infra__promotion_count_change(struct infra_promotion *p, uint32_t id);

/* One turn: look at the gate and the time, do what is due, give orders. */
void infra__promotion_advance(struct infra_promotion *p, infra_time now);

#endif
