/* SPDX-License-Identifier: MIT */
/* How the balancer keeps its backends: shared by the control side, the data
 * side and the policies of this library.
 *
 *   slot     one per id, permanent: counts of all threads
 *   tally    one per id and reader: counts of one thread, summed by control
 *   entry    one per backend and published table: what a pick must know
 *   list     the entries of one tier that are healthy, or that are degraded
 *   table    the lists in the order in which picks ask them; immutable */
#ifndef INFRA_BALANCER_INTERNAL_H
#define INFRA_BALANCER_INTERNAL_H

#include <infra/balancer.h>

#include "../base/inbox.h"
#include "../base/internal.h"
#include "algorithm/hash_member.h"

#include <stdatomic.h>
#include <stdbool.h>

#define NO_INDEX UINT32_MAX
#define IDS_MAX_DEFAULT 64u

/* The healthy and the degraded backends of a tier make one list each. */
#define LISTS_MAX (2u * INFRA_BALANCER_TIERS_MAX)

/* Sums of tickets and reports; all of them wrap. */
struct counts {
    uint64_t picks;
    uint64_t releases;
    uint64_t failures;
    uint64_t reports;
    uint64_t latency_sum;
};

/* Outlives every table. On its own cache line, so that threads which use
 * different backends do not share one. */
struct slot {
    _Atomic uint32_t in_flight; /* Tickets whose policy or cap needs a count. */
    _Atomic uint32_t marks;     /* Among workers: a byte by axis. */
    _Atomic uint64_t latency;   /* See ewma.h. */
    _Atomic uint64_t penalty;   /* See ewma.h. */
    union {
        struct counts base;         /* Alone: see infra__balancer_base(). */
        struct {                    /* Among workers: */
            _Atomic uint64_t owner; /* see shared_slots.c; */
            _Atomic uint32_t share; /* as in struct member. */
        };
    };
};
_Static_assert(sizeof(struct slot) == INFRA__CACHE_LINE, "one line per slot");

/* The tickets of a tier, of all threads, if a cap or a bound needs them. */
struct tier_slot {
    _Atomic uint32_t in_flight;
    uint32_t reserved[15];
};
_Static_assert(sizeof(struct tier_slot) == INFRA__CACHE_LINE, "one line each");

/* One worker's part of a count: see shared_slots.h. */
struct holding {
    _Atomic uint32_t in_flight;
    _Atomic uint32_t present; /* The worker has a backend of this id. */
};

struct entry {
    uint32_t id;
    uint32_t weight;
    uint32_t cap;
    uint16_t owner;        /* As in struct member. */
    _Atomic uint8_t state; /* enum infra_balancer_state; see withdraw.c. */
    uint8_t tier;
};
_Static_assert(sizeof(struct entry) == 16, "four in a line");

/* A table built by a policy. It depends on the backends and not on their state:
 * all published tables that list the same backends share it. */
struct built {
    uint32_t refs; /* Control's. */
    uint32_t reserved;
    size_t bytes; /* Of the allocation. */
};

struct list {
    struct entry *entries;  /* In the order of ids. */
    const void *built_data; /* Behind built; NULL if there is none. */
    struct built *built;
    const infra_time *since; /* When each came up; NULL: none is new. */
    infra_time oldest;       /* The minimum of these. */
    infra_time warm_at;      /* When the last one is no longer new. */
    /* For bounded load: by index, the weight of the earlier entries that may be
     * picked, and the weight of all of them; NULL: there is no bound. */
    const uint64_t *weight_before;
    uint64_t weight_bound;
    uint64_t weight_total;
    uint32_t count;
    uint32_t rank;   /* 2 * tier + degraded; index of a reader's state. */
    uint32_t states; /* A bit for each state that may be picked. */
    uint32_t tier_cap;
    _Atomic bool partial; /* Some entries are in another state. */
    bool capped;          /* Some entry has a cap. */
    bool even;            /* All weights are equal. */
    uint8_t load;         /* Percent of the traffic that starts here. */
    bool outage;          /* Health marks were ignored. */
    bool counted; /* The tier's tickets are counted: a cap or a bound. */
    bool spill;   /* Not the healthy of the first tier with members. */
    bool bare;    /* The policy's table could not be built. */
};

