/* SPDX-License-Identifier: MIT */
/* One reader's answers to probes of a tier, by the rules of Prequal (Wydrowski
 * et al., NSDI 2024, section 4): at most one answer of each backend, the
 * latest, each valid for some picks and some time.
 *
 * An answer is hot if its number in flight is above a percentile of the last
 * answers, else cold. The best is the cold one with the least latency, or if
 * all are hot the one with the fewest in flight. The worst is the other end of
 * the same order: the hot one with the most in flight, or if none is hot the
 * cold one with the greatest latency.
 *
 * All is O(size of the pool). */
#ifndef INFRA_BALANCER_ALGORITHM_PROBE_POOL_H
#define INFRA_BALANCER_ALGORITHM_PROBE_POOL_H

#include "../internal.h"

#define POOL_MAX 32u
#define RECENT_MAX 64u

/* With fewer there is no choice. */
#define POOL_MIN 2u

struct probe_answer {
    infra_time at;      /* When it came. */
    uint32_t in_flight; /* As answered, plus one for each use. */
    uint32_t latency;   /* In units of 1024 ns. */
    uint32_t id;
    uint32_t index; /* Of the id in the list; a hint, as lists change. */
    uint16_t owner;
    uint16_t uses; /* Left. */
    uint32_t reserved;
};

struct probe_pool {
    /* Settings. */
    infra_time age_max;
    uint32_t size; /* 0: the settings are not made yet. */
    uint32_t removals_percent;
    uint32_t hot_percentile;
    /* The rest starts zeroed, except for init. */
    uint32_t count;
    infra_time now;
    uint32_t removals_due; /* In hundredths. */
    uint32_t hot_above;    /* The greatest number in flight that is cold. */
    bool worst_next;       /* The last one removed was the oldest. */
    struct probe_answer answers[POOL_MAX]; /* In no order. */
    /* In flight, of the last answers: as they came, and sorted. */
    uint32_t recent_count;
    uint32_t recent_next;
    uint32_t recent[RECENT_MAX];
    uint32_t sorted[RECENT_MAX];
};

/* Initialise a zeroed pool. */
void infra__probe_pool_init(struct probe_pool *pool);

/* Take in an answer. Its time is set here. */
void infra__probe_pool_add(struct probe_pool *pool,
                           const struct probe_answer *answer, infra_time now);

/* Use the best usable answer: its index in the list. NO_INDEX: fewer than
 * POOL_MIN are usable. */
uint32_t infra__probe_pool_use(struct probe_pool *pool,
                               const struct infra_balancer_candidates *c);

/* A pick's part of the removals: the oldest and the worst in turn, so that the
 * pool keeps neither stale nor unwanted answers. */
void infra__probe_pool_thin(struct probe_pool *pool);

#endif
