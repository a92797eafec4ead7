/* SPDX-License-Identifier: MIT */
/* How the balancer keeps its backends, shared by the control side, the data
 * side and the policies of this library.
 *
 *   slot     one per id, for ever: what all threads count together
 *   tally    one per id and reader: what one thread counts, summed by control
 *   entry    one per backend and published table: what a pick must know
 *   list     the entries of one tier that are healthy, or that are degraded
 *   table    the lists in the order in which they are asked; immutable */
#ifndef INFRA_BALANCER_INTERNAL_H
#define INFRA_BALANCER_INTERNAL_H

#include <infra/balancer.h>

#include "../base/inbox.h"
#include "../base/internal.h"
#include "policy/hash_member.h"

#include <stdatomic.h>
#include <stdbool.h>

#define NO_INDEX UINT32_MAX
#define IDS_MAX_DEFAULT 64u

/* A tier's healthy and its degraded backends each make a list. */
#define LISTS_MAX (2u * INFRA_BALANCER_TIERS_MAX)

/* What a ticket's and a report's counts add up to; all of them wrap. */
struct counts {
    uint64_t picks;
    uint64_t releases;
    uint64_t failures;
    uint64_t reports;
    uint64_t latency_sum;
};

/* On a line of its own, so that threads which use different backends do not
 * meet. Outlives every table. */
struct slot {
    _Atomic uint32_t in_flight; /* Tickets of policies or caps that share it. */
    _Atomic uint32_t marks;     /* Among workers: a byte by axis. */
    _Atomic uint64_t latency;   /* See ewma.h. */
    _Atomic uint64_t penalty;   /* The same. */
    union {
        struct counts base;         /* Alone: see infra__balancer_base(). */
        struct {                    /* Among workers: */
            _Atomic uint64_t owner; /* see shared_slots.c; */
            _Atomic uint32_t share; /* as in struct member. */
        };
    };
};
_Static_assert(sizeof(struct slot) == INFRA__CACHE_LINE, "one line per slot");

/* What all threads count together about a tier, where that is needed. */
struct tier_slot {
    _Atomic uint32_t in_flight;
    uint32_t reserved[15];
};
_Static_assert(sizeof(struct tier_slot) == INFRA__CACHE_LINE, "one line each");

/* What of a count is one worker's: see shared_slots.h. */
struct holding {
    _Atomic uint32_t in_flight;
    _Atomic uint32_t
        present; /* The worker's backend of this id: shared_slots.c. */
};

struct entry {
    uint32_t id;
    uint32_t weight;
    uint32_t cap;
    uint16_t owner;        /* Which of the id's owners: see struct member. */
    _Atomic uint8_t state; /* enum infra_balancer_state; see withdraw.c. */
    uint8_t tier;
};
_Static_assert(sizeof(struct entry) == 16, "four in a line");

/* What a policy precomputed for some entries. It depends on who they are and
 * not on their state, so tables share it for as long as they list the same. */
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
    infra_time oldest;       /* The first of them. */
    infra_time warm_at;      /* From then on none is. */
    /* For bounded load: the weight of those before that may be picked, and of
     * all; NULL: there is no bound. */
    const uint64_t *weight_before;
    uint64_t weight_bound;
    uint64_t weight_total;
    uint32_t count;
    uint32_t rank;   /* 2 * tier + degraded; which of a reader's states. */
    uint32_t states; /* A bit for each state that may be picked. */
    uint32_t tier_cap;
    _Atomic bool partial; /* Some entries are in another state. */
    bool capped;          /* Some entry has a cap. */
    bool even;            /* All weights are equal. */
    uint8_t load;         /* Percent of the traffic that starts here. */
    bool outage;          /* Health was not believed. */
    bool counted; /* The tier's tickets are counted: a cap or a bound. */
    bool spill;   /* Not the healthy of the first tier that has anybody. */
    bool bare;    /* What the policy needs could not be built. */
};

struct table {
    struct infra__edition edition;
    size_t bytes;
    uint32_t lists_count;
    /* Of 2^32, how many picks are let in; UINT32_MAX: all. */
    uint32_t admitted;
    /* All of the first list may be picked, and it gets all of the traffic. */
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
    bool narrow;          /* Not everyone in the list may be picked. */
    bool no_cold;         /* Narrow: not those that are too new. */
};