struct table {
    struct infra__edition edition;
    size_t bytes;
    uint32_t lists_count;
    /* Picks that are admitted, of 2^32; UINT32_MAX: all. */
    uint32_t admitted;
    /* All of the first list may be picked, and it gets all traffic. */
    _Atomic bool plain;
    struct list aside; /* For sticky requests only. */
    struct list lists[];
};

struct infra_balancer_candidates {
    const struct list *list;
    const struct slot *slots;
    const struct infra_request *request;  /* Never NULL. */
    struct infra_balancer_reader *reader; /* In a pick; NULL in a build. */
    const struct member *members;         /* In a build; not set in a pick. */
    const void *options;                  /* The policy's. */
    /* In the build of a policy of whole tiers, for the pure hash builders. */
    const struct infra__hash_member *hash_members;
    infra_time now;
    uint64_t bound_total; /* Places of the tier; 0: no bound. */
    bool narrow;          /* Some of the list may not be picked. */
    bool no_cold;         /* With narrow: nor those that are too new. */
};

/* A backend as control knows it. */
struct member {
    char *key; /* NULL: the id was never used. */
    /* The first version whose table lacks the backend; EDITION_PENDING: it is
     * removed and that table is not published yet. */
    uint64_t absent_since;
    infra_time up_since;
    uint32_t in_flight_max;
    uint32_t share;  /* Of the weight: 0 is all, else SHARE_SET and ... */
    uint16_t weight; /* As configured. */
    uint16_t owner;  /* Number of keys that the id has had. */
    uint8_t tier;
    uint8_t marks[3]; /* By axis. */
    uint8_t present;
    uint8_t is_up;  /* In the table that was published last. */
    uint8_t was_up; /* In the last table with any backend up. */
    uint8_t rank;   /* The list that takes it; LISTS_MAX: none. */
    /* Lists of its tier whose subset lacks it. 1: the healthy, 2: degraded. */
    uint8_t passed_over;
    uint8_t is_leaving : 1; /* Removed; the ledger still says present. */
    uint8_t has_been_up : 1;
    uint16_t key_next; /* See key_index.c. */
};
_Static_assert(sizeof(struct member) == 48, "as balancer.h says, with a head");
#define SHARE_SET 0x80000000u
#define SHARE_ABSOLUTE 0x40000000u /* The value is a weight, not percent. */
#define SHARE_VALUE 0xffffu
#define EDITION_PENDING UINT64_MAX
#define MARKS_UNSEEN UINT64_MAX

struct infra_balancer {
    struct infra_allocator allocator;
    struct infra_balancer_options options; /* Complete; no borrowed strings. */
    void *policy_options;                  /* NULL: the policy has none. */
    struct shared *shared; /* Holds the next three; see shared_slots.h. */
    struct slot *slots;
    struct tier_slot *tier_slots; /* Of INFRA_BALANCER_TIERS_MAX tiers. */
    struct holding *ledger; /* This worker's; NULL: the slots are not shared. */
    struct counts *own_base; /* NULL: it is in the slots. */
    uint64_t marks_seen;     /* Of shared->marks_changes. */
    struct member *members;
    uint16_t *key_heads; /* See key_index.c. */
    struct infra_balancer_reader *readers;
    struct table *table; /* The last published; control holds a reference. */
    uint64_t version;
    uint64_t readers_created;
    uint32_t leaving_count; /* Members with is_leaving. */
    bool recovering;        /* Since an outage, until shed_until_up are up. */
    bool dirty;
    uint64_t subset_hash;                        /* Of the client's key. */
    struct infra__rendezvous_node *subset_nodes; /* Of all keys, by id. */
    struct infra__rendezvous_rank *subset_best;  /* The last choice. */
};

