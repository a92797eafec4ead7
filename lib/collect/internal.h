/* SPDX-License-Identifier: MIT */
/* Private to lib/collect: a table of families for each module, added to the
 * metrics when first used. */
#ifndef INFRA_COLLECT_INTERNAL_H
#define INFRA_COLLECT_INTERNAL_H

#include "../base/internal.h"

#include <infra/collect.h>

/* Every family, of all modules: its place in a collector. */
enum infra__collect_place {
    PLACE_PICKS,
    PLACE_FAILURES,
    PLACE_SESSIONS,
    PLACE_SHARE,
    PLACE_STATE,
    PLACE_REPORTS,
    PLACE_LATENCY,
    PLACE_TIER_BACKENDS,
    PLACE_TIER_UP,
    PLACE_TIER_CANDIDATES,
    PLACE_CHECKS,
    PLACE_CHECK_FAILURES,
    PLACE_CHECK_UP,
    PLACE_EJECTED,
    PLACE_EJECTIONS,
    PLACE_SUCCESS,
    PLACE_ROLE,
    PLACE_TOKEN,
    PLACE_ACTIVATIONS,
    PLACE_NODE_STATE,
    PLACE_NODE_LAG,
    PLACE_VERDICTS,
    PLACE_HELD,
    PLACE_SERVING,
    PLACES_COUNT
};

/* A family, and a value of it for one label. */
struct infra__collect_family {
    const char *name; /* After the prefix. */
    const char *help;
    const char *label; /* Its name; NULL: none. */
    uint32_t place;
    uint32_t kind;
    uint32_t unit;
    /* STATESET: the names of its states, "unknown" after the last. */
    const char *(*state_name)(uint32_t state);
};

struct infra_collect {
    struct infra_allocator allocator;
    struct infra_metrics *metrics;
    char prefix[INFRA_COLLECT_PREFIX_MAX + 1];
    uint32_t families[PLACES_COUNT]; /* Of the metrics, plus 1; 0: not yet. */
    uint8_t has_label[PLACES_COUNT];
};

/* Set values[i] of families[i] for @label; counters are totals. */
int infra__collect_set(struct infra_collect *c,
                       const struct infra__collect_family *families,
                       size_t count, const char *label, const int64_t *values);

#endif
