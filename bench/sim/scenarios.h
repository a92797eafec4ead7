/* SPDX-License-Identifier: MIT */
/* Situations for comparing policies, with published figures to compare
 * against. */
#ifndef BENCH_SCENARIOS_H
#define BENCH_SCENARIOS_H

#include "sim.h"

enum { PUBLISHED_MAX = 4 };

struct scenario {
    const char *name;
    const char *help;         /* Description. */
    const char *published_by; /* Source, and its policy. */
    /* Figures by policy, as text; unused ones are NULL. Policies that the
     * library lacks are named, too. */
    struct {
        const char *policy;
        const char *figure;
    } published[PUBLISHED_MAX];
    struct sim_options options; /* Without policy and seed; the rate is 0 if
                                   the load counts. */
    double load;
};

/* The one at @index, NULL past the last. The first is the default. */
const struct scenario *scenario_at(uint32_t index);
const struct scenario *scenario_by_name(const char *name);

/* "-": no figure was published. */
const char *scenario_published(const struct scenario *scenario,
                               const char *policy);

#endif