/* One reader's counts of one id. Its thread writes, control reads. */
struct tally {
    _Atomic uint64_t picks;
    _Atomic uint64_t releases;
};
struct report_tally {
    _Atomic uint64_t failures;
    _Atomic uint64_t reports;
    _Atomic uint64_t latency_sum;
};

struct infra_balancer_reader {
    struct infra__inbox inbox;
    /* Copies, so that a pick does not touch the balancer. With a bound the
     * policy needs_load. */
    struct infra_balancer_policy policy;
    const void *policy_options;
    struct slot *slots;
    struct tier_slot *tier_slots;
    struct holding *ledger; /* NULL: the slots are not shared. */
    struct tally *tallies;
    struct report_tally *report_tallies;
    uint64_t random;
    struct infra_balancer_options options;
    bool has_budget;
    uint64_t retry_tokens;
    infra_time retry_time;         /* Up to when retry_tokens have grown. */
    struct credit *credits;        /* By id; NULL: no slow start, or by hash. */
    uint64_t states[LISTS_MAX][4]; /* The policy's, by rank. */
    unsigned char *memory;         /* The policy's, a stride for each rank. */
    size_t memory_stride;          /* Aligned for any type; 0: none. */
    struct infra_balancer *balancer;
    struct infra_balancer_reader *next;
};

/* The operator's state, which nothing overrides: the mark, or DRAINING for a
 * share of 0. */
static inline uint32_t member_admin(const struct member *m)
{
    uint32_t admin = m->marks[INFRA_BALANCER_AXIS_ADMIN];
    bool nothing = m->share != 0 && (m->share & SHARE_VALUE) == 0;

    return nothing && admin < INFRA_BALANCER_STATE_DRAINING
               ? INFRA_BALANCER_STATE_DRAINING
               : admin;
}

/* The state that counts: the worst of the marks. */
static inline uint32_t member_state(const struct member *m)
{
    uint32_t worst = member_admin(m);
    worst = m->marks[0] > worst ? m->marks[0] : worst;
    return m->marks[1] > worst ? m->marks[1] : worst;
}

/* The weight that counts, at least 1. With a share of 0 the configured weight,
 * so that no table changes. */
static inline uint32_t member_weight(const struct member *m)
{
    uint32_t value = m->share & SHARE_VALUE;

    if (value == 0) {
        return m->weight;
    }
    uint64_t weight = (m->share & SHARE_ABSOLUTE) != 0
                          ? value
                          : (uint64_t)m->weight * value / 100;
    if (weight > INFRA_BALANCER_WEIGHT_MAX) {
        return INFRA_BALANCER_WEIGHT_MAX;
    }
    return weight > 0 ? (uint32_t)weight : 1;
}

static inline uint32_t entry_state(const struct entry *e)
{
    /* Relaxed: it orders nothing. */
    return atomic_load_explicit(&e->state, memory_order_relaxed);
}

/* May it be picked, by its state? */
static inline bool entry_is_up(const struct list *list, const struct entry *e)
{
    return (list->states >> entry_state(e) & 1u) != 0;
}

static inline uint32_t slot_in_flight(const struct slot *slot)
{
    /* Relaxed: a hint; the exchange in pick enforces the cap. */
    return atomic_load_explicit(&slot->in_flight, memory_order_relaxed);
}

/* Eligible and not tried, full or not. */
static inline bool entry_wanted(const struct infra_request *request,
                                const struct entry *e)
{
    if (request->eligible != NULL && !infra_set_has(request->eligible, e->id)) {
        return false;
    }
    for (uint32_t i = 0; i < request->tried_count; i++) {
        if (request->tried[i] == e->id) {
            return false;
        }
    }
    return true;
}