/* A backend as control knows it. */
struct member {
    char *key; /* NULL: the id was never used. */
    /* Not in the table of this version or of any later one; EDITION_PENDING:
     * removed, and the table without it is not published yet. */
    uint64_t absent_since;
    infra_time up_since;
    uint32_t in_flight_max;
    uint32_t share;  /* Of the weight: 0 is all, else SHARE_SET and ... */
    uint16_t weight; /* As configured. */
    uint16_t owner;  /* Counts the keys that the id has had. */
    uint8_t tier;
    uint8_t marks[3]; /* By axis. */
    uint8_t present;
    uint8_t is_up;  /* In the table that was published last. */
    uint8_t was_up; /* In the last table in which anybody was. */
    uint8_t rank;   /* As planned last: which list; LISTS_MAX: none. */
    /* Which of its tier's lists have it outside their subset, 1: the healthy,
     * 2: the degraded. */
    uint8_t passed_over;
    uint8_t is_leaving : 1; /* Removed; other workers are not told yet. */
    uint8_t has_been_up : 1;
    uint16_t key_next; /* See key_index.c. */
};
_Static_assert(sizeof(struct member) == 48, "as balancer.h says, with a head");
#define SHARE_SET 0x80000000u
#define SHARE_ABSOLUTE 0x40000000u /* The rest is a weight, not per cent. */
#define SHARE_VALUE 0xffffu
#define EDITION_PENDING UINT64_MAX
#define MARKS_UNSEEN UINT64_MAX

struct infra_balancer {
    struct infra_allocator allocator;
    const struct infra_balancer_policy *policy;
    void *policy_options;  /* NULL: it has none. */
    struct shared *shared; /* Where the next three are; see shared_slots.h. */
    void *shared_raw;      /* NULL: it is the host's. */
    struct slot *slots;
    struct tier_slot *tier_slots; /* Of INFRA_BALANCER_TIERS_MAX tiers. */
    struct holding *ledger;  /* This worker's; NULL: nobody shares the slots. */
    struct counts *own_base; /* NULL: it is in the slots. */
    uint64_t marks_seen;     /* Of the marks that others set. */
    struct member *members;
    uint16_t *key_heads; /* See key_index.c. */
    struct infra_balancer_reader *readers;
    struct table *table; /* The last published; control holds a reference. */
    uint64_t version;
    uint64_t seed;
    uint64_t readers_created;
    uint32_t ids_max;
    uint32_t worker;
    uint32_t leaving_count; /* Members that are_leaving. */
    uint32_t spill;
    uint32_t outage;
    uint32_t overprovision_percent;
    uint32_t panic_percent;
    uint32_t shed_until_up;
    uint32_t retry_percent;
    uint32_t retry_min_per_s;
    infra_time slow_start_interval;
    uint32_t bound_percent;
    uint32_t tier_in_flight_max[INFRA_BALANCER_TIERS_MAX];
    /* See subset.h; 0: there are none. */
    uint32_t subset_size;
    uint64_t subset_hash;                        /* Of the client's key. */
    struct infra__rendezvous_node *subset_nodes; /* Of all keys, by id. */
    struct infra__rendezvous_rank *subset_best;  /* What was chosen last. */
    bool recovering; /* Nobody was up, and too few are again. */
    bool dirty;
};

