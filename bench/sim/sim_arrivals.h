/* SPDX-License-Identifier: MIT */
/* When requests arrive: a Poisson process, one that is switched on and off, or
 * a recorded trace. */
#ifndef BENCH_SIM_ARRIVALS_H
#define BENCH_SIM_ARRIVALS_H

#include "sim.h"

struct sim_arrival_process {
    const struct sim_options *options;
    uint64_t random;
    uint64_t count;  /* Given out so far. */
    double now;      /* Seconds. */
    double gap_mean; /* While it is on. */
    double on_mean;  /* Length of a burst and of a pause; 0: always on. */
    double on_left;
};

void sim_arrivals_init(struct sim_arrival_process *a,
                       const struct sim_options *options);

/* The next arrival, INFRA_TIME_NEVER after the last. */
infra_time sim_arrivals_next(struct sim_arrival_process *a);

#endif
