/* SPDX-License-Identifier: MIT */
/* The command line of `infra-bench compare`: a scenario, and what to change in
 * it. */
#ifndef BENCH_COMPARE_OPTIONS_H
#define BENCH_COMPARE_OPTIONS_H

#include "../sim/scenarios.h"

struct compare_options {
    const struct scenario *scenario; /* NULL: list them. */
    struct sim_options sim;
    double load;            /* 1 is all; 0: the rate or a trace counts. */
    struct sim_trace trace; /* To be freed, on success. */
    int is_changed;         /* Not the scenario any more, but something like. */
};

/* @own as in struct bench_options. 0, or an exit status after a complaint. The
 * simulation's options point into @ret. */
int compare_parse(struct compare_options *ret, char **own);

#endif
