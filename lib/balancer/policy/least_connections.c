/* SPDX-License-Identifier: MIT */
/* Least connections: the fewest tickets in flight per weight, compared by cross
 * multiplication as in nginx and HAProxy. Up to SCAN_MAX backends all are
 * compared. Equals are taken in turn, or with unequal weights in the smooth
 * weighted order among them, as in nginx, or weights would not count while
 * hardly anything is in flight. Of more backends d different ones are drawn by
 * weight, of equals the first: DRAWS_MIN while all keep up, more as the share s
 * of laggards grows, so that less than 1 % of picks draw laggards only (s^d <
 * 0.01, Finagle's rule for the dead; two slow of four defeat the best of two,
 * brpc #3340). O(1), or O(SCAN_MAX). */
#include "../../base/random.h"
#include "../algorithm/alias.h"

enum {
    SCAN_MAX = 16,
    DRAWS_MIN = 4,
    DRAWS_MAX = 16,
    TRIES_MAX = 4 * DRAWS_MAX, /* To find enough usable ones. */
    SHARE_ONE = 1 << 16,       /* The share of laggards, in fixed point ... */
    SHARE_SMOOTHING = 64,      /* ... is a mean over about this many picks. */
};

/* Is @a's load per weight less than @b's? */
static bool is_less(const struct infra_balancer_candidates *c, uint32_t a,
                    uint64_t load_a, uint32_t b, uint64_t load_b)
{
    const struct entry *entries = c->list->entries;

    return load_a * entries[b].weight < load_b * entries[a].weight;
}

static uint64_t load_of(const struct infra_balancer_candidates *c,
                        uint32_t index)
{
    return slot_in_flight(&c->slots[c->list->entries[index].id]);
}

static uint32_t scan(const struct infra_balancer_candidates *c, uint64_t *start)
{
    uint32_t count = c->list->count;
    uint32_t best = NO_INDEX;
    uint64_t best_load = 0;
    uint32_t i = (uint32_t)(*start % count);

    *start = i + 1;
    for (uint32_t seen = 0; seen < count; seen++) {
        uint64_t load = load_of(c, i);
        if ((best == NO_INDEX || is_less(c, i, load, best, best_load)) &&
            candidate_may(c, i)) {
            best = i;
            best_load = load;
        }
        i = i + 1 == count ? 0 : i + 1;
    }
    return best;
}

/* The same for unequal weights. @currents: of the smooth weighted order
 * (smooth_weighted.c), by index. */
static uint32_t scan_by_weight(const struct infra_balancer_candidates *c,
                               int64_t *currents)
{
    const struct entry *entries = c->list->entries;
    uint64_t loads[SCAN_MAX];
    bool may[SCAN_MAX];
    uint32_t least = NO_INDEX;

    for (uint32_t i = 0; i < c->list->count; i++) {
        loads[i] = load_of(c, i);
        may[i] = candidate_may(c, i);
        if (may[i] && (least == NO_INDEX ||
                       is_less(c, i, loads[i], least, loads[least]))) {
            least = i;
        }
    }
    uint32_t best = NO_INDEX;
    int64_t total = 0;
    for (uint32_t i = 0; least != NO_INDEX && i < c->list->count; i++) {
        if (may[i] && !is_less(c, least, loads[least], i, loads[i])) {
            total += entries[i].weight;
            currents[i] += entries[i].weight;
            best = best == NO_INDEX || currents[i] > currents[best] ? i : best;
        }
    }
    if (best != NO_INDEX) {
        currents[best] -= total;
    }
    return best;
}

/* By eighths of the share of laggards: the least d with share^d < 0.01. */
static uint32_t draws_for(uint64_t share)
{
    static const uint8_t draws[] = {
        DRAWS_MIN, DRAWS_MIN, 5, 7, 10, DRAWS_MAX
    };
    uint64_t eighth = share * 8 / SHARE_ONE;

    return eighth < sizeof draws ? draws[eighth] : DRAWS_MAX;
}

/* Draw up to @draws different usable ones. @columns: see alias.h, NULL if all
 * weights are equal. */
static uint32_t draw(const struct infra_balancer_candidates *c,
                     const struct alias_column *columns, uint64_t *random,
                     uint32_t *drawn, uint32_t draws)
{
    uint32_t found = 0;

    uint64_t word = 0;
    for (uint32_t t = 0; t < TRIES_MAX && found < draws; t++) {
        uint32_t index;
        if (columns == NULL) {
            word = t % 2 == 0 ? infra__random(random) : word << 32;
            index = infra__below(word, c->list->count);
        } else {
            word = infra__random(random);
            index = infra__alias_draw(columns, c->list->count, word);
        }
        uint32_t k = 0;
        while (k < found && drawn[k] != index) {
            k++;
        }
        if (k == found && candidate_may(c, index)) {
            drawn[found++] = index;
        }
    }
    return found;
}

/* A laggard has more than twice the load of the best, plus one. */
static uint32_t count_laggards(const struct infra_balancer_candidates *c,
                               const uint32_t *drawn, const uint64_t *loads,
                               uint32_t count, uint32_t best)
{
    uint32_t laggards = 0;

    for (uint32_t i = 0; i < count; i++) {
        laggards +=
            is_less(c, drawn[best], 2 * loads[best] + 2, drawn[i], loads[i]);
    }
    return laggards;
}

/* @random as in pick(), @share: of laggards. */
static uint32_t pick_of_many(const struct infra_balancer_candidates *c,
                             const struct alias_column *columns,
                             uint64_t *random, uint64_t *share)
{
    uint32_t drawn[DRAWS_MAX];
    uint64_t loads[DRAWS_MAX];

    *share = *share > SHARE_ONE ? 0 : *share; /* A random word at first. */
    uint32_t found = draw(c, columns, random, drawn, draws_for(*share));
    if (found == 0) {
        return scan(c, random);
    }
    uint32_t best = 0;
    for (uint32_t i = 0; i < found; i++) {
        loads[i] = load_of(c, drawn[i]);
        if (is_less(c, drawn[i], loads[i], drawn[best], loads[best])) {
            best = i;
        }
    }
    *share -= *share / SHARE_SMOOTHING;
    uint32_t laggards = count_laggards(c, drawn, loads, found, best);
    if (laggards > 0) {
        *share += laggards * (SHARE_ONE / SHARE_SMOOTHING) / found;
    }
    return drawn[best];
}

/* state[0]: the random state, or where the scan starts. [1]: the share of
 * laggards. Memory: the currents of scan_by_weight(). */
static uint32_t pick(const void *table, uint64_t state[4],
                     const struct infra_balancer_candidates *c, uint64_t hash)
{
    (void)hash;
    if (c->list->count > SCAN_MAX) {
        return pick_of_many(c, table, &state[0], &state[1]);
    }
    return c->list->even ? scan(c, &state[0])
                         : scan_by_weight(c, infra_candidates_memory(c));
}

/* For draws only. */
static size_t table_size(const struct infra_balancer_candidates *c)
{
    return c->list->count <= SCAN_MAX ? 0 : infra__alias_table_size(c);
}

const struct infra_balancer_policy *infra_balancer_least_connections(void)
{
    static const struct infra_balancer_policy policy = {
        .size = sizeof policy,
        .name = "least-connections",
        .table_size = table_size,
        .scratch_size = infra__alias_scratch_size,
        .build = infra__alias_table_build,
        .pick = pick,
        .needs_load = 1,
        .memory_size = SCAN_MAX * sizeof(int64_t),
    };

    return &policy;
}
