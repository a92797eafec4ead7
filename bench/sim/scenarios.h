/* SPDX-License-Identifier: MIT */
/* Ready situations to compare policies in, with what was published about them,
 * so that the figures can be held against it. */
#ifndef BENCH_SCENARIOS_H
#define BENCH_SCENARIOS_H

#include "sim.h"

enum { PUBLISHED_MAX = 4 };

struct scenario {
    const char *name;
    const char *help;         /* What happens. */
    const char *published_by; /* Who says so, and of what. */
    /* By policy, as text; the unused ones are NULL. A policy that the library
     * does not have yet is named all the same. */
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

/* "-" if nothing was published about the policy. */
const char *scenario_published(const struct scenario *scenario,
                               const char *policy);

#endif
