/* SPDX-License-Identifier: MIT */
#include "probe_pool.h"

#include <assert.h>
#include <string.h>

#define IN_FLIGHT_MAX ((1u << 31) - 1)

void infra__probe_pool_init(struct probe_pool *pool)
{
    /* None yet: greater than any answer. */
    memset(pool->recent, 0xff, sizeof pool->recent);
    memset(pool->sorted, 0xff, sizeof pool->sorted);
}

static void advance(struct probe_pool *pool, infra_time now)
{
    pool->now = now > pool->now ? now : pool->now;
}

static void drop(struct probe_pool *pool, uint32_t i)
{
    pool->answers[i] = pool->answers[--pool->count];
}

/* Its rank from best to worst: cold before hot, the cold by latency, the hot by
 * number in flight, equals by the other. */
static uint64_t rank_of(const struct probe_pool *pool,
                        const struct probe_answer *a)
{
    return a->in_flight > pool->hot_above
               ? (uint64_t)1 << 63 | (uint64_t)a->in_flight << 32 | a->latency
               : (uint64_t)a->latency << 31 | a->in_flight;
}

static uint32_t oldest(const struct probe_pool *pool)
{
    infra_time least = pool->answers[0].at;
    uint32_t found = 0;

    for (uint32_t i = 1; i < pool->count; i++) {
        infra_time at = pool->answers[i].at;
        found = at < least ? i : found;
        least = at < least ? at : least;
    }
    return found;
}

static uint32_t worst(const struct probe_pool *pool)
{
    uint64_t greatest = rank_of(pool, &pool->answers[0]);
    uint32_t found = 0;

    for (uint32_t i = 1; i < pool->count; i++) {
        uint64_t rank = rank_of(pool, &pool->answers[i]);
        found = rank > greatest ? i : found;
        greatest = rank > greatest ? rank : greatest;
    }
    return found;
}

/* The number of sorted numbers that are less. Without a branch: on random
 * numbers a search would mispredict every second step. */
static uint32_t count_less(const uint32_t *sorted, uint32_t value)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < RECENT_MAX; i++) {
        count += sorted[i] < value;
    }
    return count;
}

/* Enter it among the last answers, in place of the oldest, and find the limit
 * of the cold ones: the given percentile, by nearest rank. */
static void note_recent(struct probe_pool *pool, uint32_t in_flight)
{
    uint32_t *sorted = pool->sorted;
    uint32_t *ago = &pool->recent[pool->recent_next];
    uint32_t from = count_less(sorted, *ago);
    uint32_t to = count_less(sorted, in_flight);

    if (to > from) {
        to--; /* One less when the former is out. */
        memmove(&sorted[from], &sorted[from + 1],
                (to - from) * sizeof sorted[0]);
    } else {
        memmove(&sorted[to + 1], &sorted[to], (from - to) * sizeof sorted[0]);
    }
    sorted[to] = in_flight;
    *ago = in_flight;
    pool->recent_next = (pool->recent_next + 1) % RECENT_MAX;
    pool->recent_count += pool->recent_count < RECENT_MAX;
    uint32_t rank = (pool->hot_percentile * pool->recent_count + 99) / 100;
    pool->hot_above = sorted[rank - 1];
}

void infra__probe_pool_add(struct probe_pool *pool,
                           const struct probe_answer *answer, infra_time now)
{
    uint32_t i = 0;

    advance(pool, now);
    while (i < pool->count && (pool->answers[i].id != answer->id ||
                               pool->answers[i].owner != answer->owner)) {
        i++;
    }
    if (i == pool->count && i == pool->size) {
        i = oldest(pool);
    } else if (i == pool->count) {
        pool->count++;
    }
    struct probe_answer *a = &pool->answers[i];
    *a = *answer;
    a->at = pool->now;
    a->in_flight =
        answer->in_flight < IN_FLIGHT_MAX ? answer->in_flight : IN_FLIGHT_MAX;
    note_recent(pool, a->in_flight);
    assert(pool->count <= pool->size && pool->recent_count <= RECENT_MAX);
}

/* Find it in the list, normally at its last place. */
static bool locate(struct probe_answer *a, const struct list *list)
{
    const struct entry *e =
        a->index < list->count ? &list->entries[a->index] : NULL;

    if (e == NULL || e->id != a->id) {
        e = infra__list_find(list, a->id);
    }
    if (e == NULL || e->owner != a->owner) {
        return false;
    }
    a->index = (uint32_t)(e - list->entries);
    return true;
}

/* The best of the usable answers, or NO_INDEX; drops those that are too old. If
 * anything may be picked only the best one needs to be in the list, which the
 * caller checks: it saves a look at each backend. */
static uint32_t best(struct probe_pool *pool,
                     const struct infra_balancer_candidates *c)
{
    uint64_t least = UINT64_MAX;
    uint32_t found = NO_INDEX;
    uint32_t able = 0;
    uint32_t i = 0;

    while (i < pool->count) {
        struct probe_answer *a = &pool->answers[i];
        if (pool->now - a->at > pool->age_max ||
            (c->narrow && !locate(a, c->list))) {
            drop(pool, i);
            continue;
        }
        if (!c->narrow || candidate_may(c, a->index)) {
            uint64_t rank = rank_of(pool, a);
            able++;
            found = rank < least ? i : found;
            least = rank < least ? rank : least;
        }
        i++;
    }
    return able >= POOL_MIN ? found : NO_INDEX;
}

uint32_t infra__probe_pool_use(struct probe_pool *pool,
                               const struct infra_balancer_candidates *c)
{
    uint32_t i;

    advance(pool, c->now);
    while ((i = best(pool, c)) != NO_INDEX) {
        struct probe_answer *a = &pool->answers[i];
        if (!locate(a, c->list)) {
            drop(pool, i);
            continue;
        }
        uint32_t index = a->index;
        a->in_flight += a->in_flight < IN_FLIGHT_MAX;
        if (--a->uses == 0) {
            drop(pool, i);
        }
        return index;
    }
    return NO_INDEX;
}

void infra__probe_pool_thin(struct probe_pool *pool)
{
    pool->removals_due += pool->removals_percent;
    while (pool->removals_due >= 100 && pool->count > POOL_MIN) {
        pool->removals_due -= 100;
        drop(pool, pool->worst_next ? worst(pool) : oldest(pool));
        pool->worst_next = !pool->worst_next;
    }
    pool->removals_due %= 100; /* No debt of removals. */
}