/* Is it at its bound? Its places are the difference of two marks on the scale
 * of the tier's places, so that all places add up. An idle backend has one
 * place at least, or a few requests at once would all go to a few backends. */
static inline bool is_bound(const struct infra_balancer_candidates *c,
                            uint32_t index, const struct entry *e)
{
    const struct list *list = c->list;
    uint64_t before = list->weight_before[index];
    uint64_t places =
        (before + e->weight) * c->bound_total / list->weight_bound -
        before * c->bound_total / list->weight_bound;
    uint32_t in_flight = slot_in_flight(&c->slots[e->id]);

    return in_flight > 0 && in_flight >= places;
}

/* See slow_start.h. */
bool infra__slow_start_is_cold(const struct infra_balancer_candidates *c,
                               uint32_t index);

/* candidate_may() for a restricted pick. */
bool infra__candidate_may(const struct infra_balancer_candidates *c,
                          uint32_t index);

/* May it be picked? */
static inline bool candidate_may(const struct infra_balancer_candidates *c,
                                 uint32_t index)
{
    return !c->narrow || infra__candidate_may(c, index);
}

/* Candidates outside a pick: for a build, and to inspect what was built. */
struct infra_balancer_candidates infra__candidates_of(
    const struct infra_balancer *b, const struct list *list);

/* A draw among the candidates that may be picked, except @except, by weight or
 * evenly; NO_INDEX: there are none. O(list). */
uint32_t infra__candidates_draw(const struct infra_balancer_candidates *c,
                                uint64_t random, uint32_t except,
                                bool by_weight);

/* The best for this hash of the candidates that may be picked, by rendezvous;
 * NO_INDEX: there are none. O(list). */
uint32_t infra__candidates_rendezvous(const struct infra_balancer_candidates *c,
                                      uint64_t hash);

/* The entry of an id in this list, or NULL. O(log list). */
const struct entry *infra__list_find(const struct list *list, uint32_t id);

/* Steps of a key in its own order before it goes by rendezvous. */
#define PROBES_MAX 32u

/* Why no backend of these lists was picked: INFRA_EINELIGIBLE, INFRA_ETRIED, or
 * INFRA_EFULL if one was wanted. INFRA_ENONE for no lists. */
int infra__candidates_explain(const struct list *lists, uint32_t count,
                              const struct infra_request *request);

/* Control's counts: those of destroyed readers, less those of the id's former
 * owners. */
static inline struct counts *infra__balancer_base(
    const struct infra_balancer *b, uint32_t id)
{
    return b->own_base != NULL ? &b->own_base[id] : &b->slots[id].base;
}

/* The sum over readers and base. Releases are read first, so that in-flight is
 * never too low. */
struct counts infra__balancer_counts(const struct infra_balancer *b,
                                     uint32_t id);

/* A table with its lists and entries, without what the policy builds. NULL: no
 * memory. */
struct table *infra__lists_lay_out(struct infra_balancer *b, infra_time now);

/* Is it a key: 1 to INFRA_BALANCER_KEY_MAX bytes? */
bool infra__key_ok(const char *key);
void infra__key_free(const struct infra_balancer *b, char *key);

/* Number of backends that are up or degraded; is this one? */
uint32_t infra__lists_up_count(const struct infra_balancer *b);
bool infra__lists_is_up(const struct member *m);

/* Can the id's former owner still be picked, or does a ticket hold it? */
bool infra__member_is_busy(struct infra_balancer *b, uint32_t id);

/* Give up the slots of removed backends that nothing here holds any more. */
void infra__members_leave(struct infra_balancer *b);

/* With no memory for another table: change the published one so that it gives
 * no picks to backends that must not get any. */
void infra__table_withdraw(struct infra_balancer *b);

/* infra__edition_free of a table; the owner is the balancer. */
void infra__table_free(void *owner, struct infra__edition *edition);

#endif
