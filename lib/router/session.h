/* SPDX-License-Identifier: MIT */
/* Private to lib/router: what is inside a struct infra_session. */
#ifndef INFRA_ROUTER_SESSION_H
#define INFRA_ROUTER_SESSION_H

#include "internal.h"

/* Pins that are not on one connection, or for one statement only. */
#define PINS_LOOSE (INFRA_SESSION_PIN_PRIMARY | INFRA_SESSION_PIN_LAST)

/* Pins after which each statement goes to their node. */
#define PINS_BIND_ALL                                           \
    (INFRA_SESSION_PIN_TEMPORARY | INFRA_SESSION_PIN_ADVISORY | \
     INFRA_SESSION_PIN_TABLES | INFRA_SESSION_PIN_XA |          \
     INFRA_SESSION_PIN_UNKNOWN | INFRA_SESSION_PIN_NEXT)

/* A BEGIN that the host has answered and not sent. */
enum deferred { DEFERRED_NONE, DEFERRED_WRITE, DEFERRED_READ_ONLY };

/* A node, and what it was when something was left there. */
struct place {
    uint32_t node;
    uint32_t generation;
    uint32_t sight;
    bool is_primary;
    uint64_t token; /* Of the primary then. */
};

struct session {
    /* What was asked for. */
    uint8_t consistency;
    uint8_t flags;
    infra_time age_max;

    /* The statement that is out, and the last decision. */
    bool is_out;
    bool is_routed; /* `last` may still be sent. */
    struct infra_statement statement;
    struct infra_verdict last;
    struct place out; /* Where it is. */
    uint64_t serving; /* Replicas that served then, for explain(). */

    /* Transactions. */
    uint8_t deferred;          /* enum deferred. */
    bool is_open;              /* A transaction is, at `transaction`. */
    bool is_default_read_only; /* The mode of all that say nothing. */
    bool is_autocommit_off;
    bool has_written;      /* Something in that transaction did. */
    bool has_seen_replica; /* MONOTONIC: a replica has answered a read. */
    bool is_broken;        /* A pin was lost; say so once. */
    bool is_told;          /* It was said. */
    struct place transaction;

    /* Other pins, all at one node. */
    uint32_t pins;
    struct place home;   /* NODE_NONE: where the next statement goes. */
    struct place follow; /* Of the last statement, while LAST is set. */

    /* What it has written and seen. */
    struct infra_position need;
    /* Of the nodes in `shown_of` those in `shown` cover it, under the table of
     * this version; 0: it has changed since. */
    uint64_t shown_version;
    uint64_t shown_of;
    uint64_t shown;
    infra_time pending_at; /* It also needs the first sample of the primary
                              that was asked for at this time; 0: no. */
    uint32_t read_node;    /* MONOTONIC: where it read; NODE_NONE. */
    uint32_t read_sight;   /* What that node's was. */
    infra_time read_at;    /* When that read ended. */
    infra_time done_at;    /* When it was last promised anything. */

    /* Patience. */
    infra_time wait_until; /* 0: not waiting. */
    infra_time hold_until; /* 0: not held yet. */
    uint64_t held_version; /* Of the table under which it is held. */
    struct infra_router_reader *holder;
    struct session *held_next;
    struct session *held_previous;

    /* Settings: journal.c. */
    unsigned char *journal;
    uint32_t journal_size;
    uint32_t journal_used;
    uint32_t journal_staged; /* Where those of the open transaction start. */
    uint32_t journal_version;
};

_Static_assert(sizeof(struct session) <= sizeof(struct infra_session),
               "struct infra_session is too small");

static inline struct session *session_of(struct infra_session *s)
{
    return (struct session *)(void *)s;
}

static inline const struct session *session_of_const(
    const struct infra_session *s)
{
    return (const struct session *)(const void *)s;
}

/* Is everything that was left at @p still there, under table @t? */
bool infra__place_holds(const struct place *p, const struct table *t);
/* Node @id as it is in @t. */
struct place infra__place_of(const struct table *t, uint32_t id);

static inline void infra__verdict_fail(struct infra_verdict *v, uint32_t reason)
{
    v->kind = INFRA_VERDICT_FAIL;
    v->reason = (uint8_t)reason;
}

/* decide.c: the whole decision, but for the bounds of holding. */
void infra__session_decide(struct session *s, struct infra_router_reader *r,
                           const struct table *t,
                           const struct infra_statement *statement,
                           infra_time now, struct infra_verdict *v);
/* Does it begin a transaction that cannot write? */
bool infra__session_begins_read_only(const struct session *s,
                                     const struct infra_statement *statement);

/* reads.c: where a read may go. */
void infra__session_read(struct session *s, struct infra_router_reader *r,
                         const struct table *t, uint8_t reason, infra_time now,
                         struct infra_verdict *v);
/* A decision against the session's needs; false: @v says why not. */
bool infra__session_needs(struct session *s, const struct table *t,
                          infra_time now, struct infra_verdict *v);
/* writes.c: to the primary with @reason, or hold. */
void infra__session_write(const struct table *t, uint8_t reason, infra_time now,
                          struct infra_verdict *v);

/* pins.c: pins that @statement starts, and those it may drop. */
uint32_t infra__pins_started(const struct infra_statement *statement);
uint32_t infra__pins_ended(const struct infra_statement *statement);
/* Those of @pins that bind @statement. */
uint32_t infra__pins_binding(uint32_t pins,
                             const struct infra_statement *statement);

/* needs: a write at a time of which the position is not known. */
void infra__session_wrote(struct session *s,
                          const struct infra_position *position,
                          infra_time now);

/* journal.c: the transaction's settings count, or never were. */
void infra__journal_commit(struct session *s);
void infra__journal_roll_back(struct session *s);

#endif
