/* SPDX-License-Identifier: MIT */
/* What one reader knows of a tier from answers to probes, by the rules of
 * Prequal (Wydrowski et al., NSDI 2024, section 4): at most one answer of each
 * backend, the latest; each good for some picks and some time.
 *
 * An answer is hot if it has more in flight than most answers of late, else
 * cold. The best is the cold one with the least latency, or, where all are hot,
 * the one with the fewest in flight. The worst is the other end of the same
 * order: the hot one with the most in flight, or, where none is hot, the cold
 * one with the greatest latency.
 *
 * All is O(size of the pool). */
#ifndef INFRA_BALANCER_ALGORITHM_PROBE_POOL_H
#define INFRA_BALANCER_ALGORITHM_PROBE_POOL_H

#include "../internal.h"

#define POOL_MAX 32u
#define RECENT_MAX 64u

/* With fewer there is nothing to choose from. */
#define POOL_MIN 2u

struct probe_answer {
    infra_time at;      /* When it came. */
    uint32_t in_flight; /* What it said, and one for each use since then. */
    uint32_t latency;   /* In units of 1024 ns. */
    uint32_t id;
    uint32_t index; /* Of the id in the list; a guess, as lists change. */
    uint16_t owner;
    uint16_t uses; /* That are left. */
    uint32_t reserved;
};

struct probe_pool {
    /* Settings. */
    infra_time age_max;
    uint32_t size; /* 0: the settings are not there yet. */
    uint32_t removals_percent;
    uint32_t hot_percentile;
    /* The rest starts zeroed, but for init. */
    uint32_t count;
    infra_time now;
    uint32_t removals_due; /* In hundredths. */
    uint32_t hot_above;    /* So many in flight are cold yet. */
    bool worst_next;       /* The last one removed was the oldest. */
    struct probe_answer answers[POOL_MAX]; /* In no order. */
    /* In flight, as the last answers said it: as they came, and sorted. */
    uint32_t recent_count;
    uint32_t recent_next;
    uint32_t recent[RECENT_MAX];
    uint32_t sorted[RECENT_MAX];
};

/* Make a pool of zeroed memory. */
void infra__probe_pool_init(struct probe_pool *pool);

/* Take in an answer. Its time is set here. */
void infra__probe_pool_add(struct probe_pool *pool,
                           const struct probe_answer *answer, infra_time now);

/* Use the best answer of those that may be picked: its index in the list.
 * NO_INDEX: there are fewer than POOL_MIN. */
uint32_t infra__probe_pool_use(struct probe_pool *pool,
                               const struct infra_balancer_candidates *c);

/* A pick's part of removals: the oldest and the worst in turn, so that what is
 * left is neither stale nor what nobody wanted. */
void infra__probe_pool_thin(struct probe_pool *pool);

#endif