/* What one reader counts about one id. Only its thread writes; control reads.
 * */
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
    /* Copied from the balancer, so that a pick does not touch it. */
    uint32_t (*pick)(const void *table, uint64_t state[4],
                     const struct infra_balancer_candidates *candidates,
                     uint64_t hash);
    const void *policy_options;
    struct slot *slots;
    struct tier_slot *tier_slots;
    struct holding *ledger; /* NULL: nobody shares the slots. */
    struct tally *tallies;
    struct report_tally *report_tallies;
    uint64_t random;
    uint32_t ids_max;
    uint32_t spill;
    uint32_t needs_load;
    uint32_t whole_tier;
    uint32_t retry_percent;
    uint32_t retry_min_per_s;
    uint64_t retry_tokens;
    infra_time retry_time; /* Up to when retry_tokens have grown. */
    infra_time slow_start_interval;
    struct credit *credits; /* By id; NULL: no slow start, or by hash. */
    bool has_budget;
    bool needs_latency;
    uint32_t bound_percent;
    uint64_t states[LISTS_MAX][4]; /* The policy's, by rank. */
    unsigned char *memory;         /* The same: a stride for each rank. */
    size_t memory_stride;          /* Aligned for any type; 0: none. */
    struct infra_balancer *balancer;
    struct infra_balancer_reader *next;
    void *raw;
};

/* What nobody may lift: the operator's mark, and a share of nothing. */
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

/* The weight that counts, at least 1. With a share of nothing the configured
 * one, so that no table changes for it. */
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
    /* Relaxed: a load is a hint; the cap is enforced by the exchange in pick.
     * */
    return atomic_load_explicit(&slot->in_flight, memory_order_relaxed);
}

/* Eligible and not tried; whether it is full is another question. */
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

/* Is it at its bound? Its places are its part of all of the tier's, the part
 * between the marks of those before it and of itself, so that they add up; but
 * who has nothing to do has room for one, or a few requests at once would all
 * go to a few backends. */
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

/* May it be picked, where something restricts the pick? */
bool infra__candidate_may(const struct infra_balancer_candidates *c,
                          uint32_t index);

static inline bool candidate_may(const struct infra_balancer_candidates *c,
                                 uint32_t index)
{
    return !c->narrow || infra__candidate_may(c, index);
}

/* The one of those that may be picked, but not @except, on which @random falls,
 * by weight or all alike; NO_INDEX: nobody. O(list). */
uint32_t infra__candidates_draw(const struct infra_balancer_candidates *c,
                                uint64_t random, uint32_t except,
                                bool by_weight);

/* The best of those that may be picked for this hash, by rendezvous; NO_INDEX:
 * nobody. O(list). */
uint32_t infra__candidates_rendezvous(const struct infra_balancer_candidates *c,
                                      uint64_t hash);

/* The entry of an id in this list, or NULL. Entries are in the order of ids. */
const struct entry *infra__list_find(const struct list *list, uint32_t id);

/* How far a key goes on in its own order before it goes by rendezvous. */
#define PROBES_MAX 32u

/* Why nobody in these lists was picked: INFRA_EINELIGIBLE, INFRA_ETRIED, or
 * INFRA_EFULL when somebody was wanted. INFRA_ENONE for no lists. */
int infra__candidates_explain(const struct list *lists, uint32_t count,
                              const struct infra_request *request);

/* Control's: counts of readers that are gone, less those of former owners of
 * the id. */
static inline struct counts *infra__balancer_base(
    const struct infra_balancer *b, uint32_t id)
{
    return b->own_base != NULL ? &b->own_base[id] : &b->slots[id].base;
}

/* The sum over readers and base. What was released is read first, so that
 * in-flight is never counted too low. */
struct counts infra__balancer_counts(const struct infra_balancer *b,
                                     uint32_t id);

/* A table with its lists and entries, without what the policy builds. NULL: no
 * memory. */
struct table *infra__lists_lay_out(struct infra_balancer *b, infra_time now);

/* Is it a key: 1 to INFRA_BALANCER_KEY_MAX bytes? */
bool infra__key_ok(const char *key);

/* How many backends are up or degraded, and is this one? */
uint32_t infra__lists_up_count(const struct infra_balancer *b);
bool infra__lists_is_up(const struct member *m);

/* May the id's former owner still be picked, or is a ticket of it out? */
bool infra__member_is_busy(struct infra_balancer *b, uint32_t id);

/* Give up slots of removed backends that nothing here holds any more. */
void infra__members_leave(struct infra_balancer *b);

/* There is no memory for another table: have the last one not give picks to who
 * is to get none. */
void infra__table_withdraw(struct infra_balancer *b);

/* infra__edition_free of a table; the owner is the balancer. */
void infra__table_free(void *owner, struct infra__edition *edition);

#endif
