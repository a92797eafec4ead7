/* SPDX-License-Identifier: MIT */
/* Private to lib/limit: a table's sets.
 *
 * A way of a set is a source's tag (its keyed hash, 64 bits) and one word of
 * state. A state that is idle says nothing, and its way may be given to another
 * source. The words of state of a way never recur, so that an exchange on the
 * state fails if the way has had another source in between:
 *
 *   a source that is there            a source that takes a way
 *   load(state)          acquire  <--  store(state, its first)  release
 *   load(tag)            acquire  <--  store(tag)               release
 *   exchange(state)      acq_rel  <--  exchange(idle, BUSY)     acq_rel
 *
 * If the first sees a tag of later than its state, then BUSY happened before
 * its exchange, which fails. To take a way, or to use the overflow, a thread
 * first makes the set's turn odd by an exchange, and afterwards even by a
 * store: if no turn was taken since it looked for its source, the source is not
 * there. Otherwise it looks again, TURNS_MAX times, and then is refused. */
#ifndef INFRA_LIMIT_INTERNAL_H
#define INFRA_LIMIT_INTERNAL_H

#include "gcra.h"

#include "../base/address.h"
#include "../base/internal.h"
#include "../base/siphash.h"

#include <stdatomic.h>
#include <stdbool.h>

#define WAYS 7u
#define BUSY UINT64_MAX
#define TURNS_MAX 256u

struct way {
    _Atomic uint64_t tag;
    _Atomic uint64_t state;
};

/* Two cache lines. */
struct set {
    _Atomic uint64_t turn;     /* Odd: a thread has it. */
    _Atomic uint64_t overflow; /* A state for all sources without a way. */
    struct way ways[WAYS];
};

enum counter { LIMITED, CAPPED, SHARED, CONTENDED, COUNTERS };

struct infra_limit_table {
    struct infra_allocator allocator;
    struct infra_limit_rate rate; /* An interval of 0: none. */
    uint64_t key[2];
    uint64_t mask_ipv4;    /* Of the second half: the first is constant. */
    uint64_t mask_ipv6[2]; /* Of both halves. */
    uint32_t connections_max;
    uint32_t sets_count; /* A power of two. */
    struct set *rates;   /* NULL: none. */
    struct set *connections;
    _Alignas(INFRA__CACHE_LINE) _Atomic uint64_t counters[COUNTERS];
};

/* The place of a source. */
struct place {
    struct set *set;
    uint64_t tag;
};

/* How a kind of state is used. */
struct use {
    const struct infra_limit_table *table;
    uint32_t cost;
    infra_time now;
    infra_time wait; /* After a refusal by a rate. */
};

struct kind {
    /* May the way be given away? */
    bool (*is_idle)(uint64_t state, const struct use *use);
    /* The state after this use, or @state: refused. */
    uint64_t (*next)(uint64_t state, struct use *use);
    /* The first state of a source in a way whose state was @idle, with what the
     * sources without a way may owe; refused: it has not used it. */
    uint64_t (*first)(uint64_t idle, uint64_t overflow, struct use *use,
                      bool *ret_refused);
    /* May a source take a way while others use the overflow? */
    bool leaves_overflow;
};

/* How a use ended. */
enum result { REFUSED, DONE, DONE_SHARED, REFUSED_SHARED, TIRED };

struct place infra__limit_place(const struct infra_limit_table *table,
                                struct set *sets,
                                const struct infra_address *address);
/* The way of the source with its state; WAYS: it has none. */
uint32_t infra__limit_find(const struct place *place, uint64_t *ret_state);
/* @ret_way: WAYS is the overflow. */
enum result infra__limit_use(const struct place *place, const struct kind *kind,
                             struct use *use, uint32_t *ret_way);

static inline void infra__limit_count(struct infra_limit_table *table,
                                      enum counter counter)
{
    /* Relaxed: statistics. */
    atomic_fetch_add_explicit(&table->counters[counter], 1,
                              memory_order_relaxed);
}

static inline uint32_t infra__limit_connections(uint64_t state)
{
    return state == BUSY ? 0 : (uint32_t)state;
}

#endif
